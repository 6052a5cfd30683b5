/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/schedule.h"

#include "base/alloc.h"
#include "server/core/core_private.h"
#include "server/core/schedule_heap.h"
#include "server/core/schedule_message.h"
#include "server/core/schedule_plan.h"

#include <stdlib.h>

enum {
    SCHEDULE_AHEAD_MAX = 256, /* messages that one read may bring */
    SCHEDULE_TURN_MAX = 1024, /* … and that one turn may send */
    SCHEDULE_PAGE_BYTES = 256 * 1024,
    SCHEDULE_LOOK_MS = 60000,        /* the wall clock may have been set */
    SCHEDULE_RETRY_US = 1000000,     /* what could not be read or written */
    SCHEDULE_CROWDED_US = 10 * 1000, /* no room for more messages now */
};

/* No destination has a control byte in its name. */
#define SCHEDULE_JOURNAL SPAN("\001schedule")

struct schedule {
    struct core *core;
    struct store_queue *journal; /* NULL until something is kept */
    uint64_t next_seq;
    struct schedule_heap heap;
    size_t held_bytes;   /* of memory, of those that are resident */
    size_t bytes[2];     /* of records, as the store counts; [persistent] */
    uint64_t load_from;  /* what was there at the start … */
    uint64_t load_end;   /* … is in the heap below load_from */
    uint64_t unread;     /* how many are not, at most … */
    size_t unread_bytes; /* … and their bytes, as the store counts */
    size_t ahead;        /* messages that the next read asks for */
    uint64_t asked_seq;  /* where it begins */
    struct store_fetch *fetch;
    struct timer_node timer;
};

static void schedule_on_timer(struct timer_node *node, int64_t now_us);
static void schedule_run(struct schedule *schedule);

/* --- what is resident ----------------------------------------------------- */

/* As long as they are few: then they need not be read, and go on time. */
static struct schedule_held *
schedule_hold(struct schedule *schedule, struct message *msg,
              struct store_slot slot)
{
    struct schedule_held *held = xmalloc(sizeof(*held));

    *held = (struct schedule_held){ .msg = message_ref(msg), .slot = slot };
    schedule->held_bytes += message_bytes(msg);
    return held;
}

static bool
schedule_may_hold(const struct schedule *schedule, size_t bytes)
{
    const struct core *core = schedule->core;

    return schedule->held_bytes + bytes <= core->options.queue_resident_bytes &&
           core->quota.used <= core->quota.limit / 2;
}

static void
schedule_unhold(struct schedule *schedule, struct schedule_held *held)
{
    if (held != NULL) {
        schedule->held_bytes -= message_bytes(held->msg);
        message_unref(&held->msg);
        free(held);
    }
}

static void
schedule_push(struct schedule *schedule, int64_t due_ms, uint64_t seq,
              struct schedule_held *held)
{
    struct schedule_entry entry = { due_ms, seq, held };

    schedule_heap_push(&schedule->heap, &entry, &schedule->core->quota);
}

static void
schedule_pop(struct schedule *schedule)
{
    schedule_unhold(schedule, schedule->heap.entries[0].held);
    schedule_heap_pop(&schedule->heap);
}

static bool
schedule_is_loaded(const struct schedule *schedule)
{
    return schedule->load_from >= schedule->load_end;
}

static bool
schedule_is_due(const struct schedule *schedule)
{
    return schedule->heap.count > 0 &&
           schedule->heap.entries[0].due_ms <= schedule->core->now_ms;
}

/* --- the ceilings of the store -------------------------------------------- */

static struct quota *
schedule_quota(struct schedule *schedule, bool persistent)
{
    return persistent ? &schedule->core->usage.stored
                      : &schedule->core->usage.spilled;
}

static void
schedule_charge(struct schedule *schedule, bool persistent, size_t bytes)
{
    if ((schedule->core->store->engine->capabilities & STORE_CAN_SURVIVE) !=
        0) {
        quota_charge(schedule_quota(schedule, persistent), bytes);
        schedule->bytes[persistent] += bytes;
    }
}

/* At most what it has: records that damage took were counted too. */
static void
schedule_release(struct schedule *schedule, bool persistent, size_t bytes)
{
    size_t *known = &schedule->bytes[persistent];

    bytes = bytes < *known ? bytes : *known;
    quota_release(schedule_quota(schedule, persistent), bytes);
    *known -= bytes;
}

static void
schedule_release_all(struct schedule *schedule)
{
    schedule_release(schedule, false, SIZE_MAX);
    schedule_release(schedule, true, SIZE_MAX);
}

/* --- life ----------------------------------------------------------------- */

struct schedule *
schedule_new(struct core *core)
{
    struct schedule *schedule = xcalloc(1, sizeof(*schedule));

    schedule->core = core;
    schedule->next_seq = 1;
    schedule->ahead = 1;
    timer_node_init(&schedule->timer, schedule_on_timer);
    return schedule;
}

void
schedule_close(struct schedule *schedule)
{
    struct core *core = schedule->core;

    if (schedule->fetch != NULL) {
        store_fetch_cancel(core->store, schedule->fetch);
        schedule->fetch = NULL;
    }
    timer_wheel_cancel(core->timers, &schedule->timer);
    schedule_release_all(schedule);
    for (size_t i = 0; i < schedule->heap.count; i++) {
        schedule_unhold(schedule, schedule->heap.entries[i].held);
    }
    schedule_heap_fini(&schedule->heap, &core->quota);
}

void
schedule_free(struct schedule **schedule)
{
    free(*schedule);
    *schedule = NULL;
}

bool
schedule_is_journal_name(enum destination_kind kind, struct span name)
{
    return kind == DESTINATION_QUEUE && span_equal(name, SCHEDULE_JOURNAL);
}

void
schedule_adopt(struct schedule *schedule, struct store_queue *journal,
               const struct store_queue_info *info)
{
    schedule->journal = journal;
    schedule->next_seq = info->next_seq;
    schedule->load_from = info->first_seq;
    schedule->load_end = info->next_seq;
    schedule->unread = info->count;
    schedule->unread_bytes = (size_t)info->bytes;
    schedule_charge(schedule, true, (size_t)info->bytes);
}

uint64_t
schedule_count(const struct schedule *schedule)
{
    return schedule->heap.count + schedule->unread;
}

static void
schedule_wait(struct schedule *schedule, int64_t wait_us)
{
    timer_wheel_set(schedule->core->timers, &schedule->timer,
                    schedule->core->now_us + wait_us);
}

/* Waits for the first that is due. */
static void
schedule_arm(struct schedule *schedule)
{
    int64_t wait_ms;

    if (schedule->fetch != NULL || !schedule_is_loaded(schedule)) {
        return; /* its end arms */
    }
    if (schedule->heap.count == 0) {
        timer_wheel_cancel(schedule->core->timers, &schedule->timer);
        schedule_release_all(schedule);
        return;
    }
    wait_ms = schedule->heap.entries[0].due_ms - schedule->core->now_ms;
    wait_ms = wait_ms < 0                  ? 0
              : wait_ms > SCHEDULE_LOOK_MS ? SCHEDULE_LOOK_MS
                                           : wait_ms;
    schedule_wait(schedule, wait_ms * 1000);
}

/* --- coming --------------------------------------------------------------- */

/* Into the journal and the heap; takes over msg. */
static void
schedule_put(struct schedule *schedule, struct message *msg, int64_t due_ms)
{
    struct core *core = schedule->core;
    struct schedule_held *held = NULL;
    struct store_record record;
    struct store_slot slot;

    if (schedule->journal == NULL) {
        schedule->journal =
            store_queue_open(core->store, DESTINATION_QUEUE, SCHEDULE_JOURNAL);
    }
    msg->timestamp_ms = due_ms;
    record = message_record(msg, schedule->next_seq++, msg->persistent);
    schedule_charge(schedule, msg->persistent,
                    msg->headers.len + msg->body.len);
    if (schedule_may_hold(schedule, message_bytes(msg))) {
        held = schedule_hold(schedule, msg, STORE_SLOT_NONE);
    }
    slot = store_put(core->store, schedule->journal, &record, msg);
    if (held != NULL) {
        held->slot = slot;
    }
    schedule_push(schedule, due_ms, record.seq, held);
}

bool
schedule_add(struct schedule *schedule, struct message *made)
{
    bool kept = made->persistent;
    struct schedule_plan plan;

    (void)schedule_plan_parse(made->headers, &plan, NULL);
    schedule_put(schedule, made,
                 schedule_plan_due(&plan, schedule->core->now_ms));
    schedule_arm(schedule);
    return kept;
}

/* --- going ---------------------------------------------------------------- */

/* One message is due: it goes, or begins a series, and its successor takes its
 * place.  False: nothing has been done, for want of memory or of the disk. */
static bool
schedule_fire(struct schedule *schedule, const struct store_record *record,
              struct store_slot slot)
{
    struct core *core = schedule->core;
    struct message *next = NULL;
    struct message *series = NULL;
    struct schedule_plan plan, next_plan, series_plan;
    int64_t next_due_ms = 0;
    bool done = true;

    (void)schedule_plan_parse(record->headers, &plan, NULL);
    if (schedule_plan_next(&plan, record->timestamp_ms, core->now_ms,
                           &next_plan, &next_due_ms)) {
        next = schedule_message_copy(core, record, &next_plan);
        done = next != NULL;
    }
    if (done && schedule_plan_begins(&plan, &series_plan)) {
        series = schedule_message_copy(core, record, &series_plan);
        done = series != NULL;
    } else if (done) {
        done = schedule_message_send(core, record, &plan);
    }
    if (!done) {
        message_unref(&next);
        return false;
    }
    if (series != NULL) {
        schedule_put(schedule, series,
                     schedule_plan_due(&series_plan, core->now_ms));
    }
    if (next != NULL) {
        schedule_put(schedule, next, next_due_ms);
    }
    schedule_release(schedule, record->persistent,
                     record->headers.len + record->body.len);
    store_delete(core->store, schedule->journal, record->seq, slot);
    return true;
}

/* What was read from the first that was due on: those that are next in turn go.
 * False: not now. */
static bool
schedule_take_due(struct schedule *schedule, const struct store_page *page)
{
    size_t fired = 0;

    schedule_release(schedule, true, page->removed_bytes);
    if (page->count == 0 || page->records[0].seq != schedule->asked_seq) {
        if (schedule->heap.entries[0].seq == schedule->asked_seq) {
            schedule_pop(schedule); /* damage has taken it */
        }
        return true;
    }
    for (size_t i = 0; i < page->count && schedule_is_due(schedule); i++) {
        const struct store_record *record = &page->records[i];
        uint64_t seq = schedule->heap.entries[0].seq;

        if (seq > record->seq) {
            continue;
        }
        if (seq < record->seq) {
            break;
        }
        if (!schedule_fire(schedule, record, store_slot_fetched(record))) {
            return false;
        }
        fired++;
        /* What has come in its place may be first, but not before what is due
         * at the same time: its number is higher. */
        schedule_pop(schedule);
    }
    schedule->ahead = fired == page->count ? fired * 2 : fired;
    return true;
}

/* One of those that were there at the start. */
static void
schedule_take_record(struct schedule *schedule,
                     const struct store_record *record)
{
    size_t bytes = record->headers.len + record->body.len;
    struct schedule_held *held = NULL;

    if (schedule_may_hold(schedule, message_bytes_of(1, bytes))) {
        struct message *msg = message_of_record(&schedule->core->quota, record);

        held = schedule_hold(schedule, msg, store_slot_fetched(record));
        message_unref(&msg);
    }
    schedule_push(schedule, record->timestamp_ms, record->seq, held);
    schedule->unread -= schedule->unread > 0 ? 1 : 0;
    schedule->unread_bytes -=
        bytes < schedule->unread_bytes ? bytes : schedule->unread_bytes;
}

static void
schedule_take_found(struct schedule *schedule, const struct store_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        if (page->records[i].seq < schedule->load_end) {
            schedule_take_record(schedule, &page->records[i]);
        }
    }
    schedule->load_from = page->at_end ? schedule->load_end : page->next_seq;
    if (schedule_is_loaded(schedule)) {
        /* What has not come was damaged. */
        schedule->unread = 0;
        schedule_release(schedule, true, schedule->unread_bytes);
        schedule->unread_bytes = 0;
    }
}

/* Those that are due and resident go.  False: not now. */
static bool
schedule_send_held(struct schedule *schedule)
{
    for (int i = 0; i < SCHEDULE_TURN_MAX && schedule_is_due(schedule) &&
                    schedule->heap.entries[0].held != NULL;
         i++) {
        const struct schedule_entry *top = &schedule->heap.entries[0];
        const struct schedule_held *held = top->held;
        struct store_record record =
            message_record(held->msg, top->seq, held->msg->persistent);

        if (!schedule_fire(schedule, &record, held->slot)) {
            return false;
        }
        schedule_pop(schedule);
    }
    return true;
}

static void
schedule_on_fetched(void *ctx, const struct store_page *page)
{
    struct schedule *schedule = ctx;
    bool done = page->err == NULL;

    schedule->fetch = NULL;
    if (done && !schedule_is_loaded(schedule)) {
        schedule_take_found(schedule, page);
    } else if (done) {
        done = schedule_take_due(schedule, page);
    }
    if (done) {
        schedule_run(schedule);
    } else {
        schedule_wait(schedule, SCHEDULE_RETRY_US);
    }
}

static void
schedule_fetch(struct schedule *schedule, uint64_t from_seq, size_t max)
{
    struct store_credit credit = { from_seq, max, SCHEDULE_PAGE_BYTES };

    schedule->asked_seq = from_seq;
    schedule->fetch =
        store_fetch_start(schedule->core->store, schedule->journal, &credit,
                          schedule_on_fetched, schedule);
}

/* Sends what is due and resident, reads what is to be read next, or waits. */
static void
schedule_run(struct schedule *schedule)
{
    struct core *core = schedule->core;

    if (!schedule_is_loaded(schedule)) {
        schedule_fetch(schedule, schedule->load_from, SCHEDULE_AHEAD_MAX);
        return;
    }
    if (!schedule_is_due(schedule)) {
        schedule_arm(schedule);
        return;
    }
    if (core_is_full(core) || store_failure(core->store) != NULL) {
        schedule_wait(schedule, SCHEDULE_CROWDED_US);
        return;
    }
    if (!schedule_send_held(schedule)) {
        schedule_wait(schedule, SCHEDULE_RETRY_US);
        return;
    }
    if (schedule_is_due(schedule) && schedule->heap.entries[0].held == NULL) {
        schedule_fetch(schedule, schedule->heap.entries[0].seq,
                       schedule->ahead < 1 ? 1
                       : schedule->ahead < SCHEDULE_AHEAD_MAX
                           ? schedule->ahead
                           : SCHEDULE_AHEAD_MAX);
        return;
    }
    schedule_arm(schedule);
}

static void
schedule_on_timer(struct timer_node *node, int64_t now_us)
{
    (void)now_us;
    schedule_run(container_of(node, struct schedule, timer));
}

void
schedule_start(struct schedule *schedule)
{
    schedule_run(schedule);
}
