/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/frame_encoder.h"

#include "test/testutil.h"

static void
assert_bytes(const struct buf *got, struct span expected)
{
    ck_assert_msg(span_equal(buf_span(got), expected), "got \"%.*s\"",
                  (int)got->len, got->data);
}

START_TEST(a_frame_without_body_has_no_content_length)
{
    struct frame_encoder encoder;
    struct buf out = BUF_INIT;

    frame_encoder_begin(&encoder, &out, FRAME_RECEIPT, STOMP_1_2, 0);
    frame_encoder_header(&encoder, SPAN("receipt-id"), SPAN("a:1"));
    frame_encoder_end(&encoder, SPAN_NONE);
    assert_bytes(&out, SPAN("RECEIPT\nreceipt-id:a\\c1\n\n\0"));
    buf_fini(&out);
}
END_TEST

START_TEST(i6_content_length_is_the_first_header_of_a_frame_with_body)
{
    struct frame_encoder encoder;
    struct buf out = BUF_INIT;

    frame_encoder_begin(&encoder, &out, FRAME_ERROR, STOMP_1_1, 5);
    frame_encoder_header(&encoder, SPAN("message"), SPAN("no\r\n"));
    frame_encoder_end(&encoder, SPAN("a\0b\xC3\xA9"));
    assert_bytes(&out, SPAN("ERROR\ncontent-length:5\nmessage:no\r\\n\n\n"
                            "a\0b\xC3\xA9\0"));
    buf_fini(&out);
}
END_TEST

START_TEST(v12_037_connected_is_written_raw_and_cannot_inject_a_line)
{
    static const enum frame_command raw[] = { FRAME_CONNECT, FRAME_STOMP,
                                              FRAME_CONNECTED };

    for (size_t i = 0; i < sizeof(raw) / sizeof(raw[0]); i++) {
        struct frame_encoder encoder;
        struct buf out = BUF_INIT;
        struct buf expected = BUF_INIT;

        frame_encoder_begin(&encoder, &out, raw[i], STOMP_1_2, 0);
        frame_encoder_header(&encoder, SPAN("server"), SPAN("a:b\\c\nd:e"));
        frame_encoder_end(&encoder, SPAN_NONE);
        buf_append_span(&expected, frame_command_name(raw[i]));
        buf_append_span(&expected, SPAN("\nserver:a:b\\c d:e\n\n\0"));
        assert_bytes(&out, buf_span(&expected));
        buf_fini(&expected);
        buf_fini(&out);
    }
}
END_TEST

START_TEST(i24_an_empty_value_is_left_out_for_1_0)
{
    struct frame_encoder encoder;
    struct buf out = BUF_INIT;

    frame_encoder_begin(&encoder, &out, FRAME_RECEIPT, STOMP_1_0, 0);
    frame_encoder_header(&encoder, SPAN("foo"), SPAN(""));
    frame_encoder_header_u64(&encoder, SPAN("n"), 7);
    frame_encoder_end(&encoder, SPAN_NONE);
    assert_bytes(&out, SPAN("RECEIPT\nn:7\n\n\0"));
    buf_fini(&out);
}
END_TEST

START_TEST(frames_follow_each_other_in_one_buffer)
{
    struct frame_encoder encoder;
    struct buf out = BUF_INIT;

    for (int i = 0; i < 2; i++) {
        frame_encoder_begin(&encoder, &out, FRAME_RECEIPT, STOMP_1_2, 0);
        frame_encoder_end(&encoder, SPAN_NONE);
    }
    assert_bytes(&out, SPAN("RECEIPT\n\n\0RECEIPT\n\n\0"));
    buf_fini(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("frame_encoder");
    TCase *tcase = tcase_create("frame_encoder");

    tcase_add_test(tcase, a_frame_without_body_has_no_content_length);
    tcase_add_test(tcase,
                   i6_content_length_is_the_first_header_of_a_frame_with_body);
    tcase_add_test(tcase,
                   v12_037_connected_is_written_raw_and_cannot_inject_a_line);
    tcase_add_test(tcase, i24_an_empty_value_is_left_out_for_1_0);
    tcase_add_test(tcase, frames_follow_each_other_in_one_buffer);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
