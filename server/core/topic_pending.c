/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for slow subscribers of a topic, and the limits on it: a number,
 * a number of bytes, and one that may be passed for a while.
 * Source: activemq.md 5.
 */
#include "server/core/topic_private.h"

#include "protocol/headers.h"

void
topic_pending_add(struct attachment *attachment, struct message *msg,
                  unsigned notes)
{
    struct subscription *sub = attachment->sub;
    struct delivery *delivery;

    delivery = delivery_new(&sub->client->core->pool, message_ref(msg));
    delivery->state = DELIVERY_PENDING;
    delivery->sub = sub;
    delivery->from = attachment;
    delivery_charge(delivery, &attachment->dest->quota);
    delivery->notes = (uint8_t)notes;
    delivery->eviction.priority = msg->priority;
    delivery->eviction.timestamp_ms = msg->timestamp_ms;
    DL_APPEND(attachment->pending, &delivery->eviction);
    attachment->pending_count++;
    attachment->pending_bytes += delivery_bytes(delivery);
    DL_APPEND(sub->pending, delivery);
}

static void
topic_soft_timer_stop(struct attachment *attachment)
{
    if (timer_node_is_set(&attachment->soft_timer)) {
        timer_wheel_cancel(attachment->dest->core->timers,
                           &attachment->soft_timer);
    }
}

static void
topic_pending_remove(struct delivery *delivery)
{
    struct attachment *attachment = delivery->from;

    DL_DELETE(attachment->pending, &delivery->eviction);
    attachment->pending_count--;
    attachment->pending_bytes -= delivery_bytes(delivery);
    DL_DELETE(attachment->sub->pending, delivery);
    delivery->from = NULL;
    if (attachment->pending_bytes <=
        attachment->dest->policy->pending_bytes.soft) {
        topic_soft_timer_stop(attachment);
    }
}

/* --- limits --------------------------------------------------------------- */

static bool
topic_has_limit(const struct attachment *attachment)
{
    const struct policy_pending_bytes *bytes =
        &attachment->dest->policy->pending_bytes;

    return attachment->pending_limit >= 0 || (bytes->hard | bytes->soft) != 0;
}

/* soft: down to the softer of the two limits on bytes. */
static bool
topic_is_over(const struct attachment *attachment, bool soft)
{
    const struct policy_pending_bytes *bytes =
        &attachment->dest->policy->pending_bytes;

    if (attachment->pending == NULL) {
        return false;
    }
    return (attachment->pending_limit >= 0 &&
            attachment->pending_count > (uint64_t)attachment->pending_limit) ||
           (bytes->hard > 0 && attachment->pending_bytes > bytes->hard) ||
           (soft && bytes->soft > 0 && attachment->pending_bytes > bytes->soft);
}

static void
topic_discard(struct delivery *delivery)
{
    struct attachment *attachment = delivery->from;
    struct destination *dest = attachment->dest;
    struct core *core = dest->core;

    attachment->discarded_count++;
    delivery->sub->dropped_count++;
    core->stats.discarded++;
    topic_pending_remove(delivery);
    core_advise(core, ADVISORY_DISCARDED, dest, delivery->msg, delivery->sub);
    (void)core_dead_letter(core, dest, delivery->msg,
                           SPAN("discarded: a subscription was too slow"),
                           DEAD_LETTER_DISCARDED);
    delivery_free(&core->pool, &delivery);
}

static void
topic_pending_expire(struct attachment *attachment)
{
    struct core *core = attachment->dest->core;
    struct eviction_node *node;
    struct eviction_node *next;

    DL_FOREACH_SAFE(attachment->pending, node, next) {
        struct delivery *delivery =
            container_of(node, struct delivery, eviction);

        if (message_is_expired(delivery->msg, core->now_ms)) {
            topic_pending_remove(delivery);
            topic_expire(topic_of(attachment->dest), delivery->msg);
            delivery_free(&core->pool, &delivery);
        }
    }
}

/* The value as it stands on the wire: equal values are equal there too. */
static struct span
topic_property(const struct eviction_node *node, struct span name)
{
    const struct delivery *delivery =
        (const struct delivery *)(const void *)((const char *)node -
                                                offsetof(struct delivery,
                                                         eviction));

    return headers_block_find(delivery->msg->headers, name);
}

/* Makes room at an attachment that is over a limit: the expired first, then as
 * the eviction strategy says. */
static void
topic_evict(struct attachment *attachment, bool soft)
{
    const struct policy *policy = attachment->dest->policy;

    if (!topic_is_over(attachment, soft)) {
        return;
    }
    topic_pending_expire(attachment);
    while (topic_is_over(attachment, soft)) {
        struct eviction_node *node = policy->eviction->pick(
            attachment->pending, &policy->eviction_parameters, topic_property);

        topic_discard(container_of(node, struct delivery, eviction));
    }
}

/* It has been over the soft limit for all of softTime. */
static void
topic_on_soft_time(struct timer_node *node, int64_t now_us)
{
    struct attachment *attachment =
        container_of(node, struct attachment, soft_timer);

    (void)now_us;
    topic_drain_pending(attachment->sub); /* it may have credit again */
    topic_evict(attachment, true);
}

static void __attribute__((noinline))
topic_enforce_limits(struct attachment *attachment)
{
    const struct policy_pending_bytes *bytes =
        &attachment->dest->policy->pending_bytes;
    struct core *core = attachment->dest->core;

    topic_evict(attachment, bytes->soft_us == 0);
    if (bytes->soft > 0 && attachment->pending_bytes > bytes->soft &&
        !timer_node_is_set(&attachment->soft_timer)) {
        timer_node_init(&attachment->soft_timer, topic_on_soft_time);
        timer_wheel_set(core->timers, &attachment->soft_timer,
                        core->now_us + bytes->soft_us);
    }
}

void
topic_wait(struct attachment *attachment, struct message *msg)
{
    topic_pending_add(attachment, msg, 0);
    if (topic_has_limit(attachment)) {
        topic_enforce_limits(attachment);
    }
}

void
topic_drain_pending(struct subscription *sub)
{
    struct core *core = sub->client->core;

    while (sub->pending != NULL && subscription_has_credit(sub)) {
        struct delivery *delivery = sub->pending;
        struct destination *dest = delivery->from->dest;

        topic_pending_remove(delivery);
        if (message_is_expired(delivery->msg, core->now_ms)) {
            topic_expire(topic_of(dest), delivery->msg);
        } else {
            topic_send_now(sub, delivery->msg, dest, delivery->notes);
        }
        delivery_free(&core->pool, &delivery);
    }
    for (struct attachment *at = sub->attachments; at != NULL; at = at->next) {
        if (at->pending != NULL && topic_has_limit(at)) {
            topic_enforce_limits(at);
        }
    }
}

void
topic_drop_pending(struct attachment *attachment)
{
    while (attachment->pending != NULL) {
        struct delivery *delivery =
            container_of(attachment->pending, struct delivery, eviction);

        topic_pending_remove(delivery);
        delivery_free(&attachment->sub->client->core->pool, &delivery);
    }
    topic_soft_timer_stop(attachment);
}
