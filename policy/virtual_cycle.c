/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/virtual_cycle.h"

#include "policy/pattern.h"

/* virtual_destination.mark; from DONE on it is DONE + the number of composites
 * that a message passes behind it. */
enum { CYCLE_NEW, CYCLE_OPEN, CYCLE_DONE };

/* A search, depth first. */
struct cycle {
    const struct policy_map *map;
    enum virtual_cycle result;
    struct virtual_destination *way[VIRTUAL_CYCLE_DEPTH_MAX + 1];
    size_t depth;
    unsigned height;   /* of what the one at hand leads to */
    struct span topic; /* whose consumer queues are looked for */
    const struct virtual_destination *virtual_topic;
};

static void cycle_follow(struct cycle *cycle,
                         struct virtual_destination *composite);

static bool
cycle_is_composite(const struct virtual_destination *virtual)
{
    return virtual->type == &virtual_composite_queue ||
           virtual->type == &virtual_composite_topic;
}

/* A composite that copies what comes into a consumer queue of the topic. */
static void
cycle_on_consumer_queue(void *ctx, struct virtual_destination *virtual)
{
    struct cycle *cycle = ctx;
    struct span topics;

    if (virtual->type == &virtual_composite_queue &&
        virtual_destination_source_of(cycle->virtual_topic,
                                      span_of_text(virtual->name), &topics) &&
        pattern_matches(topics, cycle->topic)) {
        cycle_follow(cycle, virtual);
    }
}

static void cycle_reach(struct cycle *cycle, enum destination_kind kind,
                        struct span name);

/* What becomes of a message at a destination that virtual is for. */
static void
cycle_on_match(void *ctx, struct virtual_destination *virtual)
{
    struct cycle *cycle = ctx;
    struct span name = cycle->topic;
    struct buf topic = BUF_INIT;

    if (cycle->result != VIRTUAL_CYCLE_NONE) {
        return;
    }
    if (cycle_is_composite(virtual)) {
        cycle_follow(cycle, virtual);
    } else if (virtual->type == &virtual_topic) {
        const struct virtual_destination *outer = cycle->virtual_topic;

        cycle->virtual_topic = virtual;
        policy_map_each_virtual(cycle->map, cycle_on_consumer_queue, cycle);
        cycle->virtual_topic = outer;
    } else {
        virtual_destination_append_name(virtual, name, &topic);
        cycle_reach(cycle, DESTINATION_TOPIC, buf_span(&topic));
        buf_fini(&topic);
    }
    cycle->topic = name;
}

static void
cycle_reach(struct cycle *cycle, enum destination_kind kind, struct span name)
{
    struct span outer = cycle->topic;

    cycle->topic = name;
    policy_map_visit_virtuals(cycle->map, kind, name, cycle_on_match, cycle);
    cycle->topic = outer;
}

static void
cycle_follow(struct cycle *cycle, struct virtual_destination *composite)
{
    unsigned beside = cycle->height;
    unsigned height = 0;

    if (cycle->result != VIRTUAL_CYCLE_NONE) {
        return;
    }
    if (composite->mark == CYCLE_NEW &&
        cycle->depth < VIRTUAL_CYCLE_DEPTH_MAX) {
        composite->mark = CYCLE_OPEN;
        cycle->way[cycle->depth++] = composite;
        for (size_t i = 0; i < composite->target_count; i++) {
            const struct virtual_target *target = &composite->targets[i];

            cycle->height = 0;
            cycle_reach(cycle, target->kind, span_of_text(target->name));
            height = cycle->height > height ? cycle->height : height;
            if (cycle->result != VIRTUAL_CYCLE_NONE) {
                return;
            }
        }
        cycle->depth--;
        composite->mark = (uint8_t)(CYCLE_DONE + height + 1);
    } else if (composite->mark <= CYCLE_OPEN) {
        cycle->result = composite->mark == CYCLE_OPEN ? VIRTUAL_CYCLE_FOUND
                                                      : VIRTUAL_CYCLE_TOO_LONG;
        cycle->way[cycle->depth++] = composite;
        return;
    }
    height = (unsigned)composite->mark - CYCLE_DONE;
    if (cycle->depth + height > VIRTUAL_CYCLE_DEPTH_MAX) {
        cycle->result = VIRTUAL_CYCLE_TOO_LONG;
        cycle->way[cycle->depth++] = composite;
    }
    cycle->height = height > beside ? height : beside;
}

enum virtual_cycle
virtual_cycle_find(const struct policy_map *map,
                   struct virtual_destination *from, struct buf *way_out)
{
    struct cycle cycle = { .map = map };

    if (!cycle_is_composite(from) || from->mark != CYCLE_NEW) {
        return VIRTUAL_CYCLE_NONE;
    }
    cycle_follow(&cycle, from);
    for (size_t i = 0; i < cycle.depth && cycle.result != VIRTUAL_CYCLE_NONE;
         i++) {
        struct virtual_destination *each = cycle.way[i];

        buf_appendf(way_out, "%s/%s/%s", i > 0 ? ", " : "",
                    destination_kind_name(each->type->source), each->name);
        each->mark = CYCLE_DONE; /* once is enough */
    }
    return cycle.result;
}
