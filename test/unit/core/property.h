/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of test_property share: the model, which knows what every
 * message and client should be doing, and what is drawn.  property_model.c
 * checks, property_clients.c acts, property_looks.c browses and purges,
 * property_durable.c is durable, property_expiry.c knows what has expired,
 * property_slow.c ends slow consumers, property_pending.c knows what waits for
 * those of topics, property_producers.c is let in or has to
 * wait, test_property.c is the world and its steps.
 */
#pragma once
#include "test/unit/core/core_fixture.h"

#include "server/core/queue.h"

enum {
    CLIENTS = 5,
    SUBS = 4,
    QUEUES = 3,
    TOPICS = 2,
    MESSAGES_MAX = 6000,
    HELD_MAX = 4000,
    STEPS = 400,
    RUNS_DEFAULT = 60,
};

/* What a queue is used for; where selectors cut through groups, the order
 * inside a group is not promised. */
enum use { USE_GROUPS, USE_SELECTORS, USE_BOTH };

enum state {
    WAITING,
    DELAYED,
    IN_FLIGHT,
    DONE,
    DEAD,
    EXPIRED,
    EXPIRED_OR_PURGED,
    IN_TRANSACTION,
};

struct model_message {
    enum state state;
    int queue;
    uint64_t place; /* in the order of acceptance */
    bool persistent;
    int priority;
    int group; /* 0 = none */
    int key;
    int64_t due_us;     /* DELAYED */
    int64_t expires_ms; /* 0 = never */
    bool doomed;        /* a purge goes on: it may be gone already */
};

struct model_sub {
    struct subscription *sub; /* NULL: free */
    int queue;                /* or -1 */
    int topic;
    int key; /* -1 = everything */
    bool exclusive;
    int64_t acked_us;      /* when it last settled something, or subscribed */
    int64_t slow_since_us; /* of checks in a row that found it slow … */
    int64_t slow_count;    /* … and how many, at most */
    int64_t full_count;    /* … and at least */
    bool slow, full;       /* at the check that may come next … */
    int64_t check_us;      /* … then */
    int last_id;           /* topics: of the last one that came */
    uint64_t got;          /* topics */
    uint64_t offered; /* topics: that it is to get or lose by the limit … */
    uint64_t offered_expiring; /* … or because they expire */
    uint64_t told_dropped;     /* that MESSAGEs have said were lost */
    bool soft_ends;            /* while time passes: its time over the limit */
};

struct held {
    struct delivery *delivery;
    struct subscription *sub;
    int id; /* of the model; -1: a topic's */
    size_t bytes;
    bool automatic;
    bool in_tx;
};

struct model_client {
    struct client client;
    struct model_sub subs[SUBS];
    struct held held[HELD_MAX];
    size_t held_count;
    bool stopped; /* by the broker; to be closed */
    struct transaction *tx;
    int tx_sent[64];
    size_t tx_sent_count;
};

extern struct fixture f;
extern struct model_client clients[CLIENTS];
extern struct model_message messages[MESSAGES_MAX];
extern int message_count;
extern int topic_count; /* ids of topic messages */
extern uint64_t accepted, delivered, acknowledged, dead, expired, aborted;
extern bool failing, fetch_failing, fetch_held;
extern bool topics_have_letters; /* how many is not modelled */
extern uint64_t chance;
extern enum use uses[QUEUES];
extern struct policy *queue_policies[QUEUES];
extern struct policy *topic_policies[TOPICS];

/* --- property_model.c ---------------------------------------------------- */

extern const struct client_ops model_ops;
unsigned draw(unsigned below);
const char *queue_name(int queue);
const char *topic_name(int topic);
struct queue *queue_at(int queue);
bool selects(const struct model_sub *sub, int key);
void check_all(void);
void settle(void);
void check_at_rest(void);

/* --- property_expiry.c ---------------------------------------------------- */

int64_t draw_expiry(void);
bool has_expired(int64_t expires_ms);
void notice_expired(void);
void count_expired(int queue, uint64_t count);
uint64_t topic_expired_for(const struct model_sub *mine);
uint64_t topics_expired(void);
void topic_sub_closes(const struct model_sub *mine);
void expiry_begin(void);
void expiry_restarted(void);
void letters_drain(void);

/* --- property_clients.c -------------------------------------------------- */

void do_ack(struct model_client *client, size_t at);
void do_nack(struct model_client *client, size_t at);
void do_return(struct model_client *client, size_t at);
void do_subscribe(struct model_client *client);
void do_unsubscribe(struct model_client *client, struct model_sub *mine);
void stop_client(struct model_client *client);
void close_client(struct model_client *client);
void open_client(struct model_client *client);
void send_to_queue(int queue);
void send_to_topic(int topic);
void do_transaction(struct model_client *client);

/* --- property_looks.c ---------------------------------------------------- */

void viewer_open(void);
void viewer_close(void);
extern bool purging; /* it is in a hurry: the store is not to be congested */
void do_look(void);
void do_purge(void);

/* --- property_slow.c ------------------------------------------------------ */

bool is_quick(const struct model_client *client);
void let_time_pass(int64_t ms);
void draw_slow_policy(struct policy *policy);
void on_ended(void *ctx, struct subscription *sub, const char *why,
              const char *reason, bool connection);

/* --- property_pending.c --------------------------------------------------- */

void draw_pending_policy(struct policy *policy);
void pending_begin(void);
void pending_closes(const struct model_sub *mine);
void pending_before_time_passes(struct model_sub *mine, int64_t ms);
void pending_after_time_passed(const struct model_sub *mine);
void check_pending(const struct model_sub *mine);
uint64_t topics_discarded(void);

/* --- property_producers.c ------------------------------------------------- */

void producers_draw_options(struct core_options *options);
void producers_begin(void);
void producers_open(void);
void producers_close(void);
void producers_restarted(void);
void producers_turn(void);
void producers_drain(void);
void do_producer(void);
void check_produced(void);
void check_nobody_waits_in_vain(void);

/* --- property_durable.c -------------------------------------------------- */

extern bool durables_expire; /* how many do is not modelled */

void durables_begin(void);
void durables_open(void);
void durables_close(void);
void durables_restarted(void);
void durables_drain(void);
void do_durable(void);
