/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purging a queue: what goes, what stays, what is left in the store.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include "policy/selector.h"
#include "server/core/queue.h"

#include <stdio.h>
#include <string.h>

static struct fixture f;
static struct fake_client a, b;
static struct core_purge_result result;
static unsigned done;

static void
setup(void)
{
    struct core_options options = core_options_default;

    options.queue_resident_bytes = 2000; /* a dozen messages */
    fixture_init_options(&f, &fake_store_engine, &options);
    client_open(&f, &a);
    client_open(&f, &b);
    done = 0;
}

static void
teardown(void)
{
    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
}

static struct queue *
queue_q(void)
{
    return queue_of(destination_find(f.core, DESTINATION_QUEUE, SPAN("q")));
}

static void
on_purged(void *ctx, const struct core_purge_result *purged)
{
    ck_assert_ptr_eq(ctx, &result);
    result = *purged;
    done++;
}

static bool
ask(const char *selector)
{
    struct selector *parsed = selector != NULL ? selector_of(selector) : NULL;
    bool found = core_purge(f.core, DESTINATION_QUEUE, SPAN("q"), &parsed,
                            on_purged, &result);

    selector_free(&parsed);
    return found;
}

static void
finish(void)
{
    for (int i = 0; i < 20 && done == 0; i++) {
        fixture_turn(&f);
    }
    ck_assert_uint_eq(done, 1);
    fixture_turn(&f);
}

/* What came is counted: it waits, is in flight, or has gone. */
static void
assert_adds_up(void)
{
    const struct queue *queue = queue_q();

    ck_assert_uint_eq(queue->base.enqueued_count,
                      queue->base.dequeued_count + queue->in_flight_count +
                          queue_waiting_count(queue));
}

static void
send_numbers(int first, int last, int modulus)
{
    struct message_facts facts = { .priority = 4, .persistent = true };

    for (int i = first; i <= last; i++) {
        char body[24];
        char headers[24];

        (void)snprintf(body, sizeof(body), "%d", i);
        (void)snprintf(headers, sizeof(headers), "k:%d\n", i % modulus);
        send_headed(&f, DESTINATION_QUEUE, "q", body, headers, &facts);
    }
}

START_TEST(everything_goes_resident_or_not)
{
    send_persistent(&f, "q", 0, 4999);
    fixture_turn(&f);
    ck_assert(ask(NULL));
    ck_assert_uint_eq(done, 0);
    finish();
    ck_assert_uint_eq(result.purged, 5000);
    ck_assert_uint_eq(result.in_flight, 0);
    ck_assert_uint_eq(queue_waiting_count(queue_q()), 0);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
    assert_adds_up();
    send_persistent(&f, "q", 5000, 5002);
    (void)subscribe_queue(&a, "q", ACK_AUTO, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "5000 5001 5002");
}
END_TEST

START_TEST(what_is_not_there_cannot_be_purged)
{
    ck_assert(!ask("a = 1"));
    fixture_turn(&f);
    ck_assert_uint_eq(done, 0);
}
END_TEST

START_TEST(what_is_in_flight_stays)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT_INDIVIDUAL, 3);
    send_persistent(&f, "q", 0, 299);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 2");
    ck_assert(ask(NULL));
    finish();
    ck_assert_uint_eq(result.purged, 297);
    ck_assert_uint_eq(result.in_flight, 3);
    ck_assert_uint_eq(fake_store_count(f.store), 3);
    assert_adds_up();
    client_ack(&a, "1");
    client_nack(&a, "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0r");
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
    assert_adds_up();
}
END_TEST

START_TEST(selector_picks_what_goes)
{
    send_numbers(0, 2999, 3);
    fixture_turn(&f);
    ck_assert(ask("k <> 1"));
    finish();
    ck_assert_uint_eq(result.purged, 2000);
    ck_assert_uint_eq(queue_waiting_count(queue_q()), 1000);
    ck_assert_uint_eq(fake_store_count(f.store), 1000);
    assert_adds_up();
    (void)subscribe_queue(&a, "q", ACK_AUTO, 5000);
    for (int i = 0; i < 5; i++) {
        fixture_turn(&f);
        client_flush(&a);
    }
    ck_assert_uint_eq(a.got_count, 1000);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(body_number(a.got[i].body), 1 + 3 * i);
    }
}
END_TEST

START_TEST(delayed_and_parked_messages_go)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT_INDIVIDUAL, 1);
    for (int i = 0; i < 4; i++) {
        char body[24];

        (void)snprintf(body, sizeof(body), "%d", i);
        send_headed(&f, DESTINATION_QUEUE, "q", body, "JMSXGroupID:g\n", NULL);
    }
    fixture_turn(&f);
    client_nack_later(&a, "0", 60000);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
    ck_assert(ask(NULL));
    finish();
    ck_assert_uint_eq(result.purged, 3);
    ck_assert_uint_eq(result.in_flight, 1);
    fixture_sleep_ms(&f, 120000);
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
    assert_adds_up();
}
END_TEST

START_TEST(what_comes_meanwhile_stays)
{
    send_persistent(&f, "q", 0, 1999);
    fixture_turn(&f);
    ck_assert(ask(NULL));
    send_persistent(&f, "q", 2000, 2004);
    finish();
    ck_assert_uint_eq(result.purged, 2000);
    (void)subscribe_queue(&a, "q", ACK_AUTO, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "2000 2001 2002 2003 2004");
    assert_adds_up();
}
END_TEST

START_TEST(consumers_go_on_and_all_is_either_consumed_or_purged)
{
    send_persistent(&f, "q", 0, 4999);
    fixture_turn(&f);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 10);
    ck_assert(ask(NULL));
    for (int i = 0; i < 100 && done == 0; i++) {
        (void)core_turn(f.core);
        (void)store_flush(f.store, f.now_us);
        store_poll(f.store);
        client_ack_all(&a);
    }
    ck_assert_uint_eq(done, 1);
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(result.purged + a.got_count, 5000);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
    assert_adds_up();
}
END_TEST

START_TEST(selecting_consumer_and_browser_beside_it)
{
    struct subscribe_options options = options_of(ACK_CLIENT_INDIVIDUAL, 5);
    size_t shown;

    send_numbers(0, 999, 10);
    options.selector = selector_of("k = 3");
    (void)subscribe(&a, DESTINATION_QUEUE, "q", &options);
    options = options_of(ACK_AUTO, 100);
    options.browse = true;
    (void)subscribe(&b, DESTINATION_QUEUE, "q", &options);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "3 13 23 33 43");
    ck_assert(ask(NULL));
    finish();
    ck_assert_uint_eq(result.in_flight, 5);
    ck_assert_uint_eq(result.purged, 995);
    do {
        shown = b.got_count;
        client_flush(&b);
        fixture_turn(&f);
    } while (b.got_count > shown);
    ck_assert_uint_eq(b.browsed, 1);
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
    assert_adds_up();
}
END_TEST

START_TEST(store_that_is_behind_is_waited_for)
{
    send_persistent(&f, "q", 0, 99);
    fixture_turn(&f);
    fake_store_set_congested(f.store, true);
    ck_assert(ask(NULL));
    fixture_turn(&f);
    ck_assert_uint_eq(done, 0);
    ck_assert_uint_eq(fake_store_count(f.store), 100);
    ck_assert_int_lt(core_due_us(f.core), INT64_MAX);
    fake_store_set_congested(f.store, false);
    fixture_sleep_ms(&f, 1000);
    finish();
    ck_assert_uint_eq(result.purged, 100);
}
END_TEST

START_TEST(end_of_the_core_comes_first)
{
    send_persistent(&f, "q", 0, 4999);
    fixture_turn(&f);
    ck_assert(ask(NULL));
    (void)core_turn(f.core);
    ck_assert_uint_eq(done, 0);
}
END_TEST

static Suite *
suite(void)
{
    Suite *suite = suite_create("queue_purge");
    TCase *tcase = tcase_create("purge");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, everything_goes_resident_or_not);
    tcase_add_test(tcase, what_is_not_there_cannot_be_purged);
    tcase_add_test(tcase, what_is_in_flight_stays);
    tcase_add_test(tcase, selector_picks_what_goes);
    tcase_add_test(tcase, delayed_and_parked_messages_go);
    tcase_add_test(tcase, what_comes_meanwhile_stays);
    tcase_add_test(tcase, consumers_go_on_and_all_is_either_consumed_or_purged);
    tcase_add_test(tcase, selecting_consumer_and_browser_beside_it);
    tcase_add_test(tcase, store_that_is_behind_is_waited_for);
    tcase_add_test(tcase, end_of_the_core_comes_first);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(suite());
}
