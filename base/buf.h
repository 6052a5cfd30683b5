/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer with headroom rules that keep idle ones free:
 * nothing is allocated before the first byte, and buf_fini gives all back.
 */
#pragma once
#include "base/span.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

struct buf {
    char *data;
    size_t len;
    size_t capacity;
};
#define BUF_INIT ((struct buf){ .data = NULL })

/* Frees the bytes and makes the buffer empty. */
void buf_fini(struct buf *buf);

/* Makes room for extra more bytes behind len; aborts when memory is out, so
 * only for sizes that a limit has passed. */
void buf_grow(struct buf *buf, size_t extra);

/* As buf_grow, false when memory is out (nothing changed then). */
bool buf_try_grow(struct buf *buf, size_t extra);

/* Returns room for extra bytes behind len; the caller fills them and adds to
 * len what it wrote.  The pointer dies with the next growth. */
static inline char *
buf_reserve(struct buf *buf, size_t extra)
{
    if (buf->capacity - buf->len < extra) {
        buf_grow(buf, extra);
    }
    return buf->data + buf->len;
}

static inline void
buf_append(struct buf *buf, const void *data, size_t len)
{
    if (len > 0) {
        char *to = buf_reserve(buf, len);

        assert(data != NULL && to != NULL);
        memcpy(to, data, len);
        buf->len += len;
    }
}

static inline void
buf_append_span(struct buf *buf, struct span span)
{
    buf_append(buf, span.data, span.len);
}

static inline void
buf_append_char(struct buf *buf, char c)
{
    *buf_reserve(buf, 1) = c;
    buf->len++;
}

void buf_append_u64(struct buf *buf, uint64_t value);
void buf_appendf(struct buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static inline struct span
buf_span(const struct buf *buf)
{
    return span_of(buf->data, buf->len);
}

static inline void
buf_clear(struct buf *buf)
{
    buf->len = 0;
}

/* Drops count bytes from the front (moves the rest; count <= len). */
void buf_consume(struct buf *buf, size_t count);

/* Decimal digits of value into text; returns how many (at most 20). */
size_t u64_to_text(uint64_t value, char text[20]);
