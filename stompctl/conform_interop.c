/* SPDX-License-Identifier: Apache-2.0 */
/* What real clients need beyond the specification, in their own bytes.  Each
 * rule names the clients in the comment above it. */
#include "stompctl/conform.h"

#include <poll.h>
#include <stdio.h>

/* A session with every kind of frame in its input. */
static struct peer *
interop_session(struct step *step, const char *version)
{
    struct peer *peer = peer_login_subscribed(step, version);

    peer_say(peer, "SEND\ndestination:%s\nreceipt:1\n\nbody", step->queue);
    peer_say(peer,
             "SEND\ndestination:%s\nreceipt:2\ncontent-length:3\n\n"
             "abc",
             step->queue);
    peer_say(peer, "SEND\ndestination:%s\nreceipt:3\n\n", step->queue);
    (void)peer_expect_receipt(peer, "1");
    (void)peer_expect_receipt(peer, "2");
    (void)peer_expect_receipt(peer, "3");
    (void)peer_expect_body(peer, "body");
    (void)peer_expect_body(peer, "abc");
    (void)peer_expect_body(peer, "");
    return peer;
}

/* stomp-websocket: CR breaks its header split. */
static void
i_01(struct step *step)
{
    struct peer *peer = interop_session(step, "1.2");

    peer_say(peer, "SHOUT\r\n\r\n");
    (void)peer_expect_error(peer);
    step_require(step, !got_contains(peer_input(peer), "\r"), "a CR was sent");
}

/* pecl stomp eats exactly one octet after NUL. */
static void
i_02(struct step *step)
{
    struct peer *peer = interop_session(step, "1.2");
    size_t eols = step->target->transport == STEP_TCP ? 1 : 0;
    const struct got *got;

    peer_say(peer, "BEGIN\ntransaction:t\nreceipt:4\n\n");
    got = peer_expect_receipt(peer, "4");
    step_require(step, got->gap == eols,
                 eols == 1 ? "not exactly one LF stands between two frames"
                           : "there are octets between two frames");
}

/* go-stomp, pecl stomp: an LF before CONNECTED is an "empty frame". */
static void
i_03(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_say_part(peer, "\n\n");
    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\nheart-beat:10,10\n\n");
    (void)peer_expect(peer, "CONNECTED");
    step_require(step,
                 peer_input(peer).len > 0 && peer_input(peer).data[0] == 'C',
                 "something came before CONNECTED");
}

/* pecl stomp, stomp-php: an LF on its own is a read error. */
static void
i_04(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.2", "heart-beat:1000,0\n");
    struct peer *old = peer_login_with(step, NULL, "heart-beat:1000,100\n");

    peer_expect_silence(peer, 400);
    peer_expect_silence(old, 400);
}

/* stomp-websocket crashes without it. */
static void
i_05(struct step *step)
{
    static const char *const versions[] = { "1.1", "1.2" };

    for (size_t i = 0; i < 2; i++) {
        struct peer *peer = peer_open(step);

        peer_say_connect(peer);
        peer_say(peer, "accept-version:%s\n\n", versions[i]);
        step_require(
            step,
            got_header(peer_expect(peer, "CONNECTED"), "heart-beat").len > 0,
            "CONNECTED has no heart-beat");
    }
}

/* stompgem finds content-length by a regular expression. */
static void
i_06(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;
    struct span length;

    peer_say(peer, "SEND\nmy-content-length:7\ndestination:%s\n\nabc",
             step->queue);
    got = peer_expect_body(peer, "abc");
    step_require(step,
                 step_is_over(step) ||
                     span_equal(got_line(got, 0), SPAN("content-length:3")),
                 "content-length is not the first header of MESSAGE");
    peer_say(peer, "SEND\ndestination:%s\nreceipt:r\n\n", step->queue);
    length = got_header(peer_expect_receipt(peer, "r"), "content-length");
    step_require(step, length.data == NULL, "RECEIPT has content-length");
    length = got_header(peer_expect_body(peer, ""), "content-length");
    step_require(step, length.data == NULL || span_equal(length, SPAN("0")),
                 "an empty body has another content-length than 0");
}

/* stomp-php sends message-id as id; stompjs trims and does not unescape. */
static void
i_07(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *got;
    struct span ack;

    peer_subscribe(peer, "s", step->queue, "ack:client-individual\n");
    peer_send(peer, step->queue, "x");
    got = peer_expect_body(peer, "x");
    ack = got_header(got, "ack");
    step_require(step, span_equal(ack, got_header(got, "message-id")),
                 "ack differs from message-id");
    for (size_t i = 0; i < ack.len; i++) {
        char c = ack.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                     (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.';

        step_require(step, plain,
                     "ack holds more than letters, digits and "
                     "_ - .");
    }
}

static void
interop_plain(struct step *step, const struct got *got, const char *name)
{
    struct span value = got_header(got, name);

    for (size_t i = 0; i < value.len && !step_is_over(step); i++) {
        unsigned char c = (unsigned char)value.data[i];
        bool end = i == 0 || i + 1 == value.len;

        if (c < 0x20 || c > 0x7E || c == ':' || c == '\\' ||
            (end && c == ' ')) {
            step_fail(step, "%s of CONNECTED is \"%.*s\"", name, (int)value.len,
                      value.data);
        }
    }
}

/* Clients that do not agree on what is unescaped in CONNECTED. */
static void
i_08(struct step *step)
{
    struct peer *peer = peer_open(step);
    const struct got *got;

    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\n\n");
    got = peer_expect(peer, "CONNECTED");
    interop_plain(step, got, "session");
    interop_plain(step, got, "server");
    interop_plain(step, got, "version");
}

static void
interop_offers(struct step *step, const char *offer, const char *echo)
{
    char lines[128];
    struct peer *peer;
    struct span answer;

    (void)snprintf(lines, sizeof(lines), "Sec-WebSocket-Protocol: %s\r\n",
                   offer);
    peer = peer_open_ws(step, lines);
    answer = peer_handshake(peer);
    step_require(step, echo == NULL || got_contains(answer, echo),
                 "the highest version is not echoed");
    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\n\n");
    (void)peer_expect(peer, "CONNECTED");
}

/* webstomp-client offers ascending; old clients of ActiveMQ say "stomp". */
static void
i_09(struct step *step)
{
    interop_offers(step, "v10.stomp, v11.stomp, v12.stomp", "v12.stomp");
    interop_offers(step, "stomp", NULL);
}

/* Browsers: the type of an answer is the type of what was said. */
static void
i_10(struct step *step)
{
    struct peer *peer = interop_session(step, "1.2");
    enum ws_opcode mine =
        step->target->transport == STEP_WS_TEXT ? WS_TEXT : WS_BINARY;
    enum ws_opcode opcode = mine;
    struct span payload;
    size_t n = 0;

    while (peer_ws_message(peer, n, &opcode, &payload)) {
        step_require(step, opcode == mine,
                     "an answer has another type than the client's messages");
        n++;
    }
    peer_say(peer, "SEND\ndestination:%s\ncontent-length:1\n\n\xFF",
             step->queue);
    peer_flush_ws(peer, WS_BINARY, SIZE_MAX);
    peer_require_body(peer, peer_expect(peer, "MESSAGE"), SPAN("\xFF"));
    while (peer_ws_message(peer, n, &opcode, &payload)) {
        n++;
    }
    step_require(step, step_is_over(step) || opcode == WS_BINARY,
                 "octets that are no UTF-8 came as text");
}

/* Spring sends its relay's host, go-stomp an IP address. */
static void
i_11(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_say(peer,
             "CONNECT\naccept-version:1.2\nhost:stomp.example.org\n"
             "%s\n",
             step->target->login);
    (void)peer_expect(peer, "CONNECTED");
}

/* stompgem puts both on every frame. */
static void
i_12(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\n"
                   "content-type:text/plain; charset=UTF-8\n"
                   "content-length:0\n\n");
    (void)peer_expect(peer, "CONNECTED");
    peer_say(peer,
             "SUBSCRIBE\nid:1\ndestination:%s\n"
             "content-type:text/plain; charset=UTF-8\n"
             "content-length:0\nreceipt:r\n\n",
             step->queue);
    (void)peer_expect_receipt(peer, "r");
    peer_say(peer, "UNSUBSCRIBE\nid:1\ncontent-length:0\nreceipt:u\n\n");
    (void)peer_expect_receipt(peer, "u");
}

/* Sends one message, gets it, and acknowledges it in these words; %.*s is
 * its ack header.  It must then be gone. */
static void
interop_ack(struct step *step, const char *before, const char *after)
{
    struct peer *peer = peer_login(step, "1.2");
    struct span ack;

    peer_subscribe(peer, "s", step->queue, "ack:client-individual\n");
    peer_send(peer, step->queue, "x");
    ack = got_header(peer_expect_body(peer, "x"), "ack");
    peer_say(peer, "ACK\n%s%.*s\n%sreceipt:acked\n\n", before, (int)ack.len,
             ack.data, after);
    (void)peer_expect_receipt(peer, "acked");
    peer_say(peer, "DISCONNECT\nreceipt:bye\n\n");
    (void)peer_expect_receipt(peer, "bye");
    peer_expect_close(peer);
    peer = peer_login_subscribed(step, "1.2");
    peer_send(peer, step->queue, "end");
    (void)peer_expect_body(peer, "end");
    peer_hang_up(peer);
}

/* stompjs sends subscription too; a go-stomp server wants ack. */
static void
i_13(struct step *step)
{
    interop_ack(step, "subscription:s\nmessage-id:x\nid:", "");
    interop_ack(step, "subscription:s\nack:", "");
}

/* stompjs writes blanks; some offer what nobody knows. */
static void
i_14(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.0, 2.7 , 1.2,,x,1.1\n\n");
    peer_require_header(peer, peer_expect(peer, "CONNECTED"), "version", "1.2");
}

/* syslog-ng's receipts are all 0; NMS sends "ignore:1" unescaped. */
static void
i_15(struct step *step)
{
    struct peer *peer = peer_login(step, "1.1");

    for (unsigned i = 0; i < 3; i++) {
        peer_say(peer, "SEND\ndestination:%s\nreceipt:0\n\nx", step->queue);
    }
    for (unsigned i = 0; i < 3; i++) {
        (void)peer_expect_receipt(peer, "0");
    }
    peer_say(peer, "SEND\ndestination:%s\nreceipt:ignore:1\n\nx", step->queue);
    (void)peer_expect_receipt(peer, "ignore\\c1");
}

/* syslog-ng reads one frame per read; Spring refuses bodies. */
static void
i_16(struct step *step)
{
    struct peer *peer = peer_open(step);
    const struct got *got;

    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\n\n");
    got = peer_expect(peer, "CONNECTED");
    peer_require_body(peer, got, SPAN(""));
    peer_say(peer, "SEND\ndestination:%s\nreceipt:r\n\nx", step->queue);
    got = peer_expect_receipt(peer, "r");
    peer_require_body(peer, got, SPAN(""));
    step_require(step, step_is_over(step) || got->raw.len < 512,
                 "a RECEIPT is longer than a small read");
}

/* stomp.py and stompit read late. */
static void
i_17(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\nno colon\n\nx", step->queue);
    for (unsigned i = 0; i < 50; i++) {
        peer_say(peer, "SEND\ndestination:%s\n\nnever read", step->queue);
    }
    peer_flush(peer);
    (void)poll(NULL, 0, 500); /* the rule: it reads late */
    (void)peer_expect_error(peer);
}

/* NMS capitalises. */
static void
i_18(struct step *step)
{
    static const char *const yes[] = { "true", "True", "TRUE", "1" };

    for (size_t i = 0; i < 4; i++) {
        step_accepts(step, "1.1", "SEND\ndestination:%s\npersistent:%s\n\nx",
                     step->queue, yes[i]);
    }
}

/* syslog-ng: every log field is a header. */
static void
i_19(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;

    peer_say_part(peer, "SEND\ndestination:%s\n", step->queue);
    for (unsigned i = 0; i < 199; i++) {
        peer_say_part(peer, ".SDATA.a@%u.b:%u\n", i, i);
    }
    peer_say(peer, "\nx");
    got = peer_expect_body(peer, "x");
    peer_require_header(peer, got, ".SDATA.a@0.b", "0");
    peer_require_header(peer, got, ".SDATA.a@198.b", "198");
}

/* Net::Stomp of old writes "key: value". */
static void
i_20(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, NULL);

    peer_say(peer, "SEND\ndestination: %s\nreceipt: r\n\nx", step->queue);
    (void)peer_expect_receipt(peer, "r");
    (void)peer_expect_body(peer, "x");
}

/* syslog-ng sends no content-length. */
static void
i_21(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, NULL);

    peer_say(peer, "SEND\ndestination:%s\nreceipt:0\n\nline one\nline two\n",
             step->queue);
    (void)peer_expect_receipt(peer, "0");
    (void)peer_expect_body(peer, "line one\nline two\n");
}

/* stomp-websocket and webstomp-client close at once. */
static void
i_22(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, "1.1");
    struct peer *peer = peer_login(step, "1.1");

    peer_say(peer, "SEND\ndestination:%s\n\na", step->queue);
    peer_say(peer, "SEND\ndestination:%s\n\nb", step->queue);
    peer_say(peer, "DISCONNECT\n\n");
    peer_hang_up(peer);
    (void)peer_expect_body(reader, "a");
    (void)peer_expect_body(reader, "b");
}

/* Clients that never escape. */
static void
i_23(struct step *step)
{
    static const char *const versions[] = { "1.0", "1.1", "1.2" };

    for (size_t i = 0; i < 3; i++) {
        step_accepts(step, versions[i],
                     "SEND\ndestination:%s\nurl:http://a:80/b\n\nx",
                     step->queue);
    }
}

/* stompgem refuses them. */
static void
i_24(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, "1.0");
    struct peer *sender = peer_login(step, "1.1");

    peer_say(sender, "SEND\ndestination:%s\nempty:\n\nx", step->queue);
    peer_flush(sender);
    peer_require_header(reader, peer_expect_body(reader, "x"), "empty", NULL);
}

/* Users of ActiveMQ expect both. */
static void
interop_connected_has(struct step *step, const char *asked, const char *name)
{
    struct peer *peer = peer_open(step);
    struct span value;

    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\n%s:77\n\n", asked);
    value = got_header(peer_expect(peer, "CONNECTED"), name);
    if (value.data == NULL) {
        step_not_applicable(step, "optional, and not offered");
        return;
    }
    step_require(step, span_equal(value, SPAN("77")),
                 "CONNECTED has another value");
}

static void
i_25(struct step *step)
{
    interop_connected_has(step, "receipt", "receipt-id");
}

static void
i_26(struct step *step)
{
    interop_connected_has(step, "request-id", "response-id");
}

/* stomp-client (Node) refuses otherwise. */
static void
i_27(struct step *step)
{
    static const char *const versions[] = { "1.0", "1.1", "1.2" };

    for (size_t i = 0; i < 3; i++) {
        struct peer *peer = peer_open(step);
        struct span session;

        peer_say_connect(peer);
        peer_say(peer, "accept-version:%s\n\n", versions[i]);
        session = got_header(peer_expect(peer, "CONNECTED"), "session");
        step_require(step, session.len > 0, "CONNECTED has no session");
        step_require(step, session.len == 0 || !got_contains(session, ":"),
                     "session has a colon");
    }
}

/* stompjs 2 keeps nothing of a message for the next one. */
static void
i_28(struct step *step)
{
    struct peer *peer = interop_session(step, "1.2");
    enum ws_opcode opcode;
    struct span payload;

    for (size_t n = 0; peer_ws_message(peer, n, &opcode, &payload); n++) {
        bool beat = span_equal(payload, SPAN("\n"));
        bool whole = payload.len > 0 && payload.data[0] >= 'A' &&
                     payload.data[0] <= 'Z' &&
                     payload.data[payload.len - 1] == '\0';

        step_require(step, beat || whole,
                     "a WebSocket message holds part of a frame");
    }
}

/* webstomp-client cuts at 16 KiB, stompjs at 8 KiB. */
static void
i_29(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    char part[8192];

    memset(part, 'p', sizeof(part));
    peer_say_part(peer, "SEND\ndestination:%s\n\n", step->queue);
    for (unsigned i = 0; i < 5; i++) {
        peer_say_bytes(peer, span_of(part, sizeof(part)));
        peer_flush(peer);
    }
    peer_say(peer, "%s", "");
    step_require(step,
                 peer_expect(peer, "MESSAGE")->body.len == 5 * sizeof(part),
                 "the body came with another length");
}

/* Net::Stomp waits for it before it sends COMMIT. */
static void
i_30(struct step *step)
{
    struct peer *peer = peer_login(step, NULL);

    peer_say(peer, "BEGIN\ntransaction:t\n\n");
    peer_say(peer, "SEND\ndestination:%s\ntransaction:t\nreceipt:s\n\nx",
             step->queue);
    (void)peer_expect_receipt(peer, "s");
}

/* stompit sends all three, php-stomp every header of the message. */
static void
i_31(struct step *step)
{
    interop_ack(step, "id:undefined\nsubscription:s\nmessage-id:", "");
    interop_ack(step, "id:",
                "content-length:0\nredelivered:false\n"
                "destination:/queue/other\nfoo:bar\n");
}

/* Most clients send what they connected to. */
static void
i_32(struct step *step)
{
    static const char *const hosts[] = { "127.0.0.1", "[::1]:61613", "/", "a b",
                                         "" };

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct peer *peer = peer_open(step);

        peer_say(peer, "CONNECT\naccept-version:1.1\nhost:%s\n%s\n", hosts[i],
                 step->target->login);
        (void)peer_expect(peer, "CONNECTED");
        peer_hang_up(peer);
    }
}

/* php-stomp rejects the next frame otherwise. */
static void
i_33(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;

    for (unsigned i = 0; i < 2; i++) {
        peer_say(peer, "SEND\ndestination:%s\ncontent-length:3\n\nabc",
                 step->queue);
    }
    (void)peer_expect_body(peer, "abc");
    got = peer_expect_body(peer, "abc");
    step_require(step, got->gap == 1 && got->counted,
                 "not exactly one LF stands behind a counted body");
}

/* Clients hang when only the Close comes. */
static void
i_34(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say(peer, "DISCONNECT\nreceipt:bye\n\n");
    (void)peer_expect_receipt(peer, "bye");
    peer_expect_close(peer);
    step_require(step, peer_ws(peer)->close_code == 1000,
                 "the connection did not end with Close 1000");
}

static const struct conform_statement interop_statements[] = {
    { CONFORM_ROW("I1", DERIVED, i_01, "only LF is sent as line end") },
    { CONFORM_ROW("I2", DERIVED, i_02,
                  "one LF follows the NUL on TCP, none on WebSocket") },
    { CONFORM_ROW("I3", DERIVED, i_03, "nothing comes before CONNECTED") },
    { CONFORM_ROW("I4", DERIVED, i_04,
                  "no beats for who did not ask, none for 1.0") },
    { CONFORM_ROW("I5", DERIVED, i_05,
                  "CONNECTED has heart-beat from 1.1 on") },
    { CONFORM_ROW("I6", DERIVED, i_06,
                  "content-length comes first, and only with a body") },
    { CONFORM_ROW("I7", DERIVED, i_07,
                  "ack is message-id, in plain characters") },
    { CONFORM_ROW("I8", DERIVED, i_08,
                  "session, server and version are plain ASCII") },
    { CONFORM_ROW("I9", DERIVED, i_09,
                  "the highest subprotocol is echoed, \"stomp\" accepted"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("I10", DERIVED, i_10,
                  "WebSocket messages are text or binary as the client's are"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("I11", DERIVED, i_11, "an unknown host is accepted") },
    { CONFORM_ROW(
        "I12", DERIVED, i_12,
        "content-length and content-type are accepted on any frame") },
    { CONFORM_ROW("I13", DERIVED, i_13,
                  "ACK of 1.2 may have subscription and message-id, or ack "
                  "for id") },
    { CONFORM_ROW("I14", DERIVED, i_14,
                  "accept-version may have blanks and unknown versions") },
    { CONFORM_ROW("I15", DERIVED, i_15,
                  "receipts are echoed exactly, also repeated") },
    { CONFORM_ROW("I16", DERIVED, i_16,
                  "CONNECTED and RECEIPT are small, without body") },
    { CONFORM_ROW("I17", DERIVED, i_17,
                  "ERROR reaches a late reader, with unread input pending") },
    { CONFORM_ROW("I18", DERIVED, i_18, "booleans are true, True, TRUE or 1") },
    { CONFORM_ROW("I19", DERIVED, i_19,
                  "200 headers of any name are accepted") },
    { CONFORM_ROW("I20", DERIVED, i_20,
                  "a blank after the colon is no value in 1.0") },
    { CONFORM_ROW("I21", DERIVED, i_21,
                  "a body without content-length ends at NUL") },
    { CONFORM_ROW("I22", DERIVED, i_22,
                  "frames before an instant close are processed") },
    { CONFORM_ROW("I23", DERIVED, i_23,
                  "an unescaped colon in a value is accepted"),
      .decision = "D19" },
    { CONFORM_ROW("I24", DERIVED, i_24, "1.0 receivers get no empty values") },
    { CONFORM_ROW("I25", MAY, i_25,
                  "receipt of CONNECT is echoed in CONNECTED") },
    { CONFORM_ROW("I26", MAY, i_26,
                  "request-id of CONNECT is echoed as response-id") },
    { CONFORM_ROW("I27", DERIVED, i_27,
                  "CONNECTED has a session without colon") },
    { CONFORM_ROW("I28", DERIVED, i_28,
                  "a WebSocket message holds whole frames"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("I29", DERIVED, i_29,
                  "a client's WebSocket message may hold part of a frame"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("I30", DERIVED, i_30,
                  "RECEIPT of a SEND in a transaction comes at once"),
      .decision = "D13" },
    { CONFORM_ROW("I31", DERIVED, i_31,
                  "superfluous headers on ACK do no harm") },
    { CONFORM_ROW("I32", DERIVED, i_32, "host may be anything") },
    { CONFORM_ROW("I33", DERIVED, i_33,
                  "one LF follows the NUL of a counted body"),
      .where = CONFORM_TCP },
    { CONFORM_ROW("I34", DERIVED, i_34,
                  "over WebSocket the RECEIPT of DISCONNECT comes before the "
                  "Close"),
      .where = CONFORM_WEBSOCKET },
};

const struct conform_chapter conform_interop =
    CONFORM_CHAPTER("Interoperation", interop_statements);
