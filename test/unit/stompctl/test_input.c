/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/input.h"

#include "test/testutil.h"

#include <unistd.h>

/* An input over a pipe that holds text and has ended. */
static struct input
input_of(const char *text, bool by_line)
{
    struct input input = { .name = "pipe", .by_line = by_line };
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(close(fds[1]), 0);
    input.fd = fds[0];
    return input;
}

/* The next message as a text, reading as needed; NULL at the end. */
static const char *
input_text(struct input *input)
{
    static char text[256];
    struct error err = ERROR_INIT;
    struct span message;

    while (!input_next(input, &message)) {
        if (input->ended) {
            return NULL;
        }
        ck_assert_int_eq(input_read(input, &err), 0);
    }
    ck_assert_uint_lt(message.len, sizeof(text));
    memcpy(text, message.data, message.len);
    text[message.len] = '\0';
    return text;
}

START_TEST(lines_are_messages_and_the_last_needs_no_end)
{
    struct input input = input_of("one\n\nthree", true);

    ck_assert_str_eq(input_text(&input), "one");
    ck_assert_str_eq(input_text(&input), "");
    ck_assert_str_eq(input_text(&input), "three");
    ck_assert_ptr_null(input_text(&input));
    input_close(&input);
}
END_TEST

START_TEST(a_final_line_end_makes_no_empty_message)
{
    struct input input = input_of("one\n", true);

    ck_assert_str_eq(input_text(&input), "one");
    ck_assert_ptr_null(input_text(&input));
    input_close(&input);
}
END_TEST

START_TEST(a_whole_file_is_one_message_even_when_empty)
{
    struct input input = input_of("a\nb\n", false);
    struct input empty = input_of("", false);

    ck_assert_str_eq(input_text(&input), "a\nb\n");
    ck_assert_ptr_null(input_text(&input));
    ck_assert_str_eq(input_text(&empty), "");
    ck_assert_ptr_null(input_text(&empty));
    input_close(&input);
    input_close(&empty);
}
END_TEST

START_TEST(a_missing_file_is_an_error_that_names_it)
{
    struct error err = ERROR_INIT;
    struct input input;

    ck_assert_int_eq(input_open(&input, "/nonexistent/file", false, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/file"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stompctl/input");
    TCase *tcase = tcase_create("input");

    tcase_add_test(tcase, lines_are_messages_and_the_last_needs_no_end);
    tcase_add_test(tcase, a_final_line_end_makes_no_empty_message);
    tcase_add_test(tcase, a_whole_file_is_one_message_even_when_empty);
    tcase_add_test(tcase, a_missing_file_is_an_error_that_names_it);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
