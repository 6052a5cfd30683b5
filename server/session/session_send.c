/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEND: the hot path in.  A session remembers its last destinations, so that
 * neither their text is parsed nor their name looked up again.
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

static bool
send_is_persistent(const struct frame *frame)
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
    facts->message.persistent = send_is_persistent(frame);
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
    header_append(out, SPAN("destination"), facts->destination, STOMP_1_2);
    for (size_t i = 0; i < frame->header_count; i++) {
        const struct frame_header *header = &frame->headers[i];

        if (send_header_is_ours(header->id)) {
            continue;
        }
        if (header->id == HEADER_REPLY_TO && facts->reply_to.len > 0) {
            header_append(out, header->name, buf_span(&facts->reply_to),
                          STOMP_1_2);
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

static void __attribute__((cold))
send_refuse_memory(struct session *session, const struct frame *frame)
{
    session_error(session, frame, TRANSPORT_CLOSE_QUOTA, "out of memory",
                  "no memory for a message of %zu bytes; nothing was sent",
                  frame->body.len);
}

/* NULL after an ERROR. */
static struct message *
send_make_message(struct session *session, const struct frame *frame,
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
            send_refuse_memory(session, frame);
        }
    }
    buf_fini(&facts.reply_to);
    return msg;
}

static void __attribute__((cold))
send_refuse_space(struct session *session, const struct frame *frame,
                  const struct core_lack *lack)
{
    bool failed = lack->room == CORE_ROOM_DISK;
    struct error why = ERROR_INIT;

    core_lack_explain(session->core, lack, &why);
    session_error(session, frame,
                  failed ? TRANSPORT_CLOSE_FAILED : TRANSPORT_CLOSE_QUOTA,
                  failed ? "not stored" : "no space",
                  "the message to \"%s\" was not sent, as its policy says "
                  "sendFailIfNoSpace: %s",
                  SESSION_TEXT(frame_get(frame, HEADER_DESTINATION)), why.text);
}

/* Whether the SEND may go on; else it is held until there is room, or has been
 * refused. */
static bool
send_admit(struct session *session, const struct frame *frame,
           struct destination *dest)
{
    struct core_lack lack;

    if (session->forced) {
        return true;
    }
    switch (core_admit(session->core, dest, &session->client,
                       send_is_persistent(frame), &lack)) {
    case CORE_ADMITTED:
        return true;
    case CORE_WAIT:
        session_hold_begin(session, frame, &lack);
        break;
    case CORE_REFUSED:
        send_refuse_space(session, frame, &lack);
        break;
    }
    return false;
}

static void __attribute__((cold))
send_refuse(struct session *session, const struct frame *frame,
            enum core_send why)
{
    const struct error *err = core_store_failure(session->core);

    if (why == CORE_NO_MEMORY) {
        send_refuse_memory(session, frame);
        return;
    }
    session_error(session, frame, TRANSPORT_CLOSE_FAILED, "not stored",
                  "persistent messages cannot be taken now: %s",
                  err != NULL ? err->text : "the store has failed");
}

/* What has become of a SEND. */
struct send_outcome {
    store_ticket ticket; /* the last to be on disk */
    uint32_t sent;
    uint32_t duplicates;
    bool first_stored; /* what a duplicate repeats is */
};

/* The id by which the sender tells its messages apart, under any name that
 * brokers have for it; empty without. */
static struct span
send_dedupe_id(const struct frame *frame)
{
    static const enum header_id names[] = { HEADER_DEDUPE_ID,
                                            HEADER_AMQ_DUPL_ID,
                                            HEADER_NATS_MSG_ID };

    return session_header_any(frame, names, 3);
}

/* Routes one message to one destination; false after an ERROR.  prepared: with
 * others, or NULL. */
static bool
send_route(struct session *session, const struct frame *frame,
           struct destination *dest, struct message *msg,
           struct core_prepared *prepared, struct send_outcome *outcome)
{
    const struct transport *transport = session->transport;
    struct span dedupe_id = send_dedupe_id(frame);
    struct dedupe_key key;
    enum core_send sent;
    store_ticket ticket = 0;
    struct send_options options = {
        .sender = &session->client,
        .wait = frame_has(frame, HEADER_RECEIPT),
        .use_async_send = session->use_async_send,
        .listener_async_send = !transport->use_async_send_set ? POLICY_UNSET
                               : transport->use_async_send    ? POLICY_ON
                                                              : POLICY_OFF,
        .prepared = prepared,
    };

    if (dedupe_id.len > 0) {
        key = core_dedupe_key(session->core, dest->kind,
                              destination_name_get(dest), dedupe_id);
        options.dedupe = &key;
    }
    sent = core_send(session->core, dest, msg, &options, &ticket);
    switch (sent) {
    case CORE_SENT:
        outcome->sent++;
        break;
    case CORE_DUPLICATE_STORED:
        outcome->first_stored = true;
        outcome->duplicates++;
        break;
    case CORE_DUPLICATE:
        outcome->duplicates++;
        break;
    case CORE_STORE_FAILED:
    case CORE_NO_MEMORY:
        send_refuse(session, frame, sent);
        return false;
    }
    outcome->ticket = ticket > outcome->ticket ? ticket : outcome->ticket;
    return true;
}

/* The same to several, all or none. */
static bool
send_route_all(struct session *session, const struct frame *frame,
               struct destination *const *dests, size_t count,
               struct message *msg, struct send_outcome *outcome)
{
    struct core_prepared *prepared[DESTINATION_COMPOSITE_COUNT] = { NULL };
    enum core_send ready = CORE_SENT;

    for (size_t i = 0; i < count && ready == CORE_SENT; i++) {
        ready = core_prepare(session->core, dests[i], msg, &prepared[i]);
    }
    if (ready != CORE_SENT) {
        send_refuse(session, frame, ready);
    }
    for (size_t i = 0; i < count; i++) {
        if (ready == CORE_SENT) {
            (void)send_route(session, frame, dests[i], msg, prepared[i],
                             outcome);
        }
        core_prepared_free(&prepared[i]);
    }
    return ready == CORE_SENT;
}

static inline void
send_answer(struct session *session, const struct frame *frame,
            const struct send_outcome *outcome)
{
    if (session->soft_errors) {
        bool duplicate = outcome->sent == 0 && outcome->duplicates > 0;
        struct receipt_facts facts = {
            .sent_number = duplicate ? 0 : session->sent_number,
            .duplicate = duplicate,
            .stored = outcome->ticket != 0 || outcome->first_stored
                          ? RECEIPT_STORED_DISK
                          : RECEIPT_STORED_MEMORY,
        };

        session_receipt_with(session, frame, outcome->ticket, &facts);
    } else {
        session_receipt(session, frame, outcome->ticket);
    }
}

/* --- the destinations that were sent to last ---------------------------- */

static struct destination *
send_recall(const struct session *session, struct span text)
{
    uint64_t epoch = core_destinations_epoch(session->core);

    for (int i = 0; i < SESSION_DESTINATIONS; i++) {
        const struct session_destination *known = &session->destinations[i];

        if (known->dest != NULL && known->epoch == epoch &&
            span_equal(span_of(known->text, known->text_len), text)) {
            return known->dest;
        }
    }
    return NULL;
}

static void
send_remember(struct session *session, struct span text,
              struct destination *dest)
{
    struct session_destination *slot =
        &session
             ->destinations[session->destination_next++ % SESSION_DESTINATIONS];

    free(slot->text);
    slot->text = xstrndup(text.data, text.len);
    slot->text_len = text.len;
    slot->dest = dest;
    slot->epoch = core_destinations_epoch(session->core);
}

static bool
send_check_name(struct session *session, const struct frame *frame,
                const struct destination_name *name)
{
    if (!name->wildcard) {
        return true;
    }
    session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                  "SEND to a wildcard",
                  "destination \"%s\" has a wildcard; a message goes to named "
                  "destinations only, wildcards are for SUBSCRIBE",
                  SESSION_TEXT(frame_get(frame, HEADER_DESTINATION)));
    return false;
}

/* NULL after an ERROR. */
static struct destination *
send_find(struct session *session, const struct frame *frame,
          const struct destination_name *name)
{
    struct destination *dest;
    struct span core_name = session_core_name(session, name);

    switch (core_destination(session->core, &session->client, name->kind,
                             core_name, !name->remote, &dest)) {
    case CORE_FOUND:
        return dest;
    case CORE_NOT_FOUND:
        session_error(session, frame, TRANSPORT_CLOSE_POLICY,
                      "destination does not exist",
                      "the temporary destination \"%s\" is not there (any "
                      "more); it ends with the connection that made it",
                      SESSION_TEXT(frame_get(frame, HEADER_DESTINATION)));
        break;
    case CORE_TOO_MANY:
        session_error(session, frame, TRANSPORT_CLOSE_QUOTA,
                      "too many destinations",
                      "\"%s\" would be one more than maxDestinations of its "
                      "policy allows",
                      SESSION_TEXT(frame_get(frame, HEADER_DESTINATION)));
        break;
    }
    return NULL;
}

/* What the MESSAGE will say: the SEND's own words, but for the owner of a
 * temporary destination its own name of it. */
static void
send_destination_text(struct span sent, const struct destination_name *name,
                      struct buf *out)
{
    const char *dot;

    buf_clear(out);
    if (!name->remote) {
        buf_append_span(out, sent);
        return;
    }
    dot = memchr(name->name.data, '.', name->name.len);
    buf_append_span(out, destination_name_prefix(name->kind));
    buf_append_span(
        out, dot == NULL
                 ? name->name
                 : span_after(name->name, (size_t)(dot + 1 - name->name.data)));
}

static void
send_in_transaction(struct session *session, const struct frame *frame,
                    struct transaction *tx,
                    const struct destination_name *names, size_t count,
                    struct message *msg)
{
    struct receipt_facts facts = { .sent_number = session->sent_number };
    struct span dedupe_id = send_dedupe_id(frame);
    uint32_t before = transaction_count(tx);

    for (size_t i = 0; i < count; i++) {
        struct span name = session_core_name(session, &names[i]);
        struct dedupe_key key;

        if (dedupe_id.len > 0) {
            key =
                core_dedupe_key(session->core, names[i].kind, name, dedupe_id);
        }
        if (transaction_send(tx, names[i].kind, name, msg,
                             dedupe_id.len > 0 ? &key : NULL) ==
            TRANSACTION_FULL) {
            transaction_cut(tx, before); /* an ERROR ends it */
            session_error(session, frame, TRANSPORT_CLOSE_QUOTA,
                          "transaction too big",
                          "a transaction holds at most %u frames and %zu "
                          "bytes; commit more often",
                          session->config->transaction_ops_max,
                          session->config->transaction_bytes_max);
            return;
        }
    }
    /* Taken; COMMIT's is the durable one. */
    session_receipt_with(session, frame, 0, &facts);
}

/* Every SEND that is not one plain destination known from before. */
static void __attribute__((noinline))
send_slowly(struct session *session, const struct frame *frame)
{
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct destination *dests[DESTINATION_COMPOSITE_COUNT];
    struct span text = frame_get(frame, HEADER_DESTINATION);
    struct buf shown = BUF_INIT;
    struct message *msg;
    struct transaction *tx;
    struct send_outcome outcome = { .ticket = 0 };
    bool failed;
    bool sent;
    size_t count;

    tx = session_transaction_of(session, frame, &failed);
    if (failed || !session_destination_parse(session, frame, names, &count)) {
        return;
    }
    /* All names are looked at before any message leaves. */
    for (size_t i = 0; i < count; i++) {
        if (!send_check_name(session, frame, &names[i]) ||
            (dests[i] = send_find(session, frame, &names[i])) == NULL ||
            !send_admit(session, frame, dests[i])) {
            return;
        }
    }
    send_destination_text(text, &names[0], &shown);
    msg = send_make_message(session, frame, buf_span(&shown));
    buf_fini(&shown);
    if (msg == NULL) {
        return;
    }
    if (tx != NULL) {
        send_in_transaction(session, frame, tx, names, count, msg);
        message_unref(&msg);
        return;
    }
    sent = count == 1
               ? send_route(session, frame, dests[0], msg, NULL, &outcome)
               : send_route_all(session, frame, dests, count, msg, &outcome);
    message_unref(&msg);
    if (!sent) {
        return;
    }
    if (count == 1 && !names[0].remote) {
        send_remember(session, text, dests[0]);
    }
    send_answer(session, frame, &outcome);
}

void
session_send(struct session *session, const struct frame *frame)
{
    struct span text = frame_get(frame, HEADER_DESTINATION);
    struct destination *dest = NULL;
    struct message *msg;
    struct send_outcome outcome = { .ticket = 0 };
    bool sent;

    if (!frame_has(frame, HEADER_TRANSACTION)) {
        dest = send_recall(session, text);
    }
    if (dest == NULL) {
        send_slowly(session, frame);
    } else if (send_admit(session, frame, dest)) {
        msg = send_make_message(session, frame, text);
        if (msg == NULL) {
            return;
        }
        sent = send_route(session, frame, dest, msg, NULL, &outcome);
        message_unref(&msg);
        if (sent) {
            send_answer(session, frame, &outcome);
        }
    }
}
