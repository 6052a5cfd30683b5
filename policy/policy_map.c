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
    /* By type: what copies a message is not what else concerns its name. */
    struct trie *virtual_tries[VIRTUAL_DESTINATION_TYPE_COUNT];
    struct virtual_destination **virtuals; /* one reference each */
    size_t virtual_count;
    size_t virtual_capacity;
};

struct policy_map_visit {
    policy_map_virtual_fn *visit;
    void *ctx;
};

/* What ActiveMQ does without a configuration. */
static void
policy_map_add_default_virtual(struct policy_map *map)
{
    struct virtual_destination *virtual = virtual_destination_new();

    virtual->type = &virtual_topic;
    virtual_destination_complete(virtual);
    (void)policy_map_add_virtual(map, virtual);
    virtual_destination_unref(&virtual);
}

struct policy_map *
policy_map_new(void)
{
    struct policy_map *map = xcalloc(1, sizeof(*map));

    for (size_t i = 0; i < DESTINATION_KIND_COUNT; i++) {
        map->tries[i] = trie_new();
    }
    map->defaults = policy_new();
    for (size_t i = 0; i < VIRTUAL_DESTINATION_TYPE_COUNT; i++) {
        map->virtual_tries[i] = trie_new();
    }
    policy_map_add_default_virtual(map);
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
    policy_map_clear_virtuals(gone);
    for (size_t i = 0; i < VIRTUAL_DESTINATION_TYPE_COUNT; i++) {
        trie_free(&gone->virtual_tries[i]);
    }
    free(gone->virtuals);
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
        map->held =
            xrealloc(map->held, map->held_capacity * sizeof(struct policy *));
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

void
policy_map_clear_virtuals(struct policy_map *map)
{
    for (size_t i = 0; i < VIRTUAL_DESTINATION_TYPE_COUNT; i++) {
        trie_free(&map->virtual_tries[i]);
        map->virtual_tries[i] = trie_new();
    }
    for (size_t i = 0; i < map->virtual_count; i++) {
        virtual_destination_unref(&map->virtuals[i]);
    }
    map->virtual_count = 0;
}

static struct trie *
policy_map_virtual_trie(const struct policy_map *map,
                        const struct virtual_destination *virtual)
{
    size_t i = 0;

    while (virtual_destination_types[i] != virtual->type) {
        i++;
    }
    return map->virtual_tries[i];
}

const struct virtual_destination *
policy_map_add_virtual(struct policy_map *map,
                       struct virtual_destination *virtual)
{
    struct trie *trie = policy_map_virtual_trie(map, virtual);
    struct span name = span_of_text(virtual->name);
    const struct virtual_destination *other = trie_find(trie, name);

    if (other != NULL) {
        return other;
    }
    if (map->virtual_count == map->virtual_capacity) {
        map->virtual_capacity =
            map->virtual_capacity > 0 ? map->virtual_capacity * 2 : 4;
        map->virtuals =
            xrealloc(map->virtuals, map->virtual_capacity *
                                        sizeof(struct virtual_destination *));
    }
    map->virtuals[map->virtual_count++] = virtual_destination_ref(virtual);
    (void)trie_add(trie, name, virtual);
    return NULL;
}

static bool
policy_map_visit_one(void *ctx, void *value)
{
    const struct policy_map_visit *visit = ctx;

    visit->visit(visit->ctx, value);
    return true;
}

void
policy_map_visit_virtuals(const struct policy_map *map,
                          enum destination_kind kind, struct span name,
                          policy_map_virtual_fn *visit, void *ctx)
{
    struct policy_map_visit both = { .visit = visit, .ctx = ctx };

    for (size_t i = 0; i < VIRTUAL_DESTINATION_TYPE_COUNT; i++) {
        if (virtual_destination_types[i]->source == kind) {
            trie_match(map->virtual_tries[i], name, policy_map_visit_one,
                       &both);
        }
    }
}

void
policy_map_each_virtual(const struct policy_map *map,
                        policy_map_virtual_fn *visit, void *ctx)
{
    for (size_t i = 0; i < map->virtual_count; i++) {
        visit(ctx, map->virtuals[i]);
    }
}
