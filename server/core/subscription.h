/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One subscription: its credit, what it has in flight, and the destinations
 * that it is attached to (one, or every one that its wildcards match).
 * Loop thread only.
 */
#pragma once
#include "base/timer_wheel.h"
#include "policy/dispatch.h"
#include "policy/slow_consumer.h"
#include "server/core/delivery.h"

#include <stdbool.h>
#include <stdint.h>

struct client;
struct destination;
struct lane_scan;
struct queue_browser;
struct selector;

enum ack_mode {
    ACK_AUTO,
    ACK_CLIENT, /* cumulative within the subscription */
    ACK_CLIENT_INDIVIDUAL,
};

/* Which list an attachment's member is on. */
enum attachment_place {
    ATTACHMENT_READY,   /* destination.members: may take a message */
    ATTACHMENT_BLOCKED, /* subscription.blocked: found no credit */
    ATTACHMENT_STANDBY, /* queue.standby: an exclusive consumer has the queue */
};

/* One subscription on one concrete destination. */
struct attachment {
    struct dispatch_member member;
    enum attachment_place place;
    struct subscription *sub;
    struct destination *dest;
    struct attachment *next;                  /* the subscription's others */
    struct attachment *dest_prev, *dest_next; /* destination.attachments */
    /* Topics: what waits here for credit, oldest first. */
    struct eviction_node *pending;
    uint64_t pending_count;
    size_t pending_bytes;
    int64_t pending_limit;        /* -1 = none */
    struct timer_node soft_timer; /* set: over pendingMessageByteLimit.soft */
    uint64_t past_place;          /* awaits_past: how many messages have been
                                     published since the start before it */
    bool awaits_past;             /* its topic still reads its past */
    uint64_t discarded_count;
    /* Queues: messages of its groups that wait for its credit, by seq. */
    struct delivery *parked;
    struct slow_consumer_record slow; /* of the policy's strategy */
    int64_t slow_checked_us;          /* when it was checked last */
    bool told_slow;                   /* an advisory has said so */
    struct lane_scan *scans;          /* with a selector: one a lane */
};

/* What a MESSAGE says beside what the message says of itself. */
enum subscription_note {
    SUBSCRIPTION_NOTE_RECOVERED = 1 << 0, /* `recovered:true` */
    SUBSCRIPTION_NOTE_RETAINED = 1 << 1,  /* `ActiveMQ.Retained:true` */
    SUBSCRIPTION_NOTE_DROPPED = 1 << 2,   /* `dropped:` dropped_count */
};

struct subscription {
    struct subscription *prev, *next;               /* the client's */
    struct subscription *credit_prev, *credit_next; /* core.credited */
    bool credited;                                  /* on that list */
    bool closed; /* unsubscribed; lives on until nothing is in flight */
    bool wildcard;
    bool composite; /* of several names: one destination may match twice */
    bool hears_advisories; /* counted in core.advisory_listeners */
    bool retroactive;
    bool no_local;
    bool exclusive;
    enum ack_mode ack;
    int priority;
    uint64_t order;      /* of subscribing, over the whole core */
    int64_t since_us;    /* when it subscribed */
    int64_t last_ack_us; /* or when it subscribed, or got its first message
                            after a time with none */
    uint32_t prefetch;
    size_t prefetch_bytes;
    uint32_t in_flight_count;
    size_t in_flight_bytes;
    uint64_t dropped_count;       /* topics: discarded since its last MESSAGE */
    unsigned notes;               /* while ops->deliver runs */
    uint64_t parked_count;        /* messages of its groups that wait */
    int64_t pending_limit_wanted; /* the client's own, -1 = none */
    struct client *client;
    struct durable *durable;       /* that it is the consumer of, or NULL */
    void *ctx;                     /* the session's part */
    struct selector *selector;     /* owned; NULL = everything */
    uint64_t selector_looks;       /* messages that it was asked about … */
    uint64_t selector_picks;       /* … and how many it took */
    struct queue_browser *browser; /* while it browses; then it is attached
                                      to nothing */
    struct attachment *attachments;
    struct dispatch_member *blocked; /* attachments that found no credit */
    struct delivery *in_flight;      /* DL list, in order of delivery */
    struct delivery *pending;        /* DL list, in order of arrival */
    struct subscription_pattern *patterns; /* wildcards, for the tries */
};

/* Whether one more message may be sent to it.  One message is always allowed,
 * however large. */
bool subscription_has_credit(const struct subscription *sub);

/* Messages that it may still be given; it has credit. */
static inline size_t
subscription_credit(const struct subscription *sub)
{
    return sub->prefetch - sub->in_flight_count;
}

/* Whether credit would be of use to it. */
static inline bool
subscription_is_waiting(const struct subscription *sub)
{
    return sub->blocked != NULL || sub->pending != NULL ||
           sub->parked_count > 0 || sub->browser != NULL;
}

/* Frees an unsubscribed one once nothing of it is in flight. */
void subscription_free_if_done(struct subscription *sub);
