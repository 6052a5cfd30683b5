/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser against the conformance statements of STOMP 1.0, 1.1 and 1.2.
 * Every row runs with the input whole, cut in two at each octet, and octet by
 * octet; all must give the same frames, the same outcome and the same text.
 */
#include "protocol/frame_parser.h"

#include "base/alloc.h"
#include "test/testutil.h"
#include "test/unit/protocol/parser_feed.h"

#include <stdlib.h>

struct parser_case {
    const char *name; /* the statement's number, and what it says */
    enum stomp_version version;
    struct span input;
    const char *expected;
};

#define INPUT(literal)                                                         \
    {                                                                          \
        .data = (literal), .len = sizeof(literal) - 1                          \
    }

static const struct parser_case parser_cases[] = {
#include "test/unit/protocol/parser_cases.h"
};
enum { PARSER_CASE_COUNT = sizeof(parser_cases) / sizeof(parser_cases[0]) };

/* Small enough that rows can pass them. */
static const struct frame_limits parser_case_limits = {
    .command_bytes = 16,
    .header_bytes = 40,
    .headers_bytes = 100,
    .header_count = 6,
    .body_bytes = 32,
};

static void
parser_case_check(const struct parser_case *row, size_t cut, size_t step)
{
    struct parser_feed feed;
    struct span rest = span_after(row->input, cut);

    parser_feed_init(&feed, &parser_case_limits, row->version);
    parser_feed_piece(&feed, span_of(row->input.data, cut));
    while (rest.len > 0) {
        size_t count = step < rest.len ? step : rest.len;

        parser_feed_piece(&feed, span_of(rest.data, count));
        rest = span_after(rest, count);
    }
    ck_assert_msg(strcmp(parser_feed_end(&feed), row->expected) == 0,
                  "%s: cut at %zu, then by %zu:\n%s\nbut expected:\n%s",
                  row->name, cut, step, feed.transcript.data, row->expected);
    parser_feed_fini(&feed);
}

START_TEST(a_frame_reads_the_same_whole_and_cut_at_every_octet)
{
    const struct parser_case *row = &parser_cases[_i];

    parser_case_check(row, 0, row->input.len);
    parser_case_check(row, 0, 1);
    for (size_t cut = 1; cut < row->input.len; cut++) {
        parser_case_check(row, cut, row->input.len);
    }
}
END_TEST

/* Feeds all of text and expects one frame, and MORE after it. */
static const struct frame *
feed_one(struct frame_parser *parser, struct span *in)
{
    const struct frame *frame = NULL;
    struct error err = ERROR_INIT;
    enum frame_parse outcome = frame_parser_feed(parser, in, &frame, &err);

    ck_assert_msg(outcome == FRAME_PARSE_FRAME, "outcome %d: %s", (int)outcome,
                  err.text);
    return frame;
}

static struct frame_parser *
parser_1_2(void)
{
    struct frame_parser *parser = frame_parser_new(&frame_limits_default);

    frame_parser_set_version(parser, STOMP_1_2);
    return parser;
}

START_TEST(a_frame_whole_in_the_input_is_borrowed_from_it)
{
    struct span text = SPAN("SEND\ndestination:/queue/a\n\nhello\0MESS");
    struct span in = text;
    struct frame_parser *parser = parser_1_2();
    const struct frame *frame = feed_one(parser, &in);

    ck_assert_ptr_eq(frame->command_text.data, text.data);
    ck_assert_ptr_eq(frame_get(frame, HEADER_DESTINATION).data, text.data + 17);
    ck_assert_ptr_eq(frame->body.data, text.data + 27);
    ck_assert_uint_eq(in.len, 4);
    ck_assert_uint_eq(frame_parser_held_bytes(parser), 0);
    frame_parser_free(&parser);
    ck_assert_ptr_null(parser);
}
END_TEST

START_TEST(a_frame_in_pieces_leaves_what_follows_it_in_the_input)
{
    struct span first = SPAN("SEND\ncontent-length:5\n\nhe");
    struct span second = SPAN("llo\0SEND\n");
    struct frame_parser *parser = parser_1_2();
    const struct frame *frame = NULL;

    ck_assert_int_eq(frame_parser_feed(parser, &first, &frame, NULL),
                     FRAME_PARSE_MORE);
    ck_assert(frame_parser_is_inside(parser));
    ck_assert_uint_gt(frame_parser_held_bytes(parser), 0);
    frame = feed_one(parser, &second);
    ck_assert(span_equal(frame->body, SPAN("hello")));
    ck_assert(span_equal(second, SPAN("SEND\n")));
    frame_parser_free(&parser);
}
END_TEST

START_TEST(an_idle_parser_gives_back_what_a_big_frame_took)
{
    struct frame_parser *parser = parser_1_2();
    struct buf text = BUF_INIT;
    struct span in;
    struct span none = SPAN_NONE;
    const struct frame *frame = NULL;

    buf_append_span(&text, SPAN("SEND\n\n"));
    memset(buf_reserve(&text, 100000), 'x', 100000);
    text.len += 100000;
    in = buf_span(&text);
    ck_assert_int_eq(frame_parser_feed(parser, &in, &frame, NULL),
                     FRAME_PARSE_MORE);
    ck_assert_uint_ge(frame_parser_held_bytes(parser), 100000);
    in = SPAN("\0");
    frame = feed_one(parser, &in);
    ck_assert_uint_eq(frame->body.len, 100000);
    ck_assert_int_eq(frame_parser_feed(parser, &none, &frame, NULL),
                     FRAME_PARSE_MORE);
    ck_assert_uint_eq(frame_parser_held_bytes(parser), 0);
    ck_assert(!frame_parser_is_inside(parser));
    buf_fini(&text);
    frame_parser_free(&parser);
}
END_TEST

START_TEST(a_promised_length_takes_no_memory_before_the_bytes_come)
{
    struct span in = SPAN("SEND\ncontent-length:16000000\n\nx");
    struct frame_parser *parser = parser_1_2();
    const struct frame *frame = NULL;

    ck_assert_int_eq(frame_parser_feed(parser, &in, &frame, NULL),
                     FRAME_PARSE_MORE);
    ck_assert_uint_lt(frame_parser_held_bytes(parser), 128 * 1024);
    frame_parser_free(&parser);
}
END_TEST

START_TEST(v12_055_a_length_above_the_limit_is_refused_with_the_headers)
{
    struct span in = SPAN("SEND\ndestination:/queue/a\nreceipt:77\n"
                          "content-length:99999999\n\nbody");
    struct frame_parser *parser = parser_1_2();
    const struct frame *frame = NULL;
    struct error err = ERROR_INIT;

    ck_assert_int_eq(frame_parser_feed(parser, &in, &frame, &err),
                     FRAME_PARSE_TOO_BIG);
    ck_assert_str_eq(err.text, "content-length 99999999 is above the limit of "
                               "16777216 bytes");
    frame = frame_parser_rejected(parser);
    ck_assert_int_eq(frame->command, FRAME_SEND);
    ck_assert(span_equal(frame_get(frame, HEADER_RECEIPT), SPAN("77")));
    ck_assert(
        span_equal(frame_get(frame, HEADER_DESTINATION), SPAN("/queue/a")));
    frame_parser_free(&parser);
}
END_TEST

START_TEST(a_failed_parser_repeats_its_refusal_and_takes_nothing)
{
    struct span in = SPAN("SEND\nno colon\n\n\0");
    struct span next = SPAN("SEND\n\n\0");
    struct frame_parser *parser = parser_1_2();
    const struct frame *frame = NULL;
    struct error first = ERROR_INIT;
    struct error second = ERROR_INIT;

    ck_assert_int_eq(frame_parser_feed(parser, &in, &frame, &first),
                     FRAME_PARSE_INVALID);
    ck_assert_int_eq(frame_parser_feed(parser, &next, &frame, &second),
                     FRAME_PARSE_INVALID);
    ck_assert_str_eq(first.text, second.text);
    ck_assert_uint_eq(next.len, 7);
    ck_assert(!frame_parser_is_inside(parser));
    frame_parser_free(&parser);
}
END_TEST

START_TEST(v12_123_a_version_set_between_frames_holds_for_the_next)
{
    struct span in = SPAN("CONNECT\nlogin:a\\cb\n\n\0SEND\nfoo:a\\cb\n\n\0");
    struct frame_parser *parser = frame_parser_new(&frame_limits_default);
    const struct frame *frame = feed_one(parser, &in);

    ck_assert(span_equal(frame_get(frame, HEADER_LOGIN), SPAN("a\\cb")));
    frame_parser_set_version(parser, STOMP_1_1);
    frame = feed_one(parser, &in);
    ck_assert(span_equal(frame_find(frame, SPAN("foo")), SPAN("a:b")));
    frame_parser_free(&parser);
}
END_TEST

START_TEST(limits_set_inside_a_frame_hold_from_the_next_one)
{
    static const struct frame_limits small = {
        .command_bytes = 8,
        .header_bytes = 4,
        .headers_bytes = 8,
        .header_count = 1,
        .body_bytes = 1,
    };
    struct span half = SPAN("SEND\nfoo:");
    struct span rest = SPAN("long value\n\n\0SEND\nfoo:long\n\n\0");
    struct frame_parser *parser = parser_1_2();
    const struct frame *frame = NULL;

    ck_assert_int_eq(frame_parser_feed(parser, &half, &frame, NULL),
                     FRAME_PARSE_MORE);
    frame_parser_set_limits(parser, &small);
    frame_parser_set_limits(parser, &small);
    (void)feed_one(parser, &rest);
    ck_assert_int_eq(frame_parser_feed(parser, &rest, &frame, NULL),
                     FRAME_PARSE_TOO_BIG);
    frame_parser_free(&parser);
}
END_TEST

START_TEST(many_headers_with_escapes_survive_growth_when_fed_by_octet)
{
    struct frame_parser *parser = parser_1_2();
    struct buf text = BUF_INIT;
    const struct frame *frame = NULL;
    enum frame_parse outcome = FRAME_PARSE_MORE;

    buf_append_span(&text, SPAN("SEND\n"));
    for (int i = 0; i < 200; i++) {
        buf_appendf(&text, "na\\c%d:%s\\n%d\n", i, i % 2 ? "va" : "", i);
    }
    buf_append(&text, "\nbody\0", 6);
    for (size_t i = 0; i < text.len; i++) {
        struct span octet = span_of(text.data + i, 1);

        ck_assert_int_eq(outcome, FRAME_PARSE_MORE);
        outcome = frame_parser_feed(parser, &octet, &frame, NULL);
    }
    ck_assert_int_eq(outcome, FRAME_PARSE_FRAME);
    ck_assert_uint_eq(frame->header_count, 200);
    for (int i = 0; i < 200; i++) {
        char *name = xasprintf("na:%d", i);
        char *value = xasprintf("%s\n%d", i % 2 ? "va" : "", i);

        ck_assert(span_equal(frame->headers[i].name, span_of_text(name)));
        ck_assert(span_equal(frame->headers[i].value, span_of_text(value)));
        free(name);
        free(value);
    }
    ck_assert(span_equal(frame->body, SPAN("body")));
    buf_fini(&text);
    frame_parser_free(&parser);
}
END_TEST

START_TEST(v12_080_the_first_of_repeated_names_counts_among_many)
{
    struct frame_parser *parser = parser_1_2();
    struct buf text = BUF_INIT;
    struct span in;
    const struct frame *frame;

    buf_append_span(&text, SPAN("SEND\n"));
    for (int i = 0; i < 240; i++) {
        buf_appendf(&text, "%sname-%d:%d\n", i % 7 == 0 ? "\\c" : "", i % 120,
                    i);
    }
    buf_append_span(&text, SPAN("receipt:1\nreceipt:2\n\n"));
    buf_append_char(&text, '\0');
    in = buf_span(&text);
    frame = feed_one(parser, &in);
    /* 120 plain names (no two rounds escape the same), 35 with an escape,
     * and the receipt. */
    for (size_t i = 0; i < frame->header_count; i++) {
        for (size_t k = 0; k < i; k++) {
            ck_assert(
                !span_equal(frame->headers[i].name, frame->headers[k].name));
        }
    }
    ck_assert(span_equal(frame_find(frame, SPAN("name-1")), SPAN("1")));
    ck_assert(span_equal(frame_find(frame, SPAN("name-119")), SPAN("239")));
    ck_assert(span_equal(frame_find(frame, SPAN(":name-119")), SPAN("119")));
    ck_assert(span_equal(frame_get(frame, HEADER_RECEIPT), SPAN("1")));
    ck_assert_uint_eq(frame->header_count, 156);
    buf_fini(&text);
    frame_parser_free(&parser);
}
END_TEST

START_TEST(v12_061_every_octet_value_is_carried_in_a_counted_body)
{
    struct frame_parser *parser = parser_1_2();
    struct buf text = BUF_INIT;
    struct span in;
    const struct frame *frame;

    buf_append_span(&text, SPAN("SEND\ncontent-length:256\n\n"));
    for (int i = 0; i < 256; i++) {
        buf_append_char(&text, (char)i);
    }
    buf_append_char(&text, '\0');
    in = buf_span(&text);
    frame = feed_one(parser, &in);
    ck_assert_uint_eq(frame->body.len, 256);
    for (int i = 0; i < 256; i++) {
        ck_assert_int_eq((unsigned char)frame->body.data[i], i);
    }
    buf_fini(&text);
    frame_parser_free(&parser);
}
END_TEST

START_TEST(a_missing_header_has_no_data_and_an_empty_one_has)
{
    struct span in = SPAN("SEND\nreceipt:\n\n\0");
    struct frame_parser *parser = parser_1_2();
    const struct frame *frame = feed_one(parser, &in);

    ck_assert_ptr_null(frame_get(frame, HEADER_DESTINATION).data);
    ck_assert(!frame_has(frame, HEADER_DESTINATION));
    ck_assert_ptr_nonnull(frame_get(frame, HEADER_RECEIPT).data);
    ck_assert_uint_eq(frame_get(frame, HEADER_RECEIPT).len, 0);
    ck_assert(!frame->has_content_length);
    frame_parser_free(&parser);
}
END_TEST

START_TEST(freeing_no_parser_is_fine)
{
    struct frame_parser *parser = NULL;

    frame_parser_free(&parser);
    ck_assert_ptr_null(parser);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("frame_parser");
    TCase *tcase = tcase_create("conformance");

    tcase_add_loop_test(tcase,
                        a_frame_reads_the_same_whole_and_cut_at_every_octet, 0,
                        PARSER_CASE_COUNT);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("borrowing");
    tcase_add_test(tcase, a_frame_whole_in_the_input_is_borrowed_from_it);
    tcase_add_test(tcase,
                   a_frame_in_pieces_leaves_what_follows_it_in_the_input);
    tcase_add_test(tcase, an_idle_parser_gives_back_what_a_big_frame_took);
    tcase_add_test(tcase,
                   a_promised_length_takes_no_memory_before_the_bytes_come);
    tcase_add_test(
        tcase, v12_055_a_length_above_the_limit_is_refused_with_the_headers);
    tcase_add_test(tcase,
                   a_failed_parser_repeats_its_refusal_and_takes_nothing);
    tcase_add_test(tcase,
                   v12_123_a_version_set_between_frames_holds_for_the_next);
    tcase_add_test(tcase, limits_set_inside_a_frame_hold_from_the_next_one);
    tcase_add_test(tcase,
                   many_headers_with_escapes_survive_growth_when_fed_by_octet);
    tcase_add_test(tcase,
                   v12_080_the_first_of_repeated_names_counts_among_many);
    tcase_add_test(tcase,
                   v12_061_every_octet_value_is_carried_in_a_counted_body);
    tcase_add_test(tcase, a_missing_header_has_no_data_and_an_empty_one_has);
    tcase_add_test(tcase, freeing_no_parser_is_fine);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
