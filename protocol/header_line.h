/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One complete line of a frame as it came from the peer: what may stand in
 * it, where its name ends, what its escapes mean.  For the parser only.
 * Source: STOMP 1.2, "Augmented BNF" and "Value Encoding".
 */
#pragma once
#include "base/error.h"
#include "base/span.h"
#include "protocol/frame.h"
#include "protocol/version.h"

#include <stdbool.h>
#include <stddef.h>

enum header_line {
    HEADER_LINE_OK,
    HEADER_LINE_NUL,       /* V12-020 */
    HEADER_LINE_BARE_CR,   /* V12-004 */
    HEADER_LINE_NOT_UTF8,  /* V12-014 */
    HEADER_LINE_NO_COLON,  /* V12-016 */
    HEADER_LINE_NO_NAME,   /* V12-015 */
    HEADER_LINE_BAD_ESCAPE /* V12-033, V12-034 */
};

/*
 * Returns how many bytes at the front of text are plain: printable ASCII
 * without a backslash, so that there is nothing to check and nothing to undo.
 * For nearly every line they go up to its end.  *colon_out is the offset of
 * the first colon among them, or at least as much as is returned.
 */
size_t header_line_scan(struct span text, size_t *colon_out);

/* The checks that hold for a command line too: NUL, CR, UTF-8. */
enum header_line header_line_check(struct span line,
                                   const struct version_rules *rules);

/* Cuts the line at its first colon (V12-018); both parts stay as they are on
 * the wire. */
enum header_line header_line_split(struct span line,
                                   struct frame_header *header);

/* Takes the padding of 1.0 off: one blank in front, all at the end. */
struct span header_line_trim(struct span value);

/* Undoes the escapes of name and value.  What changes goes to room, which
 * must hold the whole line; *used_out tells how much of it was needed. */
enum header_line header_line_decode(struct frame_header *header,
                                    enum stomp_version version, char *room,
                                    size_t *used_out);

/* Sets the text for a fault in the number-th line of a frame (1 is the
 * command's), of which shown is what people may see. */
void header_line_explain(enum header_line fault, const char *shown,
                         size_t number, struct error *err);
