/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include "test/testutil.h"

#include <string.h>

START_TEST(setting_a_text_returns_minus_one)
{
    struct error err = ERROR_INIT;

    ck_assert_int_eq(error_set(&err, "%s is %d", "x", 7), -1);
    ck_assert_str_eq(err.text, "x is 7");
    ck_assert_str_eq(err.source, "");
    ck_assert_uint_eq(err.line, 0);
}
END_TEST

START_TEST(a_place_is_kept)
{
    struct error err = ERROR_INIT;

    ck_assert_int_eq(error_set_at(&err, "a.json", 3, 14, "bad"), -1);
    ck_assert_str_eq(err.source, "a.json");
    ck_assert_uint_eq(err.line, 3);
    ck_assert_uint_eq(err.column, 14);
    ck_assert_str_eq(err.text, "bad");
}
END_TEST

START_TEST(the_first_error_wins)
{
    struct error err = ERROR_INIT;

    (void)error_set(&err, "first");
    ck_assert_int_eq(error_set_at(&err, "b", 1, 2, "second"), -1);
    ck_assert_str_eq(err.text, "first");
    ck_assert_str_eq(err.source, "");
}
END_TEST

START_TEST(nobody_has_to_listen)
{
    ck_assert_int_eq(error_set(NULL, "lost"), -1);
    ck_assert_int_eq(error_set_at(NULL, "a", 1, 1, "lost"), -1);
}
END_TEST

START_TEST(a_long_text_and_source_are_cut)
{
    struct error err = ERROR_INIT;
    char text[2000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)error_set_at(&err, text, 1, 1, "%s", text);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
    ck_assert_uint_eq(strlen(err.source), sizeof(err.source) - 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("error");
    TCase *tcase = tcase_create("error");

    tcase_add_test(tcase, setting_a_text_returns_minus_one);
    tcase_add_test(tcase, a_place_is_kept);
    tcase_add_test(tcase, the_first_error_wins);
    tcase_add_test(tcase, nobody_has_to_listen);
    tcase_add_test(tcase, a_long_text_and_source_are_cut);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
