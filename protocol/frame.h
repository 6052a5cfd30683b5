/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One STOMP frame as the parser hands it out: decoded and borrowed.
 * Source: STOMP 1.2, "Augmented BNF".
 */
#pragma once
#include "base/span.h"
#include "protocol/headers.h"

#include <stddef.h>
#include <stdint.h>

enum frame_command {
    FRAME_UNKNOWN, /* any other command: frame.command_text has it */
    /* client frames */
    FRAME_CONNECT,
    FRAME_STOMP,
    FRAME_SEND,
    FRAME_SUBSCRIBE,
    FRAME_UNSUBSCRIBE,
    FRAME_ACK,
    FRAME_NACK,
    FRAME_BEGIN,
    FRAME_COMMIT,
    FRAME_ABORT,
    FRAME_DISCONNECT,
    /* server frames */
    FRAME_CONNECTED,
    FRAME_MESSAGE,
    FRAME_RECEIPT,
    FRAME_ERROR,
    FRAME_COMMAND_COUNT
};

struct frame_header {
    struct span name;  /* decoded */
    struct span value; /* decoded */
    enum header_id id;
};

struct frame {
    enum frame_command command;
    struct span command_text;
    /* In the order received, repeats of a name left out: the first counts
     * (STOMP 1.2, "Repeated Header Entries"). */
    const struct frame_header *headers;
    size_t header_count;
    struct span body;
    bool has_content_length;
    /* 1 + index into headers of each known header, 0 when absent. */
    uint16_t known[HEADER_ID_COUNT];
};

/* The value of a known header; data == NULL when the frame has none (an empty
 * value has data != NULL). */
static inline struct span
frame_get(const struct frame *frame, enum header_id id)
{
    return frame->known[id] > 0 ? frame->headers[frame->known[id] - 1].value
                                : SPAN_NONE;
}

static inline bool
frame_has(const struct frame *frame, enum header_id id)
{
    return frame->known[id] > 0;
}

/* Any header by name; for cold paths. */
struct span frame_find(const struct frame *frame, struct span name);

/*
 * A copy that borrows nothing, in one allocation for free(); *size_out is what
 * it takes.  NULL when memory is out: the size is the peer's.
 */
struct frame *frame_copy(const struct frame *frame, size_t *size_out);

/* FRAME_UNKNOWN when it is none.  Case counts (V12-011). */
enum frame_command frame_command_of(struct span text);

/* "SEND" …; "" for FRAME_UNKNOWN. */
struct span frame_command_name(enum frame_command command);
