/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subscriptions of a session, and their end: UNSUBSCRIBE, or the broker's.
 * Source: STOMP 1.2, "UNSUBSCRIBE"; stomp.md V12-176..178, V10-010..015.
 */
#include "server/session/session_private.h"

#include "base/alloc.h"
#include "protocol/frame_encoder.h"
#include "server/log.h"

#include <stdlib.h>

/* The id under which the client knows the subscription; for 1.0 without one the
 * destination text.  data == NULL after an ERROR. */
struct span
session_subscription_id(struct session *session, const struct frame *frame)
{
    struct span id = frame_get(frame, HEADER_ID);

    if (id.data == NULL && session->version == STOMP_1_0) {
        id = frame_get(frame, HEADER_DESTINATION);
    }
    if (id.data == NULL) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL, "no id",
                      "a %s frame needs an id header that names the "
                      "subscription",
                      SESSION_TEXT(frame->command_text));
    }
    return id;
}

struct session_subscription *
session_subscription_find(struct session *session, struct span id)
{
    struct session_subscription *mine;

    HASH_FIND(hh, session->subscriptions, id.data, id.len, mine);
    return mine;
}

struct session_subscription *
session_subscription_new(struct session *session, struct span id,
                         struct span destination)
{
    struct session_subscription *mine = xcalloc(1, sizeof(*mine));
    struct buf line = BUF_INIT;

    mine->id = xstrndup(id.data, id.len);
    mine->id_len = id.len;
    mine->destination = xstrndup(destination.data, destination.len);
    mine->destination_len = destination.len;
    header_append(&line, SPAN("subscription"), id, session->version);
    buf_append_span(&line, SPAN("message-id:"));
    buf_append(&line, session->name, session->name_len);
    buf_append_char(&line, '-');
    mine->line = line.data;
    mine->line_len = line.len;
    HASH_ADD_KEYPTR(hh, session->subscriptions, mine->id, mine->id_len, mine);
    return mine;
}

static void
session_subscription_drop(struct session *session,
                          struct session_subscription *mine)
{
    HASH_DEL(session->subscriptions, mine);
    free(mine->id);
    free(mine->destination);
    free(mine->line);
    free(mine);
}

void
session_subscriptions_drop(struct session *session)
{
    struct session_subscription *mine;
    struct session_subscription *next;

    HASH_ITER(hh, session->subscriptions, mine, next) {
        session_subscription_drop(session, mine);
    }
}

/* A 1.0 client may leave by the destination though it subscribed with an id. */
static struct session_subscription *
subscription_find_by_destination(struct session *session, struct span text)
{
    struct session_subscription *mine;
    struct session_subscription *next;

    HASH_ITER(hh, session->subscriptions, mine, next) {
        if (span_equal(span_of(mine->destination, mine->destination_len),
                       text)) {
            return mine;
        }
    }
    return NULL;
}

/* What was sent in a `client` mode goes to others; what an open transaction
 * settles stays. */
static void
session_return_unacked(struct session *session, struct subscription *sub)
{
    struct delivery *delivery = sub->in_flight;

    while (sub->ack != ACK_AUTO && delivery != NULL) {
        struct delivery *next = delivery->next;

        if (delivery->tx == NULL) {
            (void)ack_ledger_remove(&session->ledger, delivery->id);
            core_return(session->core, delivery);
        }
        delivery = next;
    }
}

/* UNSUBSCRIBE with the name of a durable subscription: that is removed; its
 * consumer on this connection, if it has one, goes first. */
static void
unsubscribe_durable(struct session *session, const struct frame *frame,
                    const struct session_durable *durable)
{
    struct session_subscription *mine;
    struct session_subscription *next;

    HASH_ITER(hh, session->subscriptions, mine, next) {
        if (core_subscription_is_of(mine->sub, durable->client_id,
                                    durable->name)) {
            session_return_unacked(session, mine->sub);
            core_unsubscribe(mine->sub);
            session_subscription_drop(session, mine);
        }
    }
    if (session_durable_remove(session, frame, durable)) {
        session_receipt(session, frame, core_ticket(session->core));
    }
}

void
session_unsubscribe(struct session *session, const struct frame *frame)
{
    struct span id = session_subscription_id(session, frame);
    struct session_subscription *mine;
    struct session_durable durable;

    if (id.data == NULL) {
        return;
    }
    if (session_durable_named(session, frame, id, &durable)) {
        unsubscribe_durable(session, frame, &durable);
        return;
    }
    mine = session_subscription_find(session, id);
    if (mine == NULL && session->version == STOMP_1_0 &&
        !frame_has(frame, HEADER_ID)) {
        mine = subscription_find_by_destination(session, id);
    }
    if (mine == NULL) {
        session_error(
            session, frame, TRANSPORT_CLOSE_PROTOCOL, "no such subscription",
            "this connection has no subscription \"%s\"", SESSION_TEXT(id));
        return;
    }
    core_unsubscribe(mine->sub);
    session_subscription_drop(session, mine);
    session_receipt(session, frame, 0);
}

void
session_end_subscription(struct session *session,
                         struct session_subscription *mine, const char *why,
                         const char *reason)
{
    struct frame_encoder encoder;
    struct buf *out = &session->scratch;

    buf_clear(out);
    frame_encoder_begin(&encoder, out, FRAME_MESSAGE, session->version, 0);
    frame_encoder_header(&encoder, SPAN("subscription"),
                         span_of(mine->id, mine->id_len));
    frame_encoder_header(&encoder, SPAN("message-id"), SPAN("0"));
    frame_encoder_header(&encoder, SPAN("destination"),
                         span_of(mine->destination, mine->destination_len));
    frame_encoder_header(&encoder, SPAN("subscription-ended"),
                         span_of_text(why));
    frame_encoder_header(&encoder, SPAN("reason"), span_of_text(reason));
    frame_encoder_end(&encoder, SPAN_NONE);
    session_write(session, buf_span(out));
    log_event(LOG_LEVEL_WARNING, "session", "subscription ended",
              "id=%s peer=%s subscription=%s reason=\"%s\"", session->name,
              session->transport->peer,
              LOG_WORD(span_of(mine->id, mine->id_len)), reason);
    session_return_unacked(session, mine->sub);
    core_unsubscribe(mine->sub);
    session_subscription_drop(session, mine);
}
