/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RECEIPT and ERROR: every answer leaves in the order of the requests, and only
 * when what it promises holds.  An answer that waits for the disk makes those
 * behind it wait too; so exactly one of RECEIPT and ERROR comes for each
 * `receipt` (D14, D16, P73).
 */
#include "server/session/session_private.h"

#include "base/alloc.h"
#include "protocol/frame_encoder.h"
#include "server/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
session_write(struct session *session, struct span frame)
{
    struct transport *transport = session->transport;
    char *at;

    if (session->closed) {
        return; /* nobody is there to read it */
    }
    at = transport->ops->frame_begin(transport, frame.len, SPAN_NONE, NULL);
    memcpy(at, frame.data, frame.len);
    transport->ops->frame_end(transport);
}

static void
session_write_receipt(struct session *session, struct span id)
{
    struct frame_encoder encoder;
    struct buf *out = &session->scratch;

    buf_clear(out);
    frame_encoder_begin(&encoder, out, FRAME_RECEIPT, session->version, 0);
    frame_encoder_header(&encoder, SPAN("receipt-id"), id);
    frame_encoder_end(&encoder, SPAN_NONE);
    session_write(session, buf_span(out));
    session->counts.receipts++;
}

static void
session_close_transport(struct session *session, enum transport_close how,
                        const char *reason)
{
    if (!session->closed) {
        session->transport->ops->close(session->transport, how, reason);
    }
}

/* From here on nothing is taken and nothing is delivered. */
static void
session_stop(struct session *session)
{
    session->state = SESSION_CLOSING;
    session->counts.returned += session->client.unacked_count;
    if (!session->closed) {
        session->transport->ops->timer_set(session->transport, INT64_MAX);
    }
    session->holding = false; /* an ERROR speaks for what was held, too */
    buf_fini(&session->held);
    session_transactions_drop(session);
    ack_ledger_fini(&session->ledger);
    core_client_stop(&session->client);
}

/* Queues an answer behind those that wait. */
static struct reply *
reply_queue(struct session *session, store_ticket ticket, struct span bytes)
{
    struct reply *reply = xcalloc(1, sizeof(*reply) + bytes.len);

    reply->ticket = ticket;
    if (bytes.len > 0) {
        memcpy(reply->bytes, bytes.data, bytes.len);
    }
    DL_APPEND(session->replies, reply);
    session->reply_bytes += sizeof(*reply) + bytes.len;
    reply->size = sizeof(*reply) + bytes.len;
    session_check_replies(session);
    core_client_await(&session->client, true);
    return reply;
}

void
session_receipt(struct session *session, const struct frame *frame,
                store_ticket ticket)
{
    struct span id = frame_get(frame, HEADER_RECEIPT);

    /* STOMP 1.0 has no empty values: the RECEIPT would lack its header. */
    if (id.data == NULL ||
        (id.len == 0 && version_rules(session->version)->drops_empty_values)) {
        return;
    }
    if (ticket == 0 && session->replies == NULL) {
        session_write_receipt(session, id);
    } else {
        reply_queue(session, ticket, id)->receipt_len = id.len;
    }
}

void
session_close(struct session *session, enum transport_close how)
{
    if (session->state == SESSION_CLOSING) {
        return;
    }
    session_stop(session);
    if (session->replies == NULL) {
        session_close_transport(session, how, session->reason);
    } else {
        struct reply *reply = reply_queue(session, 0, SPAN_NONE);

        reply->closes = true;
        reply->how = how;
    }
}

/* What helps the client to find the frame that was refused (V12-248). */
static void
error_echo_headers(struct frame_encoder *encoder, const struct frame *frame)
{
    static const enum header_id echoed[] = { HEADER_DESTINATION,
                                             HEADER_TRANSACTION };
    struct span id = frame_get(frame, HEADER_RECEIPT);

    if (id.data != NULL) {
        frame_encoder_header(encoder, SPAN("receipt-id"), id);
    }
    for (size_t i = 0; i < sizeof(echoed) / sizeof(echoed[0]); i++) {
        if (frame_has(frame, echoed[i])) {
            frame_encoder_header(encoder, header_name(echoed[i]),
                                 frame_get(frame, echoed[i]));
        }
    }
    if ((frame->command == FRAME_SUBSCRIBE ||
         frame->command == FRAME_UNSUBSCRIBE) &&
        frame_has(frame, HEADER_ID)) {
        frame_encoder_header(encoder, SPAN("subscription"),
                             frame_get(frame, HEADER_ID));
    }
}

static void
error_encode(struct session *session, const struct frame *frame,
             const char *message, struct span details, struct buf *out)
{
    enum stomp_version version =
        session->version != STOMP_NONE ? session->version : STOMP_1_2;
    struct frame_encoder encoder;

    frame_encoder_begin(&encoder, out, FRAME_ERROR, version, details.len);
    frame_encoder_header(&encoder, SPAN("content-type"), SPAN("text/plain"));
    frame_encoder_header(&encoder, SPAN("message"), span_of_text(message));
    if (session->version == STOMP_NONE) {
        frame_encoder_header(&encoder, SPAN("version"), SPAN("1.0,1.1,1.2"));
    }
    if (frame != NULL) {
        error_echo_headers(&encoder, frame);
    }
    frame_encoder_end(&encoder, details);
}

void
session_error(struct session *session, const struct frame *frame,
              enum transport_close how, const char *message,
              const char *details_fmt, ...)
{
    struct buf out = BUF_INIT;
    char details[1024];
    size_t len;
    va_list ap;

    if (session->state == SESSION_CLOSING) {
        return;
    }
    va_start(ap, details_fmt);
    (void)vsnprintf(details, sizeof(details) - 1, details_fmt, ap);
    va_end(ap);
    len = strlen(details);
    session_note_error(session, message, details);
    session_set_reason(session, message);
    details[len++] = '\n'; /* the body is one line of text */
    error_encode(session, frame, message, span_of(details, len), &out);
    session_stop(session);
    if (session->replies == NULL) {
        session_write(session, buf_span(&out));
        session_close_transport(session, how, message);
    } else {
        struct reply *reply = reply_queue(session, 0, buf_span(&out));

        reply->frame_len = out.len;
        reply->closes = true;
        reply->how = how;
    }
    buf_fini(&out);
}

static void
reply_free(struct session *session, struct reply *reply)
{
    DL_DELETE(session->replies, reply);
    session->reply_bytes -= reply->size;
    free(reply);
}

/* A synchronous send, ACK or COMMIT could not be stored: its answer is an
 * ERROR, and nothing after it is answered. */
static void __attribute__((cold))
reply_fail(struct session *session, const struct reply *reply,
           const struct error *err)
{
    struct frame_header header = {
        .name = SPAN("receipt"),
        .value = span_of(reply->bytes, reply->receipt_len),
        .id = HEADER_RECEIPT,
    };
    struct frame frame = { .headers = &header, .header_count = 1 };
    struct buf id = BUF_INIT;

    /* Its bytes must outlive the queue that is dropped here. */
    buf_append_span(&id, header.value);
    header.value = span_of(id.data != NULL ? id.data : "", id.len);
    frame.known[HEADER_RECEIPT] = 1;
    session_replies_drop(session);
    session->state = SESSION_CONNECTED; /* so that the ERROR goes out */
    session_error(session, &frame, TRANSPORT_CLOSE_POLICY, "not stored",
                  "the frame with this receipt could not be written to disk "
                  "and must be sent again: %s",
                  err != NULL ? err->text : "the store has failed");
    buf_fini(&id);
}

/* Writes the answers at the front that need not wait for more than ticket. */
static void
session_replies_write(struct session *session, store_ticket ticket)
{
    while (session->replies != NULL && session->replies->ticket <= ticket) {
        struct reply *reply = session->replies;

        if (reply->closes) {
            if (reply->frame_len > 0) {
                session_write(session, span_of(reply->bytes, reply->frame_len));
            }
            session_close_transport(session, reply->how, session->reason);
        } else {
            session_write_receipt(session,
                                  span_of(reply->bytes, reply->receipt_len));
        }
        reply_free(session, reply);
    }
    if (session->replies == NULL) {
        core_client_await(&session->client, false);
    }
}

void
session_on_stored(void *ctx, store_ticket ticket, enum store_result result,
                  const struct error *err)
{
    struct session *session = ctx;

    if (result == STORE_FAILED) {
        struct reply *reply;

        DL_FOREACH(session->replies, reply) {
            if (reply->ticket == 0) {
                continue;
            }
            if (reply->ticket <= ticket) {
                reply_fail(session, reply, err);
            }
            return;
        }
    }
    session_replies_write(session, ticket);
}

void
session_replies_drop(struct session *session)
{
    while (session->replies != NULL) {
        reply_free(session, session->replies);
    }
    core_client_await(&session->client, false);
}
