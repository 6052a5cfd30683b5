/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a log after a power cut.  Of what was not synced, any part may be
 * there, with zeros between: LevelDB then refuses the whole journal, and a
 * broker that stays down is no answer to a power cut.  So the log is cut where
 * the damage begins, but only if nothing that was promised can be behind it.
 *
 * What tells is store_key_synced, which is never there: the first batch after
 * a sync begins with its deletion (ldb_disk_batch_begin).  Where that follows
 * damage, what is damaged had been on the disk: then the disk has failed, and
 * the refusal stands.
 * Source: LevelDB, doc/log_format.md; the batch's layout, db/write_batch.cc.
 */
#include "storage/store_leveldb_disk.h"

#include "base/alloc.h"
#include "storage/crc32c.h"
#include "storage/store_quarantine.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TAIL_BLOCK = 32768,
    TAIL_HEADER = 7, /* crc:4 length:2 type:1, little-endian */
    TAIL_BATCH_HEADER = 12,
    TAIL_DELETION = 0,
};

enum tail_type { TAIL_FULL = 1, TAIL_FIRST, TAIL_MIDDLE, TAIL_LAST };

enum tail_step { TAIL_END, TAIL_RECORD, TAIL_BAD };

struct tail_record {
    uint8_t type;
    struct span payload;
};

#define TAIL_INTACT SIZE_MAX

/* One log: where its damage begins, at the end of a whole batch. */
struct tail_log {
    char *path;
    struct span bytes; /* mapped */
    size_t damage;     /* or TAIL_INTACT */
};

/* ---------------------------------------------------------------- scan -- */

static bool
tail_crc_is_right(const uint8_t *header, size_t len)
{
    uint32_t stored = (uint32_t)header[0] | (uint32_t)header[1] << 8 |
                      (uint32_t)header[2] << 16 | (uint32_t)header[3] << 24;
    uint32_t crc = crc32c(0, header + TAIL_HEADER - 1, len + 1);

    return stored == ((crc >> 15 | crc << 17) + 0xa282ead8u);
}

/* The piece at *at, which moves behind it; behind a bad one to where the next
 * may begin. */
static enum tail_step
tail_next(struct span log, size_t *at, struct tail_record *record_out)
{
    size_t left = TAIL_BLOCK - *at % TAIL_BLOCK;
    const uint8_t *header;
    size_t len;

    if (left < TAIL_HEADER) {
        *at += left;
        left = TAIL_BLOCK;
    }
    if (*at + TAIL_HEADER > log.len) {
        return TAIL_END;
    }
    header = (const uint8_t *)log.data + *at;
    len = (size_t)header[4] | (size_t)header[5] << 8;
    record_out->type = header[6];
    record_out->payload = span_of(log.data + *at + TAIL_HEADER, len);
    if (len > left - TAIL_HEADER || header[6] < TAIL_FULL ||
        header[6] > TAIL_LAST) {
        *at += left;
        return TAIL_BAD;
    }
    if (*at + TAIL_HEADER + len > log.len) {
        return TAIL_END; /* LevelDB takes that for what it is */
    }
    *at += TAIL_HEADER + len;
    return tail_crc_is_right(header, len) ? TAIL_RECORD : TAIL_BAD;
}

/* Whether this says that all before it was synced. */
static bool
tail_vouches(const struct tail_record *record)
{
    struct store_key key = store_key_synced();
    struct span payload = record->payload;

    if ((record->type != TAIL_FULL && record->type != TAIL_FIRST) ||
        payload.len < (size_t)TAIL_BATCH_HEADER + 2 + key.len) {
        return false;
    }
    return payload.data[TAIL_BATCH_HEADER] == TAIL_DELETION &&
           payload.data[TAIL_BATCH_HEADER + 1] == (char)key.len &&
           memcmp(payload.data + TAIL_BATCH_HEADER + 2, key.bytes, key.len) ==
               0;
}

/* Finds log's damage.  Returns whether something behind damage (damaged: that
 * of an earlier log) vouches for what was there. */
static bool
tail_scan(struct tail_log *log, bool damaged)
{
    struct tail_record record;
    size_t at = 0;
    size_t whole = 0; /* end of the last whole batch */
    bool inside = false;
    enum tail_step step;

    log->damage = TAIL_INTACT;
    while ((step = tail_next(log->bytes, &at, &record)) != TAIL_END) {
        bool begins = step == TAIL_RECORD && record.type <= TAIL_FIRST;

        if (log->damage == TAIL_INTACT &&
            (step == TAIL_BAD || begins == inside)) {
            log->damage = whole;
            damaged = true;
        }
        if (step == TAIL_BAD) {
            continue;
        }
        if (damaged && tail_vouches(&record)) {
            return true;
        }
        inside = record.type == TAIL_FIRST || record.type == TAIL_MIDDLE;
        if (!inside) {
            whole = at;
        }
    }
    return false;
}

/* ----------------------------------------------------------------- cut -- */

/* An empty log stays SPAN_NONE. */
static int
tail_map(struct tail_log *log)
{
    int fd = open(log->path, O_RDONLY | O_CLOEXEC);
    void *bytes = MAP_FAILED;
    struct stat st;
    bool empty;

    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &st) != 0) {
        (void)close(fd);
        return -1;
    }
    empty = st.st_size == 0;
    if (!empty) {
        bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    (void)close(fd);
    if (bytes != MAP_FAILED) {
        log->bytes = span_of(bytes, (size_t)st.st_size);
    }
    return bytes != MAP_FAILED || empty ? 0 : -1;
}

/* First the copy, then the cut: a second power cut finds one of them. */
static int
tail_cut(const struct ldb_disk *disk, const struct tail_log *log)
{
    struct span rest =
        span_of(log->bytes.data + log->damage, log->bytes.len - log->damage);
    int fd;
    int status;

    if (!store_quarantine_add(disk->quarantine, 0, log->damage, rest)) {
        return -1;
    }
    fd = open(log->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    status = ftruncate(fd, (off_t)log->damage) == 0 ? fsync(fd) : -1;
    return close(fd) == 0 ? status : -1;
}

static int
tail_cut_all(struct ldb_disk *disk, struct tail_log *logs, size_t count)
{
    size_t bytes = 0;
    bool vouched = false;

    for (size_t i = 0; i < count; i++) {
        if (tail_map(&logs[i]) != 0) {
            return -1;
        }
        vouched = tail_scan(&logs[i], bytes > 0) || vouched;
        if (logs[i].damage != TAIL_INTACT) {
            bytes += logs[i].bytes.len - logs[i].damage;
        }
    }
    if (vouched || bytes == 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (logs[i].damage != TAIL_INTACT && tail_cut(disk, &logs[i]) != 0) {
            return -1;
        }
    }
    disk->note = ERROR_INIT;
    (void)error_set(&disk->note,
                    "the last %zu bytes of journal %s were not synced yet when "
                    "the power failed, and are damaged: set aside in %s, no "
                    "receipt stood on them",
                    bytes, disk->path, disk->quarantine);
    return 0;
}

static int
tail_is_log(const struct dirent *entry)
{
    return ldb_log_is_log(entry->d_name) ? 1 : 0;
}

int
ldb_tail_cut(struct ldb_disk *disk)
{
    struct dirent **entries;
    int count = scandir(disk->path, &entries, tail_is_log, versionsort);
    struct tail_log *logs;
    int status;

    if (count < 0) {
        return -1;
    }
    logs = xcalloc((size_t)count + 1, sizeof(*logs));
    for (int i = 0; i < count; i++) {
        logs[i].path = xasprintf("%s/%s", disk->path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    status = tail_cut_all(disk, logs, (size_t)count);
    for (int i = 0; i < count; i++) {
        if (logs[i].bytes.len > 0) {
            (void)munmap((void *)(uintptr_t)logs[i].bytes.data,
                         logs[i].bytes.len);
        }
        free(logs[i].path);
    }
    free(logs);
    return status;
}
