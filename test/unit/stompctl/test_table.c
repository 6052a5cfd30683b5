/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/table.h"

#include "test/testutil.h"

#include <stdlib.h>

static const struct table_column columns[] = {
    { "NAME", { "name" }, false },
    { "IN/OUT", { "in", "out" }, true },
    { "USER", { "user" }, false },
    { NULL, { NULL }, false },
};

static void
assert_list_prints(const char *json, const char *expected)
{
    json_t *tree = json_loads(json, 0, NULL);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    ck_assert_ptr_nonnull(tree);
    ck_assert_ptr_nonnull(out);
    table_print_list(columns, tree, "list", out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(text, expected);
    free(text);
    json_decref(tree);
}

START_TEST(a_list_is_headings_and_a_row_for_each_object)
{
    assert_list_prints("{\"total\": 2, \"list\": ["
                       "{\"name\": \"\u00e4\", \"in\": 12345, \"out\": 0,"
                       " \"user\": \"u\"},"
                       "{\"name\": \"a\\u001bb\", \"in\": 1, \"out\": 23,"
                       " \"user\": null}]}",
                       "NAME     IN/OUT  USER\n"
                       "\u00e4       12345/0  u\n"
                       "a\\x1bb     1/23  -\n");
}
END_TEST

START_TEST(an_empty_list_is_its_headings)
{
    assert_list_prints("{\"total\": 0, \"list\": []}", "NAME  IN/OUT  USER\n");
}
END_TEST

START_TEST(a_list_that_was_cut_says_how_many_more_there_are)
{
    assert_list_prints("{\"total\": 8, \"list\": ["
                       "{\"name\": \"a\", \"in\": 1, \"out\": 2}]}",
                       "NAME  IN/OUT  USER\n"
                       "a        1/2  -\n"
                       "and 7 more (--limit)\n");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("table");
    TCase *tcase = tcase_create("table");

    tcase_add_test(tcase, a_list_is_headings_and_a_row_for_each_object);
    tcase_add_test(tcase, an_empty_list_is_its_headings);
    tcase_add_test(tcase, a_list_that_was_cut_says_how_many_more_there_are);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
