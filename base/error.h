/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors that a person must read: a sentence with a place.  The struct is the
 * caller's, never malloc'd and never thread-local, so it cannot go stale.
 */
#pragma once

struct error {
    char source[256]; /* file name or peer address, "" when unknown */
    unsigned line;    /* 1-based; 0 when unknown */
    unsigned column;  /* 1-based, in characters not bytes; 0 when unknown */
    char text[512];   /* one sentence, no newline, no trailing full stop */
};
#define ERROR_INIT ((struct error){ .text = "" })

/* Sets the text; the first error wins, a later call is ignored.  err may be
 * NULL.  Always returns -1, so a caller can write
 * `return error_set(err, ...)`. */
int error_set(struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with the place where it was found. */
int error_set_at(struct error *err, const char *source, unsigned line,
                 unsigned column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
