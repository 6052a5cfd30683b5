/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable topic subscriptions, as clients of other brokers spell them.
 * Source: stomp.md appendix A; activemq.md 11.4; field.md P74-P76.
 */
#include "server/session/session_private.h"

#include "server/log.h"

/* Names of ActiveMQ and Artemis: they need a client-id.  The misspelt one is
 * what NMS.Stomp sends. */
static const struct {
    const char *header;
    bool is_global; /* of RabbitMQ: one name space, no client-id */
} durable_headers[] = {
    { "durable-name", false },
    { "activemq.subscriptionName", false },
    { "activemq.subcriptionName", false },
    { "durable-subscription-name", false },
    { "durable-subscriber-name", false },
    { "x-queue-name", true },
};
enum { DURABLE_HEADERS = sizeof(durable_headers) / sizeof(durable_headers[0]) };

/* RabbitMQ: durable:true with auto-delete:false; Apollo: persistent:true.  The
 * subscription's id is the name then. */
static bool
durable_is_by_id(const struct frame *frame)
{
    return span_is_true(frame_get(frame, HEADER_PERSISTENT)) ||
           (span_is_true(frame_find(frame, SPAN("durable"))) &&
            span_equal(frame_find(frame, SPAN("auto-delete")), SPAN("false")));
}

/* Fills in client-id and name; whether a client-id may be missing. */
static bool
durable_find_name(const struct session *session, const struct frame *frame,
                  struct span id, struct session_durable *durable_out)
{
    bool is_global = false;

    *durable_out = (struct session_durable){ .name = SPAN_NONE };
    for (size_t i = 0; i < DURABLE_HEADERS && durable_out->name.data == NULL;
         i++) {
        struct span name =
            frame_find(frame, span_of_text(durable_headers[i].header));

        if (name.len > 0) {
            durable_out->name = name;
            durable_out->header = durable_headers[i].header;
            is_global = durable_headers[i].is_global;
        }
    }
    if (durable_out->name.data == NULL && durable_is_by_id(frame)) {
        durable_out->name = id;
        is_global = true;
    }
    durable_out->client_id = session->client_id != NULL
                                 ? span_of_text(session->client_id)
                                 : SPAN("");
    return is_global || durable_out->client_id.len > 0;
}

bool
session_durable_named(struct session *session, const struct frame *frame,
                      struct span id, struct session_durable *durable_out)
{
    (void)durable_find_name(session, frame, id, durable_out);
    return durable_out->name.data != NULL;
}

/* Only topics that can be there tomorrow. */
static bool
durable_check_targets(struct session *session, const struct frame *frame,
                      const struct subscribe_options *options,
                      const struct session_durable *durable)
{
    for (size_t i = 0; i < options->target_count; i++) {
        if (options->targets[i].kind != DESTINATION_TOPIC) {
            session_error(session, frame, TRANSPORT_CLOSE_POLICY, "not a topic",
                          "header %s makes a durable subscription, which only "
                          "a topic can have; destination was \"%s\": leave the "
                          "header out, a queue keeps its messages anyway",
                          durable->header,
                          SESSION_TEXT(frame_get(frame, HEADER_DESTINATION)));
            return false;
        }
    }
    return true;
}

static bool
durable_is_of_queues(const struct subscribe_options *options)
{
    for (size_t i = 0; i < options->target_count; i++) {
        if (!destination_kind_is_queue(options->targets[i].kind)) {
            return false;
        }
    }
    return true;
}

bool
session_durable_read(struct session *session, const struct frame *frame,
                     struct span id, const struct subscribe_options *options,
                     struct session_durable *durable_out)
{
    bool identified = durable_find_name(session, frame, id, durable_out);

    if (durable_out->name.data == NULL) {
        return true;
    }
    if (durable_out->header == NULL && durable_is_of_queues(options)) {
        durable_out->name = SPAN_NONE; /* queues are durable anyway */
        return true;
    }
    if (durable_out->header == NULL) {
        durable_out->header =
            frame_has(frame, HEADER_PERSISTENT) ? "persistent" : "durable";
    }
    if (!identified) {
        session_error(session, frame, TRANSPORT_CLOSE_POLICY, "no client-id",
                      "header %s makes a durable subscription, which is known "
                      "by client-id and name: send a client-id header in "
                      "CONNECT, the same one each time",
                      durable_out->header);
        return false;
    }
    return durable_check_targets(session, frame, options, durable_out);
}

bool
session_durable_claim(struct session *session, const struct frame *frame,
                      const struct session_durable *durable,
                      struct subscribe_options *options)
{
    struct durable_claim claim = {
        .client_id = durable->client_id,
        .name = durable->name,
        .targets = options->targets,
        .target_count = options->target_count,
        .selector = frame_get(frame, HEADER_SELECTOR),
        .no_local = options->no_local,
        .retroactive = options->retroactive,
        .replace = session->config->durable_replace,
        .take_over = session->config->durable_take_over,
    };
    struct error err = ERROR_INIT;

    switch (core_durable_claim(session->core, &session->client, &claim,
                               &options->durable, &err)) {
    case DURABLE_CLAIMED:
        return true;
    case DURABLE_IN_USE:
        session_error(session, frame, TRANSPORT_CLOSE_POLICY,
                      "durable subscription in use", "%s", err.text);
        break;
    case DURABLE_CHANGED:
        session_error(session, frame, TRANSPORT_CLOSE_POLICY,
                      "durable subscription is another", "%s", err.text);
        break;
    case DURABLE_BAD_SELECTOR:
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL, "bad selector",
                      "selector, character %u: %s", err.column, err.text);
        break;
    case DURABLE_STORE_FAILED:
        session_error(session, frame, TRANSPORT_CLOSE_POLICY, "store failed",
                      "the durable subscription cannot be kept now: %s",
                      err.text);
        break;
    }
    return false;
}

bool
session_durable_remove(struct session *session, const struct frame *frame,
                       const struct session_durable *durable)
{
    const struct client *user;

    switch (
        core_durable_remove(session->core, durable->client_id, durable->name)) {
    case DURABLE_REMOVED:
        return true;
    case DURABLE_UNKNOWN:
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "no such durable subscription",
                      "client-id \"%s\" has no durable subscription \"%s\"",
                      SESSION_TEXT(durable->client_id),
                      SESSION_TEXT(durable->name));
        break;
    case DURABLE_IS_IN_USE:
        user = core_durable_user(session->core, durable->client_id);
        session_error(session, frame, TRANSPORT_CLOSE_POLICY,
                      "durable subscription in use",
                      "durable subscription \"%s\" is used by another "
                      "connection (%s): disconnect that first",
                      SESSION_TEXT(durable->name),
                      user != NULL ? user->name : "-");
        break;
    }
    return false;
}
