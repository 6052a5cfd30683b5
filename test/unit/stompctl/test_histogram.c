/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/histogram.h"

#include "test/testutil.h"

#include <string.h>

static struct histogram histogram;

static void
histogram_setup(void)
{
    memset(&histogram, 0, sizeof(histogram));
}

START_TEST(an_empty_histogram_has_zero_everywhere)
{
    ck_assert_int_eq(histogram_percentile(&histogram, 0.99), 0);
}
END_TEST

START_TEST(percentiles_are_within_two_percent_of_the_exact_ones)
{
    static const double shares[] = { 0.01, 0.5, 0.9, 0.99, 0.999 };
    const int64_t count = 1000000;

    for (int64_t i = 1; i <= count; i++) {
        histogram_add(&histogram, i * 37);
    }
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        double exact = shares[i] * (double)count * 37;
        double found = (double)histogram_percentile(&histogram, shares[i]);

        ck_assert_double_ge(found, exact * 0.98);
        ck_assert_double_le(found, exact * 1.02);
    }
}
END_TEST

START_TEST(no_percentile_is_above_the_maximum)
{
    histogram_add(&histogram, 1000001);
    ck_assert_int_eq(histogram_percentile(&histogram, 0.5), 1000001);
    ck_assert_int_eq(histogram_percentile(&histogram, 1.0), 1000001);
    ck_assert_int_eq(histogram.max_ns, 1000001);
}
END_TEST

START_TEST(the_smallest_and_the_largest_duration_have_a_bucket)
{
    histogram_add(&histogram, -5);
    histogram_add(&histogram, INT64_MAX);
    ck_assert_uint_eq(histogram.count, 2);
    ck_assert_int_eq(histogram_percentile(&histogram, 0.1), 0);
    ck_assert_int_eq(histogram_percentile(&histogram, 1.0), INT64_MAX);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stompctl/histogram");
    TCase *tcase = tcase_create("histogram");

    tcase_add_checked_fixture(tcase, histogram_setup, NULL);
    tcase_add_test(tcase, an_empty_histogram_has_zero_everywhere);
    tcase_add_test(tcase, percentiles_are_within_two_percent_of_the_exact_ones);
    tcase_add_test(tcase, no_percentile_is_above_the_maximum);
    tcase_add_test(tcase, the_smallest_and_the_largest_duration_have_a_bucket);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
