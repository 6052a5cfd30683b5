/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destination texts into names.
 * Source: activemq.md 1.1, 11.3; design.md section 5.
 */
#include "protocol/destination_name.h"

#include "base/secret.h"

#include <string.h>

enum { DESTINATION_SHOWN_BYTES = 96 };

#define DESTINATION_ACCEPTED                                                   \
    "/queue/NAME, /topic/NAME, /temp-queue/NAME or /temp-topic/NAME"

struct destination_prefix {
    struct span text;
    enum destination_kind kind;
    bool remote;
};

#define PREFIX(literal)                                                        \
    {                                                                          \
        .data = (literal), .len = sizeof(literal) - 1                          \
    }

/* The first row of a kind is how we write it. */
static const struct destination_prefix destination_prefixes[] = {
    { PREFIX("/queue/"), DESTINATION_QUEUE, false },
    { PREFIX("/topic/"), DESTINATION_TOPIC, false },
    { PREFIX("/temp-queue/"), DESTINATION_TEMP_QUEUE, false },
    { PREFIX("/temp-topic/"), DESTINATION_TEMP_TOPIC, false },
    { PREFIX("/remote-temp-queue/"), DESTINATION_TEMP_QUEUE, true },
    { PREFIX("/remote-temp-topic/"), DESTINATION_TEMP_TOPIC, true },
    { PREFIX("queue://"), DESTINATION_QUEUE, false },
    { PREFIX("topic://"), DESTINATION_TOPIC, false },
    { PREFIX("temp-queue://"), DESTINATION_TEMP_QUEUE, false },
    { PREFIX("temp-topic://"), DESTINATION_TEMP_TOPIC, false },
    { PREFIX("remote-temp-queue://"), DESTINATION_TEMP_QUEUE, true },
    { PREFIX("remote-temp-topic://"), DESTINATION_TEMP_TOPIC, true },
};
enum {
    DESTINATION_PREFIX_COUNT =
        sizeof(destination_prefixes) / sizeof(destination_prefixes[0])
};

static const struct destination_prefix *
destination_prefix_of(struct span item)
{
    for (size_t i = 0; i < DESTINATION_PREFIX_COUNT; i++) {
        if (span_starts_with(item, destination_prefixes[i].text)) {
            return &destination_prefixes[i];
        }
    }
    return NULL;
}

static bool
destination_name_has_control(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];

        if (c < 0x20 || c == 0x7F) {
            return true;
        }
    }
    return false;
}

static int __attribute__((cold))
destination_name_refuse(struct span name, struct span text, struct error *err)
{
    char shown[DESTINATION_SHOWN_BYTES];

    (void)secret_escape(text, shown, sizeof(shown));
    if (name.len == 0) {
        return error_set(
            err,
            "destination \"%s\" lacks a name; expected " DESTINATION_ACCEPTED,
            shown);
    }
    if (name.len > DESTINATION_NAME_BYTES) {
        return error_set(err,
                         "a name of %zu bytes in destination \"%s\" is "
                         "above the limit of %d bytes",
                         name.len, shown, (int)DESTINATION_NAME_BYTES);
    }
    return error_set(err,
                     "destination \"%s\" holds a control character; "
                     "a name may have any other",
                     shown);
}

static int
destination_name_check(struct span name, struct span text, struct error *err)
{
    if (name.len == 0 || name.len > DESTINATION_NAME_BYTES ||
        destination_name_has_control(name)) {
        return destination_name_refuse(name, text, err);
    }
    return 0;
}

/* Reads one item, trimmed and not empty.  whole is the prefix that items
 * without one inherit, NULL before the first. */
static int
destination_name_read(struct span item, const struct destination_prefix **whole,
                      const struct destination_name_options *options,
                      struct destination_name *name_out, struct error *err)
{
    const struct destination_prefix *prefix = destination_prefix_of(item);
    char shown[DESTINATION_SHOWN_BYTES];
    struct span name = item;

    if (prefix != NULL) {
        name = span_trim(span_after(item, prefix->text.len));
        *whole = *whole != NULL ? *whole : prefix;
    } else if (*whole == NULL && options != NULL && options->refuse_plain) {
        return error_set(err,
                         "destination \"%s\" has no known prefix; "
                         "expected " DESTINATION_ACCEPTED,
                         secret_escape(item, shown, sizeof(shown)));
    } else {
        prefix = *whole;
    }
    *name_out = (struct destination_name){
        .kind = prefix != NULL ? prefix->kind : DESTINATION_QUEUE,
        .remote = prefix != NULL && prefix->remote,
        .wildcard = destination_name_has_wildcard(name),
        .name = name,
    };
    return destination_name_check(name, item, err);
}

static bool
destination_name_is_repeat(const struct destination_name *names, size_t count,
                           const struct destination_name *name)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].kind == name->kind && names[i].remote == name->remote &&
            span_equal(names[i].name, name->name)) {
            return true;
        }
    }
    return false;
}

int
destination_name_parse(struct span text,
                       const struct destination_name_options *options,
                       struct destination_name *names_out, size_t *count_out,
                       struct error *err)
{
    const struct destination_prefix *whole = NULL;
    struct span rest = text;
    struct destination_name name;
    size_t count = 0;

    /* ActiveMQ: the first '?' ends all names; options are of the whole. */
    rest = span_split(&rest, '?');
    while (rest.data != NULL) {
        struct span item = span_trim(span_split(&rest, ','));

        if (item.len == 0) {
            continue;
        }
        if (destination_name_read(item, &whole, options, &name, err) < 0) {
            return -1;
        }
        if (destination_name_is_repeat(names_out, count, &name)) {
            continue;
        }
        if (count == DESTINATION_COMPOSITE_COUNT) {
            return error_set(err,
                             "a composite destination has more than %d "
                             "names",
                             (int)DESTINATION_COMPOSITE_COUNT);
        }
        names_out[count++] = name;
    }
    *count_out = count;
    return count > 0 ? 0 : destination_name_check(SPAN_NONE, text, err);
}

bool
destination_name_has_wildcard(struct span name)
{
    struct span rest = name;

    while (rest.data != NULL) {
        struct span level = span_split(&rest, '.');

        if (span_equal(level, SPAN("*")) ||
            (rest.data == NULL && span_equal(level, SPAN(">")))) {
            return true;
        }
    }
    return false;
}

struct span
destination_name_prefix(enum destination_kind kind)
{
    const struct destination_prefix *prefix = destination_prefixes;

    while (prefix->kind != kind) {
        prefix++;
    }
    return prefix->text;
}
