/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_out.h"

#include "test/testutil.h"

static struct buf out;

static void
setup(void)
{
    out = BUF_INIT;
}

static void
teardown(void)
{
    buf_fini(&out);
}

static void
assert_is(const char *expected)
{
    buf_append_char(&out, '\0');
    ck_assert_str_eq(out.data, expected);
}

START_TEST(members_have_commas_between_them)
{
    buf_append_char(&out, '{');
    json_out_text(&out, "a", SPAN("x"));
    json_out_integer(&out, "b", INT64_MIN);
    json_out_key(&out, "c");
    buf_append_char(&out, '{');
    json_out_integer(&out, "d", 0);
    buf_append_span(&out, SPAN("}}"));
    assert_is("{\"a\":\"x\",\"b\":-9223372036854775808,\"c\":{\"d\":0}}");
}
END_TEST

static const struct {
    const char *text;
    const char *expected;
} strings[] = {
    { "", "\"\"" },
    { "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
    { "\x01\n\x1F\x7F", "\"\\u0001\\u000a\\u001f\x7F\"" },
    { "\xC3\xA4\xE2\x82\xAC", "\"\xC3\xA4\xE2\x82\xAC\"" },
    { "a\xFF"
      "b\xC3",
      "\"a?b?\"" },
};

START_TEST(string_is_json_whatever_it_has)
{
    json_out_string(&out, span_of_text(strings[_i].text));
    assert_is(strings[_i].expected);
}
END_TEST

static Suite *
suite(void)
{
    Suite *suite = suite_create("json_out");
    TCase *tcase = tcase_create("json_out");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, members_have_commas_between_them);
    tcase_add_loop_test(tcase, string_is_json_whatever_it_has, 0,
                        (int)(sizeof(strings) / sizeof(strings[0])));
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(suite());
}
