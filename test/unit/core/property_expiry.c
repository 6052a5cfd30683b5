/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that expire.  None comes after its time; what has gone before it was
 * delivered had expired, and was counted.  In the end each that was refused,
 * and each that expired where the policy keeps those, is in the dead letter
 * queue, once, and no other is.
 */
#include "test/unit/core/property.h"

#include <string.h>

enum { LETTERS_HELD_MAX = 100 };

static uint64_t closed_expired; /* of topic subscriptions that are gone */
static bool is_there[MESSAGES_MAX];

static struct {
    struct client client;
    struct delivery *held[LETTERS_HELD_MAX];
    size_t held_count;
    unsigned count[MESSAGES_MAX]; /* that came, of each */
} reader;

void
expiry_begin(void)
{
    expired = closed_expired = 0;
    pending_begin();
}

void
expiry_restarted(void)
{
    expiry_begin(); /* as the core's own counts */
}

int64_t
draw_expiry(void)
{
    return draw(4) == 0 ? f.now_ms + draw(300) : 0;
}

bool
has_expired(int64_t expires_ms)
{
    return expires_ms != 0 && f.now_ms > expires_ms;
}

/* --- queues --------------------------------------------------------------- */

void
count_expired(int queue, uint64_t count)
{
    expired += count;
    if (queue_policies[queue]->dead_letter_parameters.process_expired) {
        dead += count;
    }
}

static void
find_message(int id)
{
    if (id < 0 || id >= message_count || is_there[id] ||
        messages[id].state > IN_FLIGHT) {
        ck_abort_msg("%d is there twice, or in state %d", id,
                     (int)messages[id].state);
    }
    is_there[id] = true;
}

static void
find_resident(const struct queue *queue)
{
    const struct lane *lane;
    const struct delivery *delivery;
    size_t bytes = 0;

    for (lane = queue->lanes; lane != NULL; lane = lane->lower) {
        DL_FOREACH2(lane->held, delivery, held_next)
        {
            find_message(body_number(delivery->msg->body.data));
            bytes += message_bytes(delivery->msg);
        }
    }
    ck_assert_uint_eq(bytes, queue->base.quota.used);
}

static void
on_record(void *ctx, struct span queue, const struct store_record *record)
{
    uint64_t id;

    (void)ctx;
    if (!span_starts_with(queue, SPAN("q."))) {
        return;
    }
    if (!span_to_u64(record->body, &id) || id >= (uint64_t)message_count) {
        ck_abort_msg("a record of no message is there");
    }
    is_there[id] = true; /* or resident as well */
}

/* What is gone from a queue though nobody had it: it has expired. */
void
notice_expired(void)
{
    memset(is_there, 0, (size_t)message_count * sizeof(*is_there));
    for (int i = 0; i < QUEUES; i++) {
        if (queue_at(i) != NULL) {
            find_resident(queue_at(i));
        }
    }
    fake_store_each(f.store, on_record, NULL);
    for (int i = 0; i < message_count; i++) {
        struct model_message *msg = &messages[i];

        if (msg->state > IN_FLIGHT || is_there[i]) {
            continue;
        }
        if (msg->state == IN_FLIGHT || !has_expired(msg->expires_ms)) {
            ck_abort_msg("%d is not there in state %d", i, (int)msg->state);
        }
        msg->state = EXPIRED;
        count_expired(msg->queue, 1);
    }
}

/* --- topics --------------------------------------------------------------- */

/* What it neither got nor lost for another reason. */
uint64_t
topic_expired_for(const struct model_sub *mine)
{
    const struct attachment *attachment = mine->sub->attachments;

    return mine->offered - mine->got - attachment->pending_count -
           attachment->discarded_count;
}

void
topic_sub_closes(const struct model_sub *mine)
{
    if (mine->sub != NULL && mine->queue < 0) {
        closed_expired += topic_expired_for(mine);
        pending_closes(mine);
    }
}

uint64_t
topics_expired(void)
{
    uint64_t count = closed_expired;

    for (size_t c = 0; c < CLIENTS; c++) {
        for (size_t s = 0; s < SUBS; s++) {
            const struct model_sub *mine = &clients[c].subs[s];

            if (mine->sub != NULL && mine->queue < 0) {
                count += topic_expired_for(mine);
            }
        }
    }
    return count;
}

/* --- dead letters --------------------------------------------------------- */

static void
on_letter(void *ctx, struct subscription *sub, struct message *msg,
          struct delivery *delivery)
{
    struct span rest = msg->headers;

    (void)ctx;
    (void)sub;
    delivered++;
    reader.held[reader.held_count++] = delivery;
    while (rest.len > 0) {
        struct span line = span_split(&rest, '\n');

        if (span_starts_with(line, SPAN("original-destination:/queue/q."))) {
            reader.count[body_number(msg->body.data)]++;
        }
    }
}

static const struct client_ops letters_ops = { .deliver = on_letter };

static void
check_letters(void)
{
    for (int i = 0; i < message_count; i++) {
        const struct model_message *msg = &messages[i];
        bool keeps =
            queue_policies[msg->queue]->dead_letter_parameters.process_expired;
        bool wanted = msg->state == DEAD || (msg->state == EXPIRED && keeps);

        bool unknown = msg->state == EXPIRED_OR_PURGED && keeps;

        if (reader.count[i] > 1 ||
            (!unknown && wanted != (reader.count[i] == 1))) {
            ck_abort_msg("%d has %u dead letters, in state %d", i,
                         reader.count[i], (int)msg->state);
        }
    }
}

/* All dead letters are read. */
void
letters_drain(void)
{
    struct subscription_target target = { .kind = DESTINATION_QUEUE,
                                          .name = SPAN("ActiveMQ.DLQ") };
    struct subscribe_options options = options_of(ACK_CLIENT, LETTERS_HELD_MAX);

    memset(&reader, 0, sizeof(reader));
    core_client_open(f.core, &reader.client, &letters_ops, NULL);
    reader.client.name = "l";
    reader.client.peer = "p";
    options.targets = &target;
    options.target_count = 1;
    (void)core_subscribe(f.core, &reader.client, &options, NULL);
    do {
        while (reader.held_count > 0) {
            acknowledged++;
            core_ack(f.core, reader.held[--reader.held_count]);
        }
        settle();
    } while (reader.held_count > 0);
    check_letters();
    check_all();
    core_client_close(&reader.client);
}
