/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which definitions concern a destination, and what they mean for it: found out
 * when it is made, looked at again when destinations have come or gone.
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "policy/pattern.h"
#include "server/core/virtual_private.h"

#include <stdlib.h>

/* --- the table ---------------------------------------------------------- */

static void
virtual_table_add(void *ctx, struct virtual_destination *definition)
{
    struct virtual_table *table = ctx;

    if (definition->type != &virtual_topic) {
        return;
    }
    table->topics = xrealloc(table->topics,
                             (table->topic_count + 1) * sizeof(*table->topics));
    table->topics[table->topic_count++] = (struct virtual_topic_queues){
        .definition = virtual_destination_ref(definition),
        .queues = trie_new(),
    };
}

static void
virtual_table_clear(struct virtual_table *table)
{
    for (size_t i = 0; i < table->topic_count; i++) {
        virtual_destination_unref(&table->topics[i].definition);
        trie_free(&table->topics[i].queues);
    }
    table->topic_count = 0;
}

struct virtual_table *
virtual_table_new(const struct policy_map *policies)
{
    struct virtual_table *table = xcalloc(1, sizeof(*table));

    table->epoch = 1;
    policy_map_each_virtual(policies, virtual_table_add, table);
    return table;
}

void
virtual_table_free(struct virtual_table **table)
{
    struct virtual_table *gone = *table;

    *table = NULL;
    if (gone == NULL) {
        return;
    }
    virtual_table_clear(gone);
    buf_fini(&gone->lines);
    buf_fini(&gone->line);
    free(gone->topics);
    free(gone->steps.steps);
    free(gone);
}

bool
virtual_is_consumer_queue(const struct core *core, struct span name)
{
    const struct virtual_table *table = core->virtuals;
    struct span topic;

    for (size_t i = 0; i < table->topic_count; i++) {
        if (virtual_destination_source_of(table->topics[i].definition, name,
                                          &topic)) {
            return true;
        }
    }
    return false;
}

/* Notes that a consumer queue is there, or no longer. */
static void
virtual_note_queue(struct destination *dest, bool there)
{
    struct virtual_table *table = dest->core->virtuals;
    struct span topic;

    for (size_t i = 0; i < table->topic_count; i++) {
        struct virtual_topic_queues *queues = &table->topics[i];

        if (!virtual_destination_source_of(
                queues->definition, destination_name_get(dest), &topic)) {
            continue;
        }
        if (there) {
            (void)trie_add(queues->queues, topic, dest);
        } else {
            (void)trie_remove(queues->queues, topic, dest);
        }
        table->epoch++;
    }
}

/* --- routes ------------------------------------------------------------- */

static void
virtual_route_add(void *ctx, struct virtual_destination *definition)
{
    struct destination *dest = ctx;
    struct virtual_route *route = dest->route;

    if (route == NULL) {
        route = dest->route = xcalloc(1, sizeof(*route));
    }
    route->copies = xrealloc(route->copies,
                             (route->copy_count + 1) * sizeof(*route->copies));
    route->copies[route->copy_count++] = (struct virtual_copy){
        .definition = virtual_destination_ref(definition),
    };
}

static void
virtual_route_make(struct destination *dest)
{
    struct span name = destination_name_get(dest);

    if (!pattern_has_wildcard(name)) {
        policy_map_visit_virtuals(dest->core->policies, dest->kind, name,
                                  virtual_route_add, dest);
    }
}

static void
virtual_route_free(struct destination *dest)
{
    struct virtual_route *route = dest->route;

    dest->route = NULL;
    if (route == NULL) {
        return;
    }
    for (size_t i = 0; i < route->copy_count; i++) {
        virtual_destination_unref(&route->copies[i].definition);
        free(route->copies[i].targets);
    }
    free(route->copies);
    free(route);
}

void
virtual_on_made(struct destination *dest)
{
    if (dest->kind == DESTINATION_QUEUE) {
        virtual_note_queue(dest, true);
    }
    virtual_route_make(dest);
}

void
virtual_on_removed(struct destination *dest)
{
    virtual_route_free(dest);
    if (dest->kind == DESTINATION_QUEUE) {
        virtual_note_queue(dest, false);
    }
    if (dest->kind == DESTINATION_QUEUE || dest->kind == DESTINATION_TOPIC) {
        dest->core->virtuals->epoch++; /* it may be a target */
    }
}

void
virtual_on_subscribed(struct destination *dest)
{
    if (dest->kind == DESTINATION_QUEUE &&
        virtual_is_consumer_queue(dest->core, destination_name_get(dest))) {
        queue_keep(queue_of(dest));
    }
}

void
virtual_reload(struct core *core)
{
    struct virtual_table *table = core->virtuals;
    struct destination *dest;
    struct destination *next;

    virtual_table_clear(table);
    policy_map_each_virtual(core->policies, virtual_table_add, table);
    table->epoch++;
    HASH_ITER(hh, core->destinations, dest, next) {
        if (dest->cursor == NULL) {
            virtual_route_free(dest);
            virtual_on_made(dest);
        }
    }
}

static void
virtual_copy_add(struct virtual_copy *copy, struct destination *target)
{
    if (copy->target_count == copy->target_capacity) {
        copy->target_capacity =
            copy->target_capacity > 0 ? copy->target_capacity * 2 : 4;
        copy->targets =
            xrealloc(copy->targets,
                     copy->target_capacity * sizeof(struct destination *));
    }
    copy->targets[copy->target_count++] = target;
}

static bool
virtual_copy_on_queue(void *ctx, void *queue)
{
    virtual_copy_add(ctx, queue);
    return true;
}

static void
virtual_copy_find_queues(struct virtual_copy *copy,
                         const struct destination *dest)
{
    const struct virtual_table *table = dest->core->virtuals;

    for (size_t i = 0; i < table->topic_count; i++) {
        if (table->topics[i].definition == copy->definition) {
            trie_match(table->topics[i].queues, destination_name_get(dest),
                       virtual_copy_on_queue, copy);
        }
    }
}

static void
virtual_copy_find_mirror(struct virtual_copy *copy,
                         const struct destination *dest)
{
    struct buf name = BUF_INIT;

    virtual_destination_append_name(copy->definition,
                                    destination_name_get(dest), &name);
    virtual_copy_add(copy, destination_get(dest->core, DESTINATION_TOPIC,
                                           buf_span(&name), NULL));
    buf_fini(&name);
}

void
virtual_route_refresh(struct destination *dest)
{
    struct virtual_route *route = dest->route;
    uint64_t epoch = dest->core->virtuals->epoch;

    if (route->epoch == epoch) {
        return;
    }
    for (size_t i = 0; i < route->copy_count; i++) {
        struct virtual_copy *copy = &route->copies[i];
        const struct virtual_destination *definition = copy->definition;

        copy->target_count = 0;
        if (definition->type == &virtual_topic) {
            virtual_copy_find_queues(copy, dest);
        } else if (definition->type == &virtual_mirrored_queue) {
            virtual_copy_find_mirror(copy, dest);
        }
        for (size_t j = 0; j < definition->target_count; j++) {
            const struct virtual_target *target = &definition->targets[j];

            virtual_copy_add(copy,
                             destination_get(dest->core, target->kind,
                                             span_of_text(target->name), NULL));
        }
    }
    /* What has been made just now is looked at the next time. */
    route->epoch = epoch;
}
