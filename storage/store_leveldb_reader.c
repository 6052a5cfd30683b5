/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches, on the storage thread: a short-lived iterator that checks LevelDB's
 * checksums, and our own per record.  A value that fails either is never
 * served: it is counted, and its bytes go to the quarantine file.  One of a
 * newer version is intact: it ends the read.
 *
 * When LevelDB finds a damaged block it gives up the whole block.  Then the
 * range is read once more without its checksums: our own, which cover the key
 * too, tell the good records from the bad ones.  Another process does so first
 * (store_leveldb_child.h); where that dies, the block is given up.
 */
#include "storage/store_leveldb.h"
#include "storage/store_leveldb_child.h"
#include "storage/store_quarantine.h"

#include "base/alloc.h"

#include <string.h>

enum { READER_RECORDS_MIN = 64 };

/* How one pass over the range came out. */
struct reader_pass {
    bool trusted;        /* keys can be believed: block checksums are on */
    bool probes;         /* in a process of its own: leaves nothing behind */
    bool more;           /* something is there at or after next_seq */
    const char *stopped; /* why it ended early */
};

/* value is as it was found; its length is what was counted. */
static void
reader_remove(struct ldb_disk *disk, struct store_fetch *fetch, struct span key,
              uint64_t seq, struct span value)
{
    struct store_head_item item = { .seq = seq,
                                    .bytes = ldb_value_bytes(value.len) };

    leveldb_writebatch_delete(disk->batch, key.data, key.len);
    fetch->removed = xrealloc(fetch->removed, (fetch->removed_count + 1) *
                                                  sizeof(*fetch->removed));
    fetch->removed[fetch->removed_count++] = item;
}

static void
reader_set_aside(struct ldb_disk *disk, struct store_fetch *fetch,
                 struct reader_pass *pass, struct span key, struct span value)
{
    uint32_t journal = 0;
    uint64_t seq = 0;

    (void)store_key_record_parse(key, &journal, &seq);
    fetch->page.skipped++;
    if (pass->probes) {
        return;
    }
    /* Only a key that is surely this record's own may be deleted. */
    if (store_quarantine_add(disk->quarantine, journal, seq, value) &&
        pass->trusted) {
        reader_remove(disk, fetch, key, seq, value);
    }
}

/* Copies the record's bytes; its spans are offsets until reader_finish. */
static void
reader_keep(struct store_fetch *fetch, const struct store_record *record)
{
    struct store_record *kept;
    size_t count = fetch->page.count;

    if (count == fetch->capacity) {
        fetch->capacity = count > 0 ? count * 2 : READER_RECORDS_MIN;
        fetch->records =
            xrealloc(fetch->records, fetch->capacity * sizeof(*kept));
    }
    kept = &fetch->records[fetch->page.count++];
    *kept = *record;
    buf_append_span(&fetch->bytes, record->headers);
    buf_append_span(&fetch->bytes, record->body);
}

static bool
reader_is_full(const struct store_fetch *fetch,
               const struct store_record *record)
{
    size_t size = record->headers.len + record->body.len;

    return fetch->page.count == fetch->max_count ||
           (fetch->page.count > 0 &&
            fetch->bytes.len + size > fetch->max_bytes);
}

/* Takes the entry that iter stands on.  Returns false when the pass is over.
 * In an untrusted pass a damaged entry's key says nothing: not that the
 * journal is over, nor where to go on. */
static bool
reader_take(struct ldb_disk *disk, struct store_fetch *fetch,
            struct reader_pass *pass, leveldb_iterator_t *iter)
{
    struct span key = ldb_iter_key(iter);
    struct span value = ldb_iter_value(iter);
    struct store_record record;
    uint32_t journal;
    uint64_t seq;
    bool known = store_key_record_parse(key, &journal, &seq);
    enum store_decode decode = store_record_decode(key, value, &record);
    bool good = known && decode == STORE_DECODE_OK;

    if (!good && !pass->trusted) {
        reader_set_aside(disk, fetch, pass, key, value);
        return true;
    }
    if (!known || journal != fetch->journal) {
        return false;
    }
    if (decode == STORE_DECODE_NEWER) {
        pass->stopped = "a record was written by a newer stompd";
        return false;
    }
    if (seq >= fetch->limit_seq || (good && reader_is_full(fetch, &record))) {
        pass->more = true;
        return false;
    }
    if (good) {
        reader_keep(fetch, &record);
    } else {
        reader_set_aside(disk, fetch, pass, key, value);
    }
    fetch->page.next_seq = seq + 1;
    return true;
}

static void
reader_pass_run(struct ldb_disk *disk, struct store_fetch *fetch,
                struct reader_pass *pass, struct error *err_out)
{
    leveldb_iterator_t *iter = leveldb_create_iterator(
        disk->db, pass->trusted ? disk->read_checked : disk->read_raw);
    char *errptr = NULL;

    leveldb_writebatch_clear(disk->batch);
    ldb_iter_seek(iter, store_key_record(fetch->journal, fetch->from_seq));
    while (leveldb_iter_valid(iter) && reader_take(disk, fetch, pass, iter)) {
        leveldb_iter_next(iter);
    }
    /* Not valid looks like the end, but need not be (D7). */
    leveldb_iter_get_error(iter, &errptr);
    (void)ldb_text_take(errptr, err_out);
    leveldb_iter_destroy(iter);
    if (fetch->removed_count > 0) {
        /* A failure shows at the next commit: the disk is poisoned then. */
        (void)ldb_disk_write(disk, disk->batch, false, NULL);
    }
}

static void
reader_start(struct store_fetch *fetch)
{
    buf_clear(&fetch->bytes);
    fetch->page = (struct store_page){ .next_seq = fetch->from_seq };
}

/* The bytes will not move any more: turn offsets into pointers. */
static void
reader_finish(struct store_fetch *fetch)
{
    const char *from = fetch->bytes.data;

    for (size_t i = 0; i < fetch->page.count; i++) {
        struct store_record *record = &fetch->records[i];

        record->headers.data = from;
        from += record->headers.len;
        record->body.data = from;
        from += record->body.len;
    }
    for (size_t i = 0; i < fetch->removed_count; i++) {
        fetch->page.removed_bytes += fetch->removed[i].bytes;
    }
    fetch->page.records = fetch->records;
    fetch->page.err = fetch->err.text[0] != '\0' ? &fetch->err : NULL;
}

struct reader_probe {
    struct ldb_disk *disk;
    struct store_fetch *fetch;
};

static void __attribute__((cold)) reader_probe_run(void *ctx)
{
    struct reader_probe *probe = ctx;
    struct reader_pass pass = { .trusted = false, .probes = true };
    struct error text = ERROR_INIT;

    reader_start(probe->fetch);
    reader_pass_run(probe->disk, probe->fetch, &pass, &text);
}

/* A damaged block: see the top. */
static void __attribute__((cold))
reader_salvage(struct ldb_disk *disk, struct store_fetch *fetch)
{
    struct reader_pass pass = { .trusted = false };
    struct error text = ERROR_INIT;

    reader_start(fetch);
    reader_pass_run(disk, fetch, &pass, &text);
    if (pass.more && fetch->page.count == 0) {
        fetch->page.next_seq = fetch->limit_seq;
    }
    fetch->page.at_end = !pass.more;
}

static bool
reader_in_damage(const struct ldb_disk *disk, const struct store_fetch *fetch)
{
    return disk->damage.journal == fetch->journal &&
           fetch->from_seq >= disk->damage.next_seq;
}

/* How many numbers of the page's range were not served. */
static uint64_t
reader_missing(const struct store_fetch *fetch)
{
    const struct store_page *page = &fetch->page;
    uint64_t end = page->at_end ? fetch->limit_seq : page->next_seq;
    uint64_t span = end > fetch->from_seq ? end - fetch->from_seq : 0;

    return span > page->count ? span - page->count : 0;
}

/* Whether one of them was not counted either. */
static bool
reader_has_gap(const struct store_fetch *fetch)
{
    return reader_missing(fetch) > fetch->page.skipped;
}

/*
 * LevelDB says that a block is damaged, but not to whom it matters: the pages
 * on both sides of a bad record read the same block, and entries whose keys
 * are damaged may be invisible.  So over the pages that meet the damage one
 * after the other, the entries that were seen are counted; if there were none
 * although numbers are missing, one: a caller that subtracts never subtracts
 * too much.
 */
static void __attribute__((cold))
reader_on_damage(struct ldb_disk *disk, struct store_fetch *fetch,
                 const struct error *text)
{
    struct ldb_damage *damage = &disk->damage;
    struct reader_probe probe = { .disk = disk, .fetch = fetch };
    struct error err = ERROR_INIT;
    enum ldb_child child =
        ldb_child_run(reader_probe_run, &probe, false, NULL, 0, &err);

    if (child == LDB_CHILD_STUCK) {
        (void)error_set(&fetch->err,
                        "cannot read a damaged block of journal %s: %s",
                        disk->path, err.text);
        reader_start(fetch); /* to be asked for again */
        return;
    }
    if (!reader_in_damage(disk, fetch)) {
        *damage = (struct ldb_damage){ .journal = fetch->journal };
        (void)store_quarantine_add(disk->quarantine, fetch->journal,
                                   fetch->from_seq, span_of_text(text->text));
    }
    if (child == LDB_CHILD_DONE) {
        reader_salvage(disk, fetch);
    }
    /* One entry whose lengths are damaged may look like several. */
    if (fetch->page.skipped > reader_missing(fetch)) {
        fetch->page.skipped = (size_t)reader_missing(fetch);
    }
    damage->gap = damage->gap || reader_has_gap(fetch);
    if (fetch->page.at_end && damage->gap && damage->counted == 0 &&
        fetch->page.skipped == 0) {
        fetch->page.skipped = 1;
    }
    damage->counted += fetch->page.skipped;
    damage->next_seq = fetch->page.next_seq;
}

static void
reader_after_damage(struct ldb_disk *disk, struct store_fetch *fetch)
{
    struct ldb_damage *damage = &disk->damage;

    if (reader_in_damage(disk, fetch)) {
        if (damage->counted == 0 && (damage->gap || reader_has_gap(fetch))) {
            fetch->page.skipped++;
        }
        damage->journal = 0; /* no journal has it */
    }
}

/* Which numbers the skipped records can have: the page's first and last that
 * are not there. */
static void __attribute__((cold)) reader_damage_range(struct store_fetch *fetch)
{
    const struct store_page *page = &fetch->page;
    uint64_t first = fetch->from_seq;
    uint64_t last = (page->at_end ? fetch->limit_seq : page->next_seq) - 1;

    for (size_t i = 0; i < page->count && page->records[i].seq == first; i++) {
        first++;
    }
    for (size_t i = page->count; i > 0 && page->records[i - 1].seq == last;
         i--) {
        last--;
    }
    /* Not within the page: only its neighbours tell that there was something.
     */
    fetch->damage_first = first <= last ? first : fetch->from_seq;
    fetch->damage_last = first <= last ? last : page->next_seq - 1;
}

void
ldb_fetch_run(struct ldb_disk *disk, struct store_fetch *fetch)
{
    struct reader_pass pass = { .trusted = true };
    struct error text = ERROR_INIT;

    reader_start(fetch);
    reader_pass_run(disk, fetch, &pass, &text);
    fetch->page.at_end = !pass.more;
    if (strstr(text.text, "Corruption") != NULL) {
        reader_on_damage(disk, fetch, &text);
    } else if (text.text[0] != '\0' || pass.stopped != NULL) {
        (void)error_set(&fetch->err, "cannot read journal %s: %s", disk->path,
                        pass.stopped != NULL ? pass.stopped : text.text);
        fetch->page.at_end = false;
    } else {
        reader_after_damage(disk, fetch);
    }
    reader_finish(fetch);
    if (fetch->page.skipped > 0) {
        reader_damage_range(fetch);
    }
}
