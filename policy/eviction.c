/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message eviction strategies.
 */
#include "policy/eviction.h"

#include <stddef.h>

static struct eviction_node *
eviction_pick_oldest(struct eviction_node *list)
{
    return list;
}

static struct eviction_node *
eviction_pick_lowest_priority(struct eviction_node *list)
{
    struct eviction_node *lowest = list;

    for (struct eviction_node *node = list;
         node != NULL && lowest->priority > 0; node = node->next) {
        if (node->priority < lowest->priority) {
            lowest = node;
        }
    }
    return lowest;
}

const struct eviction_strategy eviction_oldest = {
    .name = "oldest",
    .long_name = "oldestMessageEvictionStrategy",
    .doc = "the message that has waited longest",
    .pick = eviction_pick_oldest,
};

const struct eviction_strategy eviction_oldest_lowest_priority = {
    .name = "oldestWithLowestPriority",
    .long_name = "oldestMessageWithLowestPriorityEvictionStrategy",
    .doc = "the oldest of the messages with the lowest priority",
    .pick = eviction_pick_lowest_priority,
};

const struct eviction_strategy *const eviction_strategies[] = {
    &eviction_oldest,
    &eviction_oldest_lowest_priority,
    NULL,
};
