/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LevelDB engine, loop side: the end of a turn, where the batch goes to
 * the storage thread, and what that brings back.
 */
#include "storage/store_leveldb.h"

#include "base/clock.h"

#include <assert.h>

/* While space is low, look again so often. */
enum { TURN_SPACE_AGAIN_US = 500000 };

/* -------------------------------------------------------------- flush -- */

static void
turn_fill_reset(struct ldb_store *ldb)
{
    ldb->filling++;
    ldb->fill_ticketed = false;
    ldb->fill_sync = false;
    ldb->fill_sync_before = false;
}

void
ldb_hand_over(struct ldb_store *ldb, bool sync)
{
    struct ldb_batch emptied = ldb->spare;
    bool ticketed = ldb->fill_ticketed || ldb->fill.live > 0;
    struct store_fetch *fetch;

    assert(!ldb->busy && emptied.len == 0);
    ldb->spare = (struct ldb_batch){ .ops = NULL };
    DL_FOREACH(ldb->fetches, fetch) {
        fetch->under_way = true;
    }
    if (ldb->fill.live > 0) {
        ldb_counts_collect(ldb, false);
    }
    ldb->job.batch = ldb->fill;
    ldb->job.fetches = ldb->fetches;
    ldb->job.sync = sync || (ldb->fill_sync &&
                             (ldb->fill.live > 0 || ldb->fill_sync_before));
    ldb->busy_sync = sync || ldb->fill_sync;
    ldb->fill = emptied;
    ldb->fill_id++;
    ldb->marks_len = 0;
    ldb->fetches = NULL;
    ldb->busy = true;
    ldb->busy_failed = false;
    ldb->busy_bytes = ldb->job.batch.bytes;
    ldb->busy_ticket = ticketed ? ldb->filling : 0;
    if (ticketed) {
        turn_fill_reset(ldb);
    }
    (void)pthread_mutex_lock(&ldb->lock);
    ldb->handed = true;
    (void)pthread_mutex_unlock(&ldb->lock);
    (void)pthread_cond_broadcast(&ldb->cond);
}

/* Ends the pending ticket here: there is nothing to write, or no way to. */
static void
turn_end_locally(struct ldb_store *ldb, enum store_result result)
{
    ldb->local_ticket = ldb->filling;
    ldb->local_result = result;
    turn_fill_reset(ldb);
    ldb->options.wake(ldb->options.ctx);
}

/* When the storage thread is wanted next; at most now when it is due. */
static int64_t
turn_due_us(const struct ldb_store *ldb, int64_t since_us, int64_t now_us)
{
    int64_t due = INT64_MAX;

    if (ldb->fill_sync || ldb->fetches != NULL ||
        ldb->fill.bytes >= ldb->options.flush_bytes) {
        return now_us;
    }
    /* What was acknowledged soon after it came leaves a batch that is never
     * empty, but never old: it can wait for the rest to be cancelled, too. */
    if (ldb->fill.live > 0) {
        due = since_us + ldb->options.flush_delay_us;
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

static void
turn_hand_over(struct ldb_store *ldb, int64_t now_us, bool sync)
{
    ldb->busy_since_us = now_us;
    ldb->space_due_us = now_us + TURN_SPACE_AGAIN_US;
    ldb_hand_over(ldb, sync);
}

int64_t
ldb_flush(struct store *store, int64_t now_us)
{
    struct ldb_store *ldb = ldb_of(store);
    int64_t since_us;
    bool sync_due;
    int64_t due;

    if (ldb->polling) {
        return now_us; /* asked by a completion: the turn is not over */
    }
    ldb->fill.whole = true;
    since_us = ldb_fill_since(ldb, now_us);
    if (ldb->busy) {
        if (ldb->failed && !ldb->failed_space && ldb->fill_ticketed &&
            ldb->local_ticket == 0) {
            turn_end_locally(ldb, STORE_FAILED);
        }
        return INT64_MAX; /* its completion wakes the loop */
    }
    if (ldb->fill.live == 0 && ldb->fill_ticketed && !ldb->fill_sync_before &&
        ldb->local_ticket == 0) {
        turn_end_locally(ldb, ldb->fill_sync ? STORE_ON_DISK : STORE_WRITTEN);
    }
    due = turn_due_us(ldb, since_us, now_us);
    if (due > now_us) {
        return due;
    }
    sync_due = ldb->unsynced_since_us != INT64_MAX &&
               now_us - ldb->unsynced_since_us >= ldb->options.sync_interval_us;
    turn_hand_over(ldb, now_us, sync_due);
    return INT64_MAX;
}

/* --------------------------------------------------------------- poll -- */

static void
turn_on_failure(struct ldb_store *ldb, const struct error *err)
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
turn_on_healthy(struct ldb_store *ldb)
{
    ldb->failed = false;
    ldb->failed_space = false;
    ldb->options.health(ldb->options.ctx, NULL);
}

static void
turn_on_space(struct ldb_store *ldb, const struct ldb_report *report)
{
    if (report->space_low && !ldb->failed) {
        ldb->failure = report->err;
        ldb->failed = true;
        ldb->failed_space = true;
        ldb->stats.failures++;
        ldb->options.health(ldb->options.ctx, &ldb->failure);
    } else if (!report->space_low && ldb->failed_space) {
        turn_on_healthy(ldb);
    }
}

/* Counts what was written. */
static void
turn_on_written(struct ldb_store *ldb, const struct ldb_job *job)
{
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
    ldb->stats.pending_bytes -= ldb->busy_bytes;
    ldb->busy_bytes = 0;
}

static void __attribute__((cold))
turn_on_damage(struct ldb_store *ldb, const struct store_fetch *fetch)
{
    struct store_damage damage = {
        .kind = fetch->queue->kind,
        .name = span_of(fetch->queue->name, fetch->queue->name_len),
        .first_seq = fetch->damage_first,
        .last_seq = fetch->damage_last,
        .count = fetch->page.skipped,
    };

    if (ldb->options.damage != NULL) {
        ldb->options.damage(ldb->options.ctx, &damage);
    }
}

static void
turn_on_fetched(struct ldb_store *ldb, struct store_fetch *fetch)
{
    ldb->stats.fetches++;
    ldb->stats.damaged += fetch->page.skipped;
    if (!fetch->cancelled) {
        for (size_t i = 0; i < fetch->removed_count; i++) {
            ldb_queue_forget(ldb, fetch->queue, fetch->removed[i]);
        }
        if (fetch->page.skipped > 0) {
            turn_on_damage(ldb, fetch);
        }
        fetch->fetched(fetch->ctx, &fetch->page);
    }
    ldb_fetch_free(&fetch);
}

/* Whether somebody waits for the fill, and no turn is cut by handing it over
 * amid one: what a turn puts and defines is of one batch (store.h). */
static bool
turn_can_go_on(const struct ldb_store *ldb)
{
    return ldb->fill.whole &&
           ((ldb->fill_sync && ldb->fill.live > 0) || ldb->fetches != NULL);
}

/* The storage thread has given the job back.  It gets the next one, if somebody
 * waits for that, before those are told who waited for this. */
static void
turn_on_done(struct ldb_store *ldb)
{
    struct ldb_job done = ldb->job;
    store_ticket ticket = ldb->busy_ticket;
    bool sync = ldb->busy_sync || done.syncs > 0;
    bool failed = ldb->busy_failed;

    turn_on_written(ldb, &done);
    ldb->job = (struct ldb_job){ .sync = false };
    ldb->busy_ticket = 0;
    ldb->busy = false;
    if (failed) {
        turn_on_healthy(ldb);
    } else if (turn_can_go_on(ldb)) {
        turn_hand_over(ldb, clock_monotonic_us(), false);
    }
    if (!failed && ticket != 0) {
        ldb->options.committed(ldb->options.ctx, ticket,
                               sync ? STORE_ON_DISK : STORE_WRITTEN, NULL);
    }
    while (done.fetches != NULL) {
        struct store_fetch *fetch = done.fetches;

        DL_DELETE(done.fetches, fetch);
        turn_on_fetched(ldb, fetch);
    }
    ldb_batch_retire(ldb, done.batch);
}

static void __attribute__((cold))
turn_on_mended(struct ldb_store *ldb, const struct error *note)
{
    ldb->recount = true;
    if (ldb->options.note != NULL) {
        ldb->options.note(ldb->options.ctx, note);
    }
}

static void
turn_on_local(struct ldb_store *ldb)
{
    store_ticket ticket = ldb->local_ticket;

    ldb->local_ticket = 0;
    ldb->options.committed(ldb->options.ctx, ticket, ldb->local_result,
                           ldb->local_result == STORE_FAILED ? &ldb->failure
                                                             : NULL);
}

void
ldb_poll(struct store *store)
{
    struct ldb_store *ldb = ldb_of(store);
    struct ldb_report report = { .done = false };

    /* A callback may ask for a flush; the job must not change below us. */
    ldb->polling = true;
    if (ldb->local_ticket != 0) {
        turn_on_local(ldb);
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
        turn_on_failure(ldb, &report.err);
    }
    if (report.done) {
        turn_on_done(ldb);
    }
    if (report.note.text[0] != '\0') {
        turn_on_mended(ldb, &report.note);
    }
    if (report.space_known) {
        turn_on_space(ldb, &report);
    }
    ldb->polling = false;
}
