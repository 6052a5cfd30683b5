/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory engine: nothing outlives the process.  For running without
 * persistence, and the reference of the contract: it keeps every rule that
 * the others keep, completions from store_poll only among them.
 *
 * A record is not copied: the engine keeps its hold on the owner until the
 * record is deleted.  All on the loop thread.
 */
#include "storage/store.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Dead entries in the middle are squeezed out when there are more of them
 * than this and than live ones. */
enum { MEMORY_DEAD_MAX = 1024 };

/* Slots: 0 is none, 1 is STORE_SLOT_STORED. */
enum { MEMORY_SLOT_BASE = 1 };

struct memory_entry {
    struct store_record record;
    void *owner;
    bool dead;
};

struct store_queue {
    UT_hash_handle hh;
    struct memory_entry *entries; /* in the order of seq */
    size_t first;                 /* before it: dead and forgotten */
    size_t len;
    size_t capacity;
    size_t live;
    uint64_t next_seq;
    enum destination_kind kind;
    size_t name_len;
    char name[];
};

struct store_fetch {
    struct store_fetch *prev, *next;
    struct store_queue *queue;
    uint64_t from_seq;
    uint64_t limit_seq; /* what was put later is not for this one */
    size_t max_count;
    size_t max_bytes;
    uint64_t round; /* the poll that may run it */
    store_fetched_fn *fetched;
    void *ctx;
};

struct memory_store {
    struct store base;
    struct store_options options;
    struct store_queue *queues[DESTINATION_KIND_COUNT];
    struct store_fetch *fetches;
    store_ticket filling;  /* the batch that takes operations now, from 1 */
    store_ticket finished; /* handed over, completion not yet run; or 0 */
    bool dirty;            /* filling has operations or a ticket */
    uint64_t round;
    struct store_stats stats;
};

static struct memory_store *
memory_of(struct store *store)
{
    assert(store->engine == &store_memory);
    return container_of(store, struct memory_store, base);
}

static const struct memory_store *
memory_of_const(const struct store *store)
{
    assert(store->engine == &store_memory);
    return (const struct memory_store *)(const void *)store;
}

static size_t
memory_record_size(const struct store_record *record)
{
    return record->headers.len + record->body.len;
}

/* ------------------------------------------------------------- queues -- */

/* The first entry at or after seq; queue->len when there is none. */
static size_t
memory_lower_bound(const struct store_queue *queue, uint64_t seq)
{
    size_t low = queue->first;
    size_t high = queue->len;
    uint64_t base;

    if (low == high || seq <= queue->entries[low].record.seq) {
        return low;
    }
    /* Sequence numbers are dense as a rule: look there first. */
    base = queue->entries[low].record.seq;
    if (seq - base < high - low &&
        queue->entries[low + (seq - base)].record.seq == seq) {
        return low + (seq - base);
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (queue->entries[middle].record.seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Moves the live entries together at the front of the array. */
static void
memory_queue_squeeze(struct store_queue *queue)
{
    size_t to = 0;

    for (size_t i = queue->first; i < queue->len; i++) {
        if (!queue->entries[i].dead) {
            queue->entries[to++] = queue->entries[i];
        }
    }
    queue->first = 0;
    queue->len = to;
}

static struct memory_entry *
memory_queue_append(struct store_queue *queue)
{
    if (queue->len == queue->capacity) {
        memory_queue_squeeze(queue);
        if (queue->len >= queue->capacity / 2) {
            queue->capacity = queue->capacity > 0 ? queue->capacity * 2 : 16;
            queue->entries = xrealloc(
                queue->entries, queue->capacity * sizeof(*queue->entries));
        }
    }
    return &queue->entries[queue->len++];
}

static void
memory_queue_forget(struct store_queue *queue)
{
    size_t dead;

    while (queue->first < queue->len && queue->entries[queue->first].dead) {
        queue->first++;
    }
    if (queue->first == queue->len) {
        queue->first = 0;
        queue->len = 0;
    }
    dead = queue->len - queue->first - queue->live;
    if (dead > MEMORY_DEAD_MAX && dead > queue->live) {
        memory_queue_squeeze(queue);
    }
}

/* Drops every hold and the array. */
static void
memory_queue_fini(struct memory_store *memory, struct store_queue *queue)
{
    for (size_t i = queue->first; i < queue->len; i++) {
        if (!queue->entries[i].dead) {
            memory->options.release(queue->entries[i].owner);
        }
    }
    free(queue->entries);
}

static struct store_queue *
memory_queue_find(const struct memory_store *memory, enum destination_kind kind,
                  struct span name)
{
    struct store_queue *queue;

    HASH_FIND(hh, memory->queues[kind], name.data, name.len, queue);
    return queue;
}

static struct store_queue *
memory_queue_open(struct store *store, enum destination_kind kind,
                  struct span name)
{
    struct memory_store *memory = memory_of(store);
    struct store_queue *queue = memory_queue_find(memory, kind, name);

    if (queue != NULL) {
        return queue;
    }
    queue = xcalloc(1, sizeof(*queue) + name.len);
    queue->kind = kind;
    queue->next_seq = 1;
    queue->name_len = name.len;
    if (name.len > 0) {
        memcpy(queue->name, name.data, name.len);
    }
    HASH_ADD_KEYPTR(hh, memory->queues[kind], queue->name, queue->name_len,
                    queue);
    assert(queue->hh.tbl != NULL);
    return queue;
}

static void
memory_queue_remove(struct store *store, struct store_queue **queue)
{
    struct memory_store *memory = memory_of(store);

    HASH_DELETE(hh, memory->queues[(*queue)->kind], *queue);
    memory_queue_fini(memory, *queue);
    free(*queue);
    *queue = NULL;
}

/* --------------------------------------------------------- operations -- */

static struct store_slot
memory_put(struct store *store, struct store_queue *queue,
           const struct store_record *record, void *owner)
{
    struct memory_store *memory = memory_of(store);
    struct memory_entry *entry = memory_queue_append(queue);

    assert(record->seq >= queue->next_seq);
    *entry = (struct memory_entry){ .record = *record, .owner = owner };
    queue->next_seq = record->seq + 1;
    queue->live++;
    memory->dirty = true;
    memory->stats.puts++;
    memory->stats.pending_bytes += memory_record_size(record);
    return store_slot_of(memory->filling + MEMORY_SLOT_BASE, 0, record);
}

static void
memory_delete(struct store *store, struct store_queue *queue, uint64_t seq,
              struct store_slot slot)
{
    struct memory_store *memory = memory_of(store);
    size_t at = memory_lower_bound(queue, seq);
    struct memory_entry *entry = &queue->entries[at];
    void *owner;

    memory->dirty = true;
    memory->stats.deletes++;
    if (at == queue->len || entry->record.seq != seq || entry->dead) {
        return;
    }
    if (slot.batch == memory->filling + MEMORY_SLOT_BASE) {
        memory->stats.cancelled++;
        memory->stats.pending_bytes -= memory_record_size(&entry->record);
    }
    owner = entry->owner;
    entry->dead = true;
    queue->live--;
    memory_queue_forget(queue);
    memory->options.release(owner);
}

static uint64_t
memory_trim(struct store *store, struct store_queue *queue, uint64_t below,
            uint64_t *bytes_out)
{
    *bytes_out = 0;
    while (queue->first < queue->len &&
           queue->entries[queue->first].record.seq < below) {
        const struct memory_entry *entry = &queue->entries[queue->first];

        if (entry->dead) {
            queue->first++;
            continue;
        }
        *bytes_out += memory_record_size(&entry->record);
        memory_delete(store, queue, entry->record.seq, STORE_SLOT_STORED);
    }
    return below;
}

static void
memory_define(struct store *store, struct span name, struct span value)
{
    (void)name; /* whoever defines has it in memory too */
    (void)value;
    memory_of(store)->dirty = true;
}

static void
memory_definitions(struct store *store, struct span prefix,
                   store_definition_found_fn *found, void *ctx)
{
    (void)store; /* nothing outlived the last run */
    (void)prefix;
    (void)found;
    (void)ctx;
}

static store_ticket
memory_ticket(struct store *store, bool sync)
{
    struct memory_store *memory = memory_of(store);

    (void)sync; /* a completion is never far */
    return memory->dirty ? memory->filling : memory->finished;
}

static int64_t
memory_flush(struct store *store, int64_t now_us)
{
    struct memory_store *memory = memory_of(store);

    (void)now_us;
    if (memory->dirty) {
        memory->dirty = false;
        memory->finished = memory->filling++;
        memory->stats.batches++;
        memory->stats.pending_bytes = 0;
        memory->options.wake(memory->options.ctx);
    }
    return INT64_MAX;
}

/* -------------------------------------------------------------- fetch -- */

static struct store_fetch *
memory_fetch(struct store *store, struct store_queue *queue,
             const struct store_credit *credit, store_fetched_fn *fetched,
             void *ctx)
{
    struct memory_store *memory = memory_of(store);
    struct store_fetch *fetch = xcalloc(1, sizeof(*fetch));

    fetch->queue = queue;
    fetch->from_seq = credit->from_seq;
    fetch->limit_seq = queue->next_seq;
    fetch->max_count = credit->max_count > 0 ? credit->max_count : 1;
    fetch->max_bytes = credit->max_bytes;
    fetch->round = memory->round + 1;
    fetch->fetched = fetched;
    fetch->ctx = ctx;
    DL_APPEND(memory->fetches, fetch);
    memory->options.wake(memory->options.ctx);
    return fetch;
}

static void
memory_fetch_cancel(struct store *store, struct store_fetch *fetch)
{
    struct memory_store *memory = memory_of(store);

    DL_DELETE(memory->fetches, fetch);
    free(fetch);
}

/* Fills records with what fetch may have and returns where it stopped. */
static size_t
memory_fetch_fill(const struct store_fetch *fetch, struct store_record *records,
                  size_t *count_out)
{
    const struct store_queue *queue = fetch->queue;
    size_t at = memory_lower_bound(queue, fetch->from_seq);
    size_t count = 0;
    size_t bytes = 0;

    for (; at < queue->len; at++) {
        const struct memory_entry *entry = &queue->entries[at];

        if (entry->dead) {
            continue;
        }
        bytes += memory_record_size(&entry->record);
        if (entry->record.seq >= fetch->limit_seq ||
            count == fetch->max_count ||
            (count > 0 && bytes > fetch->max_bytes)) {
            break;
        }
        records[count++] = entry->record;
    }
    *count_out = count;
    return at;
}

static void
memory_fetch_run(struct memory_store *memory, struct store_fetch *fetch)
{
    const struct store_queue *queue = fetch->queue;
    size_t room =
        fetch->max_count < queue->live ? fetch->max_count : queue->live;
    struct store_record *records = xcalloc(room + 1, sizeof(*records));
    struct store_page page = { .records = records };
    size_t at = memory_fetch_fill(fetch, records, &page.count);

    page.next_seq =
        page.count > 0 ? records[page.count - 1].seq + 1 : fetch->from_seq;
    page.at_end = at == queue->len;
    memory->stats.fetches++;
    fetch->fetched(fetch->ctx, &page);
    free(records);
    free(fetch);
}

/* -------------------------------------------------------- life cycle -- */

static void
memory_poll(struct store *store)
{
    struct memory_store *memory = memory_of(store);
    store_ticket finished = memory->finished;
    uint64_t round = ++memory->round;

    if (finished != 0) {
        memory->finished = 0;
        memory->options.committed(memory->options.ctx, finished,
                                  STORE_IN_MEMORY, NULL);
    }
    /* Fetches asked for by the callbacks belong to the next round. */
    while (memory->fetches != NULL && memory->fetches->round <= round) {
        struct store_fetch *fetch = memory->fetches;

        DL_DELETE(memory->fetches, fetch);
        memory_fetch_run(memory, fetch);
    }
}

static int
memory_open(const struct store_options *options, struct store **store_out,
            struct error *err)
{
    struct memory_store *memory = xcalloc(1, sizeof(*memory));

    (void)err; /* cannot fail */
    memory->base.engine = &store_memory;
    memory->options = *options;
    memory->options.directory = NULL; /* not used, not ours */
    memory->filling = 1;
    *store_out = &memory->base;
    return 0;
}

static void
memory_close(struct store **store)
{
    struct memory_store *memory = memory_of(*store);
    struct store_queue *queue;
    struct store_queue *next_queue;
    struct store_fetch *fetch;
    struct store_fetch *next_fetch;

    DL_FOREACH_SAFE(memory->fetches, fetch, next_fetch) {
        DL_DELETE(memory->fetches, fetch);
        free(fetch);
    }
    for (int kind = 0; kind < DESTINATION_KIND_COUNT; kind++) {
        HASH_ITER(hh, memory->queues[kind], queue, next_queue) {
            /* NOLINTNEXTLINE: uthash frees its table with the last one */
            HASH_DEL(memory->queues[kind], queue);
            memory_queue_fini(memory, queue);
            free(queue);
        }
    }
    free(memory);
    *store = NULL;
}

static void
memory_recover(struct store *store, store_queue_found_fn *found, void *ctx)
{
    (void)store; /* nothing outlived the last run */
    (void)found;
    (void)ctx;
}

static bool
memory_is_congested(const struct store *store)
{
    (void)store; /* the memory is the caller's own, with limits of its own */
    return false;
}

static const struct error *
memory_failure(const struct store *store)
{
    (void)store;
    return NULL;
}

static void
memory_stats(const struct store *store, struct store_stats *stats_out)
{
    *stats_out = memory_of_const(store)->stats;
}

const struct store_engine store_memory = {
    .name = "memory",
    .doc = "keeps nothing over a restart",
    .capabilities = 0,
    .open = memory_open,
    .close = memory_close,
    .recover = memory_recover,
    .queue_open = memory_queue_open,
    .queue_remove = memory_queue_remove,
    .put = memory_put,
    .del = memory_delete,
    .trim = memory_trim,
    .define = memory_define,
    .definitions = memory_definitions,
    .ticket = memory_ticket,
    .flush = memory_flush,
    .poll = memory_poll,
    .fetch = memory_fetch,
    .fetch_cancel = memory_fetch_cancel,
    .is_congested = memory_is_congested,
    .failure = memory_failure,
    .stats = memory_stats,
};
