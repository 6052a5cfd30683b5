/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy map: destination patterns to policies, one tree per kind.  A map
 * is a snapshot; a reload makes a new one.
 *
 * Exactly one entry applies to a destination, never a mix: the most specific
 * pattern (pattern.h), else the `default` entry, else ActiveMQ's defaults.
 * `FOO.*` wins over `*.A` for FOO.A, where ActiveMQ goes by text order.
 */
#pragma once
#include "base/destination_kind.h"
#include "base/span.h"
#include "policy/policy.h"
#include "policy/virtual_destination.h"

#include <stdbool.h>

struct policy_map; /* opaque: defined in policy_map.c */

/* An empty map: every lookup gives ActiveMQ's defaults, of which the virtual
 * topic `VirtualTopic.>` is one. */
struct policy_map *policy_map_new(void);
void policy_map_free(struct policy_map **map);

/* Takes a reference on policy.  False when the pattern is in the map for that
 * kind already (nothing changed). */
bool policy_map_add(struct policy_map *map, enum destination_kind kind,
                    struct span pattern, struct policy *policy);

/* What applies where no pattern matches; replaces an earlier one. */
void policy_map_set_default(struct policy_map *map, struct policy *policy);

/*
 * Borrowed: lives as long as the map, or take a reference.  Never NULL.  name
 * may be a pattern (a wildcard subscription's own prefetch): an entry of that
 * very text wins, else the one that matches it read as a name.
 */
struct policy *policy_map_find(const struct policy_map *map,
                               enum destination_kind kind, struct span name);

/* Takes out all virtual destinations, ActiveMQ's own too. */
void policy_map_clear_virtuals(struct policy_map *map);

/* Takes a reference on virtual, which has its type and its name.  When there is
 * one of that type and name already, nothing is changed and that is returned;
 * else NULL. */
const struct virtual_destination *
policy_map_add_virtual(struct policy_map *map,
                       struct virtual_destination *virtual);

/* Borrowed: lives as long as the map, or take a reference. */
typedef void policy_map_virtual_fn(void *ctx,
                                   struct virtual_destination *virtual);

/* Visits the virtual destinations that copy what is sent to a queue or a topic
 * of that name, all that match it: those of one type after those of another,
 * the most specific first. */
void policy_map_visit_virtuals(const struct policy_map *map,
                               enum destination_kind kind, struct span name,
                               policy_map_virtual_fn *visit, void *ctx);

/* Visits all of them, in the order in which they were added. */
void policy_map_each_virtual(const struct policy_map *map,
                             policy_map_virtual_fn *visit, void *ctx);
