/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_quarantine.h"

#include "storage/store_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static bool
quarantine_write(int fd, const void *data, size_t len)
{
    const char *from = data;

    while (len > 0) {
        ssize_t written = write(fd, from, len);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        from += written;
        len -= (size_t)written;
    }
    return true;
}

bool
store_quarantine_add(const char *path, uint32_t journal, uint64_t seq,
                     struct span value)
{
    char line[96];
    int len = snprintf(line, sizeof(line), "journal=%u seq=%llu bytes=%zu\n",
                       journal, (unsigned long long)seq, value.len);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool ok;

    if (fd < 0) {
        return false;
    }
    ok = quarantine_write(fd, line, (size_t)len) &&
         quarantine_write(fd, value.data, value.len) &&
         quarantine_write(fd, "\n", 1) && fdatasync(fd) == 0;
    return close(fd) == 0 && ok;
}

int
store_quarantine_entry(const char *path, struct span key, struct span value,
                       struct error *err)
{
    uint32_t journal = 0;
    uint64_t seq = 0;

    (void)store_key_record_parse(key, &journal, &seq);
    return store_quarantine_add(path, journal, seq, value)
               ? 0
               : error_set(err, "cannot write to %s", path);
}
