/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEND to MESSAGE: exact bytes for every version, `auto` consumption, flow
 * control, temporary destinations.
 * Source: stomp.md I6, I7, I15, I18, I24, V10-*, V11-*, D4; design.md 6, 8.
 */
#include "test/testutil.h"
#include "test/unit/session/session_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fixture f;
static struct peer *const a = &f.peers[0];
static struct peer *const b = &f.peers[1];
static struct peer *const c = &f.peers[2];

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

START_TEST(message_has_the_bytes_of_its_send)
{
    peer_connect(&f, a, "1.2");
    ck_assert_str_eq(
        peer_ask(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\nack:client\n\n^@"
                    "SEND\ndestination:/queue/q\nfoo:bar\n\nhi^@"
                    "SEND\ndestination:/queue/q\ncontent-length:3\n"
                    "content-type:text/plain\nreceipt:1\n\na^@b^@"
                    "SEND\ndestination:/queue/q\n\n^@"),
        "RECEIPT\nreceipt-id:1\n\n^@"
        "MESSAGE\ncontent-length:2\nsubscription:s\nmessage-id:T-1-1\n"
        "ack:T-1-1\ndestination:/queue/q\nfoo:bar\n\nhi^@"
        "MESSAGE\ncontent-length:3\nsubscription:s\nmessage-id:T-1-2\n"
        "ack:T-1-2\ndestination:/queue/q\ncontent-type:text/plain\n\na^@b^@"
        "MESSAGE\nsubscription:s\nmessage-id:T-1-3\nack:T-1-3\n"
        "destination:/queue/q\n\n^@");
}
END_TEST

START_TEST(auto_mode_has_no_ack_header_and_1_0_none_at_all)
{
    peer_connect(&f, a, _i == 0 ? "1.2" : "1.0");
    ck_assert_str_eq(
        peer_ask(a, _i == 0 ? "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"
                              "SEND\ndestination:/queue/q\n\nx^@"
                            : "SUBSCRIBE\nid:s\ndestination:/queue/q\n"
                              "ack:client\n\n^@"
                              "SEND\ndestination:/queue/q\n\nx^@"),
        "MESSAGE\ncontent-length:1\nsubscription:s\nmessage-id:T-1-1\n"
        "destination:/queue/q\n\nx^@");
}
END_TEST

/* Headers that only the server may write, or that were for the server. */
START_TEST(sender_cannot_forge_what_the_server_writes)
{
    peer_connect(&f, a, "1.2");
    ck_assert_str_eq(
        peer_ask(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"
                    "SEND\ndestination:/queue/q\nmessage-id:T-1-9\n"
                    "subscription:z\nack:T-1-9\nredelivered:true\n"
                    "delivery-count:9\ndestination:/queue/z\n\nx^@"),
        "MESSAGE\ncontent-length:1\nsubscription:s\nmessage-id:T-1-1\n"
        "destination:/queue/q\n\nx^@");
}
END_TEST

struct version_case {
    const char *receiver;
    const char *expected;
};
static const struct version_case version_cases[] = {
    { "1.2", "destination:/queue/q\nk\\cx:a\\cb\\\\c\\nd\\re\nempty:\n" },
    { "1.1", "destination:/queue/q\nk\\cx:a\\cb\\\\c\\nd\re\nempty:\n" },
    { "1.0", "destination:/queue/q\nk x:a:b\\c d e\n" },
};

START_TEST(headers_are_written_for_the_version_of_the_receiver)
{
    const struct version_case *row = &version_cases[_i];
    char expected[256];

    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, row->receiver);
    peer_send(b, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@");
    peer_send(a, "SEND\ndestination:/queue/q\nk\\cx:a\\cb\\\\c\\nd\\re\n"
                 "empty:\n\nx^@");
    (void)snprintf(expected, sizeof(expected),
                   "MESSAGE\ncontent-length:1\nsubscription:s\n"
                   "message-id:T-2-1\n%s\nx^@",
                   row->expected);
    ck_assert_str_eq(peer_take(b), expected);
}
END_TEST

START_TEST(what_1_0_sends_raw_arrives_as_it_was)
{
    peer_connect(&f, a, "1.0");
    peer_connect(&f, b, "1.2");
    peer_connect(&f, c, "1.0");
    peer_send(b, "SUBSCRIBE\nid:s\ndestination:/topic/t\n\n^@");
    peer_send(c, "SUBSCRIBE\ndestination:/topic/t\n\n^@");
    peer_send(a, "SEND\ndestination: /topic/t \nk:a\\nb:c\n\nx^@");
    ck_assert_str_eq(peer_take(b),
                     "MESSAGE\ncontent-length:1\nsubscription:s\n"
                     "message-id:T-2-1\ndestination:/topic/t\nk:a\\\\nb\\cc\n"
                     "\nx^@");
    ck_assert_str_eq(
        peer_take(c),
        "MESSAGE\ncontent-length:1\nsubscription:/topic/t\n"
        "message-id:T-3-1\ndestination:/topic/t\nk:a\\nb:c\n\nx^@");
}
END_TEST

START_TEST(no_value_can_inject_a_line)
{
    static const char *const versions[] = { "1.0", "1.1", "1.2" };
    const char *text;

    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, versions[_i]);
    peer_send(b, _i == 0 ? "SUBSCRIBE\nid:s\nreceipt:1\ndestination:/queue/q\n"
                           "\n^@"
                         : "SUBSCRIBE\nid:s\\nevil\\c1\nreceipt:1\\nevil\\c1\n"
                           "destination:/queue/q\n\n^@");
    peer_send(a, "SEND\ndestination:/queue/q\nx\\nevil\\c1:\\nevil\\c2\\n\\n"
                 "evil\n\nx^@");
    text = peer_take(b);
    ck_assert_has(text, "MESSAGE\n");
    ck_assert_ptr_null(strstr(text, "\nevil"));
    ck_assert_ptr_null(strstr(text, "\revil"));
}
END_TEST

START_TEST(receipt_is_echoed_byte_by_byte)
{
    peer_connect(&f, a, "1.2");
    ck_assert_str_eq(peer_ask(a, "SEND\ndestination:/queue/q\nreceipt:0\n\n^@"
                                 "SEND\ndestination:/queue/q\nreceipt:\n\n^@"
                                 "SEND\ndestination:/queue/q\n"
                                 "receipt: a\\c\\\\b \n\n^@"),
                     "RECEIPT\nreceipt-id:0\n\n^@RECEIPT\nreceipt-id:\n\n^@"
                     "RECEIPT\nreceipt-id: a\\c\\\\b \n\n^@");
}
END_TEST

START_TEST(empty_receipt_in_1_0_is_none)
{
    peer_connect(&f, a, "1.0");
    ck_assert_str_eq(peer_ask(a, "SEND\ndestination:/queue/q\nreceipt:\n\n^@"
                                 "SEND\ndestination:/queue/q\nreceipt:1\n"
                                 "\n^@"),
                     "RECEIPT\nreceipt-id:1\n\n^@");
}
END_TEST

START_TEST(receipt_of_subscribe_comes_before_its_first_message)
{
    peer_connect(&f, a, "1.2");
    ck_assert_str_eq(
        peer_ask(a, "SEND\ndestination:/queue/q\n\nx^@"
                    "SUBSCRIBE\nid:s\nreceipt:1\ndestination:/queue/q\n\n^@"),
        "RECEIPT\nreceipt-id:1\n\n^@"
        "MESSAGE\ncontent-length:1\nsubscription:s\nmessage-id:T-1-1\n"
        "destination:/queue/q\n\nx^@");
}
END_TEST

START_TEST(retroactive_header_is_true_in_every_spelling)
{
    static const char *const spellings[] = { "true", "True", "TRUE", "1" };
    char text[160];

    fixture_policy(&f, DESTINATION_TOPIC, "t")->recovery = &recovery_last_image;
    peer_connect(&f, a, "1.2");
    peer_send(a, "SEND\ndestination:/topic/t\n\nold^@");
    (void)snprintf(text, sizeof(text),
                   "SUBSCRIBE\nid:s\ndestination:/topic/t\nreceipt:1\n"
                   "activemq.retroactive:%s\n\n^@",
                   spellings[_i]);
    ck_assert_str_eq(peer_ask(a, text),
                     "RECEIPT\nreceipt-id:1\n\n^@"
                     "MESSAGE\ncontent-length:3\nsubscription:s\n"
                     "message-id:T-1-1\ndestination:/topic/t\n\nold^@");
}
END_TEST

START_TEST(ttl_becomes_expires_and_holds)
{
    peer_connect(&f, a, "1.2");
    peer_send(a, "SEND\ndestination:/queue/q\nttl:500\n\n1^@"
                 "SEND\ndestination:/queue/q\nexpires:1700000000400\n\n2^@"
                 "SEND\ndestination:/queue/q\nexpires:0\n\n3^@");
    fixture_sleep_ms(&f, 450);
    ck_assert_str_eq(
        peer_ask(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"),
        "MESSAGE\ncontent-length:1\nsubscription:s\nmessage-id:T-1-1\n"
        "destination:/queue/q\nttl:500\nexpires:1700000000500\n\n1^@"
        "MESSAGE\ncontent-length:1\nsubscription:s\nmessage-id:T-1-2\n"
        "destination:/queue/q\nexpires:0\n\n3^@");
}
END_TEST

START_TEST(composite_goes_to_every_name_once)
{
    peer_connect(&f, a, "1.2");
    peer_send(a, "SUBSCRIBE\nid:1\ndestination:/queue/q\n\n^@"
                 "SUBSCRIBE\nid:2\ndestination:/topic/t,/topic/>\n\n^@");
    peer_send(a, "SEND\ndestination:/queue/q,/topic/t,/queue/q\n\nx^@");
    ck_assert_str_eq(peer_take(a),
                     "MESSAGE\ncontent-length:1\nsubscription:2\n"
                     "message-id:T-1-1\ndestination:/queue/q,/topic/t,/queue/q"
                     "\n\nx^@"
                     "MESSAGE\ncontent-length:1\nsubscription:1\n"
                     "message-id:T-1-2\ndestination:/queue/q,/topic/t,/queue/q"
                     "\n\nx^@");
}
END_TEST

START_TEST(second_subscription_of_an_id_is_refused)
{
    peer_connect(&f, a, _i == 0 ? "1.2" : "1.0");
    if (_i == 0) {
        peer_send(a, "SUBSCRIBE\nid:1\ndestination:/queue/q\n\n^@"
                     "SUBSCRIBE\nid:1\ndestination:/queue/p\n\n^@");
    } else { /* D11 */
        peer_send(a, "SUBSCRIBE\ndestination:/queue/q\n\n^@"
                     "SUBSCRIBE\ndestination:/queue/q\n\n^@");
    }
    peer_assert_error(a, "subscription id in use", TRANSPORT_CLOSE_PROTOCOL);
}
END_TEST

START_TEST(subscription_id_is_free_again_after_unsubscribe)
{
    peer_connect(&f, a, "1.0");
    ck_assert_str_eq(
        peer_ask(a, "SUBSCRIBE\ndestination:/queue/q\n\n^@"
                    "UNSUBSCRIBE\ndestination:/queue/q\nreceipt:1\n\n^@"
                    "SEND\ndestination:/queue/q\n\nx^@"
                    "SUBSCRIBE\ndestination:/queue/q\nreceipt:2\n\n^@"),
        "RECEIPT\nreceipt-id:1\n\n^@RECEIPT\nreceipt-id:2\n\n^@"
        "MESSAGE\ncontent-length:1\nsubscription:/queue/q\n"
        "message-id:T-1-1\ndestination:/queue/q\n\nx^@");
}
END_TEST

/* --- `auto`: consumed when it has left
 * ---------------------------------------- */

START_TEST(auto_message_is_consumed_when_its_last_byte_has_left)
{
    size_t one;

    peer_connect(&f, a, "1.2");
    a->slow = true;
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"
                 "SEND\ndestination:/queue/q\n\n1^@"
                 "SEND\ndestination:/queue/q\n\n2^@"
                 "SEND\ndestination:/queue/q\n\n3^@");
    one = strlen(peer_take(a)) / 3 - 1; /* ^@ is one byte */
    peer_flush(a, 2 * one - 1);         /* all of the first, not the second */
    peer_close(a);
    peer_connect(&f, b, "1.2");
    ck_assert_str_eq(
        peer_ask(b, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"),
        "MESSAGE\ncontent-length:1\nsubscription:s\nmessage-id:T-2-1\n"
        "destination:/queue/q\n\n2^@"
        "MESSAGE\ncontent-length:1\nsubscription:s\nmessage-id:T-2-2\n"
        "destination:/queue/q\n\n3^@"); /* never left: not redelivered */
}
END_TEST

START_TEST(auto_message_can_leave_after_the_session_has_closed)
{
    peer_connect(&f, a, "1.2");
    a->slow = true;
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"
                 "SEND\ndestination:/queue/q\n\n1^@");
    peer_send(a, "DISCONNECT\n\n^@");
    ck_assert(a->transport.closed);
    peer_flush(a, SIZE_MAX);
    peer_close(a);
    peer_connect(&f, b, "1.2");
    ck_assert_str_eq(peer_ask(b, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"),
                     "");
}
END_TEST

START_TEST(slow_reader_gets_no_more_than_the_high_mark)
{
    char body[1001];
    char text[1100];
    size_t held;

    f.config.out_high_bytes = 10000;
    f.config.out_low_bytes = 2000;
    memset(body, 'x', 1000);
    body[1000] = '\0';
    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, "1.2");
    peer_send(b, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@");
    b->slow = true;
    (void)snprintf(text, sizeof(text), "SEND\ndestination:/queue/q\n\n%s^@",
                   body);
    for (int i = 0; i < 50; i++) {
        peer_send(a, text);
    }
    held = (size_t)(b->transport.base.queued_bytes -
                    b->transport.base.flushed_bytes);
    ck_assert_uint_gt(held, 10000);
    ck_assert_uint_lt(held, 12000);
    peer_flush(b, 8000);
    fixture_turn(&f);
    ck_assert_uint_eq(b->transport.base.queued_bytes -
                          b->transport.base.flushed_bytes,
                      held - 8000); /* not yet down to the low mark */
    peer_flush(b, 2000);
    fixture_turn(&f);
    ck_assert_uint_gt(b->transport.base.queued_bytes -
                          b->transport.base.flushed_bytes,
                      10000);
    b->slow = false;
    for (int i = 0; i < 10; i++) {
        fixture_turn(&f);
    }
    ck_assert_uint_gt(b->transport.base.flushed_bytes, 50000);
}
END_TEST

START_TEST(little_is_read_while_messages_wait_for_consumers_that_are_there)
{
    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, "1.2");
    peer_send(b, "SEND\ndestination:/queue/q\n\n1^@"
                 "SEND\ndestination:/queue/q\n\n2^@");
    ck_assert_uint_eq(session_read_size(b->session), SIZE_MAX);
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\n"
                 "ack:client-individual\nactivemq.prefetchSize:1\n\n^@");
    ck_assert_uint_eq(session_read_size(b->session), 16384);
    ck_assert_uint_eq(session_read_size(a->session), SIZE_MAX);
    peer_send(a, "ACK\nid:T-2-1\n\n^@");
    ck_assert_uint_eq(session_read_size(b->session), SIZE_MAX);
}
END_TEST

/* --- flow control
 * --------------------------------------------------------------- */

START_TEST(producer_is_paused_at_the_ceiling_and_resumed)
{
    f.options.memory_bytes = 8192;
    fixture_reinit(&f, &store_memory);
    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, "1.2");
    while (!a->transport.paused) {
        peer_send(a, "SEND\ndestination:/queue/q\n\n0123456789^@");
    }
    fixture_turn(&f);
    ck_assert(a->transport.paused);
    peer_send(b, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@");
    ck_assert(!a->transport.paused);
    ck_assert_uint_eq(a->transport.pauses, 1);
}
END_TEST

/* Fills memory with messages of /queue/p that a has un-acked. */
static void
fill_memory_with_unacked(void)
{
    f.options.memory_bytes = 8192;
    fixture_reinit(&f, &store_memory);
    peer_connect(&f, a, "1.2");
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/p\nack:client\n\n^@");
    while (!core_is_full(f.core)) {
        peer_send(a, "SEND\ndestination:/queue/p\n\nx^@");
    }
    (void)peer_take(a);
}

START_TEST(own_acks_of_a_waiting_producer_make_its_room)
{
    fill_memory_with_unacked();
    peer_send(a, "SEND\ndestination:/queue/q\nreceipt:1\n\n^@"
                 "SEND\ndestination:/queue/q\nreceipt:2\n\n^@"
                 "BEGIN\ntransaction:t\nreceipt:3\n\n^@");
    ck_assert_str_eq(peer_take(a), "");
    ck_assert(!a->transport.paused);
    peer_send(a, "ACK\nid:T-1-10\n\n^@");
    ck_assert_str_eq(peer_take(a), "RECEIPT\nreceipt-id:1\n\n^@"
                                   "RECEIPT\nreceipt-id:2\n\n^@"
                                   "RECEIPT\nreceipt-id:3\n\n^@");
}
END_TEST

/* One line with a header of the largest size, all of it colons, which need no
 * escape but get one on output (D19). */
static void
send_with_colons(struct peer *peer)
{
    static const char before[] = "SEND\ndestination:/queue/q\nreceipt:2\nk:";
    static char frame[60000];

    memset(frame, ':', sizeof(frame));
    memcpy(frame, before, sizeof(before) - 1);
    memcpy(frame + sizeof(frame) - 5, "\n\n^@", 5);
    peer_send(peer, frame);
}

START_TEST(what_waits_behind_a_send_is_as_it_was)
{
    fill_memory_with_unacked();
    peer_send(a, "SEND\ndestination:/queue/q\nreceipt:1\n\n^@");
    send_with_colons(a);
    peer_send(a, "BEGIN\ntransaction:t\nreceipt:3\n\n^@");
    ck_assert_str_eq(peer_take(a), "");
    peer_send(a, "ACK\nid:T-1-10\n\n^@");
    ck_assert_str_eq(peer_take(a), "RECEIPT\nreceipt-id:1\n\n^@"
                                   "RECEIPT\nreceipt-id:2\n\n^@"
                                   "RECEIPT\nreceipt-id:3\n\n^@");
}
END_TEST

static const char *const bad_frames[] = {
    "SHOUT\nreceipt:2\n\n^@",
    "CONNECT\nlogin:a\\\\t\nreceipt:2\n\n^@",
    "RECEIPT\nreceipt-id:1\nreceipt:2\n\n^@",
};

START_TEST(bad_frame_behind_a_send_that_waits_is_refused_in_its_turn)
{
    const char *answer;

    fill_memory_with_unacked();
    peer_send(a, "SEND\ndestination:/queue/q\nreceipt:1\n\n^@");
    peer_send(a, bad_frames[_i]);
    ck_assert_str_eq(peer_take(a), "");
    peer_send(a, "ACK\nid:T-1-10\n\n^@");
    answer = peer_take(a);
    ck_assert_has(answer, "RECEIPT\nreceipt-id:1\n\n^@ERROR\n");
    ck_assert_has(answer, "receipt-id:2");
    ck_assert(a->transport.closed);
}
END_TEST

static const char *const unreadable_frames[] = {
    "SEND\nreceipt:2\nno colon\n\n^@SEND\nreceipt:3\nno colon\n\n^@",
    "SEND\nreceipt:2\ncontent-length:99999999\n\n",
};

/* No ACK can be read any more that would make room. */
START_TEST(what_waits_goes_in_before_the_end_of_what_can_be_read)
{
    const char *answer;

    fill_memory_with_unacked();
    peer_send(a, "SEND\ndestination:/queue/q\nreceipt:1\n\nx^@");
    ck_assert_str_eq(peer_take(a), "");
    peer_send(a, unreadable_frames[_i]);
    answer = peer_take(a);
    ck_assert_has(answer, "RECEIPT\nreceipt-id:1\n\n^@ERROR\n");
    ck_assert_has(answer, "receipt-id:2");
    ck_assert(a->transport.closed);
}
END_TEST

/* /queue/full is at its memoryLimit with one message that a has un-acked. */
static void
fill_a_queue(void)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "full");

    policy->memory_limit.bytes = 1;
    policy->send_fail_after_us = 2000000;
    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, "1.2");
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/full\nack:client\n\n^@"
                 "SEND\ndestination:/queue/full\n\nx^@");
    (void)peer_take(a);
}

START_TEST(send_that_has_waited_too_long_is_refused_and_not_sent)
{
    const char *answer;

    fill_a_queue();
    peer_send(b, "SEND\ndestination:/queue/full\nreceipt:1\n\nlate^@"
                 "SEND\ndestination:/queue/other\n\nbehind^@");
    fixture_sleep_us(&f, 1999999);
    ck_assert(!b->transport.closed);
    fixture_sleep_us(&f, 10000);
    answer = peer_take(b);
    ck_assert_has(answer, "message:no space");
    ck_assert_has(answer, "receipt-id:1");
    ck_assert(b->transport.closed);
    peer_close(b);
    peer_send(a, "ACK\nid:T-1-1\n\n^@"
                 "SUBSCRIBE\nid:t\ndestination:/queue/other\n\n^@");
    ck_assert_str_eq(peer_take(a), "");
}
END_TEST

START_TEST(send_goes_on_when_its_destination_has_room_again)
{
    fill_a_queue();
    peer_send(b, "SEND\ndestination:/queue/full\nreceipt:1\n\nnext^@");
    ck_assert_str_eq(peer_take(b), "");
    peer_send(a, "ACK\nid:T-1-1\n\n^@");
    ck_assert_str_eq(peer_take(b), "RECEIPT\nreceipt-id:1\n\n^@");
    ck_assert_has(peer_take(a), "next");
}
END_TEST

START_TEST(command_that_nobody_knows_is_refused_in_its_place)
{
    const char *answer;

    fill_a_queue();
    peer_send(b, "SEND\ndestination:/queue/full\nreceipt:1\n\nnext^@"
                 "HE:LLO\nreceipt:2\nx\\cy:1\n\nbody^@");
    ck_assert_str_eq(peer_take(b), "");
    peer_send(a, "ACK\nid:T-1-1\n\n^@");
    answer = peer_take(b);
    ck_assert_has(answer, "RECEIPT\nreceipt-id:1\n\n^@");
    ck_assert_has(answer, "HE:LLO is not a command");
    ck_assert_has(answer, "message:unknown command\nreceipt-id:2\n");
    ck_assert(b->transport.closed);
    ck_assert_has(peer_take(a), "next");
}
END_TEST

START_TEST(ack_with_receipt_keeps_its_place_among_the_answers)
{
    fill_memory_with_unacked();
    peer_send(a, "SEND\ndestination:/queue/q\nreceipt:1\n\n^@"
                 "ACK\nid:T-1-1\nreceipt:2\n\n^@");
    ck_assert_str_eq(peer_take(a), "");
    peer_send(a, "ACK\nid:T-1-10\n\n^@");
    ck_assert_str_eq(peer_take(a), "RECEIPT\nreceipt-id:1\n\n^@"
                                   "RECEIPT\nreceipt-id:2\n\n^@");
}
END_TEST

START_TEST(what_a_waiting_producer_has_sent_counts_when_it_vanishes)
{
    fill_memory_with_unacked();
    peer_connect(&f, b, "1.2");
    peer_send(b, "SEND\ndestination:/queue/q\n\nlast words^@");
    peer_close(b);
    peer_send(a, "ACK\nid:T-1-10\n\n^@");
    peer_connect(&f, c, "1.2");
    peer_send(c, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@");
    ck_assert_has(peer_take(c), "last words");
}
END_TEST

START_TEST(paused_session_that_ends_is_not_resumed)
{
    f.options.memory_bytes = 8192;
    fixture_reinit(&f, &store_memory);
    peer_connect(&f, a, "1.2");
    while (!a->transport.paused) {
        peer_send(a, "SEND\ndestination:/queue/q\n\n0123456789^@");
    }
    peer_close(a);
    peer_connect(&f, b, "1.2");
    peer_send(b, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@");
    ck_assert_has(peer_take(b), "MESSAGE\n");
}
END_TEST

/* --- temporary destinations
 * ------------------------------------------------------ */

START_TEST(reply_goes_to_the_temporary_queue_of_who_asked)
{
    const char *request;

    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, "1.2");
    peer_send(b, "SUBSCRIBE\nid:s\ndestination:/queue/rpc\n\n^@");
    peer_send(a,
              "SUBSCRIBE\nid:r\ndestination:/temp-queue/me\n\n^@"
              "SEND\ndestination:/queue/rpc\nreply-to:/temp-queue/me\n\n?^@");
    request = peer_take(b);
    ck_assert_has(request, "\nreply-to:/remote-temp-queue/T-1.me\n");
    peer_send(b, "SEND\ndestination:/remote-temp-queue/T-1.me\n\n!^@");
    ck_assert_str_eq(peer_take(a),
                     "MESSAGE\ncontent-length:1\nsubscription:r\n"
                     "message-id:T-1-1\ndestination:/temp-queue/me\n\n!^@");
    peer_close(a);
    peer_send(b, "SEND\ndestination:/remote-temp-queue/T-1.me\n\n!^@");
    peer_assert_error(b, "destination does not exist", TRANSPORT_CLOSE_POLICY);
}
END_TEST

START_TEST(shared_temporary_queue_ends_when_its_last_consumer_is_done)
{
    const char *got;

    fixture_policy(&f, DESTINATION_TEMP_QUEUE, ">")
        ->allow_temp_destination_stealing = true;
    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, "1.2");
    peer_connect(&f, c, "1.2");
    peer_send(a, "SEND\ndestination:/temp-queue/jobs\n\none^@"
                 "SEND\ndestination:/temp-queue/jobs\n\ntwo^@");
    peer_send(b, "SUBSCRIBE\nid:s\ndestination:/remote-temp-queue/T-1.jobs\n"
                 "ack:client\nactivemq.prefetchSize:1\n\n^@");
    got = peer_take(b);
    ck_assert_has(got, "one");
    peer_close(a);
    peer_send(c, "SEND\ndestination:/remote-temp-queue/T-1.jobs\n\nx^@");
    peer_assert_error(c, "destination does not exist", TRANSPORT_CLOSE_POLICY);
    peer_send(b, "ACK\nid:T-2-1\nreceipt:1\n\n^@");
    ck_assert_str_eq(peer_take(b), "RECEIPT\nreceipt-id:1\n\n^@");
    core_sweep(f.core);
    peer_send(b, "UNSUBSCRIBE\nid:s\nreceipt:2\n\n^@");
    ck_assert_str_eq(peer_take(b), "RECEIPT\nreceipt-id:2\n\n^@");
}
END_TEST

START_TEST(temporary_names_of_two_connections_are_apart)
{
    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, "1.2");
    peer_send(a, "SUBSCRIBE\nid:r\ndestination:/temp-topic/t\n\n^@");
    peer_send(b, "SEND\ndestination:/temp-topic/t\n\nx^@");
    ck_assert_str_eq(peer_take(a), "");
    peer_send(b, "SUBSCRIBE\nid:r\ndestination:/remote-temp-topic/T-1.t\n\n^@");
    peer_assert_error(b, "not yours", TRANSPORT_CLOSE_POLICY);
}
END_TEST

START_TEST(remembered_destination_that_is_gone_is_looked_up_again)
{
    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, "1.2");
    peer_send(a, "SEND\ndestination:/queue/q\n\n1^@");
    peer_send(b, "SEND\ndestination:/temp-queue/x\n\n1^@");
    peer_close(b); /* the epoch moves on */
    ck_assert_has(peer_ask(a, "SEND\ndestination:/queue/q\n\n2^@"
                              "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"),
                  "\n\n2^@");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("session/send");
    TCase *wire = tcase_create("wire");
    TCase *flow = tcase_create("flow");

    tcase_add_checked_fixture(wire, setup, teardown);
    tcase_add_test(wire, message_has_the_bytes_of_its_send);
    tcase_add_loop_test(wire, auto_mode_has_no_ack_header_and_1_0_none_at_all,
                        0, 2);
    tcase_add_test(wire, sender_cannot_forge_what_the_server_writes);
    tcase_add_loop_test(
        wire, headers_are_written_for_the_version_of_the_receiver, 0, 3);
    tcase_add_test(wire, what_1_0_sends_raw_arrives_as_it_was);
    tcase_add_loop_test(wire, no_value_can_inject_a_line, 0, 3);
    tcase_add_test(wire, receipt_is_echoed_byte_by_byte);
    tcase_add_test(wire, empty_receipt_in_1_0_is_none);
    tcase_add_test(wire, receipt_of_subscribe_comes_before_its_first_message);
    tcase_add_loop_test(wire, retroactive_header_is_true_in_every_spelling, 0,
                        4);
    tcase_add_test(wire, ttl_becomes_expires_and_holds);
    tcase_add_test(wire, composite_goes_to_every_name_once);
    tcase_add_loop_test(wire, second_subscription_of_an_id_is_refused, 0, 2);
    tcase_add_test(wire, subscription_id_is_free_again_after_unsubscribe);
    tcase_add_test(wire, reply_goes_to_the_temporary_queue_of_who_asked);
    tcase_add_test(wire,
                   shared_temporary_queue_ends_when_its_last_consumer_is_done);
    tcase_add_test(wire, temporary_names_of_two_connections_are_apart);
    tcase_add_test(wire,
                   remembered_destination_that_is_gone_is_looked_up_again);
    suite_add_tcase(suite, wire);
    tcase_add_checked_fixture(flow, setup, teardown);
    tcase_add_test(flow, auto_message_is_consumed_when_its_last_byte_has_left);
    tcase_add_test(flow, auto_message_can_leave_after_the_session_has_closed);
    tcase_add_test(flow, slow_reader_gets_no_more_than_the_high_mark);
    tcase_add_test(
        flow, little_is_read_while_messages_wait_for_consumers_that_are_there);
    tcase_add_test(flow, producer_is_paused_at_the_ceiling_and_resumed);
    tcase_add_test(flow, own_acks_of_a_waiting_producer_make_its_room);
    tcase_add_test(flow, what_waits_behind_a_send_is_as_it_was);
    tcase_add_loop_test(
        flow, bad_frame_behind_a_send_that_waits_is_refused_in_its_turn, 0,
        sizeof(bad_frames) / sizeof(bad_frames[0]));
    tcase_add_loop_test(
        flow, what_waits_goes_in_before_the_end_of_what_can_be_read, 0,
        sizeof(unreadable_frames) / sizeof(unreadable_frames[0]));
    tcase_add_test(flow, ack_with_receipt_keeps_its_place_among_the_answers);
    tcase_add_test(flow, send_that_has_waited_too_long_is_refused_and_not_sent);
    tcase_add_test(flow, send_goes_on_when_its_destination_has_room_again);
    tcase_add_test(flow, command_that_nobody_knows_is_refused_in_its_place);
    tcase_add_test(flow,
                   what_a_waiting_producer_has_sent_counts_when_it_vanishes);
    tcase_add_test(flow, paused_session_that_ends_is_not_resumed);
    suite_add_tcase(suite, flow);
    return testutil_run(suite);
}
