/* SPDX-License-Identifier: Apache-2.0 */
#include "server/ceilings.h"

#include "base/alloc.h"
#include "server/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The first line of a file, without its end; false when there is none. */
static bool
ceilings_read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool read = file != NULL && fgets(line, (int)size, file) != NULL;

    if (file != NULL) {
        (void)fclose(file);
    }
    if (read) {
        line[strcspn(line, "\n")] = '\0';
    }
    return read;
}

/* The limit of one group, or less; `max` is none. */
static uint64_t
ceilings_of_group(const char *root, const char *group, uint64_t total)
{
    char *path = xasprintf("%s%s/memory.max", root, group);
    char line[64];
    uint64_t limit;

    if (ceilings_read_line(path, line, sizeof(line)) &&
        span_to_u64(span_of_text(line), &limit) && limit < total) {
        total = limit;
    }
    free(path);
    return total;
}

uint64_t
ceilings_memory_total(const char *root, const char *group_file)
{
    uint64_t total =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    char line[4096];
    char *group = line + 3;
    char *slash;

    if (!ceilings_read_line(group_file, line, sizeof(line)) ||
        strncmp(line, "0::/", 4) != 0) {
        return total;
    }
    /* What a group may have, its parents limit too. */
    while ((slash = strrchr(group, '/')) != NULL) {
        total = ceilings_of_group(root, group, total);
        *slash = '\0';
    }
    return ceilings_of_group(root, "", total);
}

/* The size of the disk of path, or of the first parent that is there; 0 when
 * nobody knows. */
static uint64_t
ceilings_disk_total(const char *path)
{
    char *at = xstrdup(path);
    struct statvfs st;
    uint64_t total = 0;
    bool found;

    while (!(found = statvfs(at, &st) == 0) && strrchr(at, '/') != NULL &&
           at[1] != '\0') {
        char *slash = strrchr(at, '/');

        slash[slash == at ? 1 : 0] = '\0';
    }
    if (found || statvfs(".", &st) == 0) {
        total = (uint64_t)st.f_blocks * st.f_frsize;
    }
    free(at);
    return total;
}

static uint64_t
ceilings_of(const struct units_share *share, uint64_t whole)
{
    uint64_t bytes = units_share_of(share, whole);

    return whole > 0 && bytes > whole ? whole : bytes;
}

struct ceilings
ceilings_find(const struct config *config, const char *directory)
{
    uint64_t memory =
        ceilings_memory_total("/sys/fs/cgroup", "/proc/self/cgroup");
    uint64_t disk = ceilings_disk_total(directory);
    struct ceilings found = {
        .memory = (size_t)ceilings_of(&config->limits.memory, memory),
        .store = (size_t)ceilings_of(&config->storage.limit, disk),
        .temp = (size_t)ceilings_of(&config->storage.temp_limit, disk),
        .free_min = ceilings_of(&config->storage.free_space_min, disk),
        .disk = disk,
    };

    log_event(LOG_LEVEL_INFO, "broker", "limits",
              "memory=%zu store=%zu temp=%zu minimumFreeSpace=%" PRIu64,
              found.memory, found.store, found.temp, found.free_min);
    return found;
}
