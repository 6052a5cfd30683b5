/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/json_describe.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "policy/json_check.h"
#include "policy/json_value.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void
describe_set_text(json_t *object, const char *key, const char *text)
{
    (void)json_object_set_new(object, key, json_string(text));
}

static json_t *
describe_type(const char *type)
{
    json_t *schema = json_object();

    describe_set_text(schema, "type", type);
    return schema;
}

static json_t *
describe_range(const char *type, const struct json_key *key)
{
    json_t *schema = describe_type(type);

    (void)json_object_set_new(schema, "minimum", json_integer(key->min));
    (void)json_object_set_new(schema, "maximum", json_integer(key->max));
    return schema;
}

static json_t *
describe_any_of(json_t *first, json_t *second)
{
    json_t *schema = json_object();
    json_t *list = json_array();

    (void)json_array_append_new(list, first);
    (void)json_array_append_new(list, second);
    (void)json_object_set_new(schema, "anyOf", list);
    return schema;
}

/* A number with a unit, or the plain number. */
static json_t *
describe_units(const struct json_key *key, const char *pattern)
{
    json_t *text = describe_type("string");

    describe_set_text(text, "pattern", pattern);
    return describe_any_of(describe_range("integer", key), text);
}

static json_t *
describe_choices(const char *const *choices)
{
    json_t *schema = json_object();
    json_t *list = json_array();

    for (size_t i = 0; choices[i] != NULL; i++) {
        (void)json_array_append_new(list, json_string(choices[i]));
    }
    (void)json_object_set_new(schema, "enum", list);
    return schema;
}

/* strategy: NULL when the rows are no parameters. */
static bool
describe_is_parameter(const struct json_key *row, const char *strategy)
{
    return strategy == NULL || row->strategy == NULL ||
           strcmp(row->strategy, strategy) == 0;
}

/* Whether the name of the strategy says all that must be said. */
static bool
describe_name_is_enough(const struct json_family *family, const char *strategy)
{
    for (size_t i = 0;
         family->parameters != NULL && i < family->parameters->count; i++) {
        const struct json_key *row = &family->parameters->rows[i];

        if (row->required && describe_is_parameter(row, strategy)) {
            return false;
        }
    }
    return true;
}

static json_t *describe_row(const struct json_key *key);

/* strategy: which one's parameters; NULL when rows are no parameters. */
static json_t *
describe_object(const struct json_keys *keys, unsigned scope,
                const char *strategy)
{
    json_t *schema = describe_type("object");
    json_t *properties = json_object();
    json_t *required = json_array();

    for (size_t i = 0; keys != NULL && i < keys->count; i++) {
        const struct json_key *row = &keys->rows[i];

        if (json_key_is_in_scope(row, scope) &&
            describe_is_parameter(row, strategy)) {
            (void)json_object_set_new(properties, row->name, describe_row(row));
            if (row->required) {
                (void)json_array_append_new(required, json_string(row->name));
            }
        }
    }
    (void)json_object_set_new(schema, "properties", properties);
    if (json_array_size(required) > 0) {
        (void)json_object_set(schema, "required", required);
    }
    json_decref(required);
    (void)json_object_set_new(schema, "additionalProperties", json_false());
    return schema;
}

/* Adds one of the names of a strategy to both ways of giving it. */
static void
describe_strategy_name(const struct json_family *family,
                       const struct json_strategy *strategy, const char *name,
                       json_t *names, json_t *properties)
{
    if (json_object_get(properties, name) == NULL) {
        if (describe_name_is_enough(family, strategy->name)) {
            (void)json_array_append_new(names, json_string(name));
        }
        (void)json_object_set_new(
            properties, name,
            describe_object(family->parameters, 0, strategy->name));
    }
}

static json_t *
describe_family(const struct json_family *family)
{
    json_t *by_name = json_object();
    json_t *names = json_array();
    json_t *by_query;
    json_t *by_object = describe_type("object");
    json_t *properties = json_object();
    struct json_strategy strategy;

    for (size_t i = 0; family->at(i, &strategy); i++) {
        size_t stem = strlen(strategy.long_name) - strlen(family->suffix);
        char *short_name = xstrndup(strategy.long_name, stem);

        describe_strategy_name(family, &strategy, strategy.name, names,
                               properties);
        describe_strategy_name(family, &strategy, short_name, names,
                               properties);
        describe_strategy_name(family, &strategy, strategy.long_name, names,
                               properties);
        free(short_name);
    }
    (void)json_object_set_new(by_name, "enum", names);
    (void)json_object_set_new(by_object, "properties", properties);
    (void)json_object_set_new(by_object, "additionalProperties", json_false());
    (void)json_object_set_new(by_object, "minProperties", json_integer(1));
    (void)json_object_set_new(by_object, "maxProperties", json_integer(1));
    by_name = describe_any_of(by_name, by_object);
    if (family->takes_query) {
        by_query = describe_type("string");
        describe_set_text(by_query, "pattern", "^[A-Za-z]+\\?");
        (void)json_array_append_new(json_object_get(by_name, "anyOf"),
                                    by_query);
    }
    return by_name;
}

static json_t *
describe_text(void)
{
    json_t *schema = describe_type("string");

    (void)json_object_set_new(schema, "minLength", json_integer(1));
    return schema;
}

static json_t *
describe_value(const struct json_key *key)
{
    switch (key->type) {
    case JSON_KEY_BOOL:
    case JSON_KEY_SWITCH:
        return describe_type("boolean");
    case JSON_KEY_INTEGER:
    case JSON_KEY_UINT32:
    case JSON_KEY_COUNT:
        return describe_range("integer", key);
    case JSON_KEY_REAL:
        return describe_range("number", key);
    case JSON_KEY_STRING:
        return describe_text();
    case JSON_KEY_DURATION_MS:
    case JSON_KEY_DURATION_US:
        return describe_units(key, "^[0-9]+(ms|s|m|h)$");
    case JSON_KEY_SIZE:
        return describe_units(key, "^[0-9]+[kKmMgG]?[bB]$");
    case JSON_KEY_SHARE:
        return describe_units(key, "^[0-9]+([kKmMgG]?[bB]|%)$");
    case JSON_KEY_CHOICE:
        return describe_choices(key->choices);
    case JSON_KEY_STRATEGY:
        return describe_family(key->family);
    case JSON_KEY_OBJECT:
        return describe_object(key->keys, 0, NULL);
    case JSON_KEY_CUSTOM:
        break;
    }
    return json_loads(key->custom->schema, 0, NULL);
}

static json_t *
describe_default(const struct json_key *key)
{
    json_t *value = NULL;

    if (key->default_text != NULL) {
        value = json_loads(key->default_text, JSON_DECODE_ANY, NULL);
        assert(value != NULL);
    }
    return value;
}

static json_t *
describe_row(const struct json_key *key)
{
    json_t *schema = describe_value(key);
    json_t *value = describe_default(key);

    describe_set_text(schema, "description", key->help);
    if (value != NULL) {
        (void)json_object_set_new(schema, "default", value);
    }
    return schema;
}

json_t *
json_describe_schema(const struct json_keys *keys, unsigned scope)
{
    return describe_object(keys, scope, NULL);
}

/* The default strategy with its parameters, when it has any. */
static json_t *
describe_strategy_default(const struct json_key *key, json_t *name)
{
    const struct json_keys *keys = key->family->parameters;
    json_t *parameters = json_object();
    json_t *object;

    for (size_t i = 0; keys != NULL && i < keys->count; i++) {
        const struct json_key *row = &keys->rows[i];
        bool applies = row->strategy != NULL &&
                       strcmp(row->strategy, json_string_value(name)) == 0;

        /* The rows for each strategy are for those that have some. */
        if (applies ||
            (row->strategy == NULL && json_object_size(parameters) > 0)) {
            (void)json_object_set_new(parameters, row->name,
                                      describe_default(row));
        }
    }
    if (json_object_size(parameters) == 0) {
        json_decref(parameters);
        return name;
    }
    object = json_object();
    (void)json_object_set_new(object, json_string_value(name), parameters);
    json_decref(name);
    return object;
}

json_t *
json_describe_defaults(const struct json_keys *keys)
{
    json_t *object = json_object();

    for (size_t i = 0; i < keys->count; i++) {
        const struct json_key *key = &keys->rows[i];
        json_t *value = key->type == JSON_KEY_OBJECT
                            ? json_describe_defaults(key->keys)
                            : describe_default(key);

        if (value != NULL && key->type == JSON_KEY_STRATEGY) {
            value = describe_strategy_default(key, value);
        }
        if (value != NULL) {
            (void)json_object_set_new(object, key->name, value);
        }
    }
    return object;
}

void
json_describe_write(const json_t *tree, FILE *out)
{
    (void)json_dumpf(tree, out, JSON_INDENT(2));
    (void)fputc('\n', out);
}

void
json_describe_roff(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'') {
        (void)fputs("\\&", out);
    }
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            (void)fputs("\\e", out);
        } else if (*text == '-') {
            (void)fputs("\\-", out);
        } else {
            (void)fputc(*text, out);
        }
    }
}

static void
manual_scopes(const struct json_keys *keys, const struct json_key *key,
              FILE *out)
{
    const char *separator = " (";

    if (keys->scope_names == NULL) {
        return;
    }
    for (unsigned i = 0; key->scopes >> i != 0; i++) {
        if ((key->scopes >> i & 1) != 0) {
            (void)fprintf(out, "%s%s", separator, keys->scope_names[i]);
            separator = ", ";
        }
    }
    (void)fputc(')', out);
}

/* What a row takes, and what applies without it. */
static void
manual_value(const struct json_key *key, FILE *out)
{
    struct buf expects = BUF_INIT;
    char *text;

    json_key_append_expects(key, &expects);
    text = xstrndup(expects.data, expects.len);
    if (text[0] >= 'a' && text[0] <= 'z') {
        text[0] = (char)(text[0] - 'a' + 'A');
    }
    json_describe_roff(text, out);
    if (key->default_text != NULL) {
        (void)fputs("; default ", out);
        json_describe_roff(key->default_text, out);
    }
    if (key->required) {
        (void)fputs("; must be given", out);
    }
    (void)fputs(".\n", out);
    free(text);
    buf_fini(&expects);
}

static void
manual_strategies(const struct json_family *family, FILE *out)
{
    struct json_strategy strategy;

    (void)fputs(".RS\n", out);
    for (size_t i = 0; family->at(i, &strategy); i++) {
        (void)fprintf(out, ".TP\n.B %s\n", strategy.name);
        (void)fprintf(out, "(%s) ", strategy.long_name);
        json_describe_roff(strategy.doc, out);
        (void)fputs(".\n", out);
    }
    for (size_t i = 0;
         family->parameters != NULL && i < family->parameters->count; i++) {
        const struct json_key *row = &family->parameters->rows[i];

        (void)fprintf(out, ".TP\n.BR %s \" (parameter of %s)\"\n", row->name,
                      row->strategy != NULL ? row->strategy : "each");
        manual_value(row, out);
        json_describe_roff(row->help, out);
        (void)fputc('\n', out);
    }
    (void)fputs(".RE\n", out);
}

void
json_describe_manual(const struct json_keys *keys, FILE *out)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct json_key *key = &keys->rows[i];

        (void)fprintf(out, ".TP\n.BR %s \"", key->name);
        manual_scopes(keys, key, out);
        (void)fputs("\"\n", out);
        manual_value(key, out);
        json_describe_roff(key->help, out);
        (void)fputc('\n', out);
        if (key->stays) {
            (void)fputs("A reload changes it only for destinations that are "
                        "made after it.\n",
                        out);
        }
        if (key->type == JSON_KEY_STRATEGY) {
            manual_strategies(key->family, out);
        }
        if (key->type == JSON_KEY_OBJECT) {
            (void)fputs(".RS\n", out);
            json_describe_manual(key->keys, out);
            (void)fputs(".RE\n", out);
        }
    }
}

static void
manual_refusals(const struct json_keys *keys, FILE *out)
{
    for (const struct json_refusal *refusal = keys->refusals;
         refusal != NULL && refusal->name != NULL; refusal++) {
        (void)fprintf(out, ".TP\n.B %s\n", refusal->name);
        json_describe_roff(refusal->reason, out);
        (void)fputs(".\n", out);
    }
}

void
json_describe_refusals(const struct json_keys *keys, FILE *out)
{
    manual_refusals(keys, out);
    for (size_t i = 0; i < keys->count; i++) {
        const struct json_key *key = &keys->rows[i];

        if (key->type == JSON_KEY_OBJECT) {
            manual_refusals(key->keys, out);
        }
        if (key->type == JSON_KEY_STRATEGY && key->family->parameters != NULL) {
            manual_refusals(key->family->parameters, out);
        }
    }
}
