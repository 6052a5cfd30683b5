/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets of our own: bind, accept4, limits.  libwebsockets' own
 * listener spins when descriptors run out and cannot hand over first bytes.
 */
#pragma once
#include "base/error.h"
#include "server/net/net.h"

#include <stdbool.h>
#include <stddef.h>

struct listener; /* opaque: defined in listener.c */

/* Opens it, puts it on net->listeners and writes its URI; -1 when it
 * cannot. */
int listener_open(struct net *net, const struct net_endpoint *endpoint,
                  char *uri_out, size_t size, struct error *err);

/* Closes all listeners of the net; a unix socket's file goes too. */
void listener_close_all(struct net *net);

bool listener_is_unix(const struct listener *listener);
bool listener_use_async_send(const struct listener *listener, bool *set_out);
