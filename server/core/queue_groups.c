/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message groups: all messages of a group go to one consumer, its owner.  When
 * the owner has no credit they are parked for it, and others go ahead.
 * Source: activemq.md 3.4.
 */
#include "server/core/core_private.h"
#include "server/core/queue_private.h"
#include "server/core/select.h"

#include <assert.h>

/* JMSXGroupSeq that deals the group anew. */
enum { GROUP_SEQ_FIRST = 1 };

static struct message_group_state *
queue_groups(struct queue *queue)
{
    const struct policy *policy = queue->base.policy;

    if (queue->groups == NULL) {
        queue->groups =
            policy->message_groups->open(&policy->message_group_parameters);
    }
    return queue->groups;
}

static bool
queue_member_selects(const struct attachment *attachment,
                     const struct delivery *delivery)
{
    return select_for(attachment->sub, attachment->dest, delivery->msg,
                      delivery->attempts);
}

/* A new group goes to the one with the fewest, among the members of the highest
 * priority that have credit and take this message; found_by, when given, is
 * known to. */
static struct attachment *
queue_pick_for_new_group(struct queue *queue, const struct delivery *delivery,
                         struct attachment *found_by)
{
    const struct message_group_map *map = queue->base.policy->message_groups;
    struct attachment *best = found_by != NULL ? found_by : queue_pick(queue);
    struct dispatch_member *member;

    if (best == NULL || best->sub->selector != NULL) {
        return best; /* others may not have come so far */
    }
    DL_FOREACH(queue->base.members, member) {
        struct attachment *attachment = attachment_of(member);

        if (member->priority == best->member.priority &&
            subscription_has_credit(attachment->sub) &&
            map->count(queue->groups, attachment) <
                map->count(queue->groups, best) &&
            queue_member_selects(attachment, delivery)) {
            best = attachment;
        }
    }
    return best;
}

static void
queue_park(struct attachment *owner, struct delivery *delivery)
{
    struct delivery *at = owner->parked != NULL ? owner->parked->prev : NULL;

    lane_take(delivery->lane, delivery);
    delivery->state = DELIVERY_PARKED;
    delivery->from = owner;
    delivery->lane->parked_count++;
    owner->sub->parked_count++;
    /* By seq: one that came back may be older than what is parked. */
    while (at != NULL && at->seq > delivery->seq) {
        at = at == owner->parked ? NULL : at->prev;
    }
    if (at != NULL) {
        DL_APPEND_ELEM(owner->parked, at, delivery);
    } else {
        DL_PREPEND(owner->parked, delivery);
    }
}

void
queue_parked_take(struct delivery *delivery)
{
    struct attachment *owner = delivery->from;

    DL_DELETE(owner->parked, delivery);
    delivery->from = NULL;
    delivery->lane->parked_count--;
    owner->sub->parked_count--;
    delivery->state = DELIVERY_WAITING;
}

/* A group has been closed, or forgotten for want of room: what is parked here
 * but belongs to it no more waits for anybody, before what comes later. */
static void
queue_release_closed(struct queue *queue, struct attachment *attachment)
{
    const struct message_group_map *map = queue->base.policy->message_groups;
    struct delivery *delivery;
    struct delivery *next;

    DL_FOREACH_SAFE(attachment->parked, delivery, next) {
        if (map->find(queue->groups, delivery->msg->group) != attachment) {
            queue_parked_take(delivery);
            lane_return(delivery->lane, delivery);
        }
    }
}

/* Whether the owner of the message's group is to have it too. */
static bool
queue_owner_keeps(const struct queue *queue, const struct attachment *owner,
                  const struct delivery *delivery,
                  const struct attachment *found_by)
{
    if (queue->exclusive != NULL && queue->exclusive != owner) {
        return false;
    }
    /* Behind what is parked a group is not dealt anew yet: queue_unpark will.
     */
    if (owner->parked != NULL) {
        return true;
    }
    return delivery->msg->group_seq != GROUP_SEQ_FIRST &&
           (owner == found_by || queue_member_selects(owner, delivery));
}

enum queue_group_choice
queue_choose_for_group(struct queue *queue, struct delivery *delivery,
                       struct attachment *found_by,
                       struct attachment **chosen_out)
{
    const struct message_group_map *map = queue->base.policy->message_groups;
    struct message_group_state *groups = queue_groups(queue);
    const struct message *msg = delivery->msg;
    struct attachment *owner = map->find(groups, msg->group);
    struct attachment *forgotten;

    if (owner != NULL && queue_owner_keeps(queue, owner, delivery, found_by)) {
        if (owner->parked == NULL && subscription_has_credit(owner->sub)) {
            *chosen_out = owner;
            return QUEUE_GROUP_CHOSEN;
        }
        queue_park(owner, delivery);
        return QUEUE_GROUP_PARKED;
    }
    *chosen_out = queue_pick_for_new_group(queue, delivery, found_by);
    if (*chosen_out == NULL) {
        return QUEUE_GROUP_NOBODY;
    }
    forgotten = map->assign(groups, msg->group, *chosen_out);
    if (forgotten != NULL) {
        queue_release_closed(queue, forgotten);
    }
    return QUEUE_GROUP_CHOSEN;
}

/* Whether one of the same group is parked that was sent later. */
static bool
queue_parks_later(const struct attachment *owner,
                  const struct delivery *delivery)
{
    const struct delivery *at = owner->parked;

    if (at == NULL) {
        return false;
    }
    for (at = at->prev; at->seq > delivery->seq; at = at->prev) {
        if (span_equal(at->msg->group, delivery->msg->group)) {
            return true;
        }
        if (at == owner->parked) {
            break;
        }
    }
    return false;
}

void
queue_group_on_return(struct queue *queue, struct delivery *delivery)
{
    struct attachment *owner;

    if (delivery->msg->group.data == NULL || queue->groups == NULL) {
        return;
    }
    owner = queue->base.policy->message_groups->find(queue->groups,
                                                     delivery->msg->group);
    /* Else older ones of the group may wait yet. */
    if (owner != NULL && queue_parks_later(owner, delivery)) {
        queue_park(owner, delivery);
    }
}

void
queue_group_after(struct queue *queue, const struct message *msg)
{
    if (msg->group_seq < 0 && queue->groups != NULL) {
        queue->base.policy->message_groups->remove(queue->groups, msg->group);
    }
}

/* While its dead letter could not be kept it waits, for anybody: nobody gets
 * it. */
static void __attribute__((cold))
queue_expire_parked(struct queue *queue, struct delivery *delivery)
{
    if (store_failure(queue->base.core->store) == NULL) {
        queue_expire(queue, delivery);
    } else {
        lane_return(delivery->lane, delivery);
    }
}

void
queue_unpark(struct attachment *attachment)
{
    struct queue *queue = queue_of(attachment->dest);
    const struct message_group_map *map = queue->base.policy->message_groups;

    while (attachment->parked != NULL &&
           subscription_has_credit(attachment->sub)) {
        struct delivery *delivery = attachment->parked;
        const struct message *msg = delivery->msg;

        if (msg->group_seq == GROUP_SEQ_FIRST ||
            !queue_member_selects(attachment, delivery)) {
            map->remove(queue->groups, msg->group);
            queue_release_closed(queue, attachment);
            continue;
        }
        queue_parked_take(delivery);
        if (message_is_expired(msg, queue->base.core->now_ms)) {
            queue_expire_parked(queue, delivery);
            continue;
        }
        queue_group_after(queue, msg);
        if (msg->group_seq < 0) {
            queue_release_closed(queue, attachment);
        }
        queue_hand_out(queue, delivery, attachment);
    }
    queue_mark_dirty(queue); /* there may be room for the next page */
}

void
queue_groups_release(struct queue *queue, struct attachment *attachment)
{
    if (queue->groups != NULL) {
        queue->base.policy->message_groups->remove_owner(queue->groups,
                                                         attachment);
    }
    while (attachment->parked != NULL) {
        struct delivery *delivery = attachment->parked->prev; /* the last */

        queue_parked_take(delivery);
        lane_return(delivery->lane, delivery);
    }
}

void
queue_groups_release_others(struct queue *queue, const struct attachment *but)
{
    struct attachment *attachment;

    DL_FOREACH2(queue->base.attachments, attachment, dest_next)
    {
        if (attachment != but) {
            queue_groups_release(queue, attachment);
        }
    }
}

void
queue_groups_free(struct queue *queue)
{
    if (queue->groups != NULL) {
        queue->base.policy->message_groups->close(&queue->groups);
    }
}
