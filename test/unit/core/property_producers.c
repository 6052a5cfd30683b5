/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Producers that are let in, made to wait or refused as their queues' policies
 * say, and one that takes from those queues.  What is sent passes a limit by
 * one message at most, what was refused is nowhere, what was let in comes in
 * its order, and no producer waits while there is room.
 */
#include "test/unit/core/property.h"

#include <stdio.h>
#include <string.h>

enum {
    PRODUCERS = 3,
    PRODUCED_QUEUES = 2,
    PRODUCED_MAX = 3000,
    FRAMES_MAX = 64,
    PADDING_MAX = 200,
    RESUMED_MAX = 200, /* between two steps */
    /* Who waits for memory is let on below so much of it. */
    RESUME_PERCENT = 90,
};

/* A SEND that a session holds. */
struct frame_held {
    int queue;
    bool persistent;
    unsigned padding;
};

static struct producer {
    struct client client;
    struct frame_held frames[FRAMES_MAX];
    size_t frame_count;
    bool waits;
    bool refused;   /* its connection is to be closed */
    int64_t due_us; /* of sendFailIfNoSpaceAfterTimeout, while it waits */
    unsigned resumed;
} producers[PRODUCERS];

static struct {
    int queue;
    bool persistent;
    enum state state;
} produced[PRODUCED_MAX];
static int produced_count;

static struct {
    struct client client;
    struct subscription *subs[PRODUCED_QUEUES];
    struct delivery *held[PRODUCED_MAX];
    int ids[PRODUCED_MAX];
    size_t held_count;
} taker;

static const char *const names[PRODUCED_QUEUES] = { "a.0", "a.1" };

static struct destination *
produced_queue(int queue)
{
    struct destination *dest;

    (void)core_destination(f.core, NULL, DESTINATION_QUEUE,
                           span_of_text(names[queue]), true, &dest);
    return dest;
}

/* --- policies ------------------------------------------------------------- */

void
producers_draw_options(struct core_options *options)
{
    options->store_bytes = draw(3) == 0 ? 3000 + draw(30000) : 0;
    options->temp_bytes = draw(3) == 0 ? 1000 + draw(10000) : 0;
}

static void
draw_limits(struct policy *policy)
{
    policy->memory_limit.bytes = draw(2) == 0 ? 500 + draw(8000) : 0;
    policy->store_limit.bytes = draw(2) == 0 ? 100 + draw(3000) : 0;
    policy->temp_limit.bytes = draw(2) == 0 ? 100 + draw(3000) : 0;
    policy->cursor_memory_high_water = draw(2) == 0 ? 70 : 1 + draw(100);
    policy->store_usage_high_water = draw(2) == 0 ? 100 : 50 + draw(50);
    policy->producer_flow_control = draw(4) != 0;
    policy->send_fail_if_no_space = draw(4) == 0 ? POLICY_ON : POLICY_UNSET;
    policy->send_fail_after_us = draw(2) == 0 ? 1 + draw(200000) : 0;
}

void
producers_begin(void)
{
    memset(producers, 0, sizeof(producers));
    memset(&taker, 0, sizeof(taker));
    produced_count = 0;
    for (int i = 0; i < PRODUCED_QUEUES; i++) {
        draw_limits(fixture_policy(&f, DESTINATION_QUEUE, names[i]));
    }
}

/* --- sending -------------------------------------------------------------- */

static bool
passes(const struct quota *quota, size_t bytes, unsigned percent)
{
    return quota->limit > 0 &&
           (quota->used - bytes) * 100 >= quota->limit * percent;
}

/* There was room before this message came. */
static void
check_limits(struct destination *dest, const struct message *msg,
             bool persistent)
{
    size_t stored = msg->headers.len + msg->body.len;
    const struct queue *queue = queue_of(dest);
    bool spills = queue_is_paged(queue);
    struct core_usage usage;

    core_usage_get(f.core, &usage);
    ck_assert_uint_le(usage.memory.used,
                      usage.memory.limit + message_bytes(msg));
    if (dest->policy->producer_flow_control) {
        ck_assert(!passes(&dest->quota, spills ? 0 : message_bytes(msg), 100));
    }
    if (persistent) {
        ck_assert(!passes(&dest->usage.stored, stored, 100));
        ck_assert(!passes(&usage.store, stored,
                          dest->policy->store_usage_high_water));
    } else if (spills) {
        ck_assert(!passes(&dest->usage.spilled, stored, 100));
        ck_assert(!passes(&usage.temp, stored, 100));
    }
}

static struct message *
make_message(const struct frame_held *frame, int id)
{
    struct message_facts facts = { .persistent = frame->persistent,
                                   .priority = MESSAGE_PRIORITY_DEFAULT,
                                   .timestamp_ms = f.now_ms };
    char headers[PADDING_MAX + 16];
    char body[16];
    struct message *msg;

    (void)snprintf(headers, sizeof(headers), "padding:%0*d\n",
                   (int)frame->padding, 0);
    (void)snprintf(body, sizeof(body), "%d", id);
    msg =
        message_new(core_quota(f.core), &facts, SPAN("destination:/queue/a\n"),
                    span_of_text(headers), span_of_text(body));
    ck_assert_ptr_nonnull(msg);
    return msg;
}

static void
send_first(struct producer *producer, struct destination *dest)
{
    const struct frame_held *frame = &producer->frames[0];
    struct message *msg = make_message(frame, produced_count);
    struct send_options options = { .sender = &producer->client };

    produced[produced_count].queue = frame->queue;
    produced[produced_count].persistent = frame->persistent;
    produced[produced_count++].state = WAITING;
    ck_assert_int_eq(core_send(f.core, dest, msg, &options, &f.ticket),
                     CORE_SENT);
    check_limits(dest, msg, frame->persistent);
    message_unref(&msg);
    if (draw(40) == 0 && !purging) {
        fake_store_set_congested(f.store, true);
    }
    producer->frame_count--;
    memmove(producer->frames, producer->frames + 1,
            producer->frame_count * sizeof(*frame));
}

/* What is held goes with the connection. */
static void
refuse(struct producer *producer)
{
    producer->refused = true;
    producer->waits = false;
    producer->frame_count = 0;
}

static void
wait_for_room(struct producer *producer, const struct core_lack *lack)
{
    int64_t after_us = lack->dest->policy->send_fail_after_us;

    producer->waits = true;
    producer->due_us = INT64_MAX;
    if (lack->room != CORE_ROOM_WRITES && after_us > 0) {
        producer->due_us = f.now_us + after_us;
    }
    core_client_block(&producer->client, lack);
}

/* Sends what is held, in its order, until it has to wait. */
static void
send_held(struct producer *producer)
{
    while (producer->frame_count > 0 && produced_count < PRODUCED_MAX) {
        const struct frame_held *frame = &producer->frames[0];
        struct destination *dest = produced_queue(frame->queue);
        struct core_lack lack;

        switch (core_admit(f.core, dest, &producer->client, frame->persistent,
                           &lack)) {
        case CORE_ADMITTED:
            send_first(producer, dest);
            break;
        case CORE_WAIT:
            wait_for_room(producer, &lack);
            return;
        case CORE_REFUSED:
            ck_assert_int_eq(dest->policy->send_fail_if_no_space, POLICY_ON);
            refuse(producer);
            return;
        }
    }
}

static void
on_resume(void *ctx)
{
    struct producer *producer = ctx;

    ck_assert_uint_lt(producer->resumed++, RESUMED_MAX);
    if (producer->waits) {
        producer->waits = false;
        send_held(producer);
    }
}

static const struct client_ops producer_ops = { .resume = on_resume };

static void
producer_opens(struct producer *producer)
{
    core_client_open(f.core, &producer->client, &producer_ops, producer);
    producer->client.name = "p";
    producer->client.peer = "p";
}

static void
producer_closes(struct producer *producer)
{
    core_client_close(&producer->client);
    memset(producer, 0, sizeof(*producer));
}

static void
produce(struct producer *producer)
{
    for (unsigned i = draw(16); i > 0; i--) {
        if (producer->frame_count < FRAMES_MAX) {
            producer->frames[producer->frame_count++] =
                (struct frame_held){ .queue = (int)draw(PRODUCED_QUEUES),
                                     .persistent = draw(2) == 0,
                                     .padding = 1 + draw(PADDING_MAX) };
        }
    }
    if (!producer->waits) {
        send_held(producer);
    }
}

/* --- taking --------------------------------------------------------------- */

static void
on_taken(void *ctx, struct subscription *sub, struct message *msg,
         struct delivery *delivery)
{
    int id = body_number(msg->body.data); /* a NUL follows */

    (void)ctx;
    ck_assert_int_lt(id, produced_count);
    ck_assert_ptr_eq(sub, taker.subs[produced[id].queue]);
    ck_assert_int_eq(produced[id].state, WAITING);
    for (int i = 0; i < id; i++) {
        if (produced[i].state == WAITING &&
            produced[i].queue == produced[id].queue) {
            ck_abort_msg("%d was taken while %d waits", id, i);
        }
    }
    produced[id].state = IN_FLIGHT;
    taker.ids[taker.held_count] = id;
    taker.held[taker.held_count++] = delivery;
    delivered++;
}

static const struct client_ops taker_ops = { .deliver = on_taken };

static void
taker_opens(void)
{
    memset(&taker, 0, sizeof(taker));
    core_client_open(f.core, &taker.client, &taker_ops, NULL);
    taker.client.name = "t";
    taker.client.peer = "p";
}

static void
taker_leaves(void)
{
    for (size_t i = 0; i < taker.held_count; i++) {
        produced[taker.ids[i]].state = WAITING;
    }
    core_client_close(&taker.client);
    taker_opens();
}

static void
taker_subscribes(int queue, uint32_t prefetch)
{
    struct subscription_target target = { .kind = DESTINATION_QUEUE,
                                          .name = span_of_text(names[queue]) };
    struct subscribe_options options =
        options_of(ACK_CLIENT_INDIVIDUAL, prefetch);

    options.targets = &target;
    options.target_count = 1;
    if (taker.subs[queue] == NULL) {
        taker.subs[queue] =
            core_subscribe(f.core, &taker.client, &options, NULL);
    }
}

static void
taker_settles(size_t count)
{
    for (; count > 0 && taker.held_count > 0; count--) {
        size_t at = draw((unsigned)taker.held_count);
        struct delivery *delivery = taker.held[at];

        produced[taker.ids[at]].state = DONE;
        taker.held_count--;
        taker.held[at] = taker.held[taker.held_count];
        taker.ids[at] = taker.ids[taker.held_count];
        acknowledged++;
        core_ack(f.core, delivery);
    }
}

/* --- steps ---------------------------------------------------------------- */

void
producers_open(void)
{
    for (size_t i = 0; i < PRODUCERS; i++) {
        producer_opens(&producers[i]);
    }
    taker_opens();
}

void
producers_close(void)
{
    for (size_t i = 0; i < PRODUCERS; i++) {
        producer_closes(&producers[i]);
    }
    taker_leaves();
    core_client_close(&taker.client);
}

void
producers_restarted(void)
{
    for (int i = 0; i < produced_count; i++) {
        if (!produced[i].persistent) {
            produced[i].state = DONE;
        }
    }
}

/* A step begins: who was refused comes anew, and who has waited too long is. */
void
producers_turn(void)
{
    for (size_t i = 0; i < PRODUCERS; i++) {
        struct producer *producer = &producers[i];

        producer->resumed = 0;
        if (producer->waits && producer->due_us <= f.now_us) {
            refuse(producer);
        }
        if (producer->refused) {
            producer_closes(producer);
            producer_opens(producer);
        }
    }
}

void
do_producer(void)
{
    switch (draw(16)) {
    case 0:
        taker_leaves();
        break;
    case 1:
    case 2:
        taker_subscribes((int)draw(PRODUCED_QUEUES), 1 + draw(30));
        break;
    case 3:
        refuse(&producers[draw(PRODUCERS)]); /* it closes its connection */
        break;
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
        taker_settles(draw(20));
        break;
    default:
        produce(&producers[draw(PRODUCERS)]);
        break;
    }
}

/* --- invariants ----------------------------------------------------------- */

void
check_produced(void)
{
    for (int at = 0; at < PRODUCED_QUEUES; at++) {
        const struct queue *queue = queue_of(produced_queue(at));
        uint64_t waiting = 0;
        uint64_t in_flight = 0;

        for (int i = 0; i < produced_count; i++) {
            if (produced[i].queue == at) {
                waiting += produced[i].state == WAITING;
                in_flight += produced[i].state == IN_FLIGHT;
            }
        }
        ck_assert_uint_eq(queue_waiting_count(queue), waiting);
        ck_assert_uint_eq(queue->in_flight_count, in_flight);
    }
}

static bool
has_memory(const struct destination *dest)
{
    struct core_usage usage;

    core_usage_get(f.core, &usage);
    return !quota_reaches(&usage.memory, RESUME_PERCENT) &&
           !quota_reaches(&dest->quota, RESUME_PERCENT);
}

/* At rest: who waits would have to. */
void
check_nobody_waits_in_vain(void)
{
    for (size_t i = 0; i < PRODUCERS; i++) {
        const struct producer *producer = &producers[i];
        struct destination *dest;
        struct core_lack lack;

        if (!producer->waits) {
            continue;
        }
        ck_assert(producer->client.blocked);
        dest = produced_queue(producer->frames[0].queue);
        ck_assert_msg(!has_memory(dest) ||
                          core_admit(f.core, dest, &producer->client,
                                     producer->frames[0].persistent,
                                     &lack) != CORE_ADMITTED,
                      "producer %zu waits while there is room", i);
    }
}

/* All is let in and taken. */
void
producers_drain(void)
{
    for (int i = 0; i < PRODUCED_QUEUES; i++) {
        taker_subscribes(i, 50);
    }
    do {
        for (size_t i = 0; i < PRODUCERS; i++) {
            producers[i].resumed = 0;
        }
        fake_store_set_congested(f.store, false);
        taker_settles(PRODUCED_MAX);
        settle();
    } while (taker.held_count > 0 || store_is_congested(f.store));
    for (size_t i = 0; i < PRODUCERS; i++) {
        ck_assert_msg(!producers[i].waits, "producer %zu waits", i);
    }
    for (int i = 0; i < produced_count; i++) {
        ck_assert_msg(produced[i].state == DONE, "%d is lost, in state %d", i,
                      (int)produced[i].state);
    }
    check_all();
}
