/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_load.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "test/testutil.h"

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
    char *path = xasprintf("%s/etc/policy.example.json",
                           top != NULL ? top : "..");
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
    struct policy_map *map = load(
        "{ \"$schema\": \"x\", \"policies\": ["
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
    { "deadLetterStrategy", "sharedDeadLetterStrategy", &dead_letter_shared },
    { "deadLetterStrategy", "individual", &dead_letter_individual },
    { "deadLetterStrategy", "discarding", &dead_letter_discarding },
};

static bool
uses_strategy(const struct policy *policy, const void *strategy)
{
    return policy->topic_dispatch == strategy ||
           policy->recovery == strategy ||
           policy->pending_limit == strategy ||
           policy->eviction == strategy || policy->dead_letter == strategy;
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
        { "1500", 1500000 },
        { "\"250ms\"", 250000 },
        { "\"10s\"", 10000000 },
        { "\"5m\"", 300000000 },
        { "\"1h\"", 3600000000 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = xasprintf("{\"policies\":[{\"topic\":\"T\","
                               "\"subscriptionRecoveryPolicy\":{\"timed\":"
                               "{\"recoverDuration\":%s}}}]}",
                               rows[i].text);
        struct policy_map *map = load(text);

        ck_assert_int_eq(find(map, DESTINATION_TOPIC, "T")
                             ->recovery_parameters.duration_us,
                         rows[i].us);
        policy_map_free(&map);
        free(text);
    }
}
END_TEST

#define ENTRY(text) "{\"policies\":[\n" text "\n]}"

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
      "$schema\n" },
    { "{\"policies\": {}}",
      "p:1:14: policies: found an empty object where an array of entries is "
      "expected\n" },
    { "{\"$schema\": 1}",
      "p:1:13: $schema: found 1 where the address of a JSON Schema is "
      "expected\n" },
    /* What an entry is for. */
    { ENTRY("7"),
      "p:2:1: policies[0]: found 7 where an object is expected\n" },
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
      "known here: simple, roundRobin, strictOrder, priority, priorityNetwork, clientIdFilter\n" },
    { ENTRY("{\"topic\":\"A\", \"dispatchPolicy\": {\"rund\": {}}}"),
      "p:2:34: policies[0].dispatchPolicy.rund: \"rund\" is not a dispatch "
      "policy; known here: simple, roundRobin, strictOrder, priority, priorityNetwork, clientIdFilter\n" },
    { ENTRY("{\"topic\":\"A\", \"dispatchPolicy\": 1}"),
      "p:2:33: policies[0].dispatchPolicy: found 1 where a dispatch policy "
      "(simple, roundRobin, strictOrder, priority, priorityNetwork, "
      "clientIdFilter) is expected\n" },
    { ENTRY("{\"topic\":\"A\", \"dispatchPolicy\": {}}"),
      "p:2:33: policies[0].dispatchPolicy: found an empty object where a "
      "dispatch policy (simple, roundRobin, strictOrder, priority, priorityNetwork, "
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

    ck_assert_int_eq(policy_load_text(span_of_text(wrong[_i].text), "p", &map,
                                      &faults),
                     -1);
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
    ck_assert_int_eq(policy_load_text(buf_span(&text), "p", &map, &faults),
                     -1);
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
    ck_assert_int_eq(
        policy_load_text(span_of(text, DEPTH), "p", &map, &faults), -1);
    ck_assert_str_eq(faults.errors[0].text,
                     "not JSON: maximum parsing depth reached near '['");
    free(text);
}
END_TEST

START_TEST(ten_thousand_entries_load_in_no_time)
{
    struct policy_map *map = NULL;
    struct buf text = BUF_INIT;
    int64_t start_us;

    buf_append_span(&text, SPAN("{\"policies\":["));
    for (unsigned i = 0; i < 10000; i++) {
        buf_appendf(&text,
                    "%s{\"topic\":\"ORDERS.%u.>\",\"dispatchPolicy\":"
                    "\"roundRobin\",\"topicPrefetch\":%u}",
                    i > 0 ? "," : "", i, i + 1);
    }
    buf_append_span(&text, SPAN("]}"));
    start_us = clock_monotonic_us();
    ck_assert_int_eq(policy_load_text(buf_span(&text), "p", &map, &faults),
                     0);
    /* 100 ms is the goal; sanitizers and busy machines take longer. */
    ck_assert_int_lt(clock_monotonic_us() - start_us, 2000000);
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
    tcase_add_loop_test(tcase,
                        each_fault_says_where_it_is_and_what_would_be_right,
                        0, COUNT(wrong));
    tcase_add_test(tcase, twenty_faults_are_kept_and_the_rest_counted);
    tcase_add_test(tcase, a_fault_of_an_earlier_run_is_forgotten);
    tcase_add_test(tcase, a_file_that_cannot_be_read_is_a_fault);
    tcase_add_test(tcase, nesting_without_end_is_refused);
    tcase_add_test(tcase, ten_thousand_entries_load_in_no_time);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
