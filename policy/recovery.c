/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscription recovery.  One state serves every policy but retainedMessage: a
 * ring of items, oldest first, that holds at most so many of them, of so many
 * bytes together, for so long.
 */
#include "policy/recovery.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

enum { RECOVERY_FIRST_ITEMS = 8 };

struct recovery_limits {
    size_t count;        /* SIZE_MAX = no limit */
    size_t bytes;        /* SIZE_MAX = no limit */
    int64_t duration_us; /* INT64_MAX = for ever */
};

struct recovery_state {
    recovery_hold_fn *hold;
    recovery_hold_fn *release;
    recovery_accepts_fn *accepts; /* NULL = every message */
    void *query_state;
    struct recovery_limits limits;
    size_t bytes; /* of all items */
    struct recovery_item *items;
    size_t capacity; /* a power of two, 0 before the first item */
    size_t first;
    size_t count;
};

static struct recovery_item *
recovery_at(const struct recovery_state *state, size_t index)
{
    return &state->items[(state->first + index) & (state->capacity - 1)];
}

static void
recovery_resize(struct recovery_state *state, size_t capacity)
{
    struct recovery_item *items = xcalloc(capacity, sizeof(*items));

    for (size_t i = 0; i < state->count; i++) {
        items[i] = *recovery_at(state, i);
    }
    free(state->items);
    state->items = items;
    state->capacity = capacity;
    state->first = 0;
}

static void
recovery_drop_first(struct recovery_state *state)
{
    void *message = recovery_at(state, 0)->message;

    state->bytes -= recovery_at(state, 0)->bytes;
    state->first = (state->first + 1) & (state->capacity - 1);
    state->count--;
    state->release(message);
}

static bool
recovery_is_old(const struct recovery_state *state,
                const struct recovery_item *item, int64_t now_us)
{
    return now_us - item->sent_us > state->limits.duration_us;
}

static struct recovery_state *
recovery_open(const struct recovery_parameters *parameters,
              const struct recovery_limits *limits)
{
    struct recovery_state *state = xcalloc(1, sizeof(*state));

    assert(limits->count > 0);
    assert(parameters->hold != NULL && parameters->release != NULL);
    state->hold = parameters->hold;
    state->release = parameters->release;
    state->limits = *limits;
    return state;
}

static struct recovery_state *
recovery_open_last_image(const struct recovery_parameters *parameters)
{
    return recovery_open(parameters, &(struct recovery_limits){
                                         .count = 1,
                                         .bytes = SIZE_MAX,
                                         .duration_us = INT64_MAX,
                                     });
}

static struct recovery_state *
recovery_open_fixed_count(const struct recovery_parameters *parameters)
{
    return recovery_open(parameters, &(struct recovery_limits){
                                         .count = parameters->count,
                                         .bytes = SIZE_MAX,
                                         .duration_us = INT64_MAX,
                                     });
}

static struct recovery_state *
recovery_open_fixed_sized(const struct recovery_parameters *parameters)
{
    return recovery_open(parameters, &(struct recovery_limits){
                                         .count = SIZE_MAX,
                                         .bytes = parameters->bytes,
                                         .duration_us = INT64_MAX,
                                     });
}

static struct recovery_state *
recovery_open_timed(const struct recovery_parameters *parameters)
{
    return recovery_open(parameters, &(struct recovery_limits){
                                         .count = SIZE_MAX,
                                         .bytes = SIZE_MAX,
                                         .duration_us = parameters->duration_us,
                                     });
}

static struct recovery_state *
recovery_open_query_based(const struct recovery_parameters *parameters)
{
    struct recovery_state *state = recovery_open_fixed_count(parameters);

    state->accepts = parameters->accepts;
    state->query_state = parameters->query_state;
    return state;
}

static void
recovery_close(struct recovery_state **state)
{
    if (*state == NULL) {
        return;
    }
    while ((*state)->count > 0) {
        recovery_drop_first(*state);
    }
    free((*state)->items);
    free(*state);
    *state = NULL;
}

/* Drops what is too old by now_us, and the room that a busier hour left. */
static void
recovery_sweep(struct recovery_state *state, int64_t now_us)
{
    while (state->count > 0 &&
           recovery_is_old(state, recovery_at(state, 0), now_us)) {
        recovery_drop_first(state);
    }
    if (state->count == 0) {
        free(state->items);
        state->items = NULL;
        state->capacity = 0;
        state->first = 0;
    } else if (state->capacity > RECOVERY_FIRST_ITEMS &&
               state->count <= state->capacity / 8) {
        recovery_resize(state, state->capacity / 2);
    }
}

/* Whether the oldest has to go for one more of that size. */
static bool
recovery_is_full(const struct recovery_state *state,
                 const struct recovery_item *item)
{
    return state->count >= state->limits.count ||
           state->bytes + item->bytes > state->limits.bytes ||
           recovery_is_old(state, recovery_at(state, 0), item->sent_us);
}

static void
recovery_make_place(struct recovery_state *state)
{
    size_t first = state->limits.count == 1 ? 1 : (size_t)RECOVERY_FIRST_ITEMS;

    if (state->count == state->capacity) {
        recovery_resize(state,
                        state->capacity > 0 ? state->capacity * 2 : first);
    }
}

static void
recovery_record(struct recovery_state *state, const struct recovery_item *item)
{
    if (state->accepts != NULL &&
        !state->accepts(state->query_state, item->message)) {
        return;
    }
    /* Held first: the one that goes may be the last other holder of it. */
    state->hold(item->message);
    while (state->count > 0 && recovery_is_full(state, item)) {
        recovery_drop_first(state);
    }
    if (item->bytes > state->limits.bytes) {
        state->release(item->message); /* all of them would not do */
        return;
    }
    recovery_make_place(state);
    *recovery_at(state, state->count) = *item;
    recovery_at(state, state->count)->retain = RECOVERY_RETAIN_NO;
    state->count++;
    state->bytes += item->bytes;
}

/* Source of the expiry rule: activemq.md 12. */
static void
recovery_visit_all(struct recovery_state *state, int64_t now_us, int64_t now_ms,
                   recovery_visit_fn *visit, void *ctx)
{
    for (size_t i = 0; i < state->count; i++) {
        const struct recovery_item *item = recovery_at(state, i);
        bool expired = item->expires_ms > 0 && now_ms > item->expires_ms;

        if (!expired && !recovery_is_old(state, item, now_us)) {
            visit(ctx, item);
        }
    }
}

const struct recovery_policy recovery_none = {
    .name = "none",
    .long_name = "noSubscriptionRecoveryPolicy",
    .doc = "nothing is kept",
};

const struct recovery_policy recovery_last_image = {
    .name = "lastImage",
    .long_name = "lastImageSubscriptionRecoveryPolicy",
    .doc = "the last message of the topic",
    .open = recovery_open_last_image,
    .close = recovery_close,
    .record = recovery_record,
    .visit_all = recovery_visit_all,
};

const struct recovery_policy recovery_fixed_count = {
    .name = "fixedCount",
    .long_name = "fixedCountSubscriptionRecoveryPolicy",
    .doc = "the last maximumSize messages of the topic",
    .open = recovery_open_fixed_count,
    .close = recovery_close,
    .record = recovery_record,
    .visit_all = recovery_visit_all,
};

const struct recovery_policy recovery_fixed_sized = {
    .name = "fixedSized",
    .long_name = "fixedSizedSubscriptionRecoveryPolicy",
    .doc = "the last messages of the topic that are maximumSize bytes together",
    .open = recovery_open_fixed_sized,
    .close = recovery_close,
    .record = recovery_record,
    .visit_all = recovery_visit_all,
};

const struct recovery_policy recovery_timed = {
    .name = "timed",
    .long_name = "timedSubscriptionRecoveryPolicy",
    .doc = "the messages of the last recoverDuration",
    .open = recovery_open_timed,
    .close = recovery_close,
    .record = recovery_record,
    .visit_all = recovery_visit_all,
    .sweep = recovery_sweep,
};

const struct recovery_policy recovery_query_based = {
    .name = "queryBased",
    .long_name = "queryBasedSubscriptionRecoveryPolicy",
    .doc = "the last maximumSize messages of the topic that the selector query "
           "matches",
    .open = recovery_open_query_based,
    .close = recovery_close,
    .record = recovery_record,
    .visit_all = recovery_visit_all,
};

const struct recovery_policy *const recovery_policies[] = {
    &recovery_none,        &recovery_last_image,
    &recovery_fixed_count, &recovery_fixed_sized,
    &recovery_timed,       &recovery_query_based,
    &recovery_retained,    NULL,
};
