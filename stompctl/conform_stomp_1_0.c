/* SPDX-License-Identifier: Apache-2.0 */
/* STOMP 1.0, as its clients speak it.  Source: STOMP 1.0. */
#include "stompctl/conform.h"

#include <stdio.h>

static void
v10_001(struct step *step)
{
    struct peer *peer = peer_open(step);
    const char *login = step->target->login;
    const struct got *got;

    peer_say(peer, "CONNECT\n%s\n",
             login[0] != '\0' ? login : "login:guest\npasscode:guest\n");
    got = peer_expect(peer, "CONNECTED");
    step_require(step, step_is_over(step) || got_header(got, "session").len > 0,
                 "CONNECTED has no session");
}

static void
v10_002(struct step *step)
{
    struct peer *peer = peer_open(step);

    if (step->target->login[0] != '\0') {
        step_not_applicable(step, "this broker is used with a login");
    }
    peer_say(peer, "CONNECT\n\n");
    (void)peer_expect(peer, "CONNECTED");
}

/* A header line sent and received by 1.0 clients. */
static void
stomp_1_0_carry(struct step *step, const char *line, const char *name,
                const char *value)
{
    struct peer *peer = peer_login_subscribed(step, NULL);

    peer_say(peer, "SEND\ndestination:%s\n%s\n\nx", step->queue, line);
    peer_require_header(peer, peer_expect_body(peer, "x"), name, value);
    peer_hang_up(peer);
}

static void
v10_003(struct step *step)
{
    stomp_1_0_carry(step, "h:a\\nb\\t\\", "h", "a\\nb\\t\\");
}

static void
v10_004(struct step *step)
{
    stomp_1_0_carry(step, "foo:a:b", "foo", "a:b");
}

static void
v10_005(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, NULL);

    peer_say(peer, "SEND\ndestination: %s\nh: v \n\nx", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "x"), "h", "v");
}

static void
v10_006(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, NULL);

    peer_say(peer, "SEND\ndestination:%s\n\nx", step->queue);
    (void)peer_expect_body(peer, "x");
    peer_say(peer, "SEND\r\ndestination:%s\r\n\r\ny", step->queue);
    (void)peer_expect_body(peer, "y");
}

static void
v10_007(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, NULL);

    peer_say(peer, "SEND\ndestination:%s\n\nx", step->queue);
    peer_say_part(peer, "\n\n\n");
    peer_say(peer, "SEND\ndestination:%s\n\ny", step->queue);
    (void)peer_expect_body(peer, "x");
    (void)peer_expect_body(peer, "y");
}

static void
v10_008(struct step *step)
{
    step_refuses(step, NULL, "SEND\n\nx");
    step_accepts(step, NULL, "SEND\ndestination:%s\n\nx", step->queue);
}

static void
v10_009(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, NULL);

    peer_say_part(peer, "SEND\ndestination:%s\ncontent-length:3\n\n",
                  step->queue);
    peer_say_bytes(peer, SPAN("a\0b\0"));
    peer_require_body(peer, peer_expect(peer, "MESSAGE"), SPAN("a\0b"));
    peer_say(peer, "SEND\ndestination:%s\n\nabc", step->queue);
    (void)peer_expect_body(peer, "abc");
}

static void
v10_010(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);

    peer_say(peer, "SUBSCRIBE\ndestination:%s\nreceipt:1\n\nignored",
             step->queue);
    (void)peer_expect_receipt(peer, "1");
    peer_say(peer,
             "SUBSCRIBE\ndestination:%s\nack:client\nid:2\n"
             "receipt:2\n\n",
             step->topic);
    (void)peer_expect_receipt(peer, "2");
    step_refuses(step, NULL, "SUBSCRIBE\nack:auto\n\n");
}

static void
v10_011(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);

    peer_subscribe(peer, "1", step->queue, "ack:client-individual\n");
}

static void
v10_012(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, NULL);

    peer_send(peer, step->queue, "x");
    peer_require_header(peer, peer_expect_body(peer, "x"), "subscription", "s");
    peer = peer_login(step, NULL);
    peer_say(peer, "SUBSCRIBE\ndestination:%s\nreceipt:r\n\n", step->topic);
    (void)peer_expect_receipt(peer, "r");
    peer_send(peer, step->topic, "y");
    (void)peer_expect_body(peer, "y");
}

static void
v10_013(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);

    peer_say(peer, "SUBSCRIBE\ndestination:%s\nreceipt:1\n\n", step->topic);
    (void)peer_expect_receipt(peer, "1");
    peer_say(peer, "SUBSCRIBE\ndestination:%s\nreceipt:2\n\n", step->topic);
    (void)peer_expect_error(peer);
}

static void
v10_014(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);

    peer_subscribe(peer, "1", step->queue, "");
    peer_say(peer, "UNSUBSCRIBE\nid:1\nreceipt:a\n\n");
    (void)peer_expect_receipt(peer, "a");
    peer_say(peer, "SUBSCRIBE\ndestination:%s\nreceipt:b\n\n", step->topic);
    (void)peer_expect_receipt(peer, "b");
    peer_say(peer, "UNSUBSCRIBE\ndestination:%s\nreceipt:c\n\n", step->topic);
    (void)peer_expect_receipt(peer, "c");
    peer_send(peer, step->topic, "x");
    peer_expect_none(peer, "MESSAGE");
    step_refuses(step, NULL, "UNSUBSCRIBE\n\n");
}

static void
v10_015(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);
    const struct got *got;

    peer_say(peer,
             "SUBSCRIBE\nid:1\ndestination:%s\nreceipt:r\n"
             "selector:colour = 'red'\n\n",
             step->topic);
    got = peer_next(peer);
    if (span_equal(got->command, SPAN("ERROR"))) {
        step_not_applicable(step, "the broker refuses selectors");
    }
    peer_require_header(peer, got, "receipt-id", "r");
    peer_say(peer, "SEND\ndestination:%s\ncolour:blue\n\nblue", step->topic);
    peer_say(peer, "SEND\ndestination:%s\ncolour:red\n\nred", step->topic);
    (void)peer_expect_body(peer, "red");
    peer_expect_none(peer, "MESSAGE");
}

static void
v10_016(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);

    step_refuses(step, NULL, "ACK\n\n");
    peer_send(peer, step->queue, "a");
    peer_send(peer, step->queue, "b");
    peer_subscribe(peer, "s", step->queue, "ack:client\n");
    (void)peer_expect_body(peer, "a");
    peer_settle(peer, "ACK", peer_expect_body(peer, "b"), "receipt:r\n");
    (void)peer_expect_receipt(peer, "r");
    peer_say(peer, "DISCONNECT\nreceipt:bye\n\n");
    (void)peer_expect_receipt(peer, "bye");
    peer_expect_close(peer);
    peer = peer_login_subscribed(step, NULL);
    peer_send(peer, step->queue, "end");
    (void)peer_expect_body(peer, "end");
}

static void
v10_017(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, NULL);

    step_refuses(step, NULL, "BEGIN\n\n");
    step_refuses(step, NULL, "COMMIT\n\n");
    step_refuses(step, NULL, "ABORT\n\n");
    peer_say(peer, "BEGIN\ntransaction:1\n\n");
    peer_say(peer, "SEND\ndestination:%s\ntransaction:1\n\na", step->queue);
    peer_say(peer, "ABORT\ntransaction:1\n\n");
    peer_say(peer, "BEGIN\ntransaction:1\n\n");
    peer_say(peer, "SEND\ndestination:%s\ntransaction:1\n\nb", step->queue);
    peer_say(peer, "COMMIT\ntransaction:1\n\n");
    (void)peer_expect_body(peer, "b");
}

static void
v10_018(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);

    peer_say(peer, "SEND\ndestination:%s\nreceipt:a:b\\n\n\nx", step->queue);
    peer_require_body(peer, peer_expect_receipt(peer, "a:b\\n"), SPAN(""));
    peer_say(peer, "BEGIN\ntransaction:t\nreceipt:1\n\n");
    (void)peer_expect_receipt(peer, "1");
    peer_say(peer, "ABORT\ntransaction:t\nreceipt:2\n\n");
    (void)peer_expect_receipt(peer, "2");
    peer_say(peer, "DISCONNECT\nreceipt:3\n\n");
    (void)peer_expect_receipt(peer, "3");
}

static void
v10_019(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, NULL);
    const struct got *got;

    peer_send(peer, step->queue, "abc");
    got = peer_expect_body(peer, "abc");
    peer_require_header(peer, got, "destination", step->queue);
    peer_require_header(peer, got, "content-length", "3");
    step_require(step,
                 step_is_over(step) || got_header(got, "message-id").len > 0,
                 "MESSAGE has no message-id");
}

static void
v10_020(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);

    peer_say(peer, "SHOUT\n\n");
    step_require(step, got_header(peer_expect_error(peer), "message").len > 0,
                 "ERROR has no message");
}

static void
v10_021(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);
    const struct got *got;
    bool good;

    peer_subscribe(peer, "s", step->queue, "ack:client\n");
    peer_send(peer, step->queue, "x");
    got = peer_expect_body(peer, "x");
    peer_settle(peer, "NACK", got, "receipt:n\n");
    do {
        got = peer_next(peer);
    } while (span_equal(got->command, SPAN("MESSAGE")));
    good = span_equal(got->command, SPAN("ERROR")) ||
           span_equal(got->command, SPAN("RECEIPT"));
    step_require(step, good, "NACK is neither refused nor taken");
}

static void
v10_022(struct step *step)
{
    struct peer *peer = peer_login_with(step, NULL, "heart-beat:200,200\n");

    peer_expect_silence(peer, 2000);
    peer_fence(peer);
}

static void
v10_023(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);

    peer_say(peer, "DISCONNECT\n\n");
    peer_expect_close(peer);
    peer = peer_login(step, NULL);
    peer_say(peer, "DISCONNECT\nreceipt:r\n\n");
    (void)peer_expect_receipt(peer, "r");
    peer_expect_close(peer);
}

static void
v10_024(struct step *step)
{
    stomp_1_0_carry(step, "n\xC3\xA4me:\xE2\x82\xAC", "n\xC3\xA4me",
                    "\xE2\x82\xAC");
}

static void
v10_025(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, NULL);
    struct peer *sender = peer_login(step, "1.2");
    const struct got *got;

    peer_say(sender, "SEND\ndestination:%s\nempty:\nfull:1\n\nx", step->queue);
    peer_flush(sender);
    got = peer_expect_body(reader, "x");
    peer_require_header(reader, got, "full", "1");
    peer_require_header(reader, got, "empty", NULL);
}

static const struct conform_statement stomp_1_0_statements[] = {
    { CONFORM_ROW("V10-001", MUST, v10_001,
                  "CONNECT with login and passcode is answered by CONNECTED "
                  "with session"),
      .decision = "D10" },
    { CONFORM_ROW("V10-002", MAY, v10_002, "CONNECT needs no header at all") },
    { CONFORM_ROW("V10-003", MUST, v10_003, "there are no escapes") },
    { CONFORM_ROW("V10-004", MUST, v10_004, "a value may hold colons") },
    { CONFORM_ROW("V10-005", DERIVED, v10_005,
                  "padding around a value is trimmed") },
    { CONFORM_ROW("V10-006", MUST, v10_006,
                  "lines end with LF, CR LF is accepted") },
    { CONFORM_ROW("V10-007", MUST, v10_007, "LFs after the NUL are ignored") },
    { CONFORM_ROW("V10-008", MUST, v10_008, "SEND needs a destination") },
    { CONFORM_ROW("V10-009", MUST, v10_009,
                  "content-length counts, without it the first NUL ends") },
    { CONFORM_ROW("V10-010", MUST, v10_010,
                  "SUBSCRIBE needs a destination, no id, and its body is "
                  "ignored") },
    { CONFORM_ROW("V10-011", MAY, v10_011,
                  "ack:client-individual is accepted") },
    { CONFORM_ROW("V10-012", MUST, v10_012,
                  "MESSAGE names the subscription's id") },
    { CONFORM_ROW("V10-013", DERIVED, v10_013,
                  "a second subscription to a destination without id is "
                  "refused"),
      .decision = "D11" },
    { CONFORM_ROW("V10-014", MUST, v10_014,
                  "UNSUBSCRIBE by id or by destination") },
    { CONFORM_ROW("V10-015", MAY, v10_015, "selector selects") },
    { CONFORM_ROW("V10-016", MUST, v10_016,
                  "ACK needs message-id alone, and covers all before it"),
      .decision = "D12" },
    { CONFORM_ROW("V10-017", MUST, v10_017,
                  "transactions need a name and are atomic") },
    { CONFORM_ROW("V10-018", MUST, v10_018,
                  "receipt is answered by an empty RECEIPT") },
    { CONFORM_ROW("V10-019", MUST, v10_019,
                  "MESSAGE has destination, message-id and content-length") },
    { CONFORM_ROW("V10-020", SHOULD, v10_020, "ERROR has message") },
    { CONFORM_ROW("V10-021", DERIVED, v10_021,
                  "NACK is refused, or an extension") },
    { CONFORM_ROW("V10-022", MUST, v10_022, "there are no heart-beats") },
    { CONFORM_ROW("V10-023", MUST, v10_023, "DISCONNECT ends in good order") },
    { CONFORM_ROW("V10-024", DERIVED, v10_024, "headers may be UTF-8") },
    { CONFORM_ROW("V10-025", MUST, v10_025, "no empty value is sent") },
};

const struct conform_chapter conform_stomp_1_0 =
    CONFORM_CHAPTER("STOMP 1.0", stomp_1_0_statements);
