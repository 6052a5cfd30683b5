/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store engine for tests of the core and of sessions: survives and pages in
 * what it says of itself, keeps copies in memory, and lets the test decide when
 * a batch has been committed, fails or is congested.  A core can be freed and
 * another one made on the same store: that is a restart.
 */
#pragma once
#include "storage/store.h"

extern const struct store_engine fake_store_engine;

/* One operation, in the order made; the log is never cut. */
struct fake_store_op {
    store_ticket batch;
    bool is_put;
    bool persistent; /* a put's */
    uint64_t seq;
    char queue[64];
};

/* Batches that are flushed stay under way until fake_store_end. */
void fake_store_hold(struct store *store, bool hold);

/* Lets the oldest batch under way end at the next poll; err NULL: on disk.
 * False when none is under way. */
bool fake_store_end(struct store *store, const char *err);

/* Fetches wait while held. */
void fake_store_hold_fetches(struct store *store, bool hold);

/* The next fetches fail with no record. */
void fake_store_fail_fetches(struct store *store, bool fail);

/* The record of that body is damaged: fetches pass over it.  set_aside: the
 * first that does takes it out; else it is there again at each restart. */
void fake_store_damage(struct store *store, const char *body, bool set_aside);

void fake_store_set_congested(struct store *store, bool congested);

/* NULL: works again. */
void fake_store_set_failure(struct store *store, const char *text);

const struct fake_store_op *fake_store_ops(const struct store *store,
                                           size_t *count_out);

/* Calls fn for each record that is there; queue: its journal's name. */
typedef void fake_store_record_fn(void *ctx, struct span queue,
                                  const struct store_record *record);
void fake_store_each(const struct store *store, fake_store_record_fn *fn,
                     void *ctx);

/* Records that are there, in all journals. */
size_t fake_store_count(const struct store *store);

/* Their headers and bodies: of those that are persistent, or that are not.
 * What a fetch has passed over is none of them. */
size_t fake_store_bytes(const struct store *store, bool persistent);
