/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bytes of the frame in work live, and how they move.
 * Source: STOMP 1.2, "Repeated Header Entries".
 */
#include "protocol/frame_store.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "protocol/headers.h"

#include <stdlib.h>
#include <string.h>

enum {
    STORE_FIRST_BYTES = 128,  /* of block and scratch */
    STORE_FIRST_BODY = 65536, /* taken at once on a peer's word */
    STORE_FEW_HEADERS = 16,   /* compared one by one; more are hashed */
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
    size_t capacity = store->header_capacity > 0
                          ? store->header_capacity * 2
                          : (size_t)FRAME_STORE_FIRST_HEADERS;
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

/* The slot where a header of that name is, or else would go. */
static size_t
frame_store_slot(const struct frame_store *store, struct span name)
{
    size_t slot = hash_bytes(name.data, name.len) & (store->slot_count - 1);

    while (store->slots[slot] != 0 &&
           !span_equal(store->headers[store->slots[slot] - 1].name, name)) {
        slot = (slot + 1) & (store->slot_count - 1);
    }
    return slot;
}

static void
frame_store_hash_header(struct frame_store *store, size_t i)
{
    if (store->headers[i].id == HEADER_OTHER) {
        store->slots[frame_store_slot(store, store->headers[i].name)] =
            (uint16_t)(i + 1);
    }
}

/* Hashes the headers so far, into twice as many slots as there may be before
 * the array grows again.  False when memory is out. */
static bool
frame_store_hash_all(struct frame_store *store)
{
    size_t count = STORE_FEW_HEADERS;
    uint16_t *slots;

    while (count < 2 * store->header_capacity) {
        count *= 2;
    }
    slots = try_realloc(store->slots, count * sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    memset(slots, 0, count * sizeof(*slots));
    store->slots = slots;
    store->slot_count = count;
    store->is_hashed = true;
    for (size_t i = 0; i < store->frame.header_count; i++) {
        frame_store_hash_header(store, i);
    }
    return true;
}

/* Keeps the last header findable; a peer must not make that costly by many
 * names.  False when memory is out. */
static bool
frame_store_note_header(struct frame_store *store)
{
    size_t count = store->frame.header_count;

    if (count < STORE_FEW_HEADERS) {
        return true;
    }
    if (!store->is_hashed || store->slot_count < 2 * store->header_capacity) {
        return frame_store_hash_all(store);
    }
    frame_store_hash_header(store, count - 1);
    return true;
}

/* Whether a header of that name is there already: then the first counts.
 * Few unknown names are compared only when their bit says that it may be. */
static bool
frame_store_is_repeat(struct frame_store *store,
                      const struct frame_header *header)
{
    struct span name = header->name;
    uint64_t bit;

    if (header->id != HEADER_OTHER) {
        return store->frame.known[header->id] > 0;
    }
    if (store->is_hashed) {
        return store->slots[frame_store_slot(store, name)] != 0;
    }
    bit = UINT64_C(1) << ((name.len * 5 + (size_t)name.data[0] * 3 +
                           (size_t)name.data[name.len - 1]) %
                          64);
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
    store->is_hashed = false;
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
    return frame_store_note_header(store);
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
    if (store->header_capacity > FRAME_STORE_FIRST_HEADERS) {
        frame_store_begin(store);
        free(store->headers);
        free(store->slots);
        store->slots = NULL;
        store->slot_count = 0;
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
    free(store->slots);
    *store = (struct frame_store){ .headers = NULL };
}
