/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of the core, shared by the files of this folder alone.
 */
#pragma once
#include "base/timer_wheel.h"
#include "policy/trie.h"
#include "server/core/advisory.h"
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
    struct virtual_table *virtuals;
    struct store *store;
    struct quota quota; /* memory */
    struct usage usage;
    struct policy_ceilings ceilings;
    struct dedupe *dedupe;
    struct schedule *schedule;
    struct delivery_pool pool;
    struct destination *destinations; /* uthash by kind and name */
    uint64_t destinations_epoch;      /* goes up when one is removed */
    struct trie *wildcards[DESTINATION_KIND_COUNT];
    struct durable *durables;      /* uthash by client-id and name */
    struct trie *durable_patterns; /* of struct durable_target */
    struct topic_cursor *dirty_cursors;
    struct queue *dirty_queues;    /* DL list */
    struct subscription *credited; /* DL list: credit has come back */
    size_t credited_count;
    struct client *clients;    /* DL list: that have logged in */
    struct client *awaiting;   /* DL list */
    size_t advisory_listeners; /* subscriptions that may want some */
    struct client *blocked;    /* DL list */
    struct topic *recovering;  /* with a past, to be swept */
    struct timer_wheel *timers;
    struct lane *unreadable; /* whose page could not be read */
    struct lane *turns;      /* DL list: that may be read one after the other */
    unsigned reading_count;  /* lanes that are read now */
    uint64_t next_order;
    uint64_t connection_count;
    uint64_t client_count;
    bool closing;        /* destinations end, but stay in the store */
    bool dead_lettering; /* what a dead letter displaces has none */
    uint64_t chance;     /* core_chance */
    int64_t now_us;
    int64_t now_ms;
    struct core_stats stats;
};

/* What a message for dest itself finds no room in. */
enum core_room core_find_lack(const struct core *core, struct destination *dest,
                              bool persistent);

/* Whether a message is to survive a restart there. */
bool core_keeps(struct destination *dest, bool persistent);

/* Whether it would have to be kept by the store: for that reason, or to follow
 * others that are in the store alone. */
bool core_needs_store(struct destination *dest, bool persistent);

/* Producers that wait for what is there again go on. */
void core_resume_blocked(struct core *core);
void core_client_unblock(struct client *client);

/* Whether a message can be put to dest now: not when the store that would have
 * to keep it has failed. */
bool core_can_put(const struct core *core, struct destination *dest,
                  const struct message *msg);

/* Puts it there, and nowhere else.  True when a RECEIPT has to wait for the
 * disk. */
bool core_put(struct core *core, struct destination *dest, struct message *msg,
              const struct send_options *options);

/* What core_prepare has made of a message that is to be sent later; one
 * reference. */
struct message *core_prepared_take_scheduled(struct core_prepared *prepared);

/* Credit has come back, or a new attachment has to look: core_turn will. */
void core_mark_credited(struct core *core, struct subscription *sub);

/* It looks now, or never again. */
void core_unmark_credited(struct core *core, struct subscription *sub);

/* A destination goes: nobody waits for its room any more. */
void core_forget_blocked(struct core *core, const struct destination *dest);

/* Counts a delivery in and out of a subscription's credit. */
void core_in_flight_add(struct subscription *sub, struct delivery *delivery);
void core_in_flight_remove(struct core *core, struct delivery *delivery);

enum dead_letter_reason {
    DEAD_LETTER_REFUSED,
    DEAD_LETTER_EXPIRED,
    DEAD_LETTER_DISCARDED, /* a topic's subscription was too slow */
};

/* Sends a copy of a message of dest to the dead letter queue, if the policy
 * says so: of a topic's message one copy, however many subscriptions lose it.
 * A queue's delivery is the caller's to settle, in the same turn, so that both
 * are one.  False when memory is out or the store has failed: then it must not
 * be settled. */
bool core_dead_letter(struct core *core, const struct destination *dest,
                      struct message *msg, struct span cause,
                      enum dead_letter_reason reason);

/* Whether the queue is the one that its own dead letters would go to: there a
 * NACK, `requeue:false` too, redelivers without end instead of losing the
 * message. */
bool core_is_dead_letter_queue(const struct queue *queue);

/* advisory_message, for the hot path: next to nothing while nobody listens. */
static inline void
core_advise(struct core *core, enum advisory_event event,
            const struct destination *dest, const struct message *msg,
            const struct subscription *sub)
{
    if (core->advisory_listeners > 0) {
        advisory_message(core, event, dest, msg, sub);
    }
}
