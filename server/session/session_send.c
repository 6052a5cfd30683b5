/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEND: the hot path in.  A session remembers its last destinations, so that
 * neither their text is parsed nor their name looked up again.
 * Source: STOMP 1.2, "SEND"; stomp.md V12-150..156, P33, P35, appendix A.
 */
#include "server/session/session_private.h"

#include "base/alloc.h"

#include <stdlib.h>

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
                       session_send_is_persistent(frame), &lack)) {
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
        session_refuse_memory(session, frame);
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

static bool
send_has_backlog(const struct session *session)
{
    uint64_t epoch = core_destinations_epoch(session->core);

    for (int i = 0; i < SESSION_DESTINATIONS; i++) {
        const struct session_destination *known = &session->destinations[i];

        if (known->dest != NULL && known->epoch == epoch &&
            core_has_backlog(known->dest)) {
            return true;
        }
    }
    return false;
}

size_t
session_read_size(const struct session *session)
{
    /* A tenth of the usual prefetch, as the frames of this peer are. */
    enum { FRAMES = 100, BYTES_MIN = 16384 };
    uint64_t bytes = FRAMES * session->transport->received_bytes /
                     (session->frames_in > 0 ? session->frames_in : 1);

    if (!send_has_backlog(session)) {
        return SIZE_MAX;
    }
    return bytes > BYTES_MIN ? (size_t)bytes : BYTES_MIN;
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

/* All names are looked at before any message leaves.  False after an ERROR, or
 * when the SEND has to wait. */
static bool
send_find_all(struct session *session, const struct frame *frame,
              const struct destination_name *names, size_t count,
              struct destination **dests)
{
    for (size_t i = 0; i < count; i++) {
        if (!send_check_name(session, frame, &names[i]) ||
            (dests[i] = send_find(session, frame, &names[i])) == NULL ||
            !send_admit(session, frame, dests[i])) {
            return false;
        }
    }
    return true;
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
    if (failed || !session_destination_parse(session, frame, names, &count) ||
        !send_find_all(session, frame, names, count, dests)) {
        return;
    }
    send_destination_text(text, &names[0], &shown);
    msg = session_send_message(session, frame, buf_span(&shown));
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
        msg = session_send_message(session, frame, text);
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
