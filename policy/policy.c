/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One policy entry: its life and ActiveMQ's defaults (activemq.md 2; those of
 * the limits from stomp.md appendix B).
 */
#include "policy/policy.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

struct policy *
policy_new(void)
{
    struct policy *policy = xcalloc(1, sizeof(*policy));

    policy->refs = 1;
    policy->pattern = xstrdup("");
    policy->topic_dispatch = &dispatch_simple;
    policy->queue_dispatch = &dispatch_queue_round_robin;
    policy->recovery = &recovery_none;
    policy->recovery_parameters.duration_us = INT64_C(60000000);
    policy->recovery_parameters.count = 100;
    policy->recovery_parameters.bytes = (size_t)64 * 1024;
    policy->pending_limit = &pending_limit_none;
    policy->pending_limit_parameters.limit = -1;
    policy->pending_limit_parameters.multiplier = 0.5;
    policy->eviction = &eviction_oldest;
    policy->dead_letter = &dead_letter_shared;
    policy->dead_letter_parameters = (struct dead_letter_parameters){
        .queue = xstrdup("ActiveMQ.DLQ"),
        .queue_prefix = xstrdup("ActiveMQ.DLQ.Queue."),
        .topic_prefix = xstrdup("ActiveMQ.DLQ.Topic."),
        .process_expired = true,
    };
    policy->maximum_redeliveries = 6;
    policy->queue_prefetch = 1000;
    policy->queue_browser_prefetch = 500;
    policy->topic_prefetch = 32767;
    policy->durable_topic_prefetch = 100;
    return policy;
}

struct policy *
policy_ref(struct policy *policy)
{
    assert(policy->refs > 0);
    policy->refs++;
    return policy;
}

void
policy_unref(struct policy **policy)
{
    struct policy *gone = *policy;

    *policy = NULL;
    if (gone == NULL) {
        return;
    }
    assert(gone->refs > 0);
    gone->refs--;
    if (gone->refs > 0) {
        return;
    }
    free(gone->pattern);
    free(gone->dead_letter_parameters.queue);
    free(gone->dead_letter_parameters.queue_prefix);
    free(gone->dead_letter_parameters.topic_prefix);
    free(gone);
}
