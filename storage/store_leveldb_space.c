/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving space back: what a removed journal leaves is deleted in small batches
 * between jobs; what a drained one leaves on disk (tombstones and the records
 * under them, netstore.md D2) is compacted by a helper thread, because that
 * can block its caller for seconds.
 */
#include "storage/store_leveldb_disk.h"

#include "base/alloc.h"

enum { PURGE_STEP = 1000, DRAINED_MAX = 1024 };
/* One call of compact_range works on about so much, so that a close does not
 * wait for long. */
static const uint64_t compact_slice_bytes = (uint64_t)512 << 20;

/* -------------------------------------------------------------- ranges -- */

static struct ldb_range *
range_append(struct ldb_range **ranges, size_t *len, size_t *capacity)
{
    if (*len == *capacity) {
        *capacity = *capacity > 0 ? *capacity * 2 : 16;
        *ranges = xrealloc(*ranges, *capacity * sizeof(**ranges));
    }
    return &(*ranges)[(*len)++];
}

/* --------------------------------------------------------------- purge -- */

void
ldb_purge_add(struct ldb_disk *disk, uint32_t journal)
{
    *range_append(&disk->purges, &disk->purges_len, &disk->purges_capacity) =
        (struct ldb_range){ .journal = journal, .seq = 0 };
}

/* Adds up to PURGE_STEP deletes and moves range on.  Returns whether this was
 * the rest of the journal. */
static bool
purge_collect(struct ldb_disk *disk, struct ldb_range *range)
{
    leveldb_iterator_t *iter =
        leveldb_create_iterator(disk->db, disk->read_raw);
    uint32_t journal;
    uint64_t seq;
    int count = 0;
    bool rest;

    leveldb_writebatch_clear(disk->batch);
    ldb_iter_seek(iter, store_key_record(range->journal, range->seq));
    while (count < PURGE_STEP && leveldb_iter_valid(iter) &&
           store_key_record_parse(ldb_iter_key(iter), &journal, &seq) &&
           journal == range->journal) {
        struct span key = ldb_iter_key(iter);

        leveldb_writebatch_delete(disk->batch, key.data, key.len);
        range->seq = seq + 1;
        count++;
        leveldb_iter_next(iter);
    }
    rest = count < PURGE_STEP;
    leveldb_iter_destroy(iter);
    return rest;
}

/* Adds the deletes of the journal's blocks and of its entry. */
static void
purge_collect_rest(struct ldb_disk *disk, uint32_t number)
{
    leveldb_iterator_t *iter =
        leveldb_create_iterator(disk->db, disk->read_raw);
    struct store_key entry = store_key_queue(number);
    uint32_t journal;
    uint64_t block;

    ldb_iter_seek(iter, store_key_block(number, 0));
    while (leveldb_iter_valid(iter) &&
           store_key_block_parse(ldb_iter_key(iter), &journal, &block) &&
           journal == number) {
        struct span key = ldb_iter_key(iter);

        leveldb_writebatch_delete(disk->batch, key.data, key.len);
        leveldb_iter_next(iter);
    }
    leveldb_iter_destroy(iter);
    leveldb_writebatch_delete(disk->batch, entry.bytes, entry.len);
}

bool
ldb_purge_step(struct ldb_disk *disk)
{
    struct ldb_range *range;
    bool rest;

    if (disk->purges_len == 0 || disk->db == NULL || disk->poisoned) {
        return false;
    }
    range = &disk->purges[disk->purges_len - 1];
    rest = purge_collect(disk, range);
    if (rest) {
        purge_collect_rest(disk, range->journal);
    }
    /* A failure poisons the disk: the next commit sees to it, and the entry
     * on disk still says that the journal is to be purged. */
    if (ldb_disk_write(disk, disk->batch, false, NULL) != 0) {
        return false;
    }
    if (rest) {
        ldb_compact_note(disk, range->journal, range->seq);
        disk->purges_len--;
    }
    return disk->purges_len > 0;
}

/* ------------------------------------------------------------- compact -- */

void
ldb_compact_note(struct ldb_disk *disk, uint32_t journal, uint64_t head)
{
    struct ldb_range range = { .journal = journal, .seq = head };

    if (head == 0) {
        return;
    }
    for (size_t i = 0; i < disk->drained_len; i++) {
        if (disk->drained[i].journal == journal) {
            disk->drained[i] = range;
            return;
        }
    }
    if (disk->drained_len < DRAINED_MAX) {
        *range_append(&disk->drained, &disk->drained_len,
                      &disk->drained_capacity) = range;
    }
}

static uint64_t
compact_range_bytes(const struct ldb_disk *disk, struct store_key from,
                    struct store_key to)
{
    const char *start = from.bytes;
    const char *limit = to.bytes;
    size_t start_len = from.len;
    size_t limit_len = to.len;
    uint64_t bytes = 0;

    leveldb_approximate_sizes(disk->db, 1, &start, &start_len, &limit,
                              &limit_len, &bytes);
    return bytes;
}

static void *
compact_main(void *ctx)
{
    struct ldb_disk *disk = ctx;
    uint32_t journal = disk->helper_range.journal;
    uint64_t end = disk->helper_range.seq;
    uint64_t step = end / (disk->helper_bytes / compact_slice_bytes + 1) + 1;

    for (uint64_t seq = 0; seq < end; seq += step) {
        uint64_t stop = end - seq > step ? seq + step : end;
        struct store_key from = store_key_record(journal, seq);
        struct store_key to = store_key_record(journal, stop);

        if (__atomic_load_n(&disk->helper_stop, __ATOMIC_ACQUIRE)) {
            break;
        }
        leveldb_compact_range(disk->db, from.bytes, from.len, to.bytes, to.len);
    }
    __atomic_store_n(&disk->helper_done, true, __ATOMIC_RELEASE);
    return NULL;
}

static void
compact_start(struct ldb_disk *disk, struct ldb_range range, uint64_t bytes)
{
    disk->helper_range = range;
    disk->helper_bytes = bytes;
    disk->helper_done = false;
    disk->helper_stop = false;
    disk->helper_started =
        ldb_thread_start(&disk->helper, "compact", compact_main, disk) == 0;
    if (disk->helper_started) {
        (void)__atomic_add_fetch(&disk->compactions, 1, __ATOMIC_RELAXED);
    }
}

void
ldb_compact_join(struct ldb_disk *disk)
{
    if (disk->helper_started) {
        __atomic_store_n(&disk->helper_stop, true, __ATOMIC_RELEASE);
        (void)pthread_join(disk->helper, NULL);
        disk->helper_started = false;
    }
}

void
ldb_compact_idle(struct ldb_disk *disk)
{
    uint64_t all;

    if (disk->drained_len == 0 || disk->db == NULL || disk->poisoned) {
        return;
    }
    if (disk->helper_started) {
        if (!__atomic_load_n(&disk->helper_done, __ATOMIC_ACQUIRE)) {
            return;
        }
        ldb_compact_join(disk);
    }
    all = compact_range_bytes(disk, store_key_record(0, 0),
                              store_key_record(UINT32_MAX, UINT64_MAX));
    while (disk->drained_len > 0 && !disk->helper_started) {
        struct ldb_range range = disk->drained[--disk->drained_len];
        uint64_t bytes =
            compact_range_bytes(disk, store_key_record(range.journal, 0),
                                store_key_record(range.journal, range.seq));

        if (bytes > ldb_hooks.compact_bytes_min && bytes > all / 4) {
            compact_start(disk, range, bytes);
        }
    }
}
