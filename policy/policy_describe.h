/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy says, key by key, and where each value comes from; and what
 * differs between two.  As JSON, which the admin API hands out and stompctl
 * shows, so that both say the same.  Source: the rows of policy_schema.h.
 */
#pragma once
#include "base/destination_kind.h"
#include "base/span.h"
#include "policy/policy_map.h"

#include <jansson.h>

/*
 * Which entry applies to a destination, and all of its values:
 *
 *     { "kind": "queue", "name": "a.b",
 *       "entry": { "from": "entry", "pattern": "a.>", "file": F, "line": 3 },
 *       "keys": [ { "key": "queuePrefetch", "value": 1, "from": "entry",
 *                   "live": true } ] }
 *
 * `from` is "entry", "default entry" or "built-in"; a built-in entry has no
 * place.  live: a reload changes it for destinations that are there.  A value
 * that is a part of a ceiling of the broker has "bytes" too: what it comes to.
 * file may be NULL, ceilings where no broker is known.  To be released with
 * json_decref.
 */
json_t *policy_describe(const struct policy *policy, const char *file,
                        enum destination_kind kind, struct span name,
                        const struct policy_ceilings *ceilings);

/*
 * The keys whose values differ, of those that are for the kind: an array of
 * { "key", "from", "to", "live" }, empty when there is none.  To be released
 * with json_decref.
 */
json_t *policy_describe_changes(const struct policy *before,
                                const struct policy *after,
                                enum destination_kind kind);
