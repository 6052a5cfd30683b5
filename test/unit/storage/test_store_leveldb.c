/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the LevelDB engine does: it survives, it refuses directories that
 * are not for it, and a failing disk loses nothing.
 */
#include "base/alloc.h"
#include "storage/crc32c.h"
#include "storage/store_leveldb.h"
#include "test/testutil.h"
#include "test/unit/storage/store_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fixture fixture;

static void
put_many(struct store_queue *queue, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq <= to; seq++) {
        (void)fixture_put(&fixture, queue, seq);
    }
}

/* ------------------------------------------------------------- surviving -- */

START_TEST(reopened_store_has_what_was_put_and_not_deleted)
{
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "A");
    put_many(queue, 1, 100);
    (void)fixture_sync(&fixture);
    for (uint64_t seq = 1; seq <= 40; seq++) {
        store_delete(fixture.store, queue, seq, STORE_SLOT_STORED);
    }
    (void)fixture_put(
        &fixture, store_queue_open(fixture.store, DESTINATION_TOPIC, SPAN("B")),
        7);
    fixture_reopen(&fixture);
    ck_assert_uint_eq(fixture.found_count, 2);
    ck_assert_str_eq(fixture.found[0].name_text, "A");
    ck_assert_int_eq(fixture.found[0].info.kind, DESTINATION_QUEUE);
    ck_assert_uint_eq(fixture.found[0].info.count, 60);
    ck_assert_uint_le(fixture.found[0].info.first_seq, 41);
    ck_assert_uint_eq(fixture.found[0].info.next_seq, 101);
    ck_assert_int_eq(fixture.found[1].info.kind, DESTINATION_TOPIC);
    ck_assert_uint_le(fixture.found[1].info.first_seq, 7);
    ck_assert_uint_eq(fixture.found[1].info.bytes, 7 * 37 + strlen("n:7\n"));
    fixture_fetch(&fixture, fixture.found[0].queue, 1, 1000, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 60);
    ck_assert(fixture.fetched.intact);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(journals_are_found_in_the_order_of_creation)
{
    static const char *const names[] = { "Z", "M", "A" };

    fixture_init(&fixture, &store_leveldb);
    for (int i = 0; i < 3; i++) {
        (void)fixture_put(&fixture, fixture_queue(&fixture, names[i]), 1);
    }
    fixture_reopen(&fixture);
    ck_assert_uint_eq(fixture.found_count, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(fixture.found[i].name_text, names[i]);
    }
    fixture_fini(&fixture);
}
END_TEST

START_TEST(drained_journal_keeps_its_numbers)
{
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    for (uint64_t seq = 1; seq <= 10; seq++) {
        store_delete(fixture.store, queue, seq,
                     fixture_put(&fixture, queue, seq));
    }
    fixture_reopen(&fixture);
    ck_assert_uint_eq(fixture.found_count, 1);
    ck_assert_uint_eq(fixture.found[0].info.count, 0);
    ck_assert_uint_eq(fixture.found[0].info.next_seq, 11);
    ck_assert_uint_eq(fixture.found[0].info.first_seq, 11);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(records_that_were_only_spilled_are_dropped_at_the_start)
{
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    for (uint64_t seq = 1; seq <= 3000; seq++) {
        (void)(seq % 3 == 0 ? fixture_put(&fixture, queue, seq)
                            : fixture_put_spilled(&fixture, queue, seq));
    }
    fixture_fetch(&fixture, queue, 1, 4000, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 3000);
    for (int i = 0; i < 2; i++) {
        fixture_reopen(&fixture);
        ck_assert_uint_eq(fixture.found[0].info.count, 1000);
        ck_assert_uint_le(fixture.found[0].info.first_seq, 3);
        fixture_fetch(&fixture, fixture.found[0].queue, 1, 4000, SIZE_MAX);
        ck_assert_uint_eq(fixture.fetched.count, 1000);
    }
    fixture_fini(&fixture);
}
END_TEST

START_TEST(removed_journal_stays_removed)
{
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    put_many(queue, 1, 2500);
    (void)fixture_sync(&fixture);
    store_queue_remove(fixture.store, &queue);
    fixture_reopen(&fixture);
    ck_assert_uint_eq(fixture.found_count, 0);
    queue = fixture_queue(&fixture, "Q");
    fixture_fetch(&fixture, queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 0);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(batch_of_cancelled_operations_does_not_touch_the_disk)
{
    struct store_queue *queue;
    struct store_stats before;
    struct store_stats after;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1); /* reserves numbers */
    (void)fixture_sync(&fixture);
    store_stats_get(fixture.store, &before);
    store_delete(fixture.store, queue, 2, fixture_put(&fixture, queue, 2));
    ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
    store_delete(fixture.store, queue, 3, fixture_put(&fixture, queue, 3));
    store_delete(fixture.store, queue, 4, fixture_put(&fixture, queue, 4));
    ck_assert_int_eq(store_flush(fixture.store, fixture.now_us), INT64_MAX);
    store_stats_get(fixture.store, &after);
    ck_assert_uint_eq(after.batches, before.batches);
    ck_assert_uint_eq(after.syncs, before.syncs);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(batch_is_held_for_cancelling_no_longer_than_asked)
{
    struct store_queue *queue;
    int64_t delay;

    fixture_init(&fixture, &store_leveldb);
    delay = fixture.options.flush_delay_us;
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    ck_assert_int_eq(store_flush(fixture.store, 1000), 1000 + delay);
    ck_assert_int_eq(store_flush(fixture.store, 1001), 1000 + delay);
    ck_assert_int_eq(store_flush(fixture.store, 1000 + delay), INT64_MAX);
    fixture.now_us = 1000 + delay;
    while (fixture.committed_calls == 0) {
        fixture_turn(&fixture);
    }
    ck_assert_int_eq(fixture.result, STORE_WRITTEN);
    fixture_fini(&fixture);
}
END_TEST

/* Each turn brings ten and takes those of the turn before: the batch is never
 * empty and never old.  What stays for long has it written after all. */
START_TEST(batch_that_is_cancelled_in_time_is_never_written)
{
    enum { TURNS = 2000, EACH = 10 };
    static struct store_slot slots[TURNS * EACH + 2];
    const struct ldb_store *ldb;
    struct store_queue *queue;
    struct store_stats stats;
    uint64_t next = 1;
    int64_t delay;

    fixture_init(&fixture, &store_leveldb);
    ldb = (const struct ldb_store *)(const void *)fixture.store;
    delay = fixture.options.flush_delay_us;
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, next++);
    (void)fixture_sync(&fixture); /* its entry is there now */
    for (int64_t turn = 0; turn < TURNS; turn++) {
        for (uint64_t seq = next - EACH; turn > 0 && seq < next; seq++) {
            store_delete(fixture.store, queue, seq, slots[seq]);
        }
        for (int i = 0; i < EACH; i++, next++) {
            slots[next] = fixture_put(&fixture, queue, next);
        }
        ck_assert_int_gt(store_flush(fixture.store, turn * delay / 2),
                         turn * delay / 2);
    }
    store_stats_get(fixture.store, &stats);
    ck_assert_uint_eq(stats.batches, 1);
    ck_assert_uint_eq(ldb->fill.live, EACH);
    ck_assert_uint_le(ldb->fill.capacity, 4096);
    fixture.now_us = TURNS * delay;
    fixture_turn(&fixture);
    while (fixture.committed < store_ticket_take(fixture.store, false)) {
        fixture_turn(&fixture);
    }
    fixture_fetch(&fixture, queue, 2, 100, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, EACH);
    ck_assert_uint_eq(fixture.fetched.seqs[0], next - EACH);
    fixture_fini(&fixture);
}
END_TEST

/* More turns than are remembered: the oldest counts all the same. */
START_TEST(oldest_operation_of_many_turns_has_the_batch_written)
{
    struct store_queue *queue;
    int64_t delay;

    fixture_init(&fixture, &store_leveldb);
    delay = fixture.options.flush_delay_us;
    queue = fixture_queue(&fixture, "Q");
    for (int64_t turn = 0; turn < delay; turn += delay / 100) {
        (void)fixture_put(&fixture, queue, (uint64_t)turn + 1);
        ck_assert_int_eq(store_flush(fixture.store, turn), delay);
    }
    ck_assert_int_eq(store_flush(fixture.store, delay), INT64_MAX);
    fixture_fini(&fixture);
}
END_TEST

/* Q, of which the storage thread has a first batch with a record that somebody
 * waits for; a second such record has come since. */
static struct store_queue *
two_awaited(store_ticket *first_out, store_ticket *second_out)
{
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    *first_out = store_ticket_take(fixture.store, true);
    (void)store_flush(fixture.store, ++fixture.now_us);
    (void)fixture_put(&fixture, queue, 2);
    *second_out = store_ticket_take(fixture.store, true);
    return queue;
}

/* What one turn puts is of one batch, though the one before ends amid it. */
START_TEST(turn_is_not_cut_by_the_end_of_a_batch)
{
    struct store_stats stats;
    store_ticket first;
    store_ticket second;
    struct store_queue *queue = two_awaited(&first, &second);

    fixture_poll(&fixture);
    ck_assert_uint_eq(fixture.committed, first);
    (void)fixture_put(&fixture, queue, 3);
    ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
    store_stats_get(fixture.store, &stats);
    ck_assert_uint_eq(stats.batches, 2);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(turn_that_is_over_goes_to_the_disk_with_the_end_of_a_batch)
{
    store_ticket first;
    store_ticket second;

    (void)two_awaited(&first, &second);
    (void)store_flush(fixture.store, ++fixture.now_us);
    fixture_poll(&fixture);
    ck_assert_uint_eq(fixture.committed, first);
    fixture_poll(&fixture); /* without another flush */
    ck_assert_uint_eq(fixture.committed, second);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(written_batch_is_synced_within_the_interval)
{
    struct store_queue *queue;
    struct store_stats stats;
    int64_t due;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    (void)fixture_wait(&fixture, store_ticket_take(fixture.store, false));
    store_stats_get(fixture.store, &stats);
    ck_assert_uint_eq(stats.syncs, 0);
    due = store_flush(fixture.store, fixture.now_us);
    ck_assert_int_gt(due, fixture.now_us);
    ck_assert_int_le(due, fixture.now_us + fixture.options.sync_interval_us);
    fixture.now_us = due - 1;
    fixture_turn(&fixture);
    store_stats_get(fixture.store, &stats);
    ck_assert_uint_eq(stats.syncs, 1);
    ck_assert_int_eq(store_flush(fixture.store, fixture.now_us), INT64_MAX);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(sync_ticket_without_operations_waits_for_what_is_not_synced)
{
    struct store_queue *queue;
    store_ticket ticket;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    (void)fixture_wait(&fixture, store_ticket_take(fixture.store, false));
    ck_assert_uint_eq(store_ticket_take(fixture.store, false), 0);
    ticket = store_ticket_take(fixture.store, true);
    ck_assert_uint_gt(ticket, 0);
    ck_assert_int_eq(fixture_wait(&fixture, ticket), STORE_ON_DISK);
    ck_assert_uint_eq(store_ticket_take(fixture.store, true), 0);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(store_is_congested_while_too_much_is_pending)
{
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    fixture.options.congested_bytes = 2000;
    fixture_reopen(&fixture);
    queue = fixture_queue(&fixture, "Q");
    ck_assert(!store_is_congested(fixture.store));
    put_many(queue, 1, 100);
    ck_assert(store_is_congested(fixture.store));
    (void)fixture_sync(&fixture);
    ck_assert(!store_is_congested(fixture.store));
    fixture_fini(&fixture);
}
END_TEST

/* ------------------------------------------------------- after a crash -- */

/* Runs work in a child that then dies without closing anything. */
static void
crash_after(void (*work)(void))
{
    pid_t child = fork();
    int status;

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        fixture_open(&fixture, &store_leveldb);
        work();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A fixture without a store: LevelDB's threads would not survive the fork, so
 * the child is the first to open one. */
static void
fixture_init_closed(void)
{
    fixture_init(&fixture, &store_memory);
    store_close(&fixture.store);
}

static void
work_cancelled(void)
{
    struct store_queue *queue = fixture_queue(&fixture, "Q");

    (void)fixture_put(&fixture, queue, 1);
    (void)fixture_sync(&fixture);
    for (uint64_t seq = 2; seq <= 300000; seq++) {
        store_delete(fixture.store, queue, seq,
                     fixture_put(&fixture, queue, seq));
    }
}

START_TEST(number_of_a_cancelled_put_is_not_used_again_after_a_crash)
{
    fixture_init_closed();
    crash_after(work_cancelled);
    fixture_open(&fixture, &store_leveldb);
    ck_assert_uint_eq(fixture.found_count, 1);
    ck_assert_uint_eq(fixture.found[0].info.count, 1);
    ck_assert_uint_gt(fixture.found[0].info.next_seq, 300000);
    fixture_fini(&fixture);
}
END_TEST

static void
work_two_batches(void)
{
    struct store_queue *queue = fixture_queue(&fixture, "Q");

    put_many(queue, 1, 10);
    (void)fixture_sync(&fixture);
    put_many(queue, 11, 20);
    (void)fixture_sync(&fixture);
}

/* The path of the newest log below the journal; the caller frees it. */
static char *
log_path(void)
{
    char *journal = xasprintf("%s/journal", fixture.directory);
    DIR *dir = opendir(journal);
    char *path = NULL;
    const struct dirent *entry;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');

        if (dot != NULL && strcmp(dot, ".log") == 0) {
            free(path);
            path = xasprintf("%s/%s", journal, entry->d_name);
        }
    }
    (void)closedir(dir);
    free(journal);
    ck_assert_ptr_nonnull(path);
    return path;
}

START_TEST(torn_end_of_the_log_takes_its_own_batch_only)
{
    char *path;
    struct stat st;

    fixture_init_closed();
    crash_after(work_two_batches);
    path = log_path();
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size - 5), 0);
    free(path);
    fixture_open(&fixture, &store_leveldb);
    ck_assert_uint_eq(fixture.found[0].info.count, 10);
    fixture_fetch(&fixture, fixture.found[0].queue, 1, 100, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 10);
    ck_assert(fixture.fetched.intact);
    fixture_fini(&fixture);
}
END_TEST

/* ------------------------------------------------------------ refusing -- */

static struct error refusal;

/* Opens directory and wants to be refused; the text is then in refusal. */
static void
refuse_open(const char *directory)
{
    struct store_options options = fixture.options;
    struct store *store = NULL;

    options.directory = directory;
    refusal = ERROR_INIT;
    ck_assert_int_eq(store_open(&store_leveldb, &options, &store, &refusal),
                     -1);
    ck_assert_ptr_null(store);
    ck_assert_msg(strstr(refusal.text, directory) != NULL, "%s", refusal.text);
}

static void
refuse_says(const char *words)
{
    ck_assert_msg(strstr(refusal.text, words) != NULL, "%s", refusal.text);
}

static void
write_file(const char *directory, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", directory, name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    free(path);
}

/* Writes one pair into the database of the closed fixture, as if by another
 * program. */
static void
write_pair(struct span key, struct span value)
{
    char *path = xasprintf("%s/journal", fixture.directory);
    leveldb_options_t *options = leveldb_options_create();
    leveldb_writeoptions_t *write = leveldb_writeoptions_create();
    char *errptr = NULL;
    leveldb_t *db;

    leveldb_options_set_create_if_missing(options, 1);
    db = leveldb_open(options, path, &errptr);
    ck_assert_ptr_null(errptr);
    leveldb_put(db, write, key.data, key.len, value.data, value.len, &errptr);
    ck_assert_ptr_null(errptr);
    leveldb_close(db);
    leveldb_writeoptions_destroy(write);
    leveldb_options_destroy(options);
    free(path);
}

START_TEST(directory_in_use_is_refused)
{
    fixture_init(&fixture, &store_leveldb);
    refuse_open(fixture.directory);
    refuse_says("in use");
    fixture_fini(&fixture);
}
END_TEST

START_TEST(directory_of_another_program_is_refused_and_left_alone)
{
    char *journal;

    fixture_init_closed();
    write_file(fixture.directory, "thesis.tex", "dear reader");
    refuse_open(fixture.directory);
    refuse_says("thesis.tex");
    journal = xasprintf("%s/journal", fixture.directory);
    ck_assert_int_ne(access(journal, F_OK), 0);
    free(journal);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(database_of_another_program_is_refused)
{
    fixture_init_closed();
    write_pair(SPAN("block"), SPAN("chain"));
    refuse_open(fixture.directory);
    refuse_says("another program");
    fixture_fini(&fixture);
}
END_TEST

START_TEST(directory_that_cannot_be_made_is_refused)
{
    char *below;

    fixture_init_closed();
    write_file(fixture.directory, "file", "");
    below = xasprintf("%s/file/data", fixture.directory);
    refuse_open(below);
    refuse_says("cannot make");
    free(below);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(missing_directories_are_made_for_the_owner_only)
{
    char *below;
    char *top = testutil_tmpdir();
    struct stat st;

    fixture_init_closed();
    below = xasprintf("%s/a/b/c", top);
    fixture.options.directory = below;
    fixture_open(&fixture, &store_leveldb);
    ck_assert_int_eq(stat(below, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777u, 0700);
    fixture_fini(&fixture);
    testutil_rmtree(top);
    free(below);
    free(top);
}
END_TEST

/* Puts the value in buf, with its version raised and sealed, under key. */
static void
write_newer(struct store_key key, struct buf *value)
{
    struct span name = store_key_span(&key);
    uint32_t crc;

    value->data[0]++;
    crc = crc32c(0, name.data, name.len);
    crc = crc32c(crc, value->data, 4);
    crc = crc32c(crc, value->data + 8, value->len - 8);
    for (int i = 0; i < 4; i++) {
        value->data[4 + i] = (char)(uint8_t)(crc >> (24 - 8 * i));
    }
    write_pair(name, buf_span(value));
    buf_fini(value);
}

START_TEST(directory_of_a_newer_version_is_refused)
{
    struct store_format format = { .epoch = 1 };
    struct store_key key = store_key_format();
    struct buf value = BUF_INIT;

    fixture_init(&fixture, &store_leveldb);
    store_close(&fixture.store);
    store_format_encode(&format, store_key_span(&key), &value);
    write_newer(key, &value);
    refuse_open(fixture.directory);
    refuse_says("newer");
    fixture_fini(&fixture);
}
END_TEST

/* A program that raises a record's version raises the format's too, so that
 * this one is refused above; should that fail, nothing is lost all the same. */
START_TEST(record_of_a_newer_version_is_neither_served_nor_set_aside)
{
    struct store_record record = { .seq = 2, .persistent = true };
    struct store_key key = store_key_record(1, 2);
    struct buf value = BUF_INIT;

    fixture_init(&fixture, &store_leveldb);
    (void)fixture_put(&fixture, fixture_queue(&fixture, "Q"), 1);
    store_close(&fixture.store);
    store_record_encode(&record, store_key_span(&key), &value);
    write_newer(key, &value);
    fixture_open(&fixture, &store_leveldb);
    for (int i = 0; i < 2; i++) {
        fixture_fetch(&fixture, fixture.found[0].queue, 1, 10, SIZE_MAX);
        ck_assert_uint_eq(fixture.fetched.count, 1);
        ck_assert_uint_eq(fixture.fetched.skipped, 0);
        ck_assert(fixture.fetched.failed);
    }
    fixture_fini(&fixture);
}
END_TEST

START_TEST(damaged_database_is_refused)
{
    char *current;

    fixture_init(&fixture, &store_leveldb);
    store_close(&fixture.store);
    current = xasprintf("%s/journal", fixture.directory);
    write_file(current, "CURRENT", "MANIFEST-999999\n");
    free(current);
    refuse_open(fixture.directory);
    fixture_fini(&fixture);
}
END_TEST

static leveldb_t *
open_without_space(const leveldb_options_t *options, const char *name,
                   char **errptr)
{
    (void)options;
    (void)name;
    *errptr = xstrdup("IO error: x/000003.log: No space left on device");
    return NULL;
}

START_TEST(full_disk_at_the_open_is_refused)
{
    fixture_init_closed();
    ldb_hooks.open = open_without_space;
    refuse_open(fixture.directory);
    refuse_says("full");
    ldb_hooks.open = leveldb_open;
    fixture_fini(&fixture);
}
END_TEST

/* -------------------------------------------------------------- damage -- */

START_TEST(damaged_record_is_skipped_and_set_aside)
{
    struct store_key key = store_key_record(1, 2);
    struct store_queue *queue;
    struct stat st;
    char *quarantine;

    fixture_init(&fixture, &store_leveldb);
    quarantine = xasprintf("%s/quarantine", fixture.directory);
    put_many(fixture_queue(&fixture, "Q"), 1, 3);
    store_close(&fixture.store);
    write_pair(store_key_span(&key), SPAN("not what was written there"));
    fixture_open(&fixture, &store_leveldb);
    ck_assert_uint_eq(fixture.found[0].info.count, 3);
    queue = fixture.found[0].queue;
    fixture_fetch(&fixture, queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 2);
    ck_assert_uint_eq(fixture.fetched.seqs[0], 1);
    ck_assert_uint_eq(fixture.fetched.seqs[1], 3);
    ck_assert_uint_eq(fixture.fetched.skipped, 1);
    ck_assert(!fixture.fetched.failed);
    ck_assert(fixture.fetched.intact);
    ck_assert_int_eq(stat(quarantine, &st), 0);
    ck_assert_int_gt(st.st_size, 26);
    /* It is there now, and no longer in the journal. */
    fixture_fetch(&fixture, queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.skipped, 0);
    fixture_reopen(&fixture);
    ck_assert_uint_eq(fixture.found[0].info.count, 2);
    free(quarantine);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(damaged_record_gives_its_bytes_back)
{
    struct store_key key = store_key_record(1, 2);
    char junk[STORE_RECORD_HEADER_SIZE + 1024];
    size_t two;
    size_t rest;

    memset(junk, 'x', sizeof(junk));
    fixture_init(&fixture, &store_leveldb);
    put_many(fixture_queue(&fixture, "Q"), 1, 1);
    fixture_reopen(&fixture);
    rest = (size_t)fixture.found[0].info.bytes;
    put_many(fixture.found[0].queue, 2, 2);
    fixture_reopen(&fixture);
    two = (size_t)fixture.found[0].info.bytes;
    fixture_fini(&fixture);
    ck_assert_uint_gt(two, rest);
    ck_assert_uint_lt(two - rest, 1024);

    fixture_init(&fixture, &store_leveldb);
    put_many(fixture_queue(&fixture, "Q"), 1, 2);
    fixture_reopen(&fixture);
    store_close(&fixture.store);
    write_pair(store_key_span(&key),
               span_of(junk, STORE_RECORD_HEADER_SIZE + two - rest));
    fixture_open(&fixture, &store_leveldb);
    ck_assert_uint_eq(fixture.found[0].info.bytes, two);
    fixture_fetch(&fixture, fixture.found[0].queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.skipped, 1);
    ck_assert_uint_eq(fixture.fetched.removed_bytes, two - rest);
    fixture_reopen(&fixture);
    ck_assert_uint_eq(fixture.found[0].info.bytes, rest);
    fixture_fini(&fixture);
}
END_TEST

/* Flips one bit of every table file, part 32nds into it: behind the first
 * block, which has the journals' entries (damage there is refused). */
static void
damage_tables(int part)
{
    char *journal = xasprintf("%s/journal", fixture.directory);
    DIR *dir = opendir(journal);
    const struct dirent *entry;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, ".ldb") != NULL) {
            char *path = xasprintf("%s/%s", journal, entry->d_name);
            FILE *file = fopen(path, "r+");
            long size;
            int byte;

            ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
            size = ftell(file);
            ck_assert_int_eq(fseek(file, size * part / 32, SEEK_SET), 0);
            byte = fgetc(file);
            ck_assert_int_eq(fseek(file, size * part / 32, SEEK_SET), 0);
            ck_assert_int_ge(fputc(byte ^ 0x10, file), 0);
            ck_assert_int_eq(fclose(file), 0);
            free(path);
        }
    }
    (void)closedir(dir);
    free(journal);
}

START_TEST(flipped_bit_in_a_table_never_comes_out_as_a_record)
{
    enum { COUNT = 2000 };
    struct store_queue *queue;
    uint64_t next = 1;
    size_t count = 0;
    size_t skipped = 0;

    fixture_init(&fixture, &store_leveldb);
    put_many(fixture_queue(&fixture, "Q"), 1, COUNT);
    /* Opening writes the log into a table. */
    fixture_reopen(&fixture);
    store_close(&fixture.store);
    damage_tables(_i);
    fixture_open(&fixture, &store_leveldb);
    queue = fixture.found[0].queue;
    do {
        fixture_fetch(&fixture, queue, next, 100, SIZE_MAX);
        ck_assert(fixture.fetched.intact);
        ck_assert(!fixture.fetched.failed);
        ck_assert(fixture.fetched.next_seq > next || fixture.fetched.at_end);
        next = fixture.fetched.next_seq;
        count += fixture.fetched.count;
        skipped += fixture.fetched.skipped;
    } while (!fixture.fetched.at_end);
    /* Never a silent loss, never more counted than lost. */
    ck_assert_uint_le(count + skipped, COUNT);
    ck_assert_int_eq(skipped > 0, count < COUNT);
    /* One block of 16 KiB is all that a flipped bit may cost. */
    ck_assert_uint_gt(count, COUNT - 300);
    fixture_fini(&fixture);
}
END_TEST

static pid_t reader_pid;

/* As LevelDB does of a block that is damaged enough. */
static void
abort_elsewhere(leveldb_iterator_t *iter, const char *key, size_t key_len)
{
    if (getpid() != reader_pid) {
        abort();
    }
    leveldb_iter_seek(iter, key, key_len);
}

static void
hang_elsewhere(leveldb_iterator_t *iter, const char *key, size_t key_len)
{
    while (getpid() != reader_pid) {
        (void)pause();
    }
    leveldb_iter_seek(iter, key, key_len);
}

static struct store_queue *
open_damaged(size_t count)
{
    fixture_init(&fixture, &store_leveldb);
    put_many(fixture_queue(&fixture, "Q"), 1, count);
    fixture_reopen(&fixture);
    store_close(&fixture.store);
    damage_tables(16);
    fixture_open(&fixture, &store_leveldb);
    reader_pid = getpid();
    return fixture.found[0].queue;
}

START_TEST(block_that_ends_its_reader_is_given_up)
{
    enum { COUNT = 2000 };
    struct store_queue *queue = open_damaged(COUNT);
    uint64_t next = 1;
    size_t count = 0;
    size_t skipped = 0;

    ldb_hooks.seek = abort_elsewhere;
    do {
        fixture_fetch(&fixture, queue, next, 100, SIZE_MAX);
        ck_assert(fixture.fetched.intact);
        ck_assert(!fixture.fetched.failed);
        next = fixture.fetched.next_seq;
        count += fixture.fetched.count;
        skipped += fixture.fetched.skipped;
    } while (!fixture.fetched.at_end);
    ck_assert_uint_gt(skipped, 0);
    ck_assert_uint_le(count + skipped, COUNT);
    ck_assert_uint_lt(count, COUNT - 10); /* not one record: the block */
    ck_assert_uint_gt(count, COUNT - 300);
    ldb_hooks.seek = leveldb_iter_seek;
    fixture_fini(&fixture);
}
END_TEST

START_TEST(block_whose_reader_hangs_is_tried_again)
{
    enum { COUNT = 2000 };
    struct store_queue *queue = open_damaged(COUNT);

    ldb_hooks.seek = hang_elsewhere;
    ldb_hooks.child_us = 50000;
    fixture_fetch(&fixture, queue, 1, COUNT, SIZE_MAX);
    ck_assert(fixture.fetched.failed);
    ck_assert_uint_eq(fixture.fetched.count, 0);
    ck_assert_uint_eq(fixture.fetched.next_seq, 1);
    ldb_hooks.seek = leveldb_iter_seek;
    ldb_hooks.child_us = 10000000;
    fixture_fetch(&fixture, queue, 1, COUNT, SIZE_MAX);
    ck_assert(!fixture.fetched.failed);
    ck_assert_uint_gt(fixture.fetched.count, COUNT - 300);
    fixture_fini(&fixture);
}
END_TEST

static struct error noted;

static void
on_note(void *ctx, const struct error *note)
{
    (void)ctx;
    noted = *note;
}

/* All of Q, in pages. */
static size_t
count_all(struct store_queue *queue)
{
    uint64_t next = 1;
    size_t count = 0;

    do {
        fixture_fetch(&fixture, queue, next, 500, SIZE_MAX);
        ck_assert(fixture.fetched.intact);
        ck_assert(!fixture.fetched.failed);
        ck_assert_uint_eq(fixture.fetched.skipped, 0);
        next = fixture.fetched.next_seq;
        count += fixture.fetched.count;
    } while (!fixture.fetched.at_end);
    return count;
}

/* Four tables are what LevelDB compacts unasked, and three of them have a
 * damaged block: it gives up, and refuses every write until the next opening,
 * after which it gives up again. */
START_TEST(damaged_block_does_not_end_all_writing)
{
    enum { TABLES = 4, COUNT = 1000 };
    struct store_stats stats;
    size_t found;

    noted = ERROR_INIT;
    fixture_init(&fixture, &store_leveldb);
    fixture.options.note = on_note;
    for (uint64_t i = 0; i + 1 < TABLES; i++) {
        put_many(fixture_queue(&fixture, "Q"), i * COUNT + 1, (i + 1) * COUNT);
        ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
        fixture_reopen(&fixture); /* writes the log into a table */
    }
    store_close(&fixture.store);
    damage_tables(_i);
    fixture_open(&fixture, &store_leveldb);
    for (uint64_t seq = 1; noted.text[0] == '\0'; seq++) {
        if (store_failure(fixture.store) != NULL) {
            fixture_turn(&fixture); /* until it works again */
            continue;
        }
        ck_assert_uint_lt(seq, 100000);
        (void)fixture_put(&fixture, fixture_queue(&fixture, "other"), seq);
        (void)fixture_sync(&fixture);
    }
    ck_assert_ptr_nonnull(strstr(noted.text, "3 tables of "));
    ck_assert_ptr_null(store_failure(fixture.store));
    store_stats_get(fixture.store, &stats);
    ck_assert_uint_le(stats.failures, 1); /* none: the open met it */
    /* All the damage is gone, and at most a block of each table. */
    found = count_all(fixture_queue(&fixture, "Q"));
    ck_assert_uint_gt(found, 3 * (COUNT - 300));
    leveldb_compact_range(
        ((const struct ldb_store *)(const void *)fixture.store)->disk.db, NULL,
        0, NULL, 0);
    for (uint64_t seq = 200000; seq < 200020; seq++) {
        (void)fixture_put(&fixture, fixture_queue(&fixture, "other"), seq);
        ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
    }
    fixture_reopen(&fixture);
    ck_assert_uint_eq(fixture.found[0].info.count, found);
    ck_assert_uint_eq(count_all(fixture_queue(&fixture, "Q")), found);
    fixture_fini(&fixture);
}
END_TEST

/* Moves a pair from the database at DIRECTORY/journal to one of that name. */
static void
move_pair(struct span key, const char *name)
{
    char *paths[] = { xasprintf("%s/journal", fixture.directory),
                      xasprintf("%s/%s", fixture.directory, name) };
    leveldb_options_t *options = leveldb_options_create();
    leveldb_writeoptions_t *write = leveldb_writeoptions_create();
    leveldb_readoptions_t *read = leveldb_readoptions_create();
    char *errptr = NULL;
    size_t len = 0;
    leveldb_t *from;
    leveldb_t *to;
    char *value;

    leveldb_options_set_create_if_missing(options, 1);
    from = leveldb_open(options, paths[0], &errptr);
    to = leveldb_open(options, paths[1], &errptr);
    value = leveldb_get(from, read, key.data, key.len, &len, &errptr);
    ck_assert_ptr_nonnull(value);
    leveldb_delete(from, write, key.data, key.len, &errptr);
    leveldb_put(to, write, key.data, key.len, value, len, &errptr);
    ck_assert_ptr_null(errptr);
    leveldb_free(value);
    leveldb_close(from);
    leveldb_close(to);
    leveldb_readoptions_destroy(read);
    leveldb_writeoptions_destroy(write);
    leveldb_options_destroy(options);
    free(paths[0]);
    free(paths[1]);
}

START_TEST(what_was_rescued_before_a_crash_is_brought_back)
{
    struct store_key key = store_key_record(1, 2);
    char *rescued;

    fixture_init(&fixture, &store_leveldb);
    rescued = xasprintf("%s/rescued", fixture.directory);
    put_many(fixture_queue(&fixture, "Q"), 1, 3);
    store_close(&fixture.store);
    move_pair(store_key_span(&key), "rescued");
    fixture_open(&fixture, &store_leveldb);
    ck_assert_uint_eq(count_all(fixture.found[0].queue), 3);
    ck_assert_int_ne(access(rescued, F_OK), 0);
    free(rescued);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(drained_space_is_compacted_while_the_store_works)
{
    enum { COUNT = 3000 };
    const struct ldb_store *ldb;
    struct store_queue *queue;
    uint64_t next = COUNT + 1;

    ldb_hooks.compact_bytes_min = 1000;
    fixture_init(&fixture, &store_leveldb);
    put_many(fixture_queue(&fixture, "Q"), 1, COUNT);
    fixture_reopen(&fixture); /* writes the log into a table */
    queue = fixture.found[0].queue;
    ldb = (const struct ldb_store *)(const void *)fixture.store;
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        store_delete(fixture.store, queue, seq, STORE_SLOT_STORED);
    }
    do {
        (void)fixture_put(&fixture, queue, next++);
        ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
    } while (__atomic_load_n(&ldb->disk.compactions, __ATOMIC_RELAXED) == 0);
    fixture_fetch(&fixture, queue, 1, COUNT, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, next - COUNT - 1);
    ck_assert(fixture.fetched.intact);
    fixture_fini(&fixture);
}
END_TEST

static uint64_t
journal_bytes(const struct ldb_store *ldb, uint32_t journal)
{
    struct store_key from = store_key_record(journal, 0);
    struct store_key to = store_key_record(journal + 1, 0);
    const char *start = from.bytes;
    const char *limit = to.bytes;
    size_t start_len = from.len;
    size_t limit_len = to.len;
    uint64_t bytes = 0;

    leveldb_approximate_sizes(ldb->disk.db, 1, &start, &start_len, &limit,
                              &limit_len, &bytes);
    ck_assert_uint_gt(bytes, 0);
    return bytes;
}

/* Each of them is too small to be worth it. */
START_TEST(drained_neighbours_are_compacted_together)
{
    enum { QUEUES = 12, COUNT = 1000 }; /* less than a block */
    struct store_queue *queues[QUEUES];
    const struct ldb_store *ldb;
    uint64_t extra = 5000;
    char name[16];

    ldb_hooks.compact_bytes_min = UINT64_MAX;
    fixture_init(&fixture, &store_leveldb);
    for (int i = 0; i < QUEUES; i++) {
        (void)snprintf(name, sizeof(name), "Q%d", i);
        put_many(fixture_queue(&fixture, name), 1, COUNT);
    }
    fixture_reopen(&fixture); /* writes the log into a table */
    ldb = (const struct ldb_store *)(const void *)fixture.store;
    ldb_hooks.compact_bytes_min = 3 * journal_bytes(ldb, 1);
    for (int i = 0; i < QUEUES; i++) {
        /* Not in the order of their numbers. */
        int number = i * 5 % QUEUES;

        queues[i] = fixture.found[number].queue;
        for (uint64_t seq = 1; number != 11 && seq <= COUNT; seq++) {
            store_delete(fixture.store, queues[i], seq, STORE_SLOT_STORED);
        }
        ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
    }
    while (__atomic_load_n(&ldb->disk.compactions, __ATOMIC_RELAXED) == 0) {
        (void)fixture_put(&fixture, queues[0], extra++);
        ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
    }
    fixture_fetch(&fixture, fixture.found[11].queue, 1, COUNT, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, COUNT);
    ck_assert(fixture.fetched.intact);
    fixture_fini(&fixture);
}
END_TEST

/* ------------------------------------------------------------- failing -- */

/* Written by the test before the store is opened or while its thread waits. */
static int fail_writes; /* atomic: so many writes fail from now on */
static int fail_opens;  /* atomic: then so many reopenings */

static bool
fails(int *left)
{
    return __atomic_load_n(left, __ATOMIC_SEQ_CST) > 0 &&
           __atomic_fetch_sub(left, 1, __ATOMIC_SEQ_CST) > 0;
}

static void
failing_write(leveldb_t *db, const leveldb_writeoptions_t *options,
              leveldb_writebatch_t *batch, char **errptr)
{
    if (fails(&fail_writes)) {
        *errptr = xstrdup("IO error: 000003.log: Input/output error");
        return;
    }
    leveldb_write(db, options, batch, errptr);
}

static leveldb_t *
failing_open(const leveldb_options_t *options, const char *name, char **errptr)
{
    if (fails(&fail_opens)) {
        *errptr = xstrdup("IO error: MANIFEST: Input/output error");
        return NULL;
    }
    return leveldb_open(options, name, errptr);
}

static void
setup_failing(void)
{
    ldb_hooks.write = failing_write;
    ldb_hooks.open = failing_open;
    ldb_hooks.backoff_us = 2000;
    __atomic_store_n(&fail_writes, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&fail_opens, 0, __ATOMIC_SEQ_CST);
}

static void
teardown_failing(void)
{
    ldb_hooks.write = leveldb_write;
    ldb_hooks.open = leveldb_open;
    ldb_hooks.free_bytes = ldb_disk_free_bytes;
    ldb_hooks.backoff_us = 100000;
}

static void
wait_healthy(unsigned calls)
{
    while (fixture.healthy_calls < calls) {
        fixture_turn(&fixture);
    }
}

START_TEST(failed_batch_is_reported_kept_and_written_after_all)
{
    struct store_queue *queue;
    struct store_stats stats;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    (void)fixture_sync(&fixture);
    __atomic_store_n(&fail_writes, 3, __ATOMIC_SEQ_CST);
    __atomic_store_n(&fail_opens, 2, __ATOMIC_SEQ_CST);
    (void)fixture_put(&fixture, queue, 2);
    ck_assert_int_eq(fixture_sync(&fixture), STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(fixture.failure.text, "Input/output error"));
    ck_assert_ptr_nonnull(strstr(fixture.failure.text, fixture.directory));
    ck_assert_uint_eq(fixture.unhealthy_calls, 1);
    wait_healthy(1);
    ck_assert_ptr_null(store_failure(fixture.store));
    ck_assert_uint_eq(fixture.failed_calls, 1);
    store_stats_get(fixture.store, &stats);
    ck_assert_uint_eq(stats.failures, 1);
    ck_assert_uint_eq(stats.pending_bytes, 0);
    (void)fixture_put(&fixture, queue, 3);
    ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
    fixture_reopen(&fixture);
    fixture_fetch(&fixture, fixture.found[0].queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 3);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(deletes_during_a_failure_are_kept_and_applied)
{
    struct store_queue *queue;
    struct store_slot slot;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    put_many(queue, 1, 3);
    (void)fixture_sync(&fixture);
    __atomic_store_n(&fail_writes, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&fail_opens, 20, __ATOMIC_SEQ_CST);
    slot = fixture_put(&fixture, queue, 4);
    ck_assert_int_eq(fixture_sync(&fixture), STORE_FAILED);
    store_delete(fixture.store, queue, 2, STORE_SLOT_STORED);
    /* Who waits hears at once, not when the disk is back. */
    ck_assert_int_eq(fixture_sync(&fixture), STORE_FAILED);
    ck_assert_ptr_nonnull(store_failure(fixture.store));
    store_delete(fixture.store, queue, 4, slot);
    __atomic_store_n(&fail_opens, 0, __ATOMIC_SEQ_CST);
    wait_healthy(1);
    fixture_fetch(&fixture, queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 2);
    ck_assert_uint_eq(fixture.fetched.seqs[0], 1);
    ck_assert_uint_eq(fixture.fetched.seqs[1], 3);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(fetch_during_a_failure_answers_when_it_is_over)
{
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    __atomic_store_n(&fail_writes, 2, __ATOMIC_SEQ_CST);
    ck_assert_int_eq(fixture_sync(&fixture), STORE_FAILED);
    fixture_fetch(&fixture, queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 1);
    ck_assert_uint_eq(fixture.healthy_calls, 1);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(close_of_a_failing_store_gives_up_and_releases)
{
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    __atomic_store_n(&fail_writes, 1000000, __ATOMIC_SEQ_CST);
    (void)fixture_put(&fixture, queue, 1);
    ck_assert_int_eq(fixture_sync(&fixture), STORE_FAILED);
    (void)fixture_put(&fixture, queue, 2);
    store_close(&fixture.store);
    ck_assert_uint_eq(fixture.holds, 0);
    __atomic_store_n(&fail_writes, 0, __ATOMIC_SEQ_CST);
    fixture_open(&fixture, &store_leveldb);
    ck_assert_uint_eq(fixture.found_count, 0);
    fixture_fini(&fixture);
}
END_TEST

static uint64_t free_bytes_now; /* atomic */

static uint64_t
free_bytes_of_test(const char *directory)
{
    ck_assert_ptr_nonnull(directory);
    return __atomic_load_n(&free_bytes_now, __ATOMIC_SEQ_CST);
}

START_TEST(low_disk_stops_puts_while_deletes_go_on)
{
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    ldb_hooks.free_bytes = free_bytes_of_test;
    __atomic_store_n(&free_bytes_now, 1000, __ATOMIC_SEQ_CST);
    fixture.options.free_bytes_min = 1001;
    fixture_reopen(&fixture);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    /* There is room for this one still: the mark is above the end. */
    ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
    ck_assert_ptr_nonnull(store_failure(fixture.store));
    ck_assert_ptr_nonnull(
        strstr(store_failure(fixture.store)->text, "disk full"));
    store_delete(fixture.store, queue, 1, STORE_SLOT_STORED);
    ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
    __atomic_store_n(&free_bytes_now, 1001, __ATOMIC_SEQ_CST);
    wait_healthy(1);
    ck_assert_ptr_null(store_failure(fixture.store));
    fixture_fini(&fixture);
}
END_TEST

static TCase *
refusing_tcase(void)
{
    TCase *tcase = tcase_create("refuses");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, directory_in_use_is_refused);
    tcase_add_test(tcase,
                   directory_of_another_program_is_refused_and_left_alone);
    tcase_add_test(tcase, database_of_another_program_is_refused);
    tcase_add_test(tcase, directory_that_cannot_be_made_is_refused);
    tcase_add_test(tcase, missing_directories_are_made_for_the_owner_only);
    tcase_add_test(tcase, directory_of_a_newer_version_is_refused);
    tcase_add_test(tcase,
                   record_of_a_newer_version_is_neither_served_nor_set_aside);
    tcase_add_test(tcase, damaged_database_is_refused);
    tcase_add_test(tcase, full_disk_at_the_open_is_refused);
    tcase_add_test(tcase, damaged_record_gives_its_bytes_back);
    tcase_add_test(tcase, damaged_record_is_skipped_and_set_aside);
    tcase_add_loop_test(
        tcase, flipped_bit_in_a_table_never_comes_out_as_a_record, 2, 29);
    tcase_add_test(tcase, block_that_ends_its_reader_is_given_up);
    tcase_add_test(tcase, block_whose_reader_hangs_is_tried_again);
    tcase_add_test(tcase, drained_neighbours_are_compacted_together);
    tcase_add_loop_test(tcase, damaged_block_does_not_end_all_writing, 8, 24);
    tcase_add_test(tcase, what_was_rescued_before_a_crash_is_brought_back);
    tcase_add_test(tcase, drained_space_is_compacted_while_the_store_works);
    return tcase;
}

static TCase *
failing_tcase(void)
{
    TCase *tcase = tcase_create("fails");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup_failing, teardown_failing);
    tcase_add_test(tcase, failed_batch_is_reported_kept_and_written_after_all);
    tcase_add_test(tcase, deletes_during_a_failure_are_kept_and_applied);
    tcase_add_test(tcase, fetch_during_a_failure_answers_when_it_is_over);
    tcase_add_test(tcase, close_of_a_failing_store_gives_up_and_releases);
    tcase_add_test(tcase, low_disk_stops_puts_while_deletes_go_on);
    return tcase;
}

static Suite *
store_leveldb_suite(void)
{
    Suite *suite = suite_create("store_leveldb");
    TCase *tcase = tcase_create("survives");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, reopened_store_has_what_was_put_and_not_deleted);
    tcase_add_test(tcase, journals_are_found_in_the_order_of_creation);
    tcase_add_test(tcase, drained_journal_keeps_its_numbers);
    tcase_add_test(tcase,
                   records_that_were_only_spilled_are_dropped_at_the_start);
    tcase_add_test(tcase, removed_journal_stays_removed);
    tcase_add_test(tcase,
                   batch_of_cancelled_operations_does_not_touch_the_disk);
    tcase_add_test(tcase, batch_is_held_for_cancelling_no_longer_than_asked);
    tcase_add_test(tcase, batch_that_is_cancelled_in_time_is_never_written);
    tcase_add_test(tcase, oldest_operation_of_many_turns_has_the_batch_written);
    tcase_add_test(tcase, turn_is_not_cut_by_the_end_of_a_batch);
    tcase_add_test(tcase,
                   turn_that_is_over_goes_to_the_disk_with_the_end_of_a_batch);
    tcase_add_test(tcase, written_batch_is_synced_within_the_interval);
    tcase_add_test(tcase,
                   sync_ticket_without_operations_waits_for_what_is_not_synced);
    tcase_add_test(tcase, store_is_congested_while_too_much_is_pending);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("crash");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase,
                   number_of_a_cancelled_put_is_not_used_again_after_a_crash);
    tcase_add_test(tcase, torn_end_of_the_log_takes_its_own_batch_only);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, refusing_tcase());
    suite_add_tcase(suite, failing_tcase());
    return suite;
}

int
main(void)
{
    return testutil_run(store_leveldb_suite());
}
