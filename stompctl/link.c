/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/link.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "stompctl/ws_client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINK_READ_BYTES = 65536 };

struct link {
    int fd;
    bool websocket;
    struct ws_client ws;
    struct buf raw; /* WebSocket: read and not yet decoded */
    struct buf out;
    size_t written; /* of out */
};

/* Waits until fd is ready for events; false at the deadline. */
static bool
link_wait(int fd, short events, int64_t deadline_us)
{
    struct pollfd pollfd = { .fd = fd, .events = events };
    int ready;

    do {
        int64_t left_us = deadline_us - clock_monotonic_us();

        ready = poll(&pollfd, 1, left_us > 0 ? (int)(left_us / 1000) + 1 : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Returns a connected socket, or -1 with errno. */
static int
link_connect(const struct sockaddr *address, socklen_t len, int64_t deadline_us)
{
    int fd = socket(address->sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int failed = 0;
    socklen_t failed_len = sizeof(failed);

    if (fd < 0) {
        return -1;
    }
    if (connect(fd, address, len) != 0) {
        failed = errno;
        if (failed == EINPROGRESS) {
            failed = ETIMEDOUT;
            if (link_wait(fd, POLLOUT, deadline_us)) {
                (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed,
                                 &failed_len);
            }
        }
    }
    if (failed != 0) {
        (void)close(fd);
        errno = failed;
        return -1;
    }
    return fd;
}

static int
link_connect_unix(const struct uri *uri, int64_t deadline_us, struct error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(uri->path);
    int fd;

    if (len >= sizeof(address.sun_path)) {
        return error_set(err,
                         "the socket path \"%s\" is longer than the %zu "
                         "bytes that a unix socket may have",
                         uri->path, sizeof(address.sun_path) - 1);
    }
    memcpy(address.sun_path, uri->path, len);
    fd = link_connect((const struct sockaddr *)&address, sizeof(address),
                      deadline_us);
    if (fd < 0) {
        return error_set(err, "cannot connect to unix:%s: %s", uri->path,
                         strerror(errno));
    }
    return fd;
}

static int
link_connect_tcp(const struct uri *uri, int64_t deadline_us, struct error *err)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(uri->host, uri->port, &hints, &found);
    int fd = -1;

    if (failed != 0) {
        return error_set(err, "cannot find the host \"%s\": %s", uri->host,
                         gai_strerror(failed));
    }
    for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
        fd = link_connect(at->ai_addr, at->ai_addrlen, deadline_us);
    }
    failed = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        return error_set(err,
                         "cannot connect to %s port %s: %s (is stompd "
                         "running there?)",
                         uri->host, uri->port, strerror(failed));
    }
    /* Frames are written whole: Nagle could only delay them. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return fd;
}

/* Reads once into buf.  As link_read. */
static ptrdiff_t
link_receive(struct link *link, struct buf *buf, struct error *err)
{
    ssize_t got =
        recv(link->fd, buf_reserve(buf, LINK_READ_BYTES), LINK_READ_BYTES, 0);

    if (got > 0) {
        buf->len += (size_t)got;
        return got;
    }
    if (got == 0) {
        return error_set(err, "the broker closed the connection");
    }
    if (errno == EAGAIN || errno == EINTR) {
        return 0;
    }
    return error_set(err, "the connection to the broker broke: %s",
                     strerror(errno));
}

static int
link_handshake(struct link *link, const struct uri *uri, int64_t deadline_us,
               struct error *err)
{
    ptrdiff_t used = 0;

    ws_client_request(&link->ws, uri->host, uri->port, uri->path,
                      WS_CLIENT_SUBPROTOCOLS, &link->out);
    do {
        if (link_flush(link, err) != 0 ||
            link_receive(link, &link->raw, err) < 0) {
            return -1;
        }
        used = ws_client_answer(&link->ws, buf_span(&link->raw), err);
        if (used == 0 &&
            !link_wait(link->fd,
                       link_queued_bytes(link) > 0 ? POLLIN | POLLOUT : POLLIN,
                       deadline_us)) {
            return error_set(err,
                             "%s port %s did not answer the WebSocket "
                             "handshake in time",
                             uri->host, uri->port);
        }
    } while (used == 0);
    if (used > 0) {
        buf_consume(&link->raw, (size_t)used);
    }
    return used > 0 ? 0 : -1;
}

int
link_open(const struct uri *uri, int64_t deadline_us, struct link **link_out,
          struct error *err)
{
    struct link *link;
    int fd = uri->scheme == URI_UNIX ? link_connect_unix(uri, deadline_us, err)
                                     : link_connect_tcp(uri, deadline_us, err);

    *link_out = NULL;
    if (fd < 0) {
        return -1;
    }
    link = xcalloc(1, sizeof(*link));
    link->fd = fd;
    link->ws = WS_CLIENT_INIT;
    if (uri->scheme == URI_WS) {
        if (link_handshake(link, uri, deadline_us, err) != 0) {
            link_close(&link);
            return -1;
        }
        link->websocket = true;
    }
    *link_out = link;
    return 0;
}

void
link_close(struct link **link)
{
    if (*link == NULL) {
        return;
    }
    (void)close((*link)->fd);
    buf_fini(&(*link)->raw);
    buf_fini(&(*link)->out);
    free(*link);
    *link = NULL;
}

int
link_fd(const struct link *link)
{
    return link->fd;
}

bool
link_is_websocket(const struct link *link)
{
    return link->websocket;
}

void
link_queue(struct link *link, struct span bytes)
{
    if (link->websocket) {
        ws_client_frame(span_is_utf8(bytes) ? WS_TEXT : WS_BINARY, bytes,
                        &link->out);
    } else {
        buf_append_span(&link->out, bytes);
    }
}

size_t
link_queued_bytes(const struct link *link)
{
    return link->out.len - link->written;
}

int
link_flush(struct link *link, struct error *err)
{
    while (link_queued_bytes(link) > 0) {
        ssize_t sent = send(link->fd, link->out.data + link->written,
                            link_queued_bytes(link), MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN) {
            return 0;
        }
        if (sent < 0 && errno != EINTR) {
            return error_set(err, "the connection to the broker broke: %s",
                             strerror(errno));
        }
        link->written += sent > 0 ? (size_t)sent : 0;
    }
    buf_clear(&link->out);
    link->written = 0;
    return 0;
}

ptrdiff_t
link_read(struct link *link, struct buf *in, struct error *err)
{
    size_t before = in->len;
    enum ws_decode decoded;
    ptrdiff_t got;

    if (!link->websocket) {
        return link_receive(link, in, err);
    }
    got = link_receive(link, &link->raw, err);
    if (link->raw.len == 0) {
        return got;
    }
    decoded = ws_client_decode(&link->ws, buf_span(&link->raw), in, &link->out,
                               got < 0 ? NULL : err);
    buf_clear(&link->raw);
    if (in->len > before) {
        return (ptrdiff_t)(in->len - before);
    }
    return decoded == WS_DECODE_MORE && got >= 0 ? 0 : -1;
}
