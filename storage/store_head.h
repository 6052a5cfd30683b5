/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many records of a journal are there, in blocks of 1024 numbers: 40 bytes
 * for each block that has any, whatever the order of the deletes.  The first
 * block with a live record bounds the journal's lowest one, so that nobody ever
 * seeks over the tombstones of what was consumed (netstore.md, D1).
 *
 * The counts are also on disk, for all numbers below counted_to: a delete there
 * changes its block in the batch of the delete (store_head_changed says which).
 * What was added since is counted at the next start, until counted_to moves on.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORE_HEAD_BLOCK_SHIFT = 10,
    STORE_HEAD_BLOCK_SIZE = 1 << STORE_HEAD_BLOCK_SHIFT,
};

/* Records of a block. */
struct store_head_count {
    uint16_t live;
    uint16_t spilled; /* of live: not persistent */
    uint64_t bytes;   /* of live */
};

/* One record. */
struct store_head_item {
    uint64_t seq;
    uint32_t bytes;
    bool spilled;
};

struct store_head_block {
    uint64_t number; /* seq >> STORE_HEAD_BLOCK_SHIFT */
    struct store_head_count now;
    struct store_head_count kept; /* below counted_to, as on disk or soon */
};

struct store_head {
    struct store_head_block *blocks; /* by number; have live, or had on disk */
    size_t first;                    /* the first one with live */
    size_t len;
    size_t capacity;
    uint64_t live;
    uint64_t spilled;  /* of live */
    uint64_t bytes;    /* of live */
    uint64_t next_seq; /* above all that were added */
    uint64_t counted_to;
    struct store_head_count beyond; /* of its block, from counted_to on */
    uint64_t changed_low; /* below counted_to no other block differs from its */
    uint64_t changed_high; /* kept counts; low above high: none does */
};

/* next_seq: the first number that may be added.  counted_to is 0. */
void store_head_init(struct store_head *head, uint64_t next_seq);
void store_head_fini(struct store_head *head);

/* A block as it is on disk; above every block that is known. */
void store_head_load(struct store_head *head, uint64_t number,
                     struct store_head_count count);

/* item.seq >= head->next_seq, which moves behind it. */
void store_head_add(struct store_head *head, struct store_head_item item);

/* Returns false, and changes nothing, when no live record can have item.seq. */
bool store_head_remove(struct store_head *head, struct store_head_item item);

/* Takes out the first block that has live records, when none of them is at or
 * above `below` (or nothing that was ever added is).  False when there is none
 * such; else *dropped_out is the block as it was. */
bool store_head_drop(struct store_head *head, uint64_t below,
                     struct store_head_block *dropped_out);

/* Sets what a block of the vector really has. */
void store_head_correct(struct store_head *head, struct store_head_block *block,
                        struct store_head_count count);

/* Moves counted_to behind all that was added. */
void store_head_count_all(struct store_head *head);

/* The next block whose counts are to go to disk, which they do now: number and
 * kept of *block_out; *at is 0 at first.  Once it returned false nothing is
 * changed. */
bool store_head_changed(struct store_head *head, size_t *at,
                        struct store_head_block *block_out);

/* No live record is below it, and if there is one at all, one is less than a
 * block above it. */
static inline uint64_t
store_head_seq(const struct store_head *head)
{
    return head->live == 0
               ? head->next_seq
               : head->blocks[head->first].number << STORE_HEAD_BLOCK_SHIFT;
}
