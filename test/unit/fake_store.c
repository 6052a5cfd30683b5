/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/fake_store.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { FAKE_SLOT_BASE = 1 }; /* 1 is STORE_SLOT_STORED */

struct fake_record {
    struct fake_record *prev, *next;
    struct store_record record; /* spans point into bytes */
    store_ticket batch;
    void *owner; /* until its batch has ended */
    bool damaged;
    bool set_aside; /* at the first fetch */
    bool passed;    /* a fetch has passed over it */
    char bytes[];
};

struct store_queue {
    struct store_queue *prev, *next;
    enum destination_kind kind;
    struct fake_record *records; /* DL list by seq */
    uint64_t next_seq;
    size_t name_len;
    char name[];
};

struct store_fetch {
    struct store_fetch *prev, *next;
    struct store_queue *queue;
    uint64_t from_seq;
    uint64_t limit_seq;
    size_t max_count;
    size_t max_bytes;
    store_fetched_fn *fetched;
    void *ctx;
    bool due; /* the poll after the one that is under way */
};

struct fake_definition {
    struct fake_definition *prev, *next; /* by name */
    struct span name;                    /* both point into bytes */
    struct span value;
    char bytes[];
};

struct fake_store {
    struct store base;
    struct store_options options;
    struct store_queue *queues;
    struct store_fetch *fetches;
    struct fake_definition *definitions;
    store_ticket filling;
    store_ticket flushed; /* the newest under way */
    store_ticket ended;   /* may be reported up to here */
    store_ticket reported;
    bool dirty;
    bool hold;
    bool hold_fetches;
    bool fail_fetches;
    bool congested;
    bool failed;
    struct error failure;
    store_ticket failed_batch; /* the newest that fails */
    struct error batch_failure;
    struct fake_store_op *ops;
    size_t op_count;
    size_t op_capacity;
    struct store_stats stats;
};

static struct fake_store *
fake_of(const struct store *store)
{
    assert(store->engine == &fake_store_engine);
    return (struct fake_store *)(uintptr_t)store;
}

static int
fake_open(const struct store_options *options, struct store **store_out,
          struct error *err)
{
    struct fake_store *fake = xcalloc(1, sizeof(*fake));

    (void)err;
    fake->base.engine = &fake_store_engine;
    fake->options = *options;
    fake->filling = 1;
    *store_out = &fake->base;
    return 0;
}

static void
fake_record_free(struct fake_store *fake, struct store_queue *queue,
                 struct fake_record *record)
{
    void *owner = record->owner;

    DL_DELETE(queue->records, record);
    free(record);
    if (owner != NULL) {
        fake->options.release(owner);
    }
}

static void
fake_queue_free(struct fake_store *fake, struct store_queue *queue)
{
    while (queue->records != NULL) {
        fake_record_free(fake, queue, queue->records);
    }
    DL_DELETE(fake->queues, queue);
    free(queue);
}

/* As the keys of a database sort. */
static bool
fake_is_before(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.data, b.data, len);

    return order != 0 ? order < 0 : a.len < b.len;
}

static void
fake_define(struct store *store, struct span name, struct span value)
{
    struct fake_store *fake = fake_of(store);
    struct fake_definition *at = fake->definitions;
    struct fake_definition *definition;

    fake->dirty = true;
    while (at != NULL && fake_is_before(at->name, name)) {
        at = at->next;
    }
    if (at != NULL && span_equal(at->name, name)) {
        struct fake_definition *old = at;

        at = at->next;
        DL_DELETE(fake->definitions, old);
        free(old);
    }
    if (value.data == NULL) {
        return;
    }
    definition = xcalloc(1, sizeof(*definition) + name.len + value.len);
    memcpy(definition->bytes, name.data, name.len);
    memcpy(definition->bytes + name.len, value.data, value.len);
    definition->name = span_of(definition->bytes, name.len);
    definition->value = span_of(definition->bytes + name.len, value.len);
    if (at != NULL) {
        DL_PREPEND_ELEM(fake->definitions, at, definition);
    } else {
        DL_APPEND(fake->definitions, definition);
    }
}

static void
fake_definitions(struct store *store, struct span prefix,
                 store_definition_found_fn *found, void *ctx)
{
    struct fake_definition *definition;
    struct fake_definition *next;

    DL_FOREACH_SAFE(fake_of(store)->definitions, definition, next) {
        if (span_starts_with(definition->name, prefix)) {
            found(ctx, definition->name, definition->value);
        }
    }
}

static void
fake_close(struct store **store)
{
    struct fake_store *fake = fake_of(*store);
    struct store_fetch *fetch;
    struct store_fetch *next;

    DL_FOREACH_SAFE(fake->fetches, fetch, next) {
        free(fetch);
    }
    while (fake->queues != NULL) {
        fake_queue_free(fake, fake->queues);
    }
    while (fake->definitions != NULL) {
        struct fake_definition *definition = fake->definitions;

        DL_DELETE(fake->definitions, definition);
        free(definition);
    }
    free(fake->ops);
    free(fake);
    *store = NULL;
}

static void
fake_recover(struct store *store, store_queue_found_fn *found, void *ctx)
{
    struct fake_store *fake = fake_of(store);
    struct store_queue *queue;
    struct store_queue *next;

    DL_FOREACH_SAFE(fake->queues, queue, next) {
        struct store_queue_info info = {
            .kind = queue->kind,
            .name = span_of(queue->name, queue->name_len),
            .next_seq = queue->next_seq,
            .first_seq = queue->next_seq,
        };
        struct fake_record *record;
        struct fake_record *after;

        DL_FOREACH_SAFE(queue->records, record, after) {
            if (!record->record.persistent) {
                fake_record_free(fake, queue, record);
                continue;
            }
            record->passed = false;
            info.count++;
            info.bytes += record->record.headers.len + record->record.body.len;
            if (record->record.seq < info.first_seq) {
                info.first_seq = record->record.seq;
            }
        }
        found(ctx, queue, &info);
    }
}

static struct store_queue *
fake_queue_open(struct store *store, enum destination_kind kind,
                struct span name)
{
    struct fake_store *fake = fake_of(store);
    struct store_queue *queue;

    DL_FOREACH(fake->queues, queue) {
        if (queue->kind == kind &&
            span_equal(span_of(queue->name, queue->name_len), name)) {
            return queue;
        }
    }
    queue = xcalloc(1, sizeof(*queue) + name.len);
    queue->kind = kind;
    queue->next_seq = 1;
    queue->name_len = name.len;
    memcpy(queue->name, name.data, name.len);
    DL_APPEND(fake->queues, queue);
    return queue;
}

static void
fake_queue_remove(struct store *store, struct store_queue **queue)
{
    struct fake_store *fake = fake_of(store);
    struct store_fetch *fetch;

    DL_FOREACH(fake->fetches, fetch) {
        assert(fetch->queue != *queue);
    }
    fake_queue_free(fake, *queue);
    *queue = NULL;
}

static void
fake_log(struct fake_store *fake, const struct store_queue *queue, uint64_t seq,
         bool is_put, bool persistent)
{
    struct fake_store_op *op;

    if (fake->op_count == fake->op_capacity) {
        fake->op_capacity = fake->op_capacity > 0 ? fake->op_capacity * 2 : 64;
        fake->ops = xrealloc(fake->ops, fake->op_capacity * sizeof(*fake->ops));
    }
    op = &fake->ops[fake->op_count++];
    *op = (struct fake_store_op){
        .batch = fake->filling,
        .is_put = is_put,
        .persistent = persistent,
        .seq = seq,
    };
    (void)snprintf(op->queue, sizeof(op->queue), "%.*s", (int)queue->name_len,
                   queue->name);
    fake->dirty = true;
}

static struct store_slot
fake_put(struct store *store, struct store_queue *queue,
         const struct store_record *record, void *owner)
{
    struct fake_store *fake = fake_of(store);
    struct fake_record *mine =
        xcalloc(1, sizeof(*mine) + record->headers.len + record->body.len);

    assert(!fake->failed); /* the caller has to refuse */
    assert(record->seq >= queue->next_seq);
    mine->record = *record;
    mine->batch = fake->filling;
    mine->owner = owner;
    memcpy(mine->bytes, record->headers.data, record->headers.len);
    memcpy(mine->bytes + record->headers.len, record->body.data,
           record->body.len);
    mine->record.headers = span_of(mine->bytes, record->headers.len);
    mine->record.body =
        span_of(mine->bytes + record->headers.len, record->body.len);
    queue->next_seq = record->seq + 1;
    DL_APPEND(queue->records, mine);
    fake_log(fake, queue, record->seq, true, record->persistent);
    fake->stats.puts++;
    return store_slot_of(fake->filling + FAKE_SLOT_BASE, 0, record);
}

static void
fake_delete(struct store *store, struct store_queue *queue, uint64_t seq,
            struct store_slot slot)
{
    struct fake_store *fake = fake_of(store);
    struct fake_record *record;

    assert(slot.batch != 0);
    DL_FOREACH(queue->records, record) {
        if (record->record.seq == seq) {
            break;
        }
    }
    assert(record != NULL); /* at most once */
    fake_log(fake, queue, seq, false, record->record.persistent);
    fake->stats.deletes++;
    fake_record_free(fake, queue, record);
}

static uint64_t
fake_trim(struct store *store, struct store_queue *queue, uint64_t below,
          uint64_t *bytes_out)
{
    *bytes_out = 0;
    while (queue->records != NULL && queue->records->record.seq < below) {
        const struct store_record *record = &queue->records->record;

        *bytes_out += record->headers.len + record->body.len;
        fake_delete(store, queue, record->seq, STORE_SLOT_STORED);
    }
    return below;
}

static store_ticket
fake_ticket(struct store *store, bool sync)
{
    struct fake_store *fake = fake_of(store);

    (void)sync;
    if (fake->dirty) {
        return fake->filling;
    }
    return fake->flushed > fake->reported ? fake->flushed : 0;
}

static int64_t
fake_flush(struct store *store, int64_t now_us)
{
    struct fake_store *fake = fake_of(store);

    (void)now_us;
    if (fake->dirty) {
        fake->dirty = false;
        fake->flushed = fake->filling++;
        if (!fake->hold) {
            fake->ended = fake->flushed;
        }
    }
    return INT64_MAX;
}

static void
fake_release_batch(struct fake_store *fake, store_ticket batch)
{
    struct store_queue *queue;
    struct fake_record *record;

    DL_FOREACH(fake->queues, queue) {
        DL_FOREACH(queue->records, record) {
            if (record->batch == batch && record->owner != NULL) {
                void *owner = record->owner;

                record->owner = NULL;
                fake->options.release(owner);
            }
        }
    }
}

static void
fake_pass_over(struct fake_store *fake, struct store_queue *queue,
               struct fake_record *record, struct store_page *page)
{
    record->passed = true;
    page->skipped++;
    page->next_seq = record->record.seq + 1;
    if (record->set_aside) {
        page->removed_bytes +=
            record->record.headers.len + record->record.body.len;
        fake_record_free(fake, queue, record);
    }
}

static void
fake_run_fetch(struct fake_store *fake, struct store_fetch *fetch)
{
    struct store_record *records =
        xcalloc(fetch->max_count + 1, sizeof(*records));
    struct store_page page = { .records = records,
                               .next_seq = fetch->from_seq,
                               .at_end = true };
    struct error err = ERROR_INIT;
    struct fake_record *record;
    struct fake_record *next;
    size_t bytes = 0;

    DL_FOREACH_SAFE(fetch->queue->records, record, next) {
        if (record->record.seq < fetch->from_seq) {
            continue;
        }
        if (record->damaged && !fake->fail_fetches) {
            fake_pass_over(fake, fetch->queue, record, &page);
            continue;
        }
        bytes += record->record.headers.len + record->record.body.len;
        if (record->record.seq >= fetch->limit_seq || fake->fail_fetches ||
            page.count == fetch->max_count ||
            (page.count > 0 && bytes > fetch->max_bytes)) {
            page.at_end = false;
            break;
        }
        records[page.count++] = record->record;
        page.next_seq = record->record.seq + 1;
    }
    if (fake->fail_fetches) {
        (void)error_set(&err, "the disk cannot be read");
        page.err = &err;
    }
    fake->stats.fetches++;
    fetch->fetched(fetch->ctx, &page);
    free(records);
    free(fetch);
}

static void
fake_poll(struct store *store)
{
    struct fake_store *fake = fake_of(store);
    struct store_fetch *fetch;

    DL_FOREACH(fake->fetches, fetch) {
        fetch->due = true;
    }
    while (fake->reported < fake->ended) {
        store_ticket batch = ++fake->reported;
        bool failed = batch == fake->failed_batch;

        fake_release_batch(fake, batch);
        fake->options.committed(fake->options.ctx, batch,
                                failed ? STORE_FAILED : STORE_ON_DISK,
                                failed ? &fake->batch_failure : NULL);
    }
    while (!fake->hold_fetches && fake->fetches != NULL && fake->fetches->due) {
        fetch = fake->fetches;
        DL_DELETE(fake->fetches, fetch);
        fake_run_fetch(fake, fetch);
    }
}

static struct store_fetch *
fake_fetch(struct store *store, struct store_queue *queue,
           const struct store_credit *credit, store_fetched_fn *fetched,
           void *ctx)
{
    struct fake_store *fake = fake_of(store);
    struct store_fetch *fetch = xcalloc(1, sizeof(*fetch));

    *fetch = (struct store_fetch){
        .queue = queue,
        .from_seq = credit->from_seq,
        .limit_seq = queue->next_seq,
        .max_count = credit->max_count,
        .max_bytes = credit->max_bytes,
        .fetched = fetched,
        .ctx = ctx,
    };
    DL_APPEND(fake->fetches, fetch);
    return fetch;
}

static void
fake_fetch_cancel(struct store *store, struct store_fetch *fetch)
{
    struct fake_store *fake = fake_of(store);

    DL_DELETE(fake->fetches, fetch);
    free(fetch);
}

static bool
fake_is_congested(const struct store *store)
{
    return fake_of(store)->congested;
}

static const struct error *
fake_failure(const struct store *store)
{
    const struct fake_store *fake = fake_of(store);

    return fake->failed ? &fake->failure : NULL;
}

static void
fake_stats(const struct store *store, struct store_stats *stats_out)
{
    *stats_out = fake_of(store)->stats;
}

void
fake_store_hold(struct store *store, bool hold)
{
    fake_of(store)->hold = hold;
    if (!hold) {
        fake_of(store)->ended = fake_of(store)->flushed;
    }
}

bool
fake_store_end(struct store *store, const char *err)
{
    struct fake_store *fake = fake_of(store);

    if (fake->ended == fake->flushed) {
        return false;
    }
    fake->ended++;
    if (err != NULL) {
        fake->failed_batch = fake->ended;
        fake->batch_failure = ERROR_INIT;
        (void)error_set(&fake->batch_failure, "%s", err);
    }
    return true;
}

void
fake_store_hold_fetches(struct store *store, bool hold)
{
    fake_of(store)->hold_fetches = hold;
}

void
fake_store_fail_fetches(struct store *store, bool fail)
{
    fake_of(store)->fail_fetches = fail;
}

void
fake_store_set_congested(struct store *store, bool congested)
{
    fake_of(store)->congested = congested;
}

void
fake_store_set_failure(struct store *store, const char *text)
{
    struct fake_store *fake = fake_of(store);

    fake->failed = text != NULL;
    fake->failure = ERROR_INIT;
    if (text != NULL) {
        (void)error_set(&fake->failure, "%s", text);
    }
}

const struct fake_store_op *
fake_store_ops(const struct store *store, size_t *count_out)
{
    *count_out = fake_of(store)->op_count;
    return fake_of(store)->ops;
}

void
fake_store_each(const struct store *store, fake_store_record_fn *fn, void *ctx)
{
    const struct store_queue *queue;
    const struct fake_record *record;

    DL_FOREACH(fake_of(store)->queues, queue) {
        DL_FOREACH(queue->records, record) {
            fn(ctx, span_of(queue->name, queue->name_len), &record->record);
        }
    }
}

size_t
fake_store_count(const struct store *store)
{
    const struct store_queue *queue;
    const struct fake_record *record;
    size_t count = 0;

    DL_FOREACH(fake_of(store)->queues, queue) {
        DL_FOREACH(queue->records, record) {
            count++;
        }
    }
    return count;
}

void
fake_store_damage(struct store *store, const char *body, bool set_aside)
{
    struct store_queue *queue;
    struct fake_record *record;
    struct fake_record *found = NULL;

    DL_FOREACH(fake_of(store)->queues, queue) {
        DL_FOREACH(queue->records, record) {
            if (span_equal(record->record.body, span_of_text(body))) {
                found = record;
            }
        }
    }
    assert(found != NULL);
    found->damaged = true;
    found->set_aside = set_aside;
}

size_t
fake_store_bytes(const struct store *store, bool persistent)
{
    const struct store_queue *queue;
    const struct fake_record *record;
    size_t bytes = 0;

    DL_FOREACH(fake_of(store)->queues, queue) {
        DL_FOREACH(queue->records, record) {
            if (record->record.persistent == persistent && !record->passed) {
                bytes += record->record.headers.len + record->record.body.len;
            }
        }
    }
    return bytes;
}

const struct store_engine fake_store_engine = {
    .name = "fake",
    .doc = "the test decides",
    .capabilities = STORE_CAN_SURVIVE | STORE_CAN_PAGE,
    .open = fake_open,
    .close = fake_close,
    .recover = fake_recover,
    .queue_open = fake_queue_open,
    .queue_remove = fake_queue_remove,
    .put = fake_put,
    .del = fake_delete,
    .trim = fake_trim,
    .define = fake_define,
    .definitions = fake_definitions,
    .ticket = fake_ticket,
    .flush = fake_flush,
    .poll = fake_poll,
    .fetch = fake_fetch,
    .fetch_cancel = fake_fetch_cancel,
    .is_congested = fake_is_congested,
    .failure = fake_failure,
    .stats = fake_stats,
};
