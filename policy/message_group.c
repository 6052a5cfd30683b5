/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message group maps.  What has an owner is a slot: a group of the exact maps,
 * or a bucket.  A slot stands on the list of its owner, so an owner that goes
 * is walked through its own slots only.  The hash is seeded: clients choose the
 * names of groups.
 */
#include "policy/message_group.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>

struct group_owner {
    const void *owner; /* the key */
    struct group_slot *slots;
    size_t count;
    UT_hash_handle hh;
};

struct group_slot {
    struct group_slot *prev, *next; /* DL_ list of its owner */
    struct group_owner *owner;      /* NULL = nobody */
    void *value;                    /* what the core called the owner */
};

struct group {
    struct group_slot slot;
    struct group *prev, *next; /* DL_ list, longest unused first */
    UT_hash_handle hh;
    size_t len;
    char name[];
};

struct message_group_state {
    struct group_owner *owners;
    struct group *groups; /* exact maps: uthash by name */
    struct group *by_use; /* the same ones */
    size_t group_count;
    size_t group_limit;
    struct group_slot *buckets; /* bucket map */
    size_t bucket_count;
};

/* Takes the slot from its owner, if it has one. */
static void
group_slot_release(struct message_group_state *state, struct group_slot *slot)
{
    struct group_owner *owner = slot->owner;

    if (owner == NULL) {
        return;
    }
    DL_DELETE(owner->slots, slot);
    slot->owner = NULL;
    slot->value = NULL;
    owner->count--;
    if (owner->count == 0) {
        HASH_DEL(state->owners, owner);
        free(owner);
    }
}

static struct group_owner *
group_owner_find(const struct message_group_state *state, const void *value)
{
    struct group_owner *owner;

    HASH_FIND(hh, state->owners, &value, sizeof(value), owner);
    return owner;
}

/* The entry of an owner, made if need be; NULL when memory is out. */
static struct group_owner *
group_owner_make(struct message_group_state *state, const void *value)
{
    struct group_owner *owner = group_owner_find(state, value);

    if (owner != NULL) {
        return owner;
    }
    owner = xcalloc(1, sizeof(*owner));
    owner->owner = value;
    HASH_ADD(hh, state->owners, owner, sizeof(owner->owner), owner);
    if (owner->hh.tbl == NULL) {
        free(owner);
        return NULL;
    }
    return owner;
}

static void
group_slot_assign(struct message_group_state *state, struct group_slot *slot,
                  void *value)
{
    struct group_owner *owner;

    assert(value != NULL);
    if (slot->owner != NULL && slot->value == value) {
        return;
    }
    group_slot_release(state, slot);
    owner = group_owner_make(state, value);
    if (owner != NULL) {
        slot->owner = owner;
        slot->value = value;
        DL_APPEND(owner->slots, slot);
        owner->count++;
    }
}

static size_t
group_owner_count(const struct message_group_state *state, const void *value)
{
    const struct group_owner *owner = group_owner_find(state, value);

    return owner != NULL ? owner->count : 0;
}

static struct group *
group_find(const struct message_group_state *state, struct span name)
{
    struct group *group;

    HASH_FIND(hh, state->groups, name.data, name.len, group);
    return group;
}

static void
group_free(struct message_group_state *state, struct group *group)
{
    group_slot_release(state, &group->slot);
    HASH_DEL(state->groups, group);
    DL_DELETE(state->by_use, group);
    state->group_count--;
    free(group);
}

/* A group that is not there yet; NULL when memory is out.  *lost_out: the owner
 * of the one that had to go. */
static struct group *
group_make(struct message_group_state *state, struct span name, void **lost_out)
{
    struct group *group;

    if (state->group_count == state->group_limit) {
        *lost_out = state->by_use->slot.value;
        group_free(state, state->by_use);
    }
    group = try_malloc(sizeof(*group) + name.len); /* a client's name */
    if (group == NULL) {
        return NULL;
    }
    memset(group, 0, sizeof(*group));
    group->len = name.len;
    if (name.len > 0) {
        memcpy(group->name, name.data, name.len);
    }
    HASH_ADD_KEYPTR(hh, state->groups, group->name, group->len, group);
    if (group->hh.tbl == NULL) {
        free(group);
        return NULL;
    }
    DL_APPEND(state->by_use, group);
    state->group_count++;
    return group;
}

static void
group_use(struct message_group_state *state, struct group *group)
{
    if (group->next != NULL) {
        DL_DELETE(state->by_use, group);
        DL_APPEND(state->by_use, group);
    }
}

static struct message_group_state *
message_group_open_cached(const struct message_group_parameters *parameters)
{
    struct message_group_state *state = xcalloc(1, sizeof(*state));

    assert(parameters->cache_size > 0);
    state->group_limit = parameters->cache_size;
    return state;
}

static struct message_group_state *
message_group_open_simple(const struct message_group_parameters *parameters)
{
    struct message_group_state *state = xcalloc(1, sizeof(*state));

    (void)parameters;
    state->group_limit = SIZE_MAX;
    return state;
}

static void
message_group_close_exact(struct message_group_state **state)
{
    if (*state == NULL) {
        return;
    }
    while ((*state)->by_use != NULL) {
        group_free(*state, (*state)->by_use);
    }
    free(*state);
    *state = NULL;
}

static void *
message_group_find_exact(struct message_group_state *state, struct span name)
{
    struct group *group = group_find(state, name);

    if (group == NULL) {
        return NULL;
    }
    group_use(state, group);
    return group->slot.value;
}

static void
message_group_remove_exact(struct message_group_state *state, struct span name)
{
    struct group *group = group_find(state, name);

    if (group != NULL) {
        group_free(state, group);
    }
}

static void *
message_group_assign_exact(struct message_group_state *state, struct span name,
                           void *owner)
{
    struct group *group = group_find(state, name);
    void *lost = NULL;

    if (group == NULL) {
        group = group_make(state, name, &lost);
    }
    if (group == NULL) {
        return lost;
    }
    group_use(state, group);
    group_slot_assign(state, &group->slot, owner);
    if (group->slot.owner == NULL) {
        group_free(state, group);
    }
    return lost;
}

/* A group that nobody owns is not kept: it would take the place of another. */
static void
message_group_remove_owner_exact(struct message_group_state *state,
                                 const void *value)
{
    const struct group_owner *owner = group_owner_find(state, value);
    size_t count = owner != NULL ? owner->count : 0;

    /* The owner is freed with the last of its slots. */
    for (; count > 0; count--) {
        /* NOLINTNEXTLINE: count says that it is not freed before */
        group_free(state, container_of(owner->slots, struct group, slot));
    }
}

static struct message_group_state *
message_group_open_bucket(const struct message_group_parameters *parameters)
{
    struct message_group_state *state = xcalloc(1, sizeof(*state));

    assert(parameters->bucket_count > 0);
    state->bucket_count = parameters->bucket_count;
    state->buckets = xcalloc(state->bucket_count, sizeof(*state->buckets));
    return state;
}

static struct group_slot *
group_bucket(const struct message_group_state *state, struct span name)
{
    return &state->buckets[hash_bytes(name.data, name.len) %
                           state->bucket_count];
}

static void
message_group_close_bucket(struct message_group_state **state)
{
    if (*state == NULL) {
        return;
    }
    for (size_t i = 0; i < (*state)->bucket_count; i++) {
        group_slot_release(*state, &(*state)->buckets[i]);
    }
    free((*state)->buckets);
    free(*state);
    *state = NULL;
}

static void *
message_group_find_bucket(struct message_group_state *state, struct span name)
{
    return group_bucket(state, name)->value;
}

static void *
message_group_assign_bucket(struct message_group_state *state, struct span name,
                            void *owner)
{
    group_slot_assign(state, group_bucket(state, name), owner);
    return NULL;
}

static void
message_group_remove_bucket(struct message_group_state *state, struct span name)
{
    group_slot_release(state, group_bucket(state, name));
}

static void
message_group_remove_owner_bucket(struct message_group_state *state,
                                  const void *value)
{
    const struct group_owner *owner = group_owner_find(state, value);
    size_t count = owner != NULL ? owner->count : 0;

    for (; count > 0; count--) {
        group_slot_release(state, owner->slots);
    }
}

const struct message_group_map message_group_cached = {
    .name = "cached",
    .long_name = "cachedMessageGroupMapFactory",
    .doc = "each group has its consumer; of more than cacheSize groups the one "
           "that was not used for longest loses it",
    .open = message_group_open_cached,
    .close = message_group_close_exact,
    .find = message_group_find_exact,
    .assign = message_group_assign_exact,
    .remove = message_group_remove_exact,
    .remove_owner = message_group_remove_owner_exact,
    .count = group_owner_count,
};

const struct message_group_map message_group_bucket = {
    .name = "bucket",
    .long_name = "messageGroupHashBucketFactory",
    .doc = "groups share bucketCount places by hash, and the consumer of a "
           "place",
    .open = message_group_open_bucket,
    .close = message_group_close_bucket,
    .find = message_group_find_bucket,
    .assign = message_group_assign_bucket,
    .remove = message_group_remove_bucket,
    .remove_owner = message_group_remove_owner_bucket,
    .count = group_owner_count,
};

const struct message_group_map message_group_simple = {
    .name = "simple",
    .long_name = "simpleMessageGroupMapFactory",
    .doc = "each group has its consumer, however many groups there are",
    .open = message_group_open_simple,
    .close = message_group_close_exact,
    .find = message_group_find_exact,
    .assign = message_group_assign_exact,
    .remove = message_group_remove_exact,
    .remove_owner = message_group_remove_owner_exact,
    .count = group_owner_count,
};

const struct message_group_map *const message_group_maps[] = {
    &message_group_cached,
    &message_group_bucket,
    &message_group_simple,
    NULL,
};
