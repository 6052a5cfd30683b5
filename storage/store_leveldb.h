/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the LevelDB engine; included by store_leveldb*.c and its tests only.
 *
 *   store_leveldb.c         the loop side: journals, operations, tickets
 *   store_leveldb_turn.c    the loop side: handing over, completions
 *   store_leveldb_writer.c  the storage thread: commits and their failures
 *   store_leveldb_reader.c  fetches, on the storage thread
 *   store_leveldb_space.c   purging and compacting, storage thread and helper
 *   store_leveldb_open.c    opening, recovering, closing
 *   store_leveldb_count.c   what is there at the open
 *   store_leveldb_defined.c reading the definitions
 *   store_leveldb_mend.c    damaged blocks go (store_leveldb_mend.h)
 *   store_leveldb_child.c   reading what may end a process
 *   store_leveldb_log.c     what a synced write leaves to be synced
 *   store_leveldb_tail.c    the end of a log after a power cut
 *   store_leveldb_format.c  whose directory this is
 *   store_leveldb_disk.c    LevelDB's handle (store_leveldb_disk.h)
 *
 * Threads: the loop fills one batch of operations while the storage thread
 * owns a job with another.  struct ldb_job goes over at `handed` and comes
 * back at `done`, both under the lock; the report in between too.  Nothing
 * else is shared, but what never changes after the open.
 */
#pragma once
#include "base/buf.h"
#include "base/hash.h"
#include "storage/store.h"
#include "storage/store_head.h"
#include "storage/store_leveldb_disk.h"
#include "storage/store_record.h"

#include <assert.h>
#include <pthread.h>

/* Numbers are reserved on disk in blocks of this many, half a block ahead. */
enum { LDB_RESERVE = 1000000 };
/* Blocks of the head that one store_trim takes out. */
enum { LDB_TRIM_BLOCKS = 64 };
/* The head is written after so many tombstones (netstore.md, D1). */
enum { LDB_HEAD_ADVANCE = 1024 };
/* Added to a record's size in what ldb_hooks.uncounted_max bounds: many small
 * ones take time, too. */
enum { LDB_UNCOUNTED_RECORD = 256 };
/* Journals counted in one batch at most: nobody is to wait long for it. */
enum { LDB_COUNT_STEP = 256 };
/* The first batch number of a slot: 0 is none, 1 is STORE_SLOT_STORED. */
enum { LDB_FILL_FIRST = 2 };

/* -------------------------------------------------------------- loop -- */

struct store_queue {
    UT_hash_handle hh;
    struct store_queue *prev, *next; /* in the order of creation */
    struct store_queue *touched_prev, *touched_next;
    struct store_queue *uncounted_prev, *uncounted_next;
    bool touched;     /* on that list: head may have changed blocks */
    size_t uncounted; /* if not 0, on that list: put since it was counted */
    uint32_t journal; /* its number in the keys */
    enum destination_kind kind;
    bool stored;             /* an earlier entry was handed over */
    uint64_t reserved;       /* as last written, or on the way */
    uint32_t tombstones;     /* deletes since the head was written */
    struct store_slot entry; /* where its pending entry is */
    struct store_head head;
    size_t name_len;
    char name[];
};

enum ldb_op_kind {
    LDB_OP_CANCELLED,
    LDB_OP_PUT,
    LDB_OP_DELETE,
    LDB_OP_ENTRY,  /* the journal's own entry: head and reserved */
    LDB_OP_BLOCK,  /* what a block of it has; added at the hand-over */
    LDB_OP_REMOVE, /* the journal; frees its queue */
    LDB_OP_DEFINE, /* a definition, or its end */
};

/* The batch's own copy. */
struct ldb_definition {
    bool ends;
    size_t name_len;
    size_t value_len;
    char bytes[]; /* name, value */
};

struct ldb_op {
    enum ldb_op_kind kind;
    struct store_queue *queue; /* storage thread: journal, kind, name only */
    void *owner;
    union {
        struct store_record record; /* of PUT */
        struct {
            uint64_t seq;
            uint64_t drained; /* if not 0, nothing live is below it: the
                                 journal was empty then */
        } gone;               /* of DELETE */
        struct {
            uint64_t head;
            uint64_t reserved;
            uint64_t counted_to;
        } entry;
        struct store_head_block block;     /* of BLOCK */
        struct ldb_definition *definition; /* of DEFINE, owned */
    };
};

/*
 * The operations of the batch that is being filled.  What is cancelled at its
 * front is left out at times, so a slot's index goes on counting: it is that of
 * ops plus base, modulo 2^32.
 */
struct ldb_batch {
    struct ldb_op *ops;
    uint32_t base;
    size_t first; /* all before it are cancelled */
    size_t len;
    size_t capacity;
    size_t live;  /* operations that are not cancelled */
    size_t bytes; /* of the records to put */
    bool whole;   /* not changed since the last flush: whole turns */
};

struct store_fetch {
    struct store_fetch *prev, *next;
    struct store_queue *queue; /* loop side, while it is not cancelled */
    uint32_t journal;
    uint64_t from_seq;
    uint64_t limit_seq; /* what was put later is not for this one */
    size_t max_count;
    size_t max_bytes;
    store_fetched_fn *fetched;
    void *ctx;
    bool under_way; /* loop side: it is in the job */
    bool cancelled; /* loop side: while under way */
    /* Filled by the storage thread. */
    struct store_page page;
    struct store_record *records;
    size_t capacity;
    struct buf bytes;                /* what the records' spans point into */
    struct store_head_item *removed; /* that it took out: set aside */
    size_t removed_count;
    uint64_t damage_first, damage_last; /* of what the page skipped */
    struct error err;
};

/* The end of a turn: what the fill had then. */
struct ldb_mark {
    uint32_t end; /* as a slot's index */
    int64_t us;
};
enum { LDB_MARKS = 32 };

struct ldb_job {
    struct ldb_batch batch;
    struct store_fetch *fetches;
    bool sync;
    bool failed; /* given up at the close */
    uint64_t syncs;
};

/* What the storage thread has to say, under the lock. */
struct ldb_report {
    bool done;
    bool failed;
    bool space_known;
    bool space_low;
    struct error err;
    struct error note; /* text is "" when there is nothing to say */
};

struct ldb_store {
    struct store base;
    struct store_options options;

    /* Loop side. */
    struct store_queue *queues[DESTINATION_KIND_COUNT];
    struct store_queue *queue_list;
    struct store_queue *touched; /* their blocks go into the batch */
    struct store_queue *uncounted;
    size_t uncounted_all; /* of all journals */
    uint32_t next_journal;
    bool recount; /* counts may have what damage took: the next open counts */
    struct ldb_batch fill;
    uint64_t fill_id;      /* slot.batch of what is put now */
    store_ticket filling;  /* its ticket */
    bool fill_ticketed;    /* somebody waits for it */
    bool fill_sync;        /* and for the fsync */
    bool fill_sync_before; /* of earlier batches even if this is empty */
    struct ldb_mark marks[LDB_MARKS]; /* of the fill's live operations */
    size_t marks_len;
    struct store_fetch *fetches; /* waiting */
    bool busy;                   /* the storage thread owns job */
    bool polling;
    store_ticket busy_ticket; /* to be reported at its end; 0 = none */
    bool busy_failed;         /* already reported as failed */
    bool busy_sync;           /* it was asked to be on disk */
    size_t busy_bytes;
    int64_t busy_since_us;
    store_ticket local_ticket; /* ended without the storage thread */
    enum store_result local_result;
    int64_t unsynced_since_us; /* INT64_MAX: all is synced */
    int64_t space_due_us;      /* while space is low: next look */
    bool failed;               /* failure is set */
    bool failed_space;         /* by the watermark only: all still works */
    struct error failure;
    struct store_stats stats;

    struct ldb_job job;     /* of whom `busy` says */
    struct ldb_batch spare; /* empty: the next fill */

    /* Both, under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool handed;
    bool stop;
    struct ldb_report report;

    struct ldb_disk disk; /* storage thread; before and after it the loop's */
    struct store_format format;
    pthread_t thread;
};

static inline size_t
ldb_record_size(const struct store_record *record)
{
    return STORE_RECORD_HEADER_SIZE + record->headers.len + record->body.len;
}

/* Headers and bodies of a record whose value is so long. */
static inline uint32_t
ldb_value_bytes(size_t len)
{
    return len > STORE_RECORD_HEADER_SIZE
               ? (uint32_t)(len - STORE_RECORD_HEADER_SIZE)
               : 0;
}

/* As the head counts it. */
static inline struct store_head_item
ldb_item(uint64_t seq, struct store_slot slot)
{
    return (struct store_head_item){ .seq = seq,
                                     .bytes = slot.bytes,
                                     .spilled = slot.spilled != 0 };
}

static inline struct ldb_store *
ldb_of(struct store *store)
{
    assert(store->engine == &store_leveldb);
    return container_of(store, struct ldb_store, base);
}

/* Loop side: a record is no longer there. */
void ldb_queue_forget(struct ldb_store *ldb, struct store_queue *queue,
                      struct store_head_item item);

/* So much (a record's size) was put that is not counted on disk. */
static inline void
ldb_queue_uncount(struct ldb_store *ldb, struct store_queue *queue, size_t size)
{
    if (queue->uncounted == 0) {
        DL_APPEND2(ldb->uncounted, queue, uncounted_prev, uncounted_next);
    }
    queue->uncounted += size + LDB_UNCOUNTED_RECORD;
    ldb->uncounted_all += size + LDB_UNCOUNTED_RECORD;
}

/* So much of that is counted now, or is gone. */
void ldb_queue_recount(struct ldb_store *ldb, struct store_queue *queue,
                       size_t cost);

/* Adds the counts to a batch that is not empty: blocks that have changed, and
 * journals that are to be counted now (all: every one). */
void ldb_counts_collect(struct ldb_store *ldb, bool all);
/* Hands the pending batch over; sync: even if nobody asked. */
void ldb_hand_over(struct ldb_store *ldb, bool sync);
/* The engine's flush and poll slots. */
int64_t ldb_flush(struct store *store, int64_t now_us);
void ldb_poll(struct store *store);
/* At the end of a turn: when the oldest operation came that is to be written,
 * INT64_MAX: none is. */
int64_t ldb_fill_since(struct ldb_store *ldb, int64_t now_us);
/* Appends the journal's entry to the batch, or renews the one in it. */
void ldb_queue_persist(struct ldb_store *ldb, struct store_queue *queue);
/* Makes a queue with the given number and lists it. */
struct store_queue *ldb_queue_new(struct ldb_store *ldb, uint32_t journal,
                                  enum destination_kind kind, struct span name);
void ldb_queue_free(struct ldb_store *ldb, struct store_queue *queue);
/* Drops the holds of batch, empties it. */
void ldb_batch_release(struct ldb_store *ldb, struct ldb_batch *batch);
/* The same with one that the storage thread has given back; its memory is the
 * next fill's. */
void ldb_batch_retire(struct ldb_store *ldb, struct ldb_batch batch);
void ldb_fetch_free(struct store_fetch **fetch);

/* The engine's open, recover and close slots. */
int ldb_open(const struct store_options *options, struct store **store_out,
             struct error *err);
void ldb_recover(struct store *store, store_queue_found_fn *found, void *ctx);
/* Reads every definition once: 0, or -1 when one is damaged or newer. */
int ldb_definitions_check(struct ldb_store *ldb, struct error *err);
void ldb_definitions(struct store *store, struct span prefix,
                     store_definition_found_fn *found, void *ctx);
void ldb_close(struct store **store);

/* Finds out what every journal has. */
int ldb_count_journals(struct ldb_store *ldb, struct error *err);

/* Makes the directory if need be; refuses that of another program. */
int ldb_directory_open(const char *path, struct error *err);
/* The same, but what an import or a repair left behind may be there. */
int ldb_directory_prepare(const char *path, struct error *err);
/* Whether there is no journal yet: LevelDB would take one that has lost its
 * CURRENT for that, and delete all of it. */
bool ldb_journal_is_new(const struct ldb_disk *disk);
/* Reads the format record, or makes it, and marks the journal as in use. */
int ldb_format_open(struct ldb_store *ldb, struct error *err);
int ldb_format_write(struct ldb_store *ldb, bool clean, struct error *err);
/* Says why what (newer or damaged) keeps the journal from being opened. */
int ldb_refuse(const struct ldb_store *ldb, enum store_decode decode,
               const char *what, struct error *err);

/* The storage thread; ctx is the struct ldb_store. */
void *ldb_writer_main(void *ctx);

/* Adds to the WriteBatch: a journal's entry, a block. */
void ldb_entry_write(struct ldb_disk *disk, const struct store_queue *queue,
                     uint64_t head, uint64_t reserved, uint64_t counted_to);
void ldb_block_write(struct ldb_disk *disk, uint32_t journal,
                     const struct store_head_block *block);

/* Runs one fetch and fills in its page. */
void ldb_fetch_run(struct ldb_disk *disk, struct store_fetch *fetch);
