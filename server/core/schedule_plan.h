/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a scheduled message is to be sent, as its header lines say: those of the
 * SEND, and what is left of them with the message in the store.  Pure.
 * Source: activemq.md 12; AMQ_SCHEDULED_TIME is Artemis', `delay` ours and
 * `x-delay` RabbitMQ's.
 */
#pragma once
#include "base/destination_kind.h"
#include "base/error.h"
#include "base/span.h"
#include "server/core/cron.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;

struct schedule_plan {
    int64_t time_ms;       /* AMQ_SCHEDULED_TIME, wall clock; 0: none */
    int64_t delay_ms;      /* AMQ_SCHEDULED_DELAY, `delay`, `x-delay` */
    int64_t period_ms;     /* AMQ_SCHEDULED_PERIOD */
    int64_t repeat;        /* AMQ_SCHEDULED_REPEAT: how often after the first */
    struct span cron_text; /* of the headers; empty: none */
    struct cron cron;
    struct span target; /* where it goes, `queue/NAME`, escaped; only in the
                           store */
    int64_t ttl_ms;     /* it expires so long after it is sent; 0: as its
                           `expires` says; only in the store */
};

/* Reads a block of wire-form lines.  Returns 0, or -1 with an error that names
 * the header, its value and what is allowed. */
int schedule_plan_parse(struct span headers, struct schedule_plan *plan_out,
                        struct error *err);

/* Appends the plan's lines. */
void schedule_plan_append(const struct schedule_plan *plan, struct buf *out);

/* Appends the lines of a block that are no part of a plan; without_expires: nor
 * `expires`. */
void schedule_plan_strip(struct span headers, bool without_expires,
                         struct buf *out);

/* The first time, of what is sent at now_ms. */
int64_t schedule_plan_due(const struct schedule_plan *plan, int64_t now_ms);

/* What follows the message that was due at due_ms and is sent at now_ms.
 * False: nothing. */
bool schedule_plan_next(const struct schedule_plan *plan, int64_t due_ms,
                        int64_t now_ms, struct schedule_plan *next_out,
                        int64_t *next_due_out);

/* Whether each time of its cron entry begins a series of its own; *series_out
 * is that. */
bool schedule_plan_begins(const struct schedule_plan *plan,
                          struct schedule_plan *series_out);
