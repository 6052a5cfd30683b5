/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of the policy file: the loader, the printed defaults,
 * stompd-policy(5) and the JSON Schema are made from the rows of policy_keys.h.
 * Sources: design.md section 7; activemq.md 2, and 4 to 6 for the strategies.
 */
#pragma once
#include "policy/json_key.h"
#include "policy/policy.h"

/* The kinds of entry that a key is for: bits by enum destination_kind. */
enum {
    POLICY_FOR_QUEUE = 1 << DESTINATION_QUEUE,
    POLICY_FOR_TOPIC = 1 << DESTINATION_TOPIC,
    POLICY_FOR_TEMP_QUEUE = 1 << DESTINATION_TEMP_QUEUE,
    POLICY_FOR_TEMP_TOPIC = 1 << DESTINATION_TEMP_TOPIC,
    POLICY_FOR_QUEUES = POLICY_FOR_QUEUE | POLICY_FOR_TEMP_QUEUE,
    POLICY_FOR_TOPICS = POLICY_FOR_TOPIC | POLICY_FOR_TEMP_TOPIC,
    POLICY_FOR_ALL = POLICY_FOR_QUEUES | POLICY_FOR_TOPICS,
};

/* The keys of an entry; the target is a struct policy. */
extern const struct json_keys policy_schema_keys;

/* The one key of an element of `virtualDestinations`; the target is a struct
 * virtual_destination. */
extern const struct json_keys policy_schema_virtual_keys;

/* Checks of the rows that no type fits, in policy_load.c; check->ctx is its
 * loader. */
json_key_check_fn policy_load_check_pattern;
json_key_check_fn policy_load_check_true;
json_key_check_fn policy_load_check_strict_order;
/* The same in policy_load_virtual.c. */
json_key_check_fn policy_load_check_virtual_name;
json_key_check_fn policy_load_check_virtual_targets;
