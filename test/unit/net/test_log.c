/* SPDX-License-Identifier: Apache-2.0 */
#include "server/log.h"

#include "test/testutil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_pipe[2];
static char log_line[4096];

static void
log_setup(void)
{
    ck_assert_int_eq(pipe(log_pipe), 0);
    ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
    log_set_output(log_pipe[1]);
    log_set_level(LOG_LEVEL_INFO);
}

static void
log_teardown(void)
{
    log_set_output(STDERR_FILENO);
    (void)close(log_pipe[0]);
    (void)close(log_pipe[1]);
}

/* What was logged since the last call. */
static const char *
log_read(void)
{
    ssize_t len;

    ck_assert_int_eq(write(log_pipe[1], "", 1), 1); /* never blocks */
    len = read(log_pipe[0], log_line, sizeof(log_line) - 1);
    ck_assert_int_gt((int)len, 0);
    log_line[len] = '\0';
    return log_line;
}

START_TEST(an_event_is_one_line_with_level_module_and_keys)
{
    log_event(LOG_LEVEL_WARNING, "net", "connection refused", "peer=%s n=%d",
              "127.0.0.1:5", 7);
    ck_assert_str_eq(log_read(),
                     "warning net: connection refused peer=127.0.0.1:5 n=7\n");
}
END_TEST

START_TEST(an_event_may_have_no_keys)
{
    log_event(LOG_LEVEL_INFO, "net", "stopped", NULL);
    ck_assert_str_eq(log_read(), "info net: stopped\n");
}
END_TEST

static int log_evaluated;

static int
log_count(void)
{
    return ++log_evaluated;
}

START_TEST(arguments_of_a_level_that_is_off_are_not_evaluated)
{
    log_event(LOG_LEVEL_DEBUG, "net", "frame", "n=%d", log_count());
    ck_assert_int_eq(log_evaluated, 0);
    ck_assert_str_eq(log_read(), "");
}
END_TEST

START_TEST(peer_bytes_cannot_start_a_line_of_their_own)
{
    log_event(LOG_LEVEL_INFO, "net", "x", "a=%s b=%s",
              LOG_TEXT(SPAN("u\nerror net: fake")), "raw\ncontrol\x1b[31m");
    ck_assert_str_eq(log_read(), "info net: x a=u\\x0aerror net: fake "
                                 "b=raw?control?[31m\n");
}
END_TEST

START_TEST(a_word_of_a_peer_cannot_look_like_further_values)
{
    log_event(LOG_LEVEL_INFO, "net", "x", "user=%s reason=\"%s\"",
              LOG_WORD(SPAN("u reason=\"DISCONNECT\"")), "reset");
    ck_assert_str_eq(log_read(),
                     "info net: x user=u\\x20reason\\x3d\\x22DISCONNECT\\x22 "
                     "reason=\"reset\"\n");
}
END_TEST

START_TEST(secrets_of_a_peer_are_not_logged)
{
    log_event(LOG_LEVEL_INFO, "net", "x", "a=%s b=\"%s\"",
              LOG_WORD(SPAN("u?access_token=hunter2")),
              LOG_TEXT(SPAN("GET /?password=hunter2&x=1")));
    ck_assert_str_eq(log_read(), "info net: x a=u?access_token\\x3d*** "
                                 "b=\"GET /?password=***\"\n");
}
END_TEST

START_TEST(a_word_is_cut_within_its_buffer)
{
    char text[LOG_TEXT_BYTES + 8];

    memset(text, '"', sizeof(text));
    ck_assert_uint_lt(strlen(LOG_WORD(span_of(text, sizeof(text)))),
                      LOG_TEXT_BYTES);
}
END_TEST

START_TEST(a_long_line_is_cut_and_still_ends)
{
    static char text[8000];
    const char *line;

    memset(text, 'a', sizeof(text) - 1);
    log_event(LOG_LEVEL_INFO, "net", "long", "text=%s", text);
    line = log_read();
    ck_assert_uint_lt(strlen(line), 2100);
    ck_assert_int_eq(line[strlen(line) - 1], '\n');
}
END_TEST

START_TEST(the_journal_gets_priorities)
{
    char name[64];
    struct stat st;

    ck_assert_int_eq(fstat(log_pipe[1], &st), 0);
    (void)snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev,
                   (uintmax_t)st.st_ino);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", name, 1), 0);
    log_set_output(log_pipe[1]);
    log_event(LOG_LEVEL_ERROR, "net", "x", NULL);
    ck_assert_str_eq(log_read(), "<3>error net: x\n");
    ck_assert_int_eq(setenv("JOURNAL_STREAM", "1:2", 1), 0);
    log_set_output(log_pipe[1]);
    log_event(LOG_LEVEL_ERROR, "net", "x", NULL);
    ck_assert_str_eq(log_read(), "error net: x\n");
    ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
}
END_TEST

START_TEST(a_level_is_found_by_its_name_only)
{
    enum log_level level = LOG_LEVEL_ERROR;

    ck_assert(log_level_from_name("debug", &level));
    ck_assert_int_eq((int)level, (int)LOG_LEVEL_DEBUG);
    ck_assert(!log_level_from_name("Debug", &level));
    ck_assert(!log_level_from_name("", &level));
    ck_assert_int_eq((int)level, (int)LOG_LEVEL_DEBUG);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("log");
    TCase *tcase = tcase_create("log");

    tcase_add_checked_fixture(tcase, log_setup, log_teardown);
    tcase_add_test(tcase, an_event_is_one_line_with_level_module_and_keys);
    tcase_add_test(tcase, an_event_may_have_no_keys);
    tcase_add_test(tcase, arguments_of_a_level_that_is_off_are_not_evaluated);
    tcase_add_test(tcase, peer_bytes_cannot_start_a_line_of_their_own);
    tcase_add_test(tcase, a_word_of_a_peer_cannot_look_like_further_values);
    tcase_add_test(tcase, secrets_of_a_peer_are_not_logged);
    tcase_add_test(tcase, a_word_is_cut_within_its_buffer);
    tcase_add_test(tcase, a_long_line_is_cut_and_still_ends);
    tcase_add_test(tcase, the_journal_gets_priorities);
    tcase_add_test(tcase, a_level_is_found_by_its_name_only);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
