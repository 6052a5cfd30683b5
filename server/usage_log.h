/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says in the log how full the broker is: a line when memory, store or temp
 * reach 70, 90 and 100 percent of their ceilings, and one when that is over.
 */
#pragma once
#include "server/core/core.h"

/* How many of the marks have been told; zero it. */
struct usage_log {
    unsigned memory, store, temp;
};

/* To be called once a turn; costs a few comparisons. */
void usage_log_look(struct usage_log *log, const struct core *core);
