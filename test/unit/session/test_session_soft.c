/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Soft errors while the disk is slow or fails, while there is no room, and over
 * time: one answer for each `receipt`, in order.  test/script/soft.stomp has
 * what needs none of that.  Source: field.md W1, W7.
 */
#include "test/testutil.h"
#include "test/unit/session/session_fixture.h"

#include <stdio.h>
#include <string.h>

#define SYNC_SEND(id)                                                          \
    "SEND\ndestination:/queue/q\npersistent:true\nreceipt:" id "\n\nx^@"
#define STORED(id, n, where)                                                   \
    "RECEIPT\nreceipt-id:" id "\nmessage-id:T-1-s" n "\nstored:" where "\n\n^" \
    "@"
#define UNKNOWN(id)                                                            \
    "RECEIPT\nstatus:invalid\nmessage:unknown transaction\ndetails:"           \
    "transaction \"t\" is not open on this connection; it must be begun "      \
    "first and ends with COMMIT or ABORT\nreceipt-id:" id                      \
    "\ntransaction:t\n\n^@"
#define NOT_STORED(id, why)                                                    \
    "RECEIPT\nstatus:failed\nmessage:not stored\ndetails:the frame with this " \
    "receipt could not be written to disk and must be sent again, a SEND "     \
    "best with the same dedupe-id\\c " why "\nreceipt-id:" id "\n\n^@"

static struct fixture f;
static struct peer *const a = &f.peers[0];

static void
connect_softly(void)
{
    peer_open(&f, a);
    ck_assert_has(peer_ask(a, "CONNECT\naccept-version:1.2\nhost:x\n"
                              "heart-beat:0,0\nerror-mode:soft\n\n^@"),
                  "\nerror-mode:soft\n");
}

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
    fake_store_hold(f.store, true);
    connect_softly();
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

START_TEST(a_refusal_waits_for_the_answers_before_it)
{
    ck_assert_str_eq(
        peer_ask(a, SYNC_SEND("1") "COMMIT\ntransaction:t\nreceipt:2\n\n^@"),
        "");
    peer_send(a, "SEND\ndestination:/queue/q\nreceipt:3\n\ny^@");
    ck_assert_str_eq(end_batch(NULL), STORED("1", "1", "disk") UNKNOWN("2")
                                          STORED("3", "2", "memory"));
    ck_assert(!a->transport.closed);
}
END_TEST

START_TEST(what_the_store_could_not_keep_is_refused_one_by_one)
{
    peer_send(
        a,
        SYNC_SEND("1") "BEGIN\ntransaction:u\nreceipt:2\n\n^@" SYNC_SEND("3"));
    ck_assert_str_eq(
        end_batch("disk on fire"),
        NOT_STORED("1", "disk on fire") "RECEIPT\nreceipt-id:2\n\n^"
                                        "@" NOT_STORED("3", "disk on fire"));
    ck_assert(!a->transport.closed);
    fake_store_set_failure(f.store, NULL);
    peer_send(a, SYNC_SEND("4"));
    ck_assert_str_eq(end_batch(NULL), STORED("4", "3", "disk"));
}
END_TEST

START_TEST(a_later_batch_is_not_touched_by_a_failure)
{
    peer_send(a, SYNC_SEND("1"));
    peer_send(a, SYNC_SEND("2"));
    ck_assert_str_eq(end_batch("no"), NOT_STORED("1", "no"));
    ck_assert_str_eq(end_batch(NULL), STORED("2", "2", "disk"));
}
END_TEST

START_TEST(the_receipt_of_a_disconnect_comes_behind_a_failure)
{
    peer_send(a, SYNC_SEND("1") "DISCONNECT\nreceipt:2\n\n^@");
    ck_assert_str_eq(end_batch("no"),
                     NOT_STORED("1", "no") "RECEIPT\nreceipt-id:2\n\n^@");
    ck_assert(a->transport.closed);
    ck_assert_int_eq(a->transport.how, TRANSPORT_CLOSE_NORMAL);
}
END_TEST

START_TEST(while_the_store_fails_only_what_it_would_keep_is_refused)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->send_fail_if_no_space =
        POLICY_ON; /* else it waits */
    fake_store_set_failure(f.store, "no space left");
    ck_assert_has(peer_ask(a, SYNC_SEND("1")),
                  "RECEIPT\nstatus:failed\nmessage:not stored\n");
    ck_assert_str_eq(
        peer_ask(a, "SEND\ndestination:/queue/q\nreceipt:2\n\nx^@"),
        STORED("2", "1", "memory"));
    /* All or nothing: the first of the two could have taken it. */
    fixture_policy(&f, DESTINATION_QUEUE, "volatile")->delivery_mode =
        POLICY_DELIVERY_NON_PERSISTENT;
    ck_assert_has(peer_ask(a, "SEND\ndestination:/queue/volatile,/queue/q\n"
                              "persistent:true\nreceipt:3\n\nx^@"),
                  "RECEIPT\nstatus:failed\n");
    ck_assert_str_eq(peer_ask(a, "SUBSCRIBE\nid:s\ndestination:/queue/volatile"
                                 "\nreceipt:4\n\n^@"),
                     "RECEIPT\nreceipt-id:4\n\n^@");
}
END_TEST

START_TEST(a_commit_that_the_store_refuses_ends_its_transaction)
{
    peer_send(a, "BEGIN\ntransaction:t\n\n^@"
                 "SEND\ndestination:/queue/q\ntransaction:t\n\nx^@");
    fake_store_set_failure(f.store, "no space left");
    ck_assert_has(peer_ask(a, "COMMIT\ntransaction:t\nreceipt:1\n\n^@"),
                  "RECEIPT\nstatus:failed\nmessage:not stored\n");
    fake_store_set_failure(f.store, NULL);
    ck_assert_str_eq(peer_ask(a, "COMMIT\ntransaction:t\nreceipt:2\n\n^@"),
                     UNKNOWN("2"));
}
END_TEST

START_TEST(a_transaction_that_is_too_old_is_aborted_alone)
{
    peer_send(a, "BEGIN\ntransaction:t\n\n^@");
    fixture_sleep_us(&f, f.config.transaction_age_us / 2);
    peer_send(a, "BEGIN\ntransaction:u\n\n^@");
    fixture_sleep_us(&f, f.config.transaction_age_us / 2);
    ck_assert_str_eq(
        peer_take(a),
        "MESSAGE\ncontent-length:75\nsubscription:$errors\nmessage-id:T-1-e1\n"
        "destination:$errors\ncontent-type:text/plain\nstatus:quota\n"
        "message:transaction too old\ncommand:BEGIN\ntransaction:t\n\n"
        "the transaction was left open for more than 60 seconds and has been "
        "aborted^@");
    ck_assert_str_eq(peer_ask(a, "COMMIT\ntransaction:t\nreceipt:1\n\n^@"),
                     UNKNOWN("1"));
    ck_assert_str_eq(peer_ask(a, "COMMIT\ntransaction:u\nreceipt:2\n\n^@"),
                     "RECEIPT\nreceipt-id:2\nstored:disk\n\n^@");
}
END_TEST

START_TEST(a_skipped_body_may_come_in_any_pieces)
{
    enum { BODY = 20 * 1024 * 1024, PIECE = 64 * 1024 };
    struct buf bytes = BUF_INIT;

    ck_assert_has(peer_ask(a, "SEND\ndestination:/queue/q\nreceipt:1\n"
                              "content-length:20971520\n\n"),
                  "RECEIPT\nstatus:quota\nmessage:frame too big\n");
    for (int i = 0; i < PIECE; i++) {
        buf_append_char(&bytes, '\0');
    }
    for (int i = 0; i < BODY / PIECE; i++) {
        session_feed(a->session, buf_span(&bytes), f.now_us);
    }
    ck_assert_str_eq(peer_ask(a, ""), "");
    ck_assert_str_eq(peer_ask(a, "^@"), "");
    ck_assert_str_eq(
        peer_ask(a, "SEND\ndestination:/queue/q\nreceipt:2\n\nx^@"),
        STORED("2", "1", "memory"));
    buf_fini(&bytes);
}
END_TEST

START_TEST(a_skipped_body_must_end_where_it_said)
{
    peer_send(a, "SEND\ndestination:/queue/q\nreceipt:1\n"
                 "content-length:20971520\n\n");
    (void)peer_take(a);
    for (int i = 0; i < 20 * 1024; i++) {
        static const char kilobyte[1024];

        session_feed(a->session, span_of(kilobyte, sizeof(kilobyte)), f.now_us);
    }
    peer_send(a, "x");
    /* Its receipt has been answered. */
    ck_assert_ptr_null(
        strstr(a->transport.out.data + a->transport.taken, "receipt-id"));
    peer_assert_error(a, "malformed frame", TRANSPORT_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(silence_ends_the_session_all_the_same)
{
    peer_close(a);
    peer_open(&f, a);
    peer_send(a, "CONNECT\naccept-version:1.2\nhost:x\nerror-mode:soft\n"
                 "heart-beat:1000,0\n\n^@");
    (void)peer_take(a);
    fixture_sleep_ms(&f, 60000);
    peer_assert_error(a, "no heart-beat", TRANSPORT_CLOSE_POLICY);
}
END_TEST

START_TEST(in_1_0_an_empty_receipt_cannot_be_answered)
{
    peer_close(a);
    peer_open(&f, a);
    peer_send(a, "CONNECT\nerror-mode:soft\n\n^@");
    (void)peer_take(a);
    ck_assert_has(peer_ask(a, "COMMIT\ntransaction:t\nreceipt:\n\n^@"),
                  "MESSAGE\n");
    ck_assert_str_eq(peer_ask(a, "SEND\ndestination:/queue/q\nreceipt:\n\nx^@"),
                     "");
}
END_TEST

#define SEND_ONCE(receipt, more)                                               \
    "SEND\ndestination:/queue/q\ndedupe-id:1\nreceipt:" receipt "\n" more      \
    "\nx^@"
#define DUPLICATE(id, where)                                                   \
    "RECEIPT\nreceipt-id:" id "\nduplicate:true\nstored:" where "\n\n^@"

START_TEST(a_duplicate_waits_for_the_disk_as_the_first_one_does)
{
    peer_send(a, SEND_ONCE("1", "persistent:true\n"));
    ck_assert_str_eq(peer_ask(a, SEND_ONCE("2", "persistent:true\n")), "");
    ck_assert_str_eq(end_batch(NULL),
                     STORED("1", "1", "disk") DUPLICATE("2", "disk"));
    ck_assert_uint_eq(fake_store_count(f.store), 1);
    ck_assert_str_eq(peer_ask(a, SEND_ONCE("3", "persistent:true\n")),
                     DUPLICATE("3", "disk"));
}
END_TEST

START_TEST(what_was_not_admitted_is_not_remembered)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->memory_limit.bytes = 1;
    policy->send_fail_if_no_space = POLICY_ON;
    peer_send(a, "SEND\ndestination:/queue/q\n\nfull^@");
    ck_assert_has(peer_ask(a, SEND_ONCE("1", "")),
                  "RECEIPT\nstatus:quota\nmessage:no space\n");
    ck_assert_has(peer_ask(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"),
                  "\n\nfull^@");
    ck_assert_has(peer_ask(a, SEND_ONCE("2", "")), STORED("2", "1", "memory"));
    ck_assert_has(peer_ask(a, SEND_ONCE("3", "")), DUPLICATE("3", "memory"));
}
END_TEST

START_TEST(what_is_held_is_remembered_when_it_goes_in)
{
    struct peer *b = &f.peers[1];

    fixture_policy(&f, DESTINATION_QUEUE, "q")->memory_limit.bytes = 1;
    peer_connect(&f, b, "1.2");
    peer_send(a, "SEND\ndestination:/queue/q\n\nfull^@");
    ck_assert_str_eq(peer_ask(a, SEND_ONCE("1", "")), "");
    /* The same from another connection, which waits behind it. */
    ck_assert_str_eq(peer_ask(b, SEND_ONCE("1", "")), "");
    peer_send(b, "UNSUBSCRIBE\nid:none\n\n^@"); /* held, too */
    peer_connect(&f, &f.peers[2], "1.2");
    peer_send(&f.peers[2], "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@");
    fixture_turn(&f);
    ck_assert_str_eq(peer_take(a), STORED("1", "1", "memory"));
    ck_assert_has(peer_take(b), "RECEIPT\nreceipt-id:1\n\n^@");
    ck_assert_str_eq(peer_ask(a, SEND_ONCE("2", "")), DUPLICATE("2", "memory"));
}
END_TEST

START_TEST(sent_again_after_a_failure_it_is_there_once)
{
    peer_send(a, SEND_ONCE("1", "persistent:true\n"));
    ck_assert_str_eq(end_batch("no"), NOT_STORED("1", "no"));
    ck_assert_str_eq(peer_ask(a, SEND_ONCE("2", "persistent:true\n")),
                     DUPLICATE("2", "disk"));
    ck_assert_uint_eq(fake_store_count(f.store), 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("session_soft");
    TCase *tc = tcase_create("soft errors");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_refusal_waits_for_the_answers_before_it);
    tcase_add_test(tc, what_the_store_could_not_keep_is_refused_one_by_one);
    tcase_add_test(tc, a_later_batch_is_not_touched_by_a_failure);
    tcase_add_test(tc, the_receipt_of_a_disconnect_comes_behind_a_failure);
    tcase_add_test(tc,
                   while_the_store_fails_only_what_it_would_keep_is_refused);
    tcase_add_test(tc, a_commit_that_the_store_refuses_ends_its_transaction);
    tcase_add_test(tc, a_transaction_that_is_too_old_is_aborted_alone);
    tcase_add_test(tc, a_skipped_body_may_come_in_any_pieces);
    tcase_add_test(tc, a_skipped_body_must_end_where_it_said);
    tcase_add_test(tc, silence_ends_the_session_all_the_same);
    tcase_add_test(tc, in_1_0_an_empty_receipt_cannot_be_answered);
    tcase_add_test(tc, a_duplicate_waits_for_the_disk_as_the_first_one_does);
    tcase_add_test(tc, what_was_not_admitted_is_not_remembered);
    tcase_add_test(tc, what_is_held_is_remembered_when_it_goes_in);
    tcase_add_test(tc, sent_again_after_a_failure_it_is_there_once);
    suite_add_tcase(suite, tc);
    return testutil_run(suite);
}
