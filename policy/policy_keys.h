/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the policy file: what each key may be, where it is stored, what
 * applies without it and what it is for.  Only policy_schema.c includes this,
 * and the struct of a row is in json_key.h.
 * Sources: activemq.md 2, and 3 to 8 for the groups.
 */
#pragma once

enum {
    POLICY_PREFETCH_MAX = 1000000,
    POLICY_REDELIVERIES_MAX = 1000000,
    POLICY_KEEP_MAX = 10000000, /* messages that a recovery policy keeps */
    POLICY_GROUPS_MAX = 10000000,
    POLICY_DURATION_MAX = 7 * 24 * 3600 * 1000, /* ms: a week */
};

/* 1 TiB: more memory than a message broker is given. */
#define POLICY_SIZE_MAX (INT64_C(1) << 40)

/* Behind what a row's type needs: a destination keeps what it was made with,
 * policy_carry.c. */
#define POLICY_STAYS , .stays = true

/* X(name, type, field of struct policy, scopes, min, max, default as JSON,
 *   what the type needs, help) */
#define POLICY_KEYS(X)                                                         \
    X("queue", CUSTOM, pattern, POLICY_FOR_QUEUE, 0, 0, NULL,                  \
      .custom = &policy_pattern,                                               \
      "The queues that the entry is for: a name, or a pattern in which a "     \
      "level that is * stands for any one level and a last level that is "     \
      "> for any rest, none included. Several, separated by commas, "          \
      "share the entry.")                                                      \
    X("topic", CUSTOM, pattern, POLICY_FOR_TOPIC, 0, 0, NULL,                  \
      .custom = &policy_pattern,                                               \
      "The topics that the entry is for, as with queue.")                      \
    X("tempQueue", CUSTOM, pattern, POLICY_FOR_TEMP_QUEUE, 0, 0, NULL,         \
      .custom = &policy_true, "The entry is for all temporary queues.")        \
    X("tempTopic", CUSTOM, pattern, POLICY_FOR_TEMP_TOPIC, 0, 0, NULL,         \
      .custom = &policy_true, "The entry is for all temporary topics.")        \
    X("dispatchPolicy", STRATEGY, topic_dispatch, POLICY_FOR_TOPICS, 0, 0,     \
      "\"simple\"", .family = &policy_family_dispatch POLICY_STAYS,            \
      "In which order the subscriptions of a topic get a message. Every "      \
      "one gets it whatever the order is, but for clientIdFilter.")            \
    X("strictOrderDispatch", CUSTOM, queue_dispatch, POLICY_FOR_QUEUES, 0, 0,  \
      "false", .custom = &policy_strict_order POLICY_STAYS,                    \
      "Fill the consumer of the highest priority, then the oldest, "           \
      "before the next gets anything, instead of each in turn.")               \
    X("queueDispatchPolicy", STRATEGY, queue_dispatch, POLICY_FOR_QUEUES, 0,   \
      0, "\"roundRobin\"",                                                     \
      .family = &policy_family_queue_dispatch POLICY_STAYS,                    \
      "Which consumer of a queue gets the next message: the same choice as "   \
      "strictOrderDispatch, or a plug-in's; the later of the two in an entry " \
      "counts. Not ActiveMQ's.")                                               \
    X("useConsumerPriority", BOOL, use_consumer_priority, POLICY_FOR_QUEUES,   \
      0, 0, "true", .family = NULL,                                            \
      "Whether the priority that a consumer asks for counts.")                 \
    X("allConsumersExclusiveByDefault", BOOL, all_consumers_exclusive,         \
      POLICY_FOR_QUEUES, 0, 0, "false", .family = NULL,                        \
      "Treat every consumer as exclusive: one gets all messages, the "         \
      "others wait to take over.")                                             \
    X("consumersBeforeDispatchStarts", UINT32, consumers_before_dispatch,      \
      POLICY_FOR_QUEUES, 0, POLICY_PREFETCH_MAX, "0", .family = NULL,          \
      "The first messages wait until there are so many consumers, or "         \
      "timeBeforeDispatchStarts is over (one second when it is 0).")           \
    X("timeBeforeDispatchStarts", DURATION_US, time_before_dispatch_us,        \
      POLICY_FOR_QUEUES, 0, POLICY_DURATION_MAX, "0", .family = NULL,          \
      "How long the first messages wait after the first consumer has "         \
      "come.")                                                                 \
    X("prioritizedMessages", BOOL, prioritized_messages,                       \
      POLICY_FOR_QUEUES | POLICY_FOR_TOPIC, 0, 0, "false",                     \
      .family = NULL POLICY_STAYS,                                             \
      "Messages of a higher priority are delivered first, from a queue "       \
      "and to a durable subscription.")                                        \
    X("lazyDispatch", BOOL, lazy_dispatch, POLICY_FOR_QUEUES, 0, 0, "false",   \
      .family = NULL,                                                          \
      "Take from the store only what consumers can have now, so that "         \
      "what comes later with a high priority is not behind.")                  \
    X("persistJMSRedelivered", BOOL, persist_jms_redelivered,                  \
      POLICY_FOR_QUEUE, 0, 0, "false", .family = NULL,                         \
      "Write down that a persistent message is handed out, not only that "     \
      "it has come back, so that after a crash what consumers had then is "    \
      "redelivered too. Each delivery costs a small write.")                   \
    X("messageGroupMapFactoryType", STRATEGY, message_groups,                  \
      POLICY_FOR_QUEUES, 0, 0, "\"cached\"",                                   \
      .family = &policy_family_message_group POLICY_STAYS,                     \
      "How the queue remembers which consumer has which group of "             \
      "messages (JMSXGroupID). The parameters may stand behind the name "      \
      "too: \"bucket?bucketCount=16\".")                                       \
    X("rebalanceMessageGroups", BOOL, rebalance_message_groups,                \
      POLICY_FOR_QUEUES, 0, 0, "false", .family = NULL,                        \
      "Give groups to a consumer that joins, taken from those that have "      \
      "most. Not ActiveMQ's, where groups stay where they are.")               \
    X("queuePrefetch", UINT32, queue_prefetch, POLICY_FOR_QUEUES, 1,           \
      POLICY_PREFETCH_MAX, "1000", .family = NULL,                             \
      "Messages that a consumer of a queue may hold unacknowledged.")          \
    X("queueBrowserPrefetch", UINT32, queue_browser_prefetch,                  \
      POLICY_FOR_QUEUES, 1, POLICY_PREFETCH_MAX, "500", .family = NULL,        \
      "The same for a queue browser.")                                         \
    X("maxBrowsePageSize", UINT32, max_browse_page_size, POLICY_FOR_QUEUES, 0, \
      UINT32_MAX, "0", .family = NULL,                                         \
      "The most messages that one browser is shown; 0 shows it all that the "  \
      "queue holds. ActiveMQ shows 400 at most.")                              \
    X("topicPrefetch", UINT32, topic_prefetch, POLICY_FOR_TOPICS, 1,           \
      POLICY_PREFETCH_MAX, "32767", .family = NULL,                            \
      "The same for a subscription to a topic.")                               \
    X("durableTopicPrefetch", UINT32, durable_topic_prefetch,                  \
      POLICY_FOR_TOPIC, 1, POLICY_PREFETCH_MAX, "100", .family = NULL,         \
      "The same for a durable subscription to a topic.")                       \
    X("subscriptionRecoveryPolicy", STRATEGY, recovery, POLICY_FOR_TOPICS, 0,  \
      0, "\"none\"", .family = &policy_family_recovery POLICY_STAYS,           \
      "What a retroactive subscriber gets of the topic's past.")               \
    X("alwaysRetroactive", BOOL, always_retroactive, POLICY_FOR_TOPICS, 0, 0,  \
      "false", .family = NULL,                                                 \
      "Treat every subscription that is not durable as retroactive.")          \
    X("markRecoveredMessages", BOOL, mark_recovered, POLICY_FOR_TOPICS, 0, 0,  \
      "false", .family = NULL,                                                 \
      "Give messages of the past the header recovered:true. Not "              \
      "ActiveMQ's, where nothing tells them apart.")                           \
    X("pendingMessageLimitStrategy", STRATEGY, pending_limit,                  \
      POLICY_FOR_TOPICS, 0, 0, "\"none\"",                                     \
      .family = &policy_family_pending_limit,                                  \
      "How many messages may wait for a slow subscription that is not "        \
      "durable, beyond its prefetch.")                                         \
    X("pendingMessageByteLimit", OBJECT, pending_bytes, POLICY_FOR_TOPICS, 0,  \
      0, NULL, .keys = &policy_pending_bytes_keys,                             \
      "How many bytes may wait for it, beside that number. Not "               \
      "ActiveMQ's.")                                                           \
    X("messageEvictionStrategy", STRATEGY, eviction, POLICY_FOR_TOPICS, 0, 0,  \
      "\"oldest\"", .family = &policy_family_eviction,                         \
      "Which of the messages that wait is discarded when "                     \
      "pendingMessageLimitStrategy or pendingMessageByteLimit is passed. "     \
      "Those that have expired always go first.")                              \
    X("slowConsumerStrategy", STRATEGY, slow_consumer, POLICY_FOR_ALL, 0, 0,   \
      NULL, .family = &policy_family_slow_consumer,                            \
      "When a consumer is cut off, with an ERROR that says why. Without "      \
      "it none is.")                                                           \
    X("deadLetterStrategy", STRATEGY, dead_letter, POLICY_FOR_ALL, 0, 0,       \
      "\"shared\"", .family = &policy_family_dead_letter,                      \
      "Where a message goes that expires, that was redelivered too often "     \
      "or that a client refused for good.")                                    \
    X("redeliveryPolicy", OBJECT, redelivery, POLICY_FOR_ALL, 0, 0, NULL,      \
      .keys = &policy_redelivery_keys,                                         \
      "How often a message is tried again, and how long it waits before "      \
      "that.")                                                                 \
    X("memoryLimit", SHARE, memory_limit, POLICY_FOR_ALL, 0, POLICY_SIZE_MAX,  \
      "0", .family = NULL,                                                     \
      "How much the messages of the destination may take of the memory, as "   \
      "a size or a part of limits.memory; 0 is as much as the broker has.")    \
    X("producerFlowControl", BOOL, producer_flow_control, POLICY_FOR_ALL, 0,   \
      0, "true", .family = NULL,                                               \
      "Whether producers wait when the memory of the destination is "          \
      "full. Without it messages go to disk. For storeLimit, tempLimit and "   \
      "what is full of the broker itself they wait in any case.")              \
    X("sendFailIfNoSpace", SWITCH, send_fail_if_no_space, POLICY_FOR_ALL, 0,   \
      0, NULL, .family = NULL,                                                 \
      "Refuse a message with an ERROR where its producer would have to "       \
      "wait. The setting of the broker applies when it is not given.")         \
    X("sendFailIfNoSpaceAfterTimeout", DURATION_US, send_fail_after_us,        \
      POLICY_FOR_ALL, 0, POLICY_DURATION_MAX, "0", .family = NULL,             \
      "The same, after so long a wait; 0 is to wait without end.")             \
    X("cursorMemoryHighWaterMark", UINT32, cursor_memory_high_water,           \
      POLICY_FOR_ALL, 1, 100, "70", .family = NULL,                            \
      "At how many percent of memoryLimit messages that wait are no "          \
      "longer kept in memory.")                                                \
    X("storeLimit", SHARE, store_limit, POLICY_FOR_QUEUE | POLICY_FOR_TOPIC,   \
      0, POLICY_SIZE_MAX, "0", .family = NULL,                                 \
      "How many bytes of persistent messages, headers and bodies, the "        \
      "destination may have in the store, as a size or a part of "             \
      "storage.limit (of the disk where that is 0); 0 is as many as the "      \
      "broker. Not ActiveMQ's.")                                               \
    X("tempLimit", SHARE, temp_limit, POLICY_FOR_QUEUES | POLICY_FOR_TOPIC, 0, \
      POLICY_SIZE_MAX, "0", .family = NULL,                                    \
      "The same for those that are not persistent and are in the store only "  \
      "because memory is short, as a size or a part of storage.tempLimit. "    \
      "Not ActiveMQ's.")                                                       \
    X("storeUsageHighWaterMark", UINT32, store_usage_high_water,               \
      POLICY_FOR_QUEUE | POLICY_FOR_TOPIC, 1, 100, "100", .family = NULL,      \
      "At how many percent of storage.limit, over all destinations, "          \
      "producers of persistent messages for this one have to wait.")           \
    X("blockedProducerWarningInterval", DURATION_US,                           \
      blocked_producer_warning_us, POLICY_FOR_ALL, 0, POLICY_DURATION_MAX,     \
      "\"30s\"", .family = NULL,                                               \
      "How often the log says that a producer waits; 0 is never.")             \
    X("expireMessagesPeriod", DURATION_US, expire_messages_period_us,          \
      POLICY_FOR_ALL, 0, POLICY_DURATION_MAX, "\"30s\"", .family = NULL,       \
      "How often messages that wait are searched for those that have "         \
      "expired; 0 is never: they are found when their turn comes.")            \
    X("maxExpirePageSize", UINT32, max_expire_page_size, POLICY_FOR_ALL, 1,    \
      POLICY_PREFETCH_MAX, "400", .family = NULL,                              \
      "How many messages one such search looks at.")                           \
    X("useAsyncSend", SWITCH, use_async_send, POLICY_FOR_ALL, 0, 0, NULL,      \
      .family = NULL,                                                          \
      "Whether a RECEIPT for a persistent message means accepted in "          \
      "memory (true) or on disk (false). Wider settings apply when it is "     \
      "not given.")                                                            \
    X("deliveryMode", CHOICE, delivery_mode, POLICY_FOR_ALL, 0, 0,             \
      "\"asSent\"", .choices = policy_delivery_modes,                          \
      "Whether messages are persistent: as their header says, always, or "     \
      "never.")                                                                \
    X("advisoryForConsumed", BOOL, advisories.consumed, POLICY_FOR_ALL, 0, 0,  \
      "false", .family = NULL,                                                 \
      "Send a message to ActiveMQ.Advisory.MessageConsumed.> for each "        \
      "one that a consumer has acknowledged.")                                 \
    X("advisoryForDelivery", BOOL, advisories.delivery, POLICY_FOR_ALL, 0, 0,  \
      "false", .family = NULL,                                                 \
      "The same to MessageDelivered.> for each one that the destination "      \
      "has accepted.")                                                         \
    X("advisoryForDispatched", BOOL, advisories.dispatched, POLICY_FOR_ALL, 0, \
      0, "false", .family = NULL,                                              \
      "The same to MessageDispatched.> for each one that was written to "      \
      "a consumer.")                                                           \
    X("advisoryForDiscardingMessages", BOOL, advisories.discarding,            \
      POLICY_FOR_TOPICS, 0, 0, "false", .family = NULL,                        \
      "The same to MessageDiscarded.> for each one that was discarded "        \
      "because its subscription is slow.")                                     \
    X("advisoryForSlowConsumers", BOOL, advisories.slow_consumers,             \
      POLICY_FOR_ALL, 0, 0, "false", .family = NULL,                           \
      "The same to SlowConsumer.> for each consumer that becomes slow.")       \
    X("advisoryForFastProducers", BOOL, advisories.fast_producers,             \
      POLICY_FOR_ALL, 0, 0, "false", .family = NULL,                           \
      "The same to FastProducer.> for each producer that sends while the "     \
      "memory is full.")                                                       \
    X("advisoryWhenFull", BOOL, advisories.when_full, POLICY_FOR_ALL, 0, 0,    \
      "false", .family = NULL,                                                 \
      "The same to FULL.> when the memory of the destination becomes "         \
      "full.")                                                                 \
    X("sendAdvisoryIfNoConsumers", BOOL, advisories.no_consumers,              \
      POLICY_FOR_ALL, 0, 0, "false", .family = NULL,                           \
      "Send a message that is not persistent and that nobody is there "        \
      "for to ActiveMQ.Advisory.NoConsumer.> instead.")                        \
    X("includeBodyForAdvisory", BOOL, advisories.include_body, POLICY_FOR_ALL, \
      0, 0, "false", .family = NULL,                                           \
      "Give the message that an advisory is about with its body.")             \
    X("gcInactiveDestinations", BOOL, gc_inactive_destinations,                \
      POLICY_FOR_ALL, 0, 0, "true", .family = NULL,                            \
      "Remove the destination when it is empty and nobody has used it "        \
      "for inactiveTimeoutBeforeGC.")                                          \
    X("inactiveTimeoutBeforeGC", DURATION_US, inactive_timeout_us,             \
      POLICY_FOR_ALL, 1, POLICY_DURATION_MAX, "\"1m\"", .family = NULL,        \
      "How long that is.")                                                     \
    X("maxDestinations", INTEGER, max_destinations, POLICY_FOR_ALL, -1,        \
      INT32_MAX, "-1", .family = NULL,                                         \
      "How many destinations the entry may be for; a SEND or SUBSCRIBE "       \
      "that would make one more is refused. -1 is no limit.")                  \
    X("allowTempDestinationStealing", BOOL, allow_temp_destination_stealing,   \
      POLICY_FOR_TEMP_QUEUE | POLICY_FOR_TEMP_TOPIC, 0, 0, "false",            \
      .family = NULL,                                                          \
      "Let other connections consume from a temporary destination than "       \
      "the one that made it.")

/* X(strategy or NULL = each, name, type, field, min, max, default, what the
 *   type needs, help), MUST for what must be given */
#define POLICY_DISPATCH_PARAMETERS(X)                                          \
    X("clientIdFilter", "ptpClientId", STRING,                                 \
      topic_dispatch_parameters.ptp_client_id, 0, 0, "\"PTP_CLIENTID\"",       \
      .family = NULL, "The header that names the client.")                     \
    X("clientIdFilter", "ptpSuffix", STRING,                                   \
      topic_dispatch_parameters.ptp_suffix, 0, 0, "\".PTP\"", .family = NULL,  \
      "How the name of such a topic ends.")

#define POLICY_MESSAGE_GROUP_PARAMETERS(X)                                     \
    X("cached", "cacheSize", COUNT, message_group_parameters.cache_size, 1,    \
      POLICY_GROUPS_MAX, "1024", .family = NULL,                               \
      "How many groups are remembered.")                                       \
    X("bucket", "bucketCount", COUNT, message_group_parameters.bucket_count,   \
      1, POLICY_GROUPS_MAX, "1024", .family = NULL,                            \
      "How many places there are.")                                            \
    X("bucket", "cacheSize", COUNT,                                            \
      message_group_parameters.bucket_cache_size, 1, POLICY_GROUPS_MAX, "64",  \
      .family = NULL,                                                          \
      "Read because files of ActiveMQ have it; a place needs no cache "        \
      "here.")

#define POLICY_RECOVERY_PARAMETERS(X, MUST)                                    \
    X("fixedCount", "maximumSize", COUNT, recovery_parameters.count, 1,        \
      POLICY_KEEP_MAX, "100", .family = NULL, "How many messages are kept.")   \
    X("fixedSized", "maximumSize", SIZE, recovery_parameters.bytes, 1,         \
      POLICY_SIZE_MAX, "\"64kb\"", .family = NULL,                             \
      "How many bytes of headers and bodies are kept.")                        \
    X("fixedSized", "useSharedBuffer", BOOL,                                   \
      recovery_parameters.shared_buffer, 0, 0, "true", .family = NULL,         \
      "Read because files of ActiveMQ have it; either way each topic has "     \
      "its own.")                                                              \
    X("timed", "recoverDuration", DURATION_US,                                 \
      recovery_parameters.duration_us, 1, POLICY_DURATION_MAX, "\"1m\"",       \
      .family = NULL, "How long a message is kept.")                           \
    MUST("queryBased", "query", STRING, recovery_parameters.query, 0, 0, NULL, \
         .text = policy_check_selector,                                        \
         "The selector: SQL-92, as in a SUBSCRIBE.")                           \
    X("queryBased", "maximumSize", COUNT, recovery_parameters.count, 1,        \
      POLICY_KEEP_MAX, "100", .family = NULL, "How many messages are kept.")   \
    X("retainedMessage", "wrapped", STRATEGY, recovery_parameters.wrapped, 0,  \
      0, "\"none\"", .family = &policy_family_recovery_wrapped,                \
      "What is kept beside the retained message.")

#define POLICY_PENDING_LIMIT_PARAMETERS(X)                                     \
    X("constant", "limit", INTEGER, pending_limit_parameters.limit, -1,        \
      INT32_MAX, "-1", .family = NULL,                                         \
      "The number of messages; -1 is no limit.")                               \
    X("prefetchRate", "multiplier", REAL, pending_limit_parameters.multiplier, \
      0, 1000000, "0.5", .family = NULL,                                       \
      "Times the prefetch is the number of messages.")

#define POLICY_PENDING_BYTES_KEYS(X)                                           \
    X(NULL, "hard", SIZE, pending_bytes.hard, 0, POLICY_SIZE_MAX, "0",         \
      .family = NULL,                                                          \
      "Above it messages are discarded at once; 0 is no limit.")               \
    X(NULL, "soft", SIZE, pending_bytes.soft, 0, POLICY_SIZE_MAX, "0",         \
      .family = NULL,                                                          \
      "Above it they are discarded when it has been passed for softTime; "     \
      "0 is no limit.")                                                        \
    X(NULL, "softTime", DURATION_US, pending_bytes.soft_us, 0,                 \
      POLICY_DURATION_MAX, "\"1m\"", .family = NULL, "How long that is.")

#define POLICY_EVICTION_PARAMETERS(X)                                          \
    X("uniqueProperty", "propertyName", STRING, eviction_parameters.property,  \
      0, 0, NULL, .family = NULL, "The header.")

#define POLICY_SLOW_CONSUMER_PARAMETERS(X)                                     \
    X(NULL, "maxSlowCount", INTEGER, slow_consumer_parameters.max_slow_count,  \
      -1, INT32_MAX, "-1", .family = NULL,                                     \
      "At so many checks in a row that find it slow it is cut off; -1 is "     \
      "no limit.")                                                             \
    X(NULL, "maxSlowDuration", DURATION_US,                                    \
      slow_consumer_parameters.max_slow_us, -1, POLICY_DURATION_MAX,           \
      "\"30s\"", .family = NULL,                                               \
      "After so long it is cut off; -1 is no limit.")                          \
    X(NULL, "checkPeriod", DURATION_US,                                        \
      slow_consumer_parameters.check_period_us, 10, POLICY_DURATION_MAX,       \
      "\"30s\"", .family = NULL, "How often consumers are looked at.")         \
    X(NULL, "abortConnection", BOOL,                                           \
      slow_consumer_parameters.abort_connection, 0, 0, "false",                \
      .family = NULL, "Close its connection, not only its subscription.")      \
    X("abortSlowAckConsumer", "maxTimeSinceLastAck", DURATION_US,              \
      slow_consumer_parameters.max_since_ack_us, -1, POLICY_DURATION_MAX,      \
      "\"30s\"", .family = NULL,                                               \
      "How long after its last acknowledgement it counts as slow; -1 is "      \
      "never.")                                                                \
    X("abortSlowAckConsumer", "ignoreIdleConsumers", BOOL,                     \
      slow_consumer_parameters.ignore_idle_consumers, 0, 0, "true",            \
      .family = NULL, "Not when it has no message to acknowledge.")

#define POLICY_DEAD_LETTER_PARAMETERS(X)                                       \
    X("shared", "deadLetterQueue", STRING, dead_letter_parameters.queue, 0, 0, \
      "\"ActiveMQ.DLQ\"", .family = NULL, "The name of the queue.")            \
    X("individual", "queuePrefix", STRING,                                     \
      dead_letter_parameters.queue_prefix, 0, 0, "\"ActiveMQ.DLQ.Queue.\"",    \
      .family = NULL, "What stands before the name of a queue.")               \
    X("individual", "topicPrefix", STRING,                                     \
      dead_letter_parameters.topic_prefix, 0, 0, "\"ActiveMQ.DLQ.Topic.\"",    \
      .family = NULL, "What stands before the name of a topic.")               \
    X("individual", "queueSuffix", STRING,                                     \
      dead_letter_parameters.queue_suffix, 0, 0, NULL, .family = NULL,         \
      "What stands behind the name of a queue.")                               \
    X("individual", "topicSuffix", STRING,                                     \
      dead_letter_parameters.topic_suffix, 0, 0, NULL, .family = NULL,         \
      "What stands behind the name of a topic.")                               \
    X("individual", "useQueueForQueueMessages", BOOL,                          \
      dead_letter_parameters.use_queue_for_queue_messages, 0, 0, "true",       \
      .family = NULL, "Send what was for a queue to a queue, not a topic.")    \
    X("individual", "useQueueForTopicMessages", BOOL,                          \
      dead_letter_parameters.use_queue_for_topic_messages, 0, 0, "true",       \
      .family = NULL, "Send what was for a topic to a queue, not a topic.")    \
    X("individual", "destinationPerDurableSubscriber", BOOL,                   \
      dead_letter_parameters.per_durable_subscriber, 0, 0, "false",            \
      .family = NULL,                                                          \
      "One for each durable subscription to a topic: a dot, the "              \
      "client-id, a colon and its name stand before the suffix.")              \
    X(NULL, "processNonPersistent", SWITCH,                                    \
      dead_letter_parameters.process_non_persistent, 0, 0, NULL,               \
      .family = NULL,                                                          \
      "Keep messages that are not persistent too. Without it those that "      \
      "consumers refused are kept; those that expired, or that a slow "        \
      "subscription lost, are not.")                                           \
    X(NULL, "processExpired", BOOL, dead_letter_parameters.process_expired, 0, \
      0, "true", .family = NULL, "Keep messages that have expired too.")       \
    X(NULL, "expiration", DURATION_US, dead_letter_parameters.expiration_us,   \
      0, INT64_C(366) * 24 * 3600 * 1000, "0", .family = NULL,                 \
      "How long a dead letter is kept; 0 is without end.")                     \
    X(NULL, "enableAudit", BOOL, dead_letter_parameters.enable_audit, 0, 0,    \
      "true", .family = NULL,                                                  \
      "Keep a message of a topic only once, however many subscriptions "       \
      "lose it.")                                                              \
    X(NULL, "maxProducersToAudit", UINT32,                                     \
      dead_letter_parameters.max_producers_to_audit, 1, POLICY_PREFETCH_MAX,   \
      "64", .family = NULL,                                                    \
      "Has no effect, and is read because files of ActiveMQ have it. There "   \
      "it bounds a table of what has been kept; here each message knows "      \
      "that of itself, so that nothing is to be bounded or forgotten.")        \
    X(NULL, "maxAuditDepth", UINT32, dead_letter_parameters.max_audit_depth,   \
      1, POLICY_PREFETCH_MAX, "2048", .family = NULL,                          \
      "Has no effect: see maxProducersToAudit.")

#define POLICY_REDELIVERY_KEYS(X)                                              \
    X(NULL, "maximumRedeliveries", INTEGER, redelivery.maximum, -1,            \
      POLICY_REDELIVERIES_MAX, "6", .family = NULL,                            \
      "How often after the first time; -1 is no limit, 0 is never.")           \
    X(NULL, "initialRedeliveryDelay", DURATION_US,                             \
      redelivery.initial_delay_us, 0, POLICY_DURATION_MAX, "0",                \
      .family = NULL, "How long the message waits the first time.")            \
    X(NULL, "redeliveryDelay", DURATION_US, redelivery.delay_us, 0,            \
      POLICY_DURATION_MAX, "0", .family = NULL,                                \
      "How long it waits from then on.")                                       \
    X(NULL, "useExponentialBackOff", BOOL, redelivery.exponential, 0, 0,       \
      "false", .family = NULL,                                                 \
      "Multiply the wait each time by backOffMultiplier, from "                \
      "initialRedeliveryDelay on, or redeliveryDelay, or one second when "     \
      "both are 0.")                                                           \
    X(NULL, "backOffMultiplier", REAL, redelivery.multiplier, 1, 1000000, "5", \
      .family = NULL, "The factor.")                                           \
    X(NULL, "maximumRedeliveryDelay", DURATION_US,                             \
      redelivery.maximum_delay_us, -1, POLICY_DURATION_MAX, "-1",              \
      .family = NULL, "The longest wait; -1 is no limit.")                     \
    X(NULL, "useCollisionAvoidance", BOOL, redelivery.collision_avoidance, 0,  \
      0, "false", .family = NULL,                                              \
      "Make each wait shorter or longer by chance, so that not all come "      \
      "back at once.")                                                         \
    X(NULL, "collisionAvoidanceFactor", REAL, redelivery.collision_factor, 0,  \
      1, "0.15", .family = NULL, "By what part of it at most.")

/* X as before, MUST for what must be given; the target is a struct
 * virtual_destination. */
#define POLICY_VIRTUAL_PARAMETERS(X, MUST)                                     \
    X("virtualTopic", "name", CUSTOM, name, 0, 0, "\"VirtualTopic.>\"",        \
      .custom = &policy_virtual_name, "The topics: a name or a pattern.")      \
    X("virtualTopic", "prefix", STRING, prefix, 0, 0, "\"Consumer.*.\"",       \
      .family = NULL,                                                          \
      "What stands before the name of the topic in that of the queue.")        \
    X("virtualTopic", "postfix", STRING, postfix, 0, 0, NULL, .family = NULL,  \
      "What stands behind it.")                                                \
    X("virtualTopic", "selectorAware", BOOL, selector_aware, 0, 0, "false",    \
      .family = NULL,                                                          \
      "Copy only to queues of which a consumer that is there selects the "     \
      "message.")                                                              \
    MUST("mirroredQueue", "name", CUSTOM, name, 0, 0, NULL,                    \
         .custom = &policy_virtual_name, "The queues: a name or a pattern.")   \
    X("mirroredQueue", "prefix", STRING, prefix, 0, 0,                         \
      "\"VirtualTopic.Mirror.\"", .family = NULL,                              \
      "What stands before the name of the queue in that of the topic.")        \
    X("mirroredQueue", "postfix", STRING, postfix, 0, 0, NULL, .family = NULL, \
      "What stands behind it.")                                                \
    POLICY_VIRTUAL_COMPOSITE(X, MUST, "compositeQueue", "The queues")          \
    POLICY_VIRTUAL_COMPOSITE(X, MUST, "compositeTopic", "The topics")

#define POLICY_VIRTUAL_COMPOSITE(X, MUST, type, sources)                       \
    MUST(type, "name", CUSTOM, name, 0, 0, NULL,                               \
         .custom = &policy_virtual_name, sources ": a name or a pattern.")     \
    MUST(type, "forwardTo", CUSTOM, targets, 0, 0, NULL,                       \
         .custom = &policy_virtual_targets,                                    \
         "The targets: texts like \"/queue/A\" or \"/topic/A\", or "           \
         "objects of queue or topic and, for a part of the messages, "         \
         "selector.")                                                          \
    X(type, "forwardOnly", BOOL, forward_only, 0, 0, "true", .family = NULL,   \
      "What is sent goes to the targets only.")                                \
    X(type, "sendWhenNotMatched", BOOL, send_when_not_matched, 0, 0, "false",  \
      .family = NULL,                                                          \
      "But where it was sent to when no target's selector matches.")
