/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy file for its readers: a manual page, a schema, the defaults, made
 * from the tables of policy_schema.h.
 */
#pragma once
#include <stdio.h>

/* The manual page stompd-policy(5), in man(7) macros. */
void policy_schema_print_manual(FILE *out);

/* A JSON Schema of the file (draft 2020-12). */
void policy_schema_print_json(FILE *out);

/* A policy file that says what applies without one. */
void policy_schema_print_defaults(FILE *out);
