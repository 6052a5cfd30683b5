/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance run: what STOMP 1.0, 1.1 and 1.2 and the interop rules of
 * real clients say, each statement with the function that proves it against a
 * broker.  Black box: a check sends bytes and looks at the bytes that come.
 * One thread, one statement after the other.
 */
#pragma once
#include "base/error.h"
#include "stompctl/conform_step.h"

#include <stdio.h>

enum conform_strength {
    CONFORM_MUST,
    CONFORM_SHOULD,
    CONFORM_MAY,
    CONFORM_DERIVED, /* follows from the grammar, or from real clients */
};

enum conform_where {
    CONFORM_BOTH,
    CONFORM_TCP,
    CONFORM_WEBSOCKET,
};

typedef void conform_check_fn(struct step *step);

struct conform_statement {
    const char *number;
    enum conform_strength strength;
    const char *sentence;
    conform_check_fn *check; /* NULL: elsewhere */
    const char *elsewhere;   /* "program:case", or a file, that proves it of
                              * stompd; NULL */
    const char *decision;    /* "D5": where the specifications leave a choice,
                              * and what is expected here; NULL */
    enum conform_where where;
};
#define CONFORM_ROW(digits, how, function, text)                               \
    .number = (digits), .strength = CONFORM_##how, .check = (function),        \
    .sentence = (text)

struct conform_chapter {
    const char *title;
    const struct conform_statement *statements;
    size_t count;
};
#define CONFORM_CHAPTER(heading, rows)                                         \
    {                                                                          \
        (heading), (rows), sizeof(rows) / sizeof((rows)[0])                    \
    }

extern const struct conform_chapter conform_frames;
extern const struct conform_chapter conform_escapes;
extern const struct conform_chapter conform_bodies;
extern const struct conform_chapter conform_connect;
extern const struct conform_chapter conform_heartbeat;
extern const struct conform_chapter conform_send;
extern const struct conform_chapter conform_subscribe;
extern const struct conform_chapter conform_ack;
extern const struct conform_chapter conform_transaction;
extern const struct conform_chapter conform_answers;
extern const struct conform_chapter conform_stomp_1_1;
extern const struct conform_chapter conform_stomp_1_0;
extern const struct conform_chapter conform_websocket;
extern const struct conform_chapter conform_transport;
extern const struct conform_chapter conform_interop;

enum conform_format {
    CONFORM_TEXT,
    CONFORM_JSON,
    CONFORM_MARKDOWN,
    CONFORM_TAP,
};

struct conform_options {
    struct step_target target;
    const char *only; /* a pattern (fnmatch) of numbers; NULL: all */
    enum conform_format format;
};

/* Runs the statements and prints them to out; 0 when every MUST holds, else
 * 1. */
int conform_run(const struct conform_options *options, FILE *out);

const char *conform_strength_name(enum conform_strength strength);
