/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Composite destinations that copy to one another: a message that comes back
 * would be copied without end.  What the file shows of it is refused when the
 * file is read; what only the queues show that are there by then, the core cuts
 * off (server/core/virtual.h).
 */
#pragma once
#include "base/buf.h"
#include "policy/policy_map.h"

/* How many composites a message may pass, one after the other. */
enum { VIRTUAL_CYCLE_DEPTH_MAX = 16 };

enum virtual_cycle {
    VIRTUAL_CYCLE_NONE,
    VIRTUAL_CYCLE_FOUND,
    VIRTUAL_CYCLE_TOO_LONG,
};

/*
 * Where copies of what is sent to a composite go, by way of the other virtual
 * destinations of the map.  Unless that is NONE, appends the way:
 * `/queue/A, /queue/B, /queue/A`.  Marks each that it has seen, so that all of
 * a map together cost one visit each, and a fault is found once.
 */
enum virtual_cycle virtual_cycle_find(const struct policy_map *map,
                                      struct virtual_destination *from,
                                      struct buf *way_out);
