/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_leveldb_mend.h"

#include "base/alloc.h"
#include "storage/store_leveldb_child.h"
#include "storage/store_quarantine.h"
#include "storage/store_scan.h"
#include "storage/store_stopped.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The end of a table, which says where its index is: LevelDB's
 * doc/table_format.md. */
enum { MEND_FOOTER = 48 };

/* In the data directory: where LevelDB's repair works, on links; what was
 * rescued; the tables as they were. */
static const char mend_place[] = "mending";
static const char mend_rescued[] = "rescued";
static const char mend_aside[] = "damaged";

/* What the process that rescues has to say. */
struct mend_found {
    size_t rescued; /* entries */
    uint64_t lost;  /* messages, at most */
    int status;
    struct error err;
};

struct mend {
    struct ldb_disk *disk;
    char *place;
    char *aside;
    leveldb_writebatch_t *batch;
    struct buf last; /* the last key that was rescued; empty: none to come */
    struct mend_found found;
    bool died; /* the process that rescues: there is nothing in found */
    size_t tables;
};

static char *
mend_path(const struct ldb_disk *disk, const char *name)
{
    return xasprintf("%s/%s", disk->directory, name);
}

static void
mend_remove(const struct ldb_disk *disk, const char *name)
{
    char *path = mend_path(disk, name);

    (void)store_stopped_remove(path, NULL);
    free(path);
}

/* ------------------------------------------------------------- rescuing -- */

/* What was rescued and is not in the journal yet.  NULL with an error. */
static leveldb_t *
mend_open_rescued(struct ldb_disk *disk, struct error *err)
{
    char *path = mend_path(disk, mend_rescued);
    struct error text = ERROR_INIT;
    char *errptr = NULL;
    leveldb_t *db;

    leveldb_options_set_create_if_missing(disk->options, 1);
    db = leveldb_open(disk->options, path, &errptr);
    ldb_disk_sync_directory(disk->directory);
    if (ldb_text_take(errptr, &text)) {
        (void)error_set(err, "%s", text.text);
        db = NULL;
    }
    free(path);
    return db;
}

/* Behind a damaged part comes what is good of it, then the rest. */
static int
mend_on_entry(void *ctx, struct span key, struct span value, struct error *err)
{
    struct mend *mend = ctx;

    (void)err;
    ldb_child_goes_on();
    if (mend->last.len > 0) {
        leveldb_writebatch_put(mend->batch, key.data, key.len, value.data,
                               value.len);
        mend->found.rescued++;
        if (span_equal(key, buf_span(&mend->last))) {
            buf_clear(&mend->last);
        }
    }
    return 0;
}

static int
mend_on_bad(void *ctx, struct span key, struct span value, struct error *err)
{
    struct mend *mend = ctx;

    return store_quarantine_entry(mend->disk->quarantine, key, value, err);
}

/* The numbers of a damaged part that are not good: some of them may have been
 * consumed long ago. */
static uint64_t
mend_count_lost(const struct store_scan_damage *damage)
{
    uint32_t journals[2];
    uint64_t after;
    uint64_t before;

    if (!store_key_record_parse(damage->after, &journals[0], &after) ||
        !store_key_record_parse(damage->before, &journals[1], &before) ||
        journals[0] != journals[1] ||
        before - after - 1 < damage->rescued_count) {
        return damage->bad;
    }
    return before - after - 1 - damage->rescued_count;
}

static int
mend_on_damage(void *ctx, const struct store_scan_damage *damage,
               struct error *err)
{
    struct mend *mend = ctx;

    (void)err;
    mend->found.lost += mend_count_lost(damage);
    buf_clear(&mend->last);
    if (damage->rescued_count > 0) {
        buf_append_span(&mend->last,
                        damage->rescued[damage->rescued_count - 1]);
    }
    return 0;
}

/* Keeps what is good beside the journal: LevelDB compacts as soon as it is
 * open, and may refuse to take it until the tables are mended. */
static int
mend_keep(struct mend *mend, struct error *err)
{
    struct ldb_disk *disk = mend->disk;
    leveldb_t *db = mend_open_rescued(disk, err);
    char *errptr = NULL;
    struct error text = ERROR_INIT;

    if (db == NULL) {
        return -1;
    }
    leveldb_write(db, disk->write_sync, mend->batch, &errptr);
    leveldb_close(db);
    return ldb_text_take(errptr, &text) ? error_set(err, "%s", text.text) : 0;
}

/* Reads without LevelDB's checksums what it has given up, and keeps what is
 * good of it. */
static int
mend_scan(struct mend *mend, struct error *err)
{
    struct store_scan_visitor visitor = {
        .entry = mend_on_entry,
        .bad = mend_on_bad,
        .damage = mend_on_damage,
        .ctx = mend,
    };

    if (ldb_disk_open(mend->disk, false, err) != 0 ||
        store_scan(mend->disk, &visitor, err) != 0) {
        return -1;
    }
    return mend->found.rescued > 0 ? mend_keep(mend, err) : 0;
}

static void
mend_child(void *ctx)
{
    struct mend *mend = ctx;

    mend->found.status = mend_scan(mend, &mend->found.err);
}

/* When the process that rescues dies, nothing of the blocks is rescued. */
static int
mend_rescue(struct mend *mend, struct error *err)
{
    enum { TRIES = 3 };
    struct mend_found *found = &mend->found;
    enum ldb_child child = LDB_CHILD_STUCK;
    struct error text;

    for (int i = 0; i < TRIES && child == LDB_CHILD_STUCK; i++) {
        text = ERROR_INIT;
        child =
            ldb_child_run(mend_child, mend, true, found, sizeof(*found), &text);
    }
    mend->died = child == LDB_CHILD_DIED;
    if (child == LDB_CHILD_DONE && found->status != 0) {
        text = found->err;
    }
    return text.text[0] != '\0' ? error_set(err, "%s", text.text) : 0;
}

/* ------------------------------------------------------------ taking out -- */

static bool
mend_is_table(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot != NULL &&
           (strcmp(dot, ".ldb") == 0 || strcmp(dot, ".sst") == 0);
}

typedef int mend_table_fn(struct mend *mend, const char *name,
                          struct error *err);

static int
mend_each_table(struct mend *mend, mend_table_fn *visit, struct error *err)
{
    DIR *dir = opendir(mend->disk->path);
    const struct dirent *entry;
    int status = 0;

    if (dir == NULL) {
        return error_set(err, "cannot read %s: %s", mend->disk->path,
                         strerror(errno));
    }
    while (status == 0 && (entry = readdir(dir)) != NULL) { /* NOLINT */
        if (mend_is_table(entry->d_name)) {
            status = visit(mend, entry->d_name, err);
        }
    }
    (void)closedir(dir);
    return status;
}

static int
mend_link(struct mend *mend, const char *name, struct error *err)
{
    char *from = xasprintf("%s/%s", mend->disk->path, name);
    char *to = xasprintf("%s/%s", mend->place, name);
    int status = link(from, to);

    if (status != 0) {
        (void)error_set(err, "cannot make %s: %s", to, strerror(errno));
    }
    free(from);
    free(to);
    return status;
}

/* Gives a table that has become shorter its old size, which LevelDB's manifest
 * has: the footer says where all else is, so anything may be before it. */
static int
mend_stretch(const char *path, off_t size, struct error *err)
{
    char footer[MEND_FOOTER];
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool done =
        fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= MEND_FOOTER &&
        st.st_size <= size &&
        pread(fd, footer, MEND_FOOTER, st.st_size - MEND_FOOTER) ==
            MEND_FOOTER &&
        ftruncate(fd, size) == 0 &&
        pwrite(fd, footer, MEND_FOOTER, size - MEND_FOOTER) == MEND_FOOTER &&
        fsync(fd) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return done ? 0 : error_set(err, "cannot write table %s anew", path);
}

/* The repair has written the table anew when it is not the same file.  One of
 * which it could read nothing may be what a failed compaction has left: if it
 * is needed, LevelDB will say so. */
static int
mend_replace(struct mend *mend, const char *name, struct error *err)
{
    char *from = xasprintf("%s/%s", mend->place, name);
    char *to = xasprintf("%s/%s", mend->disk->path, name);
    char *kept = xasprintf("%s/%s", mend->aside, name);
    struct stat mended;
    struct stat damaged;
    int status = 0;

    if (stat(to, &damaged) == 0 && stat(from, &mended) == 0 &&
        mended.st_ino != damaged.st_ino) {
        (void)mkdir(mend->aside, 0700);
        (void)unlink(kept);
        status = mend_stretch(from, damaged.st_size, err);
        if (status == 0 && (link(to, kept) != 0 || rename(from, to) != 0)) {
            status = error_set(err, "cannot replace table %s: %s", to,
                               strerror(errno));
        }
        mend->tables += status == 0 ? 1 : 0;
    }
    free(from);
    free(to);
    free(kept);
    return status;
}

/* LevelDB's repair copies what it can read of a damaged table, block by block
 * and as it is, deletes and numbers too; it works on links, and only its tables
 * are taken. */
static int
mend_take_out(struct mend *mend, struct error *err)
{
    struct error text = ERROR_INIT;
    char *errptr = NULL;

    mend_remove(mend->disk, mend_place);
    if (mkdir(mend->place, 0700) != 0) {
        return error_set(err, "cannot make %s: %s", mend->place,
                         strerror(errno));
    }
    if (mend_each_table(mend, mend_link, err) != 0) {
        return -1;
    }
    leveldb_repair_db(mend->disk->options, mend->place, &errptr);
    if (ldb_text_take(errptr, &text)) {
        return error_set(err, "%s", text.text);
    }
    if (mend_each_table(mend, mend_replace, err) != 0) {
        return -1;
    }
    ldb_disk_sync_directory(mend->disk->path);
    return mend->tables > 0
               ? 0
               : error_set(err, "no table with a damaged block was found");
}

/* ---------------------------------------------------------------- both -- */

static bool
mend_is_pending(const struct ldb_disk *disk)
{
    char *path = mend_path(disk, mend_rescued);
    bool pending = access(path, F_OK) == 0;

    free(path);
    return pending;
}

/* All that was rescued, into batch. */
static int
mend_collect(struct ldb_disk *disk, leveldb_writebatch_t *batch,
             struct error *err)
{
    leveldb_t *db = mend_open_rescued(disk, err);
    struct error text = ERROR_INIT;
    leveldb_iterator_t *iter;
    char *errptr = NULL;

    if (db == NULL) {
        return -1;
    }
    iter = leveldb_create_iterator(db, disk->read_checked);
    for (leveldb_iter_seek_to_first(iter); leveldb_iter_valid(iter);
         leveldb_iter_next(iter)) {
        struct span key = ldb_iter_key(iter);
        struct span value = ldb_iter_value(iter);

        leveldb_writebatch_put(batch, key.data, key.len, value.data, value.len);
    }
    leveldb_iter_get_error(iter, &errptr);
    leveldb_iter_destroy(iter);
    leveldb_close(db);
    return ldb_text_take(errptr, &text) ? error_set(err, "%s", text.text) : 0;
}

int
ldb_mend_finish(struct ldb_disk *disk, struct error *err)
{
    leveldb_writebatch_t *batch;
    int status;

    mend_remove(disk, mend_place);
    if (!mend_is_pending(disk)) {
        return 0;
    }
    batch = leveldb_writebatch_create();
    status = mend_collect(disk, batch, err);
    if (status == 0) {
        status = ldb_disk_write(disk, batch, true, err);
    }
    leveldb_writebatch_destroy(batch);
    if (status == 0) {
        mend_remove(disk, mend_rescued);
        ldb_disk_sync_directory(disk->directory);
    }
    return status;
}

static void
mend_say(const struct mend *mend, struct error *note_out)
{
    const struct mend_found *found = &mend->found;
    char what[128] = "nothing of those could be read, and it is lost";

    if (!mend->died) {
        (void)snprintf(what, sizeof(what),
                       "%zu entries of those were good and are kept, at most "
                       "%llu messages are lost",
                       found->rescued, (unsigned long long)found->lost);
    }
    (void)error_set(note_out,
                    "%zu tables of %s had damaged blocks: %s; the tables as "
                    "they were are in %s",
                    mend->tables, mend->disk->path, what, mend->aside);
}

int
ldb_mend(struct ldb_disk *disk, struct error *note_out, struct error *err)
{
    struct mend mend = {
        .disk = disk,
        .place = mend_path(disk, mend_place),
        .aside = mend_path(disk, mend_aside),
        .batch = leveldb_writebatch_create(),
        .last = BUF_INIT,
    };
    bool pending = mend_is_pending(disk); /* of one that was ended */
    int status;

    ldb_disk_close(disk);
    status = mend_rescue(&mend, err);
    ldb_disk_close(disk);
    if (status == 0) {
        status = mend_take_out(&mend, err);
    }
    if (status == 0) {
        mend_say(&mend, note_out);
    }
    if (status != 0 && !pending) {
        mend_remove(disk, mend_rescued);
    }
    mend_remove(disk, mend_place);
    disk->damage.journal = 0;
    leveldb_writebatch_destroy(mend.batch);
    buf_fini(&mend.last);
    free(mend.place);
    free(mend.aside);
    return status;
}
