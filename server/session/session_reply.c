/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RECEIPT and ERROR: every answer leaves in the order of the requests, and only
 * when what it promises holds.  An answer that waits for the disk makes those
 * behind it wait too; so exactly one of RECEIPT and ERROR comes for each
 * `receipt` (D14, D16, P73).  Soft errors are RECEIPTs in that order, too
 * (session_soft.c).
 */
#include "server/session/session_private.h"

#include "base/alloc.h"
#include "protocol/frame_encoder.h"
#include "server/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What follows is why. */
#define REPLY_NOT_STORED                                                       \
    "the frame with this receipt could not be written to disk and must be "    \
    "sent again, a SEND best with the same dedupe-id: "

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
    session_hold_drop(session);
    session_transactions_drop(session);
    ack_ledger_fini(&session->ledger);
    core_client_stop(&session->client);
}

/* Queues an answer behind those that wait. */
static struct reply *
reply_queue(struct session *session, store_ticket ticket, struct span receipt,
            struct span frame)
{
    size_t size = sizeof(struct reply) + receipt.len + frame.len;
    struct reply *reply = xcalloc(1, size);
    char *at = reply->bytes;

    reply->ticket = ticket;
    reply->receipt_len = receipt.len;
    reply->frame_len = frame.len;
    reply->size = size;
    if (receipt.len > 0) {
        at = mempcpy(at, receipt.data, receipt.len);
    }
    if (frame.len > 0) {
        (void)mempcpy(at, frame.data, frame.len);
    }
    DL_APPEND(session->replies, reply);
    session->reply_bytes += size;
    session_check_replies(session);
    core_client_await(&session->client, true);
    return reply;
}

void
session_answer(struct session *session, struct span frame)
{
    if (session->replies == NULL) {
        session_write(session, frame);
    } else {
        (void)reply_queue(session, 0, SPAN_NONE, frame);
    }
}

bool
session_wants_receipt(const struct session *session, const struct frame *frame)
{
    struct span id = frame_get(frame, HEADER_RECEIPT);

    return id.len > 0 || (id.data != NULL &&
                          !version_rules(session->version)->drops_empty_values);
}

void
session_receipt(struct session *session, const struct frame *frame,
                store_ticket ticket)
{
    struct span id = frame_get(frame, HEADER_RECEIPT);

    if (!session_wants_receipt(session, frame)) {
        return;
    }
    if (ticket == 0 && session->replies == NULL) {
        session_write_receipt(session, id);
    } else {
        (void)reply_queue(session, ticket, id, SPAN_NONE);
    }
}

static void
receipt_encode(const struct session *session, struct span id,
               const struct receipt_facts *facts, struct buf *out)
{
    struct frame_encoder encoder;
    char text[80];

    frame_encoder_begin(&encoder, out, FRAME_RECEIPT, session->version, 0);
    frame_encoder_header(&encoder, SPAN("receipt-id"), id);
    if (facts->sent_number != 0) {
        (void)snprintf(text, sizeof(text), "%s-s%llu", session->name,
                       (unsigned long long)facts->sent_number);
        frame_encoder_header(&encoder, SPAN("message-id"), span_of_text(text));
    }
    if (facts->duplicate) {
        frame_encoder_header(&encoder, SPAN("duplicate"), SPAN("true"));
    }
    if (facts->duplicates > 0) {
        frame_encoder_header_u64(&encoder, SPAN("duplicates"),
                                 facts->duplicates);
    }
    if (facts->stored != RECEIPT_STORED_UNSAID) {
        bool disk = facts->stored == RECEIPT_STORED_DISK &&
                    core_survives(session->core);

        frame_encoder_header(&encoder, SPAN("stored"),
                             disk ? SPAN("disk") : SPAN("memory"));
    }
    frame_encoder_end(&encoder, SPAN_NONE);
}

void
session_receipt_with(struct session *session, const struct frame *frame,
                     store_ticket ticket, const struct receipt_facts *facts)
{
    struct buf *out = &session->scratch;

    if (!session->soft_errors) {
        session_receipt(session, frame, ticket);
        return;
    }
    if (!session_wants_receipt(session, frame)) {
        return;
    }
    session->counts.receipts++;
    buf_clear(out);
    receipt_encode(session, frame_get(frame, HEADER_RECEIPT), facts, out);
    if (ticket == 0) {
        session_answer(session, buf_span(out));
    } else {
        (void)reply_queue(session, ticket, frame_get(frame, HEADER_RECEIPT),
                          buf_span(out));
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
        struct reply *reply = reply_queue(session, 0, SPAN_NONE, SPAN_NONE);

        reply->closes = true;
        reply->how = how;
    }
}

void
session_echo_headers(struct frame_encoder *encoder, const struct frame *frame)
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
        session_echo_headers(&encoder, frame);
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
    if (session->soft_errors && frame != NULL) {
        session_soft_refuse(session, frame, how, message, details);
        return;
    }
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
        struct reply *reply =
            reply_queue(session, 0, SPAN_NONE, buf_span(&out));

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

/* A frame of which no more is left than its receipt. */
struct reply_frame {
    struct frame frame;
    struct frame_header header;
};

static const struct frame *
reply_frame_init(struct reply_frame *of, struct span receipt)
{
    *of = (struct reply_frame){
        .frame = { .headers = &of->header, .header_count = 1 },
        .header = { .name = SPAN("receipt"),
                    .value = receipt,
                    .id = HEADER_RECEIPT },
    };
    of->frame.known[HEADER_RECEIPT] = 1;
    return &of->frame;
}

/* A synchronous send, ACK or COMMIT could not be stored: its answer is an
 * ERROR, and nothing after it is answered. */
static void __attribute__((cold))
reply_fail(struct session *session, const struct reply *reply,
           const char *failure)
{
    struct reply_frame of;
    struct buf id = BUF_INIT;

    /* Its bytes must outlive the queue that is dropped here. */
    buf_append(&id, reply->bytes, reply->receipt_len);
    session_replies_drop(session);
    session->state = SESSION_CONNECTED; /* so that the ERROR goes out */
    session_error(
        session,
        reply_frame_init(&of, span_of(id.data != NULL ? id.data : "", id.len)),
        TRANSPORT_CLOSE_FAILED, "not stored", REPLY_NOT_STORED "%s", failure);
    buf_fini(&id);
}

/* The same in a session with soft errors: the others are answered, too. */
static void __attribute__((cold))
reply_write_refusal(struct session *session, const struct reply *reply,
                    const char *failure)
{
    struct reply_frame of;
    struct buf *out = &session->scratch;
    char details[sizeof(REPLY_NOT_STORED) + sizeof(((struct error *)0)->text)];

    (void)snprintf(details, sizeof(details), REPLY_NOT_STORED "%s", failure);
    buf_clear(out);
    session_soft_encode_receipt(
        session,
        reply_frame_init(&of, span_of(reply->bytes, reply->receipt_len)),
        TRANSPORT_CLOSE_FAILED, "not stored", details, out);
    session_write(session, buf_span(out));
}

static void
reply_write(struct session *session, const struct reply *reply)
{
    struct span receipt = span_of(reply->bytes, reply->receipt_len);

    if (reply->frame_len > 0) {
        session_write(session,
                      span_of(reply->bytes + receipt.len, reply->frame_len));
    } else if (!reply->closes) {
        session_write_receipt(session, receipt);
    }
    if (reply->closes) {
        session_close_transport(session, reply->how, session->reason);
    }
}

/* Writes the answers at the front that need not wait for more than ticket.
 * failure: those that waited for it are refused (soft errors). */
static void
session_replies_write(struct session *session, store_ticket ticket,
                      const char *failure)
{
    while (session->replies != NULL && session->replies->ticket <= ticket) {
        struct reply *reply = session->replies;

        if (failure != NULL && reply->ticket != 0) {
            reply_write_refusal(session, reply, failure);
        } else {
            reply_write(session, reply);
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
    const char *failure = err != NULL ? err->text : "the store has failed";
    struct reply *reply;

    if (result != STORE_FAILED) {
        session_replies_write(session, ticket, NULL);
        return;
    }
    if (session->soft_errors) {
        session_replies_write(session, ticket, failure);
        return;
    }
    DL_FOREACH(session->replies, reply) {
        if (reply->ticket == 0) {
            continue;
        }
        if (reply->ticket <= ticket) {
            reply_fail(session, reply, failure);
        }
        return;
    }
    session_replies_write(session, ticket, NULL);
}

void
session_replies_drop(struct session *session)
{
    while (session->replies != NULL) {
        reply_free(session, session->replies);
    }
    core_client_await(&session->client, false);
}
