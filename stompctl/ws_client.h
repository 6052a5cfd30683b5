/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of WebSocket, as far as STOMP needs it: the opening
 * handshake, masked frames out, a byte stream in.  Bytes only: no socket, no
 * clock.  The payload is one stream, since STOMP over WebSocket is one whatever
 * the broker's framing; who wants to know where messages end can ask.
 * Our own, since it is small, and the tools then need no library but libc.
 * Source: RFC 6455.
 */
#pragma once
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>

enum { WS_CLIENT_KEY_BYTES = 24 };    /* base64 of 16 random bytes */
enum { WS_CLIENT_HEADER_BYTES = 14 }; /* the longest header of a masked frame */

enum ws_opcode {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xA,
};

/* A message has ended; its payload is the last of the stream. */
typedef void ws_client_message_fn(void *ctx, enum ws_opcode opcode);

/* One per connection; starts as WS_CLIENT_INIT. */
struct ws_client {
    char key[WS_CLIENT_KEY_BYTES + 1];
    unsigned char header[10]; /* of the frame that is coming in */
    size_t header_len;
    uint64_t left;     /* bytes of its payload still to come */
    bool inside;       /* its header is complete */
    bool in_message;   /* a continuation may come */
    char control[125]; /* payload of a control frame so far */
    size_t control_len;
    enum ws_opcode opcode;            /* of the message that is coming in */
    unsigned close_code;              /* of the peer's Close; 0 before it */
    size_t pongs;                     /* Pongs received */
    ws_client_message_fn *on_message; /* the caller's; NULL: nobody asks */
    void *on_message_ctx;
};
#define WS_CLIENT_SUBPROTOCOLS                                                 \
    "Sec-WebSocket-Protocol: v12.stomp, v11.stomp, v10.stomp\r\n"
#define WS_CLIENT_INIT ((struct ws_client){ .key = "" })

enum ws_decode {
    WS_DECODE_MORE,   /* all of the input used */
    WS_DECODE_CLOSED, /* the peer's Close came; err says code and reason */
    WS_DECODE_INVALID /* the peer broke RFC 6455: err says how */
};

/* Appends the opening request, with a fresh key.  headers are whole lines that
 * are added, as WS_CLIENT_SUBPROTOCOLS. */
void ws_client_request(struct ws_client *ws, const char *host, const char *port,
                       const char *path, const char *headers, struct buf *out);

/*
 * Looks for the whole answer to the request at the front of in.  Returns its
 * length, 0 when more bytes are needed, or -1 with an error when the server
 * did not switch to WebSocket.
 */
ptrdiff_t ws_client_answer(const struct ws_client *ws, struct span in,
                           struct error *err);

/*
 * Writes the header of a frame of len payload bytes to header and returns its
 * length.  mask is put there too; the caller masks the payload.
 */
size_t ws_client_header(enum ws_opcode opcode, uint64_t len,
                        const unsigned char mask[4],
                        unsigned char header[WS_CLIENT_HEADER_BYTES]);

/* Appends payload as one masked frame. */
void ws_client_frame(enum ws_opcode opcode, struct span payload,
                     struct buf *out);

/* Takes all of in: payload bytes go to stream, answers to Ping and Close to
 * out. */
enum ws_decode ws_client_decode(struct ws_client *ws, struct span in,
                                struct buf *stream, struct buf *out,
                                struct error *err);
