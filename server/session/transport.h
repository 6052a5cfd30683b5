/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection offers its session: room for whole frames, beats, close,
 * reading on and off, one timer.  server/net implements it for TCP and unix
 * sockets and for WebSocket; tests implement it over a byte buffer.  A TLS
 * transport fits without change: nothing here says what carries the bytes.
 *
 * Loop thread only.  No function of it calls back into the session; the calls
 * the other way are in session.h.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct transport;

/* A hold on the memory that a frame's tail points into (a message). */
struct transport_hold {
    void *owner;
    void (*take)(void *owner);
    void (*drop)(void *owner);
};

enum transport_close {
    TRANSPORT_CLOSE_NORMAL,   /* DISCONNECT: WebSocket code 1000 */
    TRANSPORT_CLOSE_PROTOCOL, /* ERROR was sent: 1002 */
    TRANSPORT_CLOSE_TOO_BIG,  /* a limit was passed: 1009 */
    TRANSPORT_CLOSE_POLICY,   /* refused, slow, silent: 1008 */
    TRANSPORT_CLOSE_QUOTA,    /* no room, or as many as may be: 1008 */
    TRANSPORT_CLOSE_FAILED,   /* the store does not work: 1011 */
    TRANSPORT_CLOSE_SHUTDOWN, /* stompd is going away: 1001 */
};

struct transport_ops {
    /*
     * Starts one frame of head_len bytes, to be written by the caller to the
     * place returned, followed by tail (may be empty), which ends with the
     * frame's NUL if it is not empty; a frame without tail has its NUL in the
     * head.  tail is copied at once, or kept by reference with hold taken
     * (hold == NULL: it must be copied).  The place is good until frame_end,
     * which must follow before any other call.  What a transport adds around
     * frames (LF on TCP, a WebSocket header) is its own affair.
     */
    char *(*frame_begin)(struct transport *transport, size_t head_len,
                         struct span tail, const struct transport_hold *hold);
    void (*frame_end)(struct transport *transport);
    /* Writes one EOL as a heart-beat. */
    void (*beat)(struct transport *transport);
    /*
     * Everything queued is written, then the connection is closed in good
     * order: half-close, up to 2 s of draining what the peer still sends,
     * close; WebSocket sends its Close frame with the code and reason (at most
     * 123 bytes are used).  Nothing more is fed to the session, and
     * session_on_closed comes later, never from inside.  A second call is
     * ignored.
     */
    void (*close)(struct transport *transport, enum transport_close how,
                  const char *reason);
    /* Stops and resumes reading (flow control).  Counted by the session. */
    void (*read_pause)(struct transport *transport, bool paused);
    /* One timer: session_on_timer runs at or soon after due_us (monotonic).
     * INT64_MAX switches it off; a new call replaces the old due time. */
    void (*timer_set)(struct transport *transport, int64_t due_us);
};

struct transport {
    const struct transport_ops *ops;
    /* Counted in whole frames as the session made them, transport's additions
     * included, since the connection began.  queued - flushed is what our
     * buffers still hold. */
    uint64_t queued_bytes;
    uint64_t flushed_bytes; /* taken by the kernel */
    uint64_t received_bytes;
    int64_t last_write_us; /* when the kernel last took a byte */
    int64_t last_read_us;  /* when the last byte (or WebSocket PONG) came */
    const char *kind;      /* "tcp", "unix", "ws" */
    char peer[64];         /* "127.0.0.1:40312", "unix:uid=1000" */
    /* WebSocket: the subprotocol that was agreed, static; NULL: none of ours
     * was offered. */
    const char *subprotocol;
    bool subprotocol_offered; /* whether any was */
    bool use_async_send;      /* the listener's option */
    bool use_async_send_set;
};
