/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place in a journal: which of its numbers one reader has settled.  All below
 * `position` are; above it some may be, in ranges, as acknowledgements come in
 * any order.  There are no more ranges than messages in flight, whatever the
 * backlog: what a reader passes over without taking it is settled with what it
 * takes next to it.  A pure value; no thread, no store.
 */
#pragma once
#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor_range {
    uint64_t from, to; /* from <= seq < to */
};

struct cursor {
    uint64_t position; /* the lowest number that is not settled */
    uint64_t passed;   /* all below were handed out once, or passed over */
    struct cursor_range *ranges; /* above position, in order, apart */
    size_t len;
    size_t capacity;
};

void cursor_init(struct cursor *cursor, uint64_t position);
void cursor_fini(struct cursor *cursor);

/* Settles from <= seq < to; any of them may have been before. */
void cursor_settle(struct cursor *cursor, uint64_t from, uint64_t to);

/* seq is handed out, and nothing between what was passed before and it is left
 * to this reader: that is settled.  Nothing when seq was passed already. */
void cursor_pass(struct cursor *cursor, uint64_t seq);

bool cursor_is_settled(const struct cursor *cursor, uint64_t seq);

/* How many of position <= seq < end are not settled. */
uint64_t cursor_left(const struct cursor *cursor, uint64_t end);

/* Above every number that it knows of. */
uint64_t cursor_end(const struct cursor *cursor);

/* As text, `POSITION PASSED FROM-TO FROM-TO`, in decimal. */
void cursor_encode(const struct cursor *cursor, struct buf *out);

/* False, and cursor is as cursor_init(1) makes it, when text is not one. */
bool cursor_decode(struct span text, struct cursor *cursor_out);
