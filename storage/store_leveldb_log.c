/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LevelDB's logs as files.  A write that it calls synced is on the disk only
 * if its log's name is, and what went before it only if an earlier log that
 * was left in between is: it syncs neither (netstore.md D9, D19).  Used by one
 * thread at a time, as the handle is.
 */
#include "storage/store_leveldb_disk.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A file that compaction takes away meanwhile needs no sync any more. */
static int
log_sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int status;

    if (fd < 0) {
        return errno == ENOENT ? 0 : -1;
    }
    status = fsync(fd);
    return close(fd) == 0 ? status : -1;
}

bool
ldb_log_is_log(const char *name)
{
    size_t len = strlen(name);

    return len > strlen(".log") &&
           strcmp(name + len - strlen(".log"), ".log") == 0;
}

/* Every log that is there, then their names. */
static int
log_sync_all(const char *directory)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    int status = 0;

    if (dir == NULL) {
        return -1;
    }
    while (status == 0 && (entry = readdir(dir)) != NULL) { /* NOLINT: ours */
        if (ldb_log_is_log(entry->d_name)) {
            char *path = xasprintf("%s/%s", directory, entry->d_name);

            status = log_sync_path(path);
            free(path);
        }
    }
    (void)closedir(dir);
    return status == 0 ? log_sync_path(directory) : -1;
}

static bool
log_is_before(struct timespec a, struct timespec b)
{
    return a.tv_sec < b.tv_sec ||
           (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

static bool
log_is_same(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

int
ldb_log_sync(struct ldb_disk *disk, struct error *err)
{
    struct timespec tick;
    struct stat st;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &tick);
    if (stat(disk->path, &st) == 0) {
        if (log_is_same(st.st_mtim, disk->names_synced)) {
            return 0;
        }
        if (log_sync_all(disk->path) == 0) {
            /* A name that comes in the tick of the last one changes nothing
             * that could be seen: then look again next time. */
            disk->names_synced = log_is_before(st.st_mtim, tick)
                                     ? st.st_mtim
                                     : (struct timespec){ .tv_sec = 0 };
            return 0;
        }
    }
    return error_set(err, "cannot sync the logs in %s: %s", disk->path,
                     strerror(errno));
}
