/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frames of `stompctl bench`: SEND frames made once and patched for each
 * message, and a scanner that finds the messages in what comes back without
 * parsing headers that it has seen before.  The general parser would cost more
 * than the broker does.
 *
 * Each body begins with a stamp of fixed width: run, producer, sequence and
 * time, in digits 'a' (0) to 'p' (15), so that no byte of it needs an escape
 * or ends a frame.
 */
#pragma once
#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BENCH_RUN_DIGITS = 8,
    BENCH_PRODUCER_DIGITS = 4,
    BENCH_SEQ_DIGITS = 12,
    BENCH_TIME_DIGITS = 16,
    BENCH_STAMP_BYTES = BENCH_RUN_DIGITS + BENCH_PRODUCER_DIGITS +
                        BENCH_SEQ_DIGITS + BENCH_TIME_DIGITS,
};

/* Writes the low digits of value, the highest first. */
static inline void
bench_digits_put(char *to, uint64_t value, unsigned digits)
{
    while (digits > 0) {
        to[--digits] = (char)('a' + (char)(value & 15));
        value >>= 4;
    }
}

static inline uint64_t
bench_digits_get(const char *from, unsigned digits)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < digits; i++) {
        value = value << 4 | ((uint64_t)(unsigned char)from[i] - 'a');
    }
    return value;
}

struct bench_stamp {
    uint64_t run;
    uint32_t producer;
    uint64_t seq; /* from 0, per producer */
    int64_t time_ns;
};

/* One frame with its patchable places, as offsets. */
struct bench_template {
    struct buf frame;
    size_t receipt; /* 0: asks for none */
    size_t stamp;
};

/* size >= BENCH_STAMP_BYTES is the body's. */
void bench_template_init(struct bench_template *template,
                         struct span destination, size_t size, bool persistent,
                         bool receipt, uint64_t run, uint32_t producer);
void bench_template_fini(struct bench_template *template);

/* Patches one copy of the frame; time is BENCH_TIME_DIGITS digits. */
static inline void
bench_template_patch(const struct bench_template *template, char *frame,
                     uint64_t seq, const char *time)
{
    char *at =
        frame + template->stamp + BENCH_RUN_DIGITS + BENCH_PRODUCER_DIGITS;

    bench_digits_put(at, seq, BENCH_SEQ_DIGITS);
    memcpy(at + BENCH_SEQ_DIGITS, time, BENCH_TIME_DIGITS);
    if (template->receipt > 0) {
        memcpy(frame + template->receipt, at, BENCH_SEQ_DIGITS);
    }
}

/* Reads the stamp of a body; false when it has none. */
bool bench_stamp_read(struct span body, struct bench_stamp *stamp_out);

enum bench_kind {
    BENCH_MORE,    /* no whole frame in the input */
    BENCH_MESSAGE, /* MESSAGE, or SEND as the bare relay forwards it */
    BENCH_RECEIPT,
    BENCH_ERROR,
    BENCH_OTHER,
};

struct bench_scanner {
    size_t body_len;   /* of the messages that are expected */
    size_t header_len; /* of the last message, its empty line included */
};

struct bench_frame {
    struct span head; /* command and header lines, the empty line included */
    struct span body;
};

/* Takes the next frame off *in; it is borrowed from there. */
enum bench_kind bench_scan(struct bench_scanner *scanner, struct span *in,
                           struct bench_frame *frame_out);

/* The value of a header, still escaped; data == NULL when there is none.
 * name is "\nNAME:". */
struct span bench_head_find(struct span head, struct span name);
