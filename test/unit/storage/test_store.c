/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of storage/store.h, one suite for every engine: each case runs
 * once per entry of store_engines.
 */
#include "storage/store.h"
#include "test/testutil.h"
#include "test/unit/storage/store_fixture.h"

#include <stdio.h>
#include <string.h>

static struct fixture fixture;

static bool
engine_survives(int i)
{
    return (store_engines[i]->capabilities & STORE_CAN_SURVIVE) != 0;
}

static const struct store_credit ten_from_1 = { 1, 10, SIZE_MAX };

START_TEST(records_come_back_in_the_order_of_their_numbers)
{
    struct store_queue *queue;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "ORDER");
    for (uint64_t seq = 1; seq <= 300; seq++) {
        (void)fixture_put(&fixture, queue, seq);
    }
    (void)fixture_sync(&fixture);
    fixture_fetch(&fixture, queue, 1, 1000, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 300);
    for (uint64_t seq = 1; seq <= 300; seq++) {
        ck_assert_uint_eq(fixture.fetched.seqs[seq - 1], seq);
    }
    ck_assert(fixture.fetched.intact);
    ck_assert(fixture.fetched.at_end);
    ck_assert_uint_eq(fixture.fetched.next_seq, 301);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(same_name_and_kind_is_the_same_journal)
{
    fixture_init(&fixture, store_engines[_i]);
    ck_assert_ptr_eq(fixture_queue(&fixture, "A"),
                     fixture_queue(&fixture, "A"));
    ck_assert_ptr_ne(fixture_queue(&fixture, "A"),
                     fixture_queue(&fixture, "B"));
    ck_assert_ptr_ne(
        fixture_queue(&fixture, "A"),
        store_queue_open(fixture.store, DESTINATION_TOPIC, SPAN("A")));
    fixture_fini(&fixture);
}
END_TEST

START_TEST(ticket_of_an_idle_store_is_zero)
{
    fixture_init(&fixture, store_engines[_i]);
    ck_assert_uint_eq(store_ticket_take(fixture.store, false), 0);
    ck_assert_uint_eq(store_ticket_take(fixture.store, true), 0);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(ticket_covers_every_operation_made_before_it)
{
    struct store_queue *queue;
    store_ticket ticket;
    enum store_result want =
        engine_survives(_i) ? STORE_ON_DISK : STORE_IN_MEMORY;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    ticket = store_ticket_take(fixture.store, true);
    ck_assert_uint_gt(ticket, 0);
    (void)fixture_put(&fixture, queue, 2);
    ck_assert_uint_eq(store_ticket_take(fixture.store, false), ticket);
    ck_assert_int_eq(fixture_wait(&fixture, ticket), want);
    (void)fixture_put(&fixture, queue, 3);
    ck_assert_uint_gt(store_ticket_take(fixture.store, false), ticket);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(batch_nobody_waits_for_ends_too)
{
    enum store_result want =
        engine_survives(_i) ? STORE_WRITTEN : STORE_IN_MEMORY;

    fixture_init(&fixture, store_engines[_i]);
    (void)fixture_put(&fixture, fixture_queue(&fixture, "Q"), 1);
    ck_assert_int_eq(
        fixture_wait(&fixture, store_ticket_take(fixture.store, false)), want);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(put_and_early_delete_cancel_each_other)
{
    struct store_queue *queue;
    struct store_slot slot;
    struct store_stats stats;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    slot = fixture_put(&fixture, queue, 1);
    ck_assert_uint_eq(fixture.holds, 1);
    store_delete(fixture.store, queue, 1, slot);
    ck_assert_uint_eq(fixture.holds, 0);
    store_stats_get(fixture.store, &stats);
    ck_assert_uint_eq(stats.cancelled, 1);
    ck_assert_uint_eq(stats.pending_bytes, 0);
    ck_assert_int_ne(fixture_sync(&fixture), STORE_FAILED);
    fixture_fetch(&fixture, queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 0);
    ck_assert(fixture.fetched.at_end);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(delete_while_its_put_is_under_way_removes_it)
{
    struct store_queue *queue;
    struct store_slot slot;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    slot = fixture_put(&fixture, queue, 1);
    (void)fixture_put(&fixture, queue, 2);
    (void)store_ticket_take(fixture.store, true);
    (void)store_flush(fixture.store, ++fixture.now_us);
    store_delete(fixture.store, queue, 1, slot);
    (void)fixture_sync(&fixture);
    fixture_fetch(&fixture, queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 1);
    ck_assert_uint_eq(fixture.fetched.seqs[0], 2);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(fetch_gives_no_more_than_its_credit)
{
    struct store_queue *queue;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    for (uint64_t seq = 1; seq <= 10; seq++) {
        (void)fixture_put(&fixture, queue, seq);
    }
    fixture_fetch(&fixture, queue, 3, 4, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 4);
    ck_assert_uint_eq(fixture.fetched.seqs[0], 3);
    ck_assert_uint_eq(fixture.fetched.next_seq, 7);
    ck_assert(!fixture.fetched.at_end);
    fixture_fetch(&fixture, queue, 7, 4, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 4);
    ck_assert(fixture.fetched.at_end);
    /* One record always, whatever its size. */
    fixture_fetch(&fixture, queue, 5, 10, 1);
    ck_assert_uint_eq(fixture.fetched.count, 1);
    ck_assert_uint_eq(fixture.fetched.next_seq, 6);
    /* About max_bytes: 1 and 2 have 37 and 74 bytes and short headers. */
    fixture_fetch(&fixture, queue, 1, 10, 120);
    ck_assert_uint_eq(fixture.fetched.count, 2);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(fetch_sees_what_was_put_before_it_and_nothing_later)
{
    struct store_queue *queue;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    (void)store_fetch_start(fixture.store, queue, &ten_from_1,
                            fixture_on_fetched, &fixture);
    (void)fixture_put(&fixture, queue, 2);
    while (fixture.fetched.calls == 0) {
        fixture_turn(&fixture);
    }
    ck_assert_uint_eq(fixture.fetched.count, 1);
    ck_assert_uint_eq(fixture.fetched.seqs[0], 1);
    ck_assert_uint_eq(fixture.fetched.next_seq, 2);
    ck_assert(!fixture.fetched.at_end);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(fetch_does_not_see_what_was_deleted_before_it)
{
    struct store_queue *queue;
    struct store_slot slots[4];

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    for (uint64_t seq = 1; seq <= 3; seq++) {
        slots[seq] = fixture_put(&fixture, queue, seq);
    }
    (void)fixture_sync(&fixture);
    store_delete(fixture.store, queue, 1, slots[1]);
    store_delete(fixture.store, queue, 3, STORE_SLOT_STORED);
    fixture_fetch(&fixture, queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 1);
    ck_assert_uint_eq(fixture.fetched.seqs[0], 2);
    ck_assert(fixture.fetched.at_end);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(cancelled_fetch_never_answers)
{
    struct store_queue *queue;
    struct store_fetch *waiting;
    struct store_fetch *under_way;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    waiting = store_fetch_start(fixture.store, queue, &ten_from_1,
                                fixture_on_fetched, &fixture);
    store_fetch_cancel(fixture.store, waiting);
    under_way = store_fetch_start(fixture.store, queue, &ten_from_1,
                                  fixture_on_fetched, &fixture);
    (void)store_flush(fixture.store, ++fixture.now_us);
    store_fetch_cancel(fixture.store, under_way);
    (void)fixture_put(&fixture, queue, 2);
    (void)fixture_sync(&fixture);
    (void)fixture_put(&fixture, queue, 3);
    (void)fixture_sync(&fixture);
    ck_assert_uint_eq(fixture.fetched.calls, 0);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(removed_journal_is_empty_when_made_again)
{
    struct store_queue *queue;
    struct store_queue *other;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    other = fixture_queue(&fixture, "OTHER");
    (void)fixture_put(&fixture, other, 1);
    for (uint64_t seq = 1; seq <= 2500; seq++) {
        (void)fixture_put(&fixture, queue, seq);
    }
    (void)fixture_sync(&fixture);
    (void)fixture_put(&fixture, queue, 2501);
    store_queue_remove(fixture.store, &queue);
    ck_assert_ptr_null(queue);
    queue = fixture_queue(&fixture, "Q");
    fixture_fetch(&fixture, queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 0);
    (void)fixture_put(&fixture, queue, 1);
    fixture_fetch(&fixture, queue, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 1);
    fixture_fetch(&fixture, other, 1, 10, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 1);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(trim_takes_out_the_oldest_and_says_how_much)
{
    struct store_queue *queue;
    uint64_t below = 0;
    uint64_t sum = 0;
    uint64_t all = 0;
    uint64_t bytes;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    for (uint64_t seq = 1; seq <= 5000; seq++) {
        struct store_slot slot = fixture_put(&fixture, queue, seq);

        all += slot.bytes;
        if (seq % 7 == 0) {
            store_delete(fixture.store, queue, seq, slot);
            all -= slot.bytes;
        }
    }
    (void)fixture_sync(&fixture);
    for (int i = 0; i < 100; i++) {
        below = store_trim(fixture.store, queue, 3000, &bytes);
        sum += bytes;
    }
    ck_assert_uint_le(below, 3000);
    ck_assert_uint_gt(below, 1000); /* a step is no more than that */
    (void)fixture_sync(&fixture);
    fixture_fetch(&fixture, queue, 1, 1, SIZE_MAX);
    ck_assert_uint_ge(fixture.fetched.seqs[0], below);
    ck_assert_uint_le(fixture.fetched.seqs[0], 3000);
    for (int i = 0; i < 100; i++) {
        below = store_trim(fixture.store, queue, 5001, &bytes);
        sum += bytes;
    }
    ck_assert_uint_eq(below, 5001);
    ck_assert_uint_eq(sum, all);
    (void)fixture_sync(&fixture);
    fixture_fetch(&fixture, queue, 1, 1, SIZE_MAX);
    ck_assert_uint_eq(fixture.fetched.count, 0);
    ck_assert_uint_eq(fixture.holds, 0);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(close_releases_what_is_still_held)
{
    struct store_queue *queue;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    (void)fixture_put(&fixture, queue, 1);
    (void)store_flush(fixture.store, ++fixture.now_us);
    (void)fixture_put(&fixture, queue, 2);
    (void)store_fetch_start(fixture.store, queue, &ten_from_1,
                            fixture_on_fetched, &fixture);
    store_close(&fixture.store);
    ck_assert_ptr_null(fixture.store);
    ck_assert_uint_eq(fixture.holds, 0);
    ck_assert_uint_eq(fixture.fetched.calls, 0);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(statistics_count_operations_and_batches)
{
    struct store_queue *queue;
    struct store_slot slot;
    struct store_stats stats;

    fixture_init(&fixture, store_engines[_i]);
    queue = fixture_queue(&fixture, "Q");
    slot = fixture_put(&fixture, queue, 1);
    store_stats_get(fixture.store, &stats);
    ck_assert_uint_gt(stats.pending_bytes, 0);
    (void)fixture_sync(&fixture);
    store_delete(fixture.store, queue, 1, slot);
    (void)fixture_sync(&fixture);
    store_stats_get(fixture.store, &stats);
    ck_assert_uint_eq(stats.puts, 1);
    ck_assert_uint_eq(stats.deletes, 1);
    ck_assert_uint_eq(stats.cancelled, 0);
    ck_assert_uint_eq(stats.batches, 2);
    ck_assert_uint_eq(stats.pending_bytes, 0);
    ck_assert_uint_eq(stats.failures, 0);
    fixture_fini(&fixture);
}
END_TEST

/* ------------------------------------------------------ against a model -- */

enum { MODEL_SEQS = 6000, MODEL_STEPS = 12000, MODEL_QUEUES = 3 };

struct model_queue {
    struct store_queue *queue;
    const char *name;
    uint64_t next_seq;
    uint64_t lowest; /* below it all are gone */
    bool live[MODEL_SEQS];
    struct store_slot slots[MODEL_SEQS];
};

static struct model_queue models[MODEL_QUEUES];
static uint32_t model_state;

static uint32_t
model_random(uint32_t below)
{
    model_state = model_state * 1664525u + 1013904223u;
    return (model_state >> 8) % below;
}

static void
model_put(struct model_queue *model)
{
    uint64_t seq = model->next_seq;

    if (seq < MODEL_SEQS) {
        model->slots[seq] = fixture_put(&fixture, model->queue, seq);
        model->live[seq] = true;
        model->next_seq++;
    }
}

static void
model_delete_at(struct model_queue *model, uint64_t seq)
{
    if (model->live[seq]) {
        store_delete(fixture.store, model->queue, seq, model->slots[seq]);
        model->live[seq] = false;
    }
    while (model->lowest < model->next_seq && !model->live[model->lowest]) {
        model->lowest++;
    }
}

static void
model_delete(struct model_queue *model)
{
    uint64_t span = model->next_seq - model->lowest;

    if (span > 0) {
        /* Near the head as a rule, anywhere now and then. */
        uint32_t reach = model_random(4) > 0 && span > 8 ? 8 : (uint32_t)span;

        model_delete_at(model, model->lowest + model_random(reach));
    }
}

static void
model_fetch(struct model_queue *model)
{
    uint64_t seq = model->lowest + model_random(20);
    size_t max = 1 + model_random(50);
    size_t count = 0;

    fixture_fetch(&fixture, model->queue, seq, max, SIZE_MAX);
    ck_assert(fixture.fetched.intact);
    ck_assert_uint_eq(fixture.fetched.skipped, 0);
    for (; seq < model->next_seq && count < max; seq++) {
        if (model->live[seq]) {
            ck_assert_uint_lt(count, fixture.fetched.count);
            ck_assert_uint_eq(fixture.fetched.seqs[count], seq);
            count++;
        }
    }
    ck_assert_uint_eq(fixture.fetched.count, count);
    while (seq < model->next_seq && !model->live[seq]) {
        seq++;
    }
    ck_assert_int_eq(fixture.fetched.at_end, seq >= model->next_seq);
}

/* Whole steps of the engine's own go from the front. */
static void
model_trim(struct model_queue *model)
{
    uint64_t below = model->lowest + model_random(3000);
    uint64_t bytes;
    uint64_t gone = store_trim(fixture.store, model->queue, below, &bytes);

    ck_assert_uint_le(gone, below);
    for (uint64_t seq = 1; seq < gone && seq < MODEL_SEQS; seq++) {
        model->live[seq] = false;
    }
    while (model->lowest < model->next_seq && !model->live[model->lowest]) {
        model->lowest++;
    }
}

/* The value of each definition; 0: there is none. */
enum { MODEL_DEFINITIONS = 10 };
static uint32_t defined[MODEL_DEFINITIONS];

static void
model_define(void)
{
    uint32_t which = model_random(MODEL_DEFINITIONS);
    char name[16];
    char value[16];

    (void)snprintf(name, sizeof(name), "model/%u", which);
    defined[which] = model_random(3) > 0 ? 1 + model_random(1000) : 0;
    (void)snprintf(value, sizeof(value), "%u", defined[which]);
    store_define(fixture.store, span_of_text(name),
                 defined[which] > 0 ? span_of_text(value) : SPAN_NONE);
}

static void
model_on_definition(void *ctx, struct span name, struct span value)
{
    unsigned *seen = ctx;
    uint64_t which;
    uint64_t number;

    ck_assert(span_to_u64(span_after(name, strlen("model/")), &which));
    ck_assert_uint_lt(which, MODEL_DEFINITIONS);
    ck_assert(span_to_u64(value, &number));
    ck_assert_uint_eq(number, defined[which]);
    *seen += 1;
}

static void
model_recover_definitions(void)
{
    unsigned seen = 0;
    unsigned expected = 0;

    store_definitions(fixture.store, SPAN("model/"), model_on_definition,
                      &seen);
    for (int i = 0; i < MODEL_DEFINITIONS; i++) {
        expected += defined[i] > 0 ? 1 : 0;
    }
    ck_assert_uint_eq(seen, expected);
}

/* What the open finds is what the model has. */
static void
model_recover(struct model_queue *model)
{
    uint64_t count = 0;

    for (size_t i = 0; i < fixture.found_count; i++) {
        const struct store_queue_info *info = &fixture.found[i].info;

        if (span_equal(info->name, span_of_text(model->name))) {
            for (uint64_t seq = 0; seq < model->next_seq; seq++) {
                count += model->live[seq] ? 1 : 0;
                model->slots[seq] = STORE_SLOT_STORED;
            }
            ck_assert_uint_eq(info->count, count);
            ck_assert_uint_le(info->first_seq, model->lowest);
            ck_assert(count > 0 || info->first_seq == info->next_seq);
            ck_assert_uint_eq(info->next_seq, model->next_seq);
        }
    }
    model->queue = fixture_queue(&fixture, model->name);
}

static void
model_step(int engine)
{
    struct model_queue *model = &models[model_random(MODEL_QUEUES)];
    uint32_t what = model_random(1000);

    if (what < 450) {
        model_put(model);
    } else if (what < 870) {
        model_delete(model);
    } else if (what < 871) {
        model_trim(model);
    } else if (what < 880) {
        model_define();
    } else if (what < 960) {
        (void)store_flush(fixture.store, fixture.now_us += 1000);
    } else if (what < 975) {
        (void)fixture_sync(&fixture);
    } else if (what < 997 || !engine_survives(engine)) {
        model_fetch(model);
    } else {
        fixture_reopen(&fixture);
        model_recover_definitions();
        for (int i = 0; i < MODEL_QUEUES; i++) {
            model_recover(&models[i]);
        }
    }
}

START_TEST(any_sequence_of_operations_agrees_with_a_model)
{
    static const char *const names[] = { "A", "B.C", "D" };

    fixture_init(&fixture, store_engines[_i]);
    for (int i = 0; i < MODEL_QUEUES; i++) {
        models[i].name = names[i];
        models[i].next_seq = 1;
        models[i].lowest = 1;
        models[i].queue = fixture_queue(&fixture, names[i]);
    }
    model_state = 20260101u;
    for (int step = 0; step < MODEL_STEPS; step++) {
        model_step(_i);
    }
    for (int i = 0; i < MODEL_QUEUES; i++) {
        while (models[i].lowest < models[i].next_seq) {
            model_fetch(&models[i]);
            model_delete_at(&models[i], models[i].lowest);
        }
    }
    fixture_fini(&fixture);
}
END_TEST

static Suite *
store_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *tcase = tcase_create("contract");
    const TTest *const cases[] = {
        records_come_back_in_the_order_of_their_numbers,
        same_name_and_kind_is_the_same_journal,
        ticket_of_an_idle_store_is_zero,
        ticket_covers_every_operation_made_before_it,
        batch_nobody_waits_for_ends_too,
        put_and_early_delete_cancel_each_other,
        delete_while_its_put_is_under_way_removes_it,
        fetch_gives_no_more_than_its_credit,
        fetch_sees_what_was_put_before_it_and_nothing_later,
        fetch_does_not_see_what_was_deleted_before_it,
        cancelled_fetch_never_answers,
        removed_journal_is_empty_when_made_again,
        trim_takes_out_the_oldest_and_says_how_much,
        close_releases_what_is_still_held,
        statistics_count_operations_and_batches,
        any_sequence_of_operations_agrees_with_a_model,
    };
    int engines = 0;

    while (store_engines[engines] != NULL) {
        engines++;
    }
    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tcase_add_loop_test(tcase, cases[i], 0, engines);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(store_suite());
}
