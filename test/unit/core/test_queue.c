/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues without a store that keeps: dispatch order, credit, redelivery.
 * Source: activemq.md 3.2, 3.5 and appendix B.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include <stdlib.h>

static struct fixture f;
static struct fake_client a, b, c;

static void
setup(void)
{
    fixture_init(&f, &store_memory);
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

START_TEST(round_robin_gives_each_consumer_its_turn)
{
    (void)subscribe_queue(&a, "q", ACK_AUTO, 0);
    (void)subscribe_queue(&b, "q", ACK_AUTO, 0);
    send_queue(&f, "q", 0, 7);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 2 4 6");
    ck_assert_str_eq(client_news(&b), "1 3 5 7");
}
END_TEST

START_TEST(strict_order_fills_the_oldest_first)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->queue_dispatch = &dispatch_queue_strict_order;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 3);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, 3);
    send_queue(&f, "q", 0, 7);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 2");
    ck_assert_str_eq(client_news(&b), "3 4 5");
    client_ack(&b, "4");
    client_ack(&a, "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "6");
    ck_assert_str_eq(client_news(&b), "7");
}
END_TEST

START_TEST(higher_priority_is_filled_first_and_takes_turns_within)
{
    struct subscribe_options high = options_of(ACK_CLIENT, 2);

    high.priority = 10;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 2);
    (void)subscribe(&b, DESTINATION_QUEUE, "q", &high);
    (void)subscribe(&c, DESTINATION_QUEUE, "q", &high);
    send_queue(&f, "q", 0, 7);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0 2");
    ck_assert_str_eq(client_news(&c), "1 3");
    ck_assert_str_eq(client_news(&a), "4 5");
}
END_TEST

START_TEST(prefetch_comes_from_the_policy_unless_the_client_says)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q.>")->queue_prefetch = 1;
    (void)subscribe_queue(&a, "q.1", ACK_CLIENT, 0);
    (void)subscribe_queue(&b, "q.2", ACK_CLIENT, 2);
    (void)subscribe_queue(&c, "q.>", ACK_CLIENT, 0);
    send_queue(&f, "q.1", 0, 4);
    send_queue(&f, "q.2", 5, 9);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "5 6");
    ck_assert_str_eq(client_news(&c), "1"); /* q.>: one for both queues */
}
END_TEST

START_TEST(credit_in_bytes_always_allows_one_message)
{
    struct subscribe_options options = options_of(ACK_CLIENT, 100);
    struct subscription *sub;

    options.prefetch_bytes = 60; /* two of 24 do not pass it, three do */
    sub = subscribe(&a, DESTINATION_QUEUE, "q", &options);
    send_queue(&f, "q", 0, 9);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 2");
    ck_assert_uint_ge(sub->in_flight_bytes, 60);
    client_ack(&a, "1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "3");
    options.prefetch_bytes = 1;
    (void)subscribe(&b, DESTINATION_QUEUE, "q", &options);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "4");
}
END_TEST

START_TEST(blocked_consumer_goes_on_when_credit_is_back)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT_INDIVIDUAL, 1);
    send_queue(&f, "q", 0, 2);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
    client_ack(&a, "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1");
    client_ack(&a, "1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "2");
}
END_TEST

START_TEST(one_credit_serves_every_queue_of_a_wildcard)
{
    (void)subscribe_queue(&a, "q.*", ACK_CLIENT, 1);
    send_queue(&f, "q.1", 0, 1);
    send_queue(&f, "q.2", 2, 3);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    client_ack(&a, "0");
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, 2);
    client_ack_all(&a);
    fixture_turn(&f);
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, 4);
}
END_TEST

START_TEST(congested_client_gets_nothing_until_it_has_room)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    core_client_congested(&a.client, true);
    send_queue(&f, "q", 0, 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
    core_client_congested(&a.client, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
}
END_TEST

START_TEST(unacked_of_a_dead_consumer_come_first_in_queue_order)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT_INDIVIDUAL, 0);
    send_queue(&f, "q", 0, 5);
    fixture_turn(&f);
    client_ack(&a, "2");
    client_close(&a);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0r 1r 3r 4r 5r");
    client_open(&f, &a);
}
END_TEST

START_TEST(returned_messages_stand_before_those_never_sent)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 2);
    send_queue(&f, "q", 0, 5);
    fixture_turn(&f);
    client_close(&a);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0r 1r 2 3 4 5");
    client_open(&f, &a);
}
END_TEST

/* Where ActiveMQ appends in the order of deaths: 1 3 5 0 2 4. */
START_TEST(interleaved_consumers_that_die_leave_queue_order)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, 0);
    send_queue(&f, "q", 0, 5);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 2 4");
    ck_assert_str_eq(client_news(&b), "1 3 5");
    client_close(&a);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0r 2r 4r");
    client_close(&b);
    (void)subscribe_queue(&c, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&c), "0r 1r 2r 3r 4r 5r");
    client_open(&f, &a);
    client_open(&f, &b);
}
END_TEST

START_TEST(nacks_in_any_order_put_each_message_at_its_place)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT_INDIVIDUAL, 6);
    send_queue(&f, "q", 0, 9);
    fixture_turn(&f);
    (void)client_news(&a);
    client_nack(&a, "3");
    client_nack(&a, "5");
    client_nack(&a, "0");
    client_nack(&a, "4");
    client_nack(&a, "1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0r 1r 3r 4r 5r");
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "6 7 8 9");
}
END_TEST

START_TEST(thousands_of_interleaved_messages_come_back_sorted)
{
    enum { COUNT = 8000 };
    int64_t order = 0;
    bool sorted = true;

    (void)subscribe_queue(&a, "q", ACK_CLIENT, COUNT);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, COUNT);
    send_queue(&f, "q", 0, COUNT - 1);
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, COUNT / 2);
    client_close(&a);
    client_close(&b);
    (void)subscribe_queue(&c, "q", ACK_CLIENT, COUNT);
    fixture_turn(&f);
    ck_assert_uint_eq(c.got_count, COUNT);
    for (size_t i = 0; i < c.got_count; i++) {
        sorted = sorted && strtoll(c.got[i].body, NULL, 10) == order++;
    }
    ck_assert(sorted);
    client_open(&f, &a);
    client_open(&f, &b);
}
END_TEST

START_TEST(auto_mode_message_that_never_left_goes_back_as_new)
{
    (void)subscribe_queue(&a, "q", ACK_AUTO, 0);
    send_queue(&f, "q", 0, 2);
    fixture_turn(&f);
    client_close(&a);
    (void)subscribe_queue(&b, "q", ACK_AUTO, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0 1 2");
    client_open(&f, &a);
}
END_TEST

START_TEST(unsubscribe_keeps_what_is_in_flight_until_the_end)
{
    struct subscription *sub = subscribe_queue(&a, "q", ACK_CLIENT, 2);

    (void)subscribe_queue(&b, "q", ACK_CLIENT, 2);
    send_queue(&f, "q", 0, 5);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "1 3");
    core_unsubscribe(sub);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "");
    client_ack(&a, "0"); /* after UNSUBSCRIBE: counts all the same */
    client_ack_all(&b);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "4 5");
    client_close(&a);
    client_ack_all(&b);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "2r");
    client_open(&f, &a);
}
END_TEST

START_TEST(dispatch_is_cut_into_rounds_that_say_there_is_more)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 8000);
    send_queue(&f, "q", 0, 4999);
    ck_assert(core_turn(f.core));
    ck_assert_uint_eq(a.got_count, 4096);
    ck_assert(!core_turn(f.core));
    ck_assert_uint_eq(a.got_count, 5000);
}
END_TEST

START_TEST(nothing_is_handed_out_before_the_turn)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_queue(&f, "q", 0, 0);
    ck_assert_uint_eq(a.got_count, 0);
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, 1);
}
END_TEST

START_TEST(wildcard_meets_queues_made_before_and_after)
{
    send_queue(&f, "q.1", 0, 0);
    (void)subscribe_queue(&a, "q.*", ACK_CLIENT, 0);
    send_queue(&f, "q.2", 1, 1);
    send_queue(&f, "p.2", 2, 2);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
}
END_TEST

START_TEST(two_patterns_that_match_make_one_attachment)
{
    struct subscription_target targets[] = {
        { DESTINATION_QUEUE, SPAN("q.>"), true },
        { DESTINATION_QUEUE, SPAN("q.*"), true },
        { DESTINATION_QUEUE, SPAN("q.1"), false },
    };
    struct subscribe_options options = options_of(ACK_CLIENT, 0);
    struct subscription *sub;

    send_queue(&f, "q.1", 0, 0);
    options.targets = targets;
    options.target_count = 3;
    sub = subscribe(&a, DESTINATION_QUEUE, "", &options);
    send_queue(&f, "q.2", 1, 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
    ck_assert_ptr_nonnull(sub->attachments->next);
    ck_assert_ptr_null(sub->attachments->next->next);
    core_unsubscribe(sub);
    client_ack_all(&a);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core/queue");
    TCase *tcase = tcase_create("queue");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, round_robin_gives_each_consumer_its_turn);
    tcase_add_test(tcase, strict_order_fills_the_oldest_first);
    tcase_add_test(tcase,
                   higher_priority_is_filled_first_and_takes_turns_within);
    tcase_add_test(tcase,
                   prefetch_comes_from_the_policy_unless_the_client_says);
    tcase_add_test(tcase, credit_in_bytes_always_allows_one_message);
    tcase_add_test(tcase, blocked_consumer_goes_on_when_credit_is_back);
    tcase_add_test(tcase, one_credit_serves_every_queue_of_a_wildcard);
    tcase_add_test(tcase, congested_client_gets_nothing_until_it_has_room);
    tcase_add_test(tcase, unacked_of_a_dead_consumer_come_first_in_queue_order);
    tcase_add_test(tcase, returned_messages_stand_before_those_never_sent);
    tcase_add_test(tcase, interleaved_consumers_that_die_leave_queue_order);
    tcase_add_test(tcase, nacks_in_any_order_put_each_message_at_its_place);
    tcase_add_test(tcase, thousands_of_interleaved_messages_come_back_sorted);
    tcase_add_test(tcase, auto_mode_message_that_never_left_goes_back_as_new);
    tcase_add_test(tcase, unsubscribe_keeps_what_is_in_flight_until_the_end);
    tcase_add_test(tcase, dispatch_is_cut_into_rounds_that_say_there_is_more);
    tcase_add_test(tcase, nothing_is_handed_out_before_the_turn);
    tcase_add_test(tcase, wildcard_meets_queues_made_before_and_after);
    tcase_add_test(tcase, two_patterns_that_match_make_one_attachment);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
