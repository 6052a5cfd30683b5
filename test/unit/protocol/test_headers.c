/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/headers.h"

#include "test/testutil.h"

START_TEST(every_known_name_is_classified)
{
    struct span name = header_name((enum header_id)_i);

    ck_assert_msg((int)header_id_of(name) == _i, "%.*s is not found",
                  (int)name.len, name.data);
}
END_TEST

static const char *const header_unknown_names[] = {
    "",
    "i",
    "ID",
    "Id",
    "idx",
    "xd",
    "acks",
    "destinatio",
    "destinations",
    "Destination",
    "destinatiox",
    "content-lengtH",
    "content_length",
    "activemq.maximumPendingMessageLimitX",
    "a-name-that-is-longer-than-every-known-one-by-far",
};
enum {
    HEADER_UNKNOWN_COUNT =
        sizeof(header_unknown_names) / sizeof(header_unknown_names[0])
};

START_TEST(v12_012_any_other_name_is_carried_as_other)
{
    struct span name = span_of_text(header_unknown_names[_i]);

    ck_assert_int_eq(header_id_of(name), HEADER_OTHER);
}
END_TEST

/* What one name and value are in a version. */
struct header_case {
    struct span name;
    struct span value;
    const char *v1_2;
    const char *v1_1;
    const char *v1_0;
    const char *raw;
};

#define S(literal)                                                             \
    {                                                                          \
        .data = (literal), .len = sizeof(literal) - 1                          \
    }

static const struct header_case header_cases[] = {
    { S("foo"), S("bar"), "foo:bar\n", "foo:bar\n", "foo:bar\n", "foo:bar\n" },
    /* V12-035, V11-003, V10-003, V10-004, D4 */
    { S("foo"), S("a:b\\c\nd\re"), "foo:a\\cb\\\\c\\nd\\re\n",
      "foo:a\\cb\\\\c\\nd\re\n", "foo:a:b\\c d e\n", "foo:a:b\\c d e\n" },
    { S("f:o\n\\\r"), S("x"), "f\\co\\n\\\\\\r:x\n", "f\\co\\n\\\\\r:x\n",
      "f o \\ :x\n", "f o \\ :x\n" },
    /* V12-017, V10-025 */
    { S("foo"), S(""), "foo:\n", "foo:\n", "", "foo:\n" },
    /* no NUL ends the frame early */
    { S("f\0o"), S("a\0b"), "f o:a b\n", "f o:a b\n", "f o:a b\n",
      "f o:a b\n" },
    { S(" f "), S(" \xC3\xA9 "), " f : \xC3\xA9 \n", " f : \xC3\xA9 \n",
      " f : \xC3\xA9 \n", " f : \xC3\xA9 \n" },
};
enum { HEADER_CASE_COUNT = sizeof(header_cases) / sizeof(header_cases[0]) };

static void
assert_text(const struct buf *got, const char *expected)
{
    ck_assert_msg(span_equal(buf_span(got), span_of_text(expected)),
                  "got \"%.*s\", expected \"%s\"", (int)got->len,
                  got->len > 0 ? got->data : "", expected);
}

static void
assert_appended(const struct header_case *row, enum stomp_version version,
                const char *expected)
{
    struct buf out = BUF_INIT;

    header_append(&out, row->name, row->value, version);
    assert_text(&out, expected);
    buf_fini(&out);
}

START_TEST(v12_035_a_header_is_written_as_its_version_can_carry_it)
{
    const struct header_case *row = &header_cases[_i];

    assert_appended(row, STOMP_1_2, row->v1_2);
    assert_appended(row, STOMP_1_1, row->v1_1);
    assert_appended(row, STOMP_1_0, row->v1_0);
    assert_appended(row, STOMP_NONE, row->raw);
}
END_TEST

START_TEST(v12_038_a_stored_block_reads_as_if_written_for_the_version)
{
    const struct header_case *row = &header_cases[_i];
    struct buf block = BUF_INIT;
    struct buf out = BUF_INIT;

    header_append(&block, row->name, row->value, STOMP_1_2);
    headers_transcode(&out, buf_span(&block), STOMP_1_2);
    assert_text(&out, row->v1_2);
    buf_clear(&out);
    headers_transcode(&out, buf_span(&block), STOMP_1_1);
    assert_text(&out, row->v1_1);
    buf_clear(&out);
    headers_transcode(&out, buf_span(&block), STOMP_1_0);
    assert_text(&out, row->v1_0);
    buf_fini(&block);
    buf_fini(&out);
}
END_TEST

START_TEST(a_block_of_many_lines_is_transcoded_line_by_line)
{
    struct span block = SPAN("a:1\nb:\nc:x\\cy\nd\\ce:\\\\\n");
    struct buf out = BUF_INIT;

    headers_transcode(&out, block, STOMP_1_0);
    assert_text(&out, "a:1\nc:x:y\nd e:\\\n");
    buf_clear(&out);
    headers_transcode(&out, SPAN_NONE, STOMP_1_0);
    assert_text(&out, "");
    buf_fini(&out);
}
END_TEST

START_TEST(a_damaged_line_of_a_block_is_left_out)
{
    struct buf out = BUF_INIT;

    headers_transcode(&out, SPAN("a:\\x\nb:\\n\n"), STOMP_1_1);
    assert_text(&out, "b:\\n\n");
    buf_fini(&out);
}
END_TEST

START_TEST(a_block_is_plain_without_escapes_and_empty_values)
{
    ck_assert(headers_block_is_plain(SPAN_NONE));
    ck_assert(headers_block_is_plain(SPAN("")));
    ck_assert(headers_block_is_plain(SPAN("a:1\nb:2\n")));
    ck_assert(!headers_block_is_plain(SPAN("a:1\nb:\n")));
    ck_assert(!headers_block_is_plain(SPAN("a:\nb:2\n")));
    ck_assert(!headers_block_is_plain(SPAN("a:1\nb:\\n\n")));
}
END_TEST

START_TEST(a_value_is_plain_when_every_version_carries_it_as_it_is)
{
    ck_assert(header_is_plain(SPAN("a b-\xC3\xA9")));
    ck_assert(!header_is_plain(SPAN("")));
    ck_assert(!header_is_plain(SPAN("a:b")));
    ck_assert(!header_is_plain(SPAN("a\\b")));
    ck_assert(!header_is_plain(SPAN("a\nb")));
    ck_assert(!header_is_plain(SPAN("a\rb")));
    ck_assert(!header_is_plain(SPAN("a\0b")));
}
END_TEST

START_TEST(a_line_of_a_block_is_found_by_its_name)
{
    struct span block = SPAN("a:1\nab:\\n\nc:\na:2\n");

    ck_assert(span_equal(headers_block_find(block, SPAN("a")), SPAN("1")));
    ck_assert(span_equal(headers_block_find(block, SPAN("ab")), SPAN("\\n")));
    ck_assert_ptr_nonnull(headers_block_find(block, SPAN("c")).data);
    ck_assert_uint_eq(headers_block_find(block, SPAN("c")).len, 0);
    ck_assert_ptr_null(headers_block_find(block, SPAN("b")).data);
    ck_assert_ptr_null(headers_block_find(SPAN_NONE, SPAN("a")).data);
}
END_TEST

START_TEST(a_known_name_is_written_as_any_other)
{
    for (int id = 0; id < HEADER_OTHER; id++) {
        for (int v = STOMP_NONE; v <= STOMP_1_2; v++) {
            struct buf known = BUF_INIT;
            struct buf any = BUF_INIT;

            header_append_known(&known, id, SPAN("a:b\\c\nd"), v);
            header_append_known(&known, id, SPAN(""), v);
            header_append(&any, header_name(id), SPAN("a:b\\c\nd"), v);
            header_append(&any, header_name(id), SPAN(""), v);
            ck_assert_uint_eq(known.len, any.len);
            ck_assert_mem_eq(known.data, any.data, any.len);
            buf_fini(&known);
            buf_fini(&any);
        }
    }
}
END_TEST

START_TEST(numbers_are_written_in_decimal)
{
    struct buf out = BUF_INIT;

    header_append_u64(&out, SPAN("n"), 0);
    header_append_u64(&out, SPAN("m"), UINT64_MAX);
    assert_text(&out, "n:0\nm:18446744073709551615\n");
    buf_fini(&out);
}
END_TEST

START_TEST(v12_032_escapes_are_undone_once_and_in_place_if_wanted)
{
    char text[] = "a\\\\nb\\cc\\n\\r";
    size_t bad = 0;
    ptrdiff_t len = header_unescape(span_of_text(text), STOMP_1_2, text, &bad);

    ck_assert_int_eq(len, 8);
    ck_assert_mem_eq(text, "a\\nb:c\n\r", 8);
}
END_TEST

START_TEST(v12_033_the_offset_of_an_undefined_escape_is_told)
{
    char room[16];
    size_t bad = 99;

    ck_assert_int_eq(header_unescape(SPAN("ab\\t"), STOMP_1_2, room, &bad), -1);
    ck_assert_uint_eq(bad, 2);
    ck_assert_int_eq(header_unescape(SPAN("a\\n\\"), STOMP_1_2, room, &bad),
                     -1);
    ck_assert_uint_eq(bad, 3);
    ck_assert_int_eq(header_unescape(SPAN("\\r"), STOMP_1_1, room, &bad), -1);
    ck_assert_uint_eq(bad, 0);
}
END_TEST

START_TEST(v10_003_a_backslash_is_itself_in_1_0)
{
    char room[16];
    size_t bad;

    ck_assert_int_eq(header_unescape(SPAN("\\n\\t\\"), STOMP_1_0, room, &bad),
                     5);
    ck_assert_mem_eq(room, "\\n\\t\\", 5);
    ck_assert_int_eq(header_unescape(SPAN("\\c"), STOMP_NONE, room, &bad), 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("headers");
    TCase *tcase = tcase_create("headers");

    tcase_add_loop_test(tcase, every_known_name_is_classified, HEADER_OTHER,
                        HEADER_ID_COUNT);
    tcase_add_loop_test(tcase, v12_012_any_other_name_is_carried_as_other, 0,
                        HEADER_UNKNOWN_COUNT);
    tcase_add_loop_test(tcase,
                        v12_035_a_header_is_written_as_its_version_can_carry_it,
                        0, HEADER_CASE_COUNT);
    tcase_add_loop_test(
        tcase, v12_038_a_stored_block_reads_as_if_written_for_the_version, 0,
        HEADER_CASE_COUNT);
    tcase_add_test(tcase, a_block_of_many_lines_is_transcoded_line_by_line);
    tcase_add_test(tcase, a_damaged_line_of_a_block_is_left_out);
    tcase_add_test(tcase, a_block_is_plain_without_escapes_and_empty_values);
    tcase_add_test(tcase,
                   a_value_is_plain_when_every_version_carries_it_as_it_is);
    tcase_add_test(tcase, a_line_of_a_block_is_found_by_its_name);
    tcase_add_test(tcase, a_known_name_is_written_as_any_other);
    tcase_add_test(tcase, numbers_are_written_in_decimal);
    tcase_add_test(tcase,
                   v12_032_escapes_are_undone_once_and_in_place_if_wanted);
    tcase_add_test(tcase, v12_033_the_offset_of_an_undefined_escape_is_told);
    tcase_add_test(tcase, v10_003_a_backslash_is_itself_in_1_0);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
