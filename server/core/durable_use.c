/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Using a durable subscription: who may, who loses it, and its end.
 */
#include "server/core/durable_private.h"

#include "server/core/core_private.h"
#include "server/core/topic_log.h"

#include <assert.h>

void
durable_activate(struct durable *durable, struct subscription *sub)
{
    struct topic_cursor *cursor;

    assert(durable->active == NULL);
    durable->active = sub;
    durable->left_ms = 0;
    sub->durable = durable;
    DL_FOREACH2(durable->cursors, cursor, durable_next)
    {
        destination_attach(&cursor->queue->base, sub);
    }
}

void
durable_deactivate(struct durable *durable)
{
    durable->active->durable = NULL;
    durable->active = NULL;
    durable->left_ms = durable->core->now_ms;
    if (!durable->core->closing) {
        durable_define(durable, false);
    }
}

static bool
durable_is_as_claimed(const struct durable *durable,
                      const struct durable_claim *claim)
{
    const struct durable_target *target = durable->targets;
    struct span selector =
        span_of(durable->selector_text, durable->selector_len);

    for (size_t i = 0; i < claim->target_count; i++) {
        if (target == NULL || target->wildcard != claim->targets[i].wildcard ||
            !span_equal(durable_target_name(target), claim->targets[i].name)) {
            return false;
        }
        target = target->next;
    }
    return target == NULL && durable->no_local == claim->no_local &&
           span_equal(selector, claim->selector);
}

static void
durable_remove(struct durable *durable)
{
    while (durable->cursors != NULL) {
        struct topic_cursor *cursor = durable->cursors;

        topic_cursor_remove(&cursor);
    }
    durable_define(durable, true);
    durable_free(durable);
}

static struct durable *
durable_make(struct core *core, const struct durable_claim *claim)
{
    struct durable *durable = durable_new(core, claim->client_id, claim->name);

    for (size_t i = 0; i < claim->target_count; i++) {
        durable_target_add(durable, claim->targets[i].wildcard,
                           claim->targets[i].name);
    }
    durable_set_selector(durable, claim->selector);
    durable->no_local = claim->no_local;
    durable->created_ms = core->now_ms;
    durable_define(durable, false);
    durable_cover(durable, claim->retroactive);
    return durable;
}

/* The one who uses it loses it, or the claim is refused. */
static enum durable_claimed
durable_take_over(struct durable *durable, struct client *client,
                  enum durable_take_over policy, struct error *err)
{
    struct subscription *old = durable->active;
    struct error reason = ERROR_INIT;
    char name[128];

    (void)span_escape(durable_name(durable), name, sizeof(name));
    if (old->client == client) {
        (void)error_set(err,
                        "this connection has a subscription to durable "
                        "subscription \"%s\" already: UNSUBSCRIBE that first",
                        name);
        return DURABLE_IN_USE;
    }
    if (policy != DURABLE_NEW_WINS) {
        (void)error_set(err,
                        "durable subscription \"%s\" is used by connection %s "
                        "from %s: disconnect that first",
                        name, old->client->name, old->client->peer);
        return DURABLE_IN_USE;
    }
    (void)error_set(&reason,
                    "durable subscription \"%s\" has been taken over by "
                    "connection %s from %s, which has the same client-id",
                    name, client->name, client->peer);
    old->client->ops->ended(old->client->ctx, old, "taken over", reason.text,
                            true);
    assert(durable->active == NULL);
    return DURABLE_CLAIMED;
}

static enum durable_claimed __attribute__((cold))
durable_refuse_change(const struct durable *durable,
                      const struct durable_claim *claim, struct error *err)
{
    const char *what = "destination";
    char name[128];

    (void)span_escape(durable_name(durable), name, sizeof(name));
    if (!span_equal(span_of(durable->selector_text, durable->selector_len),
                    claim->selector)) {
        what = "selector";
    } else if (durable->no_local != claim->no_local) {
        what = "no-local";
    }
    (void)error_set(err,
                    "durable subscription \"%s\" exists with another %s: "
                    "remove it first (UNSUBSCRIBE with its name, or stompctl "
                    "durable remove), or set durable.onChange to replace",
                    name, what);
    return DURABLE_CHANGED;
}

/* One that is there already. */
static enum durable_claimed
durable_reclaim(struct durable **durable, struct client *client,
                const struct durable_claim *claim, struct error *err)
{
    bool same = durable_is_as_claimed(*durable, claim);

    if (!same && !claim->replace) {
        return durable_refuse_change(*durable, claim, err);
    }
    if ((*durable)->active != NULL) {
        enum durable_claimed claimed =
            durable_take_over(*durable, client, claim->take_over, err);

        if (claimed != DURABLE_CLAIMED) {
            return claimed;
        }
    }
    if (!same) {
        durable_remove(*durable);
        *durable = NULL;
    }
    return DURABLE_CLAIMED;
}

enum durable_claimed
core_durable_claim(struct core *core, struct client *client,
                   const struct durable_claim *claim,
                   struct durable **durable_out, struct error *err)
{
    const struct error *failure = store_failure(core->store);
    struct durable *durable =
        durable_find_by_name(core, claim->client_id, claim->name);
    struct selector *selector = NULL;

    *durable_out = NULL;
    if (claim->selector.len > 0 &&
        selector_parse(claim->selector, &selector, err) != 0) {
        return DURABLE_BAD_SELECTOR;
    }
    selector_free(&selector);
    if (durable != NULL) {
        enum durable_claimed claimed =
            durable_reclaim(&durable, client, claim, err);

        if (claimed != DURABLE_CLAIMED) {
            return claimed;
        }
    }
    if (durable == NULL) {
        if (failure != NULL) {
            (void)error_set(err, "%s", failure->text);
            return DURABLE_STORE_FAILED;
        }
        durable = durable_make(core, claim);
    }
    *durable_out = durable;
    return DURABLE_CLAIMED;
}

enum durable_removed
core_durable_remove(struct core *core, struct span client_id, struct span name)
{
    struct durable *durable = durable_find_by_name(core, client_id, name);

    if (durable == NULL) {
        return DURABLE_UNKNOWN;
    }
    if (durable->active != NULL) {
        return DURABLE_IS_IN_USE;
    }
    durable_remove(durable);
    return DURABLE_REMOVED;
}

bool
core_subscription_is_of(const struct subscription *sub, struct span client_id,
                        struct span name)
{
    const struct durable *durable = sub->durable;

    return durable != NULL &&
           span_equal(durable_client_id(durable), client_id) &&
           span_equal(durable_name(durable), name);
}

void
durables_sweep(struct core *core)
{
    int64_t timeout_us = core->options.durable_timeout_us;
    struct durable *durable;
    struct durable *next;

    if (timeout_us < 0 || store_failure(core->store) != NULL) {
        return;
    }
    HASH_ITER(hh, core->durables, durable, next) {
        if (durable->active == NULL &&
            core->now_ms - durable->left_ms >= timeout_us / 1000) {
            durable_remove(durable);
        }
    }
}

/* --- from outside --------------------------------------------------------- */

const struct client *
core_durable_user(const struct core *core, struct span client_id)
{
    struct durable *durable;
    struct durable *next;

    HASH_ITER(hh, core->durables, durable, next) {
        if (durable->active != NULL &&
            span_equal(durable_client_id(durable), client_id)) {
            return durable->active->client;
        }
    }
    return NULL;
}

static void
durable_append_destinations(const struct durable *durable, struct buf *out)
{
    for (const struct durable_target *target = durable->targets; target != NULL;
         target = target->next) {
        buf_append_span(out, out->len > 0 ? SPAN(",/topic/") : SPAN("/topic/"));
        buf_append_span(out, durable_target_name(target));
    }
}

void
core_each_durable(const struct core *core, core_durable_fn *fn, void *ctx)
{
    struct buf destinations = BUF_INIT;
    struct durable *durable;
    struct durable *next;

    HASH_ITER(hh, core->durables, durable, next) {
        struct core_durable_view view = {
            .client_id = durable_client_id(durable),
            .name = durable_name(durable),
            .selector = span_of(durable->selector_text, durable->selector_len),
            .client = durable->active != NULL ? durable->active->client : NULL,
            .created_ms = durable->created_ms,
            .left_ms = durable->left_ms,
        };
        const struct topic_cursor *cursor;

        DL_FOREACH2(durable->cursors, cursor, durable_next)
        {
            view.waiting += queue_waiting_count(cursor->queue);
            view.in_flight += cursor->queue->in_flight_count;
        }
        buf_clear(&destinations);
        durable_append_destinations(durable, &destinations);
        view.destinations = buf_span(&destinations);
        fn(ctx, &view);
    }
    buf_fini(&destinations);
}
