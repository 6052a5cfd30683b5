/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/conn_ws.h"

#include "base/alloc.h"
#include "server/net/conn.h"
#include "server/net/http.h"
#include "server/net/ws_frame.h"
#include "server/net/ws_message.h"
#include "server/session/session.h"

#include <assert.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { WS_REASON_BYTES = 123 }; /* RFC 6455, section 5.5: 125 with the code */

enum conn_ws_state {
    CONN_WS_OPEN,      /* bytes go to the session */
    CONN_WS_CLOSING,   /* output is being written; input is dropped */
    CONN_WS_HANDSHAKE, /* libwebsockets sends Close and waits; no session */
    CONN_WS_DEAD,      /* ends with the next flush, output is dropped */
    CONN_WS_GONE,      /* wsi is NULL; freed when the turn is over */
};

struct conn_ws {
    struct conn conn; /* first */
    struct lws *wsi;
    /* While reading is paused libwebsockets does not look at the socket; this
     * sees the peer leave. */
    struct loop_fd hang_up;
    enum conn_ws_state state;
    bool binary;        /* the client's last message was */
    bool close_sent;    /* given to libwebsockets */
    size_t unconfirmed; /* written, but libwebsockets kept some of it */
    int64_t close_due_us;
    enum lws_close_status close_code;
    char close_reason[WS_REASON_BYTES + 1];
    bool dropping; /* the frame that has begun */
    struct ws_message message;
};

static struct conn_ws *
conn_ws_of(struct conn *conn)
{
    return container_of(conn, struct conn_ws, conn);
}

static struct conn_ws *
conn_ws_of_transport(struct transport *transport)
{
    return conn_ws_of(conn_of_transport(transport));
}

static int64_t
conn_ws_now_us(const struct conn_ws *ws)
{
    return loop_now_us(ws->conn.net->loop);
}

static void
conn_ws_set_timer(struct conn_ws *ws, int64_t due_us)
{
    timer_wheel_set(loop_timers(ws->conn.net->loop), &ws->conn.timer, due_us);
}

static void
conn_ws_flush_soon(struct conn_ws *ws)
{
    loop_task_soon(ws->conn.net->loop, &ws->conn.flush);
}

static void
conn_ws_kill(struct conn_ws *ws)
{
    if (ws->state < CONN_WS_DEAD) {
        ws->state = CONN_WS_DEAD;
        conn_ws_flush_soon(ws);
    }
}

/* ---- the end ---- */

static void
conn_ws_free(struct loop_task *task, int64_t now_us)
{
    struct conn *conn = container_of(task, struct conn, end);

    (void)now_us;
    free(conn_ws_of(conn));
}

/* Lets go of the wsi, which libwebsockets has freed or will. */
static void
conn_ws_finish(struct conn_ws *ws, const char *reason)
{
    struct net *net = ws->conn.net;

    if (ws->state == CONN_WS_GONE) {
        return;
    }
    conn_close_session(&ws->conn, reason, conn_ws_now_us(ws));
    loop_fd_forget(net->loop, &ws->hang_up);
    ws->state = CONN_WS_GONE;
    ws->wsi = NULL;
    net->counters.connections_ws--;
    conn_fini(&ws->conn);
    ws->conn.end.run = conn_ws_free;
    loop_task_at_end(net->loop, &ws->conn.end);
}

static void
conn_ws_abort(struct conn *conn, const char *reason)
{
    struct conn_ws *ws = conn_ws_of(conn);
    struct lws *wsi = ws->wsi;

    if (wsi != NULL) {
        conn_ws_finish(ws, reason);
        http_forget(wsi);
    }
}

/* All output is with the kernel: libwebsockets sends the Close frame from its
 * next callback. */
static void
conn_ws_begin_handshake(struct conn_ws *ws, int64_t now_us)
{
    conn_close_session(&ws->conn, "closed", now_us);
    ws->state = CONN_WS_HANDSHAKE;
    conn_ws_set_timer(ws, now_us + CONN_STALL_US);
    (void)lws_callback_on_writable(ws->wsi);
}

/* ---- output ---- */

/* What libwebsockets had kept is with the kernel now. */
static void
conn_ws_confirm(struct conn_ws *ws, int64_t now_us)
{
    size_t count = ws->unconfirmed;

    if (count > 0 && lws_partial_buffered(ws->wsi) == 0) {
        ws->unconfirmed = 0;
        if (ws->state == CONN_WS_CLOSING) {
            int64_t stall_us = now_us + CONN_STALL_US;

            conn_ws_set_timer(
                ws, stall_us < ws->close_due_us ? stall_us : ws->close_due_us);
        }
        conn_written(&ws->conn, count, now_us);
    }
}

/* One write of whole frames; false when nothing more can be written now. */
static bool
conn_ws_write_once(struct conn_ws *ws, int64_t now_us)
{
    struct outq *outq = &ws->conn.outq;
    unsigned char *buffer = http_write_buffer(ws->conn.net);
    size_t count;

    if (outq->bytes == 0 || ws->unconfirmed > 0 ||
        lws_partial_buffered(ws->wsi) != 0) {
        return false;
    }
    count = outq_copy(outq, (char *)buffer, WS_WRITE_MAX);
    count = ws_frame_whole((const char *)buffer, count);
    assert(count > 0);
    if (lws_write(ws->wsi, buffer, count, LWS_WRITE_RAW) < (int)count) {
        conn_set_reason(&ws->conn, "write failed");
        conn_ws_kill(ws);
        return false;
    }
    outq_consume(outq, count);
    ws->unconfirmed = count;
    if (lws_partial_buffered(ws->wsi) != 0) {
        (void)lws_callback_on_writable(ws->wsi);
        return false;
    }
    conn_ws_confirm(ws, now_us);
    return true;
}

static void
conn_ws_pump(struct conn_ws *ws, int64_t now_us)
{
    conn_ws_confirm(ws, now_us);
    while ((ws->state == CONN_WS_OPEN || ws->state == CONN_WS_CLOSING) &&
           conn_ws_write_once(ws, now_us)) {
    }
    if (ws->state == CONN_WS_CLOSING && ws->conn.outq.bytes == 0 &&
        ws->unconfirmed == 0) {
        conn_ws_begin_handshake(ws, now_us);
    }
}

static void
conn_ws_on_flush(struct loop_task *task, int64_t now_us)
{
    struct conn *conn = container_of(task, struct conn, flush);
    struct conn_ws *ws = conn_ws_of(conn);

    if (ws->state == CONN_WS_OPEN || ws->state == CONN_WS_CLOSING) {
        conn_ws_pump(ws, now_us);
    }
    if (ws->state == CONN_WS_DEAD) {
        /* No callback of libwebsockets is on the stack here, so it may close
         * the wsi under our feet. */
        struct lws *wsi = ws->wsi;

        conn_ws_finish(ws, conn->reason);
        http_forget(wsi);
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
    }
}

int
conn_ws_on_writable(struct conn_ws *ws)
{
    conn_ws_pump(ws, conn_ws_now_us(ws));
    if (ws->state != CONN_WS_HANDSHAKE || ws->close_sent) {
        return 0;
    }
    ws->close_sent = true;
    lws_close_reason(ws->wsi, ws->close_code, (unsigned char *)ws->close_reason,
                     strlen(ws->close_reason));
    return -1;
}

/* ---- input ---- */

void
conn_ws_on_receive(struct conn_ws *ws, struct span bytes, bool binary)
{
    int64_t now_us = conn_ws_now_us(ws);

    if (ws->state == CONN_WS_OPEN) {
        ws->binary = binary;
        conn_feed(&ws->conn, bytes, now_us);
    }
}

void
conn_ws_on_pong(struct conn_ws *ws)
{
    ws->conn.transport.last_read_us = conn_ws_now_us(ws);
}

void
conn_ws_on_closed(struct conn_ws *ws)
{
    conn_ws_finish(ws, ws->conn.reason[0] != '\0' ? ws->conn.reason
                                                  : "peer closed");
}

/* A peer that has gone cannot be slowed down, and what it held must go back:
 * reads on to the end. */
static void
conn_ws_on_hang_up(struct loop_fd *self, uint32_t events, int64_t now_us)
{
    struct conn_ws *ws = container_of(self, struct conn_ws, hang_up);

    (void)events;
    (void)now_us;
    loop_fd_forget(ws->conn.net->loop, self);
    (void)lws_rx_flow_control(ws->wsi, 1);
}

static void
conn_ws_on_timer(struct timer_node *node, int64_t now_us)
{
    struct conn *conn = container_of(node, struct conn, timer);
    struct conn_ws *ws = conn_ws_of(conn);

    switch (ws->state) {
    case CONN_WS_OPEN:
        session_on_timer(conn->session, now_us);
        break;
    case CONN_WS_CLOSING:
    case CONN_WS_HANDSHAKE:
        conn_set_reason(conn, "closed, the peer does not answer");
        conn_ws_kill(ws);
        break;
    case CONN_WS_DEAD:
    case CONN_WS_GONE:
        break;
    }
}

/* ---- what the session may do ---- */

static char *
conn_ws_frame_begin(struct transport *transport, size_t head_len,
                    struct span tail, const struct transport_hold *hold)
{
    struct conn_ws *ws = conn_ws_of_transport(transport);

    ws->dropping = ws->state != CONN_WS_OPEN;
    return ws->dropping ? conn_scratch(&ws->conn, head_len)
                        : ws_message_begin(&ws->message, &ws->conn, head_len,
                                           tail, hold);
}

static void
conn_ws_frame_end(struct transport *transport)
{
    struct conn_ws *ws = conn_ws_of_transport(transport);
    size_t bytes;

    if (ws->dropping) {
        return;
    }
    bytes = ws_message_end(&ws->message, &ws->conn, ws->binary);
    transport->queued_bytes += bytes;
    if (conn_is_over_limit(&ws->conn, bytes)) {
        conn_ws_kill(ws);
        return;
    }
    if (ws->unconfirmed == 0) {
        conn_ws_flush_soon(ws);
    }
}

static void
conn_ws_beat(struct transport *transport)
{
    struct conn_ws *ws = conn_ws_of_transport(transport);

    if (ws->state == CONN_WS_OPEN) {
        char *place = outq_reserve(&ws->conn.outq, 3);

        ws_frame_header(place, WS_TEXT, true, 1);
        place[2] = '\n';
        transport->queued_bytes += 3;
        conn_ws_flush_soon(ws);
    }
}

static enum lws_close_status
conn_ws_close_code(enum transport_close how)
{
    switch (how) {
    case TRANSPORT_CLOSE_NORMAL:
        return LWS_CLOSE_STATUS_NORMAL;
    case TRANSPORT_CLOSE_PROTOCOL:
        return LWS_CLOSE_STATUS_PROTOCOL_ERR;
    case TRANSPORT_CLOSE_TOO_BIG:
        return LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE;
    case TRANSPORT_CLOSE_POLICY:
    case TRANSPORT_CLOSE_QUOTA:
        return LWS_CLOSE_STATUS_POLICY_VIOLATION;
    case TRANSPORT_CLOSE_FAILED:
        return LWS_CLOSE_STATUS_UNEXPECTED_CONDITION;
    case TRANSPORT_CLOSE_SHUTDOWN:
        return LWS_CLOSE_STATUS_GOINGAWAY;
    }
    return LWS_CLOSE_STATUS_NORMAL;
}

static void
conn_ws_close(struct transport *transport, enum transport_close how,
              const char *reason)
{
    struct conn_ws *ws = conn_ws_of_transport(transport);
    struct span text = span_of_text(reason != NULL ? reason : "");
    int64_t now_us = conn_ws_now_us(ws);

    if (ws->state != CONN_WS_OPEN) {
        return;
    }
    ws->state = CONN_WS_CLOSING;
    ws->close_code = conn_ws_close_code(how);
    /* Valid UTF-8 is demanded of the reason, also where it is cut. */
    text.len = text.len < WS_REASON_BYTES ? text.len : WS_REASON_BYTES;
    while (text.len > 0 && !span_is_utf8(text)) {
        text.len--;
    }
    (void)snprintf(ws->close_reason, sizeof(ws->close_reason), "%.*s",
                   (int)text.len, text.data);
    ws->close_due_us = now_us + CONN_CLOSE_US;
    conn_ws_set_timer(ws, now_us + CONN_STALL_US);
    /* To see the peer's Close. */
    (void)lws_rx_flow_control(ws->wsi, 1);
    loop_fd_forget(ws->conn.net->loop, &ws->hang_up);
    conn_ws_flush_soon(ws);
}

static void
conn_ws_read_pause(struct transport *transport, bool paused)
{
    struct conn_ws *ws = conn_ws_of_transport(transport);

    if (ws->state != CONN_WS_OPEN) {
        return;
    }
    (void)lws_rx_flow_control(ws->wsi, paused ? 0 : 1);
    if (!paused) {
        loop_fd_forget(ws->conn.net->loop, &ws->hang_up);
    } else if (!ws->hang_up.watched) {
        ws->hang_up.fd = lws_get_socket_fd(ws->wsi);
        (void)loop_fd_watch(ws->conn.net->loop, &ws->hang_up, EPOLLRDHUP);
    }
}

static void
conn_ws_timer_set(struct transport *transport, int64_t due_us)
{
    struct conn_ws *ws = conn_ws_of_transport(transport);

    if (ws->state == CONN_WS_OPEN) {
        conn_ws_set_timer(ws, due_us);
    }
}

static const struct transport_ops conn_ws_ops = {
    .frame_begin = conn_ws_frame_begin,
    .frame_end = conn_ws_frame_end,
    .beat = conn_ws_beat,
    .close = conn_ws_close,
    .read_pause = conn_ws_read_pause,
    .timer_set = conn_ws_timer_set,
};

void
conn_ws_set_subprotocol(struct conn_ws *ws, const char *agreed, bool offered)
{
    ws->conn.transport.subprotocol = agreed;
    ws->conn.transport.subprotocol_offered = offered;
}

struct conn_ws *
conn_ws_open(struct net *net, struct lws *wsi, const char *peer,
             bool use_async_send, bool use_async_send_set)
{
    struct conn_ws *ws = xcalloc(1, sizeof(*ws));
    struct conn *conn = &ws->conn;

    conn_init(conn, net);
    net->counters.connections_ws++;
    conn->transport.ops = &conn_ws_ops;
    conn->transport.kind = "ws";
    conn->transport.use_async_send = use_async_send;
    conn->transport.use_async_send_set = use_async_send_set;
    (void)snprintf(conn->transport.peer, sizeof(conn->transport.peer), "%s",
                   peer);
    conn->abort = conn_ws_abort;
    conn->flush.run = conn_ws_on_flush;
    timer_node_init(&conn->timer, conn_ws_on_timer);
    ws->wsi = wsi;
    ws->hang_up.ready = conn_ws_on_hang_up;
    conn_open_session(conn, loop_now_us(net->loop));
    return ws;
}
