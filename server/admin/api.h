/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API: what the broker is and does, as JSON over the admin socket.
 * Views only, but for POST /v1/policy/reload, which the broker carries out, and
 * POST /v1/queues/purge.
 * Loop thread only.  docs/stompd.8 lists the routes.
 */
#pragma once
#include "policy/faults.h"
#include "policy/policy_map.h"
#include "server/core/core.h"
#include "server/net/http_request.h"
#include "server/net/net.h"
#include "storage/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the policy file again; exchange is answered with api_answer_reload. */
typedef void api_reload_fn(void *ctx, bool dry_run,
                           struct net_exchange *exchange);

/* All borrowed; the fields may change between two requests. */
struct api {
    struct core *core;
    struct net *net;
    struct store *store;
    const struct policy_map *policies;
    const char *policy_path;     /* NULL = none */
    const char *store_directory; /* NULL = none */
    const char *uris;            /* what is listened on */
    int64_t started_us;          /* monotonic */
    api_reload_fn *reload;
    void *ctx;
};

/* Answers, at once or (a reload, a purge) later. */
void api_on_request(struct api *api, struct net_exchange *exchange,
                    const struct http_request *request);

/* What a map would change or changes, to be taken before it is applied. */
struct api_changes; /* opaque: defined in api_reload.c */
struct api_changes *api_changes_take(const struct core *core,
                                     const struct policy_map *fresh);
void api_changes_free(struct api_changes **changes);
/* Destinations with a change. */
size_t api_changes_count(const struct api_changes *changes);

/* The end of a reload: what changes, or why not. */
void api_answer_changes(const struct api *api, struct net_exchange *exchange,
                        bool applied, const struct api_changes *changes);
void api_answer_faults(const struct api *api, struct net_exchange *exchange,
                       const struct faults *faults);
