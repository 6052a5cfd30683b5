/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scheduled message itself: with the lines of its plan before its headers as
 * long as it is kept, without them when it goes.  Loop thread only.
 */
#pragma once
#include "server/core/core.h"

struct destination;
struct schedule_plan;
struct store_record;

/* The message as it is kept until it is due: msg is a SEND to dest with the
 * lines of a plan.  NULL when memory is out. */
struct message *schedule_message_make(struct destination *dest,
                                      const struct message *msg);

/* The kept message with another plan, for another time.  NULL when memory is
 * out. */
struct message *schedule_message_copy(struct core *core,
                                      const struct store_record *record,
                                      const struct schedule_plan *plan);

/* Sends what was kept, as if it came now; plan is its own.  True when it is
 * done with, also for want of its destination; false: not now. */
bool schedule_message_send(struct core *core, const struct store_record *record,
                           const struct schedule_plan *plan);
