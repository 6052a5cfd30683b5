/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/json_value.h"

#include "base/alloc.h"
#include "policy/edit_distance.h"
#include "policy/units.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void *
json_value_field(void *target, const struct json_key *key)
{
    return (char *)target + key->offset;
}

static void
json_value_append_choices(struct buf *out, const char *const *choices)
{
    for (size_t i = 0; choices[i] != NULL; i++) {
        buf_appendf(out, "%s\"%s\"", i > 0 ? ", " : "", choices[i]);
    }
}

static void
json_value_append_strategies(struct buf *out, const struct json_family *family)
{
    struct json_strategy strategy;

    for (size_t i = 0; family->at(i, &strategy); i++) {
        buf_appendf(out, "%s%s", i > 0 ? ", " : "", strategy.name);
    }
}

void
json_key_append_expects(const struct json_key *key, struct buf *out)
{
    char min[UNITS_TEXT_MAX];
    char max[UNITS_TEXT_MAX];

    switch (key->type) {
    case JSON_KEY_BOOL:
    case JSON_KEY_SWITCH:
        buf_append_span(out, SPAN("true or false"));
        return;
    case JSON_KEY_INTEGER:
    case JSON_KEY_UINT32:
    case JSON_KEY_COUNT:
        buf_appendf(out, "a whole number from %" PRId64 " to %" PRId64,
                    key->min, key->max);
        return;
    case JSON_KEY_REAL:
        buf_appendf(out, "a number from %" PRId64 " to %" PRId64, key->min,
                    key->max);
        return;
    case JSON_KEY_STRING:
        buf_append_span(out, SPAN("a text that is not empty"));
        return;
    case JSON_KEY_DURATION_MS:
    case JSON_KEY_DURATION_US:
        buf_appendf(out, "a duration from %s to %s (milliseconds, or \"250ms\","
                         " \"10s\", \"5m\", \"1h\")",
                    units_format_duration(key->min, min),
                    units_format_duration(key->max, max));
        return;
    case JSON_KEY_SIZE:
        buf_appendf(out, "a size from %s to %s (bytes, or \"64kb\", \"1mb\", "
                         "\"1gb\")",
                    units_format_size(key->min, min),
                    units_format_size(key->max, max));
        return;
    case JSON_KEY_CHOICE:
        buf_append_span(out, SPAN("one of "));
        json_value_append_choices(out, key->choices);
        return;
    case JSON_KEY_STRATEGY:
        buf_appendf(out, "a %s (", key->family->title);
        json_value_append_strategies(out, key->family);
        buf_append_char(out, ')');
        return;
    case JSON_KEY_OBJECT:
        buf_append_span(out, SPAN("an object"));
        return;
    case JSON_KEY_CUSTOM:
        buf_append_span(out, span_of_text(key->custom->expects));
        return;
    }
}

static void
json_value_refuse(struct json_check *check, const json_t *value,
                  const struct json_key *key)
{
    struct buf expects = BUF_INIT;

    json_key_append_expects(key, &expects);
    json_check_expected(check, value, "%.*s", (int)expects.len, expects.data);
    buf_fini(&expects);
}

/* The number of an integer, a duration or a size; false when it is none. */
static bool
json_value_number(const json_t *value, const struct json_key *key,
                  int64_t *number_out)
{
    struct span text;

    if (json_is_integer(value)) {
        *number_out = (int64_t)json_integer_value(value);
        return true;
    }
    if (!json_is_string(value)) {
        return false;
    }
    text = span_of(json_string_value(value), json_string_length(value));
    if (key->type == JSON_KEY_DURATION_MS ||
        key->type == JSON_KEY_DURATION_US) {
        return units_duration_ms(text, number_out);
    }
    return key->type == JSON_KEY_SIZE && units_size_bytes(text, number_out);
}

static void
json_value_store_number(int64_t number, const struct json_key *key, void *field)
{
    if (key->type == JSON_KEY_UINT32) {
        *(uint32_t *)field = (uint32_t)number;
    } else if (key->type == JSON_KEY_COUNT || key->type == JSON_KEY_SIZE) {
        *(size_t *)field = (size_t)number;
    } else if (key->type == JSON_KEY_DURATION_US) {
        *(int64_t *)field = number * 1000;
    } else {
        *(int64_t *)field = number;
    }
}

static bool
json_value_take_number(const json_t *value, const struct json_key *key,
                       void *field)
{
    int64_t number;

    if (!json_value_number(value, key, &number) || number < key->min ||
        number > key->max) {
        return false;
    }
    json_value_store_number(number, key, field);
    return true;
}

static bool
json_value_take_bool(const json_t *value, const struct json_key *key,
                     void *field)
{
    if (!json_is_boolean(value)) {
        return false;
    }
    if (key->type == JSON_KEY_BOOL) {
        *(bool *)field = json_is_true(value);
    } else {
        *(unsigned *)field = json_is_true(value) ? 2 : 1;
    }
    return true;
}

static bool
json_value_take_real(const json_t *value, const struct json_key *key,
                     void *field)
{
    double number = json_number_value(value);

    if (!json_is_number(value) || !(number >= (double)key->min) ||
        !(number <= (double)key->max)) {
        return false;
    }
    *(double *)field = number;
    return true;
}

static bool
json_value_take_string(const json_t *value, void *field)
{
    char **text = field;

    if (!json_is_string(value) || json_string_length(value) == 0) {
        return false;
    }
    free(*text);
    *text = xstrdup(json_string_value(value));
    return true;
}

static bool
json_value_take_choice(const json_t *value, const struct json_key *key,
                       void *field)
{
    for (unsigned i = 0; json_is_string(value) && key->choices[i] != NULL;
         i++) {
        if (strcmp(key->choices[i], json_string_value(value)) == 0) {
            *(unsigned *)field = i;
            return true;
        }
    }
    return false;
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

static bool
json_strategy_is_later(const struct json_family *family, const char *name)
{
    for (size_t i = 0; family->later != NULL && family->later[i] != NULL;
         i++) {
        size_t len = strlen(family->later[i]);

        if (strncmp(name, family->later[i], len) == 0 &&
            (name[len] == '\0' || strcmp(name + len, family->suffix) == 0)) {
            return true;
        }
    }
    return false;
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
        json_value_append_strategies(out, family);
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
    json_check_append_quoted(&sentence, span_of_text(name));
    if (json_strategy_is_later(family, name)) {
        buf_appendf(&sentence, ": ActiveMQ knows this %s, this version of "
                               "stompd does not",
                    family->title);
    } else {
        buf_appendf(&sentence, " is not a %s", family->title);
        json_strategy_append_nearest(&sentence, family, name);
    }
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
        keys.later = family->parameters->later;
    }
    return keys;
}

static void
json_strategy_check_object(struct json_check *check, json_t *object,
                           const struct json_key *key, void *target)
{
    struct json_strategy strategy;
    struct json_check_mark mark;
    void *iter = json_object_iter(object);
    const char *name = json_object_iter_key(iter);
    size_t rows = key->family->parameters != NULL
                      ? key->family->parameters->count
                      : 0;
    struct json_key *table;
    struct json_keys parameters;

    mark = json_check_enter_key(check, name);
    if (json_strategy_find(check, key, name, true, &strategy)) {
        memcpy(json_value_field(target, key), &strategy.strategy,
               sizeof(strategy.strategy));
        table = xcalloc(rows + 1, sizeof(*table));
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

static void
json_value_check_strategy(struct json_check *check, json_t *value,
                          const struct json_key *key, void *target)
{
    struct json_strategy strategy;

    if (json_is_object(value) && json_object_size(value) > 0) {
        json_strategy_check_object(check, value, key, target);
    } else if (!json_is_string(value)) {
        json_value_refuse(check, value, key);
    } else if (json_strategy_find(check, key, json_string_value(value), false,
                                  &strategy)) {
        memcpy(json_value_field(target, key), &strategy.strategy,
               sizeof(strategy.strategy));
    }
}

static bool
json_value_take(const json_t *value, const struct json_key *key, void *field)
{
    switch (key->type) {
    case JSON_KEY_BOOL:
    case JSON_KEY_SWITCH:
        return json_value_take_bool(value, key, field);
    case JSON_KEY_INTEGER:
    case JSON_KEY_UINT32:
    case JSON_KEY_COUNT:
    case JSON_KEY_DURATION_MS:
    case JSON_KEY_DURATION_US:
    case JSON_KEY_SIZE:
        return json_value_take_number(value, key, field);
    case JSON_KEY_REAL:
        return json_value_take_real(value, key, field);
    case JSON_KEY_STRING:
        return json_value_take_string(value, field);
    case JSON_KEY_CHOICE:
        return json_value_take_choice(value, key, field);
    case JSON_KEY_STRATEGY:
    case JSON_KEY_OBJECT:
    case JSON_KEY_CUSTOM:
        break;
    }
    assert(false);
    return false;
}

void
json_check_value(struct json_check *check, json_t *value,
                 const struct json_key *key, void *target)
{
    if (key->type == JSON_KEY_STRATEGY) {
        json_value_check_strategy(check, value, key, target);
    } else if (key->type == JSON_KEY_OBJECT) {
        json_check_object(check, value, key->keys, target);
    } else if (key->type == JSON_KEY_CUSTOM) {
        key->custom->check(check, value, target);
    } else if (!json_value_take(value, key, json_value_field(target, key))) {
        json_value_refuse(check, value, key);
    }
}
