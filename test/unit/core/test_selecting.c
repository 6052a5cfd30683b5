/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selecting consumers: of queues, resident and paged, beside others; of topics;
 * what they recover.  Source: activemq.md 3.2, 11.7; issue 3, item 11.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include "policy/selector.h"
#include "server/core/lane_scan.h"
#include "server/core/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fixture f;
static struct fake_client a, b, c;
static unsigned evaluations;

enum selector_result __real_selector_evaluate(const struct selector *selector,
                                              selector_lookup_fn *lookup,
                                              void *ctx);
enum selector_result __wrap_selector_evaluate(const struct selector *selector,
                                              selector_lookup_fn *lookup,
                                              void *ctx);

enum selector_result
__wrap_selector_evaluate(const struct selector *selector,
                         selector_lookup_fn *lookup, void *ctx)
{
    evaluations++;
    return __real_selector_evaluate(selector, lookup, ctx);
}

static void
setup(void)
{
    struct core_options options = core_options_default;

    options.queue_resident_bytes = 2000; /* a dozen messages */
    fixture_init_options(&f, &fake_store_engine, &options);
    client_open(&f, &a);
    client_open(&f, &b);
    client_open(&f, &c);
    evaluations = 0;
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
select_from(struct fake_client *client, enum destination_kind kind,
            const char *name, const char *selector, uint32_t prefetch)
{
    struct subscribe_options options =
        options_of(ACK_CLIENT_INDIVIDUAL, prefetch);

    options.selector = selector_of(selector);
    return subscribe(client, kind, name, &options);
}

static struct subscription *
select_queue(struct fake_client *client, const char *selector,
             uint32_t prefetch)
{
    return select_from(client, DESTINATION_QUEUE, "q", selector, prefetch);
}

static struct subscription *
consume(struct fake_client *client, uint32_t prefetch)
{
    return subscribe_queue(client, "q", ACK_CLIENT_INDIVIDUAL, prefetch);
}

/* Bodies first … last, each with the header k = number % modulus. */
static void
send_numbers(int first, int last, int modulus, bool persistent)
{
    struct message_facts facts = { .priority = 4,
                                   .persistent = persistent,
                                   .timestamp_ms = f.now_ms };
    char body[24];
    char headers[24];

    for (int i = first; i <= last; i++) {
        (void)snprintf(body, sizeof(body), "%d", i);
        (void)snprintf(headers, sizeof(headers), "k:%d\n", i % modulus);
        send_headed(&f, DESTINATION_QUEUE, "q", body, headers, &facts);
    }
}

static void
turns(int count)
{
    for (int i = 0; i < count; i++) {
        fixture_turn(&f);
    }
}

static struct lane *
lane_q(void)
{
    return &queue_of(destination_find(f.core, DESTINATION_QUEUE, SPAN("q")))
                ->main;
}

/* Whether the client got first, first + step, … up to last, and nothing else.
 */
static void
assert_steps(const struct fake_client *client, int first, int last, int step)
{
    size_t at = 0;

    for (int i = first; i <= last; i += step, at++) {
        ck_assert_uint_lt(at, client->got_count);
        ck_assert_int_eq(body_number(client->got[at].body), i);
    }
    ck_assert_uint_eq(client->got_count, at);
}

/* --- resident ----------------------------------------------------------------
 */

START_TEST(selecting_consumer_gets_what_it_selects_in_order)
{
    (void)select_queue(&a, "k = 1", 0);
    send_numbers(0, 11, 3, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 4 7 10");
}
END_TEST

START_TEST(plain_consumer_beside_it_competes_for_the_same_messages)
{
    (void)select_queue(&a, "k = 1", 0);
    (void)consume(&b, 0);
    send_numbers(0, 7, 2, false);
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count + b.got_count, 8);
    for (size_t i = 0; i < a.got_count; i++) {
        ck_assert_int_eq(body_number(a.got[i].body) % 2, 1);
    }
    ck_assert_uint_gt(a.got_count, 0);
}
END_TEST

START_TEST(two_with_one_selector_share_and_none_gets_it_twice)
{
    bool seen[20] = { false };

    (void)select_queue(&a, "k = 1", 0);
    (void)select_queue(&b, "k = 1", 0);
    send_numbers(0, 19, 2, false);
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, 5);
    ck_assert_uint_eq(b.got_count, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert(!seen[body_number(a.got[i].body)]);
        seen[body_number(a.got[i].body)] = true;
        ck_assert(!seen[body_number(b.got[i].body)]);
        seen[body_number(b.got[i].body)] = true;
    }
}
END_TEST

START_TEST(message_that_nobody_selects_waits_for_one_who_does)
{
    (void)select_queue(&a, "k = 1", 0);
    send_numbers(0, 3, 2, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 3");
    (void)consume(&b, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0 2");
}
END_TEST

START_TEST(each_message_is_looked_at_once_per_selecting_consumer)
{
    (void)select_queue(&a, "k = 1", 1);
    (void)select_queue(&b, "k = 2", 1);
    send_numbers(0, 999, 1, false); /* none for either */
    turns(3);
    ck_assert_uint_eq(evaluations, 2000);
    for (int i = 1000; i < 1100; i++) {
        send_numbers(i, i, 1, false);
        fixture_turn(&f);
    }
    ck_assert_uint_eq(evaluations, 2200);
}
END_TEST

START_TEST(returned_message_is_found_again_behind_the_scan)
{
    struct subscription *sub = select_queue(&a, "k = 1", 2);

    send_numbers(0, 9, 2, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 3");
    (void)select_queue(&b, "k = 1", 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "5 7 9");
    client_nack(&a, "1");
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count + b.got_count, 6);
    core_unsubscribe(sub);
    client_close(&a);
    fixture_turn(&f);
    ck_assert_uint_ge(b.got_count, 5);
    ck_assert(strstr(client_news(&b), "3r") != NULL);
    client_open(&f, &a);
}
END_TEST

START_TEST(selector_on_redelivery_sees_it)
{
    (void)select_queue(&a, "JMSRedelivered = TRUE", 0);
    (void)select_queue(&b, "JMSXDeliveryCount = 1", 0);
    send_numbers(0, 0, 1, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0");
    client_nack(&b, "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0r");
}
END_TEST

START_TEST(consumer_that_leaves_takes_nothing_along)
{
    (void)select_queue(&a, "k = 1", 2);
    send_numbers(0, 9, 2, false);
    fixture_turn(&f);
    client_close(&a);
    (void)consume(&b, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0 1r 2 3r 4 5 6 7 8 9");
    client_open(&f, &a);
}
END_TEST

START_TEST(expired_message_is_not_selected)
{
    struct message_facts facts = { .priority = 4,
                                   .timestamp_ms = f.now_ms,
                                   .expires_ms = f.now_ms + 10 };

    send_headed(&f, DESTINATION_QUEUE, "q", "old", "k:1\n", &facts);
    send_numbers(1, 1, 2, false);
    fixture_sleep_ms(&f, 100);
    (void)select_queue(&a, "k = 1", 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1");
}
END_TEST

START_TEST(expired_message_waits_while_its_dead_letter_cannot_be_kept)
{
    struct message_facts facts = { .priority = 4,
                                   .persistent = true,
                                   .timestamp_ms = f.now_ms,
                                   .expires_ms = f.now_ms + 10 };

    (void)select_queue(&a, "k = 1", 1);
    send_numbers(1, 1, 2, false); /* a is full */
    send_headed(&f, DESTINATION_QUEUE, "q", "old", "k:1\n", &facts);
    fixture_turn(&f);
    fixture_sleep_ms(&f, 100);
    fake_store_set_failure(f.store, "no space");
    client_ack(&a, "1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1");
    fake_store_set_failure(f.store, NULL);
    (void)subscribe_queue(&b, "ActiveMQ.DLQ", ACK_CLIENT, 0);
    send_numbers(3, 3, 2, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "old");
    ck_assert_str_eq(client_news(&a), "3");
}
END_TEST

START_TEST(more_than_one_round_of_misses_keeps_the_order)
{
    (void)select_queue(&a, "k = 1", 0);
    send_numbers(0, 9999, 5000, false); /* 1 and 5001 */
    turns(3);
    ck_assert_str_eq(client_news(&a), "1 5001");
}
END_TEST

/* --- paged
 * ---------------------------------------------------------------------- */

START_TEST(match_at_the_end_of_the_paged_part_is_found_out_of_turn)
{
    send_numbers(0, 9999, 10001, true);
    turns(2);
    ck_assert_uint_gt(lane_q()->paged_count, 9900);
    (void)select_queue(&a, "k >= 9995", 0);
    turns(10);
    assert_steps(&a, 9995, 9999, 1);
    ck_assert_uint_eq(evaluations, 10000);
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 9995);
    /* And the rest is there, once each. */
    (void)consume(&b, 100);
    for (int i = 0; i < 200 && b.got_count < 5000; i++) {
        turns(1);
        client_ack_all(&b);
    }
    for (size_t i = 0; i < b.got_count; i++) {
        ck_assert_int_eq(body_number(b.got[i].body), (int)i);
    }
}
END_TEST

START_TEST(what_comes_while_much_is_paged_is_found_at_once)
{
    send_numbers(0, 4999, 5001, true);
    turns(2);
    (void)select_queue(&a, "k = 0", 0);
    turns(10);
    evaluations = 0;
    send_numbers(5001, 5001, 5001, true);
    send_numbers(10002, 10002, 5001, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 5001 10002");
    ck_assert_uint_eq(evaluations, 2);
}
END_TEST

START_TEST(plain_consumer_takes_the_rest_around_what_was_read_ahead)
{
    send_numbers(0, 3999, 4, true);
    turns(2);
    (void)select_queue(&a, "k = 1", 8000);
    turns(20);
    assert_steps(&a, 1, 3997, 4);
    (void)consume(&b, 8000);
    for (int i = 0; i < 20; i++) {
        turns(1);
    }
    ck_assert_uint_eq(b.got_count, 3000);
    for (size_t i = 1; i < b.got_count; i++) {
        ck_assert_int_lt(body_number(b.got[i - 1].body),
                         body_number(b.got[i].body));
        ck_assert_int_ne(body_number(b.got[i].body) % 4, 1);
    }
    ck_assert_ptr_null(lane_q()->ahead);
    client_ack_all(&a);
    client_ack_all(&b);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(what_one_read_ahead_and_left_goes_to_another_that_selects_it)
{
    send_numbers(0, 499, 2, true);
    turns(2);
    (void)select_queue(&a, "k = 1", 1);
    turns(5); /* a has 1; many more are known to match it */
    (void)select_queue(&b, "k = 1", 1);
    turns(5);
    ck_assert_str_eq(client_news(&b), "3");
    client_close(&a);
    fixture_turn(&f);
    for (int i = 0; i < 400; i++) {
        client_ack_all(&b);
        turns(1);
    }
    /* 3, then all the others in order. */
    ck_assert_uint_eq(b.got_count, 250);
    ck_assert_int_eq(body_number(b.got[1].body), 1);
    for (size_t i = 3; i < b.got_count; i++) {
        ck_assert_int_lt(body_number(b.got[i - 1].body),
                         body_number(b.got[i].body));
    }
    client_open(&f, &a);
}
END_TEST

START_TEST(what_one_of_two_read_ahead_and_left_is_not_lost_for_the_other)
{
    send_numbers(0, 499, 2, true);
    turns(2);
    (void)select_queue(&a, "k = 1", 1);
    (void)select_queue(&b, "k = 1", 1);
    for (int i = 0; i < 400; i++) {
        turns(1);
        client_ack_all(&b); /* a acknowledges nothing */
    }
    ck_assert_uint_eq(a.got_count, 1);
    ck_assert_uint_eq(b.got_count, 249);
    client_close(&a);
    turns(2);
    client_ack_all(&b);
    ck_assert_uint_eq(b.got_count, 250);
    ck_assert_uint_eq(fake_store_count(f.store), 250);
    client_open(&f, &a);
}
END_TEST

START_TEST(order_holds_where_another_has_read_ahead_something_later)
{
    send_numbers(0, 499, 500, true);
    turns(2);
    (void)select_queue(&a, "k = 400 OR k = 401", 1);
    turns(5); /* a has 400; 401 is resident, far ahead */
    ck_assert_str_eq(client_news(&a), "400");
    (void)select_queue(&b, "k = 300 OR k = 401 OR k = 402", 1);
    turns(5);
    ck_assert_str_eq(client_news(&b), "300");
    client_ack(&b, "300");
    turns(5);
    ck_assert_str_eq(client_news(&b), "401");
    client_ack(&b, "401");
    turns(5);
    ck_assert_str_eq(client_news(&b), "402");
}
END_TEST

START_TEST(returned_out_of_turn_message_waits_for_older_ones_of_another)
{
    send_numbers(0, 499, 500, true);
    turns(2);
    (void)select_queue(&a, "k = 400", 1);
    turns(5);
    (void)select_queue(&b, "k >= 300", 8000);
    client_close(&a); /* 400 comes back before b has read anything */
    turns(10);
    ck_assert_uint_eq(b.got_count, 200);
    for (size_t i = 0; i < b.got_count; i++) {
        ck_assert_int_eq(body_number(b.got[i].body), 300 + (int)i);
    }
    client_open(&f, &a);
}
END_TEST

START_TEST(leaving_while_a_page_is_read_for_it_does_no_harm)
{
    send_numbers(0, 499, 500, true);
    turns(2);
    fake_store_hold_fetches(f.store, true);
    (void)select_queue(&a, "k >= 100", 0);
    fixture_turn(&f);
    client_close(&a);
    (void)select_queue(&b, "k = 450", 0);
    fake_store_hold_fetches(f.store, false);
    turns(5);
    ck_assert_str_eq(client_news(&b), "450");
    client_open(&f, &a);
}
END_TEST

START_TEST(unreadable_page_is_read_again_later_and_nothing_is_lost)
{
    send_numbers(0, 499, 500, true);
    turns(2);
    fake_store_fail_fetches(f.store, true);
    (void)select_queue(&a, "k >= 495", 0);
    turns(3);
    ck_assert_str_eq(client_news(&a), "");
    fake_store_fail_fetches(f.store, false);
    core_sweep(f.core);
    turns(5);
    ck_assert_str_eq(client_news(&a), "495 496 497 498 499");
    ck_assert_uint_le(evaluations, 500);
}
END_TEST

START_TEST(more_matches_than_are_read_ahead_all_come_in_order)
{
    send_numbers(0, 4999, 1, true);
    turns(2);
    (void)select_queue(&a, "k = 0", 10);
    for (int i = 0; i < 1000; i++) {
        turns(1);
        client_ack_all(&a);
    }
    assert_steps(&a, 0, 4999, 1);
    ck_assert_uint_eq(evaluations, 5000);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(little_memory_is_taken_for_what_is_read_ahead)
{
    struct core_stats stats;

    send_numbers(0, 19999, 1, true);
    turns(2);
    (void)select_queue(&a, "k = 0", 1);
    turns(20);
    core_stats_get(f.core, &stats);
    ck_assert_uint_lt(stats.memory_bytes, 3000 * 250);
}
END_TEST

START_TEST(bitmap_is_dropped_when_nothing_is_paged_any_more)
{
    (void)select_queue(&a, "k = 0", 0);
    client_close(&a);
    client_open(&f, &a);
    send_numbers(0, 299, 1, true);
    turns(2);
    (void)select_queue(&a, "k = 0", 1);
    for (int i = 0; i < 310; i++) {
        turns(1);
        client_ack_all(&a);
    }
    assert_steps(&a, 0, 299, 1);
    ck_assert_uint_eq(lane_q()->paged_count, 0);
    ck_assert_ptr_null(lane_q()->ahead);
}
END_TEST

START_TEST(plain_consumer_is_read_for_while_a_selecting_one_searches)
{
    size_t pages = 0;

    send_numbers(0, 29999, 30001, true);
    turns(2);
    (void)consume(&b, 100);
    (void)select_queue(&a, "k = 40000", 0);
    /* One page a turn; while a looks at 15 of them, b gets its own. */
    for (; pages < 60 && b.got_count < 6000; pages++) {
        while (core_turn(f.core)) {
        }
        for (int i = 0; i < 100; i++) {
            client_ack_all(&b);
            while (core_turn(f.core)) {
            }
        }
        (void)store_flush(f.store, f.now_us);
        store_poll(f.store);
    }
    ck_assert_uint_ge(b.got_count, 6000);
    ck_assert_uint_le(pages, 10);
}
END_TEST

START_TEST(selecting_consumer_finds_after_a_restart)
{
    send_numbers(0, 499, 500, true);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
    client_open(&f, &c);
    (void)select_queue(&a, "k = 3 OR k = 477", 0);
    turns(5);
    ck_assert_str_eq(client_news(&a), "3 477");
}
END_TEST

/* --- topics
 * --------------------------------------------------------------------- */

START_TEST(topic_subscriber_gets_what_it_selects)
{
    (void)select_from(&a, DESTINATION_TOPIC, "t", "k = 'x'", 0);
    (void)subscribe_topic(&b, "t", ACK_CLIENT, 0);
    send_headed(&f, DESTINATION_TOPIC, "t", "0", "k:x\n", NULL);
    send_headed(&f, DESTINATION_TOPIC, "t", "1", "k:y\n", NULL);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "0 1");
}
END_TEST

START_TEST(what_a_selector_refuses_does_not_count_against_the_pending_limit)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_TOPIC, "t");

    policy->pending_limit = &pending_limit_constant;
    policy->pending_limit_parameters.limit = 2;
    (void)select_from(&a, DESTINATION_TOPIC, "t", "k = 'x'", 1);
    for (int i = 0; i < 12; i++) {
        char body[24];

        (void)snprintf(body, sizeof(body), "%d", i);
        send_headed(&f, DESTINATION_TOPIC, "t", body,
                    i % 4 == 0 ? "k:x\n" : "k:y\n", NULL);
    }
    fixture_turn(&f);
    client_ack(&a, "0");
    fixture_turn(&f);
    client_ack(&a, "4");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 4 8");
}
END_TEST

START_TEST(recovery_gives_only_what_is_selected)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_TOPIC, "t");
    struct subscribe_options options = options_of(ACK_CLIENT, 0);

    policy->recovery = &recovery_fixed_count;
    policy->recovery_parameters.count = 10;
    for (int i = 0; i < 6; i++) {
        char body[24];

        (void)snprintf(body, sizeof(body), "%d", i);
        send_headed(&f, DESTINATION_TOPIC, "t", body,
                    i % 2 == 0 ? "k:x\n" : "k:y\n", NULL);
    }
    options.retroactive = true;
    options.selector = selector_of("k = 'x'");
    (void)subscribe(&a, DESTINATION_TOPIC, "t", &options);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 2 4");
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("selecting");
    TCase *t = tcase_create("resident");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, selecting_consumer_gets_what_it_selects_in_order);
    tcase_add_test(t, plain_consumer_beside_it_competes_for_the_same_messages);
    tcase_add_test(t, two_with_one_selector_share_and_none_gets_it_twice);
    tcase_add_test(t, message_that_nobody_selects_waits_for_one_who_does);
    tcase_add_test(t, each_message_is_looked_at_once_per_selecting_consumer);
    tcase_add_test(t, returned_message_is_found_again_behind_the_scan);
    tcase_add_test(t, selector_on_redelivery_sees_it);
    tcase_add_test(t, consumer_that_leaves_takes_nothing_along);
    tcase_add_test(t, expired_message_is_not_selected);
    tcase_add_test(t,
                   expired_message_waits_while_its_dead_letter_cannot_be_kept);
    tcase_add_test(t, more_than_one_round_of_misses_keeps_the_order);
    suite_add_tcase(s, t);
    t = tcase_create("paged");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, match_at_the_end_of_the_paged_part_is_found_out_of_turn);
    tcase_add_test(t, what_comes_while_much_is_paged_is_found_at_once);
    tcase_add_test(t, plain_consumer_takes_the_rest_around_what_was_read_ahead);
    tcase_add_test(
        t, what_one_read_ahead_and_left_goes_to_another_that_selects_it);
    tcase_add_test(
        t, what_one_of_two_read_ahead_and_left_is_not_lost_for_the_other);
    tcase_add_test(t, order_holds_where_another_has_read_ahead_something_later);
    tcase_add_test(
        t, returned_out_of_turn_message_waits_for_older_ones_of_another);
    tcase_add_test(t, leaving_while_a_page_is_read_for_it_does_no_harm);
    tcase_add_test(t, unreadable_page_is_read_again_later_and_nothing_is_lost);
    tcase_add_test(t, more_matches_than_are_read_ahead_all_come_in_order);
    tcase_add_test(t, little_memory_is_taken_for_what_is_read_ahead);
    tcase_add_test(t, bitmap_is_dropped_when_nothing_is_paged_any_more);
    tcase_add_test(t,
                   plain_consumer_is_read_for_while_a_selecting_one_searches);
    tcase_add_test(t, selecting_consumer_finds_after_a_restart);
    suite_add_tcase(s, t);
    t = tcase_create("topics");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, topic_subscriber_gets_what_it_selects);
    tcase_add_test(
        t, what_a_selector_refuses_does_not_count_against_the_pending_limit);
    tcase_add_test(t, recovery_gives_only_what_is_selected);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return testutil_run(suite());
}
