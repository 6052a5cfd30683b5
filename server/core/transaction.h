/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames held until COMMIT.  All of them take effect in one turn, hence in one
 * batch of the store: all or nothing.  An ABORT leaves messages that were
 * acked in it un-acked and ackable (D18).  Source: STOMP 1.2, "BEGIN".
 */
#pragma once
#include "base/span.h"
#include "server/core/delivery.h"
#include "server/core/destination.h"

#include <stddef.h>
#include <stdint.h>

struct dedupe_key;
struct transaction; /* opaque: defined in transaction.c */

struct transaction_limits {
    uint32_t ops_max;
    size_t bytes_max;
};

enum transaction_add {
    TRANSACTION_ADDED,
    TRANSACTION_FULL,  /* too many frames or bytes */
    TRANSACTION_TAKEN, /* the delivery is in another transaction already */
};

/* What a NACK asks for. */
struct nack_options {
    bool dead_letter;   /* `requeue:false` */
    int64_t delay_us;   /* `delay`; -1 = the policy's */
    struct span reason; /* for dlqDeliveryFailureCause; may be empty */
};

struct transaction *transaction_new(struct client *client,
                                    const struct transaction_limits *limits);

/* Gives everything back and frees; sets *tx to NULL.  This is ABORT. */
void transaction_free(struct transaction **tx);

/* A SEND; takes its own reference on msg.  The destination is kept by name, as
 * it may be gone by the time of the commit.  dedupe: of its id (copied), NULL
 * without; whether it is a duplicate is found out, and remembered, by the
 * commit. */
enum transaction_add transaction_send(struct transaction *tx,
                                      enum destination_kind kind,
                                      struct span name, struct message *msg,
                                      const struct dedupe_key *dedupe);

/* An ACK (nack == NULL) or NACK of one delivery. */
enum transaction_add transaction_settle(struct transaction *tx,
                                        struct delivery *delivery,
                                        const struct nack_options *nack);

/* Frames so far. */
uint32_t transaction_count(const struct transaction *tx);

/* Drops all but the first count frames: what was added for a frame that is
 * refused after all. */
void transaction_cut(struct transaction *tx, uint32_t count);

/* Whether a COMMIT now would put all of its messages on disk. */
bool transaction_is_stored(const struct transaction *tx);

/* Called for each delivery of a transaction just before it is settled. */
typedef void transaction_settled_fn(void *ctx, struct delivery *delivery);

enum transaction_commit {
    TRANSACTION_COMMITTED,
    TRANSACTION_STORE_FAILED, /* store_failure says why */
    TRANSACTION_NO_MEMORY,    /* for copies that a message makes */
    TRANSACTION_TOO_MANY,     /* a destination that had gone is one too many */
};

/*
 * COMMIT: applies everything and frees.  sync says whether the client waits;
 * *ticket_out is then what to wait for.  With any other result nothing was
 * applied: the transaction is aborted.
 */
enum transaction_commit transaction_commit(struct transaction **tx, bool sync,
                                           transaction_settled_fn *settled,
                                           void *ctx, store_ticket *ticket_out);
