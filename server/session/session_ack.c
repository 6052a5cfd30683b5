/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACK and NACK.
 * Source: STOMP 1.2, "ACK", "NACK"; stomp.md V12-190..198, V11-007, V10-016,
 * D7, D8, D12, D17, P52, P59.
 */
#include "server/session/session_private.h"

#include <stdlib.h>

/* A week: longer is a mistake. */
#define NACK_DELAY_MAX_MS (INT64_C(7) * 24 * 3600 * 1000)

/* The n of `<name>-<n>` when the id is one of ours; a browser's has a mark
 * before the n. */
static bool
ack_parse_id(const struct session *session, struct span id, uint64_t *n_out,
             bool *browser_out)
{
    struct span number;

    if (!span_starts_with(id, span_of(session->name, session->name_len)) ||
        id.len <= session->name_len + 1 || id.data[session->name_len] != '-') {
        return false;
    }
    number = span_after(id, session->name_len + 1);
    *browser_out = number.data[0] == SESSION_BROWSER_MARK;
    return span_to_u64(*browser_out ? span_after(number, 1) : number, n_out) &&
           *n_out > 0 && *n_out <= session->message_count;
}

/* The id that the frame names, by version and then by habit of clients (I13,
 * I31, P59).  data == NULL after an ERROR. */
static struct span
ack_id(struct session *session, const struct frame *frame)
{
    static const enum header_id by_id[] = { HEADER_ID, HEADER_ACK,
                                            HEADER_MESSAGE_ID };
    static const enum header_id by_message[] = { HEADER_MESSAGE_ID, HEADER_ID,
                                                 HEADER_ACK };
    bool new_way = version_rules(session->version)->ack_by_id;
    const enum header_id *names = new_way ? by_id : by_message;
    struct span found = SPAN_NONE;
    uint64_t n;
    bool browser;

    for (size_t i = 0; i < 3; i++) {
        struct span id = frame_get(frame, names[i]);

        if (id.data != NULL && ack_parse_id(session, id, &n, &browser)) {
            return id;
        }
        if (found.data == NULL) {
            found = id;
        }
    }
    if (found.data == NULL) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL, "no id",
                      "a %s frame needs the header %s of the message that it "
                      "settles",
                      SESSION_TEXT(frame->command_text),
                      new_way ? "id (the MESSAGE's ack)" : "message-id");
    }
    return found;
}

/* In 1.1 the subscription must be named and be the message's own (V11-007). */
static bool
ack_check_subscription(struct session *session, const struct frame *frame,
                       const struct delivery *delivery)
{
    struct span given = frame_get(frame, HEADER_SUBSCRIPTION);
    const struct session_subscription *mine;

    if (session->version != STOMP_1_1) {
        return true;
    }
    if (given.data == NULL) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "no subscription",
                      "a %s frame of STOMP 1.1 needs the header subscription",
                      SESSION_TEXT(frame->command_text));
        return false;
    }
    if (delivery == NULL || delivery->sub->closed) {
        return true;
    }
    mine = delivery->sub->ctx;
    if (!span_equal(given, span_of(mine->id, mine->id_len))) {
        session_error(
            session, frame, TRANSPORT_CLOSE_PROTOCOL, "wrong subscription",
            "the message was delivered to subscription \"%s\", not "
            "to \"%s\"",
            SESSION_TEXT(span_of(mine->id, mine->id_len)), SESSION_TEXT(given));
        return false;
    }
    return true;
}

/* Settles one delivery now, or notes it in the transaction; false when that is
 * full. */
static bool
ack_settle(struct session *session, struct transaction *tx,
           struct delivery *delivery, const struct nack_options *nack)
{
    if (tx != NULL) {
        return transaction_settle(tx, delivery, nack) != TRANSACTION_FULL;
    }
    if (delivery->tx != NULL) {
        return true; /* an open transaction has it */
    }
    (void)ack_ledger_remove(&session->ledger, delivery->id);
    if (nack != NULL) {
        core_nack(session->core, delivery, nack);
    } else {
        core_ack(session->core, delivery);
    }
    return true;
}

/* In `client` mode everything of the subscription up to it (D17). */
static bool
ack_settle_all(struct session *session, struct transaction *tx,
               struct delivery *delivery, const struct nack_options *nack)
{
    struct subscription *sub = delivery->sub;
    uint64_t last = delivery->id;
    struct delivery *at;
    struct delivery *next;

    if (sub->ack != ACK_CLIENT) {
        return ack_settle(session, tx, delivery, nack);
    }
    for (at = sub->in_flight; at != NULL; at = next) {
        bool end = at->id == last;

        next = end ? NULL : at->next;
        if (!ack_settle(session, tx, at, nack)) {
            return false;
        }
    }
    return true;
}

/* All of them, or none. */
static bool
ack_settle_range(struct session *session, const struct frame *frame,
                 struct transaction *tx, struct delivery *delivery,
                 const struct nack_options *nack)
{
    uint32_t before = tx != NULL ? transaction_count(tx) : 0;

    if (ack_settle_all(session, tx, delivery, nack)) {
        return true;
    }
    transaction_cut(tx, before); /* an ERROR ends it */
    session_error(session, frame, TRANSPORT_CLOSE_QUOTA, "transaction too big",
                  "a transaction holds at most %u frames; commit more often",
                  session->config->transaction_ops_max);
    return false;
}

/* The delivery that id names; NULL when it was settled before, or went out in
 * `auto` mode or to a browser.  False after an ERROR. */
static bool
ack_find(struct session *session, const struct frame *frame, struct span id,
         const struct nack_options *nack, struct delivery **delivery_out)
{
    uint64_t n = 0;
    bool browser = false;

    if (!ack_parse_id(session, id, &n, &browser)) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "unknown message",
                      "\"%s\" was never delivered on this connection; send "
                      "back the %s header of the MESSAGE",
                      SESSION_TEXT(id),
                      session->version == STOMP_1_2 ? "ack" : "message-id");
        return false;
    }
    if (browser && nack != NULL) {
        session_error(session, frame, TRANSPORT_CLOSE_POLICY, "only a copy",
                      "\"%s\" was shown to a browser, which has nothing to "
                      "refuse; subscribe without browser:true",
                      SESSION_TEXT(id));
        return false;
    }
    *delivery_out = browser ? NULL : ack_ledger_find(&session->ledger, n);
    return ack_check_subscription(session, frame, *delivery_out);
}

static void
ack_or_nack(struct session *session, const struct frame *frame,
            const struct nack_options *nack)
{
    struct delivery *delivery;
    struct transaction *tx;
    bool failed;
    struct span id = ack_id(session, frame);

    if (id.data == NULL) {
        return;
    }
    tx = session_transaction_of(session, frame, &failed);
    if (failed || !ack_find(session, frame, id, nack, &delivery)) {
        return;
    }
    /* Nothing to settle is no fault (D8). */
    session->counts.acks_idle += delivery == NULL;
    if (delivery != NULL &&
        !ack_settle_range(session, frame, tx, delivery, nack)) {
        return;
    }
    session_receipt(session, frame,
                    tx == NULL && frame_has(frame, HEADER_RECEIPT)
                        ? core_ticket(session->core)
                        : 0);
}

void
session_ack(struct session *session, const struct frame *frame)
{
    session->counts.acks++;
    ack_or_nack(session, frame, NULL);
}

void
session_nack(struct session *session, const struct frame *frame)
{
    struct span requeue = frame_get(frame, HEADER_REQUEUE);
    int64_t delay_ms = -1;
    struct nack_options options = {
        .delay_us = -1,
        .dead_letter = requeue.data != NULL && !span_is_true(requeue),
        .reason = frame_get(frame, HEADER_REASON),
    };

    session->counts.nacks++;
    if (frame_has(frame, HEADER_DELAY)) {
        if (!span_to_i64(span_trim(frame_get(frame, HEADER_DELAY)),
                         &delay_ms) ||
            delay_ms < 0 || delay_ms > NACK_DELAY_MAX_MS) {
            session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                          "bad number",
                          "header delay was \"%s\"; expected milliseconds "
                          "from 0 to %lld",
                          SESSION_TEXT(frame_get(frame, HEADER_DELAY)),
                          (long long)NACK_DELAY_MAX_MS);
            return;
        }
        options.delay_us = delay_ms * 1000;
    }
    ack_or_nack(session, frame, &options);
}
