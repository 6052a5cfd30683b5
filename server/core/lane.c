/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/lane.h"

#include "base/buf.h"
#include "server/core/core_private.h"

#include <assert.h>
#include <stdlib.h>

/* One page of the paged-out part: enough that reading back runs at the store's
 * scanning speed, small enough to stay in the cache. */
enum {
    LANE_PAGE_COUNT = 2000,
    LANE_PAGE_BYTES = 1024 * 1024,
    /* Read ahead while less than this is resident. */
    LANE_LOW_COUNT = 2000,
};
/* A lane's window when memory is short. */
static const size_t lane_short_bytes = (size_t)256 * 1024;
/* Stands between a queue's name and the priority in the name of a lane's
 * journal; destination names have no control bytes. */
enum { LANE_NAME_MARK = 0x01 };

static struct core *
lane_core(const struct lane *lane)
{
    return lane->queue->base.core;
}

void
lane_init(struct lane *lane, struct queue *queue, uint8_t priority,
          bool prioritized)
{
    *lane = (struct lane){ .queue = queue,
                           .priority = priority,
                           .prioritized = prioritized };
}

void
lane_fini(struct lane *lane)
{
    struct core *core = lane_core(lane);
    struct delivery *delivery;
    struct delivery *next;

    if (lane->fetch != NULL) {
        store_fetch_cancel(core->store, lane->fetch);
    }
    if (lane->unreadable) {
        struct lane **link = &core->unreadable;

        while (*link != lane) {
            link = &(*link)->unreadable_next;
        }
        *link = lane->unreadable_next;
    }
    DL_FOREACH_SAFE(lane->waiting, delivery, next) {
        delivery_free(&core->pool, &delivery);
    }
    if (lane->journal != NULL &&
        lane->queue->base.kind == DESTINATION_TEMP_QUEUE) {
        store_queue_remove(core->store, &lane->journal); /* it was spilled */
    }
}

void
lane_adopt(struct lane *lane, struct store_queue *journal,
           const struct store_queue_info *info)
{
    lane->journal = journal;
    lane->paged_from = info->first_seq;
    lane->paged_count = info->count;
}

bool
lane_parse_journal_name(struct span *name, uint8_t *priority_out)
{
    if (name->len < 3 || name->data[name->len - 2] != LANE_NAME_MARK) {
        return false;
    }
    *priority_out = (uint8_t)(name->data[name->len - 1] - '0');
    name->len -= 2;
    return true;
}

static void
lane_open_journal(struct lane *lane)
{
    const struct destination *dest = &lane->queue->base;
    struct buf name = BUF_INIT;

    buf_append_span(&name, destination_name_get(dest));
    if (lane->prioritized) {
        buf_append_char(&name, LANE_NAME_MARK);
        buf_append_char(&name, (char)('0' + lane->priority));
    }
    lane->journal = store_queue_open(lane_core(lane)->store, dest->kind,
                                     buf_span(&name));
    buf_fini(&name);
}

static struct store_slot
lane_store(struct lane *lane, struct message *msg, uint64_t seq,
           bool persistent)
{
    struct store_record record = {
        .seq = seq,
        .persistent = persistent,
        .priority = msg->priority,
        .timestamp_ms = msg->timestamp_ms,
        .expires_ms = msg->expires_ms,
        .headers = msg->headers,
        .body = msg->body,
    };

    if (lane->journal == NULL) {
        lane_open_journal(lane);
    }
    return store_put(lane_core(lane)->store, lane->journal, &record,
                     message_ref(msg));
}

/* Whether the message that comes now is to live in the store alone.  Messages
 * that are stored anyway leave memory early; others only when memory is
 * short. */
static bool
lane_must_page(const struct lane *lane, bool stored)
{
    const struct core *core = lane_core(lane);
    bool is_short = core->quota.used > core->quota.limit / 2;

    if (lane->paged_count > 0) {
        return true; /* order: behind what is paged */
    }
    if ((core->store->engine->capabilities & STORE_CAN_PAGE) == 0 ||
        store_failure(core->store) != NULL) {
        return false;
    }
    return (is_short && lane->waiting_bytes > lane_short_bytes) ||
           (stored && lane->waiting_bytes > core->options.queue_resident_bytes);
}

static void
lane_append(struct lane *lane, struct message *msg, uint64_t seq,
            struct store_slot slot)
{
    struct delivery *delivery = delivery_new(&lane_core(lane)->pool, msg);

    delivery->lane = lane;
    delivery->seq = seq;
    delivery->slot = slot;
    DL_APPEND(lane->waiting, delivery);
    lane->waiting_count++;
    lane->waiting_bytes += message_bytes(delivery->msg);
}

void
lane_push(struct lane *lane, struct message *msg, uint64_t seq, bool stored)
{
    bool page = lane_must_page(lane, stored);
    struct store_slot slot = STORE_SLOT_NONE;

    if (stored || page) {
        slot = lane_store(lane, msg, seq, stored);
    }
    if (!page) {
        lane_append(lane, message_ref(msg), seq, slot);
        return;
    }
    if (lane->paged_count == 0) {
        lane->paged_from = seq;
    }
    lane->paged_count++;
    lane->paged_since_fetch++;
}

void
lane_take(struct lane *lane, struct delivery *delivery)
{
    assert(delivery->state == DELIVERY_WAITING);
    if (lane->returned == delivery) {
        lane->returned = NULL;
    }
    DL_DELETE(lane->waiting, delivery);
    lane->waiting_count--;
    lane->waiting_bytes -= message_bytes(delivery->msg);
}

/* The first waiting delivery behind seq, NULL when there is none.  What was
 * handed out is older than nearly all that waits; and many come back one after
 * the other, so the walk goes on from where the last one went. */
static struct delivery *
lane_waiting_behind(const struct lane *lane, uint64_t seq)
{
    struct delivery *at =
        lane->returned != NULL ? lane->returned : lane->waiting;

    while (at != NULL && at->seq < seq) {
        at = at->next;
    }
    while (at != NULL && at != lane->waiting && at->prev->seq > seq) {
        at = at->prev;
    }
    return at;
}

void
lane_return(struct lane *lane, struct delivery *delivery)
{
    struct delivery *at = lane_waiting_behind(lane, delivery->seq);

    delivery->state = DELIVERY_WAITING;
    delivery->sub = NULL;
    delivery->id = 0;
    if (at != NULL) {
        DL_PREPEND_ELEM(lane->waiting, at, delivery);
    } else {
        DL_APPEND(lane->waiting, delivery);
    }
    lane->returned = delivery;
    lane->waiting_count++;
    lane->waiting_bytes += message_bytes(delivery->msg);
}

void
lane_remove(struct lane *lane, struct delivery *delivery)
{
    struct core *core = lane_core(lane);

    if (delivery->slot.batch != 0) {
        store_delete(core->store, lane->journal, delivery->seq,
                     delivery->slot);
    }
    delivery_free(&core->pool, &delivery);
}

static void
lane_add_record(struct lane *lane, const struct store_record *record)
{
    struct message_facts facts = {
        .persistent = record->persistent,
        .priority = record->priority,
        .timestamp_ms = record->timestamp_ms,
        .expires_ms = record->expires_ms,
    };
    struct message *msg =
        message_new(&lane_core(lane)->quota, &facts, record->headers,
                    SPAN_NONE, record->body);

    assert(msg != NULL);
    lane_append(lane, msg, record->seq, STORE_SLOT_STORED);
}

/* The disk does not answer now: core_sweep asks again. */
static void __attribute__((cold))
lane_retry_later(struct lane *lane)
{
    struct core *core = lane_core(lane);

    if (!lane->unreadable) {
        lane->unreadable = true;
        lane->unreadable_next = core->unreadable;
        core->unreadable = lane;
    }
}

static void
lane_on_fetched(void *ctx, const struct store_page *page)
{
    struct lane *lane = ctx;
    uint64_t taken = page->count + page->skipped;

    lane->fetch = NULL;
    for (size_t i = 0; i < page->count; i++) {
        lane_add_record(lane, &page->records[i]);
    }
    lane->paged_from = page->next_seq;
    lane->paged_count -= taken < lane->paged_count ? taken : lane->paged_count;
    /* At the end of the journal only what came after the read is left: the
     * count cannot drift, whatever was lost to corruption. */
    if (page->at_end && page->err == NULL) {
        lane->paged_count = lane->paged_since_fetch;
    }
    if (page->err != NULL) {
        lane_retry_later(lane);
    } else {
        queue_mark_dirty(lane->queue);
    }
}

void
lane_page_in(struct lane *lane)
{
    if (lane->paged_count == 0 || lane->fetch != NULL ||
        lane->unreadable ||
        lane->waiting_count >= LANE_LOW_COUNT ||
        (lane->waiting_count > 0 && lane->waiting_bytes > LANE_PAGE_BYTES)) {
        return;
    }
    lane->paged_since_fetch = 0;
    lane->fetch = store_fetch_start(
        lane_core(lane)->store, lane->journal, lane->paged_from,
        LANE_PAGE_COUNT, LANE_PAGE_BYTES, lane_on_fetched, lane);
}
