/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_head.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

static void
store_head_forget_changes(struct store_head *head)
{
    head->changed_low = UINT64_MAX;
    head->changed_high = 0;
}

void
store_head_init(struct store_head *head, uint64_t next_seq)
{
    *head = (struct store_head){ .next_seq = next_seq };
    store_head_forget_changes(head);
}

void
store_head_fini(struct store_head *head)
{
    free(head->blocks);
    store_head_init(head, head->next_seq);
}

static inline void
store_head_note_change(struct store_head *head, uint64_t number)
{
    if (number < head->changed_low) {
        head->changed_low = number;
    }
    if (number > head->changed_high) {
        head->changed_high = number;
    }
}

static inline void
store_head_count_one(struct store_head_count *count,
                     struct store_head_item item)
{
    count->live++;
    count->bytes += item.bytes;
    if (item.spilled) {
        count->spilled++;
    }
}

/* What is not known of an item goes with the last one: a damaged one may have
 * been longer, or have been spilled. */
static inline void
store_head_discount_one(struct store_head_count *count,
                        struct store_head_item item)
{
    if (--count->live == 0) {
        *count = (struct store_head_count){ .live = 0 };
        return;
    }
    count->bytes -= item.bytes < count->bytes ? item.bytes : count->bytes;
    if (item.spilled && count->spilled > 0) {
        count->spilled--;
    }
}

static inline bool
store_head_is_same(const struct store_head_count *a,
                   const struct store_head_count *b)
{
    return a->live == b->live && a->spilled == b->spilled &&
           a->bytes == b->bytes;
}

/* A block that had before has now what it has. */
static inline void
store_head_sum(struct store_head *head, const struct store_head_count *before,
               const struct store_head_count *now)
{
    head->live = head->live - before->live + now->live;
    head->spilled = head->spilled - before->spilled + now->spilled;
    head->bytes = head->bytes - before->bytes + now->bytes;
}

static inline bool
store_head_is_split(const struct store_head *head, uint64_t number)
{
    return number == head->counted_to >> STORE_HEAD_BLOCK_SHIFT;
}

static void
store_head_skip_empty(struct store_head *head)
{
    while (head->first < head->len && head->blocks[head->first].now.live == 0) {
        head->first++;
    }
}

/* Makes room at the end: first by leaving out blocks of which there is nothing,
 * neither here nor on disk. */
static void
store_head_grow(struct store_head *head)
{
    size_t to = 0;

    assert(head->len == 0 || head->blocks != NULL);
    for (size_t i = 0; i < head->len; i++) {
        if (head->blocks[i].now.live > 0 || head->blocks[i].kept.live > 0) {
            head->blocks[to++] = head->blocks[i];
        }
    }
    head->first = 0;
    head->len = to;
    store_head_skip_empty(head);
    if (head->len >= head->capacity / 2) {
        head->capacity = head->capacity > 0 ? head->capacity * 2 : 1;
        head->blocks =
            xrealloc(head->blocks, head->capacity * sizeof(*head->blocks));
    }
}

static struct store_head_block *
store_head_append(struct store_head *head, uint64_t number)
{
    struct store_head_block *block;

    if (head->len == head->capacity) {
        store_head_grow(head);
    }
    assert(head->blocks != NULL);
    block = &head->blocks[head->len++];
    *block = (struct store_head_block){ .number = number };
    return block;
}

void
store_head_load(struct store_head *head, uint64_t number,
                struct store_head_count count)
{
    struct store_head_block *block = store_head_append(head, number);

    block->now = count;
    block->kept = count;
    head->live += count.live;
    head->spilled += count.spilled;
    head->bytes += count.bytes;
    store_head_skip_empty(head);
}

void
store_head_add(struct store_head *head, struct store_head_item item)
{
    uint64_t number = item.seq >> STORE_HEAD_BLOCK_SHIFT;
    struct store_head_block *block;

    assert(item.seq >= head->next_seq);
    head->next_seq = item.seq + 1;
    block = head->len > 0 ? &head->blocks[head->len - 1] : NULL;
    if (block == NULL || block->number != number) {
        block = store_head_append(head, number);
    }
    store_head_count_one(&block->now, item);
    head->live++;
    head->spilled += item.spilled ? 1 : 0;
    head->bytes += item.bytes;
    if (store_head_is_split(head, number)) {
        store_head_count_one(&head->beyond, item);
    }
    if (head->first == head->len) {
        head->first = head->len - 1;
    }
}

/* Where number is among the blocks from low on, or would be. */
static size_t
store_head_search(const struct store_head *head, size_t low, uint64_t number)
{
    size_t high = head->len;
    uint64_t ahead;

    if (low == high || number <= head->blocks[low].number) {
        return low;
    }
    /* Blocks are dense as a rule: look there first. */
    ahead = number - head->blocks[low].number;
    if (ahead < high - low && head->blocks[low + ahead].number == number) {
        return low + (size_t)ahead;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (head->blocks[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool
store_head_remove(struct store_head *head, struct store_head_item item)
{
    uint64_t number = item.seq >> STORE_HEAD_BLOCK_SHIFT;
    size_t at = store_head_search(head, head->first, number);
    struct store_head_block *block;
    struct store_head_count before;

    if (at == head->len || item.seq >= head->next_seq) {
        return false;
    }
    block = &head->blocks[at];
    if (block->number != number || block->now.live == 0) {
        return false;
    }
    before = block->now;
    store_head_discount_one(&block->now, item);
    store_head_sum(head, &before, &block->now);
    if (item.seq < head->counted_to) {
        store_head_note_change(head, number);
    } else if (store_head_is_split(head, number)) {
        store_head_discount_one(&head->beyond, item);
    }
    store_head_skip_empty(head);
    return true;
}

bool
store_head_drop(struct store_head *head, uint64_t below,
                struct store_head_block *dropped_out)
{
    const struct store_head_count none = { .live = 0 };
    struct store_head_block *block;

    if (head->live == 0) {
        return false;
    }
    block = &head->blocks[head->first];
    if ((block->number + 1) << STORE_HEAD_BLOCK_SHIFT > below &&
        below < head->next_seq) {
        return false;
    }
    *dropped_out = *block;
    store_head_sum(head, &block->now, &none);
    block->now = none;
    if (store_head_is_split(head, block->number)) {
        head->beyond = none;
    }
    if (block->number << STORE_HEAD_BLOCK_SHIFT < head->counted_to) {
        store_head_note_change(head, block->number);
    }
    store_head_skip_empty(head);
    return true;
}

void
store_head_correct(struct store_head *head, struct store_head_block *block,
                   struct store_head_count count)
{
    store_head_sum(head, &block->now, &count);
    block->now = count;
    head->first = 0;
    store_head_skip_empty(head);
    store_head_note_change(head, block->number);
}

void
store_head_count_all(struct store_head *head)
{
    store_head_note_change(head, head->counted_to >> STORE_HEAD_BLOCK_SHIFT);
    store_head_note_change(head, head->next_seq >> STORE_HEAD_BLOCK_SHIFT);
    head->counted_to = head->next_seq;
    head->beyond = (struct store_head_count){ .live = 0 };
}

bool
store_head_changed(struct store_head *head, size_t *at,
                   struct store_head_block *block_out)
{
    if (*at == 0) {
        *at = store_head_search(head, 0, head->changed_low);
    }
    while (*at < head->len && head->blocks[*at].number <= head->changed_high) {
        struct store_head_block *block = &head->blocks[(*at)++];
        struct store_head_count count = block->now;

        if (store_head_is_split(head, block->number)) {
            count.live = (uint16_t)(count.live - head->beyond.live);
            count.spilled = (uint16_t)(count.spilled - head->beyond.spilled);
            count.bytes -= head->beyond.bytes;
        }
        if (!store_head_is_same(&count, &block->kept)) {
            block->kept = count;
            *block_out = *block;
            return true;
        }
    }
    store_head_forget_changes(head);
    return false;
}
