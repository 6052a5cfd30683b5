/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all connections have in common: the transport that the session sees,
 * the session, output, one timer, and their place in the net's list.
 * conn_tcp.c and conn_ws.c embed it.
 */
#pragma once
#include "base/hash.h"
#include "server/net/loop.h"
#include "server/net/net_private.h"
#include "server/net/outq.h"
#include "server/session/transport.h"

struct session;

enum {
    CONN_DRAIN_US = 2000000,  /* reading on after our half-close */
    CONN_STALL_US = 5000000,  /* closing, and the peer takes nothing */
    CONN_CLOSE_US = 30000000, /* closing, whatever the peer takes */
};

struct conn {
    struct transport transport; /* first: the session's handle */
    struct net *net;
    struct session *session; /* NULL before it begins and after it ended */
    struct conn *prev, *next;
    struct timer_node timer;
    struct loop_task flush;
    struct loop_task end; /* frees it, when the turn is over */
    struct outq outq;
    /* Ends the connection at once, without flushing. */
    void (*abort)(struct conn *conn, const char *reason);
    char reason[96];  /* why it must end */
    bool turned_away; /* counted in net->lingering */
};

static inline struct conn *
conn_of_transport(struct transport *transport)
{
    return container_of(transport, struct conn, transport);
}

/* Prepares all but the functions, and puts it on the net's list. */
void conn_init(struct conn *conn, struct net *net);

/* Takes it off every list and gives its output back; the struct is the
 * caller's to free by conn->end. */
void conn_fini(struct conn *conn);

void conn_open_session(struct conn *conn, int64_t now_us);

/* session_on_closed and session_free, once. */
void conn_close_session(struct conn *conn, const char *reason, int64_t now_us);

/* len bytes that will never be sent. */
char *conn_scratch(struct conn *conn, size_t len);

/* Counts and hands over what arrived. */
void conn_feed(struct conn *conn, struct span bytes, int64_t now_us);

/* The kernel took count bytes; tells the session. */
void conn_written(struct conn *conn, size_t count, int64_t now_us);

/* Whether more waits than the hard limit allows, not counting the last frame:
 * one frame may always wait, however large.  Then the log and conn->reason have
 * it, and the caller ends the connection. */
bool conn_is_over_limit(struct conn *conn, size_t last_frame);

/* Sets conn->reason; the first one stays. */
void conn_set_reason(struct conn *conn, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
