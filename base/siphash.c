/* SPDX-License-Identifier: Apache-2.0 */
#include "base/siphash.h"

static uint64_t
siphash_rotate(uint64_t word, unsigned bits)
{
    return (word << bits) | (word >> (64 - bits));
}

static void
siphash_round(struct siphash *hash)
{
    hash->v0 += hash->v1;
    hash->v2 += hash->v3;
    hash->v1 = siphash_rotate(hash->v1, 13) ^ hash->v0;
    hash->v3 = siphash_rotate(hash->v3, 16) ^ hash->v2;
    hash->v0 = siphash_rotate(hash->v0, 32);
    hash->v2 += hash->v1;
    hash->v0 += hash->v3;
    hash->v1 = siphash_rotate(hash->v1, 17) ^ hash->v2;
    hash->v3 = siphash_rotate(hash->v3, 21) ^ hash->v0;
    hash->v2 = siphash_rotate(hash->v2, 32);
}

static void
siphash_rounds(struct siphash *hash, int count)
{
    for (int i = 0; i < count; i++) {
        siphash_round(hash);
    }
}

static void
siphash_word(struct siphash *hash, uint64_t word)
{
    hash->v3 ^= word;
    siphash_rounds(hash, 2);
    hash->v0 ^= word;
}

static uint64_t
siphash_load(const uint8_t *bytes)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < 8; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

void
siphash_init(struct siphash *hash, const uint8_t key[16])
{
    uint64_t k0 = siphash_load(key);
    uint64_t k1 = siphash_load(key + 8);

    *hash = (struct siphash){
        .v0 = k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
        .v2 = k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = k1 ^ UINT64_C(0x7465646279746573),
    };
}

void
siphash_add(struct siphash *hash, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned at = hash->length % 8;

        hash->tail |= (uint64_t)(uint8_t)bytes.data[i] << (8 * at);
        hash->length++;
        if (at == 7) {
            siphash_word(hash, hash->tail);
            hash->tail = 0;
        }
    }
}

void
siphash_end(struct siphash *hash, uint64_t out[2])
{
    siphash_word(hash, hash->tail | hash->length << 56);
    hash->v2 ^= 0xee;
    siphash_rounds(hash, 4);
    out[0] = hash->v0 ^ hash->v1 ^ hash->v2 ^ hash->v3;
    hash->v1 ^= 0xdd;
    siphash_rounds(hash, 4);
    out[1] = hash->v0 ^ hash->v1 ^ hash->v2 ^ hash->v3;
}
