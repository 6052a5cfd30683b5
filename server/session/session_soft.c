/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Soft errors: a client that has said `error-mode:soft` in CONNECT hears what
 * was wrong with one frame, and the session goes on.  The answer is the
 * RECEIPT that the frame asked for, with `status`; a frame that asked for none
 * gets a MESSAGE of the subscription `$errors`, which is always there.
 * What is wrong with the session itself stays an ERROR: session_error without
 * a frame.  Source: field.md W1; docs/decisions/0008.
 */
#include "server/session/session_private.h"

#include "base/alloc.h"
#include "protocol/frame_encoder.h"
#include "server/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line in the log for all that is refused in so long. */
enum { SOFT_LOG_INTERVAL_US = 1000000 };

#define SOFT_ERRORS SPAN("$errors")

static struct span
soft_status(enum transport_close how)
{
    switch (how) {
    case TRANSPORT_CLOSE_PROTOCOL:
        return SPAN("invalid");
    case TRANSPORT_CLOSE_TOO_BIG:
    case TRANSPORT_CLOSE_QUOTA:
        return SPAN("quota");
    case TRANSPORT_CLOSE_NORMAL:
    case TRANSPORT_CLOSE_POLICY:
        return SPAN("denied");
    case TRANSPORT_CLOSE_FAILED:
    case TRANSPORT_CLOSE_SHUTDOWN:
        return SPAN("failed");
    }
    return SPAN("failed"); /* not reached: the enum has no other value */
}

void
session_soft_encode_receipt(const struct session *session,
                            const struct frame *frame, enum transport_close how,
                            const char *message, const char *details,
                            struct buf *out)
{
    struct frame_encoder encoder;

    /* No body: only SEND, MESSAGE and ERROR have one. */
    frame_encoder_begin(&encoder, out, FRAME_RECEIPT, session->version, 0);
    frame_encoder_header(&encoder, SPAN("status"), soft_status(how));
    frame_encoder_header(&encoder, SPAN("message"), span_of_text(message));
    frame_encoder_header(&encoder, SPAN("details"), span_of_text(details));
    session_echo_headers(&encoder, frame);
    frame_encoder_end(&encoder, SPAN_NONE);
}

static void
soft_encode_message(struct session *session, const struct frame *frame,
                    enum transport_close how, const char *message,
                    const char *details, struct buf *out)
{
    static const enum header_id ids[] = { HEADER_ID, HEADER_ACK,
                                          HEADER_MESSAGE_ID };
    struct span destination = frame_get(frame, HEADER_DESTINATION);
    struct span id = session_header_any(frame, ids, 3);
    struct frame_encoder encoder;
    char number[sizeof(session->name) + 24];

    (void)snprintf(number, sizeof(number), "%s-e%llu", session->name,
                   (unsigned long long)++session->error_count);
    frame_encoder_begin(&encoder, out, FRAME_MESSAGE, session->version,
                        strlen(details));
    frame_encoder_header(&encoder, SPAN("subscription"), SOFT_ERRORS);
    frame_encoder_header(&encoder, SPAN("message-id"), span_of_text(number));
    frame_encoder_header(&encoder, SPAN("destination"),
                         destination.len > 0 ? destination : SOFT_ERRORS);
    frame_encoder_header(&encoder, SPAN("content-type"), SPAN("text/plain"));
    frame_encoder_header(&encoder, SPAN("status"), soft_status(how));
    frame_encoder_header(&encoder, SPAN("message"), span_of_text(message));
    if (frame->command_text.len > 0) {
        frame_encoder_header(&encoder, SPAN("command"),
                             span_of_text(SESSION_LINE(frame->command_text)));
    }
    if (frame_has(frame, HEADER_TRANSACTION)) {
        frame_encoder_header(&encoder, SPAN("transaction"),
                             frame_get(frame, HEADER_TRANSACTION));
    }
    if (id.data != NULL) {
        frame_encoder_header(&encoder, SPAN("id"), id);
    }
    frame_encoder_end(&encoder, span_of_text(details));
}

/* A client that goes wrong goes wrong often. */
static void
soft_log(struct session *session, const struct frame *frame,
         const char *message, const char *details)
{
    session->counts.errors++;
    free(session->last_error);
    session->last_error = xstrdup(details);
    if (session->refused_logged_us != 0 &&
        session->now_us - session->refused_logged_us < SOFT_LOG_INTERVAL_US) {
        session->refused_unlogged++;
        return;
    }
    log_event(LOG_LEVEL_INFO, "session", "frame refused",
              "id=%s peer=%s command=%s message=\"%s\" details=\"%s\" "
              "unlogged_before=%u",
              session->name, session->transport->peer,
              SESSION_LINE(frame->command_text), message, details,
              session->refused_unlogged);
    session->refused_logged_us = session->now_us;
    session->refused_unlogged = 0;
}

void
session_soft_refuse(struct session *session, const struct frame *frame,
                    enum transport_close how, const char *message,
                    const char *details)
{
    struct buf out = BUF_INIT; /* the frame's text may stand in scratch */

    soft_log(session, frame, message, details);
    if (session_wants_receipt(session, frame)) {
        session_soft_encode_receipt(session, frame, how, message, details,
                                    &out);
    } else {
        soft_encode_message(session, frame, how, message, details, &out);
    }
    session_answer(session, buf_span(&out));
    buf_fini(&out);
}

bool
session_soft_subscription(struct session *session, const struct frame *frame)
{
    if ((frame->command != FRAME_SUBSCRIBE &&
         frame->command != FRAME_UNSUBSCRIBE) ||
        !span_equal(frame_get(frame, HEADER_ID), SOFT_ERRORS)) {
        return false;
    }
    session_receipt(session, frame, 0);
    return true;
}

void
session_soft_drop_stale(struct session *session)
{
    struct session_transaction *stale = session->transactions;
    struct frame_header header = {
        .name = SPAN("transaction"),
        .value = span_of(stale->id, stale->id_len),
        .id = HEADER_TRANSACTION,
    };
    struct frame frame = {
        .command = FRAME_BEGIN,
        .command_text = frame_command_name(FRAME_BEGIN),
        .headers = &header,
        .header_count = 1,
    };

    frame.known[HEADER_TRANSACTION] = 1;
    session_error(session, &frame, TRANSPORT_CLOSE_QUOTA, "transaction too old",
                  "the transaction was left open for more than %lld seconds "
                  "and has been aborted",
                  (long long)(session->config->transaction_age_us / 1000000));
    session_transaction_drop(session, stale);
}
