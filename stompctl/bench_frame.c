/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/bench_frame.h"

#include "protocol/frame_encoder.h"

#include <assert.h>

void
/* NOLINTNEXTLINE(readability-function-size): every part of a frame */
bench_template_init(struct bench_template *template, struct span destination,
                    size_t size, bool persistent, bool receipt, uint64_t run,
                    uint32_t producer)
{
    static const char zeros[] = "aaaaaaaaaaaa";
    struct buf body = BUF_INIT;
    struct frame_encoder encoder;

    assert(size >= BENCH_STAMP_BYTES);
    *template = (struct bench_template){ .receipt = 0 };
    memset(buf_reserve(&body, size), 'x', size);
    body.len = size;
    memset(body.data, 'a', BENCH_STAMP_BYTES);
    bench_digits_put(body.data, run, BENCH_RUN_DIGITS);
    bench_digits_put(body.data + BENCH_RUN_DIGITS, producer,
                     BENCH_PRODUCER_DIGITS);

    frame_encoder_begin(&encoder, &template->frame, FRAME_SEND, STOMP_1_2,
                        size);
    frame_encoder_header(&encoder, SPAN("destination"), destination);
    if (persistent) {
        frame_encoder_header(&encoder, SPAN("persistent"), SPAN("true"));
    }
    if (receipt) {
        frame_encoder_header(&encoder, SPAN("receipt"),
                             span_of(zeros, BENCH_SEQ_DIGITS));
        template->receipt = template->frame.len - BENCH_SEQ_DIGITS - 1;
    }
    frame_encoder_end(&encoder, buf_span(&body));
    template->stamp = template->frame.len - size - 1;
    buf_fini(&body);
}

void
bench_template_fini(struct bench_template *template)
{
    buf_fini(&template->frame);
}

bool
bench_stamp_read(struct span body, struct bench_stamp *stamp_out)
{
    const char *at = body.data;

    if (body.len < BENCH_STAMP_BYTES) {
        return false;
    }
    stamp_out->run = bench_digits_get(at, BENCH_RUN_DIGITS);
    at += BENCH_RUN_DIGITS;
    stamp_out->producer = (uint32_t)bench_digits_get(at, BENCH_PRODUCER_DIGITS);
    at += BENCH_PRODUCER_DIGITS;
    stamp_out->seq = bench_digits_get(at, BENCH_SEQ_DIGITS);
    at += BENCH_SEQ_DIGITS;
    stamp_out->time_ns = (int64_t)bench_digits_get(at, BENCH_TIME_DIGITS);
    return true;
}

struct span
bench_head_find(struct span head, struct span name)
{
    const char *at = memmem(head.data, head.len, name.data, name.len);
    const char *end;

    if (at == NULL) {
        return SPAN_NONE;
    }
    at += name.len;
    end = memchr(at, '\n', head.len - (size_t)(at - head.data));
    return span_of(at, (size_t)(end - at));
}

static enum bench_kind
bench_kind_of(struct span head)
{
    if (span_starts_with(head, SPAN("MESSAGE\n")) ||
        span_starts_with(head, SPAN("SEND\n"))) {
        return BENCH_MESSAGE;
    }
    if (span_starts_with(head, SPAN("RECEIPT\n"))) {
        return BENCH_RECEIPT;
    }
    return span_starts_with(head, SPAN("ERROR\n")) ? BENCH_ERROR : BENCH_OTHER;
}

/* The body behind head at the front of in, or false when it is not whole. */
static bool
bench_scan_body(struct span head, struct span in, struct span *body_out)
{
    struct span rest = span_after(in, head.len);
    uint64_t len;

    if (span_to_u64(bench_head_find(head, SPAN("\ncontent-length:")), &len)) {
        *body_out = span_of(rest.data, (size_t)len);
        return rest.len > len;
    }
    if (rest.len > 0) {
        const char *end = memchr(rest.data, '\0', rest.len);

        *body_out =
            span_of(rest.data, end == NULL ? 0 : (size_t)(end - rest.data));
        return end != NULL;
    }
    return false;
}

static enum bench_kind
bench_scan_any(struct bench_scanner *scanner, struct span *in,
               struct bench_frame *frame_out)
{
    const char *end = memmem(in->data, in->len, "\n\n", 2);
    enum bench_kind kind;

    if (end == NULL) {
        return BENCH_MORE;
    }
    frame_out->head = span_of(in->data, (size_t)(end - in->data) + 2);
    if (!bench_scan_body(frame_out->head, *in, &frame_out->body)) {
        return BENCH_MORE;
    }
    kind = bench_kind_of(frame_out->head);
    if (kind == BENCH_MESSAGE && frame_out->body.len == scanner->body_len) {
        scanner->header_len = frame_out->head.len;
    }
    *in = span_after(*in, frame_out->head.len + frame_out->body.len + 1);
    return kind;
}

enum bench_kind
bench_scan(struct bench_scanner *scanner, struct span *in,
           struct bench_frame *frame_out)
{
    size_t head_len = scanner->header_len;
    const char *body;

    while (in->len > 0 && in->data[0] == '\n') {
        *in = span_after(*in, 1);
    }
    if (head_len == 0 || in->len <= head_len + scanner->body_len) {
        return bench_scan_any(scanner, in, frame_out);
    }
    /* Heads of one length are usual (only ids differ).  The empty line before
     * the place, the NUL behind the body and no NUL earlier in the head make
     * sure that this is one frame and not parts of two. */
    body = in->data + head_len;
    if (body[-1] != '\n' || body[-2] != '\n' ||
        body[scanner->body_len] != '\0' ||
        (in->data[0] != 'M' && in->data[0] != 'S') ||
        memchr(in->data, '\0', head_len) != NULL) {
        return bench_scan_any(scanner, in, frame_out);
    }
    frame_out->head = span_of(in->data, head_len);
    frame_out->body = span_of(body, scanner->body_len);
    *in = span_after(*in, head_len + scanner->body_len + 1);
    return BENCH_MESSAGE;
}
