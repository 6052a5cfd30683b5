/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One subscription: its credit, what it has in flight, and the destinations
 * that it is attached to (one, or every one that its wildcards match).
 * Loop thread only.
 */
#pragma once
#include "policy/dispatch.h"
#include "server/core/delivery.h"

#include <stdbool.h>
#include <stdint.h>

struct client;
struct destination;

enum ack_mode {
    ACK_AUTO,
    ACK_CLIENT,            /* cumulative within the subscription */
    ACK_CLIENT_INDIVIDUAL,
};

/* One subscription on one concrete destination. */
struct attachment {
    struct dispatch_member member; /* on destination.members, or on
                                      subscription.blocked */
    bool blocked;                  /* which of the two */
    struct subscription *sub;
    struct destination *dest;
    struct attachment *next;       /* the subscription's others */
    /* Topics: what waits here for credit, oldest first. */
    struct eviction_node *pending;
    uint64_t pending_count;
    int64_t pending_limit;         /* -1 = none */
    uint64_t discarded_count;
};

struct subscription {
    struct subscription *prev, *next;        /* the client's */
    struct subscription *credit_prev, *credit_next; /* core.credited */
    bool credited;                           /* on that list */
    bool closed;        /* unsubscribed; lives on until nothing is in flight */
    bool wildcard;
    bool retroactive;
    bool no_local;
    enum ack_mode ack;
    int priority;
    uint64_t order;     /* of subscribing, over the whole core */
    uint32_t prefetch;
    size_t prefetch_bytes;
    uint32_t in_flight_count;
    size_t in_flight_bytes;
    int64_t pending_limit_wanted; /* the client's own, -1 = none */
    struct client *client;
    void *ctx;                    /* the session's part */
    struct attachment *attachments;
    struct dispatch_member *blocked; /* attachments that found no credit */
    struct delivery *in_flight;   /* DL list, in order of delivery */
    struct delivery *pending;     /* DL list, in order of arrival */
    struct subscription_pattern *patterns; /* wildcards, for the tries */
};

/* Whether one more message may be sent to it.  One message is always allowed,
 * however large. */
bool subscription_has_credit(const struct subscription *sub);

/* Frees an unsubscribed one once nothing of it is in flight. */
void subscription_free_if_done(struct subscription *sub);
