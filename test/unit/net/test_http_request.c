/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/http_request.h"

#include "test/testutil.h"

#include <stdlib.h>
#include <string.h>

static void
assert_span(struct span span, const char *expected)
{
    ck_assert_msg(span_equal(span, span_of_text(expected)),
                  "found \"%.*s\", expected \"%s\"", (int)span.len, span.data,
                  expected);
}

static const char post[] = "POST /v1/a?b=c&d HTTP/1.1\r\nHost: x\r\n"
                           "content-length: 2\r\n\r\n{}";

START_TEST(a_request_has_method_path_query_and_body)
{
    struct http_request request;

    ck_assert_int_eq(http_request_parse(span_of_text(post), &request),
                     HTTP_REQUEST_READY);
    assert_span(request.method, "POST");
    assert_span(request.path, "/v1/a");
    assert_span(request.query, "b=c&d");
    assert_span(request.body, "{}");
}
END_TEST

START_TEST(a_request_without_query_has_an_empty_one)
{
    struct http_request request;

    ck_assert_int_eq(
        http_request_parse(SPAN("GET /x HTTP/1.0\r\n\r\n"), &request),
        HTTP_REQUEST_READY);
    assert_span(request.path, "/x");
    assert_span(request.query, "");
    assert_span(request.body, "");
}
END_TEST

START_TEST(every_part_of_a_request_is_not_yet_one)
{
    struct http_request request;

    for (size_t len = 0; len < sizeof(post) - 1; len++) {
        /* A copy of its own, so that a read past the end is seen. */
        char *part = malloc(len + 1);

        memcpy(part, post, len);
        ck_assert_int_eq(http_request_parse(span_of(part, len), &request),
                         HTTP_REQUEST_MORE);
        free(part);
    }
}
END_TEST

static const char *const invalid[] = {
    "GET\r\n\r\n",
    "GET /x\r\n\r\n",
    "GET x HTTP/1.1\r\n\r\n",
    "GET /x HTTP/2.0\r\n\r\n",
    " /x HTTP/1.1\r\n\r\n",
    "\r\n\r\n",
    "CONNECT\naccept-version:1.2\n\n\r\n\r\n",
    "POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    "POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "POST /x HTTP/1.1\r\nContent-Length:\r\n\r\n",
    "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET /x HTTP/1.1\r\nno colon\r\n\r\n",
};

START_TEST(what_can_be_read_in_two_ways_or_none_is_invalid)
{
    struct http_request request;

    ck_assert_int_eq(http_request_parse(span_of_text(invalid[_i]), &request),
                     HTTP_REQUEST_INVALID);
}
END_TEST

START_TEST(a_head_over_the_maximum_is_too_big)
{
    size_t len = HTTP_REQUEST_HEAD_MAX + 1;
    char *head = malloc(len);
    struct http_request request;

    memset(head, 'a', len);
    ck_assert_int_eq(http_request_parse(span_of(head, len - 1), &request),
                     HTTP_REQUEST_MORE);
    ck_assert_int_eq(http_request_parse(span_of(head, len), &request),
                     HTTP_REQUEST_TOO_BIG);
    free(head);
}
END_TEST

START_TEST(a_body_over_the_maximum_is_too_big_before_it_comes)
{
    struct http_request request;

    ck_assert_int_eq(
        http_request_parse(
            SPAN("POST /x HTTP/1.1\r\nContent-Length: 65537\r\n\r\n"),
            &request),
        HTTP_REQUEST_TOO_BIG);
}
END_TEST

static const struct {
    const char *query;
    const char *value; /* NULL: none */
} queries[] = {
    { "d=x", "x" },
    { "a=1&d=x&b=2", "x" },
    { "d=%2Fqueue%2fa+b", "/queue/a b" },
    { "d=", "" },
    { "d", "" },
    { "D=x", NULL },
    { "", NULL },
    { "dd=x", NULL },
    { "d=%2", NULL },
    { "d=%zz", NULL },
    { "d=%00", NULL },
    { "d=12345678901", "12345678901" },
    { "d=123456789012", NULL }, /* with its NUL one too many */
};

START_TEST(parameters_are_decoded_or_refused)
{
    char text[12];
    bool found = http_query_get(span_of_text(queries[_i].query), "d", text,
                                sizeof(text));

    ck_assert_int_eq(found, queries[_i].value != NULL);
    if (found) {
        ck_assert_str_eq(text, queries[_i].value);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("http_request");
    TCase *tcase = tcase_create("http_request");

    tcase_add_test(tcase, a_request_has_method_path_query_and_body);
    tcase_add_test(tcase, a_request_without_query_has_an_empty_one);
    tcase_add_test(tcase, every_part_of_a_request_is_not_yet_one);
    tcase_add_loop_test(tcase, what_can_be_read_in_two_ways_or_none_is_invalid,
                        0, (int)(sizeof(invalid) / sizeof(invalid[0])));
    tcase_add_test(tcase, a_head_over_the_maximum_is_too_big);
    tcase_add_test(tcase, a_body_over_the_maximum_is_too_big_before_it_comes);
    tcase_add_loop_test(tcase, parameters_are_decoded_or_refused, 0,
                        (int)(sizeof(queries) / sizeof(queries[0])));
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
