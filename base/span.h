/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Borrowed bytes: a pointer and a length, passed by value.  Not
 * NUL-terminated.  Who lends them says until when.
 */
#pragma once
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *data;
    size_t len;
};

#define SPAN_NONE ((struct span){ .data = NULL, .len = 0 })
/* A span of a string literal. */
#define SPAN(literal)                                                          \
    ((struct span){ .data = "" literal, .len = sizeof(literal) - 1 })

static inline struct span
span_of(const char *data, size_t len)
{
    return (struct span){ .data = data, .len = len };
}

static inline struct span
span_of_text(const char *text)
{
    assert(text != NULL);
    return (struct span){ .data = text, .len = strlen(text) };
}

static inline bool
span_equal(struct span a, struct span b)
{
    /* NOLINTNEXTLINE: a span with bytes has data */
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Whether span starts with prefix. */
static inline bool
span_starts_with(struct span span, struct span prefix)
{
    return span.len >= prefix.len &&
           (prefix.len == 0 || memcmp(span.data, prefix.data, prefix.len) == 0);
}

/* As LevelDB orders keys: below, at or above 0 where a is before, equal to or
 * after b. */
int span_compare(struct span a, struct span b);

/* The rest of span after its first count bytes; count <= span.len. */
static inline struct span
span_after(struct span span, size_t count)
{
    return (struct span){ .data = span.data + count, .len = span.len - count };
}

/* ASCII only, as for header values like `True`. */
bool span_equal_nocase(struct span a, struct span b);

/* Without blanks and tabs at both ends. */
struct span span_trim(struct span span);

/* Cuts the part before the first separator off *rest and returns it; *rest
 * is left after the separator.  Without a separator all of *rest is returned
 * and *rest becomes SPAN_NONE (data == NULL marks the end). */
struct span span_split(struct span *rest, char separator);

/* Plain decimal digits only: no sign, no blank, no overflow, at least one
 * digit.  Returns false and leaves *value_out alone otherwise. */
bool span_to_u64(struct span span, uint64_t *value_out);

/* As span_to_u64, with one leading '-' allowed. */
bool span_to_i64(struct span span, int64_t *value_out);

/* `true` or `1` in any case (NMS sends `True`). */
bool span_is_true(struct span span);

/* Whether the bytes are valid UTF-8 (RFC 3629: no surrogates, no overlong). */
bool span_is_utf8(struct span span);

/* Makes len bytes valid UTF-8 in place: each byte that belongs to no valid
 * sequence becomes replacement. */
void utf8_replace_invalid(char *data, size_t len, char replacement);

/*
 * Writes span into text (size bytes with its NUL) for a log line or an error
 * text: control bytes and non-ASCII as \xNN, cut with "..." when too long.
 * Returns text.
 */
const char *span_escape(struct span span, char *text, size_t size);
