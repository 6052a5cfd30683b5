/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: libev underneath (libwebsockets is a guest on it), an epoll set
 * of our own for plain sockets that libev watches as one descriptor, the
 * timer wheel, and the shape of a turn:
 *
 *   1. every ready socket is read and fed to its session;
 *   2. timers that are due fire;
 *   3. rounds: options.turn dispatches what was routed, then every task that
 *      was queued (a connection to flush) runs once; again while there is
 *      more, at most LOOP_ROUNDS times;
 *   4. options.turn_end, then tasks put off to the end (frees);
 *   5. sleep, or not at all when rounds were left over.
 *
 * Everything but loop_wake is for the loop thread only.
 */
#pragma once
#include "base/error.h"
#include "base/timer_wheel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOOP_ROUNDS = 16,
    LOOP_READ_BYTES = 262144, /* per socket and turn */
};

struct ev_loop;
struct loop; /* opaque: defined in loop.c */

struct loop_options {
    /* Does a bounded piece of work and says whether there is more.  May lower
     * *due_us to when it wants to be called without any event. */
    bool (*turn)(void *ctx, int64_t now_us, int64_t *due_us);
    /* After the last round; returns when it wants to be called again at the
     * latest, INT64_MAX for never. */
    int64_t (*turn_end)(void *ctx, int64_t now_us);
    /* After loop_wake. */
    void (*woken)(void *ctx, int64_t now_us);
    void *ctx;
};

/* A watched descriptor, embedded in its owner. */
struct loop_fd;
typedef void loop_ready_fn(struct loop_fd *self, uint32_t events,
                           int64_t now_us);
struct loop_fd {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT, EPOLLRDHUP as asked for */
    bool watched;
    loop_ready_fn *ready;
};

/* Something to run once, in a round or at the end of the turn. */
struct loop_task;
typedef void loop_task_fn(struct loop_task *self, int64_t now_us);
struct loop_task {
    struct loop_task *next;
    loop_task_fn *run;
    bool queued;
};

typedef void loop_signal_fn(void *ctx, int signo);

struct loop *loop_new(const struct loop_options *options, struct error *err);
/* Frees *loop and sets it to NULL; nothing may be watched or set any more. */
void loop_free(struct loop **loop);

/* Runs turns until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Any thread, and signal handlers: options.woken runs on the loop thread
 * soon.  Calls that come before it has run are one. */
void loop_wake(struct loop *loop);

/* Calls fn(ctx, signo) from the loop, outside signal context. */
void loop_on_signal(struct loop *loop, int signo, loop_signal_fn *fn,
                    void *ctx);

/* The time of this turn, refreshed after long work. */
int64_t loop_now_us(const struct loop *loop);
/* Reads the clock anew. */
int64_t loop_refresh_now(struct loop *loop);

/* LOOP_READ_BYTES that whoever reads a socket may use until it returns. */
char *loop_read_buffer(struct loop *loop);

struct timer_wheel *loop_timers(struct loop *loop);

/* -1 with errno when epoll refuses. */
int loop_fd_watch(struct loop *loop, struct loop_fd *self, uint32_t events);
/* Changes what is watched; nothing happens when it is the same. */
void loop_fd_change(struct loop *loop, struct loop_fd *self, uint32_t events);
/* Call before close(); no event comes after it, in this turn either.  The
 * struct must live to the end of the turn. */
void loop_fd_forget(struct loop *loop, struct loop_fd *self);

/* Queues the task for this turn's next round; once, however often called. */
void loop_task_soon(struct loop *loop, struct loop_task *task);
/* Queues the task for the end of this turn: it may free what events and other
 * tasks of the turn still point at. */
void loop_task_at_end(struct loop *loop, struct loop_task *task);
/* Takes the task out again, before its owner is freed. */
void loop_task_cancel(struct loop *loop, struct loop_task *task);

/* For libwebsockets. */
struct ev_loop *loop_ev(struct loop *loop);
