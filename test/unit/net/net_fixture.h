/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A net with the fake session, running in a thread of its own, and blocking
 * clients for it.
 */
#pragma once
#include "base/span.h"
#include "server/net/net.h"

#include <stddef.h>

struct net_fixture {
    struct net *net;
    char stomp_uri[128]; /* of the listeners opened by the fixture */
    char ws_uri[128];
    char unix_uri[128];
    int port;    /* of stomp_uri */
    int ws_port; /* of ws_uri */
    char *directory;
};
extern struct net_fixture fixture;

/* What net_start opens the net with; reset by net_fixture_setup. */
extern struct net_options net_fixture_options;
extern struct session_config net_fixture_session;

/* Checked fixture: defaults, log off.  Teardown drains and frees, and checks
 * that each session was closed and freed once. */
void net_fixture_setup(void);
void net_fixture_teardown(void);

/* Makes the net with its listeners and runs it. */
void net_start(void);
/* Drains and ends the loop; returns when its thread has ended. */
void net_finish(void);

/* Reads of these fail the test after 10 s. */
int client_connect(int port);
int client_connect_unix(void);
void client_send(int fd, struct span bytes);
/* Reads exactly len bytes. */
void client_read(int fd, char *data, size_t len);
/* Reads and compares. */
void client_expect(int fd, struct span bytes);
/* Reads until the peer closes; returns how many bytes came (up to size are
 * kept).  Fails on a reset. */
size_t client_read_all(int fd, char *data, size_t size);
/* The peer closes in good order and sends nothing before. */
void client_expect_eof(int fd);

/* Waits until *counter is at least value; fails after 10 s. */
#define wait_for(counter, value)                                               \
    ck_assert_msg(wait_for_count(&(counter), (value)), "%s stayed %d",         \
                  #counter, atomic_load(&(counter)))
_Bool wait_for_count(const _Atomic int *counter, int value);
