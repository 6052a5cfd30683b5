/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/pattern.h"

#include "test/testutil.h"

/* Source: activemq.md 1.2. */
static const struct {
    const char *pattern;
    const char *name;
    bool matches;
} matches[] = {
    { ">", "A", true },
    { ">", "A.B.C", true },
    { ">", "", true },
    { "FOO.>", "FOO", true },
    { "FOO.>", "FOO.A", true },
    { "FOO.>", "FOO.A.B", true },
    { "FOO.>", "FOO.", true },
    { "FOO.>", "FOOD", false },
    { "FOO.>", "foo.a", false },
    { "FOO.*", "FOO.A", true },
    { "FOO.*", "FOO.", true },
    { "FOO.*", "FOO", false },
    { "FOO.*", "FOO.A.B", false },
    { "*", "A", true },
    { "*", "", true },
    { "*", "A.B", false },
    { "*.BAZ", "X.BAZ", true },
    { "*.BAZ", "X.Y.BAZ", false },
    { "FOO.*.>", "FOO.A", true },
    { "FOO.*.>", "FOO.A.B.C", true },
    { "FOO.*.>", "FOO", false },
    { "A.>.>", "A", true },
    { "A.>.>", "A.B", true },
    { "A.>.>", "B", false },
    { ">.>", "A", true },
    { "A>.>", "A>", true },
    { "A>.>", "A", false },
    { "FOO*", "FOO*", true },
    { "FOO*", "FOOD", false },
    { "FOO.B>", "FOO.B>", true },
    { "FOO.B>", "FOO.BC", false },
    { "FOO.>.BAR", "FOO.X.BAR", false },
    { "FOO.>.BAR", "FOO.>.BAR", true },
    { "a..b", "a..b", true },
    { "a..b", "a.b", false },
    { "a.*.b", "a..b", true },
    { "a b", "a b", true },
    { "FOO", "FOO", true },
    { "FOO", "FOO.A", false },
    { "FOO.A", "FOO", false },
    { "FOO.*", "FOO.>", true },
    { "FOO.A", "FOO.*", false },
};

START_TEST(pattern_matches_as_activemq_does)
{
    ck_assert_msg(pattern_matches(span_of_text(matches[_i].pattern),
                                  span_of_text(matches[_i].name)) ==
                      matches[_i].matches,
                  "%s against %s", matches[_i].pattern, matches[_i].name);
}
END_TEST

static const struct {
    const char *text;
    bool has;
} wildcards[] = {
    { "FOO", false },    { "FOO.A", false },  { "", false },
    { "FOO*", false },   { "FOO.B>", false }, { "FOO.>.BAR", false },
    { "*", true },       { ">", true },       { "FOO.*", true },
    { "*.FOO", true },   { "FOO.>", true },   { "A.*.B", true },
    { "FOO.>.>", true }, { ">.*", true },
};

START_TEST(only_whole_levels_are_wildcards)
{
    ck_assert_msg(pattern_has_wildcard(span_of_text(wildcards[_i].text)) ==
                      wildcards[_i].has,
                  "%s", wildcards[_i].text);
}
END_TEST

/* Each row: the first is more specific. */
static const struct {
    const char *first;
    const char *second;
} orders[] = {
    { "FOO.A", "FOO.*" },
    { "FOO.*", "FOO.>" },
    { "FOO.A", "FOO.>" },
    { "FOO.*", "*.A" },
    { "FOO.>", "*.A" },
    { "FOO", "FOO.>" },
    { "FOO.A.*", "FOO.*.*" },
    { "FOO.*.*", "FOO.*.>" },
    { "FOO.A.>", "FOO.>" },
    { "FOO.>", ">" },
    { "*", ">" },
    { "A", "B" },
    { "A", "AA" },
    { "FOO", "FOO.A" },
    { "FOO.*", "FOO.*.>" },
    { "", "A" },
};

START_TEST(the_first_level_that_differs_decides)
{
    struct span first = span_of_text(orders[_i].first);
    struct span second = span_of_text(orders[_i].second);

    ck_assert_msg(pattern_compare(first, second) < 0, "%s before %s",
                  orders[_i].first, orders[_i].second);
    ck_assert_msg(pattern_compare(second, first) > 0, "%s after %s",
                  orders[_i].second, orders[_i].first);
}
END_TEST

START_TEST(equal_patterns_compare_equal)
{
    ck_assert_int_eq(pattern_compare(SPAN("A.*.>"), SPAN("A.*.>")), 0);
    ck_assert_int_eq(pattern_compare(SPAN("A.>"), SPAN("A.>.>")), 0);
    ck_assert_int_eq(pattern_compare(SPAN(""), SPAN_NONE), 0);
}
END_TEST

START_TEST(a_run_of_rest_levels_counts_once)
{
    ck_assert(span_equal(pattern_trim(SPAN("A.>.>.>")), SPAN("A.>")));
    ck_assert(span_equal(pattern_trim(SPAN(">.>")), SPAN(">")));
    ck_assert(span_equal(pattern_trim(SPAN("A>.>")), SPAN("A>.>")));
    ck_assert(span_equal(pattern_trim(SPAN("A")), SPAN("A")));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
    Suite *suite = suite_create("pattern");
    TCase *tcase = tcase_create("pattern");

    tcase_add_loop_test(tcase, pattern_matches_as_activemq_does, 0,
                        COUNT(matches));
    tcase_add_loop_test(tcase, only_whole_levels_are_wildcards, 0,
                        COUNT(wildcards));
    tcase_add_loop_test(tcase, the_first_level_that_differs_decides, 0,
                        COUNT(orders));
    tcase_add_test(tcase, equal_patterns_compare_equal);
    tcase_add_test(tcase, a_run_of_rest_levels_counts_once);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
