/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include <stdio.h>

static char
span_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int
span_compare(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool
span_equal_nocase(struct span a, struct span b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (span_lower(a.data[i]) != span_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

struct span
span_trim(struct span span)
{
    while (span.len > 0 && (span.data[0] == ' ' || span.data[0] == '\t')) {
        span = span_after(span, 1);
    }
    while (span.len > 0 && (span.data[span.len - 1] == ' ' ||
                            span.data[span.len - 1] == '\t')) {
        span.len--;
    }
    return span;
}

struct span
span_split(struct span *rest, char separator)
{
    const char *end =
        rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    struct span part = *rest;

    if (end == NULL) {
        *rest = SPAN_NONE;
        return part;
    }
    part.len = (size_t)(end - part.data);
    *rest = span_after(*rest, part.len + 1);
    return part;
}

bool
span_to_u64(struct span span, uint64_t *value_out)
{
    uint64_t value = 0;

    if (span.len == 0) {
        return false;
    }
    for (size_t i = 0; i < span.len; i++) {
        unsigned digit = (unsigned)(unsigned char)span.data[i] - '0';

        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *value_out = value;
    return true;
}

bool
span_to_i64(struct span span, int64_t *value_out)
{
    bool negative = span.len > 0 && span.data[0] == '-';
    uint64_t most = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t value;

    if (!span_to_u64(negative ? span_after(span, 1) : span, &value) ||
        value > most) {
        return false;
    }
    /* Negated as unsigned: INT64_MIN has no positive twin. */
    *value_out = (int64_t)(negative ? 0 - value : value);
    return true;
}

bool
span_is_true(struct span span)
{
    return span_equal(span, SPAN("true")) || span_equal(span, SPAN("1")) ||
           span_equal_nocase(span, SPAN("true"));
}

static bool
utf8_is_continuation(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* What a first byte promises: the length of its sequence (0: none begins so)
 * and the range of the second byte.  Source: RFC 3629, section 4. */
static size_t
utf8_lead(unsigned char lead, unsigned char *low_out, unsigned char *high_out)
{
    *low_out = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *high_out = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0xC2 || lead > 0xF4) {
        return 0;
    }
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

/* Length of the UTF-8 sequence at p (left bytes), 0 when it is not valid. */
static size_t
utf8_sequence(const unsigned char *p, size_t left)
{
    unsigned char low;
    unsigned char high;
    size_t len = utf8_lead(p[0], &low, &high);

    if (len == 0 || left < len || p[1] < low || p[1] > high) {
        return 0;
    }
    if ((len > 2 && !utf8_is_continuation(p[2])) ||
        (len > 3 && !utf8_is_continuation(p[3]))) {
        return 0;
    }
    return len;
}

bool
span_is_utf8(struct span span)
{
    const unsigned char *p = (const unsigned char *)span.data;
    size_t left = span.len;

    while (left > 0) {
        uint64_t word;
        size_t step = 1;

        /* Eight ASCII bytes at a time: the common case. */
        if (left >= sizeof(word)) {
            memcpy(&word, p, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                p += sizeof(word);
                left -= sizeof(word);
                continue;
            }
        }
        if (*p >= 0x80) {
            step = utf8_sequence(p, left);
            if (step == 0) {
                return false;
            }
        }
        p += step;
        left -= step;
    }
    return true;
}

void
utf8_replace_invalid(char *data, size_t len, char replacement)
{
    size_t at = 0;

    while (at < len) {
        const unsigned char *p = (const unsigned char *)data + at;
        size_t step = *p < 0x80 ? 1 : utf8_sequence(p, len - at);

        if (step == 0) {
            data[at] = replacement;
            step = 1;
        }
        at += step;
    }
}

const char *
span_escape(struct span span, char *text, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < span.len; i++) {
        unsigned char c = (unsigned char)span.data[i];
        bool plain = c >= 0x20 && c < 0x7F && c != '\\';
        size_t need = plain ? 1 : 4;

        if (used + need + 4 > size) { /* room for "..." and the NUL */
            (void)snprintf(text + used, size - used, "...");
            return text;
        }
        if (plain) {
            text[used++] = (char)c;
        } else {
            (void)snprintf(text + used, size - used, "\\x%02x", c);
            used += 4;
        }
    }
    text[used] = '\0';
    return text;
}
