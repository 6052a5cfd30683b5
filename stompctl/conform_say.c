/* SPDX-License-Identifier: Apache-2.0 */
/* What a conformance check says to the broker, and in which pieces. */
#include "stompctl/conform_peer.h"

#include "base/clock.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longer input is not sent octet by octet: it would take minutes. */
enum { PEER_CUT_BYTES = 8192 };
enum { PEER_TEXT_BYTES = 8192 };

static void
peer_say_list(struct peer *peer, const char *fmt, va_list ap)
{
    char text[PEER_TEXT_BYTES];
    int len = vsnprintf(text, sizeof(text), fmt, ap);

    if (len < 0 || (size_t)len >= sizeof(text)) {
        step_fail(peer->step, "a check says more than %d octets at once",
                  PEER_TEXT_BYTES);
        return;
    }
    buf_append(&peer->out, text, (size_t)len);
}

void
peer_say(struct peer *peer, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    peer_say_list(peer, fmt, ap);
    va_end(ap);
    buf_append_char(&peer->out, '\0');
}

void
peer_say_part(struct peer *peer, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    peer_say_list(peer, fmt, ap);
    va_end(ap);
}

void
peer_say_bytes(struct peer *peer, struct span bytes)
{
    buf_append_span(&peer->out, bytes);
}

/* Writes bytes that are on the wire's own form.  What comes meanwhile is
 * read, so that two full buffers cannot block each other.  A broker that has
 * closed is no failure here: the check looks at what it said. */
static void
peer_write(struct peer *peer, struct span bytes)
{
    int64_t deadline_us = clock_monotonic_us() + peer->step->target->timeout_us;

    if (peer->link == NULL || step_is_over(peer->step)) {
        return;
    }
    link_queue(peer->link, bytes);
    while (!peer->closed && link_queued_bytes(peer->link) > 0) {
        if (link_flush(peer->link, NULL) != 0 ||
            link_queued_bytes(peer->link) == 0) {
            return;
        }
        if (!peer_wait(peer, POLLIN | POLLOUT, deadline_us)) {
            step_fail(peer->step, "the broker did not take %zu octets in time",
                      bytes.len);
            return;
        }
        if (peer_wait(peer, POLLIN, 0)) {
            peer_read_once(peer);
        }
    }
}

/* One WebSocket frame; ws_client_frame has no fragments, so the FIN bit is
 * taken off again. */
static void
peer_write_ws(struct peer *peer, enum ws_opcode opcode, struct span payload,
              bool is_final)
{
    struct buf frame = BUF_INIT;

    ws_client_frame(opcode, payload, &frame);
    if (!is_final) {
        frame.data[0] = (char)(frame.data[0] & 0x7F);
    }
    peer_write(peer, buf_span(&frame));
    buf_fini(&frame);
}

static enum ws_opcode
peer_opcode(const struct peer *peer)
{
    return peer->step->target->transport == STEP_WS_TEXT ? WS_TEXT : WS_BINARY;
}

void
peer_flush_ws(struct peer *peer, enum ws_opcode opcode, size_t size)
{
    struct span rest = buf_span(&peer->out);

    while (rest.len > 0) {
        size_t len = rest.len < size ? rest.len : size;

        peer_write_ws(peer, opcode, span_of(rest.data, len), len == rest.len);
        opcode = WS_CONTINUATION;
        rest = span_after(rest, len);
    }
    buf_clear(&peer->out);
}

void
peer_flush_cut(struct peer *peer)
{
    struct span rest = buf_span(&peer->out);

    if (peer->websocket && peer_opcode(peer) == WS_TEXT && span_is_utf8(rest)) {
        peer_flush_ws(peer, WS_TEXT, 1); /* a message must be UTF-8 */
        return;
    }
    for (size_t i = 0; i < rest.len; i++) {
        struct span octet = span_of(rest.data + i, 1);

        if (peer->websocket) {
            peer_write_ws(peer, WS_BINARY, octet, true);
        } else {
            peer_write(peer, octet);
        }
    }
    buf_clear(&peer->out);
}

void
peer_flush(struct peer *peer)
{
    if (peer->out.len == 0) {
        return;
    }
    if (peer->step->target->cut && peer->out.len <= PEER_CUT_BYTES &&
        (peer->websocket || peer->step->target->transport == STEP_TCP)) {
        peer_flush_cut(peer);
    } else if (peer->websocket) {
        enum ws_opcode opcode = peer_opcode(peer);

        if (opcode == WS_TEXT && !span_is_utf8(buf_span(&peer->out))) {
            opcode = WS_BINARY; /* as every client must (RFC 6455, 8.1) */
        }
        peer_flush_ws(peer, opcode, SIZE_MAX);
    } else {
        peer_write(peer, buf_span(&peer->out));
    }
    buf_clear(&peer->out);
}

void
peer_settle(struct peer *peer, const char *command, const struct got *message,
            const char *headers)
{
    struct span ack = got_header(message, "ack");
    struct span id = got_header(message, "message-id");
    struct span sub = got_header(message, "subscription");

    if (strcmp(peer->version, "1.2") == 0) {
        peer_say(peer, "%s\nid:%.*s\n%s\n", command, (int)ack.len, ack.data,
                 headers);
    } else if (strcmp(peer->version, "1.1") == 0) {
        peer_say(peer, "%s\nmessage-id:%.*s\nsubscription:%.*s\n%s\n", command,
                 (int)id.len, id.data, (int)sub.len, sub.data, headers);
    } else {
        peer_say(peer, "%s\nmessage-id:%.*s\n%s\n", command, (int)id.len,
                 id.data, headers);
    }
}

void
peer_subscribe(struct peer *peer, const char *id, const char *destination,
               const char *headers)
{
    char receipt[64];

    (void)snprintf(receipt, sizeof(receipt), "subscribed-%s", id);
    peer_say(peer, "SUBSCRIBE\nid:%s\ndestination:%s\nreceipt:%s\n%s\n", id,
             destination, receipt, headers);
    (void)peer_expect_receipt(peer, receipt);
}

void
peer_send(struct peer *peer, const char *destination, const char *body)
{
    peer_say(peer, "SEND\ndestination:%s\nreceipt:sent\n\n%s", destination,
             body);
    (void)peer_expect_receipt(peer, "sent");
}
