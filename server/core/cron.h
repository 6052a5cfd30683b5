/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The times of AMQ_SCHEDULED_CRON: five fields, minute, hour, day of the month,
 * month and day of the week (0 or 7 is Sunday), each `*` or `?`, a number, a
 * range `a-b`, any of these with `/n`, or a list of them with commas.
 *
 * In UTC, where every minute comes once: no hour is skipped or comes twice when
 * clocks are changed.  `/n` takes the values that n divides, as ActiveMQ does;
 * the day is one that either of the two fields for days allows when both
 * restrict it (POSIX crontab).  Pure.  Source: activemq.md 12.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { CRON_FIELDS = 5 };

struct cron {
    uint64_t values[CRON_FIELDS]; /* a bit for each that is allowed */
    bool any_day[2];              /* `*` as day of the month, of the week */
};

/* Returns 0, or -1 with an error that names the field and what is allowed
 * there; a day that never comes, as 30 February, is an error too. */
int cron_parse(struct span text, struct cron *cron_out, struct error *err);

/* The first time after after_ms (wall clock), a whole minute. */
int64_t cron_next_ms(const struct cron *cron, int64_t after_ms);
