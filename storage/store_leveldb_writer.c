/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage thread: one job at a time, which is one WriteBatch, then the
 * fetches that waited for it.
 *
 * The poison rule (netstore.md 8.4): after any write error the handle is not
 * to be trusted, later writes that it calls synced are lost.  So the batch is
 * kept, the database closed and opened again until that works, the batch
 * written once more, and only then the loop hears that all is well.  Writing
 * a batch twice changes nothing: its keys say what, not how much.
 */
#include "storage/store_leveldb.h"

#include "base/clock.h"
#include "storage/store_leveldb_mend.h"

#include <signal.h>

enum {
    WRITER_BACKOFF_MAX_US = 5000000,
    WRITER_SPACE_EVERY_US = 100000,
};

/* -------------------------------------------------------------- report -- */

static void
writer_wake(struct ldb_store *ldb)
{
    ldb->options.wake(ldb->options.ctx);
}

static void
writer_report_failure(struct ldb_store *ldb, const struct error *err)
{
    (void)pthread_mutex_lock(&ldb->lock);
    ldb->report.failed = true;
    ldb->report.err = *err;
    (void)pthread_mutex_unlock(&ldb->lock);
    writer_wake(ldb);
}

/* The watermark: nothing failed yet, but puts are to stop while there is still
 * room for what is on its way, for deletes and for a recovery. */
static void
writer_check_space(struct ldb_store *ldb)
{
    int64_t now_us = clock_monotonic_us();
    uint64_t min = ldb->options.free_bytes_min;
    uint64_t left;

    if (min == 0 ||
        now_us - ldb->disk.space_checked_us < WRITER_SPACE_EVERY_US) {
        return;
    }
    ldb->disk.space_checked_us = now_us;
    left = ldb_hooks.free_bytes(ldb->options.directory);
    (void)pthread_mutex_lock(&ldb->lock);
    ldb->report.space_known = true;
    ldb->report.space_low = left < min;
    if (left < min && !ldb->report.failed) {
        ldb->report.err = ERROR_INIT;
        (void)error_set(&ldb->report.err,
                        "disk full: %llu MiB left for data directory %s, "
                        "%llu MiB wanted: free some space, stompd goes on by "
                        "itself then",
                        (unsigned long long)(left >> 20),
                        ldb->options.directory,
                        (unsigned long long)(min >> 20));
    }
    (void)pthread_mutex_unlock(&ldb->lock);
}

/* --------------------------------------------------------------- batch -- */

static void
writer_put_entry(struct ldb_disk *disk, const struct store_queue *queue,
                 const struct store_journal *journal)
{
    struct store_key key = store_key_queue(queue->journal);

    buf_clear(&disk->scratch);
    store_journal_encode(journal, store_key_span(&key), &disk->scratch);
    leveldb_writebatch_put(disk->batch, key.bytes, key.len, disk->scratch.data,
                           disk->scratch.len);
}

static void
writer_remove(struct ldb_disk *disk, const struct store_queue *queue)
{
    struct store_journal journal = {
        .kind = queue->kind,
        .removed = true,
        .name = span_of(queue->name, queue->name_len),
    };

    writer_put_entry(disk, queue, &journal);
}

void
ldb_entry_write(struct ldb_disk *disk, const struct store_queue *queue,
                uint64_t head, uint64_t reserved, uint64_t counted_to)
{
    struct store_journal journal = {
        .kind = queue->kind,
        .head = head,
        .reserved = reserved,
        .counted_to = counted_to,
        .name = span_of(queue->name, queue->name_len),
    };

    writer_put_entry(disk, queue, &journal);
}

void
ldb_block_write(struct ldb_disk *disk, uint32_t journal,
                const struct store_head_block *block)
{
    struct store_key key = store_key_block(journal, block->number);

    if (block->kept.live == 0) {
        leveldb_writebatch_delete(disk->batch, key.bytes, key.len);
        return;
    }
    buf_clear(&disk->scratch);
    store_block_encode(block->kept, store_key_span(&key), &disk->scratch);
    leveldb_writebatch_put(disk->batch, key.bytes, key.len, disk->scratch.data,
                           disk->scratch.len);
}

static void
writer_put_record(struct ldb_disk *disk, const struct ldb_op *op)
{
    struct store_key key = store_key_record(op->queue->journal, op->record.seq);

    buf_clear(&disk->scratch);
    store_record_encode(&op->record, store_key_span(&key), &disk->scratch);
    leveldb_writebatch_put(disk->batch, key.bytes, key.len, disk->scratch.data,
                           disk->scratch.len);
}

static void
writer_define(struct ldb_disk *disk, const struct ldb_definition *definition)
{
    struct span name = span_of(definition->bytes, definition->name_len);
    struct span value =
        span_of(definition->bytes + name.len, definition->value_len);
    struct buf key = BUF_INIT;

    store_definition_key(name, &key);
    if (definition->ends) {
        leveldb_writebatch_delete(disk->batch, key.data, key.len);
    } else {
        buf_clear(&disk->scratch);
        store_definition_encode(value, buf_span(&key), &disk->scratch);
        leveldb_writebatch_put(disk->batch, key.data, key.len,
                               disk->scratch.data, disk->scratch.len);
    }
    buf_fini(&key);
}

static void
writer_add(struct ldb_disk *disk, const struct ldb_op *op)
{
    struct store_key key;

    switch (op->kind) {
    case LDB_OP_CANCELLED:
        break;
    case LDB_OP_PUT:
        writer_put_record(disk, op);
        break;
    case LDB_OP_DELETE:
        key = store_key_record(op->queue->journal, op->gone.seq);
        leveldb_writebatch_delete(disk->batch, key.bytes, key.len);
        break;
    case LDB_OP_ENTRY:
        ldb_entry_write(disk, op->queue, op->entry.head, op->entry.reserved,
                        op->entry.counted_to);
        break;
    case LDB_OP_BLOCK:
        ldb_block_write(disk, op->queue->journal, &op->block);
        break;
    case LDB_OP_REMOVE:
        writer_remove(disk, op->queue);
        break;
    case LDB_OP_DEFINE:
        writer_define(disk, op->definition);
        break;
    }
}

static void
writer_build(struct ldb_disk *disk, const struct ldb_batch *batch)
{
    enum { SCRATCH_KEPT = 1 << 20 };

    if (disk->scratch.capacity > SCRATCH_KEPT) {
        buf_fini(&disk->scratch);
    }
    ldb_disk_batch_begin(disk);
    for (size_t i = 0; i < batch->len; i++) {
        writer_add(disk, &batch->ops[i]);
    }
}

/* What follows from a batch once it is written. */
static void
writer_after(struct ldb_disk *disk, const struct ldb_batch *batch)
{
    for (size_t i = 0; i < batch->len; i++) {
        const struct ldb_op *op = &batch->ops[i];

        if (op->kind == LDB_OP_REMOVE) {
            ldb_purge_add(disk, op->queue->journal);
        } else if (op->kind == LDB_OP_ENTRY) {
            ldb_compact_note(disk, op->queue->journal, op->entry.head, false);
        } else if (op->kind == LDB_OP_DELETE) {
            ldb_compact_note(disk, op->queue->journal, op->gone.drained, true);
        }
    }
}

/* ------------------------------------------------------------- failure -- */

/* Waits, but not longer than until the store is to be closed.  Returns false
 * in that case. */
static bool
writer_back_off(struct ldb_store *ldb, int64_t wait_us)
{
    int64_t until_us = clock_monotonic_us() + wait_us;
    struct timespec until = {
        .tv_sec = (time_t)(until_us / 1000000),
        .tv_nsec = (long)(until_us % 1000000) * 1000,
    };
    bool stop;

    (void)pthread_mutex_lock(&ldb->lock);
    while (!ldb->stop &&
           pthread_cond_timedwait(&ldb->cond, &ldb->lock, &until) == 0) {
    }
    stop = ldb->stop;
    (void)pthread_mutex_unlock(&ldb->lock);
    return !stop;
}

/* Where a damaged block is why the write failed, that has to go first; when it
 * cannot, LevelDB will fail again soon, and does so seldom. */
static void __attribute__((cold)) writer_mend(struct ldb_store *ldb)
{
    struct error note = ERROR_INIT;
    struct error err = ERROR_INIT;

    if (!ldb->disk.damaged || ldb->disk.hopeless) {
        return;
    }
    if (ldb_mend(&ldb->disk, &note, &err) != 0) {
        ldb->disk.hopeless = true;
        (void)error_set(&note,
                        "journal %s has damaged blocks that cannot be taken "
                        "out while stompd runs (%s): stop it and run "
                        "\"stompctl store repair %s\"",
                        ldb->disk.path, err.text, ldb->disk.directory);
    }
    ldb->disk.damaged = false;
    (void)pthread_mutex_lock(&ldb->lock);
    ldb->report.note = note;
    (void)pthread_mutex_unlock(&ldb->lock);
}

/* Opens again and writes the kept batch, until that works.  False: the store
 * is being closed and the last attempt failed too. */
static bool __attribute__((cold)) writer_recover(struct ldb_store *ldb)
{
    int64_t wait_us = ldb->disk.hopeless ? (int64_t)WRITER_BACKOFF_MAX_US
                                         : ldb_hooks.backoff_us;
    bool again = true;

    while (again) {
        struct error err = ERROR_INIT;

        ldb_disk_close(&ldb->disk);
        again = writer_back_off(ldb, wait_us);
        writer_mend(ldb);
        if (ldb_disk_open(&ldb->disk, false, &err) == 0 &&
            ldb_mend_finish(&ldb->disk, &err) == 0 &&
            ldb_disk_write(&ldb->disk, ldb->disk.batch, true, &err) == 0) {
            return true;
        }
        wait_us = wait_us * 2 < WRITER_BACKOFF_MAX_US ? wait_us * 2
                                                      : WRITER_BACKOFF_MAX_US;
    }
    return false;
}

static void
writer_commit(struct ldb_store *ldb, struct ldb_job *job)
{
    struct error err = ERROR_INIT;

    writer_build(&ldb->disk, &job->batch);
    if (ldb_disk_write(&ldb->disk, ldb->disk.batch, job->sync, &err) == 0) {
        job->syncs = job->sync ? 1 : 0;
    } else {
        writer_report_failure(ldb, &err);
        if (!writer_recover(ldb)) {
            job->failed = true;
            return;
        }
        job->syncs = 1;
    }
    writer_after(&ldb->disk, &job->batch);
}

/* ---------------------------------------------------------------- loop -- */

static void
writer_run(struct ldb_store *ldb)
{
    struct ldb_job *job = &ldb->job;
    struct store_fetch *fetch;

    if (job->batch.live > 0 || job->sync) {
        writer_commit(ldb, job);
    }
    writer_check_space(ldb);
    if (job->failed) {
        return; /* closing: nobody waits for the fetches any more */
    }
    DL_FOREACH(job->fetches, fetch) {
        ldb_fetch_run(&ldb->disk, fetch);
    }
}

/* Waits for the loop, under the lock; while a compaction is under way not for
 * ever, as another may be due after it. */
static void
writer_wait_for_loop(struct ldb_store *ldb)
{
    struct timespec until;

    if (!ldb->disk.helper_started) {
        (void)pthread_cond_wait(&ldb->cond, &ldb->lock);
        return;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    (void)pthread_cond_timedwait(&ldb->cond, &ldb->lock, &until);
}

/* Waits for a job; meanwhile does what nobody waits for.  False: stop. */
static bool
writer_wait(struct ldb_store *ldb)
{
    bool handed;

    (void)pthread_mutex_lock(&ldb->lock);
    while (!ldb->handed && !ldb->stop) {
        bool more;

        (void)pthread_mutex_unlock(&ldb->lock);
        more = ldb_purge_step(&ldb->disk);
        if (!more) {
            ldb_compact_idle(&ldb->disk);
        }
        (void)pthread_mutex_lock(&ldb->lock);
        if (!more && !ldb->handed && !ldb->stop) {
            writer_wait_for_loop(ldb);
        }
    }
    handed = ldb->handed;
    ldb->handed = false;
    (void)pthread_mutex_unlock(&ldb->lock);
    return handed;
}

void *
ldb_writer_main(void *ctx)
{
    struct ldb_store *ldb = ctx;

    while (writer_wait(ldb)) {
        writer_run(ldb);
        (void)pthread_mutex_lock(&ldb->lock);
        ldb->report.done = true;
        (void)pthread_mutex_unlock(&ldb->lock);
        (void)pthread_cond_broadcast(&ldb->cond);
        writer_wake(ldb);
    }
    return NULL;
}

int
ldb_thread_start(pthread_t *thread_out, const char *name,
                 void *(*run)(void *ctx), void *ctx)
{
    sigset_t all;
    sigset_t before;
    int status;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    status = pthread_create(thread_out, NULL, run, ctx);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status == 0) {
        (void)pthread_setname_np(*thread_out, name);
    }
    return status;
}
