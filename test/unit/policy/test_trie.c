/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/trie.h"

#include "base/alloc.h"
#include "policy/pattern.h"
#include "test/testutil.h"

#include <stdio.h>
#include <stdlib.h>

enum { RANDOM_PATTERNS = 600, RANDOM_NAMES = 4000, MANY = 100000 };

struct found {
    void *values[RANDOM_PATTERNS];
    size_t count;
    size_t stop_at;
};

static bool
found_add(void *ctx, void *value)
{
    struct found *found = ctx;

    found->values[found->count++] = value;
    return found->count != found->stop_at;
}

static char values[8];

START_TEST(matches_come_most_specific_first)
{
    struct trie *trie = trie_new();
    struct found found = { .count = 0 };

    ck_assert(trie_add(trie, SPAN(">"), &values[0]));
    ck_assert(trie_add(trie, SPAN("*.A"), &values[1]));
    ck_assert(trie_add(trie, SPAN("FOO.>"), &values[2]));
    ck_assert(trie_add(trie, SPAN("FOO.*"), &values[3]));
    ck_assert(trie_add(trie, SPAN("FOO.A"), &values[4]));
    ck_assert(trie_add(trie, SPAN("FOO.A.>"), &values[5]));
    ck_assert(trie_add(trie, SPAN("FOO.B"), &values[6]));
    trie_match(trie, SPAN("FOO.A"), found_add, &found);
    ck_assert_uint_eq(found.count, 6);
    ck_assert_ptr_eq(found.values[0], &values[4]);
    ck_assert_ptr_eq(found.values[1], &values[5]);
    ck_assert_ptr_eq(found.values[2], &values[3]);
    ck_assert_ptr_eq(found.values[3], &values[2]);
    ck_assert_ptr_eq(found.values[4], &values[1]);
    ck_assert_ptr_eq(found.values[5], &values[0]);
    ck_assert_ptr_eq(trie_match_best(trie, SPAN("FOO.B")), &values[6]);
    ck_assert_ptr_eq(trie_match_best(trie, SPAN("X.Y")), &values[0]);
    trie_free(&trie);
    ck_assert_ptr_null(trie);
}
END_TEST

START_TEST(values_of_one_pattern_come_in_the_order_of_adding)
{
    struct trie *trie = trie_new();
    struct found found = { .count = 0 };

    ck_assert(trie_add(trie, SPAN("A.*"), &values[2]));
    ck_assert(trie_add(trie, SPAN("A.*"), &values[0]));
    ck_assert(trie_add(trie, SPAN("A.*"), &values[1]));
    ck_assert(!trie_add(trie, SPAN("A.*"), &values[0]));
    ck_assert_uint_eq(trie_count(trie), 3);
    trie_match(trie, SPAN("A.B"), found_add, &found);
    ck_assert_uint_eq(found.count, 3);
    ck_assert_ptr_eq(found.values[0], &values[2]);
    ck_assert_ptr_eq(found.values[1], &values[0]);
    ck_assert_ptr_eq(found.values[2], &values[1]);
    trie_free(&trie);
}
END_TEST

START_TEST(a_visitor_can_stop)
{
    struct trie *trie = trie_new();
    struct found found = { .stop_at = 2 };

    ck_assert(trie_add(trie, SPAN("A.B"), &values[0]));
    ck_assert(trie_add(trie, SPAN("A.*"), &values[1]));
    ck_assert(trie_add(trie, SPAN("A.>"), &values[2]));
    trie_match(trie, SPAN("A.B"), found_add, &found);
    ck_assert_uint_eq(found.count, 2);
    trie_free(&trie);
}
END_TEST

START_TEST(find_takes_the_text_of_the_pattern_only)
{
    struct trie *trie = trie_new();

    ck_assert_ptr_null(trie_find(trie, SPAN("A.>")));
    ck_assert(trie_add(trie, SPAN("A.>"), &values[0]));
    ck_assert(trie_add(trie, SPAN("A.*"), &values[1]));
    ck_assert_ptr_eq(trie_find(trie, SPAN("A.>")), &values[0]);
    ck_assert_ptr_eq(trie_find(trie, SPAN("A.>.>")), &values[0]);
    ck_assert_ptr_eq(trie_find(trie, SPAN("A.*")), &values[1]);
    ck_assert_ptr_null(trie_find(trie, SPAN("A.B")));
    ck_assert_ptr_null(trie_find(trie, SPAN("A")));
    ck_assert_ptr_null(trie_find(trie, SPAN("A.*.B")));
    trie_free(&trie);
}
END_TEST

START_TEST(removing_takes_one_value_and_leaves_the_rest)
{
    struct trie *trie = trie_new();

    ck_assert(trie_add(trie, SPAN("A.B.C"), &values[0]));
    ck_assert(trie_add(trie, SPAN("A.B"), &values[1]));
    ck_assert(trie_add(trie, SPAN("A.*.C.>"), &values[2]));
    ck_assert(!trie_remove(trie, SPAN("A.B.C"), &values[1]));
    ck_assert(!trie_remove(trie, SPAN("A.B.X"), &values[0]));
    ck_assert(trie_remove(trie, SPAN("A.B.C"), &values[0]));
    ck_assert(!trie_remove(trie, SPAN("A.B.C"), &values[0]));
    ck_assert_ptr_eq(trie_match_best(trie, SPAN("A.B")), &values[1]);
    ck_assert_ptr_eq(trie_match_best(trie, SPAN("A.B.C")), &values[2]);
    ck_assert(trie_remove(trie, SPAN("A.*.C.>"), &values[2]));
    ck_assert(trie_remove(trie, SPAN("A.B"), &values[1]));
    ck_assert_uint_eq(trie_count(trie), 0);
    ck_assert_ptr_null(trie_match_best(trie, SPAN("A.B")));
    trie_free(&trie);
}
END_TEST

START_TEST(an_empty_name_has_one_empty_level)
{
    struct trie *trie = trie_new();

    ck_assert(trie_add(trie, SPAN("*"), &values[0]));
    ck_assert_ptr_eq(trie_match_best(trie, SPAN("")), &values[0]);
    ck_assert_ptr_eq(trie_match_best(trie, SPAN_NONE), &values[0]);
    ck_assert(trie_add(trie, SPAN(""), &values[1]));
    ck_assert_ptr_eq(trie_match_best(trie, SPAN("")), &values[1]);
    trie_free(&trie);
}
END_TEST

/* A name of 64 Ki levels comes in one header line: no recursion. */
START_TEST(very_deep_patterns_are_walked_without_a_stack)
{
    enum { LEVELS = 65536 };
    struct trie *trie = trie_new();
    char *name = xmalloc(LEVELS);
    char *pattern = xmalloc((size_t)2 * LEVELS);

    memset(name, '.', LEVELS);
    for (size_t i = 0; i < LEVELS; i++) {
        pattern[2 * i] = '*';
        pattern[2 * i + 1] = '.';
    }
    ck_assert(trie_add(trie, span_of(name, LEVELS), &values[0]));
    ck_assert(trie_add(trie, span_of(pattern, (size_t)2 * LEVELS), &values[1]));
    ck_assert_ptr_eq(trie_match_best(trie, span_of(name, LEVELS)), &values[0]);
    ck_assert(trie_remove(trie, span_of(name, LEVELS), &values[0]));
    ck_assert_ptr_eq(trie_match_best(trie, span_of(name, LEVELS)), &values[1]);
    free(name);
    free(pattern);
    trie_free(&trie);
}
END_TEST

START_TEST(a_level_with_many_children_is_searched_at_once)
{
    struct trie *trie = trie_new();
    static char marks[MANY];

    for (size_t i = 0; i < MANY; i++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "ORDERS.%zu", i);

        ck_assert(trie_add(trie, span_of(name, (size_t)len), &marks[i]));
    }
    for (size_t i = 0; i < MANY; i++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "ORDERS.%zu", i);

        ck_assert(trie_match_best(trie, span_of(name, (size_t)len)) ==
                  &marks[i]);
    }
    /* A scan of the children would take minutes, and Check ends it. */
    trie_free(&trie);
}
END_TEST

/* The property: the tree finds what trying every pattern finds, in order. */

static unsigned seed;

static unsigned
random_below(unsigned limit)
{
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 12) % limit;
}

static struct span
random_text(char *text, const char *const levels[], unsigned count)
{
    size_t len = 0;
    unsigned depth = 1 + random_below(5);

    for (unsigned i = 0; i < depth; i++) {
        const char *level = levels[random_below(count)];

        if (i > 0) {
            text[len++] = '.';
        }
        memcpy(text + len, level, strlen(level));
        len += strlen(level);
    }
    return span_of(text, len);
}

static int
compare_patterns(const void *a, const void *b)
{
    const char *const *first = a;
    const char *const *second = b;

    return pattern_compare(span_of_text(*first), span_of_text(*second));
}

static void
check_name(const struct trie *trie, char *const *patterns, size_t count,
           struct span name)
{
    struct found found = { .count = 0 };
    size_t expected = 0;

    trie_match(trie, name, found_add, &found);
    for (size_t i = 0; i < count; i++) {
        if (patterns[i] != NULL &&
            pattern_matches(span_of_text(patterns[i]), name)) {
            ck_assert_msg(expected < found.count &&
                              found.values[expected] == patterns[i],
                          "%s for %.*s", patterns[i], (int)name.len, name.data);
            expected++;
        }
    }
    ck_assert_uint_eq(found.count, expected);
}

START_TEST(match_equals_trying_every_pattern)
{
    static const char *const levels[] = {
        "A", "B", "AB", "", "*", ">", "*", "C"
    };
    static const char *const plain[] = { "A", "B", "AB", "", "C",
                                         "D", "A", ">",  "*" };
    struct trie *trie = trie_new();
    char *patterns[RANDOM_PATTERNS];
    char text[64];
    size_t count = 0;

    seed = (unsigned)_i + 1;
    while (count < RANDOM_PATTERNS / 2) {
        struct span pattern = random_text(text, levels, 8);

        if (trie_find(trie, pattern) == NULL) {
            patterns[count] = xstrndup(pattern.data, pattern.len);
            ck_assert(trie_add(trie, pattern, patterns[count]));
            count++;
        }
    }
    qsort(patterns, count, sizeof(patterns[0]), compare_patterns);
    for (size_t i = 0; i < RANDOM_NAMES; i++) {
        check_name(trie, patterns, count, random_text(text, plain, 9));
        if (i % 16 == 0) {
            size_t victim = random_below((unsigned)count);

            if (patterns[victim] != NULL) {
                ck_assert(trie_remove(trie, span_of_text(patterns[victim]),
                                      patterns[victim]));
                free(patterns[victim]);
                patterns[victim] = NULL;
            }
        }
    }
    trie_free(&trie);
    for (size_t i = 0; i < count; i++) {
        free(patterns[i]);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("trie");
    TCase *tcase = tcase_create("trie");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, matches_come_most_specific_first);
    tcase_add_test(tcase, values_of_one_pattern_come_in_the_order_of_adding);
    tcase_add_test(tcase, a_visitor_can_stop);
    tcase_add_test(tcase, find_takes_the_text_of_the_pattern_only);
    tcase_add_test(tcase, removing_takes_one_value_and_leaves_the_rest);
    tcase_add_test(tcase, an_empty_name_has_one_empty_level);
    tcase_add_test(tcase, very_deep_patterns_are_walked_without_a_stack);
    tcase_add_test(tcase, a_level_with_many_children_is_searched_at_once);
    tcase_add_loop_test(tcase, match_equals_trying_every_pattern, 0, 8);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
