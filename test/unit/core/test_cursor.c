/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/cursor.h"
#include "test/testutil.h"

#include <check.h>
#include <stdlib.h>

static struct cursor cursor;

static void
assert_text(const char *expected)
{
    struct buf text = BUF_INIT;

    cursor_encode(&cursor, &text);
    ck_assert_msg(span_equal(buf_span(&text), span_of_text(expected)),
                  "got \"%.*s\", expected \"%s\"", (int)text.len, text.data,
                  expected);
    buf_fini(&text);
}

START_TEST(settled_in_order_the_position_moves_and_no_range_is_kept)
{
    cursor_init(&cursor, 1);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        cursor_pass(&cursor, seq);
        cursor_settle(&cursor, seq, seq + 1);
        ck_assert_uint_eq(cursor.len, 0);
    }
    assert_text("101 101");
    cursor_fini(&cursor);
}
END_TEST

START_TEST(settled_out_of_order_the_ranges_join_and_the_position_follows)
{
    cursor_init(&cursor, 10);
    cursor_settle(&cursor, 12, 13);
    cursor_settle(&cursor, 20, 21);
    cursor_settle(&cursor, 14, 16);
    assert_text("10 10 12-13 14-16 20-21");
    cursor_settle(&cursor, 13, 14);
    assert_text("10 10 12-16 20-21");
    cursor_settle(&cursor, 11, 25);
    assert_text("10 10 11-25");
    cursor_settle(&cursor, 10, 11);
    assert_text("25 25");
    cursor_settle(&cursor, 3, 7); /* long ago */
    assert_text("25 25");
    cursor_fini(&cursor);
}
END_TEST

START_TEST(what_is_passed_over_is_settled_with_what_is_taken)
{
    cursor_init(&cursor, 1);
    cursor_pass(&cursor, 5); /* 1-4 are not for it */
    assert_text("5 6");
    cursor_pass(&cursor, 9);
    assert_text("5 10 6-9");
    cursor_pass(&cursor, 5); /* came back and is handed out again */
    assert_text("5 10 6-9");
    cursor_settle(&cursor, 5, 6);
    assert_text("9 10");
    ck_assert(cursor_is_settled(&cursor, 8));
    ck_assert(!cursor_is_settled(&cursor, 9));
    cursor_fini(&cursor);
}
END_TEST

START_TEST(text_of_a_cursor_gives_the_same_cursor)
{
    struct cursor read;

    cursor_init(&cursor, 17);
    cursor_settle(&cursor, 20, 22);
    cursor_settle(&cursor, 24, UINT64_MAX);
    cursor_pass(&cursor, 18);
    ck_assert(
        cursor_decode(SPAN("18 19 20-22 24-18446744073709551615"), &read));
    ck_assert_uint_eq(read.position, cursor.position);
    ck_assert_uint_eq(read.passed, cursor.passed);
    ck_assert_uint_eq(read.len, 2);
    ck_assert_uint_eq(cursor_end(&read), UINT64_MAX);
    ck_assert_uint_eq(cursor_left(&read, 30), 4); /* 18 19 22 23 */
    cursor_fini(&read);
    cursor_fini(&cursor);
}
END_TEST

START_TEST(text_that_is_no_cursor_is_refused)
{
    static const char *const texts[] = {
        "",      "1",         "x 1",     "1 x",   "2 1",
        "1 1 5", "1 1 5-5",   "1 1 7-5", "1 1 -", "5 5 3-9",
        "1 1  ", "1 1 5-6-7", "1 1 a-b", "-1 1",  "1 18446744073709551616",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ck_assert_msg(!cursor_decode(span_of_text(texts[i]), &cursor), "\"%s\"",
                      texts[i]);
        assert_text("1 1");
        cursor_fini(&cursor);
    }
}
END_TEST

enum { MODEL_SIZE = 300 };

static void
assert_like_model(const bool *settled)
{
    uint64_t position = 1;
    uint64_t left = 0;
    bool same = true;

    while (position < MODEL_SIZE && settled[position]) {
        position++;
    }
    ck_assert_uint_eq(cursor.position, position);
    for (uint64_t seq = 1; seq < MODEL_SIZE; seq++) {
        same = same && cursor_is_settled(&cursor, seq) == settled[seq];
        left += settled[seq] ? 0 : 1;
    }
    ck_assert(same);
    ck_assert_uint_eq(cursor_left(&cursor, MODEL_SIZE), left);
    for (size_t i = 0; i < cursor.len; i++) {
        const struct cursor_range *range = &cursor.ranges[i];

        same = same && range->from < range->to &&
               range->from > (i == 0 ? cursor.position : (range - 1)->to);
    }
    ck_assert(same);
}

START_TEST(any_order_of_settling_agrees_with_a_table)
{
    srandom((unsigned)_i);
    for (int run = 0; run < 50; run++) {
        bool settled[MODEL_SIZE] = { false };

        cursor_init(&cursor, 1);
        for (int i = 0; i < 60; i++) {
            uint64_t from = 1 + (uint64_t)random() % (MODEL_SIZE - 1);
            uint64_t to = from + (uint64_t)random() % 9;

            to = to > MODEL_SIZE ? MODEL_SIZE : to;
            cursor_settle(&cursor, from, to);
            for (uint64_t seq = from; seq < to; seq++) {
                settled[seq] = true;
            }
            assert_like_model(settled);
        }
        cursor_fini(&cursor);
    }
}
END_TEST

static Suite *
cursor_suite(void)
{
    Suite *suite = suite_create("cursor");
    TCase *tcase = tcase_create("cursor");

    tcase_add_test(tcase,
                   settled_in_order_the_position_moves_and_no_range_is_kept);
    tcase_add_test(
        tcase, settled_out_of_order_the_ranges_join_and_the_position_follows);
    tcase_add_test(tcase, what_is_passed_over_is_settled_with_what_is_taken);
    tcase_add_test(tcase, text_of_a_cursor_gives_the_same_cursor);
    tcase_add_test(tcase, text_that_is_no_cursor_is_refused);
    tcase_add_loop_test(tcase, any_order_of_settling_agrees_with_a_table, 0,
                        10);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(cursor_suite());
}
