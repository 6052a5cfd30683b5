/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving space back: what a removed journal leaves is deleted in small batches
 * between jobs; what a drained one leaves on disk (tombstones and the records
 * under them, netstore.md D2) is compacted by a helper thread, because that
 * can block its caller for seconds.
 */
#include "storage/store_leveldb_disk.h"

#include "base/alloc.h"

#include <string.h>

enum {
    PURGE_STEP = 1000,
    DRAINED_MAX = 65536, /* ranges; neighbours are one */
};
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
        ldb_compact_note(disk, range->journal, range->seq, true);
        disk->purges_len--;
    }
    return disk->purges_len > 0;
}

/* ------------------------------------------------------------- compact -- */

/* The index of the first range that does not end before journal. */
static size_t
compact_find(const struct ldb_disk *disk, uint32_t journal)
{
    size_t low = 0;
    size_t high = disk->drained_len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (disk->drained[middle].journal < journal) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void
compact_remove(struct ldb_disk *disk, size_t at)
{
    disk->drained_len--;
    memmove(&disk->drained[at], &disk->drained[at + 1],
            (disk->drained_len - at) * sizeof(*disk->drained));
}

static void
compact_insert(struct ldb_disk *disk, size_t at, struct ldb_range range)
{
    (void)range_append(&disk->drained, &disk->drained_len,
                       &disk->drained_capacity);
    memmove(&disk->drained[at + 1], &disk->drained[at],
            (disk->drained_len - 1 - at) * sizeof(*disk->drained));
    disk->drained[at] = range;
}

/* Makes the range at `at` and the one before it one, when nothing is between
 * them. */
static void
compact_unite(struct ldb_disk *disk, size_t at)
{
    struct ldb_range *before;

    if (at == 0 || at >= disk->drained_len) {
        return;
    }
    before = &disk->drained[at - 1];
    if (!before->drained || disk->drained[at].first - before->journal != 1) {
        return;
    }
    disk->drained[at].first = before->first;
    disk->drained[at].changed = true;
    compact_remove(disk, at - 1);
}

/* Many small journals are worth a compaction only together, so neighbours
 * become one range.  That one of them may have something live again by then
 * does no harm: it is rewritten, once. */
void
ldb_compact_note(struct ldb_disk *disk, uint32_t journal, uint64_t head,
                 bool drained)
{
    struct ldb_range range = { .first = journal,
                               .journal = journal,
                               .seq = head,
                               .drained = drained,
                               .changed = true };
    size_t at;

    if (head == 0) {
        return;
    }
    at = compact_find(disk, journal);
    if (at == disk->drained_len || disk->drained[at].first > journal) {
        if (disk->drained_len == DRAINED_MAX) {
            return;
        }
        compact_insert(disk, at, range);
    } else if (disk->drained[at].journal == journal) {
        range.first = disk->drained[at].first;
        disk->drained[at] = range;
    } else {
        disk->drained[at].changed = true; /* amid a range */
    }
    compact_unite(disk, at + 1);
    compact_unite(disk, at);
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

/* The key at `at`, which counts the numbers of one journal or journals. */
static struct store_key
compact_key(const struct ldb_range *range, uint64_t at)
{
    uint64_t journal = range->first + at;

    if (range->first == range->journal) {
        return store_key_record(range->journal, at);
    }
    return journal > range->journal
               ? store_key_record(range->journal, range->seq)
               : store_key_record((uint32_t)journal, 0);
}

static void *
compact_main(void *ctx)
{
    struct ldb_disk *disk = ctx;
    const struct ldb_range *range = &disk->helper_range;
    bool many = range->first < range->journal;
    uint64_t end = many ? range->journal - range->first + 1 : range->seq;
    uint64_t step = end / (disk->helper_bytes / compact_slice_bytes + 1) + 1;

    for (uint64_t at = 0; at < end; at += step) {
        uint64_t stop = end - at > step ? at + step : end;
        struct store_key from = compact_key(range, at);
        struct store_key to = compact_key(range, stop);

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

/* What a range takes on disk; 0 when that is known to be of no account. */
static uint64_t
compact_look(const struct ldb_disk *disk, struct ldb_range *range)
{
    if (!range->changed) {
        return 0;
    }
    range->changed = false;
    return compact_range_bytes(disk, store_key_record(range->first, 0),
                               store_key_record(range->journal, range->seq));
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
    for (size_t i = 0; i < disk->drained_len && !disk->helper_started; i++) {
        struct ldb_range *range = &disk->drained[i];
        uint64_t bytes = compact_look(disk, range);

        if (bytes > ldb_hooks.compact_bytes_min && bytes > all / 4) {
            compact_start(disk, *range, bytes);
            compact_remove(disk, i);
        }
    }
}
