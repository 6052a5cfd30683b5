/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redelivery policy: how often, and how long a refused message waits before it
 * is tried again.  Here the broker does what ActiveMQ leaves to JMS clients.
 * Source: activemq.md 6.3.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct redelivery_parameters {
    int64_t maximum;          /* maximumRedeliveries, 6; -1 = no limit */
    int64_t initial_delay_us; /* initialRedeliveryDelay, 0 */
    int64_t delay_us;         /* redeliveryDelay, 0 */
    bool exponential;         /* useExponentialBackOff */
    double multiplier;        /* backOffMultiplier, 5; at least 1 */
    int64_t maximum_delay_us; /* maximumRedeliveryDelay, -1 = none */
    bool collision_avoidance; /* useCollisionAvoidance */
    double collision_factor;  /* collisionAvoidanceFactor, 0.15; 0 to 1 */
};

/* ActiveMQ's values, but no delays: every retry comes at once until the file
 * says otherwise. */
extern const struct redelivery_parameters redelivery_default;

/*
 * How long the message waits before delivery number attempts + 1, attempts
 * being how often it has been handed out: initial_delay_us the first time,
 * delay_us from then on.  A back-off multiplies what it was the time before
 * and starts from the initial delay, else from delay_us, else from 1 s.
 * chance in [0, 1) spreads the delay when collision avoidance is on.  Never
 * negative, never above maximum_delay_us, and now plus it never overflows.
 */
int64_t redelivery_delay(const struct redelivery_parameters *parameters,
                         uint32_t attempts, double chance);
