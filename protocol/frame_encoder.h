/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames to bytes, for everything but the MESSAGE hot path, which copies
 * prepared pieces (server/session/session_deliver.c).
 *
 *     struct frame_encoder enc;
 *     frame_encoder_begin(&enc, &buf, FRAME_RECEIPT, STOMP_1_2, 0);
 *     frame_encoder_header(&enc, SPAN("receipt-id"), id);
 *     frame_encoder_end(&enc, SPAN_NONE);
 *
 * LF only (I1); content-length first and only with a body (I6); the frame ends
 * with its NUL: the LF that TCP peers get after it is the transport's (I2).
 */
#pragma once
#include "base/buf.h"
#include "protocol/frame.h"
#include "protocol/version.h"

struct frame_encoder {
    struct buf *out;
    enum stomp_version version; /* STOMP_NONE for the raw frames */
    size_t body_len;            /* as promised by content-length */
};

/* body_len > 0 writes content-length as the first header; end() must then be
 * given exactly that many bytes.  CONNECT, STOMP and CONNECTED are written
 * raw, whatever the version (V12-037, D3). */
void frame_encoder_begin(struct frame_encoder *encoder, struct buf *out,
                         enum frame_command command, enum stomp_version version,
                         size_t body_len);
void frame_encoder_header(struct frame_encoder *encoder, struct span name,
                          struct span value);
void frame_encoder_header_u64(struct frame_encoder *encoder, struct span name,
                              uint64_t value);
/* Ends the headers, adds the body and the NUL. */
void frame_encoder_end(struct frame_encoder *encoder, struct span body);
