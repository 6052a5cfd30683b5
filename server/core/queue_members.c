/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The consumers of a queue: exclusive ones and their stand-ins, and when
 * dispatch starts.  Source: activemq.md 3.3, 3.4.
 */
#include "server/core/core_private.h"
#include "server/core/lane_scan.h"
#include "server/core/queue_private.h"

#include <assert.h>

enum {
    /* consumersBeforeDispatchStarts without timeBeforeDispatchStarts. */
    QUEUE_HOLD_DEFAULT_US = 1000000,
    /* A newcomer of this priority always takes over. */
    QUEUE_TAKE_OVER_PRIORITY = 127,
};

static bool
queue_is_exclusive(const struct queue *queue,
                   const struct attachment *attachment)
{
    return attachment->sub->exclusive ||
           queue->base.policy->all_consumers_exclusive;
}

static void
queue_member_unlink(struct queue *queue, struct attachment *attachment)
{
    switch (attachment->place) {
    case ATTACHMENT_READY:
        DL_DELETE(queue->base.members, &attachment->member);
        break;
    case ATTACHMENT_BLOCKED:
        DL_DELETE(attachment->sub->blocked, &attachment->member);
        break;
    case ATTACHMENT_STANDBY:
        DL_DELETE(queue->standby, &attachment->member);
        break;
    }
}

/* Puts a member, on no list, where it belongs. */
static void
queue_member_place(struct queue *queue, struct attachment *attachment)
{
    if (queue->exclusive != NULL && queue->exclusive != attachment) {
        attachment->place = ATTACHMENT_STANDBY;
        DL_APPEND(queue->standby, &attachment->member);
    } else {
        destination_member_insert(attachment);
    }
}

/* Everybody who is ready or stands by looks again where it belongs; those
 * without credit will when they have it. */
static void
queue_members_place_all(struct queue *queue)
{
    struct dispatch_member *all = queue->standby;
    struct dispatch_member *member;
    struct dispatch_member *next;

    queue->standby = NULL;
    DL_CONCAT(all, queue->base.members);
    queue->base.members = NULL;
    DL_FOREACH_SAFE(all, member, next) {
        DL_DELETE(all, member);
        queue_member_place(queue, attachment_of(member));
    }
}

/* The best of all, one that has no credit too: highest priority, then the
 * oldest. */
static struct attachment *
queue_next_exclusive(const struct queue *queue)
{
    struct attachment *best = NULL;
    struct attachment *attachment;

    DL_FOREACH2(queue->base.attachments, attachment, dest_next)
    {
        const struct dispatch_member *member = &attachment->member;

        if (queue_is_exclusive(queue, attachment) &&
            (best == NULL || member->priority > best->member.priority ||
             (member->priority == best->member.priority &&
              member->order < best->member.order))) {
            best = attachment;
        }
    }
    return best;
}

static bool
queue_takes_over(const struct queue *queue, const struct attachment *attachment)
{
    return queue_is_exclusive(queue, attachment) &&
           (queue->exclusive == NULL ||
            attachment->member.priority > queue->exclusive->member.priority ||
            attachment->member.priority == QUEUE_TAKE_OVER_PRIORITY);
}

/* --- when dispatch starts ----------------------------------------------- */

static void
queue_release(struct queue *queue)
{
    queue->held = false;
    timer_wheel_cancel(queue->base.core->timers, &queue->hold_timer);
    queue_mark_dirty(queue);
}

static void
queue_on_hold_timer(struct timer_node *node, int64_t now_us)
{
    (void)now_us;
    queue_release(container_of(node, struct queue, hold_timer));
}

/* The first consumer has come: the policy may want to wait for more. */
static void
queue_hold(struct queue *queue)
{
    const struct policy *policy = queue->base.policy;
    struct core *core = queue->base.core;
    int64_t time_us = policy->time_before_dispatch_us;

    if (policy->consumers_before_dispatch > 0 && time_us == 0) {
        time_us = QUEUE_HOLD_DEFAULT_US;
    }
    if (time_us == 0) {
        return;
    }
    queue->held = true;
    timer_node_init(&queue->hold_timer, queue_on_hold_timer);
    timer_wheel_set(core->timers, &queue->hold_timer, core->now_us + time_us);
}

static void
queue_hold_check(struct queue *queue)
{
    const struct policy *policy = queue->base.policy;

    if (queue->base.cursor != NULL) {
        return; /* there is never more than one consumer */
    }
    if (queue->base.attachment_count == 1) {
        queue_hold(queue);
    }
    if (queue->held && policy->consumers_before_dispatch > 0 &&
        queue->base.attachment_count >= policy->consumers_before_dispatch) {
        queue_release(queue);
    }
}

/* --- coming and going ---------------------------------------------------- */

void
queue_on_attach(struct queue *queue, struct attachment *attachment)
{
    if (!queue->base.policy->use_consumer_priority) {
        attachment->member.priority = 0;
    }
    if (attachment->sub->selector != NULL) {
        queue->selecting_count++;
    }
    queue_hold_check(queue);
    if (queue->base.policy->rebalance_message_groups) {
        queue_groups_release_others(queue, NULL);
    }
    if (queue_takes_over(queue, attachment)) {
        queue->exclusive = attachment;
        queue_groups_release_others(queue, attachment);
        queue_members_place_all(queue);
    }
    queue_member_place(queue, attachment);
    queue_mark_dirty(queue);
}

void
queue_on_detach(struct queue *queue, struct attachment *attachment)
{
    queue_member_unlink(queue, attachment);
    if (attachment->sub->selector != NULL) {
        queue->selecting_count--;
        lane_scans_free(attachment);
    }
    queue_groups_release(queue, attachment);
    if (queue->exclusive == attachment) {
        queue->exclusive = queue_next_exclusive(queue);
        queue_members_place_all(queue);
    }
    if (queue->base.attachment_count == 0 && queue->held) {
        queue_release(queue);
    }
    queue_mark_dirty(queue);
}

void
queue_member_ready(struct attachment *attachment)
{
    struct queue *queue = queue_of(attachment->dest);

    assert(attachment->place == ATTACHMENT_BLOCKED);
    queue_member_unlink(queue, attachment);
    queue_member_place(queue, attachment);
    queue_mark_dirty(queue);
}

struct attachment *
queue_pick(struct queue *queue)
{
    struct destination *dest = &queue->base;

    while (dest->members != NULL) {
        struct dispatch_member *member =
            dest->policy->queue_dispatch->pick(&dest->members);
        struct attachment *attachment = attachment_of(member);

        if (subscription_has_credit(attachment->sub)) {
            return attachment;
        }
        DL_DELETE(dest->members, member);
        DL_APPEND(attachment->sub->blocked, member);
        attachment->place = ATTACHMENT_BLOCKED;
    }
    return NULL;
}
