/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the LevelDB engine: the handle and what only the storage thread (or,
 * while there is none, the opening and closing loop thread) does with it.
 * Included by store_leveldb*.c and its tests only.
 */
#pragma once
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "storage/store_record.h"

#include <leveldb/c.h>
#include <pthread.h>
#include <time.h>

/*
 * The calls that tests replace before store_open to make a disk fail, and the
 * sizes and times they shorten.  Nobody else writes to it.
 */
struct ldb_hooks {
    leveldb_t *(*open)(const leveldb_options_t *options, const char *name,
                       char **errptr);
    void (*write)(leveldb_t *db, const leveldb_writeoptions_t *options,
                  leveldb_writebatch_t *batch, char **errptr);
    void (*seek)(leveldb_iterator_t *iter, const char *key, size_t key_len);
    uint64_t (*free_bytes)(const char *directory);
    size_t log_bytes;           /* LevelDB begins another log then */
    uint64_t compact_bytes_min; /* drained space worth a compaction */
    int64_t backoff_us;         /* first wait after a failure */
    size_t uncounted_max;       /* put since it was counted, all journals:
                                   what a start has to read */
    int64_t progress_us;        /* the open says so often what it does */
    int64_t child_us;           /* a child that gets nowhere is ended then */
};
extern struct ldb_hooks ldb_hooks;

/* A journal whose rest is being deleted, or a part that could be compacted:
 * all of the journals from first on, and of the last one what is below seq. */
struct ldb_range {
    uint32_t first; /* of a purge 0 */
    uint32_t journal;
    uint64_t seq; /* purge: go on here; compact: end of what is dead */
    bool drained; /* nothing live was in the last one */
    bool changed; /* since its size was looked at */
};

/* The damage that fetches are passing over; reader_on_damage has why. */
struct ldb_damage {
    uint32_t journal; /* 0: none */
    uint64_t next_seq;
    size_t counted;
    bool gap; /* numbers are missing */
};

struct ldb_disk {
    char *directory;  /* as the operator knows it */
    char *path;       /* LevelDB's own, below it */
    char *quarantine; /* the file for what could not be read */
    leveldb_t *db;    /* NULL between a failure and the reopening */
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_readoptions_t *read_checked; /* fill_cache=0, verify_checksums=1 */
    leveldb_readoptions_t *read_raw;     /* without the checksums */
    leveldb_writeoptions_t *write_sync;
    leveldb_writeoptions_t *write_async;
    leveldb_writebatch_t *batch;
    struct buf scratch;
    struct timespec names_synced; /* the directory's mtime, if all are */
    bool synced;                  /* all that was written is */
    struct error note; /* what the open had to say; text is "" when nothing */
    bool poisoned;     /* a write failed: reopen before the next one */
    bool damaged;      /* … as a block is damaged: ldb_mend before that */
    bool hopeless;     /* ldb_mend could do nothing */
    struct error why;
    struct ldb_damage damage;
    int64_t space_checked_us;

    struct ldb_range *purges;
    size_t purges_len, purges_capacity;

    struct ldb_range *drained; /* candidates for compacting, by number */
    size_t drained_len, drained_capacity;
    pthread_t helper;
    bool helper_started;
    bool helper_done;     /* atomic: set by the helper */
    bool helper_stop;     /* atomic: set for the helper */
    uint64_t compactions; /* atomic, for the tests */
    struct ldb_range helper_range;
    uint64_t helper_bytes;
};

/* Starts a thread that no signal is delivered to.  0 or an errno. */
int ldb_thread_start(pthread_t *thread_out, const char *name,
                     void *(*run)(void *ctx), void *ctx);

/* Purging: remembers a removed journal, deletes some of what is left.  Returns
 * whether there was something to do. */
void ldb_purge_add(struct ldb_disk *disk, uint32_t journal);
bool ldb_purge_step(struct ldb_disk *disk);

/* Compacting: journal has nothing live below head (0: that is nothing), and
 * drained says that it had nothing live at all; look for drained space and
 * give it back by a helper thread; wait for that one. */
void ldb_compact_note(struct ldb_disk *disk, uint32_t journal, uint64_t head,
                      bool drained);
void ldb_compact_idle(struct ldb_disk *disk);
void ldb_compact_join(struct ldb_disk *disk);

/* The handle.  disk_open makes the database when create is set. */
void ldb_disk_init(struct ldb_disk *disk, const char *directory);
void ldb_disk_fini(struct ldb_disk *disk);
int ldb_disk_open(struct ldb_disk *disk, bool create, struct error *err);
void ldb_disk_close(struct ldb_disk *disk);
/* Empties disk->batch for the next commit. */
void ldb_disk_batch_begin(struct ldb_disk *disk);
/* Writes batch; poisons the disk on failure. */
int ldb_disk_write(struct ldb_disk *disk, leveldb_writebatch_t *batch,
                   bool sync, struct error *err);
/* Makes the names in the directory durable.  In the journal that is left to
 * ldb_log_sync. */
void ldb_disk_sync_directory(const char *path);
/* After a synced write: what that left to be synced, which is something only
 * when LevelDB has begun another log.  Returns 0 or -1. */
int ldb_log_sync(struct ldb_disk *disk, struct error *err);
bool ldb_log_is_log(const char *name);
/* With the database closed, since LevelDB found it damaged: cuts off what was
 * not synced, and says so in disk->note.  Returns 0 when LevelDB should try
 * again, -1 when this was not it. */
int ldb_tail_cut(struct ldb_disk *disk);
/* Free bytes for us where the directory is; UINT64_MAX when unknown. */
uint64_t ldb_disk_free_bytes(const char *directory);

static inline struct span
ldb_iter_key(const leveldb_iterator_t *iter)
{
    size_t len;
    const char *data = leveldb_iter_key(iter, &len);

    return span_of(data, len);
}

static inline struct span
ldb_iter_value(const leveldb_iterator_t *iter)
{
    size_t len;
    const char *data = leveldb_iter_value(iter, &len);

    return span_of(data, len);
}

static inline void
ldb_iter_seek(leveldb_iterator_t *iter, struct store_key key)
{
    ldb_hooks.seek(iter, key.bytes, key.len);
}

/* Takes over LevelDB's text: false when there was none. */
bool ldb_text_take(char *text, struct error *err_out);
