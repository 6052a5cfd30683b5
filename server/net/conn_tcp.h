/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STOMP on a plain TCP or unix socket.  One LF follows each frame's NUL.
 *
 *   SNIFF ─► OPEN ─► CLOSING ─► DRAINING ─► gone
 *     │        └───────┴─► DEAD ──────────────▲
 *     └─► HTTP: the descriptor is handed to libwebsockets
 *
 * Closing is orderly: what is queued is written, then half-close, then up to
 * 2 s of reading and dropping, so that no RST kills what the peer has not read
 * yet.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>

struct net;
struct listener;

/* Takes over fd (non-blocking).  With sniff the first bytes decide; without,
 * it is STOMP at once. */
void conn_tcp_accept(struct net *net, int fd, const struct listener *listener,
                     const char *peer, bool sniff);

/* Takes over fd, sends text and closes in good order; for clients that are
 * turned away. */
void conn_tcp_turn_away(struct net *net, int fd, const char *peer,
                        struct span text);
