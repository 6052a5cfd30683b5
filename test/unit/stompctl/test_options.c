/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/options.h"

#include "test/testutil.h"

START_TEST(durations_are_a_number_and_a_unit)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        { "0s", 0 },         { "7us", 7 },        { "250ms", 250000 },
        { "10s", 10000000 }, { "5m", 300000000 }, { "1h", 3600000000 }
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = ERROR_INIT;
        int64_t us = -1;

        ck_assert_int_eq(option_duration("timeout", rows[i].text, &us, &err),
                         0);
        ck_assert_int_eq(us, rows[i].us);
    }
}
END_TEST

START_TEST(a_duration_without_a_sense_is_refused_by_name)
{
    static const char *const rows[] = {
        "", "10", "s", "-1s", "1.5s", "10 s", "10sec", "9223372036854775807h"
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = ERROR_INIT;
        int64_t us = -1;

        ck_assert_int_eq(option_duration("timeout", rows[i], &us, &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, "--timeout"));
    }
}
END_TEST

START_TEST(sizes_take_units_of_1024)
{
    struct error err = ERROR_INIT;
    uint64_t bytes;

    ck_assert_int_eq(option_size("size", "64kb", 1 << 20, &bytes, &err), 0);
    ck_assert_uint_eq(bytes, 65536);
    ck_assert_int_eq(option_size("size", "256", 1 << 20, &bytes, &err), 0);
    ck_assert_uint_eq(bytes, 256);
    ck_assert_int_eq(option_size("size", "2mb", 1 << 20, &bytes, &err), -1);
}
END_TEST

START_TEST(a_header_is_cut_at_its_first_colon)
{
    struct client_header headers[CLIENT_HEADER_COUNT];
    struct error err = ERROR_INIT;
    size_t count = 0;

    ck_assert_int_eq(option_header("a:b:c", headers, &count, &err), 0);
    ck_assert_uint_eq(count, 1);
    ck_assert(span_equal(headers[0].name, SPAN("a")));
    ck_assert(span_equal(headers[0].value, SPAN("b:c")));
}
END_TEST

START_TEST(a_header_that_would_break_the_frame_is_refused)
{
    static const char *const rows[] = { "novalue", ":x", "content-length:5" };
    struct client_header headers[CLIENT_HEADER_COUNT];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = ERROR_INIT;
        size_t count = 0;

        ck_assert_int_eq(option_header(rows[i], headers, &count, &err), -1);
        ck_assert_uint_eq(count, 0);
        ck_assert_str_ne(err.text, "");
    }
}
END_TEST

START_TEST(connection_options_are_told_from_a_commands_own)
{
    struct connect_options options = CONNECT_OPTIONS_INIT;
    struct error err = ERROR_INIT;

    ck_assert_int_eq(connect_options_take(&options, 'v', NULL, &err), 1);
    ck_assert(options.verbose);
    ck_assert_int_eq(
        connect_options_take(&options, OPTION_HEART_BEAT, "0,500", &err), 1);
    ck_assert_uint_eq(options.sends_ms, 0);
    ck_assert_uint_eq(options.wants_ms, 500);
    ck_assert_int_eq(connect_options_take(&options, OPTION_COMMAND, NULL, &err),
                     0);
    ck_assert_int_eq(
        connect_options_take(&options, OPTION_VERSION_OF_PROTOCOL, "1.3", &err),
        -1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stompctl/options");
    TCase *tcase = tcase_create("options");

    tcase_add_test(tcase, durations_are_a_number_and_a_unit);
    tcase_add_test(tcase, a_duration_without_a_sense_is_refused_by_name);
    tcase_add_test(tcase, sizes_take_units_of_1024);
    tcase_add_test(tcase, a_header_is_cut_at_its_first_colon);
    tcase_add_test(tcase, a_header_that_would_break_the_frame_is_refused);
    tcase_add_test(tcase, connection_options_are_told_from_a_commands_own);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
