/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable subscriptions to topics of their own: one to a topic, one that
 * selects from a pattern.  They come, leave, come back over restarts and are
 * removed.  What was published for one comes to it in the order of its topic,
 * never again once it was acknowledged, and in the end all has; only what is
 * not persistent may be lost, at a restart.
 */
#include "test/unit/core/property.h"

#include "server/core/durable.h"

#include <stdio.h>
#include <string.h>

enum { DURABLES = 2, DURABLE_TOPICS = 2, PUBLISHED_MAX = 2000 };

/* What a message is to a durable subscription. */
enum wish { NOT_FOR, WANTED, HELD, SETTLED };

static struct {
    int topic;
    bool persistent;
    int64_t expires_ms;
    enum wish wish[DURABLES];
} published[PUBLISHED_MAX];
static int published_count;
bool durables_expire;

static struct reader {
    struct client client;
    struct subscription *sub; /* NULL: nobody uses it */
    struct delivery *held[PUBLISHED_MAX];
    int ids[PUBLISHED_MAX];
    size_t held_count;
    bool exists;
} readers[DURABLES];

static const char *const durable_names[DURABLES] = { "all", "some" };
static const char *const durable_topics[DURABLES] = { "d.0", "d.>" };
static const char *const topics[DURABLE_TOPICS] = { "d.0", "d.1" };

static bool
durable_wants(size_t at, int topic, int key)
{
    return readers[at].exists && (at == 0 ? topic == 0 : key == 1);
}

static void
on_durable_delivery(void *ctx, struct subscription *sub, struct message *msg,
                    struct delivery *delivery)
{
    struct reader *reader = ctx;
    size_t at = (size_t)(reader - readers);
    int id = body_number(msg->body.data); /* a NUL follows */

    ck_assert_ptr_eq(sub, reader->sub);
    ck_assert_int_lt(id, published_count);
    ck_assert_msg(published[id].wish[at] == WANTED, "%d came to %s in state %d",
                  id, durable_names[at], (int)published[id].wish[at]);
    ck_assert(!has_expired(published[id].expires_ms));
    for (int i = 0; i < id; i++) {
        if (published[i].wish[at] == WANTED &&
            !has_expired(published[i].expires_ms) &&
            published[i].topic == published[id].topic) {
            ck_abort_msg("%d came to %s while %d waits", id, durable_names[at],
                         i);
        }
    }
    ck_assert_uint_le(sub->in_flight_count, sub->prefetch);
    published[id].wish[at] = HELD;
    reader->ids[reader->held_count] = id;
    reader->held[reader->held_count++] = delivery;
    delivered++;
}

static void
on_durable_stored(void *ctx, store_ticket ticket, enum store_result result,
                  const struct error *err)
{
    (void)ctx;
    (void)ticket;
    (void)result;
    (void)err;
}

static const struct client_ops durable_ops = { .deliver = on_durable_delivery,
                                               .stored = on_durable_stored };

static void
durable_opens(size_t at)
{
    struct reader *reader = &readers[at];

    core_client_open(f.core, &reader->client, &durable_ops, reader);
    reader->client.name = "d";
    reader->client.peer = "p";
}

void
durables_open(void)
{
    for (size_t i = 0; i < DURABLES; i++) {
        durable_opens(i);
    }
}

void
durables_begin(void)
{
    memset(readers, 0, sizeof(readers));
    published_count = 0;
    durables_expire = draw(2) == 0;
}

static void
durable_leaves(size_t at)
{
    struct reader *reader = &readers[at];

    for (size_t i = 0; i < reader->held_count; i++) {
        published[reader->ids[i]].wish[at] = WANTED;
    }
    reader->held_count = 0;
    reader->sub = NULL;
    core_client_close(&reader->client);
}

void
durables_close(void)
{
    for (size_t i = 0; i < DURABLES; i++) {
        durable_leaves(i);
    }
}

/* What is not persistent does not outlive the process. */
void
durables_restarted(void)
{
    for (int i = 0; i < published_count; i++) {
        for (size_t at = 0; at < DURABLES; at++) {
            if (!published[i].persistent) {
                published[i].wish[at] = NOT_FOR;
            }
        }
    }
}

static void
durable_subscribes(size_t at, uint32_t prefetch)
{
    struct reader *reader = &readers[at];
    struct subscription_target target = {
        .kind = DESTINATION_TOPIC,
        .name = span_of_text(durable_topics[at]),
        .wildcard = at == 1,
    };
    struct durable_claim claim = {
        .client_id = SPAN("d"),
        .name = span_of_text(durable_names[at]),
        .targets = &target,
        .target_count = 1,
        .selector = at == 1 ? SPAN("k = 1") : SPAN_NONE,
    };
    struct subscribe_options options =
        options_of(ACK_CLIENT_INDIVIDUAL, prefetch);
    struct error err = ERROR_INIT;
    enum durable_claimed claimed;

    options.targets = &target;
    options.target_count = 1;
    claimed = core_durable_claim(f.core, &reader->client, &claim,
                                 &options.durable, &err);
    if (claimed != DURABLE_CLAIMED) {
        ck_assert_int_eq(claimed, DURABLE_STORE_FAILED);
        ck_assert(failing);
        return;
    }
    reader->exists = true;
    reader->sub = core_subscribe(f.core, &reader->client, &options, NULL);
}

static void
durable_removed(size_t at)
{
    if (!readers[at].exists || readers[at].sub != NULL || failing) {
        return;
    }
    ck_assert_int_eq(
        core_durable_remove(f.core, SPAN("d"), span_of_text(durable_names[at])),
        DURABLE_REMOVED);
    readers[at].exists = false;
    for (int i = 0; i < published_count; i++) {
        published[i].wish[at] = NOT_FOR;
    }
}

static void
durable_settles(size_t at, unsigned count)
{
    struct reader *reader = &readers[at];

    for (; count > 0 && reader->held_count > 0; count--) {
        size_t i = draw(3) == 0 ? draw((unsigned)reader->held_count) : 0;
        struct delivery *delivery = reader->held[i];
        size_t behind = reader->held_count - i - 1;

        published[reader->ids[i]].wish[at] = SETTLED;
        memmove(&reader->held[i], &reader->held[i + 1],
                behind * sizeof(struct delivery *));
        memmove(&reader->ids[i], &reader->ids[i + 1], behind * sizeof(int));
        reader->held_count--;
        acknowledged++;
        core_ack(f.core, delivery);
    }
}

static void
publish(void)
{
    int id = published_count;
    int topic = (int)draw(DURABLE_TOPICS);
    int key = (int)draw(3);
    struct message_facts facts = {
        .persistent = draw(3) != 0,
        .priority = 4,
        .expires_ms = durables_expire ? draw_expiry() : 0,
    };
    struct send_options options = { .wait = false };
    struct destination *dest;
    struct message *msg;
    char headers[16];
    char body[16];

    if (id == PUBLISHED_MAX) {
        return;
    }
    (void)snprintf(headers, sizeof(headers), "k:%d\n", key);
    (void)snprintf(body, sizeof(body), "%d", id);
    msg =
        message_new(core_quota(f.core), &facts, SPAN("destination:/topic/d\n"),
                    span_of_text(headers), span_of_text(body));
    ck_assert_ptr_nonnull(msg);
    (void)core_destination(f.core, NULL, DESTINATION_TOPIC,
                           span_of_text(topics[topic]), true, &dest);
    if (core_send(f.core, dest, msg, &options, &f.ticket) == CORE_SENT) {
        published_count++;
        published[id].topic = topic;
        published[id].persistent = facts.persistent;
        published[id].expires_ms = facts.expires_ms;
        for (size_t at = 0; at < DURABLES; at++) {
            published[id].wish[at] =
                durable_wants(at, topic, key) ? WANTED : NOT_FOR;
        }
    } else {
        ck_assert(failing);
    }
    message_unref(&msg);
}

void
do_durable(void)
{
    size_t at = draw(DURABLES);

    switch (draw(10)) {
    case 0:
    case 1:
        if (readers[at].sub == NULL) {
            durable_subscribes(at, 1 + draw(20));
        }
        break;
    case 2:
        durable_leaves(at);
        durable_opens(at);
        break;
    case 3:
        if (draw(6) == 0) {
            durable_removed(at);
        }
        break;
    case 4:
    case 5:
    case 6:
        durable_settles(at, draw(12));
        break;
    default:
        for (unsigned i = draw(12); i > 0; i--) {
            publish();
        }
        break;
    }
}

/* All that anybody is owed comes, once. */
void
durables_drain(void)
{
    for (size_t at = 0; at < DURABLES; at++) {
        if (readers[at].sub == NULL && readers[at].exists) {
            durable_subscribes(at, 50);
        }
        do {
            durable_settles(at, PUBLISHED_MAX);
            settle();
        } while (readers[at].held_count > 0);
        for (int i = 0; i < published_count; i++) {
            ck_assert_msg(published[i].wish[at] == NOT_FOR ||
                              published[i].wish[at] == SETTLED ||
                              (published[i].wish[at] == WANTED &&
                               has_expired(published[i].expires_ms)),
                          "%d is lost for %s, in state %d", i,
                          durable_names[at], (int)published[i].wish[at]);
        }
    }
}
