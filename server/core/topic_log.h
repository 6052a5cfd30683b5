/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A topic's journal for its durable subscriptions.  A message is put there
 * once, however many subscriptions are to get it, and stays until the last of
 * them has settled it.  Each subscription has a cursor (cursor.h), kept as a
 * definition of the store beside the journal, and a queue of its own that
 * feeds its consumer: with the paging, returning, redelivering and dead
 * letters that queues have.  What waits for a subscription that nobody uses is
 * in the store alone, at no memory per message.
 *
 *     journal   | settled by all: gone |  ... records ...      | next_seq
 *     cursor A                           ^ position   [ranges]
 *     cursor B                                      ^ position
 *
 * Non-persistent messages are given to the queues too, but reach the journal
 * only when memory is short; a restart loses them.
 * Source: design.md section 9; activemq.md 11.4 "Durable".
 */
#pragma once
#include "server/core/cursor.h"
#include "storage/store.h"

#include <stdbool.h>
#include <stdint.h>

struct client;
struct core;
struct destination;
struct durable;
struct message;
struct queue;
struct topic;
struct topic_log; /* opaque: defined in topic_log.c */

/* One durable subscription's place in one topic. */
struct topic_cursor {
    struct topic_cursor *prev, *next;                 /* the log's */
    struct topic_cursor *durable_prev, *durable_next; /* the durable's */
    struct topic_cursor *dirty_next;                  /* core.dirty_cursors */
    bool dirty; /* its definition is not what place says */
    bool wants; /* the message that is being published */
    bool pages; /* and has no room for it in memory */
    bool awaits_past;
    uint64_t past_place;        /* as of struct attachment */
    uint64_t redelivered_below; /* handed out before the last restart */
    struct topic_log *log;
    struct durable *durable;
    struct queue *queue;
    struct cursor place;
};

/* Gives the message to every durable subscription that wants it.  True when it
 * has been put into the store for one that survives. */
bool topic_log_publish(struct topic *topic, struct message *msg,
                       const struct client *sender);

/* Whether the next message, persistent or not, has to go to the store: behind
 * others, or as a subscription has reached its memoryLimit. */
bool topic_log_is_paged(const struct topic *topic);

/* The first cursor of the topic, by `next`; NULL when there is none. */
struct topic_cursor *topic_log_cursors(const struct topic *topic);

/* Whether any durable subscription is there. */
bool topic_log_is_used(const struct topic *topic);

/* The journals of logs have names of their own: cuts what makes them so off
 * *name and returns true when it is one. */
bool topic_log_parse_journal_name(struct span *name);

/* A journal that was found at start. */
void topic_log_adopt(struct core *core, struct span name,
                     struct store_queue *journal,
                     const struct store_queue_info *info);

/* Frees the log of a topic that goes; its cursors are gone, or (at the end of
 * the process) go with their queues. */
void topic_log_close(struct topic *topic);

/* --- cursors -------------------------------------------------------------- */

/* Makes the subscription's place in the topic and its queue; place: where it
 * was before a restart (taken over), NULL for one that begins at the end. */
struct topic_cursor *topic_cursor_open(struct durable *durable,
                                       struct topic *topic,
                                       struct cursor *place);

/* Ends it for good: nobody may be attached to its queue any more.  What is in
 * flight stays with the queue until it is settled. */
void topic_cursor_remove(struct topic_cursor **cursor);

/* The process ends: only memory is given back.  Called by its queue. */
void topic_cursor_free(struct topic_cursor *cursor);

/* The topic that it reads, where its records are counted. */
struct destination *topic_cursor_topic(const struct topic_cursor *cursor);

/* A message of its lane is handed out or taken out at the head. */
void topic_cursor_pass(struct topic_cursor *cursor, uint64_t seq);
/* … is acknowledged, moved, or dropped. */
void topic_cursor_settle(struct topic_cursor *cursor, uint64_t seq);
/* … is back un-acked: after a restart it is to be known as redelivered. */
void topic_cursor_return(struct topic_cursor *cursor);
/* Whether a record that was read is for this subscription; msg is made of it.
 */
bool topic_cursor_takes(const struct topic_cursor *cursor, uint64_t seq,
                        const struct message *msg);

/* Gives it one message of the topic's past, which others do not get. */
void topic_cursor_recover(struct topic_cursor *cursor, struct message *msg);

/* Writes the definitions of the cursors that have moved, and lets the journals
 * go of what nobody needs any more: before every ticket and every flush, so
 * that acknowledgements are in the batch that they are waited for with. */
void topic_log_flush(struct core *core);

/* Once a second: what no flush came to. */
void topic_log_sweep(struct topic *topic);

/* Restores one cursor from its definition `cursor/TOPIC NUL CLIENT NUL NAME`,
 * whose prefix has been cut off. */
void topic_cursor_restore(struct core *core, struct span name,
                          struct span value);
