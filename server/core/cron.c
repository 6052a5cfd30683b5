/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/cron.h"

enum {
    CRON_MINUTE,
    CRON_HOUR,
    CRON_DAY,
    CRON_MONTH,
    CRON_WEEKDAY,
};

/* The longest from one 29 February to the next is eight years, and days of the
 * week only add to the choice. */
enum {
    CRON_DAYS_MAX = 366 * 9,
    CRON_MINUTE_MS = 60000,
    CRON_DAY_MINUTES = 1440
};

static const struct cron_field {
    const char *name;
    int64_t min, max;
} cron_fields[CRON_FIELDS] = {
    [CRON_MINUTE] = { "minute", 0, 59 },
    [CRON_HOUR] = { "hour", 0, 23 },
    [CRON_DAY] = { "day of the month", 1, 31 },
    [CRON_MONTH] = { "month", 1, 12 },
    [CRON_WEEKDAY] = { "day of the week", 0, 7 },
};

static int __attribute__((cold))
cron_refuse(const struct cron_field *field, struct span text, struct error *err)
{
    char shown[64];

    return error_set(err,
                     "the %s of the cron entry was \"%s\"; expected *, a "
                     "number from %d to %d, a range a-b, any of them with /n, "
                     "or several with commas",
                     field->name, span_escape(text, shown, sizeof(shown)),
                     (int)field->min, (int)field->max);
}

static bool
cron_is_any(struct span text)
{
    return span_equal(text, SPAN("*")) || span_equal(text, SPAN("?"));
}

/* One item of a list: *, a, a-b, with or without /n. */
static bool
cron_parse_item(const struct cron_field *field, struct span item,
                uint64_t *values)
{
    struct span step = item;
    struct span last = span_split(&step, '/');
    struct span first = span_split(&last, '-');
    int64_t from = field->min;
    int64_t to = field->max;
    int64_t divisor = 1;

    if (step.data != NULL && (!span_to_i64(step, &divisor) || divisor < 1)) {
        return false;
    }
    if (!cron_is_any(first)) {
        if (!span_to_i64(first, &from)) {
            return false;
        }
        to = step.data != NULL ? field->max : from;
    }
    if (last.data != NULL && (cron_is_any(first) || !span_to_i64(last, &to))) {
        return false;
    }
    if (from < field->min || to > field->max || from > to) {
        return false;
    }
    for (int64_t value = from; value <= to; value++) {
        if (value % divisor == 0) {
            *values |= UINT64_C(1) << value;
        }
    }
    return true;
}

static int
cron_parse_field(const struct cron_field *field, struct span text,
                 uint64_t *values_out, struct error *err)
{
    struct span rest = text;

    *values_out = 0;
    do {
        if (!cron_parse_item(field, span_split(&rest, ','), values_out)) {
            return cron_refuse(field, text, err);
        }
    } while (rest.data != NULL);
    if (*values_out == 0) {
        return cron_refuse(field, text, err); /* n divides none of them */
    }
    return 0;
}

/* Days from 1970-01-01 as year, month and day; the Gregorian calendar repeats
 * every 400 years of 146097 days, and a year that begins in March has its leap
 * day at the end. */
static void
cron_date(int64_t days, int64_t *month_out, int64_t *day_out)
{
    int64_t from_era = days + 719468; /* 0000-03-01 */
    int64_t in_era = from_era - (from_era / 146097) * 146097;
    int64_t year =
        (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t march = (5 * in_year + 2) / 153;

    *day_out = in_year - (153 * march + 2) / 5 + 1;
    *month_out = march < 10 ? march + 3 : march - 9;
}

static bool
cron_has(const struct cron *cron, int field, int64_t value)
{
    return ((cron->values[field] >> value) & 1) != 0;
}

static bool
cron_has_day(const struct cron *cron, int64_t days)
{
    int64_t month;
    int64_t day;
    bool by_month;
    bool by_week;

    cron_date(days, &month, &day);
    if (!cron_has(cron, CRON_MONTH, month)) {
        return false;
    }
    by_month = cron_has(cron, CRON_DAY, day);
    by_week = cron_has(cron, CRON_WEEKDAY, (days + 4) % 7); /* a Thursday */
    if (cron->any_day[0] || cron->any_day[1]) {
        return by_month && by_week;
    }
    return by_month || by_week;
}

/* -1 when there is none. */
static int64_t
cron_next_day(const struct cron *cron, int64_t days)
{
    for (int64_t i = 0; i < CRON_DAYS_MAX; i++) {
        if (cron_has_day(cron, days + i)) {
            return days + i;
        }
    }
    return -1;
}

/* The first minute of a day from `from` on; -1 when there is none. */
static int64_t
cron_next_minute(const struct cron *cron, int64_t from)
{
    for (int64_t minute = from; minute < CRON_DAY_MINUTES; minute++) {
        if (cron_has(cron, CRON_HOUR, minute / 60) &&
            cron_has(cron, CRON_MINUTE, minute % 60)) {
            return minute;
        }
    }
    return -1;
}

int
cron_parse(struct span text, struct cron *cron_out, struct error *err)
{
    struct span rest = span_trim(text);
    char shown[64];

    *cron_out = (struct cron){ .values = { 0 } };
    for (int i = 0; i < CRON_FIELDS; i++) {
        struct span field = span_split(&rest, ' ');

        rest = span_trim(rest);
        if (field.len == 0 || (i == CRON_FIELDS - 1 && rest.len > 0)) {
            return error_set(err,
                             "the cron entry was \"%s\"; expected five fields: "
                             "minute hour day month weekday",
                             span_escape(text, shown, sizeof(shown)));
        }
        if (cron_parse_field(&cron_fields[i], field, &cron_out->values[i],
                             err) != 0) {
            return -1;
        }
        if (i == CRON_DAY || i == CRON_WEEKDAY) {
            cron_out->any_day[i == CRON_WEEKDAY] = cron_is_any(field);
        }
    }
    if (cron_has(cron_out, CRON_WEEKDAY, 7)) {
        cron_out->values[CRON_WEEKDAY] |= 1;
    }
    if (cron_next_day(cron_out, 0) < 0) {
        return error_set(err,
                         "the cron entry was \"%s\", a day that never comes; "
                         "expected a day that the month has",
                         span_escape(text, shown, sizeof(shown)));
    }
    return 0;
}

int64_t
cron_next_ms(const struct cron *cron, int64_t after_ms)
{
    int64_t minutes = after_ms / CRON_MINUTE_MS + 1;
    int64_t days = cron_next_day(cron, minutes / CRON_DAY_MINUTES);
    int64_t minute = -1;

    if (days == minutes / CRON_DAY_MINUTES) {
        minute = cron_next_minute(cron, minutes % CRON_DAY_MINUTES);
    }
    if (minute < 0) { /* of that day none is left, or it is a later one */
        if (days == minutes / CRON_DAY_MINUTES) {
            days = cron_next_day(cron, days + 1);
        }
        minute = cron_next_minute(cron, 0);
    }
    return (days * CRON_DAY_MINUTES + minute) * CRON_MINUTE_MS;
}
