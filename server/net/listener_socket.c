/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/listener_socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    /* A silent peer is probed after a minute and given up after two. */
    KEEP_IDLE_S = 60,
    KEEP_INTERVAL_S = 15,
    KEEP_COUNT = 4,
    /* Unanswered data.  Long, because Linux counts a closed receive window as
     * unanswered too, and a consumer may well work for minutes on what it
     * has. */
    USER_TIMEOUT_MS = 900000,
};

static void
set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

void
listener_socket_tune(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
}

/* ---- TCP ---- */

/* "host:port" as an operator would type it. */
static const char *
endpoint_name(const struct net_endpoint *endpoint, char *text, size_t size)
{
    const char *fmt = strchr(endpoint->host, ':') != NULL ? "[%s]:%u" : "%s:%u";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(text, size, fmt, endpoint->host, (unsigned)endpoint->port);
#pragma GCC diagnostic pop
    return text;
}

static int
tcp_bind(const struct addrinfo *address)
{
    int fd = socket(address->ai_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0) {
        return -1;
    }
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 &&
        listen(fd, SOMAXCONN) == 0) {
        return fd;
    }
    error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static int
tcp_open(const struct net_endpoint *endpoint, struct error *err)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *found = NULL;
    char name[300];
    char port[8];
    int fd = -1;
    int result;

    (void)endpoint_name(endpoint, name, sizeof(name));
    (void)snprintf(port, sizeof(port), "%u", (unsigned)endpoint->port);
    result = getaddrinfo(endpoint->host, port, &hints, &found);
    if (result != 0) {
        return error_set(err, "cannot listen on %s: %s", name,
                         gai_strerror(result));
    }
    for (const struct addrinfo *at = found; at != NULL && fd < 0;
         at = at->ai_next) {
        fd = tcp_bind(at);
    }
    freeaddrinfo(found);
    if (fd < 0 && errno == EADDRINUSE) {
        return error_set(err,
                         "cannot listen on %s: %s; another stompd may be "
                         "running, or choose another port with -l",
                         name, strerror(errno));
    }
    if (fd < 0) {
        return error_set(err, "cannot listen on %s: %s", name, strerror(errno));
    }
    return fd;
}

/* ---- unix ---- */

/* Whether somebody accepts connections at that address. */
static bool
unix_is_alive(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool alive;

    if (fd < 0) {
        return true; /* not known: leave it alone */
    }
    /* EAGAIN: alive, its backlog is full. */
    alive = connect(fd, (const struct sockaddr *)(const void *)address,
                    sizeof(*address)) == 0 ||
            errno == EAGAIN;
    (void)close(fd);
    return alive;
}

/* Removes a socket that a killed stompd left behind, and nothing else. */
static int
unix_remove_stale(const struct sockaddr_un *address, struct error *err)
{
    struct stat st;

    if (lstat(address->sun_path, &st) != 0) {
        return 0;
    }
    if (!S_ISSOCK(st.st_mode)) {
        return error_set(err,
                         "cannot listen on unix:%s: the file is there and is "
                         "not a socket",
                         address->sun_path);
    }
    if (unix_is_alive(address)) {
        return error_set(err,
                         "cannot listen on unix:%s: Address already in use; "
                         "another stompd may be running",
                         address->sun_path);
    }
    if (unlink(address->sun_path) != 0) {
        return error_set(err, "cannot remove the stale socket %s: %s",
                         address->sun_path, strerror(errno));
    }
    return 0;
}

static int
unix_open(const struct net_endpoint *endpoint, struct error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    mode_t mask;
    int bound;
    int fd;

    if (strlen(endpoint->path) >= sizeof(address.sun_path)) {
        return error_set(err,
                         "cannot listen on unix:%s: the path is longer than "
                         "%zu bytes",
                         endpoint->path, sizeof(address.sun_path) - 1);
    }
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
                   endpoint->path);
    if (unix_remove_stale(&address, err) != 0) {
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* 0660, 0600 for the owner's own, from the first moment on. */
    mask = umask(endpoint->kind == NET_ENDPOINT_ADMIN ? 0177 : 0117);
    bound =
        fd < 0 ? -1
               : bind(fd, (struct sockaddr *)(void *)&address, sizeof(address));
    (void)umask(mask);
    if (bound != 0 || listen(fd, SOMAXCONN) != 0) {
        (void)error_set(err, "cannot listen on unix:%s: %s", endpoint->path,
                        strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    return fd;
}

int
listener_socket_open(const struct net_endpoint *endpoint, struct error *err)
{
    return endpoint->kind == NET_ENDPOINT_UNIX ||
                   endpoint->kind == NET_ENDPOINT_ADMIN
               ? unix_open(endpoint, err)
               : tcp_open(endpoint, err);
}

/* ---- names ---- */

static void
address_name(const struct sockaddr_storage *address, char *text, size_t size)
{
    char host[64] = "?";
    char port[8] = "0";

    (void)getnameinfo((const struct sockaddr *)(const void *)address,
                      sizeof(*address), host, sizeof(host), port, sizeof(port),
                      NI_NUMERICHOST | NI_NUMERICSERV);
    if (address->ss_family == AF_INET6) {
        (void)snprintf(text, size, "[%s]:%s", host, port);
    } else {
        (void)snprintf(text, size, "%s:%s", host, port);
    }
}

void
listener_socket_uri(int fd, const struct net_endpoint *endpoint, char *uri_out,
                    size_t size)
{
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof(address);
    char name[80];

    if (endpoint->kind == NET_ENDPOINT_UNIX ||
        endpoint->kind == NET_ENDPOINT_ADMIN) {
        (void)snprintf(uri_out, size, "unix:%s", endpoint->path);
        return;
    }
    (void)getsockname(fd, (struct sockaddr *)(void *)&address, &len);
    address_name(&address, name, sizeof(name));
    if (endpoint->kind == NET_ENDPOINT_WS) {
        (void)snprintf(uri_out, size, "ws://%s%s", name,
                       endpoint->path != NULL ? endpoint->path : "/stomp");
    } else {
        (void)snprintf(uri_out, size, "stomp://%s", name);
    }
}

void
listener_socket_peer(int fd, const struct sockaddr_storage *address,
                     char *peer_out, size_t size)
{
    struct ucred peer = { .uid = 0 };
    socklen_t len = sizeof(peer);

    if (address->ss_family != AF_UNIX) {
        address_name(address, peer_out, size);
        return;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0) {
        (void)snprintf(peer_out, size, "unix:uid=%u", (unsigned)peer.uid);
    } else {
        (void)snprintf(peer_out, size, "unix:");
    }
}
