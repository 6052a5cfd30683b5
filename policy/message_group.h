/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message group maps: which consumer owns the group of a message
 * (`JMSXGroupID`).  One state per queue, made at its first grouped message.
 * Owners are opaque pointers, compared and never followed.
 * Source: activemq.md 3.4.
 */
#pragma once
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

struct message_group_parameters {
    size_t cache_size;   /* cached: groups remembered, 1024 */
    size_t bucket_count; /* bucket: 1024 */
    /* bucket: cacheSize, 64.  ActiveMQ's, for its management view of a bucket;
     * nothing here needs it. */
    size_t bucket_cache_size;
};

struct message_group_state; /* opaque: each map has its own struct behind it */

typedef struct message_group_state *
message_group_open_fn(const struct message_group_parameters *parameters);
/* Frees, sets *state to NULL; NULL is fine. */
typedef void message_group_close_fn(struct message_group_state **state);
/* The owner of a group, NULL when nobody owns it (yet, or any more).  Counts
 * as a use of the group. */
typedef void *message_group_find_fn(struct message_group_state *state,
                                    struct span group);
/* Makes owner (not NULL) the owner, whoever was before.  May free the group
 * that was not used for longest, whose owner it returns (else NULL), and this
 * one when memory is out: a group without an owner is given one with its next
 * message. */
typedef void *message_group_assign_fn(struct message_group_state *state,
                                      struct span group, void *owner);
/* Nobody owns the group from now on. */
typedef void message_group_remove_fn(struct message_group_state *state,
                                     struct span group);
/* All groups of an owner are free from now on. */
typedef void message_group_remove_owner_fn(struct message_group_state *state,
                                           const void *owner);
/* How many groups (buckets) the owner has. */
typedef size_t message_group_count_fn(const struct message_group_state *state,
                                      const void *owner);

struct message_group_map {
    const char *name;
    const char *long_name; /* ActiveMQ's element name */
    const char *doc;
    message_group_open_fn *open;
    message_group_close_fn *close;
    message_group_find_fn *find;
    message_group_assign_fn *assign;
    message_group_remove_fn *remove;
    message_group_remove_owner_fn *remove_owner;
    message_group_count_fn *count;
};

/* Exact, the least recently used group is forgotten when full. */
extern const struct message_group_map message_group_cached;
/* By hash: unrelated groups share an owner, memory is fixed. */
extern const struct message_group_map message_group_bucket;
/* Exact, without bound. */
extern const struct message_group_map message_group_simple;

extern const struct message_group_map *const message_group_maps[];
