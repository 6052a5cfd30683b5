/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame that a parser is reading, and the bytes that it borrows: from the
 * input while it lies there whole; else its lines from `block` and its body
 * from `body`; decoded names and values from `scratch`.  For the parser
 * only.  Sizes come from the peer, so every growth may fail.
 */
#pragma once
#include "base/buf.h"
#include "base/span.h"
#include "protocol/frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before the first growth, and of an idle parser. */
enum { FRAME_STORE_FIRST_HEADERS = 4 };

struct frame_store {
    struct frame frame;
    struct frame_header *headers; /* frame.headers, to write */
    size_t header_capacity;
    uint64_t others_seen; /* one bit per hash of a name not known */
    uint16_t *slots;      /* hashed: 1 + index of a header, 0 when free */
    size_t slot_count;    /* a power of two; used when is_hashed */
    bool is_hashed;       /* the frame has many headers */
    struct buf block;     /* lines of a frame in pieces */
    struct buf body;      /* of a frame in pieces */
    struct buf scratch;   /* names and values that had an escape */
};

/* Whether the frame came in pieces and lies in buffers of ours. */
static inline bool
frame_store_is_gathering(const struct frame_store *store)
{
    return store->block.len > 0;
}

/* Starts an empty frame. */
void frame_store_begin(struct frame_store *store);

/* Adds a header and gives it its id; a repeat of a name is left out.  False
 * when memory is out. */
bool frame_store_add_header(struct frame_store *store,
                            struct frame_header *header);

/* Room for count bytes at the end of scratch, NULL when memory is out; the
 * caller adds to scratch.len what it used. */
char *frame_store_scratch(struct frame_store *store, size_t count);

/* Copies the lines, which lie in the input, behind block; what the frame
 * borrows from them it borrows from the copy then.  False when memory is out
 * (nothing changed). */
bool frame_store_gather_lines(struct frame_store *store, struct span lines);

/* Copies body bytes behind body, which will not grow above `whole`.  False
 * when memory is out. */
bool frame_store_gather_body(struct frame_store *store, struct span bytes,
                             size_t whole);

/* Ends the loan of a frame.  scratch stays while frames follow each other. */
void frame_store_release(struct frame_store *store);

/* Gives back all but what every frame needs. */
void frame_store_rest(struct frame_store *store);

void frame_store_fini(struct frame_store *store);
