/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message eviction strategies.
 */
#include "policy/eviction.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* How many messages uniqueProperty looks at, the oldest: ActiveMQ's number.
 * What a pick costs does not grow with the limit. */
enum { EVICTION_CANDIDATES = 1000 };

/* A value of the property, and the newest message that has it. */
struct eviction_value {
    struct span value;
    const struct eviction_node *newest; /* NULL = an empty place */
};

/* Values by hash, open addressing, at least twice the places that can be
 * taken. */
struct eviction_values {
    struct eviction_value *places;
    size_t mask;
};

static struct eviction_node *
eviction_pick_oldest(struct eviction_node *list,
                     const struct eviction_parameters *parameters,
                     eviction_property_fn *property)
{
    (void)parameters;
    (void)property;
    return list;
}

static struct eviction_node *
eviction_pick_lowest_priority(struct eviction_node *list,
                              const struct eviction_parameters *parameters,
                              eviction_property_fn *property)
{
    struct eviction_node *lowest = list;

    (void)parameters;
    (void)property;
    for (struct eviction_node *node = list;
         node != NULL && lowest->priority > 0; node = node->next) {
        if (node->priority < lowest->priority) {
            lowest = node;
        }
    }
    return lowest;
}

/* The place of a value: its own, or the empty one where it belongs. */
static struct eviction_value *
eviction_place(const struct eviction_values *values, struct span value)
{
    size_t at = hash_bytes(value.data, value.len) & values->mask;

    while (values->places[at].newest != NULL &&
           !span_equal(values->places[at].value, value)) {
        at = (at + 1) & values->mask;
    }
    return &values->places[at];
}

static size_t
eviction_count(const struct eviction_node *list)
{
    size_t count = 0;

    while (list != NULL && count < EVICTION_CANDIDATES) {
        list = list->next;
        count++;
    }
    return count;
}

/* Enters the newest message of each value.  False when none has the
 * property. */
static bool
eviction_values_fill(struct eviction_values *values,
                     const struct eviction_node *list, size_t count,
                     struct span name, eviction_property_fn *property)
{
    bool any = false;

    for (; count > 0; count--, list = list->next) {
        struct span value = property(list, name);
        struct eviction_value *place;

        if (value.data == NULL) {
            continue;
        }
        any = true;
        place = eviction_place(values, value);
        if (place->newest == NULL ||
            place->newest->timestamp_ms <= list->timestamp_ms) {
            *place = (struct eviction_value){ .value = value, .newest = list };
        }
    }
    return any;
}

/* The first message that is not the newest of its value; list when all are. */
static struct eviction_node *
eviction_first_outdated(const struct eviction_values *values,
                        struct eviction_node *list, size_t count,
                        struct span name, eviction_property_fn *property)
{
    struct eviction_node *node = list;

    for (; count > 0; count--, node = node->next) {
        struct span value = property(node, name);

        if (value.data == NULL ||
            eviction_place(values, value)->newest != node) {
            return node;
        }
    }
    return list;
}

static struct eviction_node *
eviction_pick_unique(struct eviction_node *list,
                     const struct eviction_parameters *parameters,
                     eviction_property_fn *property)
{
    struct span name = span_of_text(parameters->property);
    size_t count = eviction_count(list);
    struct eviction_values values = { .mask = 1 };
    struct eviction_node *picked = list;

    while (values.mask < count * 2) {
        values.mask = values.mask * 2 + 1;
    }
    values.places = xcalloc(values.mask + 1, sizeof(*values.places));
    if (eviction_values_fill(&values, list, count, name, property)) {
        picked = eviction_first_outdated(&values, list, count, name, property);
    }
    free(values.places);
    return picked;
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

const struct eviction_strategy eviction_unique_property = {
    .name = "uniqueProperty",
    .long_name = "uniquePropertyMessageEvictionStrategy",
    .doc = "the oldest message that is not the newest of its value of the "
           "header propertyName, those without the header included",
    .pick = eviction_pick_unique,
};

const struct eviction_strategy *const eviction_strategies[] = {
    &eviction_oldest,
    &eviction_oldest_lowest_priority,
    &eviction_unique_property,
    NULL,
};
