/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destination patterns, level by level, without allocation.
 */
#include "policy/pattern.h"

/* More specific first: the order of pattern_compare. */
enum pattern_level {
    PATTERN_LEVEL_END,
    PATTERN_LEVEL_LITERAL,
    PATTERN_LEVEL_ANY,  /* `*` */
    PATTERN_LEVEL_REST, /* `>` at the end */
};

/* Cuts the next level off *rest (see span_split) into *text_out. */
static enum pattern_level
pattern_next(struct span *rest, struct span *text_out)
{
    if (rest->data == NULL) {
        *text_out = SPAN_NONE;
        return PATTERN_LEVEL_END;
    }
    *text_out = span_split(rest, '.');
    if (text_out->len != 1) {
        return PATTERN_LEVEL_LITERAL;
    }
    if (text_out->data[0] == '*') {
        return PATTERN_LEVEL_ANY;
    }
    return text_out->data[0] == '>' && rest->data == NULL
               ? PATTERN_LEVEL_REST
               : PATTERN_LEVEL_LITERAL;
}

/* An empty text has one empty level; data == NULL would mean no level. */
static struct span
pattern_start(struct span text)
{
    return text.data != NULL ? pattern_trim(text) : SPAN("");
}

struct span
pattern_trim(struct span pattern)
{
    while (pattern.len >= 3 &&
           memcmp(pattern.data + pattern.len - 3, ">.>", 3) == 0 &&
           (pattern.len == 3 || pattern.data[pattern.len - 4] == '.')) {
        pattern.len -= 2;
    }
    return pattern;
}

bool
pattern_matches(struct span pattern, struct span name)
{
    struct span rest = pattern_start(pattern);
    struct span name_rest = name.data != NULL ? name : SPAN("");

    for (;;) {
        struct span text;
        enum pattern_level level = pattern_next(&rest, &text);

        if (level == PATTERN_LEVEL_REST) {
            return true;
        }
        if (level == PATTERN_LEVEL_END || name_rest.data == NULL) {
            return level == PATTERN_LEVEL_END && name_rest.data == NULL;
        }
        if (!span_equal(text, span_split(&name_rest, '.')) &&
            level != PATTERN_LEVEL_ANY) {
            return false;
        }
    }
}

bool
pattern_has_wildcard(struct span text)
{
    struct span rest = pattern_start(text);
    struct span level_text;
    enum pattern_level level;

    do {
        level = pattern_next(&rest, &level_text);
    } while (level == PATTERN_LEVEL_LITERAL);
    return level != PATTERN_LEVEL_END;
}

static int
pattern_compare_text(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

int
pattern_compare(struct span a, struct span b)
{
    struct span a_rest = pattern_start(a);
    struct span b_rest = pattern_start(b);

    for (;;) {
        struct span a_text;
        struct span b_text;
        enum pattern_level a_level = pattern_next(&a_rest, &a_text);
        enum pattern_level b_level = pattern_next(&b_rest, &b_text);
        int order;

        if (a_level != b_level) {
            return a_level < b_level ? -1 : 1;
        }
        if (a_level == PATTERN_LEVEL_END || a_level == PATTERN_LEVEL_REST) {
            return 0;
        }
        order = pattern_compare_text(a_text, b_text);
        if (order != 0) {
            return order;
        }
    }
}
