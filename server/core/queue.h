/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue: each message to one of the competing subscriptions, in the order of
 * arrival; what is returned un-acked stands at its old place again.
 *
 * The head of the queue is resident; when it grows past its window, what comes
 * later lives in the store alone (at no memory per message) and is read back in
 * pages ahead of the consumers.
 */
#pragma once
#include "server/core/destination.h"

struct queue {
    struct destination base;
    struct delivery *waiting;     /* DL list by seq; all below paged_from */
    uint64_t waiting_count;
    size_t waiting_bytes;
    uint64_t in_flight_count;
    uint64_t next_seq;
    struct store_queue *journal;  /* NULL until something is stored */
    /* What lives in the store alone: every record from paged_from on. */
    uint64_t paged_from;
    uint64_t paged_count;
    uint64_t paged_since_fetch;   /* of paged_count, put after the fetch began */
    struct store_fetch *fetch;
    struct queue *dirty_prev, *dirty_next; /* core.dirty_queues */
    bool dirty;
};

static inline struct queue *
queue_of(struct destination *dest)
{
    return container_of(dest, struct queue, base);
}

struct destination *queue_new(void);
void queue_free(struct queue *queue);

/* A journal that was found at start. */
void queue_adopt(struct queue *queue, struct store_queue *journal,
                 const struct store_queue_info *info);

/* Adds a message (takes its own reference); persistent as the policy decided.
 * Dispatch comes at the end of the turn. */
void queue_push(struct queue *queue, struct message *msg, bool persistent);

/* At the end of a turn: hands out at most budget messages.  True when it could
 * go on. */
bool queue_dispatch(struct queue *queue, size_t budget);

/* Asks for queue_dispatch at the end of the turn. */
void queue_mark_dirty(struct queue *queue);

/* Puts an in-flight delivery that has been unlinked back at its place. */
void queue_return(struct queue *queue, struct delivery *delivery);

/* The delivery is done: acknowledged, moved or dropped.  Frees it; removes its
 * record. */
void queue_remove_delivery(struct queue *queue, struct delivery *delivery);
