/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slow consumer strategies: when is a consumer cut off?  A strategy judges
 * numbers; the core does the cutting and says why.  Source: activemq.md 5.4.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slow_consumer_parameters {
    int64_t max_slow_count;     /* maxSlowCount, -1 and 0 = off */
    int64_t max_slow_us;        /* maxSlowDuration, 30 s; -1 and 0 = off */
    int64_t check_period_us;    /* checkPeriod, 30 s */
    bool abort_connection;      /* abortConnection */
    int64_t max_since_ack_us;   /* maxTimeSinceLastAck, 30 s; -1 = off */
    bool ignore_idle_consumers; /* ignoreIdleConsumers, true */
};

enum { SLOW_CONSUMER_REASON_MAX = 192 };

/* What is known of one consumer at a check. */
struct slow_consumer_facts {
    bool slow; /* its window is full and more is waiting */
    /* When it last acknowledged, or subscribed, or was handed a message while
     * it had none: what lies before that is not its delay. */
    int64_t last_ack_us;
    uint32_t in_flight_count;
    uint32_t prefetch;      /* of which in_flight_count are used */
    uint64_t waiting_count; /* for the sentence only */
    int64_t now_us;         /* monotonic, not 0 */
};

/* Kept by the core per consumer and strategy; zero at first. */
struct slow_consumer_record {
    uint32_t slow_count;   /* checks in a row that found it slow */
    int64_t slow_since_us; /* 0 = is not slow */
};

enum slow_consumer_verdict {
    SLOW_CONSUMER_FINE,
    SLOW_CONSUMER_SLOW, /* listed, not to be cut yet */
    SLOW_CONSUMER_ABORT,
};

/*
 * One check, every check_period_us.  Updates record; on ABORT writes a sentence
 * with the numbers to reason (size bytes, SLOW_CONSUMER_REASON_MAX are enough)
 * for the client and the log.  The time counts from the first check that found
 * the consumer slow, so nobody is cut off earlier than the file says.
 */
typedef enum slow_consumer_verdict
slow_consumer_check_fn(const struct slow_consumer_parameters *parameters,
                       const struct slow_consumer_facts *facts,
                       struct slow_consumer_record *record, char *reason,
                       size_t size);

struct slow_consumer_strategy {
    const char *name;
    const char *long_name;
    const char *doc;
    slow_consumer_check_fn *check;
};

/* abortSlowConsumer: its window has been full for too long. */
extern const struct slow_consumer_strategy slow_consumer_abort;
/* abortSlowAckConsumer: it has not acknowledged for too long. */
extern const struct slow_consumer_strategy slow_consumer_abort_ack;

extern const struct slow_consumer_strategy *const slow_consumer_strategies[];
