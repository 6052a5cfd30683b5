/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store with a loop of its own to be tested with: counts what the callbacks
 * bring, and stops the test when one of them runs inside another call.  Time
 * is a number that every turn moves on, so nothing waits for a clock.
 */
#pragma once
#include "storage/store.h"

#include <semaphore.h>

enum { FIXTURE_FETCHED_MAX = 4096 };

struct fixture_fetched {
    unsigned calls;
    size_t count;
    uint64_t seqs[FIXTURE_FETCHED_MAX];
    uint64_t next_seq;
    bool at_end;
    size_t skipped;
    size_t removed_bytes;
    bool failed;
    bool intact; /* every record is as fixture_put made it */
};

struct fixture_found {
    struct store_queue *queue;
    struct store_queue_info info; /* name points at name_text */
    char name_text[64];
};

struct fixture {
    struct store *store;
    struct store_options options;
    char *directory;
    sem_t woken;
    int64_t now_us;
    bool polling; /* callbacks may run now */
    unsigned committed_calls;
    store_ticket committed; /* the last that was reported */
    enum store_result result;
    struct error failure;
    unsigned failed_calls;
    unsigned holds; /* owners that the store holds */
    unsigned healthy_calls;
    unsigned unhealthy_calls;
    struct fixture_fetched fetched;
    struct fixture_found found[16];
    size_t found_count;
};

/* Opens engine in a new scratch directory. */
void fixture_init(struct fixture *fixture, const struct store_engine *engine);

/* Closes, checks that no owner is held, removes the directory. */
void fixture_fini(struct fixture *fixture);

/* Closes and opens again in the same directory; found[] is filled. */
void fixture_reopen(struct fixture *fixture);

/* Opens again after the test closed the store itself. */
void fixture_open(struct fixture *fixture, const struct store_engine *engine);

struct store_queue *fixture_queue(struct fixture *fixture, const char *name);

/* Puts a record whose content follows from seq alone. */
struct store_slot fixture_put(struct fixture *fixture,
                              struct store_queue *queue, uint64_t seq);
struct store_slot fixture_put_spilled(struct fixture *fixture,
                                      struct store_queue *queue, uint64_t seq);

/* Amid a turn: waits for a wake, and polls. */
void fixture_poll(struct fixture *fixture);

/* One turn: flush, wait for a wake if anything is under way, poll. */
void fixture_turn(struct fixture *fixture);

/* Turns until ticket has come to an end, and returns its result. */
enum store_result fixture_wait(struct fixture *fixture, store_ticket ticket);

/* Takes a sync ticket and waits for it. */
enum store_result fixture_sync(struct fixture *fixture);

/* Fetches and waits for the answer, which is then in fixture->fetched. */
void fixture_fetch(struct fixture *fixture, struct store_queue *queue,
                   uint64_t from_seq, size_t max_count, size_t max_bytes);

/* The fetched callback; ctx is the fixture. */
store_fetched_fn fixture_on_fetched;
