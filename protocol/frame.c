/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame commands and look-ups in a parsed frame.
 * Source: STOMP 1.2, "Augmented BNF".
 */
#include "protocol/frame.h"

#include "base/alloc.h"

#include <string.h>

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

/* Puts the text at *end, which moves behind it; absent stays absent. */
static struct span
frame_copy_text(char **end, struct span text)
{
    char *at = *end;

    if (text.data == NULL) {
        return text;
    }
    if (text.len > 0) {
        memcpy(at, text.data, text.len);
    }
    *end += text.len;
    return span_of(at, text.len);
}

struct frame *
frame_copy(const struct frame *frame, size_t *size_out)
{
    size_t headers_bytes = frame->header_count * sizeof(frame->headers[0]);
    size_t size = sizeof(*frame) + headers_bytes + frame->command_text.len +
                  frame->body.len;
    struct frame_header *headers;
    struct frame *copy;
    char *end;

    for (size_t i = 0; i < frame->header_count; i++) {
        size += frame->headers[i].name.len + frame->headers[i].value.len;
    }
    copy = try_malloc(size);
    if (copy == NULL) {
        return NULL;
    }
    *copy = *frame;
    headers = (struct frame_header *)(copy + 1);
    end = (char *)(headers + frame->header_count);
    copy->headers = headers;
    copy->command_text = frame_copy_text(&end, frame->command_text);
    for (size_t i = 0; i < frame->header_count; i++) {
        headers[i] = (struct frame_header){
            .name = frame_copy_text(&end, frame->headers[i].name),
            .value = frame_copy_text(&end, frame->headers[i].value),
            .id = frame->headers[i].id,
        };
    }
    copy->body = frame_copy_text(&end, frame->body);
    *size_out = size;
    return copy;
}
