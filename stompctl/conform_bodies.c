/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies, receipts, repeated headers, limits and lingering.  Source: STOMP
 * 1.2, "Body", "Standard Headers", "Size Limits", "Connection Lingering". */
#include "stompctl/conform.h"

#include <poll.h>
#include <stdio.h>

static void
v12_050(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *got;

    peer_say(peer, "SEND\ndestination:%s\nreceipt:r\n\nx", step->queue);
    got = peer_expect_receipt(peer, "r");
    peer_require_body(peer, got, SPAN(""));
    peer_say(peer,
             "SUBSCRIBE\nid:1\ndestination:%s\ncontent-length:4\n"
             "receipt:r\n\nbody",
             step->queue);
    got = peer_next(peer);
    if (span_equal(got->command, SPAN("ERROR"))) {
        peer_expect_close(peer);
    } else {
        peer_require_header(peer, got, "receipt-id", "r");
    }
}

static void
v12_051(struct step *step)
{
    step_accepts(step, "1.2",
                 "SUBSCRIBE\nid:1\ndestination:%s\n"
                 "content-length:0\n\n",
                 step->queue);
    step_accepts(step, "1.2", "BEGIN\ntransaction:1\ncontent-length:0\n\n");
    step_accepts(step, "1.2", "SEND\ndestination:%s\ncontent-length:0\n\n",
                 step->queue);
}

static void
v12_052(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say_part(peer, "SEND\ndestination:%s\ncontent-length:6\n\n",
                  step->queue);
    peer_say_bytes(peer, SPAN("\0a\0\0b\0\0"));
    peer_require_body(peer, peer_expect(peer, "MESSAGE"), SPAN("\0a\0\0b\0"));
}

static void
v12_053(struct step *step)
{
    step_refuses(step, "1.2", "SEND\ndestination:%s\ncontent-length:2\n\nabc",
                 step->queue);
}

static void
v12_054(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say_part(peer, "SEND\ndestination:%s\n\n", step->queue);
    peer_say_bytes(peer, SPAN("ab\0\n"));
    peer_say(peer, "SEND\ndestination:%s\n\ncd", step->queue);
    (void)peer_expect_body(peer, "ab");
    (void)peer_expect_body(peer, "cd");
}

static void
v12_055(struct step *step)
{
    static const char *const bad[] = {
        "-1",
        "+1",
        " 1",
        "1 ",
        "",
        "a",
        "0x1",
        "1.0",
        "1,0",
        "9223372036854775808",
        "99999999999999999999999",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        step_refuses(step, "1.2",
                     "SEND\ndestination:%s\n"
                     "content-length:%s\n\nx",
                     step->queue, bad[i]);
    }
}

static void
v12_056(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;

    peer_say(peer, "SEND\ndestination:%s\n\nabc", step->queue);
    got = peer_expect_body(peer, "abc");
    peer_require_header(peer, got, "content-length", "3");
    peer_say(peer, "SHOUT\n\n");
    got = peer_expect(peer, "ERROR");
    step_require(step, step_is_over(step) || got->body.len == 0 || got->counted,
                 "an ERROR with a body has no content-length");
}

static void
v12_057(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;

    peer_say(peer,
             "SEND\ndestination:%s\ncontent-length:5\n\n"
             "\xE2\x82\xAC\xC3\xBC",
             step->queue);
    got = peer_expect_body(peer, "\xE2\x82\xAC\xC3\xBC");
    peer_require_header(peer, got, "content-length", "5");
}

static void
v12_058(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer,
             "SEND\ndestination:%s\n"
             "content-type:text/html;charset=ISO-8859-15\n\nx",
             step->queue);
    peer_require_header(peer, peer_expect_body(peer, "x"), "content-type",
                        "text/html;charset=ISO-8859-15");
}

static void
v12_059(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\n\nx", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "x"), "content-type",
                        NULL);
}

static void
v12_060(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *got;
    struct span type;

    peer_say(peer, "SHOUT\n\n");
    got = peer_expect(peer, "ERROR");
    type = got_header(got, "content-type");
    step_require(step,
                 step_is_over(step) || got->body.len == 0 ||
                     span_starts_with(type, SPAN("text/plain")),
                 "an ERROR with a body does not say text/plain");
    step_require(step, span_is_utf8(got->body), "its body is not UTF-8");
}

static void
v12_061(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    char octets[1024];

    for (size_t i = 0; i < sizeof(octets); i++) {
        octets[i] = (char)(i < 512 ? i : 1023 - i);
    }
    peer_say_part(peer, "SEND\ndestination:%s\ncontent-length:1024\n\n",
                  step->queue);
    peer_say_bytes(peer, span_of(octets, sizeof(octets)));
    peer_say_bytes(peer, SPAN("\0"));
    peer_require_body(peer, peer_expect(peer, "MESSAGE"),
                      span_of(octets, sizeof(octets)));
    peer_say(peer, "SEND\ndestination:%s\n\n\r\na\r\n\xC3\xA4\n\r",
             step->queue);
    (void)peer_expect_body(peer, "\r\na\r\n\xC3\xA4\n\r");
}

static void
v12_062(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;

    peer_say(peer,
             "SEND\ndestination:%s\nreceipt:\xF0\x9F\x90\x8E\n"
             "\xD0\xB6:\xF0\x9F\x90\x8E\n\n\xF0\x9F\x90\x8E",
             step->queue);
    (void)peer_expect_receipt(peer, "\xF0\x9F\x90\x8E");
    got = peer_expect_body(peer, "\xF0\x9F\x90\x8E");
    peer_require_header(peer, got, "\xD0\xB6", "\xF0\x9F\x90\x8E");
}

static void
v12_070(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *got;

    peer_subscribe(peer, "s", step->queue, "ack:client-individual\n");
    peer_send(peer, step->queue, "a");
    peer_settle(peer, "ACK", peer_expect_body(peer, "a"), "receipt:ack\n");
    (void)peer_expect_receipt(peer, "ack");
    peer_send(peer, step->queue, "b");
    got = peer_expect_body(peer, "b");
    /* Not to come again: it would race with UNSUBSCRIBE. */
    peer_settle(peer, "NACK", got, "requeue:false\nreceipt:nack\n");
    (void)peer_expect_receipt(peer, "nack");
    peer_say(peer, "UNSUBSCRIBE\nid:s\nreceipt:unsubscribe\n\n");
    (void)peer_expect_receipt(peer, "unsubscribe");
    peer_say(peer, "BEGIN\ntransaction:t\nreceipt:begin\n\n");
    (void)peer_expect_receipt(peer, "begin");
    peer_say(peer, "COMMIT\ntransaction:t\nreceipt:commit\n\n");
    (void)peer_expect_receipt(peer, "commit");
    peer_say(peer, "BEGIN\ntransaction:t\n\n");
    peer_say(peer, "ABORT\ntransaction:t\nreceipt:abort\n\n");
    (void)peer_expect_receipt(peer, "abort");
    peer_say(peer, "DISCONNECT\nreceipt:disconnect\n\n");
    (void)peer_expect_receipt(peer, "disconnect");
}

static void
v12_071(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.2", "receipt:r\n");

    peer_expect_none(peer, "RECEIPT");
}

static void
v12_072(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    char value[1025];

    memset(value, 'r', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    peer_say(peer, "BEGIN\ntransaction:1\nreceipt:a\\cb\\nc\\\\\n\n");
    (void)peer_expect_receipt(peer, "a\\cb\\nc\\\\");
    peer_say(peer, "BEGIN\ntransaction:2\nreceipt:%s\n\n", value);
    (void)peer_expect_receipt(peer, value);
    peer_say(peer, "BEGIN\ntransaction:3\nreceipt:twice\n\n");
    peer_say(peer, "BEGIN\ntransaction:4\nreceipt:twice\n\n");
    (void)peer_expect_receipt(peer, "twice");
    (void)peer_expect_receipt(peer, "twice");
    peer_say(peer, "BEGIN\ntransaction:5\nreceipt:\n\n");
    (void)peer_expect_receipt(peer, "");
}

static void
v12_080(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\ndestination:%s.no\nh:1\nh:2\n\nx",
             step->queue, step->queue);
    peer_require_header(peer, peer_expect_body(peer, "x"), "h", "1");
}

static void
v12_081(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;
    unsigned count = 0;

    peer_say(peer, "SEND\ndestination:%s\nh:1\nh:2\nh:3\n\nx", step->queue);
    got = peer_expect_body(peer, "x");
    for (size_t i = 0; got_line(got, i).data != NULL; i++) {
        count += span_starts_with(got_line(got, i), SPAN("h:")) ? 1 : 0;
    }
    step_require(step, step_is_over(step) || count == 1,
                 "later ones of a repeated header reached the receiver");
}

static void
v12_082(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;

    peer_say(peer,
             "SEND\ndestination:%s\nmessage-id:forged\n"
             "subscription:forged\nack:forged\n\nx",
             step->queue);
    got = peer_expect_body(peer, "x");
    peer_require_header(peer, got, "subscription", "s");
    peer_require_header(peer, got, "destination", step->queue);
    step_require(step,
                 !span_equal(got_header(got, "message-id"), SPAN("forged")),
                 "the sender's message-id reached the receiver");
    step_require(step, !span_equal(got_header(got, "ack"), SPAN("forged")),
                 "the sender's ack header reached the receiver");
}

static void
v12_083(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say_part(peer, "SEND\ndestination:%s\n", step->queue);
    for (unsigned i = 0; i < 20000; i++) {
        peer_say_part(peer, "h%u:v\n", i);
    }
    peer_say(peer, "\nx");
    (void)peer_expect_error(peer);
}

/* Says so many octets, all the same. */
static void
bodies_say_many(struct peer *peer, char octet, size_t count)
{
    char many[4096];

    memset(many, octet, sizeof(many));
    for (size_t said = 0; said < count; said += sizeof(many)) {
        peer_say_bytes(peer, span_of(many, sizeof(many)));
    }
}

static void
v12_084(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say_part(peer, "SEND\ndestination:%s\nh:", step->queue);
    bodies_say_many(peer, 'v', 4U << 20); /* and no end of the line */
    (void)peer_expect_error(peer);
}

static void
v12_085(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say_part(peer,
                  "SEND\ndestination:%s\n"
                  "content-length:8000000000\n\nx",
                  step->queue);
    (void)peer_expect_error(peer);
}

static void
v12_086(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    bodies_say_many(peer, 'S', 8192);
    (void)peer_expect_error(peer);
}

static void
v12_090(struct step *step)
{
    for (unsigned i = 0; i < 200 && !step_is_over(step); i++) {
        struct peer *peer = peer_login(step, "1.2");

        if (i % 2 == 0) {
            peer_say(peer, "DISCONNECT\n\n");
        }
        peer_hang_up(peer);
        step_drop_peers(step);
    }
    peer_fence(peer_login(step, "1.2"));
}

static void
v12_091(struct step *step)
{
    struct peer *late = peer_login(step, "1.2");
    struct peer *bad = peer_login(step, "1.2");

    peer_say(late, "DISCONNECT\nreceipt:bye\n\n");
    peer_flush(late);
    peer_say(bad, "SHOUT\n\n");
    peer_say_part(bad, "this is never read");
    peer_flush(bad);
    (void)poll(NULL, 0, 500); /* the statement: a client that reads late */
    (void)peer_expect_receipt(late, "bye");
    (void)peer_expect_error(bad);
}

static void
v12_092(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say(peer, "SHOUT\n\n");
    (void)peer_expect_error(peer);
    peer_expect_gone(peer);
}

static const struct conform_statement bodies_statements[] = {
    { CONFORM_ROW("V12-050", MUST, v12_050,
                  "only SEND has a body; RECEIPT has none, and a body on "
                  "SUBSCRIBE is refused or ignored"),
      .decision = "D5" },
    { CONFORM_ROW("V12-051", MAY, v12_051,
                  "any frame may have content-length:0") },
    { CONFORM_ROW("V12-052", MUST, v12_052,
                  "content-length octets are the body, NULs among them") },
    { CONFORM_ROW("V12-053", MUST, v12_053,
                  "a body that no NUL follows where content-length says is "
                  "an error") },
    { CONFORM_ROW("V12-054", MUST, v12_054,
                  "without content-length the body ends at the first NUL") },
    { CONFORM_ROW("V12-055", DERIVED, v12_055,
                  "a content-length that is no plain number is an error") },
    { CONFORM_ROW("V12-056", SHOULD, v12_056,
                  "MESSAGE and ERROR with a body have content-length") },
    { CONFORM_ROW("V12-057", DERIVED, v12_057,
                  "content-length counts octets, not characters") },
    { CONFORM_ROW("V12-058", SHOULD, v12_058,
                  "content-type reaches the receiver unchanged") },
    { CONFORM_ROW("V12-059", SHOULD, v12_059, "no content-type is made up") },
    { CONFORM_ROW("V12-060", MUST, v12_060,
                  "the body of an ERROR is text/plain in UTF-8, and says so") },
    { CONFORM_ROW("V12-061", MUST, v12_061,
                  "bodies are carried untouched, every octet") },
    { CONFORM_ROW("V12-062", MUST, v12_062, "UTF-8 works throughout") },
    { CONFORM_ROW("V12-070", MUST, v12_070,
                  "receipt on any frame but CONNECT is answered by RECEIPT") },
    { CONFORM_ROW("V12-071", DERIVED, v12_071,
                  "receipt on CONNECT brings no RECEIPT") },
    { CONFORM_ROW("V12-072", DERIVED, v12_072,
                  "a receipt may be any text, also empty, long, or used "
                  "twice") },
    { CONFORM_ROW("V12-080", SHOULD, v12_080,
                  "of repeated headers the first counts") },
    { CONFORM_ROW("V12-081", MAY, v12_081,
                  "later ones of a repeated header are dropped") },
    { CONFORM_ROW("V12-082", MAY, v12_082,
                  "message-id, subscription and ack are the broker's own") },
    { CONFORM_ROW("V12-083", SHOULD, v12_083,
                  "too many headers are answered by ERROR") },
    { CONFORM_ROW("V12-084", SHOULD, v12_084,
                  "a header without end is answered by ERROR") },
    { CONFORM_ROW("V12-085", SHOULD, v12_085,
                  "a content-length above the limit is answered by ERROR at "
                  "once") },
    { CONFORM_ROW("V12-086", DERIVED, v12_086,
                  "a command line without end is answered by ERROR") },
    { CONFORM_ROW("V12-090", MUST, v12_090,
                  "200 rapid connections do no harm") },
    { CONFORM_ROW("V12-091", DERIVED, v12_091,
                  "the last ERROR or RECEIPT reaches a client that reads 500 "
                  "ms late") },
    { CONFORM_ROW("V12-092", DERIVED, v12_092,
                  "after ERROR the socket is gone within a few seconds") },
};

const struct conform_chapter conform_bodies =
    CONFORM_CHAPTER("Bodies, receipts, limits", bodies_statements);
