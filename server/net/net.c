/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/net.h"

#include "base/alloc.h"
#include "server/log.h"
#include "server/net/conn.h"
#include "server/net/http.h"
#include "server/net/http_conn.h"
#include "server/net/listener.h"
#include "server/net/net_private.h"
#include "server/session/session.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { NET_DRAIN_US = 5000000 };

static void net_on_drain_timer(struct timer_node *node, int64_t now_us);

static bool
net_on_turn(void *ctx, int64_t now_us, int64_t *due_us)
{
    struct net *net = ctx;

    return net->options.turn != NULL &&
           net->options.turn(net->options.ctx, now_us, due_us);
}

static int64_t
net_on_turn_end(void *ctx, int64_t now_us)
{
    struct net *net = ctx;

    net->counters.turns++;
    return net->options.turn_end != NULL
               ? net->options.turn_end(net->options.ctx, now_us)
               : INT64_MAX;
}

static void
net_on_woken(void *ctx, int64_t now_us)
{
    struct net *net = ctx;

    if (net->options.woken != NULL) {
        net->options.woken(net->options.ctx, now_us);
    }
}

struct net *
net_new(const struct net_options *options, struct error *err)
{
    struct net *net = xcalloc(1, sizeof(*net));
    struct loop_options loop_options = {
        .turn = net_on_turn,
        .turn_end = net_on_turn_end,
        .woken = net_on_woken,
        .ctx = net,
    };

    (void)signal(SIGPIPE, SIG_IGN);
    net->options = *options;
    net->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    net->pool = outq_pool_new();
    timer_node_init(&net->drain_timer, net_on_drain_timer);
    net->loop = loop_new(&loop_options, err);
    if (net->loop == NULL || http_start(net, err) != 0) {
        net_free(&net);
        return NULL;
    }
    return net;
}

void
net_close(struct net *net)
{
    struct conn *conn, *next;

    if (net->loop == NULL || net->closed) {
        return;
    }
    net->closed = true;
    listener_close_all(net);
    DL_FOREACH_SAFE(net->conns, conn, next) {
        conn->abort(conn, "stompd stopped");
    }
    http_conn_end_all(net);
    http_stop(net);
    timer_wheel_cancel(loop_timers(net->loop), &net->drain_timer);
}

/* What ended in net_close is freed with the loop; nothing is left to run. */
void
net_free(struct net **net)
{
    struct net *self = *net;

    if (self == NULL) {
        return;
    }
    net_close(self);
    loop_free(&self->loop);
    outq_pool_free(&self->pool);
    if (self->reserve_fd >= 0) {
        (void)close(self->reserve_fd);
    }
    free(self->scratch);
    free(self);
    *net = NULL;
}

int
net_listen(struct net *net, const struct net_endpoint *endpoint, char *uri_out,
           size_t size, struct error *err)
{
    return listener_open(net, endpoint, uri_out, size, err);
}

void
net_run(struct net *net)
{
    loop_run(net->loop);
}

void
net_stop(struct net *net)
{
    loop_stop(net->loop);
}

/* ---- draining ---- */

static void
net_drained(struct net *net)
{
    net_drained_fn *drained = net->drained;

    timer_wheel_cancel(loop_timers(net->loop), &net->drain_timer);
    net->drained = NULL;
    if (drained != NULL) {
        drained(net->drained_ctx);
    }
}

static void
net_on_drain_timer(struct timer_node *node, int64_t now_us)
{
    struct net *net = container_of(node, struct net, drain_timer);

    (void)now_us;
    if (net->counters.connections > 0) {
        log_event(LOG_LEVEL_WARNING, "net", "connections cut at stop",
                  "connections=%zu", net->counters.connections);
    }
    net_drained(net);
}

void
net_on_gone(struct net *net)
{
    if (net->drained != NULL && net->counters.connections == 0) {
        /* From the timer, so that it does not run inside a connection's
         * end. */
        timer_wheel_set(loop_timers(net->loop), &net->drain_timer,
                        loop_now_us(net->loop));
    }
}

void
net_drain(struct net *net, net_drained_fn *drained, void *ctx)
{
    struct conn *conn, *next;

    if (net->draining) {
        return;
    }
    net->draining = true;
    net->drained = drained;
    net->drained_ctx = ctx;
    listener_close_all(net);
    timer_wheel_set(loop_timers(net->loop), &net->drain_timer,
                    loop_now_us(net->loop) + NET_DRAIN_US);
    DL_FOREACH_SAFE(net->conns, conn, next) {
        if (conn->session != NULL) {
            session_refuse(conn->session, TRANSPORT_CLOSE_SHUTDOWN,
                           "stompd is stopping", NULL);
        } else {
            conn->abort(conn, "stompd stopped");
        }
    }
    net_on_gone(net);
}

/* ---- the rest ---- */

bool
net_is_full(const struct net *net)
{
    return net->options.connections_max > 0 &&
           net->counters.connections + net->counters.http - net->lingering >=
               net->options.connections_max;
}

void
net_wake(struct net *net)
{
    loop_wake(net->loop);
}

void
net_on_signal(struct net *net, int signo, net_signal_fn *fn, void *ctx)
{
    loop_on_signal(net->loop, signo, fn, ctx);
}

int64_t
net_now_us(const struct net *net)
{
    return loop_now_us(net->loop);
}

const struct net_counters *
net_counters(const struct net *net)
{
    return &net->counters;
}

size_t
net_timer_count(const struct net *net)
{
    return timer_wheel_count(loop_timers(net->loop));
}

void
net_each(const struct net *net, net_each_fn *fn, void *ctx)
{
    const struct conn *conn;

    DL_FOREACH(net->conns, conn) {
        if (conn->session != NULL) {
            fn(ctx, &conn->transport, conn->session);
        }
    }
}
