/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, recovering and closing.  Runs on the loop thread while there is no
 * storage thread, or waits for that one.
 *
 * Recovery reads every journal's entry, then what its blocks have
 * (store_leveldb_count.c); the records are not looked at.
 */
#include "storage/store_leveldb.h"

#include "base/alloc.h"
#include "storage/store_leveldb_mend.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------- recovery -- */

static int
open_entry(struct ldb_store *ldb, struct span key, struct span value,
           struct error *err)
{
    struct store_journal journal;
    enum store_decode decode;
    struct store_queue *queue;
    uint32_t number;

    if (!store_key_queue_parse(key, &number)) {
        return ldb_refuse(ldb, STORE_DECODE_CORRUPT, "key of a journal", err);
    }
    decode = store_journal_decode(key, value, &journal);
    if (decode != STORE_DECODE_OK) {
        return ldb_refuse(ldb, decode, "entry of a journal", err);
    }
    if (number >= ldb->next_journal) {
        ldb->next_journal = number + 1;
    }
    if (journal.removed) {
        ldb_purge_add(&ldb->disk, number);
        return 0;
    }
    queue = ldb_queue_new(ldb, number, journal.kind, journal.name);
    queue->stored = true;
    queue->reserved = journal.reserved;
    store_head_init(&queue->head, journal.head);
    queue->head.counted_to = ldb->recount ? 0 : journal.counted_to;
    return 0;
}

static int
open_entries(struct ldb_store *ldb, struct error *err)
{
    leveldb_iterator_t *iter =
        leveldb_create_iterator(ldb->disk.db, ldb->disk.read_checked);
    struct store_key key = store_key_queues_end();
    struct span end = store_key_span(&key);
    struct error text = ERROR_INIT;
    char *errptr = NULL;
    int status = 0;

    ldb_iter_seek(iter, store_key_queues_begin());
    while (status == 0 && leveldb_iter_valid(iter) &&
           ldb_iter_key(iter).data[0] < end.data[0]) {
        status = open_entry(ldb, ldb_iter_key(iter), ldb_iter_value(iter), err);
        leveldb_iter_next(iter);
    }
    leveldb_iter_get_error(iter, &errptr);
    leveldb_iter_destroy(iter);
    if (ldb_text_take(errptr, &text) && status == 0) {
        status = ldb_refuse(ldb, STORE_DECODE_CORRUPT, text.text, err);
    }
    return status;
}

void
ldb_recover(struct store *store, store_queue_found_fn *found, void *ctx)
{
    struct ldb_store *ldb = container_of(store, struct ldb_store, base);
    struct store_queue *last =
        ldb->queue_list != NULL ? ldb->queue_list->prev : NULL;
    struct store_queue *queue = ldb->queue_list;

    /* The visitor may open further queues. */
    while (queue != NULL) {
        struct store_queue *next = queue == last ? NULL : queue->next;
        struct store_queue_info info = {
            .kind = queue->kind,
            .name = span_of(queue->name, queue->name_len),
            .first_seq = store_head_seq(&queue->head),
            .next_seq = queue->head.next_seq,
            .count = queue->head.live,
            .bytes = queue->head.bytes,
        };

        found(ctx, queue, &info);
        queue = next;
    }
}

/* ---------------------------------------------------------- life cycle -- */

static void
open_free(struct ldb_store *ldb)
{
    while (ldb->queue_list != NULL) {
        ldb_queue_free(ldb, ldb->queue_list);
    }
    ldb_disk_fini(&ldb->disk);
    free(ldb->fill.ops);
    free(ldb->spare.ops);
    (void)pthread_cond_destroy(&ldb->cond);
    (void)pthread_mutex_destroy(&ldb->lock);
    free(ldb);
}

static struct ldb_store *
open_new(const struct store_options *options)
{
    struct ldb_store *ldb = xcalloc(1, sizeof(*ldb));
    pthread_condattr_t attr;

    ldb->base.engine = &store_leveldb;
    ldb->options = *options;
    ldb->next_journal = 1;
    ldb->fill_id = LDB_FILL_FIRST;
    ldb->filling = 1;
    ldb->unsynced_since_us = INT64_MAX;
    (void)pthread_mutex_init(&ldb->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&ldb->cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    ldb_disk_init(&ldb->disk, options->directory);
    ldb->options.directory = ldb->disk.directory;
    return ldb;
}

static int
open_all(struct ldb_store *ldb, struct error *err)
{
    int status;

    if (ldb_directory_open(ldb->disk.directory, err) != 0 ||
        ldb_disk_open(&ldb->disk, ldb_journal_is_new(&ldb->disk), err) != 0 ||
        ldb_mend_finish(&ldb->disk, err) != 0 ||
        ldb_format_open(ldb, err) != 0 || open_entries(ldb, err) != 0 ||
        ldb_count_journals(ldb, err) != 0 ||
        ldb_definitions_check(ldb, err) != 0) {
        return -1;
    }
    ldb->recount = false;
    if (ldb->disk.note.text[0] != '\0' && ldb->options.note != NULL) {
        ldb->options.note(ldb->options.ctx, &ldb->disk.note);
    }
    status = ldb_thread_start(&ldb->thread, "storage", ldb_writer_main, ldb);
    if (status != 0) {
        return error_set(err, "cannot start the storage thread: %s",
                         strerror(status));
    }
    return 0;
}

/* LevelDB compacts as soon as it is open: a damaged block that it meets then
 * makes it refuse what the open writes. */
static int __attribute__((cold))
open_mended(struct ldb_store **ldb, const struct store_options *options,
            struct error *why)
{
    struct error note = ERROR_INIT;
    struct error failed = ERROR_INIT;

    if (ldb_mend(&(*ldb)->disk, &note, &failed) != 0) {
        *why = ERROR_INIT;
        return ldb_refuse(*ldb, STORE_DECODE_CORRUPT, failed.text, why);
    }
    open_free(*ldb);
    *ldb = open_new(options);
    (*ldb)->recount = true;
    if (options->note != NULL) {
        options->note(options->ctx, &note);
    }
    *why = ERROR_INIT;
    return open_all(*ldb, why);
}

int
ldb_open(const struct store_options *options, struct store **store_out,
         struct error *err)
{
    struct ldb_store *ldb = open_new(options);
    struct error why = ERROR_INIT;
    int status = open_all(ldb, &why);

    if (status != 0 && ldb->disk.damaged) {
        status = open_mended(&ldb, options, &why);
    }
    if (status != 0) {
        open_free(ldb);
        return error_set(err, "%s", why.text);
    }
    *store_out = &ldb->base;
    return 0;
}

/* Waits for the storage thread and takes its job back without a word to the
 * callbacks but release.  Returns whether the job was done. */
static bool
close_wait(struct ldb_store *ldb)
{
    bool ok;

    if (!ldb->busy) {
        return true;
    }
    (void)pthread_mutex_lock(&ldb->lock);
    while (!ldb->report.done) {
        (void)pthread_cond_wait(&ldb->cond, &ldb->lock);
    }
    ldb->report.done = false;
    (void)pthread_mutex_unlock(&ldb->lock);
    ok = !ldb->job.failed;
    ldb_batch_retire(ldb, ldb->job.batch);
    ldb->job.batch = (struct ldb_batch){ .ops = NULL };
    while (ldb->job.fetches != NULL) {
        struct store_fetch *fetch = ldb->job.fetches;

        DL_DELETE(ldb->job.fetches, fetch);
        ldb_fetch_free(&fetch);
    }
    ldb->busy = false;
    return ok;
}

/* The journals as they are left: exact numbers, so that nothing is skipped at
 * the next start and no tombstone is looked at. */
static void
close_persist(struct ldb_store *ldb)
{
    struct store_queue *queue;

    DL_FOREACH(ldb->queue_list, queue) {
        if (queue->reserved != 0) {
            queue->reserved = queue->head.next_seq;
            ldb_queue_persist(ldb, queue);
        }
    }
    ldb_counts_collect(ldb, true);
}

static void
close_stop(struct ldb_store *ldb)
{
    (void)pthread_mutex_lock(&ldb->lock);
    ldb->stop = true;
    (void)pthread_cond_broadcast(&ldb->cond);
    (void)pthread_mutex_unlock(&ldb->lock);
}

void
ldb_close(struct store **store)
{
    struct ldb_store *ldb = container_of(*store, struct ldb_store, base);
    struct store_fetch *fetch;
    bool ok;

    assert(!ldb->polling);
    /* From here on a failing disk is tried once more, not for ever. */
    close_stop(ldb);
    ok = close_wait(ldb);
    while (ldb->fetches != NULL) {
        fetch = ldb->fetches;
        DL_DELETE(ldb->fetches, fetch);
        ldb_fetch_free(&fetch);
    }
    (void)pthread_join(ldb->thread, NULL);
    if (ok) {
        close_persist(ldb);
        ldb_hand_over(ldb, true);
        (void)ldb_writer_main(ldb); /* stops after this job */
        ok = close_wait(ldb);
    }
    ldb_batch_release(ldb, &ldb->fill);
    if (ok) {
        (void)ldb_format_write(ldb, true, NULL);
    }
    open_free(ldb);
    *store = NULL;
}
