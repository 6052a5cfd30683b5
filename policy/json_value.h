/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of a key table against one value: the half of the checker that
 * knows the types.  Used by the checker and what describes the rows only.
 */
#pragma once
#include "policy/json_check.h"

/* The same for a row that is neither a strategy, an object nor custom: false,
 * and no fault, when the value is not right. */
bool json_value_take(const json_t *value, const struct json_key *key,
                     void *field);

/* The fault that value is not what the row expects. */
void json_value_refuse(struct json_check *check, const json_t *value,
                       const struct json_key *key);

/* The row's field in the target. */
void *json_value_field(void *target, const struct json_key *key);

/* json_check_value for a row of a strategy: json_strategy.c. */
void json_check_strategy(struct json_check *check, json_t *value,
                         const struct json_key *key, void *target);

/* Appends the names of a family. */
void json_strategies_append(struct buf *out, const struct json_family *family);

static inline bool
json_key_is_in_scope(const struct json_key *key, unsigned scope)
{
    return key->scopes == 0 || scope == 0 || (key->scopes & scope) != 0;
}
