/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a selector takes per message.  Each name is searched for in a
 * block of six headers in wire form, as a message holds them, from its start;
 * the block changes from message to message, as in a queue.  Prints one line
 * per case, the fastest of several rounds; never fails.
 */
#include "base/clock.h"
#include "policy/selector.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BENCH_ROUNDS = 15,
    BENCH_PASSES = 50000, /* over all messages, per round */
    BENCH_MESSAGES = 4,
};

#define BENCH_HEADERS                                                          \
    "destination:/queue/orders.eu\ncontent-type:application/json\n"            \
    "content-length:256\npersistent:true\n"

static const char *const bench_messages[BENCH_MESSAGES] = {
    BENCH_HEADERS "color:red\nsize:7\n",
    BENCH_HEADERS "color:blue\nsize:12\n",
    BENCH_HEADERS "color:red\nsize:3\n",
    BENCH_HEADERS "color:green\nsize:10.5\n",
};

static const char *const bench_selectors[] = {
    "TRUE",
    "color = 'red'",
    "color = 'red' AND size > 5",
    "size > 5 AND color = 'red'",
    "color IN ('blue', 'green') OR size BETWEEN 5 AND 9",
    "destination LIKE '/queue/%.eu' AND size > 5",
    "content-type LIKE '%js_n%'",
    "(size + 1) * 2 >= 9 AND NOT color = 'green'",
    "missing = 'x' OR other IS NULL",
    "JMSPriority > 4 AND color = 'red'",
};

static bool
bench_lookup(void *ctx, const struct selector_name *name,
             struct selector_value *value_out)
{
    struct span block = *(const struct span *)ctx;
    const char *end = block.data + block.len;
    const char *line = block.data;

    if (name->field == SELECTOR_FIELD_JMS_PRIORITY) {
        value_out->kind = SELECTOR_VALUE_INTEGER;
        value_out->integer = 4;
        return true;
    }
    while (line < end) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)(eol - line);

        if (len > name->text.len && line[name->text.len] == ':' &&
            memcmp(line, name->text.data, name->text.len) == 0) {
            value_out->kind = SELECTOR_VALUE_TEXT;
            value_out->text =
                span_of(line + name->text.len + 1, len - name->text.len - 1);
            return true;
        }
        line = eol + 1;
    }
    return false;
}

static void
bench_run(const char *text)
{
    struct selector *selector = NULL;
    struct span blocks[BENCH_MESSAGES];
    int64_t best_us = INT64_MAX;
    size_t selected = 0;

    if (selector_parse(span_of_text(text), &selector, NULL) != 0) {
        (void)fprintf(stderr, "bench_selector: %s is refused\n", text);
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < BENCH_MESSAGES; i++) {
        blocks[i] = span_of_text(bench_messages[i]);
    }
    for (int round = 0; round < BENCH_ROUNDS; round++) {
        int64_t start_us = clock_monotonic_us();
        int64_t took_us;

        selected = 0;
        for (int pass = 0; pass < BENCH_PASSES; pass++) {
            for (size_t i = 0; i < BENCH_MESSAGES; i++) {
                selected += selector_evaluate(selector, bench_lookup,
                                              &blocks[i]) == SELECTOR_TRUE;
            }
        }
        took_us = clock_monotonic_us() - start_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    (void)printf("%-52s %6.1f ns/message, %zu of %d selected\n", text,
                 (double)best_us * 1000.0 / (BENCH_PASSES * BENCH_MESSAGES),
                 selected / BENCH_PASSES, BENCH_MESSAGES);
    selector_free(&selector);
}

static void
bench_parse(const char *text)
{
    int64_t best_us = INT64_MAX;

    for (int round = 0; round < BENCH_ROUNDS; round++) {
        int64_t start_us = clock_monotonic_us();
        int64_t took_us;

        for (int pass = 0; pass < BENCH_PASSES / 100; pass++) {
            struct selector *selector = NULL;

            (void)selector_parse(span_of_text(text), &selector, NULL);
            selector_free(&selector);
        }
        took_us = clock_monotonic_us() - start_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    (void)printf("parsing %-44s %6.1f us\n", text,
                 (double)best_us / (BENCH_PASSES / 100));
}

int
main(void)
{
    for (size_t i = 0; i < sizeof(bench_selectors) / sizeof(bench_selectors[0]);
         i++) {
        bench_run(bench_selectors[i]);
    }
    bench_parse("color = 'red' AND size > 5");
    return EXIT_SUCCESS;
}
