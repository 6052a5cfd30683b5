/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/uri.h"

#include "test/testutil.h"

struct uri_row {
    const char *text;
    enum uri_scheme scheme;
    const char *host;
    const char *port;
    const char *path;
    const char *user;
    const char *passcode;
};

static const struct uri_row good_rows[] = {
    { "stomp://example.org", URI_TCP, "example.org", "61613", NULL, NULL,
      NULL },
    { "stomp://example.org:1/", URI_TCP, "example.org", "1", NULL, NULL, NULL },
    { "tcp://u:p@h:61613", URI_TCP, "h", "61613", NULL, "u", "p" },
    { "stomp://u@h", URI_TCP, "h", "61613", NULL, "u", NULL },
    { "stomp://u%40x:p%3A%2F@h", URI_TCP, "h", "61613", NULL, "u@x", "p:/" },
    { "stomp://u:p@ss@h", URI_TCP, "h", "61613", NULL, "u", "p@ss" },
    { "stomp://[::1]", URI_TCP, "::1", "61613", NULL, NULL, NULL },
    { "stomp://[::1]:65535", URI_TCP, "::1", "65535", NULL, NULL, NULL },
    { "ws://h", URI_WS, "h", "61614", "/stomp", NULL, NULL },
    { "ws://u:p@h:80/a/b", URI_WS, "h", "80", "/a/b", "u", "p" },
    { "unix:/run/stompd.sock", URI_UNIX, NULL, NULL, "/run/stompd.sock", NULL,
      NULL },
};

static void
assert_text(const char *found, const char *expected)
{
    if (expected == NULL) {
        ck_assert_ptr_null(found);
    } else {
        ck_assert_str_eq(found, expected);
    }
}

START_TEST(uri_has_the_parts_that_its_text_names)
{
    const struct uri_row *row = &good_rows[_i];
    struct error err = ERROR_INIT;
    struct uri uri;

    ck_assert_msg(uri_parse(row->text, &uri, &err) == 0, "%s", err.text);
    ck_assert_int_eq(uri.scheme, row->scheme);
    assert_text(uri.host, row->host);
    assert_text(uri.port, row->port);
    assert_text(uri.path, row->path);
    assert_text(uri.user, row->user);
    assert_text(uri.passcode, row->passcode);
    uri_fini(&uri);
}
END_TEST

START_TEST(options_behind_the_question_mark_are_kept_decoded)
{
    struct error err = ERROR_INIT;
    struct uri uri;

    ck_assert_int_eq(
        uri_parse("stomp://h?jms.useAsyncSend=true&a=%20&b", &uri, &err), 0);
    ck_assert_uint_eq(uri.option_count, 3);
    ck_assert_str_eq(uri.options[0].name, "jms.useAsyncSend");
    ck_assert_str_eq(uri.options[0].value, "true");
    ck_assert_str_eq(uri.options[1].value, " ");
    ck_assert_str_eq(uri.options[2].value, "");
    uri_fini(&uri);
}
END_TEST

static const char *const bad_rows[][2] = {
    { "", "must begin with" },
    { "localhost:61613", "must begin with" },
    { "http://h", "must begin with" },
    { "stomp://", "names no host" },
    { "stomp://:61613", "names no host" },
    { "stomp://h:", "is not a port" },
    { "stomp://h:0", "is not a port" },
    { "stomp://h:65536", "is not a port" },
    { "stomp://h:http", "is not a port" },
    { "stomp://[::1", "without ']'" },
    { "stomp://[::1]x", "may follow" },
    { "stomp://h/queue/a", "has no path" },
    { "stomp://u%4@h", "two hex digits" },
    { "stomp://u%00@h", "two hex digits" },
    { "stomp://h?=x", "has no name" },
    { "unix:", "names no socket" },
};

START_TEST(a_bad_uri_is_refused_with_what_is_wrong)
{
    struct error err = ERROR_INIT;
    struct uri uri;

    ck_assert_int_eq(uri_parse(bad_rows[_i][0], &uri, &err), -1);
    ck_assert_msg(strstr(err.text, bad_rows[_i][1]) != NULL, "%s", err.text);
    uri_fini(&uri);
}
END_TEST

START_TEST(an_error_never_shows_the_passcode)
{
    struct error err = ERROR_INIT;
    struct uri uri;

    ck_assert_int_eq(uri_parse("stomp://u:secret@h:99999", &uri, &err), -1);
    ck_assert_ptr_null(strstr(err.text, "secret"));
    uri_fini(&uri);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stompctl/uri");
    TCase *tcase = tcase_create("uri");

    tcase_add_loop_test(tcase, uri_has_the_parts_that_its_text_names, 0,
                        (int)(sizeof(good_rows) / sizeof(good_rows[0])));
    tcase_add_test(tcase, options_behind_the_question_mark_are_kept_decoded);
    tcase_add_loop_test(tcase, a_bad_uri_is_refused_with_what_is_wrong, 0,
                        (int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
    tcase_add_test(tcase, an_error_never_shows_the_passcode);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
