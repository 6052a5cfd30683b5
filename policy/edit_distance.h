/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far apart two names are, for "did you mean".
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* Letters to add, drop or replace, and neighbours to swap, to make b of a;
 * upper and lower case are the same.  Only the first 64 bytes count. */
size_t edit_distance(const char *a, const char *b);

/* Whether b is near enough to a to be what was meant: a third of the longer
 * one, and at least two letters, may differ. */
bool edit_distance_is_near(const char *a, const char *b, size_t distance);
