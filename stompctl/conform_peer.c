/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of a conformance check: its life, and what comes. */
#include "stompctl/conform_peer.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* --- reading ------------------------------------------------------------ */

static void
peer_on_message(void *ctx, enum ws_opcode opcode)
{
    struct peer *peer = ctx;
    struct peer_message message = { .opcode = opcode, .end = peer->in.len };

    buf_append(&peer->messages, &message, sizeof(message));
}

/* Cuts what has come into frames. */
static void
peer_cut(struct peer *peer)
{
    enum got_cut cut = GOT_FRAME;
    const char *fault = NULL;

    while (cut == GOT_FRAME) {
        struct got *got = NULL;
        struct span rest = span_after(buf_span(&peer->in), peer->parsed);

        if (rest.len == 0) {
            return;
        }
        cut = got_cut(rest, peer->parsed, &got, &fault);
        if (cut == GOT_FRAME) {
            got->arrived_us = peer->last_read_us;
            *peer->last = got;
            peer->last = &got->next;
            peer->parsed = got->start + got->raw.len;
        }
    }
    if (cut == GOT_BROKEN) {
        struct buf text = BUF_INIT;

        got_show(&text, span_after(buf_span(&peer->in), peer->parsed), 160);
        buf_append_char(&text, '\0');
        step_fail(peer->step, "the broker sent no good frame, since %s: %s",
                  fault, text.data);
        buf_fini(&text);
    }
}

bool
peer_wait(struct peer *peer, short events, int64_t deadline_us)
{
    struct pollfd pollfd = { .fd = link_fd(peer->link), .events = events };
    int64_t left_us = deadline_us - clock_monotonic_us();
    struct timespec left = { 0 };
    int ready;

    if (left_us > 0) {
        left.tv_sec = left_us / 1000000;
        left.tv_nsec = left_us % 1000000 * 1000;
    }
    ready = ppoll(&pollfd, 1, &left, NULL);
    return ready > 0 || (ready < 0 && errno == EINTR);
}

void
peer_read_once(struct peer *peer)
{
    struct buf *into = peer->websocket ? &peer->raw : &peer->in;

    if (link_read(peer->link, into, &peer->lost) < 0) {
        peer->closed = true;
    }
    if (peer->websocket && peer->raw.len > 0) {
        enum ws_decode decoded =
            ws_client_decode(&peer->ws, buf_span(&peer->raw), &peer->in,
                             &peer->control, &peer->lost);

        buf_clear(&peer->raw);
        if (decoded == WS_DECODE_INVALID) {
            step_fail(peer->step, "%s", peer->lost.text);
        }
        peer->closed = peer->closed || decoded != WS_DECODE_MORE;
        if (peer->control.len > 0) {
            link_queue(peer->link, buf_span(&peer->control));
            buf_clear(&peer->control);
            (void)link_flush(peer->link, NULL);
        }
    }
    peer->last_read_us = clock_monotonic_us();
    peer_cut(peer);
}

bool
peer_fill(struct peer *peer, int64_t deadline_us)
{
    if (peer->closed || peer->link == NULL || step_is_over(peer->step) ||
        !peer_wait(peer, POLLIN, deadline_us)) {
        return false;
    }
    peer_read_once(peer);
    return true;
}

/* --- opening ------------------------------------------------------------ */

static struct peer *
peer_new(struct step *step)
{
    struct uri uri = *step->target->uri;
    struct peer *peer = xcalloc(1, sizeof(*peer));
    struct error err = ERROR_INIT;

    peer->step = step;
    peer->last = &peer->first;
    peer->ws = WS_CLIENT_INIT;
    peer->ws.on_message = peer_on_message;
    peer->ws.on_message_ctx = peer;
    (void)snprintf(peer->version, sizeof(peer->version), "1.0");
    if (step->peer_count == STEP_PEERS) {
        step_fail(step, "a check opens more than %d connections", STEP_PEERS);
        peer_free(step->peers[--step->peer_count]);
    }
    step->peers[step->peer_count++] = peer;
    /* The handshake is ours too, since checks look at it. */
    uri.scheme = uri.scheme == URI_WS ? URI_TCP : uri.scheme;
    if (!step_is_over(step) &&
        link_open(&uri, clock_monotonic_us() + step->target->timeout_us,
                  &peer->link, &err) != 0) {
        step_fail(step, "%s", err.text);
    }
    return peer;
}

struct peer *
peer_open_raw(struct step *step)
{
    return peer_new(step);
}

struct peer *
peer_open_ws(struct step *step, const char *headers)
{
    struct peer *peer = peer_new(step);
    const struct uri *uri = step->target->uri;
    int64_t deadline_us = clock_monotonic_us() + step->target->timeout_us;
    struct error err = ERROR_INIT;
    ptrdiff_t used = 0;

    if (step_is_over(step)) {
        return peer;
    }
    ws_client_request(&peer->ws, uri->host, uri->port, uri->path, headers,
                      &peer->out);
    peer_flush(peer);
    while (used == 0 && peer_wait(peer, POLLIN, deadline_us) &&
           link_read(peer->link, &peer->answer, &err) >= 0) {
        used = ws_client_answer(&peer->ws, buf_span(&peer->answer), &err);
    }
    if (used <= 0) {
        step_fail(step, "no WebSocket: %s",
                  err.text[0] != '\0' ? err.text : "no answer came in time");
        return peer;
    }
    peer->websocket = true;
    buf_append_span(&peer->raw,
                    span_after(buf_span(&peer->answer), (size_t)used));
    peer->answer.len = (size_t)used;
    return peer;
}

struct peer *
peer_open(struct step *step)
{
    return step->target->transport == STEP_TCP
               ? peer_open_raw(step)
               : peer_open_ws(step, WS_CLIENT_SUBPROTOCOLS);
}

void
peer_say_connect(struct peer *peer)
{
    const struct step_target *target = peer->step->target;

    peer_say_part(peer, "CONNECT\nhost:%s\n%s", target->host, target->login);
}

struct peer *
peer_login_with(struct step *step, const char *version, const char *headers)
{
    struct peer *peer = peer_open(step);
    const struct got *got;
    struct span chosen;

    peer_say_connect(peer);
    if (version != NULL) {
        peer_say_part(peer, "accept-version:%s\n", version);
    }
    peer_say(peer, "%s\n", headers);
    got = peer_expect(peer, "CONNECTED");
    chosen = got_header(got, "version");
    if (chosen.len == 3) {
        memcpy(peer->version, chosen.data, 3);
    }
    if (version != NULL && strlen(version) == 3) {
        peer_require_header(peer, got, "version", version);
    }
    if (got_header(got, "heart-beat").len > 0) {
        struct span rest = got_header(got, "heart-beat");
        struct span sends = span_split(&rest, ',');
        uint64_t value;

        peer->sends_ms = span_to_u64(sends, &value) ? (unsigned)value : 0;
        peer->wants_ms = span_to_u64(rest, &value) ? (unsigned)value : 0;
    }
    return peer;
}

struct peer *
peer_login(struct step *step, const char *version)
{
    return peer_login_with(step, version, "");
}

/* --- closing ------------------------------------------------------------ */

void
peer_abort(struct peer *peer)
{
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };

    if (peer->link != NULL) {
        peer_flush(peer);
        (void)setsockopt(link_fd(peer->link), SOL_SOCKET, SO_LINGER, &now,
                         sizeof(now));
        link_close(&peer->link);
    }
    peer->closed = true;
}

void
peer_hang_up(struct peer *peer)
{
    if (peer->link != NULL) {
        peer_flush(peer);
        link_close(&peer->link);
    }
    peer->closed = true;
}

void
peer_shut(struct peer *peer)
{
    if (peer->link != NULL) {
        peer_flush(peer);
        (void)shutdown(link_fd(peer->link), SHUT_WR);
    }
}

void
peer_free(struct peer *peer)
{
    link_close(&peer->link);
    while (peer->first != NULL) {
        struct got *got = peer->first;

        peer->first = got->next;
        free(got);
    }
    buf_fini(&peer->raw);
    buf_fini(&peer->control);
    buf_fini(&peer->answer);
    buf_fini(&peer->messages);
    buf_fini(&peer->in);
    buf_fini(&peer->out);
    free(peer);
}

/* --- looking ------------------------------------------------------------ */

struct step *
peer_step(const struct peer *peer)
{
    return peer->step;
}

struct span
peer_input(const struct peer *peer)
{
    return buf_span(&peer->in);
}

bool
peer_is_closed(const struct peer *peer)
{
    return peer->closed;
}

int64_t
peer_last_read_us(const struct peer *peer)
{
    return peer->last_read_us;
}

const struct ws_client *
peer_ws(const struct peer *peer)
{
    return &peer->ws;
}

struct span
peer_handshake(const struct peer *peer)
{
    return buf_span(&peer->answer);
}

bool
peer_ws_message(const struct peer *peer, size_t n, enum ws_opcode *opcode_out,
                struct span *payload_out)
{
    struct peer_message message;
    size_t start = 0;

    if ((n + 1) * sizeof(message) > peer->messages.len) {
        return false;
    }
    if (n > 0) {
        memcpy(&message, peer->messages.data + (n - 1) * sizeof(message),
               sizeof(message));
        start = message.end;
    }
    memcpy(&message, peer->messages.data + n * sizeof(message),
           sizeof(message));
    *opcode_out = message.opcode;
    *payload_out = span_of(peer->in.data + start, message.end - start);
    return true;
}

void
peer_beats(const struct peer *peer, unsigned *sends_out, unsigned *wants_out)
{
    *sends_out = peer->sends_ms;
    *wants_out = peer->wants_ms;
}
