/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Repairing a stopped store: all that can be read is written into a new
 * journal, which then takes the place of the damaged one.  That one is kept
 * whole beside it; nothing of it is changed.
 */
#pragma once
#include "storage/store_check.h"

struct store_stopped;

/*
 * Builds a new journal from what stopped (opened exclusively) holds and puts it
 * in the other's place.  check is filled with what was found on the way; sink's
 * progress alone is used, sink may be NULL.  Bytes that cannot be read are
 * added to the quarantine file.  Returns 0 and in *aside_out where the damaged
 * journal is now (to free), or -1 with an error, all as it was before.
 * check is to be finished in any case.
 */
int store_mend(struct store_stopped *stopped,
               const struct store_check_sink *progress,
               struct store_check *check, char **aside_out, struct error *err);
