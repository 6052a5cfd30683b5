/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursors of a topic's log: their life, and what their queues tell them.
 */
#include "base/alloc.h"
#include "server/core/durable.h"
#include "server/core/select.h"
#include "server/core/topic_log_private.h"

#include <stdlib.h>

/* Nothing waits for it and nothing is on its way. */
bool
topic_cursor_is_idle(const struct topic_cursor *cursor)
{
    return cursor->queue->in_flight_count == 0 &&
           queue_waiting_count(cursor->queue) == 0;
}

void
topic_cursor_mark_dirty(struct topic_cursor *cursor)
{
    struct core *core = topic_log_core(cursor->log);

    if (!cursor->dirty) {
        cursor->dirty = true;
        cursor->dirty_next = core->dirty_cursors;
        core->dirty_cursors = cursor;
    }
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

void
topic_cursor_flush(struct topic_cursor *cursor)
{
    struct topic_log *log = cursor->log;
    struct cursor *place = &cursor->place;

    cursor->dirty = false;
    if (topic_cursor_is_idle(cursor)) {
        cursor_settle(place, place->position, log->next_seq);
    }
    cursor_define(cursor, false);
    /* Looking at all costs as much as there are: so not before as many have
     * moved. */
    if (++log->moved >= log->cursor_count) {
        topic_log_trim(log);
    }
}

/* --- cursors -------------------------------------------------------------- */

void
topic_cursor_pass(struct topic_cursor *cursor, uint64_t seq)
{
    if (cursor->log != NULL && seq >= cursor->place.passed) {
        cursor_pass(&cursor->place, seq);
        topic_cursor_mark_dirty(
            cursor); /* so that a restart knows it was sent */
    }
}

void
topic_cursor_settle(struct topic_cursor *cursor, uint64_t seq)
{
    if (cursor->log != NULL) {
        cursor_settle(&cursor->place, seq, seq + 1);
        topic_cursor_mark_dirty(cursor);
    }
}

void
topic_cursor_return(struct topic_cursor *cursor)
{
    if (cursor->log != NULL) {
        topic_cursor_mark_dirty(cursor);
    }
}

struct destination *
topic_cursor_topic(const struct topic_cursor *cursor)
{
    return &cursor->log->topic->base;
}

bool
topic_cursor_selects(const struct topic_cursor *cursor,
                     const struct message *msg)
{
    const struct selector *selector = cursor->durable->selector;

    return selector == NULL ||
           select_matches(selector, &cursor->queue->base, msg, 0);
}

bool
topic_cursor_takes(const struct topic_cursor *cursor, uint64_t seq,
                   const struct message *msg)
{
    return !cursor_is_settled(&cursor->place, seq) &&
           topic_cursor_selects(cursor, msg);
}

static void
cursor_begin(struct topic_cursor *cursor, struct cursor *place)
{
    struct topic_log *log = cursor->log;

    if (place == NULL) {
        cursor_init(&cursor->place, log->next_seq);
        topic_cursor_mark_dirty(cursor);
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
    cursor->log = topic_log_get(topic);
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
    queue_drop_waiting(gone->queue);
    if (gone->queue->in_flight_count == 0) {
        destination_remove(&dest); /* and gone with it */
    } else {
        destination_orphan_durable(dest);
    }
    topic_log_trim(log);
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

void
topic_cursor_recover(struct topic_cursor *cursor, struct message *msg)
{
    struct topic_log *log = cursor->log;
    struct topic_cursor *other;
    struct store_slot slot;
    bool persistent;
    uint64_t seq;
    bool page;

    if (!topic_cursor_selects(cursor, msg)) {
        return;
    }
    persistent = topic_log_is_persistent(log, msg);
    page = lane_must_page(&cursor->queue->main, persistent);
    seq = topic_log_append(log, msg, persistent, persistent || page, &slot);
    DL_FOREACH(log->cursors, other) {
        if (other != cursor) {
            topic_cursor_settle(other, seq);
        }
    }
    queue_push_logged(cursor->queue, msg, seq, slot, page);
}
