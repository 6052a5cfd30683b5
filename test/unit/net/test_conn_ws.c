/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "server/session/session.h"
#include "test/testutil.h"
#include "test/unit/net/fake_session.h"
#include "test/unit/net/net_fixture.h"
#include "test/unit/net/ws_client.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char answer[4096];

/* ---- handshake ---- */

static const struct {
    const char *headers;
    const char *echo; /* NULL: none */
} offer_rows[] = {
    { "Sec-WebSocket-Protocol: v12.stomp\r\n", "v12.stomp" },
    { "Sec-WebSocket-Protocol: v10.stomp, v11.stomp, v12.stomp\r\n",
      "v12.stomp" },
    { "Sec-WebSocket-Protocol: v10.stomp\r\n"
      "Sec-WebSocket-Protocol: v11.stomp\r\n",
      "v11.stomp" },
    { "Sec-WebSocket-Protocol: stomp\r\n", "stomp" },
    { "Sec-WebSocket-Protocol: foo, v11.stomp\r\n", "v11.stomp" },
    { "Sec-WebSocket-Protocol: foo, bar\r\n", NULL },
    { "", NULL },
};

START_TEST(the_subprotocol_is_echoed_when_it_is_known)
{
    static const char line[] = "Sec-WebSocket-Protocol: ";
    const char *echo;
    int fd;

    net_start();
    fd = ws_client_open(fixture.port, "/stomp", offer_rows[_i].headers, answer,
                        sizeof(answer));
    ck_assert_msg(strncmp(answer, "HTTP/1.1 101 ", 13) == 0, "%s", answer);
    echo = strstr(answer, line);
    if (offer_rows[_i].echo == NULL) {
        ck_assert_msg(echo == NULL, "%s", answer);
    } else {
        char want[64];

        (void)snprintf(want, sizeof(want), "%s%s\r\n", line,
                       offer_rows[_i].echo);
        ck_assert_msg(echo != NULL, "%s", answer);
        ck_assert_int_eq(strncmp(echo, want, strlen(want)), 0);
    }
    ws_client_send(fd, OP_TEXT, true, SPAN("HI\0"));
    ws_client_expect(fd, OP_TEXT, SPAN("HI\0"));
    (void)close(fd);
}
END_TEST

START_TEST(the_ws_listener_serves_the_known_paths)
{
    static const char *const paths[] = { "/", "/stomp", "/ws",
                                         "/ws/websocket" };

    net_start();
    for (size_t i = 0; i < 4; i++) {
        int fd = ws_client_open(fixture.ws_port, paths[i], "", answer,
                                sizeof(answer));

        ck_assert_msg(strncmp(answer, "HTTP/1.1 101 ", 13) == 0, "%s", answer);
        (void)close(fd);
    }
}
END_TEST

static const struct {
    const char *path;
    const char *headers;
    const char *status;
} refused_rows[] = {
    { "/other", "", "HTTP/1.1 404 " },
    { "/stomp", "Origin: http://evil.example\r\n", "HTTP/1.1 403 " },
    { "/stomp",
      "Sec-WebSocket-Protocol: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
      "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, "
      "cccccccccccccccccccccccccccccccc\r\n",
      "HTTP/1.1 400 " },
};

START_TEST(a_handshake_that_is_refused_is_told_why)
{
    int fd;

    net_start();
    fd = ws_client_open(fixture.port, refused_rows[_i].path,
                        refused_rows[_i].headers, answer, sizeof(answer));
    ck_assert_msg(strncmp(answer, refused_rows[_i].status, 13) == 0, "%s",
                  answer);
    (void)close(fd);
    net_finish();
    ck_assert_int_eq(atomic_load(&fake_session_counts.made), 0);
}
END_TEST

START_TEST(the_same_host_may_connect)
{
    int fd;

    net_start();
    fd = ws_client_open(fixture.port, "/", "Origin: http://127.0.0.1:8080\r\n",
                        answer, sizeof(answer));
    ck_assert_msg(strncmp(answer, "HTTP/1.1 101 ", 13) == 0, "%s", answer);
    (void)close(fd);
}
END_TEST

/* ---- messages ---- */

START_TEST(frames_of_every_header_size_come_back)
{
    static const size_t sizes[] = { 1,     2,     124,   125,   126,
                                    127,   65530, 65531, 65532, 65533,
                                    65535, 65536, 65537, 200000 };
    size_t size = sizes[_i];
    char *data = xmalloc(size);
    struct ws_message message;
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    memset(data, 'e', size);
    data[size - 1] = '\0';
    ws_client_send(fd, OP_TEXT, true, span_of(data, size));
    if (size > 1) {
        message = ws_client_read(fd);
        ck_assert_int_eq(message.opcode, OP_TEXT);
        ck_assert_uint_eq(message.len, size);
        ck_assert_int_eq(memcmp(message.data, data, size), 0);
        ck_assert_int_eq(message.frames, 1 + (int)((size - 1) / 65532));
        free(message.data);
    } else {
        ws_client_expect(fd, OP_TEXT, SPAN("\0"));
    }
    free(data);
    (void)close(fd);
}
END_TEST

START_TEST(a_frame_may_come_in_a_thousand_messages)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    for (int i = 0; i < 1000; i++) {
        ws_client_send(fd, OP_TEXT, true, SPAN("x"));
    }
    ws_client_send(fd, OP_TEXT, true, SPAN(""));
    ws_client_send(fd, OP_TEXT, true, SPAN("\0"));
    {
        struct ws_message message = ws_client_read(fd);

        ck_assert_uint_eq(message.len, 1001);
        free(message.data);
    }
    (void)close(fd);
}
END_TEST

START_TEST(one_message_may_hold_several_frames_and_a_half)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("ONE\0\nTWO\0THR"));
    ws_client_send(fd, OP_TEXT, true, SPAN("EE\0"));
    ws_client_expect(fd, OP_TEXT, SPAN("ONE\0"));
    ws_client_expect(fd, OP_TEXT, SPAN("TWO\0"));
    ws_client_expect(fd, OP_TEXT, SPAN("THREE\0"));
    (void)close(fd);
}
END_TEST

START_TEST(fragments_with_a_ping_between_them_are_one_stream)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, false, SPAN("FRA"));
    ws_client_send(fd, OP_PING, true, SPAN("are you there"));
    ws_client_send(fd, OP_CONT, false, SPAN("GME"));
    ws_client_send(fd, OP_CONT, true, SPAN("NT\0"));
    for (int i = 0; i < 2; i++) { /* in either order */
        struct ws_message message = ws_client_read(fd);
        struct span got = span_of(message.data, message.len);

        ck_assert(span_equal(got, message.opcode == OP_PONG
                                      ? SPAN("are you there")
                                      : SPAN("FRAGMENT\0")));
        free(message.data);
    }
    (void)close(fd);
}
END_TEST

START_TEST(every_byte_may_come_alone)
{
    static const unsigned char frame[] = {
        0x81, 0x83, 0, 0, 0, 0, 'A', 'B', 0
    };
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    for (size_t i = 0; i < sizeof(frame); i++) {
        client_send(fd, span_of((const char *)frame + i, 1));
        (void)poll(NULL, 0, 2);
    }
    ws_client_expect(fd, OP_TEXT, SPAN("AB\0"));
    (void)close(fd);
}
END_TEST

START_TEST(the_type_mirrors_the_clients_last_message)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_BINARY, true, SPAN("ONE\0"));
    ws_client_expect(fd, OP_BINARY, SPAN("ONE\0"));
    ws_client_send(fd, OP_TEXT, true, SPAN("TWO\0"));
    ws_client_expect(fd, OP_TEXT, SPAN("TWO\0"));
    (void)close(fd);
}
END_TEST

START_TEST(bytes_that_are_no_utf8_go_out_binary)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("LATIN\0"));
    ws_client_expect(fd, OP_BINARY, SPAN("LATIN\n\n\xe9\0"));
    (void)close(fd);
}
END_TEST

START_TEST(a_beat_is_a_text_message_of_one_lf)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("BEAT\0"));
    ws_client_expect(fd, OP_TEXT, SPAN("\n"));
    ws_client_send(fd, OP_TEXT, true, SPAN("\n\r\n"));
    wait_for(fake_session_counts.eols, 3);
    (void)close(fd);
}
END_TEST

/* ---- volume ---- */

START_TEST(ten_thousand_small_frames_come_one_per_message)
{
    char want[32];
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("MANY 10000\0"));
    for (int i = 0; i < 10000; i++) {
        int len = snprintf(want, sizeof(want), "MANY\n%d\n", i);

        ws_client_expect(fd, OP_TEXT, span_of(want, (size_t)len + 1));
    }
    wait_for(fake_session_counts.flushed_all, 1);
    (void)close(fd);
}
END_TEST

START_TEST(pings_during_a_big_frame_do_not_break_it)
{
    struct ws_message message;
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("BIG 8000000\0"));
    for (int i = 0; i < 50; i++) {
        ws_client_send(fd, OP_PING, true, SPAN("p"));
        (void)poll(NULL, 0, 1);
    }
    message = ws_client_read(fd);
    while (message.opcode == OP_PONG) {
        free(message.data);
        message = ws_client_read(fd);
    }
    ck_assert_uint_eq(message.len, 5 + 8000001);
    ck_assert_int_eq(message.data[5], 'b');
    ck_assert_int_eq(memcmp(message.data + 5, message.data + 6, 8000000 - 1),
                     0);
    free(message.data);
    wait_for(fake_session_counts.flushed_all, 1);
    (void)close(fd);
}
END_TEST

START_TEST(a_client_that_reads_nothing_is_still_read_and_nothing_spins)
{
    struct timespec before, after;
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("BIG 8000000\0"));
    wait_for(fake_session_counts.frames, 1);
    (void)poll(NULL, 0, 50);
    ws_client_send(fd, OP_TEXT, true, SPAN("ACK\0"));
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before), 0);
    (void)poll(NULL, 0, 500);
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after), 0);
    ck_assert_int_lt((after.tv_sec - before.tv_sec) * 1000 +
                         (after.tv_nsec - before.tv_nsec) / 1000000,
                     400); /* a loop that spins takes all 500 */
    wait_for(fake_session_counts.frames, 2);
    (void)close(fd);
    wait_for(fake_session_counts.closed, 1);
}
END_TEST

START_TEST(a_connection_that_passes_the_hard_limit_is_cut)
{
    int fd;

    net_fixture_options.out_hard_bytes = 1000000;
    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("BIG 8000000\0BIG 8000000\0"));
    wait_for(fake_session_counts.closed, 1);
    (void)close(fd);
    net_finish();
    ck_assert_uint_eq(net_counters(fixture.net)->cut_slow, 1);
}
END_TEST

START_TEST(a_paused_connection_is_not_read_until_it_resumes)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("PAUSE 100\0"));
    wait_for(fake_session_counts.frames, 1);
    ws_client_send(fd, OP_TEXT, true, SPAN("ECHO\0"));
    (void)poll(NULL, 0, 30);
    ck_assert_int_eq(atomic_load(&fake_session_counts.frames), 1);
    ws_client_expect(fd, OP_TEXT, SPAN("ECHO\0"));
    (void)close(fd);
}
END_TEST

START_TEST(a_paused_connection_whose_peer_left_ends)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("PAUSE 60000\0"));
    wait_for(fake_session_counts.frames, 1);
    ws_client_send(fd, OP_TEXT, true, SPAN("LAST\0"));
    (void)close(fd);
    wait_for(fake_session_counts.closed, 1);
    ck_assert_int_eq(atomic_load(&fake_session_counts.frames), 2);
}
END_TEST

/* ---- the end ---- */

static const struct {
    const char *command;
    const char *last; /* the frame before Close */
    int code;
    const char *reason;
} close_rows[] = {
    { "BYE", "RECEIPT\n\n", 1000, "bye" },
    { "FAIL", "ERROR\n\n", 1002, "you broke it" },
    { "HUGE", "ERROR\n\n", 1009, "too big" },
};

START_TEST(the_last_frame_comes_before_close_with_its_code)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(
        fd, OP_TEXT, true,
        span_of(close_rows[_i].command, strlen(close_rows[_i].command) + 1));
    ws_client_expect(
        fd, OP_TEXT,
        span_of(close_rows[_i].last, strlen(close_rows[_i].last) + 1));
    ws_client_expect_close(fd, close_rows[_i].code, close_rows[_i].reason);
    (void)close(fd);
    wait_for(fake_session_counts.closed, 1);
}
END_TEST

START_TEST(a_big_frame_and_error_reach_a_late_reader_before_close)
{
    struct ws_message message;
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("BIG 4000000\0FAIL\0"));
    ws_client_send(fd, OP_TEXT, true, SPAN("more that nobody reads"));
    (void)poll(NULL, 0, 500);
    message = ws_client_read(fd);
    ck_assert_uint_eq(message.len, 5 + 4000001);
    free(message.data);
    ws_client_expect(fd, OP_TEXT, SPAN("ERROR\n\n\0"));
    ws_client_expect_close(fd, 1002, "you broke it");
    (void)close(fd);
}
END_TEST

START_TEST(text_that_is_no_utf8_is_closed_with_1007)
{
    struct ws_message message;
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("bad \xff\xfe\0"));
    message = ws_client_read(fd);
    ck_assert_int_eq(message.opcode, OP_CLOSE);
    ck_assert_int_eq((unsigned char)message.data[0] << 8 |
                         (unsigned char)message.data[1],
                     1007);
    free(message.data);
    (void)close(fd);
    wait_for(fake_session_counts.closed, 1);
}
END_TEST

START_TEST(utf8_may_be_cut_by_a_fragment)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, false, SPAN("\xc3"));
    ws_client_send(fd, OP_CONT, true, SPAN("\xa9\0"));
    ws_client_expect(fd, OP_TEXT, SPAN("\xc3\xa9\0"));
    (void)close(fd);
}
END_TEST

START_TEST(a_clients_close_is_answered)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_CLOSE, true, SPAN("\x03\xe8"));
    ws_client_expect(fd, OP_CLOSE, SPAN("\x03\xe8"));
    client_expect_eof(fd);
    (void)close(fd);
    wait_for(fake_session_counts.closed, 1);
}
END_TEST

START_TEST(a_client_that_vanishes_ends_its_session)
{
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    int fd;

    net_start();
    for (int i = 0; i < 20; i++) {
        fd = ws_client_connect(fixture.port);
        ws_client_send(fd, OP_TEXT, true, SPAN("MANY 100\0BIG 1000000\0"));
        if (i % 2 == 0) {
            ck_assert_int_eq(
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)),
                0);
            wait_for(fake_session_counts.frames, 1);
        }
        (void)close(fd);
    }
    wait_for(fake_session_counts.closed, 20);
}
END_TEST

START_TEST(drain_closes_with_1001)
{
    int fd;

    net_start();
    fd = ws_client_connect(fixture.port);
    ws_client_send(fd, OP_TEXT, true, SPAN("HI\0"));
    ws_client_expect(fd, OP_TEXT, SPAN("HI\0"));
    net_finish(); /* the client does not answer: 5 s */
    ws_client_expect(fd, OP_TEXT, SPAN("ERROR\nmessage:"));
    ws_client_expect(fd, OP_TEXT, SPAN("stompd is stopping\0"));
    {
        struct ws_message message = ws_client_read(fd);

        ck_assert_int_eq(message.opcode, OP_CLOSE);
        ck_assert_int_eq(memcmp(message.data, "\x03\xe9", 2), 0);
        free(message.data);
    }
    (void)close(fd);
}
END_TEST

/* ---- HTTP ---- */

static size_t
http_get(int port, const char *request, char *data, size_t size)
{
    int fd = client_connect(port);
    size_t len;

    client_send(fd, span_of_text(request));
    len = client_read_all(fd, data, size - 1);
    data[len < size ? len : size - 1] = '\0';
    (void)close(fd);
    return len;
}

static const struct {
    const char *request;
    const char *status;
    const char *text;
} http_rows[] = {
    { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "</html>" },
    { "GET /stomp HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 ", "WebSocket" },
    { "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ",
      "nothing here" },
    { "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "text/html" },
    { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
      "HTTP/1.1 405 ", "Allow: GET, HEAD" },
    { "DELETE /x HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 ", "Allow" },
    { "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
      "Upgrade: foobar\r\n\r\n",
      "HTTP/1.0 403 ", "403" }, /* libwebsockets' own */
    { "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
      "HTTP/1.1 200 ", "</html>" },
    { "\r\n\nGET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ", "</html>" },
};

START_TEST(http_requests_are_answered_on_the_stomp_port)
{
    static char data[65536];

    net_start();
    (void)http_get(fixture.port, http_rows[_i].request, data, sizeof(data));
    ck_assert_msg(strncmp(data, http_rows[_i].status, 13) == 0, "%.300s", data);
    ck_assert_msg(strstr(data, http_rows[_i].text) != NULL, "%.600s", data);
    net_finish();
    ck_assert_uint_eq(net_counters(fixture.net)->http, 0);
}
END_TEST

START_TEST(a_request_may_be_cut_at_every_byte)
{
    static const char request[] = "GET /stomp HTTP/1.1\r\nHost: x\r\n\r\n";

    net_start();
    for (size_t cut = 1; cut + 1 < sizeof(request); cut++) {
        int fd = client_connect(fixture.port);
        char data[1024];

        client_send(fd, span_of(request, cut));
        (void)poll(NULL, 0, 3);
        client_send(fd, span_of(request + cut, sizeof(request) - 1 - cut));
        ck_assert_uint_gt(client_read_all(fd, data, sizeof(data)), 13);
        ck_assert_int_eq(memcmp(data, "HTTP/1.1 426 ", 13), 0);
        (void)close(fd);
    }
}
END_TEST

static void
write_file(const char *name, const char *text)
{
    char path[300];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", fixture.directory, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(files_are_served_from_the_directory_and_not_from_above)
{
    static char data[65536];
    char directory[300];

    write_file("secret", "secret text");
    (void)snprintf(directory, sizeof(directory), "%s/www", fixture.directory);
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    write_file("www/index.html", "<p>my page</p>");
    net_fixture_options.http_directory = directory;
    net_start();
    (void)http_get(fixture.port,
                   "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                   data, sizeof(data));
    ck_assert_msg(strstr(data, "<p>my page</p>") != NULL, "%s", data);
    (void)http_get(fixture.port,
                   "GET /../secret HTTP/1.1\r\nHost: x\r\n"
                   "Connection: close\r\n\r\n",
                   data, sizeof(data));
    ck_assert_msg(strstr(data, "secret text") == NULL, "%s", data);
    (void)http_get(fixture.port,
                   "GET /%2e%2e/secret HTTP/1.1\r\nHost: x\r\n"
                   "Connection: close\r\n\r\n",
                   data, sizeof(data));
    ck_assert_msg(strstr(data, "secret text") == NULL, "%s", data);
    (void)http_get(fixture.port,
                   "GET /none HTTP/1.1\r\nHost: x\r\n"
                   "Connection: close\r\n\r\n",
                   data, sizeof(data));
    ck_assert_msg(strncmp(data, "HTTP/1.1 404 ", 13) == 0, "%s", data);
    (void)http_get(fixture.port,
                   "GET /stomp HTTP/1.1\r\nHost: x\r\n"
                   "Connection: close\r\n\r\n",
                   data, sizeof(data));
    ck_assert_msg(strncmp(data, "HTTP/1.1 426 ", 13) == 0, "%s", data);
}
END_TEST

static void
add_handshake_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, the_subprotocol_is_echoed_when_it_is_known, 0,
                        (int)(sizeof(offer_rows) / sizeof(offer_rows[0])));
    tcase_add_test(tcase, the_ws_listener_serves_the_known_paths);
    tcase_add_loop_test(tcase, a_handshake_that_is_refused_is_told_why, 0,
                        (int)(sizeof(refused_rows) / sizeof(refused_rows[0])));
    tcase_add_test(tcase, the_same_host_may_connect);
}

static void
add_message_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, frames_of_every_header_size_come_back, 0, 14);
    tcase_add_test(tcase, a_frame_may_come_in_a_thousand_messages);
    tcase_add_test(tcase, one_message_may_hold_several_frames_and_a_half);
    tcase_add_test(tcase, fragments_with_a_ping_between_them_are_one_stream);
    tcase_add_test(tcase, every_byte_may_come_alone);
    tcase_add_test(tcase, the_type_mirrors_the_clients_last_message);
    tcase_add_test(tcase, bytes_that_are_no_utf8_go_out_binary);
    tcase_add_test(tcase, a_beat_is_a_text_message_of_one_lf);
    tcase_add_test(tcase, ten_thousand_small_frames_come_one_per_message);
    tcase_add_test(tcase, pings_during_a_big_frame_do_not_break_it);
    tcase_add_test(tcase,
                   a_client_that_reads_nothing_is_still_read_and_nothing_spins);
    tcase_add_test(tcase, a_connection_that_passes_the_hard_limit_is_cut);
    tcase_add_test(tcase, a_paused_connection_is_not_read_until_it_resumes);
    tcase_add_test(tcase, a_paused_connection_whose_peer_left_ends);
}

static void
add_close_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, the_last_frame_comes_before_close_with_its_code,
                        0, (int)(sizeof(close_rows) / sizeof(close_rows[0])));
    tcase_add_test(tcase,
                   a_big_frame_and_error_reach_a_late_reader_before_close);
    tcase_add_test(tcase, text_that_is_no_utf8_is_closed_with_1007);
    tcase_add_test(tcase, utf8_may_be_cut_by_a_fragment);
    tcase_add_test(tcase, a_clients_close_is_answered);
    tcase_add_test(tcase, a_client_that_vanishes_ends_its_session);
    tcase_add_test(tcase, drain_closes_with_1001);
}

static void
add_http_tests(TCase *tcase)
{
    tcase_add_loop_test(tcase, http_requests_are_answered_on_the_stomp_port, 0,
                        (int)(sizeof(http_rows) / sizeof(http_rows[0])));
    tcase_add_test(tcase, a_request_may_be_cut_at_every_byte);
    tcase_add_test(tcase,
                   files_are_served_from_the_directory_and_not_from_above);
}

int
main(void)
{
    Suite *suite = suite_create("conn_ws");
    TCase *tcase = tcase_create("conn_ws");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, net_fixture_setup, net_fixture_teardown);
    add_handshake_tests(tcase);
    add_message_tests(tcase);
    add_close_tests(tcase);
    add_http_tests(tcase);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
