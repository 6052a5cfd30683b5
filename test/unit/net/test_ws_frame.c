/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/ws_frame.h"
#include "server/net/ws_handshake.h"

#include "test/testutil.h"

#include <string.h>

START_TEST(headers_are_as_rfc_6455_draws_them)
{
    char place[4];

    ws_frame_header(place, WS_TEXT, true, 125);
    ck_assert_int_eq(memcmp(place, "\x81\x7d", 2), 0);
    ws_frame_header(place, WS_BINARY, false, 126);
    ck_assert_int_eq(memcmp(place, "\x02\x7e\x00\x7e", 4), 0);
    ws_frame_header(place, WS_CONTINUATION, true, WS_FRAGMENT_MAX);
    ck_assert_int_eq(memcmp(place, "\x80\x7e\xff\xfc", 4), 0);
    ck_assert_uint_eq(ws_frame_header_len(0), 2);
    ck_assert_uint_eq(ws_frame_header_len(125), 2);
    ck_assert_uint_eq(ws_frame_header_len(126), 4);
}
END_TEST

START_TEST(only_whole_frames_are_counted)
{
    static char data[70000];

    ws_frame_header(data, WS_TEXT, true, 5);
    ws_frame_header(data + 7, WS_TEXT, true, 1000);
    for (size_t len = 0; len < 1200; len++) {
        size_t want = len < 7 ? 0 : len < 7 + 1004 ? 7 : 7 + 1004;

        memset(data + 7 + 1004, 0, 200);
        /* Behind the second frame: empty frames of two bytes. */
        if (len > 7 + 1004) {
            want += (len - 7 - 1004) / 2 * 2;
        }
        ck_assert_uint_eq(ws_frame_whole(data, len), want);
    }
    ws_frame_header(data, WS_TEXT, true, WS_FRAGMENT_MAX);
    ck_assert_uint_eq(ws_frame_whole(data, WS_WRITE_MAX - 1), 0);
    ck_assert_uint_eq(ws_frame_whole(data, WS_WRITE_MAX), WS_WRITE_MAX);
}
END_TEST

static const struct {
    const char *offer;
    const char *name;
    bool known;
} offer_rows[] = {
    { "v12.stomp", "v12.stomp", true },
    { "v10.stomp, v11.stomp, v12.stomp", "v12.stomp", true },
    { "v11.stomp,v10.stomp", "v11.stomp", true },
    { "stomp, v10.stomp", "v10.stomp", true },
    { "stomp", "stomp", true },
    { "mqtt , v12.stomp", "v12.stomp", true },
    { "mqtt, amqp", "mqtt", false },
    { "V12.STOMP", "V12.STOMP", false },
    { " , mqtt", "mqtt", false },
};

START_TEST(the_highest_subprotocol_is_chosen_in_any_order)
{
    struct ws_subprotocol chosen =
        ws_handshake_subprotocol(span_of_text(offer_rows[_i].offer));

    ck_assert_msg(span_equal(chosen.name, span_of_text(offer_rows[_i].name)),
                  "%s", offer_rows[_i].offer);
    ck_assert_int_eq(chosen.known, offer_rows[_i].known);
}
END_TEST

START_TEST(no_offer_chooses_nothing)
{
    ck_assert_uint_eq(ws_handshake_subprotocol(SPAN_NONE).name.len, 0);
}
END_TEST

static const char *const some_origins[] = { "https://shop.example", NULL };
static const char *const any_origin[] = { "*", NULL };

static const struct {
    const char *origin;
    const char *host;
    const char *const *allowed;
    bool result;
} origin_rows[] = {
    { "", "broker.example:61614", NULL, true },
    { "http://broker.example", "broker.example:61614", NULL, true },
    { "https://BROKER.example:8443", "broker.example", NULL, true },
    { "http://evil.example", "broker.example:61614", NULL, false },
    { "http://broker.example.evil.example", "broker.example", NULL, false },
    { "http://localhost:3000", "broker.example", NULL, true },
    { "http://127.0.0.1", "broker.example", NULL, true },
    { "http://127.1.2.3:80", "broker.example", NULL, true },
    { "http://127.0.0.1.evil.example", "broker.example", NULL, false },
    { "http://127.evil.example", "broker.example", NULL, false },
    { "http://[::1]:3000", "broker.example", NULL, true },
    { "http://[fe80::1]:3000", "[fe80::1]:61614", NULL, true },
    { "http://[fe80::1]:3000", "[fe80::2]:61614", NULL, false },
    { "null", "broker.example", NULL, false },
    { "file://", "broker.example", NULL, false },
    { "http://", "", NULL, false },
    { "https://shop.example", "broker.example", some_origins, true },
    { "http://shop.example", "broker.example", some_origins, false },
    { "https://broker.example", "broker.example", some_origins, false },
    { "", "broker.example", some_origins, true },
    { "https://evil.example", "broker.example", any_origin, true },
};

START_TEST(origins_are_allowed_by_list_or_by_host)
{
    ck_assert_msg(ws_handshake_origin(span_of_text(origin_rows[_i].origin),
                                      span_of_text(origin_rows[_i].host),
                                      origin_rows[_i].allowed) ==
                      origin_rows[_i].result,
                  "%s at %s", origin_rows[_i].origin, origin_rows[_i].host);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ws_frame");
    TCase *tcase = tcase_create("ws_frame");

    tcase_add_test(tcase, headers_are_as_rfc_6455_draws_them);
    tcase_add_test(tcase, only_whole_frames_are_counted);
    tcase_add_loop_test(tcase, the_highest_subprotocol_is_chosen_in_any_order,
                        0, (int)(sizeof(offer_rows) / sizeof(offer_rows[0])));
    tcase_add_test(tcase, no_offer_chooses_nothing);
    tcase_add_loop_test(tcase, origins_are_allowed_by_list_or_by_host, 0,
                        (int)(sizeof(origin_rows) / sizeof(origin_rows[0])));
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
