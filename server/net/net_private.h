/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of server/net share: the net itself and the list of its
 * connections.  Nobody outside the folder includes this.
 */
#pragma once
#include "server/net/loop.h"
#include "server/net/net.h"
#include "server/net/outq.h"

struct conn;
struct http;
struct listener;

struct net {
    struct net_options options;
    struct loop *loop;
    struct outq_pool *pool;
    struct conn *conns;             /* utlist DL_ */
    struct listener *listeners;     /* utlist LL_ */
    struct http *http;              /* libwebsockets */
    struct net_exchange *exchanges; /* utlist DL_: of the admin socket */
    size_t exchange_count;
    struct net_counters counters;
    char *scratch; /* where frames for closed connections are written */
    size_t scratch_size;
    int reserve_fd;   /* given up to answer a client when none is left */
    size_t lingering; /* connections without session that only say goodbye */
    bool closed;      /* by net_close */
    bool draining;
    net_drained_fn *drained;
    void *drained_ctx;
    struct timer_node drain_timer;
};

/* Whether one more connection would pass connections_max. */
bool net_is_full(const struct net *net);

/* A connection or an HTTP client is gone: net_drain may be done. */
void net_on_gone(struct net *net);
