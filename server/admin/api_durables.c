/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable subscriptions, one row each, and the removal of one.
 */
#include "server/admin/api_private.h"

#include "server/log.h"

enum { API_KEY_BYTES = 4096 };

struct api_durables {
    json_t *entries;
    size_t limit;
    size_t total;
};

static void
api_on_durable(void *ctx, const struct core_durable_view *view)
{
    struct api_durables *list = ctx;
    json_t *object;

    if (list->total++ >= list->limit) {
        return;
    }
    object = json_object();
    api_set_span(object, "clientId", view->client_id);
    api_set_span(object, "name", view->name);
    api_set_span(object, "destination", view->destinations);
    api_set_span(object, "selector", view->selector);
    api_set_text(object, "connection",
                 view->client != NULL ? view->client->name : NULL);
    api_set(object, "waiting", view->waiting);
    api_set(object, "inFlight", view->in_flight);
    api_set(object, "createdMs", (uint64_t)view->created_ms);
    api_set(object, "leftMs", (uint64_t)view->left_ms);
    (void)json_array_append_new(list->entries, object);
}

json_t *
api_view_durables(const struct api *api, size_t limit)
{
    struct api_durables list = { .entries = json_array(), .limit = limit };

    core_each_durable(api->core, api_on_durable, &list);
    return json_pack("{s:I, s:o}", "total", (json_int_t)list.total, "durables",
                     list.entries);
}

void
api_durable_remove(struct api *api, struct net_exchange *exchange,
                   const struct http_request *request)
{
    char client_id[API_KEY_BYTES] = "";
    char name[API_KEY_BYTES];

    (void)http_query_get(request->query, "client-id", client_id,
                         sizeof(client_id));
    if (!http_query_get(request->query, "name", name, sizeof(name))) {
        api_answer_error(exchange, "400 Bad Request",
                         "removal needs ?client-id=ID&name=NAME");
        return;
    }
    switch (core_durable_remove(api->core, span_of_text(client_id),
                                span_of_text(name))) {
    case DURABLE_REMOVED:
        log_event(LOG_LEVEL_INFO, "admin", "durable subscription removed",
                  "client-id=%s name=%s", LOG_TEXT(span_of_text(client_id)),
                  LOG_TEXT(span_of_text(name)));
        api_answer(exchange, "200 OK",
                   json_pack("{s:o, s:o}", "clientId",
                             api_text(span_of_text(client_id)), "name",
                             api_text(span_of_text(name))));
        break;
    case DURABLE_UNKNOWN:
        api_answer_error(exchange, "404 Not Found",
                         "client-id \"%s\" has no durable subscription \"%s\"",
                         LOG_TEXT(span_of_text(client_id)),
                         LOG_TEXT(span_of_text(name)));
        break;
    case DURABLE_IS_IN_USE:
        api_answer_error(exchange, "409 Conflict",
                         "durable subscription \"%s\" is in use: disconnect "
                         "its client first (stompctl durable list says which)",
                         LOG_TEXT(span_of_text(name)));
        break;
    }
}
