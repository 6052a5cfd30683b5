/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading what LevelDB may not survive, in a process of its own: as Debian
 * builds it, it has assertions for what its checksums would have kept out.
 * Storage thread, and the open.
 */
#pragma once
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum ldb_child {
    LDB_CHILD_DONE,
    LDB_CHILD_DIED,  /* of a signal: what it read is not to be touched */
    LDB_CHILD_STUCK, /* with an error: it got nowhere, or there was none */
};

typedef void ldb_child_fn(void *ctx);

/*
 * Runs fn(ctx) in a copy of this process whose only thread the caller is.
 * LDB_CHILD_DONE: result, size bytes (at most 4 KiB; 0 is fine), is what it was
 * there when fn had returned; nothing else in memory has changed.  A lock that
 * another thread held at the time is held for ever in the copy: so it is ended,
 * and STUCK, when it does not call ldb_child_goes_on for ldb_hooks.child_us.
 * closes_files: it needs none of those that are open.
 */
enum ldb_child ldb_child_run(ldb_child_fn *fn, void *ctx, bool closes_files,
                             void *result, size_t size, struct error *err);

/* Called by fn: it is still at work. */
void ldb_child_goes_on(void);
