/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/core/core_fixture.h"

#include "policy/selector.h"

#include <stdio.h>
#include <string.h>

static void
fixture_on_committed(void *ctx, store_ticket ticket, enum store_result result,
                     const struct error *err)
{
    struct fixture *fixture = ctx;

    core_on_committed(fixture->core, ticket, result, err);
}

static void
fixture_on_wake(void *ctx)
{
    (void)ctx; /* every turn polls */
}

static void
fixture_on_health(void *ctx, const struct error *err)
{
    (void)ctx;
    (void)err;
}

void
fixture_init_options(struct fixture *fixture, const struct store_engine *engine,
                     const struct core_options *options)
{
    struct store_options store_options = store_options_default;

    *fixture = (struct fixture){ .now_us = 1000000,
                                 .now_ms = 1700000000000,
                                 .options = *options };
    fixture->policies = policy_map_new();
    store_options.committed = fixture_on_committed;
    store_options.release = core_release_message;
    store_options.wake = fixture_on_wake;
    store_options.health = fixture_on_health;
    store_options.ctx = fixture;
    ck_assert_int_eq(store_open(engine, &store_options, &fixture->store, NULL),
                     0);
    fixture->core = core_new(options, fixture->policies, fixture->store);
    core_time_set(fixture->core, fixture->now_us, fixture->now_ms);
}

void
fixture_init(struct fixture *fixture, const struct store_engine *engine)
{
    fixture_init_options(fixture, engine, &core_options_default);
}

void
fixture_check_usage(const struct fixture *fixture)
{
    struct core_usage usage;

    core_usage_get(fixture->core, &usage);
    if (fixture->store->engine != &fake_store_engine) {
        ck_assert_uint_eq(usage.store.used, 0);
        return;
    }
    ck_assert_uint_eq(usage.store.used, fake_store_bytes(fixture->store, true));
    ck_assert_uint_eq(usage.temp.used, fake_store_bytes(fixture->store, false));
}

void
fixture_fini(struct fixture *fixture)
{
    struct core_stats stats;

    fixture_check_usage(fixture);
    core_close(fixture->core);
    store_close(&fixture->store);
    core_stats_get(fixture->core, &stats);
    ck_assert_uint_eq(stats.memory_bytes, 0);
    ck_assert_uint_eq(stats.subscriptions, 0);
    ck_assert_uint_eq(stats.queues, 0);
    ck_assert_uint_eq(stats.topics, 0);
    core_free(&fixture->core);
    policy_map_free(&fixture->policies);
}

void
fixture_restart(struct fixture *fixture)
{
    fixture_turn(fixture);
    fixture_check_usage(fixture);
    core_close(fixture->core);
    core_free(&fixture->core);
    fixture->core =
        core_new(&fixture->options, fixture->policies, fixture->store);
    core_time_set(fixture->core, fixture->now_us, fixture->now_ms);
}

struct policy *
fixture_policy(struct fixture *fixture, enum destination_kind kind,
               const char *pattern)
{
    struct policy *policy = policy_new();
    struct policy *borrowed = policy;

    ck_assert(
        policy_map_add(fixture->policies, kind, span_of_text(pattern), policy));
    policy_unref(&policy);
    return borrowed;
}

void
fixture_turn(struct fixture *fixture)
{
    for (int i = 0; i < 3; i++) {
        while (core_turn(fixture->core)) {
        }
        core_turn_end(fixture->core);
        (void)store_flush(fixture->store, fixture->now_us);
        store_poll(fixture->store);
    }
}

void
fixture_sleep_ms(struct fixture *fixture, int64_t ms)
{
    fixture->now_us += ms * 1000;
    fixture->now_ms += ms;
    core_time_set(fixture->core, fixture->now_us, fixture->now_ms);
}

static void
client_on_deliver(void *ctx, struct subscription *sub, struct message *msg,
                  struct delivery *delivery)
{
    struct fake_client *client = ctx;
    struct fake_got *got = &client->got[client->got_count++];

    ck_assert_uint_lt(client->got_count, FAKE_CLIENT_GOT_MAX);
    *got = (struct fake_got){
        .sub = sub,
        .delivery = delivery,
        .bytes = msg->tail.len,
        .pending = sub->ack == ACK_AUTO,
        .attempts = delivery != NULL ? delivery->attempts : 1,
        .notes = sub->notes,
        .dropped = (sub->notes & SUBSCRIPTION_NOTE_DROPPED) != 0
                       ? sub->dropped_count
                       : 0,
    };
    (void)snprintf(got->body, sizeof(got->body), "%.*s", (int)msg->body.len,
                   msg->body.data);
    (void)snprintf(client->last_headers, sizeof(client->last_headers), "%.*s",
                   (int)msg->headers.len, msg->headers.data);
    (void)snprintf(client->last_body, sizeof(client->last_body), "%.*s",
                   (int)msg->body.len, msg->body.data);
}

static void
client_on_stored(void *ctx, store_ticket ticket, enum store_result result,
                 const struct error *err)
{
    struct fake_client *client = ctx;

    (void)err;
    client->stored++;
    client->stored_ticket = ticket;
    client->stored_result = result;
}

static void
client_on_resume(void *ctx)
{
    struct fake_client *client = ctx;

    client->resumed++;
}

/* As the session: what is un-acked goes back, then the subscription ends; or
 * all of them, with the connection. */
static void
client_on_ended(void *ctx, struct subscription *sub, const char *why,
                const char *reason, bool connection)
{
    struct fake_client *client = ctx;

    ck_assert_uint_gt(strlen(why), 0);
    client->ended++;
    client->ended_connection = connection;
    (void)snprintf(client->ended_reason, sizeof(client->ended_reason), "%s",
                   reason);
    for (size_t i = client->got_count; i-- > 0;) {
        struct fake_got *got = &client->got[i];

        if (got->delivery != NULL && (connection || got->sub == sub) &&
            got->sub->ack != ACK_AUTO) {
            struct delivery *delivery = got->delivery;

            got->delivery = NULL;
            if (!connection) {
                core_return(client->client.core, delivery);
            }
        }
    }
    if (connection) {
        core_client_stop(&client->client);
    } else {
        core_unsubscribe(sub);
    }
}

static void
client_on_browsed(void *ctx, struct subscription *sub)
{
    struct fake_client *client = ctx;

    (void)sub;
    client->browsed++;
}

static const struct client_ops client_ops = {
    .ended = client_on_ended,
    .browsed = client_on_browsed,
    .deliver = client_on_deliver,
    .stored = client_on_stored,
    .resume = client_on_resume,
};

void
client_open(struct fixture *fixture, struct fake_client *client)
{
    client->got_count = 0;
    client->shown = 0;
    client->resumed = 0;
    client->browsed = 0;
    client->stored = 0;
    client->ended = 0;
    client->ended_connection = false;
    client->ended_reason[0] = '\0';
    client->last_headers[0] = '\0';
    client->last_body[0] = '\0';
    core_client_open(fixture->core, &client->client, &client_ops, client);
    client->client.name = "c1";
    client->client.peer = "127.0.0.1:9";
}

static void
client_settle(struct fake_client *client, struct fake_got *got, bool sent)
{
    struct core *core = client->client.core;
    struct delivery *delivery = got->delivery;

    got->pending = false;
    got->delivery = NULL;
    if (delivery == NULL) {
        core_sent(got->sub, 1, got->bytes);
    } else if (sent) {
        core_ack(core, delivery);
    } else {
        core_unsend(core, delivery);
    }
}

void
client_close(struct fake_client *client)
{
    for (size_t i = client->got_count; i-- > 0;) {
        if (client->got[i].pending) {
            client_settle(client, &client->got[i], false);
        }
    }
    core_client_close(&client->client);
}

void
client_flush(struct fake_client *client)
{
    for (size_t i = 0; i < client->got_count; i++) {
        if (client->got[i].pending) {
            client_settle(client, &client->got[i], true);
        }
    }
}

struct subscribe_options
options_of(enum ack_mode ack, uint32_t prefetch)
{
    return (struct subscribe_options){
        .ack = ack,
        .prefetch_set = prefetch > 0,
        .prefetch = prefetch,
        .pending_limit = -1,
    };
}

struct subscription *
subscribe(struct fake_client *client, enum destination_kind kind,
          const char *name, const struct subscribe_options *options)
{
    struct subscribe_options mine = *options;
    struct subscription_target target = {
        .kind = kind,
        .name = span_of_text(name),
        .wildcard = strpbrk(name, "*>") != NULL,
    };

    if (mine.target_count == 0) {
        mine.targets = &target;
        mine.target_count = 1;
    }
    return core_subscribe(client->client.core, &client->client, &mine, client);
}

struct subscription *
subscribe_queue(struct fake_client *client, const char *name, enum ack_mode ack,
                uint32_t prefetch)
{
    struct subscribe_options options = options_of(ack, prefetch);

    return subscribe(client, DESTINATION_QUEUE, name, &options);
}

struct subscription *
subscribe_topic(struct fake_client *client, const char *name, enum ack_mode ack,
                uint32_t prefetch)
{
    struct subscribe_options options = options_of(ack, prefetch);

    return subscribe(client, DESTINATION_TOPIC, name, &options);
}

struct message *
message_make_with(struct fixture *fixture, const char *headers,
                  const char *body, const struct message_facts *facts)
{
    struct message_facts plain = { .priority = 4,
                                   .timestamp_ms = fixture->now_ms };
    struct message *msg =
        message_new(core_quota(fixture->core), facts != NULL ? facts : &plain,
                    SPAN("destination:/queue/x\n"), span_of_text(headers),
                    span_of_text(body));

    ck_assert_ptr_nonnull(msg);
    return msg;
}

struct message *
message_make(struct fixture *fixture, const char *body,
             const struct message_facts *facts)
{
    return message_make_with(fixture, "", body, facts);
}

enum core_send
send_made(struct fixture *fixture, enum destination_kind kind, const char *name,
          struct message *msg, const struct send_options *options)
{
    struct send_options plain = { .wait = false };
    struct client *sender = options != NULL ? options->sender : NULL;
    struct destination *dest;
    enum core_send sent;

    ck_assert_int_eq(core_destination(fixture->core, sender, kind,
                                      span_of_text(name), true, &dest),
                     CORE_FOUND);
    sent = core_send(fixture->core, dest, msg,
                     options != NULL ? options : &plain, &fixture->ticket);
    message_unref(&msg);
    return sent;
}

enum core_send
send_message(struct fixture *fixture, enum destination_kind kind,
             const char *name, const char *body,
             const struct message_facts *facts,
             const struct send_options *options)
{
    return send_made(fixture, kind, name, message_make(fixture, body, facts),
                     options);
}

static void
send_range(struct fixture *fixture, enum destination_kind kind,
           const char *name, int first, int last, bool persistent)
{
    struct message_facts facts = { .priority = 4,
                                   .persistent = persistent,
                                   .timestamp_ms = fixture->now_ms };
    char body[24];

    for (int i = first; i <= last; i++) {
        (void)snprintf(body, sizeof(body), "%d", i);
        ck_assert_int_eq(send_message(fixture, kind, name, body, &facts, NULL),
                         CORE_SENT);
    }
}

void
send_queue(struct fixture *fixture, const char *name, int first, int last)
{
    send_range(fixture, DESTINATION_QUEUE, name, first, last, false);
}

void
send_topic(struct fixture *fixture, const char *name, int first, int last)
{
    send_range(fixture, DESTINATION_TOPIC, name, first, last, false);
}

void
send_persistent(struct fixture *fixture, const char *name, int first, int last)
{
    send_range(fixture, DESTINATION_QUEUE, name, first, last, true);
}

void
send_headed(struct fixture *fixture, enum destination_kind kind,
            const char *name, const char *body, const char *headers,
            const struct message_facts *facts)
{
    struct message_facts mine = { .priority = MESSAGE_PRIORITY_DEFAULT,
                                  .timestamp_ms = fixture->now_ms };
    struct send_options options = { .wait = false };
    struct destination *dest;
    struct message *msg;

    if (facts != NULL) {
        mine = *facts;
    }
    mine.maybe_grouped = true;
    msg = message_new(core_quota(fixture->core), &mine,
                      SPAN("destination:/queue/x\n"), span_of_text(headers),
                      span_of_text(body));
    ck_assert_ptr_nonnull(msg);
    ck_assert_int_eq(core_destination(fixture->core, NULL, kind,
                                      span_of_text(name), true, &dest),
                     CORE_FOUND);
    ck_assert_int_eq(
        core_send(fixture->core, dest, msg, &options, &fixture->ticket),
        CORE_SENT);
    message_unref(&msg);
}

struct selector *
selector_of(const char *text)
{
    struct selector *selector;

    ck_assert_int_eq(selector_parse(span_of_text(text), &selector, NULL), 0);
    return selector;
}

const char *
client_news(struct fake_client *client)
{
    static char text[FIXTURE_TEXT];
    size_t len = 0;

    text[0] = '\0';
    for (; client->shown < client->got_count; client->shown++) {
        const struct fake_got *got = &client->got[client->shown];

        len += (size_t)snprintf(
            text + len, sizeof(text) - len, "%s%s%s%s%s", len > 0 ? " " : "",
            got->body, got->attempts > 1 ? "r" : "",
            (got->notes & SUBSCRIPTION_NOTE_RECOVERED) != 0 ? "*" : "",
            (got->notes & SUBSCRIPTION_NOTE_RETAINED) != 0 ? "!" : "");
        ck_assert_uint_lt(len, sizeof(text));
    }
    return text;
}

static struct fake_got *
client_find(struct fake_client *client, const char *body)
{
    for (size_t i = client->got_count; i-- > 0;) {
        if (client->got[i].delivery != NULL &&
            strcmp(client->got[i].body, body) == 0) {
            return &client->got[i];
        }
    }
    ck_abort_msg("no un-acked delivery of %s", body);
    return NULL;
}

struct delivery *
client_delivery(struct fake_client *client, const char *body)
{
    return client_find(client, body)->delivery;
}

static struct delivery *
client_take(struct fake_client *client, const char *body)
{
    struct fake_got *got = client_find(client, body);
    struct delivery *delivery = got->delivery;

    got->delivery = NULL;
    got->pending = false;
    return delivery;
}

void
client_ack(struct fake_client *client, const char *body)
{
    core_ack(client->client.core, client_take(client, body));
}

void
client_nack(struct fake_client *client, const char *body)
{
    struct nack_options options = { .dead_letter = false };

    core_nack(client->client.core, client_take(client, body), &options);
}

void
client_refuse(struct fake_client *client, const char *body)
{
    struct nack_options options = { .dead_letter = true };

    core_nack(client->client.core, client_take(client, body), &options);
}

void
client_nack_later(struct fake_client *client, const char *body,
                  int64_t delay_ms)
{
    struct nack_options options = {
        .delay_us = delay_ms < 0 ? -1 : delay_ms * 1000,
    };

    core_nack(client->client.core, client_take(client, body), &options);
}

void
client_ack_all(struct fake_client *client)
{
    for (size_t i = 0; i < client->got_count; i++) {
        if (client->got[i].delivery != NULL) {
            struct delivery *delivery = client->got[i].delivery;

            client->got[i].delivery = NULL;
            client->got[i].pending = false;
            core_ack(client->client.core, delivery);
        }
    }
}

int
body_number(const char *body)
{
    uint64_t number;

    return span_to_u64(span_of_text(body), &number) ? (int)number : -1;
}
