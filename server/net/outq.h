/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits to be written on one connection.  Small frames are copied side by
 * side into 16 KiB chunks (coalescing beats an iovec each), large tails stay
 * where they are and are held by reference.  Chunks come from a pool per loop:
 * an idle connection holds none.  No socket is asked here but in outq_write.
 * Loop thread only.
 */
#pragma once
#include "base/span.h"
#include "server/session/transport.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct outq_chunk; /* opaque: defined in outq.c */
struct outq_part;
struct outq_pool;

/* All zero bytes but the pool is an empty queue. */
struct outq {
    struct outq_pool *pool;
    struct outq_part *first, *last;
    struct outq_chunk *open; /* where small bytes go; NULL when empty */
    size_t bytes;            /* not yet written */
};

/* Tails from this size on are held instead of copied. */
enum { OUTQ_HOLD_MIN = 4096 };

struct outq_pool *outq_pool_new(void);
/* Frees *pool and sets it to NULL; all its queues must be empty. */
void outq_pool_free(struct outq_pool **pool);

void outq_init(struct outq *outq, struct outq_pool *pool);
/* Drops all that waits, and the holds on it; the queue is empty then. */
void outq_clear(struct outq *outq);

/* Room for len bytes in one piece at the end, which the caller fills before
 * the next outq_write.  They count as queued at once. */
char *outq_reserve(struct outq *outq, size_t len);

/* Appends a copy. */
void outq_append(struct outq *outq, struct span bytes);

/* Appends the frame's tail: by reference (hold taken) when it is large and
 * hold is given, else as a copy. */
void outq_append_tail(struct outq *outq, struct span tail,
                      const struct transport_hold *hold);

/*
 * Writes what the socket takes, up to 64 pieces a call, until all is written
 * or it takes no more.  Returns the bytes written; *errno_out is 0, EAGAIN
 * when the socket is full, or what went wrong.
 */
size_t outq_write(struct outq *outq, int fd, int *errno_out);

/* Copies up to size bytes from the front to data and leaves them; returns how
 * many.  For writers other than outq_write. */
size_t outq_copy(const struct outq *outq, char *data, size_t size);

/* The first count bytes (<= outq->bytes) have been written. */
void outq_consume(struct outq *outq, size_t count);
