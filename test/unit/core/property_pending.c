/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for slow subscribers of topics: never more than the policy's
 * limits on messages and bytes, longer than it says on more than the soft one,
 * and each that is discarded for it is counted, and told of.
 */
#include "test/unit/core/property.h"

#include "base/alloc.h"

enum { TICK_US = 5000 }; /* timers are late by one at most */

static uint64_t closed_discarded; /* of subscriptions that are gone */

void
draw_pending_policy(struct policy *policy)
{
    policy->pending_limit = pending_limit_strategies[draw(3)];
    policy->pending_limit_parameters.limit = (int64_t)draw(8);
    policy->pending_limit_parameters.multiplier = draw(20) / 10.0;
    policy->pending_bytes.hard = draw(3) == 0 ? 1 + draw(500) : 0;
    policy->pending_bytes.soft = draw(3) == 0 ? 1 + draw(300) : 0;
    policy->pending_bytes.soft_us = draw(4) == 0 ? 0 : 1 + draw(150000);
    policy->eviction = eviction_strategies[draw(3)];
    policy->eviction_parameters.property = xstrdup("k");
}

void
pending_begin(void)
{
    closed_discarded = 0;
}

void
pending_closes(const struct model_sub *mine)
{
    closed_discarded += mine->sub->attachments->discarded_count;
}

uint64_t
topics_discarded(void)
{
    uint64_t count = closed_discarded;

    for (size_t c = 0; c < CLIENTS; c++) {
        for (size_t s = 0; s < SUBS; s++) {
            const struct model_sub *mine = &clients[c].subs[s];

            if (mine->sub != NULL && mine->queue < 0) {
                count += mine->sub->attachments->discarded_count;
            }
        }
    }
    return count;
}

static void
check_soft_limit(const struct attachment *attachment,
                 const struct policy_pending_bytes *bytes)
{
    if (bytes->soft == 0 || attachment->pending_bytes <= bytes->soft) {
        ck_assert(!timer_node_is_set(&attachment->soft_timer));
        return;
    }
    ck_assert_int_gt(bytes->soft_us, 0);
    ck_assert(timer_node_is_set(&attachment->soft_timer));
    ck_assert_int_le(attachment->soft_timer.due_us, f.now_us + bytes->soft_us);
}

void
pending_before_time_passes(struct model_sub *mine, int64_t ms)
{
    const struct timer_node *timer = &mine->sub->attachments->soft_timer;

    mine->soft_ends = timer_node_is_set(timer) &&
                      timer->due_us + TICK_US <= f.now_us + ms * 1000;
}

void
pending_after_time_passed(const struct model_sub *mine)
{
    if (mine->soft_ends) {
        ck_assert_uint_le(mine->sub->attachments->pending_bytes,
                          topic_policies[mine->topic]->pending_bytes.soft);
    }
}

void
check_pending(const struct model_sub *mine)
{
    const struct attachment *attachment = mine->sub->attachments;
    const struct policy *policy = topic_policies[mine->topic];
    int64_t limit = policy->pending_limit->value(
        &policy->pending_limit_parameters, mine->sub->prefetch);
    const struct delivery *delivery;
    uint64_t count = 0;
    size_t bytes = 0;

    DL_FOREACH(mine->sub->pending, delivery) {
        count++;
        bytes += delivery_bytes(delivery);
    }
    ck_assert_uint_eq(attachment->pending_count, count);
    ck_assert_uint_eq(attachment->pending_bytes, bytes);
    ck_assert(limit < 0 || count <= (uint64_t)limit);
    ck_assert(policy->pending_bytes.hard == 0 ||
              bytes <= policy->pending_bytes.hard);
    check_soft_limit(attachment, &policy->pending_bytes);
    ck_assert_uint_le(topic_expired_for(mine), mine->offered_expiring);
    ck_assert_uint_eq(attachment->discarded_count,
                      mine->told_dropped + mine->sub->dropped_count);
}
