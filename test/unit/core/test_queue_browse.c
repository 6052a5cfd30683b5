/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Browsers: what they are shown of a queue, resident or not, and that they take
 * nothing and stop nobody.  Source: activemq.md 11.4, "Browser".
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include "policy/selector.h"
#include "server/core/queue.h"

#include <stdio.h>
#include <string.h>

static struct fixture f;
static struct fake_client a, b, c;

static void
setup(void)
{
    struct core_options options = core_options_default;

    options.queue_resident_bytes = 2000; /* a dozen messages */
    fixture_init_options(&f, &fake_store_engine, &options);
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

static struct queue *
queue_q(void)
{
    return queue_of(
        destination_get(f.core, DESTINATION_QUEUE, SPAN("q"), NULL));
}

static struct subscription *
browse(struct fake_client *client, const char *selector, uint32_t prefetch,
       bool follow)
{
    struct subscribe_options options = options_of(ACK_AUTO, prefetch);

    (void)queue_q();
    options.browse = true;
    options.browse_follow = follow;
    options.selector = selector != NULL ? selector_of(selector) : NULL;
    return subscribe(client, DESTINATION_QUEUE, "q", &options);
}

/* Turns until the client is shown nothing more, with all that it got leaving.
 */
static void
show_all(struct fake_client *client)
{
    size_t before;

    do {
        before = client->got_count;
        client_flush(client);
        for (int i = 0; i < 20; i++) {
            fixture_turn(&f);
        }
    } while (client->got_count > before);
}

static void
assert_shown(const struct fake_client *client, int first, int last)
{
    ck_assert_uint_eq(client->got_count, (size_t)(last - first + 1));
    for (int i = first; i <= last; i++) {
        ck_assert_int_eq(body_number(client->got[i - first].body), i);
    }
}

START_TEST(browser_is_shown_what_waits_and_takes_nothing)
{
    send_queue(&f, "q", 0, 4);
    (void)browse(&a, NULL, 0, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 2 3 4");
    ck_assert_uint_eq(a.browsed, 1);
    ck_assert_uint_eq(queue_waiting_count(queue_q()), 5);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0 1 2 3 4");
}
END_TEST

START_TEST(empty_queue_is_at_its_end_at_once)
{
    (void)browse(&a, NULL, 0, false);
    ck_assert_uint_eq(a.browsed, 0); /* the RECEIPT comes first */
    fixture_turn(&f);
    ck_assert_uint_eq(a.browsed, 1);
    ck_assert_uint_eq(a.got_count, 0);
}
END_TEST

START_TEST(what_others_have_in_flight_is_shown_at_its_place)
{
    struct subscription *sub = subscribe_queue(&b, "q", ACK_CLIENT, 2);

    send_queue(&f, "q", 0, 4);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0 1");
    core_unsubscribe(sub); /* un-acked all the same */
    (void)subscribe_queue(&c, "q", ACK_AUTO, 1);
    fixture_turn(&f);
    (void)browse(&a, NULL, 0, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 2 3 4");
}
END_TEST

START_TEST(delayed_and_parked_messages_are_shown)
{
    (void)subscribe_queue(&b, "q", ACK_CLIENT_INDIVIDUAL, 1);
    for (int i = 0; i < 3; i++) {
        char body[24];

        (void)snprintf(body, sizeof(body), "%d", i);
        send_headed(&f, DESTINATION_QUEUE, "q", body, "JMSXGroupID:g\n", NULL);
    }
    fixture_turn(&f);
    client_nack_later(&b, "0", 60000);
    fixture_turn(&f);
    (void)browse(&a, NULL, 0, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 2");
}
END_TEST

START_TEST(what_comes_later_is_not_shown)
{
    send_queue(&f, "q", 0, 1);
    (void)browse(&a, NULL, 0, false);
    send_queue(&f, "q", 2, 3);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
    send_queue(&f, "q", 4, 4);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
    ck_assert_uint_eq(a.browsed, 1);
}
END_TEST

START_TEST(follower_goes_on_without_end)
{
    (void)subscribe_queue(&b, "q", ACK_AUTO, 0);
    send_queue(&f, "q", 0, 1);
    (void)browse(&a, NULL, 0, true);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
    send_queue(&f, "q", 2, 3); /* a consumer gets them in the same turn */
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "2 3");
    ck_assert_uint_eq(a.browsed, 0);
}
END_TEST

START_TEST(prefetch_bounds_what_is_on_its_way)
{
    send_queue(&f, "q", 0, 9);
    (void)browse(&a, NULL, 3, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 2");
    client_flush(&a);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "3 4 5");
    show_all(&a);
    assert_shown(&a, 0, 9);
    ck_assert_uint_eq(a.browsed, 1);
}
END_TEST

START_TEST(policy_bounds_how_many_are_shown)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->max_browse_page_size = 5;
    policy->queue_browser_prefetch = 2;
    send_persistent(&f, "q", 0, 99); /* most of them are paged */
    (void)browse(&a, NULL, 0, false);
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, 2);
    show_all(&a);
    assert_shown(&a, 0, 4);
    ck_assert_uint_eq(a.browsed, 1);
}
END_TEST

START_TEST(paged_messages_are_shown_and_stay_paged)
{
    send_persistent(&f, "q", 0, 4999);
    fixture_turn(&f);
    ck_assert(queue_is_paged(queue_q()));
    (void)browse(&a, NULL, 700, false);
    show_all(&a);
    assert_shown(&a, 0, 4999);
    ck_assert_uint_eq(a.browsed, 1);
    ck_assert_uint_lt(queue_q()->main.waiting_count, 50);
    ck_assert_uint_eq(queue_waiting_count(queue_q()), 5000);
}
END_TEST

START_TEST(selector_picks_among_paged_ones_and_restarts_where_it_stopped)
{
    struct message_facts facts = { .priority = 4, .persistent = true };

    for (int i = 0; i < 3000; i++) {
        char body[24];
        char headers[24];

        (void)snprintf(body, sizeof(body), "%d", i);
        (void)snprintf(headers, sizeof(headers), "k:%d\n", i % 3);
        send_headed(&f, DESTINATION_QUEUE, "q", body, headers, &facts);
    }
    (void)browse(&a, "k = 1", 10, false);
    show_all(&a);
    ck_assert_uint_eq(a.got_count, 1000);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(body_number(a.got[i].body), 1 + 3 * i);
    }
    ck_assert_uint_eq(a.browsed, 1);
}
END_TEST

/* A selecting consumer has some read out of their turn. */
START_TEST(what_was_read_ahead_is_shown_once_at_its_place)
{
    struct subscribe_options options = options_of(ACK_CLIENT_INDIVIDUAL, 5);
    struct message_facts facts = { .priority = 4, .persistent = true };

    for (int i = 0; i < 400; i++) {
        char body[24];
        char headers[24];

        (void)snprintf(body, sizeof(body), "%d", i);
        (void)snprintf(headers, sizeof(headers), "k:%d\n", i % 50);
        send_headed(&f, DESTINATION_QUEUE, "q", body, headers, &facts);
    }
    options.selector = selector_of("k = 7");
    (void)subscribe(&b, DESTINATION_QUEUE, "q", &options);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "7 57 107 157 207");
    (void)browse(&a, NULL, 30, false);
    show_all(&a);
    assert_shown(&a, 0, 399);
    client_ack(&b, "107");
    fixture_turn(&f);
    (void)browse(&c, NULL, 0, false);
    show_all(&c);
    ck_assert_uint_eq(c.got_count, 399);
    ck_assert_str_eq(c.got[106].body, "106");
    ck_assert_str_eq(c.got[107].body, "108");
}
END_TEST

START_TEST(consumers_go_on_while_a_browser_reads)
{
    send_persistent(&f, "q", 0, 2999);
    fixture_turn(&f);
    (void)browse(&a, NULL, 10, false);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, 100);
    for (int i = 0; i < 60; i++) {
        fixture_turn(&f);
        client_ack_all(&b);
        client_flush(&a);
    }
    show_all(&b);
    ck_assert_uint_eq(b.got_count, 3000);
    ck_assert_uint_gt(a.got_count, 100);
    /* In order, none twice, whatever was consumed meanwhile. */
    for (size_t i = 1; i < a.got_count; i++) {
        ck_assert_int_gt(body_number(a.got[i].body),
                         body_number(a.got[i - 1].body));
    }
}
END_TEST

START_TEST(priorities_are_shown_highest_first)
{
    struct message_facts facts = { .priority = 4 };

    fixture_policy(&f, DESTINATION_QUEUE, "q")->prioritized_messages = true;
    for (int i = 0; i < 6; i++) {
        char body[24];

        facts.priority = (uint8_t)(i % 3 * 4);
        (void)snprintf(body, sizeof(body), "%d", i);
        send_headed(&f, DESTINATION_QUEUE, "q", body, "", &facts);
    }
    (void)browse(&a, NULL, 2, false);
    show_all(&a);
    ck_assert_str_eq(client_news(&a), "2 5 1 4 0 3");
}
END_TEST

START_TEST(expired_messages_are_not_shown)
{
    struct message_facts facts = { .priority = 4,
                                   .expires_ms = f.now_ms + 1000 };

    send_headed(&f, DESTINATION_QUEUE, "q", "old", "", &facts);
    send_queue(&f, "q", 1, 1);
    fixture_sleep_ms(&f, 2000);
    (void)browse(&a, NULL, 0, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1");
}
END_TEST

START_TEST(browser_that_leaves_while_a_page_is_read)
{
    struct subscription *sub;

    send_persistent(&f, "q", 0, 299);
    fixture_turn(&f);
    fake_store_hold_fetches(f.store, true);
    sub = browse(&a, NULL, 100, false);
    (void)core_turn(f.core);
    core_unsubscribe(sub);
    fake_store_hold_fetches(f.store, false);
    fixture_turn(&f);
    ck_assert_uint_eq(a.browsed, 0);
    (void)browse(&b, NULL, 0, false);
    show_all(&b);
    assert_shown(&b, 0, 299);
}
END_TEST

START_TEST(page_that_cannot_be_read_is_read_again_later)
{
    send_persistent(&f, "q", 0, 299);
    fixture_turn(&f);
    fake_store_fail_fetches(f.store, true);
    (void)browse(&a, NULL, 0, false);
    show_all(&a);
    ck_assert_uint_lt(a.got_count, 50);
    ck_assert_uint_eq(a.browsed, 0);
    fake_store_fail_fetches(f.store, false);
    core_sweep(f.core);
    show_all(&a);
    assert_shown(&a, 0, 299);
    ck_assert_uint_eq(a.browsed, 1);
}
END_TEST

START_TEST(browser_counts_for_no_consumer)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->consumers_before_dispatch = 2;
    policy->time_before_dispatch_us = 60 * 1000000;
    send_queue(&f, "q", 0, 0);
    (void)browse(&a, NULL, 0, false);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0"); /* held or not */
    ck_assert_str_eq(client_news(&b), "");
    ck_assert_uint_eq(queue_q()->base.attachment_count, 1);
}
END_TEST

/* The queue goes with its owner. */
START_TEST(end_of_a_temporary_queue_ends_the_browser)
{
    struct subscribe_options options = options_of(ACK_AUTO, 0);
    struct destination *dest;

    client_close(&c);
    client_open(&f, &c);
    ck_assert_int_eq(core_destination(f.core, &c.client, DESTINATION_TEMP_QUEUE,
                                      SPAN("c.t"), true, &dest),
                     CORE_FOUND);
    options.browse = true;
    options.browse_follow = true;
    (void)subscribe(&a, DESTINATION_TEMP_QUEUE, "c.t", &options);
    fixture_turn(&f);
    client_close(&c);
    ck_assert_uint_eq(a.browsed, 1);
    client_open(&f, &c);
}
END_TEST

static Suite *
suite(void)
{
    Suite *suite = suite_create("queue_browse");
    TCase *tcase = tcase_create("browse");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, browser_is_shown_what_waits_and_takes_nothing);
    tcase_add_test(tcase, empty_queue_is_at_its_end_at_once);
    tcase_add_test(tcase, what_others_have_in_flight_is_shown_at_its_place);
    tcase_add_test(tcase, delayed_and_parked_messages_are_shown);
    tcase_add_test(tcase, what_comes_later_is_not_shown);
    tcase_add_test(tcase, follower_goes_on_without_end);
    tcase_add_test(tcase, prefetch_bounds_what_is_on_its_way);
    tcase_add_test(tcase, policy_bounds_how_many_are_shown);
    tcase_add_test(tcase, paged_messages_are_shown_and_stay_paged);
    tcase_add_test(
        tcase, selector_picks_among_paged_ones_and_restarts_where_it_stopped);
    tcase_add_test(tcase, what_was_read_ahead_is_shown_once_at_its_place);
    tcase_add_test(tcase, consumers_go_on_while_a_browser_reads);
    tcase_add_test(tcase, priorities_are_shown_highest_first);
    tcase_add_test(tcase, expired_messages_are_not_shown);
    tcase_add_test(tcase, browser_that_leaves_while_a_page_is_read);
    tcase_add_test(tcase, page_that_cannot_be_read_is_read_again_later);
    tcase_add_test(tcase, browser_counts_for_no_consumer);
    tcase_add_test(tcase, end_of_a_temporary_queue_ends_the_browser);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(suite());
}
