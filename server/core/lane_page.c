/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is paged comes back: the next page for all, or one out of its turn.
 */
#include "base/alloc.h"
#include "server/core/attempts.h"
#include "server/core/core_private.h"
#include "server/core/lane_scan.h"
#include "server/core/queue_private.h"
#include "server/core/queue_walk.h"
#include "server/core/topic_log.h"

#include <stdlib.h>

/* One page of the paged-out part: enough that reading back runs at the store's
 * scanning speed, small enough to stay in the cache. */
enum {
    LANE_PAGE_COUNT = 2000,
    LANE_PAGE_BYTES = 1024 * 1024,
    /* Read ahead while less than this is resident. */
    LANE_LOW_COUNT = 2000,
    /* But not without end for one slow owner of message groups. */
    LANE_PARKED_MAX = 20000,
    /* Lanes that are read at once: memory for so many pages. */
    LANE_READING_MAX = 16,
};

static struct core *
lane_core(const struct lane *lane)
{
    return lane->queue->base.core;
}

/* --- what was read out of its turn --------------------------------------- */

/* One bit a number, from base on; freed when nothing is paged any more. */
struct lane_ahead {
    uint64_t base;
    size_t words;
    uint64_t bits[];
};

bool
lane_is_ahead(const struct lane *lane, uint64_t seq)
{
    const struct lane_ahead *ahead = lane->ahead;
    uint64_t bit;

    if (ahead == NULL || seq < ahead->base) {
        return false;
    }
    bit = seq - ahead->base;
    return bit / 64 < ahead->words &&
           ((ahead->bits[bit / 64] >> (bit % 64)) & 1) != 0;
}

static void
lane_set_ahead(struct lane *lane, uint64_t seq)
{
    struct lane_ahead *ahead = lane->ahead;
    uint64_t base = ahead != NULL ? ahead->base : lane->paged_from;
    size_t words = ahead != NULL ? ahead->words : 0;
    size_t word = (size_t)((seq - base) / 64);

    if (word >= words) {
        size_t more = word + 1 + word / 2;

        ahead = xrealloc(ahead, sizeof(*ahead) + more * sizeof(uint64_t));
        memset(&ahead->bits[words], 0, (more - words) * sizeof(uint64_t));
        ahead->base = base;
        ahead->words = more;
        lane->ahead = ahead;
    }
    ahead->bits[word] |= UINT64_C(1) << ((seq - base) % 64);
}

void
lane_forget_ahead(struct lane *lane)
{
    free(lane->ahead);
    lane->ahead = NULL;
}

struct delivery *
lane_take_ahead(struct lane *lane, const struct store_record *record,
                struct message *msg)
{
    lane_set_ahead(lane, record->seq);
    lane->paged_count--;
    return lane_insert(lane, msg, record->seq, store_slot_fetched(record));
}

struct delivery *
lane_head(const struct lane *lane)
{
    struct delivery *head = lane->waiting;

    if (head != NULL && lane->paged_count > 0 &&
        head->seq >= lane->paged_from) {
        return NULL; /* older ones have to be read first */
    }
    return head;
}

/* The disk does not answer now: core_sweep asks again. */
static void __attribute__((cold)) lane_retry_later(struct lane *lane)
{
    struct core *core = lane_core(lane);

    if (!lane->unreadable) {
        lane->unreadable = true;
        lane->unreadable_next = core->unreadable;
        core->unreadable = lane;
    }
}

/* A record becomes resident, if it is for this lane. */
static bool
lane_take_record(struct lane *lane, const struct store_record *record)
{
    struct topic_cursor *cursor = lane->cursor;
    struct message *msg;
    struct delivery *delivery;

    if (lane_is_ahead(lane, record->seq)) {
        return false;
    }
    msg = lane_message_of(lane, record);
    if (cursor != NULL && !topic_cursor_takes(cursor, record->seq, msg)) {
        message_unref(&msg);
        return false;
    }
    delivery = lane_append(lane, msg, record->seq, store_slot_fetched(record));
    if (cursor != NULL && record->seq < cursor->redelivered_below) {
        delivery->attempts = 1; /* before the last restart */
    }
    return true;
}

/* The next page in turn: all of it becomes resident. */
static void
lane_take_page(struct lane *lane, const struct store_page *page)
{
    uint64_t taken = page->skipped;

    for (size_t i = 0; i < page->count; i++) {
        taken += lane_take_record(lane, &page->records[i]) ? 1 : 0;
    }
    lane->paged_from = page->next_seq;
    lane->paged_count -= taken < lane->paged_count ? taken : lane->paged_count;
    /* At the end of the journal only what came after the read is left: the
     * count cannot drift, whatever was lost to corruption. */
    if (page->at_end && page->err == NULL) {
        if (lane->paged_count != lane->paged_since_fetch &&
            lane->cursor == NULL) {
            lane->queue->damaged = true;
        }
        lane->paged_count = lane->paged_since_fetch;
    }
}

void
lane_pass_turn(struct core *core)
{
    struct lane *next = core->turns;

    if (next != NULL) {
        DL_DELETE2(core->turns, next, turn_prev, turn_next);
        next->awaits_turn = false;
        queue_mark_dirty(next->queue);
    }
}

/* A read is over: the next lane has its turn. */
static void
lane_end_turn(const struct lane *lane)
{
    struct core *core = lane_core(lane);

    core->reading_count--;
    lane_pass_turn(core);
}

void
lane_fetch_cancel(struct lane *lane)
{
    if (lane->fetch != NULL) {
        store_fetch_cancel(lane_core(lane)->store, lane->fetch);
        lane->fetch = NULL;
        lane_end_turn(lane);
    }
}

/*
 * How many records may be read now.  Many queues can be behind one consumer, by
 * a wildcard or by a subscription to each, and all that is read is in memory
 * until that consumer takes it.  So few lanes are read at once; when memory is
 * short one, and no more of it than somebody has credit for: what is resident
 * does not grow then.
 */
static size_t
lane_turn_count(struct lane *lane)
{
    struct core *core = lane_core(lane);
    bool is_short = core->quota.used > core->quota.limit / 2;
    const struct attachment *reader;
    size_t count = LANE_PAGE_COUNT;

    if (is_short) {
        reader = queue_pick(lane->queue);
        if (reader == NULL) {
            return 0; /* its consumers have the queue look when they have */
        }
        count = subscription_credit(reader->sub);
    }
    if (core->reading_count < (is_short ? 1 : LANE_READING_MAX)) {
        return count;
    }
    if (!lane->awaits_turn) {
        lane->awaits_turn = true;
        DL_APPEND2(core->turns, lane, turn_prev, turn_next);
    }
    return 0;
}

static void
lane_on_fetched(void *ctx, const struct store_page *page)
{
    struct lane *lane = ctx;

    lane->fetch = NULL;
    lane_end_turn(lane);
    lane_log_page(lane, page);
    if (page->skipped > 0) {
        usage_on_damage(lane->queue, page);
    }
    if (lane->fetch_for == LANE_READER_TURN) {
        lane_take_page(lane, page);
    } else if (lane->fetch_scan != NULL) {
        lane_scan_take_page(lane->fetch_scan, page, lane->fetch_end);
    } else if (lane->fetch_walk != NULL) {
        queue_walk_take_page(lane->fetch_walk, page, lane->fetch_end);
    }
    if (lane->paged_count == 0) {
        lane_forget_ahead(lane);
        usage_recount(lane->queue);
    }
    lane->fetch_scan = NULL;
    lane->fetch_walk = NULL;
    if (page->err != NULL) {
        lane_retry_later(lane);
    } else {
        queue_mark_dirty(lane->queue);
    }
}

static void
lane_fetch(struct lane *lane, enum lane_reader reader, uint64_t from_seq,
           size_t max)
{
    struct store_credit credit = {
        from_seq, max < LANE_PAGE_COUNT ? max : LANE_PAGE_COUNT, LANE_PAGE_BYTES
    };

    lane_core(lane)->reading_count++;
    lane->fetch_for = reader;
    lane->fetch_end = lane->queue->next_seq;
    lane->fetch = store_fetch_start(lane_core(lane)->store, lane->journal,
                                    &credit, lane_on_fetched, lane);
}

void
lane_read_ahead(struct lane *lane, struct lane_scan *scan)
{
    if (lane->fetch == NULL && !lane->unreadable) {
        lane->walk_read_last = false;
        lane->fetch_scan = scan;
        lane_fetch(lane, LANE_READER_SCAN, scan->ahead_from, LANE_PAGE_COUNT);
    }
}

void
lane_read_walk(struct lane *lane, struct queue_walk *walk, uint64_t from_seq,
               size_t max)
{
    if (lane->fetch == NULL && !lane->unreadable) {
        lane->walk_read_last = true;
        lane->fetch_walk = walk;
        lane_fetch(lane, LANE_READER_WALK, from_seq, max);
    }
}

void
lane_remove_paged(struct lane *lane, const struct store_record *record,
                  const struct message *msg)
{
    usage_remove(&lane->queue->base, msg, record->persistent);
    attempts_forget_paged(lane->queue, record->seq);
    store_delete(lane_core(lane)->store, lane->journal, record->seq,
                 store_slot_fetched(record));
    lane->paged_count -= lane->paged_count > 0 ? 1 : 0;
}

void
lane_skip_paged(struct lane *lane, uint64_t seq, size_t skipped)
{
    lane->paged_from = seq;
    lane->paged_count -=
        skipped < lane->paged_count ? skipped : lane->paged_count;
}

/* Whether enough is resident for consumers that take all in turn. */
static bool
lane_is_filled(const struct lane *lane)
{
    if (lane_head(lane) == NULL) {
        return false;
    }
    return lane->waiting_count >= LANE_LOW_COUNT ||
           lane->waiting_bytes > LANE_PAGE_BYTES;
}

void
lane_page_in(struct lane *lane)
{
    size_t count;

    if (lane->paged_count == 0 || lane->fetch != NULL || lane->unreadable ||
        lane->parked_count >= LANE_PARKED_MAX || lane_is_filled(lane)) {
        return;
    }
    count = lane_turn_count(lane);
    if (count > 0) {
        lane->paged_since_fetch = 0;
        lane_fetch(lane, LANE_READER_TURN, lane->paged_from, count);
    }
}
