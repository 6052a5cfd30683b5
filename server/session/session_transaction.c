/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BEGIN, COMMIT, ABORT.
 * Source: STOMP 1.2, "BEGIN"; stomp.md V12-210..218, D13, D18, P87.
 */
#include "server/session/session_private.h"

#include "base/alloc.h"

#include <stdlib.h>

struct session_transaction *
session_transaction_find(struct session *session, struct span id)
{
    struct session_transaction *each;

    DL_FOREACH(session->transactions, each) {
        if (span_equal(span_of(each->id, each->id_len), id)) {
            return each;
        }
    }
    return NULL;
}

void
session_transaction_drop(struct session *session,
                         struct session_transaction *gone)
{
    DL_DELETE(session->transactions, gone);
    session->transaction_count--;
    transaction_free(&gone->tx);
    free(gone);
}

void
session_transactions_drop(struct session *session)
{
    while (session->transactions != NULL) {
        session_transaction_drop(session, session->transactions);
    }
}

static void __attribute__((cold))
session_transaction_unknown(struct session *session, const struct frame *frame,
                            struct span id)
{
    session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                  "unknown transaction",
                  "transaction \"%s\" is not open on this connection; it must "
                  "be begun first and ends with COMMIT or ABORT",
                  SESSION_TEXT(id));
}

struct transaction *
session_transaction_of(struct session *session, const struct frame *frame,
                       bool *failed_out)
{
    struct span id = frame_get(frame, HEADER_TRANSACTION);
    struct session_transaction *found;

    *failed_out = false;
    if (id.data == NULL) {
        return NULL;
    }
    found = session_transaction_find(session, id);
    if (found == NULL) {
        session_transaction_unknown(session, frame, id);
        *failed_out = true;
        return NULL;
    }
    return found->tx;
}

/* data == NULL after an ERROR. */
static struct span
transaction_id(struct session *session, const struct frame *frame)
{
    struct span id = frame_get(frame, HEADER_TRANSACTION);

    if (id.data == NULL) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "no transaction", "a %s frame needs a transaction header",
                      SESSION_TEXT(frame->command_text));
    }
    return id;
}

void
session_begin(struct session *session, const struct frame *frame)
{
    struct span id = transaction_id(session, frame);
    const struct session_config *config = session->config;
    struct transaction_limits limits = {
        .ops_max = config->transaction_ops_max,
        .bytes_max = config->transaction_bytes_max,
    };
    struct session_transaction *begun;

    if (id.data == NULL) {
        return;
    }
    if (session_transaction_find(session, id) != NULL) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "transaction in use",
                      "transaction \"%s\" is open already", SESSION_TEXT(id));
        return;
    }
    if (session->transaction_count >= config->transactions_max) {
        session_error(session, frame, TRANSPORT_CLOSE_QUOTA,
                      "too many transactions",
                      "one connection may have %u open transactions",
                      config->transactions_max);
        return;
    }
    begun = xcalloc(1, sizeof(*begun) + id.len);
    begun->tx = transaction_new(&session->client, &limits);
    begun->begun_us = session->now_us;
    begun->id_len = id.len;
    memcpy(begun->id, id.data, id.len);
    DL_APPEND(session->transactions, begun);
    session->transaction_count++;
    session_timer_arm(session);
    session_receipt(session, frame, 0);
}

/* The session's part of what a transaction settles: the ids are no longer in
 * the ledger once it commits. */
static void
commit_forget(void *ctx, struct delivery *delivery)
{
    struct session *session = ctx;

    (void)ack_ledger_remove(&session->ledger, delivery->id);
}

static void __attribute__((cold))
commit_refuse(struct session *session, const struct frame *frame,
              enum transaction_commit result)
{
    static const char aborted[] =
        "the transaction was aborted, nothing of it took effect";
    const struct error *err = core_store_failure(session->core);

    switch (result) {
    case TRANSACTION_COMMITTED:
        break;
    case TRANSACTION_STORE_FAILED:
        session_error(session, frame, TRANSPORT_CLOSE_FAILED, "not stored",
                      "%s: %s", aborted,
                      err != NULL ? err->text : "the store has failed");
        break;
    case TRANSACTION_NO_MEMORY:
        session_error(session, frame, TRANSPORT_CLOSE_FAILED, "out of memory",
                      "%s: no memory for the copies of its messages", aborted);
        break;
    case TRANSACTION_TOO_MANY:
        session_error(session, frame, TRANSPORT_CLOSE_QUOTA,
                      "too many destinations",
                      "%s: one of its destinations has gone since, and would "
                      "be one more than maxDestinations of its policy allows",
                      aborted);
        break;
    }
}

void
session_commit(struct session *session, const struct frame *frame)
{
    struct span id = transaction_id(session, frame);
    struct receipt_facts facts = { .sent_number = 0 };
    uint64_t duplicates = core_duplicates(session->core);
    struct session_transaction *found;
    enum transaction_commit result;
    store_ticket ticket;

    if (id.data == NULL) {
        return;
    }
    found = session_transaction_find(session, id);
    if (found == NULL) {
        session_transaction_unknown(session, frame, id);
        return;
    }
    if (session->soft_errors) {
        facts.stored = transaction_is_stored(found->tx) ? RECEIPT_STORED_DISK
                                                        : RECEIPT_STORED_MEMORY;
    }
    result = transaction_commit(&found->tx, frame_has(frame, HEADER_RECEIPT),
                                commit_forget, session, &ticket);
    session_transaction_drop(session, found);
    if (result != TRANSACTION_COMMITTED) {
        commit_refuse(session, frame, result);
        return;
    }
    facts.duplicates = (uint32_t)(core_duplicates(session->core) - duplicates);
    session_receipt_with(session, frame, ticket, &facts);
}

void
session_abort(struct session *session, const struct frame *frame)
{
    struct span id = transaction_id(session, frame);
    struct session_transaction *found;

    if (id.data == NULL) {
        return;
    }
    found = session_transaction_find(session, id);
    if (found == NULL) {
        session_transaction_unknown(session, frame, id);
        return;
    }
    session_transaction_drop(session, found);
    session_receipt(session, frame, 0);
}
