/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may receive from a queue: exclusive consumers, their stand-ins, and when
 * dispatch starts.  Source: activemq.md 3.3, 3.4, appendix B.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

static struct fixture f;
static struct fake_client a, b, c;

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
    client_open(&f, &a);
    client_open(&f, &b);
    client_open(&f, &c);
}

static void
teardown(void)
{
    client_close(&a);
    client_close(&b);
    client_close(&c);
    fixture_fini(&f);
}

static struct subscription *
subscribe_as(struct fake_client *client, bool exclusive, int priority,
             uint32_t prefetch)
{
    struct subscribe_options options =
        options_of(ACK_CLIENT_INDIVIDUAL, prefetch);

    options.exclusive = exclusive;
    options.priority = priority;
    return subscribe(client, DESTINATION_QUEUE, "q", &options);
}

static void
send_and_turn(int first, int last)
{
    send_queue(&f, "q", first, last);
    fixture_turn(&f);
}

START_TEST(first_exclusive_consumer_gets_everything)
{
    (void)subscribe_as(&a, true, 0, 0);
    (void)subscribe_as(&b, true, 0, 0);
    (void)subscribe_as(&c, false, 0, 0);
    send_and_turn(0, 3);
    ck_assert_str_eq(client_news(&a), "0 1 2 3");
    ck_assert_str_eq(client_news(&b), "");
    ck_assert_str_eq(client_news(&c), "");
}
END_TEST

START_TEST(exclusive_newcomer_stops_those_that_are_not)
{
    (void)subscribe_as(&a, false, 0, 0);
    (void)subscribe_as(&b, true, 0, 0);
    send_and_turn(0, 3);
    ck_assert_str_eq(client_news(&a), "");
    ck_assert_str_eq(client_news(&b), "0 1 2 3");
}
END_TEST

START_TEST(exclusive_newcomer_stops_one_that_has_no_credit_too)
{
    (void)subscribe_as(&a, false, 0, 1);
    send_and_turn(0, 1);
    (void)subscribe_as(&b, true, 0, 1);
    fixture_turn(&f);
    client_ack(&a, "0");
    send_and_turn(2, 2);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "1");
}
END_TEST

START_TEST(higher_priority_takes_over_and_equal_does_not)
{
    (void)subscribe_as(&a, true, 3, 0);
    (void)subscribe_as(&b, true, 3, 0);
    send_and_turn(0, 0);
    (void)subscribe_as(&c, true, 4, 0);
    send_and_turn(1, 1);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "");
    ck_assert_str_eq(client_news(&c), "1");
}
END_TEST

START_TEST(priority_127_takes_over_from_127)
{
    (void)subscribe_as(&a, true, 127, 0);
    (void)subscribe_as(&b, true, 127, 0);
    send_and_turn(0, 0);
    ck_assert_str_eq(client_news(&a), "");
    ck_assert_str_eq(client_news(&b), "0");
}
END_TEST

START_TEST(without_use_consumer_priority_nobody_takes_over)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->use_consumer_priority = false;
    (void)subscribe_as(&a, true, 0, 0);
    (void)subscribe_as(&b, true, 127, 0);
    send_and_turn(0, 0);
    ck_assert_str_eq(client_news(&a), "0");
}
END_TEST

START_TEST(highest_then_oldest_stands_in_when_the_holder_leaves)
{
    struct subscription *holder = subscribe_as(&a, true, 9, 0);
    struct subscription *high;

    (void)subscribe_as(&b, true, 1, 0);
    high = subscribe_as(&c, true, 5, 0);
    core_unsubscribe(holder);
    send_and_turn(0, 0);
    core_unsubscribe(high);
    (void)subscribe_as(&c, true, 1, 0);
    send_and_turn(1, 1);
    ck_assert_str_eq(client_news(&b), "1");
    ck_assert_str_eq(client_news(&c), "0");
}
END_TEST

START_TEST(those_that_are_not_exclusive_share_when_the_last_one_leaves)
{
    struct subscription *holder = subscribe_as(&a, true, 0, 0);

    (void)subscribe_as(&b, false, 0, 0);
    (void)subscribe_as(&c, false, 0, 0);
    core_unsubscribe(holder);
    send_and_turn(0, 3);
    ck_assert_str_eq(client_news(&b), "0 2");
    ck_assert_str_eq(client_news(&c), "1 3");
}
END_TEST

START_TEST(what_the_holder_had_comes_back_to_its_stand_in_in_order)
{
    (void)subscribe_as(&a, true, 0, 3);
    (void)subscribe_as(&b, true, 0, 0);
    send_and_turn(0, 5);
    client_close(&a);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0r 1r 2r 3 4 5");
    client_open(&f, &a);
}
END_TEST

START_TEST(holder_without_credit_lets_nobody_in)
{
    (void)subscribe_as(&a, true, 0, 2);
    (void)subscribe_as(&b, true, 0, 0);
    (void)subscribe_as(&c, false, 0, 0);
    send_and_turn(0, 4);
    ck_assert_str_eq(client_news(&a), "0 1");
    client_ack(&a, "1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "2");
    ck_assert_str_eq(client_news(&b), "");
    ck_assert_str_eq(client_news(&c), "");
}
END_TEST

START_TEST(former_holder_without_credit_is_still_the_next)
{
    struct subscription *high;

    (void)subscribe_as(&a, true, 0, 1);
    (void)subscribe_as(&c, false, 0, 0);
    send_and_turn(0, 1); /* a is full */
    high = subscribe_as(&b, true, 5, 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "1");
    client_ack(&b, "1");
    core_unsubscribe(high);
    send_and_turn(2, 3);
    ck_assert_str_eq(client_news(&c), "");
    client_ack(&a, "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 2");
    ck_assert_str_eq(client_news(&c), "");
}
END_TEST

START_TEST(policy_makes_all_consumers_exclusive)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->all_consumers_exclusive = true;
    (void)subscribe_as(&a, false, 0, 0);
    (void)subscribe_as(&b, false, 0, 0);
    send_and_turn(0, 1);
    client_close(&a);
    send_and_turn(2, 2);
    ck_assert_str_eq(client_news(&b), "0r 1r 2");
    client_open(&f, &a);
}
END_TEST

START_TEST(exclusive_consumer_with_selector_keeps_others_from_the_rest)
{
    struct subscribe_options options = options_of(ACK_CLIENT, 0);

    options.exclusive = true;
    options.selector = selector_of("k = 'x'");
    (void)subscribe(&a, DESTINATION_QUEUE, "q", &options);
    (void)subscribe_as(&b, false, 0, 0);
    send_headed(&f, DESTINATION_QUEUE, "q", "0", "k:y\n", NULL);
    send_headed(&f, DESTINATION_QUEUE, "q", "1", "k:x\n", NULL);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1");
    ck_assert_str_eq(client_news(&b), "");
    client_close(&a);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0 1r");
    client_open(&f, &a);
}
END_TEST

/* --- when dispatch starts ------------------------------------------------- */

static void
hold(uint32_t consumers, int64_t time_ms)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->consumers_before_dispatch = consumers;
    policy->time_before_dispatch_us = time_ms * 1000;
}

static void
wait_ms(int64_t ms)
{
    fixture_sleep_ms(&f, ms);
    fixture_turn(&f);
}

START_TEST(dispatch_starts_with_the_last_consumer_that_is_waited_for)
{
    hold(2, 3000);
    (void)subscribe_as(&a, false, 0, 0);
    send_and_turn(0, 3);
    wait_ms(2900);
    ck_assert_str_eq(client_news(&a), "");
    (void)subscribe_as(&b, false, 0, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 2");
    ck_assert_str_eq(client_news(&b), "1 3");
}
END_TEST

START_TEST(dispatch_starts_without_the_others_when_the_time_is_over)
{
    hold(2, 3000);
    (void)subscribe_as(&a, false, 0, 0);
    send_and_turn(0, 1);
    ck_assert_int_lt(core_due_us(f.core), INT64_MAX);
    wait_ms(2999);
    ck_assert_str_eq(client_news(&a), "");
    wait_ms(10);
    ck_assert_str_eq(client_news(&a), "0 1");
}
END_TEST

START_TEST(consumers_are_waited_for_one_second_when_no_time_is_given)
{
    hold(2, 0);
    (void)subscribe_as(&a, false, 0, 0);
    send_and_turn(0, 0);
    wait_ms(990);
    ck_assert_str_eq(client_news(&a), "");
    wait_ms(20);
    ck_assert_str_eq(client_news(&a), "0");
}
END_TEST

START_TEST(time_alone_holds_however_many_come)
{
    hold(0, 500);
    (void)subscribe_as(&a, false, 0, 0);
    (void)subscribe_as(&b, false, 0, 0);
    send_and_turn(0, 1);
    wait_ms(490);
    ck_assert_str_eq(client_news(&a), "");
    wait_ms(20);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "1");
}
END_TEST

START_TEST(hold_begins_anew_when_all_had_left)
{
    hold(0, 500);
    (void)subscribe_as(&a, false, 0, 0);
    wait_ms(600);
    client_close(&a);
    (void)subscribe_as(&b, false, 0, 0);
    send_and_turn(0, 0);
    ck_assert_str_eq(client_news(&b), "");
    wait_ms(510);
    ck_assert_str_eq(client_news(&b), "0");
    client_open(&f, &a);
}
END_TEST

START_TEST(last_consumer_that_leaves_ends_the_hold)
{
    hold(3, 500);
    (void)subscribe_as(&a, false, 0, 0);
    client_close(&a);
    wait_ms(100);
    (void)subscribe_as(&b, false, 0, 0); /* its own 500 ms from here */
    send_and_turn(0, 0);
    wait_ms(450);
    ck_assert_str_eq(client_news(&b), "");
    wait_ms(60);
    ck_assert_str_eq(client_news(&b), "0");
    client_open(&f, &a);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("queue_exclusive");
    TCase *t = tcase_create("exclusive");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, first_exclusive_consumer_gets_everything);
    tcase_add_test(t, exclusive_newcomer_stops_those_that_are_not);
    tcase_add_test(t, exclusive_newcomer_stops_one_that_has_no_credit_too);
    tcase_add_test(t, higher_priority_takes_over_and_equal_does_not);
    tcase_add_test(t, priority_127_takes_over_from_127);
    tcase_add_test(t, without_use_consumer_priority_nobody_takes_over);
    tcase_add_test(t, highest_then_oldest_stands_in_when_the_holder_leaves);
    tcase_add_test(t,
                   those_that_are_not_exclusive_share_when_the_last_one_leaves);
    tcase_add_test(t, what_the_holder_had_comes_back_to_its_stand_in_in_order);
    tcase_add_test(t, holder_without_credit_lets_nobody_in);
    tcase_add_test(t, former_holder_without_credit_is_still_the_next);
    tcase_add_test(t, policy_makes_all_consumers_exclusive);
    tcase_add_test(t,
                   exclusive_consumer_with_selector_keeps_others_from_the_rest);
    suite_add_tcase(s, t);
    t = tcase_create("hold");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t,
                   dispatch_starts_with_the_last_consumer_that_is_waited_for);
    tcase_add_test(t, dispatch_starts_without_the_others_when_the_time_is_over);
    tcase_add_test(t,
                   consumers_are_waited_for_one_second_when_no_time_is_given);
    tcase_add_test(t, time_alone_holds_however_many_come);
    tcase_add_test(t, hold_begins_anew_when_all_had_left);
    tcase_add_test(t, last_consumer_that_leaves_ends_the_hold);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return testutil_run(suite());
}
