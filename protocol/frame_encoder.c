/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames to bytes.  Source: STOMP 1.2, "Augmented BNF"; stomp.md I1, I2, I6.
 */
#include "protocol/frame_encoder.h"

#include "protocol/headers.h"

#include <assert.h>

static bool
frame_encoder_is_raw(enum frame_command command)
{
    return command == FRAME_CONNECT || command == FRAME_STOMP ||
           command == FRAME_CONNECTED;
}

void
frame_encoder_begin(struct frame_encoder *encoder, struct buf *out,
                    enum frame_command command, enum stomp_version version,
                    size_t body_len)
{
    assert(command != FRAME_UNKNOWN);
    *encoder = (struct frame_encoder){
        .out = out,
        .version = frame_encoder_is_raw(command) ? STOMP_NONE : version,
        .body_len = body_len,
    };
    buf_append_span(out, frame_command_name(command));
    buf_append_char(out, '\n');
    if (body_len > 0) {
        header_append_u64(out, header_name(HEADER_CONTENT_LENGTH), body_len);
    }
}

void
frame_encoder_header(struct frame_encoder *encoder, struct span name,
                     struct span value)
{
    header_append(encoder->out, name, value, encoder->version);
}

void
frame_encoder_header_u64(struct frame_encoder *encoder, struct span name,
                         uint64_t value)
{
    header_append_u64(encoder->out, name, value);
}

void
frame_encoder_end(struct frame_encoder *encoder, struct span body)
{
    assert(body.len == encoder->body_len);
    buf_append_char(encoder->out, '\n');
    buf_append_span(encoder->out, body);
    buf_append_char(encoder->out, '\0');
}
