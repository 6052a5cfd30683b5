/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a JSON text a value stands.  A Jansson tree holds no positions, so
 * a fault that is found in the tree is looked up in the kept text once more.
 * For text that Jansson has accepted; any other gives no place, or a wrong
 * one, and nothing worse.  Allocates: for the path where a fault was found.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct json_place {
    unsigned line;   /* 1-based */
    unsigned column; /* 1-based, in characters (UTF-8) not bytes */
};

/* Finds the value that pointer (RFC 6901: `/policies/3/topic`, `` for all of
 * it) points to.  False, and *place_out left alone, when there is none. */
bool json_locate(struct span text, struct span pointer,
                 struct json_place *place_out);

/* The same for the name of a member instead of its value: pointer ends with
 * it. */
bool json_locate_key(struct span text, struct span pointer,
                     struct json_place *place_out);

/* Finds the elements of the array that pointer points to, in one pass.
 * Returns how many of places (at most count) were set. */
size_t json_locate_elements(struct span text, struct span pointer,
                            struct json_place *places, size_t count);
