/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What virtual_table.c finds out and virtual.c follows: the destinations that a
 * message is copied to.  Only these two include this.
 */
#pragma once
#include "base/buf.h"
#include "policy/virtual_destination.h"
#include "server/core/core_private.h"
#include "server/core/virtual.h"

/* The queues of one virtual topic that are there. */
struct virtual_topic_queues {
    struct virtual_destination *definition; /* held */
    struct trie *queues; /* by the topic's name, or pattern, in theirs */
};

/* One message to one destination. */
struct virtual_step {
    struct destination *dest;
    struct message *msg; /* one reference */
};

/* All that come of one SEND. */
struct core_prepared {
    struct virtual_step *steps;
    size_t count;
    size_t capacity;
    struct message *scheduled; /* one reference; NULL: it goes at once */
};

struct virtual_table {
    struct virtual_topic_queues *topics;
    size_t topic_count;
    uint64_t epoch;             /* routes that are older look again */
    struct core_prepared steps; /* of the SEND at hand */
    struct buf lines;           /* what the headers of its copies share */
    struct buf line;            /* `destination` of the last */
};

/* What one definition means for one destination. */
struct virtual_copy {
    struct virtual_destination *definition; /* held */
    struct destination **targets;           /* as of the route's epoch */
    size_t target_count;
    size_t target_capacity;
};

struct virtual_route {
    uint64_t epoch; /* when the targets were looked for; 0 = never */
    struct virtual_copy *copies;
    size_t copy_count;
};

/* Finds the targets of dest's route again when destinations have come or gone,
 * and makes those that are not there; dest has a route. */
void virtual_route_refresh(struct destination *dest);
