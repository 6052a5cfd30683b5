/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/base64.h"

#include <stdint.h>

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct span bytes, struct buf *out)
{
    char *to = buf_reserve(out, (bytes.len + 2) / 3 * 4);

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t group = (uint32_t)(uint8_t)bytes.data[i] << 16;

        group |= left > 1 ? (uint32_t)(uint8_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(uint8_t)bytes.data[i + 2] : 0;
        *to++ = base64_digits[group >> 18];
        *to++ = base64_digits[group >> 12 & 63];
        *to++ = left > 1 ? base64_digits[group >> 6 & 63] : '=';
        *to++ = left > 2 ? base64_digits[group & 63] : '=';
    }
    out->len += (bytes.len + 2) / 3 * 4;
}

/* -1 when it is none. */
static int
base64_digit(char c)
{
    const char *at =
        c != '\0' ? memchr(base64_digits, c, sizeof(base64_digits) - 1) : NULL;

    return at != NULL ? (int)(at - base64_digits) : -1;
}

/* The last group says by its padding how many bytes it has. */
static bool
base64_decode_group(const char *from, int padding, struct buf *out)
{
    uint32_t group = 0;

    for (int i = 0; i < 4; i++) {
        int digit = i >= 4 - padding ? 0 : base64_digit(from[i]);

        if (digit < 0) {
            return false;
        }
        group = group << 6 | (uint32_t)digit;
    }
    if ((group & ((UINT32_C(1) << (8 * padding)) - 1)) != 0) {
        return false; /* bits that no encoder leaves there */
    }
    for (int i = 0; i < 3 - padding; i++) {
        buf_append_char(out, (char)(uint8_t)(group >> (16 - 8 * i)));
    }
    return true;
}

bool
base64_decode(struct span text, struct buf *out)
{
    if (text.len % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i += 4) {
        const char *from = text.data + i;
        bool last = i + 4 == text.len;
        int padding = last && from[3] == '=' ? (from[2] == '=' ? 2 : 1) : 0;

        if (!base64_decode_group(from, padding, out)) {
            return false;
        }
    }
    return true;
}
