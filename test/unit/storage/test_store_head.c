/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_head.h"
#include "test/testutil.h"

#include <stdio.h>

enum { BLOCK = 1 << STORE_HEAD_BLOCK_SHIFT, MANY = 100 * BLOCK };

static struct store_head head;

static struct store_head_item
item(uint64_t seq, bool spilled)
{
    return (
        struct store_head_item){ .seq = seq, .bytes = 10, .spilled = spilled };
}

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
    store_head_add(&head, item(41, false));
    ck_assert(store_head_remove(&head, item(41, false)));
    ck_assert_uint_eq(store_head_seq(&head), 42);
}
END_TEST

START_TEST(head_follows_within_a_block_whatever_the_order)
{
    for (uint64_t seq = 1; seq < MANY; seq++) {
        store_head_add(&head, item(seq, false));
    }
    /* Every number but the first of each block, backwards. */
    for (uint64_t seq = MANY - 1; seq > 0; seq--) {
        if (seq % BLOCK != 0) {
            ck_assert(store_head_remove(&head, item(seq, false)));
        }
        ck_assert_uint_le(store_head_seq(&head), BLOCK);
    }
    for (uint64_t seq = BLOCK; seq < MANY; seq += BLOCK) {
        ck_assert_uint_eq(store_head_seq(&head), seq);
        ck_assert(store_head_remove(&head, item(seq, false)));
    }
    ck_assert_uint_eq(head.live, 0);
    ck_assert_uint_eq(store_head_seq(&head), MANY);
}
END_TEST

START_TEST(number_that_is_not_there_changes_nothing)
{
    store_head_add(&head, item(5000, false));
    ck_assert(!store_head_remove(&head, item(1, false)));
    ck_assert(!store_head_remove(&head, item(5001, false)));
    ck_assert(!store_head_remove(&head, item(500000, false)));
    ck_assert_uint_eq(head.live, 1);
}
END_TEST

START_TEST(far_apart_records_take_little_memory)
{
    uint64_t step = 1000000007;

    store_head_add(&head, item(1, false));
    for (uint64_t i = 1; i <= 20000; i++) {
        store_head_add(&head, item(1 + i * step, false));
        ck_assert(store_head_remove(&head, item(1 + i * step, false)));
    }
    ck_assert_uint_le(head.capacity, 16);
    ck_assert_uint_eq(store_head_seq(&head), 0);
    ck_assert(store_head_remove(&head, item(1, false)));
    ck_assert_uint_eq(store_head_seq(&head), 2 + 20000 * step);
}
END_TEST

/* What goes to disk now, as text: number=live/spilled. */
static const char *
changes(void)
{
    static char text[256];
    struct store_head_block block;
    size_t at = 0;
    int len = 0;

    text[0] = '\0';
    while (store_head_changed(&head, &at, &block)) {
        len += snprintf(text + len, sizeof(text) - (size_t)len, " %llu=%u/%u",
                        (unsigned long long)block.number, block.kept.live,
                        block.kept.spilled);
    }
    return text;
}

START_TEST(blocks_that_differ_from_the_disk_are_told_once)
{
    ck_assert_str_eq(changes(), "");
    for (uint64_t seq = 1; seq < 3 * BLOCK; seq++) {
        store_head_add(&head, item(seq, seq % 4 == 0));
    }
    ck_assert_str_eq(changes(), "");
    store_head_count_all(&head);
    ck_assert_str_eq(changes(), " 0=1023/255 1=1024/256 2=1024/256");
    ck_assert_str_eq(changes(), "");
    ck_assert(store_head_remove(&head, item(BLOCK, true)));
    ck_assert(store_head_remove(&head, item(BLOCK + 1, false)));
    ck_assert_str_eq(changes(), " 1=1022/255");
    /* Added and removed before it was ever on disk. */
    store_head_add(&head, item(9 * BLOCK, false));
    ck_assert(store_head_remove(&head, item(9 * BLOCK, false)));
    store_head_count_all(&head);
    ck_assert_str_eq(changes(), "");
}
END_TEST

/* What is beyond counted_to comes and goes without a word. */
START_TEST(split_block_tells_of_its_counted_part_only)
{
    for (uint64_t seq = BLOCK; seq < BLOCK + 10; seq++) {
        store_head_add(&head, item(seq, seq % 2 == 1));
    }
    store_head_count_all(&head);
    ck_assert_str_eq(changes(), " 1=10/5");
    for (uint64_t seq = BLOCK + 10; seq < 3 * BLOCK; seq++) {
        store_head_add(&head, item(seq, seq % 2 == 1));
    }
    ck_assert(store_head_remove(&head, item(BLOCK + 11, true)));
    ck_assert(store_head_remove(&head, item(2 * BLOCK, false)));
    ck_assert_str_eq(changes(), "");
    ck_assert(store_head_remove(&head, item(BLOCK, false)));
    ck_assert(store_head_remove(&head, item(BLOCK + 1, true)));
    ck_assert_str_eq(changes(), " 1=8/4");
    ck_assert_uint_eq(head.blocks[0].kept.bytes, 80);
    store_head_count_all(&head);
    ck_assert_str_eq(changes(), " 1=1021/510 2=1023/512");
    ck_assert_uint_eq(head.bytes, 10 * (1021 + 1023));
}
END_TEST

START_TEST(emptied_block_is_told_even_when_many_came_after_it)
{
    store_head_add(&head, item(1, false));
    store_head_count_all(&head);
    ck_assert_str_eq(changes(), " 0=1/0");
    ck_assert(store_head_remove(&head, item(1, false)));
    for (uint64_t seq = 2; seq < MANY; seq++) {
        store_head_add(&head, item(seq, false));
        ck_assert(store_head_remove(&head, item(seq, false)));
    }
    ck_assert_uint_le(head.capacity, 8);
    ck_assert_str_eq(changes(), " 0=0/0");
    ck_assert_uint_eq(store_head_seq(&head), MANY);
}
END_TEST

/* One that was damaged comes without its size. */
START_TEST(bytes_of_an_emptied_block_are_none)
{
    struct store_head_item unknown = { .seq = 2 };

    store_head_add(&head, item(1, true));
    store_head_add(&head, item(2, true));
    ck_assert_uint_eq(head.bytes, 20);
    ck_assert(store_head_remove(&head, unknown));
    ck_assert_uint_eq(head.bytes, 20);
    ck_assert(store_head_remove(&head, item(1, false)));
    ck_assert_uint_eq(head.bytes, 0);
    ck_assert_uint_eq(head.spilled, 0);
}
END_TEST

START_TEST(loaded_blocks_count_and_are_not_told)
{
    struct store_head_count first = { .live = 2, .spilled = 1, .bytes = 9 };
    struct store_head_count last = { .live = 1000, .bytes = 7 };

    store_head_load(&head, 3, first);
    store_head_load(&head, 70, last);
    head.next_seq = 71 * BLOCK;
    head.counted_to = 71 * BLOCK;
    ck_assert_uint_eq(head.live, 1002);
    ck_assert_uint_eq(head.bytes, 16);
    ck_assert_uint_eq(head.spilled, 1);
    ck_assert_uint_eq(store_head_seq(&head), 3 * BLOCK);
    ck_assert_str_eq(changes(), "");
    store_head_correct(&head, &head.blocks[0],
                       (struct store_head_count){ .live = 0 });
    ck_assert_uint_eq(store_head_seq(&head), 70 * BLOCK);
    ck_assert_uint_eq(head.live, 1000);
    ck_assert_uint_eq(head.bytes, 7);
    ck_assert_uint_eq(head.spilled, 0);
    ck_assert_str_eq(changes(), " 3=0/0");
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
    tcase_add_test(tcase, blocks_that_differ_from_the_disk_are_told_once);
    tcase_add_test(tcase, emptied_block_is_told_even_when_many_came_after_it);
    tcase_add_test(tcase, split_block_tells_of_its_counted_part_only);
    tcase_add_test(tcase, bytes_of_an_emptied_block_are_none);
    tcase_add_test(tcase, loaded_blocks_count_and_are_not_told);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(store_head_suite());
}
