/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_place.h"

#include "storage/store_leveldb.h"
#include "storage/store_stopped.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a store is open there. */
static bool
place_is_busy(const char *place)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char *path = xasprintf("%s/journal/LOCK", place);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool busy = false;

    free(path);
    if (fd >= 0) {
        busy = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
        (void)close(fd);
    }
    return busy;
}

int
store_place_empty(const char *directory, struct error *err)
{
    char *journal = xasprintf("%s/journal", directory);
    int status = ldb_directory_prepare(directory, err);

    if (status == 0 && access(journal, F_OK) == 0) {
        status = error_set(err,
                           "data directory %s has a store already: import into "
                           "an empty directory",
                           directory);
    }
    free(journal);
    return status;
}

static int
place_clear(const char *place, struct error *err)
{
    return place_is_busy(place)
               ? error_set(err, "another stompctl is at work in %s", place)
               : store_stopped_remove(place, err);
}

int
store_place_clear(const char *directory, const char *name, struct error *err)
{
    char *place = xasprintf("%s/%s", directory, name);
    int status = place_clear(place, err);

    free(place);
    return status;
}

char *
store_place_make(const char *directory, const char *name, struct error *err)
{
    char *place = xasprintf("%s/%s", directory, name);
    int status = place_clear(place, err);

    if (status == 0 && mkdir(place, 0700) != 0) {
        status = error_set(err, "cannot make %s: %s", place, strerror(errno));
    }
    if (status != 0) {
        free(place);
        return NULL;
    }
    return place;
}

/* The new journal takes the name aside first, then both change names in one
 * step: whenever this is cut off, none of them is lost and one is in place. */
static int
place_exchange(const char *made, const char *journal, const char *aside)
{
    if (rename(made, aside) != 0) {
        return -1;
    }
    if (renameat2(AT_FDCWD, aside, AT_FDCWD, journal, RENAME_EXCHANGE) == 0) {
        return 0;
    }
    if ((errno != EINVAL && errno != ENOSYS) || rename(aside, made) != 0) {
        return -1;
    }
    /* A file system that cannot.  Between the two, directory/NAME keeps brokers
     * from starting empty. */
    return rename(journal, aside) == 0 ? rename(made, journal) : -1;
}

int
store_place_move(const char *place, const char *directory, const char *aside,
                 struct error *err)
{
    char *made = xasprintf("%s/journal", place);
    char *journal = xasprintf("%s/journal", directory);
    int status = aside != NULL ? place_exchange(made, journal, aside)
                               : rename(made, journal);

    if (status != 0) {
        (void)error_set(err, "cannot move %s to %s: %s", made, journal,
                        strerror(errno));
    } else {
        ldb_disk_sync_directory(directory);
        status = store_stopped_remove(place, err);
    }
    free(journal);
    free(made);
    return status;
}

int
store_place_format(const char *place, const struct store_format *format,
                   struct error *err)
{
    struct store_key key = store_key_format();
    struct store_format closed = *format;
    struct ldb_disk disk;
    int status;

    ldb_disk_init(&disk, place);
    status = ldb_disk_open(&disk, true, err);
    if (status == 0) {
        closed.clean = true;
        store_format_encode(&closed, store_key_span(&key), &disk.scratch);
        leveldb_writebatch_put(disk.batch, key.bytes, key.len,
                               disk.scratch.data, disk.scratch.len);
        status = ldb_disk_write(&disk, disk.batch, true, err);
    }
    ldb_disk_fini(&disk);
    return status;
}
