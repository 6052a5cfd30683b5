/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/loop.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    LOOP_EVENTS = 512,
    /* Sockets that are handled before the clock is read again. */
    LOOP_REFRESH_EVERY = 32,
};

struct loop_signal {
    ev_signal watcher;
    loop_signal_fn *fn;
    void *ctx;
    struct loop_signal *next;
};

struct loop {
    struct loop_options options;
    struct ev_loop *ev;
    int epoll_fd;
    struct loop_fd wake; /* eventfd */
    atomic_bool woken;
    ev_io sockets; /* epoll_fd, as libev sees it */
    ev_prepare turn_end;
    ev_check turn_start;
    ev_idle no_sleep; /* active when work is left over */
    ev_timer due;
    int64_t due_us; /* what `due` is set to */
    int64_t now_us;
    struct timer_wheel *timers;
    struct loop_task *soon, **soon_tail;
    struct loop_task *at_end;
    struct loop_signal *signals;
    char *read_buffer;
    bool stopped;
};

/* ---- turns ---- */

int64_t
loop_now_us(const struct loop *loop)
{
    return loop->now_us;
}

int64_t
loop_refresh_now(struct loop *loop)
{
    loop->now_us = clock_monotonic_us();
    return loop->now_us;
}

/* Runs the tasks that are queued now; what they queue waits for the next
 * round.  Returns whether any ran. */
static bool
loop_run_tasks(struct loop *loop)
{
    struct loop_task *last = NULL;
    bool any = false;

    if (loop->soon != NULL) {
        last = container_of(loop->soon_tail, struct loop_task, next);
    }
    while (last != NULL && loop->soon != NULL) {
        struct loop_task *task = loop->soon;
        bool is_last = task == last;

        loop->soon = task->next;
        if (loop->soon == NULL) {
            loop->soon_tail = &loop->soon;
        }
        task->next = NULL;
        task->queued = false;
        any = true;
        task->run(task, loop->now_us);
        if (is_last) {
            break;
        }
    }
    return any;
}

static void
loop_run_end_tasks(struct loop *loop)
{
    while (loop->at_end != NULL) {
        struct loop_task *task = loop->at_end;

        loop->at_end = task->next;
        task->next = NULL;
        task->queued = false;
        task->run(task, loop->now_us);
    }
}

/* Returns whether there is more to do than the rounds of one turn. */
static bool
loop_run_rounds(struct loop *loop, int64_t *due_us)
{
    for (int round = 0; round < LOOP_ROUNDS; round++) {
        bool again = false;
        bool flushed;

        if (loop->options.turn != NULL) {
            /* The last round's answer counts: earlier ones are stale. */
            *due_us = INT64_MAX;
            again = loop->options.turn(loop->options.ctx, loop->now_us, due_us);
        }
        flushed = loop_run_tasks(loop);
        if (!again && !flushed) {
            return false;
        }
        loop_refresh_now(loop);
    }
    return true;
}

/* Sets libev's timer so that the loop wakes at due_us. */
static void
loop_set_due(struct loop *loop, int64_t due_us)
{
    if (due_us == INT64_MAX) {
        ev_timer_stop(loop->ev, &loop->due);
        return;
    }
    if (due_us == loop->due_us && ev_is_active(&loop->due)) {
        return;
    }
    ev_timer_stop(loop->ev, &loop->due);
    ev_now_update(loop->ev);
    ev_timer_set(&loop->due,
                 due_us > loop->now_us
                     ? (double)(due_us - loop->now_us) / 1000000.0
                     : 0.0,
                 0.0);
    ev_timer_start(loop->ev, &loop->due);
    loop->due_us = due_us;
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void
loop_on_turn_end(struct ev_loop *ev, ev_prepare *watcher, int revents)
{
    struct loop *loop = watcher->data;
    int64_t due_us = INT64_MAX;
    bool more;

    (void)revents;
    loop_refresh_now(loop);
    timer_wheel_advance(loop->timers, loop->now_us);
    more = loop_run_rounds(loop, &due_us);
    if (loop->options.turn_end != NULL) {
        due_us = earlier(
            due_us, loop->options.turn_end(loop->options.ctx, loop->now_us));
    }
    loop_run_end_tasks(loop);
    if (more || loop->soon != NULL) {
        ev_idle_start(ev, &loop->no_sleep);
    } else {
        ev_idle_stop(ev, &loop->no_sleep);
    }
    loop_set_due(loop, earlier(due_us, timer_wheel_next_us(loop->timers)));
}

static void
loop_on_turn_start(struct ev_loop *ev, ev_check *watcher, int revents)
{
    (void)ev;
    (void)revents;
    loop_refresh_now(watcher->data);
}

static void
loop_on_idle(struct ev_loop *ev, ev_idle *watcher, int revents)
{
    (void)ev;
    (void)watcher;
    (void)revents; /* being active is all it is for */
}

static void
loop_on_due(struct ev_loop *ev, ev_timer *watcher, int revents)
{
    (void)ev;
    (void)watcher;
    (void)revents; /* the turn that follows does the work */
}

/* ---- descriptors ---- */

static void
loop_on_sockets(struct ev_loop *ev, ev_io *watcher, int revents)
{
    struct loop *loop = watcher->data;
    struct epoll_event events[LOOP_EVENTS];
    int count = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, 0);

    (void)ev;
    (void)revents;
    for (int i = 0; i < count; i++) {
        struct loop_fd *self = events[i].data.ptr;

        if (i % LOOP_REFRESH_EVERY == LOOP_REFRESH_EVERY - 1) {
            loop_refresh_now(loop);
        }
        if (self->watched) { /* an earlier one may have closed it */
            self->ready(self, events[i].events, loop->now_us);
        }
    }
}

int
loop_fd_watch(struct loop *loop, struct loop_fd *self, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = self };

    assert(!self->watched);
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, self->fd, &event) != 0) {
        return -1;
    }
    self->events = events;
    self->watched = true;
    return 0;
}

void
loop_fd_change(struct loop *loop, struct loop_fd *self, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = self };
    int changed;

    if (!self->watched || self->events == events) {
        return;
    }
    changed = epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, self->fd, &event);
    assert(changed == 0);
    self->events = events;
}

void
loop_fd_forget(struct loop *loop, struct loop_fd *self)
{
    if (self->watched) {
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, self->fd, NULL);
        self->watched = false;
    }
}

/* ---- tasks ---- */

void
loop_task_soon(struct loop *loop, struct loop_task *task)
{
    if (!task->queued) {
        task->queued = true;
        task->next = NULL;
        *loop->soon_tail = task;
        loop->soon_tail = &task->next;
    }
}

void
loop_task_at_end(struct loop *loop, struct loop_task *task)
{
    assert(!task->queued);
    task->queued = true;
    task->next = loop->at_end;
    loop->at_end = task;
}

void
loop_task_cancel(struct loop *loop, struct loop_task *task)
{
    struct loop_task **link = &loop->soon;

    if (!task->queued) {
        return;
    }
    while (*link != NULL && *link != task) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        link = &loop->at_end;
        while (*link != task) {
            assert(*link != NULL);
            link = &(*link)->next;
        }
    } else if (loop->soon_tail == &task->next) {
        loop->soon_tail = link;
    }
    *link = task->next;
    task->next = NULL;
    task->queued = false;
}

/* ---- wake and signals ---- */

void
loop_wake(struct loop *loop)
{
    uint64_t one = 1;

    if (!atomic_exchange(&loop->woken, true)) {
        /* Fails only when the counter is full, and then it is awake. */
        if (write(loop->wake.fd, &one, sizeof(one)) < 0) {
            return;
        }
    }
}

static void
loop_on_wake(struct loop_fd *self, uint32_t events, int64_t now_us)
{
    struct loop *loop = container_of(self, struct loop, wake);
    uint64_t count;

    (void)events;
    if (read(self->fd, &count, sizeof(count)) < 0) {
        return;
    }
    /* First the flag: a wake from here on is a new one. */
    atomic_store(&loop->woken, false);
    if (loop->options.woken != NULL) {
        loop->options.woken(loop->options.ctx, now_us);
    }
}

static void
loop_on_signal_event(struct ev_loop *ev, ev_signal *watcher, int revents)
{
    struct loop_signal *self = watcher->data;

    (void)ev;
    (void)revents;
    self->fn(self->ctx, watcher->signum);
}

void
loop_on_signal(struct loop *loop, int signo, loop_signal_fn *fn, void *ctx)
{
    struct loop_signal *self = xcalloc(1, sizeof(*self));

    self->fn = fn;
    self->ctx = ctx;
    self->next = loop->signals;
    loop->signals = self;
    self->watcher.data = self;
    ev_signal_init(&self->watcher, loop_on_signal_event, signo);
    ev_signal_start(loop->ev, &self->watcher);
}

/* ---- life ---- */

static void
loop_start_watchers(struct loop *loop)
{
    loop->sockets.data = loop;
    ev_io_init(&loop->sockets, loop_on_sockets, loop->epoll_fd, EV_READ);
    ev_io_start(loop->ev, &loop->sockets);
    loop->turn_end.data = loop;
    ev_prepare_init(&loop->turn_end, loop_on_turn_end);
    ev_prepare_start(loop->ev, &loop->turn_end);
    loop->turn_start.data = loop;
    ev_check_init(&loop->turn_start, loop_on_turn_start);
    /* Before any socket is read. */
    ev_set_priority(&loop->turn_start, EV_MAXPRI);
    ev_check_start(loop->ev, &loop->turn_start);
    ev_idle_init(&loop->no_sleep, loop_on_idle);
    ev_set_priority(&loop->no_sleep, EV_MAXPRI);
    ev_timer_init(&loop->due, loop_on_due, 0.0, 0.0);
}

struct loop *
loop_new(const struct loop_options *options, struct error *err)
{
    struct loop *loop = xcalloc(1, sizeof(*loop));

    loop->options = *options;
    loop->soon_tail = &loop->soon;
    atomic_init(&loop->woken, false);
    loop->wake.ready = loop_on_wake;
    loop->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    loop->timers = timer_wheel_new(loop_refresh_now(loop));
    loop->read_buffer = xmalloc(LOOP_READ_BYTES);
    if (loop->wake.fd < 0 || loop->epoll_fd < 0 || loop->ev == NULL ||
        loop_fd_watch(loop, &loop->wake, EPOLLIN) != 0) {
        (void)error_set(err, "cannot make an event loop: %s", strerror(errno));
        loop_free(&loop);
        return NULL;
    }
    loop_start_watchers(loop);
    return loop;
}

void
loop_free(struct loop **loop)
{
    struct loop *self = *loop;

    if (self == NULL) {
        return;
    }
    loop_run_end_tasks(self);
    assert(self->soon == NULL);
    while (self->signals != NULL) {
        struct loop_signal *next = self->signals->next;

        ev_signal_stop(self->ev, &self->signals->watcher);
        free(self->signals);
        self->signals = next;
    }
    if (self->ev != NULL) {
        ev_loop_destroy(self->ev);
    }
    if (self->wake.fd >= 0) {
        (void)close(self->wake.fd);
    }
    if (self->epoll_fd >= 0) {
        (void)close(self->epoll_fd);
    }
    timer_wheel_free(&self->timers);
    free(self->read_buffer);
    free(self);
    *loop = NULL;
}

void
loop_run(struct loop *loop)
{
    loop_refresh_now(loop);
    if (!loop->stopped) { /* ev_run forgets an earlier ev_break */
        (void)ev_run(loop->ev, 0);
    }
}

void
loop_stop(struct loop *loop)
{
    loop->stopped = true;
    ev_break(loop->ev, EVBREAK_ALL);
}

char *
loop_read_buffer(struct loop *loop)
{
    return loop->read_buffer;
}

struct timer_wheel *
loop_timers(struct loop *loop)
{
    return loop->timers;
}

struct ev_loop *
loop_ev(struct loop *loop)
{
    return loop->ev;
}
