/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letter strategies: where a message goes that cannot be delivered.
 * Source: activemq.md 6.2.
 */
#pragma once
#include "base/buf.h"
#include "base/destination_kind.h"
#include "base/span.h"
#include "policy/policy_switch.h"

#include <stdbool.h>

struct dead_letter_parameters {
    char *queue;        /* shared: deadLetterQueue, default ActiveMQ.DLQ */
    char *queue_prefix; /* individual: default ActiveMQ.DLQ.Queue. */
    char *topic_prefix; /* individual: default ActiveMQ.DLQ.Topic. */
    /* UNSET: those that consumers refused, but not those that expired. */
    enum policy_switch process_non_persistent;
    bool process_expired;        /* default true */
};

/*
 * Appends the name of the dead letter queue for a message of the given source
 * to name_out.  False when the message is to be dropped.  The name may be the
 * source itself, when that is a dead letter queue already: what then happens
 * to the message is the core's decision.
 */
typedef bool dead_letter_name_fn(const struct dead_letter_parameters *params,
                                 enum destination_kind kind,
                                 struct span source, struct buf *name_out);

struct dead_letter_strategy {
    const char *name;
    const char *long_name;
    const char *doc;
    dead_letter_name_fn *dead_letter_name;
};

extern const struct dead_letter_strategy dead_letter_shared;
extern const struct dead_letter_strategy dead_letter_individual;
extern const struct dead_letter_strategy dead_letter_discarding;

extern const struct dead_letter_strategy *const dead_letter_strategies[];
