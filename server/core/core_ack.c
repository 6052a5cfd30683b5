/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credit and acknowledgement: what is in flight, and how it ends.
 */
#include "server/core/core_private.h"

#include <assert.h>
#include <stdlib.h>

void
core_mark_credited(struct core *core, struct subscription *sub)
{
    if (!sub->credited && !sub->closed) {
        sub->credited = true;
        core->credited_count++;
        DL_APPEND2(core->credited, sub, credit_prev, credit_next);
    }
}

void
core_unmark_credited(struct core *core, struct subscription *sub)
{
    if (sub->credited) {
        sub->credited = false;
        core->credited_count--;
        DL_DELETE2(core->credited, sub, credit_prev, credit_next);
    }
}

void
core_in_flight_add(struct subscription *sub, struct delivery *delivery)
{
    delivery->state = DELIVERY_IN_FLIGHT;
    delivery->delivered_us = sub->client->core->now_us;
    if (sub->in_flight_count == 0) {
        sub->last_ack_us = sub->client->core->now_us; /* it had none to ack */
    }
    DL_APPEND(sub->in_flight, delivery);
    sub->in_flight_count++;
    sub->in_flight_bytes += delivery_bytes(delivery);
    if (sub->ack != ACK_AUTO) {
        sub->client->unacked_count++;
    }
}

/* Something came back: someone may have been waiting for it. */
static void
subscription_credit_back(struct core *core, struct subscription *sub)
{
    if (sub->closed) {
        subscription_free_if_done(sub);
    } else if (subscription_is_waiting(sub)) {
        core_mark_credited(core, sub);
    }
}

void
core_in_flight_remove(struct core *core, struct delivery *delivery)
{
    struct subscription *sub = delivery->sub;

    assert(delivery->state == DELIVERY_IN_FLIGHT);
    DL_DELETE(sub->in_flight, delivery);
    sub->in_flight_count--;
    sub->in_flight_bytes -= delivery_bytes(delivery);
    if (sub->ack != ACK_AUTO) {
        sub->client->unacked_count--;
    }
    delivery->sub = NULL;
    subscription_credit_back(core, sub);
}

void
core_sent(struct subscription *sub, uint32_t count, size_t bytes)
{
    struct core *core = sub->client->core;

    sub->last_ack_us = core->now_us;
    sub->in_flight_count -= count;
    sub->in_flight_bytes -= bytes;
    subscription_credit_back(core, sub);
}

void
core_ack(struct core *core, struct delivery *delivery)
{
    struct queue *queue = delivery_queue(delivery);

    assert(delivery->tx == NULL);
    core->stats.acknowledged++;
    delivery->sub->last_ack_us = core->now_us;
    core_in_flight_remove(core, delivery);
    if (queue == NULL) {
        delivery_free(&core->pool, &delivery);
        return;
    }
    core_advise(core, ADVISORY_CONSUMED, &queue->base, delivery->msg, NULL);
    queue_settle(queue, delivery);
}

/* In [0, 1); spreads retries, so no more than that is asked of it. */
static double
core_chance(struct core *core)
{
    core->chance = core->chance * UINT64_C(6364136223846793005) +
                   UINT64_C(1442695040888963407);
    return (double)(core->chance >> 11) / (double)(UINT64_C(1) << 53);
}

/* Whether a NACK of this delivery is its last. */
static bool
core_is_last_attempt(const struct queue *queue, const struct delivery *delivery)
{
    int64_t maximum = queue->base.policy->redelivery.maximum;

    return maximum >= 0 && (int64_t)delivery->attempts > maximum;
}

/* Back at its place, now or after the delay that the client or the policy
 * wants. */
static void
core_try_again(struct core *core, struct queue *queue,
               struct delivery *delivery, const struct nack_options *options)
{
    int64_t delay_us = options->delay_us;

    if (delay_us < 0) {
        delay_us = redelivery_delay(&queue->base.policy->redelivery,
                                    delivery->attempts, core_chance(core));
    }
    if (delay_us > 0) {
        queue_return_later(queue, delivery, delay_us);
    } else {
        queue_return(queue, delivery);
    }
}

void
core_nack(struct core *core, struct delivery *delivery,
          const struct nack_options *options)
{
    struct queue *queue = delivery_queue(delivery);
    struct span cause = options->reason;

    assert(delivery->tx == NULL);
    core_in_flight_remove(core, delivery);
    if (queue == NULL) {
        delivery_free(&core->pool, &delivery); /* a topic has no second try */
        return;
    }
    if ((!options->dead_letter && !core_is_last_attempt(queue, delivery)) ||
        core_is_dead_letter_queue(queue) ||
        store_failure(core->store) != NULL) {
        core_try_again(core, queue, delivery, options);
        return;
    }
    if (cause.len == 0) {
        cause = options->dead_letter
                    ? SPAN("refused by its consumer (NACK, requeue:false)")
                    : SPAN("refused by its consumers (NACK) more often than "
                           "maximumRedeliveries");
    }
    if (core_dead_letter(core, &queue->base, delivery->msg, cause,
                         DEAD_LETTER_REFUSED)) {
        queue_settle(queue, delivery);
    } else {
        queue_return(queue, delivery);
    }
}

void
core_return(struct core *core, struct delivery *delivery)
{
    struct queue *queue = delivery_queue(delivery);

    core_in_flight_remove(core, delivery);
    if (queue != NULL) {
        queue_return(queue, delivery);
    } else {
        delivery_free(&core->pool, &delivery);
    }
}

void
core_unsend(struct core *core, struct delivery *delivery)
{
    struct queue *queue = delivery_queue(delivery);

    core_in_flight_remove(core, delivery);
    delivery->attempts--;
    queue_return(queue, delivery);
}
