/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a key table (json_key.h) says, for people and for editors: manual
 * pages, JSON Schemas, a file of the defaults.
 */
#pragma once
#include "policy/json_key.h"

#include <jansson.h>
#include <stdio.h>

/* A JSON Schema of the object that keys describes, the rows of scope only
 * (0 = all).  To be released with json_decref. */
json_t *json_describe_schema(const struct json_keys *keys, unsigned scope);

/* An object with the default of every key that has one; to be released with
 * json_decref. */
json_t *json_describe_defaults(const struct json_keys *keys);

/* Writes a tree as an indented file. */
void json_describe_write(const json_t *tree, FILE *out);

/* Writes one paragraph a key in man(7) macros. */
void json_describe_manual(const struct json_keys *keys, FILE *out);

/* Writes one paragraph for each key of ActiveMQ's that is refused, those of the
 * objects and parameters in keys too. */
void json_describe_refusals(const struct json_keys *keys, FILE *out);

/* Writes text with what roff would take for its own escaped. */
void json_describe_roff(const char *text, FILE *out);
