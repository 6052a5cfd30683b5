/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_build.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

struct build_journal {
    struct store_queue *queue;
    uint64_t last; /* number, of what was put */
    uint64_t next;
};

struct store_build {
    struct store *store;
    struct build_journal *journals;
    size_t count;
    size_t capacity;
    sem_t woken;
    store_ticket committed;
    bool failed;
    struct error failure;
};

/* ----------------------------------------------------------- callbacks -- */

static void
build_on_committed(void *ctx, store_ticket ticket, enum store_result result,
                   const struct error *err)
{
    struct store_build *build = ctx;

    build->committed = ticket;
    if (result == STORE_FAILED) {
        build->failed = true;
        (void)error_set(&build->failure, "%s", err->text);
    }
}

static void
build_on_release(void *owner)
{
    free(owner);
}

static void
build_on_wake(void *ctx)
{
    struct store_build *build = ctx;

    (void)sem_post(&build->woken);
}

static void
build_on_health(void *ctx, const struct error *err)
{
    struct store_build *build = ctx;

    /* A disk that fails fails the whole: nobody waits until it works again. */
    if (err != NULL) {
        build->failed = true;
        (void)error_set(&build->failure, "%s", err->text);
    }
}

/* --------------------------------------------------------------- turns -- */

static int
build_check(const struct store_build *build, struct error *err)
{
    return build->failed ? error_set(err, "%s", build->failure.text) : 0;
}

/* One turn of a loop that has nothing else to do. */
static void
build_turn(struct store_build *build, bool wait)
{
    (void)store_flush(build->store, clock_monotonic_us());
    if (wait) {
        while (sem_wait(&build->woken) != 0) {
            assert(errno == EINTR);
        }
    }
    while (sem_trywait(&build->woken) == 0) {
    }
    store_poll(build->store);
}

/* After each operation: the write queue stays bounded. */
static int
build_pace(struct store_build *build, struct error *err)
{
    while (store_is_congested(build->store) && !build->failed) {
        build_turn(build, true);
    }
    return build_check(build, err);
}

/* ----------------------------------------------------------- operations -- */

int
store_build_open(const struct store_engine *engine, const char *directory,
                 struct store_build **build_out, struct error *err)
{
    struct store_build *build = xcalloc(1, sizeof(*build));
    struct store_options options = store_options_default;

    options.directory = directory;
    options.flush_delay_us = 0;
    options.committed = build_on_committed;
    options.release = build_on_release;
    options.wake = build_on_wake;
    options.health = build_on_health;
    options.ctx = build;
    (void)sem_init(&build->woken, 0, 0);
    if (store_open(engine, &options, &build->store, err) != 0) {
        (void)sem_destroy(&build->woken);
        free(build);
        return -1;
    }
    *build_out = build;
    return 0;
}

int
store_build_journal(struct store_build *build, enum destination_kind kind,
                    struct span name, uint64_t next, size_t *journal_out,
                    struct error *err)
{
    if (build->count == build->capacity) {
        build->capacity = build->capacity > 0 ? build->capacity * 2 : 16;
        build->journals = xrealloc(build->journals,
                                   build->capacity * sizeof(*build->journals));
    }
    build->journals[build->count] = (struct build_journal){
        .queue = store_queue_open(build->store, kind, name),
        .next = next,
    };
    *journal_out = build->count++;
    return build_check(build, err);
}

void
store_build_next(struct store_build *build, size_t journal, uint64_t next)
{
    if (next > build->journals[journal].next) {
        build->journals[journal].next = next;
    }
}

static struct span
build_copy(char *to, struct span from)
{
    if (from.len > 0) {
        memcpy(to, from.data, from.len);
    }
    return span_of(to, from.len);
}

int
store_build_record(struct store_build *build, size_t journal,
                   const struct store_record *record, struct error *err)
{
    struct build_journal *to = &build->journals[journal];
    /* Freed when the store lets go of it. */
    char *bytes = xmalloc(record->headers.len + record->body.len + 1);
    struct store_record copy = *record;

    assert(record->seq > to->last);
    copy.headers = build_copy(bytes, record->headers);
    copy.body = build_copy(bytes + record->headers.len, record->body);
    to->last = record->seq;
    (void)store_put(build->store, to->queue, &copy, bytes);
    build_turn(build, false);
    return build_pace(build, err);
}

int
store_build_definition(struct store_build *build, struct span name,
                       struct span value, struct error *err)
{
    store_define(build->store, name, value);
    return build_pace(build, err);
}

/* Numbers above those of the records were used too: a record that is taken back
 * in the same batch is never written, but its number is. */
static void
build_use_numbers(struct store_build *build)
{
    for (size_t i = 0; i < build->count; i++) {
        struct build_journal *journal = &build->journals[i];
        struct store_record record = { .seq = journal->next - 1,
                                       .persistent = true,
                                       .headers = SPAN(""),
                                       .body = SPAN("") };

        if (journal->next > journal->last + 1) {
            struct store_slot slot =
                store_put(build->store, journal->queue, &record, xcalloc(1, 1));

            store_delete(build->store, journal->queue, record.seq, slot);
            journal->last = record.seq;
        }
    }
}

struct store *
store_build_commit(struct store_build *build, struct error *err)
{
    store_ticket ticket;

    build_use_numbers(build);
    ticket = store_ticket_take(build->store, true);
    while (build->committed < ticket && !build->failed) {
        build_turn(build, true);
    }
    return build_check(build, err) == 0 ? build->store : NULL;
}

void
store_build_abandon(struct store_build **build)
{
    struct store_build *gone = *build;

    if (gone != NULL) {
        store_close(&gone->store);
        (void)sem_destroy(&gone->woken);
        free(gone->journals);
        free(gone);
        *build = NULL;
    }
}

int
store_build_finish(struct store_build **build, struct error *err)
{
    int status = store_build_commit(*build, err) != NULL ? 0 : -1;

    store_build_abandon(build);
    return status;
}
