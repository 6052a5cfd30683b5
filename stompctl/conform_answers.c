/* SPDX-License-Identifier: Apache-2.0 */
/* DISCONNECT, and the frames of the server.  Source: STOMP 1.2,
 * "DISCONNECT", "MESSAGE", "RECEIPT", "ERROR". */
#include "stompctl/conform.h"

#include <stdio.h>

static void
v12_230(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    struct peer *reader;

    for (unsigned i = 0; i < 100; i++) {
        peer_say(peer, "SEND\ndestination:%s\n\nx", step->queue);
    }
    peer_say(peer, "DISCONNECT\nreceipt:bye\n\n");
    (void)peer_expect_receipt(peer, "bye");
    peer_expect_close(peer);
    reader = peer_login_subscribed(step, "1.2");
    for (unsigned i = 0; i < 100; i++) {
        (void)peer_expect_body(reader, "x");
    }
}

static void
v12_231(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say(peer, "DISCONNECT\n\n");
    peer_expect_close(peer);
    peer_require_nothing(peer);
}

static void
v12_232(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, "1.2");
    struct peer *peer = peer_login(step, "1.2");

    peer_say(peer, "DISCONNECT\nreceipt:bye\n\n");
    peer_say(peer, "SEND\ndestination:%s\nreceipt:late\n\nlate", step->queue);
    (void)peer_expect_receipt(peer, "bye");
    peer_expect_close(peer);
    peer_require_nothing(peer);
    peer_send(reader, step->queue, "marker");
    (void)peer_expect_body(reader, "marker");
}

static void
v12_233(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, "1.2");
    struct peer *peer = peer_login(step, "1.2");

    for (unsigned i = 0; i < 10; i++) {
        peer_say(peer, "SEND\ndestination:%s\n\nx", step->queue);
    }
    peer_hang_up(peer);
    for (unsigned i = 0; i < 10; i++) {
        (void)peer_expect_body(reader, "x");
    }
}

static void
v12_240(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *got;

    peer_subscribe(peer, "s", step->queue, "ack:client\n");
    peer_send(peer, step->queue, "x");
    got = peer_expect_body(peer, "x");
    peer_require_header(peer, got, "destination", step->queue);
    peer_require_header(peer, got, "subscription", "s");
    step_require(step,
                 step_is_over(step) || (got_header(got, "message-id").len > 0 &&
                                        got_header(got, "ack").len > 0),
                 "a MESSAGE has no message-id or no ack");
}

static void
v12_241(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_send(peer, step->queue, "x");
    peer_require_header(peer, peer_expect_body(peer, "x"), "ack", NULL);
}

static void
v12_242(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *got;
    char wild[STEP_NAME_BYTES + 4];
    char deep[STEP_NAME_BYTES + 4];

    (void)snprintf(wild, sizeof(wild), "%s.*", step->topic);
    (void)snprintf(deep, sizeof(deep), "%s.a", step->topic);
    peer_subscribe(peer, "w", wild, "");
    peer_send(peer, deep, "x");
    peer_require_header(peer, peer_expect_body(peer, "x"), "destination", deep);
    peer_subscribe(peer, "q", step->queue, "ack:client-individual\n");
    peer_send(peer, step->queue, "y");
    got = peer_expect_body(peer, "y");
    peer_require_header(peer, got, "destination", step->queue);
    peer_settle(peer, "NACK", got, "");
    peer_require_header(peer, peer_expect_body(peer, "y"), "destination",
                        step->queue);
}

static void
v12_243(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *got[6];

    peer_subscribe(peer, "a", step->topic, "");
    peer_subscribe(peer, "b", step->topic, "");
    for (unsigned i = 0; i < 3; i++) {
        peer_send(peer, step->topic, "x");
    }
    for (unsigned i = 0; i < 6; i++) {
        got[i] = peer_expect_body(peer, "x");
        for (unsigned j = 0; j < i && !step_is_over(step); j++) {
            bool same = span_equal(got_header(got[i], "message-id"),
                                   got_header(got[j], "message-id")) &&
                        span_equal(got_header(got[i], "subscription"),
                                   got_header(got[j], "subscription"));

            step_require(step, !same, "two messages have one message-id");
        }
    }
}

static void
v12_244(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *got;

    peer_say(peer, "SEND\ndestination:%s\nreceipt:good\n\nx", step->queue);
    (void)peer_expect_receipt(peer, "good");
    peer_say(peer, "COMMIT\ntransaction:none\nreceipt:bad\n\n");
    got = peer_next(peer);
    step_require(step, !span_equal(got->command, SPAN("RECEIPT")),
                 "a frame that failed, or a frame twice, got a RECEIPT");
    peer_expect_close(peer);
    peer_require_nothing(peer);
}

static void
v12_245(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    struct peer *reader;

    for (unsigned i = 0; i < 20; i++) {
        peer_say(peer, "SEND\ndestination:%s\n\nx", step->queue);
    }
    peer_say(peer, "SEND\ndestination:%s\nreceipt:last\n\nlast", step->queue);
    (void)peer_expect_receipt(peer, "last");
    peer_abort(peer);
    reader = peer_login_subscribed(step, "1.2");
    for (unsigned i = 0; i < 20; i++) {
        (void)peer_expect_body(reader, "x");
    }
    (void)peer_expect_body(reader, "last");
}

static void
v12_246(struct step *step)
{
    step_refuses(step, "1.2", "SHOUT\n\n");
    step_refuses(step, "1.2", "COMMIT\ntransaction:none\n\n");
    step_refuses(step, "1.2", "SEND\nno colon\n\n");
}

static void
v12_247(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    struct span message;

    peer_say(peer, "COMMIT\ntransaction:none\n\n");
    message = got_header(peer_expect(peer, "ERROR"), "message");
    step_require(step, message.len > 0, "the ERROR has no message");
    step_require(step, message.len < 200, "its message is not short");
}

static void
v12_248(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *got;

    peer_say(peer, "COMMIT\ntransaction:none\nreceipt:r\\c1\n\n");
    got = peer_expect(peer, "ERROR");
    peer_require_header(peer, got, "receipt-id", "r\\c1");
    peer_require_header(peer, got, "transaction", "none");
    peer = peer_login(step, "1.2");
    peer_say(peer, "SEND\ndestination:%s\nreceipt:2\ntransaction:no\n\nx",
             step->queue);
    got = peer_expect(peer, "ERROR");
    peer_require_header(peer, got, "receipt-id", "2");
    peer_require_header(peer, got, "destination", step->queue);
    peer = peer_login(step, "1.2");
    peer_say(peer, "SUBSCRIBE\nid:7\ndestination:%s\nack:no\n\n", step->queue);
    peer_require_header(peer, peer_expect(peer, "ERROR"), "subscription", "7");
}

static void
v12_249(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SHOUT\n\n");
    peer_say(peer, "SEND\ndestination:%s\nreceipt:r\n\nx", step->queue);
    (void)peer_expect_error(peer);
    peer_require_nothing(peer);
}

static void
v12_250(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *got;

    peer_say(peer, "COMMIT\ntransaction:\xC3\xA4\\c\\n\\\\\n"
                   "receipt:\xC3\xA4\\c\\n\\\\\n\n");
    got = peer_expect_error(peer);
    peer_require_header(peer, got, "receipt-id", "\xC3\xA4\\c\\n\\\\");
    for (size_t i = 0; got_line(got, i).data != NULL; i++) {
        struct span value = got_line(got, i);

        (void)span_split(&value, ':');
        step_require(step, value.data != NULL && !got_contains(value, ":"),
                     "a header of the ERROR is not escaped");
    }
    step_require(step, span_is_utf8(got->raw), "the ERROR is not UTF-8");
}

static const struct conform_statement answers_statements[] = {
    { CONFORM_ROW("V12-230", MUST, v12_230,
                  "the RECEIPT of DISCONNECT means that all before it was "
                  "taken") },
    { CONFORM_ROW("V12-231", DERIVED, v12_231,
                  "DISCONNECT without receipt ends the connection") },
    { CONFORM_ROW("V12-232", DERIVED, v12_232,
                  "what follows DISCONNECT is ignored") },
    { CONFORM_ROW("V12-233", SHOULD, v12_233,
                  "frames of a client that vanishes are still processed") },
    { CONFORM_ROW("V12-240", MUST, v12_240,
                  "MESSAGE has destination, message-id, subscription, and "
                  "ack when it must be acknowledged") },
    { CONFORM_ROW("V12-241", DERIVED, v12_241,
                  "in auto mode MESSAGE has no ack"),
      .decision = "D9" },
    { CONFORM_ROW("V12-242", SHOULD, v12_242,
                  "destination is the one of the SEND, also for wildcards "
                  "and redeliveries") },
    { CONFORM_ROW("V12-243", MUST, v12_243, "message-id is unique") },
    { CONFORM_ROW("V12-244", MUST, v12_244,
                  "a frame gets one RECEIPT when it is done, none when it "
                  "failed") },
    { CONFORM_ROW("V12-245", MUST, v12_245,
                  "a RECEIPT means that all earlier frames were taken"),
      .decision = "D16" },
    { CONFORM_ROW("V12-246", MUST, v12_246, "the connection ends after ERROR"),
      .decision = "D14" },
    { CONFORM_ROW("V12-247", SHOULD, v12_247, "ERROR has a short message") },
    { CONFORM_ROW("V12-248", SHOULD, v12_248,
                  "ERROR has receipt-id, and names the transaction, "
                  "destination or subscription") },
    { CONFORM_ROW("V12-249", DERIVED, v12_249, "nothing comes after ERROR") },
    { CONFORM_ROW("V12-250", DERIVED, v12_250,
                  "user data in ERROR is escaped") },
};

const struct conform_chapter conform_answers =
    CONFORM_CHAPTER("DISCONNECT and the server's frames", answers_statements);
