/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue: each message to one of the competing subscriptions, in the order of
 * arrival; what is returned un-acked stands at its old place again.  Its
 * waiting messages are in lanes (lane.h).
 */
#pragma once
#include "base/timer_wheel.h"
#include "server/core/destination.h"
#include "server/core/lane.h"

struct attempts;
struct queue_walk;

struct queue {
    struct destination base;
    struct lane main;   /* the only lane, or that of priority 4 */
    struct lane *lanes; /* highest priority first, main among them */
    uint64_t in_flight_count;
    uint64_t next_seq;
    /* Consumers (queue_members.c). */
    struct attachment *exclusive;    /* the one that gets everything */
    size_t selecting_count;          /* attached ones with a selector */
    struct dispatch_member *standby; /* the others while there is one */
    struct timer_node hold_timer;
    bool held;                          /* dispatch has not started yet */
    struct attempts *attempts;          /* found at the start, or NULL */
    struct message_group_state *groups; /* NULL until one is seen */
    struct queue_delayed *delayed;      /* DL list: to be tried again later */
    uint64_t delayed_count;
    struct queue_walk *walks;              /* DL list: browsers and purges */
    int64_t expire_due_us;                 /* next look for expired messages */
    struct queue *dirty_prev, *dirty_next; /* core.dirty_queues */
    bool dirty;
    bool damaged; /* records were lost that base.usage may count yet */
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

/* A consumer has come: it becomes ready, or stands by.  The attachment is on no
 * list of members yet. */
void queue_on_attach(struct queue *queue, struct attachment *attachment);

/* A consumer goes: takes it off every list of the queue; the messages that were
 * kept for it go to others. */
void queue_on_detach(struct queue *queue, struct attachment *attachment);

/* A consumer has credit again: what was kept for it first, then its turn. */
void queue_member_ready(struct attachment *attachment);

/* Hands out what is parked for it while there is credit. */
void queue_unpark(struct attachment *attachment);

/* Adds a message (takes its own reference); persistent as the policy decided.
 * Dispatch comes at the end of the turn. */
void queue_push(struct queue *queue, struct message *msg, bool persistent);

/* The same with a message that the log of a topic has given the number seq, for
 * the queue of a durable subscription (topic_log.h).  page: it is to be left to
 * the store, where slot says that it is. */
void queue_push_logged(struct queue *queue, struct message *msg, uint64_t seq,
                       struct store_slot slot, bool page);

/* Makes the queue be there after a restart too, with nothing in it; as soon as
 * something has been stored in it, it is anyway. */
void queue_keep(struct queue *queue);

/* At the end of a turn: hands out at most budget messages.  True when it could
 * go on. */
bool queue_dispatch(struct queue *queue, size_t budget);

/* Asks for queue_dispatch at the end of the turn. */
void queue_mark_dirty(struct queue *queue);

/* Puts an in-flight delivery that has been unlinked back at its place. */
void queue_return(struct queue *queue, struct delivery *delivery);

/* The same after delay_us (> 0); others go ahead meanwhile. */
void queue_return_later(struct queue *queue, struct delivery *delivery,
                        int64_t delay_us);

/* An in-flight delivery that has been unlinked is done: acknowledged, moved or
 * dropped. */
void queue_settle(struct queue *queue, struct delivery *delivery);

/* Takes out what has expired among the first max resident messages of each
 * lane, whether or not anybody reads the queue. */
void queue_expire_waiting(struct queue *queue, uint32_t max);

/* Drops every message that waits: its temporary destination ends. */
void queue_drop_waiting(struct queue *queue);

/* Removes what the store keeps for it: it is empty and about to go. */
void queue_remove_journals(struct queue *queue);

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
