/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket client by hand, for tests: every bit of a frame is the
 * caller's.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct ws_message {
    int opcode; /* of the first frame */
    int frames; /* how many it came in */
    size_t len;
    char *data; /* malloc'd, ends with a NUL of ours */
};

/* Sends "GET path" with Host, Upgrade and keys, and extra header lines (each
 * ended by CRLF).  Returns the descriptor; answer (size bytes) gets the
 * response head. */
int ws_client_open(int port, const char *path, const char *extra, char *answer,
                   size_t size);

/* The same, and the answer must be 101. */
int ws_client_connect(int port);

/* Sends a masked frame. */
void ws_client_send(int fd, int opcode, bool fin, struct span payload);

/* Reads one whole message, or one control frame. */
struct ws_message ws_client_read(int fd);

/* Reads a message and compares opcode and bytes. */
void ws_client_expect(int fd, int opcode, struct span bytes);

/* Reads a Close frame with that code and reason, answers it, and the peer
 * closes. */
void ws_client_expect_close(int fd, int code, const char *reason);

enum {
    OP_CONT = 0,
    OP_TEXT = 1,
    OP_BINARY = 2,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10
};
