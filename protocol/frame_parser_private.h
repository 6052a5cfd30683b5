/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of the frame parser, shared by frame_parser.c and
 * frame_parser_fault.c alone.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"
#include "protocol/frame_parser.h"
#include "protocol/frame_store.h"
#include "protocol/header_line.h"
#include "protocol/version.h"

#include <stdbool.h>
#include <stddef.h>

enum { PARSER_SHOWN_BYTES = 64 }; /* of peer bytes in an error text */

enum parser_state {
    PARSER_BETWEEN, /* before a frame: EOLs and lone NULs are skipped */
    PARSER_COMMAND,
    PARSER_HEADERS,
    PARSER_BODY_COUNTED, /* content-length octets, then a NUL */
    PARSER_BODY_UNTIL_NUL,
    PARSER_BODY_SKIPPED, /* body_len octets still to come, then a NUL */
    PARSER_DONE,         /* a frame is lent out until the next call */
    PARSER_FAILED,       /* for good: fault and fault_text say how */
};

enum parser_step {
    PARSER_STEP_ON,   /* state changed, or a line was taken */
    PARSER_STEP_MORE, /* input used up */
    PARSER_STEP_FRAME,
    PARSER_STEP_FAIL,
};

struct frame_parser {
    enum parser_state state;
    enum stomp_version version;
    enum frame_parse fault;
    bool can_skip;                     /* only a body is too long */
    bool escapes;                      /* in the frame in work */
    enum stomp_version frame_version;  /* of the frame in work */
    const struct version_rules *rules; /* of frame_version */
    struct frame_limits limits;
    struct frame_limits *next_limits; /* set inside a frame, else NULL */
    size_t line_number;   /* of the line in work; the command's is 1 */
    size_t headers_bytes; /* header lines so far, without their ends */
    size_t body_len;      /* as content-length says */
    size_t skip_len;      /* of a body that is not kept: still to come */
    size_t line_start;    /* in store.block, of the line in work */
    struct frame_store store;
    char *fault_text;
};
/* Each idle connection has one. */
_Static_assert(sizeof(struct frame_parser) +
                       FRAME_STORE_FIRST_HEADERS * sizeof(struct frame_header) <
                   640,
               "an idle parser holds less than 640 bytes");

/* The input of one call.  While block is empty, the frame in work lies at
 * start; else all before `at` is in block and body. */
struct parser_input {
    const char *start;
    const char *at;
    const char *end;
    struct error *err;
};

static inline size_t
parser_input_left(const struct parser_input *in)
{
    return (size_t)(in->end - in->at);
}

/* Moves the lines of the frame, up to `at`, and count bytes more to buffers
 * of ours.  False when memory is out. */
bool frame_parser_gather(struct frame_parser *parser, struct parser_input *in,
                         size_t count);

/* Each ends the parser's work for good and returns PARSER_STEP_FAIL. */
enum parser_step frame_parser_fail(struct frame_parser *parser,
                                   struct parser_input *in,
                                   enum frame_parse fault, const char *fmt, ...)
    __attribute__((cold, format(printf, 4, 5)));

enum parser_step frame_parser_fail_line(struct frame_parser *parser,
                                        struct parser_input *in,
                                        enum header_line fault,
                                        struct span line) __attribute__((cold));

/* line is too long, as far as it was read. */
enum parser_step frame_parser_fail_long_line(struct frame_parser *parser,
                                             struct parser_input *in,
                                             struct span line)
    __attribute__((cold));

enum parser_step frame_parser_fail_memory(struct frame_parser *parser,
                                          struct parser_input *in,
                                          const char *what)
    __attribute__((cold));
