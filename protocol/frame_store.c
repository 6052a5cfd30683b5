/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bytes of the frame in work live, and how they move.
 * Source: STOMP 1.2, "Repeated Header Entries".
 */
#include "protocol/frame_store.h"

#include "base/alloc.h"
#include "protocol/headers.h"

#include <stdlib.h>
#include <string.h>

enum {
    STORE_FIRST_HEADERS = 5,  /* keeps an idle parser below 600 bytes */
    STORE_FIRST_BYTES = 128,  /* of block and scratch */
    STORE_FIRST_BODY = 65536, /* taken at once on a peer's word */
};

static void
frame_store_rebase_span(struct span *span, struct span from, const char *to)
{
    uintptr_t offset = (uintptr_t)span->data - (uintptr_t)from.data;

    if (offset < from.len) {
        span->data = to + offset;
    }
}

/* Makes the frame borrow from `to` what it borrows from `from`; both live.
 * An empty value moves too: its line end, or a spare byte of scratch, lies
 * where it points. */
static void
frame_store_rebase(struct frame_store *store, struct span from, const char *to)
{
    frame_store_rebase_span(&store->frame.command_text, from, to);
    for (size_t i = 0; i < store->frame.header_count; i++) {
        frame_store_rebase_span(&store->headers[i].name, from, to);
        frame_store_rebase_span(&store->headers[i].value, from, to);
    }
}

/* Makes room in block or scratch.  Not by realloc: the old bytes must live
 * until no span points at them. */
static bool
frame_store_reserve(struct frame_store *store, struct buf *buf, size_t extra)
{
    struct buf grown = { .len = buf->len, .capacity = buf->capacity * 2 };

    if (buf->capacity - buf->len >= extra) {
        return true;
    }
    if (grown.capacity < STORE_FIRST_BYTES) {
        grown.capacity = STORE_FIRST_BYTES;
    }
    if (grown.capacity < buf->len + extra) {
        grown.capacity = buf->len + extra;
    }
    grown.data = try_malloc(grown.capacity);
    if (grown.data == NULL) {
        return false;
    }
    if (buf->capacity > 0) {
        memcpy(grown.data, buf->data, buf->len);
        frame_store_rebase(store, span_of(buf->data, buf->capacity),
                           grown.data);
        free(buf->data);
    }
    *buf = grown;
    return true;
}

static bool
frame_store_reserve_header(struct frame_store *store)
{
    size_t capacity = store->header_capacity > 0 ? store->header_capacity * 2
                                                 : (size_t)STORE_FIRST_HEADERS;
    struct frame_header *headers;

    if (store->frame.header_count < store->header_capacity) {
        return true;
    }
    headers = try_realloc(store->headers, capacity * sizeof(*headers));
    if (headers == NULL) {
        return false;
    }
    store->headers = headers;
    store->header_capacity = capacity;
    store->frame.headers = headers;
    return true;
}

/* Whether a header of that name is there already: then the first counts.
 * Unknown names are compared only when their bit says that it may be so. */
static bool
frame_store_is_repeat(struct frame_store *store,
                      const struct frame_header *header)
{
    struct span name = header->name;
    uint64_t bit;

    if (header->id != HEADER_OTHER) {
        return store->frame.known[header->id] > 0;
    }
    bit = UINT64_C(1) << ((name.len * 5 + (unsigned char)name.data[0] * 3U +
                           (unsigned char)name.data[name.len - 1]) % 64);
    if ((store->others_seen & bit) == 0) {
        store->others_seen |= bit;
        return false;
    }
    return frame_find(&store->frame, name).data != NULL;
}

void
frame_store_begin(struct frame_store *store)
{
    struct frame *frame = &store->frame;

    /* Only what the last frame had: known[] is the largest part by far. */
    for (size_t i = 0; i < frame->header_count; i++) {
        frame->known[store->headers[i].id] = 0;
    }
    frame->command = FRAME_UNKNOWN;
    frame->command_text = SPAN_NONE;
    frame->header_count = 0;
    frame->body = SPAN_NONE;
    frame->has_content_length = false;
    store->others_seen = 0;
}

bool
frame_store_add_header(struct frame_store *store, struct frame_header *header)
{
    struct frame *frame = &store->frame;

    header->id = header_id_of(header->name);
    if (frame_store_is_repeat(store, header)) {
        return true;
    }
    if (!frame_store_reserve_header(store)) {
        return false;
    }
    store->headers[frame->header_count++] = *header;
    if (header->id != HEADER_OTHER) {
        frame->known[header->id] = (uint16_t)frame->header_count;
    }
    return true;
}

char *
frame_store_scratch(struct frame_store *store, size_t count)
{
    /* One byte to spare keeps an empty result inside, for rebase. */
    return frame_store_reserve(store, &store->scratch, count + 1)
               ? store->scratch.data + store->scratch.len
               : NULL;
}

bool
frame_store_gather_lines(struct frame_store *store, struct span lines)
{
    bool was_in_place = !frame_store_is_gathering(store);

    if (!frame_store_reserve(store, &store->block, lines.len)) {
        return false;
    }
    buf_append_span(&store->block, lines);
    if (was_in_place) {
        frame_store_rebase(store, lines, store->block.data);
    }
    return true;
}

bool
frame_store_gather_body(struct frame_store *store, struct span bytes,
                        size_t whole)
{
    struct buf *body = &store->body;
    size_t need = body->len + bytes.len;

    if (need > body->capacity) {
        /* Doubles what the peer has really sent; a promise is not memory. */
        size_t capacity =
            body->capacity > 0 ? body->capacity * 2 : (size_t)STORE_FIRST_BODY;
        char *data;

        capacity = capacity < whole ? capacity : whole;
        capacity = capacity > need ? capacity : need;
        data = try_realloc(body->data, capacity);
        if (data == NULL) {
            return false;
        }
        body->data = data;
        body->capacity = capacity;
    }
    buf_append_span(body, bytes);
    store->frame.body = buf_span(body);
    return true;
}

void
frame_store_release(struct frame_store *store)
{
    if (frame_store_is_gathering(store)) {
        buf_fini(&store->block);
        buf_fini(&store->body);
    }
    buf_clear(&store->scratch);
}

void
frame_store_rest(struct frame_store *store)
{
    buf_fini(&store->block);
    buf_fini(&store->scratch);
    if (store->header_capacity > STORE_FIRST_HEADERS) {
        frame_store_begin(store);
        free(store->headers);
        store->headers = NULL;
        store->header_capacity = 0;
        store->frame.headers = NULL;
    }
}

void
frame_store_fini(struct frame_store *store)
{
    buf_fini(&store->block);
    buf_fini(&store->body);
    buf_fini(&store->scratch);
    free(store->headers);
    *store = (struct frame_store){ .headers = NULL };
}
