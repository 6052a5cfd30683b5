/* SPDX-License-Identifier: Apache-2.0 */
/* STOMP over WebSocket.  Source: RFC 6455, and what browsers need. */
#include "stompctl/conform.h"

#include <stdio.h>

/* The value of a header of the answer to the handshake, in which a
 * subprotocol was offered; empty when it has none. */
static struct span
websocket_echo(struct peer *peer)
{
    struct span rest = peer_handshake(peer);

    while (rest.len > 0) {
        struct span value = span_split(&rest, '\n');
        struct span name = span_split(&value, ':');

        if (span_equal_nocase(name, SPAN("Sec-WebSocket-Protocol"))) {
            if (value.len > 0 && value.data[value.len - 1] == '\r') {
                value.len--;
            }
            return span_trim(value);
        }
    }
    return SPAN("");
}

/* The handshake with these lines is answered by that echo, and a login works
 * after it. */
static void
websocket_offers(struct step *step, const char *lines, const char *echo)
{
    struct peer *peer = peer_open_ws(step, lines);
    struct span found = websocket_echo(peer);

    if (!step_is_over(step) && !span_equal(found, span_of_text(echo))) {
        step_fail(step, "\"%.*s\" was echoed, expected \"%s\"", (int)found.len,
                  found.data, echo);
    }
    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.1,1.2\n\n");
    (void)peer_expect(peer, "CONNECTED");
    peer_hang_up(peer);
}

static void
w_01(struct step *step)
{
    websocket_offers(step,
                     "Sec-WebSocket-Protocol: v10.stomp, v11.stomp, "
                     "v12.stomp\r\n",
                     "v12.stomp");
    websocket_offers(step,
                     "Sec-WebSocket-Protocol: v11.stomp,v12.stomp,"
                     "v10.stomp\r\n",
                     "v12.stomp");
    websocket_offers(step, "Sec-WebSocket-Protocol: v10.stomp, v11.stomp\r\n",
                     "v11.stomp");
    websocket_offers(step,
                     "Sec-WebSocket-Protocol: v10.stomp\r\n"
                     "Sec-WebSocket-Protocol: v12.stomp\r\n",
                     "v12.stomp");
}

static void
w_02(struct step *step)
{
    websocket_offers(step, "", "");
    websocket_offers(step, "Sec-WebSocket-Protocol: chat\r\n", "");
}

static void
w_03(struct step *step)
{
    struct peer *peer =
        peer_open_ws(step, "Sec-WebSocket-Protocol: v11.stomp\r\n");

    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\n\n");
    peer_require_header(peer, peer_expect(peer, "CONNECTED"), "version", "1.2");
}

static void
w_04(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    enum ws_opcode opcode =
        step->target->transport == STEP_WS_TEXT ? WS_TEXT : WS_BINARY;

    peer_say_part(peer, "SEND\ndestination:%s\n\n", step->queue);
    for (unsigned i = 0; i < 1000; i++) {
        peer_say_part(peer, "%c", (int)('a' + i % 26));
        peer_flush(peer); /* a message of its own */
    }
    peer_say(peer, "%s", "");
    step_require(step, peer_expect(peer, "MESSAGE")->body.len == 1000,
                 "a frame in a thousand messages came with another body");
    peer_say(peer, "SEND\ndestination:%s\n\nfragments", step->queue);
    peer_flush_ws(peer, opcode, 7);
    (void)peer_expect_body(peer, "fragments");
    peer_say(peer, "SEND\ndestination:%s\n\n1", step->queue);
    peer_say(peer, "SEND\ndestination:%s\n\n2", step->queue);
    peer_say(peer, "SEND\ndestination:%s\n\n3", step->queue);
    peer_say_part(peer, "SEND\ndestin");
    peer_flush(peer);
    (void)peer_expect_body(peer, "1");
    (void)peer_expect_body(peer, "2");
    (void)peer_expect_body(peer, "3");
    peer_say(peer, "ation:%s\n\n4", step->queue);
    (void)peer_expect_body(peer, "4");
}

static void
w_05(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\ncontent-length:2\n\n\xFF\xFE",
             step->queue);
    peer_flush_ws(peer, WS_TEXT, SIZE_MAX);
    peer_expect_close(peer);
    step_require(step, peer_ws(peer)->close_code == 1007,
                 "text that is no UTF-8 was not closed with 1007");
    peer = peer_login(step, "1.2");
    peer_say(peer,
             "SEND\ndestination:%s\ncontent-length:2\nreceipt:r\n\n"
             "\xFF\xFE",
             step->queue);
    peer_flush_ws(peer, WS_BINARY, SIZE_MAX);
    (void)peer_expect_receipt(peer, "r");
}

static void
w_06(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say_part(peer, "payload");
    peer_flush_ws(peer, WS_PING, SIZE_MAX);
    peer_expect_pong(peer, SPAN("payload"));
    peer_fence(peer);
}

static void
w_07(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say(peer, "SHOUT\n\n");
    (void)peer_expect_error(peer);
    step_require(step, peer_ws(peer)->close_code == 1002,
                 "a protocol error was not closed with 1002");
    peer = peer_login(step, "1.2");
    peer_say(peer, "SEND\ndestination:%s\ncontent-length:8000000000\n\nx",
             step->queue);
    (void)peer_expect_error(peer);
    step_require(step, peer_ws(peer)->close_code == 1009,
                 "a frame that is too big was not closed with 1009");
    peer = peer_login(step, "1.2");
    peer_say(peer, "DISCONNECT\nreceipt:r\n\n");
    (void)peer_expect_receipt(peer, "r");
    peer_expect_close(peer);
    step_require(step, peer_ws(peer)->close_code == 1000,
                 "DISCONNECT was not closed with 1000");
}

/* The first line of the answer to an HTTP request, said on a connection of
 * its own. */
static void
websocket_http(struct step *step, const char *headers,
               const char *const *expected)
{
    struct peer *peer = peer_open_raw(step);
    struct span line;

    peer_say_part(peer, "GET %s HTTP/1.1\r\nHost: %s:%s\r\n%s\r\n",
                  step->target->uri->path, step->target->uri->host,
                  step->target->uri->port, headers);
    while (!got_contains(peer_input(peer), "\n") &&
           peer_read(peer, (int)(step->target->timeout_us / 1000))) {
    }
    line = peer_input(peer);
    line = span_split(&line, '\n');
    for (; *expected != NULL; expected++) {
        if (got_contains(line, *expected)) {
            return;
        }
    }
    step_fail(step, "the answer was \"%.*s\"",
              (int)(line.len > 0 ? line.len - 1 : 0), line.data);
}

static void
w_08(struct step *step)
{
    static const char *const expected[] = { " 403", NULL };

    websocket_http(step,
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Origin: http://foreign.example\r\n",
                   expected);
}

static void
w_09(struct step *step)
{
    struct peer *peer =
        peer_open_ws(step, "Sec-WebSocket-Protocol: v12.stomp\r\n"
                           "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    struct span answer = peer_handshake(peer);

    if (got_contains(answer, "permessage-deflate")) {
        step_not_applicable(step, "the broker compresses, which this client "
                                  "cannot read");
    }
    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\n\n");
    (void)peer_expect(peer, "CONNECTED");
}

static void
w_10(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    struct peer *other = peer_login(step, "1.2");

    peer_subscribe(peer, "s", step->queue, "ack:client-individual\n");
    for (unsigned i = 0; i < 50; i++) {
        peer_send(other, step->queue, "x");
    }
    (void)peer_expect_body(peer, "x");
    peer_say_bytes(peer, SPAN("\x03\xE8"));
    peer_flush_ws(peer, WS_CLOSE, SIZE_MAX);
    peer_expect_close(peer);
    peer_hang_up(peer);
    peer_subscribe(other, "o", step->queue, "");
    for (unsigned i = 0; i < 50; i++) {
        (void)peer_expect_body(other, "x");
    }
}

static void
w_12(struct step *step)
{
    static const char *const expected[] = { " 200", " 400", " 426", NULL };

    websocket_http(step, "", expected);
}

static const struct conform_statement websocket_statements[] = {
    { CONFORM_ROW("W-01", DERIVED, w_01,
                  "the highest subprotocol offered is echoed"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-02", DERIVED, w_02,
                  "no subprotocol, or an unknown one, is accepted without "
                  "echo"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-03", DERIVED, w_03,
                  "accept-version wins over the subprotocol"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-04", DERIVED, w_04,
                  "a frame in many messages or fragments, many frames in a "
                  "message"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-05", DERIVED, w_05,
                  "a text message that is no UTF-8 is closed with 1007"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-06", DERIVED, w_06, "Ping is answered by Pong"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-07", DERIVED, w_07,
                  "the close code is 1002 after an error, 1009 when too big, "
                  "1000 after DISCONNECT"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-08", DERIVED, w_08,
                  "a foreign web page is refused with 403"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-09", DERIVED, w_09,
                  "an offer of permessage-deflate does no harm"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-10", DERIVED, w_10,
                  "after the client's Close, what was not acknowledged "
                  "returns"),
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-11", DERIVED, NULL, "a slow reader is cut at a limit"),
      .elsewhere =
          "test_conn_ws:a_connection_that_passes_the_hard_limit_is_cut",
      .where = CONFORM_WEBSOCKET },
    { CONFORM_ROW("W-12", DERIVED, w_12, "plain HTTP gets an answer"),
      .where = CONFORM_WEBSOCKET },
};

const struct conform_chapter conform_websocket =
    CONFORM_CHAPTER("WebSocket", websocket_statements);
