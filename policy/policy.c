/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One policy entry: its life and ActiveMQ's defaults (activemq.md 2; those of
 * the limits from stomp.md appendix B).
 */
#include "policy/policy.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

static const int64_t policy_second_us = 1000000;

static void
policy_set_dispatch(struct policy *policy)
{
    policy->topic_dispatch = &dispatch_simple;
    policy->topic_dispatch_parameters = (struct dispatch_parameters){
        .ptp_client_id = xstrdup("PTP_CLIENTID"),
        .ptp_suffix = xstrdup(".PTP"),
    };
    policy->queue_dispatch = &dispatch_queue_round_robin;
    policy->use_consumer_priority = true;
    policy->message_groups = &message_group_cached;
    policy->message_group_parameters = (struct message_group_parameters){
        .cache_size = 1024,
        .bucket_count = 1024,
        .bucket_cache_size = 64,
    };
    policy->queue_prefetch = 1000;
    policy->queue_browser_prefetch = 500;
    policy->topic_prefetch = 32767;
    policy->durable_topic_prefetch = 100;
}

static void
policy_set_topics(struct policy *policy)
{
    policy->recovery = &recovery_none;
    policy->recovery_parameters = (struct recovery_parameters){
        .duration_us = 60 * policy_second_us,
        .count = 100,
        .bytes = (size_t)64 * 1024,
        .shared_buffer = true,
        .wrapped = &recovery_none,
    };
    policy->pending_limit = &pending_limit_none;
    policy->pending_limit_parameters.limit = -1;
    policy->pending_limit_parameters.multiplier = 0.5;
    policy->pending_bytes.soft_us = 60 * policy_second_us;
    policy->eviction = &eviction_oldest;
    policy->slow_consumer_parameters = (struct slow_consumer_parameters){
        .max_slow_count = -1,
        .max_slow_us = 30 * policy_second_us,
        .check_period_us = 30 * policy_second_us,
        .max_since_ack_us = 30 * policy_second_us,
        .ignore_idle_consumers = true,
    };
}

static void
policy_set_dead_letter(struct policy *policy)
{
    policy->dead_letter = &dead_letter_shared;
    policy->dead_letter_parameters = (struct dead_letter_parameters){
        .queue = xstrdup("ActiveMQ.DLQ"),
        .queue_prefix = xstrdup("ActiveMQ.DLQ.Queue."),
        .topic_prefix = xstrdup("ActiveMQ.DLQ.Topic."),
        .use_queue_for_queue_messages = true,
        .use_queue_for_topic_messages = true,
        .process_expired = true,
        .enable_audit = true,
        .max_producers_to_audit = 64,
        .max_audit_depth = 2048,
    };
    policy->redelivery = redelivery_default;
}

struct policy *
policy_new(void)
{
    struct policy *policy = xcalloc(1, sizeof(*policy));

    policy->refs = 1;
    policy->pattern = xstrdup("");
    policy_set_dispatch(policy);
    policy_set_topics(policy);
    policy_set_dead_letter(policy);
    policy->producer_flow_control = true;
    policy->cursor_memory_high_water = 70;
    policy->store_usage_high_water = 100;
    policy->blocked_producer_warning_us = 30 * policy_second_us;
    policy->expire_messages_period_us = 30 * policy_second_us;
    policy->max_expire_page_size = 400;
    policy->gc_inactive_destinations = true;
    policy->inactive_timeout_us = 60 * policy_second_us;
    policy->max_destinations = -1;
    return policy;
}

struct policy *
policy_ref(struct policy *policy)
{
    assert(policy->refs > 0);
    policy->refs++;
    return policy;
}

static void
policy_free(struct policy *policy)
{
    if (policy->carried[0] != NULL) {
        policy_unref(&policy->carried[0]); /* all text is theirs */
        policy_unref(&policy->carried[1]);
        free(policy);
        return;
    }
    free(policy->pattern);
    free(policy->topic_dispatch_parameters.ptp_client_id);
    free(policy->topic_dispatch_parameters.ptp_suffix);
    free(policy->recovery_parameters.query);
    free(policy->eviction_parameters.property);
    free(policy->dead_letter_parameters.queue);
    free(policy->dead_letter_parameters.queue_prefix);
    free(policy->dead_letter_parameters.topic_prefix);
    free(policy->dead_letter_parameters.queue_suffix);
    free(policy->dead_letter_parameters.topic_suffix);
    free(policy);
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
    if (gone->refs == 0) {
        policy_free(gone);
    }
}
