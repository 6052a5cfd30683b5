/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/conn_tcp.h"

#include "base/alloc.h"
#include "server/log.h"
#include "server/net/conn.h"
#include "server/net/http.h"
#include "server/net/listener.h"
#include "server/net/sniff.h"
#include "server/session/session.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SNIFF_BYTES = 16 };

enum conn_tcp_state {
    CONN_TCP_SNIFF,    /* no session yet */
    CONN_TCP_OPEN,     /* bytes go to the session */
    CONN_TCP_CLOSING,  /* output is being written; input is dropped */
    CONN_TCP_DRAINING, /* half-closed; input is dropped; no session */
    CONN_TCP_DEAD,     /* ends with the next flush, output is dropped */
    CONN_TCP_GONE,     /* closed; freed when the turn is over */
};

struct conn_tcp {
    struct conn conn; /* first */
    struct loop_fd io;
    enum conn_tcp_state state;
    bool paused;
    bool eof;          /* the peer will send nothing more */
    bool hung_up;      /* and reads nothing more */
    bool blocked;      /* the socket is full: EPOLLOUT tells */
    size_t last_frame; /* its bytes */
    int64_t close_due_us;
    /* Open after EOF, for answers that wait for the disk.  The other timer is
     * the session's. */
    struct timer_node answer_timer;
};

static struct conn_tcp *
conn_tcp_of(struct conn *conn)
{
    return container_of(conn, struct conn_tcp, conn);
}

static struct conn_tcp *
conn_tcp_of_transport(struct transport *transport)
{
    return conn_tcp_of(conn_of_transport(transport));
}

static void
conn_tcp_update_events(struct conn_tcp *tcp)
{
    uint32_t events = 0;

    if (!tcp->eof) {
        events = EPOLLRDHUP;
        if (!tcp->paused || tcp->state != CONN_TCP_OPEN) {
            events |= EPOLLIN;
        }
    }
    if (tcp->blocked) {
        events |= EPOLLOUT;
    }
    loop_fd_change(tcp->conn.net->loop, &tcp->io, events);
}

static void
conn_tcp_set_timer(struct conn_tcp *tcp, int64_t due_us)
{
    timer_wheel_set(loop_timers(tcp->conn.net->loop), &tcp->conn.timer, due_us);
}

static void
conn_tcp_flush_soon(struct conn_tcp *tcp)
{
    loop_task_soon(tcp->conn.net->loop, &tcp->conn.flush);
}

/* Ends it with the next flush: sessions must not end inside their calls. */
static void
conn_tcp_kill(struct conn_tcp *tcp)
{
    if (tcp->state < CONN_TCP_DEAD) {
        tcp->state = CONN_TCP_DEAD;
        conn_tcp_flush_soon(tcp);
    }
}

/* ---- the end ---- */

static void
conn_tcp_free(struct loop_task *task, int64_t now_us)
{
    struct conn *conn = container_of(task, struct conn, end);

    (void)now_us;
    free(conn_tcp_of(conn));
}

/* Off the loop and off the lists; the descriptor is left to the caller. */
static int
conn_tcp_release(struct conn_tcp *tcp)
{
    struct net *net = tcp->conn.net;
    int fd = tcp->io.fd;

    timer_wheel_cancel(loop_timers(net->loop), &tcp->answer_timer);
    loop_fd_forget(net->loop, &tcp->io);
    tcp->io.fd = -1;
    tcp->state = CONN_TCP_GONE;
    conn_fini(&tcp->conn);
    tcp->conn.end.run = conn_tcp_free;
    loop_task_at_end(net->loop, &tcp->conn.end);
    return fd;
}

static void
conn_tcp_finish(struct conn_tcp *tcp, const char *reason, int64_t now_us)
{
    if (tcp->state == CONN_TCP_SNIFF) { /* no session says so */
        log_event(LOG_LEVEL_DEBUG, "net", "connection closed before any frame",
                  "peer=%s reason=\"%s\"", tcp->conn.transport.peer, reason);
    }
    conn_close_session(&tcp->conn, reason, now_us);
    (void)close(conn_tcp_release(tcp));
}

static void
conn_tcp_abort(struct conn *conn, const char *reason)
{
    struct conn_tcp *tcp = conn_tcp_of(conn);

    if (tcp->state != CONN_TCP_GONE) {
        conn_tcp_finish(tcp, reason, loop_now_us(conn->net->loop));
    }
}

/* All output is with the kernel.  The session ends here, not 2 s later: what
 * it had not acknowledged goes to others now. */
static void
conn_tcp_half_close(struct conn_tcp *tcp, int64_t now_us)
{
    conn_close_session(&tcp->conn, "closed", now_us);
    (void)shutdown(tcp->io.fd, SHUT_WR);
    if (tcp->eof) {
        conn_tcp_finish(tcp, "closed", now_us);
        return;
    }
    tcp->state = CONN_TCP_DRAINING;
    tcp->blocked = false;
    conn_tcp_update_events(tcp);
    conn_tcp_set_timer(tcp, now_us + CONN_DRAIN_US);
}

/* The last words to a client that gets no session. */
static void
conn_tcp_close_with(struct conn_tcp *tcp, struct span text, int64_t now_us)
{
    outq_append(&tcp->conn.outq, text);
    tcp->state = CONN_TCP_CLOSING;
    tcp->close_due_us = now_us + CONN_STALL_US;
    conn_tcp_set_timer(tcp, tcp->close_due_us);
    conn_tcp_flush_soon(tcp);
}

/* ---- output ---- */

static void
conn_tcp_write(struct conn_tcp *tcp, int64_t now_us)
{
    int error;
    size_t count = outq_write(&tcp->conn.outq, tcp->io.fd, &error);

    tcp->blocked = error == EAGAIN;
    if (error != 0 && error != EAGAIN) {
        conn_set_reason(&tcp->conn, "write: %s", strerror(error));
        tcp->state = CONN_TCP_DEAD;
    } else if (count > 0 && tcp->state == CONN_TCP_CLOSING) {
        int64_t stall_us = now_us + CONN_STALL_US;

        conn_tcp_set_timer(
            tcp, stall_us < tcp->close_due_us ? stall_us : tcp->close_due_us);
    }
    conn_written(&tcp->conn, count, now_us);
}

/* Whether a peer that will send nothing more may wait for something: a script
 * that pipes frames into a connection and reads until it ends. */
static bool
conn_tcp_owes(const struct conn_tcp *tcp)
{
    return !tcp->hung_up && (tcp->conn.outq.bytes > 0 ||
                             session_is_answering(tcp->conn.session));
}

static void
conn_tcp_on_flush(struct loop_task *task, int64_t now_us)
{
    struct conn *conn = container_of(task, struct conn, flush);
    struct conn_tcp *tcp = conn_tcp_of(conn);

    if (tcp->state == CONN_TCP_OPEN || tcp->state == CONN_TCP_CLOSING) {
        conn_tcp_write(tcp, now_us);
    }
    switch (tcp->state) {
    case CONN_TCP_DEAD:
        conn_tcp_finish(tcp, conn->reason, now_us);
        return;
    case CONN_TCP_CLOSING:
        if (conn->outq.bytes == 0) {
            conn_tcp_half_close(tcp, now_us);
            return;
        }
        break;
    case CONN_TCP_OPEN:
        if (tcp->eof && !conn_tcp_owes(tcp)) {
            conn_tcp_finish(tcp, "peer closed", now_us);
            return;
        }
        break;
    case CONN_TCP_SNIFF:
    case CONN_TCP_DRAINING:
    case CONN_TCP_GONE:
        return;
    }
    conn_tcp_update_events(tcp);
}

/* ---- input ---- */

static void
conn_tcp_on_eof(struct conn_tcp *tcp, int64_t now_us)
{
    tcp->eof = true;
    if (tcp->state == CONN_TCP_SNIFF || tcp->state == CONN_TCP_DRAINING) {
        conn_tcp_finish(tcp, "peer closed", now_us);
        return;
    }
    timer_wheel_set(loop_timers(tcp->conn.net->loop), &tcp->answer_timer,
                    now_us + CONN_STALL_US);
    conn_tcp_update_events(tcp);
    conn_tcp_flush_soon(tcp);
}

static void
conn_tcp_on_answer_timer(struct timer_node *node, int64_t now_us)
{
    struct conn_tcp *tcp = container_of(node, struct conn_tcp, answer_timer);

    (void)now_us;
    if (tcp->state == CONN_TCP_OPEN) {
        conn_set_reason(&tcp->conn, "peer closed");
        conn_tcp_kill(tcp);
    }
}

static void
conn_tcp_on_read_error(struct conn_tcp *tcp, int error, int64_t now_us)
{
    if (error == EAGAIN || error == EINTR) {
        return;
    }
    if (tcp->state == CONN_TCP_SNIFF || tcp->state == CONN_TCP_DRAINING) {
        conn_tcp_finish(tcp, "reset", now_us);
        return;
    }
    conn_set_reason(&tcp->conn, "read: %s", strerror(error));
    conn_tcp_kill(tcp);
}

/* How much to read: nothing is fed but in CONN_TCP_OPEN. */
static size_t
conn_tcp_read_size(const struct conn_tcp *tcp)
{
    size_t size = tcp->state == CONN_TCP_OPEN
                      ? session_read_size(tcp->conn.session)
                      : LOOP_READ_BYTES;

    return size < LOOP_READ_BYTES ? size : LOOP_READ_BYTES;
}

static void
conn_tcp_read(struct conn_tcp *tcp, int64_t now_us)
{
    struct net *net = tcp->conn.net;
    char *buffer = loop_read_buffer(net->loop);
    ssize_t count = recv(tcp->io.fd, buffer, conn_tcp_read_size(tcp), 0);

    if (count < 0) {
        conn_tcp_on_read_error(tcp, errno, now_us);
        return;
    }
    if (count == 0) {
        conn_tcp_on_eof(tcp, now_us);
        return;
    }
    if (tcp->state != CONN_TCP_OPEN) {
        return; /* dropped */
    }
    conn_feed(&tcp->conn, span_of(buffer, (size_t)count), now_us);
    if (count >= LOOP_READ_BYTES / 4) {
        loop_refresh_now(net->loop);
    }
}

/* ---- the first bytes ---- */

static void
conn_tcp_begin(struct conn_tcp *tcp, int64_t now_us)
{
    tcp->state = CONN_TCP_OPEN;
    timer_wheel_cancel(loop_timers(tcp->conn.net->loop), &tcp->conn.timer);
    conn_open_session(&tcp->conn, now_us);
}

static void
conn_tcp_wait_for(const struct conn_tcp *tcp, int bytes)
{
    (void)setsockopt(tcp->io.fd, SOL_SOCKET, SO_RCVLOWAT, &bytes,
                     sizeof(bytes));
}

/* A TLS client cannot read plain text, but it can read an alert record: fatal,
 * protocol_version.  Source: RFC 8446, sections 5.1 and 6. */
static void
conn_tcp_refuse_tls(struct conn_tcp *tcp, int64_t now_us)
{
    static const char alert[] = { 0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46 };

    tcp->conn.net->counters.refused_tls++;
    log_event(LOG_LEVEL_WARNING, "net",
              "connection refused: the client speaks TLS, this port is plain",
              "peer=%s", tcp->conn.transport.peer);
    conn_tcp_close_with(tcp, span_of(alert, sizeof(alert)), now_us);
}

static void
conn_tcp_sniff(struct conn_tcp *tcp, int64_t now_us)
{
    struct net *net = tcp->conn.net;
    char first[SNIFF_BYTES];
    ssize_t count;
    size_t eols;

    do { /* heart-beats before CONNECT; nothing else looks at them */
        count = recv(tcp->io.fd, first, sizeof(first), MSG_PEEK);
        eols = sniff_eols(span_of(first, count > 0 ? (size_t)count : 0));
    } while (eols > 0 && recv(tcp->io.fd, first, eols, 0) > 0);
    if (count < 0) {
        conn_tcp_on_read_error(tcp, errno, now_us);
        return;
    }
    if (count == 0) {
        conn_tcp_on_eof(tcp, now_us);
        return;
    }
    switch (sniff_bytes(span_of(first, (size_t)count))) {
    case SNIFF_MORE:
        conn_tcp_wait_for(tcp, (int)count + 1); /* no spin on what is there */
        return;
    case SNIFF_TLS:
        conn_tcp_refuse_tls(tcp, now_us);
        return;
    case SNIFF_HTTP:
        conn_tcp_wait_for(tcp, 1);
        http_adopt(net, conn_tcp_release(tcp),
                   tcp->conn.transport.use_async_send,
                   tcp->conn.transport.use_async_send_set);
        return;
    case SNIFF_STOMP:
        conn_tcp_wait_for(tcp, 1);
        conn_tcp_begin(tcp, now_us);
        conn_tcp_read(tcp, now_us);
        return;
    }
}

static void
conn_tcp_on_ready(struct loop_fd *self, uint32_t events, int64_t now_us)
{
    struct conn_tcp *tcp = container_of(self, struct conn_tcp, io);

    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
        tcp->hung_up |= (events & (EPOLLHUP | EPOLLERR)) != 0;
        conn_tcp_flush_soon(tcp);
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0 ||
        tcp->eof || tcp->state == CONN_TCP_DEAD) {
        return;
    }
    if (tcp->state == CONN_TCP_SNIFF) {
        conn_tcp_sniff(tcp, now_us);
        /* A client that hung up with half a word will say no more. */
        if (tcp->state == CONN_TCP_SNIFF &&
            (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
            conn_tcp_finish(tcp, "peer closed", now_us);
        }
        return;
    }
    /* Also when paused: a peer that has gone cannot be slowed down, and what
     * it held must go back.  What it left is bounded by the kernel. */
    conn_tcp_read(tcp, now_us);
}

/* ---- timer ---- */

static void
conn_tcp_on_timer(struct timer_node *node, int64_t now_us)
{
    struct conn *conn = container_of(node, struct conn, timer);
    struct conn_tcp *tcp = conn_tcp_of(conn);

    switch (tcp->state) {
    case CONN_TCP_SNIFF:
        conn_tcp_begin(tcp, now_us);
        session_refuse(conn->session, TRANSPORT_CLOSE_POLICY,
                       "no CONNECT frame came in time", NULL);
        break;
    case CONN_TCP_OPEN:
        session_on_timer(conn->session, now_us);
        break;
    case CONN_TCP_CLOSING:
        conn_set_reason(conn, "closed, the peer does not read");
        conn_tcp_kill(tcp);
        break;
    case CONN_TCP_DRAINING:
        conn_tcp_finish(tcp, "closed", now_us);
        break;
    case CONN_TCP_DEAD:
    case CONN_TCP_GONE:
        break;
    }
}

/* ---- what the session may do ---- */

static char *
conn_tcp_frame_begin(struct transport *transport, size_t head_len,
                     struct span tail, const struct transport_hold *hold)
{
    struct conn_tcp *tcp = conn_tcp_of_transport(transport);
    struct outq *outq = &tcp->conn.outq;
    char *place;

    if (tcp->state != CONN_TCP_OPEN) {
        return conn_scratch(&tcp->conn, head_len);
    }
    place = outq_reserve(outq, head_len);
    outq_append_tail(outq, tail, hold);
    /* One LF after the NUL: some clients read lines (stomp.md I2). */
    *outq_reserve(outq, 1) = '\n';
    tcp->last_frame = head_len + tail.len + 1;
    transport->queued_bytes += tcp->last_frame;
    return place;
}

static void
conn_tcp_frame_end(struct transport *transport)
{
    struct conn_tcp *tcp = conn_tcp_of_transport(transport);

    if (tcp->state != CONN_TCP_OPEN) {
        return;
    }
    if (conn_is_over_limit(&tcp->conn, tcp->last_frame)) {
        conn_tcp_kill(tcp);
        return;
    }
    if (!tcp->blocked) {
        conn_tcp_flush_soon(tcp);
    }
}

static void
conn_tcp_beat(struct transport *transport)
{
    struct conn_tcp *tcp = conn_tcp_of_transport(transport);

    if (tcp->state == CONN_TCP_OPEN) {
        *outq_reserve(&tcp->conn.outq, 1) = '\n';
        transport->queued_bytes++;
        conn_tcp_flush_soon(tcp);
    }
}

static void
conn_tcp_close(struct transport *transport, enum transport_close how,
               const char *reason)
{
    struct conn_tcp *tcp = conn_tcp_of_transport(transport);
    int64_t now_us = loop_now_us(tcp->conn.net->loop);

    (void)how; /* TCP has no close codes */
    (void)reason;
    if (tcp->state != CONN_TCP_OPEN) {
        return;
    }
    tcp->state = CONN_TCP_CLOSING;
    tcp->close_due_us = now_us + CONN_CLOSE_US;
    conn_tcp_set_timer(tcp, now_us + CONN_STALL_US);
    conn_tcp_update_events(tcp);
    conn_tcp_flush_soon(tcp);
}

static void
conn_tcp_read_pause(struct transport *transport, bool paused)
{
    struct conn_tcp *tcp = conn_tcp_of_transport(transport);

    tcp->paused = paused;
    conn_tcp_update_events(tcp);
}

static void
conn_tcp_timer_set(struct transport *transport, int64_t due_us)
{
    struct conn_tcp *tcp = conn_tcp_of_transport(transport);

    if (tcp->state == CONN_TCP_OPEN) {
        conn_tcp_set_timer(tcp, due_us);
    }
}

static const struct transport_ops conn_tcp_ops = {
    .frame_begin = conn_tcp_frame_begin,
    .frame_end = conn_tcp_frame_end,
    .beat = conn_tcp_beat,
    .close = conn_tcp_close,
    .read_pause = conn_tcp_read_pause,
    .timer_set = conn_tcp_timer_set,
};

/* ---- the beginning ---- */

static struct conn_tcp *
conn_tcp_new(struct net *net, int fd, const char *peer)
{
    struct conn_tcp *tcp = xcalloc(1, sizeof(*tcp));
    struct conn *conn = &tcp->conn;

    conn_init(conn, net);
    conn->transport.ops = &conn_tcp_ops;
    conn->transport.kind = "tcp";
    (void)snprintf(conn->transport.peer, sizeof(conn->transport.peer), "%s",
                   peer);
    conn->abort = conn_tcp_abort;
    conn->flush.run = conn_tcp_on_flush;
    timer_node_init(&conn->timer, conn_tcp_on_timer);
    timer_node_init(&tcp->answer_timer, conn_tcp_on_answer_timer);
    tcp->io.fd = fd;
    tcp->io.ready = conn_tcp_on_ready;
    return tcp;
}

void
conn_tcp_accept(struct net *net, int fd, const struct listener *listener,
                const char *peer, bool sniff)
{
    struct conn_tcp *tcp = conn_tcp_new(net, fd, peer);
    struct transport *transport = &tcp->conn.transport;
    int64_t now_us = loop_now_us(net->loop);

    transport->use_async_send =
        listener_use_async_send(listener, &transport->use_async_send_set);
    if (listener_is_unix(listener)) {
        transport->kind = "unix";
    }
    if (loop_fd_watch(net->loop, &tcp->io, EPOLLIN | EPOLLRDHUP) != 0) {
        conn_tcp_finish(tcp, "epoll", now_us);
        return;
    }
    if (!sniff) {
        conn_tcp_begin(tcp, now_us);
        return;
    }
    tcp->state = CONN_TCP_SNIFF;
    conn_tcp_set_timer(tcp, now_us + net->options.session->login_timeout_us);
}

void
conn_tcp_turn_away(struct net *net, int fd, const char *peer, struct span text)
{
    struct conn_tcp *tcp = conn_tcp_new(net, fd, peer);
    int64_t now_us = loop_now_us(net->loop);

    if (loop_fd_watch(net->loop, &tcp->io, EPOLLIN | EPOLLRDHUP) != 0) {
        conn_tcp_finish(tcp, "epoll", now_us);
        return;
    }
    tcp->conn.turned_away = true;
    net->lingering++;
    conn_tcp_close_with(tcp, text, now_us);
}
