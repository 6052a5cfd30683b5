/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recovery policy retainedMessage: the message that was last sent to be
 * retained, and what another policy keeps beside it.  Source: activemq.md 4.2.
 */
#include "policy/recovery.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

/* Of this file; that of the wrapped policy is another and only passed on. */
struct recovery_state {
    recovery_hold_fn *hold;
    recovery_hold_fn *release;
    struct recovery_item retained; /* message NULL = none */
    const struct recovery_policy *policy;
    struct recovery_state *wrapped; /* NULL when the policy keeps nothing */
};

struct recovery_retained_visit {
    const struct recovery_state *state;
    recovery_visit_fn *visit;
    void *ctx;
};

static struct recovery_state *
recovery_retained_open(const struct recovery_parameters *parameters)
{
    struct recovery_state *state = xcalloc(1, sizeof(*state));

    assert(parameters->hold != NULL && parameters->release != NULL);
    assert(parameters->wrapped != &recovery_retained);
    state->hold = parameters->hold;
    state->release = parameters->release;
    state->policy = parameters->wrapped;
    if (state->policy->open != NULL) {
        state->wrapped = state->policy->open(parameters);
    }
    return state;
}

static void
recovery_retained_clear(struct recovery_state *state)
{
    void *message = state->retained.message;

    state->retained.message = NULL;
    if (message != NULL) {
        state->release(message);
    }
}

static void
recovery_retained_close(struct recovery_state **state)
{
    if (*state == NULL) {
        return;
    }
    recovery_retained_clear(*state);
    if ((*state)->wrapped != NULL) {
        (*state)->policy->close(&(*state)->wrapped);
    }
    free(*state);
    *state = NULL;
}

static void
recovery_retained_record(struct recovery_state *state,
                         const struct recovery_item *item)
{
    if (item->retain == RECOVERY_RETAIN_KEEP) {
        state->hold(item->message);
        recovery_retained_clear(state);
        state->retained = *item;
    } else if (item->retain == RECOVERY_RETAIN_CLEAR) {
        recovery_retained_clear(state);
    }
    if (state->wrapped != NULL) {
        state->policy->record(state->wrapped, item);
    }
}

/* The retained message has been visited already, even when it is the last
 * image too. */
static void
recovery_retained_on_wrapped(void *ctx, const struct recovery_item *item)
{
    const struct recovery_retained_visit *visit = ctx;

    if (item->message != visit->state->retained.message) {
        visit->visit(visit->ctx, item);
    }
}

static void
recovery_retained_visit_all(struct recovery_state *state, int64_t now_us,
                            int64_t now_ms, recovery_visit_fn *visit, void *ctx)
{
    const struct recovery_item *item = &state->retained;
    struct recovery_retained_visit wrapped = {
        .state = state,
        .visit = visit,
        .ctx = ctx,
    };

    if (item->message != NULL &&
        (item->expires_ms == 0 || now_ms <= item->expires_ms)) {
        visit(ctx, item);
    }
    if (state->wrapped != NULL) {
        state->policy->visit_all(state->wrapped, now_us, now_ms,
                                 recovery_retained_on_wrapped, &wrapped);
    }
}

static void
recovery_retained_sweep(struct recovery_state *state, int64_t now_us)
{
    if (state->wrapped != NULL && state->policy->sweep != NULL) {
        state->policy->sweep(state->wrapped, now_us);
    }
}

const struct recovery_policy recovery_retained = {
    .name = "retainedMessage",
    .long_name = "retainedMessageSubscriptionRecoveryPolicy",
    .doc = "the last message with the header ActiveMQ.Retain:true, until an "
           "empty one with it comes, then what the policy wrapped keeps",
    .open = recovery_retained_open,
    .close = recovery_retained_close,
    .record = recovery_retained_record,
    .visit_all = recovery_retained_visit_all,
    .sweep = recovery_retained_sweep,
};
