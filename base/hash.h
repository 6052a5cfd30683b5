/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one include point of uthash and utlist.  Names come from clients, so
 * the hash is seeded from getrandom() at start, and running out of memory is
 * an outcome (check hh.tbl after an add), not exit().
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Draws the seed; call once before the first table is made.  Without the call
 * the seed is 0 (tests). */
void hash_seed_random(void);

/* A seeded 64-bit hash of len bytes. */
uint64_t hash_bytes(const void *data, size_t len);

#define HASH_FUNCTION(key, len, out)                                           \
    ((out) = (unsigned)hash_bytes((key), (len)))
#define HASH_NONFATAL_OOM 1
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#include <uthash.h>
#include <utlist.h>
#pragma GCC diagnostic pop

/* The struct that embeds *ptr as its member. */
#define container_of(ptr, type, member)                                        \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
