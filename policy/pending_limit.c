/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pending message limit strategies.
 */
#include "policy/pending_limit.h"

static int64_t
pending_limit_value_none(const struct pending_limit_parameters *parameters,
                         uint32_t prefetch)
{
    (void)parameters;
    (void)prefetch;
    return -1;
}

static int64_t
pending_limit_value_constant(const struct pending_limit_parameters *parameters,
                             uint32_t prefetch)
{
    (void)prefetch;
    return parameters->limit;
}

static int64_t
pending_limit_value_rate(const struct pending_limit_parameters *parameters,
                         uint32_t prefetch)
{
    double value = (double)prefetch * parameters->multiplier;

    /* 2^63 is the first double that int64_t cannot hold. */
    return value < 0x1p63 ? (int64_t)value : INT64_MAX;
}

const struct pending_limit_strategy pending_limit_none = {
    .name = "none",
    .long_name = "noPendingMessageLimitStrategy",
    .doc = "any number of messages may wait",
    .value = pending_limit_value_none,
};

const struct pending_limit_strategy pending_limit_constant = {
    .name = "constant",
    .long_name = "constantPendingMessageLimitStrategy",
    .doc = "limit messages beyond the prefetch",
    .value = pending_limit_value_constant,
};

const struct pending_limit_strategy pending_limit_prefetch_rate = {
    .name = "prefetchRate",
    .long_name = "prefetchRatePendingMessageLimitStrategy",
    .doc = "multiplier times the prefetch of the subscription",
    .value = pending_limit_value_rate,
};

const struct pending_limit_strategy *const pending_limit_strategies[] = {
    &pending_limit_none,
    &pending_limit_constant,
    &pending_limit_prefetch_rate,
    NULL,
};
