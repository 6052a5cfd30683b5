/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One STOMP session: frames in from a transport, core calls, frames out.
 * Knows no socket and asks no clock.  Loop thread only.
 * States: NEW -> CONNECTED -> CLOSING; every entry point returns early in
 * CLOSING.  Source: STOMP 1.0, 1.1, 1.2; design.md section 5.
 */
#pragma once
#include "base/span.h"
#include "protocol/destination_name.h"
#include "protocol/frame_parser.h"
#include "server/core/core.h"
#include "server/session/transport.h"

#include <stdbool.h>
#include <stdint.h>

struct core;
struct session; /* opaque: defined in session_private.h */

/* The same for all sessions; must outlive them. */
struct session_config {
    struct frame_limits limits_before_login;
    struct frame_limits limits;
    struct destination_name_options names;
    int64_t login_timeout_us;
    uint32_t heartbeat_send_ms;    /* what we can do, in CONNECTED */
    uint32_t heartbeat_receive_ms; /* what we want, in CONNECTED */
    uint32_t transactions_max;     /* open at a time */
    uint32_t transaction_ops_max;  /* frames in one */
    size_t transaction_bytes_max;
    int64_t transaction_age_us; /* longest that one may stay open */
    uint32_t subscriptions_max;
    enum durable_take_over durable_take_over;
    bool durable_replace;      /* another selector or destination begins anew */
    size_t out_high_bytes;     /* no MESSAGE beyond it … */
    size_t out_low_bytes;      /* … until the buffer is down to this */
    const char *boot_id;       /* [0-9a-z], begins every session's name:
                                  unique over restarts and processes */
    const char *server_header; /* "stompd/0.1.0" */
};
extern const struct session_config session_config_default;

/*
 * Begins a session on a transport that is open.  Sets the login timer.  The
 * session frees itself never: the transport does, by session_free, after
 * session_on_closed.
 */
struct session *session_new(const struct session_config *config,
                            struct core *core, struct transport *transport,
                            int64_t now_us);
/* Frees *session and sets it to NULL; session_on_closed must have been
 * called. */
void session_free(struct session **session);

/*
 * Bytes that arrived, any number of frames or parts of one.  All of them are
 * taken; the span may die after the call.  The session may be CLOSING after
 * it, and the transport told to close.
 */
void session_feed(struct session *session, struct span bytes, int64_t now_us);

/*
 * How many bytes are worth reading now, SIZE_MAX for any number.  While what
 * the peer sent last waits for consumers: so few that their acknowledgements
 * are read in between, or a producer that is fast would have everything stored
 * that they are about to consume.
 */
size_t session_read_size(const struct session *session);

/* transport->flushed_bytes has grown: what was sent in `auto` mode up to there
 * is consumed. */
void session_on_flushed(struct session *session, int64_t now_us);

/* The timer of transport_ops.timer_set. */
void session_on_timer(struct session *session, int64_t now_us);

/*
 * The connection is over: peer closed, error, or the close that the session
 * asked for has finished.  Un-acked messages go back, transactions and
 * temporary destinations end.  reason is for the log line ("peer closed",
 * "read: Connection reset by peer"); the session's own reason wins.
 */
void session_on_closed(struct session *session, const char *reason,
                       int64_t now_us);

/* Sends an ERROR with that text and closes: shutdown, a limit of the
 * transport.  details may be NULL.  Before CONNECT too. */
void session_refuse(struct session *session, enum transport_close how,
                    const char *message, const char *details);

/* Whether answers to what it was fed are still owed: RECEIPTs that wait for the
 * disk.  A peer that has half-closed may be waiting for them. */
bool session_is_answering(const struct session *session);

/* Its name in logs and message-ids, e.g. "k3f9x2ab-17". */
const char *session_name(const struct session *session);
