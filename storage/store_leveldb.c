/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LevelDB engine, loop side: operations go into a vector; a put that is
 * deleted before the vector is handed over was never there.  The hot path is
 * put and del: no allocation, no lock, no copy of a record.
 */
#include "storage/store_leveldb.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A vector that a burst made larger than this is given back afterwards. */
enum { LDB_OPS_KEPT = 1 << 16 };
/* While space is low, look again so often. */
enum { LDB_SPACE_AGAIN_US = 500000 };

static struct ldb_store *
ldb_of(struct store *store)
{
    assert(store->engine == &store_leveldb);
    return container_of(store, struct ldb_store, base);
}

static const struct ldb_store *
ldb_of_const(const struct store *store)
{
    assert(store->engine == &store_leveldb);
    return (const struct ldb_store *)(const void *)store;
}

/* -------------------------------------------------------------- batch -- */

static void __attribute__((cold, noinline))
ldb_batch_grow(struct ldb_batch *batch)
{
    batch->capacity = batch->capacity > 0 ? batch->capacity * 2 : 256;
    batch->ops =
        xrealloc(batch->ops, batch->capacity * sizeof(*batch->ops));
}

static inline struct ldb_op *
ldb_batch_append(struct ldb_batch *batch)
{
    if (batch->len == batch->capacity) {
        ldb_batch_grow(batch);
    }
    batch->live++;
    return &batch->ops[batch->len++];
}

/* Takes op out of the pending batch. */
static void
ldb_op_cancel(struct ldb_store *ldb, struct ldb_op *op)
{
    size_t size;

    if (op->kind == LDB_OP_PUT) {
        size = ldb_record_size(&op->record);
        ldb->fill.bytes -= size;
        ldb->stats.pending_bytes -= size;
        ldb->stats.cancelled++;
    }
    op->kind = LDB_OP_CANCELLED;
    if (--ldb->fill.live == 0) {
        /* No slot that could still come points here. */
        ldb->fill.len = 0;
    }
}

void
ldb_batch_release(struct ldb_store *ldb, struct ldb_batch *batch)
{
    for (size_t i = 0; i < batch->len; i++) {
        struct ldb_op *op = &batch->ops[i];

        if (op->kind == LDB_OP_PUT) {
            ldb->options.release(op->owner);
        } else if (op->kind == LDB_OP_REMOVE) {
            store_head_fini(&op->queue->head);
            free(op->queue);
        }
    }
    if (batch->capacity > LDB_OPS_KEPT) {
        free(batch->ops);
        *batch = (struct ldb_batch){ .ops = NULL };
    }
    batch->len = 0;
    batch->live = 0;
    batch->bytes = 0;
}

/* ------------------------------------------------------------- queues -- */

struct store_queue *
ldb_queue_new(struct ldb_store *ldb, uint32_t journal,
              enum destination_kind kind, struct span name)
{
    struct store_queue *queue = xcalloc(1, sizeof(*queue) + name.len);

    queue->journal = journal;
    queue->kind = kind;
    queue->name_len = name.len;
    if (name.len > 0) {
        memcpy(queue->name, name.data, name.len);
    }
    store_head_init(&queue->head, 1);
    HASH_ADD_KEYPTR(hh, ldb->queues[kind], queue->name, queue->name_len, queue);
    assert(queue->hh.tbl != NULL);
    DL_APPEND(ldb->queue_list, queue);
    return queue;
}

static void
ldb_queue_unlist(struct ldb_store *ldb, struct store_queue *queue)
{
    HASH_DELETE(hh, ldb->queues[queue->kind], queue);
    DL_DELETE(ldb->queue_list, queue);
}

void
ldb_queue_free(struct ldb_store *ldb, struct store_queue *queue)
{
    ldb_queue_unlist(ldb, queue);
    store_head_fini(&queue->head);
    free(queue);
}

static struct store_queue *
ldb_queue_open(struct store *store, enum destination_kind kind,
               struct span name)
{
    struct ldb_store *ldb = ldb_of(store);
    struct store_queue *queue;

    HASH_FIND(hh, ldb->queues[kind], name.data, name.len, queue);
    /* Its entry goes to disk with its first record. */
    return queue != NULL ? queue
                         : ldb_queue_new(ldb, ldb->next_journal++, kind, name);
}

void __attribute__((cold, noinline))
ldb_queue_persist(struct ldb_store *ldb, struct store_queue *queue)
{
    struct ldb_op *op;

    if (queue->entry.batch == ldb->fill_id) {
        op = &ldb->fill.ops[queue->entry.index];
    } else {
        queue->entry.batch = ldb->fill_id;
        queue->entry.index = (uint32_t)ldb->fill.len;
        op = ldb_batch_append(&ldb->fill);
    }
    *op = (struct ldb_op){
        .kind = LDB_OP_ENTRY,
        .queue = queue,
        .entry.head = store_head_seq(&queue->head),
        .entry.reserved = queue->reserved,
    };
    queue->tombstones = 0;
}

/* Numbers up to half a block ahead are already on disk when they are used, so
 * that even a cancelled put leaves a trace of its number. */
static void __attribute__((cold, noinline))
ldb_queue_reserve(struct ldb_store *ldb, struct store_queue *queue,
                  uint64_t seq)
{
    queue->reserved = seq + LDB_RESERVE;
    ldb_queue_persist(ldb, queue);
}

static void
ldb_queue_remove(struct store *store, struct store_queue **queue_in)
{
    struct ldb_store *ldb = ldb_of(store);
    struct store_queue *queue = *queue_in;

    *queue_in = NULL;
    for (size_t i = 0; i < ldb->fill.len; i++) {
        struct ldb_op *op = &ldb->fill.ops[i];
        enum ldb_op_kind kind = op->kind;

        if (kind != LDB_OP_CANCELLED && op->queue == queue) {
            ldb_op_cancel(ldb, op);
            if (kind == LDB_OP_PUT) {
                ldb->options.release(op->owner);
            }
        }
    }
    if (!queue->stored) {
        ldb_queue_free(ldb, queue);
        return;
    }
    ldb_queue_unlist(ldb, queue);
    *ldb_batch_append(&ldb->fill) =
        (struct ldb_op){ .kind = LDB_OP_REMOVE, .queue = queue };
}

/* --------------------------------------------------------- operations -- */

static struct store_slot
ldb_put(struct store *store, struct store_queue *queue,
        const struct store_record *record, void *owner)
{
    struct ldb_store *ldb = ldb_of(store);
    size_t size = ldb_record_size(record);
    struct ldb_op *op;

    if (record->seq + LDB_RESERVE / 2 >= queue->reserved) {
        ldb_queue_reserve(ldb, queue, record->seq);
    }
    op = ldb_batch_append(&ldb->fill);
    op->kind = LDB_OP_PUT;
    op->queue = queue;
    op->owner = owner;
    op->record = *record;
    store_head_add(&queue->head, record->seq);
    ldb->fill.bytes += size;
    ldb->stats.pending_bytes += size;
    ldb->stats.puts++;
    return (struct store_slot){ .batch = ldb->fill_id,
                                .index = (uint32_t)(ldb->fill.len - 1) };
}

static void
ldb_delete(struct store *store, struct store_queue *queue, uint64_t seq,
           struct store_slot slot)
{
    struct ldb_store *ldb = ldb_of(store);
    struct ldb_op *op;

    ldb->stats.deletes++;
    (void)store_head_remove(&queue->head, seq);
    if (slot.batch == ldb->fill_id) {
        op = &ldb->fill.ops[slot.index];
        assert(op->kind == LDB_OP_PUT && op->record.seq == seq);
        ldb_op_cancel(ldb, op);
        ldb->options.release(op->owner);
        return;
    }
    op = ldb_batch_append(&ldb->fill);
    op->kind = LDB_OP_DELETE;
    op->queue = queue;
    op->record.seq = seq;
    if (++queue->tombstones >= LDB_HEAD_ADVANCE) {
        ldb_queue_persist(ldb, queue);
    }
}

static store_ticket
ldb_ticket(struct store *store, bool sync)
{
    struct ldb_store *ldb = ldb_of(store);
    bool unsynced = ldb->unsynced_since_us != INT64_MAX ||
                    (ldb->busy && !ldb->job.sync && ldb->job.batch.live > 0);

    if (ldb->fill.live > 0 || ldb->fill_ticketed) {
        ldb->fill_sync = ldb->fill_sync || sync;
    } else if (sync && unsynced) {
        /* Nothing to write, but something to wait for: earlier batches that
         * are written and not yet synced. */
        ldb->fill_sync = true;
        ldb->fill_sync_before = true;
    } else {
        return ldb->local_ticket > ldb->busy_ticket ? ldb->local_ticket
                                                    : ldb->busy_ticket;
    }
    ldb->fill_ticketed = true;
    return ldb->filling;
}

/* -------------------------------------------------------------- flush -- */

static void
ldb_fill_reset(struct ldb_store *ldb)
{
    ldb->filling++;
    ldb->fill_ticketed = false;
    ldb->fill_sync = false;
    ldb->fill_sync_before = false;
}

void
ldb_hand_over(struct ldb_store *ldb, bool sync)
{
    struct ldb_batch emptied = ldb->job.batch;
    bool ticketed = ldb->fill_ticketed || ldb->fill.live > 0;
    struct store_fetch *fetch;

    assert(!ldb->busy && emptied.len == 0);
    for (size_t i = 0; i < ldb->fill.len; i++) {
        if (ldb->fill.ops[i].kind == LDB_OP_ENTRY) {
            ldb->fill.ops[i].queue->stored = true;
        }
    }
    DL_FOREACH (ldb->fetches, fetch) {
        fetch->under_way = true;
    }
    ldb->job.batch = ldb->fill;
    ldb->job.fetches = ldb->fetches;
    ldb->job.sync = sync || (ldb->fill_sync && (ldb->fill.live > 0 ||
                                                ldb->fill_sync_before));
    ldb->busy_sync = sync || ldb->fill_sync;
    ldb->fill = emptied;
    ldb->fill_id++;
    ldb->fill_since_us = INT64_MAX;
    ldb->fetches = NULL;
    ldb->busy = true;
    ldb->busy_failed = false;
    ldb->busy_bytes = ldb->job.batch.bytes;
    ldb->busy_ticket = ticketed ? ldb->filling : 0;
    if (ticketed) {
        ldb_fill_reset(ldb);
    }
    (void)pthread_mutex_lock(&ldb->lock);
    ldb->handed = true;
    (void)pthread_cond_broadcast(&ldb->cond);
    (void)pthread_mutex_unlock(&ldb->lock);
}

/* Ends the pending ticket here: there is nothing to write, or no way to. */
static void
ldb_end_locally(struct ldb_store *ldb, enum store_result result)
{
    ldb->local_ticket = ldb->filling;
    ldb->local_result = result;
    ldb_fill_reset(ldb);
    ldb->options.wake(ldb->options.ctx);
}

/* When the storage thread is wanted next; at most now when it is due. */
static int64_t
ldb_due_us(const struct ldb_store *ldb, int64_t now_us)
{
    int64_t due = INT64_MAX;

    if (ldb->fill_sync || ldb->fetches != NULL ||
        ldb->fill.bytes >= ldb->options.flush_bytes) {
        return now_us;
    }
    if (ldb->fill.live > 0) {
        due = ldb->fill_since_us + ldb->options.flush_delay_us;
    }
    if (ldb->unsynced_since_us != INT64_MAX &&
        ldb->unsynced_since_us + ldb->options.sync_interval_us < due) {
        due = ldb->unsynced_since_us + ldb->options.sync_interval_us;
    }
    if (ldb->failed_space && ldb->space_due_us < due) {
        due = ldb->space_due_us;
    }
    return due;
}

static int64_t
ldb_flush(struct store *store, int64_t now_us)
{
    struct ldb_store *ldb = ldb_of(store);
    bool sync_due;
    int64_t due;

    if (ldb->polling) {
        return now_us; /* asked by a completion: the turn is not over */
    }
    if (ldb->fill.live > 0 && ldb->fill_since_us == INT64_MAX) {
        ldb->fill_since_us = now_us;
    } else if (ldb->fill.live == 0) {
        ldb->fill_since_us = INT64_MAX;
    }
    if (ldb->busy) {
        if (ldb->failed && !ldb->failed_space && ldb->fill_ticketed &&
            ldb->local_ticket == 0) {
            ldb_end_locally(ldb, STORE_FAILED);
        }
        return INT64_MAX; /* its completion wakes the loop */
    }
    if (ldb->fill.live == 0 && ldb->fill_ticketed && !ldb->fill_sync_before &&
        ldb->local_ticket == 0) {
        ldb_end_locally(ldb, ldb->fill_sync ? STORE_ON_DISK : STORE_WRITTEN);
    }
    due = ldb_due_us(ldb, now_us);
    if (due > now_us) {
        return due;
    }
    sync_due = ldb->unsynced_since_us != INT64_MAX &&
               now_us - ldb->unsynced_since_us >= ldb->options.sync_interval_us;
    ldb->busy_since_us = now_us;
    ldb->space_due_us = now_us + LDB_SPACE_AGAIN_US;
    ldb_hand_over(ldb, sync_due);
    return INT64_MAX;
}

/* --------------------------------------------------------------- poll -- */

static void
ldb_on_failure(struct ldb_store *ldb, const struct error *err)
{
    store_ticket ticket = ldb->busy_ticket;

    ldb->failure = *err;
    ldb->failed = true;
    ldb->failed_space = false;
    ldb->busy_failed = true;
    ldb->busy_ticket = 0;
    ldb->stats.failures++;
    ldb->options.health(ldb->options.ctx, &ldb->failure);
    if (ticket != 0) {
        ldb->options.committed(ldb->options.ctx, ticket, STORE_FAILED,
                               &ldb->failure);
    }
}

static void
ldb_on_healthy(struct ldb_store *ldb)
{
    ldb->failed = false;
    ldb->failed_space = false;
    ldb->options.health(ldb->options.ctx, NULL);
}

static void
ldb_on_space(struct ldb_store *ldb, const struct ldb_report *report)
{
    if (report->space_low && !ldb->failed) {
        ldb->failure = report->err;
        ldb->failed = true;
        ldb->failed_space = true;
        ldb->stats.failures++;
        ldb->options.health(ldb->options.ctx, &ldb->failure);
    } else if (!report->space_low && ldb->failed_space) {
        ldb_on_healthy(ldb);
    }
}

static void
ldb_on_written(struct ldb_store *ldb)
{
    struct ldb_job *job = &ldb->job;

    if (job->batch.live > 0) {
        ldb->stats.batches++;
        ldb->stats.bytes_written += job->batch.bytes;
    }
    ldb->stats.syncs += job->syncs;
    if (job->syncs > 0) {
        ldb->unsynced_since_us = INT64_MAX;
    } else if (job->batch.live > 0 && ldb->unsynced_since_us == INT64_MAX) {
        ldb->unsynced_since_us = ldb->busy_since_us;
    }
    job->syncs = 0;
    ldb->stats.pending_bytes -= ldb->busy_bytes;
    ldb->busy_bytes = 0;
    ldb_batch_release(ldb, &job->batch);
}

static void
ldb_on_fetched(struct ldb_store *ldb, struct store_fetch *fetch)
{
    ldb->stats.fetches++;
    if (!fetch->cancelled) {
        fetch->fetched(fetch->ctx, &fetch->page);
    }
    ldb_fetch_free(&fetch);
}

/* The storage thread has given the job back. */
static void
ldb_on_done(struct ldb_store *ldb)
{
    store_ticket ticket = ldb->busy_ticket;
    bool sync = ldb->busy_sync || ldb->job.syncs > 0;

    ldb_on_written(ldb);
    ldb->busy_ticket = 0;
    if (ldb->busy_failed) {
        ldb_on_healthy(ldb);
    } else if (ticket != 0) {
        ldb->options.committed(ldb->options.ctx, ticket,
                               sync ? STORE_ON_DISK : STORE_WRITTEN, NULL);
    }
    while (ldb->job.fetches != NULL) {
        struct store_fetch *fetch = ldb->job.fetches;

        DL_DELETE(ldb->job.fetches, fetch);
        ldb_on_fetched(ldb, fetch);
    }
    ldb->busy = false;
}

static void
ldb_on_local(struct ldb_store *ldb)
{
    store_ticket ticket = ldb->local_ticket;

    ldb->local_ticket = 0;
    ldb->options.committed(
        ldb->options.ctx, ticket, ldb->local_result,
        ldb->local_result == STORE_FAILED ? &ldb->failure : NULL);
}

static void
ldb_poll(struct store *store)
{
    struct ldb_store *ldb = ldb_of(store);
    struct ldb_report report = { .done = false };

    /* A callback may ask for a flush; the job must not change below us. */
    ldb->polling = true;
    if (ldb->local_ticket != 0) {
        ldb_on_local(ldb);
    }
    if (ldb->busy) {
        (void)pthread_mutex_lock(&ldb->lock);
        if (ldb->report.done || ldb->report.failed) {
            report = ldb->report;
            ldb->report = (struct ldb_report){ .done = false };
        }
        (void)pthread_mutex_unlock(&ldb->lock);
    }
    if (report.failed) {
        ldb_on_failure(ldb, &report.err);
    }
    if (report.done) {
        ldb_on_done(ldb);
    }
    if (report.space_known) {
        ldb_on_space(ldb, &report);
    }
    ldb->polling = false;
}

/* -------------------------------------------------------------- fetch -- */

static struct store_fetch *
ldb_fetch(struct store *store, struct store_queue *queue, uint64_t from_seq,
          size_t max_count, size_t max_bytes, store_fetched_fn *fetched,
          void *ctx)
{
    struct ldb_store *ldb = ldb_of(store);
    struct store_fetch *fetch = xcalloc(1, sizeof(*fetch));
    uint64_t head = store_head_seq(&queue->head);

    fetch->journal = queue->journal;
    /* Below the head there are tombstones only (D1). */
    fetch->from_seq = from_seq > head ? from_seq : head;
    fetch->limit_seq = queue->head.next_seq;
    fetch->max_count = max_count > 0 ? max_count : 1;
    fetch->max_bytes = max_bytes;
    fetch->fetched = fetched;
    fetch->ctx = ctx;
    DL_APPEND(ldb->fetches, fetch);
    return fetch;
}

void
ldb_fetch_free(struct store_fetch **fetch)
{
    free((*fetch)->records);
    buf_fini(&(*fetch)->bytes);
    free(*fetch);
    *fetch = NULL;
}

static void
ldb_fetch_cancel(struct store *store, struct store_fetch *fetch)
{
    struct ldb_store *ldb = ldb_of(store);

    if (fetch->under_way) {
        fetch->cancelled = true;
        return;
    }
    DL_DELETE(ldb->fetches, fetch);
    ldb_fetch_free(&fetch);
}

/* ---------------------------------------------------------------- rest -- */

static bool
ldb_is_congested(const struct store *store)
{
    const struct ldb_store *ldb = ldb_of_const(store);

    return ldb->stats.pending_bytes >= ldb->options.congested_bytes;
}

static const struct error *
ldb_failure(const struct store *store)
{
    const struct ldb_store *ldb = ldb_of_const(store);

    return ldb->failed ? &ldb->failure : NULL;
}

static void
ldb_stats(const struct store *store, struct store_stats *stats_out)
{
    *stats_out = ldb_of_const(store)->stats;
}

const struct store_engine store_leveldb = {
    .name = "leveldb",
    .doc = "an embedded LevelDB database in the data directory",
    .capabilities = STORE_CAN_SURVIVE | STORE_CAN_PAGE,
    .open = ldb_open,
    .close = ldb_close,
    .recover = ldb_recover,
    .queue_open = ldb_queue_open,
    .queue_remove = ldb_queue_remove,
    .put = ldb_put,
    .del = ldb_delete,
    .ticket = ldb_ticket,
    .flush = ldb_flush,
    .poll = ldb_poll,
    .fetch = ldb_fetch,
    .fetch_cancel = ldb_fetch_cancel,
    .is_congested = ldb_is_congested,
    .failure = ldb_failure,
    .stats = ldb_stats,
};
