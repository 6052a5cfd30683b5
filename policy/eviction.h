/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message eviction strategies: which of the messages that wait for a slow topic
 * subscription is discarded when the pending limit is passed.
 * Source: activemq.md 5.3.
 */
#pragma once
#include <stdint.h>

struct eviction_node {               /* embedded by the core */
    struct eviction_node *prev, *next; /* utlist DL_, oldest first */
    uint8_t priority;                /* 0-9 */
    int64_t timestamp_ms;
};

/* Picks one node of the list, which is not empty; does not unlink it. */
typedef struct eviction_node *eviction_pick_fn(struct eviction_node *list);

struct eviction_strategy {
    const char *name;
    const char *long_name;
    const char *doc;
    eviction_pick_fn *pick;
};

extern const struct eviction_strategy eviction_oldest;
extern const struct eviction_strategy eviction_oldest_lowest_priority;

extern const struct eviction_strategy *const eviction_strategies[];
