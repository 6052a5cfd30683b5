/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the WebSocket handshake decides: path, Origin and subprotocol.  Pure
 * functions of header values.
 */
#pragma once
#include "base/span.h"

/* Whether STOMP over WebSocket is served at that path: "/", "/stomp", "/ws",
 * "/ws/websocket" (where SockJS clients look). */
bool ws_handshake_path(struct span path);

/*
 * Whether a page of that origin may connect.  origin is empty when the client
 * sent none: it is no browser.  host is the Host header.  allowed ends with
 * NULL, "*" in it allows all; without a list the page must come from the same
 * host name (any port), or from loopback.
 */
bool ws_handshake_origin(struct span origin, struct span host,
                         const char *const *allowed);

struct ws_subprotocol {
    struct span name; /* points into the offer; empty when none was made */
    bool known;       /* known ones are echoed */
    const char *text; /* of a known one, static; else NULL */
};

/* The highest STOMP version of a comma-separated offer, in whatever order; the
 * first of the offer when no name is known. */
struct ws_subprotocol ws_handshake_subprotocol(struct span offer);
