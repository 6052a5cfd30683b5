/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/slow_consumers.h"

#include "server/core/core_private.h"

static void slow_consumers_on_timer(struct timer_node *node, int64_t now_us);

static bool
slow_consumers_are_watched(const struct destination *dest)
{
    return dest->policy->slow_consumer != NULL ||
           dest->policy->advisories.slow_consumers;
}

static void
slow_consumers_set_timer(struct destination *dest)
{
    timer_wheel_set(dest->core->timers, &dest->slow_timer,
                    dest->core->now_us +
                        dest->policy->slow_consumer_parameters.check_period_us);
}

void
slow_consumers_start(struct destination *dest)
{
    if (slow_consumers_are_watched(dest) &&
        !timer_node_is_set(&dest->slow_timer)) {
        timer_node_init(&dest->slow_timer, slow_consumers_on_timer);
        slow_consumers_set_timer(dest);
    }
}

void
slow_consumers_stop(struct destination *dest)
{
    if (timer_node_is_set(&dest->slow_timer)) {
        timer_wheel_cancel(dest->core->timers, &dest->slow_timer);
    }
}

/* Messages that it, or another in its place, might have. */
static uint64_t
slow_consumer_waiting(const struct attachment *attachment)
{
    return destination_is_queue(attachment->dest)
               ? queue_waiting_count(queue_of(attachment->dest))
               : attachment->pending_count;
}

/* Its window is full and there is more for it. */
static bool
slow_consumer_is_slow(const struct attachment *attachment)
{
    return !subscription_has_credit(attachment->sub) &&
           slow_consumer_waiting(attachment) > 0;
}

static void
slow_consumer_tell(struct attachment *attachment, bool slow)
{
    if (slow && !attachment->told_slow) {
        advisory_slow_consumer(attachment->dest->core, attachment);
    }
    attachment->told_slow = slow;
}

/* True when it was ended: the attachment is gone. */
static bool
slow_consumer_check(struct attachment *attachment)
{
    struct destination *dest = attachment->dest;
    struct subscription *sub = attachment->sub;
    const struct policy *policy = dest->policy;
    struct slow_consumer_facts facts = {
        .slow = slow_consumer_is_slow(attachment),
        .last_ack_us = sub->last_ack_us,
        .in_flight_count = sub->in_flight_count,
        .prefetch = sub->prefetch,
        .waiting_count = slow_consumer_waiting(attachment),
        .now_us = dest->core->now_us,
    };
    char reason[SLOW_CONSUMER_REASON_MAX];
    bool connection = policy->slow_consumer_parameters.abort_connection;

    if (attachment->slow_checked_us == dest->core->now_us) {
        return false; /* in this very round */
    }
    attachment->slow_checked_us = dest->core->now_us;
    slow_consumer_tell(attachment, facts.slow);
    if (policy->slow_consumer == NULL ||
        policy->slow_consumer->check(&policy->slow_consumer_parameters, &facts,
                                     &attachment->slow, reason,
                                     sizeof(reason)) != SLOW_CONSUMER_ABORT) {
        return false;
    }
    dest->core->stats.aborted++;
    sub->client->ops->ended(sub->client->ctx, sub, "slow consumer", reason,
                            connection);
    return true;
}

static void
slow_consumers_on_timer(struct timer_node *node, int64_t now_us)
{
    struct destination *dest =
        container_of(node, struct destination, slow_timer);
    struct attachment *attachment = dest->attachments;

    (void)now_us;
    while (attachment != NULL) {
        /* One that ends may take others of its connection along, so begin
         * again: ended ones are not found twice. */
        attachment = slow_consumer_check(attachment) ? dest->attachments
                                                     : attachment->dest_next;
    }
    if (dest->attachments != NULL && slow_consumers_are_watched(dest)) {
        slow_consumers_set_timer(dest);
    }
}
