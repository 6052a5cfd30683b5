/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/recovery.h"

#include "test/testutil.h"

#include <string.h>

enum { MESSAGES = 64 };

static int held[MESSAGES]; /* holds on message i */

static void
hold(void *message)
{
    int *count = message;

    (*count)++;
}

static void
release(void *message)
{
    int *count = message;

    ck_assert_int_gt(*count, 0);
    (*count)--;
}

static const struct recovery_parameters parameters = {
    .hold = hold,
    .release = release,
    .duration_us = 1000,
    .count = 3,
    .bytes = 10,
    .wrapped = &recovery_none,
};

static void
record(const struct recovery_policy *policy, struct recovery_state *state,
       size_t index, int64_t sent_us)
{
    struct recovery_item item = {
        .message = &held[index],
        .sent_us = sent_us,
        .bytes = 1,
    };

    policy->record(state, &item);
}

struct seen {
    size_t indexes[MESSAGES];
    size_t count;
};

static void
seen_add(void *ctx, const struct recovery_item *item)
{
    struct seen *seen = ctx;
    const int *message = item->message;

    seen->indexes[seen->count++] = (size_t)(message - held);
}

static void
expect(const struct recovery_policy *policy, struct recovery_state *state,
       int64_t now_us, size_t first, size_t count)
{
    struct seen seen = { .count = 0 };

    policy->visit_all(state, now_us, 0, seen_add, &seen);
    ck_assert_uint_eq(seen.count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(seen.indexes[i], first + i);
    }
}

static void
expect_none_held(void)
{
    for (size_t i = 0; i < MESSAGES; i++) {
        ck_assert_int_eq(held[i], 0);
    }
}

START_TEST(last_image_keeps_the_last_message)
{
    struct recovery_state *state = recovery_last_image.open(&parameters);

    expect(&recovery_last_image, state, 0, 0, 0);
    for (size_t i = 0; i < 5; i++) {
        record(&recovery_last_image, state, i, (int64_t)i);
        expect(&recovery_last_image, state, INT64_MAX / 2, i, 1);
    }
    ck_assert_int_eq(held[4], 1);
    ck_assert_int_eq(held[3], 0);
    recovery_last_image.close(&state);
    ck_assert_ptr_null(state);
    expect_none_held();
}
END_TEST

START_TEST(fixed_count_keeps_the_last_ones_oldest_first)
{
    struct recovery_state *state = recovery_fixed_count.open(&parameters);

    for (size_t i = 0; i < 5; i++) {
        record(&recovery_fixed_count, state, i, 0);
    }
    expect(&recovery_fixed_count, state, 0, 2, 3);
    recovery_fixed_count.close(&state);
    expect_none_held();
}
END_TEST

START_TEST(timed_keeps_what_is_not_older_than_the_duration)
{
    struct recovery_state *state = recovery_timed.open(&parameters);

    for (size_t i = 0; i < 40; i++) {
        record(&recovery_timed, state, i, (int64_t)i * 100);
    }
    expect(&recovery_timed, state, 3900, 29, 11);
    expect(&recovery_timed, state, 4000, 30, 10);
    expect(&recovery_timed, state, 9999, 0, 0);
    recovery_timed.close(&state);
    expect_none_held();
}
END_TEST

START_TEST(timed_lets_go_of_the_old_at_a_sweep_and_at_a_record)
{
    struct recovery_state *state = recovery_timed.open(&parameters);

    record(&recovery_timed, state, 0, 0);
    record(&recovery_timed, state, 1, 10);
    recovery_timed.sweep(state, 1000);
    ck_assert_int_eq(held[0], 1);
    recovery_timed.sweep(state, 1001);
    ck_assert_int_eq(held[0], 0);
    ck_assert_int_eq(held[1], 1);
    record(&recovery_timed, state, 2, 5000);
    ck_assert_int_eq(held[1], 0);
    expect(&recovery_timed, state, 5000, 2, 1);
    recovery_timed.sweep(state, 100000);
    expect_none_held();
    record(&recovery_timed, state, 3, 100001);
    expect(&recovery_timed, state, 100002, 3, 1);
    recovery_timed.close(&state);
    expect_none_held();
}
END_TEST

START_TEST(timed_keeps_its_order_while_it_grows_and_shrinks)
{
    struct recovery_state *state = recovery_timed.open(&parameters);

    for (size_t i = 0; i < 64; i++) {
        record(&recovery_timed, state, i, (int64_t)i);
    }
    expect(&recovery_timed, state, 1000, 0, 64);
    for (int64_t now = 1001; now <= 1063; now++) {
        recovery_timed.sweep(state, now);
        expect(&recovery_timed, state, now, (size_t)(now - 1000),
               (size_t)(1064 - now));
    }
    recovery_timed.close(&state);
    expect_none_held();
}
END_TEST

START_TEST(an_expired_message_is_not_visited)
{
    struct recovery_state *state = recovery_last_image.open(&parameters);
    struct recovery_item item = { .message = &held[7], .expires_ms = 50 };
    struct seen seen = { .count = 0 };

    recovery_last_image.record(state, &item);
    recovery_last_image.visit_all(state, 0, 51, seen_add, &seen);
    ck_assert_uint_eq(seen.count, 0);
    recovery_last_image.visit_all(state, 0, 50, seen_add, &seen);
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_uint_eq(seen.indexes[0], 7);
    recovery_last_image.close(&state);
    expect_none_held();
}
END_TEST

static void
record_bytes(const struct recovery_policy *policy, struct recovery_state *state,
             size_t index, size_t bytes)
{
    struct recovery_item item = { .message = &held[index], .bytes = bytes };

    policy->record(state, &item);
}

START_TEST(fixed_sized_keeps_the_last_ones_that_are_so_many_bytes)
{
    struct recovery_state *state = recovery_fixed_sized.open(&parameters);

    for (size_t i = 0; i < 5; i++) {
        record_bytes(&recovery_fixed_sized, state, i, 4);
    }
    expect(&recovery_fixed_sized, state, 0, 3, 2);
    record_bytes(&recovery_fixed_sized, state, 5, 2);
    expect(&recovery_fixed_sized, state, 0, 3, 3);
    record_bytes(&recovery_fixed_sized, state, 6, 10);
    expect(&recovery_fixed_sized, state, 0, 6, 1);
    recovery_fixed_sized.close(&state);
    expect_none_held();
}
END_TEST

/* As ActiveMQ: what it keeps are the last ones, never older ones alone. */
START_TEST(fixed_sized_is_emptied_by_a_message_that_is_too_large)
{
    struct recovery_state *state = recovery_fixed_sized.open(&parameters);

    record_bytes(&recovery_fixed_sized, state, 0, 4);
    record_bytes(&recovery_fixed_sized, state, 1, 11);
    expect(&recovery_fixed_sized, state, 0, 0, 0);
    expect_none_held();
    record_bytes(&recovery_fixed_sized, state, 2, 10);
    expect(&recovery_fixed_sized, state, 0, 2, 1);
    recovery_fixed_sized.close(&state);
    expect_none_held();
}
END_TEST

static bool
accept_even(void *query_state, void *message)
{
    const int *count = message;

    ck_assert_ptr_eq(query_state, held);
    return (count - held) % 2 == 0;
}

START_TEST(query_based_keeps_the_last_that_the_query_selects)
{
    struct recovery_parameters query = parameters;
    struct recovery_state *state;
    struct seen seen = { .count = 0 };

    query.accepts = accept_even;
    query.query_state = held;
    state = recovery_query_based.open(&query);
    for (size_t i = 0; i < 11; i++) {
        record(&recovery_query_based, state, i, 0);
    }
    recovery_query_based.visit_all(state, 0, 0, seen_add, &seen);
    ck_assert_uint_eq(seen.count, 3);
    ck_assert_uint_eq(seen.indexes[0], 6);
    ck_assert_uint_eq(seen.indexes[1], 8);
    ck_assert_uint_eq(seen.indexes[2], 10);
    recovery_query_based.close(&state);
    expect_none_held();
}
END_TEST

static void
record_retain(struct recovery_state *state, size_t index, int64_t sent_us,
              enum recovery_retain retain)
{
    struct recovery_item item = {
        .message = &held[index],
        .sent_us = sent_us,
        .retain = retain,
    };

    recovery_retained.record(state, &item);
}

START_TEST(retained_keeps_a_message_until_the_next_or_a_clear)
{
    struct recovery_state *state = recovery_retained.open(&parameters);

    record_retain(state, 0, 0, RECOVERY_RETAIN_NO);
    expect(&recovery_retained, state, 0, 0, 0);
    record_retain(state, 1, 0, RECOVERY_RETAIN_KEEP);
    record_retain(state, 2, 0, RECOVERY_RETAIN_NO);
    expect(&recovery_retained, state, INT64_MAX, 1, 1);
    record_retain(state, 3, 0, RECOVERY_RETAIN_KEEP);
    expect(&recovery_retained, state, 0, 3, 1);
    record_retain(state, 3, 0, RECOVERY_RETAIN_KEEP);
    expect(&recovery_retained, state, 0, 3, 1);
    ck_assert_int_eq(held[1], 0);
    recovery_retained.sweep(state, 1000000);
    record_retain(state, 4, 0, RECOVERY_RETAIN_CLEAR);
    expect(&recovery_retained, state, 0, 0, 0);
    record_retain(state, 5, 0, RECOVERY_RETAIN_KEEP);
    recovery_retained.close(&state);
    ck_assert_ptr_null(state);
    expect_none_held();
    recovery_retained.close(&state);
}
END_TEST

static void
seen_retain(void *ctx, const struct recovery_item *item)
{
    struct seen *seen = ctx;

    ck_assert_int_eq(item->retain, seen->count == 0 ? RECOVERY_RETAIN_KEEP
                                                    : RECOVERY_RETAIN_NO);
    seen_add(ctx, item);
}

START_TEST(retained_comes_first_and_once_then_what_is_wrapped)
{
    struct recovery_parameters wrapping = parameters;
    struct recovery_state *state;
    struct seen seen = { .count = 0 };

    wrapping.wrapped = &recovery_timed;
    state = recovery_retained.open(&wrapping);
    for (size_t i = 0; i < 4; i++) {
        record_retain(state, i, (int64_t)i * 100,
                      i == 2 ? RECOVERY_RETAIN_KEEP : RECOVERY_RETAIN_NO);
    }
    recovery_retained.visit_all(state, 500, 0, seen_retain, &seen);
    ck_assert_uint_eq(seen.count, 4);
    ck_assert_uint_eq(seen.indexes[0], 2);
    ck_assert_uint_eq(seen.indexes[1], 0);
    ck_assert_uint_eq(seen.indexes[2], 1);
    ck_assert_uint_eq(seen.indexes[3], 3);
    recovery_retained.sweep(state, 100000);
    expect(&recovery_retained, state, 100000, 2, 1);
    ck_assert_int_eq(held[3], 0);
    recovery_retained.close(&state);
    expect_none_held();
}
END_TEST

START_TEST(a_retained_message_that_has_expired_is_not_visited)
{
    struct recovery_state *state = recovery_retained.open(&parameters);
    struct recovery_item item = {
        .message = &held[7],
        .expires_ms = 50,
        .retain = RECOVERY_RETAIN_KEEP,
    };
    struct seen seen = { .count = 0 };

    recovery_retained.record(state, &item);
    recovery_retained.visit_all(state, 0, 51, seen_add, &seen);
    ck_assert_uint_eq(seen.count, 0);
    recovery_retained.visit_all(state, 0, 50, seen_add, &seen);
    ck_assert_uint_eq(seen.count, 1);
    recovery_retained.close(&state);
    expect_none_held();
}
END_TEST

START_TEST(none_has_no_state_and_the_others_have_all)
{
    ck_assert_ptr_eq(recovery_policies[0], &recovery_none);
    ck_assert(recovery_none.open == NULL);
    for (size_t i = 1; recovery_policies[i] != NULL; i++) {
        ck_assert(recovery_policies[i]->open != NULL);
        ck_assert(recovery_policies[i]->close != NULL);
        ck_assert(recovery_policies[i]->record != NULL);
        ck_assert(recovery_policies[i]->visit_all != NULL);
    }
}
END_TEST

START_TEST(closing_nothing_is_fine)
{
    struct recovery_state *state = NULL;

    recovery_timed.close(&state);
    ck_assert_ptr_null(state);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("recovery");
    TCase *tcase = tcase_create("recovery");

    tcase_add_test(tcase, last_image_keeps_the_last_message);
    tcase_add_test(tcase, fixed_count_keeps_the_last_ones_oldest_first);
    tcase_add_test(tcase, timed_keeps_what_is_not_older_than_the_duration);
    tcase_add_test(tcase, timed_lets_go_of_the_old_at_a_sweep_and_at_a_record);
    tcase_add_test(tcase, timed_keeps_its_order_while_it_grows_and_shrinks);
    tcase_add_test(tcase, an_expired_message_is_not_visited);
    tcase_add_test(tcase,
                   fixed_sized_keeps_the_last_ones_that_are_so_many_bytes);
    tcase_add_test(tcase,
                   fixed_sized_is_emptied_by_a_message_that_is_too_large);
    tcase_add_test(tcase, query_based_keeps_the_last_that_the_query_selects);
    tcase_add_test(tcase, retained_keeps_a_message_until_the_next_or_a_clear);
    tcase_add_test(tcase, retained_comes_first_and_once_then_what_is_wrapped);
    tcase_add_test(tcase, a_retained_message_that_has_expired_is_not_visited);
    tcase_add_test(tcase, none_has_no_state_and_the_others_have_all);
    tcase_add_test(tcase, closing_nothing_is_fine);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
