/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue: each message to one of the competing subscriptions, in the order of
 * arrival; what is returned un-acked stands at its old place again.  Its
 * waiting messages are in lanes (lane.h).
 */
#pragma once
#include "server/core/destination.h"
#include "server/core/lane.h"

struct queue {
    struct destination base;
    struct lane main;             /* the only lane, or that of priority 4 */
    struct lane *lanes;           /* highest priority first, main among them */
    uint64_t in_flight_count;
    uint64_t next_seq;
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

/* A journal that was found at start: of the whole queue (prioritized false), or
 * of the lane of one priority. */
void queue_adopt(struct queue *queue, bool prioritized, uint8_t priority,
                 struct store_queue *journal,
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

/* An in-flight delivery that has been unlinked is done: acknowledged, moved or
 * dropped. */
void queue_settle(struct queue *queue, struct delivery *delivery);

/* Whether some of its messages are in the store alone: others must follow. */
bool queue_is_paged(const struct queue *queue);

/* Messages that wait, resident or not. */
uint64_t queue_waiting_count(const struct queue *queue);

/* The queue of a delivery, NULL for a topic's. */
static inline struct queue *
delivery_queue(const struct delivery *delivery)
{
    return delivery->lane != NULL ? delivery->lane->queue : NULL;
}
