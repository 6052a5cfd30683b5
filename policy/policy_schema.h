/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the policy file, one row each.  The loader, the printed
 * defaults, stompd-policy(5) and the JSON Schema are made from these rows.
 * Sources: design.md section 7; activemq.md 2, and 4 to 6 for the strategies.
 */
#pragma once
#include "policy/json_key.h"
#include "policy/policy.h"

#include <stdio.h>

/* The kinds of entry that a key is for: bits by enum destination_kind. */
enum {
    POLICY_FOR_QUEUE = 1 << DESTINATION_QUEUE,
    POLICY_FOR_TOPIC = 1 << DESTINATION_TOPIC,
    POLICY_FOR_TEMP_QUEUE = 1 << DESTINATION_TEMP_QUEUE,
    POLICY_FOR_TEMP_TOPIC = 1 << DESTINATION_TEMP_TOPIC,
    POLICY_FOR_QUEUES = POLICY_FOR_QUEUE | POLICY_FOR_TEMP_QUEUE,
    POLICY_FOR_TOPICS = POLICY_FOR_TOPIC | POLICY_FOR_TEMP_TOPIC,
    POLICY_FOR_ALL = POLICY_FOR_QUEUES | POLICY_FOR_TOPICS,
};

enum {
    POLICY_PREFETCH_MAX = 1000000,
    POLICY_REDELIVERIES_MAX = 1000000,
    POLICY_KEEP_MAX = 10000000, /* messages that a recovery policy keeps */
};

/* X(name, type, field of struct policy, scopes, min, max, default as JSON,
 *   what the type needs, help) */
#define POLICY_KEYS(X)                                                        \
    X("queue", CUSTOM, pattern, POLICY_FOR_QUEUE, 0, 0, NULL,                 \
      .custom = &policy_pattern,                                              \
      "The queues that the entry is for: a name, or a pattern in which a "    \
      "level that is * stands for any one level and a last level that is > "  \
      "for any rest, none included. Several, separated by commas, share the " \
      "entry.")                                                               \
    X("topic", CUSTOM, pattern, POLICY_FOR_TOPIC, 0, 0, NULL,                 \
      .custom = &policy_pattern,                                              \
      "The topics that the entry is for, as with queue.")                     \
    X("tempQueue", CUSTOM, pattern, POLICY_FOR_TEMP_QUEUE, 0, 0, NULL,        \
      .custom = &policy_true, "The entry is for all temporary queues.")       \
    X("tempTopic", CUSTOM, pattern, POLICY_FOR_TEMP_TOPIC, 0, 0, NULL,        \
      .custom = &policy_true, "The entry is for all temporary topics.")       \
    X("dispatchPolicy", STRATEGY, topic_dispatch, POLICY_FOR_TOPICS, 0, 0,    \
      "\"simple\"", .family = &policy_family_dispatch,                        \
      "In which order the subscriptions of a topic get a message. Every one " \
      "gets it whatever the order is.")                                       \
    X("subscriptionRecoveryPolicy", STRATEGY, recovery, POLICY_FOR_TOPICS, 0, \
      0, "\"none\"", .family = &policy_family_recovery,                       \
      "What a retroactive subscriber gets of the topic's past. Kept in "      \
      "memory: a restart forgets it.")                                        \
    X("alwaysRetroactive", BOOL, always_retroactive, POLICY_FOR_TOPICS, 0, 0, \
      "false", .family = NULL,                                                \
      "Treat every subscription that is not durable as retroactive.")         \
    X("pendingMessageLimitStrategy", STRATEGY, pending_limit,                 \
      POLICY_FOR_TOPICS, 0, 0, "\"none\"",                                    \
      .family = &policy_family_pending_limit,                                 \
      "How many messages may wait for a slow subscription that is not "       \
      "durable, beyond its prefetch.")                                        \
    X("messageEvictionStrategy", STRATEGY, eviction, POLICY_FOR_TOPICS, 0, 0, \
      "\"oldest\"", .family = &policy_family_eviction,                        \
      "Which of the messages that wait is discarded when "                    \
      "pendingMessageLimitStrategy is passed.")                               \
    X("deadLetterStrategy", STRATEGY, dead_letter, POLICY_FOR_ALL, 0, 0,      \
      "\"shared\"", .family = &policy_family_dead_letter,                     \
      "Where a message goes that expires, that was redelivered too often or " \
      "that a client refused for good.")                                      \
    X("redeliveryPolicy", OBJECT, maximum_redeliveries, POLICY_FOR_ALL, 0, 0, \
      NULL, .keys = &policy_redelivery_keys,                                  \
      "How often a message is tried again.")                                  \
    X("strictOrderDispatch", BOOL, strict_order_dispatch, POLICY_FOR_QUEUES,  \
      0, 0, "false", .family = NULL,                                          \
      "Fill the consumer of the highest priority, then the oldest, before "   \
      "the next gets anything, instead of each in turn.")                     \
    X("queuePrefetch", UINT32, queue_prefetch, POLICY_FOR_QUEUES, 1,          \
      POLICY_PREFETCH_MAX, "1000", .family = NULL,                            \
      "Messages that a consumer of a queue may hold unacknowledged.")         \
    X("queueBrowserPrefetch", UINT32, queue_browser_prefetch,                 \
      POLICY_FOR_QUEUES, 1, POLICY_PREFETCH_MAX, "500", .family = NULL,       \
      "The same for a queue browser.")                                        \
    X("topicPrefetch", UINT32, topic_prefetch, POLICY_FOR_TOPICS, 1,          \
      POLICY_PREFETCH_MAX, "32767", .family = NULL,                           \
      "The same for a subscription to a topic.")                              \
    X("durableTopicPrefetch", UINT32, durable_topic_prefetch,                 \
      POLICY_FOR_TOPIC, 1, POLICY_PREFETCH_MAX, "100", .family = NULL,        \
      "The same for a durable subscription to a topic.")                      \
    X("advisoryForConsumed", BOOL, advisory_for_consumed, POLICY_FOR_ALL, 0,  \
      0, "false", .family = NULL,                                             \
      "Send a message to ActiveMQ.Advisory.MessageConsumed.> for each one "   \
      "that a consumer has acknowledged.")                                    \
    X("useAsyncSend", SWITCH, use_async_send, POLICY_FOR_ALL, 0, 0, NULL,     \
      .family = NULL,                                                         \
      "Whether a RECEIPT for a persistent message means accepted in memory "  \
      "(true) or on disk (false). Wider settings apply when it is not given.") \
    X("deliveryMode", CHOICE, delivery_mode, POLICY_FOR_ALL, 0, 0,            \
      "\"asSent\"", .choices = policy_delivery_modes,                         \
      "Whether messages are persistent: as their header says, always, or "    \
      "never.")

/* X(table, strategy or NULL = each, name, type, field, min, max, default,
 *   help) */
#define POLICY_RECOVERY_PARAMETERS(X)                                       \
    X("fixedCount", "maximumSize", COUNT, recovery_parameters.count, 1,     \
      POLICY_KEEP_MAX, "100", "How many messages are kept.")                \
    X("timed", "recoverDuration", DURATION_US,                              \
      recovery_parameters.duration_us, 1, INT64_C(7) * 24 * 3600 * 1000,    \
      "\"1m\"", "How long a message is kept.")

#define POLICY_PENDING_LIMIT_PARAMETERS(X)                                  \
    X("constant", "limit", INTEGER, pending_limit_parameters.limit, -1,     \
      INT32_MAX, "-1", "The number of messages; -1 is no limit.")           \
    X("prefetchRate", "multiplier", REAL,                                   \
      pending_limit_parameters.multiplier, 0, 1000000, "0.5",               \
      "Times the prefetch is the number of messages.")

#define POLICY_DEAD_LETTER_PARAMETERS(X)                                    \
    X("shared", "deadLetterQueue", STRING, dead_letter_parameters.queue, 0, \
      0, "\"ActiveMQ.DLQ\"", "The name of the queue.")                      \
    X("individual", "queuePrefix", STRING,                                  \
      dead_letter_parameters.queue_prefix, 0, 0,                            \
      "\"ActiveMQ.DLQ.Queue.\"",                                            \
      "What stands before the name of a queue.")                            \
    X("individual", "topicPrefix", STRING,                                  \
      dead_letter_parameters.topic_prefix, 0, 0,                            \
      "\"ActiveMQ.DLQ.Topic.\"",                                            \
      "What stands before the name of a topic.")                            \
    X(NULL, "processNonPersistent", SWITCH,                                 \
      dead_letter_parameters.process_non_persistent, 0, 0, NULL,            \
      "Keep messages that are not persistent too. Without it those that "   \
      "consumers refused are kept and those that expired are not.")         \
    X(NULL, "processExpired", BOOL,                                         \
      dead_letter_parameters.process_expired, 0, 0, "true",                 \
      "Keep messages that have expired too.")

#define POLICY_REDELIVERY_KEYS(X)                                           \
    X(NULL, "maximumRedeliveries", INTEGER, maximum_redeliveries, -1,       \
      POLICY_REDELIVERIES_MAX, "6",                                         \
      "How often after the first time; -1 is no limit, 0 is never.")

/* The keys of an entry; the target is a struct policy. */
extern const struct json_keys policy_schema_keys;

/* Checks of the rows of the pattern, in policy_load.c; check->ctx is its
 * loader. */
json_key_check_fn policy_load_check_pattern;
json_key_check_fn policy_load_check_true;

/* The manual page stompd-policy(5), in man(7) macros. */
void policy_schema_print_manual(FILE *out);

/* A JSON Schema of the file (draft 2020-12). */
void policy_schema_print_json(FILE *out);

/* A policy file that says what applies without one. */
void policy_schema_print_defaults(FILE *out);
