/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message on its way to one subscription.  In a queue it begins life when
 * the message arrives, before anyone is chosen; on a topic when a subscription
 * has to wait or to acknowledge.  What the receivers share is in the message.
 */
#pragma once
#include "policy/eviction.h"
#include "server/core/message.h"
#include "storage/store.h"

#include <stdint.h>

struct attachment;
struct lane;
struct queue_delayed;
struct subscription;
struct transaction;

/* Which list prev and next are on. */
enum delivery_state {
    DELIVERY_WAITING,   /* lane.waiting, by seq */
    DELIVERY_PARKED,    /* attachment.parked: its group's owner has no credit */
    DELIVERY_DELAYED,   /* queue.delayed: refused, to be tried again later */
    DELIVERY_PENDING,   /* subscription.pending: a topic's slow subscriber */
    DELIVERY_IN_FLIGHT, /* subscription.in_flight, in order of delivery */
};

struct delivery {
    struct delivery *prev, *next;
    enum delivery_state state;
    uint8_t notes;            /* PENDING: enum subscription_note */
    uint32_t attempts;        /* how often it has been handed out */
    uint32_t attempts_kept;   /* as the store has it (attempts.h) */
    struct message *msg;      /* held */
    struct subscription *sub; /* NULL while WAITING */
    struct lane *lane;        /* its queue's; NULL for a topic's */
    struct delivery *held_prev, *held_next; /* lane.held, in any state */
    struct attachment *from;                /* PENDING: whose limit counts it;
                                               PARKED: its group's owner */
    struct queue_delayed *delayed;          /* DELAYED: its timer */
    struct transaction *tx;                 /* an ACK or NACK is held there */
    uint64_t seq;                           /* place in the queue */
    uint64_t id; /* the n of `message-id`, the session's */
    struct store_slot slot;
    struct quota *quota;  /* the destination's, charged; or NULL */
    uint32_t found_count; /* scans that know it to match */
    union {
        struct eviction_node eviction; /* on from's list while PENDING */
        int64_t delivered_us;          /* IN_FLIGHT: since when */
    };
};

/* Deliveries come and go with every message: freed ones are kept for reuse. */
struct delivery_pool {
    struct delivery *spare;
    size_t spare_count;
};

/* Takes over the reference on msg.  Never NULL. */
struct delivery *delivery_new(struct delivery_pool *pool, struct message *msg);

/* Counts it against its destination's memoryLimit until it is freed. */
static inline void
delivery_charge(struct delivery *delivery, struct quota *quota)
{
    delivery->quota = quota;
    quota_charge(quota, message_bytes(delivery->msg));
}

/* Drops the message; the delivery must be on no list. */
void delivery_free(struct delivery_pool *pool, struct delivery **delivery);

/* Frees the spare ones. */
void delivery_pool_fini(struct delivery_pool *pool);

static inline size_t
delivery_bytes(const struct delivery *delivery)
{
    return delivery->msg->tail.len;
}
