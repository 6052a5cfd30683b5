/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where `stompctl subscribe` puts messages: standard output, one file for
 * all, or a directory with a file for each.
 */
#pragma once
#include "base/error.h"
#include "protocol/frame.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum output_end {
    OUTPUT_LINE, /* a newline after each body that does not end with one */
    OUTPUT_NUL,  /* a NUL after each body */
    OUTPUT_RAW,  /* nothing after bodies */
};

struct output {
    FILE *file;            /* NULL: a file for each message */
    const char *directory; /* NULL: file is used */
    bool headers;          /* a block of NAME:VALUE lines before each body */
    enum output_end end;
    uint64_t count; /* messages written; numbers the files */
};

/* path NULL is standard output; a directory, or a path that ends in '/', gets
 * files 000001, 000002 …  path is borrowed until output_close.  Returns 0, or
 * -1 with an error. */
int output_open(struct output *output, const char *path, struct error *err);

/* Writes one message so that it has left this process when the call returns
 * (what is written may then be acknowledged).  Returns 0, or -1 with an
 * error. */
int output_write(struct output *output, const struct frame *frame,
                 struct error *err);

/* As output_write, for what the last flush left. */
int output_close(struct output *output, struct error *err);
