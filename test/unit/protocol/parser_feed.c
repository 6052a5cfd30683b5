/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/protocol/parser_feed.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { PARSER_FEED_SHOWN_BYTES = 400 };

static void
parser_feed_write(struct buf *out, struct span text)
{
    char shown[PARSER_FEED_SHOWN_BYTES];

    if (text.len < PARSER_FEED_SHOWN_BYTES / 4 - 4) {
        buf_appendf(out, "%s", span_escape(text, shown, sizeof(shown)));
    } else {
        buf_appendf(out, "%zu bytes, sum %llx", text.len,
                    (unsigned long long)text.data[text.len - 1]);
    }
}

static void
parser_feed_write_frame(struct buf *out, const struct frame *frame)
{
    parser_feed_write(out, frame->command_text);
    for (size_t i = 0; i < frame->header_count; i++) {
        buf_append_span(out, SPAN(" ["));
        parser_feed_write(out, frame->headers[i].name);
        buf_append_span(out, SPAN("="));
        parser_feed_write(out, frame->headers[i].value);
        buf_append_span(out, SPAN("]"));
    }
    if (frame->body.len > 0) {
        buf_append_span(out, SPAN(" body="));
        parser_feed_write(out, frame->body);
    }
    buf_append_span(out, SPAN("\n"));
}

void
parser_feed_init(struct parser_feed *feed, const struct frame_limits *limits,
                 enum stomp_version version)
{
    *feed = (struct parser_feed){
        .parser = frame_parser_new(limits),
        .transcript = BUF_INIT,
        .last = FRAME_PARSE_MORE,
    };
    frame_parser_set_version(feed->parser, version);
}

void
parser_feed_fini(struct parser_feed *feed)
{
    frame_parser_free(&feed->parser);
    buf_fini(&feed->transcript);
}

void
parser_feed_piece(struct parser_feed *feed, struct span piece)
{
    char *copy = xstrndup(piece.len > 0 ? piece.data : "", piece.len);
    struct span in = span_of(copy, piece.len);

    do {
        const struct frame *frame = NULL;

        feed->last = frame_parser_feed(feed->parser, &in, &frame, NULL);
        if (feed->last == FRAME_PARSE_FRAME) {
            parser_feed_write_frame(&feed->transcript, frame);
        }
    } while (feed->last == FRAME_PARSE_FRAME);
    free(copy);
}

const char *
parser_feed_end(struct parser_feed *feed)
{
    struct error err = ERROR_INIT;
    const struct frame *frame = NULL;
    struct span none = SPAN_NONE;

    switch (frame_parser_feed(feed->parser, &none, &frame, &err)) {
    case FRAME_PARSE_MORE:
        buf_append_span(&feed->transcript, frame_parser_is_inside(feed->parser)
                                               ? SPAN("inside")
                                               : SPAN("idle"));
        break;
    case FRAME_PARSE_FRAME:
        buf_append_span(&feed->transcript, SPAN("a frame out of nothing"));
        break;
    case FRAME_PARSE_INVALID:
        buf_appendf(&feed->transcript, "invalid: %s\nrejected: ", err.text);
        parser_feed_write_frame(&feed->transcript,
                                frame_parser_rejected(feed->parser));
        break;
    case FRAME_PARSE_TOO_BIG:
        buf_appendf(&feed->transcript, "too big: %s\nrejected: ", err.text);
        parser_feed_write_frame(&feed->transcript,
                                frame_parser_rejected(feed->parser));
        break;
    }
    buf_append_char(&feed->transcript, '\0');
    return feed->transcript.data;
}
