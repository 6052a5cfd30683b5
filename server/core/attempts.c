/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/attempts.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "server/core/core_private.h"

#include <stdlib.h>

#define ATTEMPTS_PREFIX SPAN("attempts/")
enum {
    /* Between the queue's name and the number; destination names have no
     * control bytes. */
    ATTEMPTS_MARK = 0x01,
    ATTEMPTS_DIGITS = 16, /* so that the order of names is that of numbers */
};

struct attempts_entry {
    uint64_t seq;
    uint64_t count; /* 0: the delivery has it, or its record is gone */
};

struct attempts {
    size_t count;
    size_t left;                     /* whose count is not 0 */
    struct attempts_entry entries[]; /* by seq; the room is a power of two */
};

static void
attempts_define(const struct queue *queue, uint64_t seq, struct span value)
{
    static const char digits[] = "0123456789abcdef";
    struct buf name = BUF_INIT;

    buf_append_span(&name, ATTEMPTS_PREFIX);
    buf_append_span(&name, destination_name_get(&queue->base));
    buf_append_char(&name, ATTEMPTS_MARK);
    for (int shift = 4 * (ATTEMPTS_DIGITS - 1); shift >= 0; shift -= 4) {
        buf_append_char(&name, digits[(seq >> shift) & 15]);
    }
    if (name.len <= STORE_DEFINITION_NAME_MAX) {
        store_define(queue->base.core->store, buf_span(&name), value);
    }
    buf_fini(&name);
}

void
attempts_keep(struct delivery *delivery)
{
    const struct lane *lane = delivery->lane;
    char text[20];

    /* The queue of a durable subscription has its cursor.  While the store has
     * failed, what it is to write later must not grow with every refusal. */
    if (lane->cursor != NULL || delivery->slot.batch == 0 ||
        delivery->slot.spilled ||
        delivery->attempts == delivery->attempts_kept ||
        store_failure(lane->queue->base.core->store) != NULL) {
        return;
    }
    if (delivery->attempts == 0) {
        attempts_forget(delivery);
        return;
    }
    delivery->attempts_kept = delivery->attempts;
    attempts_define(lane->queue, delivery->seq,
                    span_of(text, u64_to_text(delivery->attempts, text)));
}

void
attempts_forget(struct delivery *delivery)
{
    if (delivery->attempts_kept > 0) {
        delivery->attempts_kept = 0;
        attempts_define(delivery->lane->queue, delivery->seq, SPAN_NONE);
    }
}

/* --- after a start -------------------------------------------------------- */

/* The count of seq, which is not asked for again; 0 when there is none. */
static uint32_t
attempts_pop(struct attempts *attempts, uint64_t seq)
{
    size_t low = 0;
    size_t high = attempts->count;
    uint64_t count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (attempts->entries[middle].seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == attempts->count || attempts->entries[low].seq != seq) {
        return 0;
    }
    count = attempts->entries[low].count;
    attempts->entries[low].count = 0;
    attempts->left -= count > 0 ? 1 : 0;
    return (uint32_t)count;
}

void
attempts_take(struct attempts *attempts, struct delivery *delivery)
{
    delivery->attempts = attempts_pop(attempts, delivery->seq);
    delivery->attempts_kept = delivery->attempts;
    if (attempts->left == 0) {
        attempts_free(delivery->lane->queue);
    }
}

void
attempts_forget_paged(struct queue *queue, uint64_t seq)
{
    if (queue->attempts != NULL && attempts_pop(queue->attempts, seq) > 0) {
        attempts_define(queue, seq, SPAN_NONE);
    }
}

void
attempts_forget_all(struct queue *queue)
{
    const struct attempts *attempts = queue->attempts;

    for (size_t i = 0; attempts != NULL && i < attempts->count; i++) {
        if (attempts->entries[i].count > 0) {
            attempts_define(queue, attempts->entries[i].seq, SPAN_NONE);
        }
    }
    attempts_free(queue);
}

void
attempts_free(struct queue *queue)
{
    free(queue->attempts);
    queue->attempts = NULL;
}

static void
attempts_add(struct queue *queue, uint64_t seq, uint32_t count)
{
    struct attempts *attempts = queue->attempts;
    size_t used = attempts != NULL ? attempts->count : 0;

    if ((used & (used - 1)) == 0) { /* full, or new */
        size_t room = used > 0 ? used * 2 : 1;

        attempts = xrealloc(attempts, sizeof(*attempts) +
                                          room * sizeof(attempts->entries[0]));
        attempts->count = used;
        attempts->left = used;
        queue->attempts = attempts;
    }
    attempts->entries[attempts->count++] =
        (struct attempts_entry){ .seq = seq, .count = count };
    attempts->left++;
}

static bool
attempts_parse_number(struct span text, uint64_t *seq_out)
{
    uint64_t seq = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
            return false;
        }
        seq = seq * 16 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *seq_out = seq;
    return text.len == ATTEMPTS_DIGITS;
}

/* Whether a record of that number can be there. */
static bool
attempts_is_held(const struct queue *queue, uint64_t seq)
{
    for (const struct lane *lane = queue->lanes; lane != NULL;
         lane = lane->lower) {
        if (lane->paged_count > 0 && seq >= lane->paged_from) {
            return seq < queue->next_seq;
        }
    }
    return false;
}

/* What belongs to no record, as after a repair, is ended. */
static void
attempts_on_found(void *ctx, struct span name, struct span value)
{
    struct core *core = ctx;
    struct span rest = span_after(name, ATTEMPTS_PREFIX.len);
    struct destination *dest = NULL;
    uint64_t seq = 0;
    int64_t count = 0;

    if (rest.len > ATTEMPTS_DIGITS &&
        rest.data[rest.len - ATTEMPTS_DIGITS - 1] == ATTEMPTS_MARK &&
        attempts_parse_number(span_after(rest, rest.len - ATTEMPTS_DIGITS),
                              &seq)) {
        dest = destination_find(
            core, DESTINATION_QUEUE,
            span_of(rest.data, rest.len - ATTEMPTS_DIGITS - 1));
    }
    if (dest != NULL && attempts_is_held(queue_of(dest), seq) &&
        span_to_i64(value, &count) && count > 0 && count <= UINT32_MAX) {
        attempts_add(queue_of(dest), seq, (uint32_t)count);
    } else {
        store_define(core->store, name, SPAN_NONE);
    }
}

void
attempts_restore(struct core *core)
{
    store_definitions(core->store, ATTEMPTS_PREFIX, attempts_on_found, core);
}
