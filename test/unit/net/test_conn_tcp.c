/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "server/session/session.h"
#include "test/testutil.h"
#include "test/unit/net/fake_session.h"
#include "test/unit/net/net_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct span hello = { "CONNECT\nhost:x\n\nhi\0",
                                   sizeof("CONNECT\nhost:x\n\nhi") };

/* The echo of hello, with the one LF. */
static const struct span hello_back = { "CONNECT\nhost:x\n\nhi\0\n",
                                        sizeof("CONNECT\nhost:x\n\nhi\0") };

START_TEST(a_frame_comes_back_followed_by_one_lf)
{
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, hello);
    client_expect(fd, hello_back);
    (void)close(fd);
    wait_for(fake_session_counts.closed, 1);
    net_finish();
    ck_assert_str_eq(fake_session_reason, "peer closed");
}
END_TEST

START_TEST(connect_may_be_cut_at_every_byte)
{
    net_start();
    for (size_t cut = 1; cut < hello.len; cut++) {
        int fd = client_connect(fixture.port);

        client_send(fd, span_of(hello.data, cut));
        (void)poll(NULL, 0, 2);
        client_send(fd, span_after(hello, cut));
        client_expect(fd, hello_back);
        (void)close(fd);
    }
}
END_TEST

START_TEST(connect_may_come_byte_by_byte_after_eols)
{
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("\n"));
    (void)poll(NULL, 0, 5);
    client_send(fd, SPAN("\r\n\n"));
    (void)poll(NULL, 0, 5);
    for (size_t i = 0; i < hello.len; i++) {
        client_send(fd, span_of(hello.data + i, 1));
        (void)poll(NULL, 0, 1);
    }
    client_expect(fd, hello_back);
    (void)close(fd);
}
END_TEST

START_TEST(a_frame_that_begins_like_an_http_method_is_no_http)
{
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("D"));
    (void)poll(NULL, 0, 5);
    client_send(fd, SPAN("ISCONNECT\n\n\0"));
    client_expect(fd, SPAN("DISCONNECT\n\n\0\n"));
    (void)close(fd);
}
END_TEST

START_TEST(half_a_word_does_not_spin)
{
    uint64_t turns;
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("GE"));
    (void)poll(NULL, 0, 300);
    (void)close(fd);
    net_finish();
    turns = net_counters(fixture.net)->turns;
    ck_assert_uint_lt(turns, 40);
    ck_assert_int_eq(atomic_load(&fake_session_counts.made), 0);
}
END_TEST

START_TEST(a_client_that_says_nothing_is_refused_after_the_login_timeout)
{
    char data[256];
    size_t len;
    int fd;

    net_fixture_session.login_timeout_us = 50000;
    net_start();
    fd = client_connect(fixture.port);
    len = client_read_all(fd, data, sizeof(data));
    ck_assert_uint_gt(len, 5);
    ck_assert_int_eq(memcmp(data, "ERROR\n", 6), 0);
    ck_assert_int_eq(atomic_load(&fake_session_counts.refused), 1);
    (void)close(fd);
}
END_TEST

START_TEST(a_tls_client_gets_an_alert)
{
    static const char alert[] = { 0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46 };
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("\x16\x03\x01\x00\x05hello"));
    client_expect(fd, span_of(alert, sizeof(alert)));
    client_expect_eof(fd);
    (void)close(fd);
    net_finish();
    ck_assert_uint_eq(net_counters(fixture.net)->refused_tls, 1);
}
END_TEST

START_TEST(a_unix_socket_serves_stomp_and_has_mode_0660)
{
    struct stat st;
    int fd;

    net_start();
    ck_assert_int_eq(stat(fixture.unix_uri + strlen("unix:"), &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0660);
    fd = client_connect_unix();
    client_send(fd, hello);
    client_expect(fd, hello_back);
    client_send(fd, SPAN("BYE\0"));
    client_expect(fd, SPAN("RECEIPT\n\n\0\n"));
    client_expect_eof(fd);
    (void)close(fd);
    net_finish();
    ck_assert_int_ne(stat(fixture.unix_uri + strlen("unix:"), &st), 0);
}
END_TEST

START_TEST(close_sends_everything_to_a_late_reader_with_input_unread)
{
    static char input[200000];
    static char data[16];
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("BIG 4000000\0FAIL\0"));
    memset(input, 'x', sizeof(input));
    client_send(fd, span_of(input, sizeof(input)));
    (void)poll(NULL, 0, 500);
    /* 5 + 4000001 + LF, then the ERROR and its LF. */
    ck_assert_uint_eq(client_read_all(fd, data, sizeof(data)),
                      5 + 4000001 + 1 + 8 + 1);
    (void)close(fd);
    wait_for(fake_session_counts.closed, 1);
}
END_TEST

START_TEST(a_slow_reader_gets_a_big_frame_whole)
{
    enum { SIZE = 8000000 };
    char *data = xmalloc(SIZE + 7);
    size_t used = 0;
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("BIG 8000000\0"));
    while (used < SIZE + 7) {
        size_t want = SIZE + 7 - used;

        (void)poll(NULL, 0, 1);
        want = want < 100000 ? want : 100000;
        client_read(fd, data + used, want);
        used += want;
    }
    ck_assert_int_eq(memcmp(data, "BIG\n\n", 5), 0);
    /* Each byte equals the one before it, and the first is right. */
    ck_assert_int_eq(data[5], 'b');
    ck_assert_int_eq(memcmp(data + 5, data + 6, SIZE - 1), 0);
    ck_assert_int_eq(data[SIZE + 5], '\0');
    ck_assert_int_eq(data[SIZE + 6], '\n');
    wait_for(fake_session_counts.flushed_all, 1);
    free(data);
    (void)close(fd);
}
END_TEST

START_TEST(a_client_that_reads_nothing_is_still_read)
{
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("BIG 8000000\0"));
    wait_for(fake_session_counts.frames, 1);
    (void)poll(NULL, 0, 20);
    client_send(fd, SPAN("ACK\0"));
    wait_for(fake_session_counts.frames, 2);
    (void)close(fd);
}
END_TEST

START_TEST(a_connection_that_passes_the_hard_limit_is_cut)
{
    static char big[3000100];
    int fd;

    net_fixture_options.out_hard_bytes = 1000000;
    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("BIG 3000000\0")); /* one frame is always allowed */
    client_read(fd, big, 5 + 3000001 + 1);
    ck_assert_int_eq(atomic_load(&fake_session_counts.closed), 0);
    client_send(fd, SPAN("BIG 8000000\0BIG 8000000\0"));
    wait_for(fake_session_counts.closed, 1);
    (void)close(fd);
    net_finish();
    ck_assert_uint_eq(net_counters(fixture.net)->cut_slow, 1);
    ck_assert_str_eq(fake_session_reason, "it does not read");
}
END_TEST

START_TEST(ten_thousand_small_frames_come_in_order)
{
    char want[32];
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("MANY 10000\0"));
    for (int i = 0; i < 10000; i++) {
        int len = snprintf(want, sizeof(want), "MANY\n%d\n%c\n", i, 0);

        client_expect(fd, span_of(want, (size_t)len));
    }
    (void)close(fd);
}
END_TEST

START_TEST(no_more_is_read_at_once_than_the_session_wants)
{
    static char frames[10000];
    int fd;

    memset(frames, 'x', sizeof(frames));
    frames[sizeof(frames) - 1] = '\0';
    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("LITTLE 100\0ECHO\0"));
    client_expect(fd, SPAN("ECHO\0\n"));
    client_send(fd, span_of(frames, sizeof(frames)));
    client_expect(fd, span_of(frames, sizeof(frames)));
    (void)close(fd);
    net_finish();
    ck_assert_int_eq(atomic_load(&fake_session_counts.too_much), 0);
}
END_TEST

START_TEST(frames_before_an_instant_close_are_processed)
{
    net_start();
    for (int i = 0; i < 20; i++) {
        struct linger reset = { .l_onoff = i % 2, .l_linger = 0 };
        int fd = client_connect(fixture.port);

        client_send(fd, SPAN("SEND\n\n\0SEND\n\n\0DISCONNECT\n\n\0"));
        if (i % 2 == 1) { /* RST: what was not read may be lost by the kernel */
            wait_for(fake_session_counts.frames, 3 * (i + 1));
        }
        ck_assert_int_eq(
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        (void)close(fd);
        wait_for(fake_session_counts.frames, 3 * (i + 1));
    }
    wait_for(fake_session_counts.closed, 20);
}
END_TEST

START_TEST(a_half_closed_client_still_gets_its_receipt)
{
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("SEND\n\n\0BYE\0"));
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    client_expect(fd, SPAN("SEND\n\n\0\nRECEIPT\n\n\0\n"));
    client_expect_eof(fd);
    (void)close(fd);
}
END_TEST

START_TEST(a_half_closed_client_gets_answers_that_take_their_time)
{
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("LATER 100\0"));
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    client_expect(fd, SPAN("RECEIPT\n\n\0\n"));
    client_expect_eof(fd);
    (void)close(fd);
    net_finish();
    ck_assert_uint_lt(net_counters(fixture.net)->turns, 40);
}
END_TEST

START_TEST(a_client_that_hung_up_is_not_waited_for)
{
    int fd;

    net_start();
    fd = client_connect_unix();
    client_send(fd, SPAN("LATER 60000\0"));
    wait_for(fake_session_counts.frames, 1);
    (void)close(fd);
    wait_for(fake_session_counts.closed, 1);
}
END_TEST

START_TEST(a_paused_connection_is_not_read_until_it_resumes)
{
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("PAUSE 100\0"));
    wait_for(fake_session_counts.frames, 1);
    client_send(fd, SPAN("ECHO\0"));
    (void)poll(NULL, 0, 30);
    ck_assert_int_eq(atomic_load(&fake_session_counts.frames), 1);
    client_expect(fd, SPAN("ECHO\0\n"));
    ck_assert_int_eq(atomic_load(&fake_session_counts.timers), 1);
    (void)close(fd);
}
END_TEST

START_TEST(a_paused_connection_whose_peer_left_ends)
{
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("PAUSE 60000\0"));
    wait_for(fake_session_counts.frames, 1);
    client_send(fd, SPAN("LAST\0"));
    (void)close(fd);
    wait_for(fake_session_counts.closed, 1);
    ck_assert_int_eq(atomic_load(&fake_session_counts.frames), 2);
}
END_TEST

START_TEST(a_beat_is_one_lf)
{
    int fd;

    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, SPAN("BEAT\0BYE\0"));
    client_expect(fd, SPAN("\nRECEIPT\n\n\0\n"));
    client_expect_eof(fd);
    (void)close(fd);
}
END_TEST

START_TEST(one_connection_too_many_is_told_so)
{
    char data[512];
    size_t len;
    int fds[3];

    net_fixture_options.connections_max = 2;
    net_start();
    for (int i = 0; i < 2; i++) {
        fds[i] = client_connect(fixture.port);
        client_send(fds[i], hello);
        client_expect(fds[i], hello_back);
    }
    fds[2] = client_connect(fixture.port);
    len = client_read_all(fds[2], data, sizeof(data));
    ck_assert_uint_gt(len, 40);
    ck_assert_int_eq(memcmp(data, "ERROR\nmessage:too many connections\n", 35),
                     0);
    ck_assert_int_eq(data[len - 1], '\0');
    (void)close(fds[0]);
    wait_for(fake_session_counts.closed, 1);
    fds[0] = client_connect(fixture.port);
    client_send(fds[0], hello);
    client_expect(fds[0], hello_back);
    for (int i = 0; i < 3; i++) {
        (void)close(fds[i]);
    }
    net_finish();
    ck_assert_uint_eq(net_counters(fixture.net)->refused_limit, 1);
}
END_TEST

/* Descriptors are used up in this (forked) process by the test itself, so that
 * accept4 fails while the clients wait in the backlog. */
START_TEST(without_descriptors_nothing_spins_and_it_recovers)
{
    enum { CLIENTS = 20, FILLERS = 200 };
    struct rlimit limit = { .rlim_cur = 120, .rlim_max = 120 };
    int clients[CLIENTS];
    int fillers[FILLERS];
    int filled = 0;
    struct timespec before, after;
    int fd;

    net_start();
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_connect(fixture.port);
        client_send(clients[i], hello);
        client_expect(clients[i], hello_back);
    }
    while (filled < FILLERS &&
           (fillers[filled] = open("/dev/null", O_RDONLY)) >= 0) {
        filled++;
    }
    ck_assert_int_lt(filled, FILLERS);
    (void)close(fillers[--filled]);
    fd = client_connect(fixture.port); /* takes the last one */
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before), 0);
    (void)poll(NULL, 0, 500);
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after), 0);
    ck_assert_int_lt((after.tv_sec - before.tv_sec) * 1000 +
                         (after.tv_nsec - before.tv_nsec) / 1000000,
                     400); /* a loop that spins takes all 500 */
    client_send(clients[0], hello);
    client_expect(clients[0], hello_back);
    client_expect_eof(fd); /* the reserve answered it */
    (void)close(fd);
    while (filled > 0) {
        (void)close(fillers[--filled]);
    }
    fd = client_connect(fixture.port);
    client_send(fd, hello);
    client_expect(fd, hello_back);
    (void)close(fd);
    for (int i = 0; i < CLIENTS; i++) {
        (void)close(clients[i]);
    }
    net_finish();
    ck_assert_uint_gt(net_counters(fixture.net)->accept_errors, 0);
    ck_assert_uint_lt(net_counters(fixture.net)->accept_errors, 20);
}
END_TEST

START_TEST(drain_tells_every_session_and_ends)
{
    int fds[5];

    net_start();
    for (int i = 0; i < 5; i++) {
        fds[i] = client_connect(fixture.port);
        client_send(fds[i], hello);
        client_expect(fds[i], hello_back);
    }
    for (int i = 0; i < 5; i++) {
        char data[128];

        if (i == 0) {
            /* They close when they have seen the ERROR; without that the
             * drain lasts as long as the linger, 2 s. */
            net_finish();
        }
        ck_assert_uint_gt(client_read_all(fds[i], data, sizeof(data)), 6);
        ck_assert_int_eq(memcmp(data, "ERROR\n", 6), 0);
        (void)close(fds[i]);
    }
    ck_assert_int_eq(atomic_load(&fake_session_counts.refused), 5);
    ck_assert_int_eq(atomic_load(&fake_session_counts.closed), 5);
}
END_TEST

START_TEST(a_port_in_use_is_explained)
{
    struct error err = ERROR_INIT;
    char uri[128];
    struct net_endpoint same = { .kind = NET_ENDPOINT_STOMP,
                                 .host = "127.0.0.1" };

    fixture.net = net_new(&net_fixture_options, &err);
    ck_assert_int_eq(net_listen(fixture.net, &same, uri, sizeof(uri), &err), 0);
    same.port = (uint16_t)strtoul(strrchr(uri, ':') + 1, NULL, 10);
    ck_assert_int_eq(net_listen(fixture.net, &same, uri, sizeof(uri), &err),
                     -1);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot listen on 127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(err.text, "Address already in use; another "
                                           "stompd may be running, or choose "
                                           "another port with -l"));
}
END_TEST

START_TEST(a_stale_unix_socket_is_replaced_and_a_live_one_is_not)
{
    struct error err = ERROR_INIT;
    char path[200];
    char kept[220];
    char uri[256];
    struct net_endpoint local = { .kind = NET_ENDPOINT_UNIX, .path = path };
    struct net *other;

    net_start();
    (void)snprintf(path, sizeof(path), "%s",
                   fixture.unix_uri + strlen("unix:"));
    other = net_new(&net_fixture_options, &err);
    ck_assert_int_eq(net_listen(other, &local, uri, sizeof(uri), &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "already in use"));
    err = ERROR_INIT;
    (void)snprintf(path, sizeof(path), "%s/stale", fixture.directory);
    ck_assert_int_eq(net_listen(other, &local, uri, sizeof(uri), &err), 0);
    /* What a killed process leaves: the name without a listener. */
    (void)snprintf(kept, sizeof(kept), "%s.kept", path);
    ck_assert_int_eq(link(path, kept), 0);
    net_free(&other);
    ck_assert_int_eq(rename(kept, path), 0);
    other = net_new(&net_fixture_options, &err);
    ck_assert_int_eq(net_listen(other, &local, uri, sizeof(uri), &err), 0);
    net_free(&other);
}
END_TEST

START_TEST(the_bound_uri_is_told)
{
    net_start();
    ck_assert_int_eq(strncmp(fixture.stomp_uri, "stomp://127.0.0.1:", 18), 0);
    ck_assert_int_gt(fixture.port, 0);
    ck_assert_int_eq(strncmp(fixture.ws_uri, "ws://127.0.0.1:", 15), 0);
    ck_assert_ptr_nonnull(strstr(fixture.ws_uri, "/stomp"));
}
END_TEST

static atomic_int turn_calls;
static atomic_int turn_enough;

static bool
turn_endless(void *ctx, int64_t now_us, int64_t *due_us)
{
    (void)ctx;
    (void)now_us;
    (void)due_us;
    atomic_fetch_add(&turn_calls, 1);
    return atomic_load(&turn_enough) == 0;
}

START_TEST(endless_work_does_not_stop_reading)
{
    int fd;

    net_fixture_options.turn = turn_endless;
    net_start();
    fd = client_connect(fixture.port);
    client_send(fd, hello);
    client_expect(fd, hello_back);
    (void)close(fd);
    wait_for(turn_calls, 1000);
    atomic_store(&turn_enough, 1);
    net_finish();
    /* 16 rounds, then sockets. */
    ck_assert_uint_ge(net_counters(fixture.net)->turns,
                      (unsigned)atomic_load(&turn_calls) / 17);
}
END_TEST

static atomic_int due_turns;

static int64_t
turn_end_due(void *ctx, int64_t now_us)
{
    (void)ctx;
    atomic_fetch_add(&due_turns, 1);
    return now_us + 20000;
}

START_TEST(the_loop_wakes_when_the_turns_end_asked_for)
{
    net_fixture_options.turn_end = turn_end_due;
    net_start();
    (void)poll(NULL, 0, 300);
    net_finish();
    ck_assert_int_ge(atomic_load(&due_turns), 8);
    ck_assert_int_le(atomic_load(&due_turns), 40);
}
END_TEST

static int signal_seen;

static void
on_signal(void *ctx, int signo)
{
    signal_seen = signo;
    net_stop(*(struct net **)ctx);
}

START_TEST(a_signal_runs_its_function_on_the_loop)
{
    struct error err = ERROR_INIT;

    fixture.net = net_new(&net_fixture_options, &err);
    net_on_signal(fixture.net, SIGUSR1, on_signal, &fixture.net);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert_int_eq(signal_seen, 0);
    net_run(fixture.net);
    ck_assert_int_eq(signal_seen, SIGUSR1);
}
END_TEST

static void
add_session_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_frame_comes_back_followed_by_one_lf);
    tcase_add_test(tcase, connect_may_be_cut_at_every_byte);
    tcase_add_test(tcase, connect_may_come_byte_by_byte_after_eols);
    tcase_add_test(tcase, a_frame_that_begins_like_an_http_method_is_no_http);
    tcase_add_test(tcase, half_a_word_does_not_spin);
    tcase_add_test(
        tcase, a_client_that_says_nothing_is_refused_after_the_login_timeout);
    tcase_add_test(tcase, a_tls_client_gets_an_alert);
    tcase_add_test(tcase, a_unix_socket_serves_stomp_and_has_mode_0660);
    tcase_add_test(tcase,
                   close_sends_everything_to_a_late_reader_with_input_unread);
    tcase_add_test(tcase, a_slow_reader_gets_a_big_frame_whole);
    tcase_add_test(tcase, a_client_that_reads_nothing_is_still_read);
    tcase_add_test(tcase, a_connection_that_passes_the_hard_limit_is_cut);
    tcase_add_test(tcase, ten_thousand_small_frames_come_in_order);
    tcase_add_test(tcase, no_more_is_read_at_once_than_the_session_wants);
    tcase_add_test(tcase, frames_before_an_instant_close_are_processed);
    tcase_add_test(tcase, a_half_closed_client_still_gets_its_receipt);
    tcase_add_test(tcase,
                   a_half_closed_client_gets_answers_that_take_their_time);
    tcase_add_test(tcase, a_client_that_hung_up_is_not_waited_for);
    tcase_add_test(tcase, a_paused_connection_is_not_read_until_it_resumes);
    tcase_add_test(tcase, a_paused_connection_whose_peer_left_ends);
    tcase_add_test(tcase, a_beat_is_one_lf);
}

static void
add_net_tests(TCase *tcase)
{
    tcase_add_test(tcase, one_connection_too_many_is_told_so);
    tcase_add_test(tcase, without_descriptors_nothing_spins_and_it_recovers);
    tcase_add_test(tcase, drain_tells_every_session_and_ends);
    tcase_add_test(tcase, a_port_in_use_is_explained);
    tcase_add_test(tcase,
                   a_stale_unix_socket_is_replaced_and_a_live_one_is_not);
    tcase_add_test(tcase, the_bound_uri_is_told);
    tcase_add_test(tcase, endless_work_does_not_stop_reading);
    tcase_add_test(tcase, the_loop_wakes_when_the_turns_end_asked_for);
    tcase_add_test(tcase, a_signal_runs_its_function_on_the_loop);
}

int
main(void)
{
    Suite *suite = suite_create("conn_tcp");
    TCase *tcase = tcase_create("conn_tcp");

    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, net_fixture_setup, net_fixture_teardown);
    add_session_tests(tcase);
    add_net_tests(tcase);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
