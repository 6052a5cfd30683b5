/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of a key table against one value: the half of the checker that
 * knows the types.  Used by json_check.c only.
 */
#pragma once
#include "policy/json_check.h"

/* Checks value and stores it in target at the row's offset. */
void json_check_value(struct json_check *check, json_t *value,
                      const struct json_key *key, void *target);

static inline bool
json_key_is_in_scope(const struct json_key *key, unsigned scope)
{
    return key->scopes == 0 || scope == 0 || (key->scopes & scope) != 0;
}
