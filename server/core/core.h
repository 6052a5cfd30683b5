/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routing core: destinations, subscriptions, credit, acknowledgement.  The
 * façade that sessions call.  No descriptor, no clock: the time is given.
 * Loop thread only; nothing blocks.
 *
 * Sending, acknowledging and subscribing change state at once; what follows
 * from it for consumers (dispatch) comes in core_turn, at the end of the turn.
 */
#pragma once
#include "policy/policy_map.h"
#include "server/core/dedupe.h"
#include "server/core/destination.h"
#include "server/core/quota.h"
#include "server/core/transaction.h"
#include "storage/store.h"

#include <stdbool.h>
#include <stdint.h>

struct core; /* opaque: defined in core_private.h */

struct core_options {
    int64_t now_us;              /* monotonic, for the timers' beginning */
    size_t memory_bytes;         /* all resident messages; 1 GiB */
    size_t store_bytes;          /* persistent ones in the store; 0 = any */
    size_t temp_bytes;           /* others in the store; 0 = any */
    size_t disk_bytes;           /* what parts of those two are of, where they
                                    are 0 */
    size_t queue_resident_bytes; /* per queue, then it is paged; 4 MiB */
    size_t prefetch_bytes;       /* in flight per subscription; 1 MiB */
    struct dedupe_options dedupe;
    const char *broker_name; /* in advisory messages; borrowed */
    bool use_async_send;     /* broker-wide */
    bool use_async_send_set;
    int64_t durable_timeout_us; /* durable subscriptions that nobody uses for
                                   so long are removed; -1 = never */
};
extern const struct core_options core_options_default;

/* What a SEND can find no room in. */
enum core_room {
    CORE_ROOM_ENOUGH,
    CORE_ROOM_WRITES,      /* the store's queue of writes: for a moment */
    CORE_ROOM_MEMORY,      /* limits.memory */
    CORE_ROOM_DEST_MEMORY, /* memoryLimit */
    CORE_ROOM_STORE,       /* storage.limit, up to storeUsageHighWaterMark */
    CORE_ROOM_DEST_STORE,  /* storeLimit */
    CORE_ROOM_TEMP,        /* storage.tempLimit */
    CORE_ROOM_DEST_TEMP,   /* tempLimit */
    CORE_ROOM_DISK,        /* the store has failed, or its disk is full */
};

struct core_lack {
    enum core_room room;
    bool persistent;          /* as the sender asks for */
    struct destination *dest; /* that the message was for, or a copy of it;
                                 NULL: it is gone */
};

/* How the core speaks to a client.  Called in core_turn, or where said. */
struct client_ops {
    /* Send msg now.  delivery == NULL: nothing will be acknowledged, call
     * core_sent when it has left (topics, `auto`).  Must not call back. */
    void (*deliver)(void *ctx, struct subscription *sub, struct message *msg,
                    struct delivery *delivery);
    /* core_client_await: batches up to ticket have ended. */
    void (*stored)(void *ctx, store_ticket ticket, enum store_result result,
                   const struct error *err);
    /* core_client_block: producers may go on. */
    void (*resume)(void *ctx);
    /* A subscription was ended by the broker: it must not be used any more.
     * why is a word or two, reason a sentence.  connection: the whole
     * connection is to go. */
    void (*ended)(void *ctx, struct subscription *sub, const char *why,
                  const char *reason, bool connection);
    /* A browser has been shown all.  Must not call back. */
    void (*browsed)(void *ctx, struct subscription *sub);
};

/* One connection, as the core sees it; embedded in the session. */
struct client {
    const struct client_ops *ops;
    void *ctx;
    const char *name; /* of the session; borrowed */
    const char *peer;
    const char *client_id; /* of its CONNECT; NULL: none */
    uint64_t order;        /* from 1, never used again */
    struct core *core;
    struct subscription *subscriptions; /* DL list, closed ones included */
    struct destination *owned;          /* temporary destinations */
    uint64_t unacked_count;             /* in flight, not `auto` */
    bool congested;                     /* its out buffer is full */
    bool connected;                     /* on core.clients */
    bool stopped;                       /* nothing more is delivered to it */
    bool awaiting;                      /* on core.awaiting */
    bool blocked;                       /* on core.blocked */
    struct client *core_prev, *core_next;
    struct client *await_prev, *await_next;
    struct client *block_prev, *block_next;
    struct core_lack lack; /* what it waits for */
};

struct core_stats {
    uint64_t received, delivered, acknowledged, dead_lettered, discarded,
        expired, aborted, duplicates;
    uint64_t scheduled; /* wait for their time now */
    size_t queues, topics, subscriptions, memory_bytes, timers;
};

/* What is used of the broker's ceilings. */
struct core_usage {
    struct quota memory, store, temp;
};

/* policies and store are borrowed and must outlive the core.  Takes over what
 * the store recovered. */
struct core *core_new(const struct core_options *options,
                      struct policy_map *policies, struct store *store);
/* First half of the end, before store_close: destinations go, nothing is read
 * from the store any more.  Every client must be closed. */
void core_close(struct core *core);
/* Second half, after store_close, which releases the last messages. */
void core_free(struct core **core);

/*
 * Another map (borrowed; the old one is not used any more).  Applies at once to
 * every destination that is there, but for what policy_carry_over keeps.
 */
void core_policies_set(struct core *core, struct policy_map *policies);

/* A destination as others may see it; borrowed for the time of the call. */
struct core_destination_view {
    enum destination_kind kind;
    struct span name;
    const struct policy *policy; /* in force */
    size_t consumers;
    uint64_t waiting;   /* queue: messages; topic: over all its consumers */
    uint64_t in_flight; /* queues */
    uint64_t enqueued, dequeued; /* since it was made */
    uint64_t duplicates;         /* sent again, so not taken */
    uint64_t discarded;          /* topics: by the consumers that are there */
    const struct quota *memory;  /* memoryLimit */
    const struct quota *stored;  /* storeLimit */
    const struct quota *spilled; /* tempLimit */
};
typedef void core_destination_fn(void *ctx,
                                 const struct core_destination_view *view);

/* Calls fn for each destination, in the order in which they were made; it must
 * not change anything. */
void core_each_destination(const struct core *core, core_destination_fn *fn,
                           void *ctx);

/* A subscription as others may see it; borrowed as long as it is there. */
struct core_subscription_view {
    struct span selector; /* empty: none */
    uint64_t selector_looks, selector_picks;
    size_t destinations;     /* that it is attached to */
    struct destination *one; /* when it is one; else NULL */
    uint32_t prefetch, in_flight;
    size_t prefetch_bytes, in_flight_bytes;
    uint64_t pending;   /* wait for it alone: topics, parked groups */
    uint64_t waiting;   /* in its queues, for whoever takes them */
    uint64_t discarded; /* topics */
    uint64_t enqueued;  /* at its destinations, since they were made */
    bool standby;       /* its queues all have an exclusive consumer */
    int64_t oldest_us;  /* when the first un-acked one left; 0: none */
};
void core_subscription_view_get(const struct subscription *sub,
                                struct core_subscription_view *view_out);

/* What time it is: both clocks, once a turn, and the monotonic one alone at
 * each input in between. */
void core_time_set(struct core *core, int64_t now_us, int64_t now_ms);
void core_time_advance(struct core *core, int64_t now_us);
int64_t core_now_us(const struct core *core);
int64_t core_now_ms(const struct core *core);
/* 1, 2, 3 … for the names of connections. */
uint64_t core_connection_number(struct core *core);

/*
 * Drains pending messages, dispatches queues: a round of bounded length.  True
 * when there is more to do at once.
 */
bool core_turn(struct core *core);

/* The turn is over and store_flush follows. */
void core_turn_end(struct core *core);

/* When core_turn has something to do without any event: a delayed redelivery, a
 * queue that begins to dispatch.  INT64_MAX when nothing waits for the time. */
int64_t core_due_us(const struct core *core);

/* The store works again (store_health_fn with NULL): what waited goes on. */
void core_store_recovered(struct core *core);

/* Once a second: what is too old in recovery policies and what has expired is
 * dropped, idle destinations are removed, as their policies say. */
void core_sweep(struct core *core);

/* To be given to the store (ctx: the core, once core_new has returned). */
void core_on_committed(struct core *core, store_ticket ticket,
                       enum store_result result, const struct error *err);
/* store_options.release for messages. */
void core_release_message(void *message);

void core_client_open(struct core *core, struct client *client,
                      const struct client_ops *ops, void *ctx);
/* It has logged in: name and peer are set. */
void core_client_connected(struct client *client);
/* Ends every subscription and returns what is un-acked.  What was sent in
 * `auto` mode stays in flight until it has left or the client closes.
 * Transactions are the session's to free, before. */
void core_client_stop(struct client *client);
/* core_client_stop, and the end: temporary destinations are removed.  Nothing
 * may be in flight in `auto` mode (core_ack, core_unsend, core_sent). */
void core_client_close(struct client *client);

/* The out buffer is full, or has room again. */
void core_client_congested(struct client *client, bool congested);

/* ops->stored will be called for every batch that ends, until it is told
 * false. */
void core_client_await(struct client *client, bool awaiting);

/* The broker's memory, or the store's queue of writes, is at its ceiling. */
bool core_is_full(const struct core *core);

enum core_admission {
    CORE_ADMITTED,
    CORE_WAIT,    /* until there is room: core_client_block */
    CORE_REFUSED, /* the policy says sendFailIfNoSpace */
};

/*
 * Whether a SEND to dest may be taken now: there is room for it at dest, or
 * wherever its copies go (virtual.h).  persistent: as the sender asks for.
 * Else *lack_out says what is full.  Source: activemq.md 7.
 */
enum core_admission core_admit(struct core *core, struct destination *dest,
                               const struct client *producer, bool persistent,
                               struct core_lack *lack_out);

/* What is full, by how much and what can be done, for people. */
void core_lack_explain(const struct core *core, const struct core_lack *lack,
                       struct error *text_out);

/* ops->resume comes when there is room again. */
void core_client_block(struct client *client, const struct core_lack *lack);

enum core_find {
    CORE_FOUND,
    CORE_NOT_FOUND, /* a temporary destination that is gone */
    CORE_TOO_MANY,  /* maxDestinations of its policy is reached */
};

/*
 * The destination for a SEND by client (any but temporary ones is made at first
 * use, temporary ones only for their owner: create).  Borrowed while
 * core_destinations_epoch stays the same.
 */
enum core_find core_destination(struct core *core, struct client *client,
                                enum destination_kind kind, struct span name,
                                bool create, struct destination **dest_out);
uint64_t core_destinations_epoch(const struct core *core);

/* Whether messages wait in a queue that has consumers: their acknowledgements
 * are wanted more than further messages. */
bool core_has_backlog(struct destination *dest);

/* Whether a connection may consume from a temporary destination of another. */
bool core_allows_stealing(const struct core *core, enum destination_kind kind,
                          struct span name);

/* The quota that messages are charged to. */
struct quota *core_quota(struct core *core);

enum core_send {
    CORE_SENT,
    CORE_DUPLICATE,        /* its dedupe key is known: nothing was done, … */
    CORE_DUPLICATE_STORED, /* … and the first is on disk when the ticket is */
    CORE_STORE_FAILED,     /* store_failure says why; nothing was done */
    CORE_NO_MEMORY,        /* for the copies to be made; nothing was done */
};

struct core_prepared; /* copies that a SEND makes; opaque: virtual_private.h */

/*
 * Makes a SEND ready that takes place together with others or not at all: looks
 * at all that could go wrong, and makes the copies.  On CORE_SENT core_send
 * with send_options.prepared, in the same turn, cannot fail; otherwise nothing
 * has been done.  *prepared_out is to be freed in any case; NULL is fine.
 */
enum core_send core_prepare(struct core *core, struct destination *dest,
                            struct message *msg,
                            struct core_prepared **prepared_out);
/* Frees *prepared and sets it to NULL; NULL is fine. */
void core_prepared_free(struct core_prepared **prepared);

struct send_options {
    struct client *sender;
    bool wait;                         /* a receipt was asked for */
    enum policy_switch use_async_send; /* the connection's own word */
    enum policy_switch listener_async_send;
    const struct dedupe_key *dedupe; /* of core_dedupe_key; NULL: send it */
    struct core_prepared *prepared;  /* of core_prepare; NULL: none */
};

/* What tells a message for a destination from others, by the id that its sender
 * gave. */
struct dedupe_key core_dedupe_key(const struct core *core,
                                  enum destination_kind kind, struct span name,
                                  struct span id);

/*
 * Routes msg (takes its own reference).  *ticket_out: what the RECEIPT has to
 * wait for, 0 when it may leave at once.
 */
enum core_send core_send(struct core *core, struct destination *dest,
                         struct message *msg,
                         const struct send_options *options,
                         store_ticket *ticket_out);

struct subscribe_options {
    const struct subscription_target *targets;
    size_t target_count;
    enum ack_mode ack;
    bool prefetch_set; /* else the policy's */
    uint32_t prefetch;
    size_t prefetch_bytes; /* 0 = the core's default */
    int64_t pending_limit; /* -1 = the policy's alone */
    int priority;
    bool retroactive;
    bool no_local;
    bool exclusive;
    bool browse;        /* one queue, that is there; ack is not looked at */
    bool browse_follow; /* and what comes to it later */
    struct selector *selector; /* taken over; NULL = everything */
    struct durable *durable; /* of core_durable_claim; NULL = not durable.  Its
                                targets, selector and no_local count then */
};

struct subscription_target {
    enum destination_kind kind;
    struct span name;
    bool wildcard;
};

/* Never NULL.  The first message comes in core_turn, or with the next SEND,
 * hence after the RECEIPT that the session writes now. */
struct subscription *core_subscribe(struct core *core, struct client *client,
                                    const struct subscribe_options *options,
                                    void *ctx);

/* Who may have a durable subscription that is in use: activemq.md 11.4 knows
 * DENY only, whose users lock themselves out after a lost connection (P75). */
enum durable_take_over {
    DURABLE_NEW_WINS, /* the other's connection is ended, and told why */
    DURABLE_OLD_WINS, /* the SUBSCRIBE is refused */
    DURABLE_DENY,     /* so is a CONNECT with the same client-id */
};

/* What a SUBSCRIBE says of its durable subscription. */
struct durable_claim {
    struct span client_id;
    struct span name;
    const struct subscription_target *targets; /* topics */
    size_t target_count;
    struct span selector; /* text; data NULL: none */
    bool no_local;
    bool retroactive; /* a new one gets the topics' past */
    bool replace;     /* another selector or destination: begin anew */
    enum durable_take_over take_over;
};

enum durable_claimed {
    DURABLE_CLAIMED,
    DURABLE_IN_USE,       /* by another connection, or by this one */
    DURABLE_CHANGED,      /* it has another selector, destination, no-local */
    DURABLE_BAD_SELECTOR, /* err->column: the character */
    DURABLE_STORE_FAILED, /* it could not be kept */
};

/* Finds or makes the durable subscription for a core_subscribe that follows at
 * once.  Whoever used it before and loses it has been told.  err: why not. */
enum durable_claimed core_durable_claim(struct core *core,
                                        struct client *client,
                                        const struct durable_claim *claim,
                                        struct durable **durable_out,
                                        struct error *err);

enum durable_removed {
    DURABLE_REMOVED,
    DURABLE_UNKNOWN,
    DURABLE_IS_IN_USE,
};

/* Ends one for good, with all that waits for it; nobody may be using it. */
enum durable_removed
core_durable_remove(struct core *core, struct span client_id, struct span name);

/* Whether sub is the consumer of that durable subscription. */
bool core_subscription_is_of(const struct subscription *sub,
                             struct span client_id, struct span name);

/* The client that uses a durable subscription of that client-id, NULL when
 * there is none. */
const struct client *core_durable_user(const struct core *core,
                                       struct span client_id);

/* A durable subscription as others may see it; borrowed for the call. */
struct core_durable_view {
    struct span client_id;
    struct span name;
    struct span selector;        /* data NULL: none */
    struct span destinations;    /* `/topic/A,/topic/B.>` */
    const struct client *client; /* who uses it, or NULL */
    int64_t created_ms;
    int64_t left_ms;  /* 0 while it is used */
    uint64_t waiting; /* messages; after a restart an upper bound */
    uint64_t in_flight;
};
typedef void core_durable_fn(void *ctx, const struct core_durable_view *view);

/* Calls fn for each, in the order in which they were made. */
void core_each_durable(const struct core *core, core_durable_fn *fn, void *ctx);

/* Ends it: nothing more is delivered.  What is in flight stays to be
 * acknowledged or goes back when the client closes; ctx is not used again but
 * for that. */
void core_unsubscribe(struct subscription *sub);

struct core_purge_result {
    uint64_t purged;
    uint64_t in_flight; /* stay: a consumer has them */
};
typedef void core_purged_fn(void *ctx, const struct core_purge_result *result);

/*
 * Removes what a queue holds now and *selector picks (NULL: all; taken over),
 * but for what is in flight.  done comes in a turn to come, or never when the
 * core is closed before.  False: there is no such queue.
 */
bool core_purge(struct core *core, enum destination_kind kind, struct span name,
                struct selector **selector, core_purged_fn *done, void *ctx);

/* Acknowledges one delivery; frees it. */
void core_ack(struct core *core, struct delivery *delivery);
/* Puts it back at its place, or dead-letters it after too many attempts or when
 * options say so; back in any case while the store could not keep a dead
 * letter, and in a dead letter queue. */
void core_nack(struct core *core, struct delivery *delivery,
               const struct nack_options *options);
/* Puts one that was sent back at its place: its consumer is gone.  A topic's is
 * dropped. */
void core_return(struct core *core, struct delivery *delivery);
/* A delivery that was never sent: back at its place, not counted as attempt. */
void core_unsend(struct core *core, struct delivery *delivery);
/* count messages of sub without delivery have left. */
void core_sent(struct subscription *sub, uint32_t count, size_t bytes);

/* What a RECEIPT has to wait for so that all that was done is on disk. */
store_ticket core_ticket(struct core *core);
const struct error *core_store_failure(const struct core *core);
/* Whether what is stored outlives the process. */
bool core_survives(const struct core *core);

/* Messages that were sent again, so far. */
uint64_t core_duplicates(const struct core *core);

void core_stats_get(const struct core *core, struct core_stats *stats_out);
void core_usage_get(const struct core *core, struct core_usage *usage_out);
/* What percentages of policies are of; borrowed, and never changes. */
const struct policy_ceilings *core_ceilings(const struct core *core);
