/* SPDX-License-Identifier: Apache-2.0 */
/* The checks of a conformance run against brokers that break a rule each: a
 * check that cannot fail proves nothing. */
#include "stompctl/conform.h"

#include "base/alloc.h"
#include "test/testutil.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTED_HEAD "CONNECTED\nversion:1.2\nheart-beat:0,0\n"
#define CONNECTED CONNECTED_HEAD "\n\0\n"
#define SUBSCRIBED "RECEIPT\nreceipt-id:subscribed-s\n\n\0\n"
/* SPAN is no constant; this is. */
#define SAYS(text)                                                             \
    {                                                                          \
        "" text, sizeof(text) - 1                                              \
    }
#define MESSAGE_HEAD "MESSAGE\nsubscription:s\nmessage-id:1\ndestination:/q\n"

/* A broker that says always the same, and what must be found out. */
struct liar {
    const char *number;
    struct span says; /* to every connection, at once */
    bool closes;      /* and then ends the connection */
    const char *found;
};

static const struct liar liars[] = {
    { "V12-001", SAYS(CONNECTED SUBSCRIBED), false, "expected MESSAGE" },
    { "V12-001", SAYS(CONNECTED SUBSCRIBED MESSAGE_HEAD "h:w\n\nbody\0"), false,
      "expected h:v" },
    { "V12-001", SAYS(CONNECTED SUBSCRIBED MESSAGE_HEAD "h:v\n\nbodies\0"),
      false, "expected the body" },
    { "V12-001", SAYS(CONNECTED SUBSCRIBED "ERROR\nmessage:no\n\n\0"), true,
      "got ERROR" },
    { "V12-001", SAYS("ERROR\nmessage:no\n\n\0"), true,
      "expected CONNECTED, but got ERROR" },
    { "V12-001", SAYS("HTTP/1.1 400 Bad Request\r\n\r\n"), true,
      "HTTP/1.1 400" },
    { "V12-001", SAYS(""), true, "closed the connection" },
    { "V12-005", SAYS(CONNECTED), false, "the end of the connection" },
    { "V12-021", SAYS(CONNECTED), true, "expected ERROR" },
    { "V12-021", SAYS(CONNECTED "ERROR\nmessage:no\n\n\0\n"), false,
      "the end of the connection" },
    { "V12-021",
      SAYS(CONNECTED "ERROR\nmessage:no\n\n\0\n"
                     "RECEIPT\nreceipt-id:1\n\n\0\n"),
      true, "nothing after ERROR" },
    { "V12-052",
      SAYS(CONNECTED SUBSCRIBED MESSAGE_HEAD "content-length:1\n\nab\0"), false,
      "no NUL follows" },
    { "V12-059",
      SAYS(CONNECTED SUBSCRIBED MESSAGE_HEAD "content-type:text/plain\n\nx\0"),
      false, "no header content-type" },
    { "V12-120", SAYS("CONNECTED\nversion:1.1\n\n\0\n"), false,
      "expected version:1.2" },
    { "V12-131", SAYS(CONNECTED "\n\n"), true, "expected silence" },
    { "V12-139", SAYS("\n" CONNECTED), false, "expected silence" },
    { "V12-241",
      SAYS(CONNECTED SUBSCRIBED "RECEIPT\nreceipt-id:sent\n\n\0\n" MESSAGE_HEAD
                                "ack:1\n\nx\0"),
      false, "no header ack" },
    { "I3", SAYS("\n" CONNECTED), false, "before CONNECTED" },
    { "I5", SAYS("CONNECTED\nversion:1.2\n\n\0\n"), false,
      "has no heart-beat" },
    { "I6", SAYS(CONNECTED SUBSCRIBED MESSAGE_HEAD "content-length:3\n\nabc\0"),
      false, "not the first header" },
    { "I8", SAYS("CONNECTED\nversion:1.2\nsession:a:b\n\n\0\n"), false,
      "session of CONNECTED" },
    { "I16", SAYS(CONNECTED_HEAD "\nwelcome\0\n"), false, "the body" },
    { "I27", SAYS(CONNECTED), false, "has no session" },
};
enum { LIAR_COUNT = sizeof(liars) / sizeof(liars[0]) };

static pid_t liar_pid;
static struct uri uri;

static void
liar_teardown(void)
{
    if (liar_pid > 0) {
        (void)kill(liar_pid, SIGKILL);
        (void)waitpid(liar_pid, NULL, 0);
    }
    uri_fini(&uri);
}

/* Serves one connection after the other until it is killed; what it serves
 * stays open, since a check may have several. */
static void
liar_run(const struct liar *liar, int listener)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        if (fd < 0 || write(fd, liar->says.data, liar->says.len) < 0) {
            _exit(2);
        }
        if (liar->closes) {
            (void)shutdown(fd, SHUT_WR);
        }
    }
}

static void
liar_start(const struct liar *liar)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct error err = ERROR_INIT;
    char *text;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len),
                     0);
    liar_pid = fork();
    ck_assert_int_ge(liar_pid, 0);
    if (liar_pid == 0) {
        liar_run(liar, listener);
    }
    (void)close(listener);
    text = xasprintf("stomp://127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_int_eq(uri_parse(text, &uri, &err), 0);
    free(text);
}

/* Runs one statement and returns what was printed; the caller frees it. */
static char *
liar_judge(const char *number, enum conform_format format, int *code_out)
{
    const struct conform_options options = {
        .target = { .uri = &uri,
                    .transport = STEP_TCP,
                    .host = "h",
                    .login = "",
                    .timeout_us = 200000 },
        .only = number,
        .format = format,
    };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(out);
    *code_out = conform_run(&options, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(a_broker_that_breaks_a_rule_is_found_out)
{
    const struct liar *liar = &liars[_i];
    int code;
    char *text;

    liar_start(liar);
    text = liar_judge(liar->number, CONFORM_TEXT, &code);
    ck_assert_msg(strstr(text, "1 fail") != NULL, "%s", text);
    ck_assert_msg(strstr(text, liar->found) != NULL, "expected \"%s\" in: %s",
                  liar->found, text);
    free(text);
}
END_TEST

START_TEST(only_a_must_that_fails_is_a_failure)
{
    static const struct liar silent = { .says = SAYS(""), .closes = true };
    int code;

    liar_start(&silent);
    free(liar_judge("V12-001", CONFORM_TEXT, &code));
    ck_assert_int_eq(code, 1);
    free(liar_judge("V12-021", CONFORM_TEXT, &code));
    ck_assert_int_eq(code, 0);
}
END_TEST

START_TEST(what_came_is_escaped_in_json)
{
    static const struct liar odd = {
        .says = SAYS("CONNECTED\nversion:1.2\n\nwel\"come\xC3\xA4\0\n"),
        .closes = true,
    };
    int code;
    char *text;

    liar_start(&odd);
    text = liar_judge("I16", CONFORM_JSON, &code);
    ck_assert_msg(strstr(text, "wel\\\"come\\\\xc3\\\\xa4\\\\x00") != NULL,
                  "%s", text);
    free(text);
}
END_TEST

START_TEST(every_statement_has_a_number_of_its_own_and_a_sentence)
{
    static const struct liar silent = { .says = SAYS(""), .closes = true };
    char seen[512][8];
    size_t count = 0;
    char *line;
    char *rest;
    char *text;
    int code;

    liar_start(&silent);
    text = liar_judge("*", CONFORM_MARKDOWN, &code);
    rest = text;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char number[8];

        if (sscanf(line, "| %7s |", number) != 1 ||
            strcmp(number, "number") == 0) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            ck_assert_str_ne(seen[i], number);
        }
        ck_assert_uint_lt(count, 512);
        memcpy(seen[count++], number, sizeof(number));
    }
    ck_assert_uint_gt(count, 200);
    free(text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stompctl/conform");
    TCase *tcase = tcase_create("conform");

    tcase_add_checked_fixture(tcase, NULL, liar_teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_broker_that_breaks_a_rule_is_found_out, 0,
                        LIAR_COUNT);
    tcase_add_test(tcase, only_a_must_that_fails_is_a_failure);
    tcase_add_test(tcase, what_came_is_escaped_in_json);
    tcase_add_test(tcase,
                   every_statement_has_a_number_of_its_own_and_a_sentence);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
