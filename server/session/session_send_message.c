/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message that a SEND makes: its headers as they will go out, and what the
 * broker itself has to know of them.
 * Source: STOMP 1.2, "SEND"; stomp.md V12-150..156, P33, P35, appendix A.
 */
#include "server/session/session_private.h"

#include "base/alloc.h"
#include "server/core/schedule_plan.h"

#include <stdlib.h>

/* What a SEND says beside its body; filled from headers. */
struct send_facts {
    struct message_facts message;
    bool computed_expires;   /* from ttl or expiration: to be told */
    struct span destination; /* the header to be written */
    struct buf reply_to;     /* rewritten; empty when as sent */
};

static bool
send_number(struct session *session, const struct frame *frame,
            enum header_id id, int64_t *value_out)
{
    struct span text = frame_get(frame, id);

    if (span_to_i64(span_trim(text), value_out)) {
        return true;
    }
    session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL, "bad number",
                  "header %s was \"%s\"; expected a whole number",
                  header_name(id).data, SESSION_TEXT(text));
    return false;
}

static bool
send_take_expiry(struct session *session, const struct frame *frame,
                 struct send_facts *facts)
{
    static const enum header_id relative[] = { HEADER_TTL, HEADER_EXPIRATION };
    int64_t value;

    if (frame_has(frame, HEADER_EXPIRES)) {
        if (!send_number(session, frame, HEADER_EXPIRES, &value)) {
            return false;
        }
        facts->message.expires_ms = value > 0 ? value : 0;
        return true;
    }
    for (size_t i = 0; i < 2; i++) {
        if (!frame_has(frame, relative[i])) {
            continue;
        }
        if (!send_number(session, frame, relative[i], &value)) {
            return false;
        }
        if (value > 0 && value < INT64_MAX / 2) {
            facts->message.expires_ms = facts->message.timestamp_ms + value;
            facts->computed_expires = true;
        }
        return true;
    }
    return true;
}

bool
session_send_is_persistent(const struct frame *frame)
{
    return span_is_true(frame_get(frame, HEADER_PERSISTENT)) ||
           span_equal(frame_get(frame, HEADER_DELIVERY_MODE), SPAN("2"));
}

static bool
send_take_facts(struct session *session, const struct frame *frame,
                struct send_facts *facts)
{
    int64_t priority;

    facts->message.timestamp_ms = core_now_ms(session->core);
    facts->message.priority = MESSAGE_PRIORITY_DEFAULT;
    facts->message.maybe_not_utf8 = session->version == STOMP_1_0;
    facts->message.maybe_grouped = frame_has(frame, HEADER_JMSX_GROUP_ID) ||
                                   frame_has(frame, HEADER_MESSAGE_GROUP) ||
                                   frame_has(frame, HEADER_MESSAGE_GROUP_OLD);
    facts->message.persistent = session_send_is_persistent(frame);
    if (frame_has(frame, HEADER_PRIORITY)) {
        if (!send_number(session, frame, HEADER_PRIORITY, &priority)) {
            return false;
        }
        facts->message.priority =
            (uint8_t)(priority < 0                      ? 0
                      : priority > MESSAGE_PRIORITY_MAX ? MESSAGE_PRIORITY_MAX
                                                        : priority);
    }
    return send_take_expiry(session, frame, facts);
}

/* A reply-to that names a temporary destination of this connection becomes the
 * name that others can send to, and the destination is there from now on. */
static void
send_take_reply_to(struct session *session, const struct frame *frame,
                   struct send_facts *facts)
{
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct span text = frame_get(frame, HEADER_REPLY_TO);
    struct destination *dest;
    size_t count = 0;
    bool topic;

    if (!span_starts_with(text, SPAN("/temp-")) ||
        destination_name_parse(text, &session->config->names, names, &count,
                               NULL) != 0 ||
        count != 1) {
        return; /* any other text is the clients' own affair */
    }
    topic = names[0].kind == DESTINATION_TEMP_TOPIC;
    buf_append_span(&facts->reply_to, topic ? SPAN("/remote-temp-topic/")
                                            : SPAN("/remote-temp-queue/"));
    buf_append_span(&facts->reply_to, session_core_name(session, &names[0]));
    (void)core_destination(session->core, &session->client, names[0].kind,
                           session_core_name(session, &names[0]), true, &dest);
}

/* Headers that speak to the server, or that the server alone may write. */
static bool
send_header_is_ours(enum header_id id)
{
    switch (id) {
    case HEADER_RECEIPT:
    case HEADER_TRANSACTION:
    case HEADER_CONTENT_LENGTH:
    case HEADER_MESSAGE_ID:
    case HEADER_SUBSCRIPTION:
    case HEADER_ACK:
    case HEADER_REDELIVERED:
    case HEADER_DELIVERY_COUNT:
    case HEADER_DESTINATION:
    case HEADER_ORIGINAL_MESSAGE_ID:
        return true;
    default:
        return false;
    }
}

/* The id that the RECEIPT tells the sender and that stays the same wherever
 * the message goes; a message-id is of one delivery. */
static void __attribute__((noinline))
send_append_id(struct session *session, const struct frame *frame,
               struct buf *out)
{
    char digits[20];

    session->sent_number = 0;
    if (!session_wants_receipt(session, frame)) {
        return; /* nobody would know it */
    }
    session->sent_number = ++session->sent_count;
    buf_append_span(out, SPAN("original-message-id:"));
    buf_append(out, session->name, session->name_len);
    buf_append_span(out, SPAN("-s"));
    buf_append(out, digits, u64_to_text(session->sent_number, digits));
    buf_append_char(out, '\n');
}

/* The header lines of the message, in wire form, into scratch. */
static struct span
send_build_headers(struct session *session, const struct frame *frame,
                   const struct send_facts *facts)
{
    struct buf *out = &session->scratch;

    buf_clear(out);
    header_append_known(out, HEADER_DESTINATION, facts->destination, STOMP_1_2);
    for (size_t i = 0; i < frame->header_count; i++) {
        const struct frame_header *header = &frame->headers[i];

        if (send_header_is_ours(header->id)) {
            continue;
        }
        if (header->id == HEADER_REPLY_TO && facts->reply_to.len > 0) {
            header_append_known(out, header->id, buf_span(&facts->reply_to),
                                STOMP_1_2);
        } else if (header->id != HEADER_OTHER) {
            header_append_known(out, header->id, header->value, STOMP_1_2);
        } else {
            header_append(out, header->name, header->value, STOMP_1_2);
        }
    }
    if (facts->computed_expires) {
        header_append_u64(out, SPAN("expires"),
                          (uint64_t)facts->message.expires_ms);
    }
    if (session->soft_errors) {
        send_append_id(session, frame, out);
    }
    return buf_span(out);
}

/* Under any of the names that brokers have for it. */
static bool
send_is_scheduled(const struct frame *frame)
{
    for (enum header_id id = HEADER_DELAY; id <= HEADER_X_DELAY; id++) {
        if (frame_has(frame, id)) {
            return true;
        }
    }
    return false;
}

/* False after an ERROR. */
static bool __attribute__((noinline))
send_take_schedule(struct session *session, const struct frame *frame,
                   struct span headers, struct send_facts *facts)
{
    struct schedule_plan plan;
    struct error err = ERROR_INIT;

    if (schedule_plan_parse(headers, &plan, &err) != 0) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL, "bad schedule",
                      "%s", err.text);
        return false;
    }
    facts->message.scheduled = true;
    return true;
}

void __attribute__((cold))
session_refuse_memory(struct session *session, const struct frame *frame)
{
    session_error(session, frame, TRANSPORT_CLOSE_QUOTA, "out of memory",
                  "no memory for a message of %zu bytes; nothing was sent",
                  frame->body.len);
}

struct message *
session_send_message(struct session *session, const struct frame *frame,
                     struct span destination)
{
    struct send_facts facts = { .destination = destination };
    struct message *msg = NULL;

    if (send_take_facts(session, frame, &facts)) {
        struct span headers;

        if (frame_has(frame, HEADER_REPLY_TO)) {
            send_take_reply_to(session, frame, &facts);
        }
        headers = send_build_headers(session, frame, &facts);
        if (send_is_scheduled(frame) &&
            !send_take_schedule(session, frame, headers, &facts)) {
            buf_fini(&facts.reply_to);
            return NULL;
        }
        msg = message_new(core_quota(session->core), &facts.message, headers,
                          SPAN_NONE, frame->body);
        if (msg == NULL) {
            session_refuse_memory(session, frame);
        }
    }
    buf_fini(&facts.reply_to);
    return msg;
}
