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
        DL_APPEND2(core->credited, sub, credit_prev, credit_next);
    }
}

void
core_in_flight_add(struct subscription *sub, struct delivery *delivery)
{
    delivery->state = DELIVERY_IN_FLIGHT;
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
    } else if (sub->blocked != NULL || sub->pending != NULL) {
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
    core_in_flight_remove(core, delivery);
    if (queue == NULL) {
        delivery_free(&core->pool, &delivery);
        return;
    }
    if (queue->base.policy->advisories.consumed) {
        core_advise_consumed(core, queue, delivery);
    }
    queue_settle(queue, delivery);
}

/* Whether a NACK of this delivery is its last. */
static bool
core_is_last_attempt(const struct queue *queue,
                     const struct delivery *delivery)
{
    int64_t maximum = queue->base.policy->redelivery.maximum;

    return maximum >= 0 && (int64_t)delivery->attempts > maximum;
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
        queue_return(queue, delivery);
        return;
    }
    if (cause.len == 0) {
        cause = options->dead_letter
                    ? SPAN("refused by its consumer (NACK, requeue:false)")
                    : SPAN("refused by its consumers (NACK) more often than "
                           "maximumRedeliveries");
    }
    core_dead_letter(core, queue, delivery, cause, false);
    queue_settle(queue, delivery);
}

void
core_unsend(struct core *core, struct delivery *delivery)
{
    struct queue *queue = delivery_queue(delivery);

    core_in_flight_remove(core, delivery);
    delivery->attempts--;
    queue_return(queue, delivery);
}
