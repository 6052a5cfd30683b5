/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that were refused and are to be tried again after a while.  They
 * keep their number, so they stand at their old place when the time has come.
 */
#include "base/alloc.h"
#include "server/core/attempts.h"
#include "server/core/core_private.h"
#include "server/core/queue_private.h"

#include <stdlib.h>

struct queue_delayed {
    struct queue_delayed *prev, *next;
    struct timer_node timer;
    struct delivery *delivery;
};

static void
queue_delayed_drop(struct queue *queue, struct queue_delayed *delayed)
{
    DL_DELETE(queue->delayed, delayed);
    queue->delayed_count--;
    delayed->delivery->delayed = NULL;
    free(delayed);
}

static void
queue_on_delay_over(struct timer_node *node, int64_t now_us)
{
    struct queue_delayed *delayed =
        container_of(node, struct queue_delayed, timer);
    struct delivery *delivery = delayed->delivery;
    struct queue *queue = delivery->lane->queue;

    (void)now_us;
    queue_delayed_drop(queue, delayed);
    lane_return(delivery->lane, delivery);
    queue_group_on_return(queue, delivery);
    queue_mark_dirty(queue);
}

void
queue_return_later(struct queue *queue, struct delivery *delivery,
                   int64_t delay_us)
{
    struct core *core = queue->base.core;
    struct queue_delayed *delayed = xcalloc(1, sizeof(*delayed));

    queue->in_flight_count--;
    attempts_keep(delivery);
    delivery->state = DELIVERY_DELAYED;
    delivery->id = 0;
    delivery->delayed = delayed;
    delayed->delivery = delivery;
    timer_node_init(&delayed->timer, queue_on_delay_over);
    DL_APPEND(queue->delayed, delayed);
    queue->delayed_count++;
    timer_wheel_set(core->timers, &delayed->timer, core->now_us + delay_us);
}

void
queue_delayed_take(struct queue *queue, struct delivery *delivery)
{
    timer_wheel_cancel(queue->base.core->timers, &delivery->delayed->timer);
    queue_delayed_drop(queue, delivery->delayed);
}

void
queue_delayed_free(struct queue *queue)
{
    while (queue->delayed != NULL) {
        struct delivery *delivery = queue->delayed->delivery;

        queue_delayed_take(queue, delivery);
        lane_drop(delivery->lane, delivery);
    }
}
