/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of a broker that does not run, looked at without changing one
 * byte of it.
 *
 * LevelDB cannot open for reading only: it replays its log into a new table,
 * may compact, and deletes what it does not need.  So it is given a scratch
 * directory with a symbolic link to every file of the journal: it reads through
 * the links, and all that it makes, renames or deletes is there.  What cannot
 * be opened at all is repaired there (leveldb_repair_db), never in its place.
 *
 * Blocks; for tools.  Not to be used in a process that has the same store open:
 * closing the lock file would lose that one's lock.
 */
#pragma once
#include "base/error.h"
#include "storage/store_leveldb_disk.h"

#include <stdbool.h>
#include <stddef.h>

enum { STORE_STOPPED_NOTES = 20 };

struct store_stopped {
    char *directory;      /* the broker's data directory */
    char *scratch;        /* removed at the close */
    int lock;             /* holds back brokers; -1: there is no lock file */
    struct ldb_disk disk; /* of the scratch directory; disk.db is open */
    bool mended;          /* it could only be opened after a repair */
    struct error why;     /* mended: what LevelDB said before */
    char *notes[STORE_STOPPED_NOTES]; /* mended: what the repair said */
    size_t note_count;
};

enum store_stopped_lock {
    STORE_STOPPED_SHARED,    /* no broker may start, others may look */
    STORE_STOPPED_EXCLUSIVE, /* nobody else */
};

/*
 * Opens the journal of directory.  scratch is where to make the scratch
 * directory; NULL: $TMPDIR, else /var/tmp.  Returns 0 and *stopped_out, or -1
 * with an error that says what to do: a broker has it open, there is none, the
 * scratch space is full.
 */
int store_stopped_open(const char *directory, enum store_stopped_lock lock,
                       const char *scratch, struct store_stopped **stopped_out,
                       struct error *err);

/* Removes the scratch directory, gives the lock back, sets *stopped_in to
 * NULL. */
void store_stopped_close(struct store_stopped **stopped_in);

/* Removes path and all below it, links and not what they point to.  A path that
 * is not there is fine.  Returns 0, or -1 with an error. */
int store_stopped_remove(const char *path, struct error *err);
