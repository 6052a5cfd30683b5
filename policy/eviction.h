/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message eviction strategies: which of the messages that wait for a slow topic
 * subscription is discarded when the pending limit is passed.
 * Source: activemq.md 5.3.
 */
#pragma once
#include "base/span.h"

#include <stdint.h>

struct eviction_node {                 /* embedded by the core */
    struct eviction_node *prev, *next; /* utlist DL_, oldest first */
    uint8_t priority;                  /* 0-9 */
    int64_t timestamp_ms;
};

struct eviction_parameters {
    char *property; /* uniqueProperty: propertyName; NULL for the others */
};

/* The value of the message's header of that name, borrowed until the message is
 * evicted; data NULL when it has none.  The core's. */
typedef struct span eviction_property_fn(const struct eviction_node *node,
                                         struct span name);

/* Picks one node of the list, which is not empty; does not unlink it.
 * property is called by uniqueProperty only. */
typedef struct eviction_node *
eviction_pick_fn(struct eviction_node *list,
                 const struct eviction_parameters *parameters,
                 eviction_property_fn *property);

struct eviction_strategy {
    const char *name;
    const char *long_name;
    const char *doc;
    eviction_pick_fn *pick;
};

extern const struct eviction_strategy eviction_oldest;
extern const struct eviction_strategy eviction_oldest_lowest_priority;
/* Keeps the newest message of each value of a property: of equal timestamps the
 * later message, where ActiveMQ keeps the earlier. */
extern const struct eviction_strategy eviction_unique_property;

extern const struct eviction_strategy *const eviction_strategies[];
