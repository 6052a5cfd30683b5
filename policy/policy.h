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
#include "policy/pending_limit.h"
#include "policy/policy_switch.h"
#include "policy/recovery.h"

#include <stdbool.h>
#include <stdint.h>

enum policy_delivery_mode {
    POLICY_DELIVERY_AS_SENT, /* the SEND's `persistent` header */
    POLICY_DELIVERY_PERSISTENT,
    POLICY_DELIVERY_NON_PERSISTENT,
};

struct policy {
    uint32_t refs;
    char *pattern; /* as in the file; "" for the defaults */
    unsigned line; /* of the entry in its file; 0 for the defaults */

    const struct dispatch_policy *topic_dispatch; /* `dispatchPolicy` */
    const struct dispatch_policy *queue_dispatch; /* by the next */
    bool strict_order_dispatch;

    bool prioritized_messages;

    const struct recovery_policy *recovery;
    struct recovery_parameters recovery_parameters; /* hooks unset */
    bool always_retroactive;

    const struct pending_limit_strategy *pending_limit;
    struct pending_limit_parameters pending_limit_parameters;
    const struct eviction_strategy *eviction;

    const struct dead_letter_strategy *dead_letter;
    struct dead_letter_parameters dead_letter_parameters;
    int64_t maximum_redeliveries; /* redeliveryPolicy; -1 = no limit */

    uint32_t queue_prefetch;
    uint32_t queue_browser_prefetch;
    uint32_t topic_prefetch;
    uint32_t durable_topic_prefetch;

    bool advisory_for_consumed;
    enum policy_switch use_async_send;
    enum policy_delivery_mode delivery_mode;
};

/* A policy with ActiveMQ's defaults, one reference, never NULL. */
struct policy *policy_new(void);
struct policy *policy_ref(struct policy *policy);
/* Drops one reference, frees at the last, sets *policy to NULL. */
void policy_unref(struct policy **policy);
