/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the frame parser.  The first octet of an input chooses the version
 * and the limits, the second how the rest is cut.  What must hold:
 *  - whole and cut, the rest gives the same frames, outcome and error text;
 *  - a 1.2 frame that is encoded and read again is the same.
 */
#include "protocol/frame_parser.h"

#include "base/buf.h"
#include "protocol/frame_encoder.h"
#include "test/fuzz/fuzz_target.h"

#include <assert.h>
#include <stdlib.h>

enum {
    FUZZ_VERSION_MASK = 3,  /* '0' none, '1' 1.0, '2' 1.1, '3' 1.2 */
    FUZZ_SMALL_LIMITS = 64, /* 'p' to 's' instead of '0' to '3' */
    FUZZ_LONGEST_CUT = 16,
};

static const struct frame_limits fuzz_small_limits = {
    .command_bytes = 12,
    .header_bytes = 24,
    .headers_bytes = 64,
    .header_count = 5,
    .body_bytes = 20,
};

/* What an encoded frame of an input within the default limits fits in. */
static const struct frame_limits fuzz_wide_limits = {
    .command_bytes = 1 << 20,
    .header_bytes = 1 << 24,
    .headers_bytes = 1 << 24,
    .header_count = 1 << 12,
    .body_bytes = 1 << 26,
};

static void
fuzz_write_span(struct buf *out, struct span span)
{
    buf_append_u64(out, span.len);
    buf_append_char(out, ' ');
    buf_append_span(out, span);
}

/* Everything that a frame says, so that two can be compared. */
static void
fuzz_write_frame(struct buf *out, const struct frame *frame)
{
    buf_append_u64(out, (uint64_t)frame->command);
    fuzz_write_span(out, frame->command_text);
    for (size_t i = 0; i < frame->header_count; i++) {
        const struct frame_header *header = &frame->headers[i];

        assert(header->id == header_id_of(header->name));
        assert(header->id == HEADER_OTHER || frame->known[header->id] == i + 1);
        fuzz_write_span(out, header->name);
        fuzz_write_span(out, header->value);
    }
    buf_append_char(out, frame->has_content_length ? '#' : '-');
    fuzz_write_span(out, frame->body);
}

/* Headers and body only, without content-length, which the encoder makes. */
static void
fuzz_write_content(struct buf *out, const struct frame *frame)
{
    fuzz_write_span(out, frame->command_text);
    for (size_t i = 0; i < frame->header_count; i++) {
        if (frame->headers[i].id != HEADER_CONTENT_LENGTH) {
            fuzz_write_span(out, frame->headers[i].name);
            fuzz_write_span(out, frame->headers[i].value);
        }
    }
    fuzz_write_span(out, frame->body);
}

static void
fuzz_encode(struct buf *out, const struct frame *frame)
{
    struct frame_encoder encoder;

    frame_encoder_begin(&encoder, out, frame->command, STOMP_1_2,
                        frame->body.len);
    for (size_t i = 0; i < frame->header_count; i++) {
        if (frame->headers[i].id != HEADER_CONTENT_LENGTH) {
            frame_encoder_header(&encoder, frame->headers[i].name,
                                 frame->headers[i].value);
        }
    }
    frame_encoder_end(&encoder, frame->body);
}

static void
fuzz_round_trip(const struct frame *frame)
{
    struct frame_parser *parser;
    struct buf wire = BUF_INIT;
    struct buf before = BUF_INIT;
    struct buf after = BUF_INIT;
    const struct frame *again = NULL;
    struct span in;

    if (frame->command != FRAME_SEND && frame->command != FRAME_MESSAGE) {
        return; /* the others have no body, or are not escaped */
    }
    parser = frame_parser_new(&fuzz_wide_limits);
    frame_parser_set_version(parser, STOMP_1_2);
    fuzz_encode(&wire, frame);
    in = buf_span(&wire);
    if (frame_parser_feed(parser, &in, &again, NULL) != FRAME_PARSE_FRAME ||
        in.len > 0) {
        abort();
    }
    fuzz_write_content(&before, frame);
    fuzz_write_content(&after, again);
    if (!span_equal(buf_span(&before), buf_span(&after))) {
        abort();
    }
    frame_parser_free(&parser);
    buf_fini(&wire);
    buf_fini(&before);
    buf_fini(&after);
}

/* A CONNECT agrees on a version, as in a session. */
static void
fuzz_agree(struct frame_parser *parser, enum stomp_version *version,
           const struct frame *frame)
{
    if (*version == STOMP_NONE && frame->command == FRAME_CONNECT) {
        *version = version_negotiate(frame_get(frame, HEADER_ACCEPT_VERSION));
        frame_parser_set_version(parser, *version);
    }
}

/* Feeds one piece from memory of exactly its size, so that the sanitizer sees
 * a read behind it, or after it is gone.  Returns the outcome. */
static enum frame_parse
fuzz_feed_piece(struct frame_parser *parser, enum stomp_version *version,
                struct span piece, struct buf *out)
{
    struct buf copy = BUF_INIT;
    enum frame_parse outcome;
    struct span in;

    buf_append_span(&copy, piece);
    in = buf_span(&copy);
    in.data = copy.data;
    do {
        const struct frame *frame = NULL;
        size_t before = in.len;

        outcome = frame_parser_feed(parser, &in, &frame, NULL);
        assert(in.len <= before);
        if (outcome == FRAME_PARSE_FRAME) {
            fuzz_write_frame(out, frame);
            if (*version == STOMP_1_2) {
                fuzz_round_trip(frame);
            }
            fuzz_agree(parser, version, frame);
        }
    } while (outcome == FRAME_PARSE_FRAME);
    assert(outcome != FRAME_PARSE_MORE || in.len == 0);
    buf_fini(&copy);
    return outcome;
}

/* Feeds text in pieces; cuts == 0 means whole.  Writes the transcript. */
static void
fuzz_run(const struct frame_limits *limits, enum stomp_version version,
         struct span text, unsigned cuts, struct buf *out)
{
    struct frame_parser *parser = frame_parser_new(limits);
    struct error err = ERROR_INIT;
    const struct frame *frame = NULL;
    struct span none = SPAN_NONE;
    enum frame_parse outcome;

    frame_parser_set_version(parser, version);
    while (text.len > 0) {
        size_t count = cuts == 0 ? text.len : 1 + cuts % FUZZ_LONGEST_CUT;

        count = count < text.len ? count : text.len;
        cuts = cuts == 0 ? 0 : (cuts * 1103515245U + 12345U) | 1U << 31;
        (void)fuzz_feed_piece(parser, &version, span_of(text.data, count), out);
        text = span_after(text, count);
    }
    outcome = frame_parser_feed(parser, &none, &frame, &err);
    buf_append_u64(out, (uint64_t)outcome);
    buf_append_char(out, frame_parser_is_inside(parser) ? '+' : '.');
    buf_append_span(out, span_of_text(err.text));
    if (outcome != FRAME_PARSE_MORE) {
        fuzz_write_frame(out, frame_parser_rejected(parser));
    }
    frame_parser_free(&parser);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct frame_limits *limits = &frame_limits_default;
    enum stomp_version version;
    struct buf whole = BUF_INIT;
    struct buf cut = BUF_INIT;
    struct span text;

    if (size < 2) {
        return 0;
    }
    version = (enum stomp_version)(data[0] & FUZZ_VERSION_MASK);
    if ((data[0] & FUZZ_SMALL_LIMITS) != 0) {
        limits = &fuzz_small_limits;
    }
    text = span_of((const char *)data + 2, size - 2);
    fuzz_run(limits, version, text, 0, &whole);
    fuzz_run(limits, version, text, data[1] * 2654435761U | 1U, &cut);
    if (!span_equal(buf_span(&whole), buf_span(&cut))) {
        abort();
    }
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
