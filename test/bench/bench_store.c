/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store costs: commits with fsync through the contract, beside a bare
 * LevelDB batch writer and a bare append with fdatasync, the three taking
 * turns so that a noisy machine is as noisy for all; then the loop side's cost
 * of operations that cancel each other.  Prints tables, judges nothing.
 *
 *     bench_store [DIRECTORY [SECONDS [BATCH]]]
 *
 * With a BATCH, commits of so many records are all that it measures.
 */
#include "base/alloc.h"
#include "base/clock.h"
#include "storage/store.h"

#include <fcntl.h>
#include <ftw.h>
#include <leveldb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    BODY_SIZE = 256,
    HEADERS_SIZE = 40,
    SAMPLES_MAX = 1 << 18,
    SLICE_US = 250000, /* how long one contender has its turn */
    APPEND_MAX = 1000, /* records of one commit */
};

static char payload[HEADERS_SIZE + BODY_SIZE];

struct samples {
    int64_t *us;
    size_t count;
    uint64_t records;
    int64_t total_us;
};

/* --------------------------------------------------------- contenders -- */

struct contender {
    const char *name;
    void (*open)(const char *directory);
    void (*commit)(size_t records); /* returns when they are on disk */
    void (*close)(void);
    struct samples samples;
};

static struct {
    struct store *store;
    struct store_queue *queue;
    uint64_t seq;
    int wake_fd;
    store_ticket committed;
    size_t released;
} through;

static void
through_on_committed(void *ctx, store_ticket ticket, enum store_result result,
                     const struct error *err)
{
    (void)ctx;
    if (result != STORE_ON_DISK && result != STORE_WRITTEN) {
        (void)fprintf(stderr, "commit failed: %s\n", err->text);
        exit(EXIT_FAILURE);
    }
    through.committed = ticket;
}

static void
through_on_release(void *owner)
{
    (*(size_t *)owner)++;
}

static void
through_on_wake(void *ctx)
{
    uint64_t one = 1;

    (void)ctx;
    if (write(through.wake_fd, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
        abort();
    }
}

static void
through_on_health(void *ctx, const struct error *err)
{
    (void)ctx;
    (void)fprintf(stderr, "store: %s\n", err != NULL ? err->text : "healthy");
}

static void
through_open(const char *directory)
{
    struct store_options options = store_options_default;
    struct error err = ERROR_INIT;
    char *path = xasprintf("%s/store", directory);

    options.directory = path;
    options.committed = through_on_committed;
    options.release = through_on_release;
    options.wake = through_on_wake;
    options.health = through_on_health;
    through.wake_fd = eventfd(0, EFD_CLOEXEC);
    if (store_open(&store_leveldb, &options, &through.store, &err) != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(EXIT_FAILURE);
    }
    through.queue =
        store_queue_open(through.store, DESTINATION_QUEUE, SPAN("BENCH"));
    free(path);
}

static struct store_slot
through_put(void)
{
    struct store_record record = {
        .seq = ++through.seq,
        .persistent = true,
        .priority = 4,
        .headers = span_of(payload, HEADERS_SIZE),
        .body = span_of(payload + HEADERS_SIZE, BODY_SIZE),
    };

    return store_put(through.store, through.queue, &record, &through.released);
}

static void
through_wait(store_ticket ticket)
{
    while (through.committed < ticket) {
        uint64_t count;

        (void)store_flush(through.store, clock_monotonic_us());
        if (read(through.wake_fd, &count, sizeof(count)) !=
            (ssize_t)sizeof(count)) {
            abort();
        }
        store_poll(through.store);
    }
}

static void
through_commit(size_t records)
{
    for (size_t i = 0; i < records; i++) {
        (void)through_put();
    }
    through_wait(store_ticket_take(through.store, true));
}

static void
through_close(void)
{
    store_close(&through.store);
    (void)close(through.wake_fd);
}

static struct {
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_writeoptions_t *sync;
    leveldb_writebatch_t *batch;
    uint64_t seq;
} bare;

static void
bare_fail(char *errptr)
{
    if (errptr != NULL) {
        (void)fprintf(stderr, "leveldb: %s\n", errptr);
        exit(EXIT_FAILURE);
    }
}

static void
bare_open(const char *directory)
{
    char *path = xasprintf("%s/bare", directory);
    char *errptr = NULL;

    bare.options = leveldb_options_create();
    leveldb_options_set_create_if_missing(bare.options, 1);
    leveldb_options_set_write_buffer_size(bare.options, 64 << 20);
    leveldb_options_set_max_file_size(bare.options, 32 << 20);
    bare.sync = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(bare.sync, 1);
    bare.batch = leveldb_writebatch_create();
    bare.db = leveldb_open(bare.options, path, &errptr);
    bare_fail(errptr);
    free(path);
}

static void
bare_commit(size_t records)
{
    char *errptr = NULL;

    leveldb_writebatch_clear(bare.batch);
    for (size_t i = 0; i < records; i++) {
        uint64_t key = __builtin_bswap64(++bare.seq);

        leveldb_writebatch_put(bare.batch, (const char *)&key, sizeof(key),
                               payload, sizeof(payload));
    }
    leveldb_write(bare.db, bare.sync, bare.batch, &errptr);
    bare_fail(errptr);
}

static void
bare_close(void)
{
    leveldb_close(bare.db);
    leveldb_writebatch_destroy(bare.batch);
    leveldb_writeoptions_destroy(bare.sync);
    leveldb_options_destroy(bare.options);
}

static struct {
    int fd;
    char *buffer;
} append;

static void
append_open(const char *directory)
{
    char *path = xasprintf("%s/append", directory);

    append.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    append.buffer = xmalloc(APPEND_MAX * sizeof(payload));
    free(path);
}

static void
append_commit(size_t records)
{
    size_t len = records * sizeof(payload);

    for (size_t i = 0; i < records; i++) {
        memcpy(append.buffer + i * sizeof(payload), payload, sizeof(payload));
    }
    if (write(append.fd, append.buffer, len) != (ssize_t)len ||
        fdatasync(append.fd) != 0) {
        perror("append");
        exit(EXIT_FAILURE);
    }
}

static void
append_close(void)
{
    (void)close(append.fd);
    free(append.buffer);
}

static struct contender contenders[] = {
    { .name = "store",
      .open = through_open,
      .commit = through_commit,
      .close = through_close },
    { .name = "LevelDB",
      .open = bare_open,
      .commit = bare_commit,
      .close = bare_close },
    { .name = "append",
      .open = append_open,
      .commit = append_commit,
      .close = append_close },
};
enum { CONTENDERS = sizeof(contenders) / sizeof(contenders[0]) };

/* ------------------------------------------------------------- running -- */

static int
compare_us(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

static int64_t
percentile(struct samples *samples, double part)
{
    qsort(samples->us, samples->count, sizeof(*samples->us), compare_us);
    return samples->us[(size_t)((double)(samples->count - 1) * part)];
}

static void
run_slice(struct contender *contender, size_t records)
{
    struct samples *samples = &contender->samples;
    int64_t start_us = clock_monotonic_us();
    int64_t now_us = start_us;

    while (now_us - start_us < SLICE_US) {
        int64_t before_us = now_us;

        contender->commit(records);
        now_us = clock_monotonic_us();
        if (samples->count < SAMPLES_MAX) {
            samples->us[samples->count++] = now_us - before_us;
        }
        samples->records += records;
    }
    samples->total_us += now_us - start_us;
}

static void
run_commits(size_t records, int seconds)
{
    for (int i = 0; i < CONTENDERS; i++) {
        contenders[i].samples.count = 0;
        contenders[i].samples.records = 0;
        contenders[i].samples.total_us = 0;
    }
    for (int round = 0; round < seconds * 1000000 / SLICE_US; round++) {
        for (int i = 0; i < CONTENDERS; i++) {
            run_slice(&contenders[i], records);
        }
    }
    for (int i = 0; i < CONTENDERS; i++) {
        struct samples *samples = &contenders[i].samples;

        (void)printf("%6zu  %-8s %12.0f %9lld %9lld\n", records,
                     contenders[i].name,
                     (double)samples->records * 1e6 / (double)samples->total_us,
                     (long long)percentile(samples, 0.5),
                     (long long)percentile(samples, 0.99));
    }
}

static double
cpu_ns(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Puts and deletes in windows, as when acks come before the flush.  By the
 * time of this thread, so that other load on the machine does not count. */
static void
run_cancels(size_t window)
{
    enum { ROUNDS = 5 };
    struct store_slot *slots = xcalloc(window, sizeof(*slots));
    size_t total = 2000000;
    double best = 1e9;

    for (int round = 0; round < ROUNDS; round++) {
        double start = cpu_ns();
        double each;

        for (size_t done = 0; done < total; done += window) {
            uint64_t first = through.seq + 1;

            for (size_t i = 0; i < window; i++) {
                slots[i] = through_put();
            }
            for (size_t i = 0; i < window; i++) {
                store_delete(through.store, through.queue, first + i, slots[i]);
            }
            (void)store_flush(through.store, 0);
        }
        each = (cpu_ns() - start) / (double)total;
        best = each < best ? each : best;
        through_wait(store_ticket_take(through.store, false));
    }
    (void)printf("%6zu  %12.1f\n", window, best);
    free(slots);
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void
run_all_batches(int seconds)
{
    static const size_t batches[] = { 1, 10, 100, 1000 };

    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        run_commits(batches[i], seconds);
    }
}

static void
run_all_cancels(void)
{
    static const size_t windows[] = { 1, 100, 4000 };

    (void)printf("\nput and cancelling delete, loop side\n%6s  %12s\n",
                 "window", "ns for both");
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        run_cancels(windows[i]);
    }
}

static void
open_all(const char *directory)
{
    for (size_t i = 0; i < sizeof(payload); i++) {
        payload[i] = (char)('a' + (i * 7 + i / 11) % 26);
    }
    for (int i = 0; i < CONTENDERS; i++) {
        contenders[i].samples.us = xcalloc(SAMPLES_MAX, sizeof(int64_t));
        contenders[i].open(directory);
    }
}

static void
close_all(void)
{
    for (int i = 0; i < CONTENDERS; i++) {
        contenders[i].close();
        free(contenders[i].samples.us);
    }
}

int
main(int argc, char **argv)
{
    char *directory =
        xasprintf("%s/stompd-bench-XXXXXX", argc > 1 ? argv[1] : ".");
    int seconds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 3;
    long batch = argc > 3 ? strtol(argv[3], NULL, 10) : 0;

    if (seconds < 1 || batch < 0 || batch > APPEND_MAX ||
        (argc > 3 && batch == 0) || mkdtemp(directory) == NULL) {
        (void)fprintf(stderr,
                      "usage: bench_store "
                      "[DIRECTORY [SECONDS [BATCH]]]\n"
                      "BATCH: 1 to %d records\n",
                      APPEND_MAX);
        return EXIT_FAILURE;
    }
    open_all(directory);
    (void)printf("synced commits, %d B\n%6s  %-8s %12s %9s %9s\n", BODY_SIZE,
                 "batch", "", "records/s", "p50 us", "p99 us");
    if (batch > 0) {
        run_commits((size_t)batch, seconds);
    } else {
        run_all_batches(seconds);
        run_all_cancels();
    }
    close_all();
    (void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(directory);
    return EXIT_SUCCESS;
}
