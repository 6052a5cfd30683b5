/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/outq.h"

#include "base/alloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum {
    OUTQ_CHUNK_BYTES = 16384, /* with its header */
    OUTQ_IOVECS = 64,
    OUTQ_POOL_CHUNKS = 256, /* kept for reuse: 4 MiB */
    OUTQ_POOL_PARTS = 1024,
};

/* Bytes of ours; alive while a part shows some of it or it is open. */
struct outq_chunk {
    struct outq_chunk *next_free;
    uint32_t refs;
    size_t used;
    size_t size;
    char bytes[];
};

/* Bytes to write: a stretch of a chunk, or held. */
struct outq_part {
    struct outq_part *next;
    const char *data;
    size_t len;
    struct outq_chunk *chunk;   /* NULL when held */
    struct transport_hold hold; /* owner may be NULL */
};

struct outq_pool {
    struct outq_chunk *chunks;
    struct outq_part *parts;
    size_t chunk_count;
    size_t part_count;
};

static const size_t outq_chunk_room =
    OUTQ_CHUNK_BYTES - sizeof(struct outq_chunk);

struct outq_pool *
outq_pool_new(void)
{
    return xcalloc(1, sizeof(struct outq_pool));
}

void
outq_pool_free(struct outq_pool **pool)
{
    if (*pool == NULL) {
        return;
    }
    while ((*pool)->chunks != NULL) {
        struct outq_chunk *chunk = (*pool)->chunks;

        (*pool)->chunks = chunk->next_free;
        free(chunk);
    }
    while ((*pool)->parts != NULL) {
        struct outq_part *part = (*pool)->parts;

        (*pool)->parts = part->next;
        free(part);
    }
    free(*pool);
    *pool = NULL;
}

/* A chunk with room for len bytes; its one reference is the caller's. */
static struct outq_chunk *
pool_chunk_take(struct outq_pool *pool, size_t len)
{
    struct outq_chunk *chunk = pool->chunks;

    if (len > outq_chunk_room) { /* a head of its own size, not pooled */
        chunk = xmalloc(sizeof(*chunk) + len);
        chunk->size = len;
    } else if (chunk != NULL) {
        pool->chunks = chunk->next_free;
        pool->chunk_count--;
    } else {
        chunk = xmalloc(OUTQ_CHUNK_BYTES);
        chunk->size = outq_chunk_room;
    }
    chunk->next_free = NULL;
    chunk->refs = 1;
    chunk->used = 0;
    return chunk;
}

static void
pool_chunk_unref(struct outq_pool *pool, struct outq_chunk *chunk)
{
    assert(chunk->refs > 0);
    if (--chunk->refs > 0) {
        return;
    }
    if (chunk->size != outq_chunk_room ||
        pool->chunk_count >= OUTQ_POOL_CHUNKS) {
        free(chunk);
        return;
    }
    chunk->next_free = pool->chunks;
    pool->chunks = chunk;
    pool->chunk_count++;
}

static struct outq_part *
pool_part_take(struct outq_pool *pool)
{
    struct outq_part *part = pool->parts;

    if (part == NULL) {
        return xcalloc(1, sizeof(*part));
    }
    pool->parts = part->next;
    pool->part_count--;
    *part = (struct outq_part){ .next = NULL };
    return part;
}

static void
pool_part_give(struct outq_pool *pool, struct outq_part *part)
{
    if (part->chunk != NULL) {
        pool_chunk_unref(pool, part->chunk);
    } else if (part->hold.drop != NULL) {
        part->hold.drop(part->hold.owner);
    }
    if (pool->part_count >= OUTQ_POOL_PARTS) {
        free(part);
        return;
    }
    part->next = pool->parts;
    pool->parts = part;
    pool->part_count++;
}

void
outq_init(struct outq *outq, struct outq_pool *pool)
{
    *outq = (struct outq){ .pool = pool };
}

static void
outq_close_chunk(struct outq *outq)
{
    if (outq->open != NULL) {
        pool_chunk_unref(outq->pool, outq->open);
        outq->open = NULL;
    }
}

void
outq_clear(struct outq *outq)
{
    while (outq->first != NULL) {
        struct outq_part *part = outq->first;

        outq->first = part->next;
        pool_part_give(outq->pool, part);
    }
    outq->last = NULL;
    outq->bytes = 0;
    outq_close_chunk(outq);
}

static struct outq_part *
outq_part_append(struct outq *outq)
{
    struct outq_part *part = pool_part_take(outq->pool);

    if (outq->last != NULL) {
        outq->last->next = part;
    } else {
        outq->first = part;
    }
    outq->last = part;
    return part;
}

/* Shows the next len bytes of the open chunk at the end of the queue. */
static char *
outq_extend(struct outq *outq, size_t len)
{
    struct outq_chunk *chunk = outq->open;
    char *place = chunk->bytes + chunk->used;

    if (outq->last == NULL || outq->last->chunk != chunk) {
        struct outq_part *part = outq_part_append(outq);

        part->chunk = chunk;
        part->data = place;
        chunk->refs++;
    }
    outq->last->len += len;
    outq->bytes += len;
    chunk->used += len;
    return place;
}

static size_t
outq_room(const struct outq *outq)
{
    return outq->open != NULL ? outq->open->size - outq->open->used : 0;
}

char *
outq_reserve(struct outq *outq, size_t len)
{
    if (outq->open == NULL || outq_room(outq) < len) {
        outq_close_chunk(outq);
        outq->open = pool_chunk_take(outq->pool, len);
    }
    return outq_extend(outq, len);
}

void
outq_append(struct outq *outq, struct span bytes)
{
    while (bytes.len > 0) {
        size_t room = outq_room(outq);
        size_t step;

        if (room == 0) {
            outq_close_chunk(outq);
            outq->open = pool_chunk_take(outq->pool, 1);
            room = outq_room(outq);
        }
        step = bytes.len < room ? bytes.len : room;
        memcpy(outq_extend(outq, step), bytes.data, step);
        bytes = span_after(bytes, step);
    }
}

void
outq_append_tail(struct outq *outq, struct span tail,
                 const struct transport_hold *hold)
{
    struct outq_part *part;

    if (hold == NULL || tail.len < OUTQ_HOLD_MIN) {
        outq_append(outq, tail);
        return;
    }
    part = outq_part_append(outq);
    part->data = tail.data;
    part->len = tail.len;
    part->hold = *hold;
    part->hold.take(part->hold.owner);
    outq->bytes += tail.len;
}

void
outq_consume(struct outq *outq, size_t count)
{
    assert(count <= outq->bytes);
    outq->bytes -= count;
    while (count > 0) {
        struct outq_part *part = outq->first;

        assert(part != NULL);
        if (count < part->len) {
            part->data += count;
            part->len -= count;
            return;
        }
        count -= part->len;
        outq->first = part->next;
        if (outq->first == NULL) {
            outq->last = NULL;
        }
        pool_part_give(outq->pool, part);
    }
    if (outq->bytes == 0) {
        outq_clear(outq); /* idle connections hold no chunk */
    }
}

size_t
outq_write(struct outq *outq, int fd, int *errno_out)
{
    size_t written = 0;

    *errno_out = 0;
    while (outq->bytes > 0) {
        struct iovec iov[OUTQ_IOVECS];
        struct msghdr msg = { .msg_iov = iov };
        size_t want = 0;
        ssize_t done;

        for (const struct outq_part *part = outq->first;
             part != NULL && msg.msg_iovlen < OUTQ_IOVECS; part = part->next) {
            union {
                const char *borrowed;
                void *base; /* sendmsg only reads it */
            } data = { .borrowed = part->data };

            iov[msg.msg_iovlen].iov_base = data.base;
            iov[msg.msg_iovlen].iov_len = part->len;
            msg.msg_iovlen++;
            want += part->len;
        }
        do {
            done = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
        } while (done < 0 && errno == EINTR);
        if (done < 0) {
            *errno_out = errno;
            return written;
        }
        outq_consume(outq, (size_t)done);
        written += (size_t)done;
        if ((size_t)done < want) { /* saves the call that says EAGAIN */
            *errno_out = EAGAIN;
            return written;
        }
    }
    return written;
}

size_t
outq_copy(const struct outq *outq, char *data, size_t size)
{
    size_t used = 0;

    for (const struct outq_part *part = outq->first;
         part != NULL && used < size; part = part->next) {
        size_t room = size - used;
        size_t step = part->len < room ? part->len : room;

        memcpy(data + used, part->data, step);
        used += step;
    }
    return used;
}
