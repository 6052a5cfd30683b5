/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP and the WebSocket handshake: libwebsockets as a guest on our loop.  It
 * gets only connections that begin with an HTTP method, never a listener.
 */
#pragma once
#include "base/error.h"

#include <stdbool.h>

struct net;

/* Makes net->http; -1 when libwebsockets or its libev plugin is missing. */
int http_start(struct net *net, struct error *err);

/* Ends all that libwebsockets holds and frees net->http. */
void http_stop(struct net *net);

/* Hands fd over, whose first bytes have not been read.  fd is closed when that
 * fails. */
void http_adopt(struct net *net, int fd, bool use_async_send,
                bool use_async_send_set);
