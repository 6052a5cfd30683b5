/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket frames as a server sends them (not masked), and how much of a
 * buffer is whole frames.  Pure functions of bytes.  libwebsockets writes one
 * frame per system call, so we make the headers ourselves and give it many
 * frames at a time; it may put a PONG between two writes, so a write must end
 * where a frame ends, and large messages go in fragments.
 * Source: RFC 6455, section 5.2.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
};

enum {
    WS_WRITE_MAX = 65536, /* bytes in one write */
    WS_HEADER_MAX = 4,    /* we need no 64-bit length */
    WS_FRAGMENT_MAX = WS_WRITE_MAX - WS_HEADER_MAX, /* payload of a frame */
};

/* 2 or 4; len <= WS_FRAGMENT_MAX. */
size_t ws_frame_header_len(size_t len);

/* Writes the header of a frame with len bytes of payload to place. */
void ws_frame_header(char *place, enum ws_opcode opcode, bool fin, size_t len);

/* How many of the bytes, which begin with a frame, are whole frames. */
size_t ws_frame_whole(const char *data, size_t len);
