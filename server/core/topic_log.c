/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/topic_log.h"

#include "base/alloc.h"
#include "server/core/core_private.h"
#include "server/core/durable.h"
#include "server/core/select.h"
#include "server/core/topic_private.h"

#include <assert.h>
#include <stdlib.h>

enum {
    /* The newest records are remembered: so what was settled before it was
     * written is taken back. */
    LOG_RECENT_MIN = 16,
    LOG_RECENT_MAX = 1024,
    /* A cursor that nothing waits for is written down again when it is so far
     * behind. */
    LOG_IDLE_LAG = 4096,
};
/* Behind a topic's name; destination names have no control bytes. */
static const char log_name_end[] = "\001durable";

struct topic_log {
    struct topic *topic;
    struct store_queue *journal; /* NULL until something is stored */
    uint64_t next_seq;
    uint64_t found;      /* records that were there at start */
    uint64_t needed;     /* what is below it nobody needs */
    uint64_t older_gone; /* below it nothing is left of what is not recent */
    struct topic_cursor *cursors; /* DL list */
    size_t cursor_count;
    size_t moved; /* cursors that moved since the last look at all */
    struct topic_log *trim_next;
    struct store_slot *recent; /* by seq modulo recent_size */
    uint64_t recent_size;
    uint64_t recent_from; /* of this number on */
};

static struct core *
log_core(const struct topic_log *log)
{
    return log->topic->base.core;
}

/* --- the journal ---------------------------------------------------------- */

static struct topic_log *
log_get(struct topic *topic)
{
    if (topic->log == NULL) {
        topic->log = xcalloc(1, sizeof(*topic->log));
        topic->log->topic = topic;
        topic->log->next_seq = 1;
        topic->log->needed = 1;
        topic->log->older_gone = 1;
        topic->log->recent_from = 1;
    }
    return topic->log;
}

static void
log_open_journal(struct topic_log *log)
{
    struct buf name = BUF_INIT;

    buf_append_span(&name, destination_name_get(&log->topic->base));
    buf_append_span(&name, span_of_text(log_name_end));
    log->journal = store_queue_open(log_core(log)->store, DESTINATION_TOPIC,
                                    buf_span(&name));
    buf_fini(&name);
    for (struct topic_cursor *cursor = log->cursors; cursor != NULL;
         cursor = cursor->next) {
        cursor->queue->main.journal = log->journal;
    }
}

static struct store_slot *
log_recent(const struct topic_log *log, uint64_t seq)
{
    return &log->recent[seq % log->recent_size];
}

/* Room for twice as many, while more than there is room for are left. */
static void
log_remember_more(struct topic_log *log)
{
    uint64_t size =
        log->recent_size > 0 ? log->recent_size * 2 : (uint64_t)LOG_RECENT_MIN;
    struct store_slot *recent = xcalloc((size_t)size, sizeof(*recent));

    for (uint64_t i = 0; i < log->recent_size; i++) {
        uint64_t seq = log->recent_from + i;

        recent[seq % size] = *log_recent(log, seq);
    }
    free(log->recent);
    log->recent = recent;
    log->recent_size = size;
}

/* The newest number is remembered, maybe in the place of one that is still in
 * the store: from then on that counts as persistent, as nobody will know when
 * it goes. */
static void
log_remember(struct topic_log *log, uint64_t seq, struct store_slot slot)
{
    struct store_slot *place;

    if (log->recent_size == 0 || (seq - log->needed >= log->recent_size &&
                                  log->recent_size < LOG_RECENT_MAX)) {
        log_remember_more(log);
    }
    place = log_recent(log, seq);
    if (place->batch != 0 && place->spilled) {
        usage_convert(&log->topic->base, place->bytes);
    }
    *place = slot;
    if (seq - log->recent_from >= log->recent_size) {
        log->recent_from = seq + 1 - log->recent_size;
    }
}

/* The number of a message, and its record when it is to have one. */
static uint64_t
log_append(struct topic_log *log, struct message *msg, bool persistent,
           bool stored, struct store_slot *slot_out)
{
    uint64_t seq = log->next_seq++;
    struct store_record record;

    *slot_out = STORE_SLOT_NONE;
    if (stored) {
        if (log->journal == NULL) {
            log_open_journal(log);
        }
        record = message_record(msg, seq, persistent);
        *slot_out = store_put(log_core(log)->store, log->journal, &record,
                              message_ref(msg));
        usage_add(&log->topic->base, msg, persistent);
    }
    log_remember(log, seq, *slot_out);
    return seq;
}

/* Nobody needs the recent records below end any more. */
static void
log_delete_recent(struct topic_log *log, uint64_t end)
{
    uint64_t seq =
        log->needed > log->recent_from ? log->needed : log->recent_from;

    for (; seq < end; seq++) {
        struct store_slot *slot = log_recent(log, seq);

        if (slot->batch != 0) {
            store_delete(log_core(log)->store, log->journal, seq, *slot);
            usage_remove_bytes(&log->topic->base, slot->bytes, !slot->spilled);
            *slot = STORE_SLOT_NONE;
        }
    }
}

/* Nor the older ones, of which the store knows more than the log. */
static void
log_delete_older(struct topic_log *log, uint64_t end)
{
    uint64_t bytes;

    if (end < log->next_seq && end > log->recent_from) {
        end = log->recent_from;
    }
    if (log->journal != NULL && log->older_gone < end) {
        log->older_gone =
            store_trim(log_core(log)->store, log->journal, end, &bytes);
        usage_remove_bytes(&log->topic->base, (size_t)bytes, true);
    }
}

bool
topic_log_parse_journal_name(struct span *name)
{
    struct span end = span_of_text(log_name_end);

    if (name->len <= end.len ||
        !span_equal(span_after(*name, name->len - end.len), end)) {
        return false;
    }
    name->len -= end.len;
    return true;
}

void
topic_log_adopt(struct core *core, struct span name,
                struct store_queue *journal,
                const struct store_queue_info *info)
{
    struct topic *topic =
        topic_of(destination_get(core, DESTINATION_TOPIC, name, NULL));
    struct topic_log *log = log_get(topic);

    log->journal = journal;
    log->next_seq = info->next_seq;
    log->recent_from = info->next_seq;
    log->found = info->count;
    log->needed = info->first_seq;
    log->older_gone = info->first_seq;
    usage_adopt(&topic->base, info);
}

void
topic_log_close(struct topic *topic)
{
    struct topic_log *log = topic->log;

    if (log == NULL) {
        return;
    }
    while (log->cursors != NULL) {
        struct topic_cursor *cursor = log->cursors;

        DL_DELETE(log->cursors, cursor);
        cursor->log = NULL; /* its queue goes next */
    }
    if (log->journal != NULL && !log_core(log)->closing) {
        store_queue_remove(log_core(log)->store, &log->journal);
    }
    free(log->recent);
    free(log);
    topic->log = NULL;
}

struct topic_cursor *
topic_log_cursors(const struct topic *topic)
{
    return topic->log != NULL ? topic->log->cursors : NULL;
}

bool
topic_log_is_used(const struct topic *topic)
{
    return topic->log != NULL && topic->log->cursors != NULL;
}

/* --- letting go ----------------------------------------------------------- */

/* Nothing waits for it and nothing is on its way. */
static bool
cursor_is_idle(const struct topic_cursor *cursor)
{
    return cursor->queue->in_flight_count == 0 &&
           queue_waiting_count(cursor->queue) == 0;
}

static void
cursor_mark_dirty(struct topic_cursor *cursor)
{
    struct core *core = log_core(cursor->log);

    if (!cursor->dirty) {
        cursor->dirty = true;
        cursor->dirty_next = core->dirty_cursors;
        core->dirty_cursors = cursor;
    }
}

/* The lowest number that somebody needs.  Those that need nothing do not hold
 * the journal, and are not written down for every message of others. */
static uint64_t
log_lowest(struct topic_log *log)
{
    uint64_t lowest = log->next_seq;
    struct topic_cursor *cursor;

    DL_FOREACH(log->cursors, cursor) {
        struct cursor *place = &cursor->place;

        if (place->position == log->next_seq) {
            continue;
        }
        if (!cursor_is_idle(cursor)) {
            lowest = place->position < lowest ? place->position : lowest;
        } else if (log->next_seq - place->position >= LOG_IDLE_LAG) {
            cursor_settle(place, place->position, log->next_seq);
            cursor_mark_dirty(cursor);
        }
    }
    return lowest;
}

static void
log_trim(struct topic_log *log)
{
    uint64_t lowest = log_lowest(log);

    log->moved = 0;
    log_delete_recent(log, lowest);
    log_delete_older(log, lowest);
    log->needed = lowest;
}

/* `cursor/TOPIC NUL CLIENT NUL NAME`. */
static void
cursor_define(const struct topic_cursor *cursor, bool ends)
{
    const struct destination *dest = &cursor->queue->base;
    struct buf name = BUF_INIT;
    struct buf value = BUF_INIT;

    if (core_survives(dest->core)) {
        buf_append_span(&name, SPAN("cursor/"));
        buf_append_span(&name, destination_name_get(dest));
        buf_append_char(&name, '\0');
        buf_append_span(&name, durable_key(cursor->durable));
        cursor_encode(&cursor->place, &value);
        store_define(dest->core->store, buf_span(&name),
                     ends ? SPAN_NONE : buf_span(&value));
    }
    buf_fini(&name);
    buf_fini(&value);
}

static void
cursor_flush(struct topic_cursor *cursor)
{
    struct topic_log *log = cursor->log;
    struct cursor *place = &cursor->place;

    cursor->dirty = false;
    if (cursor_is_idle(cursor)) {
        cursor_settle(place, place->position, log->next_seq);
    }
    cursor_define(cursor, false);
    /* Looking at all costs as much as there are: so not before as many have
     * moved. */
    if (++log->moved >= log->cursor_count) {
        log_trim(log);
    }
}

void
topic_log_flush(struct core *core)
{
    while (core->dirty_cursors != NULL) {
        struct topic_cursor *cursor = core->dirty_cursors;

        core->dirty_cursors = cursor->dirty_next;
        cursor_flush(cursor);
    }
}

void
topic_log_sweep(struct topic *topic)
{
    struct topic_log *log = topic->log;

    if (log != NULL && log->older_gone < log->next_seq) {
        log_trim(log);
    }
}

/* --- cursors -------------------------------------------------------------- */

void
topic_cursor_pass(struct topic_cursor *cursor, uint64_t seq)
{
    if (cursor->log != NULL && seq >= cursor->place.passed) {
        cursor_pass(&cursor->place, seq);
        cursor_mark_dirty(cursor); /* so that a restart knows it was sent */
    }
}

void
topic_cursor_settle(struct topic_cursor *cursor, uint64_t seq)
{
    if (cursor->log != NULL) {
        cursor_settle(&cursor->place, seq, seq + 1);
        cursor_mark_dirty(cursor);
    }
}

void
topic_cursor_return(struct topic_cursor *cursor)
{
    if (cursor->log != NULL) {
        cursor_mark_dirty(cursor);
    }
}

bool
topic_cursor_takes(const struct topic_cursor *cursor, uint64_t seq,
                   const struct message *msg)
{
    const struct durable *durable = cursor->durable;

    return !cursor_is_settled(&cursor->place, seq) &&
           (durable->selector == NULL ||
            select_matches(durable->selector, &cursor->queue->base, msg, 0));
}

static void
cursor_begin(struct topic_cursor *cursor, struct cursor *place)
{
    struct topic_log *log = cursor->log;

    if (place == NULL) {
        cursor_init(&cursor->place, log->next_seq);
        cursor_mark_dirty(cursor);
        return;
    }
    cursor->place = *place;
    *place = (struct cursor){ .position = 1 };
    cursor->redelivered_below = cursor->place.passed;
    if (log->next_seq < cursor_end(&cursor->place)) {
        /* Numbers of messages that were never stored. */
        log->next_seq = cursor_end(&cursor->place);
        log->recent_from = log->next_seq;
    }
    cursor_settle(&cursor->place, cursor->place.position, log->needed);
}

/* What is left of a journal that was found is in the store alone. */
static void
cursor_begin_lane(struct topic_cursor *cursor)
{
    struct lane *lane = &cursor->queue->main;
    struct topic_log *log = cursor->log;

    lane->cursor = cursor;
    lane->journal = log->journal;
    if (log->journal != NULL) {
        uint64_t left = cursor_left(&cursor->place, log->next_seq);

        /* At most: not every number has a record, nor is each for it. */
        lane->paged_from = cursor->place.position;
        lane->paged_count = left < log->found ? left : log->found;
    }
}

struct topic_cursor *
topic_cursor_open(struct durable *durable, struct topic *topic,
                  struct cursor *place)
{
    struct topic_cursor *cursor = xcalloc(1, sizeof(*cursor));
    struct core *core = topic->base.core;

    cursor->durable = durable;
    cursor->log = log_get(topic);
    cursor->queue = queue_of(destination_make_durable(
        cursor, core, destination_name_get(&topic->base),
        durable_key(durable)));
    DL_APPEND(cursor->log->cursors, cursor);
    cursor->log->cursor_count++;
    DL_APPEND2(durable->cursors, cursor, durable_prev, durable_next);
    cursor_begin(cursor, place);
    cursor_begin_lane(cursor);
    if (durable->active != NULL) {
        destination_attach(&cursor->queue->base, durable->active);
    }
    return cursor;
}

static void
cursor_unlist(struct topic_cursor *cursor)
{
    struct topic_cursor **link = &cursor->queue->base.core->dirty_cursors;

    if (cursor->dirty) {
        while (*link != cursor) {
            link = &(*link)->dirty_next;
        }
        *link = cursor->dirty_next;
        cursor->dirty = false;
    }
    if (cursor->log != NULL) {
        DL_DELETE(cursor->log->cursors, cursor);
        cursor->log->cursor_count--;
        cursor->log = NULL;
    }
    if (cursor->durable != NULL) {
        DL_DELETE2(cursor->durable->cursors, cursor, durable_prev,
                   durable_next);
        cursor->durable = NULL;
    }
}

void
topic_cursor_remove(struct topic_cursor **cursor)
{
    struct topic_cursor *gone = *cursor;
    struct topic_log *log = gone->log;
    struct destination *dest = &gone->queue->base;

    *cursor = NULL;
    cursor_define(gone, true);
    cursor_unlist(gone);
    lane_forget_paged(&gone->queue->main);
    if (gone->queue->in_flight_count == 0) {
        queue_drop_waiting(gone->queue);
        destination_remove(&dest); /* and gone with it */
    } else {
        queue_drop_waiting(gone->queue);
        destination_orphan_durable(dest);
    }
    log_trim(log);
}

void
topic_cursor_free(struct topic_cursor *cursor)
{
    cursor_unlist(cursor);
    cursor_fini(&cursor->place);
    free(cursor);
}

void
topic_cursor_restore(struct core *core, struct span name, struct span value)
{
    struct span topic = span_split(&name, '\0');
    struct durable *durable = durable_find(core, name);
    struct cursor place;

    /* The durable subscription and its cursors are defined, and removed, in
     * one batch: there are none without it. */
    if (durable == NULL) {
        return;
    }
    if (!cursor_decode(value, &place)) {
        cursor_init(&place, 1); /* rather twice than never */
    }
    (void)topic_cursor_open(
        durable,
        topic_of(destination_get(core, DESTINATION_TOPIC, topic, NULL)),
        &place);
}

/* --- publishing ----------------------------------------------------------- */

/* Whether a message is the subscriber's own and it wants none of those. */
static bool
cursor_is_own(const struct topic_cursor *cursor, const struct client *sender)
{
    return cursor->durable->no_local && sender != NULL &&
           sender->client_id != NULL &&
           span_equal(span_of_text(sender->client_id),
                      durable_client_id(cursor->durable));
}

/* Notes in each cursor whether it wants the message.  Returns whether any does;
 * *page_out: whether one of them has no room for it in memory. */
static bool
log_ask(struct topic_log *log, const struct message *msg,
        const struct client *sender, bool persistent, bool *page_out)
{
    struct topic_cursor *cursor;
    bool any = false;

    DL_FOREACH(log->cursors, cursor) {
        const struct selector *selector = cursor->durable->selector;

        cursor->wants =
            !cursor->awaits_past && !cursor_is_own(cursor, sender) &&
            (selector == NULL ||
             select_matches(selector, &cursor->queue->base, msg, 0));
        any = any || cursor->wants;
        *page_out =
            *page_out ||
            (cursor->wants && lane_must_page(&cursor->queue->main, persistent));
    }
    return any;
}

/* To those that want it.  A number that a cursor is not to have although its
 * selector would take it is settled, for the time when it reads the journal. */
static void
log_give(struct topic_log *log, struct message *msg, uint64_t seq,
         struct store_slot slot, bool persistent)
{
    struct topic_cursor *cursor;

    DL_FOREACH(log->cursors, cursor) {
        if (cursor->wants) {
            queue_push_logged(cursor->queue, msg, seq, slot, persistent);
        } else if (slot.batch != 0 &&
                   (cursor->durable->no_local || cursor->awaits_past)) {
            topic_cursor_settle(cursor, seq);
        }
    }
}

bool
topic_log_publish(struct topic *topic, struct message *msg,
                  const struct client *sender)
{
    struct topic_log *log = topic->log;
    struct core *core = topic->base.core;
    bool persistent = core_survives(core) &&
                      destination_is_persistent(&topic->base, msg) &&
                      store_failure(core->store) == NULL;
    bool page = false;
    struct store_slot slot;
    uint64_t seq;

    if (!log_ask(log, msg, sender, persistent, &page)) {
        return false;
    }
    seq = log_append(log, msg, persistent, persistent || page, &slot);
    log_give(log, msg, seq, slot, persistent);
    return persistent;
}

bool
topic_log_is_paged(const struct topic *topic)
{
    const struct topic_cursor *cursor;

    if (topic->log == NULL) {
        return false;
    }
    DL_FOREACH(topic->log->cursors, cursor) {
        if (queue_is_paged(cursor->queue)) {
            return true;
        }
    }
    return false;
}

void
topic_cursor_recover(struct topic_cursor *cursor, struct message *msg)
{
    struct topic_log *log = cursor->log;
    struct core *core = log_core(log);
    bool persistent = core_survives(core) &&
                      destination_is_persistent(&log->topic->base, msg) &&
                      store_failure(core->store) == NULL;
    struct topic_cursor *other;
    struct store_slot slot;
    uint64_t seq;

    if (cursor->durable->selector != NULL &&
        !select_matches(cursor->durable->selector, &cursor->queue->base, msg,
                        0)) {
        return;
    }
    seq = log_append(log, msg, persistent, persistent, &slot);
    DL_FOREACH(log->cursors, other) {
        if (other != cursor) {
            topic_cursor_settle(other, seq);
        }
    }
    queue_push_logged(cursor->queue, msg, seq, slot, persistent);
}
