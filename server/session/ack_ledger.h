/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session has sent and waits to hear of.
 *
 * ack_ledger: deliveries in `client` modes by the number in their message-id,
 * an open-addressing table.  The numbers are scattered, although they grow by
 * one: in a dense run of them each removal would have to walk the whole run.
 *
 * sent_queue: what was sent in `auto` mode, with the place in the output where
 * its last byte stands: consumed once the kernel has taken that byte.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delivery;
struct subscription;

struct ack_ledger_slot {
    uint64_t id; /* 0 = free */
    struct delivery *delivery;
};

struct ack_ledger {
    struct ack_ledger_slot *slots;
    size_t capacity; /* power of two, or 0 */
    size_t count;
};

void ack_ledger_fini(struct ack_ledger *ledger);
/* id must not be 0 and not be there. */
void ack_ledger_add(struct ack_ledger *ledger, uint64_t id,
                    struct delivery *delivery);
/* NULL when it is not there. */
struct delivery *ack_ledger_find(const struct ack_ledger *ledger, uint64_t id);
/* False when it was not there. */
bool ack_ledger_remove(struct ack_ledger *ledger, uint64_t id);

struct sent {
    uint64_t end;   /* transport.queued_bytes after its frame */
    uint64_t bytes; /* what it took of the credit */
    struct subscription *sub;
    struct delivery *delivery; /* NULL: a topic's */
};

struct sent_queue {
    struct sent *items; /* ring */
    size_t capacity;    /* power of two, or 0 */
    size_t head;
    size_t count;
};

void sent_queue_fini(struct sent_queue *queue);
void sent_queue_push(struct sent_queue *queue, const struct sent *sent);

/* Oldest one, NULL when empty; good until the next push. */
static inline const struct sent *
sent_queue_head(const struct sent_queue *queue)
{
    return queue->count > 0 ? &queue->items[queue->head] : NULL;
}

static inline void
sent_queue_pop(struct sent_queue *queue)
{
    queue->head = (queue->head + 1) & (queue->capacity - 1);
    queue->count--;
}

/* Newest one, taken out; count > 0. */
struct sent sent_queue_pop_last(struct sent_queue *queue);
