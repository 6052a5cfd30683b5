/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/cursor.h"

#include "base/alloc.h"

#include <stdlib.h>

void
cursor_init(struct cursor *cursor, uint64_t position)
{
    *cursor = (struct cursor){ .position = position, .passed = position };
}

void
cursor_fini(struct cursor *cursor)
{
    free(cursor->ranges);
    cursor->ranges = NULL;
    cursor->len = 0;
    cursor->capacity = 0;
}

/* The first range that ends at or after seq. */
static size_t
cursor_find(const struct cursor *cursor, uint64_t seq)
{
    size_t low = 0;
    size_t high = cursor->len;

    /* Acknowledgements come in order as a rule: at the front. */
    if (high == 0 || cursor->ranges[0].to >= seq) {
        return 0;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (cursor->ranges[middle].to < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Puts count ranges from at on away, and one in their place. */
static void
cursor_replace(struct cursor *cursor, size_t at, size_t count,
               struct cursor_range range)
{
    if (count == 0 && cursor->len == cursor->capacity) {
        cursor->capacity = cursor->capacity > 0 ? cursor->capacity * 2 : 8;
        cursor->ranges = xrealloc(cursor->ranges,
                                  cursor->capacity * sizeof(*cursor->ranges));
    }
    memmove(&cursor->ranges[at + 1], &cursor->ranges[at + count],
            (cursor->len - at - count) * sizeof(*cursor->ranges));
    cursor->ranges[at] = range;
    cursor->len = cursor->len + 1 - count;
}

static void
cursor_drop_first(struct cursor *cursor, size_t count)
{
    cursor->len -= count;
    memmove(cursor->ranges, &cursor->ranges[count],
            cursor->len * sizeof(*cursor->ranges));
}

/* The position moves to at least to, and over the ranges that it meets. */
static void
cursor_advance(struct cursor *cursor, uint64_t to)
{
    size_t met = 0;

    cursor->position = to;
    while (met < cursor->len && cursor->ranges[met].from <= cursor->position) {
        if (cursor->ranges[met].to > cursor->position) {
            cursor->position = cursor->ranges[met].to;
        }
        met++;
    }
    if (met > 0) {
        cursor_drop_first(cursor, met);
    }
    if (cursor->passed < cursor->position) {
        cursor->passed = cursor->position;
    }
}

void
cursor_settle(struct cursor *cursor, uint64_t from, uint64_t to)
{
    struct cursor_range range = { from, to };
    size_t at;
    size_t count = 0;

    if (from >= to || to <= cursor->position) {
        return;
    }
    if (from <= cursor->position) {
        cursor_advance(cursor, to);
        return;
    }
    at = cursor_find(cursor, from);
    while (at + count < cursor->len && cursor->ranges[at + count].from <= to) {
        const struct cursor_range *met = &cursor->ranges[at + count++];

        range.from = met->from < range.from ? met->from : range.from;
        range.to = met->to > range.to ? met->to : range.to;
    }
    cursor_replace(cursor, at, count, range);
}

void
cursor_pass(struct cursor *cursor, uint64_t seq)
{
    if (seq >= cursor->passed) {
        cursor_settle(cursor, cursor->passed, seq);
        cursor->passed = seq + 1;
    }
}

bool
cursor_is_settled(const struct cursor *cursor, uint64_t seq)
{
    size_t at;

    if (seq < cursor->position) {
        return true;
    }
    at = cursor_find(cursor, seq + 1);
    return at < cursor->len && cursor->ranges[at].from <= seq;
}

uint64_t
cursor_left(const struct cursor *cursor, uint64_t end)
{
    uint64_t left = end > cursor->position ? end - cursor->position : 0;

    for (size_t i = 0; i < cursor->len && cursor->ranges[i].from < end; i++) {
        const struct cursor_range *range = &cursor->ranges[i];

        left -= (range->to < end ? range->to : end) - range->from;
    }
    return left;
}

uint64_t
cursor_end(const struct cursor *cursor)
{
    uint64_t end = cursor->passed;

    if (cursor->len > 0 && cursor->ranges[cursor->len - 1].to > end) {
        end = cursor->ranges[cursor->len - 1].to;
    }
    return end;
}

void
cursor_encode(const struct cursor *cursor, struct buf *out)
{
    buf_append_u64(out, cursor->position);
    buf_append_char(out, ' ');
    buf_append_u64(out, cursor->passed);
    for (size_t i = 0; i < cursor->len; i++) {
        buf_append_char(out, ' ');
        buf_append_u64(out, cursor->ranges[i].from);
        buf_append_char(out, '-');
        buf_append_u64(out, cursor->ranges[i].to);
    }
}

bool
cursor_decode(struct span text, struct cursor *cursor_out)
{
    uint64_t position;
    uint64_t passed;

    cursor_init(cursor_out, 1);
    if (!span_to_u64(span_split(&text, ' '), &position) ||
        !span_to_u64(span_split(&text, ' '), &passed) || passed < position) {
        return false;
    }
    cursor_init(cursor_out, position);
    cursor_out->passed = passed;
    while (text.len > 0) {
        struct span rest = span_split(&text, ' ');
        struct span from = span_split(&rest, '-');
        struct cursor_range range;

        if (!span_to_u64(from, &range.from) || !span_to_u64(rest, &range.to) ||
            range.from >= range.to || range.from < position) {
            cursor_fini(cursor_out);
            cursor_init(cursor_out, 1);
            return false;
        }
        cursor_settle(cursor_out, range.from, range.to);
    }
    return true;
}
