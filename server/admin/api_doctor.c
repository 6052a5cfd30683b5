/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: what was negotiated, what it subscribed to, what looks wrong.
 */
#include "server/admin/api_private.h"

#include "base/secret.h"
#include "server/session/session.h"
#include "server/session/session_doctor.h"
#include "server/session/session_view.h"

#include <stdio.h>
#include <string.h>

/* --- which one ------------------------------------------------------------ */

enum { API_DOCTOR_SHOWN = 8 }; /* connections that share a client-id */

struct api_search {
    struct span who;
    uint64_t number;              /* that who is; 0: it is none */
    const struct session *exact;  /* by number or name */
    const struct session *client; /* by client-id: the last one … */
    size_t client_count;          /* … of so many */
    char numbers[API_DOCTOR_SHOWN * 24];
    int64_t now_us;
};

static void
api_search_note(struct api_search *search, const struct session_view *view)
{
    size_t used = strlen(search->numbers);

    if (search->client_count++ < API_DOCTOR_SHOWN) {
        (void)snprintf(search->numbers + used, sizeof(search->numbers) - used,
                       "%s%llu", used > 0 ? ", " : "",
                       (unsigned long long)view->number);
    }
}

static void
api_search_on_connection(void *ctx, const struct transport *transport,
                         const struct session *session)
{
    struct api_search *search = ctx;
    struct session_view view;

    (void)transport;
    session_view_get(session, search->now_us, &view);
    if ((search->number > 0 && view.number == search->number) ||
        span_equal(search->who, span_of_text(view.name))) {
        search->exact = session;
    } else if (view.client_id != NULL &&
               span_equal(search->who, span_of_text(view.client_id))) {
        search->client = session;
        api_search_note(search, &view);
    }
}

/* NULL after an answer. */
static const struct session *
api_search_connection(const struct api *api, struct net_exchange *exchange,
                      struct span who)
{
    struct api_search search = { .who = who, .now_us = net_now_us(api->net) };
    char shown[128];

    (void)span_to_u64(who, &search.number);
    net_each(api->net, api_search_on_connection, &search);
    if (search.exact != NULL) {
        return search.exact;
    }
    if (search.client_count == 1) {
        return search.client;
    }
    (void)secret_escape(who, shown, sizeof(shown));
    if (search.client_count > 1) {
        api_answer_error(exchange, "409 Conflict",
                         "%zu connections have the client-id \"%s\"; name one "
                         "of them by its number: %s",
                         search.client_count, shown, search.numbers);
    } else {
        api_answer_error(exchange, "404 Not Found",
                         "no connection has the number or client-id \"%s\"; "
                         "stompctl connections shows them all",
                         shown);
    }
    return NULL;
}

/* --- what is told of it --------------------------------------------------- */

static json_t *
api_doctor_negotiated(const struct session_view *view)
{
    const struct transport *transport = view->transport;
    json_t *object = json_object();

    (void)json_object_set_new(
        object, "acceptVersion",
        view->has_accept_version ? json_string(view->versions) : json_null());
    (void)json_object_set_new(object, "heartBeat",
                              view->has_heart_beat
                                  ? json_sprintf("%u,%u", view->client_sends_ms,
                                                 view->client_wants_ms)
                                  : json_null());
    (void)json_object_set_new(object, "errorMode",
                              json_string(view->soft_errors ? "soft" : "hard"));
    if (strcmp(transport->kind, "ws") == 0) {
        (void)json_object_set_new(object, "subprotocol",
                                  transport->subprotocol != NULL
                                      ? json_string(transport->subprotocol)
                                      : json_null());
        (void)json_object_set_new(object, "subprotocolOffered",
                                  json_boolean(transport->subprotocol_offered));
    }
    if (view->agent != NULL) {
        (void)json_object_set_new(object, "userAgent",
                                  api_text(span_of_text(view->agent)));
    }
    return object;
}

static json_t *
api_doctor_counts(const struct session_view *view)
{
    json_t *object = json_object();

    api_set(object, "frames", view->frames_in);
    api_set(object, "acks", view->acks);
    api_set(object, "nacks", view->nacks);
    api_set(object, "receipts", view->receipts);
    api_set(object, "errors", view->errors);
    return object;
}

static json_t *
api_age(int64_t us)
{
    return us >= 0 ? json_integer(us / 1000) : json_null();
}

static void
api_doctor_on_subscription(void *ctx,
                           const struct session_subscription_view *view)
{
    const struct core_subscription_view *core = &view->core;
    json_t *object = json_object();

    (void)json_object_set_new(object, "id", api_text(view->id));
    (void)json_object_set_new(object, "destination",
                              api_text(view->destination));
    (void)json_object_set_new(object, "ack", json_string(view->ack));
    api_set(object, "prefetch", core->prefetch);
    api_set(object, "inFlight", core->in_flight);
    api_set(object, "inFlightBytes", core->in_flight_bytes);
    api_set(object, "pending", core->pending);
    api_set(object, "waiting", core->waiting);
    api_set(object, "discarded", core->discarded);
    (void)json_object_set_new(object, "oldestUnackedMs",
                              api_age(view->oldest_age_us));
    api_set_span(object, "selector", core->selector);
    api_set(object, "selectorLooks", core->selector_looks);
    api_set(object, "selectorPicks", core->selector_picks);
    (void)json_array_append_new(ctx, object);
}

static void
api_doctor_on_finding(void *ctx, const struct session_finding *finding)
{
    (void)json_array_append_new(
        ctx, json_pack("{s:s, s:o, s:s}", "code", finding->code, "text",
                       api_text(span_of_text(finding->text)), "advice",
                       finding->advice));
}

void
api_answer_doctor(const struct api *api, struct net_exchange *exchange,
                  struct span who, int64_t patience_us)
{
    int64_t now_us = net_now_us(api->net);
    const struct session *session = api_search_connection(api, exchange, who);
    json_t *subscriptions;
    json_t *findings;
    struct session_view view;

    if (session == NULL) {
        return;
    }
    subscriptions = json_array();
    findings = json_array();
    session_view_get(session, now_us, &view);
    session_each_subscription(session, now_us, api_doctor_on_subscription,
                              subscriptions);
    session_diagnose(session, now_us, patience_us, api_doctor_on_finding,
                     findings);
    api_answer(exchange, "200 OK",
               json_pack("{s:o, s:o, s:o, s:o, s:o}", "connection",
                         api_connection(&view), "negotiated",
                         api_doctor_negotiated(&view), "counts",
                         api_doctor_counts(&view), "subscriptions",
                         subscriptions, "findings", findings));
}
