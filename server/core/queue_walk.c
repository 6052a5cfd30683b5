/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/queue_walk.h"

#include "server/core/core_private.h"
#include "server/core/select.h"

#include <assert.h>

/* Messages that one walk looks at in one turn. */
enum { WALK_BUDGET = 1000 };

/* --- where it is --------------------------------------------------------- */

/* Goes to the beginning of a lane, or to the end of the round (NULL). */
static void
walk_enter(struct queue_walk *walk, struct lane *lane)
{
    struct delivery *at = NULL;

    if (lane != NULL && lane->held != NULL) {
        if (walk->begin == 0) {
            at = lane->held;
        } else {
            struct delivery *before = lane->held->held_prev; /* the last */

            while (before != NULL && before->seq >= walk->begin) {
                at = before;
                before = before == lane->held ? NULL : before->held_prev;
            }
        }
    }
    walk->lane = lane;
    walk->at = at;
    walk->seq = walk->begin;
}

void
queue_walk_begin(struct queue_walk *walk, struct queue *queue,
                 const struct selector *selector,
                 const struct queue_walk_ops *ops)
{
    walk->ops = ops;
    walk->queue = queue;
    walk->selector = selector;
    walk->begin = 0;
    walk->end = queue->next_seq;
    walk_enter(walk, queue->lanes);
    DL_APPEND(queue->walks, walk);
    queue_mark_dirty(queue);
}

void
queue_walk_end(struct queue_walk *walk)
{
    for (struct lane *lane = walk->queue->lanes; lane != NULL;
         lane = lane->lower) {
        if (lane->fetch_walk == walk) {
            lane->fetch_walk = NULL; /* the page serves nobody */
        }
    }
    DL_DELETE(walk->queue->walks, walk);
}

void
queue_walks_stop(struct queue *queue)
{
    while (queue->walks != NULL) {
        struct queue_walk *walk = queue->walks;

        walk->ops->ended(walk, false);
        assert(queue->walks != walk);
    }
}

void
queue_walk_on_insert(struct queue_walk *walk, struct delivery *delivery)
{
    if (walk->lane == delivery->lane && delivery->seq >= walk->seq &&
        (walk->at == NULL || walk->at->seq > delivery->seq)) {
        walk->at = delivery;
    }
}

void
queue_walk_on_drop(struct queue_walk *walk, const struct delivery *delivery)
{
    if (walk->at == delivery) {
        walk->at = delivery->held_next;
    }
}

/* --- what it sees -------------------------------------------------------- */

static bool
walk_selects(const struct queue_walk *walk, const struct message *msg,
             uint32_t attempts)
{
    return walk->selector == NULL ||
           select_matches(walk->selector, &walk->queue->base, msg, attempts);
}

/* Sees what is resident with a number below limit.  False when it has no room
 * or has used up its budget. */
static bool
walk_held(struct queue_walk *walk, uint64_t limit, size_t *budget)
{
    while (walk->at != NULL && walk->at->seq < limit &&
           walk->at->seq < walk->end) {
        struct delivery *delivery = walk->at;

        if (*budget == 0 || walk->ops->room(walk) == 0) {
            return false;
        }
        (*budget)--;
        walk->seq = delivery->seq + 1;
        walk->at = delivery->held_next;
        if (walk_selects(walk, delivery->msg, delivery->attempts)) {
            walk->ops->held(walk, delivery);
        }
    }
    return true;
}

static void
walk_record(struct queue_walk *walk, const struct store_record *record)
{
    struct message *msg = lane_message_of(walk->lane, record);

    if (walk_selects(walk, msg, 0)) {
        walk->ops->paged(walk, record, msg);
    }
    message_unref(&msg);
}

/* The records of a page, and between them what was read out of its turn.  False
 * when it had to stop. */
static bool
walk_records(struct queue_walk *walk, const struct store_page *page)
{
    size_t budget = SIZE_MAX; /* the page is the limit */

    for (size_t i = 0; i < page->count; i++) {
        const struct store_record *record = &page->records[i];
        bool resident = lane_is_ahead(walk->lane, record->seq);

        if (record->seq >= walk->end) {
            return true;
        }
        if (!walk_held(walk, record->seq + 1, &budget) ||
            (!resident && walk->ops->room(walk) == 0)) {
            return false;
        }
        if (!resident) {
            walk_record(walk, record);
        }
        walk->seq = record->seq + 1;
    }
    return true;
}

void
queue_walk_take_page(struct queue_walk *walk, const struct store_page *page,
                     uint64_t end)
{
    struct lane *lane = walk->lane;
    uint64_t next = page->at_end ? end : page->next_seq;
    bool first = walk->seq <= lane->paged_from;
    bool all = walk_records(walk, page) && page->err == NULL;
    size_t budget = SIZE_MAX;

    if (all && next > walk->end) {
        next = walk->end;
    }
    if (all && walk_held(walk, next, &budget) && next > walk->seq) {
        walk->seq = next;
    }
    /* Where all was removed nobody has to look again. */
    if (walk->ops->removes && walk->selector == NULL && first &&
        walk->seq > lane->paged_from) {
        lane_skip_paged(lane, walk->seq, page->skipped);
    }
    /* The others have their turn to read. */
    DL_DELETE(walk->queue->walks, walk);
    DL_APPEND(walk->queue->walks, walk);
}

/* --- turns --------------------------------------------------------------- */

/* Whether a walk is to ask for its page before the consumers do: those in turn,
 * selecting ones and walks read one after the other. */
static bool
walk_reads_first(const struct queue_walk *walk)
{
    const struct lane *lane = walk->lane;

    if (lane == NULL || lane->fetch != NULL) {
        return false;
    }
    switch (lane->fetch_for) {
    case LANE_READER_WALK:
        return false;
    case LANE_READER_SCAN:
        return true;
    case LANE_READER_TURN:
        break;
    }
    return !lane->walk_read_last || walk->queue->selecting_count == 0;
}

/* Goes on through its lane.  False when it has to wait, or to come again. */
static bool
walk_lane(struct queue_walk *walk, size_t *budget)
{
    struct lane *lane = walk->lane;
    bool paged = lane->paged_count > 0 && lane->paged_from < walk->end;
    uint64_t from;
    size_t room;

    if (!walk_held(walk, paged ? lane->paged_from : walk->end, budget)) {
        return false;
    }
    if (!paged || walk->seq >= walk->end) {
        walk_enter(walk, lane->lower);
        return true;
    }
    from = walk->seq > lane->paged_from ? walk->seq : lane->paged_from;
    room = walk->ops->room(walk);
    if (from >= walk->end) {
        walk_enter(walk, lane->lower);
        return true;
    }
    if (room > 0) {
        lane_read_walk(lane, walk, from,
                       walk->selector == NULL ? room : SIZE_MAX);
    }
    return false;
}

/* True when it could go on at once.  It may be gone. */
static bool
walk_go(struct queue_walk *walk)
{
    size_t budget = WALK_BUDGET;

    if (walk->lane == NULL) {
        if (walk->queue->next_seq == walk->end) {
            return false;
        }
        walk->begin = walk->end;
        walk->end = walk->queue->next_seq;
        walk_enter(walk, walk->queue->lanes);
    }
    while (walk->lane != NULL) {
        if (!walk_lane(walk, &budget)) {
            return budget == 0;
        }
    }
    walk->ops->ended(walk, true);
    return false;
}

bool
queue_walks_turn(struct queue *queue, bool reads_first)
{
    struct queue_walk *walk;
    struct queue_walk *next;
    bool more = false;

    DL_FOREACH_SAFE(queue->walks, walk, next) {
        if (!reads_first || walk_reads_first(walk)) {
            more = walk_go(walk) || more;
        }
    }
    return more;
}
