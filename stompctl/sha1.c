/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/sha1.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { SHA1_BLOCK_BYTES = 64, SHA1_MAX_BLOCKS = 8 };

static uint32_t
sha1_rotate(uint32_t value, unsigned count)
{
    return value << count | value >> (32 - count);
}

/* RFC 3174 section 5: the function and constant of round t. */
static uint32_t
sha1_mix(unsigned t, const uint32_t v[5])
{
    if (t < 20) {
        return ((v[1] & v[2]) | (~v[1] & v[3])) + 0x5A827999U;
    }
    if (t < 40) {
        return (v[1] ^ v[2] ^ v[3]) + 0x6ED9EBA1U;
    }
    if (t < 60) {
        return ((v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])) + 0x8F1BBCDCU;
    }
    return (v[1] ^ v[2] ^ v[3]) + 0xCA62C1D6U;
}

static void
sha1_block(uint32_t state[5], const unsigned char *block)
{
    uint32_t w[80];
    uint32_t v[5];

    for (size_t t = 0; t < 16; t++) {
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    }
    for (unsigned t = 16; t < 80; t++) {
        w[t] = sha1_rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
    }
    memcpy(v, state, sizeof(v));
    for (unsigned t = 0; t < 80; t++) {
        uint32_t next = sha1_rotate(v[0], 5) + sha1_mix(t, v) + v[4] + w[t];

        v[4] = v[3];
        v[3] = v[2];
        v[2] = sha1_rotate(v[1], 30);
        v[1] = v[0];
        v[0] = next;
    }
    for (unsigned i = 0; i < 5; i++) {
        state[i] += v[i];
    }
}

void
sha1(const void *data, size_t len, unsigned char digest[SHA1_BYTES])
{
    unsigned char padded[SHA1_BLOCK_BYTES * SHA1_MAX_BLOCKS] = { 0 };
    uint32_t state[5] = { 0x67452301U, 0xEFCDAB89U, 0x98BADCFEU, 0x10325476U,
                          0xC3D2E1F0U };
    size_t blocks = (len + 9 + SHA1_BLOCK_BYTES - 1) / SHA1_BLOCK_BYTES;
    uint64_t bits = (uint64_t)len * 8;

    assert(blocks <= SHA1_MAX_BLOCKS);
    memcpy(padded, data, len);
    padded[len] = 0x80;
    for (unsigned i = 0; i < 8; i++) {
        padded[blocks * SHA1_BLOCK_BYTES - 1 - i] =
            (unsigned char)(bits >> (8 * i));
    }
    for (size_t i = 0; i < blocks; i++) {
        sha1_block(state, padded + i * SHA1_BLOCK_BYTES);
    }
    for (unsigned i = 0; i < SHA1_BYTES; i++) {
        digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
    }
}
