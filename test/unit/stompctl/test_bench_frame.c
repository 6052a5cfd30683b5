/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/bench_frame.h"

#include "test/testutil.h"

enum { TEST_BODY_BYTES = 64 };

/* A MESSAGE as a broker would send it, its id of the given length. */
static void
append_message(struct buf *out, uint64_t seq, unsigned id_len, char end)
{
    struct bench_template template;
    char digits[BENCH_TIME_DIGITS];

    bench_template_init(&template, SPAN("/queue/x"), TEST_BODY_BYTES, false,
                        false, 0xABCD, 3);
    bench_digits_put(digits, 77, BENCH_TIME_DIGITS);
    bench_template_patch(&template, template.frame.data, seq, digits);
    buf_appendf(out, "MESSAGE\nack:%0*d\ncontent-length:%d\n\n", (int)id_len, 1,
                TEST_BODY_BYTES);
    buf_append(out, template.frame.data + template.stamp, TEST_BODY_BYTES + 1);
    if (end != '\0') {
        buf_append_char(out, end);
    }
    bench_template_fini(&template);
}

START_TEST(digits_come_back_as_they_were_put)
{
    char digits[16];

    bench_digits_put(digits, 0x0123456789ABCDEF, 16);
    ck_assert_uint_eq(bench_digits_get(digits, 16), 0x0123456789ABCDEF);
}
END_TEST

START_TEST(a_stamp_comes_back_out_of_the_body)
{
    struct buf in = BUF_INIT;
    struct bench_scanner scanner = { .body_len = TEST_BODY_BYTES };
    struct bench_frame frame;
    struct bench_stamp stamp;
    struct span rest;

    append_message(&in, 123456, 5, '\n');
    rest = buf_span(&in);
    ck_assert_int_eq(bench_scan(&scanner, &rest, &frame), BENCH_MESSAGE);
    ck_assert(bench_stamp_read(frame.body, &stamp));
    ck_assert_uint_eq(stamp.run, 0xABCD);
    ck_assert_uint_eq(stamp.producer, 3);
    ck_assert_uint_eq(stamp.seq, 123456);
    ck_assert_int_eq(stamp.time_ns, 77);
    buf_fini(&in);
}
END_TEST

START_TEST(messages_are_found_whatever_the_length_of_their_heads)
{
    struct buf in = BUF_INIT;
    struct bench_scanner scanner = { .body_len = TEST_BODY_BYTES };
    struct span rest;

    for (unsigned i = 0; i < 40; i++) {
        append_message(&in, i, 1 + i / 3 % 7, i % 2 == 0 ? '\n' : '\0');
    }
    rest = buf_span(&in);
    for (unsigned i = 0; i < 40; i++) {
        struct bench_frame frame;
        struct bench_stamp stamp;
        struct span ack;

        ck_assert_int_eq(bench_scan(&scanner, &rest, &frame), BENCH_MESSAGE);
        ck_assert(bench_stamp_read(frame.body, &stamp));
        ck_assert_uint_eq(stamp.seq, i);
        ack = bench_head_find(frame.head, SPAN("\nack:"));
        ck_assert_uint_eq(ack.len, 1 + i / 3 % 7);
    }
    buf_fini(&in);
}
END_TEST

START_TEST(a_frame_in_pieces_is_no_frame_until_its_last_byte)
{
    struct buf in = BUF_INIT;
    struct bench_scanner scanner = { .body_len = TEST_BODY_BYTES };
    struct bench_frame frame;

    append_message(&in, 1, 4, '\0');
    for (size_t len = 0; len < in.len; len++) {
        struct span part = span_of(in.data, len);

        ck_assert_int_eq(bench_scan(&scanner, &part, &frame), BENCH_MORE);
        ck_assert_uint_eq(part.len, len);
    }
    buf_fini(&in);
}
END_TEST

START_TEST(receipts_and_errors_between_messages_are_told_apart)
{
    static const char receipt[] = "RECEIPT\nreceipt-id:aaaaaaaaaabc\n\n";
    static const char failed[] = "ERROR\nmessage:no\n\nwhy";
    struct buf in = BUF_INIT;
    struct bench_scanner scanner = { .body_len = TEST_BODY_BYTES };
    struct bench_frame frame;
    struct span rest;

    append_message(&in, 1, 4, '\n');
    buf_append(&in, receipt, sizeof(receipt));
    append_message(&in, 2, 4, '\n');
    buf_append(&in, failed, sizeof(failed));
    rest = buf_span(&in);
    ck_assert_int_eq(bench_scan(&scanner, &rest, &frame), BENCH_MESSAGE);
    ck_assert_int_eq(bench_scan(&scanner, &rest, &frame), BENCH_RECEIPT);
    ck_assert(span_equal(bench_head_find(frame.head, SPAN("\nreceipt-id:")),
                         SPAN("aaaaaaaaaabc")));
    ck_assert_int_eq(bench_scan(&scanner, &rest, &frame), BENCH_MESSAGE);
    ck_assert_int_eq(bench_scan(&scanner, &rest, &frame), BENCH_ERROR);
    ck_assert(span_equal(frame.body, SPAN("why")));
    ck_assert_int_eq(bench_scan(&scanner, &rest, &frame), BENCH_MORE);
    buf_fini(&in);
}
END_TEST

START_TEST(the_receipt_header_is_patched_with_the_sequence)
{
    struct bench_template template;
    char digits[BENCH_TIME_DIGITS];
    struct span frame;

    bench_template_init(&template, SPAN("/queue/x"), TEST_BODY_BYTES, true,
                        true, 1, 0);
    bench_digits_put(digits, 0, BENCH_TIME_DIGITS);
    bench_template_patch(&template, template.frame.data, 0x1F, digits);
    frame = buf_span(&template.frame);
    ck_assert(span_equal(bench_head_find(frame, SPAN("\nreceipt:")),
                         SPAN("aaaaaaaaaabp")));
    ck_assert(span_equal(bench_head_find(frame, SPAN("\npersistent:")),
                         SPAN("true")));
    bench_template_fini(&template);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stompctl/bench_frame");
    TCase *tcase = tcase_create("bench_frame");

    tcase_add_test(tcase, digits_come_back_as_they_were_put);
    tcase_add_test(tcase, a_stamp_comes_back_out_of_the_body);
    tcase_add_test(tcase,
                   messages_are_found_whatever_the_length_of_their_heads);
    tcase_add_test(tcase, a_frame_in_pieces_is_no_frame_until_its_last_byte);
    tcase_add_test(tcase, receipts_and_errors_between_messages_are_told_apart);
    tcase_add_test(tcase, the_receipt_header_is_patched_with_the_sequence);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
