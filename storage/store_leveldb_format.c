/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose directory this is: only an empty one, or one with a journal of ours,
 * is taken.  Runs on the loop thread, at the open and the close.
 */
#include "storage/store_leveldb.h"
#include "storage/store_place.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---------------------------------------------------------- directory -- */

/* Makes path and what is missing above it. */
static int
format_make_directory(const char *path, struct error *err)
{
    char *partial = xstrdup(path);
    int status = 0;

    for (char *at = partial + 1; status == 0 && *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            if (mkdir(partial, 0700) != 0 && errno != EEXIST) {
                status = -1;
            }
            *at = '/';
        }
    }
    if (status == 0 && mkdir(path, 0700) != 0 && errno != EEXIST) {
        status = -1;
    }
    if (status != 0) {
        (void)error_set(err,
                        "cannot make data directory %s: %s; choose a place "
                        "that this user may write to",
                        path, strerror(errno));
    }
    free(partial);
    return status;
}

/* What may lie in a data directory before its first use: other parts of the
 * same broker, sockets among them, and what a file system puts there. */
static bool
format_entry_is_fine(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") == 0 ||
           strcmp(entry->d_name, "..") == 0 ||
           strcmp(entry->d_name, "lost+found") == 0 ||
           strcmp(entry->d_name, "quarantine") == 0 ||
           strcmp(entry->d_name, STORE_PLACE_IMPORTING) == 0 ||
           strcmp(entry->d_name, STORE_PLACE_REPAIRING) == 0 ||
           strncmp(entry->d_name, "stompd", strlen("stompd")) == 0 ||
           entry->d_type == DT_SOCK;
}

/* Whether path may be or become ours. */
static int
format_look(const char *path, struct error *err)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    char foreign[256] = "";
    bool journal = false;

    if (dir == NULL) {
        return error_set(err,
                         "cannot read data directory %s: %s; choose a "
                         "directory that this user owns",
                         path, strerror(errno));
    }
    while ((entry = readdir(dir)) != NULL) { /* NOLINT: nobody else reads it */
        if (strcmp(entry->d_name, "journal") == 0) {
            journal = true;
        } else if (!format_entry_is_fine(entry)) {
            (void)span_escape(span_of_text(entry->d_name), foreign,
                              sizeof(foreign));
        }
    }
    (void)closedir(dir);
    if (!journal && foreign[0] != '\0') {
        return error_set(err,
                         "data directory %s holds files of another program "
                         "(%s): choose an empty directory",
                         path, foreign);
    }
    return 0;
}

int
ldb_directory_prepare(const char *path, struct error *err)
{
    return format_make_directory(path, err) == 0 ? format_look(path, err) : -1;
}

static bool
format_has(const char *path, const char *name)
{
    char *entry = xasprintf("%s/%s", path, name);
    bool found = access(entry, F_OK) == 0;

    free(entry);
    return found;
}

int
ldb_directory_open(const char *path, struct error *err)
{
    if (ldb_directory_prepare(path, err) != 0) {
        return -1;
    }
    if (format_has(path, STORE_PLACE_IMPORTING)) {
        return error_set(err,
                         "an import into data directory %s was not finished: "
                         "run \"stompctl store import %s\" again, or remove "
                         "%s/" STORE_PLACE_IMPORTING " to go on without",
                         path, path, path);
    }
    if (format_has(path, STORE_PLACE_REPAIRING)) {
        return error_set(err,
                         "a repair of data directory %s was not finished: run "
                         "\"stompctl store repair %s\" again",
                         path, path);
    }
    return 0;
}

bool
ldb_journal_is_new(const struct ldb_disk *disk)
{
    DIR *dir = opendir(disk->path);
    const struct dirent *entry;
    bool found = false;

    while (dir != NULL && (entry = readdir(dir)) != NULL) { /* NOLINT */
        const char *dot = strrchr(entry->d_name, '.');

        found = found || strcmp(entry->d_name, "CURRENT") == 0 ||
                (dot != NULL &&
                 (strcmp(dot, ".ldb") == 0 || strcmp(dot, ".sst") == 0 ||
                  strcmp(dot, ".log") == 0));
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return !found;
}

/* ------------------------------------------------------------- format -- */

static int
format_put(struct ldb_disk *disk, struct store_key key, struct error *err)
{
    ldb_disk_batch_begin(disk);
    leveldb_writebatch_put(disk->batch, key.bytes, key.len, disk->scratch.data,
                           disk->scratch.len);
    return ldb_disk_write(disk, disk->batch, true, err);
}

int
ldb_format_write(struct ldb_store *ldb, bool clean, struct error *err)
{
    struct store_key key = store_key_format();

    ldb->format.clean = clean;
    buf_clear(&ldb->disk.scratch);
    store_format_encode(&ldb->format, store_key_span(&key), &ldb->disk.scratch);
    return format_put(&ldb->disk, key, err);
}

/* A new store is found after a power cut only if every directory on the way to
 * it is, whoever made that; one that we may not open was there before. */
static void
format_sync_parents(const char *directory)
{
    char *path = realpath(directory, NULL);
    char *slash = path != NULL ? strrchr(path, '/') : NULL;

    while (slash != NULL && slash != path) {
        *slash = '\0';
        ldb_disk_sync_directory(path);
        slash = strrchr(path, '/');
    }
    ldb_disk_sync_directory("/");
    free(path);
}

static int
format_new(struct ldb_store *ldb, struct error *err)
{
    struct store_format *format = &ldb->format;

    format_sync_parents(ldb->disk.directory);
    if (getrandom(format->uuid, sizeof(format->uuid), 0) !=
        (ssize_t)sizeof(format->uuid)) {
        return error_set(err, "no random bytes for the id of %s",
                         ldb->disk.directory);
    }
    /* RFC 4122, version 4. */
    format->uuid[6] = (uint8_t)((format->uuid[6] & 0x0fu) | 0x40u);
    format->uuid[8] = (uint8_t)((format->uuid[8] & 0x3fu) | 0x80u);
    format->created_ms = clock_wall_ms();
    return 0;
}

int __attribute__((cold))
ldb_refuse(const struct ldb_store *ldb, enum store_decode decode,
           const char *what, struct error *err)
{
    if (decode == STORE_DECODE_NEWER) {
        return error_set(err,
                         "journal %s was written by a newer stompd (%s): run "
                         "that version, or choose another directory",
                         ldb->disk.path, what);
    }
    return error_set(err,
                     "journal %s is damaged (%s): run \"stompctl store repair "
                     "%s\", which keeps what can be read, or bring a backup "
                     "back",
                     ldb->disk.path, what, ldb->disk.directory);
}

/* The database has no format record: made just now, or by somebody else. */
static int
format_missing(struct ldb_store *ldb, struct error *err)
{
    leveldb_iterator_t *iter =
        leveldb_create_iterator(ldb->disk.db, ldb->disk.read_checked);
    bool empty;

    leveldb_iter_seek_to_first(iter);
    empty = !leveldb_iter_valid(iter);
    leveldb_iter_destroy(iter);
    if (!empty) {
        return error_set(err,
                         "journal %s is a LevelDB database of another "
                         "program: choose another data directory",
                         ldb->disk.path);
    }
    return format_new(ldb, err);
}

int
ldb_format_open(struct ldb_store *ldb, struct error *err)
{
    struct store_key key = store_key_format();
    struct error text = ERROR_INIT;
    char *errptr = NULL;
    enum store_decode decode;
    size_t len = 0;
    char *value = leveldb_get(ldb->disk.db, ldb->disk.read_checked, key.bytes,
                              key.len, &len, &errptr);

    if (ldb_text_take(errptr, &text)) {
        return ldb_refuse(ldb, STORE_DECODE_CORRUPT, text.text, err);
    }
    if (value == NULL) {
        if (format_missing(ldb, err) != 0) {
            return -1;
        }
    } else {
        decode = store_format_decode(store_key_span(&key), span_of(value, len),
                                     &ldb->format);
        leveldb_free(value);
        if (decode != STORE_DECODE_OK) {
            return ldb_refuse(ldb, decode, "format record", err);
        }
    }
    ldb->format.epoch++;
    return ldb_format_write(ldb, false, err);
}
