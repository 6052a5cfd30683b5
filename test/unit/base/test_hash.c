/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include "test/testutil.h"

#include <stdio.h>

struct hash_item {
    UT_hash_handle hh;
    char name[32];
};

START_TEST(the_same_bytes_hash_the_same)
{
    ck_assert_uint_eq(hash_bytes("abc", 3), hash_bytes("abcd", 3));
    ck_assert_uint_eq(hash_bytes("", 0), hash_bytes("x", 0));
}
END_TEST

START_TEST(one_bit_changes_about_half_of_the_hash)
{
    char text[24] = "/queue/orders.eu.west.1";
    uint64_t plain = hash_bytes(text, sizeof(text));

    for (size_t bit = 0; bit < 8 * sizeof(text); bit++) {
        int changed;

        text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
        changed = __builtin_popcountll(plain ^ hash_bytes(text, sizeof(text)));
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
        ck_assert_int_ge(changed, 12);
        ck_assert_int_le(changed, 52);
    }
}
END_TEST

START_TEST(length_counts_where_the_bytes_are_zero)
{
    char zeros[33] = { 0 };

    for (size_t a = 0; a < sizeof(zeros); a++) {
        for (size_t b = 0; b < a; b++) {
            ck_assert_uint_ne(hash_bytes(zeros, a), hash_bytes(zeros, b));
        }
    }
}
END_TEST

START_TEST(names_in_sequence_fill_the_buckets_evenly)
{
    enum { BUCKETS = 1024, NAMES = 32 * BUCKETS };
    static unsigned counts[BUCKETS];
    unsigned most = 0;

    for (int i = 0; i < NAMES; i++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "/queue/q.%d", i);
        unsigned *count = &counts[hash_bytes(name, (size_t)len) % BUCKETS];

        (*count)++;
        most = *count > most ? *count : most;
    }
    ck_assert_uint_lt(most, 32 * 2);
}
END_TEST

START_TEST(a_seed_changes_every_hash)
{
    uint64_t before = hash_bytes("abc", 3);

    hash_seed_random();
    ck_assert_uint_ne(hash_bytes("abc", 3), before);
}
END_TEST

START_TEST(a_table_finds_what_it_was_given)
{
    struct hash_item items[100];
    struct hash_item *table = NULL;
    struct hash_item *found;

    memset(items, 0, sizeof(items));
    for (int i = 0; i < 100; i++) {
        (void)snprintf(items[i].name, sizeof(items[i].name), "name-%d", i);
        HASH_ADD_STR(table, name, &items[i]);
        ck_assert_ptr_nonnull(items[i].hh.tbl);
    }
    HASH_FIND_STR(table, "name-42", found);
    ck_assert_ptr_eq(found, &items[42]);
    HASH_FIND_STR(table, "name-100", found);
    ck_assert_ptr_null(found);
    HASH_CLEAR(hh, table);
}
END_TEST

START_TEST(container_of_goes_back_from_the_member)
{
    struct hash_item item;

    ck_assert_ptr_eq(container_of(&item.name, struct hash_item, name), &item);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("hash");
    TCase *tcase = tcase_create("hash");

    tcase_add_test(tcase, the_same_bytes_hash_the_same);
    tcase_add_test(tcase, one_bit_changes_about_half_of_the_hash);
    tcase_add_test(tcase, length_counts_where_the_bytes_are_zero);
    tcase_add_test(tcase, names_in_sequence_fill_the_buckets_evenly);
    tcase_add_test(tcase, a_seed_changes_every_hash);
    tcase_add_test(tcase, a_table_finds_what_it_was_given);
    tcase_add_test(tcase, container_of_goes_back_from_the_member);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
