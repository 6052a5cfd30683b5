/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/queue.h"

#include "base/alloc.h"
#include "server/core/attempts.h"
#include "server/core/core_private.h"
#include "server/core/lane_scan.h"
#include "server/core/queue_private.h"
#include "server/core/queue_walk.h"
#include "server/core/topic_log.h"

#include <assert.h>
#include <stdlib.h>

static struct core *
queue_core(const struct queue *queue)
{
    return queue->base.core;
}

struct destination *
queue_new(void)
{
    struct queue *queue = xcalloc(1, sizeof(*queue));

    queue->next_seq = 1;
    lane_init(&queue->main, queue, MESSAGE_PRIORITY_DEFAULT, false);
    queue->lanes = &queue->main;
    return &queue->base;
}

void
queue_free(struct queue *queue)
{
    if (queue->dirty) {
        DL_DELETE2(queue_core(queue)->dirty_queues, queue, dirty_prev,
                   dirty_next);
    }
    if (queue->held) {
        timer_wheel_cancel(queue_core(queue)->timers, &queue->hold_timer);
    }
    queue_walks_stop(queue);
    queue_delayed_free(queue);
    queue_groups_free(queue);
    attempts_free(queue);
    while (queue->lanes != NULL) {
        struct lane *lane = queue->lanes;

        queue->lanes = lane->lower;
        lane_fini(lane);
        if (lane != &queue->main) {
            free(lane);
        }
    }
    if (queue->base.cursor != NULL) {
        topic_cursor_free(queue->base.cursor);
    }
    free(queue);
}

/* The lane of a priority, made at its first message. */
static struct lane *
queue_priority_lane(struct queue *queue, uint8_t priority)
{
    struct lane **link = &queue->lanes;
    struct lane *lane;

    if (priority == MESSAGE_PRIORITY_DEFAULT) {
        return &queue->main;
    }
    while (*link != NULL && (*link)->priority > priority) {
        link = &(*link)->lower;
    }
    if (*link != NULL && (*link)->priority == priority) {
        return *link;
    }
    lane = xmalloc(sizeof(*lane));
    lane_init(lane, queue, priority, true);
    lane->lower = *link;
    *link = lane;
    return lane;
}

void
queue_adopt(struct queue *queue, bool prioritized, uint8_t priority,
            struct store_queue *journal, const struct store_queue_info *info)
{
    struct lane *lane =
        prioritized ? queue_priority_lane(queue, priority) : &queue->main;

    lane_adopt(lane, journal, info);
    if (info->next_seq > queue->next_seq) {
        queue->next_seq = info->next_seq;
    }
}

void
queue_mark_dirty(struct queue *queue)
{
    if (!queue->dirty) {
        queue->dirty = true;
        DL_APPEND2(queue_core(queue)->dirty_queues, queue, dirty_prev,
                   dirty_next);
    }
}

void
queue_keep(struct queue *queue)
{
    if (lane_keep(&queue->main, queue->next_seq)) {
        queue->next_seq++;
    }
}

void
queue_push(struct queue *queue, struct message *msg, bool persistent)
{
    struct core *core = queue_core(queue);
    struct lane *lane = &queue->main;
    bool stored = persistent && queue->base.kind != DESTINATION_TEMP_QUEUE &&
                  (core->store->engine->capabilities & STORE_CAN_SURVIVE) != 0;

    if (queue->base.policy->prioritized_messages) {
        lane = queue_priority_lane(queue, msg->priority);
    }
    queue->base.enqueued_count++;
    core_advise(core, ADVISORY_DELIVERED, &queue->base, msg, NULL);
    if (!persistent && queue->base.attachment_count == 0) {
        core_advise(core, ADVISORY_NO_CONSUMERS, &queue->base, msg, NULL);
    }
    lane_push(lane, msg, queue->next_seq++, stored);
    queue_mark_dirty(queue);
}

void
queue_push_logged(struct queue *queue, struct message *msg, uint64_t seq,
                  struct store_slot slot, bool page)
{
    assert(!page || slot.batch != 0);
    queue->base.enqueued_count++;
    lane_add(&queue->main, msg, seq, slot, page);
    queue->next_seq = seq + 1;
    if (queue->base.attachment_count > 0) {
        queue_mark_dirty(queue);
    }
}

void
queue_hand_out(struct queue *queue, struct delivery *delivery,
               struct attachment *attachment)
{
    struct subscription *sub = attachment->sub;

    delivery->attempts++;
    if (queue->base.policy->persist_jms_redelivered) {
        attempts_keep(delivery);
    }
    delivery->sub = sub;
    queue->in_flight_count++;
    core_in_flight_add(sub, delivery);
    queue_core(queue)->stats.delivered++;
    core_advise(queue_core(queue), ADVISORY_DISPATCHED, &queue->base,
                delivery->msg, sub);
    sub->client->ops->deliver(sub->client->ctx, sub, delivery->msg, delivery);
}

void __attribute__((cold))
queue_expire(struct queue *queue, struct delivery *delivery)
{
    struct core *core = queue_core(queue);

    core->stats.expired++;
    core_advise(core, ADVISORY_EXPIRED, &queue->base, delivery->msg, NULL);
    /* It has expired: no loss when memory is out. */
    (void)core_dead_letter(core, &queue->base, delivery->msg,
                           SPAN("Message Expired"), DEAD_LETTER_EXPIRED);
    queue->base.dequeued_count++;
    lane_remove(delivery->lane, delivery);
}

static void __attribute__((cold))
queue_expire_one_waiting(struct queue *queue, struct delivery *delivery)
{
    lane_take(delivery->lane, delivery);
    queue_expire(queue, delivery);
}

/* Hands a waiting delivery to attachment, or to the owner of its group.  False
 * when there is nobody for it. */
static bool
queue_give(struct queue *queue, struct delivery *delivery,
           struct attachment *attachment)
{
    if (delivery->msg->group.data != NULL) {
        switch (
            queue_choose_for_group(queue, delivery, attachment, &attachment)) {
        case QUEUE_GROUP_PARKED:
            return true;
        case QUEUE_GROUP_NOBODY:
            return false;
        case QUEUE_GROUP_CHOSEN:
            queue_group_after(queue, delivery->msg);
            break;
        }
    } else if (attachment == NULL) {
        attachment = queue_pick(queue);
        if (attachment == NULL) {
            return false;
        }
    }
    lane_take(delivery->lane, delivery);
    queue_hand_out(queue, delivery, attachment);
    return true;
}

/* Hands out the messages of one lane in turn.  True when the budget is used
 * up. */
static bool
queue_dispatch_lane(struct queue *queue, struct lane *lane, size_t *budget)
{
    int64_t now_ms = queue_core(queue)->now_ms;
    struct delivery *delivery;

    while (queue->base.members != NULL &&
           (delivery = lane_head(lane)) != NULL) {
        if ((*budget)-- == 0) {
            return true;
        }
        if (message_is_expired(delivery->msg, now_ms)) {
            if (store_failure(queue_core(queue)->store) != NULL) {
                break; /* its dead letter could not be kept: later */
            }
            queue_expire_one_waiting(queue, delivery);
        } else if (!queue_give(queue, delivery, NULL)) {
            break;
        }
    }
    return false;
}

/* The same where some consumers select: each in its turn gets the first message
 * that it may have; one that finds none sits out the round.  plain: those that
 * take all have their turn too. */
static bool
queue_dispatch_selecting(struct queue *queue, struct lane *lane, bool plain,
                         size_t *budget)
{
    int64_t now_ms = queue_core(queue)->now_ms;
    struct dispatch_member *idle = NULL;
    struct attachment *attachment;

    while (*budget > 0 && (attachment = queue_pick(queue)) != NULL) {
        struct delivery *delivery = NULL;

        if (attachment->sub->selector != NULL) {
            delivery = lane_scan_next(lane_scan_of(attachment, lane), budget);
        } else if (plain) {
            delivery = lane_head(lane);
        }
        if (delivery == NULL) {
            DL_DELETE(queue->base.members, &attachment->member);
            DL_APPEND(idle, &attachment->member);
            continue;
        }
        *budget -= *budget > 0 ? 1 : 0;
        if (message_is_expired(delivery->msg, now_ms)) {
            if (store_failure(queue_core(queue)->store) != NULL) {
                break; /* its dead letter could not be kept: later */
            }
            queue_expire_one_waiting(queue, delivery);
        } else {
            (void)queue_give(queue, delivery, attachment);
        }
    }
    while (idle != NULL) {
        attachment = attachment_of(idle);
        DL_DELETE(idle, &attachment->member);
        destination_member_insert(attachment);
    }
    return *budget == 0;
}

/* To all consumers, from the highest priority on. */
static bool
queue_dispatch_lanes(struct queue *queue, size_t budget)
{
    bool above = false; /* something of a higher priority waits */

    for (struct lane *lane = queue->lanes; lane != NULL; lane = lane->lower) {
        bool plain = queue->base.attachment_count > queue->selecting_count;

        /* Reads for those that select and for the others take turns. */
        if (plain && lane->fetch_for != LANE_READER_TURN) {
            lane_page_in(lane);
        }
        if (queue->selecting_count > 0
                ? queue_dispatch_selecting(queue, lane, !above, &budget)
                : queue_dispatch_lane(queue, lane, &budget)) {
            return true;
        }
        if (plain) {
            lane_page_in(lane);
        }
        /* What is paged of a higher priority goes before the lower ones, but
         * selecting consumers may have use for those only. */
        above = above || lane_count(lane) > 0;
        if (above && queue->selecting_count == 0) {
            break;
        }
    }
    return false;
}

bool
queue_dispatch(struct queue *queue, size_t budget)
{
    bool more = queue_walks_turn(queue, true);

    if (!queue->held) {
        more = queue_dispatch_lanes(queue, budget) || more;
    }
    return queue_walks_turn(queue, false) || more;
}

void
queue_return(struct queue *queue, struct delivery *delivery)
{
    queue->in_flight_count--;
    attempts_keep(delivery);
    lane_return(delivery->lane, delivery);
    queue_group_on_return(queue, delivery);
    queue_mark_dirty(queue);
}

void
queue_settle(struct queue *queue, struct delivery *delivery)
{
    queue->in_flight_count--;
    queue->base.dequeued_count++;
    lane_remove(delivery->lane, delivery);
    /* Records that damage has made disappear had been counted. */
    if (queue->base.usage.stored.used > 0 && queue->in_flight_count == 0 &&
        queue_waiting_count(queue) == 0) {
        usage_forget(&queue->base);
    }
}

bool
queue_is_paged(const struct queue *queue)
{
    for (const struct lane *lane = queue->lanes; lane != NULL;
         lane = lane->lower) {
        if (lane->paged_count > 0) {
            return true;
        }
    }
    return false;
}

uint64_t
queue_waiting_count(const struct queue *queue)
{
    uint64_t count = queue->delayed_count;

    for (const struct lane *lane = queue->lanes; lane != NULL;
         lane = lane->lower) {
        count += lane_count(lane) + lane->parked_count;
    }
    return count;
}

void
queue_expire_waiting(struct queue *queue, uint32_t max)
{
    int64_t now_ms = queue_core(queue)->now_ms;

    for (struct lane *lane = queue->lanes; lane != NULL; lane = lane->lower) {
        struct delivery *delivery = lane->waiting;

        for (uint32_t i = 0; delivery != NULL && i < max; i++) {
            struct delivery *next = delivery->next;

            if (message_is_expired(delivery->msg, now_ms)) {
                queue_expire_one_waiting(queue, delivery);
            }
            delivery = next;
        }
    }
}

void
queue_remove_journals(struct queue *queue)
{
    attempts_forget_all(queue);
    for (struct lane *lane = queue->lanes; lane != NULL; lane = lane->lower) {
        lane_fetch_cancel(lane);
        if (lane->journal != NULL) {
            store_queue_remove(queue_core(queue)->store, &lane->journal);
        }
    }
}

void
queue_drop_waiting(struct queue *queue)
{
    for (struct lane *lane = queue->lanes; lane != NULL; lane = lane->lower) {
        while (lane->waiting != NULL) {
            struct delivery *delivery = lane->waiting;

            lane_take(lane, delivery);
            lane_remove(lane, delivery);
        }
    }
}
