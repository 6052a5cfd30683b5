/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of the core, shared by the files of this folder alone.
 */
#pragma once
#include "policy/trie.h"
#include "server/core/core.h"
#include "server/core/queue.h"
#include "server/core/topic.h"

/* A wildcard of a subscription: stands in core.wildcards[kind]. */
struct subscription_pattern {
    struct subscription_pattern *next;
    struct subscription *sub;
    enum destination_kind kind;
    char *text;
};

struct core {
    struct core_options options;
    struct policy_map *policies;
    struct store *store;
    struct quota quota;
    struct delivery_pool pool;
    struct destination *destinations;  /* uthash by kind and name */
    uint64_t destinations_epoch;       /* goes up when one is removed */
    struct trie *wildcards[DESTINATION_KIND_COUNT];
    struct queue *dirty_queues;        /* DL list */
    struct subscription *credited;     /* DL list: credit has come back */
    struct client *awaiting;           /* DL list */
    struct client *blocked;            /* DL list */
    struct topic *recovering;
    struct lane *unreadable;           /* whose page could not be read */
    uint64_t next_order;
    uint64_t connection_count;
    int64_t now_us;
    int64_t now_ms;
    struct core_stats stats;
};

/* Credit has come back, or a new attachment has to look: core_turn will. */
void core_mark_credited(struct core *core, struct subscription *sub);

/* Counts a delivery in and out of a subscription's credit. */
void core_in_flight_add(struct subscription *sub, struct delivery *delivery);
void core_in_flight_remove(struct core *core, struct delivery *delivery);

/* Sends a copy of a queue's message to the dead letter queue, if its policy
 * says so.  The delivery itself is the caller's to settle, in the same turn, so
 * that both are one. */
void core_dead_letter(struct core *core, const struct queue *queue,
                      const struct delivery *delivery, struct span cause,
                      bool expired);

/* Whether the queue is the one that its own dead letters would go to: there a
 * NACK, `requeue:false` too, redelivers without end instead of losing the
 * message. */
bool core_is_dead_letter_queue(const struct queue *queue);

/* Publishes a MessageConsumed advisory when the policy asks for it and anyone
 * listens.  Source: activemq.md 8. */
void core_advise_consumed(struct core *core, struct queue *queue,
                          const struct delivery *delivery);
