/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/queue.h"

#include "base/alloc.h"
#include "server/core/core_private.h"

#include <assert.h>
#include <stdlib.h>

/* One page of the paged-out part: enough that reading back runs at the store's
 * scanning speed, small enough to stay in the cache. */
enum {
    QUEUE_PAGE_COUNT = 2000,
    QUEUE_PAGE_BYTES = 1024 * 1024,
    /* Read ahead while less than this is resident. */
    QUEUE_LOW_COUNT = 2000,
};
/* A queue's window when memory is short. */
static const size_t queue_short_bytes = (size_t)256 * 1024;

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
    return &queue->base;
}

void
queue_free(struct queue *queue)
{
    struct core *core = queue_core(queue);
    struct delivery *delivery;
    struct delivery *next;

    if (queue->fetch != NULL) {
        store_fetch_cancel(core->store, queue->fetch);
    }
    if (queue->dirty) {
        DL_DELETE2(core->dirty_queues, queue, dirty_prev, dirty_next);
    }
    DL_FOREACH_SAFE(queue->waiting, delivery, next) {
        delivery_free(&core->pool, &delivery);
    }
    if (queue->journal != NULL && queue->base.kind == DESTINATION_TEMP_QUEUE) {
        store_queue_remove(core->store, &queue->journal); /* it was spilled */
    }
    free(queue);
}

void
queue_adopt(struct queue *queue, struct store_queue *journal,
            const struct store_queue_info *info)
{
    queue->journal = journal;
    queue->next_seq = info->next_seq;
    queue->paged_from = info->first_seq;
    queue->paged_count = info->count;
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

static void
queue_waiting_count(struct queue *queue, const struct delivery *delivery,
                    bool in)
{
    if (in) {
        queue->waiting_count++;
        queue->waiting_bytes += delivery_bytes(delivery);
    } else {
        queue->waiting_count--;
        queue->waiting_bytes -= delivery_bytes(delivery);
    }
}

static struct store_slot
queue_store(struct queue *queue, struct message *msg, uint64_t seq,
            bool persistent)
{
    struct core *core = queue_core(queue);
    struct store_record record = {
        .seq = seq,
        .persistent = persistent,
        .priority = msg->priority,
        .timestamp_ms = msg->timestamp_ms,
        .expires_ms = msg->expires_ms,
        .headers = msg->headers,
        .body = msg->body,
    };

    if (queue->journal == NULL) {
        queue->journal = store_queue_open(core->store, queue->base.kind,
                                          destination_name_get(&queue->base));
    }
    return store_put(core->store, queue->journal, &record, message_ref(msg));
}

/* Whether the message that comes now is to live in the store alone.  Messages
 * that are stored anyway leave memory early; others only when memory is
 * short. */
static bool
queue_must_page(const struct queue *queue, bool stored)
{
    const struct core *core = queue_core(queue);
    bool is_short = core->quota.used > core->quota.limit / 2;

    if (queue->paged_count > 0) {
        return true; /* order: behind what is paged */
    }
    if ((core->store->engine->capabilities & STORE_CAN_PAGE) == 0 ||
        store_failure(core->store) != NULL) {
        return false;
    }
    return (is_short && queue->waiting_bytes > queue_short_bytes) ||
           (stored &&
            queue->waiting_bytes > core->options.queue_resident_bytes);
}

void
queue_push(struct queue *queue, struct message *msg, bool persistent)
{
    struct core *core = queue_core(queue);
    bool stored =
        persistent && !(queue->base.kind == DESTINATION_TEMP_QUEUE) &&
        (core->store->engine->capabilities & STORE_CAN_SURVIVE) != 0;
    bool page = queue_must_page(queue, stored);
    uint64_t seq = queue->next_seq++;
    struct store_slot slot = STORE_SLOT_NONE;
    struct delivery *delivery;

    queue->base.enqueued_count++;
    if (stored || page) {
        slot = queue_store(queue, msg, seq, stored);
    }
    queue_mark_dirty(queue);
    if (page) {
        if (queue->paged_count == 0) {
            queue->paged_from = seq;
        }
        queue->paged_count++;
        queue->paged_since_fetch++;
        return;
    }
    delivery = delivery_new(&core->pool, message_ref(msg));
    delivery->queue = queue;
    delivery->seq = seq;
    delivery->slot = slot;
    DL_APPEND(queue->waiting, delivery);
    queue_waiting_count(queue, delivery, true);
}

static void
queue_add_record(struct queue *queue, const struct store_record *record)
{
    struct core *core = queue_core(queue);
    struct message_facts facts = {
        .persistent = record->persistent,
        .priority = record->priority,
        .timestamp_ms = record->timestamp_ms,
        .expires_ms = record->expires_ms,
    };
    struct message *msg = message_new(&core->quota, &facts, record->headers,
                                      SPAN_NONE, record->body);
    struct delivery *delivery;

    assert(msg != NULL);
    delivery = delivery_new(&core->pool, msg);
    delivery->queue = queue;
    delivery->seq = record->seq;
    delivery->slot = STORE_SLOT_STORED;
    DL_APPEND(queue->waiting, delivery);
    queue_waiting_count(queue, delivery, true);
}

static void
queue_on_fetched(void *ctx, const struct store_page *page)
{
    struct queue *queue = ctx;
    uint64_t taken = page->count + page->skipped;

    queue->fetch = NULL;
    for (size_t i = 0; i < page->count; i++) {
        queue_add_record(queue, &page->records[i]);
    }
    queue->paged_from = page->next_seq;
    queue->paged_count -=
        taken < queue->paged_count ? taken : queue->paged_count;
    /* At the end of the journal only what came after the read is left: the
     * count cannot drift, whatever was lost to corruption. */
    if (page->at_end && page->err == NULL) {
        queue->paged_count = queue->paged_since_fetch;
    }
    queue_mark_dirty(queue);
}

static void
queue_page_in(struct queue *queue)
{
    if (queue->paged_count == 0 || queue->fetch != NULL ||
        queue->waiting_count >= QUEUE_LOW_COUNT ||
        (queue->waiting_count > 0 && queue->waiting_bytes > QUEUE_PAGE_BYTES)) {
        return;
    }
    if (queue->base.attachment_count == 0) {
        return; /* nobody to read for */
    }
    queue->paged_since_fetch = 0;
    queue->fetch = store_fetch_start(
        queue_core(queue)->store, queue->journal, queue->paged_from,
        QUEUE_PAGE_COUNT, QUEUE_PAGE_BYTES, queue_on_fetched, queue);
}

/* The policy's choice among the members with credit; those without are put
 * aside until credit comes back. */
static struct attachment *
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
        attachment->blocked = true;
    }
    return NULL;
}

static void
queue_hand_out(struct queue *queue, struct delivery *delivery,
               struct subscription *sub)
{
    DL_DELETE(queue->waiting, delivery);
    queue_waiting_count(queue, delivery, false);
    delivery->attempts++;
    delivery->sub = sub;
    queue->in_flight_count++;
    core_in_flight_add(sub, delivery);
    queue_core(queue)->stats.delivered++;
    sub->client->ops->deliver(sub->client->ctx, sub, delivery->msg, delivery);
}

static void __attribute__((cold))
queue_expire(struct queue *queue, struct delivery *delivery)
{
    struct core *core = queue_core(queue);

    DL_DELETE(queue->waiting, delivery);
    queue_waiting_count(queue, delivery, false);
    core->stats.expired++;
    core_dead_letter(core, queue, delivery, SPAN("Message Expired"), true);
}

bool
queue_dispatch(struct queue *queue, size_t budget)
{
    int64_t now_ms = queue_core(queue)->now_ms;

    while (queue->waiting != NULL) {
        struct delivery *delivery = queue->waiting;
        struct attachment *attachment;

        if (budget-- == 0) {
            return true;
        }
        if (queue->base.members == NULL) {
            break;
        }
        if (message_is_expired(delivery->msg, now_ms)) {
            queue_expire(queue, delivery);
            continue;
        }
        attachment = queue_pick(queue);
        if (attachment == NULL) {
            break;
        }
        queue_hand_out(queue, delivery, attachment->sub);
    }
    queue_page_in(queue);
    return false;
}

void
queue_return(struct queue *queue, struct delivery *delivery)
{
    struct delivery *at;

    queue->in_flight_count--;
    delivery->state = DELIVERY_WAITING;
    delivery->sub = NULL;
    delivery->id = 0;
    /* What was handed out is older than nearly all that waits. */
    DL_FOREACH(queue->waiting, at) {
        if (at->seq > delivery->seq) {
            break;
        }
    }
    if (at != NULL) {
        DL_PREPEND_ELEM(queue->waiting, at, delivery);
    } else {
        DL_APPEND(queue->waiting, delivery);
    }
    queue_waiting_count(queue, delivery, true);
    queue_mark_dirty(queue);
}

void
queue_remove_delivery(struct queue *queue, struct delivery *delivery)
{
    struct core *core = queue_core(queue);

    if (delivery->slot.batch != 0) {
        store_delete(core->store, queue->journal, delivery->seq,
                     delivery->slot);
    }
    queue->base.dequeued_count++;
    delivery_free(&core->pool, &delivery);
}
