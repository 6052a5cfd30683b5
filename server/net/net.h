/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network side of stompd: the loop thread, its listeners and connections.
 * Plain TCP and unix sockets are ours, WebSocket and HTTP are libwebsockets'
 * on the same loop.  It makes one session per STOMP connection and knows
 * nothing of what the session does.
 *
 * Loop thread only, but for net_wake.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"
#include "server/session/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct core;
struct net; /* opaque: defined in net_private.h */
struct session;
struct session_config;

/*
 * One round of dispatch: a bounded piece of work that fills output buffers.
 * Returns whether there is more.  It is called again after the buffers were
 * flushed, up to 16 times before sockets are read again.  May set *due_us
 * (INT64_MAX before the call) to when it wants a turn without any event.
 */
typedef bool net_turn_fn(void *ctx, int64_t now_us, int64_t *due_us);
/* Once after the last round of a turn, before the loop sleeps; returns when it
 * wants to be called again at the latest, INT64_MAX for no matter when. */
typedef int64_t net_turn_end_fn(void *ctx, int64_t now_us);
typedef void net_woken_fn(void *ctx, int64_t now_us);
typedef void net_signal_fn(void *ctx, int signo);

/* A request on the admin socket that is to be answered once, with net_answer,
 * now or later. */
struct net_exchange;
struct http_request;
/* request is borrowed until the call returns.  No call after net_free, and no
 * answer either. */
typedef void net_request_fn(void *ctx, struct net_exchange *exchange,
                            const struct http_request *request);
/* Why the broker cannot do its work, NULL when it can: GET /healthz. */
typedef const char *net_health_fn(void *ctx);

/* All connections that were told to close by net_drain are gone. */
typedef void net_drained_fn(void *ctx);

struct net_options {
    struct core *core;                    /* handed to session_new */
    const struct session_config *session; /* must outlive the net */
    size_t connections_max;               /* 0: no limit of ours */
    size_t out_hard_bytes; /* a connection that lets more than this pile up,
                              and one frame, is cut; 0: 64 MiB */
    const char *http_directory; /* files for HTTP GET; NULL: built-in page */
    const char *const *origins; /* allowed for WebSocket, ends with NULL; "*"
                                   allows all.  NULL: the host itself,
                                   loopback, and clients without Origin */
    net_turn_fn *turn;
    net_turn_end_fn *turn_end;
    net_woken_fn *woken;     /* after net_wake */
    net_request_fn *request; /* NULL: no admin socket */
    net_health_fn *health;   /* NULL: always well */
    void *ctx;               /* for the five */
};

enum net_endpoint_kind {
    NET_ENDPOINT_STOMP, /* STOMP; HTTP and WebSocket when a client begins so */
    NET_ENDPOINT_WS,    /* HTTP and WebSocket only */
    NET_ENDPOINT_UNIX,  /* STOMP on a unix socket */
    NET_ENDPOINT_ADMIN, /* HTTP for options.request, on a unix socket */
};

struct net_endpoint {
    enum net_endpoint_kind kind;
    const char *host; /* address or name; NULL for unix */
    uint16_t port;    /* 0: any free one */
    const char *path; /* of the socket; of the WebSocket URI (may be NULL) */
    bool use_async_send;
    bool use_async_send_set;
};

struct net_counters {
    uint64_t accepted;       /* connections since start */
    uint64_t refused_limit;  /* more than connections_max */
    uint64_t refused_origin; /* WebSocket from a foreign web page */
    uint64_t refused_tls;    /* TLS on a plain port */
    uint64_t accept_errors;  /* no descriptor left, and the like */
    uint64_t cut_slow;       /* passed out_hard_bytes */
    uint64_t received_bytes; /* STOMP, over all transports */
    uint64_t sent_bytes;
    uint64_t turns;
    size_t connections;    /* now, STOMP of every kind, sniffing included */
    size_t connections_ws; /* of them over WebSocket */
    size_t http;           /* HTTP connections now, not yet WebSocket */
};

/* NULL when the system refuses something.  options is copied, what it points
 * to is not.  SIGPIPE is ignored from then on. */
struct net *net_new(const struct net_options *options, struct error *err);

/*
 * Closes listeners and what is still open; session_on_closed is called for
 * each session.  Only net_wake and net_free may follow, so other threads can
 * be ended in between.
 */
void net_close(struct net *net);

/* Closes as net_close does, frees *net and sets it to NULL. */
void net_free(struct net **net);

/*
 * Opens a listener.  uri_out (size bytes) gets what was really bound:
 * "stomp://127.0.0.1:61613", "ws://[::1]:61614/stomp", "unix:/run/x.sock".
 * -1 with a sentence when it cannot.  A unix socket that nobody listens on any
 * more is removed first; its mode is 0660, that of the admin socket 0600.
 */
int net_listen(struct net *net, const struct net_endpoint *endpoint,
               char *uri_out, size_t size, struct error *err);

/* Answers and closes; status is "200 OK" and the like, body is copied.  Nothing
 * happens when the client has not waited.  Frees exchange. */
void net_answer(struct net_exchange *exchange, const char *status,
                const char *type, struct span body);

/* Runs the loop until net_stop. */
void net_run(struct net *net);

/* The loop ends after this turn; connections stay as they are. */
void net_stop(struct net *net);

/*
 * First phase of an orderly end: listeners close, every session gets
 * session_refuse with TRANSPORT_CLOSE_SHUTDOWN.  When all connections are gone,
 * after 5 s at the latest, drained(ctx) is called once, from the loop (usually
 * it calls net_stop).  A second call is ignored.
 */
void net_drain(struct net *net, net_drained_fn *drained, void *ctx);

/* Any thread and signal handlers: options.woken(ctx) runs on the loop thread
 * soon.  Several calls may become one. */
void net_wake(struct net *net);

/* Calls fn(ctx, signo) on the loop thread when the signal comes, not in signal
 * context. */
void net_on_signal(struct net *net, int signo, net_signal_fn *fn, void *ctx);

/* Monotonic; of this turn, refreshed after long work. */
int64_t net_now_us(const struct net *net);

const struct net_counters *net_counters(const struct net *net);

/* How many timers are set: heart-beats, logins, lingering. */
size_t net_timer_count(const struct net *net);

/* Calls fn for each STOMP connection that has a session; it must not close
 * any. */
typedef void net_each_fn(void *ctx, const struct transport *transport,
                         const struct session *session);
void net_each(const struct net *net, net_each_fn *fn, void *ctx);
