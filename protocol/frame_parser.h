/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STOMP frame parser: bytes in, frames out, no I/O and no clock.
 * One parser per connection; not thread-safe; nothing here calls back.
 *
 * A frame that lies whole in the input is parsed in place, nothing copied;
 * only a header that holds an escape is undone into a scratch buffer.  A frame
 * that arrives in pieces is gathered in a buffer that the parser owns and
 * gives back when the frame is done.
 * Source: STOMP 1.2, "Augmented BNF" and "Value Encoding"; stomp.md section
 * 4.1-4.3, D1-D6, D20.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"
#include "protocol/frame.h"
#include "protocol/version.h"

struct frame_parser; /* opaque: defined in frame_parser_private.h */

struct frame_limits {
    size_t command_bytes; /* command line without its end */
    size_t header_bytes;  /* one header line without its end */
    size_t headers_bytes; /* all header lines of a frame together */
    size_t header_count;
    size_t body_bytes;
};

/* 1 KiB, 64 KiB, 256 KiB, 256 and 16 MiB; before login 1 KiB, 16 KiB, 32 KiB,
 * 64 and 64 KiB. */
extern const struct frame_limits frame_limits_default;
extern const struct frame_limits frame_limits_before_login;

enum frame_parse {
    FRAME_PARSE_MORE,    /* input used up, no whole frame yet */
    FRAME_PARSE_FRAME,   /* *frame_out set; call again with what is left */
    FRAME_PARSE_INVALID, /* peer broke the protocol: send ERROR, close */
    FRAME_PARSE_TOO_BIG, /* a limit was passed: send ERROR, close */
};

/* Returns a new parser, never NULL, in STOMP_NONE.  limits is copied. */
struct frame_parser *frame_parser_new(const struct frame_limits *limits);

/* Frees *parser and sets it to NULL; NULL is fine. */
void frame_parser_free(struct frame_parser **parser);

/* Both hold from the next frame on; call them between feeds, as when a
 * CONNECT has been taken (frames pipelined behind it obey the new rules). */
void frame_parser_set_version(struct frame_parser *parser,
                              enum stomp_version version);
void frame_parser_set_limits(struct frame_parser *parser,
                             const struct frame_limits *limits);

/*
 * Takes bytes from the front of *in, moving it past what was used.  EOLs and
 * lone NULs between frames are skipped (V12-007, D20).  Call it until it
 * returns MORE, with nothing left in *in too: that call ends the loan of the
 * last frame and gives its memory back.
 * A CONNECT or STOMP frame in STOMP_NONE obeys the version that its
 * accept-version leads to: padding is trimmed for 1.0, UTF-8 and bare CRs are
 * checked for those that want it; escapes are never undone (V12-036, D3).
 * On FRAME_PARSE_FRAME the frame is borrowed, from the parser and from the
 * input: it stays valid until the next call on this parser or until the input
 * bytes go away.  After INVALID or TOO_BIG (err says which header, which byte,
 * which limit) the parser refuses every further call with the same result,
 * unless frame_parser_skip is called.
 * A content-length above the limit is refused before any body byte is kept.
 */
enum frame_parse frame_parser_feed(struct frame_parser *parser, struct span *in,
                                   const struct frame **frame_out,
                                   struct error *err);

/*
 * After TOO_BIG: whether it is known where the frame ends, as only its body is
 * too long and content-length says how long.  frame_parser_skip then reads on
 * behind it: nothing of the body is kept, the frame is never handed out.
 */
bool frame_parser_can_skip(const struct frame_parser *parser);
void frame_parser_skip(struct frame_parser *parser);

/*
 * After INVALID or TOO_BIG: the command and the headers that had been read
 * before the fault, so that the ERROR frame can carry `receipt-id` and
 * `destination`.  Borrowed until frame_parser_skip or frame_parser_free; never
 * NULL.
 */
const struct frame *frame_parser_rejected(const struct frame_parser *parser);

/* Whether part of a frame is waiting for its rest. */
bool frame_parser_is_inside(const struct frame_parser *parser);

/* Bytes that the parser holds for a frame in pieces (quota, statistics). */
size_t frame_parser_held_bytes(const struct frame_parser *parser);
