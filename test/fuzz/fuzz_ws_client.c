/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what a WebSocket server may send to stompctl.  What must hold: fed
 * whole or byte by byte it decodes to the same stream and the same end, what
 * is refused is refused with a text, and our answers are masked frames.
 */
#include "stompctl/ws_client.h"

#include "test/fuzz/fuzz_target.h"

#include <assert.h>

struct fuzz_run {
    struct ws_client ws;
    struct buf stream;
    struct buf out;
    struct error err;
    enum ws_decode end;
};

static void
fuzz_feed(struct fuzz_run *run, struct span in, size_t step)
{
    *run = (struct fuzz_run){ .ws = WS_CLIENT_INIT, .end = WS_DECODE_MORE };
    while (in.len > 0 && run->end == WS_DECODE_MORE) {
        size_t len = in.len < step ? in.len : step;

        run->end = ws_client_decode(&run->ws, span_of(in.data, len),
                                    &run->stream, &run->out, &run->err);
        in = span_after(in, len);
    }
    assert((run->end == WS_DECODE_MORE) == (run->err.text[0] == '\0'));
}

static void
fuzz_check_answers(const struct buf *out)
{
    for (size_t at = 0; at < out->len;) {
        unsigned char opcode = (unsigned char)out->data[at];
        unsigned char len = (unsigned char)out->data[at + 1];

        assert(opcode == (0x80 | WS_PONG) || opcode == (0x80 | WS_CLOSE));
        assert((len & 0x80) != 0 && (len & 0x7F) <= 125);
        at += 6 + (size_t)(len & 0x7F);
        assert(at <= out->len);
    }
}

static void
fuzz_run_fini(struct fuzz_run *run)
{
    buf_fini(&run->stream);
    buf_fini(&run->out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of((const char *)data, size);
    struct error err = ERROR_INIT;
    struct fuzz_run whole;
    struct fuzz_run bytes;
    ptrdiff_t answer;

    fuzz_feed(&whole, in, size);
    fuzz_feed(&bytes, in, 1);
    assert(whole.end == bytes.end);
    assert(span_equal(buf_span(&whole.stream), buf_span(&bytes.stream)));
    assert(whole.out.len == bytes.out.len); /* the masks differ */
    fuzz_check_answers(&whole.out);
    answer = ws_client_answer(&whole.ws, in, &err);
    assert(answer <= (ptrdiff_t)size);
    assert((answer < 0) == (err.text[0] != '\0'));
    fuzz_run_fini(&whole);
    fuzz_run_fini(&bytes);
    return 0;
}
