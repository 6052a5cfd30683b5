/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/alloc.h"
#include "test/testutil.h"

#include <stdio.h>

/* The linker sends try_realloc here (--wrap). */
void *__real_try_realloc(void *ptr, size_t size);
void *__wrap_try_realloc(void *ptr, size_t size);

static bool memory_is_out;

void *
__wrap_try_realloc(void *ptr, size_t size)
{
    return memory_is_out ? NULL : __real_try_realloc(ptr, size);
}

START_TEST(an_empty_buffer_holds_no_memory)
{
    struct buf buf = BUF_INIT;

    buf_append(&buf, "", 0);
    buf_append_span(&buf, SPAN_NONE);
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(buf.capacity, 0);
    buf_fini(&buf);
}
END_TEST

START_TEST(bytes_are_appended_in_order_across_growth)
{
    struct buf buf = BUF_INIT;

    for (int i = 0; i < 10000; i++) {
        buf_append_char(&buf, (char)(i % 251));
    }
    ck_assert_uint_eq(buf.len, 10000);
    for (int i = 0; i < 10000; i++) {
        ck_assert_int_eq((unsigned char)buf.data[i], i % 251);
    }
    buf_fini(&buf);
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(buf.len, 0);
}
END_TEST

START_TEST(growth_doubles_so_that_appending_stays_cheap)
{
    struct buf buf = BUF_INIT;
    size_t growths = 0;

    for (int i = 0; i < 100000; i++) {
        size_t before = buf.capacity;

        buf_append_char(&buf, 'x');
        growths += buf.capacity != before;
    }
    ck_assert_uint_lt(growths, 12);
    buf_fini(&buf);
}
END_TEST

START_TEST(room_that_is_there_is_not_grown)
{
    struct buf buf = BUF_INIT;
    size_t capacity;

    buf_grow(&buf, 1000);
    capacity = buf.capacity;
    ck_assert_uint_ge(capacity, 1000);
    buf_grow(&buf, 1000);
    ck_assert(buf_try_grow(&buf, 1000));
    ck_assert_uint_eq(buf.capacity, capacity);
    buf_fini(&buf);
}
END_TEST

START_TEST(a_growth_that_cannot_be_had_changes_nothing)
{
    struct buf buf = BUF_INIT;

    buf_append_span(&buf, SPAN("abc"));
    memory_is_out = true;
    ck_assert(!buf_try_grow(&buf, 1000));
    memory_is_out = false;
    ck_assert(span_equal(buf_span(&buf), SPAN("abc")));
    ck_assert(buf_try_grow(&buf, 1000));
    ck_assert(span_equal(buf_span(&buf), SPAN("abc")));
    ck_assert_uint_ge(buf.capacity, 1003);
    buf_fini(&buf);
}
END_TEST

START_TEST(consuming_keeps_the_rest)
{
    struct buf buf = BUF_INIT;

    buf_append_span(&buf, SPAN("abcdef"));
    buf_consume(&buf, 0);
    buf_consume(&buf, 2);
    ck_assert(span_equal(buf_span(&buf), SPAN("cdef")));
    buf_consume(&buf, 4);
    ck_assert_uint_eq(buf.len, 0);
    buf_consume(&buf, 0);
    buf_fini(&buf);
}
END_TEST

START_TEST(clearing_keeps_the_room)
{
    struct buf buf = BUF_INIT;
    const char *data;

    buf_append_span(&buf, SPAN("abc"));
    data = buf.data;
    buf_clear(&buf);
    ck_assert_uint_eq(buf.len, 0);
    ck_assert_ptr_eq(buf.data, data);
    buf_fini(&buf);
}
END_TEST

START_TEST(numbers_are_written_in_decimal)
{
    static const uint64_t values[] = { 0, 9, 10, 4294967296, UINT64_MAX };
    struct buf buf = BUF_INIT;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        buf_append_u64(&buf, values[i]);
        buf_append_char(&buf, ' ');
    }
    ck_assert(span_equal(buf_span(&buf),
                         SPAN("0 9 10 4294967296 18446744073709551615 ")));
    buf_fini(&buf);
}
END_TEST

START_TEST(numbers_of_every_length_are_what_printf_writes)
{
    char text[20];
    char expected[24];

    for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
        for (uint64_t value = power - 1; value <= power + 110; value++) {
            size_t len = u64_to_text(value, text);
            int printed = snprintf(expected, sizeof(expected), "%llu",
                                   (unsigned long long)value);

            ck_assert_uint_eq(len, (size_t)printed);
            ck_assert_mem_eq(text, expected, len);
        }
    }
}
END_TEST

START_TEST(formatted_text_is_appended_without_its_nul)
{
    struct buf buf = BUF_INIT;

    buf_append_span(&buf, SPAN("a"));
    buf_appendf(&buf, "%s-%d", "b", 7);
    buf_appendf(&buf, "%300s", "c");
    ck_assert_uint_eq(buf.len, 304);
    ck_assert_mem_eq(buf.data, "ab-7 ", 5);
    ck_assert_int_eq(buf.data[303], 'c');
    buf_fini(&buf);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("buf");
    TCase *tcase = tcase_create("buf");

    tcase_add_test(tcase, an_empty_buffer_holds_no_memory);
    tcase_add_test(tcase, bytes_are_appended_in_order_across_growth);
    tcase_add_test(tcase, growth_doubles_so_that_appending_stays_cheap);
    tcase_add_test(tcase, room_that_is_there_is_not_grown);
    tcase_add_test(tcase, a_growth_that_cannot_be_had_changes_nothing);
    tcase_add_test(tcase, consuming_keeps_the_rest);
    tcase_add_test(tcase, clearing_keeps_the_room);
    tcase_add_test(tcase, numbers_are_written_in_decimal);
    tcase_add_test(tcase, numbers_of_every_length_are_what_printf_writes);
    tcase_add_test(tcase, formatted_text_is_appended_without_its_nul);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
