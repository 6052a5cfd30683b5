/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ceilings of the configuration come to on this machine: parts of its
 * memory and of the disk of the data directory, and nothing beyond them.
 * Asked once, at start.
 */
#pragma once
#include "server/config.h"

struct ceilings {
    size_t memory;     /* limits.memory */
    size_t store;      /* storage.limit; 0 = none */
    size_t temp;       /* storage.tempLimit; 0 = none */
    uint64_t free_min; /* storage.minimumFreeSpace */
    uint64_t disk;     /* all of it; 0 = nobody knows */
};

/* directory need not be there yet: then its disk is that of its parent. */
struct ceilings ceilings_find(const struct config *config,
                              const char *directory);

/* Bytes of memory that this process may have: the machine's, or less where its
 * control group (version 2, under root, as a rule /sys/fs/cgroup) has a limit;
 * group_file is as /proc/self/cgroup. */
uint64_t ceilings_memory_total(const char *root, const char *group_file);
