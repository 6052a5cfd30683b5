/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back of json_check.h: from a checked target to the values that its
 * file would have, one row of a key table at a time.
 */
#pragma once
#include "policy/json_key.h"

#include <jansson.h>

/*
 * The value of the row's field in target as the file would say it: durations
 * and sizes with their unit, a strategy with all of its parameters.  JSON null
 * where nothing is set.  To be released with json_decref.  NULL for a custom
 * row that cannot be read.
 */
json_t *json_read_value(const struct json_key *key, const void *target);
