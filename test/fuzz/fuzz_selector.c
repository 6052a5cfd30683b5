/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes selectors.  An input is a selector, and after a first line feed of
 * its own the values that its names get, a line each.  What must hold:
 *  - a refused one has a reason and a column inside it or just behind;
 *  - parsed again it has the same result, NOT (it) the opposite one;
 *  - with another text for the name of its equality it is never TRUE.
 */
#include "policy/selector.h"

#include "base/buf.h"
#include "test/fuzz/fuzz_target.h"

#include <assert.h>
#include <stdlib.h>

enum { FUZZ_VALUES_MAX = 8 };

struct fuzz_message {
    struct span values[FUZZ_VALUES_MAX];
    size_t count;
    const struct selector_name *replaced; /* has another text, or NULL */
};

/* The first letter of a line is the kind of its value. */
static void
fuzz_value(struct span line, struct selector_value *value_out)
{
    uint64_t bits = 0;

    if (line.len > 0) {
        memcpy(&bits, line.data, line.len < 8 ? line.len : 8);
    }
    switch (line.len > 0 ? line.data[0] : '\0') {
    case '#':
        value_out->kind = SELECTOR_VALUE_INTEGER;
        value_out->integer = (int64_t)(bits >> 8);
        return;
    case '~':
        value_out->kind = SELECTOR_VALUE_REAL;
        value_out->real = (double)(int64_t)bits / 4096.0;
        return;
    case '?':
        value_out->kind = SELECTOR_VALUE_BOOLEAN;
        value_out->boolean = (bits >> 8) != 0;
        return;
    default:
        value_out->kind = SELECTOR_VALUE_TEXT;
        value_out->text = line;
        return;
    }
}

static bool
fuzz_lookup(void *ctx, const struct selector_name *name,
            struct selector_value *value_out)
{
    const struct fuzz_message *message = ctx;

    assert(name->text.len > 0);
    assert(name->index < SELECTOR_NAMES_MAX);
    if (message->replaced != NULL && name->index == message->replaced->index) {
        value_out->kind = SELECTOR_VALUE_TEXT;
        value_out->text = SPAN("\x01 no selector has this");
        return true;
    }
    if (name->index >= message->count) {
        return false;
    }
    fuzz_value(message->values[name->index], value_out);
    return true;
}

/* Parses a copy of exactly its size and evaluates it; NULL when refused. */
static struct selector *
fuzz_parse(struct span text, struct error *err)
{
    struct buf copy = BUF_INIT;
    struct selector *selector = NULL;
    size_t count = 0;
    int result;

    buf_append_span(&copy, text);
    result = selector_parse(buf_span(&copy), &selector, err);
    buf_fini(&copy);
    assert((result == 0) == (selector != NULL));
    if (selector == NULL) {
        return NULL;
    }
    assert(span_equal(selector_text(selector), text));
    (void)selector_names(selector, &count);
    assert(count <= SELECTOR_NAMES_MAX);
    return selector;
}

static void
fuzz_check_opposite(struct span text, enum selector_result result,
                    struct fuzz_message *message)
{
    static const enum selector_result opposites[] = {
        [SELECTOR_FALSE] = SELECTOR_TRUE,
        [SELECTOR_TRUE] = SELECTOR_FALSE,
        [SELECTOR_UNKNOWN] = SELECTOR_UNKNOWN,
    };
    struct buf longer = BUF_INIT;
    struct error err = ERROR_INIT;
    struct selector *selector;

    buf_append_span(&longer, SPAN("NOT ("));
    buf_append_span(&longer, text);
    buf_append_span(&longer, SPAN("\n)")); /* it may end with a comment */
    selector = fuzz_parse(buf_span(&longer), &err);
    if (selector == NULL) {
        assert(strstr(err.text, "too deep") != NULL ||
               strstr(err.text, "too long") != NULL);
    } else if (selector_evaluate(selector, fuzz_lookup, message) !=
               opposites[result]) {
        abort();
    }
    selector_free(&selector);
    buf_fini(&longer);
}

static void
fuzz_check_equality(const struct selector *selector,
                    struct fuzz_message *message)
{
    const struct selector_name *name = NULL;
    struct span value = SPAN_NONE;

    if (selector_equality(selector, &name, &value) &&
        !span_equal(value, SPAN("\x01 no selector has this"))) {
        message->replaced = name;
        if (selector_evaluate(selector, fuzz_lookup, message) ==
            SELECTOR_TRUE) {
            abort();
        }
        message->replaced = NULL;
    }
}

static void
fuzz_message_read(struct span rest, struct fuzz_message *message)
{
    while (rest.data != NULL && message->count < FUZZ_VALUES_MAX) {
        message->values[message->count++] = span_split(&rest, '\n');
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_of((const char *)data, size);
    struct fuzz_message message = { .count = 0 };
    struct error err = ERROR_INIT;
    struct span text;
    struct selector *selector;
    struct selector *again;
    enum selector_result result;

    if (size == 0) {
        return 0;
    }
    text = span_split(&rest, '\n');
    fuzz_message_read(rest, &message);
    selector = fuzz_parse(text, &err);
    if (selector == NULL) {
        assert(err.text[0] != '\0');
        assert(err.column >= 1 && err.column <= text.len + 1);
        return 0;
    }
    assert(err.text[0] == '\0');
    result = selector_evaluate(selector, fuzz_lookup, &message);
    again = fuzz_parse(selector_text(selector), NULL);
    if (again == NULL ||
        selector_evaluate(again, fuzz_lookup, &message) != result) {
        abort();
    }
    fuzz_check_opposite(text, result, &message);
    fuzz_check_equality(selector, &message);
    selector_free(&again);
    selector_free(&selector);
    return 0;
}
