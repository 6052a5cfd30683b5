/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages out of files and standard input: a file is one message, or each of
 * its lines is.
 */
#pragma once
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>

struct input {
    int fd;
    const char *name; /* for error texts */
    bool by_line;
    struct buf buf;
    size_t used; /* bytes of buf that were handed out */
    bool ended;  /* the end of the file has been read */
};

/* Opens a file; "-" is standard input.  name is borrowed until input_close.
 * Returns 0, or -1 with an error. */
int input_open(struct input *input, const char *name, bool by_line,
               struct error *err);
void input_close(struct input *input);

/*
 * Hands out the next message, which is borrowed until the next call.  False
 * when more must be read first (input->ended is false then), or when there is
 * none any more.  A last line without an end counts as a line, and an empty
 * file as one empty message unless it is taken by lines.
 */
bool input_next(struct input *input, struct span *message_out);

/* Reads once; blocks when nothing is there.  Returns 0, or -1 with an error. */
int input_read(struct input *input, struct error *err);
