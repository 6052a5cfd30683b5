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
#include <stdint.h>

struct dead_letter_parameters {
    char *queue;        /* shared: deadLetterQueue, default ActiveMQ.DLQ */
    char *queue_prefix; /* individual: default ActiveMQ.DLQ.Queue. */
    char *topic_prefix; /* individual: default ActiveMQ.DLQ.Topic. */
    char *queue_suffix; /* individual: NULL = none */
    char *topic_suffix; /* individual: NULL = none */
    /* individual: false = a topic takes the letters of queues, of topics */
    bool use_queue_for_queue_messages; /* default true */
    bool use_queue_for_topic_messages; /* default true */
    bool per_durable_subscriber;       /* individual: a name for each; false */
    /* UNSET: those that consumers refused, but not those that expired. */
    enum policy_switch process_non_persistent;
    bool process_expired;  /* default true */
    int64_t expiration_us; /* of the letter; 0 = never, the default */
    /* A message that is in the audit already is not dead-lettered again. */
    bool enable_audit;               /* default true */
    uint32_t max_producers_to_audit; /* default 64 */
    uint32_t max_audit_depth;        /* messages of each; default 2048 */
};

/* Where the message died. */
struct dead_letter_source {
    enum destination_kind kind;
    struct span name;
    struct span subscriber; /* `client-id:name` of the durable subscription that
                             * refused it; data NULL when none did */
};

/*
 * Appends the name of the destination for the dead letters of the source to
 * name_out and says whether it is a queue or a topic.  False when the message
 * is to be dropped.  The name may be the source itself, when that is for dead
 * letters already: what then happens to the message is the core's decision.
 */
typedef bool dead_letter_name_fn(const struct dead_letter_parameters *params,
                                 const struct dead_letter_source *source,
                                 struct buf *name_out,
                                 enum destination_kind *kind_out);

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
