/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pending message limit strategies: how many messages may wait for a slow,
 * non-durable topic subscription beyond its prefetch.  Source: activemq.md 5.
 */
#pragma once
#include "base/span.h"

#include <stdint.h>

struct pending_limit_parameters {
    int64_t limit;     /* constant: -1 = no limit */
    double multiplier; /* prefetchRate */
};

typedef int64_t
pending_limit_value_fn(const struct pending_limit_parameters *parameters,
                       uint32_t prefetch);

struct pending_limit_strategy {
    const char *name;
    const char *long_name;
    const char *doc;
    pending_limit_value_fn *value; /* messages, -1 = no limit */
};

extern const struct pending_limit_strategy pending_limit_none;
extern const struct pending_limit_strategy pending_limit_constant;
extern const struct pending_limit_strategy pending_limit_prefetch_rate;

extern const struct pending_limit_strategy *const pending_limit_strategies[];
