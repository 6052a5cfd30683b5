/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purging: removes what a queue held when it was asked for and nobody has in
 * flight, in pieces, while everybody goes on.
 */
#include "base/alloc.h"
#include "policy/selector.h"
#include "server/core/core_private.h"
#include "server/core/queue_private.h"
#include "server/core/queue_walk.h"

#include <stdlib.h>

/* While the store has much to write. */
enum { PURGE_WAIT_US = 10000 };

struct queue_purge {
    struct queue_walk walk;
    struct selector *selector; /* owned; NULL: everything */
    struct timer_node wait;
    struct core_purge_result result;
    core_purged_fn *done;
    void *ctx;
};

static struct queue_purge *
purge_of(struct queue_walk *walk)
{
    return container_of(walk, struct queue_purge, walk);
}

static void
purge_on_waited(struct timer_node *node, int64_t now_us)
{
    (void)now_us;
    queue_mark_dirty(container_of(node, struct queue_purge, wait)->walk.queue);
}

/* The store takes deletes faster than it carries them out. */
static size_t
purge_room(struct queue_walk *walk)
{
    struct core *core = walk->queue->base.core;
    struct queue_purge *purge = purge_of(walk);

    if (!store_is_congested(core->store)) {
        return SIZE_MAX;
    }
    timer_wheel_set(core->timers, &purge->wait, core->now_us + PURGE_WAIT_US);
    return 0;
}

static void
purge_on_held(struct queue_walk *walk, struct delivery *delivery)
{
    struct queue_purge *purge = purge_of(walk);
    struct queue *queue = walk->queue;

    switch (delivery->state) {
    case DELIVERY_PENDING: /* a topic's */
    case DELIVERY_IN_FLIGHT:
        purge->result.in_flight++;
        return;
    case DELIVERY_WAITING:
        lane_take(delivery->lane, delivery);
        break;
    case DELIVERY_PARKED:
        queue_parked_take(delivery);
        break;
    case DELIVERY_DELAYED:
        queue_delayed_take(queue, delivery);
        break;
    }
    queue->base.dequeued_count++;
    purge->result.purged++;
    lane_remove(delivery->lane, delivery);
}

static void
purge_on_paged(struct queue_walk *walk, const struct store_record *record,
               struct message *msg)
{
    walk->queue->base.dequeued_count++;
    purge_of(walk)->result.purged++;
    lane_remove_paged(walk->lane, record, msg);
}

static void
purge_on_ended(struct queue_walk *walk, bool whole)
{
    struct queue_purge *purge = purge_of(walk);
    struct core *core = walk->queue->base.core;

    (void)whole;
    queue_walk_end(walk);
    timer_wheel_cancel(core->timers, &purge->wait);
    if (!core->closing) {
        purge->done(purge->ctx, &purge->result);
    }
    selector_free(&purge->selector);
    free(purge);
}

static const struct queue_walk_ops purge_ops = {
    .room = purge_room,
    .held = purge_on_held,
    .paged = purge_on_paged,
    .ended = purge_on_ended,
    .removes = true,
};

bool
core_purge(struct core *core, enum destination_kind kind, struct span name,
           struct selector **selector, core_purged_fn *done, void *ctx)
{
    struct destination *dest = destination_find(core, kind, name);
    struct queue_purge *purge;

    if (dest == NULL) {
        return false;
    }
    purge = xcalloc(1, sizeof(*purge));
    timer_node_init(&purge->wait, purge_on_waited);
    purge->selector = *selector;
    *selector = NULL;
    purge->done = done;
    purge->ctx = ctx;
    queue_walk_begin(&purge->walk, queue_of(dest), purge->selector, &purge_ops);
    return true;
}
