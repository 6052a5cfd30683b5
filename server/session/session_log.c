/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a session says in the log: a line for each frame that it refuses, and
 * one at its end that explains the connection without any other (P88).  Never
 * a passcode: what a peer chose comes here through secret_escape (P43).
 */
#include "server/session/session_private.h"

#include "base/alloc.h"
#include "server/log.h"

#include <stdlib.h>

enum { SESSION_LOG_ERROR_BYTES = 300 }; /* of an ERROR's text, at the end */

void
session_set_reason(struct session *session, const char *reason)
{
    if (session->reason == NULL) {
        session->reason = xstrdup(reason);
    }
}

void
session_note_error(struct session *session, const char *message,
                   const char *details)
{
    session->counts.errors++;
    free(session->last_error);
    session->last_error = xstrdup(details);
    log_event(LOG_LEVEL_WARNING, "session", "refused",
              "id=%s peer=%s message=\"%s\" details=\"%s\"", session->name,
              session->transport->peer, message, details);
}

/* A name that the client chose, "-" when it chose none. */
#define SESSION_NAME_TEXT(text)                                                \
    ((text) != NULL ? LOG_WORD(span_of_text(text)) : "-")

static const char *
log_version(const struct session *session)
{
    return session->version != STOMP_NONE
               ? version_rules(session->version)->text
               : "-";
}

void
session_log_closed(const struct session *session, const char *transport_reason)
{
    const struct transport *transport = session->transport;
    const struct session_counts *counts = &session->counts;
    int64_t open_ms = (session->now_us - session->opened_us) / 1000;

    log_event(
        LOG_LEVEL_INFO, "session", "closed",
        "id=%s peer=%s transport=%s version=%s user=%s client-id=%s "
        "reason=\"%s\" error=\"%.*s\" seconds=%lld.%03d frames_in=%llu "
        "messages_in=%llu messages_out=%llu acks=%llu nacks=%llu "
        "receipts=%llu errors=%u returned=%llu bytes_in=%llu bytes_out=%llu "
        "bytes_unsent=%llu",
        session->name, transport->peer, transport->kind, log_version(session),
        SESSION_NAME_TEXT(session->login),
        SESSION_NAME_TEXT(session->client_id),
        session->reason != NULL ? session->reason : transport_reason,
        SESSION_LOG_ERROR_BYTES,
        session->last_error != NULL ? session->last_error : "",
        (long long)(open_ms / 1000), (int)(open_ms % 1000),
        (unsigned long long)session->frames_in,
        (unsigned long long)counts->messages_in,
        (unsigned long long)session->message_count,
        (unsigned long long)counts->acks, (unsigned long long)counts->nacks,
        (unsigned long long)counts->receipts, counts->errors,
        (unsigned long long)counts->returned,
        (unsigned long long)transport->received_bytes,
        (unsigned long long)transport->flushed_bytes,
        (unsigned long long)(transport->queued_bytes -
                             transport->flushed_bytes));
}
