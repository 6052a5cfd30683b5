/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/conform_frame.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

/* The value of the first line that begins with "name:". */
static struct span
got_find(struct span headers, struct span name)
{
    while (headers.len > 0) {
        struct span value = span_split(&headers, '\n');
        struct span found = span_split(&value, ':');

        if (value.data != NULL && span_equal(found, name)) {
            return value;
        }
    }
    return SPAN_NONE;
}

struct span
got_header(const struct got *got, const char *name)
{
    return got_find(got->headers, span_of_text(name));
}

bool
got_contains(struct span bytes, const char *text)
{
    return bytes.data != NULL &&
           memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
}

struct span
got_line(const struct got *got, size_t n)
{
    struct span rest = got->headers;
    struct span line = SPAN_NONE;

    for (size_t i = 0; i <= n; i++) {
        if (rest.len == 0) {
            return SPAN_NONE;
        }
        line = span_split(&rest, '\n');
    }
    return line;
}

/* Where the header block ends: after the empty line; 0 when it is not there
 * yet. */
static size_t
got_head_len(struct span in)
{
    const char *end = memmem(in.data, in.len, "\n\n", 2);
    const char *crlf = memmem(in.data, in.len, "\n\r\n", 3);

    if (crlf != NULL && (end == NULL || crlf < end)) {
        return (size_t)(crlf - in.data) + 3;
    }
    return end == NULL ? 0 : (size_t)(end - in.data) + 2;
}

/* The length of the body that follows the head; SIZE_MAX when its NUL is not
 * there yet, *fault_out when it is in the wrong place. */
static size_t
got_body_len(struct span head, struct span rest, bool *counted_out,
             const char **fault_out)
{
    struct span length = got_find(head, SPAN("content-length"));
    const char *nul;
    uint64_t counted;

    *counted_out = length.data != NULL;
    if (length.data == NULL) {
        nul = memchr(rest.data, '\0', rest.len);
        return nul == NULL ? SIZE_MAX : (size_t)(nul - rest.data);
    }
    if (length.len > 0 && length.data[length.len - 1] == '\r') {
        length.len--;
    }
    if (!span_to_u64(length, &counted)) {
        *fault_out = "its content-length is not a number";
        return SIZE_MAX;
    }
    if (rest.len <= counted) {
        return SIZE_MAX;
    }
    if (rest.data[counted] != '\0') {
        *fault_out = "no NUL follows the octets that content-length counts";
        return SIZE_MAX;
    }
    return (size_t)counted;
}

static struct got *
got_new(struct span raw, size_t head_len, size_t body_len)
{
    struct got *got = xcalloc(1, sizeof(*got) + raw.len);
    struct span rest;

    memcpy(got->bytes, raw.data, raw.len);
    got->raw = span_of(got->bytes, raw.len);
    rest = span_of(got->bytes, head_len);
    got->command = span_split(&rest, '\n');
    rest.len--; /* the empty line */
    if (rest.len > 0 && rest.data[rest.len - 1] == '\r') {
        rest.len--;
    }
    got->headers = rest;
    got->body = span_of(got->bytes + head_len, body_len);
    return got;
}

enum got_cut
got_cut(struct span in, size_t start, struct got **got_out,
        const char **fault_out)
{
    size_t gap = 0;
    size_t head_len;
    size_t body_len;
    bool counted;

    *fault_out = NULL;
    while (gap < in.len && (in.data[gap] == '\n' || in.data[gap] == '\r')) {
        gap++;
    }
    in = span_after(in, gap);
    head_len = got_head_len(in);
    if (head_len == 0) {
        return GOT_MORE;
    }
    if (memchr(in.data, '\0', head_len) != NULL) {
        *fault_out = "a NUL stands in its headers";
        return GOT_BROKEN;
    }
    body_len = got_body_len(span_of(in.data, head_len - 1),
                            span_after(in, head_len), &counted, fault_out);
    if (body_len == SIZE_MAX) {
        return *fault_out != NULL ? GOT_BROKEN : GOT_MORE;
    }
    *got_out =
        got_new(span_of(in.data, head_len + body_len + 1), head_len, body_len);
    (*got_out)->counted = counted;
    (*got_out)->gap = gap;
    (*got_out)->start = start + gap;
    return GOT_FRAME;
}

static void
got_show_octet(struct buf *out, unsigned char octet)
{
    switch (octet) {
    case '\n':
        buf_append(out, "\\n", 2);
        return;
    case '\r':
        buf_append(out, "\\r", 2);
        return;
    case '\\':
        buf_append(out, "\\\\", 2);
        return;
    default:
        break;
    }
    if (octet < 0x20 || octet > 0x7E) {
        buf_appendf(out, "\\x%02x", octet);
    } else {
        buf_append_char(out, (char)octet);
    }
}

void
got_show(struct buf *out, struct span bytes, size_t most)
{
    for (size_t i = 0; i < bytes.len && i < most; i++) {
        got_show_octet(out, (unsigned char)bytes.data[i]);
    }
    if (bytes.len > most) {
        buf_append(out, "...", 3);
    }
}
