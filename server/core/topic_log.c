/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/topic_log.h"

#include "base/alloc.h"
#include "server/core/durable.h"
#include "server/core/select.h"
#include "server/core/topic_log_private.h"

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

/* --- the journal ---------------------------------------------------------- */

struct topic_log *
topic_log_get(struct topic *topic)
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
    log->journal = store_queue_open(topic_log_core(log)->store,
                                    DESTINATION_TOPIC, buf_span(&name));
    buf_fini(&name);
    for (struct topic_cursor *cursor = log->cursors; cursor != NULL;
         cursor = cursor->next) {
        cursor->queue->main.journal = log->journal;
    }
}

static struct store_slot *
log_recent(const struct topic_log *log, uint64_t seq)
{
    assert(log->recent_size > 0);
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

bool
topic_log_is_persistent(const struct topic_log *log, const struct message *msg)
{
    const struct core *core = topic_log_core(log);

    return core_survives(core) &&
           destination_is_persistent(&log->topic->base, msg) &&
           store_failure(core->store) == NULL;
}

uint64_t
topic_log_append(struct topic_log *log, struct message *msg, bool persistent,
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
        *slot_out = store_put(topic_log_core(log)->store, log->journal, &record,
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
            store_delete(topic_log_core(log)->store, log->journal, seq, *slot);
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
            store_trim(topic_log_core(log)->store, log->journal, end, &bytes);
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
    struct topic_log *log = topic_log_get(topic);

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
    if (log->journal != NULL && !topic_log_core(log)->closing) {
        store_queue_remove(topic_log_core(log)->store, &log->journal);
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
        if (!topic_cursor_is_idle(cursor)) {
            lowest = place->position < lowest ? place->position : lowest;
        } else if (log->next_seq - place->position >= LOG_IDLE_LAG) {
            cursor_settle(place, place->position, log->next_seq);
            topic_cursor_mark_dirty(cursor);
        }
    }
    return lowest;
}

void
topic_log_trim(struct topic_log *log)
{
    uint64_t lowest = log_lowest(log);

    log->moved = 0;
    log_delete_recent(log, lowest);
    log_delete_older(log, lowest);
    log->needed = lowest;
}

void
topic_log_flush(struct core *core)
{
    while (core->dirty_cursors != NULL) {
        struct topic_cursor *cursor = core->dirty_cursors;

        core->dirty_cursors = cursor->dirty_next;
        topic_cursor_flush(cursor);
    }
}

void
topic_log_sweep(struct topic *topic)
{
    struct topic_log *log = topic->log;

    if (log != NULL && log->older_gone < log->next_seq) {
        topic_log_trim(log);
    }
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
        cursor->wants = !cursor->awaits_past &&
                        !cursor_is_own(cursor, sender) &&
                        topic_cursor_selects(cursor, msg);
        cursor->pages =
            cursor->wants && lane_must_page(&cursor->queue->main, persistent);
        any = any || cursor->wants;
        *page_out = *page_out || cursor->pages;
    }
    return any;
}

/* To those that want it.  A number that a cursor is not to have although its
 * selector would take it is settled, for the time when it reads the journal. */
static void
log_give(struct topic_log *log, struct message *msg, uint64_t seq,
         struct store_slot slot)
{
    struct topic_cursor *cursor;

    DL_FOREACH(log->cursors, cursor) {
        if (cursor->wants) {
            queue_push_logged(cursor->queue, msg, seq, slot, cursor->pages);
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
    struct store_slot slot;
    bool page = false;
    bool persistent;
    uint64_t seq;

    persistent = topic_log_is_persistent(log, msg);
    if (!log_ask(log, msg, sender, persistent, &page)) {
        return false;
    }
    seq = topic_log_append(log, msg, persistent, persistent || page, &slot);
    log_give(log, msg, seq, slot);
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
        if (queue_is_paged(cursor->queue) ||
            quota_reaches(&cursor->queue->base.quota, 100)) {
            return true;
        }
    }
    return false;
}
