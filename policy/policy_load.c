/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy file: its entries into a map.  What a single key may be is in
 * policy_schema.h; here is what concerns a whole entry and its pattern.
 */
#include "policy/policy_load.h"

#include "base/alloc.h"
#include "policy/policy_loader.h"
#include "policy/policy_schema.h"

#include <stdlib.h>

enum { POLICY_FILE_MAX = 64 * 1024 * 1024 };

/* How a destination is written in a frame, which a pattern is not. */
static const char *const policy_prefixes[] = {
    "/queue/",  "/topic/",  "/temp-queue/",  "/temp-topic/",
    "queue://", "topic://", "temp-queue://", "temp-topic://",
};

void
policy_loader_find_places(struct policy_loader *loader,
                          const struct json_check *check, const json_t *array)
{
    size_t count = json_array_size(array);

    free(loader->places);
    loader->places = xcalloc(count, sizeof(*loader->places));
    loader->place_count = json_locate_elements(
        check->text, buf_span(&check->pointer), loader->places, count);
}

unsigned
policy_loader_line(const struct policy_loader *loader, size_t index)
{
    return index < loader->place_count ? loader->places[index].line : 1;
}

static bool
policy_load_kind_of(const char *key, enum destination_kind *kind_out)
{
    for (unsigned i = 0; i < DESTINATION_KIND_COUNT; i++) {
        if (strcmp(key, destination_kind_name((enum destination_kind)i)) == 0) {
            *kind_out = (enum destination_kind)i;
            return true;
        }
    }
    return false;
}

/* Whether the key may say here what the entry is for; a fault if not. */
static bool
policy_load_take_kind(struct json_check *check, const char *key)
{
    struct policy_loader *loader = check->ctx;

    if (loader->is_default) {
        json_check_fault_key(check, "the default entry is for every "
                                    "destination that no other is for, it has "
                                    "no pattern");
        return false;
    }
    if (loader->kind_key != NULL) {
        json_check_fault_key(check,
                             "the entry is for \"%s\" already; it can "
                             "be for one kind only",
                             loader->kind_key);
        return false;
    }
    loader->kind_key = key;
    return true;
}

/* The name of the member that the path ends with: a kind's. */
static enum destination_kind
policy_load_kind_here(const struct json_check *check)
{
    struct span pointer = buf_span(&check->pointer);
    const char *slash = memrchr(pointer.data, '/', pointer.len);
    struct span key = span_after(pointer, (size_t)(slash - pointer.data) + 1);
    unsigned kind = 0;

    while (kind + 1 < DESTINATION_KIND_COUNT &&
           !span_equal(key, span_of_text(destination_kind_name(
                                (enum destination_kind)kind)))) {
        kind++;
    }
    return (enum destination_kind)kind;
}

bool
policy_load_pattern_is_fine(struct json_check *check, struct span pattern)
{
    struct buf quoted = BUF_INIT;
    bool fine = true;

    json_check_append_quoted(&quoted, pattern);
    if (pattern.len == 0) {
        json_check_fault(check, "an empty pattern; \">\" stands for every "
                                "destination");
        fine = false;
    }
    for (size_t i = 0; i < sizeof(policy_prefixes) / sizeof(policy_prefixes[0]);
         i++) {
        struct span prefix = span_of_text(policy_prefixes[i]);

        if (span_starts_with(pattern, prefix)) {
            json_check_fault(check,
                             "the pattern %.*s is to be given without "
                             "%s: the key says what it is for",
                             (int)quoted.len, quoted.data, policy_prefixes[i]);
            fine = false;
        }
    }
    buf_fini(&quoted);
    return fine;
}

static void
policy_load_add(struct json_check *check, enum destination_kind kind,
                struct span pattern, struct policy *policy)
{
    struct policy_loader *loader = check->ctx;
    struct buf quoted = BUF_INIT;
    const struct policy *other;

    if (policy_map_add(loader->map, kind, pattern, policy)) {
        return;
    }
    /* A pattern is found by its own text first. */
    other = policy_map_find(loader->map, kind, pattern);
    json_check_append_quoted(&quoted, pattern);
    if (other == policy) {
        json_check_fault(check, "the pattern %.*s is given twice here",
                         (int)quoted.len, quoted.data);
    } else {
        json_check_fault(check,
                         "the pattern %.*s has an entry in line %u "
                         "already",
                         (int)quoted.len, quoted.data, other->line);
    }
    buf_fini(&quoted);
}

static void
policy_load_set_pattern(struct policy *policy, const char *pattern)
{
    free(policy->pattern);
    policy->pattern = xstrdup(pattern);
}

void
policy_load_check_pattern(struct json_check *check, json_t *value, void *target)
{
    enum destination_kind kind = policy_load_kind_here(check);
    struct span rest;

    if (!policy_load_take_kind(check, destination_kind_name(kind))) {
        return;
    }
    if (!json_is_string(value)) {
        json_check_expected(check, value, "a pattern");
        return;
    }
    policy_load_set_pattern(target, json_string_value(value));
    rest = span_of_text(json_string_value(value));
    do {
        struct span pattern = span_trim(span_split(&rest, ','));

        if (policy_load_pattern_is_fine(check, pattern)) {
            policy_load_add(check, kind, pattern, target);
        }
    } while (rest.data != NULL);
}

void
policy_load_check_true(struct json_check *check, json_t *value, void *target)
{
    enum destination_kind kind = policy_load_kind_here(check);
    struct policy_loader *loader = check->ctx;
    struct policy *policy = target;

    if (!policy_load_take_kind(check, destination_kind_name(kind))) {
        return;
    }
    if (!json_is_true(value)) {
        json_check_expected(check, value,
                            "true (all of them, there is no "
                            "pattern for temporary ones)");
        return;
    }
    policy_load_set_pattern(policy, ">");
    if (!policy_map_add(loader->map, kind, SPAN(">"), policy)) {
        json_check_fault_key(
            check, "has an entry in line %u already",
            policy_map_find(loader->map, kind, SPAN(">"))->line);
    }
}

void
policy_load_check_strict_order(struct json_check *check, json_t *value,
                               void *target)
{
    struct policy *policy = target;

    if (!json_is_boolean(value)) {
        json_check_expected(check, value, "true or false");
        return;
    }
    policy->queue_dispatch = json_is_true(value) ? &dispatch_queue_strict_order
                                                 : &dispatch_queue_round_robin;
}

/* The kind that the entry is for, as a bit; 0 when it does not say. */
static unsigned
policy_load_scope(json_t *entry)
{
    enum destination_kind kind;
    const char *key;
    json_t *value;

    json_object_foreach(entry, key, value)
    {
        if (policy_load_kind_of(key, &kind)) {
            return 1U << kind;
        }
    }
    return 0;
}

/* Which rows the entry gives itself. */
static void
policy_load_given(const json_t *entry, struct policy *policy)
{
    for (size_t i = 0; i < policy_schema_keys.count; i++) {
        if (json_object_get(entry, policy_schema_keys.rows[i].name) != NULL) {
            policy->given[i / 64] |= UINT64_C(1) << i % 64;
        }
    }
}

static struct policy *
policy_load_entry(struct json_check *check, json_t *entry, unsigned line)
{
    struct policy_loader *loader = check->ctx;
    struct policy *policy = policy_new();

    policy->line = line;
    loader->kind_key = NULL;
    check->scope = loader->is_default ? 0 : policy_load_scope(entry);
    if (json_is_object(entry) && check->scope == 0 && !loader->is_default) {
        json_check_fault(check, "what is the entry for? One of \"queue\", "
                                "\"topic\", \"tempQueue\", \"tempTopic\" must "
                                "be given");
    }
    policy_load_given(entry, policy);
    json_check_object(check, entry, &policy_schema_keys, policy);
    check->scope = 0;
    return policy;
}

static void
policy_load_check_policies(struct json_check *check, json_t *value,
                           void *target)
{
    struct policy_loader *loader = target;
    size_t index;
    json_t *entry;

    if (!json_is_array(value)) {
        json_check_expected(check, value, "an array of entries");
        return;
    }
    policy_loader_find_places(loader, check, value);
    json_array_foreach(value, index, entry)
    {
        struct json_check_mark mark = json_check_enter_index(check, index);
        struct policy *policy =
            policy_load_entry(check, entry, policy_loader_line(loader, index));

        policy_unref(&policy);
        json_check_leave(check, mark);
    }
}

static void
policy_load_check_default(struct json_check *check, json_t *value, void *target)
{
    struct policy_loader *loader = target;
    struct json_place place = { .line = 1 };
    struct policy *policy;

    (void)json_locate(check->text, buf_span(&check->pointer), &place);
    loader->is_default = true;
    policy = policy_load_entry(check, value, place.line);
    loader->is_default = false;
    policy_map_set_default(loader->map, policy);
    policy_unref(&policy);
}

static void
policy_load_check_schema(struct json_check *check, json_t *value, void *target)
{
    (void)target;
    if (!json_is_string(value)) {
        json_check_expected(check, value, "the address of a JSON Schema");
    }
}

static const struct json_custom policy_load_policies = {
    .check = policy_load_check_policies,
};
static const struct json_custom policy_load_default = {
    .check = policy_load_check_default,
};
static const struct json_custom policy_load_virtuals = {
    .check = policy_load_check_virtuals,
};
static const struct json_custom policy_load_plugin_list = {
    .check = policy_load_check_plugins,
};
static const struct json_custom policy_load_schema = {
    .check = policy_load_check_schema,
};

static const struct json_key policy_load_rows[] = {
    { .name = "policies",
      .type = JSON_KEY_CUSTOM,
      .custom = &policy_load_policies },
    { .name = "default",
      .type = JSON_KEY_CUSTOM,
      .custom = &policy_load_default },
    { .name = "virtualDestinations",
      .type = JSON_KEY_CUSTOM,
      .custom = &policy_load_virtuals },
    { .name = "plugins",
      .type = JSON_KEY_CUSTOM,
      .custom = &policy_load_plugin_list },
    { .name = "$schema",
      .type = JSON_KEY_CUSTOM,
      .custom = &policy_load_schema },
};

static const struct json_keys policy_load_keys = {
    JSON_KEYS(policy_load_rows),
};

int
policy_load_text(struct span text, const char *source,
                 struct policy_map **map_out, struct faults *faults)
{
    struct policy_loader loader = { .map = policy_map_new() };
    struct json_check check;
    json_t *root;

    faults_clear(faults);
    json_check_init(&check, text, source, faults);
    check.ctx = &loader;
    root = json_check_parse(&check);
    check.more_strategies = policy_load_plugin_strategy;
    if (root != NULL) {
        policy_load_plugins(&loader, root);
        json_check_object(&check, root, &policy_load_keys, &loader);
        json_decref(root);
    }
    json_check_fini(&check);
    free(loader.places);
    free(loader.plugins);
    if (faults->total > 0) {
        policy_map_free(&loader.map);
        return -1;
    }
    *map_out = loader.map;
    return 0;
}

int
policy_load_file(const char *path, struct policy_map **map_out,
                 struct faults *faults)
{
    struct buf text = BUF_INIT;
    int status;

    faults_clear(faults);
    if (!json_check_read_file(path, POLICY_FILE_MAX, &text, faults)) {
        return -1;
    }
    status = policy_load_text(buf_span(&text), path, map_out, faults);
    buf_fini(&text);
    return status;
}
