/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random policies and random clients against a simple model.  After each step,
 * and at each delivery: no message is with two competing consumers, none comes
 * after it was acknowledged, each goes to one that may have it, the oldest
 * first; credit and pending limits hold; the counters add up; and in the end
 * every message that was accepted and not acknowledged is there, once.
 *
 * Each seed is one test: PROPERTY_SEED and PROPERTY_RUNS say which ones
 * (script/property draws new ones).
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include "policy/selector.h"
#include "server/core/queue.h"
#include "server/core/topic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum state { WAITING, DELAYED, IN_FLIGHT, DONE, DEAD, IN_TRANSACTION };

struct model_message {
    enum state state;
    int queue;
    uint64_t place; /* in the order of acceptance */
    bool persistent;
    int priority;
    int group; /* 0 = none */
    int key;
    int64_t due_us; /* DELAYED */
};

struct model_sub {
    struct subscription *sub; /* NULL: free */
    int queue;                /* or -1 */
    int topic;
    int key; /* -1 = everything */
    bool exclusive;
    int last_id;      /* topics: of the last one that came */
    uint64_t got;     /* topics */
    uint64_t offered; /* topics: that it is to get or lose by the limit */
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
    struct transaction *tx;
    int tx_sent[64];
    size_t tx_sent_count;
};

static struct fixture f;
static struct model_client clients[CLIENTS];
static struct model_message messages[MESSAGES_MAX];
static int message_count;
static int topic_count; /* ids of topic messages */
static uint64_t accepted, delivered, acknowledged, dead;
static bool failing, fetch_failing, fetch_held;
static bool topics_have_letters; /* how many is not modelled */
static uint64_t chance;
static enum use uses[QUEUES];

static unsigned
draw(unsigned below)
{
    chance =
        chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((chance >> 33) % below);
}

static const char *
queue_name(int queue)
{
    static const char *const names[QUEUES] = { "q.0", "q.1", "q.2" };

    return names[queue];
}

static const char *
topic_name(int topic)
{
    return topic == 0 ? "t.0" : "t.1";
}

static struct queue *
queue_at(int queue)
{
    struct destination *dest = destination_find(
        f.core, DESTINATION_QUEUE, span_of_text(queue_name(queue)));

    return dest != NULL ? queue_of(dest) : NULL;
}

/* --- what is checked at each delivery ------------------------------------- */

static bool
selects(const struct model_sub *sub, int key)
{
    return sub->key < 0 || sub->key == key;
}

/* Nothing older that this consumer should have got first still waits. */
static void
check_order(const struct model_sub *sub, int id)
{
    const struct model_message *msg = &messages[id];
    bool prioritized = queue_at(msg->queue)->base.policy->prioritized_messages;

    if (msg->group > 0 && uses[msg->queue] == USE_BOTH) {
        return;
    }
    for (int i = 0; i < message_count; i++) {
        const struct model_message *other = &messages[i];
        bool before = other->place < msg->place;

        if (other->state != WAITING || other->queue != msg->queue ||
            other->group != msg->group || !selects(sub, other->key)) {
            continue;
        }
        if (prioritized && other->priority != msg->priority) {
            /* Selecting consumers look at all priorities at once, and a group
             * keeps to its owner. */
            before = other->priority > msg->priority && sub->key < 0 &&
                     msg->group == 0;
        }
        ck_assert_msg(!before, "%d came while %d waits (group %d)", id, i,
                      msg->group);
    }
}

static void
check_credit(const struct subscription *sub, size_t bytes)
{
    ck_assert_uint_le(sub->in_flight_count, sub->prefetch);
    ck_assert(!sub->closed && !sub->client->congested && !sub->client->stopped);
    if (sub->in_flight_count > 1) {
        ck_assert_uint_lt(sub->in_flight_bytes - bytes, sub->prefetch_bytes);
    }
}

static void
on_queue_delivery(struct model_sub *sub, int id)
{
    struct model_message *msg = &messages[id];
    struct queue *queue = queue_at(sub->queue);

    ck_assert_int_lt(id, message_count);
    ck_assert_int_eq(msg->queue, sub->queue);
    ck_assert_msg(msg->state == WAITING ||
                      (msg->state == DELAYED && msg->due_us <= f.now_us),
                  "%d came in state %d", id, (int)msg->state);
    ck_assert(selects(sub, msg->key));
    if (queue->exclusive != NULL) {
        ck_assert_ptr_eq(queue->exclusive->sub, sub->sub);
    }
    check_order(sub, id);
    msg->state = IN_FLIGHT;
}

static void
on_topic_delivery(struct model_sub *sub, int id)
{
    ck_assert_int_gt(id, sub->last_id);
    sub->last_id = id;
    sub->got++;
}

static void
on_deliver(void *ctx, struct subscription *sub, struct message *msg,
           struct delivery *delivery)
{
    struct model_client *client = ctx;
    struct model_sub *mine = sub->ctx;
    struct held *held = &client->held[client->held_count++];
    int id = body_number(msg->body.data); /* a NUL follows */

    ck_assert_uint_lt(client->held_count, HELD_MAX);
    ck_assert_ptr_eq(mine->sub, sub);
    delivered++;
    *held = (struct held){ .delivery = delivery,
                           .sub = sub,
                           .id = mine->queue >= 0 ? id : -1,
                           .bytes = msg->tail.len,
                           .automatic = sub->ack == ACK_AUTO };
    check_credit(sub, msg->tail.len);
    if (mine->queue >= 0) {
        on_queue_delivery(mine, id);
    } else {
        on_topic_delivery(mine, id);
    }
}

static void
on_stored(void *ctx, store_ticket ticket, enum store_result result,
          const struct error *err)
{
    (void)ctx;
    (void)ticket;
    (void)result;
    (void)err;
}

static void
on_resume(void *ctx)
{
    (void)ctx;
}

static const struct client_ops model_ops = { .deliver = on_deliver,
                                             .stored = on_stored,
                                             .resume = on_resume };

/* --- what clients do --------------------------------------------------------
 */

static struct held
held_take(struct model_client *client, size_t at)
{
    struct held held = client->held[at];

    memmove(&client->held[at], &client->held[at + 1],
            (client->held_count - at - 1) * sizeof(held));
    client->held_count--;
    return held;
}

static void
model_acked(const struct held *held)
{
    acknowledged += held->delivery != NULL ? 1 : 0;
    if (held->id >= 0) {
        messages[held->id].state = DONE;
    }
}

static void
do_ack(struct model_client *client, size_t at)
{
    struct held held;

    if (client->held[at].in_tx) {
        return;
    }
    held = held_take(client, at);
    model_acked(&held);
    if (held.delivery == NULL) {
        core_sent(held.sub, 1, held.bytes);
    } else {
        core_ack(f.core, held.delivery);
    }
}

/* What a NACK does in the model; before it is done. */
static void
model_nack(const struct held *held, const struct nack_options *options)
{
    struct model_message *msg;
    const struct policy *policy;
    int64_t maximum;

    if (held->id < 0) {
        return;
    }
    msg = &messages[held->id];
    policy = queue_at(msg->queue)->base.policy;
    maximum = policy->redelivery.maximum;
    if (!failing &&
        (options->dead_letter ||
         (maximum >= 0 && (int64_t)held->delivery->attempts > maximum))) {
        msg->state = DEAD;
        dead++;
        return;
    }
    msg->due_us = options->delay_us;
    if (options->delay_us < 0) {
        msg->due_us = redelivery_delay(&policy->redelivery,
                                       held->delivery->attempts, 0.5);
    }
    msg->state = msg->due_us > 0 ? DELAYED : WAITING;
    msg->due_us += f.now_us;
}

static struct nack_options
draw_nack(void)
{
    static const int64_t delays[] = { -1, 0, 50000 };

    return (struct nack_options){ .dead_letter = draw(8) == 0,
                                  .delay_us = delays[draw(3)] };
}

static void
do_nack(struct model_client *client, size_t at)
{
    struct nack_options options = draw_nack();
    struct held held;

    if (client->held[at].in_tx || client->held[at].automatic) {
        return;
    }
    held = held_take(client, at);
    model_nack(&held, &options);
    core_nack(f.core, held.delivery, &options);
}

/* Back as if never sent, or as sent. */
static void
do_return(struct model_client *client, size_t at)
{
    struct held held = held_take(client, at);

    if (held.id >= 0) {
        messages[held.id].state = WAITING;
    }
    if (held.delivery == NULL) {
        core_sent(held.sub, 1, held.bytes);
    } else if (held.automatic) {
        core_unsend(f.core, held.delivery);
    } else {
        core_return(f.core, held.delivery);
    }
}

static void
do_subscribe(struct model_client *client)
{
    struct model_sub *mine = NULL;
    struct subscribe_options options =
        options_of((enum ack_mode)draw(3), draw(3) == 0 ? 0 : 1 + draw(6));
    bool queue = draw(4) != 0;

    for (size_t i = 0; i < SUBS; i++) {
        if (client->subs[i].sub == NULL) {
            mine = &client->subs[i];
        }
    }
    if (mine == NULL) {
        return;
    }
    *mine = (struct model_sub){ .queue = queue ? (int)draw(QUEUES) : -1,
                                .topic = (int)draw(TOPICS),
                                .key = draw(3) == 0 ? (int)draw(3) : -1,
                                .exclusive = draw(10) == 0,
                                .last_id = -1 };
    if (queue && uses[mine->queue] == USE_GROUPS) {
        mine->key = -1;
    }
    options.priority = draw(4) == 0 ? (int)draw(3) - 1 : 0;
    options.prefetch_bytes = draw(3) == 0 ? 60 + draw(200) : 0;
    options.exclusive = mine->exclusive;
    if (mine->key >= 0) {
        char text[16];

        (void)snprintf(text, sizeof(text), "k = %d", mine->key);
        options.selector = selector_of(text);
    }
    struct subscription_target target = {
        .kind = queue ? DESTINATION_QUEUE : DESTINATION_TOPIC,
        .name = span_of_text(queue ? queue_name(mine->queue)
                                   : topic_name(mine->topic)),
    };

    options.targets = &target;
    options.target_count = 1;
    mine->sub = core_subscribe(f.core, &client->client, &options, mine);
}

/* UNSUBSCRIBE: what is un-acked stays to be acknowledged, or goes back. */
static void
do_unsubscribe(struct model_client *client, struct model_sub *mine)
{
    struct subscription *sub = mine->sub;

    mine->sub = NULL;
    if (draw(2) == 0) {
        for (size_t i = client->held_count; i-- > 0;) {
            if (client->held[i].sub == sub && !client->held[i].in_tx &&
                !client->held[i].automatic) {
                do_return(client, i);
            }
        }
    }
    core_unsubscribe(sub);
}

static void
abort_transaction(struct model_client *client)
{
    transaction_free(&client->tx);
    for (size_t i = 0; i < client->held_count; i++) {
        client->held[i].in_tx = false;
    }
    for (size_t i = 0; i < client->tx_sent_count; i++) {
        messages[client->tx_sent[i]].state = DONE; /* never was */
    }
    client->tx_sent_count = 0;
}

static void
close_client(struct model_client *client)
{
    abort_transaction(client);
    /* What is left in `auto` has not left, or has. */
    for (size_t i = client->held_count; i-- > 0;) {
        if (client->held[i].automatic) {
            do_return(client, i);
        }
    }
    for (size_t i = 0; i < client->held_count; i++) {
        if (client->held[i].id >= 0) {
            messages[client->held[i].id].state = WAITING;
        }
    }
    client->held_count = 0;
    memset(client->subs, 0, sizeof(client->subs));
    core_client_close(&client->client);
}

static void
open_client(struct model_client *client)
{
    core_client_open(f.core, &client->client, &model_ops, client);
    client->client.name = "c";
    client->client.peer = "p";
}

/* --- sending
 * ------------------------------------------------------------------ */

static struct message *
draw_message(int id, int queue, struct model_message *model)
{
    struct message_facts facts = { .maybe_grouped = true };
    struct message *msg;
    char body[16];
    char headers[128];
    int len;

    *model =
        (struct model_message){ .persistent = draw(2) == 0,
                                .priority = (int)draw(10),
                                .group = draw(3) == 0 ? 1 + (int)draw(4) : 0,
                                .queue = queue,
                                .key = (int)draw(3) };
    if (queue >= 0 && uses[queue] == USE_SELECTORS) {
        model->group = 0;
    }
    facts.persistent = model->persistent;
    facts.priority = (uint8_t)model->priority;
    facts.timestamp_ms = f.now_ms;
    len = snprintf(headers, sizeof(headers), "k:%d\n", model->key);
    if (model->group > 0) {
        int seq = draw(8) == 0 ? 1 : draw(8) == 0 ? -1 : 2;

        (void)snprintf(headers + len, sizeof(headers) - (size_t)len,
                       "JMSXGroupID:%d\nJMSXGroupSeq:%d\n", model->group, seq);
    }
    (void)snprintf(body, sizeof(body), "%d", id);
    msg =
        message_new(core_quota(f.core), &facts, SPAN("destination:/queue/x\n"),
                    span_of_text(headers), span_of_text(body));
    ck_assert_ptr_nonnull(msg);
    return msg;
}

static void
send_to_queue(int queue)
{
    int id = message_count;
    struct send_options options = { .wait = false };
    struct destination *dest;
    struct message *msg;

    if (id == MESSAGES_MAX) {
        return;
    }
    msg = draw_message(id, queue, &messages[id]);
    (void)core_destination(f.core, NULL, DESTINATION_QUEUE,
                           span_of_text(queue_name(queue)), true, &dest);
    if (core_send(f.core, dest, msg, &options, &f.ticket) == CORE_SENT) {
        message_count++;
        messages[id].place = accepted++;
    } else {
        ck_assert(failing);
    }
    message_unref(&msg);
}

static void
send_to_topic(int topic)
{
    struct model_message model;
    struct send_options options = { .wait = false };
    struct message *msg = draw_message(topic_count++, -1, &model);
    struct destination *dest;

    for (size_t c = 0; c < CLIENTS; c++) {
        for (size_t s = 0; s < SUBS; s++) {
            struct model_sub *sub = &clients[c].subs[s];

            if (sub->sub != NULL && sub->queue < 0 && sub->topic == topic &&
                selects(sub, model.key)) {
                sub->offered++;
            }
        }
    }
    (void)core_destination(f.core, NULL, DESTINATION_TOPIC,
                           span_of_text(topic_name(topic)), true, &dest);
    ck_assert_int_eq(core_send(f.core, dest, msg, &options, &f.ticket),
                     CORE_SENT);
    message_unref(&msg);
}

/* --- transactions
 * --------------------------------------------------------------- */

static void
send_in_transaction(struct model_client *client)
{
    int id = message_count;
    struct message *msg;

    if (id == MESSAGES_MAX || client->tx_sent_count == 64) {
        return;
    }
    msg = draw_message(id, (int)draw(QUEUES), &messages[id]);
    messages[id].state = IN_TRANSACTION;
    ck_assert_int_eq(
        transaction_send(client->tx, DESTINATION_QUEUE,
                         span_of_text(queue_name(messages[id].queue)), msg,
                         NULL),
        TRANSACTION_ADDED);
    message_unref(&msg);
    client->tx_sent[client->tx_sent_count++] = id;
    message_count++;
}

static void
on_settled(void *ctx, struct delivery *delivery)
{
    struct model_client *client = ctx;

    for (size_t i = 0; i < client->held_count; i++) {
        if (client->held[i].delivery == delivery) {
            struct held held = held_take(client, i);

            ck_assert(held.in_tx);
            model_acked(&held);
            return;
        }
    }
    ck_abort_msg("an unknown delivery was settled");
}

static void
do_transaction(struct model_client *client)
{
    static const struct transaction_limits limits = { .ops_max = 1000,
                                                      .bytes_max = 1000000 };
    store_ticket ticket;

    if (client->tx == NULL) {
        client->tx = transaction_new(&client->client, &limits);
    } else if (draw(4) == 0) {
        abort_transaction(client);
    } else if (draw(3) == 0) {
        size_t count = client->tx_sent_count;
        bool works =
            transaction_commit(&client->tx, draw(2) == 0, on_settled, client,
                               &ticket) == TRANSACTION_COMMITTED;

        ck_assert_int_eq(works, !failing);
        if (works) {
            client->tx_sent_count = 0;
        }
        for (size_t i = 0; works && i < count; i++) {
            messages[client->tx_sent[i]].state = WAITING;
            messages[client->tx_sent[i]].place = accepted++;
        }
        abort_transaction(client); /* the model's part */
    } else if (draw(2) == 0 && client->held_count > 0) {
        struct held *held = &client->held[draw((unsigned)client->held_count)];

        if (!held->automatic && !held->in_tx) {
            ck_assert_int_eq(
                transaction_settle(client->tx, held->delivery, NULL),
                TRANSACTION_ADDED);
            held->in_tx = true;
        }
    } else {
        send_in_transaction(client);
    }
}

/* --- invariants
 * -------------------------------------------------------------------- */

static void
check_queue(int at)
{
    const struct queue *queue = queue_at(at);
    uint64_t waiting = 0;
    uint64_t in_flight = 0;

    for (int i = 0; i < message_count; i++) {
        if (messages[i].queue == at) {
            waiting +=
                messages[i].state == WAITING || messages[i].state == DELAYED;
            in_flight += messages[i].state == IN_FLIGHT;
        }
    }
    ck_assert_uint_eq(queue != NULL ? queue_waiting_count(queue) : 0, waiting);
    ck_assert_uint_eq(queue != NULL ? queue->in_flight_count : 0, in_flight);
}

static void
check_topic_sub(const struct model_sub *mine)
{
    const struct attachment *attachment = mine->sub->attachments;

    ck_assert_uint_eq(mine->offered, mine->got + attachment->pending_count +
                                         attachment->discarded_count);
    if (attachment->pending_limit >= 0) {
        ck_assert_uint_le(attachment->pending_count,
                          (uint64_t)attachment->pending_limit);
    }
}

static void
check_all(void)
{
    struct core_stats stats;

    for (int i = 0; i < QUEUES; i++) {
        check_queue(i);
    }
    for (size_t c = 0; c < CLIENTS; c++) {
        for (size_t s = 0; s < SUBS; s++) {
            const struct model_sub *mine = &clients[c].subs[s];

            if (mine->sub != NULL && mine->queue < 0) {
                check_topic_sub(mine);
            }
        }
    }
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.delivered, delivered);
    ck_assert_uint_eq(stats.acknowledged, acknowledged);
    if (topics_have_letters) {
        ck_assert_uint_ge(stats.dead_lettered, dead);
    } else {
        ck_assert_uint_eq(stats.dead_lettered, dead);
    }
}

/* Turns until nothing moves. */
static void
settle(void)
{
    uint64_t before;
    int quiet = 0;

    while (quiet < 12) {
        before = delivered;
        fixture_turn(&f);
        quiet = before == delivered ? quiet + 1 : 0;
    }
}

/* Nobody with credit is left without a message that it may have. */
static void
check_nobody_starves(const struct model_sub *mine)
{
    const struct queue *queue = queue_at(mine->queue);

    if (queue->held || !subscription_has_credit(mine->sub) ||
        (queue->exclusive != NULL && queue->exclusive->sub != mine->sub)) {
        return;
    }
    for (int i = 0; i < message_count; i++) {
        ck_assert_msg(
            messages[i].queue != mine->queue || messages[i].state != WAITING ||
                messages[i].group != 0 || !selects(mine, messages[i].key),
            "%d waits for nobody", i);
    }
}

static void
check_at_rest(void)
{
    if (failing || fetch_failing || fetch_held) {
        return;
    }
    core_sweep(f.core);
    settle();
    check_all();
    for (size_t c = 0; c < CLIENTS; c++) {
        for (size_t s = 0; s < SUBS; s++) {
            if (clients[c].subs[s].sub != NULL &&
                clients[c].subs[s].queue >= 0) {
                check_nobody_starves(&clients[c].subs[s]);
            }
        }
    }
}

/* --- the world
 * ------------------------------------------------------------------------ */

static void
heal_store(void)
{
    failing = fetch_failing = fetch_held = false;
    fake_store_set_failure(f.store, NULL);
    fake_store_fail_fetches(f.store, false);
    fake_store_hold_fetches(f.store, false);
    fake_store_hold(f.store, false);
    fake_store_set_congested(f.store, false);
    core_sweep(f.core);
}

static void
do_store(void)
{
    switch (draw(7)) {
    case 0:
        failing = true;
        fake_store_set_failure(f.store, "no space");
        break;
    case 1:
        fetch_failing = true;
        fake_store_fail_fetches(f.store, true);
        break;
    case 2:
        fetch_held = true;
        fake_store_hold_fetches(f.store, true);
        break;
    case 3:
        fake_store_hold(f.store, true);
        break;
    case 4:
        (void)fake_store_end(f.store, draw(2) == 0 ? "failed" : NULL);
        break;
    case 5:
        fake_store_set_congested(f.store, draw(2) == 0);
        break;
    default:
        heal_store();
        break;
    }
}

static void
close_clients(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        close_client(&clients[i]);
    }
}

static void
do_restart(void)
{
    close_clients();
    heal_store();
    fixture_turn(&f);
    fixture_restart(&f);
    delivered = acknowledged = 0;
    dead = 0;
    for (int i = 0; i < message_count; i++) {
        struct model_message *msg = &messages[i];

        if (msg->state == WAITING || msg->state == DELAYED) {
            msg->state = msg->persistent ? WAITING : DONE;
        }
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        open_client(&clients[i]);
    }
}

static void
draw_queue_policy(struct policy *policy)
{
    static const struct message_group_map *const maps[] = {
        &message_group_cached, &message_group_simple, &message_group_bucket
    };

    policy->queue_dispatch = draw(2) == 0 ? &dispatch_queue_round_robin
                                          : &dispatch_queue_strict_order;
    policy->prioritized_messages = draw(3) == 0;
    policy->use_consumer_priority = draw(4) != 0;
    policy->all_consumers_exclusive = draw(8) == 0;
    policy->message_groups = maps[draw(3)];
    policy->message_group_parameters.bucket_count = 1 + draw(3);
    policy->rebalance_message_groups = draw(3) == 0;
    policy->consumers_before_dispatch = draw(6) == 0 ? 2 : 0;
    policy->time_before_dispatch_us = draw(6) == 0 ? 100000 : 0;
    policy->redelivery.maximum = draw(3) == 0 ? -1 : (int64_t)draw(4);
    policy->redelivery.initial_delay_us = draw(3) == 0 ? 30000 : 0;
    policy->queue_prefetch = 1 + draw(40);
    policy->dead_letter_parameters.process_non_persistent = POLICY_ON;
}

static void
draw_topic_policy(struct policy *policy)
{
    static const struct dispatch_policy *const dispatch[] = {
        &dispatch_simple, &dispatch_round_robin, &dispatch_strict_order,
        &dispatch_priority
    };

    policy->topic_dispatch = dispatch[draw(4)];
    policy->topic_prefetch = 1 + draw(20);
    if (draw(2) == 0) {
        policy->pending_limit = &pending_limit_constant;
        policy->pending_limit_parameters.limit = (int64_t)draw(8);
    }
    if (!topics_have_letters) {
        policy->dead_letter = &dead_letter_discarding;
    }
    policy->eviction = eviction_strategies[draw(2)];
}

static void
begin(uint64_t seed)
{
    struct core_options options = core_options_default;

    chance = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    message_count = topic_count = 0;
    accepted = delivered = acknowledged = dead = 0;
    failing = fetch_failing = fetch_held = false;
    memset(clients, 0, sizeof(clients));
    options.queue_resident_bytes = draw(3) == 0 ? 16000000 : 500 + draw(8000);
    options.memory_bytes = draw(3) == 0 ? 100000 : 10000000;
    fixture_init_options(&f, &fake_store_engine, &options);
    for (int i = 0; i < QUEUES; i++) {
        uses[i] = (enum use)draw(3);
        draw_queue_policy(fixture_policy(&f, DESTINATION_QUEUE, queue_name(i)));
    }
    topics_have_letters = draw(3) == 0;
    for (int i = 0; i < TOPICS; i++) {
        draw_topic_policy(fixture_policy(&f, DESTINATION_TOPIC, topic_name(i)));
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        open_client(&clients[i]);
    }
}

/* Some of what a client holds, oldest first or anywhere. */
static void
do_settle_some(struct model_client *client)
{
    unsigned count = draw(10);

    for (unsigned i = 0; i < count && client->held_count > 0; i++) {
        size_t at = draw(3) == 0 ? draw((unsigned)client->held_count) : 0;

        if (draw(5) == 0) {
            do_nack(client, at);
        } else {
            do_ack(client, at);
        }
    }
}

static void
do_client(struct model_client *client)
{
    struct model_sub *mine = &client->subs[draw(SUBS)];

    switch (draw(16)) {
    case 0:
    case 1:
    case 2:
        do_subscribe(client);
        break;
    case 3:
        if (mine->sub != NULL) {
            do_unsubscribe(client, mine);
        }
        break;
    case 4:
        close_client(client);
        open_client(client);
        break;
    case 5:
        core_client_congested(&client->client, draw(2) == 0);
        break;
    case 6:
    case 7:
        do_transaction(client);
        break;
    default:
        do_settle_some(client);
        break;
    }
}

static void
do_send(void)
{
    unsigned count = draw(4) == 0 ? draw(80) : draw(8);
    int queue = (int)draw(QUEUES);

    for (unsigned i = 0; i < count; i++) {
        send_to_queue(queue);
    }
    for (unsigned i = draw(6); i > 0; i--) {
        send_to_topic((int)draw(TOPICS));
    }
}

static void
step(void)
{
    unsigned what = draw(100);

    if (what < 25) {
        do_send();
    } else if (what < 75) {
        do_client(&clients[draw(CLIENTS)]);
    } else if (what < 90) {
        fixture_turn(&f);
        check_all();
    } else if (what < 94) {
        fixture_sleep_ms(&f, 1 + draw(100));
    } else if (what < 97) {
        do_store();
    } else if (what < 99) {
        check_at_rest();
    } else if (draw(4) == 0) {
        do_restart();
    }
}

/* Everything that was accepted and not acknowledged is there, once. */
static void
drain(void)
{
    struct model_client *client = &clients[0];

    close_clients();
    heal_store();
    for (size_t i = 0; i < CLIENTS; i++) {
        open_client(&clients[i]);
    }
    for (int i = 0; i < QUEUES; i++) {
        struct subscribe_options options = options_of(ACK_CLIENT, 50);
        struct subscription_target target = { .kind = DESTINATION_QUEUE,
                                              .name =
                                                  span_of_text(queue_name(i)) };
        struct model_sub *mine = &client->subs[i];

        options.targets = &target;
        options.target_count = 1;
        *mine = (struct model_sub){ .queue = i, .key = -1 };
        mine->sub = core_subscribe(f.core, &client->client, &options, mine);
    }
    fixture_sleep_ms(&f, 5000); /* delays, holds */
    do {
        while (client->held_count > 0) {
            do_ack(client, 0);
        }
        settle();
    } while (client->held_count > 0);
    check_all();
    for (int i = 0; i < message_count; i++) {
        ck_assert_msg(messages[i].state == DONE || messages[i].state == DEAD,
                      "%d is lost, in state %d", i, (int)messages[i].state);
    }
}

static uint64_t
first_seed(void)
{
    const char *text = getenv("PROPERTY_SEED");

    return text != NULL ? strtoull(text, NULL, 10) : 1;
}

START_TEST(nothing_is_lost_doubled_or_out_of_order)
{
    begin(first_seed() + (uint64_t)_i);
    for (int i = 0; i < STEPS; i++) {
        step();
    }
    drain();
    close_clients();
    fixture_fini(&f);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("property");
    TCase *t = tcase_create("property");
    const char *runs = getenv("PROPERTY_RUNS");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, nothing_is_lost_doubled_or_out_of_order, 0,
                        runs != NULL ? (int)strtol(runs, NULL, 10)
                                     : RUNS_DEFAULT);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return testutil_run(suite());
}
