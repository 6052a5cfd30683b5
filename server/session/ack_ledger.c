/* SPDX-License-Identifier: Apache-2.0 */
#include "server/session/ack_ledger.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

enum { LEDGER_FIRST = 16, SENT_FIRST = 16 };

void
ack_ledger_fini(struct ack_ledger *ledger)
{
    free(ledger->slots);
    *ledger = (struct ack_ledger){ .slots = NULL };
}

/* Multiplicative hashing spreads numbers that follow each other evenly. */
static size_t
ledger_place(const struct ack_ledger *ledger, uint64_t id)
{
    uint64_t hash = id * UINT64_C(0x9E3779B97F4A7C15);

    return (size_t)(hash >> 32) & (ledger->capacity - 1);
}

static void
ledger_put(struct ack_ledger *ledger, uint64_t id, struct delivery *delivery)
{
    size_t at = ledger_place(ledger, id);

    while (ledger->slots[at].id != 0) {
        assert(ledger->slots[at].id != id);
        at = (at + 1) & (ledger->capacity - 1);
    }
    ledger->slots[at].id = id;
    ledger->slots[at].delivery = delivery;
}

static void
ledger_grow(struct ack_ledger *ledger)
{
    struct ack_ledger bigger = {
        .capacity = ledger->capacity > 0 ? ledger->capacity * 2 : LEDGER_FIRST,
        .count = ledger->count,
    };

    bigger.slots = xcalloc(bigger.capacity, sizeof(*bigger.slots));
    for (size_t i = 0; i < ledger->capacity; i++) {
        if (ledger->slots[i].id != 0) {
            ledger_put(&bigger, ledger->slots[i].id, ledger->slots[i].delivery);
        }
    }
    free(ledger->slots);
    *ledger = bigger;
}

void
ack_ledger_add(struct ack_ledger *ledger, uint64_t id,
               struct delivery *delivery)
{
    assert(id != 0);
    if (ledger->count * 2 >= ledger->capacity) {
        ledger_grow(ledger);
    }
    ledger_put(ledger, id, delivery);
    ledger->count++;
}

/* Index of id, or capacity when it is not there. */
static size_t
ledger_index(const struct ack_ledger *ledger, uint64_t id)
{
    size_t at;

    if (ledger->capacity == 0 || id == 0) {
        return ledger->capacity;
    }
    at = ledger_place(ledger, id);
    while (ledger->slots[at].id != 0) {
        if (ledger->slots[at].id == id) {
            return at;
        }
        at = (at + 1) & (ledger->capacity - 1);
    }
    return ledger->capacity;
}

struct delivery *
ack_ledger_find(const struct ack_ledger *ledger, uint64_t id)
{
    size_t at = ledger_index(ledger, id);

    return at < ledger->capacity ? ledger->slots[at].delivery : NULL;
}

bool
ack_ledger_remove(struct ack_ledger *ledger, uint64_t id)
{
    size_t mask = ledger->capacity - 1;
    size_t hole = ledger_index(ledger, id);
    size_t at = hole;

    if (hole >= ledger->capacity) {
        return false;
    }
    /* Close the gap: whatever probed past the hole moves into it. */
    for (;;) {
        at = (at + 1) & mask;
        if (ledger->slots[at].id == 0) {
            break;
        }
        if (((at - ledger_place(ledger, ledger->slots[at].id)) & mask) >=
            ((at - hole) & mask)) {
            ledger->slots[hole] = ledger->slots[at];
            hole = at;
        }
    }
    ledger->slots[hole].id = 0;
    ledger->count--;
    if (ledger->count == 0 && ledger->capacity > LEDGER_FIRST * 64) {
        ack_ledger_fini(ledger);
    }
    return true;
}

void
sent_queue_fini(struct sent_queue *queue)
{
    free(queue->items);
    *queue = (struct sent_queue){ .items = NULL };
}

void
sent_queue_push(struct sent_queue *queue, const struct sent *sent)
{
    if (queue->count == queue->capacity) {
        size_t capacity =
            queue->capacity > 0 ? queue->capacity * 2 : (size_t)SENT_FIRST;
        struct sent *items = xmalloc(capacity * sizeof(*items));

        for (size_t i = 0; i < queue->count; i++) {
            items[i] = queue->items[(queue->head + i) & (queue->capacity - 1)];
        }
        free(queue->items);
        queue->items = items;
        queue->capacity = capacity;
        queue->head = 0;
    }
    queue->items[(queue->head + queue->count) & (queue->capacity - 1)] = *sent;
    queue->count++;
}

struct sent
sent_queue_pop_last(struct sent_queue *queue)
{
    assert(queue->count > 0);
    queue->count--;
    return queue->items[(queue->head + queue->count) & (queue->capacity - 1)];
}
