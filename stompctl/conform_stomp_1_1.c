/* SPDX-License-Identifier: Apache-2.0 */
/* Where STOMP 1.1 says something of its own.  Source: STOMP 1.1. */
#include "stompctl/conform.h"

#include <poll.h>
#include <stdio.h>

static void
v11_001(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.1");

    peer_say(peer, "SEND\ndestination:%s\nh:a\rb\n\nx", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "x"), "h", "a\rb");
    peer_say(peer, "SEND\r\ndestination:%s\r\n\r\ny", step->queue);
    (void)peer_expect_body(peer, "y");
}

static void
v11_002(struct step *step)
{
    step_refuses(step, "1.1", "SEND\ndestination:%s\nh:a\\rb\n\nx",
                 step->queue);
    step_refuses(step, "1.1", "SEND\ndestination:%s\nh:a\\tb\n\nx",
                 step->queue);
    step_accepts(step, "1.1", "SEND\ndestination:%s\nh:a\\n\\c\\\\\n\nx",
                 step->queue);
}

static void
v11_003(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, "1.1");
    struct peer *sender = peer_login(step, "1.2");

    peer_say(sender, "SEND\ndestination:%s\nh:a\\nb\\cc\\\\d\ni:a\\rb\n\nx",
             step->queue);
    peer_flush(sender);
    peer_require_header(reader, peer_expect(reader, "MESSAGE"), "h",
                        "a\\nb\\cc\\\\d");
    step_require(step, !got_contains(peer_input(reader), "a\\rb"),
                 "a CR was sent as \\r, which 1.1 does not know");
}

static void
v11_004(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_say(peer, "STOMP\naccept-version:1.1\nhost:%s\n%s\n",
             step->target->host, step->target->login);
    peer_require_header(peer, peer_expect(peer, "CONNECTED"), "version", "1.1");
}

static void
v11_005(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_say(peer, "CONNECT\naccept-version:1.1\n%s\n", step->target->login);
    (void)peer_expect(peer, "CONNECTED");
}

static void
v11_006(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_say_connect(peer);
    peer_say(peer, "accept-version:3.0,1.9\n\n");
    (void)peer_expect_error(peer);
}

static void
v11_007(struct step *step)
{
    struct peer *peer = peer_login(step, "1.1");
    const struct got *got;
    struct span id;

    step_refuses(step, "1.1", "ACK\nsubscription:s\n\n");
    peer_subscribe(peer, "s", step->queue, "ack:client\n");
    peer_subscribe(peer, "o", step->topic, "ack:client\n");
    peer_send(peer, step->queue, "x");
    got = peer_expect_body(peer, "x");
    id = got_header(got, "message-id");
    peer_say(peer, "ACK\nmessage-id:%.*s\nsubscription:o\n\n", (int)id.len,
             id.data);
    (void)peer_expect_error(peer);
    peer = peer_login(step, "1.1");
    peer_subscribe(peer, "s", step->queue, "ack:client\n");
    got = peer_expect_body(peer, "x");
    id = got_header(got, "message-id");
    peer_say(peer, "ACK\nmessage-id:%.*s\n\n", (int)id.len, id.data);
    (void)peer_expect_error(peer);
}

static void
v11_008(struct step *step)
{
    struct peer *peer = peer_login(step, "1.1");
    const struct got *got;
    struct span ack;

    peer_subscribe(peer, "s", step->queue, "ack:client\n");
    peer_send(peer, step->queue, "x");
    got = peer_expect_body(peer, "x");
    ack = got_header(got, "ack");
    step_require(step,
                 ack.data == NULL ||
                     span_equal(ack, got_header(got, "message-id")),
                 "ack and message-id differ");
    peer_settle(peer, "ACK", got, "receipt:r\n");
    (void)peer_expect_receipt(peer, "r");
}

static void
v11_009(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.1", "heart-beat:0,200\n");
    size_t before = peer_input(peer).len;
    unsigned sends;
    unsigned wants;

    peer_beats(peer, &sends, &wants);
    if (sends == 0 || sends > 1500) {
        step_not_applicable(step, "the broker beats every %u ms only", sends);
    }
    (void)peer_read(peer, (int)(2 * sends) + 400);
    (void)peer_read(peer, (int)(2 * sends) + 400);
    for (size_t i = before; i < peer_input(peer).len; i++) {
        step_require(step, peer_input(peer).data[i] == '\n',
                     "a beat is not LF");
    }
    step_require(step, peer_input(peer).len > before, "no beat came");
}

static void
v11_010(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.1", "heart-beat:200,0\n");
    unsigned sends;
    unsigned wants;

    peer_beats(peer, &sends, &wants);
    if (wants == 0 || wants > 1500) {
        step_not_applicable(step, "the broker wants a beat every %u ms only",
                            wants);
    }
    for (unsigned i = 0; i < 4 && !step_is_over(step); i++) {
        /* The time is the statement: late by half of what was agreed. */
        (void)poll(NULL, 0, (int)(wants > 200 ? wants : 200) * 3 / 2);
        peer_say_part(peer, "\n");
        peer_flush(peer);
    }
    peer_fence(peer);
}

static void
v11_011(struct step *step)
{
    step_refuses(step, "1.1", "SEND\n\nx");
    step_refuses(step, "1.1", "SUBSCRIBE\nid:1\n\n");
}

static void
v11_012(struct step *step)
{
    step_refuses(step, "1.1", "SHOUT\n\n");
}

static void
v11_013(struct step *step)
{
    struct peer *peer = peer_login(step, "1.1");

    peer_say(peer, "SEND\ndestination:%s\nreceipt:r\n\nx", step->queue);
    peer_require_body(peer, peer_expect_receipt(peer, "r"), SPAN(""));
}

static void
v11_014(struct step *step)
{
    struct peer *peer = peer_login(step, "1.1");

    step_refuses(step, "1.1", "SUBSCRIBE\ndestination:%s\n\n", step->queue);
    step_refuses(step, "1.1", "UNSUBSCRIBE\nid:never\n\n");
    peer_subscribe(peer, "1", step->topic, "");
    peer_say(peer, "SUBSCRIBE\nid:1\ndestination:%s\n\n", step->queue);
    (void)peer_expect_error(peer);
}

static void
v11_015(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.1");

    peer_say(peer, "SEND\ndestination:%s\n a : b \n\nx", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "x"), " a ", " b ");
}

static void
v11_016(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.1");
    const struct got *got;

    peer_say_part(peer, "SEND\ndestination:%s\ncontent-length:3\n\n",
                  step->queue);
    peer_say_bytes(peer, SPAN("a\0b\0"));
    got = peer_expect(peer, "MESSAGE");
    peer_require_body(peer, got, SPAN("a\0b"));
    peer_require_header(peer, got, "content-length", "3");
}

static void
v11_017(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.1");

    peer_say(peer, "SEND\ndestination:%s\nh:1\nh:2\n\nx", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "x"), "h", "1");
}

static void
v11_018(struct step *step)
{
    for (unsigned i = 0; i < 100 && !step_is_over(step); i++) {
        peer_hang_up(peer_login(step, "1.1"));
        step_drop_peers(step);
    }
    peer_fence(peer_login(step, "1.1"));
}

/* Sends "a", "b" and "c" and gets them in that mode. */
static struct peer *
stomp_1_1_three(struct step *step, const char *mode, const struct got *got[3])
{
    static const char *const bodies[] = { "a", "b", "c" };
    struct peer *peer = peer_login(step, "1.1");

    for (size_t i = 0; i < 3; i++) {
        peer_send(peer, step->queue, bodies[i]);
    }
    peer_subscribe(peer, "s", step->queue, mode);
    for (size_t i = 0; i < 3; i++) {
        got[i] = peer_expect_body(peer, bodies[i]);
    }
    return peer;
}

/* Ends that connection; this one body, or NULL, is what is left. */
static void
stomp_1_1_left(struct peer *peer, const char *left)
{
    struct step *step = peer_step(peer);
    struct peer *reader;

    peer_say(peer, "DISCONNECT\nreceipt:bye\n\n");
    (void)peer_expect_receipt(peer, "bye");
    peer_expect_close(peer);
    reader = peer_login(step, "1.1");
    peer_subscribe(reader, "left", step->queue, "");
    if (left != NULL) {
        (void)peer_expect_body(reader, left);
    }
    peer_send(reader, step->queue, "end");
    (void)peer_expect_body(reader, "end");
    peer_hang_up(reader);
}

static void
v11_019(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = stomp_1_1_three(step, "ack:client-individual\n", got);

    peer_settle(peer, "NACK", got[0], "requeue:false\nreceipt:1\n");
    peer_settle(peer, "ACK", got[1], "receipt:2\n");
    (void)peer_expect_receipt(peer, "1");
    (void)peer_expect_receipt(peer, "2");
    stomp_1_1_left(peer, "c");
}

static void
v11_020(struct step *step)
{
    struct peer *peer = peer_login(step, "1.1");
    const struct got *got;

    peer_say(peer, "COMMIT\ntransaction:none\nreceipt:r\n\n");
    got = peer_expect_error(peer);
    peer_require_header(peer, got, "receipt-id", "r");
    step_require(step, got_header(got, "message").len > 0,
                 "the ERROR has no message");
    step_require(step, got->body.len == 0 || got->counted,
                 "its body has no content-length");
}

static void
v11_021(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, "1.1");
    struct peer *peer = peer_login(step, "1.1");

    peer_say(peer, "DISCONNECT\nreceipt:bye\n\n");
    peer_say(peer, "SEND\ndestination:%s\n\nlate", step->queue);
    (void)peer_expect_receipt(peer, "bye");
    peer_expect_close(peer);
    peer_send(reader, step->queue, "marker");
    (void)peer_expect_body(reader, "marker");
}

static void
v11_022(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = stomp_1_1_three(step, "ack:client\n", got);

    peer_settle(peer, "NACK", got[1], "requeue:false\nreceipt:1\n");
    (void)peer_expect_receipt(peer, "1");
    stomp_1_1_left(peer, "c");
    peer = stomp_1_1_three(step, "ack:client-individual\n", got);
    peer_settle(peer, "ACK", got[0], "");
    peer_settle(peer, "NACK", got[1], "requeue:false\nreceipt:1\n");
    (void)peer_expect_receipt(peer, "1");
    stomp_1_1_left(peer, "c");
}

static const struct conform_statement stomp_1_1_statements[] = {
    { CONFORM_ROW("V11-001", MUST, v11_001,
                  "CR is an ordinary octet of a value"),
      .decision = "D2: CR LF is taken for a line end" },
    { CONFORM_ROW("V11-002", MUST, v11_002,
                  "the escapes are \\n, \\c and \\\\ alone") },
    { CONFORM_ROW("V11-003", MUST, v11_003,
                  "on output LF, colon and backslash are escaped, CR never"),
      .decision = "D4" },
    { CONFORM_ROW("V11-004", SHOULD, v11_004, "STOMP is the same as CONNECT") },
    { CONFORM_ROW("V11-005", DERIVED, v11_005,
                  "a login without host is accepted") },
    { CONFORM_ROW("V11-006", SHOULD, v11_006,
                  "no common version is answered by ERROR") },
    { CONFORM_ROW("V11-007", MUST, v11_007,
                  "ACK needs message-id and the subscription that it belongs "
                  "to") },
    { CONFORM_ROW("V11-008", DERIVED, v11_008,
                  "an ack header on MESSAGE does no harm") },
    { CONFORM_ROW("V11-009", MUST, v11_009, "a beat is a single LF") },
    { CONFORM_ROW("V11-010", MAY, v11_010,
                  "a client that is late by half is kept") },
    { CONFORM_ROW("V11-011", MUST, v11_011,
                  "a SEND or SUBSCRIBE that fails: ERROR, then the end") },
    { CONFORM_ROW("V11-012", MAY, v11_012,
                  "an unknown command is answered by ERROR") },
    { CONFORM_ROW("V11-013", DERIVED, v11_013, "RECEIPT has no body") },
    { CONFORM_ROW("V11-014", MUST, v11_014,
                  "SUBSCRIBE needs an id of its own, UNSUBSCRIBE names it") },
    { CONFORM_ROW("V11-015", MUST, v11_015,
                  "headers are neither trimmed nor padded") },
    { CONFORM_ROW("V11-016", MUST, v11_016,
                  "a body with NUL has content-length") },
    { CONFORM_ROW("V11-017", SHOULD, v11_017,
                  "of repeated headers the first counts") },
    { CONFORM_ROW("V11-018", MUST, v11_018, "rapid connections do no harm") },
    { CONFORM_ROW("V11-019", MUST, v11_019,
                  "ACK and NACK both settle a message") },
    { CONFORM_ROW("V11-020", SHOULD, v11_020,
                  "ERROR has receipt-id and message") },
    { CONFORM_ROW("V11-021", MUST, v11_021,
                  "what follows DISCONNECT is ignored") },
    { CONFORM_ROW("V11-022", MUST, v11_022,
                  "NACK covers one in client-individual, else all before it"),
      .decision = "D17" },
};

const struct conform_chapter conform_stomp_1_1 =
    CONFORM_CHAPTER("STOMP 1.1", stomp_1_1_statements);
