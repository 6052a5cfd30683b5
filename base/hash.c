/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <string.h>
#include <sys/random.h>

static uint64_t hash_seed;

void
hash_seed_random(void)
{
    uint64_t seed;

    if (getrandom(&seed, sizeof(seed), 0) == (ssize_t)sizeof(seed)) {
        hash_seed = seed;
    }
}

/* Folds a 128-bit product: every input bit reaches every output bit. */
static uint64_t
hash_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t
hash_bytes(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t hash = hash_seed ^ (len * UINT64_C(0x9E3779B97F4A7C15));
    size_t left = len;

    while (left > 0) {
        uint64_t word = 0;
        size_t step = left < sizeof(word) ? left : sizeof(word);

        memcpy(&word, p, step);
        hash = hash_mix(hash ^ UINT64_C(0xD6E8FEB86659FD93),
                        word ^ UINT64_C(0xA5A3564E27F8862D));
        p += step;
        left -= step;
    }
    return hash_mix(hash, UINT64_C(0x9E3779B97F4A7C15));
}
