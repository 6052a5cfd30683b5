/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the LevelDB engine knows of its journals at the start: exact after any
 * end of the process, without a look at the records; and counted anew where
 * the counts are missing or damaged.
 */
#include "base/alloc.h"
#include "storage/crc32c.h"
#include "storage/store_leveldb.h"
#include "test/testutil.h"
#include "test/unit/storage/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fixture fixture;

/* --------------------------------------------------- behind its back -- */

static leveldb_t *
raw_open(void)
{
    char *path = xasprintf("%s/journal", fixture.directory);
    leveldb_options_t *options = leveldb_options_create();
    char *errptr = NULL;
    leveldb_t *db = leveldb_open(options, path, &errptr);

    ck_assert_ptr_null(errptr);
    leveldb_options_destroy(options);
    free(path);
    return db;
}

/* value NULL: deletes the key. */
static void
raw_write(struct store_key key, const struct buf *value)
{
    leveldb_t *db = raw_open();
    leveldb_writeoptions_t *write = leveldb_writeoptions_create();
    char *errptr = NULL;

    if (value != NULL) {
        leveldb_put(db, write, key.bytes, key.len, value->data, value->len,
                    &errptr);
    } else {
        leveldb_delete(db, write, key.bytes, key.len, &errptr);
    }
    ck_assert_ptr_null(errptr);
    leveldb_writeoptions_destroy(write);
    leveldb_close(db);
}

/* The keys that are there from begin on and are of its kind. */
static size_t
raw_count(struct store_key begin)
{
    leveldb_t *db = raw_open();
    leveldb_readoptions_t *read = leveldb_readoptions_create();
    leveldb_iterator_t *iter = leveldb_create_iterator(db, read);
    size_t count = 0;

    ldb_iter_seek(iter, begin);
    while (leveldb_iter_valid(iter) &&
           ldb_iter_key(iter).data[0] == begin.bytes[0]) {
        count++;
        leveldb_iter_next(iter);
    }
    leveldb_iter_destroy(iter);
    leveldb_readoptions_destroy(read);
    leveldb_close(db);
    return count;
}

static void
reseal(struct span key, struct buf *value)
{
    uint32_t crc = crc32c(0, key.data, key.len);

    crc = crc32c(crc, value->data, 4);
    crc = crc32c(crc, value->data + 8, value->len - 8);
    for (int i = 0; i < 4; i++) {
        value->data[4 + i] = (char)(uint8_t)(crc >> (24 - 8 * i));
    }
}

/* Makes the journal's entry what an older stompd wrote. */
static void
raw_write_version_1(uint32_t number, const char *name, uint64_t reserved)
{
    struct store_key key = store_key_queue(number);
    struct store_journal journal = { .kind = DESTINATION_QUEUE,
                                     .reserved = reserved,
                                     .name = span_of_text(name) };
    struct buf value = BUF_INIT;

    store_journal_encode(&journal, store_key_span(&key), &value);
    value.data[0] = 1;
    memmove(value.data + 24, value.data + 32, value.len - 32);
    value.len -= 8;
    reseal(store_key_span(&key), &value);
    raw_write(key, &value);
    buf_fini(&value);
}

/* ------------------------------------------------------------- crashes -- */

static void
check_found(size_t at, const char *name, uint64_t count, uint64_t lowest)
{
    const struct fixture_found *found = &fixture.found[at];
    uint64_t bytes = 0;

    ck_assert_uint_gt(fixture.found_count, at);
    ck_assert_str_eq(found->name_text, name);
    ck_assert_uint_eq(found->info.count, count);
    ck_assert_uint_le(found->info.first_seq, lowest);
    ck_assert_uint_gt(found->info.first_seq + STORE_HEAD_BLOCK_SIZE, lowest);
    fixture_fetch(&fixture, found->queue, 0, FIXTURE_FETCHED_MAX, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, count);
    ck_assert(count == 0 || fixture.fetched.seqs[0] == lowest);
    for (size_t i = 0; i < count; i++) {
        uint64_t seq = fixture.fetched.seqs[i];

        /* As fixture_put makes them. */
        bytes += seq * 37 % 300 + (uint64_t)snprintf(NULL, 0, "n:%llu\n",
                                                     (unsigned long long)seq);
    }
    ck_assert_uint_eq(found->info.bytes, bytes);
    ck_assert(fixture.fetched.intact);
}

/* Three batches, and a fourth that is never handed over.  Every third of the
 * first journal is spilled only; of each 10 numbers 7 are deleted. */
static void
work_mixed(void)
{
    static struct store_slot slots[5001];
    struct store_queue *queue = fixture_queue(&fixture, "A");

    for (uint64_t seq = 1; seq <= 5000; seq++) {
        slots[seq] = seq % 3 == 0 ? fixture_put_spilled(&fixture, queue, seq)
                                  : fixture_put(&fixture, queue, seq);
    }
    (void)fixture_sync(&fixture);
    for (uint64_t seq = 5000; seq >= 1; seq--) {
        if (seq % 10 < 7) {
            store_delete(fixture.store, queue, seq, slots[seq]);
        }
    }
    (void)fixture_sync(&fixture);
    for (uint64_t seq = 6001; seq <= 6100; seq++) {
        (void)fixture_put(&fixture, queue, seq);
        (void)fixture_put(&fixture, fixture_queue(&fixture, "B"), seq);
    }
    (void)fixture_sync(&fixture);
    store_delete(fixture.store, queue, 6001, STORE_SLOT_STORED);
    (void)fixture_put(&fixture, queue, 7000);
}

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

START_TEST(counts_are_exact_after_a_crash)
{
    /* Of 1..5000 those that end in 7, 8 or 9 and are not spilled. */
    const uint64_t left = 1000 + 100;
    /* At the start, with every batch, and of those the first and third. */
    const size_t uncounted[] = { (size_t)256 << 20, 0, 100 * 256 };

    fixture_init(&fixture, &store_memory);
    store_close(&fixture.store);
    ldb_hooks.uncounted_max = uncounted[_i];
    crash_after(work_mixed);
    fixture_open(&fixture, &store_leveldb);
    for (int i = 0; i < 3; i++) {
        check_found(0, "A", left, 7);
        check_found(1, "B", 100, 6001);
        ck_assert_uint_gt(fixture.found[0].info.next_seq, 7000);
        fixture_reopen(&fixture);
    }
    ldb_hooks.uncounted_max = uncounted[0];
    fixture_fini(&fixture);
}
END_TEST

START_TEST(records_are_not_looked_at_at_the_start)
{
    fixture_init(&fixture, &store_leveldb);
    for (uint64_t seq = 1; seq <= 2000; seq++) {
        (void)fixture_put(&fixture, fixture_queue(&fixture, "Q"), seq);
    }
    store_close(&fixture.store);
    raw_write(store_key_record(1, 5), NULL);
    fixture_open(&fixture, &store_leveldb);
    ck_assert_uint_eq(fixture.found[0].info.count, 2000);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(emptied_journal_leaves_no_block)
{
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    for (uint64_t seq = 1; seq <= 5000; seq++) {
        (void)fixture_put(&fixture, queue, seq);
    }
    (void)fixture_sync(&fixture);
    for (uint64_t seq = 1; seq <= 5000; seq++) {
        store_delete(fixture.store, queue, seq, STORE_SLOT_STORED);
    }
    store_close(&fixture.store);
    ck_assert_uint_eq(raw_count(store_key_block(0, 0)), 0);
    fixture_open(&fixture, &store_leveldb);
    ck_assert_uint_eq(fixture.found[0].info.count, 0);
    ck_assert_uint_eq(fixture.found[0].info.first_seq, 5001);
    ck_assert_uint_eq(fixture.found[0].info.next_seq, 5001);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(removed_journal_leaves_nothing)
{
    struct store_queue *queue;
    struct store_queue *other;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    other = fixture_queue(&fixture, "R");
    for (uint64_t seq = 1; seq <= 5000; seq++) {
        (void)fixture_put(&fixture, queue, seq);
    }
    (void)fixture_put(&fixture, other, 1);
    (void)fixture_sync(&fixture);
    store_queue_remove(fixture.store, &queue);
    store_close(&fixture.store);
    /* What is left of it is deleted while the store is open and idle. */
    do {
        fixture_open(&fixture, &store_leveldb);
        store_close(&fixture.store);
    } while (raw_count(store_key_queue(0)) > 1);
    ck_assert_uint_eq(raw_count(store_key_block(0, 0)), 1);
    ck_assert_uint_eq(raw_count(store_key_record(0, 0)), 1);
    fixture_open(&fixture, &store_leveldb);
    check_found(0, "R", 1, 1);
    fixture_fini(&fixture);
}
END_TEST

/* ------------------------------------------------------- counting anew -- */

static unsigned progress_calls;

static void
on_progress(void *ctx, const char *text)
{
    (void)ctx;
    ck_assert_ptr_nonnull(strstr(text, "counting the records"));
    ck_assert_ptr_nonnull(strstr(text, "0 of 2 journals"));
    progress_calls++;
}

/* A closed store whose journals Q and R have 5000 - 10 records, of which every
 * fourth is spilled, and 3. */
static void
make_two(void)
{
    static struct store_slot slots[5001];
    struct store_queue *queue;

    fixture_init(&fixture, &store_leveldb);
    queue = fixture_queue(&fixture, "Q");
    for (uint64_t seq = 1; seq <= 5000; seq++) {
        slots[seq] = (seq % 4 == 0 ? fixture_put_spilled(&fixture, queue, seq)
                                   : fixture_put(&fixture, queue, seq));
    }
    (void)fixture_sync(&fixture);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        store_delete(fixture.store, queue, seq, slots[seq]);
    }
    for (uint64_t seq = 1; seq <= 3; seq++) {
        (void)fixture_put(&fixture, fixture_queue(&fixture, "R"), seq);
    }
    store_close(&fixture.store);
}

static void
check_two(void)
{
    for (int i = 0; i < 2; i++) {
        check_found(0, "Q", 3750 - 8, 11);
        check_found(1, "R", 3, 1);
        fixture_reopen(&fixture);
    }
}

static unsigned seeks;

static void
counting_seek(leveldb_iterator_t *iter, const char *key, size_t key_len)
{
    seeks++;
    leveldb_iter_seek(iter, key, key_len);
}

static void
work_drained(void)
{
    enum { QUEUES = 16 };
    char name[16];

    for (int i = 0; i < QUEUES; i++) {
        struct store_queue *queue;

        (void)snprintf(name, sizeof(name), "Q%d", i);
        queue = fixture_queue(&fixture, name);
        for (uint64_t seq = 1; seq <= 3; seq++) {
            (void)fixture_put(&fixture, queue, seq);
        }
        (void)fixture_sync(&fixture);
        for (uint64_t seq = 1; seq <= 3; seq++) {
            if ((i != 5 && i != 10) || seq != 2) {
                store_delete(fixture.store, queue, seq, STORE_SLOT_STORED);
            }
        }
    }
    (void)fixture_sync(&fixture);
}

/* A seek passes over the tombstones of all later journals up to the next live
 * record: one for each journal makes a start that takes minutes. */
START_TEST(tombstones_are_passed_over_once)
{
    fixture_init(&fixture, &store_memory);
    store_close(&fixture.store);
    crash_after(work_drained);
    seeks = 0;
    ldb_hooks.seek = counting_seek;
    fixture_open(&fixture, &store_leveldb);
    ldb_hooks.seek = leveldb_iter_seek;
    /* Entries, blocks, records, and one behind each live record. */
    ck_assert_uint_le(seeks, 3 + 2);
    for (size_t i = 0; i < fixture.found_count; i++) {
        ck_assert_uint_eq(fixture.found[i].info.count, i == 5 || i == 10);
    }
    check_found(5, "Q5", 1, 2);
    check_found(10, "Q10", 1, 2);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(orderly_stop_leaves_nothing_to_look_for)
{
    fixture_init(&fixture, &store_leveldb);
    for (char name[] = "A"; name[0] <= 'P'; name[0]++) {
        (void)fixture_put(&fixture, fixture_queue(&fixture, name), 1);
    }
    seeks = 0;
    ldb_hooks.seek = counting_seek;
    fixture_reopen(&fixture);
    ldb_hooks.seek = leveldb_iter_seek;
    ck_assert_uint_le(seeks, 2); /* entries, blocks */
    check_found(0, "A", 1, 1);
    check_found(15, "P", 1, 1);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(directory_of_the_first_layout_is_counted_once)
{
    make_two();
    for (uint64_t number = 0; number < 5; number++) {
        raw_write(store_key_block(1, number), NULL);
    }
    raw_write_version_1(1, "Q", 6000);
    progress_calls = 0;
    ldb_hooks.progress_us = 0;
    fixture.options.progress = on_progress;
    fixture_open(&fixture, &store_leveldb);
    ck_assert_uint_eq(progress_calls, 1);
    check_two();
    ck_assert_uint_eq(progress_calls, 1);
    ldb_hooks.progress_us = 1000000;
    fixture_fini(&fixture);
}
END_TEST

START_TEST(damaged_block_has_its_journal_counted)
{
    struct buf value = BUF_INIT;

    make_two();
    buf_append_span(&value, SPAN("not what was written there"));
    raw_write(store_key_block(1, 2), &value);
    buf_fini(&value);
    fixture_open(&fixture, &store_leveldb);
    check_two();
    fixture_fini(&fixture);
}
END_TEST

/* As a tool does that changed records: blocks that are wrong, and the mark that
 * they count is gone. */
START_TEST(journal_that_is_not_marked_is_counted)
{
    struct store_key key = store_key_block(2, 0);
    struct store_head_count wrong = { .live = 77 };
    struct buf value = BUF_INIT;

    make_two();
    store_block_encode(wrong, store_key_span(&key), &value);
    raw_write(key, &value);
    raw_write_version_1(2, "R", 4);
    buf_fini(&value);
    fixture_open(&fixture, &store_leveldb);
    check_two();
    fixture_fini(&fixture);
}
END_TEST

/* There are none from counted_to on: one of the two lies. */
START_TEST(block_beyond_what_was_counted_has_its_journal_counted)
{
    struct store_key key = store_key_block(2, 1ull << 40);
    struct store_head_count wrong = { .live = 77 };
    struct buf value = BUF_INIT;

    make_two();
    store_block_encode(wrong, store_key_span(&key), &value);
    raw_write(key, &value);
    buf_fini(&value);
    fixture_open(&fixture, &store_leveldb);
    check_two();
    fixture_fini(&fixture);
}
END_TEST

START_TEST(block_of_a_newer_version_is_refused)
{
    struct store_key key = store_key_block(1, 2);
    struct store_head_count count = { .live = 1 };
    struct error err = ERROR_INIT;
    struct store *store = NULL;
    struct buf value = BUF_INIT;

    make_two();
    store_block_encode(count, store_key_span(&key), &value);
    value.data[0]++;
    reseal(store_key_span(&key), &value);
    raw_write(key, &value);
    buf_fini(&value);
    ck_assert_int_eq(store_open(&store_leveldb, &fixture.options, &store, &err),
                     -1);
    ck_assert_ptr_nonnull(strstr(err.text, "newer"));
    fixture_fini(&fixture);
}
END_TEST

static Suite *
store_count_suite(void)
{
    Suite *suite = suite_create("store_count");
    TCase *tcase = tcase_create("kept");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, counts_are_exact_after_a_crash, 0, 3);
    tcase_add_test(tcase, records_are_not_looked_at_at_the_start);
    tcase_add_test(tcase, tombstones_are_passed_over_once);
    tcase_add_test(tcase, orderly_stop_leaves_nothing_to_look_for);
    tcase_add_test(tcase, emptied_journal_leaves_no_block);
    tcase_add_test(tcase, removed_journal_leaves_nothing);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("anew");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, directory_of_the_first_layout_is_counted_once);
    tcase_add_test(tcase, damaged_block_has_its_journal_counted);
    tcase_add_test(tcase, journal_that_is_not_marked_is_counted);
    tcase_add_test(tcase,
                   block_beyond_what_was_counted_has_its_journal_counted);
    tcase_add_test(tcase, block_of_a_newer_version_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(store_count_suite());
}
