/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/units.h"

#include "test/testutil.h"

static const struct {
    const char *text;
    int64_t value; /* -1 = refused */
} durations[] = {
    { "250ms", 250 },
    { "10s", 10000 },
    { "5m", 300000 },
    { "1h", 3600000 },
    { "0ms", 0 },
    { "0h", 0 },
    { "2562047788015h", INT64_C(9223372036854000000) },
    { "2562047788016h", -1 },
    { "9223372036854775807ms", INT64_MAX },
    { "9223372036854775808ms", -1 },
    { "", -1 },
    { "10", -1 },
    { "s", -1 },
    { "10 s", -1 },
    { "10S", -1 },
    { "-10s", -1 },
    { "+10s", -1 },
    { "1.5s", -1 },
    { "10d", -1 },
    { "10sx", -1 },
    { " 10s", -1 },
};

START_TEST(durations_are_a_whole_number_and_a_unit)
{
    int64_t value = -1;
    bool taken = units_duration_ms(span_of_text(durations[_i].text), &value);

    ck_assert_msg(taken == (durations[_i].value >= 0), "%s",
                  durations[_i].text);
    ck_assert_int_eq(value, durations[_i].value);
}
END_TEST

static const struct {
    const char *text;
    int64_t value;
} sizes[] = {
    { "64kb", 65536 },      { "64KB", 65536 },
    { "1mb", 1048576 },     { "1Gb", 1073741824 },
    { "17b", 17 },          { "8589934591gb", INT64_C(9223372035781033984) },
    { "8589934592gb", -1 }, { "", -1 },
    { "64", -1 },           { "64k", -1 },
    { "64 kb", -1 },        { "kb", -1 },
    { "1tb", -1 },          { "000000000000000000000000000000000001kb", -1 },
};

START_TEST(sizes_are_a_whole_number_and_a_unit)
{
    int64_t value = -1;
    bool taken = units_size_bytes(span_of_text(sizes[_i].text), &value);

    ck_assert_msg(taken == (sizes[_i].value >= 0), "%s", sizes[_i].text);
    ck_assert_int_eq(value, sizes[_i].value);
}
END_TEST

START_TEST(values_are_written_in_their_largest_whole_unit)
{
    char text[UNITS_TEXT_MAX];

    ck_assert_str_eq(units_format_duration(0, text), "0ms");
    ck_assert_str_eq(units_format_duration(1500, text), "1500ms");
    ck_assert_str_eq(units_format_duration(90000, text), "90s");
    ck_assert_str_eq(units_format_duration(300000, text), "5m");
    ck_assert_str_eq(units_format_duration(7200000, text), "2h");
    ck_assert_str_eq(units_format_size(0, text), "0b");
    ck_assert_str_eq(units_format_size(1000, text), "1000b");
    ck_assert_str_eq(units_format_size(65536, text), "64kb");
    ck_assert_str_eq(units_format_size(INT64_C(3) << 30, text), "3gb");
    ck_assert_str_eq(units_format_size(INT64_MAX, text),
                     "9223372036854775807b");
}
END_TEST

static const struct {
    const char *text;
    unsigned percent; /* 0 = refused */
} percents[] = {
    { "1%", 1 },   { "70%", 70 }, { "100%", 100 }, { "0%", 0 },  { "101%", 0 },
    { "70 %", 0 }, { "%", 0 },    { "70", 0 },     { "-1%", 0 }, { "", 0 },
};

START_TEST(percents_are_from_1_to_100)
{
    unsigned percent = 0;
    bool taken = units_percent(span_of_text(percents[_i].text), &percent);

    ck_assert_msg(taken == (percents[_i].percent > 0), "%s", percents[_i].text);
    ck_assert_uint_eq(percent, percents[_i].percent);
}
END_TEST

START_TEST(share_is_a_size_or_a_part_of_the_whole)
{
    struct units_share size = { .bytes = 12345 };
    struct units_share part = { .percent = 70 };

    ck_assert_uint_eq(units_share_of(&size, 1000), 12345);
    ck_assert_uint_eq(units_share_of(&part, 1000), 700);
    ck_assert_uint_eq(units_share_of(&part, 4096), 2867);
    ck_assert_uint_eq(units_share_of(&part, UINT64_MAX),
                      UINT64_MAX / 100 * 70 + 15 * 70 / 100);
}
END_TEST

START_TEST(a_part_of_something_is_not_nothing)
{
    struct units_share part = { .percent = 1 };

    ck_assert_uint_eq(units_share_of(&part, 99), 1);
    ck_assert_uint_eq(units_share_of(&part, 1), 1);
    ck_assert_uint_eq(units_share_of(&part, 0), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("units");
    TCase *tcase = tcase_create("units");

    tcase_add_loop_test(tcase, percents_are_from_1_to_100, 0,
                        sizeof(percents) / sizeof(percents[0]));
    tcase_add_test(tcase, share_is_a_size_or_a_part_of_the_whole);
    tcase_add_test(tcase, a_part_of_something_is_not_nothing);
    tcase_add_loop_test(tcase, durations_are_a_whole_number_and_a_unit, 0,
                        (int)(sizeof(durations) / sizeof(durations[0])));
    tcase_add_loop_test(tcase, sizes_are_a_whole_number_and_a_unit, 0,
                        (int)(sizeof(sizes) / sizeof(sizes[0])));
    tcase_add_test(tcase, values_are_written_in_their_largest_whole_unit);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
