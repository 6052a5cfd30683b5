/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/transaction.h"

#include "base/alloc.h"
#include "server/core/core_private.h"

#include <assert.h>
#include <stdlib.h>

enum transaction_op_kind {
    TRANSACTION_SEND,
    TRANSACTION_ACK,
    TRANSACTION_NACK
};

struct transaction_op {
    enum transaction_op_kind kind;
    enum destination_kind dest_kind;
    bool dead_letter;
    bool has_dedupe;
    struct dedupe_key dedupe;
    int64_t delay_us;
    char *text; /* SEND: destination name; NACK: reason */
    size_t text_len;
    struct message *msg;
    struct destination *dest; /* at COMMIT */
    struct core_prepared *prepared;
    struct delivery *delivery;
};

struct transaction {
    struct client *client;
    struct transaction_limits limits;
    struct transaction_op *ops;
    uint32_t count;
    uint32_t capacity;
    size_t bytes;
};

struct transaction *
transaction_new(struct client *client, const struct transaction_limits *limits)
{
    struct transaction *tx = xcalloc(1, sizeof(*tx));

    tx->client = client;
    tx->limits = *limits;
    return tx;
}

/* What the limit counts for it. */
static size_t
transaction_op_bytes(const struct transaction_op *op)
{
    return op->msg != NULL ? message_bytes(op->msg) : sizeof(*op);
}

uint32_t
transaction_count(const struct transaction *tx)
{
    return tx->count;
}

void
transaction_cut(struct transaction *tx, uint32_t count)
{
    while (tx->count > count) {
        struct transaction_op *op = &tx->ops[--tx->count];

        tx->bytes -= transaction_op_bytes(op);
        message_unref(&op->msg);
        core_prepared_free(&op->prepared);
        free(op->text);
        if (op->delivery != NULL) {
            op->delivery->tx = NULL;
        }
    }
}

void
transaction_free(struct transaction **tx)
{
    struct transaction *gone = *tx;

    *tx = NULL;
    if (gone == NULL) {
        return;
    }
    transaction_cut(gone, 0);
    free(gone->ops);
    free(gone);
}

/* Room for one more operation, or NULL when a limit is reached. */
static struct transaction_op *
transaction_op_new(struct transaction *tx, size_t bytes)
{
    struct transaction_op *op;

    if (tx->count >= tx->limits.ops_max ||
        bytes > tx->limits.bytes_max - tx->bytes) {
        return NULL;
    }
    if (tx->count == tx->capacity) {
        tx->capacity = tx->capacity > 0 ? tx->capacity * 2 : 8;
        tx->ops = xrealloc(tx->ops, tx->capacity * sizeof(*tx->ops));
    }
    tx->bytes += bytes;
    op = &tx->ops[tx->count++];
    *op = (struct transaction_op){ .kind = TRANSACTION_SEND };
    return op;
}

enum transaction_add
transaction_send(struct transaction *tx, enum destination_kind kind,
                 struct span name, struct message *msg,
                 const struct dedupe_key *dedupe)
{
    struct transaction_op *op = transaction_op_new(tx, message_bytes(msg));

    if (op == NULL) {
        return TRANSACTION_FULL;
    }
    op->kind = TRANSACTION_SEND;
    op->dest_kind = kind;
    op->text = xstrndup(name.data, name.len);
    op->text_len = name.len;
    op->msg = message_ref(msg);
    if (dedupe != NULL) {
        op->has_dedupe = true;
        op->dedupe = *dedupe;
    }
    return TRANSACTION_ADDED;
}

enum transaction_add
transaction_settle(struct transaction *tx, struct delivery *delivery,
                   const struct nack_options *nack)
{
    struct transaction_op *op;

    if (delivery->tx != NULL) {
        return TRANSACTION_TAKEN;
    }
    op = transaction_op_new(tx, sizeof(*op));
    if (op == NULL) {
        return TRANSACTION_FULL;
    }
    op->kind = nack != NULL ? TRANSACTION_NACK : TRANSACTION_ACK;
    op->delivery = delivery;
    delivery->tx = tx;
    if (nack != NULL) {
        op->dead_letter = nack->dead_letter;
        op->delay_us = nack->delay_us;
        op->text = xstrndup(nack->reason.data, nack->reason.len);
        op->text_len = nack->reason.len;
    }
    return TRANSACTION_ADDED;
}

bool
transaction_is_stored(const struct transaction *tx)
{
    for (uint32_t i = 0; i < tx->count; i++) {
        const struct transaction_op *op = &tx->ops[i];
        struct destination *dest;

        if (op->kind != TRANSACTION_SEND) {
            continue;
        }
        dest = destination_find(tx->client->core, op->dest_kind,
                                span_of(op->text, op->text_len));
        if (dest == NULL || dest->route != NULL) {
            if (!op->msg->persistent) {
                return false;
            }
        } else if (!destination_is_persistent(dest, op->msg) ||
                   (!op->msg->scheduled &&
                    !destination_kind_is_queue(dest->kind) &&
                    !topic_is_stored(topic_of(dest)))) {
            return false;
        }
    }
    return true;
}

/* Makes a SEND ready: nothing has been done yet. */
static enum transaction_commit
transaction_prepare(struct transaction *tx, struct transaction_op *op)
{
    struct core *core = tx->client->core;

    switch (core_destination(core, tx->client, op->dest_kind,
                             span_of(op->text, op->text_len), false,
                             &op->dest)) {
    case CORE_FOUND:
        break;
    case CORE_NOT_FOUND:
        /* A temporary destination that has gone meanwhile takes its message
         * along, as it would have had it been committed a moment earlier; it
         * was there at the SEND, so it is never made here. */
        op->dest = NULL;
        return TRANSACTION_COMMITTED;
    case CORE_TOO_MANY:
        return TRANSACTION_TOO_MANY;
    }
    switch (core_prepare(core, op->dest, op->msg, &op->prepared)) {
    case CORE_SENT:
    case CORE_DUPLICATE:
    case CORE_DUPLICATE_STORED:
        break;
    case CORE_STORE_FAILED:
        return TRANSACTION_STORE_FAILED;
    case CORE_NO_MEMORY:
        return TRANSACTION_NO_MEMORY;
    }
    return TRANSACTION_COMMITTED;
}

static enum transaction_commit
transaction_prepare_all(struct transaction *tx)
{
    enum transaction_commit result = TRANSACTION_COMMITTED;

    if (core_store_failure(tx->client->core) != NULL) {
        return TRANSACTION_STORE_FAILED;
    }
    for (uint32_t i = 0; i < tx->count && result == TRANSACTION_COMMITTED;
         i++) {
        if (tx->ops[i].kind == TRANSACTION_SEND) {
            result = transaction_prepare(tx, &tx->ops[i]);
        }
    }
    return result;
}

static void
transaction_apply_send(struct transaction *tx, struct transaction_op *op)
{
    struct send_options options = {
        .sender = tx->client,
        .dedupe = op->has_dedupe ? &op->dedupe : NULL,
        .prepared = op->prepared,
    };
    store_ticket ticket;

    if (op->dest != NULL) {
        enum core_send sent =
            core_send(tx->client->core, op->dest, op->msg, &options, &ticket);

        assert(sent != CORE_STORE_FAILED && sent != CORE_NO_MEMORY);
    }
}

static void
transaction_apply_settle(struct core *core, struct transaction_op *op)
{
    struct delivery *delivery = op->delivery;
    struct nack_options nack = { .dead_letter = op->dead_letter,
                                 .delay_us = op->delay_us,
                                 .reason = span_of(op->text, op->text_len) };

    assert(delivery != NULL);
    op->delivery = NULL;
    delivery->tx = NULL;
    if (op->kind == TRANSACTION_ACK) {
        core_ack(core, delivery);
    } else {
        core_nack(core, delivery, &nack);
    }
}

enum transaction_commit
transaction_commit(struct transaction **tx, bool sync,
                   transaction_settled_fn *settled, void *ctx,
                   store_ticket *ticket_out)
{
    struct core *core = (*tx)->client->core;
    enum transaction_commit result = transaction_prepare_all(*tx);

    *ticket_out = 0;
    for (uint32_t i = 0; i < (*tx)->count && result == TRANSACTION_COMMITTED;
         i++) {
        struct transaction_op *op = &(*tx)->ops[i];

        if (op->kind == TRANSACTION_SEND) {
            transaction_apply_send(*tx, op);
        } else {
            settled(ctx, op->delivery);
            transaction_apply_settle(core, op);
        }
    }
    if (sync && result == TRANSACTION_COMMITTED) {
        *ticket_out = core_ticket(core);
    }
    transaction_free(tx);
    return result;
}
