/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds a parser and writes down what came out as text, so that two ways of
 * cutting the same input can be compared with one string comparison.
 */
#pragma once
#include "base/buf.h"
#include "base/span.h"
#include "protocol/frame_parser.h"

struct parser_feed {
    struct frame_parser *parser;
    struct buf transcript; /* one line per frame, then the outcome */
    enum frame_parse last; /* outcome of the last call */
};

void parser_feed_init(struct parser_feed *feed,
                      const struct frame_limits *limits,
                      enum stomp_version version);
void parser_feed_fini(struct parser_feed *feed);

/* Feeds one piece, as a copy of its own that is gone afterwards. */
void parser_feed_piece(struct parser_feed *feed, struct span piece);

/* Adds how it ended to the transcript, and returns it NUL-terminated. */
const char *parser_feed_end(struct parser_feed *feed);
