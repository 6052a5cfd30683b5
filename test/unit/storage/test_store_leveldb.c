/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only the LevelDB engine does: it survives, it refuses directories that
 * are not for it, and a failing disk loses nothing.
 */
#include "base/alloc.h"
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
    (void)fixture_put(&fixture, store_queue_open(fixture.store,
                                                 DESTINATION_TOPIC,
                                                 SPAN("B")), 7);
    fixture_reopen(&fixture);
    ck_assert_uint_eq(fixture.found_count, 2);
    ck_assert_str_eq(fixture.found[0].name_text, "A");
    ck_assert_int_eq(fixture.found[0].info.kind, DESTINATION_QUEUE);
    ck_assert_uint_eq(fixture.found[0].info.count, 60);
    ck_assert_uint_eq(fixture.found[0].info.first_seq, 41);
    ck_assert_uint_eq(fixture.found[0].info.next_seq, 101);
    ck_assert_int_eq(fixture.found[1].info.kind, DESTINATION_TOPIC);
    ck_assert_uint_eq(fixture.found[1].info.first_seq, 7);
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
        ck_assert_uint_eq(fixture.found[0].info.first_seq, 3);
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
    tcase_add_test(tcase, written_batch_is_synced_within_the_interval);
    tcase_add_test(
        tcase, sync_ticket_without_operations_waits_for_what_is_not_synced);
    tcase_add_test(tcase, store_is_congested_while_too_much_is_pending);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("crash");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase,
                   number_of_a_cancelled_put_is_not_used_again_after_a_crash);
    tcase_add_test(tcase, torn_end_of_the_log_takes_its_own_batch_only);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(store_leveldb_suite());
}
