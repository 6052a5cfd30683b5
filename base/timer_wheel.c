/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timer_wheel.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

/* 4096 slots of 4096 us: one turn is 16.8 s, longer than most heart-beats, so
 * most nodes are visited once. */
enum {
    WHEEL_TICK_SHIFT = 12,
    WHEEL_SLOTS = 4096,
    WHEEL_WORDS = WHEEL_SLOTS / 64,
};

/* Slots are rings around a head of their own; used has a bit for each slot
 * that may hold a node. */
struct timer_wheel {
    uint64_t tick; /* all slots up to it have been looked at */
    size_t count;
    uint64_t used[WHEEL_WORDS];
    struct timer_node slots[WHEEL_SLOTS];
};

static void
ring_init(struct timer_node *head)
{
    head->prev = head;
    head->next = head;
}

static bool
ring_is_empty(const struct timer_node *head)
{
    return head->next == head;
}

static void
ring_append(struct timer_node *head, struct timer_node *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static void
ring_remove(struct timer_node *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = NULL;
    node->next = NULL;
}

struct timer_wheel *
timer_wheel_new(int64_t now_us)
{
    struct timer_wheel *wheel = xcalloc(1, sizeof(*wheel));

    wheel->tick = (uint64_t)now_us >> WHEEL_TICK_SHIFT;
    for (size_t i = 0; i < WHEEL_SLOTS; i++) {
        ring_init(&wheel->slots[i]);
    }
    return wheel;
}

void
timer_wheel_free(struct timer_wheel **wheel)
{
    if (*wheel != NULL) {
        assert((*wheel)->count == 0);
        free(*wheel);
        *wheel = NULL;
    }
}

void
timer_wheel_set(struct timer_wheel *wheel, struct timer_node *node,
                int64_t due_us)
{
    uint64_t tick;
    size_t slot;

    timer_wheel_cancel(wheel, node);
    if (due_us == INT64_MAX) {
        return;
    }
    /* Rounded up: the slot is looked at when the time has passed. */
    tick = due_us < 0 ? 0 : ((uint64_t)due_us >> WHEEL_TICK_SHIFT) + 1;
    if (tick <= wheel->tick) {
        tick = wheel->tick + 1;
    }
    slot = (size_t)(tick % WHEEL_SLOTS);
    node->due_us = due_us;
    ring_append(&wheel->slots[slot], node);
    wheel->used[slot / 64] |= UINT64_C(1) << (slot % 64);
    wheel->count++;
}

void
timer_wheel_cancel(struct timer_wheel *wheel, struct timer_node *node)
{
    if (timer_node_is_set(node)) {
        ring_remove(node);
        wheel->count--;
    }
}

/* Moves the nodes of one slot that are due to *due; the rest has turns to
 * go. */
static void
wheel_collect(struct timer_wheel *wheel, size_t slot, int64_t now_us,
              struct timer_node *due)
{
    struct timer_node *head = &wheel->slots[slot];
    struct timer_node *next;

    for (struct timer_node *node = head->next; node != head; node = next) {
        next = node->next;
        if (node->due_us <= now_us) {
            ring_remove(node);
            ring_append(due, node);
        }
    }
    if (ring_is_empty(head)) {
        wheel->used[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
    }
}

void
timer_wheel_advance(struct timer_wheel *wheel, int64_t now_us)
{
    uint64_t now = (uint64_t)now_us >> WHEEL_TICK_SHIFT;
    uint64_t count = now > wheel->tick ? now - wheel->tick : 0;
    struct timer_node due;

    ring_init(&due);
    if (count > WHEEL_SLOTS) {
        count = WHEEL_SLOTS;
    }
    for (uint64_t i = 0; i < count; i++) {
        size_t slot = (size_t)((now - i) % WHEEL_SLOTS);

        if ((wheel->used[slot / 64] >> (slot % 64) & 1) != 0) {
            wheel_collect(wheel, slot, now_us, &due);
        }
    }
    if (now > wheel->tick) {
        wheel->tick = now;
    }
    /* One by one: what fires may cancel what is still on the ring. */
    while (!ring_is_empty(&due)) {
        struct timer_node *node = due.next;

        timer_wheel_cancel(wheel, node);
        node->fire(node, now_us);
    }
}

size_t
timer_wheel_count(const struct timer_wheel *wheel)
{
    return wheel->count;
}

int64_t
timer_wheel_next_us(const struct timer_wheel *wheel)
{
    uint64_t tick = wheel->tick + 1;

    if (wheel->count == 0) {
        return INT64_MAX;
    }
    for (size_t left = WHEEL_SLOTS; left > 0;) {
        size_t slot = (size_t)(tick % WHEEL_SLOTS);
        uint64_t word = wheel->used[slot / 64] >> (slot % 64);
        size_t step = 64 - slot % 64;

        if (word != 0) {
            tick += (uint64_t)__builtin_ctzll(word);
            break;
        }
        tick += step;
        left = left > step ? left - step : 0;
    }
    return (int64_t)(tick << WHEEL_TICK_SHIFT);
}
