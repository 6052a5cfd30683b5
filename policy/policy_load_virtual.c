/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual destinations of the policy file.
 */
#include "base/alloc.h"
#include "policy/pattern.h"
#include "policy/policy_loader.h"
#include "policy/policy_schema.h"
#include "policy/virtual_cycle.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A target that is given as an object. */
struct virtual_target_texts {
    char *queue;
    char *topic;
    char *selector;
};

static const struct json_key virtual_target_rows[] = {
    { .name = "queue",
      .type = JSON_KEY_STRING,
      .offset = offsetof(struct virtual_target_texts, queue) },
    { .name = "topic",
      .type = JSON_KEY_STRING,
      .offset = offsetof(struct virtual_target_texts, topic) },
    { .name = "selector",
      .type = JSON_KEY_STRING,
      .offset = offsetof(struct virtual_target_texts, selector) },
};

static const struct json_keys virtual_target_keys = {
    JSON_KEYS(virtual_target_rows),
};

void
policy_load_check_virtual_name(struct json_check *check, json_t *value,
                               void *target)
{
    struct virtual_destination *virtual = target;

    if (!json_is_string(value)) {
        json_check_expected(check, value, "a pattern");
        return;
    }
    if (strchr(json_string_value(value), ',') != NULL) {
        json_check_fault(check, "a list; each has to be given on its own");
    } else if (policy_load_pattern_is_fine(
                   check, span_of_text(json_string_value(value)))) {
        free(virtual->name);
        virtual->name = xstrdup(json_string_value(value));
    }
}

/* A target is one destination that is there by its name. */
static bool
virtual_target_is_fine(struct json_check *check, const char *name)
{
    struct span text = span_of_text(name);

    if (text.len == 0) {
        json_check_fault(check, "the name of the target is missing");
        return false;
    }
    if (!policy_load_pattern_is_fine(check, text)) {
        return false;
    }
    if (pattern_has_wildcard(text) || strchr(name, ',') != NULL) {
        json_check_fault(check, "a target is one destination; a pattern or a "
                                "list is none");
        return false;
    }
    return true;
}

static void
virtual_target_check_text(struct json_check *check, const json_t *value,
                          struct virtual_destination *virtual)
{
    static const char *const prefixes[] = { "/queue/", "/topic/" };
    struct span text = span_of_text(json_string_value(value));
    struct virtual_target target = { .name = NULL };

    for (unsigned i = 0; i < 2; i++) {
        struct span prefix = span_of_text(prefixes[i]);

        if (span_starts_with(text, prefix)) {
            target.kind = i == 0 ? DESTINATION_QUEUE : DESTINATION_TOPIC;
            target.name = xstrdup(text.data + prefix.len);
        }
    }
    if (target.name == NULL) {
        json_check_expected(check, value, "\"/queue/...\" or \"/topic/...\"");
    } else if (virtual_target_is_fine(check, target.name)) {
        virtual_destination_add_target(virtual, &target);
        return;
    }
    free(target.name);
}

/* Makes the filter of the selector; a fault at its place if it is none. */
static bool
virtual_target_make_filter(struct json_check *check,
                           struct virtual_target *target)
{
    struct json_check_mark mark;
    struct error err = ERROR_INIT;
    bool fine;

    if (target->selector == NULL) {
        return true;
    }
    fine = selector_parse(span_of_text(target->selector), &target->filter,
                          &err) == 0;
    if (!fine) {
        mark = json_check_enter_key(check, "selector");
        json_check_fault(check, "at character %u of it: %s", err.column,
                         err.text);
        json_check_leave(check, mark);
    }
    return fine;
}

static void
virtual_target_check_object(struct json_check *check, json_t *value,
                            struct virtual_destination *virtual)
{
    struct virtual_target_texts texts = { .queue = NULL };
    struct virtual_target target;
    size_t faults = check->faults->total;

    json_check_object(check, value, &virtual_target_keys, &texts);
    if (check->faults->total == faults &&
        (texts.queue == NULL) == (texts.topic == NULL)) {
        json_check_fault(check, "one of \"queue\" and \"topic\" must be given");
    }
    target = (struct virtual_target){
        .kind = texts.queue != NULL ? DESTINATION_QUEUE : DESTINATION_TOPIC,
        .name = texts.queue != NULL ? texts.queue : texts.topic,
        .selector = texts.selector,
    };
    if (check->faults->total == faults &&
        virtual_target_is_fine(check, target.name) &&
        virtual_target_make_filter(check, &target)) {
        virtual_destination_add_target(virtual, &target);
        return;
    }
    free(texts.queue);
    free(texts.topic);
    free(texts.selector);
}

void
policy_load_check_virtual_targets(struct json_check *check, json_t *value,
                                  void *target)
{
    size_t index;
    json_t *element;

    if (!json_is_array(value) || json_array_size(value) == 0) {
        json_check_expected(check, value, "an array of destinations");
        return;
    }
    json_array_foreach(value, index, element)
    {
        struct json_check_mark mark = json_check_enter_index(check, index);

        if (json_is_string(element)) {
            virtual_target_check_text(check, element, target);
        } else {
            virtual_target_check_object(check, element, target);
        }
        json_check_leave(check, mark);
    }
}

/* A message that comes back to where it was sent would be copied without
 * end. */
static bool
virtual_forwards_to_itself(const struct virtual_destination *virtual)
{
    for (size_t i = 0; i < virtual->target_count; i++) {
        const struct virtual_target *target = &virtual->targets[i];

        if (target->kind == virtual->type->source &&
            pattern_matches(span_of_text(virtual->name),
                            span_of_text(target->name))) {
            return true;
        }
    }
    return false;
}

static void
virtual_add(struct json_check *check, struct virtual_destination *virtual)
{
    struct policy_loader *loader = check->ctx;
    const struct virtual_destination *other;

    virtual_destination_complete(virtual);
    if (virtual_forwards_to_itself(virtual)) {
        json_check_fault(check, "what is sent to a target would be copied "
                                "again: \"name\" matches it too");
        return;
    }
    other = policy_map_add_virtual(loader->map, virtual);
    if (other != NULL) {
        json_check_fault(check, "there is a %s of this name in line %u already",
                         virtual->type->name, other->line);
    }
}

struct virtual_cycle_check {
    struct json_check *check;
    const struct policy_map *map;
    size_t index;
};

static void
virtual_check_cycle(void *ctx, struct virtual_destination *virtual)
{
    struct virtual_cycle_check *cycle = ctx;
    struct buf way = BUF_INIT;
    struct json_check_mark mark =
        json_check_enter_index(cycle->check, cycle->index++);

    switch (virtual_cycle_find(cycle->map, virtual, &way)) {
    case VIRTUAL_CYCLE_NONE:
        break;
    case VIRTUAL_CYCLE_FOUND:
        json_check_fault(cycle->check,
                         "what is sent here would come back: %.*s",
                         (int)way.len, way.data);
        break;
    case VIRTUAL_CYCLE_TOO_LONG:
        json_check_fault(cycle->check,
                         "copies of copies, more than %d in a row: %.*s",
                         VIRTUAL_CYCLE_DEPTH_MAX, (int)way.len, way.data);
        break;
    }
    json_check_leave(cycle->check, mark);
    buf_fini(&way);
}

void
policy_load_check_virtuals(struct json_check *check, json_t *value,
                           void *target)
{
    struct policy_loader *loader = target;
    struct virtual_cycle_check cycle = { .check = check, .map = loader->map };
    size_t before = check->faults->total;
    size_t index;
    json_t *element;

    if (!json_is_array(value)) {
        json_check_expected(check, value, "an array of virtual destinations");
        return;
    }
    policy_loader_find_places(loader, check, value);
    policy_map_clear_virtuals(loader->map);
    json_array_foreach(value, index, element)
    {
        struct json_check_mark mark = json_check_enter_index(check, index);
        struct virtual_destination *virtual = virtual_destination_new();
        size_t faults = check->faults->total;

        virtual->line = policy_loader_line(loader, index);
        json_check_value(check, element, &policy_schema_virtual_keys.rows[0],
                         virtual);
        if (check->faults->total == faults) {
            virtual_add(check, virtual);
        }
        virtual_destination_unref(&virtual);
        json_check_leave(check, mark);
    }
    if (check->faults->total == before) {
        policy_map_each_virtual(loader->map, virtual_check_cycle, &cycle);
    }
}
