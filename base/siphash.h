/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-2-4 with 128 bits: for what is to be told apart by its hash alone,
 * over restarts, though others choose it.  (hash.h is for tables in memory.)
 * Source: Aumasson, Bernstein: SipHash, 2012, and its reference code.
 */
#pragma once
#include "base/span.h"

#include <stdint.h>

struct siphash {
    uint64_t v0, v1, v2, v3;
    uint64_t tail;   /* bytes that are no whole word yet */
    uint64_t length; /* of all so far */
};

void siphash_init(struct siphash *hash, const uint8_t key[16]);
void siphash_add(struct siphash *hash, struct span bytes);
/* The 128 bits as two little-endian words; hash is used up. */
void siphash_end(struct siphash *hash, uint64_t out[2]);
