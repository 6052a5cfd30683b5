/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a new store through the contract, from whatever source: an export, or
 * what could be read of a damaged one.  Blocks; for tools.
 */
#pragma once
#include "storage/store.h"
#include "storage/store_record.h"

#include <stddef.h>
#include <stdint.h>

struct store_build;

/*
 * Opens a new store of that engine in directory, which is the engine's own:
 * nothing may be in it.  Returns 0, or -1 with an error.
 */
int store_build_open(const struct store_engine *engine, const char *directory,
                     struct store_build **build_out, struct error *err);

/* Makes a journal whose next number is next; *journal_out is what the others
 * know it by.  Each name of a kind once. */
int store_build_journal(struct store_build *build, enum destination_kind kind,
                        struct span name, uint64_t next, size_t *journal_out,
                        struct error *err);

/* Raises the next number. */
void store_build_next(struct store_build *build, size_t journal, uint64_t next);

/* Adds a record, numbers rising; copied. */
int store_build_record(struct store_build *build, size_t journal,
                       const struct store_record *record, struct error *err);

/* Copied. */
int store_build_definition(struct store_build *build, struct span name,
                           struct span value, struct error *err);

/* Borrowed until the finish, for tests: what was built, all of it committed.
 * NULL with an error. */
struct store *store_build_commit(struct store_build *build, struct error *err);

/* Writes and syncs what is left and closes.  Returns 0, or -1 with an error;
 * *build is freed and NULL in both cases. */
int store_build_finish(struct store_build **build, struct error *err);

/* Closes; what there is of it is not whole.  NULL is fine. */
void store_build_abandon(struct store_build **build);
