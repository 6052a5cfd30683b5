/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger of un-acked deliveries and the queue of sent ones, against models.
 */
#include "test/testutil.h"

#include "server/session/ack_ledger.h"

#include <string.h>

enum { MODEL_IDS = 4096 };

/* The ledger keeps pointers and looks at none: any distinct ones will do. */
static char places[MODEL_IDS];

static struct delivery *
delivery_of(uint64_t id)
{
    return (struct delivery *)(void *)&places[id % MODEL_IDS];
}

static uint32_t
next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

START_TEST(empty_ledger_finds_and_removes_nothing)
{
    struct ack_ledger ledger = { .slots = NULL };

    ck_assert_ptr_null(ack_ledger_find(&ledger, 1));
    ck_assert(!ack_ledger_remove(&ledger, 1));
    ck_assert_ptr_null(ack_ledger_find(&ledger, 0));
    ack_ledger_fini(&ledger);
}
END_TEST

/* Ids grow, as in a session; a window of them lives, some linger for long. */
START_TEST(ledger_is_as_its_model_whatever_is_added_and_removed)
{
    static bool there[200000];
    struct ack_ledger ledger = { .slots = NULL };
    uint32_t seed = (uint32_t)_i + 1;
    uint64_t last = 0;
    size_t count = 0;

    memset(there, 0, sizeof(there));
    for (int step = 0; step < 100000; step++) {
        uint32_t draw = next_random(&seed);
        uint32_t window = 1 + next_random(&seed) % (_i % 2 ? 3000 : 40);
        uint64_t id;

        if (draw % 100 < 49 || last == 0) {
            last++;
            ack_ledger_add(&ledger, last, delivery_of(last));
            there[last] = true;
            count++;
            continue;
        }
        id = last > window ? last - next_random(&seed) % window
                           : 1 + next_random(&seed) % last;
        if (draw % 100 < 50) {
            id = 1 + next_random(&seed) % (last + 10);
        }
        ck_assert(ack_ledger_find(&ledger, id) ==
                  (there[id] ? delivery_of(id) : NULL));
        ck_assert_int_eq(ack_ledger_remove(&ledger, id), there[id]);
        count -= there[id] ? 1 : 0;
        there[id] = false;
        ck_assert_uint_eq(ledger.count, count);
    }
    for (uint64_t id = 1; id <= last + 10; id++) {
        ck_assert(ack_ledger_find(&ledger, id) ==
                  (there[id] ? delivery_of(id) : NULL));
    }
    ack_ledger_fini(&ledger);
}
END_TEST

START_TEST(big_ledger_gives_its_memory_back_when_empty)
{
    struct ack_ledger ledger = { .slots = NULL };

    for (uint64_t id = 1; id <= 100000; id++) {
        ack_ledger_add(&ledger, id, delivery_of(id));
    }
    for (uint64_t id = 1; id <= 100000; id++) {
        ck_assert(ack_ledger_remove(&ledger, id));
    }
    ck_assert_ptr_null(ledger.slots);
    ck_assert_uint_eq(ledger.capacity, 0);
    ack_ledger_add(&ledger, 100001, delivery_of(1));
    ck_assert_ptr_nonnull(ack_ledger_find(&ledger, 100001));
    ack_ledger_fini(&ledger);
}
END_TEST

START_TEST(sent_queue_gives_from_both_ends_in_order)
{
    struct sent_queue queue = { .items = NULL };
    uint32_t seed = 7;
    uint64_t first = 1;
    uint64_t next = 1;

    ck_assert_ptr_null(sent_queue_head(&queue));
    for (int step = 0; step < 100000; step++) {
        uint32_t draw = next_random(&seed) % 100;

        if (draw < 52 || first == next) {
            struct sent sent = { .end = next++ };

            sent_queue_push(&queue, &sent);
        } else if (draw < 90) {
            ck_assert_uint_eq(sent_queue_head(&queue)->end, first);
            sent_queue_pop(&queue);
            first++;
        } else {
            ck_assert_uint_eq(sent_queue_pop_last(&queue).end, --next);
        }
        ck_assert_uint_eq(queue.count, next - first);
    }
    sent_queue_fini(&queue);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("session/ack_ledger");
    TCase *tcase = tcase_create("ack_ledger");

    tcase_add_test(tcase, empty_ledger_finds_and_removes_nothing);
    tcase_add_loop_test(
        tcase, ledger_is_as_its_model_whatever_is_added_and_removed, 0, 8);
    tcase_add_test(tcase, big_ledger_gives_its_memory_back_when_empty);
    tcase_add_test(tcase, sent_queue_gives_from_both_ends_in_order);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
