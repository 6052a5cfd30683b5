/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections, one row each.
 */
#include "server/admin/api_private.h"

#include "server/session/session.h"
#include "server/session/session_view.h"

#include <stdio.h>

static const struct {
    unsigned bit;
    const char *name;
} api_states[] = {
    { SESSION_IS_NEW, "new" },
    { SESSION_IS_HELD, "held" },
    { SESSION_IS_CONGESTED, "congested" },
    { SESSION_IS_SLOW, "slow" },
    { SESSION_IS_CLOSING, "closing" },
};

/* "held,slow"; "ok" when there is nothing to say. */
static json_t *
api_state(unsigned state)
{
    char text[64] = "";
    size_t used = 0;

    for (size_t i = 0; i < sizeof(api_states) / sizeof(api_states[0]); i++) {
        if ((state & api_states[i].bit) != 0) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
                                     used > 0 ? "," : "", api_states[i].name);
        }
    }
    return json_string(used > 0 ? text : "ok");
}

json_t *
api_connection(const struct session_view *view)
{
    const struct transport *transport = view->transport;
    json_t *object = json_object();

    api_set(object, "number", view->number);
    api_set_text(object, "name", view->name);
    api_set_text(object, "peer", transport->peer);
    api_set_text(object, "transport", transport->kind);
    api_set_text(object, "version", view->version);
    api_set_text(object, "user", view->login);
    api_set_text(object, "clientId", view->client_id);
    (void)json_object_set_new(object, "state", api_state(view->state));
    api_set(object, "openMs", (uint64_t)view->open_us / 1000);
    api_set(object, "heartBeatInMs", (uint64_t)view->receive_us / 1000);
    api_set(object, "heartBeatOutMs", (uint64_t)view->send_us / 1000);
    api_set(object, "silentMs", (uint64_t)view->read_idle_us / 1000);
    api_set(object, "unwrittenMs", (uint64_t)view->write_idle_us / 1000);
    api_set(object, "subscriptions", view->subscriptions);
    api_set(object, "inFlight", view->in_flight);
    api_set(object, "messagesIn", view->messages_in);
    api_set(object, "messagesOut", view->messages_out);
    api_set(object, "receivedBytes", transport->received_bytes);
    api_set(object, "sentBytes", transport->flushed_bytes);
    api_set(object, "waitingBytes", view->unsent_bytes);
    return object;
}

struct api_connections {
    int64_t now_us;
    json_t *entries;
    size_t limit;
    size_t total;
};

static void
api_on_connection(void *ctx, const struct transport *transport,
                  const struct session *session)
{
    struct api_connections *list = ctx;
    struct session_view view;

    (void)transport;
    if (list->total++ < list->limit) {
        session_view_get(session, list->now_us, &view);
        (void)json_array_append_new(list->entries, api_connection(&view));
    }
}

json_t *
api_view_connections(const struct api *api, size_t limit)
{
    struct api_connections list = { .now_us = net_now_us(api->net),
                                    .limit = limit };

    list.entries = json_array();
    net_each(api->net, api_on_connection, &list);
    return json_pack("{s:I, s:o}", "total", (json_int_t)list.total,
                     "connections", list.entries);
}
