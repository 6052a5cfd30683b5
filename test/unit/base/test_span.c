/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include "base/alloc.h"
#include "test/testutil.h"

#include <stdlib.h>

START_TEST(spans_are_equal_by_their_bytes)
{
    ck_assert(span_equal(SPAN("abc"), SPAN("abc")));
    ck_assert(!span_equal(SPAN("abc"), SPAN("abd")));
    ck_assert(!span_equal(SPAN("abc"), SPAN("ab")));
    ck_assert(span_equal(SPAN("a\0b"), SPAN("a\0b")));
    ck_assert(!span_equal(SPAN("a\0b"), SPAN("a\0c")));
    ck_assert(span_equal(SPAN_NONE, SPAN("")));
}
END_TEST

START_TEST(case_is_ignored_for_ascii_only)
{
    ck_assert(span_equal_nocase(SPAN("TruE"), SPAN("tRUe")));
    ck_assert(!span_equal_nocase(SPAN("true"), SPAN("tru")));
    ck_assert(!span_equal_nocase(SPAN("[@`{"), SPAN("{`@[")));
    ck_assert(!span_equal_nocase(SPAN("\xC3\x89"), SPAN("\xC3\xA9")));
    ck_assert(span_equal_nocase(SPAN_NONE, SPAN_NONE));
}
END_TEST

START_TEST(a_prefix_may_be_empty_or_all)
{
    ck_assert(span_starts_with(SPAN("abc"), SPAN("")));
    ck_assert(span_starts_with(SPAN("abc"), SPAN("ab")));
    ck_assert(span_starts_with(SPAN("abc"), SPAN("abc")));
    ck_assert(!span_starts_with(SPAN("abc"), SPAN("abcd")));
    ck_assert(!span_starts_with(SPAN("abc"), SPAN("b")));
    ck_assert(span_starts_with(SPAN_NONE, SPAN_NONE));
}
END_TEST

START_TEST(order_is_that_of_the_bytes_then_of_the_length)
{
    ck_assert_int_lt(span_compare(SPAN("abc"), SPAN("abd")), 0);
    ck_assert_int_gt(span_compare(SPAN("\xff"), SPAN("a")), 0);
    ck_assert_int_lt(span_compare(SPAN("ab"), SPAN("ab\0")), 0);
    ck_assert_int_gt(span_compare(SPAN("b"), SPAN("abc")), 0);
    ck_assert_int_eq(span_compare(SPAN("abc"), SPAN("abc")), 0);
    ck_assert_int_eq(span_compare(SPAN_NONE, SPAN("")), 0);
}
END_TEST

START_TEST(trimming_takes_blanks_and_tabs_at_both_ends_only)
{
    ck_assert(span_equal(span_trim(SPAN(" \ta b\t ")), SPAN("a b")));
    ck_assert(span_equal(span_trim(SPAN("a\n")), SPAN("a\n")));
    ck_assert_uint_eq(span_trim(SPAN(" \t ")).len, 0);
    ck_assert_uint_eq(span_trim(SPAN_NONE).len, 0);
}
END_TEST

START_TEST(splitting_ends_with_no_data)
{
    struct span rest = SPAN("a,,b,");

    ck_assert(span_equal(span_split(&rest, ','), SPAN("a")));
    ck_assert(span_equal(span_split(&rest, ','), SPAN("")));
    ck_assert(span_equal(span_split(&rest, ','), SPAN("b")));
    ck_assert_ptr_nonnull(rest.data);
    ck_assert_uint_eq(span_split(&rest, ',').len, 0);
    ck_assert_ptr_null(rest.data);
    ck_assert_ptr_null(span_split(&rest, ',').data);
}
END_TEST

START_TEST(plain_decimals_are_numbers)
{
    uint64_t value = 7;

    ck_assert(span_to_u64(SPAN("0"), &value));
    ck_assert_uint_eq(value, 0);
    ck_assert(span_to_u64(SPAN("0042"), &value));
    ck_assert_uint_eq(value, 42);
    ck_assert(span_to_u64(SPAN("18446744073709551615"), &value));
    ck_assert_uint_eq(value, UINT64_MAX);
}
END_TEST

static const char *const span_no_numbers[] = {
    "",
    "-1",
    "+1",
    " 1",
    "1 ",
    "0x1",
    "1a",
    "1.0",
    "18446744073709551616",
    "99999999999999999999",
    "184467440737095516150",
    "/",
    ":",
};
enum {
    SPAN_NO_NUMBER_COUNT = sizeof(span_no_numbers) / sizeof(span_no_numbers[0])
};

START_TEST(anything_else_is_no_number_and_changes_nothing)
{
    uint64_t value = 7;

    ck_assert_msg(!span_to_u64(span_of_text(span_no_numbers[_i]), &value),
                  "\"%s\" was taken", span_no_numbers[_i]);
    ck_assert_uint_eq(value, 7);
}
END_TEST

START_TEST(signed_numbers_reach_from_the_smallest_to_the_largest)
{
    int64_t value = 7;

    ck_assert(span_to_i64(SPAN("9223372036854775807"), &value));
    ck_assert_int_eq(value, INT64_MAX);
    ck_assert(span_to_i64(SPAN("-9223372036854775808"), &value));
    ck_assert_int_eq(value, INT64_MIN);
    ck_assert(span_to_i64(SPAN("-0"), &value));
    ck_assert_int_eq(value, 0);
}
END_TEST

START_TEST(a_signed_number_out_of_range_changes_nothing)
{
    int64_t value = 7;

    ck_assert(!span_to_i64(SPAN("9223372036854775808"), &value));
    ck_assert(!span_to_i64(SPAN("-9223372036854775809"), &value));
    ck_assert(!span_to_i64(SPAN("-"), &value));
    ck_assert(!span_to_i64(SPAN("--1"), &value));
    ck_assert_int_eq(value, 7);
}
END_TEST

START_TEST(i18_true_in_any_case_and_1_are_true)
{
    ck_assert(span_is_true(SPAN("true")));
    ck_assert(span_is_true(SPAN("True")));
    ck_assert(span_is_true(SPAN("TRUE")));
    ck_assert(span_is_true(SPAN("1")));
    ck_assert(!span_is_true(SPAN("false")));
    ck_assert(!span_is_true(SPAN("yes")));
    ck_assert(!span_is_true(SPAN("11")));
    ck_assert(!span_is_true(SPAN_NONE));
}
END_TEST

/* The decoder of RFC 3629 in its plainest form, to compare with. */
static bool
plain_is_utf8(const unsigned char *p, size_t len)
{
    while (len > 0) {
        size_t size = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
        uint32_t code = size == 1   ? p[0]
                        : size == 2 ? p[0] & 0x1FU
                        : size == 3 ? p[0] & 0x0FU
                                    : p[0] & 0x07U;
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

        if ((p[0] >= 0x80 && p[0] < 0xC0) || p[0] > 0xF7 || size > len) {
            return false;
        }
        for (size_t i = 1; i < size; i++) {
            if ((p[i] & 0xC0) != 0x80) {
                return false;
            }
            code = code << 6 | (p[i] & 0x3FU);
        }
        if (code < least[size] || code > 0x10FFFF ||
            (code >= 0xD800 && code <= 0xDFFF)) {
            return false;
        }
        p += size;
        len -= size;
    }
    return true;
}

START_TEST(utf8_is_told_as_the_plain_decoder_tells_it)
{
    /* Octets at which the rules change; all strings of four of them. */
    static const unsigned char edges[] = {
        0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
        0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
        0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF,
    };
    const size_t count = sizeof(edges);

    for (size_t n = 0; n < count * count * count * count; n++) {
        unsigned char text[4] = {
            edges[n % count],
            edges[n / count % count],
            edges[n / count / count % count],
            edges[n / count / count / count],
        };
        bool got = span_is_utf8(span_of((const char *)text, sizeof(text)));

        if (got != plain_is_utf8(text, sizeof(text))) {
            ck_abort_msg("%02x %02x %02x %02x: got %d", text[0], text[1],
                         text[2], text[3], got);
        }
    }
}
END_TEST

START_TEST(utf8_is_checked_behind_long_ascii_at_every_offset)
{
    for (size_t at = 0; at < 40; at++) {
        char text[42];

        memset(text, 'a', sizeof(text));
        text[at] = '\xC3';
        ck_assert(!span_is_utf8(span_of(text, sizeof(text))));
        text[at + 1] = '\xA9';
        ck_assert(span_is_utf8(span_of(text, sizeof(text))));
        ck_assert(!span_is_utf8(span_of(text, at + 1)));
    }
    ck_assert(span_is_utf8(SPAN_NONE));
}
END_TEST

START_TEST(peer_bytes_are_escaped_for_a_person)
{
    char text[64];

    ck_assert_str_eq(span_escape(SPAN("a\nb\\\x7F\xC3\0"), text, sizeof(text)),
                     "a\\x0ab\\x5c\\x7f\\xc3\\x00");
    ck_assert_str_eq(span_escape(SPAN_NONE, text, sizeof(text)), "");
}
END_TEST

START_TEST(a_long_text_is_cut_with_dots_and_never_overruns)
{
    for (size_t size = 4; size < 40; size++) {
        char *text = xmalloc(size);

        (void)span_escape(SPAN("abcdefg\nhijklmnopqrstuvwxyz"), text, size);
        ck_assert_uint_lt(strlen(text), size);
        if (size < 31) {
            ck_assert_str_eq(text + strlen(text) - 3, "...");
        }
        free(text);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("span");
    TCase *tcase = tcase_create("span");

    tcase_add_test(tcase, spans_are_equal_by_their_bytes);
    tcase_add_test(tcase, case_is_ignored_for_ascii_only);
    tcase_add_test(tcase, a_prefix_may_be_empty_or_all);
    tcase_add_test(tcase, order_is_that_of_the_bytes_then_of_the_length);
    tcase_add_test(tcase, trimming_takes_blanks_and_tabs_at_both_ends_only);
    tcase_add_test(tcase, splitting_ends_with_no_data);
    tcase_add_test(tcase, plain_decimals_are_numbers);
    tcase_add_loop_test(tcase, anything_else_is_no_number_and_changes_nothing,
                        0, SPAN_NO_NUMBER_COUNT);
    tcase_add_test(tcase,
                   signed_numbers_reach_from_the_smallest_to_the_largest);
    tcase_add_test(tcase, a_signed_number_out_of_range_changes_nothing);
    tcase_add_test(tcase, i18_true_in_any_case_and_1_are_true);
    tcase_add_test(tcase, utf8_is_told_as_the_plain_decoder_tells_it);
    tcase_add_test(tcase, utf8_is_checked_behind_long_ascii_at_every_offset);
    tcase_add_test(tcase, peer_bytes_are_escaped_for_a_person);
    tcase_add_test(tcase, a_long_text_is_cut_with_dots_and_never_overruns);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
