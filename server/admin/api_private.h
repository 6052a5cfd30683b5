/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of server/admin share.
 */
#pragma once
#include "server/admin/api.h"

#include <jansson.h>

/* Answers with the tree and releases it. */
void api_answer(struct net_exchange *exchange, const char *status,
                json_t *tree);

/* Answers with { "error": sentence }. */
void api_answer_error(struct net_exchange *exchange, const char *status,
                      const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "/queue/a.b": as frames spell it. */
json_t *api_destination(enum destination_kind kind, struct span name);

/* Names are what clients sent: as they are when they can be shown so, else
 * escaped, and without secrets. */
json_t *api_text(struct span text);

void api_set(json_t *object, const char *key, uint64_t value);

/* A name as api_text shows it; null when it is empty, or NULL. */
void api_set_span(json_t *object, const char *key, struct span text);
void api_set_text(json_t *object, const char *key, const char *text);

/* The views: a tree to be released each. */
json_t *api_view_status(const struct api *api);
json_t *api_view_connections(const struct api *api, size_t limit);

/* One of them. */
struct session_view;
json_t *api_connection(const struct session_view *view);

/* Answers with what is known of one connection and what looks wrong about it;
 * who is its number, its name or a client-id. */
void api_answer_doctor(const struct api *api, struct net_exchange *exchange,
                       struct span who, int64_t patience_us);

/* The durable subscriptions, and POST /v1/durables/remove. */
json_t *api_view_durables(const struct api *api, size_t limit);
void api_durable_remove(struct api *api, struct net_exchange *exchange,
                        const struct http_request *request);

/* POST /v1/queues/purge; answers when the queue has been gone through. */
void api_purge(struct api *api, struct net_exchange *exchange,
               const struct http_request *request);

/* Which destinations a list shows. */
struct api_filter {
    bool queues;       /* else topics; with the temporary ones */
    size_t limit;      /* entries at most; all are counted */
    struct span match; /* a pattern of names; empty = all */
};
json_t *api_view_destinations(const struct api *api,
                              const struct api_filter *filter);
