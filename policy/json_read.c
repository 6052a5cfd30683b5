/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/json_read.h"

#include "policy/units.h"

#include <string.h>

static const void *
json_read_field(const struct json_key *key, const void *target)
{
    return (const char *)target + key->offset;
}

static json_t *
json_read_duration(int64_t ms)
{
    char text[UNITS_TEXT_MAX];

    return ms < 0 ? json_integer(ms)
                  : json_string(units_format_duration(ms, text));
}

static json_t *
json_read_size(size_t bytes)
{
    char text[UNITS_TEXT_MAX];

    return json_string(units_format_size((int64_t)bytes, text));
}

static json_t *
json_read_share(const struct units_share *share)
{
    return share->percent > 0 ? json_sprintf("%u%%", share->percent)
                              : json_read_size((size_t)share->bytes);
}

static json_t *
json_read_switch(unsigned value)
{
    return value == 0 ? json_null() : json_boolean(value == 2);
}

static json_t *
json_read_string(const char *text)
{
    return text == NULL ? json_null() : json_string(text);
}

/* Rows that are for one strategy alone are read for that one; what is not set
 * is left out. */
static json_t *
json_read_object(const struct json_keys *keys, const char *strategy,
                 const void *target)
{
    json_t *object = json_object();

    for (size_t i = 0; keys != NULL && i < keys->count; i++) {
        const struct json_key *row = &keys->rows[i];
        json_t *value;

        if (strategy != NULL && row->strategy != NULL &&
            strcmp(row->strategy, strategy) != 0) {
            continue;
        }
        value = json_read_value(row, target);
        if (value != NULL && !json_is_null(value)) {
            (void)json_object_set_new(object, row->name, value);
        }
    }
    return object;
}

static json_t *
json_read_strategy(const struct json_key *key, const void *target)
{
    struct json_strategy strategy;
    const void *held;
    json_t *parameters;

    memcpy(&held, json_read_field(key, target), sizeof(held));
    for (size_t i = 0; key->family->at(i, &strategy); i++) {
        if (strategy.strategy == held) {
            parameters = json_read_object(key->family->parameters,
                                          strategy.name, target);
            if (json_object_size(parameters) == 0) {
                json_decref(parameters);
                return json_string(strategy.name);
            }
            return json_pack("{s:o}", strategy.name, parameters);
        }
    }
    return json_null();
}

json_t *
json_read_value(const struct json_key *key, const void *target)
{
    const void *field = json_read_field(key, target);

    switch (key->type) {
    case JSON_KEY_BOOL:
        return json_boolean(*(const bool *)field);
    case JSON_KEY_SWITCH:
        return json_read_switch(*(const unsigned *)field);
    case JSON_KEY_INTEGER:
        return json_integer(*(const int64_t *)field);
    case JSON_KEY_UINT32:
        return json_integer(*(const uint32_t *)field);
    case JSON_KEY_COUNT:
        return json_integer((json_int_t) * (const size_t *)field);
    case JSON_KEY_REAL:
        return json_real(*(const double *)field);
    case JSON_KEY_STRING:
        return json_read_string(*(char *const *)field);
    case JSON_KEY_DURATION_MS:
        return json_read_duration(*(const int64_t *)field);
    case JSON_KEY_DURATION_US: {
        int64_t us = *(const int64_t *)field;

        return json_read_duration(us < 0 ? us : us / 1000);
    }
    case JSON_KEY_SIZE:
        return json_read_size(*(const size_t *)field);
    case JSON_KEY_SHARE:
        return json_read_share(field);
    case JSON_KEY_CHOICE:
        return json_string(key->choices[*(const unsigned *)field]);
    case JSON_KEY_STRATEGY:
        return json_read_strategy(key, target);
    case JSON_KEY_OBJECT:
        return json_read_object(key->keys, NULL, target);
    case JSON_KEY_CUSTOM:
        break;
    }
    return key->custom->read != NULL ? key->custom->read(target) : NULL;
}
