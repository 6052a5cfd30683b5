/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/http_request.h"

/* The end of the head, 0 when it has not come. */
static size_t
http_head_len(struct span in)
{
    const char *end =
        in.len > 0 ? memmem(in.data, in.len, "\r\n\r\n", 4) : NULL;

    return end == NULL ? 0 : (size_t)(end - in.data) + 4;
}

static struct span
http_take_line(struct span *head)
{
    struct span line = span_split(head, '\n');

    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

static bool
http_request_line(struct span line, struct http_request *out)
{
    struct span target;

    out->method = span_split(&line, ' ');
    target = span_split(&line, ' ');
    if (!span_starts_with(line, SPAN("HTTP/1.")) || out->method.len == 0 ||
        !span_starts_with(target, SPAN("/"))) {
        return false;
    }
    out->path = span_split(&target, '?');
    out->query = target;
    return true;
}

/* The one header that counts; another way to say how long the body is, or two
 * of them, could be read in two ways. */
static bool
http_request_header(struct span line, bool *seen, uint64_t *len_out)
{
    struct span name = span_split(&line, ':');

    if (span_equal_nocase(name, SPAN("Transfer-Encoding"))) {
        return false;
    }
    if (!span_equal_nocase(name, SPAN("Content-Length"))) {
        return line.data != NULL;
    }
    if (*seen || !span_to_u64(span_trim(line), len_out)) {
        return false;
    }
    *seen = true;
    return true;
}

enum http_request_parse
http_request_parse(struct span in, struct http_request *request_out)
{
    struct http_request request = { .body = SPAN_NONE };
    size_t head_len = http_head_len(in);
    uint64_t body_len = 0;
    bool seen = false;
    struct span head;

    if (head_len == 0 || head_len > HTTP_REQUEST_HEAD_MAX) {
        return in.len > HTTP_REQUEST_HEAD_MAX ? HTTP_REQUEST_TOO_BIG
                                              : HTTP_REQUEST_MORE;
    }
    head = span_of(in.data, head_len - 4);
    if (!http_request_line(http_take_line(&head), &request)) {
        return HTTP_REQUEST_INVALID;
    }
    while (head.data != NULL) {
        if (!http_request_header(http_take_line(&head), &seen, &body_len)) {
            return HTTP_REQUEST_INVALID;
        }
    }
    if (body_len > HTTP_REQUEST_BODY_MAX) {
        return HTTP_REQUEST_TOO_BIG;
    }
    if (in.len - head_len < body_len) {
        return HTTP_REQUEST_MORE;
    }
    request.body = span_of(in.data + head_len, (size_t)body_len);
    *request_out = request;
    return HTTP_REQUEST_READY;
}

static int
http_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of the front of *rest; -1 when it is not one. */
static int
http_decode_next(struct span *rest)
{
    char c = rest->data[0];
    int high, low;

    if (c != '%') {
        *rest = span_after(*rest, 1);
        return c == '+' ? ' ' : (unsigned char)c;
    }
    if (rest->len < 3) {
        return -1;
    }
    high = http_hex(rest->data[1]);
    low = http_hex(rest->data[2]);
    *rest = span_after(*rest, 3);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool
http_decode(struct span value, char *text, size_t size)
{
    size_t used = 0;

    while (value.len > 0) {
        int c = http_decode_next(&value);

        if (c <= 0 || used + 1 >= size) {
            return false;
        }
        text[used++] = (char)c;
    }
    text[used] = '\0';
    return true;
}

bool
http_query_get(struct span query, const char *name, char *text, size_t size)
{
    while (query.data != NULL) {
        struct span value = span_split(&query, '&');
        struct span key = span_split(&value, '=');

        if (span_equal(key, span_of_text(name))) {
            return http_decode(value, text, size);
        }
    }
    return false;
}
