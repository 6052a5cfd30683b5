/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_stopped.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STOPPED_FTW_FDS = 16 };

/* --------------------------------------------------------------- lock -- */

static int
stopped_lock_refused(const struct store_stopped *stopped, struct flock held,
                     struct error *err)
{
    char who[32] = "another process";

    held.l_type = F_WRLCK;
    if (fcntl(stopped->lock, F_GETLK, &held) == 0 && held.l_type != F_UNLCK &&
        held.l_pid > 0) {
        (void)snprintf(who, sizeof(who), "process %d", (int)held.l_pid);
    }
    return error_set(err,
                     "data directory %s is in use by %s: stop that stompd (or "
                     "stompctl) first; this works on a stopped store only",
                     stopped->directory, who);
}

/* LevelDB's own lock, so that it holds back brokers and is held back by them.
 * Nothing is written: a shared lock needs to read only. */
static int
stopped_lock(struct store_stopped *stopped, enum store_stopped_lock lock,
             struct error *err)
{
    bool exclusive = lock == STORE_STOPPED_EXCLUSIVE;
    struct flock wanted = { .l_type = exclusive ? F_WRLCK : F_RDLCK,
                            .l_whence = SEEK_SET };
    char *path = xasprintf("%s/journal/LOCK", stopped->directory);

    stopped->lock = open(path, (exclusive ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    free(path);
    if (stopped->lock < 0) {
        return errno == ENOENT
                   ? 0 /* a copy without it: nobody has that open */
                   : error_set(err,
                               "cannot open %s/journal/LOCK: %s; run this as "
                               "the user that stompd runs as",
                               stopped->directory, strerror(errno));
    }
    if (fcntl(stopped->lock, F_SETLK, &wanted) == 0) {
        return 0;
    }
    if (errno == EACCES || errno == EAGAIN) {
        return stopped_lock_refused(stopped, wanted, err);
    }
    return error_set(err, "cannot lock %s/journal/LOCK: %s", stopped->directory,
                     strerror(errno));
}

/* -------------------------------------------------------------- links -- */

/* LOCK and LOG are LevelDB's to make anew. */
static bool
stopped_is_data(const char *name)
{
    const char *dot = strrchr(name, '.');

    return strncmp(name, "MANIFEST-", strlen("MANIFEST-")) == 0 ||
           strcmp(name, "CURRENT") == 0 ||
           (dot != NULL &&
            (strcmp(dot, ".ldb") == 0 || strcmp(dot, ".sst") == 0 ||
             strcmp(dot, ".log") == 0));
}

static int
stopped_link(const struct store_stopped *stopped, const char *from,
             const char *name, struct error *err)
{
    char *target = xasprintf("%s/%s", from, name);
    char *link = xasprintf("%s/%s", stopped->disk.path, name);
    int status = symlink(target, link);

    if (status != 0) {
        (void)error_set(err, "cannot make %s: %s", link, strerror(errno));
    }
    free(link);
    free(target);
    return status;
}

static int
stopped_link_all(const struct store_stopped *stopped, struct error *err)
{
    char *path = xasprintf("%s/journal", stopped->directory);
    char *from = realpath(path, NULL);
    DIR *dir = from != NULL ? opendir(from) : NULL;
    const struct dirent *entry;
    int status = 0;

    if (dir == NULL) {
        status = error_set(err,
                           "cannot read %s: %s; name the data directory of a "
                           "stompd (its option -d)",
                           path, strerror(errno));
    } else {
        while (status == 0 && (entry = readdir(dir)) != NULL) { /* NOLINT */
            if (stopped_is_data(entry->d_name)) {
                status = stopped_link(stopped, from, entry->d_name, err);
            }
        }
        (void)closedir(dir);
    }
    free(from);
    free(path);
    return status;
}

/* ------------------------------------------------------------- repair -- */

/* How much LevelDB could have to write again. */
static uint64_t
stopped_bytes(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    uint64_t bytes = 0;
    struct stat st;

    while (dir != NULL && (entry = readdir(dir)) != NULL) { /* NOLINT */
        if (stopped_is_data(entry->d_name) &&
            fstatat(dirfd(dir), entry->d_name, &st, 0) == 0) {
            bytes += (uint64_t)st.st_size;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return bytes;
}

/* What the repair left out, by LevelDB's own log. */
static void
stopped_take_notes(struct store_stopped *stopped)
{
    char *path = xasprintf("%s/LOG", stopped->disk.path);
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;

    while (file != NULL && stopped->note_count < STORE_STOPPED_NOTES &&
           getline(&line, &size, file) > 0) {
        /* "2026/11/22-01:20:00.123456 140737 Log #7: dropping 9 bytes; ..." */
        const char *text = strchr(line, ' ');

        text = text != NULL ? strchr(text + 1, ' ') : NULL;
        if (text != NULL && (strstr(text, "dropping") != NULL ||
                             strstr(text, "Corruption") != NULL ||
                             strstr(text, "IO error") != NULL)) {
            stopped->notes[stopped->note_count++] =
                xstrndup(text + 1, strcspn(text + 1, "\n"));
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    free(line);
    free(path);
}

/* A repair on a full disk says that all is well and loses everything
 * (netstore.md 8.4): there must be room before. */
static int
stopped_mend(struct store_stopped *stopped, struct error *err)
{
    uint64_t needed = stopped_bytes(stopped->disk.path);
    uint64_t free_bytes = ldb_disk_free_bytes(stopped->scratch);
    char *errptr = NULL;

    if (free_bytes < needed) {
        return error_set(err,
                         "the journal of %s cannot be opened (%s), and to "
                         "repair a copy of it takes %llu MB in %s, which has "
                         "%llu: choose another place with TMPDIR=...",
                         stopped->directory, stopped->why.text,
                         (unsigned long long)(needed >> 20), stopped->scratch,
                         (unsigned long long)(free_bytes >> 20));
    }
    /* Blocks with a wrong checksum are kept here: the scan takes out of them
     * what is good by our own. */
    leveldb_options_set_paranoid_checks(stopped->disk.options, 0);
    leveldb_repair_db(stopped->disk.options, stopped->disk.path, &errptr);
    stopped->mended = true;
    if (ldb_text_take(errptr, err)) {
        return -1;
    }
    stopped_take_notes(stopped);
    return 0;
}

/* --------------------------------------------------------------- open -- */

static int
stopped_make_scratch(struct store_stopped *stopped, const char *parent,
                     struct error *err)
{
    const char *tmp = getenv("TMPDIR");

    if (parent == NULL) {
        parent = tmp != NULL && tmp[0] != '\0' ? tmp : "/var/tmp";
    }
    stopped->scratch = xasprintf("%s/stompctl-store-XXXXXX", parent);
    if (mkdtemp(stopped->scratch) == NULL) {
        (void)error_set(err,
                        "cannot make a scratch directory in %s: %s; choose "
                        "another place with TMPDIR=...",
                        parent, strerror(errno));
        free(stopped->scratch);
        stopped->scratch = NULL;
        return -1;
    }
    return 0;
}

static bool
stopped_open_db(struct store_stopped *stopped, struct error *err_out)
{
    char *errptr = NULL;

    stopped->disk.db =
        leveldb_open(stopped->disk.options, stopped->disk.path, &errptr);
    if (ldb_text_take(errptr, err_out)) {
        stopped->disk.db = NULL;
    }
    return stopped->disk.db != NULL;
}

static int
stopped_open_links(struct store_stopped *stopped, struct error *err)
{
    struct error text = ERROR_INIT;

    if (mkdir(stopped->disk.path, 0700) != 0) {
        return error_set(err, "cannot make %s: %s", stopped->disk.path,
                         strerror(errno));
    }
    if (stopped_link_all(stopped, err) != 0) {
        return -1;
    }
    if (stopped_open_db(stopped, &stopped->why)) {
        return 0;
    }
    if (strstr(stopped->why.text, strerror(ENOSPC)) != NULL) {
        return error_set(err,
                         "no space in %s to replay the journal's log: choose "
                         "another place with TMPDIR=... (%s)",
                         stopped->scratch, stopped->why.text);
    }
    if (stopped_mend(stopped, err) != 0) {
        return -1;
    }
    return stopped_open_db(stopped, &text)
               ? 0
               : error_set(err, "the journal of %s cannot be read: %s; %s",
                           stopped->directory, stopped->why.text, text.text);
}

int
store_stopped_open(const char *directory, enum store_stopped_lock lock,
                   const char *scratch, struct store_stopped **stopped_out,
                   struct error *err)
{
    struct store_stopped *stopped = xcalloc(1, sizeof(*stopped));

    stopped->directory = xstrdup(directory);
    stopped->lock = -1;
    if (stopped_lock(stopped, lock, err) != 0 ||
        stopped_make_scratch(stopped, scratch, err) != 0) {
        store_stopped_close(&stopped);
        return -1;
    }
    ldb_disk_init(&stopped->disk, stopped->scratch);
    if (stopped_open_links(stopped, err) != 0) {
        store_stopped_close(&stopped);
        return -1;
    }
    *stopped_out = stopped;
    return 0;
}

static int
stopped_on_remove(const char *path, const struct stat *st, int type,
                  struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int
store_stopped_remove(const char *path, struct error *err)
{
    if (nftw(path, stopped_on_remove, STOPPED_FTW_FDS, FTW_DEPTH | FTW_PHYS) ==
            0 ||
        errno == ENOENT) {
        return 0;
    }
    return error_set(err, "cannot remove %s: %s", path, strerror(errno));
}

void
store_stopped_close(struct store_stopped **stopped_in)
{
    struct store_stopped *stopped = *stopped_in;

    if (stopped->scratch != NULL) {
        ldb_disk_fini(&stopped->disk);
        (void)store_stopped_remove(stopped->scratch, NULL);
    }
    if (stopped->lock >= 0) {
        (void)close(stopped->lock);
    }
    for (size_t i = 0; i < stopped->note_count; i++) {
        free(stopped->notes[i]);
    }
    free(stopped->scratch);
    free(stopped->directory);
    free(stopped);
    *stopped_in = NULL;
}
