/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches, on the storage thread: a short-lived iterator that checks LevelDB's
 * checksums, and our own per record.  A value that fails either is never
 * served: it is counted, and its bytes go to the quarantine file.
 *
 * When LevelDB finds a damaged block it gives up the whole block.  Then the
 * range is read once more without its checksums: our own, which cover the key
 * too, tell the good records from the bad ones.
 */
#include "storage/store_leveldb.h"

#include "base/alloc.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READER_RECORDS_MIN = 64 };

/* How one pass over the range came out. */
struct reader_pass {
    bool trusted; /* keys can be believed: block checksums are on */
    bool stopped; /* the credit was used up */
    bool more;    /* something is there at or after next_seq */
    size_t removed;
};

static bool
reader_write_all(int fd, const void *data, size_t len)
{
    const char *from = data;

    while (len > 0) {
        ssize_t written = write(fd, from, len);

        if (written <= 0) {
            return false;
        }
        from += written;
        len -= (size_t)written;
    }
    return true;
}

/* Appends one line that says what follows, and the value as it was found.
 * Returns whether it is safely there. */
static bool
reader_quarantine(const struct ldb_disk *disk, uint32_t journal, uint64_t seq,
                  struct span value)
{
    char line[96];
    int len = snprintf(line, sizeof(line), "journal=%u seq=%llu bytes=%zu\n",
                       journal, (unsigned long long)seq, value.len);
    int fd = open(disk->quarantine, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                  0600);
    bool ok;

    if (fd < 0) {
        return false;
    }
    ok = reader_write_all(fd, line, (size_t)len) &&
         reader_write_all(fd, value.data, value.len) &&
         reader_write_all(fd, "\n", 1) && fdatasync(fd) == 0;
    return close(fd) == 0 && ok;
}

static void
reader_set_aside(struct ldb_disk *disk, struct store_fetch *fetch,
                 struct reader_pass *pass, struct store_key key,
                 struct span value)
{
    uint32_t journal = 0;
    uint64_t seq = 0;

    (void)store_key_record_parse(store_key_span(&key), &journal, &seq);
    fetch->page.skipped++;
    /* Only a key that is surely this record's own may be deleted. */
    if (reader_quarantine(disk, journal, seq, value) && pass->trusted) {
        leveldb_writebatch_delete(disk->batch, key.bytes, key.len);
        pass->removed++;
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

/* Takes the entry that iter stands on.  Returns false when the pass is over. */
static bool
reader_take(struct ldb_disk *disk, struct store_fetch *fetch,
            struct reader_pass *pass, leveldb_iterator_t *iter)
{
    struct span name = ldb_iter_key(iter);
    struct span value = ldb_iter_value(iter);
    struct store_record record;
    uint32_t journal;
    uint64_t seq;

    if (!store_key_record_parse(name, &journal, &seq)) {
        return !pass->trusted; /* past the records, or a damaged key */
    }
    if (journal != fetch->journal) {
        return journal < fetch->journal;
    }
    if (seq >= fetch->limit_seq) {
        pass->more = true;
        return false;
    }
    if (store_record_decode(name, value, &record) != STORE_DECODE_OK) {
        reader_set_aside(disk, fetch, pass, store_key_record(journal, seq),
                         value);
    } else if (reader_is_full(fetch, &record)) {
        pass->more = true;
        return false;
    } else {
        reader_keep(fetch, &record);
    }
    if (seq >= fetch->page.next_seq) {
        fetch->page.next_seq = seq + 1;
    }
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
    if (pass->removed > 0) {
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
    fetch->page.records = fetch->records;
    fetch->page.err = fetch->err.text[0] != '\0' ? &fetch->err : NULL;
}

/* A damaged block: see the top. */
static void __attribute__((cold))
reader_salvage(struct ldb_disk *disk, struct store_fetch *fetch)
{
    struct reader_pass pass = { .trusted = false };
    struct error text = ERROR_INIT;

    reader_start(fetch);
    reader_pass_run(disk, fetch, &pass, &text);
    if (text.text[0] != '\0' && fetch->page.count == 0 && !pass.more) {
        (void)error_set(&fetch->err, "cannot read journal %s: %s", disk->path,
                        text.text);
    }
    if (fetch->page.skipped == 0) {
        fetch->page.skipped = 1; /* at least; the block hides how many */
    }
    fetch->page.at_end = !pass.more;
}

void
ldb_fetch_run(struct ldb_disk *disk, struct store_fetch *fetch)
{
    struct reader_pass pass = { .trusted = true };
    struct error text = ERROR_INIT;

    reader_start(fetch);
    if (disk->db == NULL) {
        (void)error_set(&fetch->err, "journal %s is not open", disk->path);
    } else {
        reader_pass_run(disk, fetch, &pass, &text);
        fetch->page.at_end = !pass.more;
    }
    if (strstr(text.text, "Corruption") != NULL) {
        reader_salvage(disk, fetch);
    } else if (text.text[0] != '\0') {
        (void)error_set(&fetch->err, "cannot read journal %s: %s", disk->path,
                        text.text);
        fetch->page.at_end = false;
    }
    reader_finish(fetch);
}
