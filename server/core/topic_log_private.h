/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What topic_log.c, the journal, and topic_cursor.c, those who read it, share.
 */
#pragma once
#include "server/core/core_private.h"
#include "server/core/topic_log.h"

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
    struct store_slot *recent; /* by seq modulo recent_size */
    uint64_t recent_size;
    uint64_t recent_from; /* of this number on */
};

static inline struct core *
topic_log_core(const struct topic_log *log)
{
    return log->topic->base.core;
}

/* The topic's log, made at first use. */
struct topic_log *topic_log_get(struct topic *topic);

/* Whether msg is to be there after a restart. */
bool topic_log_is_persistent(const struct topic_log *log,
                             const struct message *msg);

/* The number of a message, and its record when it is to have one (stored). */
uint64_t topic_log_append(struct topic_log *log, struct message *msg,
                          bool persistent, bool stored,
                          struct store_slot *slot_out);

/* Looks at all cursors and lets go of what none of them needs. */
void topic_log_trim(struct topic_log *log);

/* Nothing waits for it and nothing is on its way. */
bool topic_cursor_is_idle(const struct topic_cursor *cursor);

/* Whether its selector, if it has one, takes the message. */
bool topic_cursor_selects(const struct topic_cursor *cursor,
                          const struct message *msg);

/* Its definition has to be written again. */
void topic_cursor_mark_dirty(struct topic_cursor *cursor);

/* Writes it. */
void topic_cursor_flush(struct topic_cursor *cursor);
