/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often a queue's stored messages have been handed out, over a restart: so
 * redelivered, delivery-count and maximumRedeliveries go on where they were.
 *
 * What is in memory knows its own count.  Of a message that came back a
 * definition `attempts/QUEUE\001SEQ` is in the store, written in the batch of
 * the turn and ended in the batch that removes the record; a message that is
 * acknowledged at its first try costs nothing.  After a start the counts wait
 * here, 16 bytes each, until their records are read.  Loop thread only.
 */
#pragma once
#include <stdint.h>

struct attempts; /* of one queue, as found at the start; opaque */
struct core;
struct delivery;
struct queue;

/* Reads what was written down; the queues have been found. */
void attempts_restore(struct core *core);

/* Writes the count of a delivery down, where it is to survive a restart. */
void attempts_keep(struct delivery *delivery);

/* Its record goes: so does the count. */
void attempts_forget(struct delivery *delivery);

/* A delivery of a queue has become resident: it gets its count back. */
void attempts_take(struct attempts *attempts, struct delivery *delivery);

/* A record goes that is not resident. */
void attempts_forget_paged(struct queue *queue, uint64_t seq);

/* Every record of the queue has gone. */
void attempts_forget_all(struct queue *queue);

/* Frees queue->attempts, NULL is fine; the store is left alone. */
void attempts_free(struct queue *queue);
