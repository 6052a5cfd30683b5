/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/queues/purge: empties a queue and says how much went.
 */
#include "server/admin/api_private.h"

#include "base/alloc.h"
#include "policy/selector.h"
#include "protocol/destination_name.h"
#include "server/core/select.h"
#include "server/log.h"

#include <stdlib.h>

enum { API_SELECTOR_BYTES = 8192 };

/* One that goes on. */
struct api_purge {
    struct net_exchange *exchange;
    json_t *destination;
};

static void
api_on_purged(void *ctx, const struct core_purge_result *result)
{
    struct api_purge *purge = ctx;

    log_event(LOG_LEVEL_INFO, "admin", "queue purged",
              "destination=%s purged=%llu in_flight=%llu",
              LOG_TEXT(span_of_text(json_string_value(purge->destination))),
              (unsigned long long)result->purged,
              (unsigned long long)result->in_flight);
    api_answer(purge->exchange, "200 OK",
               json_pack("{s:o, s:I, s:I}", "destination", purge->destination,
                         "purged", (json_int_t)result->purged, "inFlight",
                         (json_int_t)result->in_flight));
    free(purge);
}

/* The one queue that the request names; false when it has been refused. */
static bool
api_purge_queue(struct net_exchange *exchange, const char *text,
                struct destination_name *name_out)
{
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct destination_name_options options = { .refuse_plain = false };
    struct error err = ERROR_INIT;
    size_t count;

    if (destination_name_parse(span_of_text(text), &options, names, &count,
                               &err) != 0) {
        api_answer_error(exchange, "400 Bad Request", "%s", err.text);
        return false;
    }
    if (count != 1 || names[0].wildcard ||
        !destination_kind_is_queue(names[0].kind)) {
        api_answer_error(exchange, "400 Bad Request",
                         "one queue can be purged at a time; found \"%s\"",
                         text);
        return false;
    }
    *name_out = names[0];
    return true;
}

/* NULL: everything.  One that cannot be read must not be taken for none. */
static bool
api_purge_selector(struct net_exchange *exchange, struct span query,
                   struct selector **selector_out)
{
    static const char given[] = "selector=";
    char text[API_SELECTOR_BYTES];
    struct error err = ERROR_INIT;

    *selector_out = NULL;
    if (query.len == 0 ||
        memmem(query.data, query.len, given, sizeof(given) - 1) == NULL) {
        return true;
    }
    if (!http_query_get(query, "selector", text, sizeof(text))) {
        api_answer_error(exchange, "400 Bad Request",
                         "the selector is badly encoded or longer than %d "
                         "bytes",
                         API_SELECTOR_BYTES - 1);
        return false;
    }
    if (select_parse(span_of_text(text), selector_out, &err) != 0) {
        api_answer_error(exchange, "400 Bad Request",
                         "selector, character %u: %s", err.column, err.text);
        return false;
    }
    return true;
}

void
api_purge(struct api *api, struct net_exchange *exchange,
          const struct http_request *request)
{
    char queue[DESTINATION_NAME_BYTES + 32];
    struct destination_name name;
    struct selector *selector;
    struct api_purge *purge;

    if (!http_query_get(request->query, "queue", queue, sizeof(queue))) {
        api_answer_error(exchange, "400 Bad Request",
                         "purge needs ?queue=/queue/NAME");
        return;
    }
    if (!api_purge_queue(exchange, queue, &name) ||
        !api_purge_selector(exchange, request->query, &selector)) {
        return;
    }
    purge = xcalloc(1, sizeof(*purge));
    purge->exchange = exchange;
    purge->destination = api_destination(name.kind, name.name);
    if (!core_purge(api->core, name.kind, name.name, &selector, api_on_purged,
                    purge)) {
        api_answer_error(exchange, "404 Not Found", "there is no queue \"%s\"",
                         json_string_value(purge->destination));
        json_decref(purge->destination);
        free(purge);
        selector_free(&selector);
    }
}
