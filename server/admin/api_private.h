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

/* The views: a tree to be released each. */
json_t *api_view_status(const struct api *api);
json_t *api_view_connections(const struct api *api, size_t limit);

/* Which destinations a list shows. */
struct api_filter {
    bool queues;       /* else topics; with the temporary ones */
    size_t limit;      /* entries at most; all are counted */
    struct span match; /* a pattern of names; empty = all */
};
json_t *api_view_destinations(const struct api *api,
                              const struct api_filter *filter);
