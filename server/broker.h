/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker: owns the parts and ties them together, in one readable order.
 *
 *     store -> core -> net           made, and taken down in reverse
 *     net turn -> core_turn -> sockets flushed -> store_flush
 *     storage thread -> net_wake -> store_poll -> receipts
 */
#pragma once
#include "base/error.h"
#include "policy/policy_map.h"
#include "server/core/core.h"
#include "server/net/net.h"
#include "server/session/session.h"
#include "storage/store.h"

#include <stddef.h>

struct broker; /* opaque: defined in broker.c */

struct broker_options {
    const struct store_engine *engine;
    struct store_options store; /* directory and numbers; no callbacks */
    struct core_options core;
    struct session_config session; /* boot_id is the broker's to make */
    struct net_options net;        /* limits; no callbacks */
    const struct net_endpoint *endpoints;
    size_t endpoint_count;
    const char *policy_path; /* read again at SIGHUP; NULL = none */
};

/* Which exit code a failure to start deserves. */
enum broker_start {
    BROKER_STARTED,
    BROKER_NO_STORE,    /* the data directory: EX_CANTCREAT */
    BROKER_NO_LISTENER, /* a port or socket: EX_UNAVAILABLE */
};

/*
 * Opens the store, takes over what is there, and listens.  policies is taken
 * over, also on failure.  Blocks while the store recovers.  options is copied;
 * the strings in it must outlive the broker.
 */
enum broker_start broker_start(const struct broker_options *options,
                               struct policy_map *policies,
                               struct broker **broker_out, struct error *err);

/* "stomp://127.0.0.1:61613 ws://127.0.0.1:61614/stomp": what is listened on. */
const char *broker_uris(const struct broker *broker);

/* Serves until SIGTERM or SIGINT; drains then.  SIGHUP reads the policy file
 * again, SIGUSR1 logs statistics. */
void broker_run(struct broker *broker);

/* Takes everything down; what was accepted is on disk then. */
void broker_free(struct broker **broker);
