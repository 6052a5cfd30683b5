/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listener_uri.h"

#include "test/testutil.h"

#include <string.h>

static const struct {
    const char *text;
    enum net_endpoint_kind kind;
    const char *host; /* NULL = none */
    uint16_t port;
    const char *path;   /* NULL = none */
    int use_async_send; /* -1 = not set */
} right[] = {
    { "stomp://127.0.0.1:61613", NET_ENDPOINT_STOMP, "127.0.0.1", 61613, NULL,
      -1 },
    { "stomp://localhost", NET_ENDPOINT_STOMP, "localhost", 61613, NULL, -1 },
    { "stomp://my_host-1.example:0/", NET_ENDPOINT_STOMP, "my_host-1.example",
      0, NULL, -1 },
    { "stomp://[::1]:1234", NET_ENDPOINT_STOMP, "::1", 1234, NULL, -1 },
    { "stomp://[::]", NET_ENDPOINT_STOMP, "::", 61613, NULL, -1 },
    { "stomp://h:1?useAsyncSend=true", NET_ENDPOINT_STOMP, "h", 1, NULL, 1 },
    { "stomp://h?useAsyncSend=true&useAsyncSend=false", NET_ENDPOINT_STOMP, "h",
      61613, NULL, 0 },
    { "ws://h", NET_ENDPOINT_WS, "h", 61614, "/stomp", -1 },
    { "ws://h:65535/a/b?useAsyncSend=false", NET_ENDPOINT_WS, "h", 65535,
      "/a/b", 0 },
    { "ws://[2001:DB8::a]:7/", NET_ENDPOINT_WS, "2001:DB8::a", 7, "/", -1 },
    { "unix:/run/stompd.sock", NET_ENDPOINT_UNIX, NULL, 0, "/run/stompd.sock",
      -1 },
    { "unix:///run/s?useAsyncSend=true", NET_ENDPOINT_UNIX, NULL, 0, "/run/s",
      1 },
};

static void
check_text(const char *text, const char *expected)
{
    if (expected == NULL) {
        ck_assert_ptr_null(text);
    } else {
        ck_assert_str_eq(text, expected);
    }
}

START_TEST(a_uri_says_where_to_listen_and_how)
{
    struct listener_uri uri;
    struct error err = ERROR_INIT;
    struct net_endpoint endpoint;

    ck_assert_msg(
        listener_uri_parse(span_of_text(right[_i].text), &uri, &err) == 0,
        "%s: %s", right[_i].text, err.text);
    endpoint = listener_uri_endpoint(&uri);
    ck_assert_int_eq(endpoint.kind, right[_i].kind);
    check_text(endpoint.host, right[_i].host);
    ck_assert_uint_eq(endpoint.port, right[_i].port);
    check_text(endpoint.path, right[_i].path);
    ck_assert(endpoint.use_async_send_set == (right[_i].use_async_send >= 0));
    ck_assert(endpoint.use_async_send == (right[_i].use_async_send == 1));
    listener_uri_fini(&uri);
    ck_assert_ptr_null(uri.host);
}
END_TEST

static const struct {
    const char *text;
    const char *sentence;
} wrong[] = {
    { "", "\"\" is not a listener; write stomp://HOST:PORT, "
          "ws://HOST:PORT/PATH or unix:/PATH" },
    { "61613", "\"61613\" is not a listener; write stomp://HOST:PORT, "
               "ws://HOST:PORT/PATH or unix:/PATH" },
    { "tcp://h", "\"tcp\" is not the scheme of a listener; stomp, ws and unix "
                 "are" },
    { "STOMP://h", "\"STOMP\" is not the scheme of a listener; stomp, ws and "
                   "unix are" },
    { "stomp+ssl://h", "\"stomp+ssl\" needs TLS, which this version does not "
                       "have; put a TLS proxy before a stomp or ws listener" },
    { "wss://h", "\"wss\" needs TLS, which this version does not have; put a "
                 "TLS proxy before a stomp or ws listener" },
    { "stomp:h", "\"h\": // and a host are expected behind the scheme" },
    { "stomp://", "no host; 127.0.0.1 is this machine only, 0.0.0.0 every IPv4 "
                  "and [::] every address" },
    { "stomp://:61613", "no host; 127.0.0.1 is this machine only, 0.0.0.0 "
                        "every IPv4 and [::] every address" },
    { "stomp://*:61613", "\"*\" is not a host; a name, an IPv4 address or an "
                         "IPv6 address in brackets is" },
    { "stomp://me@h", "\"me@h\" is not a host; a name, an IPv4 address or an "
                      "IPv6 address in brackets is" },
    { "stomp://h:", "\"\" is not a port; a number from 0 (any free one) to "
                    "65535 is" },
    { "stomp://h:65536", "\"65536\" is not a port; a number from 0 (any free "
                         "one) to 65535 is" },
    { "stomp://h:1:2", "\"1:2\" is not a port; a number from 0 (any free one) "
                       "to 65535 is" },
    { "stomp://[::1", "\"[::1\" is not a host; [ADDRESS]:PORT is" },
    { "stomp://[::1]x", "\"[::1]x\" is not a host; [ADDRESS]:PORT is" },
    { "stomp://[h]", "\"h\" is not a host; a name, an IPv4 address or an IPv6 "
                     "address in brackets is" },
    { "stomp://h/x", "\"/x\": a stomp listener has no path" },
    { "ws://h/a b", "\"/a b\" is not the path of a WebSocket" },
    { "unix:run/s", "\"run/s\" is not the path of a socket; unix:/PATH or "
                    "unix:///PATH is expected" },
    { "unix://h/s", "\"//h/s\" is not the path of a socket; unix:/PATH or "
                    "unix:///PATH is expected" },
    { "unix:/", "\"/\" is not the path of a socket; unix:/PATH or "
                "unix:///PATH is expected" },
    { "stomp://h?", "\"\" is not an option of a listener; useAsyncSend=true "
                    "or false is, and anonymous=true or false" },
    { "stomp://h?trace=true", "\"trace\" is not an option of a listener; "
                              "useAsyncSend=true or false is, and "
                              "anonymous=true or false" },
    { "stomp://h?useAsyncSend", "useAsyncSend=: true or false is expected" },
    { "ws://h/p?useAsyncSend=yes", "useAsyncSend=yes: true or false is "
                                   "expected" },
};

START_TEST(a_wrong_uri_says_what_was_found_and_what_is_right)
{
    struct listener_uri uri;
    struct error err = ERROR_INIT;

    ck_assert_int_eq(
        listener_uri_parse(span_of_text(wrong[_i].text), &uri, &err), -1);
    ck_assert_str_eq(err.text, wrong[_i].sentence);
}
END_TEST

static const struct {
    const char *text;
    bool local;
} reach[] = {
    { "stomp://127.0.0.1:1", true },
    { "stomp://127.1.2.3:1", true },
    { "stomp://localhost:1", true },
    { "stomp://[::1]:1", true },
    { "unix:/run/s", true },
    { "stomp://0.0.0.0:1", false },
    { "stomp://[::]:1", false },
    { "ws://10.0.0.1:1", false },
    { "stomp://127.example:1", false },
    { "stomp://localhost.example:1", false },
};

START_TEST(only_loopback_and_sockets_are_local)
{
    struct listener_uri uri;
    struct error err = ERROR_INIT;

    ck_assert_int_eq(
        listener_uri_parse(span_of_text(reach[_i].text), &uri, &err), 0);
    ck_assert(listener_uri_is_local(&uri) == reach[_i].local);
    ck_assert(!uri.anonymous);
    listener_uri_fini(&uri);
}
END_TEST

START_TEST(anonymous_must_be_written_out)
{
    struct listener_uri uri;
    struct error err = ERROR_INIT;

    ck_assert_int_eq(
        listener_uri_parse(SPAN("ws://h/p?anonymous=true"), &uri, &err), 0);
    ck_assert(uri.anonymous);
    listener_uri_fini(&uri);
    ck_assert_int_eq(
        listener_uri_parse(SPAN("stomp://h?anonymous=1"), &uri, &err), -1);
    ck_assert_str_eq(err.text, "anonymous=1: true or false is expected");
}
END_TEST

START_TEST(the_path_of_a_socket_has_a_limit)
{
    char text[256] = "unix:/";
    struct listener_uri uri;
    struct error err = ERROR_INIT;

    memset(text + 6, 'a', 107);
    ck_assert_int_eq(listener_uri_parse(span_of_text(text), &uri, &err), -1);
    ck_assert_str_eq(err.text, "the path of a socket has at most 107 bytes, "
                               "this has 108");
    text[6 + 106] = '\0';
    err = ERROR_INIT;
    ck_assert_int_eq(listener_uri_parse(span_of_text(text), &uri, &err), 0);
    listener_uri_fini(&uri);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
    Suite *suite = suite_create("listener_uri");
    TCase *tcase = tcase_create("listener_uri");

    tcase_add_loop_test(tcase, a_uri_says_where_to_listen_and_how, 0,
                        COUNT(right));
    tcase_add_loop_test(tcase,
                        a_wrong_uri_says_what_was_found_and_what_is_right, 0,
                        COUNT(wrong));
    tcase_add_loop_test(tcase, only_loopback_and_sockets_are_local, 0,
                        COUNT(reach));
    tcase_add_test(tcase, anonymous_must_be_written_out);
    tcase_add_test(tcase, the_path_of_a_socket_has_a_limit);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
