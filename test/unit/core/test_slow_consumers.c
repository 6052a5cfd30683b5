/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slow consumers are found, told and ended as the policy says.
 * Source: activemq.md 5.4.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include <string.h>

static struct fixture f;
static struct fake_client a, b;

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
    client_open(&f, &a);
    client_open(&f, &b);
}

static void
teardown(void)
{
    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
}

/* Checked every 10 s, ended after 30 s. */
static struct policy *
policy_of(enum destination_kind kind, const char *name,
          const struct slow_consumer_strategy *strategy)
{
    struct policy *policy = fixture_policy(&f, kind, name);

    policy->slow_consumer = strategy;
    policy->slow_consumer_parameters = (struct slow_consumer_parameters){
        .max_slow_count = -1,
        .max_slow_us = 30000000,
        .check_period_us = 10000000,
        .max_since_ack_us = 30000000,
        .ignore_idle_consumers = true,
    };
    return policy;
}

static void
seconds(int count)
{
    for (int i = 0; i < count; i++) {
        fixture_sleep_ms(&f, 1000);
        fixture_turn(&f);
    }
}

static void
one_check(void)
{
    fixture_sleep_ms(&f, 11000);
    fixture_turn(&f);
}

START_TEST(queue_consumer_that_stays_full_is_ended_and_told)
{
    policy_of(DESTINATION_QUEUE, "q", &slow_consumer_abort);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 2);
    send_queue(&f, "q", 0, 4);
    fixture_turn(&f);
    seconds(35);
    ck_assert_uint_eq(a.ended, 0);
    seconds(15);
    ck_assert_uint_eq(a.ended, 1);
    ck_assert(!a.ended_connection);
    ck_assert(strstr(a.ended_reason, "2 of 2 messages in flight, 3 waiting") !=
              NULL);
}
END_TEST

START_TEST(what_it_had_goes_to_others_in_order)
{
    struct core_stats stats;

    policy_of(DESTINATION_QUEUE, "q", &slow_consumer_abort);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 2);
    send_queue(&f, "q", 0, 4);
    fixture_turn(&f);
    seconds(50);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0r 1r 2 3 4");
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.aborted, 1);
}
END_TEST

START_TEST(whole_connection_ends_when_the_policy_says_so)
{
    policy_of(DESTINATION_QUEUE, "q", &slow_consumer_abort)
        ->slow_consumer_parameters.abort_connection = true;
    (void)subscribe_queue(&a, "other", ACK_CLIENT, 2);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 1);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 1);
    send_queue(&f, "q", 0, 4);
    fixture_turn(&f);
    seconds(50);
    ck_assert_uint_eq(a.ended, 1);
    ck_assert(a.ended_connection);
}
END_TEST

START_TEST(one_that_takes_some_now_and_then_stays)
{
    policy_of(DESTINATION_QUEUE, "q", &slow_consumer_abort);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 100);
    send_queue(&f, "q", 0, 50); /* never full */
    fixture_turn(&f);
    seconds(100);
    ck_assert_uint_eq(a.ended, 0);
}
END_TEST

START_TEST(full_consumer_with_nothing_more_waiting_is_not_slow)
{
    policy_of(DESTINATION_QUEUE, "q", &slow_consumer_abort);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 2);
    send_queue(&f, "q", 0, 1);
    fixture_turn(&f);
    seconds(100);
    ck_assert_uint_eq(a.ended, 0);
}
END_TEST

START_TEST(topic_subscriber_that_stays_full_is_ended)
{
    policy_of(DESTINATION_TOPIC, "t", &slow_consumer_abort);
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 2);
    (void)subscribe_topic(&b, "t", ACK_CLIENT, 100);
    send_topic(&f, "t", 0, 4);
    fixture_turn(&f);
    seconds(50);
    ck_assert_uint_eq(a.ended, 1);
    ck_assert_uint_eq(b.ended, 0);
}
END_TEST

START_TEST(consumer_that_does_not_acknowledge_is_ended)
{
    policy_of(DESTINATION_QUEUE, "q", &slow_consumer_abort_ack)
        ->slow_consumer_parameters.max_slow_count = 1;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 100);
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    seconds(25);
    ck_assert_uint_eq(a.ended, 0);
    seconds(20);
    ck_assert_uint_eq(a.ended, 1);
}
END_TEST

START_TEST(idle_time_before_a_message_is_not_the_consumers_delay)
{
    policy_of(DESTINATION_QUEUE, "q", &slow_consumer_abort_ack)
        ->slow_consumer_parameters.max_slow_count = 1;
    policy_of(DESTINATION_TOPIC, "t", &slow_consumer_abort_ack)
        ->slow_consumer_parameters.max_slow_count = 1;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 100);
    (void)subscribe_topic(&b, "t", ACK_CLIENT, 100);
    seconds(100);
    send_queue(&f, "q", 0, 0);
    send_topic(&f, "t", 0, 0);
    fixture_turn(&f);
    seconds(25);
    ck_assert_uint_eq(a.ended, 0);
    ck_assert_uint_eq(b.ended, 0);
    seconds(20);
    ck_assert_uint_eq(a.ended, 1);
    ck_assert_uint_eq(b.ended, 1);
}
END_TEST

/* What remains is gone through again after one was ended. */
START_TEST(others_are_counted_once_in_a_check_that_ends_one)
{
    struct slow_consumer_parameters *parameters =
        &policy_of(DESTINATION_QUEUE, "q", &slow_consumer_abort)
             ->slow_consumer_parameters;

    parameters->max_slow_us = -1;
    parameters->max_slow_count = 3;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 2);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, 2);
    send_queue(&f, "q", 0, 19);
    fixture_turn(&f);
    one_check();
    client_ack_all(&a);
    one_check();
    one_check(); /* b is slow for the third time, a for the first */
    ck_assert_uint_eq(b.ended, 1);
    one_check();
    ck_assert_uint_eq(a.ended, 0);
    one_check();
    ck_assert_uint_eq(a.ended, 1);
}
END_TEST

START_TEST(idle_consumer_is_left_alone_or_not_as_the_policy_says)
{
    policy_of(DESTINATION_QUEUE, "lenient", &slow_consumer_abort_ack)
        ->slow_consumer_parameters.max_slow_count = 1;
    policy_of(DESTINATION_QUEUE, "strict", &slow_consumer_abort_ack)
        ->slow_consumer_parameters.ignore_idle_consumers = false;
    (void)subscribe_queue(&a, "lenient", ACK_CLIENT, 100);
    (void)subscribe_queue(&b, "strict", ACK_CLIENT, 100);
    seconds(100);
    ck_assert_uint_eq(a.ended, 0);
    ck_assert_uint_eq(b.ended, 1);
}
END_TEST

START_TEST(one_advisory_tells_of_a_slow_consumer)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->advisories.slow_consumers =
        true;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 2);
    (void)subscribe_topic(&b, "ActiveMQ.Advisory.SlowConsumer.Queue.q",
                          ACK_AUTO, 0);
    send_queue(&f, "q", 0, 4);
    fixture_turn(&f);
    seconds(100);
    ck_assert_uint_eq(b.got_count, 1);
    ck_assert(strstr(b.last_body, "\"ConsumerInfo\"") != NULL);
    ck_assert_uint_eq(a.ended, 0);
}
END_TEST

START_TEST(checks_begin_when_a_reload_asks_for_them)
{
    struct policy_map *old = f.policies;
    struct policy_map *fresh = policy_map_new();

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 2);
    send_queue(&f, "q", 0, 4);
    fixture_turn(&f);
    f.policies = fresh;
    policy_of(DESTINATION_QUEUE, "q", &slow_consumer_abort);
    core_policies_set(f.core, fresh);
    policy_map_free(&old);
    seconds(50);
    ck_assert_uint_eq(a.ended, 1);
}
END_TEST

START_TEST(nothing_is_timed_where_nobody_asked_for_it)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 2);
    ck_assert_int_eq(core_due_us(f.core), INT64_MAX);
    policy_of(DESTINATION_QUEUE, "watched", &slow_consumer_abort);
    (void)subscribe_queue(&b, "watched", ACK_CLIENT, 2);
    ck_assert_int_lt(core_due_us(f.core), INT64_MAX);
    client_close(&b);
    ck_assert_int_eq(core_due_us(f.core), INT64_MAX);
    client_open(&f, &b);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("slow_consumers");
    TCase *t = tcase_create("slow_consumers");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, queue_consumer_that_stays_full_is_ended_and_told);
    tcase_add_test(t, what_it_had_goes_to_others_in_order);
    tcase_add_test(t, whole_connection_ends_when_the_policy_says_so);
    tcase_add_test(t, one_that_takes_some_now_and_then_stays);
    tcase_add_test(t, full_consumer_with_nothing_more_waiting_is_not_slow);
    tcase_add_test(t, topic_subscriber_that_stays_full_is_ended);
    tcase_add_test(t, consumer_that_does_not_acknowledge_is_ended);
    tcase_add_test(t, idle_time_before_a_message_is_not_the_consumers_delay);
    tcase_add_test(t, others_are_counted_once_in_a_check_that_ends_one);
    tcase_add_test(t, idle_consumer_is_left_alone_or_not_as_the_policy_says);
    tcase_add_test(t, one_advisory_tells_of_a_slow_consumer);
    tcase_add_test(t, checks_begin_when_a_reload_asks_for_them);
    tcase_add_test(t, nothing_is_timed_where_nobody_asked_for_it);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return testutil_run(suite());
}
