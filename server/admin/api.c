/* SPDX-License-Identifier: Apache-2.0 */
#include "server/admin/api.h"

#include "policy/policy_describe.h"
#include "protocol/destination_name.h"
#include "server/admin/api_private.h"
#include "server/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Entries of a list, unless the request says otherwise. */
enum { API_LIMIT = 10000 };

void
api_answer(struct net_exchange *exchange, const char *status, json_t *tree)
{
    char *text = tree != NULL ? json_dumps(tree, JSON_COMPACT) : NULL;

    json_decref(tree);
    if (text == NULL) {
        net_answer(exchange, "500 Internal Server Error", "application/json",
                   SPAN("{\"error\":\"the answer cannot be written\"}\n"));
        return;
    }
    net_answer(exchange, status, "application/json", span_of_text(text));
    free(text);
}

void
api_answer_error(struct net_exchange *exchange, const char *status,
                 const char *fmt, ...)
{
    char text[sizeof(((struct error *)NULL)->text)];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    api_answer(exchange, status, json_pack("{s:s}", "error", text));
}

static size_t
api_limit(const struct http_request *request)
{
    char text[24];
    uint64_t limit;

    return http_query_get(request->query, "limit", text, sizeof(text)) &&
                   span_to_u64(span_of_text(text), &limit)
               ? (size_t)limit
               : API_LIMIT;
}

static void
api_healthz(struct api *api, struct net_exchange *exchange,
            const struct http_request *request)
{
    const struct error *failure = core_store_failure(api->core);

    (void)request;
    if (failure != NULL) {
        api_answer_error(exchange, "503 Service Unavailable", "%s",
                         failure->text);
        return;
    }
    api_answer(exchange, "200 OK", json_pack("{s:s}", "status", "ok"));
}

static void
api_status(struct api *api, struct net_exchange *exchange,
           const struct http_request *request)
{
    (void)request;
    api_answer(exchange, "200 OK", api_view_status(api));
}

static void
api_connections(struct api *api, struct net_exchange *exchange,
                const struct http_request *request)
{
    api_answer(exchange, "200 OK",
               api_view_connections(api, api_limit(request)));
}

static void
api_durables(struct api *api, struct net_exchange *exchange,
             const struct http_request *request)
{
    api_answer(exchange, "200 OK", api_view_durables(api, api_limit(request)));
}

/* Seconds without a word that are nothing yet. */
enum { API_PATIENCE_S = 30, API_PATIENCE_MAX_S = 1000000000 };

static void
api_doctor(struct api *api, struct net_exchange *exchange,
           const struct http_request *request)
{
    char who[512];
    char text[24];
    uint64_t patience_s = API_PATIENCE_S;

    if (!http_query_get(request->query, "connection", who, sizeof(who))) {
        api_answer_error(exchange, "400 Bad Request",
                         "doctor needs ?connection=NUMBER or a client-id");
        return;
    }
    if (http_query_get(request->query, "patience", text, sizeof(text)) &&
        (!span_to_u64(span_of_text(text), &patience_s) ||
         patience_s > API_PATIENCE_MAX_S)) {
        api_answer_error(exchange, "400 Bad Request",
                         "patience was \"%s\"; expected seconds, 0 to %d",
                         LOG_TEXT(span_of_text(text)), API_PATIENCE_MAX_S);
        return;
    }
    api_answer_doctor(api, exchange, span_of_text(who),
                      (int64_t)patience_s * 1000000);
}

static void
api_destinations(struct api *api, struct net_exchange *exchange,
                 const struct http_request *request, bool queues)
{
    char match[DESTINATION_NAME_BYTES];
    struct api_filter filter = { .queues = queues,
                                 .limit = api_limit(request) };

    if (http_query_get(request->query, "match", match, sizeof(match))) {
        filter.match = span_of_text(match);
    }
    api_answer(exchange, "200 OK", api_view_destinations(api, &filter));
}

static void
api_queues(struct api *api, struct net_exchange *exchange,
           const struct http_request *request)
{
    api_destinations(api, exchange, request, true);
}

static void
api_topics(struct api *api, struct net_exchange *exchange,
           const struct http_request *request)
{
    api_destinations(api, exchange, request, false);
}

static void
api_explain(struct api *api, struct net_exchange *exchange,
            const struct http_request *request)
{
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct destination_name_options options = { .refuse_plain = false };
    char text[DESTINATION_NAME_BYTES + 32];
    struct error err = ERROR_INIT;
    size_t count;

    if (!http_query_get(request->query, "destination", text, sizeof(text))) {
        api_answer_error(exchange, "400 Bad Request",
                         "explain needs ?destination=/queue/NAME");
        return;
    }
    if (destination_name_parse(span_of_text(text), &options, names, &count,
                               &err) != 0) {
        api_answer_error(exchange, "400 Bad Request", "%s", err.text);
        return;
    }
    if (count != 1) {
        api_answer_error(exchange, "400 Bad Request",
                         "one destination at a time");
        return;
    }
    api_answer(exchange, "200 OK",
               policy_describe(
                   policy_map_find(api->policies, names[0].kind, names[0].name),
                   api->policy_path, names[0].kind, names[0].name,
                   core_ceilings(api->core)));
}

static void
api_reload(struct api *api, struct net_exchange *exchange,
           const struct http_request *request)
{
    char text[8];
    bool dry_run =
        http_query_get(request->query, "dry-run", text, sizeof(text)) &&
        span_is_true(span_of_text(text));

    if (api->policy_path == NULL) {
        api_answer_error(exchange, "409 Conflict",
                         "stompd was started without a policy file (-p)");
        return;
    }
    api->reload(api->ctx, dry_run, exchange);
}

typedef void api_route_fn(struct api *api, struct net_exchange *exchange,
                          const struct http_request *request);

static const struct api_route {
    const char *method;
    const char *path;
    api_route_fn *run;
} api_routes[] = {
    { "GET", "/healthz", api_healthz },
    { "GET", "/v1/status", api_status },
    { "GET", "/v1/connections", api_connections },
    { "GET", "/v1/connections/doctor", api_doctor },
    { "GET", "/v1/durables", api_durables },
    { "GET", "/v1/queues", api_queues },
    { "GET", "/v1/topics", api_topics },
    { "GET", "/v1/policy/explain", api_explain },
    { "POST", "/v1/policy/reload", api_reload },
    { "POST", "/v1/durables/remove", api_durable_remove },
    { "POST", "/v1/queues/purge", api_purge },
};

void
api_on_request(struct api *api, struct net_exchange *exchange,
               const struct http_request *request)
{
    const char *method = NULL;

    for (size_t i = 0; i < sizeof(api_routes) / sizeof(api_routes[0]); i++) {
        const struct api_route *route = &api_routes[i];

        if (!span_equal(request->path, span_of_text(route->path))) {
            continue;
        }
        if (span_equal(request->method, span_of_text(route->method))) {
            route->run(api, exchange, request);
            return;
        }
        method = route->method;
    }
    if (method != NULL) {
        api_answer_error(exchange, "405 Method Not Allowed",
                         "this takes %s only", method);
    } else {
        api_answer_error(exchange, "404 Not Found",
                         "there is nothing of that name");
    }
}
