/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/json_value.h"

#include "base/alloc.h"
#include "policy/units.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void *
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
json_key_append_duration(const struct json_key *key, struct buf *out)
{
    char min[UNITS_TEXT_MAX];
    char max[UNITS_TEXT_MAX];

    if (key->min < 0) { /* only -1 makes sense */
        buf_append_span(out, SPAN("-1, or "));
    }
    buf_appendf(out,
                "a duration from %s to %s (milliseconds, or \"250ms\","
                " \"10s\", \"5m\", \"1h\")",
                units_format_duration(key->min < 0 ? 0 : key->min, min),
                units_format_duration(key->max, max));
}

static void
json_key_append_size(const struct json_key *key, struct buf *out)
{
    char min[UNITS_TEXT_MAX];
    char max[UNITS_TEXT_MAX];

    buf_appendf(out,
                "a size from %s to %s (bytes, or \"64kb\", \"1mb\", "
                "\"1gb\")",
                units_format_size(key->min, min),
                units_format_size(key->max, max));
    if (key->type == JSON_KEY_SHARE) {
        buf_append_span(out, SPAN(", or a part from \"1%\" to \"100%\""));
    }
}

void
json_key_append_expects(const struct json_key *key, struct buf *out)
{
    switch (key->type) {
    case JSON_KEY_BOOL:
    case JSON_KEY_SWITCH:
        buf_append_span(out, SPAN("true or false"));
        return;
    case JSON_KEY_INTEGER:
    case JSON_KEY_UINT32:
    case JSON_KEY_COUNT:
    case JSON_KEY_REAL:
        buf_appendf(out, "a %s from %" PRId64 " to %" PRId64,
                    key->type == JSON_KEY_REAL ? "number" : "whole number",
                    key->min, key->max);
        return;
    case JSON_KEY_STRING:
        buf_append_span(out, SPAN("a text that is not empty"));
        return;
    case JSON_KEY_DURATION_MS:
    case JSON_KEY_DURATION_US:
        json_key_append_duration(key, out);
        return;
    case JSON_KEY_SIZE:
    case JSON_KEY_SHARE:
        json_key_append_size(key, out);
        return;
    case JSON_KEY_CHOICE:
        buf_append_span(out, SPAN("one of "));
        json_value_append_choices(out, key->choices);
        return;
    case JSON_KEY_STRATEGY:
        buf_appendf(out, "a %s (", key->family->title);
        json_strategies_append(out, key->family);
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

void
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
    return (key->type == JSON_KEY_SIZE || key->type == JSON_KEY_SHARE) &&
           units_size_bytes(text, number_out);
}

static void
json_value_store_number(int64_t number, const struct json_key *key, void *field)
{
    if (key->type == JSON_KEY_UINT32) {
        *(uint32_t *)field = (uint32_t)number;
    } else if (key->type == JSON_KEY_COUNT || key->type == JSON_KEY_SIZE) {
        *(size_t *)field = (size_t)number;
    } else if (key->type == JSON_KEY_SHARE) {
        *(struct units_share *)field =
            (struct units_share){ .bytes = (uint64_t)number };
    } else if (key->type == JSON_KEY_DURATION_US) {
        *(int64_t *)field = number >= 0 ? number * 1000 : number;
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
json_value_take_share(const json_t *value, const struct json_key *key,
                      void *field)
{
    struct units_share share = { .bytes = 0 };

    if (json_is_string(value) &&
        units_percent(
            span_of(json_string_value(value), json_string_length(value)),
            &share.percent)) {
        *(struct units_share *)field = share;
        return true;
    }
    return json_value_take_number(value, key, field);
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

bool
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
    case JSON_KEY_SHARE:
        return json_value_take_share(value, key, field);
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

/* The text is right as such, but perhaps not for its purpose. */
static void
json_check_text(struct json_check *check, const json_t *value,
                const struct json_key *key)
{
    struct error err = ERROR_INIT;

    if (key->text(span_of(json_string_value(value), json_string_length(value)),
                  &err) != 0) {
        json_check_fault(check, "%s", err.text);
    }
}

void
json_check_value(struct json_check *check, json_t *value,
                 const struct json_key *key, void *target)
{
    if (key->type == JSON_KEY_STRATEGY) {
        json_check_strategy(check, value, key, target);
    } else if (key->type == JSON_KEY_OBJECT) {
        json_check_object(check, value, key->keys, target);
    } else if (key->type == JSON_KEY_CUSTOM) {
        key->custom->check(check, value, target);
    } else if (!json_value_take(value, key, json_value_field(target, key))) {
        json_value_refuse(check, value, key);
    } else if (key->text != NULL) {
        json_check_text(check, value, key);
    }
}
