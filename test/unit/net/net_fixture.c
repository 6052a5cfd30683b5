/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/net/net_fixture.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "server/log.h"
#include "server/session/session.h"
#include "test/testutil.h"
#include "test/unit/net/fake_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENT_TIMEOUT_S = 10 };

struct net_fixture fixture;
struct net_options net_fixture_options;
struct session_config net_fixture_session;

static pthread_t fixture_thread;
static bool fixture_running;
static atomic_bool fixture_drain;

static void
fixture_on_drained(void *ctx)
{
    (void)ctx;
    net_stop(fixture.net);
}

static void
fixture_on_woken(void *ctx, int64_t now_us)
{
    (void)ctx;
    (void)now_us;
    if (atomic_load(&fixture_drain)) {
        net_drain(fixture.net, fixture_on_drained, NULL);
    }
}

static void *
fixture_run(void *arg)
{
    (void)arg;
    net_run(fixture.net);
    return NULL;
}

void
net_fixture_setup(void)
{
    memset(&fixture, 0, sizeof(fixture));
    net_fixture_session = session_config_default;
    net_fixture_options = (struct net_options){
        .session = &net_fixture_session,
        .woken = fixture_on_woken,
    };
    atomic_store(&fixture_drain, false);
    fixture.directory = testutil_tmpdir();
    log_set_level(getenv("NET_TEST_VERBOSE") != NULL ? LOG_LEVEL_DEBUG
                                                     : LOG_LEVEL_ERROR);
}

static int
uri_port(const char *uri)
{
    const char *colon = strrchr(uri, ':');

    ck_assert_ptr_nonnull(colon);
    return (int)strtol(colon + 1, NULL, 10);
}

void
net_start(void)
{
    char path[200];
    struct error err = ERROR_INIT;
    struct net_endpoint stomp = { .kind = NET_ENDPOINT_STOMP,
                                  .host = "127.0.0.1" };
    struct net_endpoint ws = { .kind = NET_ENDPOINT_WS, .host = "127.0.0.1" };
    struct net_endpoint local = { .kind = NET_ENDPOINT_UNIX, .path = path };

    (void)snprintf(path, sizeof(path), "%s/sock", fixture.directory);
    fixture.net = net_new(&net_fixture_options, &err);
    ck_assert_msg(fixture.net != NULL, "%s", err.text);
    ck_assert_int_eq(net_listen(fixture.net, &stomp, fixture.stomp_uri,
                                sizeof(fixture.stomp_uri), &err),
                     0);
    ck_assert_int_eq(net_listen(fixture.net, &ws, fixture.ws_uri,
                                sizeof(fixture.ws_uri), &err),
                     0);
    ck_assert_int_eq(net_listen(fixture.net, &local, fixture.unix_uri,
                                sizeof(fixture.unix_uri), &err),
                     0);
    fixture.port = uri_port(fixture.stomp_uri);
    fixture.ws_port = uri_port(fixture.ws_uri);
    ck_assert_int_eq(pthread_create(&fixture_thread, NULL, fixture_run, NULL),
                     0);
    fixture_running = true;
}

void
net_finish(void)
{
    if (fixture_running) {
        atomic_store(&fixture_drain, true);
        net_wake(fixture.net);
        ck_assert_int_eq(pthread_join(fixture_thread, NULL), 0);
        fixture_running = false;
    }
}

void
net_fixture_teardown(void)
{
    net_finish();
    net_free(&fixture.net);
    ck_assert_int_eq(atomic_load(&fake_session_counts.made),
                     atomic_load(&fake_session_counts.closed));
    ck_assert_int_eq(atomic_load(&fake_session_counts.made),
                     atomic_load(&fake_session_counts.freed));
    ck_assert_int_eq(atomic_load(&fake_session_counts.after_closed), 0);
    ck_assert_int_eq(atomic_load(&fake_session_counts.holds), 0);
    testutil_rmtree(fixture.directory);
    free(fixture.directory);
}

static void
client_tune(int fd)
{
    struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_S };

    ck_assert_int_eq(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), 0);
    ck_assert_int_eq(
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)), 0);
}

int
client_connect(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    client_tune(fd);
    ck_assert_int_eq(
        connect(fd, (struct sockaddr *)(void *)&address, sizeof(address)), 0);
    return fd;
}

int
client_connect_unix(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    client_tune(fd);
    ck_assert_int_lt(snprintf(address.sun_path, sizeof(address.sun_path),
                              "%s/sock", fixture.directory),
                     (int)sizeof(address.sun_path));
    ck_assert_int_eq(
        connect(fd, (struct sockaddr *)(void *)&address, sizeof(address)), 0);
    return fd;
}

void
client_send(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t count = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);

        ck_assert_msg(count > 0, "send: %s", strerror(errno));
        bytes = span_after(bytes, (size_t)count);
    }
}

void
client_read(int fd, char *data, size_t len)
{
    size_t used = 0;

    while (used < len) {
        ssize_t count = recv(fd, data + used, len - used, 0);

        ck_assert_msg(count > 0, "after %zu of %zu bytes: %s", used, len,
                      count == 0 ? "peer closed" : strerror(errno));
        used += (size_t)count;
    }
}

void
client_expect(int fd, struct span bytes)
{
    char *data = xcalloc(1, bytes.len + 1);

    client_read(fd, data, bytes.len);
    ck_assert_msg(memcmp(data, bytes.data, bytes.len) == 0,
                  "expected %.60s, got %.60s", bytes.data, data);
    free(data);
}

size_t
client_read_all(int fd, char *data, size_t size)
{
    static char buffer[65536];
    size_t used = 0;
    ssize_t count;

    while ((count = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
        size_t room = used < size ? size - used : 0;
        size_t step = (size_t)count < room ? (size_t)count : room;

        memcpy(data + used, buffer, step);
        used += (size_t)count;
    }
    ck_assert_msg(count == 0, "after %zu bytes: %s", used, strerror(errno));
    return used;
}

void
client_expect_eof(int fd)
{
    char data[64];
    size_t len = client_read_all(fd, data, sizeof(data));

    ck_assert_msg(len == 0, "%zu bytes came: %.*s", len, (int)len, data);
}

_Bool
wait_for_count(const _Atomic int *counter, int value)
{
    int64_t end_us = clock_monotonic_us() + INT64_C(10000000);

    while (atomic_load(counter) < value) {
        if (clock_monotonic_us() > end_us) {
            return false;
        }
        (void)poll(NULL, 0, 1);
    }
    return true;
}
