/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RECEIPT and ERROR while the disk is slow or fails: request order, exactly one
 * answer for each `receipt`.  Source: stomp.md D14, D16; design.md 5, 8.
 */
#include "test/testutil.h"
#include "test/unit/session/session_fixture.h"

#include <stdio.h>
#include <string.h>

#define RECEIPT(id) "RECEIPT\nreceipt-id:" id "\n\n^@"
#define SYNC_SEND(id)                                                          \
    "SEND\ndestination:/queue/q\npersistent:true\nreceipt:" id "\n\nx^@"

static struct fixture f;
static struct peer *const a = &f.peers[0];
static struct peer *const b = &f.peers[1];

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
    fake_store_hold(f.store, true);
    peer_connect(&f, a, "1.2");
}

static void
teardown(void)
{
    fixture_fini(&f);
}

/* The oldest batch ends, and what follows from it. */
static const char *
end_batch(const char *err)
{
    ck_assert(fake_store_end(f.store, err));
    fixture_turn(&f);
    return peer_take(a);
}

START_TEST(receipt_of_a_persistent_send_waits_for_the_disk)
{
    ck_assert_str_eq(peer_ask(a, SYNC_SEND("1")), "");
    ck_assert_str_eq(end_batch(NULL), RECEIPT("1"));
}
END_TEST

START_TEST(answers_leave_in_the_order_of_the_requests)
{
    peer_send(a, SYNC_SEND("1"));
    ck_assert_str_eq(
        peer_ask(a, "SEND\ndestination:/topic/t\nreceipt:2\n\nx^@"
                    "SUBSCRIBE\nid:s\ndestination:/topic/t\nreceipt:3\n\n^@"),
        "");
    peer_send(a, SYNC_SEND("4") "BEGIN\ntransaction:t\nreceipt:5\n\n^@");
    ck_assert_str_eq(end_batch(NULL), RECEIPT("1") RECEIPT("2") RECEIPT("3"));
    ck_assert_str_eq(end_batch(NULL), RECEIPT("4") RECEIPT("5"));
}
END_TEST

START_TEST(other_connections_do_not_wait)
{
    peer_connect(&f, b, "1.2");
    peer_send(a, SYNC_SEND("1"));
    ck_assert_str_eq(
        peer_ask(b, "SEND\ndestination:/queue/q\nreceipt:2\n\nx^@"),
        RECEIPT("2"));
}
END_TEST

START_TEST(receipt_of_an_ack_waits_until_the_removal_is_on_disk)
{
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\nack:client\n\n^@"
                 "SEND\ndestination:/queue/q\npersistent:true\n\nx^@");
    (void)end_batch(NULL);
    ck_assert_str_eq(peer_ask(a, "ACK\nid:T-1-1\nreceipt:1\n\n^@"), "");
    ck_assert_str_eq(end_batch(NULL), RECEIPT("1"));
}
END_TEST

START_TEST(composite_waits_for_whichever_name_needs_the_disk)
{
    static const char *const names[] = { "/queue/q,/topic/t",
                                         "/topic/t,/queue/q" };
    char text[128];

    (void)snprintf(text, sizeof(text),
                   "SEND\ndestination:%s\npersistent:true\nreceipt:1\n\nx^@",
                   names[_i]);
    ck_assert_str_eq(peer_ask(a, text), "");
    ck_assert_str_eq(end_batch(NULL), RECEIPT("1"));
}
END_TEST

START_TEST(use_async_send_answers_at_once)
{
    static const char *const headers[] = { "useAsyncSend", "jms.useAsyncSend" };
    char text[128];

    if (_i < 2) {
        (void)snprintf(text, sizeof(text),
                       "CONNECT\naccept-version:1.2\n%s:true\n\n^@",
                       headers[_i]);
        peer_open(&f, b);
        ck_assert_has(peer_ask(b, text), "CONNECTED\n");
    } else {
        peer_connect(&f, b, "1.2");
        b->transport.base.use_async_send = true;
        b->transport.base.use_async_send_set = true;
    }
    ck_assert_str_eq(peer_ask(b, SYNC_SEND("1")), RECEIPT("1"));
    ck_assert_str_eq(peer_ask(a, SYNC_SEND("1")), "");
}
END_TEST

START_TEST(error_comes_behind_the_answers_that_wait)
{
    const char *text;

    peer_send(a, SYNC_SEND("1") "FOO\nreceipt:2\n\n^@" SYNC_SEND("3"));
    ck_assert_str_eq(peer_take(a), "");
    ck_assert(!a->transport.closed);
    ck_assert(fake_store_end(f.store, NULL));
    fixture_turn(&f);
    text = peer_take(a);
    ck_assert_int_eq(
        strncmp(text, RECEIPT("1") "ERROR\n", strlen(RECEIPT("1") "ERROR\n")),
        0);
    ck_assert_has(text, "\nreceipt-id:2\n");
    ck_assert_has(text, "\nmessage:unknown command\n");
    ck_assert_ptr_null(strstr(text, "receipt-id:3"));
    ck_assert_int_eq(a->transport.how, TRANSPORT_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(disconnect_is_answered_after_what_came_before_it)
{
    peer_send(a, SYNC_SEND("1") "DISCONNECT\nreceipt:2\n\n^@");
    ck_assert_str_eq(peer_take(a), "");
    ck_assert(!a->transport.closed);
    ck_assert_str_eq(end_batch(NULL), RECEIPT("1") RECEIPT("2"));
    ck_assert(a->transport.closed);
    ck_assert_int_eq(a->transport.how, TRANSPORT_CLOSE_NORMAL);
}
END_TEST

START_TEST(failed_batch_is_an_error_with_the_receipt_id)
{
    peer_send(a, SYNC_SEND("1"));
    peer_send(a, SYNC_SEND("2") SYNC_SEND("3"));
    peer_send(a, SYNC_SEND("4"));
    ck_assert_str_eq(end_batch(NULL), RECEIPT("1"));
    ck_assert(fake_store_end(f.store, "disk full"));
    fixture_turn(&f);
    ck_assert_has(a->transport.out.data + a->transport.taken,
                  "\nreceipt-id:2\n");
    ck_assert_has(a->transport.out.data + a->transport.taken, "disk full");
    peer_assert_error(a, "not stored", TRANSPORT_CLOSE_FAILED);
    ck_assert(fake_store_end(f.store, NULL));
    fixture_turn(&f);
    ck_assert_str_eq(peer_take(a), ""); /* nothing behind the ERROR */
}
END_TEST

START_TEST(failed_batch_answers_a_session_that_was_ending)
{
    peer_send(a, _i == 0 ? SYNC_SEND("1") "DISCONNECT\nreceipt:2\n\n^@"
                         : SYNC_SEND("1") "FOO\n\n^@");
    ck_assert(fake_store_end(f.store, "disk full"));
    fixture_turn(&f);
    ck_assert_has(a->transport.out.data + a->transport.taken,
                  "\nreceipt-id:1\n");
    peer_assert_error(a, "not stored", TRANSPORT_CLOSE_FAILED);
}
END_TEST

START_TEST(failed_batch_of_others_does_no_harm)
{
    peer_connect(&f, b, "1.2");
    peer_send(b, SYNC_SEND("1"));
    peer_send(a, SYNC_SEND("2"));
    ck_assert_str_eq(end_batch("disk full"), "");
    ck_assert(b->transport.closed);
    ck_assert_str_eq(end_batch(NULL), RECEIPT("2"));
}
END_TEST

START_TEST(failed_store_holds_persistent_messages_alone)
{
    fake_store_set_failure(f.store, "disk full");
    ck_assert_str_eq(
        peer_ask(a, "SEND\ndestination:/queue/q\nreceipt:1\n\nx^@"),
        RECEIPT("1"));
    ck_assert_str_eq(peer_ask(a, SYNC_SEND("2")), "");
    ck_assert(!a->transport.closed);
    fake_store_set_failure(f.store, NULL);
    fixture_turn(&f);
    ck_assert_str_eq(peer_take(a), ""); /* it is on its way to the disk */
    ck_assert_str_eq(end_batch(NULL), RECEIPT("2"));
}
END_TEST

START_TEST(failed_store_refuses_them_where_the_policy_wants_no_waiting)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->send_fail_if_no_space =
        POLICY_ON;
    fake_store_set_failure(f.store, "disk full");
    peer_send(a, SYNC_SEND("2"));
    ck_assert_has(a->transport.out.data + a->transport.taken,
                  "\nreceipt-id:2\n");
    ck_assert_has(a->transport.out.data + a->transport.taken, "disk full");
    peer_assert_error(a, "not stored", TRANSPORT_CLOSE_FAILED);
}
END_TEST

START_TEST(failed_store_aborts_a_commit)
{
    peer_send(a, "BEGIN\ntransaction:t\n\n^@"
                 "SEND\ndestination:/queue/q\ntransaction:t\n\nx^@");
    fake_store_set_failure(f.store, "disk full");
    peer_send(a, "COMMIT\ntransaction:t\nreceipt:1\n\n^@");
    ck_assert_has(a->transport.out.data + a->transport.taken,
                  "\nreceipt-id:1\n");
    peer_assert_error(a, "not stored", TRANSPORT_CLOSE_FAILED);
    peer_connect(&f, b, "1.2");
    ck_assert_str_eq(peer_ask(b, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"),
                     "");
}
END_TEST

START_TEST(connection_that_breaks_while_it_waits_leaves_nothing)
{
    peer_send(a, SYNC_SEND("1") "FOO\nreceipt:2\n\n^@");
    peer_close(a);
    ck_assert(fake_store_end(f.store, NULL));
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 1);
}
END_TEST

START_TEST(congested_store_lets_the_producer_wait)
{
    fake_store_set_congested(f.store, true);
    peer_send(a, SYNC_SEND("1"));
    peer_send(a, SYNC_SEND("2"));
    ck_assert(!a->transport.paused); /* little is held: beats and ACKs pass */
    ck_assert_str_eq(peer_take(a), "");
    fake_store_set_congested(f.store, false);
    fixture_turn(&f);
    ck_assert_str_eq(end_batch(NULL), RECEIPT("1") RECEIPT("2"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("session/reply");
    TCase *tcase = tcase_create("reply");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, receipt_of_a_persistent_send_waits_for_the_disk);
    tcase_add_test(tcase, answers_leave_in_the_order_of_the_requests);
    tcase_add_test(tcase, other_connections_do_not_wait);
    tcase_add_test(tcase, receipt_of_an_ack_waits_until_the_removal_is_on_disk);
    tcase_add_loop_test(
        tcase, composite_waits_for_whichever_name_needs_the_disk, 0, 2);
    tcase_add_loop_test(tcase, use_async_send_answers_at_once, 0, 3);
    tcase_add_test(tcase, error_comes_behind_the_answers_that_wait);
    tcase_add_test(tcase, disconnect_is_answered_after_what_came_before_it);
    tcase_add_test(tcase, failed_batch_is_an_error_with_the_receipt_id);
    tcase_add_loop_test(tcase, failed_batch_answers_a_session_that_was_ending,
                        0, 2);
    tcase_add_test(tcase, failed_batch_of_others_does_no_harm);
    tcase_add_test(tcase, failed_store_holds_persistent_messages_alone);
    tcase_add_test(tcase,
                   failed_store_refuses_them_where_the_policy_wants_no_waiting);
    tcase_add_test(tcase, failed_store_aborts_a_commit);
    tcase_add_test(tcase, connection_that_breaks_while_it_waits_leaves_nothing);
    tcase_add_test(tcase, congested_store_lets_the_producer_wait);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
