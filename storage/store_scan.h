/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every entry of a journal in the order of its keys, and where some cannot be
 * read.
 *
 * The scan checks LevelDB's checksums.  LevelDB passes over a damaged block and
 * says that there was one, but not where; so after each step the scan asks, and
 * the damage lies between the entries before and after.  That part is read once
 * more without LevelDB's checksums: our own, which cover the key too, tell what
 * is good.  Bounded memory but for that part.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"
#include "storage/store_leveldb_disk.h"

#include <stdbool.h>
#include <stddef.h>

/* A part of the keys in which something could not be read.  All borrowed until
 * the callback returns. */
struct store_scan_damage {
    struct span after;  /* the last key before it; empty: from the start */
    struct span before; /* the first key after it; empty: to the end */
    const struct span *rescued; /* keys between them of entries that are good
                                   by their own checksum, in order */
    size_t rescued_count;
    size_t bad;       /* entries seen that are not */
    const char *text; /* LevelDB's */
};

struct store_scan_visitor {
    /* One entry, by LevelDB's checksums or else by its own.  Returns 0, or -1
     * (err set) to stop. */
    int (*entry)(void *ctx, struct span key, struct span value,
                 struct error *err);
    /* Bytes of a damaged part that are no entry; key may be anything. */
    int (*bad)(void *ctx, struct span key, struct span value,
               struct error *err);
    /* A damaged part; before its rescued entries are given to entry. */
    int (*damage)(void *ctx, const struct store_scan_damage *damage,
                  struct error *err);
    void *ctx;
};

/* Visits all of an open database.  Returns 0, or -1 when the visitor stopped
 * it (then with the visitor's error). */
int store_scan(struct ldb_disk *disk, const struct store_scan_visitor *visitor,
               struct error *err);
