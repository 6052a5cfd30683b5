/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ids of what was sent lately, so that a message that is sent again is not
 * there twice.  A window by time and by count, broker-wide; ids belong to a
 * destination: the same one for two queues are two.  Knows neither messages nor
 * sessions, and is told the time.  Loop thread only.
 *
 * An id is kept as a keyed hash of 128 bits with its time: less than 100 bytes
 * in memory, whatever its length, 24 on disk.  They come in blocks of 32, each
 * a definition of the store (store.h): what is new is written at the end of the
 * turn, in the batch of the messages; what is old goes a block at a time.
 */
#pragma once
#include "base/destination_kind.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dedupe; /* opaque: defined in dedupe.c */
struct store;

struct dedupe_options {
    int64_t window_ms;
    size_t count; /* at most so many ids; 0: none, every message is new */
};

struct dedupe_key {
    uint64_t words[2];
};

enum dedupe_found {
    DEDUPE_NEW,
    DEDUPE_SEEN, /* as long as this process lives */
    DEDUPE_KEPT, /* over restarts, in the batch of its message */
};

/* Reads what the store (borrowed) has kept; never NULL.  To be called before
 * anything has changed in the store. */
struct dedupe *dedupe_new(const struct dedupe_options *options,
                          struct store *store);
/* Frees *dedupe and sets it to NULL; NULL is fine. */
void dedupe_free(struct dedupe **dedupe);

struct dedupe_key dedupe_key_of(const struct dedupe *dedupe,
                                enum destination_kind kind, struct span name,
                                struct span id);

/* Whether the key was added within the window.  now_ms: wall clock. */
enum dedupe_found dedupe_find(const struct dedupe *dedupe,
                              const struct dedupe_key *key, int64_t now_ms);

/* Adds a key that dedupe_find has not found.  kept: its message is stored. */
void dedupe_add(struct dedupe *dedupe, const struct dedupe_key *key,
                int64_t now_ms, bool kept);

/* End of a turn, before store_flush: what is new and to be kept goes into the
 * store's batch. */
void dedupe_flush(struct dedupe *dedupe);

/* Once in a while: what is too old is forgotten, on disk too. */
void dedupe_sweep(struct dedupe *dedupe, int64_t now_ms);

/* Ids in the window, those too old but not yet swept included. */
size_t dedupe_count(const struct dedupe *dedupe);
