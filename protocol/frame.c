/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame commands and look-ups in a parsed frame.
 * Source: STOMP 1.2, "Augmented BNF".
 */
#include "protocol/frame.h"

#define FRAME_NAME(literal)                                                    \
    {                                                                          \
        .data = (literal), .len = sizeof(literal) - 1                          \
    }

static const struct span frame_names[FRAME_COMMAND_COUNT] = {
    [FRAME_UNKNOWN] = FRAME_NAME(""),
    [FRAME_CONNECT] = FRAME_NAME("CONNECT"),
    [FRAME_STOMP] = FRAME_NAME("STOMP"),
    [FRAME_SEND] = FRAME_NAME("SEND"),
    [FRAME_SUBSCRIBE] = FRAME_NAME("SUBSCRIBE"),
    [FRAME_UNSUBSCRIBE] = FRAME_NAME("UNSUBSCRIBE"),
    [FRAME_ACK] = FRAME_NAME("ACK"),
    [FRAME_NACK] = FRAME_NAME("NACK"),
    [FRAME_BEGIN] = FRAME_NAME("BEGIN"),
    [FRAME_COMMIT] = FRAME_NAME("COMMIT"),
    [FRAME_ABORT] = FRAME_NAME("ABORT"),
    [FRAME_DISCONNECT] = FRAME_NAME("DISCONNECT"),
    [FRAME_CONNECTED] = FRAME_NAME("CONNECTED"),
    [FRAME_MESSAGE] = FRAME_NAME("MESSAGE"),
    [FRAME_RECEIPT] = FRAME_NAME("RECEIPT"),
    [FRAME_ERROR] = FRAME_NAME("ERROR"),
};

/* The candidate of a text, by its length and one octet that tells the
 * commands of that length apart; only it needs the full comparison. */
static enum frame_command
frame_command_guess(struct span text)
{
    switch (text.len) {
    case 3:
        return FRAME_ACK;
    case 4:
        return text.data[0] == 'S' ? FRAME_SEND : FRAME_NACK;
    case 5:
        return text.data[0] == 'B'   ? FRAME_BEGIN
               : text.data[0] == 'A' ? FRAME_ABORT
               : text.data[0] == 'S' ? FRAME_STOMP
                                     : FRAME_ERROR;
    case 6:
        return FRAME_COMMIT;
    case 7:
        return text.data[0] == 'M'   ? FRAME_MESSAGE
               : text.data[0] == 'R' ? FRAME_RECEIPT
                                     : FRAME_CONNECT;
    case 9:
        return text.data[0] == 'S' ? FRAME_SUBSCRIBE : FRAME_CONNECTED;
    case 10:
        return FRAME_DISCONNECT;
    case 11:
        return FRAME_UNSUBSCRIBE;
    default:
        return FRAME_UNKNOWN;
    }
}

struct span
frame_find(const struct frame *frame, struct span name)
{
    for (size_t i = 0; i < frame->header_count; i++) {
        if (span_equal(frame->headers[i].name, name)) {
            return frame->headers[i].value;
        }
    }
    return SPAN_NONE;
}

enum frame_command
frame_command_of(struct span text)
{
    enum frame_command guess = frame_command_guess(text);

    return span_equal(text, frame_names[guess]) ? guess : FRAME_UNKNOWN;
}

struct span
frame_command_name(enum frame_command command)
{
    return frame_names[command];
}
