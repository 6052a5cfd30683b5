/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/listener.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "server/log.h"
#include "server/net/conn_tcp.h"
#include "server/net/http.h"
#include "server/net/http_conn.h"
#include "server/net/listener_socket.h"
#include "server/net/net_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ACCEPT_PER_TURN = 64, /* the others are served in between */
    ACCEPT_BACK_OFF_US = 100000,
    ACCEPT_LOG_US = 10000000, /* one line per so long while it lasts */
    LINGERING_MAX = 256,      /* clients that are told why they must go */
};

struct listener {
    struct loop_fd io;
    struct net *net;
    struct listener *next;
    struct timer_node retry;
    struct loop_task end; /* frees it: events of this turn may point here */
    enum net_endpoint_kind kind;
    bool use_async_send;
    bool use_async_send_set;
    int64_t logged_us; /* last complaint about descriptors */
    char *uri;
    char *path; /* unix */
};

bool
listener_is_unix(const struct listener *listener)
{
    return listener->kind == NET_ENDPOINT_UNIX;
}

bool
listener_use_async_send(const struct listener *listener, bool *set_out)
{
    *set_out = listener->use_async_send_set;
    return listener->use_async_send;
}

/* ---- refusing ---- */

static void
listener_refuse_full(struct listener *listener, int fd, const char *peer)
{
    static const char error_frame[] =
        "ERROR\nmessage:too many connections\ncontent-type:text/plain\n\n"
        "This server has as many connections as its limit allows. "
        "Try again later.\n";
    static const char http_answer[] =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
        "Content-Type: text/plain\r\nContent-Length: 21\r\n\r\n"
        "too many connections\n";
    struct net *net = listener->net;
    bool http = listener->kind == NET_ENDPOINT_WS;

    net->counters.refused_limit++;
    log_event(LOG_LEVEL_WARNING, "net", "connection refused: too many",
              "peer=%s limit=%zu", peer, net->options.connections_max);
    if (net->lingering >= LINGERING_MAX) {
        (void)close(fd);
        return;
    }
    conn_tcp_turn_away(net, fd, peer,
                       http ? span_of(http_answer, sizeof(http_answer) - 1)
                            : span_of(error_frame, sizeof(error_frame)));
}

/* No descriptor is left: the reserve answers one client with a plain close, so
 * that it does not wait for us, and then we look away for a while.  Without
 * that the listener stays readable and the loop spins. */
static void
listener_on_exhausted(struct listener *listener, int error, int64_t now_us)
{
    struct net *net = listener->net;

    net->counters.accept_errors++;
    if (error == EMFILE || error == ENFILE) {
        int fd;

        if (net->reserve_fd >= 0) {
            (void)close(net->reserve_fd);
        }
        fd = accept4(listener->io.fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            (void)close(fd);
        }
        net->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (listener->logged_us == 0 ||
        now_us - listener->logged_us >= ACCEPT_LOG_US) {
        listener->logged_us = now_us;
        log_event(LOG_LEVEL_ERROR, "net", "cannot accept connections",
                  "listener=%s reason=\"%s\" connections=%zu", listener->uri,
                  strerror(error), net->counters.connections);
    }
    loop_fd_change(net->loop, &listener->io, 0);
    timer_wheel_set(loop_timers(net->loop), &listener->retry,
                    now_us + ACCEPT_BACK_OFF_US);
}

static void
listener_on_retry(struct timer_node *node, int64_t now_us)
{
    struct listener *listener = container_of(node, struct listener, retry);

    (void)now_us;
    loop_fd_change(listener->net->loop, &listener->io, EPOLLIN);
}

/* ---- accepting ---- */

static void
listener_take(struct listener *listener, int fd,
              const struct sockaddr_storage *address)
{
    struct net *net = listener->net;
    char peer[64];

    if (listener->kind == NET_ENDPOINT_ADMIN) {
        http_conn_accept(net, fd);
        return;
    }
    listener_socket_peer(fd, address, peer, sizeof(peer));
    if (net_is_full(net)) {
        listener_refuse_full(listener, fd, peer);
        return;
    }
    net->counters.accepted++;
    if (listener->kind != NET_ENDPOINT_UNIX) {
        listener_socket_tune(fd);
    }
    log_event(LOG_LEVEL_DEBUG, "net", "connection accepted",
              "peer=%s listener=%s", peer, listener->uri);
    if (listener->kind == NET_ENDPOINT_WS) {
        http_adopt(net, fd, listener->use_async_send,
                   listener->use_async_send_set);
        return;
    }
    conn_tcp_accept(net, fd, listener, peer,
                    listener->kind == NET_ENDPOINT_STOMP);
}

static void
listener_on_ready(struct loop_fd *self, uint32_t events, int64_t now_us)
{
    struct listener *listener = container_of(self, struct listener, io);

    (void)events;
    for (int i = 0; i < ACCEPT_PER_TURN; i++) {
        struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
        socklen_t len = sizeof(address);
        int fd = accept4(self->fd, (struct sockaddr *)(void *)&address, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            listener_take(listener, fd, &address);
            continue;
        }
        switch (errno) {
        case EAGAIN:
            return;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            listener_on_exhausted(listener, errno, now_us);
            return;
        default: /* that one client is gone: ECONNABORTED and the like */
            break;
        }
    }
}

static void
listener_free(struct loop_task *task, int64_t now_us)
{
    struct listener *listener = container_of(task, struct listener, end);

    (void)now_us;
    free(listener->path);
    free(listener->uri);
    free(listener);
}

int
listener_open(struct net *net, const struct net_endpoint *endpoint,
              char *uri_out, size_t size, struct error *err)
{
    struct listener *listener;
    int fd = listener_socket_open(endpoint, err);

    if (fd < 0) {
        return -1;
    }
    listener_socket_uri(fd, endpoint, uri_out, size);
    listener = xcalloc(1, sizeof(*listener));
    listener->net = net;
    listener->io.fd = fd;
    listener->io.ready = listener_on_ready;
    listener->kind = endpoint->kind;
    listener->use_async_send = endpoint->use_async_send;
    listener->use_async_send_set = endpoint->use_async_send_set;
    listener->uri = xstrdup(uri_out);
    if (endpoint->kind == NET_ENDPOINT_UNIX ||
        endpoint->kind == NET_ENDPOINT_ADMIN) {
        listener->path = xstrdup(endpoint->path);
    }
    listener->end.run = listener_free;
    if (endpoint->kind == NET_ENDPOINT_WS && endpoint->path != NULL) {
        http_add_path(net, endpoint->path);
    }
    timer_node_init(&listener->retry, listener_on_retry);
    LL_PREPEND(net->listeners, listener);
    if (loop_fd_watch(net->loop, &listener->io, EPOLLIN) != 0) {
        return error_set(err, "cannot watch the listener %s: %s", uri_out,
                         strerror(errno));
    }
    return 0;
}

static void
listener_close(struct listener *listener)
{
    struct net *net = listener->net;

    loop_fd_forget(net->loop, &listener->io);
    timer_wheel_cancel(loop_timers(net->loop), &listener->retry);
    if (listener->path != NULL) {
        (void)unlink(listener->path);
    }
    (void)close(listener->io.fd);
    loop_task_at_end(net->loop, &listener->end);
}

void
listener_close_all(struct net *net)
{
    while (net->listeners != NULL) {
        struct listener *listener = net->listeners;

        LL_DELETE(net->listeners, listener);
        listener_close(listener);
    }
}
