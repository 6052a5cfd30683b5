/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions on one core in one process: bytes in, bytes out, a clock that the
 * test moves.  fixture_fini checks that no byte stays charged.
 *
 * Texts of frames are written as they stand on the wire, with ^@ for NUL.
 */
#pragma once
#include "policy/policy_map.h"
#include "server/core/core.h"
#include "server/session/session.h"
#include "test/unit/fake_store.h"
#include "test/unit/fake_transport.h"

#include <check.h>

struct peer {
    struct fixture *fixture;
    struct fake_transport transport;
    struct session *session; /* NULL: not open */
    bool slow;               /* flushes only when the test says */
};

enum { FIXTURE_PEERS = 4, FIXTURE_START_US = 1000000 };

struct fixture {
    int64_t now_us;
    int64_t now_ms;
    struct session_config config;
    struct core_options options;
    struct policy_map *policies;
    struct store *store;
    struct core *core;
    struct peer peers[FIXTURE_PEERS];
};

/* boot_id is "T": the first session is T-1. */
void fixture_init(struct fixture *fixture, const struct store_engine *engine);
/* The same after config and options were changed, before any peer is open. */
void fixture_reinit(struct fixture *fixture, const struct store_engine *engine);
void fixture_fini(struct fixture *fixture);

struct policy *fixture_policy(struct fixture *fixture,
                              enum destination_kind kind, const char *pattern);

/* Core, store and flushes until nothing moves; slow peers are not flushed. */
void fixture_turn(struct fixture *fixture);

/* Moves the clock to now + us; runs each session timer when it is due. */
void fixture_sleep_us(struct fixture *fixture, int64_t us);
void fixture_sleep_ms(struct fixture *fixture, int64_t ms);

/* A new connection without a CONNECT. */
void peer_open(struct fixture *fixture, struct peer *peer);
/* The same with CONNECT accept-version:VERSION; its CONNECTED is taken. */
void peer_connect(struct fixture *fixture, struct peer *peer,
                  const char *version);
/* The connection breaks. */
void peer_close(struct peer *peer);

/* Feeds bytes of a text, no turn. */
void peer_feed(struct peer *peer, const char *text);
/* Feeds them, then a turn. */
void peer_send(struct peer *peer, const char *text);
/* The kernel takes bytes of what is queued. */
void peer_flush(struct peer *peer, size_t bytes);

/* What was written since the last call. */
const char *peer_take(struct peer *peer);

/* peer_send and peer_take. */
const char *peer_ask(struct peer *peer, const char *text);

/* Whether the last peer_take text holds part. */
void ck_assert_has(const char *text, const char *part);

/* Asserts that an ERROR with that message went out, as the last frame, and that
 * the session closed with it. */
void peer_assert_error(struct peer *peer, const char *message,
                       enum transport_close how);
