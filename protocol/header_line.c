/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks and decoding of one line of a frame.
 * Source: STOMP 1.2, "Augmented BNF" and "Value Encoding"; stomp.md 4.1-4.3.
 */
#include "protocol/header_line.h"

#include "protocol/headers.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* The high bit of each byte that is zero; above the lowest such byte there
 * may be false ones, as the subtraction borrows from there. */
static uint64_t
header_line_zeros(uint64_t word)
{
    return (word - EACH_BYTE(1)) & ~word & EACH_BYTE(0x80);
}

/* The same for each byte that is a control byte, not ASCII, or a backslash. */
static uint64_t
header_line_specials(uint64_t word)
{
    uint64_t controls = (word - EACH_BYTE(0x20)) & ~word;

    return ((controls | word) & EACH_BYTE(0x80)) |
           header_line_zeros(word ^ EACH_BYTE('\\'));
}

/* The offset of the first byte, in memory order, that has its high bit set. */
static size_t
header_line_first(uint64_t hits)
{
    return (size_t)__builtin_ctzll(hits) / 8;
}

/* The last bytes of text, fewer than a word. */
static size_t
header_line_scan_tail(struct span text, size_t at, size_t *colon)
{
    for (; at < text.len; at++) {
        unsigned char c = (unsigned char)text.data[at];

        if (c < 0x20 || c > 0x7F || c == '\\') {
            break;
        }
        if (c == ':' && *colon == SIZE_MAX) {
            *colon = at;
        }
    }
    return at;
}

size_t
header_line_scan(struct span text, size_t *colon_out)
{
    size_t colon = SIZE_MAX;
    size_t at = 0;

    for (; text.len - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t word;
        uint64_t colons;
        uint64_t specials;

        memcpy(&word, text.data + at, sizeof(word));
        word = le64toh(word); /* the first byte is the lowest */
        colons = header_line_zeros(word ^ EACH_BYTE(':'));
        if (colons != 0 && colon == SIZE_MAX) {
            colon = at + header_line_first(colons);
        }
        specials = header_line_specials(word);
        if (specials != 0) {
            *colon_out = colon;
            return at + header_line_first(specials);
        }
    }
    at = header_line_scan_tail(text, at, &colon);
    *colon_out = colon;
    return at;
}

enum header_line
header_line_check(struct span line, const struct version_rules *rules)
{
    if (line.len == 0) {
        return HEADER_LINE_OK;
    }
    if (memchr(line.data, '\0', line.len) != NULL) {
        return HEADER_LINE_NUL;
    }
    if (rules->bare_cr_is_error && memchr(line.data, '\r', line.len) != NULL) {
        return HEADER_LINE_BARE_CR;
    }
    if (rules->checks_utf8 && !span_is_utf8(line)) {
        return HEADER_LINE_NOT_UTF8;
    }
    return HEADER_LINE_OK;
}

enum header_line
header_line_split(struct span line, struct frame_header *header)
{
    const char *colon = memchr(line.data, ':', line.len);

    if (colon == NULL) {
        return HEADER_LINE_NO_COLON;
    }
    if (colon == line.data) {
        return HEADER_LINE_NO_NAME;
    }
    header->name = span_of(line.data, (size_t)(colon - line.data));
    header->value = span_after(line, header->name.len + 1);
    return HEADER_LINE_OK;
}

struct span
header_line_trim(struct span value)
{
    if (value.len > 0 && value.data[0] == ' ') {
        value = span_after(value, 1);
    }
    while (value.len > 0 && (value.data[value.len - 1] == ' ' ||
                             value.data[value.len - 1] == '\t')) {
        value.len--;
    }
    return value;
}

static enum header_line
header_line_decode_part(struct span *part, enum stomp_version version,
                        char *room, size_t *used)
{
    ptrdiff_t len;
    size_t bad;

    if (part->len == 0 || memchr(part->data, '\\', part->len) == NULL) {
        return HEADER_LINE_OK;
    }
    len = header_unescape(*part, version, room + *used, &bad);
    if (len < 0) {
        return HEADER_LINE_BAD_ESCAPE;
    }
    *part = span_of(room + *used, (size_t)len);
    *used += (size_t)len;
    return HEADER_LINE_OK;
}

enum header_line
header_line_decode(struct frame_header *header, enum stomp_version version,
                   char *room, size_t *used_out)
{
    enum header_line fault;

    *used_out = 0;
    fault = header_line_decode_part(&header->name, version, room, used_out);
    return fault != HEADER_LINE_OK
               ? fault
               : header_line_decode_part(&header->value, version, room,
                                         used_out);
}

void __attribute__((cold))
header_line_explain(enum header_line fault, const char *shown, size_t number,
                    struct error *err)
{
    switch (fault) {
    case HEADER_LINE_OK:
        break;
    case HEADER_LINE_NUL:
        (void)error_set(err,
                        "a NUL stands in line %zu of the frame, before "
                        "the empty line that ends the headers; in front of "
                        "it: \"%s\"",
                        number, shown);
        break;
    case HEADER_LINE_BARE_CR:
        (void)error_set(err,
                        "line %zu of the frame (\"%s\") holds a CR that "
                        "no LF follows",
                        number, shown);
        break;
    case HEADER_LINE_NOT_UTF8:
        (void)error_set(err,
                        "line %zu of the frame (\"%s\") is not valid "
                        "UTF-8",
                        number, shown);
        break;
    case HEADER_LINE_NO_COLON:
        (void)error_set(err,
                        "line %zu of the frame (\"%s\") has no colon; a "
                        "header is name:value",
                        number, shown);
        break;
    case HEADER_LINE_NO_NAME:
        (void)error_set(err,
                        "line %zu of the frame (\"%s\") has no header "
                        "name before its colon",
                        number, shown);
        break;
    case HEADER_LINE_BAD_ESCAPE:
        (void)error_set(err,
                        "line %zu of the frame (\"%s\") has a backslash "
                        "that starts no escape; defined are \\n \\c \\\\ and, "
                        "in 1.2, \\r",
                        number, shown);
        break;
    }
}
