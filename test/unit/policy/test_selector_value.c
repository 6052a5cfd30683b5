/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selector_value.h"

#include "test/testutil.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *text;
    int64_t integer;
} integers[] = {
    { "0", 0 },
    { "-0", 0 },
    { "007", 7 },
    { "+5", 5 },
    { "-5", -5 },
    { "9223372036854775807", INT64_MAX },
    { "-9223372036854775808", INT64_MIN },
    { "000000000000000000000000000000000000001", 1 },
};

START_TEST(whole_numbers_that_fit_are_integers)
{
    struct selector_value value =
        selector_value_number(span_of_text(integers[_i].text));

    ck_assert_int_eq(value.kind, SELECTOR_VALUE_INTEGER);
    ck_assert_int_eq(value.integer, integers[_i].integer);
}
END_TEST

static const char *const reals[] = {
    "10.5",
    "5.",
    ".5",
    "1e2",
    "1E+2",
    "-1.25e-3",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "123456789012345678901234567890",
    "0.1",
    "1e22",
    "1e23",
    "9007199254740993.5",
    "1.7976931348623157e308",
    "2.2250738585072014e-308",
    "4.9e-324",
    "0e99999",
    "1e-99999",
};

/* The 19 digits that count are more than the 17 that tell doubles apart. */
START_TEST(other_numbers_are_the_nearest_real)
{
    struct selector_value value =
        selector_value_number(span_of_text(reals[_i]));
    double expected = strtod(reals[_i], NULL);

    ck_assert_int_eq(value.kind, SELECTOR_VALUE_REAL);
    ck_assert_msg(!(value.real < expected) && !(value.real > expected),
                  "%s: %.17g", reals[_i], value.real);
}
END_TEST

START_TEST(random_reals_are_read_as_they_are_written)
{
    unsigned seed = 1;

    for (int i = 0; i < 100000; i++) {
        double real = (double)rand_r(&seed) / (1 + (double)rand_r(&seed)) *
                      ((rand_r(&seed) & 1) != 0 ? 1e-9 : 1e12);
        struct selector_value value;
        char text[64];
        int len = snprintf(text, sizeof(text), "%.17g", real);

        value = selector_value_number(span_of(text, (size_t)len));
        if (value.kind == SELECTOR_VALUE_INTEGER) {
            value.real = (double)value.integer;
        }
        ck_assert_msg(!(value.real < real) && !(value.real > real), "%s", text);
    }
}
END_TEST

static const char *const no_numbers[] = {
    "",      "-",  "+",   ".",   "-.",    "e5",       "1e",     "1e+",
    "1e5.5", "5 ", " 5",  "0x5", "1_0",   "NaN",      "inf",    "1e999",
    "--5",   "5-", "1,5", "5L",  "1.2.3", "\xd9\xa1", "-1e999",
};

START_TEST(other_texts_are_no_number)
{
    struct selector_value value =
        selector_value_number(span_of_text(no_numbers[_i]));

    ck_assert_msg(value.kind == SELECTOR_VALUE_NULL, "%s", no_numbers[_i]);
}
END_TEST

START_TEST(integers_and_reals_compare_exactly)
{
    static const struct {
        int64_t integer;
        double real;
        enum selector_order order;
    } cases[] = {
        { 0, -0.0, SELECTOR_ORDER_SAME },
        { 1, 1.5, SELECTOR_ORDER_LESS },
        { -1, -1.5, SELECTOR_ORDER_GREATER },
        { INT64_MAX, 9223372036854775808.0, SELECTOR_ORDER_LESS },
        { INT64_MIN, -9223372036854775808.0, SELECTOR_ORDER_SAME },
        { INT64_MIN, -DBL_MAX, SELECTOR_ORDER_GREATER },
        { INT64_MAX, DBL_MAX, SELECTOR_ORDER_LESS },
        { INT64_C(9007199254740993), 9007199254740992.0,
          SELECTOR_ORDER_GREATER },
    };
    static const enum selector_order reversed[] = {
        [SELECTOR_ORDER_LESS] = SELECTOR_ORDER_GREATER,
        [SELECTOR_ORDER_SAME] = SELECTOR_ORDER_SAME,
        [SELECTOR_ORDER_GREATER] = SELECTOR_ORDER_LESS,
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct selector_value a = selector_value_integer(cases[i].integer);
        struct selector_value b = selector_value_real(cases[i].real);

        ck_assert_int_eq(selector_value_order(&a, &b), cases[i].order);
        ck_assert_int_eq(selector_value_order(&b, &a),
                         reversed[cases[i].order]);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("selector_value");
    TCase *tcase = tcase_create("selector_value");

    tcase_add_loop_test(tcase, whole_numbers_that_fit_are_integers, 0,
                        (int)(sizeof(integers) / sizeof(integers[0])));
    tcase_add_loop_test(tcase, other_numbers_are_the_nearest_real, 0,
                        (int)(sizeof(reals) / sizeof(reals[0])));
    tcase_add_test(tcase, random_reals_are_read_as_they_are_written);
    tcase_add_loop_test(tcase, other_texts_are_no_number, 0,
                        (int)(sizeof(no_numbers) / sizeof(no_numbers[0])));
    tcase_add_test(tcase, integers_and_reals_compare_exactly);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
