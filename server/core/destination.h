/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What queues and topics have in common: name, policy, attached subscriptions.
 * The table makes a destination with its policy at first use, and attaches the
 * wildcard subscriptions that match it.
 */
#pragma once
#include "base/destination_kind.h"
#include "base/hash.h"
#include "base/span.h"
#include "base/timer_wheel.h"
#include "policy/policy.h"
#include "server/core/subscription.h"
#include "server/core/usage.h"

#include <stdint.h>

struct buf;
struct core;
struct virtual_route;

struct destination {
    UT_hash_handle hh;
    struct core *core;
    enum destination_kind kind;
    struct topic_cursor *cursor;     /* the queue that feeds a durable
                                        subscription: kind and name are its
                                        topic's; NULL for all others */
    struct policy *policy;           /* held */
    struct virtual_route *route;     /* NULL for most: nothing is copied */
    struct client *owner;            /* temporary ones; else NULL */
    bool orphaned;                   /* its owner is gone, others use it yet */
    struct destination *owned_next;  /* the owner's others */
    struct dispatch_member *members; /* attachments that may take a message,
                                        in the dispatch policy's order */
    struct attachment *attachments;  /* DL list: all of them */
    struct timer_node slow_timer;    /* next check for slow consumers */
    size_t attachment_count;
    struct quota quota; /* memoryLimit; limit 0 = none */
    struct usage usage; /* storeLimit, tempLimit, likewise */
    uint64_t enqueued_count;
    uint64_t enqueued_seen; /* … when it was last looked at */
    int64_t idle_since_us;
    int64_t blocked_warned_us; /* when the log said that producers wait */
    uint64_t dequeued_count;
    uint64_t duplicate_count; /* sent again, known by their dedupe-id */
    size_t name_len;
    size_t key_len;
    char *key; /* one byte of kind, then the name; of a durable subscription's
                  queue then NUL, client-id, NUL, name */
};

static inline bool
destination_is_queue(const struct destination *dest)
{
    return destination_kind_is_queue(dest->kind) || dest->cursor != NULL;
}

static inline struct span
destination_name_get(const struct destination *dest)
{
    return span_of(dest->key + 1, dest->name_len);
}

/* Whether a message is to survive a restart there: as it was sent, unless the
 * policy says otherwise. */
static inline bool
destination_makes_persistent(const struct destination *dest, bool sent_so)
{
    switch (dest->policy->delivery_mode) {
    case POLICY_DELIVERY_PERSISTENT:
        return true;
    case POLICY_DELIVERY_NON_PERSISTENT:
        return false;
    case POLICY_DELIVERY_AS_SENT:
        break;
    }
    return sent_so;
}

static inline bool
destination_is_persistent(const struct destination *dest,
                          const struct message *msg)
{
    return destination_makes_persistent(dest, msg->persistent);
}

/* Appends the line `header:/queue/name`, as MESSAGE frames name it. */
void destination_append_header(struct buf *out, struct span header,
                               enum destination_kind kind, struct span name);

/* NULL when there is none of that name. */
struct destination *destination_find(struct core *core,
                                     enum destination_kind kind,
                                     struct span name);

/* Finds or makes it; never NULL.  owner: for temporary ones, else NULL. */
struct destination *destination_get(struct core *core,
                                    enum destination_kind kind,
                                    struct span name, struct client *owner);

/* The queue of a durable subscription (key: durable_key) in one topic. */
struct destination *
destination_find_durable(struct core *core, struct span topic, struct span key);
struct destination *destination_make_durable(struct topic_cursor *cursor,
                                             struct core *core,
                                             struct span topic,
                                             struct span key);

/* The durable subscription is no more, but something of it is in flight: the
 * queue goes when that is settled, and its name is free at once. */
void destination_orphan_durable(struct destination *dest);

/* A temporary destination's owner goes: it is removed now, or as soon as those
 * who were allowed to consume from it have settled what they hold. */
void destination_orphan(struct destination *dest);

/* Drops what it holds and frees.  Nobody may be attached and nothing in flight:
 * a temporary destination ends after its owner's subscriptions. */
void destination_remove(struct destination **dest);

/* Puts another policy in force (takes its own reference).  It must agree with
 * the old one in what policy_carry_over keeps. */
void destination_policy_set(struct destination *dest, struct policy *policy);

/* Attaches sub, once; a second call for the same destination does nothing.
 * A retroactive one gets its past here. */
void destination_attach(struct destination *dest, struct subscription *sub);

/* Takes the subscription out everywhere; pending messages are dropped. */
void destination_detach_all(struct subscription *sub);

/* The list order for a member that may take messages (again). */
void destination_member_insert(struct attachment *attachment);

static inline struct attachment *
attachment_of(struct dispatch_member *member)
{
    return container_of(member, struct attachment, member);
}
