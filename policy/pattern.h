/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destination patterns over `.`-separated levels: a level that is exactly `*`
 * matches any one level, a last level that is exactly `>` matches any rest,
 * none included: `FOO.>` matches FOO, FOO.A and FOO.A.B.  Wildcards inside a
 * level (`FOO*`) and a `>` before the end are literals; a run of `>` at the
 * end counts once: `FOO.>.>` is `FOO.>`.  Empty levels count: `FOO.` has two.
 * Source: activemq.md 1.2.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>

/* pattern without what a second `>` at its end repeats; borrowed from it. */
struct span pattern_trim(struct span pattern);

bool pattern_matches(struct span pattern, struct span name);

/* Whether the text is a pattern at all, i.e. not a literal name. */
bool pattern_has_wildcard(struct span text);

/*
 * Order of patterns that match the same name: < 0 when a is more specific.  At
 * the first level that differs literal comes before `*` before `>`, and a
 * pattern that has ended before one that goes on (`FOO` before `FOO.>`); two
 * different literals compare by bytes.
 */
int pattern_compare(struct span a, struct span b);
