/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns to values, by level: which patterns match this name?  One tree
 * serves the policy map (most specific first) and wildcard subscriptions (all).
 * Matching walks at most two branches a level, whatever the number of patterns.
 * Values are borrowed; several may stand under one pattern.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct trie; /* opaque: defined in trie.c */

struct trie *trie_new(void);
void trie_free(struct trie **trie);

/* Adds value under pattern (copied).  A literal name is a pattern too.
 * False when this value already stands under it. */
bool trie_add(struct trie *trie, struct span pattern, void *value);

/* False when it was not there.  Empty branches are freed. */
bool trie_remove(struct trie *trie, struct span pattern, void *value);

/* Return false to stop. Must not change the trie. */
typedef bool trie_visit_fn(void *ctx, void *value);

/* Visits the values of every pattern that matches name, most specific pattern
 * first (pattern_compare), those of one pattern in the order of adding. */
void trie_match(const struct trie *trie, struct span name, trie_visit_fn *visit,
                void *ctx);

/* First value of the most specific pattern that matches; NULL when none. */
void *trie_match_best(const struct trie *trie, struct span name);

/* First value that stands under exactly this pattern text; NULL when none. */
void *trie_find(const struct trie *trie, struct span pattern);

/* Number of values. */
size_t trie_count(const struct trie *trie);
