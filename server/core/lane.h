/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waiting messages of a queue, in the order of their numbers.  A queue has
 * one lane; one with `prioritizedMessages` has a lane for each priority in use.
 *
 * The head of a lane is resident; when it grows past its window, what comes
 * later lives in the store alone, at no memory per message, and is read back in
 * pages ahead of the consumers.
 *
 *     waiting (resident, by seq)  |  paged: every record from paged_from on
 */
#pragma once
#include "server/core/delivery.h"
#include "storage/store.h"

#include <stdbool.h>
#include <stdint.h>

struct core;
struct lane_ahead;
struct lane_scan;
struct queue;
struct queue_walk;

/* Whom a page is read for. */
enum lane_reader {
    LANE_READER_TURN, /* all: it is the next one */
    LANE_READER_SCAN, /* one selecting consumer */
    LANE_READER_WALK, /* a browser, or a purge */
};

struct lane {
    struct lane *lower; /* the queue's next lower priority */
    struct queue *queue;
    uint8_t priority;          /* 0-9; of the only lane: any */
    bool prioritized;          /* its journal has a name of its own */
    struct delivery *held;     /* DL list by seq: all that is resident, those
                                  in flight among them */
    struct delivery *inserted; /* of held: the last that was put in between
                                  others; NULL once it has left */
    struct delivery *waiting;  /* DL list by seq; all below paged_from */
    struct delivery *returned; /* of waiting: where lane_return looks
                                  first; NULL once it has left */
    uint64_t waiting_count;
    size_t waiting_bytes;        /* of memory, as the quota counts */
    uint64_t parked_count;       /* taken, kept for a group's owner */
    struct topic_cursor *cursor; /* its records are those of a topic's log that
                                    this durable subscription is to get; NULL:
                                    all of the journal are the lane's own */
    struct store_queue *journal; /* NULL until something is stored */
    uint64_t paged_from;
    uint64_t paged_count;
    uint64_t paged_since_fetch; /* of paged_count, put after the fetch began */
    struct store_fetch *fetch;  /* one at a time */
    enum lane_reader fetch_for; /* whom it is, or the last one was for */
    bool walk_read_last;        /* of scans and walks: a walk */
    struct lane_scan *fetch_scan; /* its scan or walk; NULL: gone meanwhile */
    struct queue_walk *fetch_walk;
    uint64_t fetch_end;           /* queue.next_seq when it began */
    struct lane_scan *scans;      /* DL list: of selecting consumers */
    struct lane_ahead *ahead;     /* what was read out of its turn, or NULL */
    struct lane *unreadable_next; /* core.unreadable */
    bool unreadable;              /* the last read failed: again later */
    struct lane *turn_prev, *turn_next; /* core.turns */
    bool awaits_turn;                   /* too many others are read now */
    bool read_failed;                   /* the log has said so */
};

void lane_init(struct lane *lane, struct queue *queue, uint8_t priority,
               bool prioritized);

/* Drops what waits; a temporary queue's journal is removed. */
void lane_fini(struct lane *lane);

/* A journal that was found at start. */
void lane_adopt(struct lane *lane, struct store_queue *journal,
                const struct store_queue_info *info);

/* Whether a journal's name is that of a priority's lane; *name becomes the
 * queue's and *priority_out the lane's. */
bool lane_parse_journal_name(struct span *name, uint8_t *priority_out);

/* Adds a message with the number seq at the end (takes its own reference).
 * stored: it is to survive a restart. */
void lane_push(struct lane *lane, struct message *msg, uint64_t seq,
               bool stored);

/* Whether the message that comes now is to live in the store alone; stored: it
 * is there in any case. */
bool lane_must_page(const struct lane *lane, bool stored);

/* lane_push of a message that has been put into the journal already (slot), or
 * is not there (STORE_SLOT_NONE).  page: as lane_must_page said. */
void lane_add(struct lane *lane, struct message *msg, uint64_t seq,
              struct store_slot slot, bool page);

/* What is in the store alone is forgotten here, not deleted there. */
void lane_forget_paged(struct lane *lane);

/* Makes a journal, when there is none, that a restart finds though nothing is
 * in it.  True when the number seq has been used for it. */
bool lane_keep(struct lane *lane, uint64_t seq);

/* Takes a waiting delivery out of the list, to be handed out or dropped. */
void lane_take(struct lane *lane, struct delivery *delivery);

/* Puts one back at its place. */
void lane_return(struct lane *lane, struct delivery *delivery);

/* The delivery, on no list but lane.held, is done: removes its record and frees
 * it. */
void lane_remove(struct lane *lane, struct delivery *delivery);

/* The same, but its record stays. */
void lane_drop(struct lane *lane, struct delivery *delivery);

/* Reads the next page when little is resident. */
void lane_page_in(struct lane *lane);

/* The lane that has waited longest may look whether it wants to be read still.
 * For when nothing is read: who had the turn did not want it. */
void lane_pass_turn(struct core *core);

/* The first message for consumers without selector; NULL when there is none, or
 * when it has to be read first. */
struct delivery *lane_head(const struct lane *lane);

/* --- lane_log.c ----------------------------------------------------------- */

/* Says in the log that pages cannot be read, and when they can be again. */
void lane_log_page(struct lane *lane, const struct store_page *page);

/* --- for lane_page.c ------------------------------------------------------ */

/* Adds what becomes resident: at its place by seq, the scans are told of it
 * with lane_append.  msg is taken over. */
struct delivery *lane_insert(struct lane *lane, struct message *msg,
                             uint64_t seq, struct store_slot slot);
struct delivery *lane_append(struct lane *lane, struct message *msg,
                             uint64_t seq, struct store_slot slot);

/* Nothing is paged any more. */
void lane_forget_ahead(struct lane *lane);

/* --- for lane_scan.c and queue_walk.c ------------------------------------ */

/* Reads a page of the paged part for one selecting consumer, or for a walk, at
 * most max messages; later when another read is under way. */
void lane_read_ahead(struct lane *lane, struct lane_scan *scan);
void lane_read_walk(struct lane *lane, struct queue_walk *walk,
                    uint64_t from_seq, size_t max);

/* A paged record is removed where it is. */
void lane_remove_paged(struct lane *lane, const struct store_record *record,
                       const struct message *msg);

/* All that was paged below seq has been removed, but for skipped records, which
 * could not be read. */
void lane_skip_paged(struct lane *lane, uint64_t seq, size_t skipped);

/* Ends the read that is under way, if there is one. */
void lane_fetch_cancel(struct lane *lane);

/* Whether a paged number has been read out of its turn. */
bool lane_is_ahead(const struct lane *lane, uint64_t seq);

/* Makes a paged record resident out of its turn; msg is taken over. */
struct delivery *lane_take_ahead(struct lane *lane,
                                 const struct store_record *record,
                                 struct message *msg);

/* The message of a record; one reference. */
struct message *lane_message_of(struct lane *lane,
                                const struct store_record *record);

/* Messages that wait, resident or not. */
static inline uint64_t
lane_count(const struct lane *lane)
{
    return lane->waiting_count + lane->paged_count;
}
