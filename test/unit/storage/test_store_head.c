/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_head.h"
#include "test/testutil.h"

enum { BLOCK = 1 << STORE_HEAD_BLOCK_SHIFT, MANY = 100 * BLOCK };

static struct store_head head;

static void
setup(void)
{
    store_head_init(&head, 1);
}

static void
teardown(void)
{
    store_head_fini(&head);
}

START_TEST(empty_journal_begins_at_its_next_number)
{
    ck_assert_uint_eq(store_head_seq(&head), 1);
    store_head_add(&head, 41);
    ck_assert(store_head_remove(&head, 41));
    ck_assert_uint_eq(store_head_seq(&head), 42);
}
END_TEST

START_TEST(head_follows_within_a_block_whatever_the_order)
{
    for (uint64_t seq = 1; seq < MANY; seq++) {
        store_head_add(&head, seq);
    }
    /* Every number but the first of each block, backwards. */
    for (uint64_t seq = MANY - 1; seq > 0; seq--) {
        if (seq % BLOCK != 0) {
            ck_assert(store_head_remove(&head, seq));
        }
        ck_assert_uint_le(store_head_seq(&head), BLOCK);
    }
    for (uint64_t seq = BLOCK; seq < MANY; seq += BLOCK) {
        ck_assert_uint_eq(store_head_seq(&head), seq);
        ck_assert(store_head_remove(&head, seq));
    }
    ck_assert_uint_eq(head.live, 0);
    ck_assert_uint_eq(store_head_seq(&head), MANY);
}
END_TEST

START_TEST(number_that_is_not_there_changes_nothing)
{
    store_head_add(&head, 5000);
    ck_assert(!store_head_remove(&head, 1));
    ck_assert(!store_head_remove(&head, 5001));
    ck_assert(!store_head_remove(&head, 500000));
    ck_assert_uint_eq(head.live, 1);
}
END_TEST

START_TEST(far_apart_records_take_little_memory)
{
    uint64_t step = 1000000007;

    store_head_add(&head, 1);
    for (uint64_t i = 1; i <= 20000; i++) {
        store_head_add(&head, 1 + i * step);
        ck_assert(store_head_remove(&head, 1 + i * step));
    }
    ck_assert_uint_le(head.capacity, 16);
    ck_assert_uint_eq(store_head_seq(&head), 0);
    ck_assert(store_head_remove(&head, 1));
    ck_assert_uint_eq(store_head_seq(&head), 2 + 20000 * step);
}
END_TEST

static Suite *
store_head_suite(void)
{
    Suite *suite = suite_create("store_head");
    TCase *tcase = tcase_create("head");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, empty_journal_begins_at_its_next_number);
    tcase_add_test(tcase, head_follows_within_a_block_whatever_the_order);
    tcase_add_test(tcase, number_that_is_not_there_changes_nothing);
    tcase_add_test(tcase, far_apart_records_take_little_memory);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(store_head_suite());
}
