/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/topic.h"

#include "base/alloc.h"
#include "protocol/headers.h"
#include "server/core/core_private.h"
#include "server/core/select.h"

#include <assert.h>
#include <stdlib.h>

struct destination *
topic_new(void)
{
    struct topic *topic = xcalloc(1, sizeof(*topic));

    return &topic->base;
}

static void
topic_hold(void *message)
{
    (void)message_ref(message);
}

static void
topic_release(void *message)
{
    struct message *msg = message;

    message_unref(&msg);
}

void
topic_open(struct topic *topic)
{
    const struct policy *policy = topic->base.policy;
    struct recovery_parameters parameters = policy->recovery_parameters;
    struct core *core = topic->base.core;

    if (policy->recovery->open == NULL) {
        return;
    }
    parameters.hold = topic_hold;
    parameters.release = topic_release;
    topic->recovery = policy->recovery->open(&parameters);
    topic->recovery_next = core->recovering;
    core->recovering = topic;
}

void
topic_free(struct topic *topic)
{
    struct core *core = topic->base.core;

    if (topic->recovery != NULL) {
        struct topic **link = &core->recovering;

        while (*link != topic) {
            link = &(*link)->recovery_next;
        }
        *link = topic->recovery_next;
        topic->base.policy->recovery->close(&topic->recovery);
    }
    free(topic);
}

/* A message that can go out at once. */
static void
topic_send_now(struct subscription *sub, struct message *msg,
               const struct destination *dest)
{
    struct core *core = sub->client->core;
    struct delivery *delivery = NULL;

    if (sub->ack == ACK_AUTO) {
        sub->in_flight_count++;
        sub->in_flight_bytes += msg->tail.len;
    } else {
        delivery = delivery_new(&core->pool, message_ref(msg));
        delivery->sub = sub;
        delivery->attempts = 1;
        core_in_flight_add(sub, delivery);
    }
    core->stats.delivered++;
    core_advise(core, ADVISORY_DISPATCHED, dest, msg, sub);
    sub->client->ops->deliver(sub->client->ctx, sub, msg, delivery);
}

static void
topic_pending_remove(struct delivery *delivery)
{
    struct attachment *attachment = delivery->from;

    DL_DELETE(attachment->pending, &delivery->eviction);
    attachment->pending_count--;
    DL_DELETE(attachment->sub->pending, delivery);
    delivery->from = NULL;
}

static void
topic_discard(struct delivery *delivery)
{
    struct core *core = delivery->sub->client->core;

    const struct destination *dest = delivery->from->dest;

    delivery->from->discarded_count++;
    core->stats.discarded++;
    topic_pending_remove(delivery);
    core_advise(core, ADVISORY_DISCARDED, dest, delivery->msg, delivery->sub);
    delivery_free(&core->pool, &delivery);
}

/* The value as it stands on the wire: equal values are equal there too. */
static struct span
topic_property(const struct eviction_node *node, struct span name)
{
    const struct delivery *delivery = (const struct delivery *)(const void *)(
        (const char *)node - offsetof(struct delivery, eviction));

    return headers_block_find(delivery->msg->headers, name);
}

/* Makes room at an attachment that is over its limit: the expired first, then
 * as the eviction strategy says. */
static void __attribute__((noinline))
topic_enforce_limit(struct attachment *attachment)
{
    int64_t now_ms = attachment->sub->client->core->now_ms;
    uint64_t limit = (uint64_t)attachment->pending_limit;
    const struct policy *policy = attachment->dest->policy;
    struct eviction_node *node;
    struct eviction_node *next;

    if (attachment->pending_count <= limit) {
        return;
    }
    DL_FOREACH_SAFE(attachment->pending, node, next) {
        struct delivery *delivery =
            container_of(node, struct delivery, eviction);

        if (message_is_expired(delivery->msg, now_ms)) {
            topic_discard(delivery);
        }
    }
    while (attachment->pending_count > limit) {
        node = policy->eviction->pick(attachment->pending,
                                      &policy->eviction_parameters,
                                      topic_property);
        topic_discard(container_of(node, struct delivery, eviction));
    }
}

static void
topic_pending_add(struct attachment *attachment, struct message *msg)
{
    struct subscription *sub = attachment->sub;
    struct delivery *delivery;

    delivery = delivery_new(&sub->client->core->pool, message_ref(msg));
    delivery->state = DELIVERY_PENDING;
    delivery->sub = sub;
    delivery->from = attachment;
    delivery_charge(delivery, &attachment->dest->quota);
    delivery->eviction.priority = msg->priority;
    delivery->eviction.timestamp_ms = msg->timestamp_ms;
    DL_APPEND(attachment->pending, &delivery->eviction);
    attachment->pending_count++;
    DL_APPEND(sub->pending, delivery);
}

static void
topic_wait(struct attachment *attachment, struct message *msg)
{
    topic_pending_add(attachment, msg);
    if (attachment->pending_limit >= 0) {
        topic_enforce_limit(attachment);
    }
}

static void
topic_offer(struct attachment *attachment, struct message *msg)
{
    struct subscription *sub = attachment->sub;

    if (sub->pending != NULL && subscription_has_credit(sub)) {
        topic_drain_pending(sub); /* recovered in this very turn */
    }
    if (sub->pending == NULL && subscription_has_credit(sub)) {
        topic_send_now(sub, msg, attachment->dest);
    } else {
        topic_wait(attachment, msg);
    }
}

static bool
topic_selects(const struct attachment *attachment, const struct message *msg)
{
    const struct selector *selector = attachment->sub->selector;

    return selector == NULL ||
           select_matches(selector, attachment->dest, msg, 0);
}

static void
topic_record(struct topic *topic, struct message *msg)
{
    struct recovery_item item = {
        .message = msg,
        .bytes = message_bytes(msg),
        .sent_us = topic->base.core->now_us,
        .expires_ms = msg->expires_ms,
    };

    topic->base.policy->recovery->record(topic->recovery, &item);
}

void
topic_publish(struct topic *topic, struct message *msg,
              const struct client *sender)
{
    struct destination *dest = &topic->base;
    struct dispatch_member *member;

    dest->enqueued_count++;
    core_advise(dest->core, ADVISORY_DELIVERED, dest, msg, NULL);
    if (topic->recovery != NULL) {
        topic_record(topic, msg);
    }
    if (dest->members == NULL) {
        core_advise(dest->core, ADVISORY_NO_CONSUMERS, dest, msg, NULL);
    }
    DL_FOREACH(dest->members, member) {
        struct attachment *attachment = attachment_of(member);

        if (attachment->sub->no_local && attachment->sub->client == sender) {
            continue;
        }
        if (topic_selects(attachment, msg)) {
            topic_offer(attachment, msg);
        }
    }
    if (dest->policy->topic_dispatch->offered != NULL &&
        dest->members != NULL) {
        dest->policy->topic_dispatch->offered(&dest->members);
    }
}

static void
topic_on_recovered(void *ctx, const struct recovery_item *item)
{
    /* Always by way of pending: the RECEIPT of the SUBSCRIBE comes first, and
     * the limit counts from the first message on only what finds no credit. */
    struct attachment *attachment = ctx;

    if (topic_selects(attachment, item->message)) {
        topic_pending_add(attachment, item->message);
    }
}

void
topic_give(struct attachment *attachment, struct message *msg)
{
    if (topic_selects(attachment, msg)) {
        topic_pending_add(attachment, msg);
        core_mark_credited(attachment->sub->client->core, attachment->sub);
    }
}

void
topic_recover(struct topic *topic, struct attachment *attachment)
{
    struct core *core = topic->base.core;

    if (topic->recovery == NULL) {
        return;
    }
    topic->base.policy->recovery->visit_all(topic->recovery, core->now_us,
                                            core->now_ms, topic_on_recovered,
                                            attachment);
    core_mark_credited(core, attachment->sub);
}

void
topic_drain_pending(struct subscription *sub)
{
    struct core *core = sub->client->core;

    while (sub->pending != NULL && subscription_has_credit(sub)) {
        struct delivery *delivery = sub->pending;
        const struct destination *dest = delivery->from->dest;

        topic_pending_remove(delivery);
        if (message_is_expired(delivery->msg, core->now_ms)) {
            core->stats.expired++;
            core_advise(core, ADVISORY_EXPIRED, dest, delivery->msg, NULL);
        } else {
            topic_send_now(sub, delivery->msg, dest);
        }
        delivery_free(&core->pool, &delivery);
    }
    for (struct attachment *at = sub->attachments; at != NULL; at = at->next) {
        if (at->pending_limit >= 0) {
            topic_enforce_limit(at);
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
}
