/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/lifecycle.h"

#include "server/core/core_private.h"
#include "server/core/topic_log.h"
#include "server/core/virtual.h"

/* --- expiry ------------------------------------------------------------------
 */

static void
lifecycle_expire(struct core *core, struct queue *queue)
{
    const struct policy *policy = queue->base.policy;

    if (policy->expire_messages_period_us == 0 ||
        core->now_us < queue->expire_due_us ||
        store_failure(core->store) != NULL) {
        return;
    }
    queue->expire_due_us = core->now_us + policy->expire_messages_period_us;
    queue_expire_waiting(queue, policy->max_expire_page_size);
}

/* --- removal -----------------------------------------------------------------
 */

/* Nobody attached, nothing in it, nothing on its way: nobody could tell it from
 * one that is made at its next use.  But a queue of a virtual topic is to get
 * what is sent while its consumers are away. */
static bool
lifecycle_is_idle(struct destination *dest)
{
    if (dest->attachment_count > 0 || dest->owner != NULL ||
        dest->cursor != NULL) {
        return false;
    }
    if (destination_is_queue(dest)) {
        const struct queue *queue = queue_of(dest);

        return queue->in_flight_count == 0 && queue_waiting_count(queue) == 0 &&
               queue->walks == NULL &&
               !virtual_is_consumer_queue(dest->core,
                                          destination_name_get(dest));
    }
    return topic_is_empty(topic_of(dest));
}

/* Removes it when it has been idle for long; its journal too. */
static void
lifecycle_collect(struct core *core, struct destination *dest)
{
    struct destination *gone = dest;

    if (dest->orphaned) {
        if (queue_of(dest)->in_flight_count == 0) {
            queue_drop_waiting(queue_of(dest));
            destination_remove(&gone);
        }
        return;
    }
    if (!dest->policy->gc_inactive_destinations || !lifecycle_is_idle(dest) ||
        dest->enqueued_count != dest->enqueued_seen) {
        dest->idle_since_us = core->now_us;
        dest->enqueued_seen = dest->enqueued_count;
        return;
    }
    if (core->now_us - dest->idle_since_us <
            dest->policy->inactive_timeout_us ||
        store_failure(core->store) != NULL) {
        return;
    }
    if (destination_is_queue(dest)) {
        queue_remove_journals(queue_of(dest));
    }
    destination_remove(&gone);
}

void
lifecycle_sweep(struct core *core)
{
    struct destination *dest;
    struct destination *next;

    HASH_ITER(hh, core->destinations, dest, next) {
        if (destination_is_queue(dest)) {
            lifecycle_expire(core, queue_of(dest));
        } else {
            topic_log_sweep(topic_of(dest));
        }
        lifecycle_collect(core, dest);
    }
}

/* --- limits ------------------------------------------------------------------
 */

bool
lifecycle_allows_one_more(struct core *core, const struct policy *policy)
{
    struct destination *dest;
    struct destination *next;
    int64_t count = 0;

    if (policy->max_destinations < 0) {
        return true;
    }
    HASH_ITER(hh, core->destinations, dest, next) {
        count += dest->policy == policy && dest->cursor == NULL ? 1 : 0;
    }
    return count < policy->max_destinations;
}

void
lifecycle_store_recovered(struct core *core)
{
    struct destination *dest;
    struct destination *next;

    HASH_ITER(hh, core->destinations, dest, next) {
        if (destination_is_queue(dest)) {
            queue_mark_dirty(queue_of(dest));
        }
    }
}
