/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One policy entry, resolved: values and strategy pointers, ready for use on
 * the hot path.  Immutable once it is in a map; shared by reference.  A
 * destination takes a reference when it is made and never looks up again.
 * Sources: activemq.md 2; design.md section 7.
 */
#pragma once
#include "policy/dead_letter.h"
#include "policy/dispatch.h"
#include "policy/eviction.h"
#include "policy/message_group.h"
#include "policy/pending_limit.h"
#include "policy/policy_switch.h"
#include "policy/recovery.h"
#include "policy/redelivery.h"
#include "policy/slow_consumer.h"
#include "policy/units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum policy_delivery_mode {
    POLICY_DELIVERY_AS_SENT, /* the SEND's `persistent` header */
    POLICY_DELIVERY_PERSISTENT,
    POLICY_DELIVERY_NON_PERSISTENT,
};

/* Which advisory messages a destination gives rise to. */
struct policy_advisories {
    bool consumed;       /* advisoryForConsumed */
    bool delivery;       /* advisoryForDelivery */
    bool dispatched;     /* advisoryForDispatched */
    bool discarding;     /* advisoryForDiscardingMessages */
    bool slow_consumers; /* advisoryForSlowConsumers */
    bool fast_producers; /* advisoryForFastProducers */
    bool when_full;      /* advisoryWhenFull */
    bool no_consumers;   /* sendAdvisoryIfNoConsumers */
    bool include_body;   /* includeBodyForAdvisory */
};

/* How much a slow topic subscription may hold, in bytes, beside its count:
 * more than hard at once, or more than soft for soft_us, and messages are
 * evicted.  Source: Valkey's client-output-buffer-limit. */
struct policy_pending_bytes {
    size_t hard; /* 0 = none */
    size_t soft; /* 0 = none */
    int64_t soft_us;
};

/* What the percentages of memoryLimit, storeLimit and tempLimit are parts of,
 * in bytes: limits.memory, storage.limit and storage.tempLimit, or the disk
 * where the broker has no ceiling there.  0 = not known: no limit. */
struct policy_ceilings {
    uint64_t memory, store, temp;
};

enum { POLICY_ROWS_MAX = 128 };

struct policy {
    uint32_t refs;
    char *pattern; /* as in the file; "" for the defaults */
    unsigned line; /* of the entry in its file; 0 for the defaults */
    /* The rows of policy_schema.h that the entry itself gives, as bits. */
    uint64_t given[POLICY_ROWS_MAX / 64];
    /* Made by policy_carry_over: of which two; else NULL.  Held. */
    struct policy *carried[2];

    const struct dispatch_policy *topic_dispatch; /* `dispatchPolicy` */
    struct dispatch_parameters topic_dispatch_parameters;
    const struct dispatch_policy *queue_dispatch; /* by strictOrderDispatch */
    bool use_consumer_priority;
    bool all_consumers_exclusive;       /* allConsumersExclusiveByDefault */
    uint32_t consumers_before_dispatch; /* consumersBeforeDispatchStarts */
    int64_t time_before_dispatch_us;    /* timeBeforeDispatchStarts */
    bool prioritized_messages;
    bool lazy_dispatch;
    bool persist_jms_redelivered; /* persistJMSRedelivered */
    const struct message_group_map *message_groups;
    struct message_group_parameters message_group_parameters;
    bool rebalance_message_groups; /* rebalanceMessageGroups: ours */

    const struct recovery_policy *recovery;
    struct recovery_parameters recovery_parameters; /* hooks unset */
    bool always_retroactive;
    bool mark_recovered; /* markRecoveredMessages: ours */

    const struct pending_limit_strategy *pending_limit;
    struct pending_limit_parameters pending_limit_parameters;
    struct policy_pending_bytes pending_bytes; /* pendingMessageByteLimit */
    const struct eviction_strategy *eviction;
    struct eviction_parameters eviction_parameters;
    const struct slow_consumer_strategy *slow_consumer; /* NULL = none */
    struct slow_consumer_parameters slow_consumer_parameters;

    const struct dead_letter_strategy *dead_letter;
    struct dead_letter_parameters dead_letter_parameters;
    struct redelivery_parameters redelivery; /* redeliveryPolicy */

    struct units_share memory_limit; /* memoryLimit; 0 = the broker's */
    bool producer_flow_control;
    enum policy_switch send_fail_if_no_space;
    int64_t send_fail_after_us;        /* sendFailIfNoSpaceAfterTimeout */
    uint32_t cursor_memory_high_water; /* percent of memory_limit */
    struct units_share store_limit;    /* storeLimit, ours; 0 = none */
    struct units_share temp_limit;     /* tempLimit, ours; 0 = none */
    uint32_t store_usage_high_water;   /* percent of the broker's */
    int64_t blocked_producer_warning_us;

    int64_t expire_messages_period_us; /* expireMessagesPeriod; 0 = never */
    uint32_t max_expire_page_size;

    uint32_t queue_prefetch;
    uint32_t queue_browser_prefetch;
    uint32_t max_browse_page_size; /* 0 = all */
    uint32_t topic_prefetch;
    uint32_t durable_topic_prefetch;

    struct policy_advisories advisories;
    enum policy_switch use_async_send;
    enum policy_delivery_mode delivery_mode;

    bool gc_inactive_destinations;
    int64_t inactive_timeout_us; /* inactiveTimeoutBeforeGC */
    int64_t max_destinations;    /* -1 = no limit */
    bool allow_temp_destination_stealing;
};

/* A policy with ActiveMQ's defaults, one reference, never NULL. */
struct policy *policy_new(void);
struct policy *policy_ref(struct policy *policy);
/* Drops one reference, frees at the last, sets *policy to NULL. */
void policy_unref(struct policy **policy);

/* Whether the entry gives that row, rather than leaving it to its default. */
static inline bool
policy_is_given(const struct policy *policy, size_t row)
{
    return (policy->given[row / 64] >> row % 64 & 1) != 0;
}

/*
 * What applies after a reload to a destination that was made with `made`:
 * fresh, but for what such a destination must keep, because it has state made
 * for it: dispatch order, priorities, recovery.  Those rows have `stays` in the
 * key table.  Returns a reference: to fresh itself when nothing differs there.
 */
struct policy *policy_carry_over(struct policy *made, struct policy *fresh);
