/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks.  Only server/net, main and the tools read them; everything
 * else is given the time.
 */
#pragma once
#include <stdint.h>
#include <time.h>

/* Monotonic, for intervals and timers. */
static inline int64_t
clock_monotonic_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Since the epoch, for `timestamp` and `expires`. */
static inline int64_t
clock_wall_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
