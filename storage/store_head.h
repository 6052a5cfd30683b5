/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a journal begins: a lower bound of its lowest live record, kept in
 * memory so that nobody ever seeks over the tombstones of what was consumed
 * (netstore.md, D1).  Counts live records per block of 1024 numbers; 16 bytes
 * for each block that has any, whatever the order of the deletes.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STORE_HEAD_BLOCK_SHIFT = 10 };

struct store_head_block {
    uint64_t number; /* seq >> STORE_HEAD_BLOCK_SHIFT */
    uint64_t live;
};

struct store_head {
    struct store_head_block *blocks; /* by number; the first one has live */
    size_t first;
    size_t len;
    size_t capacity;
    uint64_t live;
    uint64_t next_seq; /* above all that were added */
};

/* next_seq: the first number that may be added. */
void store_head_init(struct store_head *head, uint64_t next_seq);
void store_head_fini(struct store_head *head);

/* seq >= head->next_seq, which moves behind it. */
void store_head_add(struct store_head *head, uint64_t seq);

/* Returns false, and changes nothing, when no live record can have seq. */
bool store_head_remove(struct store_head *head, uint64_t seq);

/* No live record is below it, and if there is one at all, one is less than a
 * block above it. */
static inline uint64_t
store_head_seq(const struct store_head *head)
{
    return head->live == 0
               ? head->next_seq
               : head->blocks[head->first].number << STORE_HEAD_BLOCK_SHIFT;
}
