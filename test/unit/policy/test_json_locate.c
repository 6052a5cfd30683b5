/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/json_locate.h"

#include "test/testutil.h"

static const char document[] =
    "\n"
    "{ \"a\" : [1, {\"b\": \"x]}\\\"\"}, [ ] , \"\xC3\xB6\", -1.5e3 ],\n"
    "\t\"k/e~y\": {\"\": null},\n"
    "  \"\\u0061b\": true, \"deep\":[[[7]]],\n"
    "  \"empty\":{}, \"\xE2\x82\xAC\": 9 }\n";

static const struct {
    const char *pointer;
    unsigned line; /* 0 = not there */
    unsigned column;
    unsigned key_column; /* 0 = no name */
} rows[] = {
    { "", 2, 1, 0 },
    { "/a", 2, 9, 3 },
    { "/a/0", 2, 10, 0 },
    { "/a/1", 2, 13, 0 },
    { "/a/1/b", 2, 19, 14 },
    { "/a/2", 2, 29, 0 },
    { "/a/3", 2, 35, 0 },
    { "/a/4", 2, 40, 0 },
    { "/a/5", 0, 0, 0 },
    { "/a/x", 0, 0, 0 },
    { "/a/-1", 0, 0, 0 },
    { "/k~1e~0y", 3, 11, 2 },
    { "/k~1e~0y/", 3, 16, 12 },
    { "/ab", 4, 14, 3 },
    { "/deep/0/0/0", 4, 30, 0 },
    { "/deep/0/1", 0, 0, 0 },
    { "/empty", 5, 11, 3 },
    { "/empty/a", 0, 0, 0 },
    { "/\xE2\x82\xAC", 5, 20, 15 },
    { "/nothing", 0, 0, 0 },
    { "/a/2/0", 0, 0, 0 },
};

START_TEST(a_pointer_leads_to_its_line_and_column)
{
    struct json_place place = { 0, 0 };
    bool found = json_locate(span_of_text(document),
                             span_of_text(rows[_i].pointer), &place);

    ck_assert_msg(found == (rows[_i].line != 0), "%s", rows[_i].pointer);
    ck_assert_uint_eq(place.line, rows[_i].line);
    ck_assert_uint_eq(place.column, rows[_i].column);
}
END_TEST

START_TEST(a_pointer_leads_to_the_name_of_a_member)
{
    struct json_place place = { 0, 0 };
    bool found = json_locate_key(span_of_text(document),
                                 span_of_text(rows[_i].pointer), &place);

    ck_assert_msg(found == (rows[_i].key_column != 0), "%s", rows[_i].pointer);
    ck_assert_uint_eq(place.column, rows[_i].key_column);
}
END_TEST

START_TEST(all_elements_are_found_in_one_pass)
{
    struct json_place places[8];

    ck_assert_uint_eq(
        json_locate_elements(span_of_text(document), SPAN("/a"), places, 8), 5);
    for (unsigned i = 0; i < 5; i++) {
        struct json_place place;
        char pointer[] = { '/', 'a', '/', (char)('0' + i), '\0' };

        ck_assert(
            json_locate(span_of_text(document), span_of_text(pointer), &place));
        ck_assert_uint_eq(places[i].line, place.line);
        ck_assert_uint_eq(places[i].column, place.column);
    }
    ck_assert_uint_eq(
        json_locate_elements(span_of_text(document), SPAN("/a"), places, 2), 2);
    ck_assert_uint_eq(
        json_locate_elements(span_of_text(document), SPAN("/a/2"), places, 8),
        0);
    ck_assert_uint_eq(
        json_locate_elements(span_of_text(document), SPAN("/empty"), places, 8),
        0);
}
END_TEST

/* Text that is not JSON gives no place, and nothing worse. */
static const char *const broken[] = {
    "",        " ",        "{",         "[",  "{\"", "{\"a", "{\"a\"",
    "{\"a\":", "{\"a\":}", "{\"a\" 1}", "[1", "[1,", "\"\\", "{\"\\",
    "{]",      "[}",       "}",         "]",  ",",
};

START_TEST(broken_text_does_no_harm)
{
    struct json_place places[4];
    struct span text = span_of_text(broken[_i]);

    ck_assert(!json_locate(text, SPAN("/b"), places));
    ck_assert(!json_locate_key(text, SPAN("/0"), places));
    ck_assert(!json_locate_key(text, SPAN(""), places));
    ck_assert_uint_le(json_locate_elements(text, SPAN(""), places, 4), 1);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("json_locate");
    TCase *tcase = tcase_create("json_locate");

    tcase_add_loop_test(tcase, a_pointer_leads_to_its_line_and_column, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_loop_test(tcase, a_pointer_leads_to_the_name_of_a_member, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, all_elements_are_found_in_one_pass);
    tcase_add_loop_test(tcase, broken_text_does_no_harm, 0,
                        (int)(sizeof(broken) / sizeof(broken[0])));
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
