/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many frames a second the parser reads: a 256-byte body with four
 * headers, whole in 64 KiB of input as a busy connection delivers them.
 * Prints one line per case, the fastest of several rounds, in processor time;
 * never fails.
 */
#include "base/buf.h"
#include "protocol/frame_parser.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    BENCH_INPUT_BYTES = 65536,
    BENCH_BODY_BYTES = 256,
    BENCH_ROUNDS = 50,
    BENCH_PASSES = 300, /* over the input, per round */
};

struct bench_case {
    const char *name;
    const char *headers;
    size_t piece_bytes; /* of one feed */
};

static const struct bench_case bench_cases[] = {
    { "4 headers, counted body",
      "destination:/queue/orders.eu\ncontent-type:application/json\n"
      "content-length:256\npersistent:true\n",
      BENCH_INPUT_BYTES },
    { "4 headers, body until NUL",
      "destination:/queue/orders.eu\ncontent-type:application/json\n"
      "order-number:4711\npersistent:true\n",
      BENCH_INPUT_BYTES },
    { "4 headers, one with an escape",
      "destination:/queue/orders.eu\ncontent-type:application/json\n"
      "content-length:256\nurl:http\\c//example.org/\n",
      BENCH_INPUT_BYTES },
    { "12 headers",
      "destination:/queue/orders.eu\ncontent-type:application/json\n"
      "content-length:256\npersistent:true\ncorrelation-id:4711-0815\n"
      "reply-to:/temp-queue/answers\npriority:4\nexpires:0\n"
      "tenant:blue\nregion:eu-west-1\ntrace-parent:00-4bf92f3577b34da6\n"
      "type:order\n",
      BENCH_INPUT_BYTES },
    { "4 headers, in pieces of 100 bytes",
      "destination:/queue/orders.eu\ncontent-type:application/json\n"
      "content-length:256\npersistent:true\n",
      100 },
};
enum { BENCH_CASE_COUNT = sizeof(bench_cases) / sizeof(bench_cases[0]) };

/* Processor time: the figure must hold on a machine that others use too. */
static int64_t
bench_cpu_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static size_t
bench_fill(struct buf *input, const struct bench_case *row)
{
    size_t frames = 0;

    while (input->len < BENCH_INPUT_BYTES) {
        buf_appendf(input, "SEND\n%s\n", row->headers);
        memset(buf_reserve(input, BENCH_BODY_BYTES), 'b', BENCH_BODY_BYTES);
        input->len += BENCH_BODY_BYTES;
        buf_append(input, "\0\n", 2);
        frames++;
    }
    return frames;
}

static size_t
bench_pass(struct frame_parser *parser, struct span input, size_t piece_bytes)
{
    size_t frames = 0;

    while (input.len > 0) {
        size_t count = piece_bytes < input.len ? piece_bytes : input.len;
        struct span in = span_of(input.data, count);
        const struct frame *frame = NULL;

        while (frame_parser_feed(parser, &in, &frame, NULL) ==
               FRAME_PARSE_FRAME) {
            frames += frame->body.len == BENCH_BODY_BYTES;
        }
        input = span_after(input, count);
    }
    return frames;
}

static void
bench_run(const struct bench_case *row)
{
    struct frame_parser *parser = frame_parser_new(&frame_limits_default);
    struct buf input = BUF_INIT;
    size_t frames = bench_fill(&input, row);
    int64_t best_us = INT64_MAX;
    double nanoseconds;

    frame_parser_set_version(parser, STOMP_1_2);
    for (int round = 0; round < BENCH_ROUNDS; round++) {
        int64_t start_us = bench_cpu_us();
        size_t seen = 0;
        int64_t took_us;

        for (int pass = 0; pass < BENCH_PASSES; pass++) {
            seen += bench_pass(parser, buf_span(&input), row->piece_bytes);
        }
        took_us = bench_cpu_us() - start_us;
        best_us = took_us < best_us ? took_us : best_us;
        if (seen != frames * BENCH_PASSES) {
            (void)fprintf(stderr, "bench_parser: frames are missing\n");
            exit(EXIT_FAILURE);
        }
    }
    nanoseconds = (double)best_us * 1000.0 / (double)(frames * BENCH_PASSES);
    (void)printf("%-36s %7.1f ns/frame %9.0f frames/s\n", row->name,
                 nanoseconds, 1e9 / nanoseconds);
    buf_fini(&input);
    frame_parser_free(&parser);
}

int
main(void)
{
    for (size_t i = 0; i < BENCH_CASE_COUNT; i++) {
        bench_run(&bench_cases[i]);
    }
    return EXIT_SUCCESS;
}
