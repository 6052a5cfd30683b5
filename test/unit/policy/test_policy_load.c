/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_load.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "policy/policy_schema.h"
#include "test/testutil.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct faults faults;

static const struct policy *
find(struct policy_map *map, enum destination_kind kind, const char *name)
{
    return policy_map_find(map, kind, span_of_text(name));
}

static struct policy_map *
load(const char *text)
{
    struct policy_map *map = NULL;
    int status = policy_load_text(span_of_text(text), "p", &map, &faults);

    ck_assert_msg(status == 0, "%u:%u: %s", faults.errors[0].line,
                  faults.errors[0].column, faults.errors[0].text);
    ck_assert_uint_eq(faults.total, 0);
    return map;
}

START_TEST(the_example_loads_as_it_is_printed)
{
    const char *top = getenv("top_srcdir");
    char *path =
        xasprintf("%s/etc/policy.example.json", top != NULL ? top : "..");
    struct policy_map *map = NULL;
    const struct policy *policy;

    ck_assert_int_eq(policy_load_file(path, &map, &faults), 0);
    policy = find(map, DESTINATION_TOPIC, "FOO.A.B");
    ck_assert_str_eq(policy->pattern, "FOO.>");
    ck_assert_uint_eq(policy->line, 3);
    ck_assert_ptr_eq(policy->topic_dispatch, &dispatch_round_robin);
    ck_assert_ptr_eq(policy->recovery, &recovery_last_image);
    policy = find(map, DESTINATION_TOPIC, "ORDERS.1");
    ck_assert_ptr_eq(policy->topic_dispatch, &dispatch_strict_order);
    ck_assert_ptr_eq(policy->recovery, &recovery_timed);
    ck_assert_int_eq(policy->recovery_parameters.duration_us, 60000000);
    policy = find(map, DESTINATION_TOPIC, "PRICES.X");
    ck_assert_ptr_eq(policy->pending_limit, &pending_limit_constant);
    ck_assert_int_eq(policy->pending_limit_parameters.limit, 10);
    ck_assert_int_eq(policy->recovery_parameters.duration_us, 10000000);
    policy = find(map, DESTINATION_QUEUE, "JOBS.A");
    ck_assert_ptr_eq(policy->queue_dispatch, &dispatch_queue_strict_order);
    ck_assert_uint_eq(policy->queue_prefetch, 1);
    ck_assert(find(map, DESTINATION_TEMP_TOPIC, "t")->advisories.consumed);
    ck_assert(find(map, DESTINATION_TEMP_QUEUE, "t")->advisories.consumed);
    ck_assert_str_eq(find(map, DESTINATION_QUEUE, "FOO.A")->pattern, "");
    policy_map_free(&map);
    free(path);
}
END_TEST

START_TEST(every_key_is_stored)
{
    struct policy_map *map =
        load("{ \"$schema\": \"x\", \"policies\": ["
             "{ \"topic\": \"T\", \"alwaysRetroactive\": true,"
             "  \"subscriptionRecoveryPolicy\":"
             "    { \"fixedCountSubscriptionRecoveryPolicy\":"
             "      { \"maximumSize\": 7 } },"
             "  \"pendingMessageLimitStrategy\":"
             "    { \"prefetchRate\": { \"multiplier\": 2 } },"
             "  \"messageEvictionStrategy\": \"oldestWithLowestPriority\","
             "  \"topicPrefetch\": 11, \"durableTopicPrefetch\": 12,"
             "  \"useAsyncSend\": true, \"deliveryMode\": \"nonPersistent\" },"
             "{ \"queue\": \"Q\", \"queueBrowserPrefetch\": 13,"
             "  \"useAsyncSend\": false, \"deliveryMode\": \"persistent\","
             "  \"redeliveryPolicy\": { \"maximumRedeliveries\": -1 },"
             "  \"deadLetterStrategy\": { \"individual\":"
             "    { \"queuePrefix\": \"D.\", \"topicPrefix\": \"E.\","
             "      \"processNonPersistent\": true,"
             "      \"processExpired\": false } } } ],"
             "\"default\": { \"queuePrefetch\": 14, \"topicPrefetch\": 15,"
             "  \"deadLetterStrategy\":"
             "    { \"shared\": { \"deadLetterQueue\": \"DEAD\" } } } }");
    const struct policy *policy = find(map, DESTINATION_TOPIC, "T");

    ck_assert(policy->always_retroactive);
    ck_assert_ptr_eq(policy->recovery, &recovery_fixed_count);
    ck_assert_uint_eq(policy->recovery_parameters.count, 7);
    ck_assert_ptr_eq(policy->pending_limit, &pending_limit_prefetch_rate);
    ck_assert(policy->pending_limit_parameters.multiplier == 2.0);
    ck_assert_ptr_eq(policy->eviction, &eviction_oldest_lowest_priority);
    ck_assert_uint_eq(policy->topic_prefetch, 11);
    ck_assert_uint_eq(policy->durable_topic_prefetch, 12);
    ck_assert_int_eq(policy->use_async_send, POLICY_ON);
    ck_assert_int_eq(policy->delivery_mode, POLICY_DELIVERY_NON_PERSISTENT);
    policy = find(map, DESTINATION_QUEUE, "Q");
    ck_assert_uint_eq(policy->queue_browser_prefetch, 13);
    ck_assert_int_eq(policy->use_async_send, POLICY_OFF);
    ck_assert_int_eq(policy->delivery_mode, POLICY_DELIVERY_PERSISTENT);
    ck_assert_int_eq(policy->redelivery.maximum, -1);
    ck_assert_ptr_eq(policy->dead_letter, &dead_letter_individual);
    ck_assert_str_eq(policy->dead_letter_parameters.queue_prefix, "D.");
    ck_assert_str_eq(policy->dead_letter_parameters.topic_prefix, "E.");
    ck_assert_int_eq(policy->dead_letter_parameters.process_non_persistent,
                     POLICY_ON);
    ck_assert(!policy->dead_letter_parameters.process_expired);
    policy = find(map, DESTINATION_TEMP_QUEUE, "other");
    ck_assert_uint_eq(policy->queue_prefetch, 14);
    ck_assert_uint_eq(policy->topic_prefetch, 15);
    ck_assert_str_eq(policy->dead_letter_parameters.queue, "DEAD");
    policy_map_free(&map);
}
END_TEST

/* Every spelling of a strategy, and the pointer that it must give. */
static const struct {
    const char *key;
    const char *value;
    const void *strategy;
} spellings[] = {
    { "dispatchPolicy", "simple", &dispatch_simple },
    { "dispatchPolicy", "roundRobinDispatchPolicy", &dispatch_round_robin },
    { "dispatchPolicy", "strictOrderDispatchPolicy", &dispatch_strict_order },
    { "subscriptionRecoveryPolicy", "none", &recovery_none },
    { "subscriptionRecoveryPolicy", "no", &recovery_none },
    { "subscriptionRecoveryPolicy", "noSubscriptionRecoveryPolicy",
      &recovery_none },
    { "subscriptionRecoveryPolicy", "lastImageSubscriptionRecoveryPolicy",
      &recovery_last_image },
    { "subscriptionRecoveryPolicy", "fixedCount", &recovery_fixed_count },
    { "subscriptionRecoveryPolicy", "timedSubscriptionRecoveryPolicy",
      &recovery_timed },
    { "pendingMessageLimitStrategy", "constantPendingMessageLimitStrategy",
      &pending_limit_constant },
    { "pendingMessageLimitStrategy", "prefetchRate",
      &pending_limit_prefetch_rate },
    { "messageEvictionStrategy", "oldest", &eviction_oldest },
    { "messageEvictionStrategy", "oldestMessage", &eviction_oldest },
    { "messageEvictionStrategy", "oldestMessageEvictionStrategy",
      &eviction_oldest },
    { "messageEvictionStrategy", "oldestMessageWithLowestPriority",
      &eviction_oldest_lowest_priority },
    { "messageEvictionStrategy",
      "oldestMessageWithLowestPriorityEvictionStrategy",
      &eviction_oldest_lowest_priority },
    { "dispatchPolicy", "priority", &dispatch_priority },
    { "dispatchPolicy", "priorityNetworkDispatchPolicy",
      &dispatch_priority_network },
    { "dispatchPolicy", "clientIdFilterDispatchPolicy",
      &dispatch_client_id_filter },
    { "subscriptionRecoveryPolicy", "fixedSizedSubscriptionRecoveryPolicy",
      &recovery_fixed_sized },
    { "subscriptionRecoveryPolicy", "retainedMessage", &recovery_retained },
    { "slowConsumerStrategy", "abortSlowConsumerStrategy",
      &slow_consumer_abort },
    { "slowConsumerStrategy", "abortSlowAckConsumer",
      &slow_consumer_abort_ack },
    { "deadLetterStrategy", "sharedDeadLetterStrategy", &dead_letter_shared },
    { "deadLetterStrategy", "individual", &dead_letter_individual },
    { "deadLetterStrategy", "discarding", &dead_letter_discarding },
};

static bool
uses_strategy(const struct policy *policy, const void *strategy)
{
    return policy->topic_dispatch == strategy || policy->recovery == strategy ||
           policy->pending_limit == strategy || policy->eviction == strategy ||
           policy->slow_consumer == strategy || policy->dead_letter == strategy;
}

START_TEST(a_strategy_goes_by_every_name_of_activemqs)
{
    static const char *const forms[] = {
        "{\"policies\": [{\"topic\": \"T\", \"%s\": \"%s\"}]}",
        "{\"policies\": [{\"topic\": \"T\", \"%s\": {\"%s\": {}}}]}",
    };

    for (size_t i = 0; i < 2; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        char *text =
            xasprintf(forms[i], spellings[_i].key, spellings[_i].value);
#pragma GCC diagnostic pop
        struct policy_map *map = load(text);

        ck_assert(uses_strategy(find(map, DESTINATION_TOPIC, "T"),
                                spellings[_i].strategy));
        policy_map_free(&map);
        free(text);
    }
}
END_TEST

START_TEST(a_composite_pattern_adds_all_of_its_parts)
{
    struct policy_map *map =
        load("{\"policies\":[{\"topic\":\"A.>, B.>\",\"topicPrefetch\":9}]}");

    ck_assert_uint_eq(find(map, DESTINATION_TOPIC, "A.1")->topic_prefetch, 9);
    ck_assert_uint_eq(find(map, DESTINATION_TOPIC, "B.1")->topic_prefetch, 9);
    ck_assert_ptr_eq(find(map, DESTINATION_TOPIC, "A"),
                     find(map, DESTINATION_TOPIC, "B"));
    policy_map_free(&map);
}
END_TEST

START_TEST(an_empty_object_gives_activemqs_defaults)
{
    struct policy_map *map = load("{}");

    ck_assert_uint_eq(find(map, DESTINATION_QUEUE, "Q")->queue_prefetch, 1000);
    policy_map_free(&map);
}
END_TEST

START_TEST(durations_are_milliseconds_or_have_a_unit)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        { "1500", 1500000 },      { "\"250ms\"", 250000 },
        { "\"10s\"", 10000000 },  { "\"5m\"", 300000000 },
        { "\"1h\"", 3600000000 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = xasprintf("{\"policies\":[{\"topic\":\"T\","
                               "\"subscriptionRecoveryPolicy\":{\"timed\":"
                               "{\"recoverDuration\":%s}}}]}",
                               rows[i].text);
        struct policy_map *map = load(text);

        ck_assert_int_eq(
            find(map, DESTINATION_TOPIC, "T")->recovery_parameters.duration_us,
            rows[i].us);
        policy_map_free(&map);
        free(text);
    }
}
END_TEST

/* What copies a message that is sent to a destination: their lines. */
struct copied {
    unsigned lines[8];
    size_t count;
    const struct virtual_destination *last;
};

static void
copied_add(void *ctx, struct virtual_destination *virtual)
{
    struct copied *copied = ctx;

    copied->lines[copied->count++] = virtual->line;
    copied->last = virtual;
}

static struct copied
copied_of(const struct policy_map *map, enum destination_kind kind,
          const char *name)
{
    struct copied copied = { .count = 0 };

    policy_map_visit_virtuals(map, kind, span_of_text(name), copied_add,
                              &copied);
    return copied;
}

START_TEST(without_virtual_destinations_there_is_activemqs_virtual_topic)
{
    struct policy_map *map = load("{}");
    struct copied copied =
        copied_of(map, DESTINATION_TOPIC, "VirtualTopic.Orders");
    struct buf name = BUF_INIT;

    ck_assert_uint_eq(copied.count, 1);
    ck_assert_ptr_eq(copied.last->type, &virtual_topic);
    ck_assert_uint_eq(copied.last->line, 0);
    virtual_destination_append_name(copied.last, SPAN("VirtualTopic.Orders"),
                                    &name);
    ck_assert(
        span_equal(buf_span(&name), SPAN("Consumer.*.VirtualTopic.Orders")));
    ck_assert_uint_eq(copied_of(map, DESTINATION_TOPIC, "Orders").count, 0);
    ck_assert_uint_eq(
        copied_of(map, DESTINATION_QUEUE, "VirtualTopic.Orders").count, 0);
    buf_fini(&name);
    policy_map_free(&map);
    map = load("{\"virtualDestinations\": []}");
    ck_assert_uint_eq(
        copied_of(map, DESTINATION_TOPIC, "VirtualTopic.Orders").count, 0);
    policy_map_free(&map);
}
END_TEST

START_TEST(every_key_of_a_virtual_destination_is_stored)
{
    struct policy_map *map =
        load("{\"virtualDestinations\": [\n"
             "{\"virtualTopic\":{\"name\":\"VT.>\",\"prefix\":\"C.*.\","
             " \"postfix\":\".q\", \"selectorAware\":true}},\n"
             "{\"compositeQueue\":{\"name\":\"A\",\"forwardTo\":[\"/queue/B\","
             " {\"topic\":\"C\",\"selector\":\"x = 1\"}],\"forwardOnly\":false,"
             " \"sendWhenNotMatched\":true}},\n"
             "{\"compositeTopic\":{\"name\":\"A\","
             " \"forwardTo\":[{\"queue\":\"A\"},\"/topic/B\"]}},\n"
             "{\"mirroredQueue\":{\"name\":\">\"}},\n"
             "{\"mirroredQueue\":{\"name\":\"A.>\",\"postfix\":\".m\"}}]}");
    struct copied copied = copied_of(map, DESTINATION_TOPIC, "VT.1");
    struct virtual_destination *kept;

    ck_assert_uint_eq(copied.count, 1);
    ck_assert(copied.last->selector_aware);
    ck_assert_str_eq(copied.last->prefix, "C.*.");
    ck_assert_str_eq(copied.last->postfix, ".q");
    copied = copied_of(map, DESTINATION_QUEUE, "A");
    ck_assert_uint_eq(copied.count, 3);
    ck_assert_uint_eq(copied.lines[0], 3);
    ck_assert_uint_eq(copied.lines[1], 6);
    ck_assert_uint_eq(copied.lines[2], 5);
    ck_assert_str_eq(copied.last->prefix, "VirtualTopic.Mirror.");
    ck_assert_ptr_null(copied.last->postfix);
    copied = copied_of(map, DESTINATION_TOPIC, "A");
    ck_assert_uint_eq(copied.count, 1);
    ck_assert(copied.last->forward_only);
    ck_assert(!copied.last->send_when_not_matched);
    ck_assert_uint_eq(copied.last->target_count, 2);
    ck_assert_int_eq(copied.last->targets[0].kind, DESTINATION_QUEUE);
    ck_assert_str_eq(copied.last->targets[0].name, "A");
    ck_assert_int_eq(copied.last->targets[1].kind, DESTINATION_TOPIC);
    ck_assert_str_eq(copied.last->targets[1].name, "B");
    ck_assert_ptr_null(copied.last->targets[1].selector);
    kept = virtual_destination_ref(
        (struct virtual_destination *)(uintptr_t)copied.last);
    policy_map_free(&map);
    ck_assert_str_eq(kept->name, "A"); /* outlives its map */
    virtual_destination_unref(&kept);
}
END_TEST

START_TEST(the_targets_of_a_composite_may_have_selectors)
{
    struct policy_map *map =
        load("{\"virtualDestinations\": [{\"compositeQueue\":{\"name\":\"A.*\","
             "\"forwardTo\":[{\"queue\":\"B\",\"selector\":\"x = 1\"}],"
             "\"sendWhenNotMatched\":true,\"forwardOnly\":false}}]}");
    struct copied copied = copied_of(map, DESTINATION_QUEUE, "A.1");

    ck_assert_uint_eq(copied.count, 1);
    ck_assert_str_eq(copied.last->targets[0].selector, "x = 1");
    ck_assert(copied.last->send_when_not_matched);
    ck_assert(!copied.last->forward_only);
    policy_map_free(&map);
}
END_TEST

START_TEST(the_example_shows_every_key)
{
    const char *top = getenv("top_srcdir");
    char *path =
        xasprintf("%s/etc/policy.example.json", top != NULL ? top : "..");
    json_t *root = json_load_file(path, 0, NULL);
    size_t index;
    json_t *entry;

    ck_assert_ptr_nonnull(root);
    for (size_t i = 0; i < policy_schema_keys.count; i++) {
        const char *key = policy_schema_keys.rows[i].name;
        bool shown = false;

        json_array_foreach(json_object_get(root, "policies"), index, entry)
        {
            shown = shown || json_object_get(entry, key) != NULL;
        }
        ck_assert_msg(shown, "the example has no %s", key);
    }
    json_decref(root);
    free(path);
}
END_TEST

/* A value for each key, and that it is the value of the policy. */
static const struct {
    const char *kind;
    const char *member;
    size_t offset;
    size_t size;
    int64_t value;
} stored[] = {
#define ROW(kind, member, field, value_)                                       \
    {                                                                          \
        kind, member, offsetof(struct policy, field),                          \
            sizeof(((struct policy *)NULL)->field), value_                     \
    }
    ROW("queue", "\"useConsumerPriority\":false", use_consumer_priority, 0),
    ROW("queue", "\"allConsumersExclusiveByDefault\":true",
        all_consumers_exclusive, 1),
    ROW("queue", "\"consumersBeforeDispatchStarts\":3",
        consumers_before_dispatch, 3),
    ROW("queue", "\"timeBeforeDispatchStarts\":\"2s\"", time_before_dispatch_us,
        2000000),
    ROW("queue", "\"prioritizedMessages\":true", prioritized_messages, 1),
    ROW("topic", "\"prioritizedMessages\":true", prioritized_messages, 1),
    ROW("queue", "\"lazyDispatch\":true", lazy_dispatch, 1),
    ROW("queue", "\"persistJMSRedelivered\":true", persist_jms_redelivered, 1),
    ROW("queue", "\"rebalanceMessageGroups\":true", rebalance_message_groups,
        1),
    ROW("queue", "\"messageGroupMapFactoryType\":\"bucket?bucketCount=16\"",
        message_group_parameters.bucket_count, 16),
    ROW("queue",
        "\"messageGroupMapFactoryType\":\"bucket?cacheSize=9&bucketCount=8\"",
        message_group_parameters.bucket_count, 8),
    ROW("queue", "\"messageGroupMapFactoryType\":\"cached?cacheSize=5\"",
        message_group_parameters.cache_size, 5),
    ROW("queue",
        "\"messageGroupMapFactoryType\":{\"bucket\":{\"cacheSize\":7}}",
        message_group_parameters.bucket_cache_size, 7),
    ROW("topic", "\"markRecoveredMessages\":true", mark_recovered, 1),
    ROW("topic", "\"pendingMessageByteLimit\":{\"hard\":\"1mb\"}",
        pending_bytes.hard, 1048576),
    ROW("topic", "\"pendingMessageByteLimit\":{\"soft\":\"1kb\"}",
        pending_bytes.soft, 1024),
    ROW("topic", "\"pendingMessageByteLimit\":{\"softTime\":\"5s\"}",
        pending_bytes.soft_us, 5000000),
    ROW("topic",
        "\"subscriptionRecoveryPolicy\":"
        "{\"fixedSized\":{\"maximumSize\":\"1kb\"}}",
        recovery_parameters.bytes, 1024),
    ROW("topic",
        "\"subscriptionRecoveryPolicy\":"
        "{\"fixedSized\":{\"useSharedBuffer\":false}}",
        recovery_parameters.shared_buffer, 0),
    ROW("topic",
        "\"subscriptionRecoveryPolicy\":"
        "{\"queryBased\":{\"query\":\"a=1\",\"maximumSize\":4}}",
        recovery_parameters.count, 4),
    ROW("topic",
        "\"subscriptionRecoveryPolicy\":{\"retainedMessage\":{\"wrapped\":"
        "{\"timed\":{\"recoverDuration\":\"3s\"}}}}",
        recovery_parameters.duration_us, 3000000),
    ROW("queue",
        "\"slowConsumerStrategy\":{\"abortSlowConsumer\":"
        "{\"maxSlowCount\":4}}",
        slow_consumer_parameters.max_slow_count, 4),
    ROW("topic",
        "\"slowConsumerStrategy\":{\"abortSlowConsumer\":"
        "{\"maxSlowDuration\":-1}}",
        slow_consumer_parameters.max_slow_us, -1),
    ROW("topic",
        "\"slowConsumerStrategy\":{\"abortSlowConsumer\":"
        "{\"checkPeriod\":\"1s\"}}",
        slow_consumer_parameters.check_period_us, 1000000),
    ROW("topic",
        "\"slowConsumerStrategy\":{\"abortSlowConsumer\":"
        "{\"abortConnection\":true}}",
        slow_consumer_parameters.abort_connection, 1),
    ROW("topic",
        "\"slowConsumerStrategy\":{\"abortSlowAckConsumerStrategy\":"
        "{\"maxTimeSinceLastAck\":\"4s\"}}",
        slow_consumer_parameters.max_since_ack_us, 4000000),
    ROW("topic",
        "\"slowConsumerStrategy\":{\"abortSlowAckConsumer\":"
        "{\"ignoreIdleConsumers\":false}}",
        slow_consumer_parameters.ignore_idle_consumers, 0),
#define DEAD(member) "\"deadLetterStrategy\":{\"individual\":{" member "}}"
    ROW("queue", DEAD("\"useQueueForQueueMessages\":false"),
        dead_letter_parameters.use_queue_for_queue_messages, 0),
    ROW("topic", DEAD("\"useQueueForTopicMessages\":false"),
        dead_letter_parameters.use_queue_for_topic_messages, 0),
    ROW("topic", DEAD("\"destinationPerDurableSubscriber\":true"),
        dead_letter_parameters.per_durable_subscriber, 1),
    ROW("topic", DEAD("\"expiration\":\"1h\""),
        dead_letter_parameters.expiration_us, 3600000000),
    ROW("topic", DEAD("\"enableAudit\":false"),
        dead_letter_parameters.enable_audit, 0),
    ROW("topic", DEAD("\"maxProducersToAudit\":3"),
        dead_letter_parameters.max_producers_to_audit, 3),
    ROW("topic", DEAD("\"maxAuditDepth\":4"),
        dead_letter_parameters.max_audit_depth, 4),
#define AGAIN(member) "\"redeliveryPolicy\":{" member "}"
    ROW("queue", AGAIN("\"initialRedeliveryDelay\":5"),
        redelivery.initial_delay_us, 5000),
    ROW("queue", AGAIN("\"redeliveryDelay\":\"2s\""), redelivery.delay_us,
        2000000),
    ROW("queue", AGAIN("\"useExponentialBackOff\":true"),
        redelivery.exponential, 1),
    ROW("queue", AGAIN("\"maximumRedeliveryDelay\":\"1m\""),
        redelivery.maximum_delay_us, 60000000),
    ROW("queue", AGAIN("\"useCollisionAvoidance\":true"),
        redelivery.collision_avoidance, 1),
    ROW("queue", "\"memoryLimit\":\"1mb\"", memory_limit.bytes, 1048576),
    ROW("topic", "\"memoryLimit\":\"25%\"", memory_limit.percent, 25),
    ROW("queue", "\"producerFlowControl\":false", producer_flow_control, 0),
    ROW("queue", "\"sendFailIfNoSpace\":true", send_fail_if_no_space,
        POLICY_ON),
    ROW("queue", "\"sendFailIfNoSpaceAfterTimeout\":3000", send_fail_after_us,
        3000000),
    ROW("queue", "\"cursorMemoryHighWaterMark\":1", cursor_memory_high_water,
        1),
    ROW("queue", "\"storeLimit\":\"1mb\"", store_limit.bytes, 1048576),
    ROW("queue", "\"storeLimit\":\"1%\"", store_limit.percent, 1),
    ROW("queue", "\"tempLimit\":1000", temp_limit.bytes, 1000),
    ROW("topic", "\"tempLimit\":\"100%\"", temp_limit.percent, 100),
    ROW("topic", "\"storeUsageHighWaterMark\":80", store_usage_high_water, 80),
    ROW("queue", "\"blockedProducerWarningInterval\":0",
        blocked_producer_warning_us, 0),
    ROW("queue", "\"expireMessagesPeriod\":0", expire_messages_period_us, 0),
    ROW("queue", "\"maxExpirePageSize\":7", max_expire_page_size, 7),
    ROW("queue", "\"advisoryForDelivery\":true", advisories.delivery, 1),
    ROW("queue", "\"advisoryForDispatched\":true", advisories.dispatched, 1),
    ROW("topic", "\"advisoryForDiscardingMessages\":true",
        advisories.discarding, 1),
    ROW("queue", "\"advisoryForSlowConsumers\":true", advisories.slow_consumers,
        1),
    ROW("queue", "\"advisoryForFastProducers\":true", advisories.fast_producers,
        1),
    ROW("queue", "\"advisoryWhenFull\":true", advisories.when_full, 1),
    ROW("queue", "\"sendAdvisoryIfNoConsumers\":true", advisories.no_consumers,
        1),
    ROW("queue", "\"includeBodyForAdvisory\":true", advisories.include_body, 1),
    ROW("queue", "\"gcInactiveDestinations\":false", gc_inactive_destinations,
        0),
    ROW("queue", "\"inactiveTimeoutBeforeGC\":\"5s\"", inactive_timeout_us,
        5000000),
    ROW("queue", "\"maxDestinations\":9", max_destinations, 9),
};

START_TEST(each_key_is_stored_where_the_core_looks)
{
    char *text = xasprintf("{\"policies\":[{\"%s\":\"A\",%s}]}",
                           stored[_i].kind, stored[_i].member);
    struct policy_map *map = load(text);
    const struct policy *policy =
        find(map,
             strcmp(stored[_i].kind, "queue") == 0 ? DESTINATION_QUEUE
                                                   : DESTINATION_TOPIC,
             "A");
    int64_t value = 0;

    memcpy(&value, (const char *)policy + stored[_i].offset, stored[_i].size);
    ck_assert_msg(value == stored[_i].value, "%s", stored[_i].member);
    policy_map_free(&map);
    free(text);
}
END_TEST

START_TEST(a_wrapped_policy_keeps_its_own_parameters)
{
    struct policy_map *map =
        load("{\"policies\":[{\"topic\":\"A\",\"subscriptionRecoveryPolicy\":"
             "{\"retainedMessage\":{\"wrapped\":{\"queryBased\":"
             "{\"query\":\"a = 1\"}}}}},"
             "{\"topic\":\"B\",\"messageEvictionStrategy\":{\"uniqueProperty\":"
             "{\"propertyName\":\"symbol\"}}}]}");
    const struct policy *policy = find(map, DESTINATION_TOPIC, "A");

    ck_assert_ptr_eq(policy->recovery, &recovery_retained);
    ck_assert_ptr_eq(policy->recovery_parameters.wrapped,
                     &recovery_query_based);
    ck_assert_str_eq(policy->recovery_parameters.query, "a = 1");
    policy = find(map, DESTINATION_TOPIC, "B");
    ck_assert_ptr_eq(policy->eviction, &eviction_unique_property);
    ck_assert_str_eq(policy->eviction_parameters.property, "symbol");
    policy_map_free(&map);
}
END_TEST

#define ENTRY(text) "{\"policies\":[\n" text "\n]}"
#define LIMIT_IS                                                               \
    "a size from 0b to 1024gb (bytes, or \"64kb\", \"1mb\", \"1gb\"), or a "   \
    "part from \"1%\" to \"100%\""
#define VIRTUAL(text) "{\"virtualDestinations\":[\n" text "\n]}"

/* What is wrong and the faults as they are printed. */
static const struct {
    const char *text;
    const char *printed;
} wrong[] = {
    /* Not JSON. */
    { "", "p:1:1: not JSON: '[' or '{' expected near end of file\n" },
    { "{\"a\": 1,\n \"a\": 2}",
      "p:2:4: not JSON: duplicate object key near '\"a\"'\n" },
    { "{\n]", "p:2:1: not JSON: string or '}' expected near ']'\n" },
    { "[]", "p:1:1: found an empty array where an object is expected\n" },
    /* The file. */
    { "{\"polices\": []}",
      "p:1:2: unknown key \"polices\" (did you mean \"policies\"?)\n" },
    { "{\"x y z\": []}",
      "p:1:2: unknown key \"x y z\"; known here: policies, default, "
      "virtualDestinations, plugins, $schema\n" },
    { "{\"policies\": {}}",
      "p:1:14: policies: found an empty object where an array of entries is "
      "expected\n" },
    { "{\"$schema\": 1}",
      "p:1:13: $schema: found 1 where the address of a JSON Schema is "
      "expected\n" },
    /* What an entry is for. */
    { ENTRY("7"), "p:2:1: policies[0]: found 7 where an object is expected\n" },
    { ENTRY("{\"queuePrefetch\": 1}"),
      "p:2:1: policies[0]: what is the entry for? One of \"queue\", "
      "\"topic\", \"tempQueue\", \"tempTopic\" must be given\n" },
    { ENTRY("{\"queue\":\"A\", \"topic\":\"B\"}"),
      "p:2:15: policies[0].topic: the entry is for \"queue\" already; it can "
      "be for one kind only\n" },
    { ENTRY("{\"topic\": true}"),
      "p:2:11: policies[0].topic: found true where a pattern is expected\n" },
    { ENTRY("{\"tempTopic\": \">\"}"),
      "p:2:15: policies[0].tempTopic: found \">\" where true (all of them, "
      "there is no pattern for temporary ones) is expected\n" },
    { ENTRY("{\"queue\": \"\"}"),
      "p:2:11: policies[0].queue: an empty pattern; \">\" stands for every "
      "destination\n" },
    { ENTRY("{\"queue\": \"/queue/A\"}"),
      "p:2:11: policies[0].queue: the pattern \"/queue/A\" is to be given "
      "without /queue/: the key says what it is for\n" },
    { "{\"default\": {\"queue\": \"A\"}}",
      "p:1:14: default.queue: the default entry is for every destination that "
      "no other is for, it has no pattern\n" },
    /* The same pattern twice. */
    { ENTRY("{\"queue\":\"A\"},\n{\"topic\":\"A\"},\n{\"queue\":\"A\"}"),
      "p:4:10: policies[2].queue: the pattern \"A\" has an entry in line 2 "
      "already\n" },
    { ENTRY("{\"queue\":\"A.>,B,A.>\"}"),
      "p:2:10: policies[0].queue: the pattern \"A.>\" is given twice here\n" },
    { ENTRY("{\"tempQueue\":true},\n{\"tempQueue\":true}"),
      "p:3:2: policies[1].tempQueue: has an entry in line 2 already\n" },
    /* Keys. */
    { ENTRY("{\"queue\":\"\xC3\x96\", \"queuePrefetchh\": 1}"),
      "p:2:15: policies[0]: unknown key \"queuePrefetchh\" (did you mean "
      "\"queuePrefetch\"?)\n" },
    { ENTRY("{\"topic\":\"A\", \"queuePrefetch\": 1}"),
      "p:2:15: policies[0].queuePrefetch: a key of queue and tempQueue "
      "entries, of no use in a topic entry\n" },
    { ENTRY("{\"dispatchPolicy\": \"simple\", \"queue\":\"A\"}"),
      "p:2:2: policies[0].dispatchPolicy: a key of topic and tempTopic "
      "entries, of no use in a queue entry\n" },
    { ENTRY("{\"queue\":\"A\", \"memoryLimit\": \"101%\"}"),
      "p:2:30: policies[0].memoryLimit: found \"101%\" where " LIMIT_IS
      " is expected\n" },
    { ENTRY("{\"queue\":\"A\", \"storeLimit\": \"0%\"}"),
      "p:2:29: policies[0].storeLimit: found \"0%\" where " LIMIT_IS
      " is expected\n" },
    { ENTRY("{\"queue\":\"A\", \"tempLimit\": \"2.5%\"}"),
      "p:2:28: policies[0].tempLimit: found \"2.5%\" where " LIMIT_IS
      " is expected\n" },
    { ENTRY("{\"tempTopic\":true, \"tempLimit\": \"10%\"}"),
      "p:2:20: policies[0].tempLimit: a key of queue, topic and tempQueue "
      "entries, of no use in a tempTopic entry\n" },
    { ENTRY("{\"queue\":\"A\", \"optimizedDispatch\": true}"),
      "p:2:15: policies[0].optimizedDispatch: a key of ActiveMQ's; stompd has "
      "no use for it: a message is dispatched in the turn that it comes in, "
      "always\n" },
    /* Values. */
    { ENTRY("{\"queue\":\"A\", \"queuePrefetch\": 0}"),
      "p:2:32: policies[0].queuePrefetch: found 0 where a whole number from 1 "
      "to 1000000 is expected\n" },
    { ENTRY("{\"queue\":\"A\", \"queuePrefetch\": \"1\"}"),
      "p:2:32: policies[0].queuePrefetch: found \"1\" where a whole number "
      "from 1 to 1000000 is expected\n" },
    { ENTRY("{\"queue\":\"A\", \"queuePrefetch\": 1.5}"),
      "p:2:32: policies[0].queuePrefetch: found 1.5 where a whole number from "
      "1 to 1000000 is expected\n" },
    { ENTRY("{\"queue\":\"A\", \"strictOrderDispatch\": null}"),
      "p:2:38: policies[0].strictOrderDispatch: found null where true or "
      "false is expected\n" },
    { ENTRY("{\"queue\":\"A\", \"useAsyncSend\": \"true\"}"),
      "p:2:31: policies[0].useAsyncSend: found \"true\" where true or false "
      "is expected\n" },
    { ENTRY("{\"queue\":\"A\", \"deliveryMode\": \"a\\n\\\"\"}"),
      "p:2:31: policies[0].deliveryMode: found \"a\\u000a\\\"\" where one of "
      "\"asSent\", \"persistent\", \"nonPersistent\" is expected\n" },
    { ENTRY("{\"queue\":\"A\",\n\"redeliveryPolicy\":"
            "{\"maximumRedeliveries\":-2, \"redeliveryDelay\":-1}}"),
      "p:3:43: policies[0].redeliveryPolicy.maximumRedeliveries: found -2 "
      "where a whole number from -1 to 1000000 is expected\n"
      "p:3:65: policies[0].redeliveryPolicy.redeliveryDelay: found -1 where a "
      "duration from 0ms to 168h (milliseconds, or \"250ms\", \"10s\", \"5m\", "
      "\"1h\") is expected\n" },
    /* Strategies. */
    { ENTRY("{\"topic\":\"A\", \"dispatchPolicy\": \"rund-robin\"}"),
      "p:2:33: policies[0].dispatchPolicy: \"rund-robin\" is not a dispatch "
      "policy (did you mean \"roundRobin\"?)\n" },
    { ENTRY("{\"topic\":\"A\", \"dispatchPolicy\": \"best\"}"),
      "p:2:33: policies[0].dispatchPolicy: \"best\" is not a dispatch policy; "
      "known here: simple, roundRobin, strictOrder, priority, priorityNetwork, "
      "clientIdFilter\n" },
    { ENTRY("{\"topic\":\"A\", \"dispatchPolicy\": {\"rund\": {}}}"),
      "p:2:34: policies[0].dispatchPolicy.rund: \"rund\" is not a dispatch "
      "policy; known here: simple, roundRobin, strictOrder, priority, "
      "priorityNetwork, clientIdFilter\n" },
    { ENTRY("{\"topic\":\"A\", \"dispatchPolicy\": 1}"),
      "p:2:33: policies[0].dispatchPolicy: found 1 where a dispatch policy "
      "(simple, roundRobin, strictOrder, priority, priorityNetwork, "
      "clientIdFilter) is expected\n" },
    { ENTRY("{\"topic\":\"A\", \"dispatchPolicy\": {}}"),
      "p:2:33: policies[0].dispatchPolicy: found an empty object where a "
      "dispatch policy (simple, roundRobin, strictOrder, priority, "
      "priorityNetwork, "
      "clientIdFilter) is expected\n" },
    { ENTRY("{\"topic\":\"A\", \"dispatchPolicy\": {\"simple\": 1}}"),
      "p:2:44: policies[0].dispatchPolicy.simple: found 1 where an object is "
      "expected\n" },
    { ENTRY("{\"topic\":\"A\",\n\"subscriptionRecoveryPolicy\": {\"timed\": "
            "{\"recoverDuration\": \"60 s\"}, \"none\": {}}}"),
      "p:3:61: policies[0].subscriptionRecoveryPolicy.timed.recoverDuration: "
      "found \"60 s\" where a duration from 1ms to 168h (milliseconds, or "
      "\"250ms\", \"10s\", \"5m\", \"1h\") is expected\n"
      "p:3:70: policies[0].subscriptionRecoveryPolicy.none: a second "
      "subscription recovery policy; only one can be given\n" },
    { ENTRY("{\"topic\":\"A\",\n\"subscriptionRecoveryPolicy\": {\"timed\": "
            "{\"maximumSize\": 3}}}"),
      "p:3:42: policies[0].subscriptionRecoveryPolicy.timed: unknown key "
      "\"maximumSize\"; known here: recoverDuration\n" },
    { ENTRY("{\"queue\":\"A\",\n\"deadLetterStrategy\": {\"shared\": "
            "{\"queuePrefix\": \"x\"}}}"),
      "p:3:35: policies[0].deadLetterStrategy.shared: unknown key "
      "\"queuePrefix\"; known here: deadLetterQueue, processNonPersistent, "
      "processExpired, expiration, enableAudit, maxProducersToAudit, "
      "maxAuditDepth\n" },
    { ENTRY("{\"topic\":\"A\",\n\"pendingMessageLimitStrategy\": "
            "{\"prefetchRate\": {\"multiplier\": -0.5}}}"),
      "p:3:64: policies[0].pendingMessageLimitStrategy.prefetchRate."
      "multiplier: found -0.5 where a number from 0 to 1000000 is "
      "expected\n" },
    /* Keys of ActiveMQ's that are refused, and what must be given. */
    { ENTRY("{\"queue\":\"A\", \"inactiveTimoutBeforeGC\": 1}"),
      "p:2:15: policies[0].inactiveTimoutBeforeGC: a key of ActiveMQ's; stompd "
      "has no use for it: it is spelt inactiveTimeoutBeforeGC\n" },
    { ENTRY("{\"topic\":\"A\",\n\"messageEvictionStrategy\": {\"oldest\": "
            "{\"expiryCheckEnabled\": true}}}"),
      "p:3:40: policies[0].messageEvictionStrategy.oldest.expiryCheckEnabled: "
      "a key of ActiveMQ's; stompd has no use for it: messages that have "
      "expired always go before others\n" },
    { ENTRY("{\"topic\":\"A\",\n\"messageEvictionStrategy\": "
            "\"uniqueProperty\"}"),
      "p:3:28: policies[0].messageEvictionStrategy: \"propertyName\" must be "
      "given: { \"uniqueProperty\": { \"propertyName\": ... } }\n" },
    { ENTRY("{\"topic\":\"A\",\n\"subscriptionRecoveryPolicy\": "
            "{\"queryBased\": {\"maximumSize\": 1}}}"),
      "p:3:46: policies[0].subscriptionRecoveryPolicy.queryBased: \"query\" "
      "must be given\n" },
    { ENTRY("{\"topic\":\"A\",\n\"subscriptionRecoveryPolicy\": "
            "{\"queryBased\": {\"query\": \"a = = 1\"}}}"),
      "p:3:56: policies[0].subscriptionRecoveryPolicy.queryBased.query: not a "
      "selector: at character 5, found \"=\", expected a value\n" },
    { ENTRY("{\"topic\":\"A\",\n\"subscriptionRecoveryPolicy\": "
            "{\"retainedMessage\": {\"wrapped\": \"retainedMessage\"}}}"),
      "p:3:63: policies[0].subscriptionRecoveryPolicy.retainedMessage.wrapped: "
      "\"retainedMessage\" is not a subscription recovery policy; known here: "
      "none, lastImage, fixedCount, fixedSized, timed, queryBased\n" },
    { ENTRY("{\"queue\":\"A\",\n\"messageGroupMapFactoryType\": "
            "\"bucket?bucketCount=0&x=1\"}"),
      "p:3:31: policies[0].messageGroupMapFactoryType: \"bucketCount\" is to "
      "be a whole number from 1 to 10000000\n"
      "p:3:31: policies[0].messageGroupMapFactoryType: unknown parameter "
      "\"x\"\n" },
    { ENTRY("{\"queue\":\"A\",\n\"messageGroupMapFactoryType\": "
            "\"buckets?bucketCount=1\"}"),
      "p:3:31: policies[0].messageGroupMapFactoryType: \"buckets\" is not a "
      "message group map (did you mean \"bucket\"?)\n" },
    { ENTRY("{\"queue\":\"A\",\n\"slowConsumerStrategy\": "
            "{\"abortSlowConsumer\": {\"maxSlowDuration\": -2}}}"),
      "p:3:67: policies[0].slowConsumerStrategy.abortSlowConsumer."
      "maxSlowDuration: found -2 where -1, or a duration from 0ms to 168h "
      "(milliseconds, or \"250ms\", \"10s\", \"5m\", \"1h\") is expected\n" },
    /* Virtual destinations. */
    { "{\"virtualDestinations\": {}}",
      "p:1:25: virtualDestinations: found an empty object where an array of "
      "virtual destinations is expected\n" },
    { VIRTUAL("{\"virtualTopics\": {}}"),
      "p:2:2: virtualDestinations[0].virtualTopics: \"virtualTopics\" is not a "
      "virtual destination (did you mean \"virtualTopic\"?)\n" },
    { VIRTUAL("{\"compositeQueue\": {}}"),
      "p:2:20: virtualDestinations[0].compositeQueue: \"name\" must be given\n"
      "p:2:20: virtualDestinations[0].compositeQueue: \"forwardTo\" must be "
      "given\n" },
    { VIRTUAL("{\"virtualTopic\": {\"local\": true}}"),
      "p:2:19: virtualDestinations[0].virtualTopic.local: a key of ActiveMQ's; "
      "stompd has no use for it: stompd makes no network of brokers\n" },
    { VIRTUAL("{\"mirroredQueue\": {\"name\": \"A,B\"}}"),
      "p:2:28: virtualDestinations[0].mirroredQueue.name: a list; each has to "
      "be given on its own\n" },
    { VIRTUAL("{\"mirroredQueue\": {\"name\": \"A\"}},\n"
              "{\"mirroredQueue\": {\"name\": \"A\"}}"),
      "p:3:1: virtualDestinations[1]: there is a mirroredQueue of this name in "
      "line 2 already\n" },
    { VIRTUAL("{\"compositeQueue\": {\"name\": \"A.*\",\n"
              "\"forwardTo\": [\"A\", \"/queue/\", \"/topic/*\",\n"
              "{\"queue\": \"A\", \"topic\": \"B\"}, {}, 1]}}"),
      "p:3:15: virtualDestinations[0].compositeQueue.forwardTo[0]: found \"A\" "
      "where \"/queue/...\" or \"/topic/...\" is expected\n"
      "p:3:20: virtualDestinations[0].compositeQueue.forwardTo[1]: the "
      "name of the target is missing\n"
      "p:3:31: virtualDestinations[0].compositeQueue.forwardTo[2]: a target is "
      "one destination; a pattern or a list is none\n"
      "p:4:1: virtualDestinations[0].compositeQueue.forwardTo[3]: one of "
      "\"queue\" and \"topic\" must be given\n"
      "p:4:31: virtualDestinations[0].compositeQueue.forwardTo[4]: one of "
      "\"queue\" and \"topic\" must be given\n"
      "p:4:35: virtualDestinations[0].compositeQueue.forwardTo[5]: found 1 "
      "where an object is expected\n" },
    { VIRTUAL("{\"compositeQueue\": {\"name\": \"A.>\",\n"
              "\"forwardTo\": [\"/topic/A.B\", \"/queue/A.B\"]}}"),
      "p:2:1: virtualDestinations[0]: what is sent to a target would be copied "
      "again: \"name\" matches it too\n" },
    { VIRTUAL("{\"compositeQueue\": {\"name\": \"A\", \"forwardTo\":\n"
              "[{\"queue\": \"B\", \"selector\": \"a = AND\"}]}}"),
      "p:3:29: virtualDestinations[0].compositeQueue.forwardTo[0].selector: at "
      "character 5 of it: found \"AND\", expected a value\n" },
    { VIRTUAL("{\"compositeQueue\": {\"name\": \"A\", \"forwardTo\": "
              "[\"/queue/C\", \"/queue/B\"]}},\n"
              "{\"compositeQueue\": {\"name\": \"B\", \"forwardTo\": "
              "[\"/queue/C\", \"/topic/T\"]}},\n"
              "{\"compositeTopic\": {\"name\": \"T\", \"forwardTo\": "
              "[\"/queue/A\"]}}"),
      "p:2:1: virtualDestinations[0]: what is sent here would come back: "
      "/queue/A, /queue/B, /topic/T, /queue/A\n" },
    { VIRTUAL("{\"virtualTopic\": {}},\n{\"compositeQueue\": {\"name\": "
              "\"Consumer.A.VirtualTopic.X\",\n"
              "\"forwardTo\": [\"/topic/VirtualTopic.X\"]}}"),
      "p:3:1: virtualDestinations[1]: what is sent here would come back: "
      "/queue/Consumer.A.VirtualTopic.X, /queue/Consumer.A.VirtualTopic.X\n" },
    { VIRTUAL("{\"mirroredQueue\": {\"name\": \"B\", \"prefix\": \"M.\"}},\n"
              "{\"compositeTopic\": {\"name\": \"M.B\", \"forwardTo\": "
              "[\"/queue/B\"]}}"),
      "p:3:1: virtualDestinations[1]: what is sent here would come back: "
      "/topic/M.B, /topic/M.B\n" },
};

static char *
print_faults(void)
{
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);

    faults_print(&faults, out);
    (void)fclose(out);
    return printed;
}

START_TEST(each_fault_says_where_it_is_and_what_would_be_right)
{
    struct policy_map *map = NULL;
    char *printed;

    ck_assert_int_eq(
        policy_load_text(span_of_text(wrong[_i].text), "p", &map, &faults), -1);
    ck_assert_ptr_null(map);
    printed = print_faults();
    ck_assert_str_eq(printed, wrong[_i].printed);
    free(printed);
}
END_TEST

START_TEST(twenty_faults_are_kept_and_the_rest_counted)
{
    struct policy_map *map = NULL;
    struct buf text = BUF_INIT;
    char *printed;

    buf_append_span(&text, SPAN("{\"policies\":["));
    for (int i = 0; i < 25; i++) {
        buf_appendf(&text, "%s\n{\"queue\":%d}", i > 0 ? "," : "", i);
    }
    buf_append_span(&text, SPAN("]}"));
    ck_assert_int_eq(policy_load_text(buf_span(&text), "p", &map, &faults), -1);
    ck_assert_uint_eq(faults.count, 20);
    ck_assert_uint_eq(faults.total, 25);
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_uint_eq(faults.errors[i].line, i + 2);
    }
    printed = print_faults();
    ck_assert_ptr_nonnull(strstr(printed, "\np: 5 more faults\n"));
    free(printed);
    buf_fini(&text);
}
END_TEST

START_TEST(a_fault_of_an_earlier_run_is_forgotten)
{
    struct policy_map *map = NULL;

    ck_assert_int_eq(policy_load_text(SPAN("{"), "p", &map, &faults), -1);
    ck_assert_int_eq(policy_load_text(SPAN("{}"), "p", &map, &faults), 0);
    ck_assert_uint_eq(faults.total, 0);
    policy_map_free(&map);
    ck_assert_int_eq(policy_load_text(SPAN("[]"), "q", &map, &faults), -1);
    ck_assert_str_eq(faults.errors[0].source, "q");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_a_fault)
{
    struct policy_map *map = NULL;
    char *printed;

    ck_assert_int_eq(policy_load_file("/nonexistent/p", &map, &faults), -1);
    printed = print_faults();
    ck_assert_str_eq(printed, "/nonexistent/p: cannot read: No such file or "
                              "directory\n");
    free(printed);
}
END_TEST

START_TEST(nesting_without_end_is_refused)
{
    enum { DEPTH = 100000 };
    struct policy_map *map = NULL;
    char *text = xmalloc(DEPTH);

    memset(text, '[', DEPTH);
    ck_assert_int_eq(policy_load_text(span_of(text, DEPTH), "p", &map, &faults),
                     -1);
    ck_assert_str_eq(faults.errors[0].text,
                     "not JSON: maximum parsing depth reached near '['");
    free(text);
}
END_TEST

START_TEST(ten_thousand_entries_load)
{
    struct policy_map *map = NULL;
    struct buf text = BUF_INIT;

    buf_append_span(&text, SPAN("{\"policies\":["));
    for (unsigned i = 0; i < 10000; i++) {
        buf_appendf(&text,
                    "%s{\"topic\":\"ORDERS.%u.>\",\"dispatchPolicy\":"
                    "\"roundRobin\",\"topicPrefetch\":%u}",
                    i > 0 ? "," : "", i, i + 1);
    }
    buf_append_span(&text, SPAN("]}"));
    ck_assert_int_eq(policy_load_text(buf_span(&text), "p", &map, &faults), 0);
    ck_assert_uint_eq(
        find(map, DESTINATION_TOPIC, "ORDERS.777.x")->topic_prefetch, 778);
    policy_map_free(&map);
    buf_fini(&text);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
    Suite *suite = suite_create("policy_load");
    TCase *tcase = tcase_create("policy_load");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_example_loads_as_it_is_printed);
    tcase_add_test(tcase, every_key_is_stored);
    tcase_add_loop_test(tcase, a_strategy_goes_by_every_name_of_activemqs, 0,
                        COUNT(spellings));
    tcase_add_test(tcase, a_composite_pattern_adds_all_of_its_parts);
    tcase_add_test(tcase, an_empty_object_gives_activemqs_defaults);
    tcase_add_test(tcase, durations_are_milliseconds_or_have_a_unit);
    tcase_add_test(tcase, the_example_shows_every_key);
    tcase_add_loop_test(tcase, each_key_is_stored_where_the_core_looks, 0,
                        COUNT(stored));
    tcase_add_test(tcase, a_wrapped_policy_keeps_its_own_parameters);
    tcase_add_test(
        tcase, without_virtual_destinations_there_is_activemqs_virtual_topic);
    tcase_add_test(tcase, every_key_of_a_virtual_destination_is_stored);
    tcase_add_test(tcase, the_targets_of_a_composite_may_have_selectors);
    tcase_add_loop_test(tcase,
                        each_fault_says_where_it_is_and_what_would_be_right, 0,
                        COUNT(wrong));
    tcase_add_test(tcase, twenty_faults_are_kept_and_the_rest_counted);
    tcase_add_test(tcase, a_fault_of_an_earlier_run_is_forgotten);
    tcase_add_test(tcase, a_file_that_cannot_be_read_is_a_fault);
    tcase_add_test(tcase, nesting_without_end_is_refused);
    tcase_add_test(tcase, ten_thousand_entries_load);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
