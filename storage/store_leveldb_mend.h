/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A damaged block of a table, met by a compaction.  LevelDB gives that up and
 * refuses every write from then on, after each reopening anew; so the block
 * has to go.  Storage thread, and the open.
 */
#pragma once
#include "storage/store_leveldb_disk.h"

/*
 * Puts what is good of damaged blocks (by the records' own checksums) aside,
 * then takes these blocks out of their tables; the tables as they were are kept
 * in the directory's `damaged`, what is not good goes to the quarantine file.
 * Reads everything.  disk is closed afterwards, and ldb_mend_finish is due.
 * Returns 0 and in *note_out a sentence about it, or -1 with an error: there is
 * nothing that it could do.
 */
int ldb_mend(struct ldb_disk *disk, struct error *note_out, struct error *err);

/* To be called after each opening, before anything else is written: brings
 * back what was put aside, also by a process that has ended in between.
 * Returns 0, or -1 with an error: to be tried again. */
int ldb_mend_finish(struct ldb_disk *disk, struct error *err);
