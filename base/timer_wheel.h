/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hashed timer wheel: O(1) to set and to cancel, nodes embedded in their
 * owners, nothing allocated per timer.  It asks no clock: it is given the
 * time.  A timer never fires early and at most one tick (4.1 ms) late.
 * Ten thousand heart-beats wake the loop at most once per tick.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer_wheel; /* opaque: defined in timer_wheel.c */
struct timer_node;

typedef void timer_fire_fn(struct timer_node *node, int64_t now_us);

struct timer_node {
    struct timer_node *prev, *next; /* both NULL while not set */
    int64_t due_us;
    timer_fire_fn *fire;
};

/* Prepares a node; it is not set. */
static inline void
timer_node_init(struct timer_node *node, timer_fire_fn *fire)
{
    *node = (struct timer_node){ .fire = fire };
}

static inline bool
timer_node_is_set(const struct timer_node *node)
{
    return node->next != NULL;
}

struct timer_wheel *timer_wheel_new(int64_t now_us);
/* Frees *wheel and sets it to NULL; no node may be set. */
void timer_wheel_free(struct timer_wheel **wheel);

/* Sets the node to fire at due_us, whether or not it was set before.  A time
 * that has passed fires at the next tick; INT64_MAX cancels. */
void timer_wheel_set(struct timer_wheel *wheel, struct timer_node *node,
                     int64_t due_us);

/* Nothing happens when the node is not set. */
void timer_wheel_cancel(struct timer_wheel *wheel, struct timer_node *node);

/*
 * Fires all nodes that are due.  A node is no longer set when it fires; it may
 * set or cancel any node, itself included, and free itself.
 */
void timer_wheel_advance(struct timer_wheel *wheel, int64_t now_us);

/* How many nodes are set. */
size_t timer_wheel_count(const struct timer_wheel *wheel);

/* When timer_wheel_advance has something to look at; INT64_MAX when no node is
 * set.  May be earlier than the first due time, by whole turns of the wheel. */
int64_t timer_wheel_next_us(const struct timer_wheel *wheel);
