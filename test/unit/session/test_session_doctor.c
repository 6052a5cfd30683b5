/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the doctor finds as time goes by; what provokes each finding on a real
 * connection is in test/script/doctor.
 */
#include "server/session/session_doctor.h"

#include "base/buf.h"
#include "server/session/session_view.h"
#include "test/testutil.h"
#include "test/unit/session/session_fixture.h"

#include <string.h>

enum { PATIENCE_MS = 30000 };

static struct fixture f;
static struct peer *const a = &f.peers[0];
static struct peer *const b = &f.peers[1];
static struct buf codes;
static struct buf texts;

static void
setup(void)
{
    fixture_init(&f, &store_memory);
}

static void
teardown(void)
{
    fixture_fini(&f);
    buf_fini(&codes);
    buf_fini(&texts);
}

static void
on_finding(void *ctx, const struct session_finding *finding)
{
    (void)ctx;
    buf_appendf(&codes, "%s ", finding->code);
    buf_appendf(&texts, "%s\n", finding->text);
}

/* The codes of what is found, each followed by a blank. */
static const char *
diagnose(const struct peer *peer)
{
    buf_clear(&codes);
    buf_clear(&texts);
    session_diagnose(peer->session, f.now_us, PATIENCE_MS * INT64_C(1000),
                     on_finding, NULL);
    buf_append_char(&codes, '\0');
    buf_append_char(&texts, '\0');
    return codes.data;
}

/* A connection without heart-beats, and without anything wrong. */
static void
connect_quietly(struct peer *peer)
{
    peer_connect(&f, peer, "1.2");
    ck_assert_str_eq(diagnose(peer), "");
}

START_TEST(silence_is_found_when_patience_ends)
{
    connect_quietly(a);
    fixture_sleep_ms(&f, PATIENCE_MS - 1);
    ck_assert_str_eq(diagnose(a), "");
    fixture_sleep_ms(&f, 1);
    ck_assert_str_eq(diagnose(a), "no-heart-beat ");
    ck_assert_has(texts.data, "for 30 s");
    peer_send(a, "\n");
    ck_assert_str_eq(diagnose(a), "");
}
END_TEST

START_TEST(beats_that_were_promised_are_late_between_promise_and_cut)
{
    peer_open(&f, a);
    peer_send(a, "CONNECT\naccept-version:1.2\nheart-beat:10000,0\n\n^@");
    fixture_sleep_ms(&f, 10000);
    ck_assert_str_eq(diagnose(a), "");
    fixture_sleep_ms(&f, 1);
    ck_assert_str_eq(diagnose(a), "late-heart-beat ");
    ck_assert_has(texts.data, "for 10001 ms, it promised something every 10000 "
                              "ms; it will be cut at 21000 ms.");
    peer_send(a, "\n");
    ck_assert_str_eq(diagnose(a), "");
}
END_TEST

START_TEST(a_full_window_counts_from_the_last_ack)
{
    connect_quietly(a);
    connect_quietly(b);
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\nack:client\n"
                 "prefetch:1\n\n^@");
    fixture_sleep_ms(&f, 20000);
    peer_send(b, "SEND\ndestination:/queue/q\n\n1^@"
                 "SEND\ndestination:/queue/q\n\n2^@");
    fixture_sleep_ms(&f, PATIENCE_MS - 1);
    peer_send(a, "\n");
    ck_assert_str_eq(diagnose(a), "");
    fixture_sleep_ms(&f, 1);
    ck_assert_str_eq(diagnose(a), "no-acks ");
    ck_assert_has(texts.data,
                  "1 messages (prefetch 1) wait for their ACK, none "
                  "has come for 30 s, and 1 more");
    peer_send(a, "ACK\nid:T-1-1\n\n^@");
    ck_assert_str_eq(diagnose(a), "");
}
END_TEST

START_TEST(one_message_without_ack_is_forgotten_when_others_have_theirs)
{
    connect_quietly(a);
    connect_quietly(b);
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\n"
                 "ack:client-individual\n\n^@");
    peer_send(b, "SEND\ndestination:/queue/q\n\n1^@"
                 "SEND\ndestination:/queue/q\n\n2^@");
    fixture_sleep_ms(&f, PATIENCE_MS);
    peer_send(a, "\n");
    ck_assert_str_eq(diagnose(a), ""); /* slow, perhaps; nothing is forgotten */
    peer_send(a, "ACK\nid:T-1-2\n\n^@");
    ck_assert_str_eq(diagnose(a), "forgotten-ack ");
    peer_send(a, "ACK\nid:T-1-1\n\n^@");
    ck_assert_str_eq(diagnose(a), "");
}
END_TEST

START_TEST(output_that_is_not_taken_is_found_when_patience_ends)
{
    connect_quietly(a);
    connect_quietly(b);
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@");
    a->slow = true;
    peer_send(b, "SEND\ndestination:/queue/q\n\n1^@");
    fixture_sleep_ms(&f, PATIENCE_MS - 1);
    peer_send(a, "\n");
    ck_assert_str_eq(diagnose(a), "");
    fixture_sleep_ms(&f, 1);
    ck_assert_str_eq(diagnose(a), "reads-too-slowly ");
    a->slow = false;
    fixture_turn(&f);
    ck_assert_str_eq(diagnose(a), "");
}
END_TEST

START_TEST(a_store_that_has_failed_holds_what_it_would_keep)
{
    fixture_fini(&f);
    fixture_init(&f, &fake_store_engine);
    connect_quietly(a);
    fake_store_set_failure(f.store, "disk full");
    peer_send(a, "SEND\ndestination:/queue/q\npersistent:true\n\n1^@");
    fixture_sleep_ms(&f, 7000);
    ck_assert_str_eq(diagnose(a), "held-by-store ");
    ck_assert_has(texts.data, "Its SEND to /queue/q has waited for 7 s: ");
    ck_assert_has(texts.data, "disk full");
    fake_store_set_failure(f.store, NULL);
    fixture_turn(&f);
    ck_assert_ptr_null(strstr(diagnose(a), "held"));
}
END_TEST

static void
on_subscription(void *ctx, const struct session_subscription_view *view)
{
    (void)view;
    (*(unsigned *)ctx)++;
}

START_TEST(a_session_that_is_closing_has_no_subscriptions_any_more)
{
    struct session_view view;
    unsigned count = 0;

    connect_quietly(a);
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\nack:client\n"
                 "selector:a = 1\n\n^@");
    session_each_subscription(a->session, f.now_us, on_subscription, &count);
    ck_assert_uint_eq(count, 1);
    a->slow = true;
    peer_send(a, "SEND\ndestination:/queue/*\n\n^@");
    session_each_subscription(a->session, f.now_us, on_subscription, &count);
    ck_assert_uint_eq(count, 1);
    session_view_get(a->session, f.now_us, &view);
    ck_assert_uint_eq(view.state, SESSION_IS_CLOSING);
    ck_assert_str_eq(diagnose(a), "errors ");
}
END_TEST

START_TEST(the_view_counts_what_was_done)
{
    struct session_view view;

    peer_open(&f, a);
    peer_send(a, "CONNECT\naccept-version:1.1, 1.2 ,3.0\nheart-beat:500,0\n"
                 "client-id:c\n\n^@");
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\nack:client\n\n^@"
                 "SEND\ndestination:/queue/q\nreceipt:1\n\n1^@"
                 "SEND\ndestination:/queue/q\n\n2^@");
    peer_send(a, "ACK\nid:T-1-1\n\n^@NACK\nid:T-1-2\n\n^@");
    session_view_get(a->session, f.now_us, &view);
    ck_assert_uint_eq(view.number, 1);
    ck_assert_str_eq(view.versions, "1.1,1.2");
    ck_assert_str_eq(view.version, "1.2");
    ck_assert_str_eq(view.client_id, "c");
    ck_assert_uint_eq(view.client_sends_ms, 500);
    ck_assert_int_eq(view.receive_us, 500000);
    ck_assert_int_eq(view.send_us, 0);
    ck_assert_uint_eq(view.subscriptions, 1);
    ck_assert_uint_eq(view.frames_in, 6);
    ck_assert_uint_eq(view.messages_in, 2);
    ck_assert_uint_eq(view.messages_out, 3); /* one came twice */
    ck_assert_uint_eq(view.in_flight, 1);
    ck_assert_uint_eq(view.acks, 1);
    ck_assert_uint_eq(view.nacks, 1);
    ck_assert_uint_eq(view.receipts, 1);
    ck_assert_uint_eq(view.state, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("doctor");
    TCase *tc = tcase_create("doctor");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, silence_is_found_when_patience_ends);
    tcase_add_test(tc,
                   beats_that_were_promised_are_late_between_promise_and_cut);
    tcase_add_test(tc, a_full_window_counts_from_the_last_ack);
    tcase_add_test(
        tc, one_message_without_ack_is_forgotten_when_others_have_theirs);
    tcase_add_test(tc, output_that_is_not_taken_is_found_when_patience_ends);
    tcase_add_test(tc, a_store_that_has_failed_holds_what_it_would_keep);
    tcase_add_test(tc, a_session_that_is_closing_has_no_subscriptions_any_more);
    tcase_add_test(tc, the_view_counts_what_was_done);
    suite_add_tcase(suite, tc);
    return testutil_run(suite);
}
