/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core from outside: what is there, for the admin API, and another policy
 * map for all of it.
 */
#include "policy/selector.h"
#include "server/core/core_private.h"
#include "server/core/virtual.h"

static struct core_destination_view
core_view_of(struct destination *dest)
{
    struct core_destination_view view = {
        .kind = dest->kind,
        .name = destination_name_get(dest),
        .policy = dest->policy,
        .consumers = dest->attachment_count,
        .enqueued = dest->enqueued_count,
        .dequeued = dest->dequeued_count,
        .duplicates = dest->duplicate_count,
        .memory = &dest->quota,
        .stored = &dest->usage.stored,
        .spilled = &dest->usage.spilled,
    };

    if (destination_is_queue(dest)) {
        view.waiting = queue_waiting_count(queue_of(dest));
        view.in_flight = queue_of(dest)->in_flight_count;
        return view;
    }
    for (const struct attachment *attachment = dest->attachments;
         attachment != NULL; attachment = attachment->dest_next) {
        view.waiting += attachment->pending_count;
        view.discarded += attachment->discarded_count;
    }
    return view;
}

void
core_each_destination(const struct core *core, core_destination_fn *fn,
                      void *ctx)
{
    struct destination *dest;
    struct destination *next;

    HASH_ITER(hh, core->destinations, dest, next) {
        struct core_destination_view view = core_view_of(dest);

        if (dest->cursor == NULL) {
            fn(ctx, &view); /* a durable subscription is no destination */
        }
    }
}

static void
core_view_add_attachment(struct core_subscription_view *view,
                         const struct attachment *attachment)
{
    struct destination *dest = attachment->dest;

    view->destinations++;
    view->one = view->destinations == 1 ? dest : NULL;
    view->pending += attachment->pending_count;
    view->discarded += attachment->discarded_count;
    view->enqueued += dest->enqueued_count;
    view->standby = view->standby && attachment->place == ATTACHMENT_STANDBY;
    if (destination_kind_is_queue(dest->kind)) {
        view->waiting += queue_waiting_count(queue_of(dest));
    }
}

void
core_subscription_view_get(const struct subscription *sub,
                           struct core_subscription_view *view_out)
{
    struct core_subscription_view view = {
        .prefetch = sub->prefetch,
        .prefetch_bytes = sub->prefetch_bytes,
        .in_flight = sub->in_flight_count,
        .in_flight_bytes = sub->in_flight_bytes,
        .pending = sub->parked_count,
        .selector_looks = sub->selector_looks,
        .selector_picks = sub->selector_picks,
        .standby = sub->attachments != NULL,
    };

    if (sub->selector != NULL) {
        view.selector = selector_text(sub->selector);
    }
    if (sub->in_flight != NULL) {
        view.oldest_us = sub->in_flight->delivered_us;
    }
    for (const struct attachment *at = sub->attachments; at != NULL;
         at = at->next) {
        core_view_add_attachment(&view, at);
    }
    *view_out = view;
}

void
core_policies_set(struct core *core, struct policy_map *policies)
{
    struct destination *dest;
    struct destination *next;
    struct policy *made = NULL; /* the last pair, and what came of it: */
    struct policy *fresh = NULL;
    struct policy *carried = NULL; /* neighbours often have the same */

    core->policies = policies;
    HASH_ITER(hh, core->destinations, dest, next) {
        struct policy *found =
            policy_map_find(policies, dest->kind, destination_name_get(dest));

        if (dest->policy != made || found != fresh) {
            policy_unref(&made);
            policy_unref(&carried);
            made = policy_ref(dest->policy); /* so that it stays the same */
            fresh = found;
            carried = policy_carry_over(made, fresh);
        }
        destination_policy_set(dest, carried);
    }
    policy_unref(&made);
    policy_unref(&carried);
    virtual_reload(core);
}
