/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/http_conn.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "server/net/http_request.h"
#include "server/net/net_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    HTTP_CONN_MAX = 64,
    HTTP_CONN_READ_BYTES = 16384,
    HTTP_CONN_TIMEOUT_US = 10000000, /* to send the request, to take a part of
                                        the answer */
};

enum http_conn_state {
    HTTP_CONN_READING,
    HTTP_CONN_WAITING,
    HTTP_CONN_WRITING,
};

struct net_exchange {
    struct loop_fd io;
    struct net *net;
    struct net_exchange *prev, *next; /* net->exchanges */
    struct timer_node timer;
    struct loop_task end;
    enum http_conn_state state;
    bool gone; /* the client, while the request waits for its answer */
    struct buf in;
    struct buf out;
    size_t sent;
};

static void
http_conn_free(struct loop_task *task, int64_t now_us)
{
    struct net_exchange *conn = container_of(task, struct net_exchange, end);

    (void)now_us;
    buf_fini(&conn->in);
    buf_fini(&conn->out);
    free(conn);
}

/* The descriptor goes at once. */
static void
http_conn_close(struct net_exchange *conn)
{
    if (conn->io.fd >= 0) {
        loop_fd_forget(conn->net->loop, &conn->io);
        timer_wheel_cancel(loop_timers(conn->net->loop), &conn->timer);
        (void)close(conn->io.fd);
        conn->io.fd = -1;
    }
}

static void
http_conn_end(struct net_exchange *conn)
{
    struct net *net = conn->net;

    http_conn_close(conn);
    DL_DELETE(net->exchanges, conn);
    net->exchange_count--;
    loop_task_at_end(net->loop, &conn->end);
}

static void
http_conn_rearm(struct net_exchange *conn, int64_t now_us)
{
    timer_wheel_set(loop_timers(conn->net->loop), &conn->timer,
                    now_us + HTTP_CONN_TIMEOUT_US);
}

/* conn may be gone after it. */
static void
http_conn_write(struct net_exchange *conn, int64_t now_us)
{
    while (conn->sent < conn->out.len) {
        ssize_t count = send(conn->io.fd, conn->out.data + conn->sent,
                             conn->out.len - conn->sent, MSG_NOSIGNAL);

        if (count < 0 && errno == EAGAIN) {
            loop_fd_change(conn->net->loop, &conn->io, EPOLLOUT);
            http_conn_rearm(conn, now_us);
            return;
        }
        if (count < 0 && errno != EINTR) {
            break;
        }
        conn->sent += count > 0 ? (size_t)count : 0;
    }
    http_conn_end(conn);
}

/* conn may be gone after it. */
static void
http_conn_answer(struct net_exchange *conn, const char *status,
                 const char *type, struct span body)
{
    conn->state = HTTP_CONN_WRITING;
    buf_appendf(&conn->out,
                "HTTP/1.1 %s\r\nConnection: close\r\nContent-Type: %s\r\n"
                "Cache-Control: no-store\r\nContent-Length: %zu\r\n\r\n",
                status, type, body.len);
    buf_append_span(&conn->out, body);
    http_conn_write(conn, loop_now_us(conn->net->loop));
}

static void
http_conn_refuse(struct net_exchange *conn, const char *status,
                 struct span text)
{
    http_conn_answer(conn, status, "text/plain; charset=utf-8", text);
}

static void
http_conn_parse(struct net_exchange *conn)
{
    struct net *net = conn->net;
    struct http_request request;

    switch (http_request_parse(buf_span(&conn->in), &request)) {
    case HTTP_REQUEST_MORE:
        return;
    case HTTP_REQUEST_INVALID:
        http_conn_refuse(conn, "400 Bad Request",
                         SPAN("This is not an HTTP/1.1 request.\n"));
        return;
    case HTTP_REQUEST_TOO_BIG:
        http_conn_refuse(conn, "413 Content Too Large",
                         SPAN("The request is too long.\n"));
        return;
    case HTTP_REQUEST_READY:
        break;
    }
    conn->state = HTTP_CONN_WAITING;
    loop_fd_change(net->loop, &conn->io, 0);
    timer_wheel_cancel(loop_timers(net->loop), &conn->timer);
    net->options.request(net->options.ctx, conn, &request);
}

static void
http_conn_read(struct net_exchange *conn)
{
    ssize_t count =
        recv(conn->io.fd, buf_reserve(&conn->in, HTTP_CONN_READ_BYTES),
             HTTP_CONN_READ_BYTES, 0);

    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0) {
        http_conn_end(conn);
        return;
    }
    conn->in.len += (size_t)count;
    http_conn_parse(conn);
}

static void
http_conn_on_ready(struct loop_fd *self, uint32_t events, int64_t now_us)
{
    struct net_exchange *conn = container_of(self, struct net_exchange, io);

    (void)events;
    switch (conn->state) {
    case HTTP_CONN_READING:
        http_conn_read(conn);
        break;
    case HTTP_CONN_WAITING: /* EPOLLHUP or EPOLLERR, which always come */
        http_conn_close(conn);
        conn->gone = true;
        break;
    case HTTP_CONN_WRITING:
        http_conn_write(conn, now_us);
        break;
    }
}

static void
http_conn_on_timer(struct timer_node *node, int64_t now_us)
{
    (void)now_us;
    http_conn_end(container_of(node, struct net_exchange, timer));
}

void
http_conn_accept(struct net *net, int fd)
{
    struct net_exchange *conn;

    if (net->exchange_count >= HTTP_CONN_MAX || net->options.request == NULL) {
        (void)close(fd);
        return;
    }
    conn = xcalloc(1, sizeof(*conn));
    conn->net = net;
    conn->io.fd = fd;
    conn->io.ready = http_conn_on_ready;
    conn->end.run = http_conn_free;
    timer_node_init(&conn->timer, http_conn_on_timer);
    if (loop_fd_watch(net->loop, &conn->io, EPOLLIN) != 0) {
        (void)close(fd);
        free(conn);
        return;
    }
    DL_APPEND(net->exchanges, conn);
    net->exchange_count++;
    http_conn_rearm(conn, loop_now_us(net->loop));
}

void
http_conn_end_all(struct net *net)
{
    while (net->exchanges != NULL) {
        http_conn_end(net->exchanges);
    }
}

void
net_answer(struct net_exchange *exchange, const char *status, const char *type,
           struct span body)
{
    if (exchange->gone) {
        http_conn_end(exchange);
        return;
    }
    http_conn_answer(exchange, status, type, body);
}
