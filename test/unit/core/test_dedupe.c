/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window of ids: time, count, destinations, and what is left of it after a
 * restart.  Source: field.md W7.
 */
#include "server/core/dedupe.h"

#include "storage/store.h"
#include "test/testutil.h"
#include "test/unit/fake_store.h"

#include <stdio.h>

enum { WINDOW_MS = 1000, COUNT = 320, BLOCK = 32 };

static struct dedupe_options options = { .window_ms = WINDOW_MS,
                                         .count = COUNT };
static struct store *store;
static struct dedupe *dedupe;
static int64_t now_ms;

static void
on_committed(void *ctx, store_ticket ticket, enum store_result result,
             const struct error *err)
{
    (void)ctx;
    (void)ticket;
    (void)result;
    (void)err;
}

static void
on_release(void *owner)
{
    (void)owner;
}

static void
on_wake(void *ctx)
{
    (void)ctx;
}

static void
on_health(void *ctx, const struct error *err)
{
    (void)ctx;
    (void)err;
}

static void
setup(void)
{
    struct store_options store_options = store_options_default;

    store_options.committed = on_committed;
    store_options.release = on_release;
    store_options.wake = on_wake;
    store_options.health = on_health;
    ck_assert_int_eq(
        store_open(&fake_store_engine, &store_options, &store, NULL), 0);
    options = (struct dedupe_options){ .window_ms = WINDOW_MS, .count = COUNT };
    dedupe = dedupe_new(&options, store);
    now_ms = 1700000000000;
}

static void
teardown(void)
{
    dedupe_free(&dedupe);
    ck_assert_ptr_null(dedupe);
    store_close(&store);
}

static void
restart(void)
{
    dedupe_free(&dedupe);
    dedupe = dedupe_new(&options, store);
}

static struct dedupe_key
key_of(const char *id)
{
    return dedupe_key_of(dedupe, DESTINATION_QUEUE, SPAN("q"),
                         span_of_text(id));
}

static struct dedupe_key
key_of_number(int number)
{
    char id[16];

    (void)snprintf(id, sizeof(id), "%d", number);
    return key_of(id);
}

static void
add(int number, bool kept)
{
    struct dedupe_key key = key_of_number(number);

    dedupe_add(dedupe, &key, now_ms, kept);
}

static enum dedupe_found
found(int number)
{
    struct dedupe_key key = key_of_number(number);

    return dedupe_find(dedupe, &key, now_ms);
}

static void
count_definition(void *ctx, struct span name, struct span value)
{
    size_t *count = ctx;

    ck_assert(span_starts_with(name, SPAN("dedupe/")));
    ck_assert_uint_eq(value.len % 24, 0);
    ++*count;
}

static size_t
blocks_on_disk(void)
{
    size_t count = 0;

    store_definitions(store, SPAN("dedupe/"), count_definition, &count);
    return count;
}

START_TEST(an_id_is_known_for_the_window_and_no_longer)
{
    ck_assert_int_eq(found(1), DEDUPE_NEW);
    add(1, false);
    ck_assert_int_eq(found(1), DEDUPE_SEEN);
    ck_assert_int_eq(found(2), DEDUPE_NEW);
    now_ms += WINDOW_MS - 1;
    ck_assert_int_eq(found(1), DEDUPE_SEEN);
    now_ms += 1;
    ck_assert_int_eq(found(1), DEDUPE_NEW);
    add(1, false); /* its time counts from now */
    now_ms += WINDOW_MS - 1;
    ck_assert_int_eq(found(1), DEDUPE_SEEN);
    dedupe_sweep(dedupe, now_ms);
    ck_assert_int_eq(found(1), DEDUPE_SEEN);
}
END_TEST

START_TEST(an_id_belongs_to_its_destination)
{
    const struct {
        enum destination_kind kind;
        struct span name;
        struct span id;
    } others[] = {
        { DESTINATION_TOPIC, SPAN("ab"), SPAN("c") },
        { DESTINATION_QUEUE, SPAN("a"), SPAN("bc") },
        { DESTINATION_QUEUE, SPAN("abc"), SPAN("") },
        { DESTINATION_QUEUE, SPAN("ab"), SPAN("C") },
    };
    struct dedupe_key key =
        dedupe_key_of(dedupe, DESTINATION_QUEUE, SPAN("ab"), SPAN("c"));

    dedupe_add(dedupe, &key, now_ms, false);
    ck_assert_int_eq(dedupe_find(dedupe, &key, now_ms), DEDUPE_SEEN);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct dedupe_key other =
            dedupe_key_of(dedupe, others[i].kind, others[i].name, others[i].id);

        ck_assert_int_eq(dedupe_find(dedupe, &other, now_ms), DEDUPE_NEW);
    }
}
END_TEST

START_TEST(the_oldest_go_when_there_are_too_many)
{
    for (int i = 0; i < 10 * COUNT; i++) {
        add(i, i % 2 == 0);
        ck_assert_uint_le(dedupe_count(dedupe), COUNT);
        for (int back = 0; back <= COUNT - BLOCK && back <= i; back += 7) {
            ck_assert_int_ne(found(i - back), DEDUPE_NEW);
        }
        if (i % 5 == 0) {
            dedupe_flush(dedupe);
        }
    }
    dedupe_flush(dedupe);
    ck_assert_int_eq(found(9 * COUNT - 1), DEDUPE_NEW);
    ck_assert_uint_le(blocks_on_disk(), COUNT / BLOCK);
}
END_TEST

START_TEST(what_is_kept_is_known_after_a_restart)
{
    for (int i = 0; i < 100; i++) {
        add(i, i % 3 != 0);
        if (i % 10 == 9) {
            dedupe_flush(dedupe);
        }
        now_ms++;
    }
    for (int again = 0; again < 3; again++) {
        restart();
        for (int i = 0; i < 100; i++) {
            ck_assert_int_eq(found(i), i % 3 != 0 ? DEDUPE_KEPT : DEDUPE_NEW);
        }
    }
    now_ms += WINDOW_MS - 50; /* the first 51 are too old by now */
    ck_assert_int_eq(found(50), DEDUPE_NEW);
    ck_assert_int_eq(found(52), DEDUPE_KEPT);
    add(100, true);
    dedupe_flush(dedupe);
    restart();
    ck_assert_int_eq(found(52), DEDUPE_KEPT);
    ck_assert_int_eq(found(100), DEDUPE_KEPT);
}
END_TEST

START_TEST(what_was_not_flushed_is_not_known_after_a_restart)
{
    add(1, true);
    dedupe_flush(dedupe);
    add(2, true);
    restart();
    ck_assert_int_eq(found(1), DEDUPE_KEPT);
    ck_assert_int_eq(found(2), DEDUPE_NEW);
}
END_TEST

START_TEST(nothing_is_written_for_what_is_not_kept)
{
    size_t before;
    size_t after;

    (void)fake_store_ops(store, &before);
    for (int i = 0; i < COUNT; i++) {
        add(i, false);
    }
    dedupe_flush(dedupe);
    dedupe_sweep(dedupe, now_ms + WINDOW_MS);
    (void)fake_store_ops(store, &after);
    ck_assert_uint_eq(after, before);
    ck_assert_uint_eq(blocks_on_disk(), 0);
    ck_assert_uint_eq(dedupe_count(dedupe), 0);
}
END_TEST

START_TEST(the_sweep_takes_the_old_ones_off_the_disk)
{
    for (int i = 0; i < COUNT; i++) {
        add(i, true);
        now_ms++;
    }
    dedupe_flush(dedupe);
    ck_assert_uint_eq(blocks_on_disk(), COUNT / BLOCK);
    now_ms += WINDOW_MS - COUNT / 2;
    dedupe_sweep(dedupe, now_ms);
    ck_assert_uint_eq(blocks_on_disk(), COUNT / BLOCK / 2);
    ck_assert_uint_eq(dedupe_count(dedupe), COUNT / 2);
    ck_assert_int_eq(found(COUNT - 1), DEDUPE_KEPT);
    dedupe_sweep(dedupe, now_ms + WINDOW_MS);
    ck_assert_uint_eq(blocks_on_disk(), 0);
    add(7, true);
    dedupe_flush(dedupe);
    restart();
    ck_assert_int_eq(found(7), DEDUPE_KEPT);
}
END_TEST

START_TEST(a_block_that_goes_before_it_was_written_leaves_nothing)
{
    for (int i = 0; i < 3 * COUNT; i++) {
        add(i, true);
    }
    dedupe_flush(dedupe);
    ck_assert_uint_eq(blocks_on_disk(), COUNT / BLOCK);
    restart();
    ck_assert_int_eq(found(3 * COUNT - 1), DEDUPE_KEPT);
    ck_assert_int_eq(found(0), DEDUPE_NEW);
}
END_TEST

START_TEST(a_smaller_count_holds_from_the_next_start)
{
    for (int i = 0; i < COUNT; i++) {
        add(i, true);
    }
    dedupe_flush(dedupe);
    options.count = 2 * BLOCK;
    restart();
    ck_assert_uint_eq(dedupe_count(dedupe), options.count);
    ck_assert_uint_eq(blocks_on_disk(), 2);
    ck_assert_int_eq(found(COUNT - 1), DEDUPE_KEPT);
    options.count = 0; /* off */
    restart();
    ck_assert_uint_eq(blocks_on_disk(), 0);
    add(1, true);
    ck_assert_int_eq(found(1), DEDUPE_NEW);
}
END_TEST

START_TEST(a_clock_that_goes_back_forgets_nothing)
{
    add(1, true);
    now_ms -= 3600000;
    ck_assert_int_eq(found(1), DEDUPE_KEPT);
    add(2, true);
    dedupe_sweep(dedupe, now_ms);
    ck_assert_int_eq(found(1), DEDUPE_KEPT);
    ck_assert_int_eq(found(2), DEDUPE_KEPT);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("dedupe");
    TCase *tc = tcase_create("dedupe");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_id_is_known_for_the_window_and_no_longer);
    tcase_add_test(tc, an_id_belongs_to_its_destination);
    tcase_add_test(tc, the_oldest_go_when_there_are_too_many);
    tcase_add_test(tc, what_is_kept_is_known_after_a_restart);
    tcase_add_test(tc, what_was_not_flushed_is_not_known_after_a_restart);
    tcase_add_test(tc, nothing_is_written_for_what_is_not_kept);
    tcase_add_test(tc, the_sweep_takes_the_old_ones_off_the_disk);
    tcase_add_test(tc, a_block_that_goes_before_it_was_written_leaves_nothing);
    tcase_add_test(tc, a_smaller_count_holds_from_the_next_start);
    tcase_add_test(tc, a_clock_that_goes_back_forgets_nothing);
    suite_add_tcase(suite, tc);
    return testutil_run(suite);
}
