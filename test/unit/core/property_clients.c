/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients do: subscribe, settle, send, in and out of transactions.  The
 * model is told before the core.
 */
#include "test/unit/core/property.h"

#include "policy/selector.h"

#include <stdio.h>
#include <string.h>

/* --- what clients do ------------------------------------------------------ */

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
    struct model_sub *mine = held->sub->ctx;

    if (mine->sub == held->sub) {
        mine->acked_us = f.now_us;
    }
    acknowledged += held->delivery != NULL ? 1 : 0;
    if (held->id >= 0) {
        messages[held->id].state = DONE;
    }
}

void
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

void
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
void
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

void
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
                                .acked_us = f.now_us,
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
void
do_unsubscribe(struct model_client *client, struct model_sub *mine)
{
    struct subscription *sub = mine->sub;

    topic_sub_closes(mine);
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

/* All that it has goes back, but what has been sent in `auto`. */
static void
model_stop(struct model_client *client)
{
    size_t kept = 0;

    abort_transaction(client);
    for (size_t i = 0; i < client->held_count; i++) {
        const struct held *held = &client->held[i];

        if (held->automatic) {
            client->held[kept++] = *held;
        } else if (held->id >= 0) {
            messages[held->id].state = WAITING;
        }
    }
    client->held_count = kept;
    for (size_t i = 0; i < SUBS; i++) {
        topic_sub_closes(&client->subs[i]);
        client->subs[i].sub = NULL;
    }
    client->stopped = true;
}

/* The broker cuts it off. */
void
stop_client(struct model_client *client)
{
    model_stop(client);
    core_client_stop(&client->client);
}

void
close_client(struct model_client *client)
{
    model_stop(client);
    /* What is left in `auto` has not left, or has. */
    while (client->held_count > 0) {
        do_return(client, client->held_count - 1);
    }
    core_client_close(&client->client);
}

void
open_client(struct model_client *client)
{
    client->stopped = false;
    core_client_open(f.core, &client->client, &model_ops, client);
    client->client.name = "c";
    client->client.peer = "p";
}

/* --- sending -------------------------------------------------------------- */

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
                                .key = (int)draw(3),
                                .expires_ms = draw_expiry() };
    if (queue >= 0 && uses[queue] == USE_SELECTORS) {
        model->group = 0;
    }
    facts.persistent = model->persistent;
    facts.priority = (uint8_t)model->priority;
    facts.timestamp_ms = f.now_ms;
    facts.expires_ms = model->expires_ms;
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

void
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

void
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
                sub->offered_expiring += model.expires_ms != 0 ? 1 : 0;
            }
        }
    }
    (void)core_destination(f.core, NULL, DESTINATION_TOPIC,
                           span_of_text(topic_name(topic)), true, &dest);
    ck_assert_int_eq(core_send(f.core, dest, msg, &options, &f.ticket),
                     CORE_SENT);
    message_unref(&msg);
}

/* --- transactions --------------------------------------------------------- */

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

void
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
