/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STOMP over WebSocket: a session on a libwebsockets connection.  One STOMP
 * frame is one message (in fragments when it is large), a beat is a message of
 * one LF; what arrives is a byte stream to the session, whatever the messages.
 * http.c calls these from libwebsockets' callbacks; after conn_ws_on_closed
 * the wsi is never touched again.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>

struct conn_ws; /* opaque: defined in conn_ws.c */
struct lws;
struct net;

/* Begins a session; the handshake is done. */
struct conn_ws *conn_ws_open(struct net *net, struct lws *wsi, const char *peer,
                             bool use_async_send, bool use_async_send_set);

/* What its handshake agreed on, for those who look; agreed is static, NULL when
 * no subprotocol of ours was offered. */
void conn_ws_set_subprotocol(struct conn_ws *ws, const char *agreed,
                             bool offered);

void conn_ws_on_receive(struct conn_ws *ws, struct span bytes, bool binary);

/* The answer to a PING: the browser lives, even when its tab sleeps. */
void conn_ws_on_pong(struct conn_ws *ws);

/* Returns what the callback must return: -1 when libwebsockets shall close. */
int conn_ws_on_writable(struct conn_ws *ws);

void conn_ws_on_closed(struct conn_ws *ws);
