/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes by priority, and messages that are tried again later.
 * Source: activemq.md 3.2, 6.3, appendix B.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include "server/core/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fixture f;
static struct fake_client a, b;

static void
setup(void)
{
    struct core_options options = core_options_default;

    options.queue_resident_bytes = 2000;
    fixture_init_options(&f, &fake_store_engine, &options);
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

static void
prioritize(void)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->prioritized_messages = true;
}

static void
send_at(int body, uint8_t priority, bool persistent)
{
    struct message_facts facts = { .priority = priority,
                                   .persistent = persistent };
    char text[24];

    (void)snprintf(text, sizeof(text), "%d", body);
    ck_assert_int_eq(
        send_message(&f, DESTINATION_QUEUE, "q", text, &facts, NULL),
        CORE_SENT);
}

static struct subscription *
consume(struct fake_client *client, uint32_t prefetch)
{
    return subscribe_queue(client, "q", ACK_CLIENT_INDIVIDUAL, prefetch);
}

static void
turns(int count)
{
    for (int i = 0; i < count; i++) {
        fixture_turn(&f);
    }
}

static void
sleep_turn(int64_t ms)
{
    fixture_sleep_ms(&f, ms);
    fixture_turn(&f);
}

/* --- priorities ------------------------------------------------------------
 */

START_TEST(higher_priorities_come_first_and_equals_in_order)
{
    static const uint8_t priorities[] = { 1, 9, 5, 5, 0, 9 };

    prioritize();
    for (int i = 0; i < 6; i++) {
        send_at(i, priorities[i], false);
    }
    (void)consume(&a, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 5 2 3 0 4");
}
END_TEST

START_TEST(without_the_policy_priorities_change_nothing)
{
    static const uint8_t priorities[] = { 1, 9, 5, 5, 0, 9 };

    for (int i = 0; i < 6; i++) {
        send_at(i, priorities[i], false);
    }
    (void)consume(&a, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 2 3 4 5");
}
END_TEST

START_TEST(redelivered_message_comes_before_new_ones_of_its_priority_only)
{
    prioritize();
    send_at(0, 5, false);
    (void)consume(&a, 1);
    fixture_turn(&f);
    send_at(1, 5, false);
    send_at(2, 9, false);
    client_nack(&a, "0");
    for (int i = 0; i < 3; i++) {
        fixture_turn(&f);
        client_ack_all(&a);
    }
    ck_assert_str_eq(client_news(&a), "0 2 0r 1");
}
END_TEST

START_TEST(what_is_paged_of_a_high_priority_goes_before_low_ones)
{
    prioritize();
    for (int i = 0; i < 300; i++) {
        send_at(i, 9, true);
    }
    for (int i = 300; i < 320; i++) {
        send_at(i, 1, true);
    }
    turns(2);
    (void)consume(&a, 7);
    for (int i = 0; i < 60; i++) {
        turns(1);
        client_ack_all(&a);
    }
    ck_assert_uint_eq(a.got_count, 320);
    for (int i = 0; i < 320; i++) {
        ck_assert_int_eq(body_number(a.got[i].body), i);
    }
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(plain_consumer_beside_a_selecting_one_keeps_the_priorities)
{
    struct subscribe_options options = options_of(ACK_CLIENT, 0);

    prioritize();
    for (int i = 0; i < 300; i++) {
        send_at(i, 9, true);
    }
    for (int i = 300; i < 320; i++) {
        send_at(i, 1, true);
    }
    turns(2);
    options.selector = selector_of("nothing = 'x'");
    (void)subscribe(&b, DESTINATION_QUEUE, "q", &options);
    (void)consume(&a, 0);
    for (int i = 0; i < 80; i++) {
        turns(1);
        client_ack_all(&a);
    }
    ck_assert_uint_eq(a.got_count, 320);
    for (int i = 0; i < 320; i++) {
        ck_assert_int_eq(body_number(a.got[i].body), i);
    }
}
END_TEST

START_TEST(priorities_are_there_again_after_a_restart)
{
    prioritize();
    for (int i = 0; i < 10; i++) {
        send_at(i, (uint8_t)i, true);
    }
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
    send_at(10, 7, true);
    (void)consume(&a, 0);
    turns(6); /* a page of each lane is read */
    ck_assert_str_eq(client_news(&a), "9 8 7 10 6 5 4 3 2 1 0");
}
END_TEST

START_TEST(journals_of_priorities_are_adopted_when_the_policy_has_gone)
{
    struct policy_map *old = f.policies;

    prioritize();
    for (int i = 0; i < 5; i++) {
        send_at(i, (uint8_t)(i * 2), true);
    }
    fixture_turn(&f);
    f.policies = policy_map_new();
    core_close(f.core);
    core_free(&f.core);
    policy_map_free(&old);
    f.core = core_new(&f.options, f.policies, f.store);
    core_time_set(f.core, f.now_us, f.now_ms);
    client_open(&f, &a);
    client_open(&f, &b);
    (void)consume(&a, 0);
    send_at(5, 9, true);
    turns(3);
    ck_assert_uint_eq(a.got_count, 6);
    client_ack_all(&a);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(name_that_only_looks_like_a_priority_lane_is_a_queue)
{
    struct span name = SPAN("q\001z");
    struct span lane = SPAN("q\0017");
    uint8_t priority = 0;

    ck_assert(!lane_parse_journal_name(&name, &priority));
    ck_assert_uint_eq(name.len, 3);
    ck_assert(lane_parse_journal_name(&lane, &priority));
    ck_assert_uint_eq(lane.len, 1);
    ck_assert_uint_eq(priority, 7);
}
END_TEST

/* --- delays
 * -------------------------------------------------------------------- */

START_TEST(refused_message_comes_after_the_delay_of_the_nack)
{
    (void)consume(&a, 0);
    send_queue(&f, "q", 0, 2);
    fixture_turn(&f);
    client_nack_later(&a, "0", 1000);
    sleep_turn(990);
    ck_assert_str_eq(client_news(&a), "0 1 2");
    ck_assert_int_lt(core_due_us(f.core), INT64_MAX);
    sleep_turn(20);
    ck_assert_str_eq(client_news(&a), "0r");
}
END_TEST

START_TEST(delay_of_zero_comes_at_once_whatever_the_policy_says)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->redelivery.initial_delay_us =
        5000000;
    (void)consume(&a, 0);
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    client_nack_later(&a, "0", 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 0r");
}
END_TEST

START_TEST(policy_delays_grow_by_its_multiplier_up_to_its_ceiling)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");
    static const int64_t delays_ms[] = { 1000, 2000, 4000, 5000, 5000 };

    policy->redelivery.initial_delay_us = 1000000;
    policy->redelivery.exponential = true;
    policy->redelivery.multiplier = 2.0;
    policy->redelivery.maximum_delay_us = 5000000;
    (void)consume(&a, 0);
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    for (size_t i = 0; i < 5; i++) {
        client_nack_later(&a, "0", -1);
        sleep_turn(delays_ms[i] - 10);
        ck_assert_uint_eq(a.got_count, i + 1);
        sleep_turn(20);
        ck_assert_uint_eq(a.got_count, i + 2);
    }
}
END_TEST

START_TEST(message_stands_at_its_old_place_when_the_delay_is_over)
{
    (void)consume(&a, 1);
    send_queue(&f, "q", 0, 3);
    fixture_turn(&f);
    client_nack_later(&a, "0", 1000);
    fixture_turn(&f); /* 1 is out */
    sleep_turn(1010);
    client_ack(&a, "1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 0r");
}
END_TEST

START_TEST(delayed_message_counts_as_waiting)
{
    struct queue *queue;

    (void)consume(&a, 0);
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    client_nack_later(&a, "0", 1000);
    queue = queue_of(destination_find(f.core, DESTINATION_QUEUE, SPAN("q")));
    ck_assert_uint_eq(queue_waiting_count(queue), 1);
    ck_assert_uint_eq(queue->in_flight_count, 0);
}
END_TEST

START_TEST(delayed_message_that_nobody_waits_for_stays)
{
    (void)consume(&a, 0);
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    client_nack_later(&a, "0", 1000);
    client_close(&a);
    sleep_turn(2000);
    (void)consume(&b, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0r");
    client_open(&f, &a);
}
END_TEST

START_TEST(queue_goes_with_what_is_delayed_in_it)
{
    (void)core_destination(f.core, &a.client, DESTINATION_TEMP_QUEUE,
                           SPAN("mine"), true, &(struct destination *){ NULL });
    (void)subscribe(&a, DESTINATION_TEMP_QUEUE, "mine",
                    &(struct subscribe_options){ .ack = ACK_CLIENT_INDIVIDUAL,
                                                 .pending_limit = -1 });
    ck_assert_int_eq(
        send_message(&f, DESTINATION_TEMP_QUEUE, "mine", "0", NULL,
                     &(struct send_options){ .sender = &a.client }),
        CORE_SENT);
    fixture_turn(&f);
    client_nack_later(&a, "0", 1000);
    client_close(&a);
    ck_assert_int_eq(core_due_us(f.core), INT64_MAX);
    sleep_turn(2000);
    client_open(&f, &a);
}
END_TEST

START_TEST(delayed_message_is_there_at_once_after_a_restart)
{
    (void)consume(&a, 0);
    send_persistent(&f, "q", 0, 2);
    fixture_turn(&f);
    client_nack_later(&a, "1", 3600000);
    client_close(&a);
    client_close(&b);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
    (void)consume(&a, 0);
    turns(2);
    ck_assert_str_eq(client_news(&a), "0r 1r 2r");
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("lane");
    TCase *t = tcase_create("priorities");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, higher_priorities_come_first_and_equals_in_order);
    tcase_add_test(t, without_the_policy_priorities_change_nothing);
    tcase_add_test(
        t, redelivered_message_comes_before_new_ones_of_its_priority_only);
    tcase_add_test(t, what_is_paged_of_a_high_priority_goes_before_low_ones);
    tcase_add_test(t,
                   plain_consumer_beside_a_selecting_one_keeps_the_priorities);
    tcase_add_test(t, priorities_are_there_again_after_a_restart);
    tcase_add_test(t,
                   journals_of_priorities_are_adopted_when_the_policy_has_gone);
    tcase_add_test(t, name_that_only_looks_like_a_priority_lane_is_a_queue);
    suite_add_tcase(s, t);
    t = tcase_create("delays");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, refused_message_comes_after_the_delay_of_the_nack);
    tcase_add_test(t, delay_of_zero_comes_at_once_whatever_the_policy_says);
    tcase_add_test(t, policy_delays_grow_by_its_multiplier_up_to_its_ceiling);
    tcase_add_test(t, message_stands_at_its_old_place_when_the_delay_is_over);
    tcase_add_test(t, delayed_message_counts_as_waiting);
    tcase_add_test(t, delayed_message_that_nobody_waits_for_stays);
    tcase_add_test(t, queue_goes_with_what_is_delayed_in_it);
    tcase_add_test(t, delayed_message_is_there_at_once_after_a_restart);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return testutil_run(suite());
}
