/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_describe.h"

#include "policy/json_read.h"
#include "policy/json_value.h"
#include "policy/policy_schema.h"

static const char policy_from_entry[] = "entry";
static const char policy_from_default[] = "default entry";
static const char policy_from_built_in[] = "built-in";

/* Which of the three kinds of entry a policy was made from. */
static const char *
policy_describe_from(const struct policy *policy)
{
    if (policy->line == 0) {
        return policy_from_built_in;
    }
    return policy->pattern[0] == '\0' ? policy_from_default : policy_from_entry;
}

static json_t *
policy_describe_entry(const struct policy *policy, const char *file)
{
    json_t *entry = json_pack("{s:s}", "from", policy_describe_from(policy));

    if (policy->line == 0) {
        return entry;
    }
    if (policy->pattern[0] != '\0') {
        (void)json_object_set_new(entry, "pattern",
                                  json_string(policy->pattern));
    }
    if (file != NULL) {
        (void)json_object_set_new(entry, "file", json_string(file));
    }
    (void)json_object_set_new(entry, "line", json_integer(policy->line));
    return entry;
}

/* What the row is a part of. */
static uint64_t
policy_describe_whole(const struct json_key *key,
                      const struct policy_ceilings *ceilings)
{
    switch (key->offset) {
    case offsetof(struct policy, memory_limit):
        return ceilings->memory;
    case offsetof(struct policy, store_limit):
        return ceilings->store;
    case offsetof(struct policy, temp_limit):
        return ceilings->temp;
    default:
        return 0;
    }
}

/* Adds "bytes" to the description of a part. */
static void
policy_describe_bytes(json_t *object, const struct policy *policy,
                      const struct json_key *key,
                      const struct policy_ceilings *ceilings)
{
    const struct units_share *share =
        (const void *)((const char *)policy + key->offset);
    uint64_t bytes;

    if (key->type != JSON_KEY_SHARE || share->percent == 0) {
        return;
    }
    bytes = units_share_of(share, policy_describe_whole(key, ceilings));
    (void)json_object_set_new(object, "bytes", json_integer((json_int_t)bytes));
}

static json_t *
policy_describe_key(const struct policy *policy, size_t row,
                    const struct policy_ceilings *ceilings)
{
    const struct json_key *key = &policy_schema_keys.rows[row];
    json_t *value = json_read_value(key, policy);
    json_t *object;

    if (value == NULL) {
        return NULL; /* the pattern, which is told apart */
    }
    object = json_pack(
        "{s:s, s:o, s:s, s:b}", "key", key->name, "value", value, "from",
        policy_is_given(policy, row) ? policy_describe_from(policy)
                                     : policy_from_built_in,
        "live", !key->stays);
    if (ceilings != NULL) {
        policy_describe_bytes(object, policy, key, ceilings);
    }
    return object;
}

json_t *
policy_describe(const struct policy *policy, const char *file,
                enum destination_kind kind, struct span name,
                const struct policy_ceilings *ceilings)
{
    json_t *keys = json_array();

    for (size_t i = 0; i < policy_schema_keys.count; i++) {
        json_t *key = NULL;

        if (json_key_is_in_scope(&policy_schema_keys.rows[i], 1U << kind)) {
            key = policy_describe_key(policy, i, ceilings);
        }
        if (key != NULL) {
            (void)json_array_append_new(keys, key);
        }
    }
    return json_pack("{s:s, s:s%, s:o, s:o}", "kind",
                     destination_kind_name(kind), "name", name.data, name.len,
                     "entry", policy_describe_entry(policy, file), "keys",
                     keys);
}

json_t *
policy_describe_changes(const struct policy *before, const struct policy *after,
                        enum destination_kind kind)
{
    json_t *changes = json_array();

    for (size_t i = 0; i < policy_schema_keys.count; i++) {
        const struct json_key *key = &policy_schema_keys.rows[i];
        json_t *from;
        json_t *to;

        if (!json_key_is_in_scope(key, 1U << kind)) {
            continue;
        }
        from = json_read_value(key, before);
        to = json_read_value(key, after);
        if (from != NULL && !json_equal(from, to)) {
            (void)json_array_append_new(changes,
                                        json_pack("{s:s, s:O, s:O, s:b}", "key",
                                                  key->name, "from", from, "to",
                                                  to, "live", !key->stays));
        }
        json_decref(from);
        json_decref(to);
    }
    return changes;
}
