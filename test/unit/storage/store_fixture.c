/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/storage/store_fixture.h"

#include "base/alloc.h"
#include "test/testutil.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A put's memory: the store holds it, then releases it. */
struct fixture_owner {
    struct fixture *fixture;
    size_t headers_len;
    size_t body_len;
    char bytes[];
};

enum { FIXTURE_WAIT_S = 20 };

static size_t
fixture_body_len(uint64_t seq)
{
    return (size_t)(seq * 37 % 300);
}

static struct fixture_owner *
fixture_owner_new(struct fixture *fixture, uint64_t seq)
{
    size_t body_len = fixture_body_len(seq);
    struct fixture_owner *owner = xmalloc(sizeof(*owner) + 64 + body_len);

    owner->fixture = fixture;
    owner->headers_len =
        (size_t)snprintf(owner->bytes, 64, "n:%llu\n", (unsigned long long)seq);
    owner->body_len = body_len;
    memset(owner->bytes + owner->headers_len, (int)('a' + seq % 26), body_len);
    fixture->holds++;
    return owner;
}

static void
fixture_on_release(void *ctx)
{
    struct fixture_owner *owner = ctx;

    ck_assert_uint_gt(owner->fixture->holds, 0);
    owner->fixture->holds--;
    free(owner);
}

static void
fixture_on_committed(void *ctx, store_ticket ticket, enum store_result result,
                     const struct error *err)
{
    struct fixture *fixture = ctx;

    ck_assert(fixture->polling);
    ck_assert_uint_gt(ticket, fixture->committed);
    ck_assert_int_eq(err != NULL, result == STORE_FAILED);
    fixture->committed = ticket;
    fixture->committed_calls++;
    fixture->result = result;
    if (err != NULL) {
        fixture->failure = *err;
        fixture->failed_calls++;
    }
}

static void
fixture_on_wake(void *ctx)
{
    struct fixture *fixture = ctx;

    (void)sem_post(&fixture->woken);
}

static void
fixture_on_health(void *ctx, const struct error *err)
{
    struct fixture *fixture = ctx;

    ck_assert(fixture->polling);
    if (err != NULL) {
        ck_assert_ptr_nonnull(store_failure(fixture->store));
        fixture->unhealthy_calls++;
    } else {
        ck_assert_ptr_null(store_failure(fixture->store));
        fixture->healthy_calls++;
    }
}

static bool
fixture_record_is_intact(const struct store_record *record)
{
    char headers[64];
    size_t len = (size_t)snprintf(headers, sizeof(headers), "n:%llu\n",
                                  (unsigned long long)record->seq);
    bool intact = span_equal(record->headers, span_of(headers, len)) &&
                  record->body.len == fixture_body_len(record->seq) &&
                  record->priority == record->seq % 10 &&
                  record->timestamp_ms == (int64_t)record->seq * 1000 &&
                  record->expires_ms == (int64_t)(record->seq % 3);

    for (size_t i = 0; intact && i < record->body.len; i++) {
        intact = record->body.data[i] == (char)('a' + record->seq % 26);
    }
    return intact;
}

void
fixture_on_fetched(void *ctx, const struct store_page *page)
{
    struct fixture *fixture = ctx;
    struct fixture_fetched *fetched = &fixture->fetched;

    ck_assert(fixture->polling);
    ck_assert_uint_le(page->count, FIXTURE_FETCHED_MAX);
    fetched->calls++;
    fetched->count = page->count;
    fetched->next_seq = page->next_seq;
    fetched->at_end = page->at_end;
    fetched->skipped = page->skipped;
    fetched->removed_bytes = page->removed_bytes;
    fetched->failed = page->err != NULL;
    fetched->intact = true;
    for (size_t i = 0; i < page->count; i++) {
        fetched->seqs[i] = page->records[i].seq;
        fetched->intact =
            fetched->intact && fixture_record_is_intact(&page->records[i]);
    }
}

static void
fixture_on_found(void *ctx, struct store_queue *queue,
                 const struct store_queue_info *info)
{
    struct fixture *fixture = ctx;
    struct fixture_found *found = &fixture->found[fixture->found_count++];

    ck_assert_uint_le(fixture->found_count, 16);
    found->queue = queue;
    found->info = *info;
    (void)snprintf(found->name_text, sizeof(found->name_text), "%.*s",
                   (int)info->name.len, info->name.data);
    found->info.name = span_of_text(found->name_text);
}

void
fixture_open(struct fixture *fixture, const struct store_engine *engine)
{
    struct error err = ERROR_INIT;

    fixture->committed = 0;
    fixture->found_count = 0;
    ck_assert_msg(
        store_open(engine, &fixture->options, &fixture->store, &err) == 0, "%s",
        err.text);
    store_recover(fixture->store, fixture_on_found, fixture);
}

void
fixture_init(struct fixture *fixture, const struct store_engine *engine)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->directory = testutil_tmpdir();
    fixture->options = store_options_default;
    fixture->options.directory = fixture->directory;
    fixture->options.free_bytes_min = 0;
    fixture->options.committed = fixture_on_committed;
    fixture->options.release = fixture_on_release;
    fixture->options.wake = fixture_on_wake;
    fixture->options.health = fixture_on_health;
    fixture->options.ctx = fixture;
    ck_assert_int_eq(sem_init(&fixture->woken, 0, 0), 0);
    fixture_open(fixture, engine);
}

void
fixture_fini(struct fixture *fixture)
{
    store_close(&fixture->store);
    ck_assert_uint_eq(fixture->holds, 0);
    (void)sem_destroy(&fixture->woken);
    testutil_rmtree(fixture->directory);
    free(fixture->directory);
}

void
fixture_reopen(struct fixture *fixture)
{
    const struct store_engine *engine = fixture->store->engine;

    store_close(&fixture->store);
    ck_assert_ptr_null(fixture->store);
    ck_assert_uint_eq(fixture->holds, 0);
    fixture_open(fixture, engine);
}

struct store_queue *
fixture_queue(struct fixture *fixture, const char *name)
{
    return store_queue_open(fixture->store, DESTINATION_QUEUE,
                            span_of_text(name));
}

static struct store_slot
fixture_put_as(struct fixture *fixture, struct store_queue *queue, uint64_t seq,
               bool persistent)
{
    struct fixture_owner *owner = fixture_owner_new(fixture, seq);
    struct store_record record = {
        .seq = seq,
        .persistent = persistent,
        .priority = (uint8_t)(seq % 10),
        .timestamp_ms = (int64_t)seq * 1000,
        .expires_ms = (int64_t)(seq % 3),
        .headers = span_of(owner->bytes, owner->headers_len),
        .body = span_of(owner->bytes + owner->headers_len, owner->body_len),
    };

    return store_put(fixture->store, queue, &record, owner);
}

struct store_slot
fixture_put(struct fixture *fixture, struct store_queue *queue, uint64_t seq)
{
    return fixture_put_as(fixture, queue, seq, true);
}

struct store_slot
fixture_put_spilled(struct fixture *fixture, struct store_queue *queue,
                    uint64_t seq)
{
    return fixture_put_as(fixture, queue, seq, false);
}

void
fixture_poll(struct fixture *fixture)
{
    struct timespec until;

    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += FIXTURE_WAIT_S;
    ck_assert_int_eq(sem_timedwait(&fixture->woken, &until), 0);
    while (sem_trywait(&fixture->woken) == 0) {
    }
    fixture->polling = true;
    store_poll(fixture->store);
    fixture->polling = false;
}

void
fixture_turn(struct fixture *fixture)
{
    int64_t due_us = store_flush(fixture->store, ++fixture->now_us);

    if (due_us != INT64_MAX && due_us > fixture->now_us) {
        fixture->now_us = due_us; /* past the delay for cancelling */
        (void)store_flush(fixture->store, fixture->now_us);
    }
    fixture_poll(fixture);
}

enum store_result
fixture_wait(struct fixture *fixture, store_ticket ticket)
{
    while (fixture->committed < ticket) {
        fixture_turn(fixture);
    }
    return fixture->result;
}

enum store_result
fixture_sync(struct fixture *fixture)
{
    return fixture_wait(fixture, store_ticket_take(fixture->store, true));
}

void
fixture_fetch(struct fixture *fixture, struct store_queue *queue,
              uint64_t from_seq, size_t max_count, size_t max_bytes)
{
    unsigned calls = fixture->fetched.calls;
    struct store_credit credit = { from_seq, max_count, max_bytes };

    (void)store_fetch_start(fixture->store, queue, &credit, fixture_on_fetched,
                            fixture);
    ck_assert_uint_eq(fixture->fetched.calls, calls);
    while (fixture->fetched.calls == calls) {
        fixture_turn(fixture);
    }
}
