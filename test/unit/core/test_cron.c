/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cron entries: what is taken, what is refused and why, and when they are due.
 * Expected times were computed with GNU date.
 */
#include "test/testutil.h"

#include "server/core/cron.h"

#include <stdlib.h>

static const struct next_case {
    const char *text;
    int64_t after, next; /* seconds */
} next_cases[] = {
    /* 2026-11-22 02:22:25 UTC, a Sunday, is 1795314145. */
    { "* * * * *", 1795314145, 1795314180 },
    { "? ? ? ? ?", 1795314145, 1795314180 },
    { "* * * * *", 1795314180, 1795314240 }, /* after, not at */
    { "  30  2 *  * * ", 1795314145, 1795314600 },
    { "22 2 * * *", 1795314145, 1795400520 },   /* it is over: tomorrow */
    { "*/15 * * * *", 1795314145, 1795314600 }, /* 02:30 */
    { "0/15 * * * *", 1795314145, 1795314600 },
    { "20-24,50 * * * *", 1795314145, 1795314180 },
    { "50,20-21 * * * *", 1795314145, 1795315800 },
    { "10-30/20 3 * * *", 1795314145, 1795317600 }, /* 03:20 */
    { "0 0 1 1 *", 1795314145, 1798761600 },        /* 2027-01-01 */
    { "0 0 29 2 *", 1795314145, 1835395200 },       /* 2028-02-29 */
    { "0 12 * * 1", 1795314145, 1795435200 },       /* Monday */
    { "0 12 * * 0", 1795314145, 1795348800 },       /* today, Sunday */
    { "0 12 * * 7", 1795314145, 1795348800 },
    { "0 12 24 * 1", 1795314145, 1795435200 }, /* Monday 23rd, or the 24th */
    { "0 12 24 * 1", 1795435200, 1795521600 }, /* the 24th */
    { "0 0 31 * *", 1795314145, 1798675200 },  /* 31 December */
    { "59 23 31 12 *", 951782400, 978307140 }, /* 2000-12-31 23:59 */
    /* 2100 is no leap year: from 2096-02-29 to 2104. */
    { "0 0 29 2 *", 3981312000, 4233686400 },
};

START_TEST(next_time_is_the_first_after)
{
    const struct next_case *row = &next_cases[_i];
    struct error err = ERROR_INIT;
    struct cron cron;

    ck_assert_msg(cron_parse(span_of_text(row->text), &cron, &err) == 0, "%s",
                  err.text);
    ck_assert_int_eq(cron_next_ms(&cron, row->after * 1000), row->next * 1000);
}
END_TEST

static const struct refused_case {
    const char *text;
    const char *part; /* of the error */
} refused_cases[] = {
    { "", "five fields" },
    { "* * * *", "five fields" },
    { "* * * * * *", "five fields" },
    { "60 * * * *", "minute of the cron entry was \"60\"" },
    { "* 24 * * *", "hour of the cron entry was \"24\"" },
    { "* * 0 * *", "day of the month of the cron entry was \"0\"" },
    { "* * 32 * *", "from 1 to 31" },
    { "* * * 13 *", "month of the cron entry was \"13\"" },
    { "* * * * 8", "day of the week of the cron entry was \"8\"" },
    { "5-3 * * * *", "\"5-3\"" },
    { "1- * * * *", "\"1-\"" },
    { "-1 * * * *", "\"-1\"" },
    { "*-3 * * * *", "\"*-3\"" },
    { "*/0 * * * *", "\"*/0\"" },
    { "*/ * * * *", "\"*/\"" },
    { "1,,2 * * * *", "\"1,,2\"" },
    { "1, * * * *", "\"1,\"" },
    { "x * * * *", "\"x\"" },
    { "* * * JAN *", "\"JAN\"" },
    { "* * */40 * *", "\"*/40\"" },
    { "* * 30 2 *", "never comes" },
    { "* * 31 4,6,9,11 *", "never comes" },
};

START_TEST(malformed_entry_names_what_is_wrong)
{
    const struct refused_case *row = &refused_cases[_i];
    struct error err = ERROR_INIT;
    struct cron cron;

    ck_assert_int_eq(cron_parse(span_of_text(row->text), &cron, &err), -1);
    ck_assert_msg(strstr(err.text, row->part) != NULL, "%s", err.text);
}
END_TEST

/* Each day of 400 years, and after them it begins anew. */
START_TEST(every_day_comes_once)
{
    struct cron cron;
    int64_t at = 0;

    ck_assert_int_eq(cron_parse(SPAN("0 0 1 * *"), &cron, NULL), 0);
    for (int i = 0; i < 400 * 12; i++) {
        int64_t next = cron_next_ms(&cron, at);

        ck_assert_int_ge(next - at, INT64_C(28) * 86400000);
        ck_assert_int_le(next - at, INT64_C(31) * 86400000);
        at = next;
    }
    ck_assert_int_eq(at, INT64_C(146097) * 86400000);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core/cron");
    TCase *tcase = tcase_create("cron");

    tcase_add_loop_test(tcase, next_time_is_the_first_after, 0,
                        sizeof(next_cases) / sizeof(next_cases[0]));
    tcase_add_loop_test(tcase, malformed_entry_names_what_is_wrong, 0,
                        sizeof(refused_cases) / sizeof(refused_cases[0]));
    tcase_add_test(tcase, every_day_comes_once);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
