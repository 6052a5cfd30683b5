/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session as others may see it, for the admin API.  Texts are borrowed until
 * the session goes on, and as the client sent them: they are to be shown
 * through base/secret.h.  Loop thread only.
 */
#pragma once
#include "server/core/core.h"
#include "server/session/session.h"

#include <stdbool.h>
#include <stdint.h>

/* What it is about, beside being open; any number of them. */
enum session_state_bit {
    SESSION_IS_NEW = 1 << 0,       /* no CONNECT yet */
    SESSION_IS_HELD = 1 << 1,      /* its SEND waits for room */
    SESSION_IS_CONGESTED = 1 << 2, /* its output is full */
    SESSION_IS_SLOW = 1 << 3, /* a subscription's window is full, and more is
                                 there for it */
    SESSION_IS_CLOSING = 1 << 4,
};

struct session_view {
    const char *name;
    uint64_t number; /* of the connection, at the end of its name */
    const struct transport *transport;
    const char *login;     /* NULL: none */
    const char *client_id; /* NULL: none */
    const char *agent;     /* `user-agent` of its CONNECT; NULL: none */
    unsigned state;        /* enum session_state_bit */
    const char *version;   /* "1.2"; "" before CONNECT */
    bool has_accept_version;
    char versions[16]; /* offered and known: "1.0,1.1,1.2" */
    bool has_heart_beat;
    bool soft_errors;                          /* error-mode:soft was agreed */
    uint32_t client_sends_ms, client_wants_ms; /* offered */
    int64_t receive_us, send_us;               /* agreed; 0 = none */
    int64_t open_us;
    int64_t read_idle_us, write_idle_us;
    size_t subscriptions;
    uint64_t in_flight; /* of all of them */
    uint64_t frames_in, messages_in, messages_out;
    uint64_t acks, nacks, receipts, errors;
    uint64_t unsent_bytes;
};
void session_view_get(const struct session *session, int64_t now_us,
                      struct session_view *view_out);

struct session_subscription_view {
    struct span id;
    struct span destination; /* as subscribed */
    const char *ack;
    int64_t age_us;
    int64_t ack_age_us;    /* since the last ACK, or the first MESSAGE */
    int64_t oldest_age_us; /* -1: nothing is un-acked */
    bool full;             /* all of its window is in flight */
    struct core_subscription_view core;
};
typedef void
session_subscription_fn(void *ctx,
                        const struct session_subscription_view *view);

/* Calls fn for each subscription, for none once the session is closing; it must
 * not change anything. */
void session_each_subscription(const struct session *session, int64_t now_us,
                               session_subscription_fn *fn, void *ctx);
