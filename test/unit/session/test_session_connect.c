/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONNECT, DISCONNECT, which command may come when, and the session's clocks.
 * Source: STOMP 1.2, "Connecting", "Heart-beating"; stomp.md I3-I5, I25, I27,
 * V10-*; field.md P1-P6.
 */
#include "test/testutil.h"
#include "test/unit/session/session_fixture.h"

#include <stdio.h>
#include <string.h>

static struct fixture f;
static struct peer *const a = &f.peers[0];
static struct peer *const b = &f.peers[1];

static void
setup(void)
{
    fixture_init(&f, &store_memory);
}

static void
teardown(void)
{
    fixture_fini(&f);
}

/* --- CONNECT ----------------------------------------------------------------
 */

struct connect_case {
    const char *frame;
    const char *answer;
};

static const struct connect_case connect_cases[] = {
    { "CONNECT\naccept-version:1.2\nhost:x\n\n^@",
      "CONNECTED\nversion:1.2\nsession:T-1\nserver:stompd/test\n"
      "heart-beat:10000,10000\n\n^@" },
    { "STOMP\naccept-version:1.0,1.1,2.0\nhost:x\n\n^@",
      "CONNECTED\nversion:1.1\nsession:T-1\nserver:stompd/test\n"
      "heart-beat:10000,10000\n\n^@" },
    { "CONNECT\n\n^@",
      "CONNECTED\nversion:1.0\nsession:T-1\nserver:stompd/test\n\n^@" },
    { "CONNECT\nlogin:u\npasscode:p\nheart-beat:1,1\n\n^@",
      "CONNECTED\nversion:1.0\nsession:T-1\nserver:stompd/test\n\n^@" },
    { "CONNECT\naccept-version:1.2\nreceipt:r:1\n\n^@", /* I25 */
      "CONNECTED\nversion:1.2\nsession:T-1\nserver:stompd/test\n"
      "heart-beat:10000,10000\nreceipt-id:r:1\n\n^@" },
    { "\n\r\nCONNECT\r\naccept-version:1.2\r\ncontent-length:0\r\n\r\n^@",
      "CONNECTED\nversion:1.2\nsession:T-1\nserver:stompd/test\n"
      "heart-beat:10000,10000\n\n^@" },
};

START_TEST(connect_is_answered_with_connected)
{
    peer_open(&f, a);
    ck_assert_str_eq(peer_take(a), ""); /* I3 */
    ck_assert_str_eq(peer_ask(a, connect_cases[_i].frame),
                     connect_cases[_i].answer);
    ck_assert(!a->transport.closed);
}
END_TEST

START_TEST(no_common_version_names_those_we_have)
{
    peer_open(&f, a);
    peer_send(a, "CONNECT\naccept-version:2.0,3.1\n\n^@");
    ck_assert_has(a->transport.out.data, "\nversion:1.0,1.1,1.2\n");
    peer_assert_error(a, "no common version", TRANSPORT_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(bad_heart_beat_is_refused)
{
    static const char *const values[] = { "1",           "1,",   "a,b",
                                          "1,2,3",       "-1,0", "1 ,2",
                                          "4294967296,0" };
    char text[128];

    peer_open(&f, a);
    (void)snprintf(text, sizeof(text),
                   "CONNECT\naccept-version:1.2\nheart-beat:%s\n\n^@",
                   values[_i]);
    peer_send(a, text);
    peer_assert_error(a, "bad heart-beat", TRANSPORT_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(frames_behind_connect_obey_the_new_version)
{
    peer_open(&f, a);
    peer_send(a,
              "CONNECT\naccept-version:1.2\n\n^@"
              "SUBSCRIBE\nid:a\\cb\ndestination:/queue/q\nreceipt:\\n\n\n^@");
    ck_assert_has(peer_take(a), "RECEIPT\nreceipt-id:\\n\n\n^@");
}
END_TEST

/* --- command x state x version ----------------------------------------------
 */

static const char *const commands[] = { "SEND",   "SUBSCRIBE", "UNSUBSCRIBE",
                                        "ACK",    "NACK",      "BEGIN",
                                        "COMMIT", "ABORT",     "DISCONNECT" };
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

START_TEST(command_before_connect_is_refused)
{
    char text[64];

    peer_open(&f, a);
    (void)snprintf(text, sizeof(text), "%s\nreceipt:1\n\n^@", commands[_i]);
    peer_send(a, text);
    ck_assert_has(a->transport.out.data, "\nreceipt-id:1\n");
    peer_assert_error(a, "not connected", TRANSPORT_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(second_connect_is_refused)
{
    peer_connect(&f, a, "1.1");
    peer_send(a, "CONNECT\n\n^@");
    peer_assert_error(a, "already connected", TRANSPORT_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(unknown_command_is_refused_in_every_state)
{
    static const char *const unknown[] = { "send",    "MESSAGE",
                                           "RECEIPT", "CONNECTED",
                                           "ERROR",   "GET / HTTP/1.1" };
    char text[64];

    (void)snprintf(text, sizeof(text), "%s\n\n^@", unknown[_i / 2]);
    if (_i % 2 == 0) {
        peer_open(&f, a);
    } else {
        peer_connect(&f, a, "1.2");
    }
    peer_send(a, text);
    peer_assert_error(a, "unknown command", TRANSPORT_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(body_is_for_send_alone_but_1_0_ignores_it)
{
    static const char *const versions[] = { "1.0", "1.1", "1.2" };

    peer_connect(&f, a, versions[_i]);
    peer_send(a, "SUBSCRIBE\nid:1\ndestination:/queue/q\nreceipt:r\n"
                 "content-length:3\n\nabc^@");
    if (_i == 0) {
        ck_assert_str_eq(peer_take(a), "RECEIPT\nreceipt-id:r\n\n^@");
    } else {
        peer_assert_error(a, "malformed frame", TRANSPORT_CLOSE_PROTOCOL);
    }
}
END_TEST

struct refused_case {
    const char *version;
    const char *frame;
    const char *message;
};

static const struct refused_case refused_cases[] = {
    { "1.2", "SEND\n\nx^@", "no destination" },
    { "1.0", "SEND\ndestination:\n\nx^@", "no destination" },
    { "1.2", "SEND\ndestination:/queue/\n\nx^@", "bad destination" },
    { "1.2", "SEND\ndestination:/queue/a.*\n\nx^@", "SEND to a wildcard" },
    { "1.2", "SEND\ndestination:/queue/a,/topic/>\n\nx^@",
      "SEND to a wildcard" },
    { "1.2", "SEND\ndestination:/queue/a\npriority:x\n\nx^@", "bad number" },
    { "1.2", "SEND\ndestination:/queue/a\nexpires:1h\n\nx^@", "bad number" },
    { "1.2", "SEND\ndestination:/queue/a\nttl:x\n\nx^@", "bad number" },
    { "1.2", "SEND\ndestination:/queue/a\ntransaction:t\n\nx^@",
      "unknown transaction" },
    { "1.2", "SEND\ndestination:/remote-temp-queue/T-9.x\n\nx^@",
      "destination does not exist" },
    { "1.2", "SUBSCRIBE\nid:1\n\n^@", "no destination" },
    { "1.2", "SUBSCRIBE\ndestination:/queue/a\n\n^@", "no id" },
    { "1.1", "SUBSCRIBE\ndestination:/queue/a\n\n^@", "no id" },
    { "1.2", "SUBSCRIBE\nid:1\ndestination:/queue/a\nack:x\n\n^@",
      "bad ack mode" },
    { "1.2", "SUBSCRIBE\nid:1\ndestination:/queue/a\nprefetch:0\n\n^@",
      "bad number" },
    { "1.2",
      "SUBSCRIBE\nid:1\ndestination:/queue/a\nactivemq.prefetchSize:x\n\n^@",
      "bad number" },
    { "1.2", "SUBSCRIBE\nid:1\ndestination:/queue/a\nno-local:true\n\n^@",
      "not supported" },
    { "1.2", "SUBSCRIBE\nid:1\ndestination:/topic/a\nbrowser:true\n\n^@",
      "nothing to browse" },
    { "1.2", "SUBSCRIBE\nid:1\ndestination:/temp-queue/*\n\n^@", "not yours" },
    { "1.2", "SUBSCRIBE\nid:1\ndestination:/remote-temp-queue/T-9.x\n\n^@",
      "not yours" },
    { "1.2", "UNSUBSCRIBE\n\n^@", "no id" },
    { "1.0", "UNSUBSCRIBE\n\n^@", "no id" },
    { "1.2", "UNSUBSCRIBE\nid:1\n\n^@", "no such subscription" },
    { "1.2", "ACK\n\n^@", "no id" },
    { "1.2", "ACK\nid:T-1-1\n\n^@", "unknown message" },
    { "1.2", "ACK\nid:T-2-1\n\n^@", "unknown message" },
    { "1.2", "NACK\nid:x\n\n^@", "unknown message" },
    { "1.0", "ACK\nmessage-id:0\n\n^@", "unknown message" },
    { "1.2", "ACK\nid:T-1-1\ntransaction:t\n\n^@", "unknown transaction" },
    { "1.2", "BEGIN\n\n^@", "no transaction" },
    { "1.2", "COMMIT\n\n^@", "no transaction" },
    { "1.2", "ABORT\n\n^@", "no transaction" },
    { "1.2", "COMMIT\ntransaction:t\n\n^@", "unknown transaction" },
    { "1.2", "ABORT\ntransaction:t\n\n^@", "unknown transaction" },
    { "1.2", "SEND\nbad\\x:1\n\n^@", "malformed frame" },
};

START_TEST(faulty_frame_gets_an_error_with_its_receipt_and_the_end)
{
    const struct refused_case *row = &refused_cases[_i];
    char text[256];
    const char *headers = strchr(row->frame, '\n');

    (void)snprintf(text, sizeof(text), "%.*s\nreceipt:r%s",
                   (int)(headers - row->frame), row->frame, headers);
    peer_connect(&f, a, row->version);
    peer_send(a, text);
    ck_assert_has(a->transport.out.data + a->transport.taken,
                  "\nreceipt-id:r\n");
    peer_assert_error(a, row->message,
                      a->transport.how == TRANSPORT_CLOSE_POLICY
                          ? TRANSPORT_CLOSE_POLICY
                          : TRANSPORT_CLOSE_PROTOCOL);
    peer_send(a, "SEND\ndestination:/queue/a\nreceipt:2\n\nx^@");
    ck_assert_str_eq(peer_take(a), ""); /* nothing is taken any more */
}
END_TEST

START_TEST(error_text_holds_no_raw_bytes_of_the_peer)
{
    peer_connect(&f, a, "1.2");
    peer_send(a, "ACK\nid:a\\nmessage\\cfake\n\n^@");
    ck_assert_ptr_null(strstr(a->transport.out.data, "\nmessage:fake"));
    peer_assert_error(a, "unknown message", TRANSPORT_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(too_big_a_frame_closes_with_its_own_code)
{
    f.config.limits_before_login.header_bytes = 64;
    peer_open(&f, a);
    peer_send(a, "CONNECT\nlogin:0123456789012345678901234567890123456789"
                 "0123456789012345678901234567890123456789\n\n^@");
    peer_assert_error(a, "frame too big", TRANSPORT_CLOSE_TOO_BIG);
}
END_TEST

START_TEST(refusal_by_the_server_says_why)
{
    peer_open(&f, a);
    session_refuse(a->session, TRANSPORT_CLOSE_SHUTDOWN, "shutting down",
                   "come back later");
    ck_assert_has(a->transport.out.data, "\n\ncome back later\n");
    peer_assert_error(a, "shutting down", TRANSPORT_CLOSE_SHUTDOWN);
    session_refuse(a->session, TRANSPORT_CLOSE_SHUTDOWN, "again", "x");
    ck_assert_str_eq(peer_take(a), "");
}
END_TEST

START_TEST(disconnect_is_receipted_and_closes_in_good_order)
{
    peer_connect(&f, a, "1.2");
    ck_assert_str_eq(peer_ask(a, "DISCONNECT\nreceipt:bye\n\n^@"
                                 "SEND\ndestination:/queue/q\nreceipt:2\n\n^@"),
                     "RECEIPT\nreceipt-id:bye\n\n^@");
    ck_assert(a->transport.closed);
    ck_assert_int_eq(a->transport.how, TRANSPORT_CLOSE_NORMAL);
    peer_connect(&f, b, "1.0");
    ck_assert_str_eq(peer_ask(b, "DISCONNECT\n\n^@"), "");
    ck_assert(b->transport.closed);
}
END_TEST

/* --- clocks
 * ------------------------------------------------------------------- */

START_TEST(silent_connection_is_closed_after_the_login_timeout)
{
    peer_open(&f, a);
    fixture_sleep_us(&f, f.config.login_timeout_us - 1);
    ck_assert(!a->transport.closed);
    fixture_sleep_us(&f, 1);
    peer_assert_error(a, "login timeout", TRANSPORT_CLOSE_POLICY);
}
END_TEST

START_TEST(login_timeout_ends_with_connect)
{
    peer_connect(&f, a, "1.2");
    fixture_sleep_us(&f, 3600 * INT64_C(1000000));
    ck_assert(!a->transport.closed);
    ck_assert_str_eq(peer_take(a), ""); /* I4: nobody asked for beats */
    ck_assert_int_eq(a->transport.due_us, INT64_MAX);
}
END_TEST

START_TEST(version_1_0_gets_no_beats)
{
    peer_open(&f, a);
    (void)peer_ask(a, "CONNECT\nheart-beat:10,10\n\n^@");
    fixture_sleep_us(&f, 3600 * INT64_C(1000000));
    ck_assert(!a->transport.closed);
    ck_assert_str_eq(peer_take(a), "");
}
END_TEST

static void
connect_with_beats(struct peer *peer, unsigned sends, unsigned wants)
{
    char text[96];

    peer_open(&f, peer);
    (void)snprintf(text, sizeof(text),
                   "CONNECT\naccept-version:1.2\nheart-beat:%u,%u\n\n^@", sends,
                   wants);
    ck_assert_has(peer_ask(peer, text), "CONNECTED\n");
}

START_TEST(beat_is_sent_half_the_promise_after_the_last_byte)
{
    connect_with_beats(a, 0, 20000);
    fixture_sleep_us(&f, 9999999);
    ck_assert_str_eq(peer_take(a), "");
    fixture_sleep_us(&f, 1);
    ck_assert_str_eq(peer_take(a), "\n");
    fixture_sleep_us(&f, 4000000);
    /* any other byte counts as well */
    ck_assert_has(peer_ask(a, "BEGIN\ntransaction:t\nreceipt:1\n\n^@"
                              "ABORT\ntransaction:t\n\n^@"),
                  "RECEIPT");
    fixture_sleep_us(&f, 9999999);
    ck_assert_str_eq(peer_take(a), "");
    fixture_sleep_us(&f, 1);
    ck_assert_str_eq(peer_take(a), "\n");
    fixture_sleep_us(&f, 100000000);
    ck_assert_str_eq(peer_take(a), "\n\n\n\n\n\n\n\n\n\n");
}
END_TEST

START_TEST(quick_beats_are_sent_to_who_asks_for_them)
{
    connect_with_beats(a, 0, 2000); /* every second, not every 5 s */
    fixture_sleep_us(&f, 999999);
    ck_assert_str_eq(peer_take(a), "");
    fixture_sleep_us(&f, 1);
    ck_assert_str_eq(peer_take(a), "\n");
}
END_TEST

START_TEST(no_beats_are_quicker_than_100_ms)
{
    connect_with_beats(a, 0, 10);
    fixture_sleep_us(&f, 49999);
    ck_assert_str_eq(peer_take(a), "");
    fixture_sleep_us(&f, 1);
    ck_assert_str_eq(peer_take(a), "\n");
}
END_TEST

START_TEST(silence_of_twice_the_promise_and_a_second_is_the_end)
{
    connect_with_beats(a, 10000, 0);
    fixture_sleep_us(&f, 20999999);
    ck_assert(!a->transport.closed);
    peer_send(a, "\n");
    fixture_sleep_us(&f, 20999999);
    ck_assert(!a->transport.closed);
    fixture_sleep_us(&f, 1);
    peer_assert_error(a, "no heart-beat", TRANSPORT_CLOSE_POLICY);
}
END_TEST

START_TEST(no_verdict_while_we_do_not_read)
{
    f.options.memory_bytes = 4096;
    fixture_reinit(&f, &store_memory);
    connect_with_beats(a, 10000, 0);
    while (!a->transport.paused) {
        peer_send(a, "SEND\ndestination:/queue/q\n\n0123456789^@");
    }
    fixture_sleep_us(&f, INT64_C(300000000));
    ck_assert(!a->transport.closed);
    peer_connect(&f, b, "1.2");
    peer_send(b, "SUBSCRIBE\nid:1\ndestination:/queue/q\n\n^@");
    ck_assert(!a->transport.paused);
    fixture_sleep_us(&f, 20000000); /* counts from when we read again */
    ck_assert(!a->transport.closed);
    fixture_sleep_us(&f, 22000000);
    ck_assert(a->transport.closed);
}
END_TEST

START_TEST(stale_transaction_ends_the_session)
{
    peer_connect(&f, a, "1.2");
    peer_send(a, "BEGIN\ntransaction:t\n\n^@");
    fixture_sleep_us(&f, f.config.transaction_age_us - 1);
    ck_assert(!a->transport.closed);
    fixture_sleep_us(&f, 1);
    peer_assert_error(a, "transaction too old", TRANSPORT_CLOSE_POLICY);
}
END_TEST

START_TEST(transaction_does_not_age_while_we_do_not_read)
{
    f.options.memory_bytes = 4096;
    fixture_reinit(&f, &store_memory);
    peer_connect(&f, a, "1.2");
    peer_send(a, "BEGIN\ntransaction:t\n\n^@");
    while (!a->transport.paused) {
        peer_send(a, "SEND\ndestination:/queue/q\n\n0123456789^@");
    }
    fixture_sleep_us(&f, 2 * f.config.transaction_age_us);
    ck_assert(!a->transport.closed);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("session/connect");
    TCase *tcase = tcase_create("connect");
    TCase *clocks = tcase_create("clocks");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, connect_is_answered_with_connected, 0,
                        sizeof(connect_cases) / sizeof(connect_cases[0]));
    tcase_add_test(tcase, no_common_version_names_those_we_have);
    tcase_add_loop_test(tcase, bad_heart_beat_is_refused, 0, 7);
    tcase_add_test(tcase, frames_behind_connect_obey_the_new_version);
    tcase_add_loop_test(tcase, command_before_connect_is_refused, 0, COMMANDS);
    tcase_add_test(tcase, second_connect_is_refused);
    tcase_add_loop_test(tcase, unknown_command_is_refused_in_every_state, 0,
                        12);
    tcase_add_loop_test(tcase, body_is_for_send_alone_but_1_0_ignores_it, 0, 3);
    tcase_add_loop_test(tcase,
                        faulty_frame_gets_an_error_with_its_receipt_and_the_end,
                        0, sizeof(refused_cases) / sizeof(refused_cases[0]));
    tcase_add_test(tcase, error_text_holds_no_raw_bytes_of_the_peer);
    tcase_add_test(tcase, too_big_a_frame_closes_with_its_own_code);
    tcase_add_test(tcase, refusal_by_the_server_says_why);
    tcase_add_test(tcase, disconnect_is_receipted_and_closes_in_good_order);
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(clocks, setup, teardown);
    tcase_add_test(clocks, silent_connection_is_closed_after_the_login_timeout);
    tcase_add_test(clocks, login_timeout_ends_with_connect);
    tcase_add_test(clocks, version_1_0_gets_no_beats);
    tcase_add_test(clocks, beat_is_sent_half_the_promise_after_the_last_byte);
    tcase_add_test(clocks, quick_beats_are_sent_to_who_asks_for_them);
    tcase_add_test(clocks, no_beats_are_quicker_than_100_ms);
    tcase_add_test(clocks,
                   silence_of_twice_the_promise_and_a_second_is_the_end);
    tcase_add_test(clocks, no_verdict_while_we_do_not_read);
    tcase_add_test(clocks, stale_transaction_ends_the_session);
    tcase_add_test(clocks, transaction_does_not_age_while_we_do_not_read);
    suite_add_tcase(suite, clocks);
    return testutil_run(suite);
}
