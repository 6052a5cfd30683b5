/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the LevelDB engine adds to LevelDB's handling of its logs: all that a
 * synced write stands on is synced with it, and what a power cut leaves of the
 * rest keeps nobody from starting.
 */
#include "base/alloc.h"
#include "storage/store_leveldb.h"
#include "test/testutil.h"
#include "test/unit/storage/store_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_BYTES = 4 << 20, SYNCED_MAX = 256 };

static struct fixture fixture;

/* ------------------------------------------------------- what is synced -- */

/* The last sync of each file: how long it was, or, of a directory, the newest
 * log that was there. */
static struct {
    ino_t inode;
    long value;
} synced[SYNCED_MAX];
static size_t synced_len;
static pthread_mutex_t synced_lock = PTHREAD_MUTEX_INITIALIZER;

static long
newest_log(const char *directory)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    long newest = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir)) != NULL) {
        char *end;
        long number = strtol(entry->d_name, &end, 10);

        if (strcmp(end, ".log") == 0 && number > newest) {
            newest = number;
        }
    }
    (void)closedir(dir);
    return newest;
}

static void
synced_note(int fd)
{
    struct stat st;
    char path[64];
    long value;
    size_t at = 0;

    ck_assert_int_eq(fstat(fd, &st), 0);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    value = S_ISDIR(st.st_mode) ? newest_log(path) : (long)st.st_size;
    (void)pthread_mutex_lock(&synced_lock);
    while (at < synced_len && synced[at].inode != st.st_ino) {
        at++;
    }
    ck_assert_uint_lt(at, SYNCED_MAX);
    if (at == synced_len) {
        synced_len++;
    }
    synced[at].inode = st.st_ino;
    synced[at].value = value;
    (void)pthread_mutex_unlock(&synced_lock);
}

/* LevelDB's and the engine's calls come here. */
int
fdatasync(int fd)
{
    synced_note(fd);
    return (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
    synced_note(fd);
    return (int)syscall(SYS_fsync, fd);
}

static long
synced_value(const char *path)
{
    struct stat st;
    long value = -1;

    if (stat(path, &st) != 0) {
        return 0; /* compacted meanwhile: in a table, which was synced */
    }
    (void)pthread_mutex_lock(&synced_lock);
    for (size_t i = 0; i < synced_len; i++) {
        if (synced[i].inode == st.st_ino) {
            value = synced[i].value;
        }
    }
    (void)pthread_mutex_unlock(&synced_lock);
    return value;
}

/* Puts without a sync until LevelDB has begun another log. */
static void
fill_log(struct store_queue *queue, uint64_t *seq)
{
    long before;
    char *journal = xasprintf("%s/journal", fixture.directory);

    before = newest_log(journal);
    while (newest_log(journal) == before) {
        (void)fixture_put(&fixture, queue, (*seq)++);
        (void)fixture_wait(&fixture, store_ticket_take(fixture.store, false));
    }
    free(journal);
}

START_TEST(sync_takes_in_the_log_before_and_the_name_of_the_new_one)
{
    struct store_queue *queue;
    uint64_t seq = 1;
    char *journal;
    char *before;
    struct stat st;
    long size;

    ldb_hooks.log_bytes = LOG_BYTES;
    fixture_init(&fixture, &store_leveldb);
    journal = xasprintf("%s/journal", fixture.directory);
    before = xasprintf("%s/%06ld.log", journal, newest_log(journal));
    queue = fixture_queue(&fixture, "Q");
    fill_log(queue, &seq);
    size = stat(before, &st) == 0 ? (long)st.st_size : 0;
    ck_assert_int_eq(fixture_sync(&fixture), STORE_ON_DISK);
    ck_assert_int_ge(synced_value(journal), newest_log(journal));
    ck_assert(synced_value(before) == size || synced_value(before) == 0);
    free(before);
    free(journal);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(names_on_the_way_to_a_new_store_are_synced)
{
    char *directory;
    char *between;

    fixture_init(&fixture, &store_memory);
    store_close(&fixture.store);
    between = xasprintf("%s/a", fixture.directory);
    directory = xasprintf("%s/a/b", fixture.directory);
    fixture.options.directory = directory;
    fixture_open(&fixture, &store_leveldb);
    ck_assert_int_ne(synced_value(directory), -1);
    ck_assert_int_ne(synced_value(between), -1);
    ck_assert_int_ne(synced_value(fixture.directory), -1);
    fixture_fini(&fixture);
    free(between);
    free(directory);
}
END_TEST

/* ------------------------------------------------------- a power cut -- */

/* What the child tells: how long the log was after its first sync. */
static off_t *synced_end;
static unsigned notes;

static void
on_note(void *ctx, const struct error *note)
{
    ck_assert_ptr_eq(ctx, &fixture);
    ck_assert_ptr_nonnull(strstr(note->text, "were not synced"));
    ck_assert_ptr_nonnull(strstr(note->text, "/quarantine"));
    notes++;
}

static char *
log_path(void)
{
    char *journal = xasprintf("%s/journal", fixture.directory);
    char *path = xasprintf("%s/%06ld.log", journal, newest_log(journal));

    free(journal);
    return path;
}

static off_t
file_size(const char *path)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_size;
}

/* Puts 1 to 10 synced, then three batches of ten more. */
static void
work(bool sync)
{
    struct store_queue *queue = fixture_queue(&fixture, "Q");
    char *path = log_path();

    for (uint64_t seq = 1; seq <= 40; seq++) {
        (void)fixture_put(&fixture, queue, seq);
        if (seq % 10 == 0) {
            (void)fixture_wait(
                &fixture, store_ticket_take(fixture.store, sync || seq == 10));
        }
        if (seq == 10) {
            *synced_end = file_size(path);
        }
    }
    free(path);
}

/* Works in a process that then ends as by kill -9; LevelDB's threads would not
 * survive the fork, so the child is the first to open it. */
static void
crash_after_work(bool sync)
{
    pid_t child;
    int status;

    synced_end = mmap(NULL, sizeof(*synced_end), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(synced_end, MAP_FAILED);
    fixture_init(&fixture, &store_memory);
    store_close(&fixture.store);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        fixture_open(&fixture, &store_leveldb);
        work(sync);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Zeros in the batch after the first sync, as a page that was not written. */
static void
punch_hole(const char *path)
{
    static const char zeros[200];
    int fd = open(path, O_WRONLY);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, zeros, sizeof(zeros), *synced_end + 100),
                     sizeof(zeros));
    (void)close(fd);
}

START_TEST(hole_in_what_was_not_synced_is_cut_off_and_set_aside)
{
    char *quarantine;
    char *path;

    crash_after_work(false);
    path = log_path();
    quarantine = xasprintf("%s/quarantine", fixture.directory);
    punch_hole(path);
    notes = 0;
    fixture.options.note = on_note;
    ck_assert_int_gt(file_size(path), *synced_end + 300);
    fixture_open(&fixture, &store_leveldb);
    ck_assert_uint_eq(notes, 1);
    ck_assert_uint_eq(fixture.found[0].info.count, 10);
    fixture_fetch(&fixture, fixture.found[0].queue, 1, 100, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 10);
    ck_assert(fixture.fetched.intact);
    ck_assert_int_gt(file_size(quarantine), 300);
    fixture_reopen(&fixture);
    ck_assert_uint_eq(notes, 1);
    free(quarantine);
    free(path);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(hole_in_what_was_synced_is_refused_and_nothing_is_cut)
{
    struct error err = ERROR_INIT;
    struct store *store = NULL;
    char *path;
    off_t size;

    crash_after_work(true);
    path = log_path();
    punch_hole(path);
    size = file_size(path);
    ck_assert_int_eq(store_open(&store_leveldb, &fixture.options, &store, &err),
                     -1);
    ck_assert_ptr_nonnull(strstr(err.text, "damaged"));
    ck_assert_int_eq(file_size(path), size);
    free(path);
    fixture_fini(&fixture);
}
END_TEST

static Suite *
store_leveldb_log_suite(void)
{
    Suite *suite = suite_create("store_leveldb_log");
    TCase *tcase = tcase_create("syncs");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase,
                   sync_takes_in_the_log_before_and_the_name_of_the_new_one);
    tcase_add_test(tcase, names_on_the_way_to_a_new_store_are_synced);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("power cut");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, hole_in_what_was_not_synced_is_cut_off_and_set_aside);
    tcase_add_test(tcase,
                   hole_in_what_was_synced_is_refused_and_nothing_is_cut);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(store_leveldb_log_suite());
}
