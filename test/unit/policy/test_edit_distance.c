/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/edit_distance.h"

#include "test/testutil.h"

static const struct {
    const char *a;
    const char *b;
    size_t distance;
    bool near;
} rows[] = {
    { "", "", 0, false },
    { "abc", "abc", 0, true },
    { "abc", "ABC", 0, true },
    { "", "abc", 3, false },
    { "abc", "ab", 1, true },
    { "abc", "abcd", 1, true },
    { "abc", "axc", 1, true },
    { "abcd", "acbd", 1, true },
    { "kitten", "sitting", 3, false },
    { "rund-robin", "roundRobin", 2, true },
    { "prefetchh", "queuePrefetch", 6, false },
    { "a", "b", 1, false },
    { "ab", "xy", 2, false },
};

START_TEST(letters_added_dropped_replaced_and_swapped_count)
{
    ck_assert_uint_eq(edit_distance(rows[_i].a, rows[_i].b), rows[_i].distance);
    ck_assert_uint_eq(edit_distance(rows[_i].b, rows[_i].a), rows[_i].distance);
    ck_assert(edit_distance_is_near(rows[_i].a, rows[_i].b,
                                    rows[_i].distance) == rows[_i].near);
}
END_TEST

START_TEST(only_the_first_64_bytes_count)
{
    char a[200];
    char b[200];

    for (size_t i = 0; i < sizeof(a) - 1; i++) {
        a[i] = 'a';
        b[i] = i < 64 ? 'a' : 'b';
    }
    a[sizeof(a) - 1] = '\0';
    b[sizeof(b) - 1] = '\0';
    ck_assert_uint_eq(edit_distance(a, b), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("edit_distance");
    TCase *tcase = tcase_create("edit_distance");

    tcase_add_loop_test(tcase, letters_added_dropped_replaced_and_swapped_count,
                        0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, only_the_first_64_bytes_count);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
