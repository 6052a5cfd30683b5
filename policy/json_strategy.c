/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A value that names a strategy: by its name, or by an object of the name to
 * the parameters.
 */
#include "policy/json_value.h"

#include "base/alloc.h"
#include "policy/edit_distance.h"

#include <stdlib.h>
#include <string.h>

void
json_strategies_append(struct buf *out, const struct json_family *family)
{
    struct json_strategy strategy;

    for (size_t i = 0; family->at(i, &strategy); i++) {
        buf_appendf(out, "%s%s", i > 0 ? ", " : "", strategy.name);
    }
}

/* A strategy goes by its name, its long name, or that without the suffix. */
static bool
json_strategy_is(const struct json_strategy *strategy,
                 const struct json_family *family, const char *name)
{
    size_t len = strlen(name);

    return strcmp(name, strategy->name) == 0 ||
           strcmp(name, strategy->long_name) == 0 ||
           (strncmp(name, strategy->long_name, len) == 0 &&
            strcmp(strategy->long_name + len, family->suffix) == 0);
}

/* name without the suffix of its family. */
static struct span
json_strategy_stem(const struct json_family *family, const char *name)
{
    struct span stem = span_of_text(name);
    struct span suffix = span_of_text(family->suffix);

    if (stem.len > suffix.len &&
        strcmp(name + stem.len - suffix.len, family->suffix) == 0) {
        stem.len -= suffix.len;
    }
    return stem;
}

static void
json_strategy_append_nearest(struct buf *out, const struct json_family *family,
                             const char *name)
{
    struct span stem = json_strategy_stem(family, name);
    char *short_name = xstrndup(stem.data, stem.len);
    struct json_strategy strategy;
    struct json_strategy nearest = { .name = NULL };
    size_t nearest_distance = SIZE_MAX;

    for (size_t i = 0; family->at(i, &strategy); i++) {
        size_t distance = edit_distance(short_name, strategy.name);

        if (distance < nearest_distance &&
            edit_distance_is_near(short_name, strategy.name, distance)) {
            nearest = strategy;
            nearest_distance = distance;
        }
    }
    if (nearest.name != NULL) {
        buf_appendf(out, " (did you mean \"%s\"?)", nearest.name);
    } else {
        buf_append_span(out, SPAN("; known here: "));
        json_strategies_append(out, family);
    }
    free(short_name);
}

/* at_key: the name is that of an object's member, and the path ends there. */
static bool
json_strategy_find(struct json_check *check, const struct json_key *key,
                   const char *name, bool at_key, struct json_strategy *out)
{
    const struct json_family *family = key->family;
    struct buf sentence = BUF_INIT;

    for (size_t i = 0; family->at(i, out); i++) {
        if (json_strategy_is(out, family, name)) {
            return true;
        }
    }
    if (check->more_strategies != NULL &&
        check->more_strategies(check, family, name, out)) {
        return true;
    }
    json_check_append_quoted(&sentence, span_of_text(name));
    buf_appendf(&sentence, " is not a %s", family->title);
    json_strategy_append_nearest(&sentence, family, name);
    (at_key ? json_check_fault_key : json_check_fault)(
        check, "%.*s", (int)sentence.len, sentence.data);
    buf_fini(&sentence);
    return false;
}

/* The parameters of one strategy as a table of their own. */
static struct json_keys
json_strategy_parameters(const struct json_family *family, const char *name,
                         struct json_key *rows)
{
    struct json_keys keys = { .rows = rows };

    for (size_t i = 0;
         family->parameters != NULL && i < family->parameters->count; i++) {
        const struct json_key *row = &family->parameters->rows[i];

        if (row->strategy == NULL || strcmp(row->strategy, name) == 0) {
            rows[keys.count++] = *row;
        }
    }
    if (family->parameters != NULL) {
        keys.refusals = family->parameters->refusals;
    }
    return keys;
}

static void
json_strategy_store(const struct json_strategy *strategy,
                    const struct json_key *key, void *target)
{
    memcpy(json_value_field(target, key), &strategy->strategy,
           sizeof(strategy->strategy));
}

static size_t
json_strategy_rows(const struct json_family *family)
{
    return family->parameters != NULL ? family->parameters->count : 0;
}

static void
json_strategy_check_object(struct json_check *check, json_t *object,
                           const struct json_key *key, void *target)
{
    struct json_strategy strategy;
    struct json_check_mark mark;
    void *iter = json_object_iter(object);
    const char *name = json_object_iter_key(iter);
    struct json_key *table;
    struct json_keys parameters;

    mark = json_check_enter_key(check, name);
    if (json_strategy_find(check, key, name, true, &strategy)) {
        json_strategy_store(&strategy, key, target);
        table = xcalloc(json_strategy_rows(key->family) + 1, sizeof(*table));
        parameters =
            json_strategy_parameters(key->family, strategy.name, table);
        json_check_object(check, json_object_iter_value(iter), &parameters,
                          target);
        free(table);
    }
    json_check_leave(check, mark);
    iter = json_object_iter_next(object, iter);
    if (iter != NULL) {
        mark = json_check_enter_key(check, json_object_iter_key(iter));
        json_check_fault_key(check, "a second %s; only one can be given",
                             key->family->title);
        json_check_leave(check, mark);
    }
}

/* One `name=value` of a query. */
static void
json_strategy_check_pair(struct json_check *check, struct span pair,
                         const struct json_keys *parameters, void *target)
{
    struct span name = span_split(&pair, '=');
    const struct json_key *row = NULL;
    struct buf sentence = BUF_INIT;
    json_t *value;
    int64_t number;

    for (size_t i = 0; i < parameters->count; i++) {
        if (span_equal(name, span_of_text(parameters->rows[i].name))) {
            row = &parameters->rows[i];
        }
    }
    json_check_append_quoted(&sentence, name);
    if (row == NULL) {
        json_check_fault(check, "unknown parameter %.*s", (int)sentence.len,
                         sentence.data);
        buf_fini(&sentence);
        return;
    }
    value = span_to_i64(pair, &number) ? json_integer(number)
                                       : json_stringn(pair.data, pair.len);
    if (value == NULL ||
        !json_value_take(value, row, json_value_field(target, row))) {
        buf_append_span(&sentence, SPAN(" is to be "));
        json_key_append_expects(row, &sentence);
        json_check_fault(check, "%.*s", (int)sentence.len, sentence.data);
    }
    json_decref(value);
    buf_fini(&sentence);
}

/* What stands behind the name of a strategy; data NULL when nothing does. */
static void
json_strategy_check_query(struct json_check *check, struct span query,
                          const struct json_key *key, const char *name,
                          void *target)
{
    struct json_key *table =
        xcalloc(json_strategy_rows(key->family) + 1, sizeof(*table));
    struct json_keys parameters =
        json_strategy_parameters(key->family, name, table);

    for (size_t i = 0; i < parameters.count; i++) {
        if (table[i].required) {
            json_check_fault(check,
                             "\"%s\" must be given: { \"%s\": "
                             "{ \"%s\": ... } }",
                             table[i].name, name, table[i].name);
        }
    }
    while (query.data != NULL) {
        json_strategy_check_pair(check, span_split(&query, '&'), &parameters,
                                 target);
    }
    free(table);
}

static void
json_strategy_check_text(struct json_check *check, const char *text,
                         const struct json_key *key, void *target)
{
    struct span query = span_of_text(text);
    struct span stem = query;
    struct json_strategy strategy;
    char *name;

    if (key->family->takes_query) {
        stem = span_split(&query, '?');
    } else {
        query = SPAN_NONE;
    }
    name = xstrndup(stem.data, stem.len);
    if (json_strategy_find(check, key, name, false, &strategy)) {
        json_strategy_store(&strategy, key, target);
        json_strategy_check_query(check, query, key, strategy.name, target);
    }
    free(name);
}

void
json_check_strategy(struct json_check *check, json_t *value,
                    const struct json_key *key, void *target)
{
    if (json_is_object(value) && json_object_size(value) > 0) {
        json_strategy_check_object(check, value, key, target);
    } else if (json_is_string(value)) {
        json_strategy_check_text(check, json_string_value(value), key, target);
    } else {
        json_value_refuse(check, value, key);
    }
}
