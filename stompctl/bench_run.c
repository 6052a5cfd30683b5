/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/bench.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BENCH_READ_BYTES = 262144,
    BENCH_EVENTS = 256,
    BENCH_CONNECT_US = 30000000,
    BENCH_TICK_NS = 100000000, /* how often idleness is looked at */
};

int64_t
bench_now_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t
bench_cpu_us(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static enum client_status
bench_lost(struct error *err, const char *why)
{
    (void)error_set(err, "a connection of the benchmark was lost: %s", why);
    return CLIENT_UNAVAILABLE;
}

enum client_status
bench_conn_read(struct bench *bench, struct bench_conn *conn,
                struct span *in_out, struct error *err)
{
    struct link *link = client_link(conn->client);
    struct buf *in = &bench->in;
    ssize_t got;

    buf_clear(in);
    buf_append_span(in, buf_span(&conn->carry));
    if (link_is_websocket(link)) {
        got = link_read(link, in, err);
        if (got < 0) {
            return CLIENT_UNAVAILABLE;
        }
    } else {
        got = recv(link_fd(link), buf_reserve(in, BENCH_READ_BYTES),
                   BENCH_READ_BYTES, 0);
        if (got == 0) {
            return bench_lost(err, "the broker closed it");
        }
        if (got < 0 && errno != EAGAIN && errno != EINTR) {
            return bench_lost(err, strerror(errno));
        }
        in->len += got > 0 ? (size_t)got : 0;
    }
    *in_out = buf_span(in);
    return CLIENT_OK;
}

void
bench_conn_keep(struct bench_conn *conn, struct span rest)
{
    buf_clear(&conn->carry);
    buf_append_span(&conn->carry, rest);
}

enum client_status
bench_on_error(const struct bench_frame *frame, struct error *err)
{
    char message[200];
    char body[200];

    (void)error_set(
        err, "the broker answered ERROR: %s%s%s",
        span_escape(bench_head_find(frame->head, SPAN("\nmessage:")), message,
                    sizeof(message)),
        frame->body.len > 0 ? ": " : "",
        span_escape(frame->body, body, sizeof(body)));
    return CLIENT_PROTOCOL;
}

/* Events carry the number of the connection: consumers first. */
static struct bench_conn *
bench_conn_at(struct bench *bench, uint64_t number)
{
    uint64_t consumers = bench->options->consumers;

    return number < consumers ? &bench->consumers[number].conn
                              : &bench->producers[number - consumers].conn;
}

/* Watches for writability as long as the socket takes no more. */
static void
bench_conn_arm(struct bench *bench, uint64_t number)
{
    struct bench_conn *conn = bench_conn_at(bench, number);
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = number };

    if (conn->blocked != conn->armed) {
        event.events |= conn->blocked ? EPOLLOUT : 0;
        (void)epoll_ctl(bench->epoll, EPOLL_CTL_MOD,
                        link_fd(client_link(conn->client)), &event);
        conn->armed = conn->blocked;
    }
}

static int
bench_connect(struct bench *bench, enum client_status *status_out,
              struct error *err)
{
    const struct bench_options *options = bench->options;
    uint64_t count = options->consumers + options->producers;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    for (uint64_t i = 0; i < count && *status_out == CLIENT_OK; i++) {
        struct bench_conn *conn = bench_conn_at(bench, i);
        struct client_options rest = {
            .deadline_us = option_deadline(BENCH_CONNECT_US),
        };
        struct epoll_event event = { .events = EPOLLIN, .data.u64 = i };

        if (connect_options_open(&options->connect, &rest, &conn->client,
                                 status_out, err) != 0) {
            return -1;
        }
        if (*status_out == CLIENT_OK &&
            epoll_ctl(bench->epoll, EPOLL_CTL_ADD,
                      link_fd(client_link(conn->client)), &event) != 0) {
            *status_out = bench_lost(err, strerror(errno));
        }
    }
    return 0;
}

/* What happens on one connection. */
static enum client_status
bench_on_event(struct bench *bench, const struct epoll_event *event,
               struct error *err)
{
    uint64_t number = event->data.u64;
    uint64_t consumers = bench->options->consumers;
    struct bench_conn *conn = bench_conn_at(bench, number);
    enum client_status status = CLIENT_OK;

    if ((event->events & EPOLLOUT) != 0) {
        conn->blocked = false;
    }
    if (number < consumers) {
        status =
            bench_consumer_on_readable(bench, &bench->consumers[number], err);
    } else if ((event->events & ~(uint32_t)EPOLLOUT) != 0) {
        status = bench_producer_on_readable(
            bench, &bench->producers[number - consumers], err);
    }
    if (status == CLIENT_OK) {
        bench_conn_arm(bench, number);
    }
    return status;
}

static enum client_status
bench_pump_all(struct bench *bench, struct error *err)
{
    const struct bench_options *options = bench->options;
    int64_t now_ns = options->rate > 0 ? bench_now_ns() : 0;
    enum client_status status = CLIENT_OK;

    for (uint64_t i = 0; i < options->producers && status == CLIENT_OK; i++) {
        struct bench_producer *producer = &bench->producers[i];

        if (bench_producer_is_ready(bench, producer, now_ns)) {
            status = bench_producer_pump(bench, producer, err);
            bench_conn_arm(bench, options->consumers + i);
        }
    }
    return status;
}

/* How long the loop may sleep. */
static struct timespec
bench_sleep(const struct bench *bench, bool started)
{
    const struct bench_options *options = bench->options;
    int64_t now_ns = bench_now_ns();
    int64_t due_ns = now_ns + BENCH_TICK_NS;
    int64_t left_ns;

    for (uint64_t i = 0; started && i < options->producers; i++) {
        const struct bench_producer *producer = &bench->producers[i];
        int64_t next_ns = bench_producer_due_ns(bench, producer);

        if (bench_producer_is_ready(bench, producer, now_ns)) {
            return (struct timespec){ .tv_sec = 0 };
        }
        if (!producer->conn.blocked && next_ns > now_ns && next_ns < due_ns) {
            due_ns = next_ns;
        }
    }
    left_ns = due_ns - now_ns;
    return (struct timespec){ .tv_nsec = left_ns };
}

static uint64_t
bench_progress(const struct bench *bench)
{
    return bench->subscribed + bench->sent + bench->received + bench->receipts +
           bench->byes + bench->duplicated + bench->foreign;
}

static bool
bench_is_done(const struct bench *bench)
{
    const struct bench_options *options = bench->options;

    if (bench->sent < options->count && options->producers > 0) {
        return false;
    }
    return bench->received >= bench->expected &&
           (options->window == 0 || bench->receipts >= bench->sent) &&
           (!bench->await_byes || bench->byes >= options->producers);
}

/* Starts the clock once every consumer is subscribed; a drain, whose messages
 * come with the subscription, when it begins to wait. */
static bool
bench_try_start(struct bench *bench)
{
    const struct bench_options *options = bench->options;

    if (bench->start_ns == 0 &&
        (options->producers == 0 || bench->subscribed == options->consumers)) {
        bench->start_ns = bench_now_ns();
        bench->cpu_us = bench_cpu_us();
    }
    return bench->start_ns != 0;
}

static enum client_status
bench_loop(struct bench *bench, struct error *err)
{
    struct epoll_event events[BENCH_EVENTS];
    enum client_status status = CLIENT_OK;
    int64_t alive_ns = bench_now_ns();
    uint64_t progress = bench_progress(bench);

    while (status == CLIENT_OK && !bench_is_done(bench)) {
        bool started = bench_try_start(bench);
        struct timespec sleep = bench_sleep(bench, started);
        int count =
            epoll_pwait2(bench->epoll, events, BENCH_EVENTS, &sleep, NULL);

        for (int i = 0; i < count && status == CLIENT_OK; i++) {
            status = bench_on_event(bench, &events[i], err);
        }
        if (status == CLIENT_OK && started) {
            status = bench_pump_all(bench, err);
        }
        if (bench_progress(bench) != progress) {
            progress = bench_progress(bench);
            alive_ns = bench_now_ns();
        } else if (bench_now_ns() - alive_ns > bench->options->idle_us * 1000) {
            bench->timed_out = true;
            break;
        }
    }
    bench->cpu_us = bench_cpu_us() - bench->cpu_us;
    return status;
}

static void
bench_prepare(struct bench *bench)
{
    const struct bench_options *options = bench->options;

    bench->seen = xcalloc(options->producers + 1, sizeof(*bench->seen));
    for (uint64_t i = 0; i < options->producers; i++) {
        bench_producer_init(bench, &bench->producers[i], (uint32_t)i);
        bench->seen[i] = xcalloc(bench->producers[i].total / 8 + 1, 1);
    }
    for (uint64_t i = 0; i < options->consumers; i++) {
        bench_consumer_init(bench, &bench->consumers[i]);
    }
}

int
bench_run(struct bench *bench, enum client_status *status_out,
          struct error *err)
{
    const struct bench_options *options = bench->options;

    /* Only has to differ from the last runs'. */
    bench->run =
        ((uint64_t)bench_now_ns() ^ (uint64_t)getpid() << 16) & UINT32_MAX;
    bench->is_topic = strncmp(options->destination, "/topic/", 7) == 0;
    bench->await_byes = options->consumers == 0 && options->window == 0;
    bench->expected =
        options->count *
        (bench->is_topic ? options->consumers : options->consumers > 0);
    bench->producers =
        xcalloc(options->producers + 1, sizeof(*bench->producers));
    bench->consumers =
        xcalloc(options->consumers + 1, sizeof(*bench->consumers));
    bench->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bench_connect(bench, status_out, err) != 0) {
        return -1;
    }
    if (*status_out == CLIENT_OK) {
        bench_prepare(bench);
        for (uint64_t i = 0; i < options->consumers; i++) {
            struct link *link = client_link(bench->consumers[i].conn.client);

            /* One short frame into an empty socket buffer: it fits. */
            if (link_flush(link, err) != 0) {
                *status_out = CLIENT_UNAVAILABLE;
                return 0;
            }
        }
        *status_out = bench_loop(bench, err);
    }
    return 0;
}

void
bench_fini(struct bench *bench)
{
    const struct bench_options *options = bench->options;

    for (uint64_t i = 0; bench->consumers != NULL && i < options->consumers;
         i++) {
        bench_consumer_fini(&bench->consumers[i]);
    }
    for (uint64_t i = 0; bench->producers != NULL && i < options->producers;
         i++) {
        bench_producer_fini(&bench->producers[i]);
        if (bench->seen != NULL) {
            free(bench->seen[i]);
        }
    }
    for (uint64_t i = 0; bench->consumers != NULL &&
                         i < options->consumers + options->producers;
         i++) {
        struct bench_conn *conn = bench_conn_at(bench, i);

        buf_fini(&conn->carry);
        client_free(&conn->client);
    }
    free(bench->consumers);
    free(bench->producers);
    free(bench->seen);
    buf_fini(&bench->in);
    (void)close(bench->epoll);
}

bool
bench_is_good(const struct bench *bench)
{
    return bench_is_done(bench) && bench->received == bench->expected &&
           bench->duplicated == 0 && bench->disordered == 0;
}
