/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a peer that says what a test wants, over TCP. */
#include "stompctl/client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "test/testutil.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTED "CONNECTED\nversion:1.2\nheart-beat:0,0\n\n"

/* What the peer does once a connection is there. */
struct peer {
    struct span answer; /* to the first frame */
    bool closes;        /* right after the answer */
    const char *awaits; /* bytes that must come after the first frame */
};

static pid_t peer_pid;
static struct uri uri;
static struct error err;
static struct client *client;

static void
client_setup(void)
{
    err = ERROR_INIT;
    client = NULL;
}

static void
client_teardown(void)
{
    client_free(&client);
    uri_fini(&uri);
}

/* Reads until the frame's NUL; what follows is left to be read. */
static void
peer_read_frame(int fd)
{
    char c;

    do {
        if (read(fd, &c, 1) != 1) {
            _exit(2);
        }
    } while (c != '\0');
}

/* Exit code 0 when the client sent what was awaited. */
static void
peer_run(const struct peer *peer, int listener)
{
    int fd = accept(listener, NULL, NULL);
    char c;

    peer_read_frame(fd);
    if (write(fd, peer->answer.data, peer->answer.len) !=
        (ssize_t)peer->answer.len) {
        _exit(3);
    }
    for (const char *at = peer->awaits; at != NULL && *at != '\0'; at++) {
        if (read(fd, &c, 1) != 1 || c != *at) {
            _exit(4);
        }
    }
    while (!peer->closes && read(fd, &c, 1) == 1) {
    }
    _exit(0);
}

static void
peer_fork(const struct peer *peer, int listener, const char *text)
{
    ck_assert_int_eq(listen(listener, 1), 0);
    peer_pid = fork();
    ck_assert_int_ge(peer_pid, 0);
    if (peer_pid == 0) {
        peer_run(peer, listener);
    }
    (void)close(listener);
    ck_assert_int_eq(uri_parse(text, &uri, &err), 0);
}

/* Starts a peer and puts its address into uri. */
static void
peer_start(const struct peer *peer)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    char *text;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len),
                     0);
    text = xasprintf("stomp://me:secret@127.0.0.1:%u?a.b=c",
                     ntohs(address.sin_port));
    peer_fork(peer, listener, text);
    free(text);
}

/* The same on a unix socket in directory. */
static void
peer_start_unix(const struct peer *peer, const char *directory)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    char *text = xasprintf("unix:%s/s", directory);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
                   text + strlen("unix:"));
    ck_assert_int_eq(
        bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    peer_fork(peer, listener, text);
    free(text);
}

static int
peer_exit_code(void)
{
    int status;

    ck_assert_int_eq(waitpid(peer_pid, &status, 0), peer_pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static enum client_status
open_with(uint32_t sends_ms, uint32_t wants_ms)
{
    struct client_options options = {
        .uri = &uri,
        .sends_ms = sends_ms,
        .wants_ms = wants_ms,
        .deadline_us = clock_monotonic_us() + 10000000,
    };

    return client_open(&options, &client, &err);
}

static enum client_status
receive(const struct frame **frame_out, int64_t wait_us)
{
    return client_receive(client, clock_monotonic_us() + wait_us, frame_out,
                          &err);
}

START_TEST(frames_behind_connected_are_received_in_order)
{
    static const char answer[] = CONNECTED "\0\nMESSAGE\na:1\n\nx\0"
                                           "MESSAGE\na:2\n\ny\0";
    const struct peer peer = { .answer = { answer, sizeof(answer) - 1 } };
    const struct frame *frame;

    peer_start(&peer);
    ck_assert_int_eq(open_with(0, 0), CLIENT_OK);
    ck_assert_int_eq(client_version(client), STOMP_1_2);
    ck_assert_int_eq(receive(&frame, 10000000), CLIENT_OK);
    ck_assert(span_equal(frame->body, SPAN("x")));
    ck_assert_int_eq(receive(&frame, 10000000), CLIENT_OK);
    ck_assert(span_equal(frame->body, SPAN("y")));
    ck_assert_int_eq(receive(&frame, 1000), CLIENT_TIMEOUT);
}
END_TEST

START_TEST(a_unix_socket_carries_the_same)
{
    static const char answer[] = CONNECTED "\0\nMESSAGE\na:1\n\nx\0";
    const struct peer peer = { .answer = { answer, sizeof(answer) - 1 } };
    char *directory = testutil_tmpdir();
    const struct frame *frame;

    peer_start_unix(&peer, directory);
    ck_assert_int_eq(open_with(0, 0), CLIENT_OK);
    ck_assert_int_eq(receive(&frame, 10000000), CLIENT_OK);
    ck_assert(span_equal(frame->body, SPAN("x")));
    testutil_rmtree(directory);
    free(directory);
}
END_TEST

START_TEST(an_error_frame_ends_it_with_message_and_body)
{
    static const char answer[] = "ERROR\nmessage:no way\n\nthe reason\n\0";
    const struct peer peer = { .answer = { answer, sizeof(answer) - 1 },
                               .closes = true };

    peer_start(&peer);
    ck_assert_int_eq(open_with(0, 0), CLIENT_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(err.text, "no way"));
    ck_assert(span_equal(client_error_body(client), SPAN("the reason\n")));
}
END_TEST

START_TEST(an_error_frame_counts_even_when_writing_fails_first)
{
    static const char answer[] = CONNECTED "\0"
                                           "ERROR\nmessage:too much\n\n\0";
    const struct peer peer = { .answer = { answer, sizeof(answer) - 1 },
                               .closes = true };
    enum client_status status = CLIENT_OK;

    peer_start(&peer);
    ck_assert_int_eq(open_with(0, 0), CLIENT_OK);
    ck_assert_int_eq(peer_exit_code(), 0);
    for (int i = 0; i < 100 && status == CLIENT_OK; i++) {
        client_begin(client, FRAME_SEND, 0);
        client_header(client, HEADER_DESTINATION, SPAN("/queue/a"));
        client_end(client, SPAN_NONE);
        status = client_flush(client, clock_monotonic_us() + 10000000, &err);
    }
    ck_assert_int_eq(status, CLIENT_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(err.text, "too much"));
}
END_TEST

START_TEST(a_peer_that_closes_is_unavailable)
{
    static const char answer[] = CONNECTED "\0";
    const struct peer peer = { .answer = { answer, sizeof(answer) - 1 },
                               .closes = true };
    const struct frame *frame;

    peer_start(&peer);
    ck_assert_int_eq(open_with(0, 0), CLIENT_OK);
    ck_assert_int_eq(receive(&frame, 10000000), CLIENT_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.text, "closed the connection"));
}
END_TEST

START_TEST(a_peer_that_does_not_speak_stomp_is_a_protocol_fault)
{
    static const char *const rows[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "CONNECTED\nversion:7.0\n\n",
        "RECEIPT\nreceipt-id:1\n\n",
    };
    const struct peer peer = {
        .answer = { rows[_i], strlen(rows[_i]) + 1 },
    };

    peer_start(&peer);
    ck_assert_int_eq(open_with(0, 0), CLIENT_PROTOCOL);
    ck_assert_str_ne(err.text, "");
    ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

START_TEST(a_beat_is_sent_while_nothing_else_is)
{
    static const char answer[] = "CONNECTED\nversion:1.2\nheart-beat:0,40\n"
                                 "\n";
    const struct peer peer = { .answer = { answer, sizeof(answer) },
                               .awaits = "\n\n\n" };
    const struct frame *frame;

    peer_start(&peer);
    ck_assert_int_eq(open_with(40, 0), CLIENT_OK);
    ck_assert_int_eq(receive(&frame, 400000), CLIENT_TIMEOUT);
    client_free(&client);
    ck_assert_int_eq(peer_exit_code(), 0);
}
END_TEST

START_TEST(a_peer_that_misses_its_beats_is_given_up)
{
    static const char answer[] = "CONNECTED\nversion:1.2\nheart-beat:20,0\n"
                                 "\n";
    const struct peer peer = { .answer = { answer, sizeof(answer) } };
    const struct frame *frame;

    peer_start(&peer);
    ck_assert_int_eq(open_with(0, 20), CLIENT_OK);
    ck_assert_int_eq(receive(&frame, 10000000), CLIENT_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.text, "was silent for"));
}
END_TEST

START_TEST(the_options_of_the_uri_stand_in_the_connect_frame)
{
    static const char answer[] = CONNECTED "\0";
    const struct peer peer = { .answer = { answer, sizeof(answer) - 1 } };
    char *text = NULL;
    size_t size = 0;
    FILE *trace = open_memstream(&text, &size);
    struct client_options options = {
        .uri = &uri,
        .trace = trace,
        .deadline_us = clock_monotonic_us() + 10000000,
    };

    peer_start(&peer);
    ck_assert_int_eq(client_open(&options, &client, &err), CLIENT_OK);
    ck_assert_int_eq(fclose(trace), 0);
    ck_assert_ptr_nonnull(strstr(text, ">>> a.b:c\n"));
    ck_assert_ptr_nonnull(strstr(text, ">>> login:me\n"));
    ck_assert_ptr_nonnull(strstr(text, ">>> passcode:***\n"));
    ck_assert_ptr_null(strstr(text, "secret"));
    free(text);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stompctl/client");
    TCase *tcase = tcase_create("client");

    tcase_add_checked_fixture(tcase, client_setup, client_teardown);
    tcase_add_test(tcase, frames_behind_connected_are_received_in_order);
    tcase_add_test(tcase, a_unix_socket_carries_the_same);
    tcase_add_test(tcase, an_error_frame_ends_it_with_message_and_body);
    tcase_add_test(tcase, an_error_frame_counts_even_when_writing_fails_first);
    tcase_add_test(tcase, a_peer_that_closes_is_unavailable);
    tcase_add_loop_test(
        tcase, a_peer_that_does_not_speak_stomp_is_a_protocol_fault, 0, 3);
    tcase_add_test(tcase, a_beat_is_sent_while_nothing_else_is);
    tcase_add_test(tcase, a_peer_that_misses_its_beats_is_given_up);
    tcase_add_test(tcase, the_options_of_the_uri_stand_in_the_connect_frame);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
