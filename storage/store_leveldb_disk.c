/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LevelDB's handle: options, opening with an error that says what to do,
 * writing.  Used by one thread at a time.  Source: netstore.md 8.4 and 8.5.
 */
#include "storage/store_leveldb_disk.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    DISK_FILE_SIZE = 32 << 20,
    DISK_BLOCK_SIZE = 16 << 10, /* pages are read in order */
    DISK_CACHE = 32 << 20,
    DISK_FILES_MAX = 1000,
};

struct ldb_hooks ldb_hooks = {
    .open = leveldb_open,
    .write = leveldb_write,
    .seek = leveldb_iter_seek,
    .free_bytes = ldb_disk_free_bytes,
    .log_bytes = (size_t)64 << 20,
    .compact_bytes_min = (uint64_t)64 << 20,
    .backoff_us = 100000,
    .uncounted_max = (size_t)256 << 20, /* half a second's reading */
    .progress_us = 1000000,
    .child_us = 10000000,
};

void
ldb_disk_init(struct ldb_disk *disk, const char *directory)
{
    *disk = (struct ldb_disk){ .scratch = BUF_INIT };
    disk->directory = xstrdup(directory);
    disk->path = xasprintf("%s/journal", directory);
    disk->quarantine = xasprintf("%s/quarantine", directory);
    disk->cache = leveldb_cache_create_lru(DISK_CACHE);
    disk->options = leveldb_options_create();
    leveldb_options_set_write_buffer_size(disk->options, ldb_hooks.log_bytes);
    leveldb_options_set_max_file_size(disk->options, DISK_FILE_SIZE);
    leveldb_options_set_block_size(disk->options, DISK_BLOCK_SIZE);
    leveldb_options_set_max_open_files(disk->options, DISK_FILES_MAX);
    leveldb_options_set_cache(disk->options, disk->cache);
    /* A damaged log is refused, never skipped in silence. */
    leveldb_options_set_paranoid_checks(disk->options, 1);
    leveldb_options_set_compression(disk->options, leveldb_snappy_compression);
    disk->read_checked = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(disk->read_checked, 1);
    leveldb_readoptions_set_fill_cache(disk->read_checked, 0);
    disk->read_raw = leveldb_readoptions_create();
    leveldb_readoptions_set_fill_cache(disk->read_raw, 0);
    disk->write_sync = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(disk->write_sync, 1);
    disk->write_async = leveldb_writeoptions_create();
    disk->batch = leveldb_writebatch_create();
}

void
ldb_disk_fini(struct ldb_disk *disk)
{
    ldb_disk_close(disk);
    leveldb_writebatch_destroy(disk->batch);
    leveldb_writeoptions_destroy(disk->write_async);
    leveldb_writeoptions_destroy(disk->write_sync);
    leveldb_readoptions_destroy(disk->read_raw);
    leveldb_readoptions_destroy(disk->read_checked);
    leveldb_options_destroy(disk->options);
    leveldb_cache_destroy(disk->cache);
    buf_fini(&disk->scratch);
    free(disk->purges);
    free(disk->drained);
    free(disk->quarantine);
    free(disk->path);
    free(disk->directory);
}

bool
ldb_text_take(char *text, struct error *err_out)
{
    if (text == NULL) {
        return false;
    }
    (void)error_set(err_out, "%s", text);
    leveldb_free(text);
    return true;
}

/* LevelDB has texts only, no codes (netstore.md 7.1). */
static int __attribute__((cold))
disk_open_error(const struct ldb_disk *disk, const char *text,
                struct error *err)
{
    if (strstr(text, ": lock ") != NULL) { /* not: cannot open the file */
        return error_set(err,
                         "data directory %s is in use by another process: "
                         "stop that stompd, or choose another directory (%s)",
                         disk->directory, text);
    }
    if (strstr(text, strerror(ENOSPC)) != NULL) {
        return error_set(err,
                         "disk of data directory %s is full: free some space "
                         "and start again; nothing was changed (%s)",
                         disk->directory, text);
    }
    if (strstr(text, strerror(EMFILE)) != NULL) {
        return error_set(err,
                         "no descriptors are left to open journal %s: let "
                         "stompd have more (LimitNOFILE=, ulimit -n) (%s)",
                         disk->path, text);
    }
    if (strstr(text, "Corruption") != NULL ||
        strstr(text, "create_if_missing is false") != NULL ||
        strstr(text, strerror(ENOENT)) != NULL) {
        return error_set(err,
                         "journal %s is damaged: run \"stompctl store repair "
                         "%s\", which keeps what can be read, or bring a "
                         "backup back (%s)",
                         disk->path, disk->directory, text);
    }
    return error_set(err,
                     "cannot open journal %s: give this user the directory "
                     "and its files, or choose another directory (%s)",
                     disk->path, text);
}

void
ldb_disk_sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

static bool
disk_try_open(struct ldb_disk *disk, struct error *text)
{
    char *errptr = NULL;

    *text = ERROR_INIT;
    disk->db = ldb_hooks.open(disk->options, disk->path, &errptr);
    if (ldb_text_take(errptr, text)) {
        disk->db = NULL;
    }
    return disk->db != NULL;
}

int
ldb_disk_open(struct ldb_disk *disk, bool create, struct error *err)
{
    struct error text;

    leveldb_options_set_create_if_missing(disk->options, create);
    if (!disk_try_open(disk, &text) &&
        (strstr(text.text, "Corruption") == NULL || ldb_tail_cut(disk) != 0 ||
         !disk_try_open(disk, &text))) {
        return disk_open_error(disk, text.text, err);
    }
    disk->poisoned = false;
    disk->synced = true;
    disk->names_synced = (struct timespec){ .tv_sec = 0 };
    ldb_disk_sync_directory(disk->directory);
    return 0;
}

void
ldb_disk_close(struct ldb_disk *disk)
{
    if (disk->db != NULL) {
        ldb_compact_join(disk);
        leveldb_close(disk->db);
        disk->db = NULL;
    }
}

/* A compaction has met a damaged block. */
static void __attribute__((cold))
disk_damage_error(struct ldb_disk *disk, const char *text)
{
    disk->damaged = true;
    if (disk->hopeless) {
        (void)error_set(&disk->why,
                        "journal %s is damaged: stop stompd and run \"stompctl "
                        "store repair %s\", which keeps what can be read (%s)",
                        disk->path, disk->directory, text);
    } else {
        (void)error_set(&disk->why,
                        "journal %s has a damaged block: stompd reads all of "
                        "it, keeps what is good and goes on then (%s)",
                        disk->path, text);
    }
}

static void __attribute__((cold))
disk_write_error(struct ldb_disk *disk, const char *text)
{
    disk->why = ERROR_INIT;
    if (strstr(text, strerror(ENOSPC)) != NULL) {
        (void)error_set(&disk->why,
                        "disk of data directory %s is full: free some space, "
                        "stompd goes on by itself then (%s)",
                        disk->directory, text);
    } else if (strstr(text, "Corruption") != NULL) {
        disk_damage_error(disk, text);
    } else {
        (void)error_set(&disk->why,
                        "cannot write to data directory %s: stompd opens it "
                        "again and retries until it can (%s)",
                        disk->directory, text);
    }
}

void
ldb_disk_batch_begin(struct ldb_disk *disk)
{
    struct store_key key = store_key_synced();

    leveldb_writebatch_clear(disk->batch);
    if (disk->synced) {
        leveldb_writebatch_delete(disk->batch, key.bytes, key.len);
    }
}

int
ldb_disk_write(struct ldb_disk *disk, leveldb_writebatch_t *batch, bool sync,
               struct error *err)
{
    struct error text = ERROR_INIT;
    char *errptr = NULL;

    if (disk->poisoned) {
        return error_set(err, "%s", disk->why.text);
    }
    ldb_hooks.write(disk->db, sync ? disk->write_sync : disk->write_async,
                    batch, &errptr);
    if (!ldb_text_take(errptr, &text) &&
        (!sync || ldb_log_sync(disk, &text) == 0)) {
        disk->synced = sync;
        return 0;
    }
    disk->poisoned = true;
    disk_write_error(disk, text.text);
    return error_set(err, "%s", disk->why.text);
}

uint64_t
ldb_disk_free_bytes(const char *directory)
{
    struct statvfs st;

    if (statvfs(directory, &st) != 0) {
        return UINT64_MAX;
    }
    return (uint64_t)st.f_bavail * st.f_frsize;
}
