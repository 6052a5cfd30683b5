/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_head.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

void
store_head_init(struct store_head *head, uint64_t next_seq)
{
    *head = (struct store_head){ .next_seq = next_seq };
}

void
store_head_fini(struct store_head *head)
{
    free(head->blocks);
    *head = (struct store_head){ .next_seq = head->next_seq };
}

/* Makes room at the end: first by leaving out blocks without live records. */
static void
store_head_grow(struct store_head *head)
{
    size_t to = 0;

    for (size_t i = head->first; i < head->len; i++) {
        if (head->blocks[i].live > 0) {
            head->blocks[to++] = head->blocks[i];
        }
    }
    head->first = 0;
    head->len = to;
    if (head->len >= head->capacity / 2) {
        head->capacity = head->capacity > 0 ? head->capacity * 2 : 4;
        head->blocks =
            xrealloc(head->blocks, head->capacity * sizeof(*head->blocks));
    }
}

void
store_head_add(struct store_head *head, uint64_t seq)
{
    uint64_t number = seq >> STORE_HEAD_BLOCK_SHIFT;

    assert(seq >= head->next_seq);
    head->next_seq = seq + 1;
    head->live++;
    if (head->len > head->first &&
        head->blocks[head->len - 1].number == number) {
        head->blocks[head->len - 1].live++;
        return;
    }
    if (head->len == head->capacity) {
        store_head_grow(head);
    }
    head->blocks[head->len++] =
        (struct store_head_block){ .number = number, .live = 1 };
}

static struct store_head_block *
store_head_find(struct store_head *head, uint64_t number)
{
    size_t low = head->first;
    size_t high = head->len;
    uint64_t ahead;

    if (low == high || number < head->blocks[low].number) {
        return NULL;
    }
    /* Blocks are dense as a rule: look there first. */
    ahead = number - head->blocks[low].number;
    if (ahead < high - low && head->blocks[low + ahead].number == number) {
        return &head->blocks[low + ahead];
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (head->blocks[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < head->len && head->blocks[low].number == number
               ? &head->blocks[low]
               : NULL;
}

bool
store_head_remove(struct store_head *head, uint64_t seq)
{
    struct store_head_block *block =
        store_head_find(head, seq >> STORE_HEAD_BLOCK_SHIFT);

    if (block == NULL || block->live == 0 || seq >= head->next_seq) {
        return false;
    }
    block->live--;
    head->live--;
    while (head->first < head->len && head->blocks[head->first].live == 0) {
        head->first++;
    }
    if (head->first == head->len) {
        head->first = 0;
        head->len = 0;
    }
    return true;
}
