/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of the keys that a configuration file may have.  One row says all
 * about a key; the checker (json_check.h), the manual, the JSON Schema and the
 * printed defaults (json_describe.h) read the same rows.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_check;
struct json_keys;

/* What a value may be and the C type that it is stored as. */
enum json_key_type {
    JSON_KEY_BOOL,        /* bool */
    JSON_KEY_SWITCH,      /* enum: 0 not given, 1 false, 2 true */
    JSON_KEY_INTEGER,     /* int64_t */
    JSON_KEY_UINT32,      /* uint32_t */
    JSON_KEY_COUNT,       /* size_t */
    JSON_KEY_REAL,        /* double */
    JSON_KEY_STRING,      /* char *, not empty, the target's to free */
    JSON_KEY_DURATION_MS, /* int64_t milliseconds */
    JSON_KEY_DURATION_US, /* int64_t microseconds; the row's numbers are ms */
    JSON_KEY_SIZE,        /* size_t bytes */
    JSON_KEY_SHARE,       /* struct units_share; the row's numbers are bytes */
    JSON_KEY_CHOICE,      /* enum: index into `choices` */
    JSON_KEY_STRATEGY,    /* pointer to a strategy of `family` */
    JSON_KEY_OBJECT,      /* its `keys`, stored in the same target */
    JSON_KEY_CUSTOM,      /* what `custom` makes of it */
};

/* Checks value and stores it; the key is on the check's path already. */
typedef void json_key_check_fn(struct json_check *check, json_t *value,
                               void *target);

struct json_strategy {
    const char *name;
    const char *long_name; /* ActiveMQ's element name */
    const char *doc;
    const void *strategy;
};

/* A key of ActiveMQ's that is refused, and why: what follows `stompd has no
 * use for it: `. */
struct json_refusal {
    const char *name; /* NULL behind the last */
    const char *reason;
};

/* Strategy number index of a family; false behind the last. */
typedef bool json_strategy_at_fn(size_t index, struct json_strategy *out);

/* A family of strategies of which a key names one. */
struct json_family {
    const char *title;  /* "dispatch policy" */
    const char *suffix; /* of the long names: `DispatchPolicy` */
    json_strategy_at_fn *at;
    const struct json_keys *parameters; /* of all of them */
    unsigned plugin_family; /* enum plugin_family; 0 = none from plug-ins */
    bool takes_query; /* `name?parameter=value&...` too, as ActiveMQ does */
};

/* A key that no other type fits. */
struct json_custom {
    json_key_check_fn *check;
    const char *expects; /* "a pattern", for the manual */
    const char *schema;  /* its JSON Schema; NULL where none is printed */
    json_t *(*read)(const void *target); /* the value, new; NULL = no value */
    bool any_scope; /* check is called whatever the scope is */
};

/* Whether a text has the form that it needs; -1 with a sentence. */
typedef int json_text_fn(struct span text, struct error *err);

struct json_key {
    const char *name;
    enum json_key_type type;
    size_t offset; /* of the field in the target */
    int64_t min;   /* numbers, durations (ms), sizes (bytes) */
    int64_t max;
    const char *default_text; /* JSON; NULL when absence is the default */
    const char *help;         /* for the manual: sentences */

    unsigned scopes;      /* bits; 0 = all.  See struct json_keys */
    const char *strategy; /* parameter: of this one only; NULL = of each */
    const char *const *choices;
    const struct json_family *family;
    const struct json_keys *keys;
    const struct json_custom *custom;
    json_text_fn *text; /* STRING: beside not being empty; NULL = any */
    bool required;      /* parameters, and keys of an object of their own */
    bool stays; /* a reload changes it only for what is made from then on */
};

struct json_keys {
    const struct json_key *rows;
    size_t count;
    const struct json_refusal *refusals; /* or NULL */
    const char *const *scope_names; /* by bit; NULL when scopes are not used */
};

#define JSON_KEYS(table)                                                       \
    .rows = (table), .count = sizeof(table) / sizeof((table)[0])
