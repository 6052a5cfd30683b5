/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy map: a pattern tree per kind, and the references it holds.
 */
#include "policy/policy_map.h"

#include "base/alloc.h"
#include "policy/pattern.h"
#include "policy/trie.h"

#include <stdlib.h>

struct policy_map {
    struct trie *tries[DESTINATION_KIND_COUNT]; /* of borrowed policies */
    struct policy *defaults;
    struct policy **held; /* one reference for each pattern */
    size_t held_count;
    size_t held_capacity;
};

struct policy_map *
policy_map_new(void)
{
    struct policy_map *map = xcalloc(1, sizeof(*map));

    for (size_t i = 0; i < DESTINATION_KIND_COUNT; i++) {
        map->tries[i] = trie_new();
    }
    map->defaults = policy_new();
    return map;
}

void
policy_map_free(struct policy_map **map)
{
    struct policy_map *gone = *map;

    if (gone == NULL) {
        return;
    }
    for (size_t i = 0; i < DESTINATION_KIND_COUNT; i++) {
        trie_free(&gone->tries[i]);
    }
    for (size_t i = 0; i < gone->held_count; i++) {
        policy_unref(&gone->held[i]);
    }
    policy_unref(&gone->defaults);
    free(gone->held);
    free(gone);
    *map = NULL;
}

static void
policy_map_hold(struct policy_map *map, struct policy *policy)
{
    if (map->held_count == map->held_capacity) {
        map->held_capacity =
            map->held_capacity > 0 ? map->held_capacity * 2 : 16;
        map->held = xrealloc(map->held, map->held_capacity *
                                            sizeof(struct policy *));
    }
    map->held[map->held_count++] = policy_ref(policy);
}

bool
policy_map_add(struct policy_map *map, enum destination_kind kind,
               struct span pattern, struct policy *policy)
{
    if (trie_find(map->tries[kind], pattern) != NULL) {
        return false;
    }
    (void)trie_add(map->tries[kind], pattern, policy);
    policy_map_hold(map, policy);
    return true;
}

void
policy_map_set_default(struct policy_map *map, struct policy *policy)
{
    (void)policy_ref(policy);
    policy_unref(&map->defaults);
    map->defaults = policy;
}

struct policy *
policy_map_find(const struct policy_map *map, enum destination_kind kind,
                struct span name)
{
    const struct trie *trie = map->tries[kind];
    struct policy *policy = NULL;

    if (pattern_has_wildcard(name)) {
        policy = trie_find(trie, name);
    }
    if (policy == NULL) {
        policy = trie_match_best(trie, name);
    }
    return policy != NULL ? policy : map->defaults;
}
