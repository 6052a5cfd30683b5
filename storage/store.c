/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engines share: the list of them and the default options.
 */
#include "storage/store.h"

const struct store_options store_options_default = {
    .directory = NULL,
    .sync_interval_us = 1000000,
    /* Long enough for a fast consumer's ACK, too short to be noticed: nobody
     * waits for such a batch (netstore.md 7.2). */
    .flush_delay_us = 2000,
    .flush_bytes = (size_t)1 << 20,
    .congested_bytes = (size_t)32 << 20,
    /* Three write buffers of LevelDB and some air: recovering a full log must
     * still be possible (netstore.md 8.4). */
    .free_bytes_min = (uint64_t)256 << 20,
};

const struct store_engine *const store_engines[] = {
    &store_leveldb,
    &store_memory,
    NULL,
};
