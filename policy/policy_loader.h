/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the loader of the policy file share: policy_load.c and
 * policy_load_virtual.c.
 */
#pragma once
#include "policy/json_check.h"
#include "policy/json_locate.h"
#include "policy/policy_map.h"

#include <stddef.h>

struct policy_loader { /* check->ctx */
    struct policy_map *map;
    struct json_place *places; /* of the elements of the array at hand */
    size_t place_count;
    const char *kind_key; /* of the entry: `queue` ... once it was met */
    bool is_default;      /* the entry is `default` */
    const struct plugin **plugins; /* that the file names, the first first */
    size_t plugin_count;
};

/* Finds the places of the elements of the array that the check is at, until the
 * next array. */
void policy_loader_find_places(struct policy_loader *loader,
                               const struct json_check *check,
                               const json_t *array);

/* The line of one of them. */
unsigned policy_loader_line(const struct policy_loader *loader, size_t index);

/* Faults for what a pattern cannot be; false after one. */
bool policy_load_pattern_is_fine(struct json_check *check, struct span pattern);

/* Loads what the member `plugins` names, before anything else is checked, as
 * strategies may stand ahead of it. */
void policy_load_plugins(struct policy_loader *loader, const json_t *root);

/* Checks that member: says which could not be loaded. */
json_key_check_fn policy_load_check_plugins;

/* Finds "plugin:strategy" in what has been loaded. */
json_check_strategy_fn policy_load_plugin_strategy;

/* Checks the member `virtualDestinations`; target is the loader. */
json_key_check_fn policy_load_check_virtuals;
