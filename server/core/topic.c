/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/topic.h"

#include "base/alloc.h"
#include "protocol/headers.h"
#include "server/core/select.h"
#include "server/core/topic_log.h"
#include "server/core/topic_private.h"

#include <stdlib.h>

struct destination *
topic_new(void)
{
    struct topic *topic = xcalloc(1, sizeof(*topic));

    return &topic->base;
}

void
topic_open(struct topic *topic)
{
    struct core *core = topic->base.core;

    topic->past = topic_past_open(topic);
    if (topic->past != NULL) {
        topic->recovering_next = core->recovering;
        core->recovering = topic;
    }
}

void
topic_free(struct topic *topic)
{
    struct topic **link = &topic->base.core->recovering;

    if (topic->past != NULL) {
        while (*link != topic) {
            link = &(*link)->recovering_next;
        }
        *link = topic->recovering_next;
        topic_past_close(topic);
    }
    topic_log_close(topic);
    free(topic);
}

/* --- sending -------------------------------------------------------------- */

/* The session reads sub->notes while it writes the frame. */
static void __attribute__((cold, noinline))
topic_deliver_noted(struct subscription *sub, struct message *msg,
                    struct delivery *delivery, unsigned notes)
{
    sub->notes = notes;
    if (sub->dropped_count > 0) {
        sub->notes |= SUBSCRIPTION_NOTE_DROPPED;
    }
    sub->client->ops->deliver(sub->client->ctx, sub, msg, delivery);
    sub->notes = 0;
    sub->dropped_count = 0;
}

/* Once in the loop of the fan-out and once for the rest: what is sent to many
 * is sent without a call. */
static inline void __attribute__((always_inline))
topic_send(struct subscription *sub, struct message *msg,
           const struct destination *dest, unsigned notes)
{
    struct core *core = sub->client->core;
    struct delivery *delivery = NULL;

    if (sub->ack == ACK_AUTO) {
        if (sub->in_flight_count == 0) {
            sub->last_ack_us = core->now_us;
        }
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
    if ((notes | sub->dropped_count) != 0) {
        topic_deliver_noted(sub, msg, delivery, notes);
    } else {
        sub->client->ops->deliver(sub->client->ctx, sub, msg, delivery);
    }
}

void
topic_send_now(struct subscription *sub, struct message *msg,
               const struct destination *dest, unsigned notes)
{
    topic_send(sub, msg, dest, notes);
}

static inline void __attribute__((always_inline))
topic_offer(struct attachment *attachment, struct message *msg)
{
    struct subscription *sub = attachment->sub;

    if (sub->pending != NULL && subscription_has_credit(sub)) {
        topic_drain_pending(sub); /* recovered in this very turn */
    }
    if (sub->pending == NULL && subscription_has_credit(sub)) {
        topic_send(sub, msg, attachment->dest, 0);
    } else {
        topic_wait(attachment, msg);
    }
}

/* --- who gets it ---------------------------------------------------------- */

static bool
topic_selects(const struct attachment *attachment, const struct message *msg)
{
    return select_for(attachment->sub, attachment->dest, msg, 0);
}

static bool
topic_is_local(const struct subscription *sub, uint64_t sender)
{
    return sub->no_local && sub->client->order == sender;
}

struct topic_offer
topic_offer_of(struct topic *topic, struct message *msg, uint64_t sender)
{
    const struct policy *policy = topic->base.policy;
    struct topic_offer offer = { .topic = topic, .msg = msg, .sender = sender };

    if (policy->topic_dispatch->accepts != NULL) {
        const char *name = policy->topic_dispatch_parameters.ptp_client_id;

        offer.filtered = true;
        offer.dispatch.destination = destination_name_get(&topic->base);
        offer.dispatch.ptp_client_id =
            headers_block_find(msg->headers, span_of_text(name));
    }
    return offer;
}

/* The dispatch policy's own condition. */
static bool
topic_accepts(const struct attachment *attachment,
              const struct topic_offer *offer)
{
    const struct policy *policy = offer->topic->base.policy;
    const char *client_id = attachment->sub->client->client_id;

    return !offer->filtered ||
           policy->topic_dispatch->accepts(
               &policy->topic_dispatch_parameters, &offer->dispatch,
               client_id != NULL ? span_of_text(client_id) : SPAN_NONE);
}

bool
topic_wants(const struct attachment *attachment,
            const struct topic_offer *offer)
{
    return !topic_is_local(attachment->sub, offer->sender) &&
           topic_accepts(attachment, offer) &&
           topic_selects(attachment, offer->msg);
}

static void
topic_fan_out(struct topic *topic, struct message *msg, uint64_t sender)
{
    struct dispatch_member *member;

    DL_FOREACH(topic->base.members, member) {
        struct attachment *attachment = attachment_of(member);

        if (!topic_is_local(attachment->sub, sender) &&
            topic_selects(attachment, msg)) {
            topic_offer(attachment, msg);
        }
    }
}

/* The same where the dispatch policy has a say, or part of the past is still
 * to come for some. */
static void __attribute__((noinline))
topic_fan_out_carefully(struct topic *topic, struct message *msg,
                        uint64_t sender)
{
    struct topic_offer offer = topic_offer_of(topic, msg, sender);
    struct dispatch_member *member;

    DL_FOREACH(topic->base.members, member) {
        struct attachment *attachment = attachment_of(member);

        if (!attachment->awaits_past && topic_wants(attachment, &offer)) {
            topic_offer(attachment, msg);
        }
    }
}

bool
topic_publish(struct topic *topic, struct message *msg,
              const struct client *sender)
{
    struct destination *dest = &topic->base;
    const struct dispatch_policy *dispatch = dest->policy->topic_dispatch;
    uint64_t order = sender != NULL ? sender->order : 0;
    bool careful = dispatch->accepts != NULL;
    bool stored = false;

    dest->enqueued_count++;
    core_advise(dest->core, ADVISORY_DELIVERED, dest, msg, NULL);
    if (topic->past != NULL) {
        stored = topic_past_record(topic, msg, order);
        careful = careful || topic_past_is_restoring(topic);
    }
    if (topic->log != NULL) {
        stored = topic_log_publish(topic, msg, sender) || stored;
    }
    if (dest->members == NULL) {
        if (!topic_log_is_used(topic)) {
            core_advise(dest->core, ADVISORY_NO_CONSUMERS, dest, msg, NULL);
        }
        return stored;
    }
    if (careful) {
        topic_fan_out_carefully(topic, msg, order);
    } else {
        topic_fan_out(topic, msg, order);
    }
    if (dispatch->offered != NULL) {
        dispatch->offered(&dest->members);
    }
    return stored;
}

void
topic_give(struct attachment *attachment, struct message *msg)
{
    if (topic_selects(attachment, msg)) {
        topic_pending_add(attachment, msg, 0);
        core_mark_credited(attachment->sub->client->core, attachment->sub);
    }
}

void
topic_expire(struct topic *topic, struct message *msg)
{
    struct core *core = topic->base.core;

    core->stats.expired++;
    core_advise(core, ADVISORY_EXPIRED, &topic->base, msg, NULL);
    (void)core_dead_letter(core, &topic->base, msg, SPAN("Message Expired"),
                           DEAD_LETTER_EXPIRED);
}
