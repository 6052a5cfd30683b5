/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare relay: what moving the bytes costs, to measure a broker against.
 * One epoll loop over TCP; frames are found by their NUL, never parsed, copied
 * once into the receiver's buffer and written at the end of the turn.
 *
 *     relay queue         each frame to the first subscriber
 *     relay topic         each frame to every subscriber
 *     relay receipt FILE  each frame appended to FILE; one fdatasync for all
 *                         of a turn, then their receipts
 *
 * It listens on a free port of 127.0.0.1 and says so as stompd does.  It
 * answers just enough for `stompctl bench`: CONNECT, and the receipt of a
 * SUBSCRIBE.  Subscribers get SEND frames as they came, which stompctl bench
 * takes for messages.  Not a broker: no queue, no headers, no errors.
 */
#include "base/alloc.h"
#include "base/buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    RELAY_READ_BYTES = 262144,
    RELAY_HIGH_BYTES = 1048576, /* above, nobody is read */
    RELAY_LOW_BYTES = 262144,   /* below, reading goes on */
    RELAY_EVENTS = 256,
    RELAY_CONNS = 16384,
};

struct relay_conn {
    int fd;
    bool subscribed;
    bool touched;  /* is in relay.touched */
    bool blocked;  /* epoll watches for writability */
    bool full;     /* was above the high water mark */
    struct buf in; /* starts with the frame that waits for its rest */
    struct buf out;
    size_t written; /* of out */
};

struct relay {
    bool topic;
    int log; /* receipt: where frames are appended; else -1 */
    int epoll;
    int listener;
    struct buf log_out;  /* frames of this turn */
    struct buf receipts; /* of this turn, for one connection */
    struct relay_conn *conns[RELAY_CONNS];
    size_t conn_count;
    struct relay_conn *touched[RELAY_CONNS];
    size_t touched_count;
    size_t full_count;
    bool paused;
};

static void
relay_die(const char *what)
{
    perror(what);
    exit(EX_OSERR);
}

static void
relay_watch(struct relay *relay, struct relay_conn *conn, int op)
{
    struct epoll_event event = { .data.ptr = conn };

    event.events = (relay->paused && !conn->subscribed ? 0 : EPOLLIN) |
                   (conn->blocked ? EPOLLOUT : 0);
    if (epoll_ctl(relay->epoll, op, conn->fd, &event) != 0) {
        relay_die("epoll_ctl");
    }
}

static void
relay_touch(struct relay *relay, struct relay_conn *conn)
{
    if (!conn->touched) {
        conn->touched = true;
        relay->touched[relay->touched_count++] = conn;
    }
}

static void
relay_put(struct relay *relay, struct relay_conn *conn, const void *data,
          size_t len)
{
    buf_append(&conn->out, data, len);
    relay_touch(relay, conn);
}

static void
relay_forward(struct relay *relay, struct span frame)
{
    for (size_t i = 0; i < relay->conn_count; i++) {
        if (relay->conns[i]->subscribed) {
            relay_put(relay, relay->conns[i], frame.data, frame.len);
            if (!relay->topic) {
                return;
            }
        }
    }
}

/* Puts the RECEIPT that frame asks for, if it does, to out. */
static void
relay_receipt(struct span frame, struct buf *out)
{
    static const char name[] = "\nreceipt:";
    const char *at = memmem(frame.data, frame.len, name, sizeof(name) - 1);
    const char *end;

    if (at != NULL) {
        at += sizeof(name) - 1;
        end = memchr(at, '\n', (size_t)(frame.data + frame.len - at));
        buf_append_span(out, SPAN("RECEIPT\nreceipt-id:"));
        buf_append(out, at, end == NULL ? 0 : (size_t)(end - at));
        buf_append(out, "\n\n", 3); /* with the NUL */
    }
}

static void
relay_on_frame(struct relay *relay, struct relay_conn *conn, struct span frame)
{
    static const char connected[] = "CONNECTED\nversion:1.2\n"
                                    "heart-beat:0,0\n\n";

    if (frame.data[0] == 'S' && frame.data[1] == 'E') {
        if (relay->log >= 0) {
            buf_append_span(&relay->log_out, frame);
            relay_receipt(frame, &relay->receipts);
        }
        relay_forward(relay, frame);
        return;
    }
    if (frame.data[0] == 'C') {
        relay_put(relay, conn, connected, sizeof(connected));
        return;
    }
    if (frame.data[0] == 'S') {
        conn->subscribed = true;
    }
    relay_receipt(frame, &conn->out);
    relay_touch(relay, conn);
}

/* Hands out the whole frames at the front of in and returns the rest. */
static struct span
relay_cut(struct relay *relay, struct relay_conn *conn, struct span in)
{
    const char *end;

    while (in.len > 0 && in.data[0] == '\n') {
        in = span_after(in, 1);
    }
    while (in.len > 0 && (end = memchr(in.data, '\0', in.len)) != NULL) {
        size_t len = (size_t)(end - in.data) + 1;

        relay_on_frame(relay, conn, span_of(in.data, len));
        in = span_after(in, len);
    }
    return in;
}

/* The receipts of one connection's frames wait for the commit of the turn. */
static void
relay_collect_receipts(struct relay *relay, struct relay_conn *conn)
{
    if (relay->receipts.len > 0) {
        buf_append_span(&conn->out, buf_span(&relay->receipts));
        buf_clear(&relay->receipts);
        relay_touch(relay, conn);
    }
}

static void
relay_commit(struct relay *relay)
{
    size_t done = 0;

    while (done < relay->log_out.len) {
        ssize_t put = write(relay->log, relay->log_out.data + done,
                            relay->log_out.len - done);

        if (put < 0) {
            relay_die("write");
        }
        done += (size_t)put;
    }
    if (done > 0 && fdatasync(relay->log) != 0) {
        relay_die("fdatasync");
    }
    buf_clear(&relay->log_out);
}

static void
relay_close(struct relay *relay, struct relay_conn *conn)
{
    size_t i = 0;

    while (relay->conns[i] != conn) {
        i++;
    }
    relay->conns[i] = relay->conns[--relay->conn_count];
    relay->full_count -= conn->full;
    buf_fini(&conn->in);
    buf_fini(&conn->out);
    free(conn);
}

/* Freed at the end of the turn: it may be touched. */
static void
relay_drop(struct relay *relay, struct relay_conn *conn)
{
    conn->subscribed = false;
    (void)close(conn->fd);
    conn->fd = -1;
    relay_touch(relay, conn);
}

static void
relay_on_readable(struct relay *relay, struct relay_conn *conn)
{
    struct buf *in = &conn->in;
    struct span rest;
    ssize_t got =
        recv(conn->fd, buf_reserve(in, RELAY_READ_BYTES), RELAY_READ_BYTES, 0);

    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
            relay_drop(relay, conn);
        }
        return;
    }
    in->len += (size_t)got;
    rest = relay_cut(relay, conn, buf_span(in));
    buf_consume(in, in->len - rest.len);
    relay_collect_receipts(relay, conn);
}

static void
relay_water(struct relay *relay, struct relay_conn *conn)
{
    size_t waiting = conn->out.len - conn->written;

    if (!conn->full && waiting > RELAY_HIGH_BYTES) {
        conn->full = true;
        relay->full_count++;
    } else if (conn->full && waiting < RELAY_LOW_BYTES) {
        conn->full = false;
        relay->full_count--;
    }
}

static void
relay_write(struct relay *relay, struct relay_conn *conn)
{
    bool was_blocked = conn->blocked;
    ssize_t sent = 0;

    conn->touched = false;
    if (conn->out.len > conn->written) {
        sent = send(conn->fd, conn->out.data + conn->written,
                    conn->out.len - conn->written, MSG_NOSIGNAL);
    }
    conn->written += sent > 0 ? (size_t)sent : 0;
    conn->blocked = conn->written < conn->out.len;
    if (!conn->blocked || conn->written > RELAY_HIGH_BYTES) {
        buf_consume(&conn->out, conn->written);
        conn->written = 0;
    }
    relay_water(relay, conn);
    if (conn->blocked != was_blocked) {
        relay_watch(relay, conn, EPOLL_CTL_MOD);
    }
}

/* The end of a turn: commit, write, stop or go on reading. */
static void
relay_flush(struct relay *relay)
{
    bool paused;

    relay_commit(relay);
    for (size_t i = 0; i < relay->touched_count; i++) {
        if (relay->touched[i]->fd < 0) {
            relay_close(relay, relay->touched[i]);
        } else {
            relay_write(relay, relay->touched[i]);
        }
    }
    relay->touched_count = 0;
    paused = relay->full_count > 0;
    if (paused != relay->paused) {
        relay->paused = paused;
        for (size_t i = 0; i < relay->conn_count; i++) {
            relay_watch(relay, relay->conns[i], EPOLL_CTL_MOD);
        }
    }
}

static void
relay_accept(struct relay *relay)
{
    struct relay_conn *conn;
    int fd = accept4(relay->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 || relay->conn_count == RELAY_CONNS) {
        relay_die("accept4");
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    conn = xcalloc(1, sizeof(*conn));
    conn->fd = fd;
    relay->conns[relay->conn_count++] = conn;
    relay_watch(relay, conn, EPOLL_CTL_ADD);
}

static void
relay_listen(struct relay *relay)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    relay->epoll = epoll_create1(EPOLL_CLOEXEC);
    relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(relay->listener, (const struct sockaddr *)&address, len) != 0 ||
        listen(relay->listener, SOMAXCONN) != 0 ||
        getsockname(relay->listener, (struct sockaddr *)&address, &len) != 0 ||
        epoll_ctl(relay->epoll, EPOLL_CTL_ADD, relay->listener, &event) != 0) {
        relay_die("listen");
    }
    (void)printf("ready stomp://127.0.0.1:%u\n", ntohs(address.sin_port));
    (void)fflush(stdout);
}

static void
relay_turn(struct relay *relay)
{
    struct epoll_event events[RELAY_EVENTS];
    int count = epoll_wait(relay->epoll, events, RELAY_EVENTS, -1);

    for (int i = 0; i < count; i++) {
        struct relay_conn *conn = events[i].data.ptr;

        if (conn == NULL) {
            relay_accept(relay);
            continue;
        }
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
            relay_on_readable(relay, conn);
        }
        if ((events[i].events & EPOLLOUT) != 0) {
            relay_touch(relay, conn);
        }
    }
    relay_flush(relay);
}

int
main(int argc, char **argv)
{
    struct relay *relay = xcalloc(1, sizeof(*relay));
    const char *mode = argc > 1 ? argv[1] : "";
    bool receipt = strcmp(mode, "receipt") == 0 && argc == 3;

    relay->topic = strcmp(mode, "topic") == 0;
    relay->log = -1;
    if (!relay->topic && !receipt && strcmp(mode, "queue") != 0) {
        (void)fputs("usage: relay queue | topic | receipt FILE\n", stderr);
        return EX_USAGE;
    }
    if (receipt) {
        relay->log = open(
            argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        if (relay->log < 0) {
            relay_die(argv[2]);
        }
    }
    relay_listen(relay);
    for (;;) {
        relay_turn(relay);
    }
}
