/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to destinations as time goes by: expired messages are taken out
 * of queues that nobody reads, idle destinations are removed, and there are no
 * more of them than their policy allows.  Source: activemq.md 1.3, 8.3, 12.
 */
#pragma once
#include "server/core/destination.h"

#include <stdbool.h>

struct core;

/* Once a second: one look at every destination. */
void lifecycle_sweep(struct core *core);

/* Whether the policy of a destination that is not there yet allows one more. */
bool lifecycle_allows_one_more(struct core *core, const struct policy *policy);

/* The store works again: what had to wait for it goes on. */
void lifecycle_store_recovered(struct core *core);
