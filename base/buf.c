/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST_BYTES = 256 };

void
buf_fini(struct buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT;
}

static size_t
buf_capacity_for(const struct buf *buf, size_t extra)
{
    size_t need = buf->len + extra;
    size_t capacity =
        buf->capacity > 0 ? buf->capacity * 2 : (size_t)BUF_FIRST_BYTES;

    assert(need >= extra);
    return capacity > need ? capacity : need;
}

bool
buf_try_grow(struct buf *buf, size_t extra)
{
    size_t capacity;
    char *data;

    if (buf->capacity - buf->len >= extra) {
        return true;
    }
    capacity = buf_capacity_for(buf, extra);
    data = try_realloc(buf->data, capacity);
    if (data == NULL) {
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void
buf_grow(struct buf *buf, size_t extra)
{
    if (buf->capacity - buf->len >= extra) {
        return;
    }
    buf->capacity = buf_capacity_for(buf, extra);
    buf->data = xrealloc(buf->data, buf->capacity);
}

size_t
u64_to_text(uint64_t value, char text[20])
{
    static const char pairs[] = "00010203040506070809"
                                "10111213141516171819"
                                "20212223242526272829"
                                "30313233343536373839"
                                "40414243444546474849"
                                "50515253545556575859"
                                "60616263646566676869"
                                "70717273747576777879"
                                "80818283848586878889"
                                "90919293949596979899";
    char digits[20];
    size_t at = sizeof(digits);

    for (; value >= 10; value /= 100) {
        at -= 2;
        memcpy(digits + at, pairs + (2 * (value % 100)), 2);
    }
    if (value > 0 || at == sizeof(digits)) {
        digits[--at] = (char)('0' + value);
    }
    memcpy(text, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

void
buf_append_u64(struct buf *buf, uint64_t value)
{
    buf->len += u64_to_text(value, buf_reserve(buf, 20));
}

void
buf_appendf(struct buf *buf, const char *fmt, ...)
{
    va_list ap;
    int need;

    va_start(ap, fmt);
    need = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(need >= 0);
    va_start(ap, fmt);
    (void)vsnprintf(buf_reserve(buf, (size_t)need + 1), (size_t)need + 1, fmt,
                    ap);
    va_end(ap);
    buf->len += (size_t)need;
}

void
buf_consume(struct buf *buf, size_t count)
{
    assert(count <= buf->len);
    buf->len -= count;
    if (buf->len > 0 && count > 0) {
        memmove(buf->data, buf->data + count, buf->len);
    }
}
