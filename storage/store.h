/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage contract: per queue a journal of records in the order of their
 * sequence numbers, cut at *journal + credit cursor*, so that an embedded
 * database, memory, and later a distributed engine can serve it.
 *
 * Threads: every function is called on the loop thread and returns at once,
 * but store_open and store_close, which block.  A completion never runs inside
 * the call that caused it: engines work elsewhere (or later), wake the loop
 * through options.wake, and the loop calls store_poll, which runs completions.
 *
 * Batches: all operations made between two calls of store_flush belong to one
 * batch, and a batch is committed as a whole or not at all.  So one turn of the
 * loop, a transaction, or a dead-letter move is atomic without further words.
 * A put whose delete comes before its batch was handed over is cancelled: never
 * written.  Source: design.md section 9; netstore.md 7 and 8.
 */
#pragma once
#include "base/destination_kind.h"
#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;       /* begins with its engine; the rest is the engine's */
struct store_queue; /* one queue's journal; opaque, freed with the store */
struct store_fetch; /* a read under way; opaque */

struct store_record {
    uint64_t seq;         /* from 1, per queue, never reused */
    bool persistent;      /* false: spilled only, dropped at the next start */
    uint8_t priority;     /* 0-9 */
    int64_t timestamp_ms; /* wall clock */
    int64_t expires_ms;   /* wall clock, 0 = never */
    struct span headers;  /* header lines as they go out (STOMP 1.2 escapes) */
    struct span body;
};

/* Where a record is; a plain value that the caller keeps beside its message. */
struct store_slot {
    uint64_t batch; /* 0 = not in the store */
    uint32_t index;
    uint32_t bytes : 31;  /* of headers and body; at most so many */
    uint32_t spilled : 1; /* the record is not persistent */
};
#define STORE_SLOT_NONE ((struct store_slot){ .batch = 0 })
/* A record of no bytes that came out of the store (fetch). */
#define STORE_SLOT_STORED ((struct store_slot){ .batch = 1 })

static inline struct store_slot
store_slot_of(uint64_t batch, uint32_t index, const struct store_record *record)
{
    uint64_t bytes = (uint64_t)record->headers.len + record->body.len;

    bytes = bytes < INT32_MAX ? bytes : INT32_MAX;
    return (struct store_slot){ .batch = batch,
                                .index = index,
                                .bytes = (uint32_t)bytes & INT32_MAX,
                                .spilled = !record->persistent };
}

/* Where a record is that came out of the store. */
static inline struct store_slot
store_slot_fetched(const struct store_record *record)
{
    return store_slot_of(STORE_SLOT_STORED.batch, 0, record);
}

/* Commit number.  0 is always committed. */
typedef uint64_t store_ticket;

enum store_result {
    STORE_ON_DISK,   /* fsynced */
    STORE_WRITTEN,   /* given to the operating system, fsync follows */
    STORE_IN_MEMORY, /* the engine keeps nothing over a restart */
    STORE_FAILED,    /* not stored; see store_health; retried by the engine */
};

/* Every batch up to and including ticket has come to an end.  Called in the
 * order of tickets; err is set when FAILED. */
typedef void store_committed_fn(void *ctx, store_ticket ticket,
                                enum store_result result,
                                const struct error *err);

/* Drops the hold on what the spans of a put borrowed from. */
typedef void store_release_fn(void *owner);

/* Asks the loop to call store_poll soon; runs on any thread. */
typedef void store_wake_fn(void *ctx);

/* Opening takes longer than a second: what it is doing, a sentence for the log,
 * once a second. */
typedef void store_progress_fn(void *ctx, const char *text);

/* The store has failed (err) or works again (err NULL): say so in the log. */
typedef void store_health_fn(void *ctx, const struct error *err);

/* Records that could not be read and have been set aside: so many, as far as
 * that can be told, with numbers from first_seq to last_seq. */
struct store_damage {
    enum destination_kind kind;
    struct span name; /* borrowed until the callback returns */
    uint64_t first_seq;
    uint64_t last_seq;
    size_t count;
};
typedef void store_damage_fn(void *ctx, const struct store_damage *damage);

/* What was found and mended, and the operator should know.  Called by
 * store_open and store_poll. */
typedef void store_note_fn(void *ctx, const struct error *note);

struct store_options {
    const char *directory;    /* made when missing (mode 0700) */
    int64_t sync_interval_us; /* un-synced writes are synced this often */
    int64_t flush_delay_us;   /* how long a batch that nobody waits for may
                                 be held for cancelling; 0 = not at all */
    size_t flush_bytes;       /* handed over at this size all the same */
    size_t congested_bytes;   /* store_is_congested from here on */
    uint64_t free_bytes_min;  /* refuse puts when the disk has less left */
    store_committed_fn *committed;
    store_release_fn *release;
    store_wake_fn *wake;
    store_health_fn *health;
    store_progress_fn *progress; /* may be NULL */
    store_damage_fn *damage; /* from store_poll, before fetched; may be NULL */
    store_note_fn *note;     /* may be NULL */
    void *ctx;               /* for all of them but release */
};
/* Every value but the callbacks at its default. */
extern const struct store_options store_options_default;

/* One journal found at start. */
struct store_queue_info {
    enum destination_kind kind;
    struct span name;   /* borrowed until the visitor returns */
    uint64_t first_seq; /* no record is below it; == next_seq if none is */
    uint64_t next_seq;  /* next to be given out; above all ever used */
    uint64_t count;     /* records that are there */
    uint64_t bytes;     /* their headers and bodies */
};
typedef void store_queue_found_fn(void *ctx, struct store_queue *queue,
                                  const struct store_queue_info *info);

/* One definition found at start; both spans are borrowed until it returns. */
typedef void store_definition_found_fn(void *ctx, struct span name,
                                       struct span value);

/* Records in the order of seq, borrowed until the callback returns.  next_seq:
 * where to go on.  at_end: nothing was left at or after next_seq when this was
 * read.  err set: the read failed, count is what came before.  skipped: records
 * in the range that were corrupt and have been set aside.  removed_bytes: the
 * headers and bodies of those of them that are no longer in the journal, which
 * is told once; the others are counted there yet. */
struct store_page {
    const struct store_record *records;
    size_t count;
    uint64_t next_seq;
    bool at_end;
    size_t skipped;
    size_t removed_bytes;
    const struct error *err;
};
typedef void store_fetched_fn(void *ctx, const struct store_page *page);

/* Where to read on, and how much at most: about max_bytes, one record always.
 */
struct store_credit {
    uint64_t from_seq;
    size_t max_count;
    size_t max_bytes;
};

struct store_stats {
    uint64_t puts, deletes, cancelled; /* operations so far */
    uint64_t batches, syncs, fetches;
    uint64_t bytes_written; /* payload of written batches */
    size_t pending_bytes;   /* not yet handed over, and in flight */
    uint64_t failures;
    uint64_t damaged; /* records that could not be read and were set aside */
};

enum store_capability {
    STORE_CAN_SURVIVE = 1 << 0, /* records outlive the process */
    STORE_CAN_PAGE = 1 << 1,    /* a put frees the caller's memory */
};

struct store_engine {
    const char *name;
    const char *doc;
    unsigned capabilities; /* enum store_capability */
    int (*open)(const struct store_options *options, struct store **store_out,
                struct error *err);
    void (*close)(struct store **store);
    void (*recover)(struct store *store, store_queue_found_fn *found,
                    void *ctx);
    struct store_queue *(*queue_open)(struct store *store,
                                      enum destination_kind kind,
                                      struct span name);
    void (*queue_remove)(struct store *store, struct store_queue **queue);
    struct store_slot (*put)(struct store *store, struct store_queue *queue,
                             const struct store_record *record, void *owner);
    void (*del)(struct store *store, struct store_queue *queue, uint64_t seq,
                struct store_slot slot);
    uint64_t (*trim)(struct store *store, struct store_queue *queue,
                     uint64_t below, uint64_t *bytes_out);
    void (*define)(struct store *store, struct span name, struct span value);
    void (*definitions)(struct store *store, struct span prefix,
                        store_definition_found_fn *found, void *ctx);
    store_ticket (*ticket)(struct store *store, bool sync);
    int64_t (*flush)(struct store *store, int64_t now_us);
    void (*poll)(struct store *store);
    struct store_fetch *(*fetch)(struct store *store, struct store_queue *queue,
                                 const struct store_credit *credit,
                                 store_fetched_fn *fetched, void *ctx);
    void (*fetch_cancel)(struct store *store, struct store_fetch *fetch);
    bool (*is_congested)(const struct store *store);
    const struct error *(*failure)(const struct store *store);
    void (*stats)(const struct store *store, struct store_stats *stats_out);
};

struct store {
    const struct store_engine *engine;
};

extern const struct store_engine store_memory;
extern const struct store_engine store_leveldb;
/* NULL-terminated. */
extern const struct store_engine *const store_engines[];

/*
 * Opens the store; blocks until what was there has been recovered.  Returns 0,
 * or -1 with an error that names the directory and what to do: not writable,
 * held by another process, made by another program or by a newer stompd,
 * damaged, disk full.  options is copied (directory too).
 */
static inline int
store_open(const struct store_engine *engine,
           const struct store_options *options, struct store **store_out,
           struct error *err)
{
    return engine->open(options, store_out, err);
}

/* Commits and syncs what is pending, runs no more completions, closes, frees
 * and sets *store to NULL.  Every owner still held is released.  Blocks. */
static inline void
store_close(struct store **store)
{
    if (*store != NULL) {
        (*store)->engine->close(store);
    }
}

/* Visits every journal that was there at the open, in the order of creation.
 * Call once, before any other use. */
static inline void
store_recover(struct store *store, store_queue_found_fn *found, void *ctx)
{
    store->engine->recover(store, found, ctx);
}

/* Finds or makes a journal.  Borrowed from the store.  Never NULL. */
static inline struct store_queue *
store_queue_open(struct store *store, enum destination_kind kind,
                 struct span name)
{
    return store->engine->queue_open(store, kind, name);
}

/* Removes the journal with all its records and sets *queue to NULL.  No fetch
 * of it may be under way. */
static inline void
store_queue_remove(struct store *store, struct store_queue **queue)
{
    store->engine->queue_remove(store, queue);
}

/*
 * Adds a record; record->seq must be above every earlier one of the journal.
 * The spans must stay until options.release(owner) is called (on the loop
 * thread, from store_poll, del or close); the caller has taken a hold on owner
 * for that.  Returns the slot to give to store_delete.
 */
static inline struct store_slot
store_put(struct store *store, struct store_queue *queue,
          const struct store_record *record, void *owner)
{
    return store->engine->put(store, queue, record, owner);
}

/* Removes a record that was put (slot from store_put) or fetched
 * (STORE_SLOT_STORED): acknowledged, moved, expired.  At most once. */
static inline void
store_delete(struct store *store, struct store_queue *queue, uint64_t seq,
             struct store_slot slot)
{
    store->engine->del(store, queue, seq, slot);
}

/*
 * Removes the oldest records, all of them below `below`, whoever still knows
 * their slots: some at a time, in steps of the engine's own, so call it again
 * later.  Returns the number below which no record is left now; *bytes_out is
 * what was removed, headers and bodies.  Where nothing at or above `below` was
 * ever put, the last call leaves the journal empty.
 */
static inline uint64_t
store_trim(struct store *store, struct store_queue *queue, uint64_t below,
           uint64_t *bytes_out)
{
    return store->engine->trim(store, queue, below, bytes_out);
}

/*
 * Keeps a small value under a name over restarts: what was defined (a durable
 * subscription, its place in a topic's journal, ...), beside the journals and
 * in the same batch as what is done to them.  The last value of a name counts;
 * SPAN_NONE ends the definition.  Copied.  Names are by convention
 * `kind/rest`, at most STORE_DEFINITION_NAME_MAX bytes, any octet.  An engine
 * without STORE_CAN_SURVIVE forgets it.
 */
enum { STORE_DEFINITION_NAME_MAX = 4096 };
static inline void
store_define(struct store *store, struct span name, struct span value)
{
    store->engine->define(store, name, value);
}

/* Visits the definitions that were there at the open and whose names begin with
 * prefix, in the order of their names; found may call store_define.  Before any
 * other use but store_recover; blocks. */
static inline void
store_definitions(struct store *store, struct span prefix,
                  store_definition_found_fn *found, void *ctx)
{
    store->engine->definitions(store, prefix, found, ctx);
}

/*
 * What to wait for so that every operation made so far is committed: the
 * number of the batch that is being filled, or of the last one under way, or 0
 * when there is none.  sync: that batch is to be fsynced and handed over at the
 * next flush; its result is then ON_DISK (or IN_MEMORY, or FAILED).
 */
static inline store_ticket
store_ticket_take(struct store *store, bool sync)
{
    return store->engine->ticket(store, sync);
}

/* End of a turn: hands the batch over if the engine is free and the batch is
 * due.  Returns when it wants to be called again at the latest (monotonic us),
 * INT64_MAX when it has nothing to do. */
static inline int64_t
store_flush(struct store *store, int64_t now_us)
{
    return store->engine->flush(store, now_us);
}

/* Runs the completions that are ready: committed, fetched, release, health.
 * They may call every function of this header but store_poll and store_close.
 */
static inline void
store_poll(struct store *store)
{
    store->engine->poll(store);
}

/*
 * Reads what the credit allows; fetched runs once from a later store_poll, with
 * what was put before this call and not deleted before it.  One fetch per queue
 * at a time.
 */
static inline struct store_fetch *
store_fetch_start(struct store *store, struct store_queue *queue,
                  const struct store_credit *credit, store_fetched_fn *fetched,
                  void *ctx)
{
    return store->engine->fetch(store, queue, credit, fetched, ctx);
}

/* Its callback will not run. */
static inline void
store_fetch_cancel(struct store *store, struct store_fetch *fetch)
{
    store->engine->fetch_cancel(store, fetch);
}

/* More is pending than is good: stop taking persistent messages for a while. */
static inline bool
store_is_congested(const struct store *store)
{
    return store->engine->is_congested(store);
}

/* NULL while all is well; else why puts would fail now.  While it is set, puts
 * are to be refused by the caller; deletes may go on and are kept. */
static inline const struct error *
store_failure(const struct store *store)
{
    return store->engine->failure(store);
}

static inline void
store_stats_get(const struct store *store, struct store_stats *stats_out)
{
    store->engine->stats(store, stats_out);
}
