/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP and the WebSocket handshake: libwebsockets as a guest on our loop.  It
 * gets only connections that begin with an HTTP method, never a listener.
 */
#pragma once
#include "base/error.h"

#include <stdbool.h>

struct lws;
struct net;

/* Makes net->http; -1 when libwebsockets or its libev plugin is missing. */
int http_start(struct net *net, struct error *err);

/* Ends all that libwebsockets holds and frees net->http. */
void http_stop(struct net *net);

/* Hands fd over, whose first bytes have not been read.  fd is closed when that
 * fails. */
void http_adopt(struct net *net, int fd, bool use_async_send,
                bool use_async_send_set);

/* The path of a ws:// listener is served too. */
void http_add_path(struct net *net, const char *path);

/* No callback reaches the connection of this wsi any more. */
void http_forget(struct lws *wsi);

/* WS_WRITE_MAX bytes with the room in front that lws_write wants; shared by
 * all connections, good until the next call of anything. */
unsigned char *http_write_buffer(struct net *net);
