/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are to be sent later.  Each is kept in a journal of the store
 * until it is due, then goes where it was sent to as if it were sent then, in
 * one batch with its removal and with its next repeat.
 *
 * In memory there are 24 bytes of a message, its time, its number and a
 * pointer, in a heap.  As long as they are few the messages are there too; of
 * more than that each is read when it is due.  Times are of the wall clock;
 * when that is set, a minute passes at most until it is looked at.  Loop thread
 * only.  Source: activemq.md 12; docs/extensions.md.
 */
#pragma once
#include "server/core/core.h"

struct schedule; /* opaque: defined in schedule.c */

/* Never NULL. */
struct schedule *schedule_new(struct core *core);
/* Half of the end: nothing is read any more, all stays in the store. */
void schedule_close(struct schedule *schedule);
/* Frees *schedule and sets it to NULL; NULL is fine. */
void schedule_free(struct schedule **schedule);

/* Whether a journal that was found is the schedule's. */
bool schedule_is_journal_name(enum destination_kind kind, struct span name);
void schedule_adopt(struct schedule *schedule, struct store_queue *journal,
                    const struct store_queue_info *info);

/* Begins to read what was found; all journals have been. */
void schedule_start(struct schedule *schedule);

/* Takes over what schedule_message_make has made; now is when it was sent.
 * Returns whether it is kept over a restart. */
bool schedule_add(struct schedule *schedule, struct message *made);

/* Messages that wait for their time; after a start as many as were stored. */
uint64_t schedule_count(const struct schedule *schedule);
