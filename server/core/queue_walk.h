/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going through all that a queue holds, in the order of dispatch: what waits,
 * what is parked, delayed or in flight, and what is in the store alone, which
 * is read page by page and never becomes resident.  A browser goes this way
 * (queue_browse.c), and a purge (queue_purge.c).
 *
 * A walk looks at a bounded number of messages a turn, and its reads take turns
 * with those of the consumers, so that a queue of any length stops nobody and
 * takes no memory.  It sees what has a number below `end` and is there when it
 * comes by.
 */
#pragma once
#include "server/core/queue.h"

#include <stdbool.h>
#include <stddef.h>

struct queue_walk;

struct queue_walk_ops {
    /* How many messages it can take now; 0: none until queue_mark_dirty. */
    size_t (*room)(struct queue_walk *walk);
    /* One that is resident, in any state; it may be removed. */
    void (*held)(struct queue_walk *walk, struct delivery *delivery);
    /* One that is in the store alone; it may be removed.  Both are
     * borrowed. */
    void (*paged)(struct queue_walk *walk, const struct store_record *record,
                  struct message *msg);
    /* It has come to the end: may end the walk and free it, else that goes on
     * with what is newer.  whole false: the queue goes, so it must. */
    void (*ended)(struct queue_walk *walk, bool whole);
    bool removes; /* all that it is shown of the paged part */
};

struct queue_walk {
    struct queue_walk *prev, *next; /* queue.walks */
    const struct queue_walk_ops *ops;
    struct queue *queue;
    const struct selector *selector; /* borrowed; NULL: everything */
    struct lane *lane;               /* where it is; NULL: at the end */
    struct delivery *at;             /* of lane.held: not seen yet */
    uint64_t seq;                    /* all below have been seen, in lane */
    uint64_t begin, end;             /* the numbers of this round */
};

/* Begins; ops->ended comes in a turn to come at the earliest. */
void queue_walk_begin(struct queue_walk *walk, struct queue *queue,
                      const struct selector *selector,
                      const struct queue_walk_ops *ops);

/* Takes the walk off its queue. */
void queue_walk_end(struct queue_walk *walk);

/* At the end of a turn.  reads_first: only those whose turn it is to read.
 * True when some could go on. */
bool queue_walks_turn(struct queue *queue, bool reads_first);

/* The queue goes: ends them all. */
void queue_walks_stop(struct queue *queue);

/* A page that was read for a walk.  end: the queue's next number when the read
 * began. */
void queue_walk_take_page(struct queue_walk *walk,
                          const struct store_page *page, uint64_t end);

/* What a lane tells: a delivery is resident now, or leaves lane.held. */
void queue_walk_on_insert(struct queue_walk *walk, struct delivery *delivery);
void queue_walk_on_drop(struct queue_walk *walk,
                        const struct delivery *delivery);

static inline void
queue_walks_on_insert(struct queue *queue, struct delivery *delivery)
{
    for (struct queue_walk *walk = queue->walks; walk != NULL;
         walk = walk->next) {
        queue_walk_on_insert(walk, delivery);
    }
}

static inline void
queue_walks_on_drop(struct queue *queue, const struct delivery *delivery)
{
    for (struct queue_walk *walk = queue->walks; walk != NULL;
         walk = walk->next) {
        queue_walk_on_drop(walk, delivery);
    }
}
