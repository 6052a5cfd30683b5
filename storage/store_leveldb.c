/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The LevelDB engine, loop side: operations go into a vector; a put that is
 * deleted before the vector is handed over was never there.  The hot path is
 * put and del: no allocation, no lock, no copy of a record.
 */
#include "storage/store_leveldb.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A vector that a burst made larger than this is given back afterwards. */
enum { LDB_OPS_KEPT = 1 << 16 };

static const struct ldb_store *
ldb_of_const(const struct store *store)
{
    assert(store->engine == &store_leveldb);
    return (const struct ldb_store *)(const void *)store;
}

/* -------------------------------------------------------------- batch -- */

static void __attribute__((cold, noinline))
ldb_batch_grow(struct ldb_batch *batch)
{
    batch->capacity = batch->capacity > 0 ? batch->capacity * 2 : 256;
    batch->ops = xrealloc(batch->ops, batch->capacity * sizeof(*batch->ops));
}

/* The index that a slot has for the operation that comes next. */
static inline uint32_t
ldb_batch_end(const struct ldb_batch *batch)
{
    return batch->base + (uint32_t)batch->len;
}

static inline struct ldb_op *
ldb_batch_at(struct ldb_batch *batch, uint32_t index)
{
    return &batch->ops[(uint32_t)(index - batch->base)];
}

static inline struct ldb_op *
ldb_batch_append(struct ldb_batch *batch)
{
    if (batch->len == batch->capacity) {
        ldb_batch_grow(batch);
    }
    batch->live++;
    batch->whole = false;
    return &batch->ops[batch->len++];
}

void
ldb_queue_recount(struct ldb_store *ldb, struct store_queue *queue, size_t cost)
{
    queue->uncounted -= cost;
    ldb->uncounted_all -= cost;
    if (queue->uncounted == 0) {
        DL_DELETE2(ldb->uncounted, queue, uncounted_prev, uncounted_next);
    }
}

/* Takes op out of the pending batch. */
static void
ldb_op_cancel(struct ldb_store *ldb, struct ldb_op *op)
{
    size_t size;

    if (op->kind == LDB_OP_PUT) {
        size = ldb_record_size(&op->record);
        ldb_queue_recount(ldb, op->queue, size + LDB_UNCOUNTED_RECORD);
        ldb->fill.bytes -= size;
        ldb->stats.pending_bytes -= size;
        ldb->stats.cancelled++;
    }
    op->kind = LDB_OP_CANCELLED;
    ldb->fill.whole = false;
    if (--ldb->fill.live == 0) {
        /* No slot that could still come points here. */
        ldb->fill.base = ldb_batch_end(&ldb->fill);
        ldb->fill.first = 0;
        ldb->fill.len = 0;
    }
}

void
ldb_batch_release(struct ldb_store *ldb, struct ldb_batch *batch)
{
    for (size_t i = 0; i < batch->len; i++) {
        struct ldb_op *op = &batch->ops[i];

        if (op->kind == LDB_OP_PUT) {
            ldb->options.release(op->owner);
        } else if (op->kind == LDB_OP_REMOVE) {
            store_head_fini(&op->queue->head);
            free(op->queue);
        } else if (op->kind == LDB_OP_DEFINE) {
            free(op->definition);
        }
    }
    if (batch->capacity > LDB_OPS_KEPT) {
        free(batch->ops);
        *batch = (struct ldb_batch){ .ops = NULL };
    }
    batch->base = 0;
    batch->first = 0;
    batch->len = 0;
    batch->live = 0;
    batch->bytes = 0;
    batch->whole = false;
}

void
ldb_batch_retire(struct ldb_store *ldb, struct ldb_batch batch)
{
    ldb_batch_release(ldb, &batch);
    free(ldb->spare.ops);
    ldb->spare = batch;
}

/* Leaves out what is cancelled at the front, when that is most of it. */
static void
ldb_batch_compact(struct ldb_batch *batch)
{
    enum { COMPACT_MIN = 1024 };

    while (batch->first < batch->len &&
           batch->ops[batch->first].kind == LDB_OP_CANCELLED) {
        batch->first++;
    }
    if (batch->first >= COMPACT_MIN && batch->first > batch->len / 2) {
        batch->len -= batch->first;
        memmove(batch->ops, &batch->ops[batch->first],
                batch->len * sizeof(*batch->ops));
        batch->base += (uint32_t)batch->first;
        batch->first = 0;
    }
}

int64_t
ldb_fill_since(struct ldb_store *ldb, int64_t now_us)
{
    struct ldb_batch *fill = &ldb->fill;
    size_t gone = 0;
    uint32_t first;
    uint32_t end;

    ldb_batch_compact(fill);
    first = fill->base + (uint32_t)fill->first;
    end = ldb_batch_end(fill);
    while (gone < ldb->marks_len &&
           (int32_t)(ldb->marks[gone].end - first) <= 0) {
        gone++;
    }
    ldb->marks_len -= gone;
    memmove(ldb->marks, &ldb->marks[gone],
            ldb->marks_len * sizeof(*ldb->marks));
    if (fill->live == 0) {
        return INT64_MAX;
    }
    if (ldb->marks_len == LDB_MARKS) {
        ldb->marks[LDB_MARKS - 1].end = end; /* older than it is */
    } else if (ldb->marks_len == 0 ||
               ldb->marks[ldb->marks_len - 1].end != end) {
        ldb->marks[ldb->marks_len++] =
            (struct ldb_mark){ .end = end, .us = now_us };
    }
    return ldb->marks[0].us;
}

/* ------------------------------------------------------------- queues -- */

struct store_queue *
ldb_queue_new(struct ldb_store *ldb, uint32_t journal,
              enum destination_kind kind, struct span name)
{
    struct store_queue *queue = xcalloc(1, sizeof(*queue) + name.len);

    queue->journal = journal;
    queue->kind = kind;
    queue->name_len = name.len;
    if (name.len > 0) {
        memcpy(queue->name, name.data, name.len);
    }
    store_head_init(&queue->head, 1);
    queue->head.counted_to = 1; /* there is nothing below it */
    HASH_ADD_KEYPTR(hh, ldb->queues[kind], queue->name, queue->name_len, queue);
    assert(queue->hh.tbl != NULL);
    DL_APPEND(ldb->queue_list, queue);
    return queue;
}

static void
ldb_queue_unlist(struct ldb_store *ldb, struct store_queue *queue)
{
    HASH_DELETE(hh, ldb->queues[queue->kind], queue);
    DL_DELETE(ldb->queue_list, queue);
    if (queue->touched) {
        DL_DELETE2(ldb->touched, queue, touched_prev, touched_next);
    }
    if (queue->uncounted > 0) {
        ldb_queue_recount(ldb, queue, queue->uncounted);
    }
}

void
ldb_queue_free(struct ldb_store *ldb, struct store_queue *queue)
{
    ldb_queue_unlist(ldb, queue);
    store_head_fini(&queue->head);
    free(queue);
}

static struct store_queue *
ldb_queue_open(struct store *store, enum destination_kind kind,
               struct span name)
{
    struct ldb_store *ldb = ldb_of(store);
    struct store_queue *queue;

    HASH_FIND(hh, ldb->queues[kind], name.data, name.len, queue);
    /* Its entry goes to disk with its first record. */
    return queue != NULL ? queue
                         : ldb_queue_new(ldb, ldb->next_journal++, kind, name);
}

void __attribute__((cold, noinline))
ldb_queue_persist(struct ldb_store *ldb, struct store_queue *queue)
{
    struct ldb_op *op;

    if (queue->entry.batch == ldb->fill_id) {
        op = ldb_batch_at(&ldb->fill, queue->entry.index);
    } else {
        queue->stored = queue->stored || queue->entry.batch != 0;
        queue->entry.batch = ldb->fill_id;
        queue->entry.index = ldb_batch_end(&ldb->fill);
        op = ldb_batch_append(&ldb->fill);
    }
    *op = (struct ldb_op){
        .kind = LDB_OP_ENTRY,
        .queue = queue,
        .entry.head = store_head_seq(&queue->head),
        .entry.reserved = queue->reserved,
        .entry.counted_to = ldb->recount ? 0 : queue->head.counted_to,
    };
    queue->tombstones = 0;
}

/* Numbers up to half a block ahead are already on disk when they are used, so
 * that even a cancelled put leaves a trace of its number. */
static void __attribute__((cold, noinline))
ldb_queue_reserve(struct ldb_store *ldb, struct store_queue *queue,
                  uint64_t seq)
{
    queue->reserved = seq + LDB_RESERVE;
    ldb_queue_persist(ldb, queue);
}

static void
ldb_queue_remove(struct store *store, struct store_queue **queue_in)
{
    struct ldb_store *ldb = ldb_of(store);
    struct store_queue *queue = *queue_in;

    *queue_in = NULL;
    for (size_t i = 0; i < ldb->fill.len; i++) {
        struct ldb_op *op = &ldb->fill.ops[i];
        enum ldb_op_kind kind = op->kind;

        if (kind != LDB_OP_CANCELLED && op->queue == queue) {
            ldb_op_cancel(ldb, op);
            if (kind == LDB_OP_PUT) {
                ldb->options.release(op->owner);
            }
        }
    }
    if (!queue->stored &&
        (queue->entry.batch == 0 || queue->entry.batch == ldb->fill_id)) {
        ldb_queue_free(ldb, queue);
        return;
    }
    ldb_queue_unlist(ldb, queue);
    *ldb_batch_append(&ldb->fill) =
        (struct ldb_op){ .kind = LDB_OP_REMOVE, .queue = queue };
}

void
ldb_queue_forget(struct ldb_store *ldb, struct store_queue *queue,
                 struct store_head_item item)
{
    if (store_head_remove(&queue->head, item) &&
        item.seq < queue->head.counted_to && !queue->touched) {
        queue->touched = true;
        DL_APPEND2(ldb->touched, queue, touched_prev, touched_next);
    }
}

static void
ldb_queue_collect(struct ldb_store *ldb, struct store_queue *queue)
{
    struct store_head_block block;
    size_t at = 0;

    while (store_head_changed(&queue->head, &at, &block)) {
        struct ldb_op *op = ldb_batch_append(&ldb->fill);

        op->kind = LDB_OP_BLOCK;
        op->queue = queue;
        op->block = block;
    }
}

static void
ldb_queue_count(struct ldb_store *ldb, struct store_queue *queue)
{
    store_head_count_all(&queue->head);
    ldb_queue_recount(ldb, queue, queue->uncounted);
    ldb_queue_persist(ldb, queue);
    ldb_queue_collect(ldb, queue);
}

void
ldb_counts_collect(struct ldb_store *ldb, bool all)
{
    size_t left = all ? SIZE_MAX : LDB_COUNT_STEP;

    while (ldb->uncounted != NULL && left-- > 0 &&
           (all || ldb->uncounted_all > ldb_hooks.uncounted_max)) {
        ldb_queue_count(ldb, ldb->uncounted);
    }
    while (ldb->touched != NULL) {
        struct store_queue *queue = ldb->touched;

        queue->touched = false;
        DL_DELETE2(ldb->touched, queue, touched_prev, touched_next);
        ldb_queue_collect(ldb, queue);
    }
}

/* --------------------------------------------------------- operations -- */

/* After the queue has forgotten the record. */
static void
ldb_op_delete(struct ldb_op *op, struct store_queue *queue, uint64_t seq)
{
    op->kind = LDB_OP_DELETE;
    op->queue = queue;
    op->gone.seq = seq;
    op->gone.drained = queue->head.live == 0 ? queue->head.next_seq : 0;
}

static struct store_slot
ldb_put(struct store *store, struct store_queue *queue,
        const struct store_record *record, void *owner)
{
    struct ldb_store *ldb = ldb_of(store);
    size_t size = ldb_record_size(record);
    struct store_slot slot = store_slot_of(ldb->fill_id, 0, record);
    struct ldb_op *op;

    if (record->seq + LDB_RESERVE / 2 >= queue->reserved) {
        ldb_queue_reserve(ldb, queue, record->seq);
    }
    op = ldb_batch_append(&ldb->fill);
    op->kind = LDB_OP_PUT;
    op->queue = queue;
    op->owner = owner;
    op->record = *record;
    slot.index = ldb_batch_end(&ldb->fill) - 1;
    store_head_add(&queue->head, ldb_item(record->seq, slot));
    ldb_queue_uncount(ldb, queue, size);
    ldb->fill.bytes += size;
    ldb->stats.pending_bytes += size;
    ldb->stats.puts++;
    return slot;
}

static void
ldb_delete(struct store *store, struct store_queue *queue, uint64_t seq,
           struct store_slot slot)
{
    struct ldb_store *ldb = ldb_of(store);
    struct ldb_op *op;

    ldb->stats.deletes++;
    ldb_queue_forget(ldb, queue, ldb_item(seq, slot));
    if (slot.batch == ldb->fill_id) {
        op = ldb_batch_at(&ldb->fill, slot.index);
        assert(op->kind == LDB_OP_PUT && op->record.seq == seq);
        ldb_op_cancel(ldb, op);
        ldb->options.release(op->owner);
        return;
    }
    op = ldb_batch_append(&ldb->fill);
    ldb_op_delete(op, queue, seq);
    if (++queue->tombstones >= LDB_HEAD_ADVANCE) {
        ldb_queue_persist(ldb, queue);
    }
}

/* A block of the head goes: a tombstone for each of its numbers, as nobody has
 * kept which of them there are. */
static void
ldb_trim_block(struct ldb_store *ldb, struct store_queue *queue,
               const struct store_head_block *block)
{
    uint64_t seq = block->number << STORE_HEAD_BLOCK_SHIFT;
    uint64_t end = seq + STORE_HEAD_BLOCK_SIZE;

    if (seq < queue->head.counted_to && !queue->touched) {
        queue->touched = true;
        DL_APPEND2(ldb->touched, queue, touched_prev, touched_next);
    }
    if (end > queue->head.next_seq) {
        end = queue->head.next_seq;
    }
    for (; seq < end; seq++) {
        struct ldb_op *op = ldb_batch_append(&ldb->fill);

        ldb_op_delete(op, queue, seq);
    }
    ldb->stats.deletes += block->now.live;
}

static uint64_t
ldb_trim(struct store *store, struct store_queue *queue, uint64_t below,
         uint64_t *bytes_out)
{
    struct ldb_store *ldb = ldb_of(store);
    struct store_head_block block;
    int blocks = 0;
    uint64_t head;

    *bytes_out = 0;
    while (blocks < LDB_TRIM_BLOCKS &&
           store_head_drop(&queue->head, below, &block)) {
        *bytes_out += block.now.bytes;
        ldb_trim_block(ldb, queue, &block);
        blocks++;
    }
    if (blocks > 0) {
        ldb_queue_persist(ldb, queue); /* the new head */
    }
    head = store_head_seq(&queue->head);
    return head < below ? head : below;
}

static void
ldb_define(struct store *store, struct span name, struct span value)
{
    struct ldb_store *ldb = ldb_of(store);
    struct ldb_definition *definition =
        xmalloc(sizeof(*definition) + name.len + value.len);
    struct ldb_op *op = ldb_batch_append(&ldb->fill);

    assert(name.len <= STORE_DEFINITION_NAME_MAX);
    assert(value.data != NULL || value.len == 0);
    definition->ends = value.data == NULL;
    definition->name_len = name.len;
    definition->value_len = value.len;
    memcpy(definition->bytes, name.data, name.len);
    if (value.len > 0) {
        memcpy(definition->bytes + name.len, value.data, value.len);
    }
    *op = (struct ldb_op){ .kind = LDB_OP_DEFINE, .definition = definition };
    ldb->fill.bytes += name.len + value.len;
    ldb->stats.pending_bytes += name.len + value.len;
}

static store_ticket
ldb_ticket(struct store *store, bool sync)
{
    struct ldb_store *ldb = ldb_of(store);
    bool unsynced = ldb->unsynced_since_us != INT64_MAX ||
                    (ldb->busy && !ldb->job.sync && ldb->job.batch.live > 0);

    if (ldb->fill.live > 0 || ldb->fill_ticketed) {
        ldb->fill_sync = ldb->fill_sync || sync;
    } else if (sync && unsynced) {
        /* Nothing to write, but something to wait for: earlier batches that
         * are written and not yet synced. */
        ldb->fill_sync = true;
        ldb->fill_sync_before = true;
    } else {
        return ldb->local_ticket > ldb->busy_ticket ? ldb->local_ticket
                                                    : ldb->busy_ticket;
    }
    ldb->fill_ticketed = true;
    return ldb->filling;
}

/* -------------------------------------------------------------- fetch -- */

static struct store_fetch *
ldb_fetch(struct store *store, struct store_queue *queue,
          const struct store_credit *credit, store_fetched_fn *fetched,
          void *ctx)
{
    struct ldb_store *ldb = ldb_of(store);
    struct store_fetch *fetch = xcalloc(1, sizeof(*fetch));
    uint64_t head = store_head_seq(&queue->head);

    fetch->queue = queue;
    fetch->journal = queue->journal;
    /* Below the head there are tombstones only (D1). */
    fetch->from_seq = credit->from_seq > head ? credit->from_seq : head;
    fetch->limit_seq = queue->head.next_seq;
    fetch->max_count = credit->max_count > 0 ? credit->max_count : 1;
    fetch->max_bytes = credit->max_bytes;
    fetch->fetched = fetched;
    fetch->ctx = ctx;
    DL_APPEND(ldb->fetches, fetch);
    return fetch;
}

void
ldb_fetch_free(struct store_fetch **fetch)
{
    free((*fetch)->records);
    free((*fetch)->removed);
    buf_fini(&(*fetch)->bytes);
    free(*fetch);
    *fetch = NULL;
}

static void
ldb_fetch_cancel(struct store *store, struct store_fetch *fetch)
{
    struct ldb_store *ldb = ldb_of(store);

    if (fetch->under_way) {
        fetch->cancelled = true;
        return;
    }
    DL_DELETE(ldb->fetches, fetch);
    ldb_fetch_free(&fetch);
}

/* ---------------------------------------------------------------- rest -- */

static bool
ldb_is_congested(const struct store *store)
{
    const struct ldb_store *ldb = ldb_of_const(store);

    return ldb->stats.pending_bytes >= ldb->options.congested_bytes;
}

static const struct error *
ldb_failure(const struct store *store)
{
    const struct ldb_store *ldb = ldb_of_const(store);

    return ldb->failed ? &ldb->failure : NULL;
}

static void
ldb_stats(const struct store *store, struct store_stats *stats_out)
{
    *stats_out = ldb_of_const(store)->stats;
}

const struct store_engine store_leveldb = {
    .name = "leveldb",
    .doc = "an embedded LevelDB database in the data directory",
    .capabilities = STORE_CAN_SURVIVE | STORE_CAN_PAGE,
    .open = ldb_open,
    .close = ldb_close,
    .recover = ldb_recover,
    .queue_open = ldb_queue_open,
    .queue_remove = ldb_queue_remove,
    .put = ldb_put,
    .del = ldb_delete,
    .trim = ldb_trim,
    .define = ldb_define,
    .definitions = ldb_definitions,
    .ticket = ldb_ticket,
    .flush = ldb_flush,
    .poll = ldb_poll,
    .fetch = ldb_fetch,
    .fetch_cancel = ldb_fetch_cancel,
    .is_congested = ldb_is_congested,
    .failure = ldb_failure,
    .stats = ldb_stats,
};
