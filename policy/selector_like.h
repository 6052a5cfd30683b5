/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of LIKE: `%` is any run of characters, `_` one character.  A
 * pattern is cut into runs between its `%`; the first and the last are tied to
 * an end of the text, each other is searched for once, from where the one
 * before it ended.  So a match takes time in proportion to the text where a
 * run has no `_`, else to the text times the run; it never goes back.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* Some characters, whichever they are, then these bytes. */
struct selector_like_piece {
    struct span literal; /* empty only at the end of a run */
    uint16_t skip;       /* characters */
    bool starts;         /* first of a run */
    uint32_t run_length; /* characters of the whole run, at its first */
};

struct selector_like {
    const struct selector_like_piece *pieces;
    uint16_t count;
    bool open_start; /* begins with `%` */
    bool open_end;
};

enum selector_like_compile {
    SELECTOR_LIKE_COMPILED,
    SELECTOR_LIKE_TOO_MANY_PIECES,
    SELECTOR_LIKE_TOO_MANY_ANY, /* SELECTOR_LIKE_ANY_MAX */
};

/*
 * Cuts the len bytes at pattern, which is overwritten with its literals and
 * must live as long as *like_out, into at most *count pieces; *count becomes
 * how many.  escape is one character, or empty; before anything but `%`, `_`
 * and itself it stands for itself.
 */
enum selector_like_compile
selector_like_compile(struct span escape, char *pattern, size_t len,
                      struct selector_like_piece *pieces, size_t *count,
                      struct selector_like *like_out);

bool selector_like_matches(const struct selector_like *like, struct span text);
