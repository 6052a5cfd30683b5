/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A STOMP frame as a WebSocket message in a connection's output: one WebSocket
 * frame, or fragments when it is longer than WS_FRAGMENT_MAX.  It is text when
 * all of it is UTF-8, unless the client speaks binary.
 * Source: RFC 6455, sections 5.4 and 5.6.
 */
#pragma once
#include "base/span.h"
#include "server/session/transport.h"

#include <stdbool.h>
#include <stddef.h>

struct conn;

/* Between begin and end; the caller's. */
struct ws_message {
    char *header; /* of the first frame; NULL: the head is in the scratch
                     buffer, too long for one */
    char *head;
    size_t head_len;
    struct span tail;
    struct transport_hold hold;
    bool has_hold;
    size_t bytes_before;
};

/* Takes what transport_ops.frame_begin is given, and returns the place for
 * head_len bytes, to be filled before ws_message_end. */
char *ws_message_begin(struct ws_message *message, struct conn *conn,
                       size_t head_len, struct span tail,
                       const struct transport_hold *hold);

/* Appends all of it, as text if it can be and binary is false.  Returns the
 * bytes that it takes in the output. */
size_t ws_message_end(const struct ws_message *message, struct conn *conn,
                      bool binary);
