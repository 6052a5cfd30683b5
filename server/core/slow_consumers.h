/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks after slow consumers as a destination's policy says: a check every
 * checkPeriod, an advisory when one becomes slow, and the end of those that
 * stay so, with the reason told.  Source: activemq.md 5.4.
 */
#pragma once
#include "server/core/destination.h"

/* The destination has a consumer, or another policy: checks begin if the policy
 * asks for them and they had not. */
void slow_consumers_start(struct destination *dest);
/* It has none any more, or goes. */
void slow_consumers_stop(struct destination *dest);
