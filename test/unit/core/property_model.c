/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The invariants: what must hold at each delivery, and at any time.
 */
#include "test/unit/core/property.h"

#include "server/core/topic.h"

#include <string.h>

struct fixture f;
struct model_client clients[CLIENTS];
struct model_message messages[MESSAGES_MAX];
int message_count;
int topic_count; /* ids of topic messages */
uint64_t accepted, delivered, acknowledged, dead, expired, aborted;
bool failing, fetch_failing, fetch_held;
bool topics_have_letters; /* how many is not modelled */
uint64_t chance;
enum use uses[QUEUES];
struct policy *queue_policies[QUEUES];
struct policy *topic_policies[TOPICS];

unsigned
draw(unsigned below)
{
    chance =
        chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((chance >> 33) % below);
}

const char *
queue_name(int queue)
{
    static const char *const names[QUEUES] = { "q.0", "q.1", "q.2" };

    return names[queue];
}

const char *
topic_name(int topic)
{
    return topic == 0 ? "t.0" : "t.1";
}

struct queue *
queue_at(int queue)
{
    struct destination *dest = destination_find(
        f.core, DESTINATION_QUEUE, span_of_text(queue_name(queue)));

    return dest != NULL ? queue_of(dest) : NULL;
}

/* --- what is checked at each delivery ------------------------------------- */

bool
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

        if (other->state != WAITING || other->doomed ||
            other->queue != msg->queue || other->group != msg->group ||
            !selects(sub, other->key) || has_expired(other->expires_ms)) {
            continue;
        }
        if (prioritized && other->priority != msg->priority) {
            /* Selecting consumers look at all priorities at once, and a group
             * keeps to its owner. */
            before = other->priority > msg->priority && sub->key < 0 &&
                     msg->group == 0;
        }
        if (before) {
            ck_abort_msg("%d came while %d waits (group %d)", id, i,
                         msg->group);
        }
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
    ck_assert(!has_expired(msg->expires_ms));
    if (queue->exclusive != NULL) {
        ck_assert_ptr_eq(queue->exclusive->sub, sub->sub);
    }
    check_order(sub, id);
    msg->state = IN_FLIGHT;
}

static void
on_topic_delivery(struct model_sub *sub, int id)
{
    if ((sub->sub->notes & SUBSCRIPTION_NOTE_DROPPED) != 0) {
        ck_assert_uint_gt(sub->sub->dropped_count, 0);
        sub->told_dropped += sub->sub->dropped_count;
    }
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

const struct client_ops model_ops = { .ended = on_ended,
                                      .deliver = on_deliver,
                                      .stored = on_stored,
                                      .resume = on_resume };

/* --- invariants ----------------------------------------------------------- */

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

/* What expired, and the letters, where all of it is modelled. */
static void
check_lost(const struct core_stats *stats)
{
    if (durables_expire) {
        ck_assert_uint_ge(stats->expired, expired + topics_expired());
    } else {
        ck_assert_uint_eq(stats->expired, expired + topics_expired());
    }
    if (topics_have_letters || durables_expire) {
        ck_assert_uint_ge(stats->dead_lettered, dead);
    } else {
        ck_assert_uint_eq(stats->dead_lettered, dead);
    }
}

void
check_all(void)
{
    struct core_stats stats;

    notice_expired();
    for (int i = 0; i < QUEUES; i++) {
        check_queue(i);
    }
    check_produced();
    fixture_check_usage(&f);
    for (size_t c = 0; c < CLIENTS; c++) {
        for (size_t s = 0; s < SUBS; s++) {
            const struct model_sub *mine = &clients[c].subs[s];

            if (mine->sub != NULL && mine->queue < 0) {
                check_pending(mine);
            }
        }
    }
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.delivered, delivered);
    ck_assert_uint_eq(stats.acknowledged, acknowledged);
    ck_assert_uint_eq(stats.aborted, aborted);
    ck_assert_uint_eq(stats.discarded, topics_discarded());
    check_lost(&stats);
}

/* Turns until nothing moves. */
void
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
        const struct model_message *msg = &messages[i];

        if (msg->queue == mine->queue && msg->state == WAITING &&
            msg->group == 0 && selects(mine, msg->key) &&
            !has_expired(msg->expires_ms)) {
            ck_abort_msg("%d waits for nobody", i);
        }
    }
}

void
check_at_rest(void)
{
    if (failing || fetch_failing || fetch_held) {
        return;
    }
    core_sweep(f.core);
    settle();
    check_all();
    check_nobody_waits_in_vain();
    for (size_t c = 0; c < CLIENTS; c++) {
        for (size_t s = 0; s < SUBS; s++) {
            if (clients[c].subs[s].sub != NULL &&
                clients[c].subs[s].queue >= 0) {
                check_nobody_starves(&clients[c].subs[s]);
            }
        }
    }
}
