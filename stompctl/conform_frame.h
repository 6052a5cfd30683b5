/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame as it came, octet by octet: nothing decoded, nothing forgiven.  Not
 * the parser of the broker, which must not be its own judge.
 */
#pragma once
#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct got {
    struct got *next;
    struct span raw; /* from the command to the NUL */
    struct span command;
    struct span headers; /* whole lines */
    struct span body;
    bool counted;       /* it has a content-length */
    size_t gap;         /* octets between the frame before and this one */
    size_t start;       /* of raw in the connection's input */
    int64_t arrived_us; /* when its last octet was read */
    bool taken;         /* an expectation took it */
    char bytes[];
};

enum got_cut {
    GOT_MORE, /* no whole frame yet */
    GOT_FRAME,
    GOT_BROKEN, /* not a STOMP frame: err says why */
};

/* Cuts the frame that follows the EOLs at the front of in; *got_out is the
 * caller's to free.  start is the offset of in. */
enum got_cut got_cut(struct span in, size_t start, struct got **got_out,
                     const char **fault_out);

/* The value of the first header of that name as it stands on the wire; data
 * == NULL when there is none. */
struct span got_header(const struct got *got, const char *name);

/* Whether the text stands somewhere in bytes, which may be none. */
bool got_contains(struct span bytes, const char *text);

/* The n-th header line from 0; data == NULL when there are fewer. */
struct span got_line(const struct got *got, size_t n);

/* Appends octets for a person: \n \r \t \\ and \xNN, cut after most octets
 * with "...". */
void got_show(struct buf *out, struct span bytes, size_t most);
