/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies for people: what policy_describe.h says, whether it was made here
 * from a file or came from a broker.
 */
#pragma once
#include "base/error.h"
#include "protocol/destination_name.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* One destination as frames spell it, no composite; 0, or -1 with an error. */
int policy_show_parse(const char *text, struct destination_name *name_out,
                      struct error *err);

/* Prints what policy_describe makes; given: only keys that the entry gives. */
void policy_show_explanation(const json_t *tree, bool given, FILE *out);

/* Prints a destination and what policy_describe_changes makes of it. */
void policy_show_changes(const char *destination, const json_t *changes,
                         FILE *out);

/* Writes the tree as it is, indented. */
void policy_show_json(const json_t *tree, FILE *out);
