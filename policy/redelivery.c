/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redelivery delays.  Computed as a double: a back-off grows past what int64_t
 * holds after a few dozen attempts.
 */
#include "policy/redelivery.h"

#include <assert.h>

/* Where a back-off starts that has nothing to start from. */
static const double redelivery_back_off_start_us = 1e6;

/* About 146,000 years: may be added to any time of a clock. */
static const double redelivery_longest_us = 0x1p62;

const struct redelivery_parameters redelivery_default = {
    .maximum = 6,
    .multiplier = 5.0,
    .maximum_delay_us = -1,
    .collision_factor = 0.15,
};

static double
redelivery_ceiling(const struct redelivery_parameters *parameters)
{
    return parameters->maximum_delay_us >= 0
               ? (double)parameters->maximum_delay_us
               : redelivery_longest_us;
}

/* start times multiplier, steps times, or the ceiling when that is less. */
static double
redelivery_back_off(const struct redelivery_parameters *parameters,
                    double start, uint32_t steps)
{
    double ceiling = redelivery_ceiling(parameters);
    double delay = start;

    if (parameters->multiplier <= 1.0) {
        return start;
    }
    for (uint32_t i = 0; i < steps && delay > 0.0 && delay < ceiling; i++) {
        delay *= parameters->multiplier;
    }
    return delay;
}

static double
redelivery_base(const struct redelivery_parameters *parameters,
                uint32_t attempts)
{
    double initial = (double)parameters->initial_delay_us;
    double delay = (double)parameters->delay_us;

    if (attempts <= 1) {
        return attempts == 1 ? initial : 0.0;
    }
    if (!parameters->exponential) {
        return delay;
    }
    if (initial > 0.0) {
        return redelivery_back_off(parameters, initial, attempts - 1);
    }
    return redelivery_back_off(
        parameters, delay > 0.0 ? delay : redelivery_back_off_start_us,
        attempts - 2);
}

int64_t
redelivery_delay(const struct redelivery_parameters *parameters,
                 uint32_t attempts, double chance)
{
    double ceiling = redelivery_ceiling(parameters);
    double delay = redelivery_base(parameters, attempts);

    assert(chance >= 0.0 && chance < 1.0);
    if (delay > ceiling) {
        delay = ceiling;
    }
    if (parameters->collision_avoidance) {
        delay *= 1.0 + parameters->collision_factor * (2.0 * chance - 1.0);
        /* Turned back at the ceiling, not cut: what is cut would collide. */
        if (delay > ceiling) {
            delay = 2.0 * ceiling - delay;
        }
    }
    return delay > 0.0 ? (int64_t)delay : 0;
}
