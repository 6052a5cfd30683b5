/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/schedule_plan.h"

#include "base/buf.h"
#include "protocol/headers.h"

#include <stddef.h>

enum { SCHEDULE_REPEAT_MAX = 1000 }; /* ActiveMQ's maxSchedulerRepeatAllowed */

/* A century, and the end of the year 9999. */
static const int64_t schedule_duration_max_ms = INT64_C(3155760000000);
static const int64_t schedule_time_max_ms = INT64_C(253402300799999);

#define PLAN_NUMBER(name, field, max)                                          \
    {                                                                          \
        { (name), sizeof(name) - 1 }, offsetof(struct schedule_plan, field),   \
            &(max)                                                             \
    }

static const int64_t schedule_repeat_max = SCHEDULE_REPEAT_MAX;

static const struct schedule_number {
    struct span name;
    size_t offset;
    const int64_t *max;
} schedule_numbers[] = {
    /* The first of a field is the one that is written. */
    PLAN_NUMBER("AMQ_SCHEDULED_TIME", time_ms, schedule_time_max_ms),
    PLAN_NUMBER("AMQ_SCHEDULED_DELAY", delay_ms, schedule_duration_max_ms),
    PLAN_NUMBER("AMQ_SCHEDULED_PERIOD", period_ms, schedule_duration_max_ms),
    PLAN_NUMBER("AMQ_SCHEDULED_REPEAT", repeat, schedule_repeat_max),
    PLAN_NUMBER("stompd-scheduled-ttl", ttl_ms, schedule_duration_max_ms),
    PLAN_NUMBER("delay", delay_ms, schedule_duration_max_ms),
    PLAN_NUMBER("x-delay", delay_ms, schedule_duration_max_ms),
};
enum {
    SCHEDULE_NUMBERS = sizeof(schedule_numbers) / sizeof(schedule_numbers[0]),
    SCHEDULE_WRITTEN = 5,
};
#define SCHEDULE_CRON SPAN("AMQ_SCHEDULED_CRON")
#define SCHEDULE_TARGET SPAN("stompd-scheduled-for")

static int64_t *
plan_field(struct schedule_plan *plan, const struct schedule_number *number)
{
    return (int64_t *)(void *)((char *)plan + number->offset);
}

static const struct schedule_number *
plan_find_number(struct span name)
{
    for (size_t i = 0; i < SCHEDULE_NUMBERS; i++) {
        if (span_equal(name, schedule_numbers[i].name)) {
            return &schedule_numbers[i];
        }
    }
    return NULL;
}

static int
plan_take_number(struct schedule_plan *plan,
                 const struct schedule_number *number, struct span text,
                 struct error *err)
{
    char shown[64];
    int64_t value;

    if (!span_to_i64(span_trim(text), &value) || value < 0 ||
        value > *number->max) {
        return error_set(err,
                         "header %s was \"%s\"; expected a whole number%s from "
                         "0 to %lld",
                         number->name.data,
                         span_escape(text, shown, sizeof(shown)),
                         number->max == &schedule_repeat_max ? "" : " of ms",
                         (long long)*number->max);
    }
    *plan_field(plan, number) = value;
    return 0;
}

static int
plan_take_line(struct schedule_plan *plan, struct span name, struct span value,
               struct error *err)
{
    const struct schedule_number *number = plan_find_number(name);

    if (number != NULL) {
        return plan_take_number(plan, number, value, err);
    }
    if (span_equal(name, SCHEDULE_CRON)) {
        plan->cron_text = value;
        return cron_parse(value, &plan->cron, err);
    }
    if (span_equal(name, SCHEDULE_TARGET)) {
        plan->target = value;
    }
    return 0;
}

int
schedule_plan_parse(struct span headers, struct schedule_plan *plan_out,
                    struct error *err)
{
    struct span rest = headers;
    unsigned seen = 0;

    *plan_out = (struct schedule_plan){ .time_ms = 0 };
    while (rest.len > 0) {
        struct span value = span_split(&rest, '\n');
        struct span name = span_split(&value, ':');
        const struct schedule_number *number = plan_find_number(name);
        unsigned bit = number == NULL
                           ? 0
                           : 1U << (unsigned)(number->offset / sizeof(int64_t));

        /* The first of a header counts (STOMP 1.2, "Repeated Header
         * Entries"), and of its aliases. */
        if ((seen & bit) != 0 || (span_equal(name, SCHEDULE_CRON) &&
                                  plan_out->cron_text.data != NULL)) {
            continue;
        }
        seen |= bit;
        if (plan_take_line(plan_out, name, value, err) != 0) {
            return -1;
        }
    }
    if (plan_out->cron_text.data != NULL && plan_out->time_ms > 0) {
        return error_set(err,
                         "AMQ_SCHEDULED_TIME and AMQ_SCHEDULED_CRON were both "
                         "given; expected one of them");
    }
    return 0;
}

void
schedule_plan_append(const struct schedule_plan *plan, struct buf *out)
{
    for (size_t i = 0; i < SCHEDULE_WRITTEN; i++) {
        const struct schedule_number *number = &schedule_numbers[i];
        int64_t value = *(const int64_t *)(const void *)((const char *)plan +
                                                         number->offset);

        if (value > 0) {
            header_append_u64(out, number->name, (uint64_t)value);
        }
    }
    if (plan->cron_text.len > 0) {
        buf_append_span(out, SCHEDULE_CRON);
        buf_append_char(out, ':');
        buf_append_span(out, plan->cron_text);
        buf_append_char(out, '\n');
    }
    buf_append_span(out, SCHEDULE_TARGET);
    buf_append_char(out, ':');
    buf_append_span(out, plan->target);
    buf_append_char(out, '\n');
}

void
schedule_plan_strip(struct span headers, bool without_expires, struct buf *out)
{
    struct span rest = headers;

    while (rest.len > 0) {
        struct span line = span_split(&rest, '\n');
        struct span value = line;
        struct span name = span_split(&value, ':');

        if (plan_find_number(name) != NULL || span_equal(name, SCHEDULE_CRON) ||
            span_equal(name, SCHEDULE_TARGET) ||
            (without_expires && span_equal(name, SPAN("expires")))) {
            continue;
        }
        buf_append_span(out, line);
        buf_append_char(out, '\n');
    }
}

/* Without a delay the gap between repeats goes before the first too. */
static int64_t
plan_first_gap(const struct schedule_plan *plan)
{
    return plan->delay_ms > 0 ? plan->delay_ms : plan->period_ms;
}

int64_t
schedule_plan_due(const struct schedule_plan *plan, int64_t now_ms)
{
    if (plan->cron_text.data != NULL) {
        return cron_next_ms(&plan->cron, now_ms);
    }
    return plan->time_ms > 0 ? plan->time_ms : now_ms + plan_first_gap(plan);
}

bool
schedule_plan_next(const struct schedule_plan *plan, int64_t due_ms,
                   int64_t now_ms, struct schedule_plan *next_out,
                   int64_t *next_due_out)
{
    *next_out = *plan;
    if (plan->cron_text.data != NULL) {
        /* Times that were missed, while the broker was down, are left out. */
        *next_due_out = cron_next_ms(&plan->cron, now_ms);
        return true;
    }
    next_out->time_ms = 0;
    next_out->delay_ms = 0;
    next_out->repeat--;
    *next_due_out = due_ms + plan->period_ms;
    return plan->repeat > 0;
}

bool
schedule_plan_begins(const struct schedule_plan *plan,
                     struct schedule_plan *series_out)
{
    *series_out = *plan;
    series_out->cron_text = SPAN_NONE;
    return plan->cron_text.data != NULL &&
           (plan_first_gap(plan) > 0 || plan->repeat > 0);
}
