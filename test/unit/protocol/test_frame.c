/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/frame.h"

#include "test/testutil.h"

START_TEST(every_command_is_found_by_its_name)
{
    enum frame_command command = (enum frame_command)_i;

    ck_assert_uint_gt(frame_command_name(command).len, 0);
    ck_assert_int_eq(frame_command_of(frame_command_name(command)), command);
}
END_TEST

static const char *const frame_no_commands[] = {
    "",         "A",          "AC",           "ack",        "SEND ",
    " SEND",    "SENT",       "BACK",         "NACKS",      "STOMPS",
    "BEGAN",    "ABOUT",      "ERRORS",       "COMMITS",    "CONNECTION",
    "MESSAGES", "CONNECTS",   "DISCONNECTED", "SUBSCRIBER", "UNSUBSCRIBED",
    "RECEIPTS", "SUBSCRIBES", "Connected",    "XCONNECTED",
};
enum {
    FRAME_NO_COMMAND_COUNT =
        sizeof(frame_no_commands) / sizeof(frame_no_commands[0])
};

START_TEST(v12_011_anything_else_is_unknown)
{
    ck_assert_msg(frame_command_of(span_of_text(frame_no_commands[_i])) ==
                      FRAME_UNKNOWN,
                  "\"%s\" is taken for a command", frame_no_commands[_i]);
}
END_TEST

START_TEST(an_unknown_command_has_the_empty_name)
{
    ck_assert_uint_eq(frame_command_name(FRAME_UNKNOWN).len, 0);
    ck_assert_ptr_nonnull(frame_command_name(FRAME_UNKNOWN).data);
}
END_TEST

START_TEST(a_header_is_found_by_any_name)
{
    struct frame_header headers[] = {
        { .name = SPAN("a"), .value = SPAN("1") },
        { .name = SPAN("b"), .value = SPAN("") },
    };
    struct frame frame = { .headers = headers, .header_count = 2 };

    ck_assert(span_equal(frame_find(&frame, SPAN("a")), SPAN("1")));
    ck_assert_ptr_nonnull(frame_find(&frame, SPAN("b")).data);
    ck_assert_ptr_null(frame_find(&frame, SPAN("c")).data);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("frame");
    TCase *tcase = tcase_create("frame");

    tcase_add_loop_test(tcase, every_command_is_found_by_its_name,
                        FRAME_CONNECT, FRAME_COMMAND_COUNT);
    tcase_add_loop_test(tcase, v12_011_anything_else_is_unknown, 0,
                        FRAME_NO_COMMAND_COUNT);
    tcase_add_test(tcase, an_unknown_command_has_the_empty_name);
    tcase_add_test(tcase, a_header_is_found_by_any_name);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
