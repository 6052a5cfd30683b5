/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/lane.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "server/core/attempts.h"
#include "server/core/core_private.h"
#include "server/core/lane_scan.h"
#include "server/core/queue_walk.h"
#include "server/core/topic_log.h"

#include <assert.h>
#include <stdlib.h>

/* A lane's window for what is not stored, when memory is short. */
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

    lane_fetch_cancel(lane);
    if (lane->awaits_turn) {
        DL_DELETE2(core->turns, lane, turn_prev, turn_next);
    }
    if (lane->unreadable) {
        struct lane **link = &core->unreadable;

        while (*link != lane) {
            link = &(*link)->unreadable_next;
        }
        *link = lane->unreadable_next;
    }
    lane_forget_ahead(lane);
    DL_FOREACH_SAFE(lane->waiting, delivery, next) {
        lane_drop(lane, delivery);
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
    usage_adopt(&lane->queue->base, info);
    lane->journal = journal;
    lane->paged_from = info->first_seq;
    lane->paged_count = info->count;
}

bool
lane_parse_journal_name(struct span *name, uint8_t *priority_out)
{
    if (name->len < 3 || name->data[name->len - 2] != LANE_NAME_MARK ||
        name->data[name->len - 1] < '0' || name->data[name->len - 1] > '9') {
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
    lane->journal =
        store_queue_open(lane_core(lane)->store, dest->kind, buf_span(&name));
    buf_fini(&name);
}

static struct store_slot
lane_store(struct lane *lane, struct message *msg, uint64_t seq,
           bool persistent)
{
    struct store_record record = message_record(msg, seq, persistent);

    if (lane->journal == NULL) {
        lane_open_journal(lane);
    }
    usage_add(&lane->queue->base, msg, persistent);
    return store_put(lane_core(lane)->store, lane->journal, &record,
                     message_ref(msg));
}

bool
lane_keep(struct lane *lane, uint64_t seq)
{
    struct core *core = lane_core(lane);
    struct store_record record = { .seq = seq, .persistent = true };
    struct message_facts facts = { .persistent = true };
    struct message *nothing;
    struct store_slot slot;

    if (lane->journal != NULL || store_failure(core->store) != NULL ||
        (core->store->engine->capabilities & STORE_CAN_SURVIVE) == 0) {
        return false;
    }
    nothing = message_new(&core->quota, &facts, SPAN(""), SPAN_NONE, SPAN(""));
    if (nothing == NULL) {
        return false;
    }
    lane_open_journal(lane);
    record.headers = nothing->headers;
    record.body = nothing->body;
    /* Taken back in the same batch it is never written, but its number is, and
     * with it the journal's name. */
    slot = store_put(core->store, lane->journal, &record, nothing);
    store_delete(core->store, lane->journal, seq, slot);
    return true;
}

/* Whether no more of what is not persistent may go to the store. */
static bool
lane_is_spilled_full(const struct lane *lane)
{
    const struct destination *dest = lane->cursor != NULL
                                         ? topic_cursor_topic(lane->cursor)
                                         : &lane->queue->base;

    return quota_reaches(&dest->core->usage.spilled, 100) ||
           quota_reaches(&dest->usage.spilled, 100);
}

/* Past cursorMemoryHighWaterMark of its destination's memoryLimit. */
static bool
lane_is_past_mark(const struct lane *lane)
{
    const struct destination *dest = &lane->queue->base;

    return dest->quota.limit > 0 &&
           dest->quota.used * 100 >=
               dest->quota.limit * dest->policy->cursor_memory_high_water;
}

/* The memory that the waiting messages of one lane may take: window while not
 * more than `from` eighths of the broker's is used, then less and less, none
 * from `to` eighths on.  So a hundred thousand small backlogs leave room as one
 * large one does. */
static size_t
lane_room(const struct core *core, size_t window, unsigned from, unsigned to)
{
    size_t eighth = core->quota.limit / 8;
    size_t used = core->quota.used;
    double left;

    if (used <= eighth * from) {
        return window;
    }
    if (used >= eighth * to) {
        return 0;
    }
    left = (double)(eighth * to - used) / (double)(eighth * (to - from));
    return (size_t)((double)window * left);
}

/* Whether the message that comes now is to live in the store alone.  Messages
 * that are stored anyway leave memory early; others only when memory is
 * short. */
bool
lane_must_page(const struct lane *lane, bool stored)
{
    const struct core *core = lane_core(lane);

    if (lane->paged_count > 0) {
        return true; /* order: behind what is paged */
    }
    if (lane->cursor != NULL && stored &&
        lane->queue->base.attachment_count == 0) {
        return true; /* nobody uses the durable subscription now */
    }
    if ((core->store->engine->capabilities & STORE_CAN_PAGE) == 0 ||
        store_failure(core->store) != NULL) {
        return false;
    }
    if (!stored && lane_is_spilled_full(lane)) {
        return false;
    }
    if (lane_is_past_mark(lane)) {
        return true;
    }
    if (stored) {
        return lane->waiting_bytes >
               lane_room(core, core->options.queue_resident_bytes, 1, 2);
    }
    return core->quota.used > core->quota.limit / 2 &&
           lane->waiting_bytes > lane_room(core, lane_short_bytes, 4, 6);
}

/* The same among all that is held.  Those of a page follow each other. */
static void
lane_hold(struct lane *lane, struct delivery *delivery)
{
    struct delivery *at;

    if (lane->held == NULL || lane->held->held_prev->seq < delivery->seq) {
        DL_APPEND2(lane->held, delivery, held_prev, held_next);
        return;
    }
    at = lane->held->held_prev;
    if (lane->inserted != NULL && lane->inserted->seq < delivery->seq) {
        at = lane->inserted;
        while (at->held_next->seq < delivery->seq) {
            at = at->held_next;
        }
    } else {
        while (at != NULL && at->seq > delivery->seq) {
            at = at == lane->held ? NULL : at->held_prev;
        }
    }
    if (at != NULL) {
        DL_APPEND_ELEM2(lane->held, at, delivery, held_prev, held_next);
    } else {
        DL_PREPEND2(lane->held, delivery, held_prev, held_next);
    }
    lane->inserted = delivery;
}

/* At its place by seq, which is the end unless something was read ahead. */
struct delivery *
lane_insert(struct lane *lane, struct message *msg, uint64_t seq,
            struct store_slot slot)
{
    struct delivery *delivery = delivery_new(&lane_core(lane)->pool, msg);
    struct delivery *at = lane->waiting != NULL ? lane->waiting->prev : NULL;

    delivery->lane = lane;
    delivery->seq = seq;
    delivery->slot = slot;
    if (lane->queue->attempts != NULL) {
        attempts_take(lane->queue->attempts, delivery);
    }
    delivery_charge(delivery, &lane->queue->base.quota);
    while (at != NULL && at->seq > seq) {
        at = at == lane->waiting ? NULL : at->prev;
    }
    if (at != NULL) {
        DL_APPEND_ELEM(lane->waiting, at, delivery);
    } else {
        DL_PREPEND(lane->waiting, delivery);
    }
    lane->waiting_count++;
    lane->waiting_bytes += message_bytes(delivery->msg);
    lane_hold(lane, delivery);
    queue_walks_on_insert(lane->queue, delivery);
    return delivery;
}

struct delivery *
lane_append(struct lane *lane, struct message *msg, uint64_t seq,
            struct store_slot slot)
{
    struct delivery *delivery = lane_insert(lane, msg, seq, slot);

    lane_scans_on_append(lane, delivery);
    return delivery;
}

void
lane_push(struct lane *lane, struct message *msg, uint64_t seq, bool stored)
{
    bool page = lane_must_page(lane, stored);
    struct store_slot slot = STORE_SLOT_NONE;

    if (stored || page) {
        slot = lane_store(lane, msg, seq, stored);
    }
    lane_add(lane, msg, seq, slot, page);
}

void
lane_add(struct lane *lane, struct message *msg, uint64_t seq,
         struct store_slot slot, bool page)
{
    if (!page) {
        (void)lane_append(lane, message_ref(msg), seq, slot);
        return;
    }
    if (lane->paged_count == 0) {
        lane->paged_from = seq;
    }
    lane->paged_count++;
    lane->paged_since_fetch++;
}

void
lane_forget_paged(struct lane *lane)
{
    lane_fetch_cancel(lane);
    lane->paged_count = 0;
    lane_forget_ahead(lane);
}

void
lane_take(struct lane *lane, struct delivery *delivery)
{
    assert(delivery->state == DELIVERY_WAITING);
    if (lane->cursor != NULL && delivery == lane->waiting) {
        topic_cursor_pass(lane->cursor, delivery->seq);
    }
    if (lane->returned == delivery) {
        lane->returned = NULL;
    }
    if (lane->scans != NULL) {
        lane_scans_on_take(lane, delivery);
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
    if (lane->cursor != NULL) {
        topic_cursor_return(lane->cursor);
    }
    lane->waiting_count++;
    lane->waiting_bytes += message_bytes(delivery->msg);
    if (lane->scans != NULL) {
        lane_scans_on_return(lane, delivery);
    }
}

void
lane_remove(struct lane *lane, struct delivery *delivery)
{
    struct core *core = lane_core(lane);

    if (lane->cursor != NULL) {
        topic_cursor_settle(lane->cursor, delivery->seq);
    } else if (delivery->slot.batch != 0) {
        usage_remove(&lane->queue->base, delivery->msg,
                     !delivery->slot.spilled);
        attempts_forget(delivery);
        store_delete(core->store, lane->journal, delivery->seq, delivery->slot);
    }
    lane_drop(lane, delivery);
}

void
lane_drop(struct lane *lane, struct delivery *delivery)
{
    if (lane->inserted == delivery) {
        lane->inserted = NULL;
    }
    queue_walks_on_drop(lane->queue, delivery);
    DL_DELETE2(lane->held, delivery, held_prev, held_next);
    delivery_free(&lane_core(lane)->pool, &delivery);
}

struct message *
lane_message_of(struct lane *lane, const struct store_record *record)
{
    return message_of_record(&lane_core(lane)->quota, record);
}
