/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slow consumer strategies.  Both keep the same record and have the same
 * limits; what differs is when a consumer counts as slow.
 */
#include "policy/slow_consumer.h"

#include "policy/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SLOW_CONSUMER_US_PER_MS = 1000, SLOW_CONSUMER_US_PER_S = 1000000 };

static const char *
slow_consumer_duration(int64_t us, char text[UNITS_TEXT_MAX])
{
    return units_format_duration(us / SLOW_CONSUMER_US_PER_MS, text);
}

/* Enters a check that found the consumer slow. */
static void
slow_consumer_mark(struct slow_consumer_record *record, int64_t now_us)
{
    if (record->slow_count < UINT32_MAX) {
        record->slow_count++;
    }
    if (record->slow_since_us == 0) {
        record->slow_since_us = now_us;
    }
}

/* Writes the limit that is reached, as the file spells it; false when none
 * is. */
static bool
slow_consumer_limit(const struct slow_consumer_parameters *parameters,
                    const struct slow_consumer_record *record, int64_t now_us,
                    char *limit, size_t size)
{
    char duration[UNITS_TEXT_MAX];

    if (parameters->max_slow_count > 0 &&
        (int64_t)record->slow_count >= parameters->max_slow_count) {
        (void)snprintf(limit, size, "maxSlowCount %" PRId64,
                       parameters->max_slow_count);
        return true;
    }
    if (parameters->max_slow_us > 0 &&
        now_us - record->slow_since_us >= parameters->max_slow_us) {
        (void)snprintf(
            limit, size, "maxSlowDuration %s",
            slow_consumer_duration(parameters->max_slow_us, duration));
        return true;
    }
    return false;
}

/* `<what> for <seconds>: <the numbers>; limit <limit>` */
static void
slow_consumer_say(const struct slow_consumer_facts *facts, const char *what,
                  int64_t since_us, const char *limit, char *reason,
                  size_t size)
{
    (void)snprintf(reason, size,
                   "%s for %" PRId64 " s: %" PRIu32 " of %" PRIu32
                   " messages in flight, %" PRIu64 " waiting; limit %s",
                   what, (facts->now_us - since_us) / SLOW_CONSUMER_US_PER_S,
                   facts->in_flight_count, facts->prefetch,
                   facts->waiting_count, limit);
}

static enum slow_consumer_verdict
slow_consumer_check(const struct slow_consumer_parameters *parameters,
                    const struct slow_consumer_facts *facts,
                    struct slow_consumer_record *record, char *reason,
                    size_t size)
{
    char limit[SLOW_CONSUMER_REASON_MAX];

    if (!facts->slow) {
        *record = (struct slow_consumer_record){ .slow_count = 0 };
        return SLOW_CONSUMER_FINE;
    }
    slow_consumer_mark(record, facts->now_us);
    if (!slow_consumer_limit(parameters, record, facts->now_us, limit,
                             sizeof(limit))) {
        return SLOW_CONSUMER_SLOW;
    }
    slow_consumer_say(facts, "slow", record->slow_since_us, limit, reason,
                      size);
    return SLOW_CONSUMER_ABORT;
}

static bool
slow_consumer_is_late(const struct slow_consumer_parameters *parameters,
                      const struct slow_consumer_facts *facts)
{
    if (parameters->max_since_ack_us < 0 ||
        (parameters->ignore_idle_consumers && facts->in_flight_count == 0)) {
        return false;
    }
    return facts->now_us - facts->last_ack_us > parameters->max_since_ack_us;
}

static enum slow_consumer_verdict
slow_consumer_check_ack(const struct slow_consumer_parameters *parameters,
                        const struct slow_consumer_facts *facts,
                        struct slow_consumer_record *record, char *reason,
                        size_t size)
{
    char limit[SLOW_CONSUMER_REASON_MAX];
    char late[UNITS_TEXT_MAX];
    size_t len;

    if (!slow_consumer_is_late(parameters, facts)) {
        *record = (struct slow_consumer_record){ .slow_count = 0 };
        return SLOW_CONSUMER_FINE;
    }
    slow_consumer_mark(record, facts->now_us);
    if (!slow_consumer_limit(parameters, record, facts->now_us, limit,
                             sizeof(limit))) {
        return SLOW_CONSUMER_SLOW;
    }
    len = strlen(limit);
    (void)snprintf(limit + len, sizeof(limit) - len,
                   " beyond maxTimeSinceLastAck %s",
                   slow_consumer_duration(parameters->max_since_ack_us, late));
    slow_consumer_say(facts, "no acknowledgement", facts->last_ack_us, limit,
                      reason, size);
    return SLOW_CONSUMER_ABORT;
}

const struct slow_consumer_strategy slow_consumer_abort = {
    .name = "abortSlowConsumer",
    .long_name = "abortSlowConsumerStrategy",
    .doc = "cut off when its window has been full, with more waiting, for too "
           "long",
    .check = slow_consumer_check,
};

const struct slow_consumer_strategy slow_consumer_abort_ack = {
    .name = "abortSlowAckConsumer",
    .long_name = "abortSlowAckConsumerStrategy",
    .doc = "cut off when it has not acknowledged for too long",
    .check = slow_consumer_check_ack,
};

const struct slow_consumer_strategy *const slow_consumer_strategies[] = {
    &slow_consumer_abort,
    &slow_consumer_abort_ack,
    NULL,
};
