/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timer_wheel.h"

#include "base/hash.h"
#include "test/testutil.h"

#include <stdlib.h>

enum { TICK_US = 4096, START_US = 1000000000 };

struct probe {
    struct timer_node node;
    int fired;
    int64_t fired_us;
    struct timer_wheel *wheel;
    struct probe *other; /* cancelled when this fires */
    int64_t again_us;    /* set again for then */
};

static struct timer_wheel *wheel;

static void
probe_on_fire(struct timer_node *node, int64_t now_us)
{
    struct probe *probe = container_of(node, struct probe, node);

    ck_assert(!timer_node_is_set(node));
    probe->fired++;
    probe->fired_us = now_us;
    if (probe->other != NULL) {
        timer_wheel_cancel(wheel, &probe->other->node);
    }
    if (probe->again_us != 0) {
        timer_wheel_set(wheel, node, probe->again_us);
    }
}

static void
wheel_setup(void)
{
    wheel = timer_wheel_new(START_US);
}

static void
wheel_teardown(void)
{
    timer_wheel_free(&wheel);
    ck_assert_ptr_null(wheel);
}

START_TEST(a_timer_never_fires_early_and_at_most_a_tick_late)
{
    struct probe probe = { .fired = 0 };
    int64_t due_us = START_US + 777 * _i * _i;

    timer_node_init(&probe.node, probe_on_fire);
    timer_wheel_set(wheel, &probe.node, due_us);
    for (int64_t now_us = START_US; probe.fired == 0; now_us += 500) {
        ck_assert_int_le(now_us, due_us + 2 * TICK_US);
        timer_wheel_advance(wheel, now_us);
    }
    ck_assert_int_ge(probe.fired_us, due_us);
    ck_assert_int_le(probe.fired_us, due_us + TICK_US + 500);
}
END_TEST

START_TEST(a_timer_many_turns_ahead_fires_once)
{
    struct probe probe = { .fired = 0 };
    int64_t due_us = START_US + INT64_C(3600000000);

    timer_node_init(&probe.node, probe_on_fire);
    timer_wheel_set(wheel, &probe.node, due_us);
    for (int64_t now_us = START_US; now_us < due_us; now_us += 1000000) {
        timer_wheel_advance(wheel, now_us);
        ck_assert_int_eq(probe.fired, 0);
    }
    timer_wheel_advance(wheel, due_us + TICK_US);
    ck_assert_int_eq(probe.fired, 1);
    timer_wheel_advance(wheel, due_us + INT64_C(3600000000));
    ck_assert_int_eq(probe.fired, 1);
}
END_TEST

START_TEST(a_cancelled_timer_does_not_fire)
{
    struct probe probe = { .fired = 0 };

    timer_node_init(&probe.node, probe_on_fire);
    timer_wheel_cancel(wheel, &probe.node);
    timer_wheel_set(wheel, &probe.node, START_US + 5000);
    timer_wheel_cancel(wheel, &probe.node);
    timer_wheel_set(wheel, &probe.node, START_US + 6000);
    timer_wheel_set(wheel, &probe.node, INT64_MAX);
    ck_assert(!timer_node_is_set(&probe.node));
    timer_wheel_advance(wheel, START_US + 1000000);
    ck_assert_int_eq(probe.fired, 0);
    ck_assert_int_eq(timer_wheel_next_us(wheel), INT64_MAX);
}
END_TEST

START_TEST(a_timer_may_cancel_another_that_is_due_too)
{
    struct probe first = { .fired = 0 };
    struct probe second = { .fired = 0, .other = &first };

    first.other = &second;
    timer_node_init(&first.node, probe_on_fire);
    timer_node_init(&second.node, probe_on_fire);
    timer_wheel_set(wheel, &first.node, START_US + 5000);
    timer_wheel_set(wheel, &second.node, START_US + 5000);
    timer_wheel_advance(wheel, START_US + 100000);
    ck_assert_int_eq(first.fired + second.fired, 1);
}
END_TEST

START_TEST(a_timer_that_sets_itself_for_now_fires_again_at_the_next_advance)
{
    struct probe probe = { .again_us = START_US };

    timer_node_init(&probe.node, probe_on_fire);
    timer_wheel_set(wheel, &probe.node, START_US);
    timer_wheel_advance(wheel, START_US + TICK_US);
    ck_assert_int_eq(probe.fired, 1);
    timer_wheel_advance(wheel, START_US + 2 * TICK_US);
    ck_assert_int_eq(probe.fired, 2);
    timer_wheel_cancel(wheel, &probe.node);
}
END_TEST

START_TEST(next_is_never_later_than_a_tick_after_the_first_due_time)
{
    struct probe probes[50] = { { .fired = 0 } };
    int64_t now_us = START_US;
    int fired = 0;

    for (int i = 0; i < 50; i++) {
        timer_node_init(&probes[i].node, probe_on_fire);
        timer_wheel_set(wheel, &probes[i].node,
                        START_US + (int64_t)i * i * 40000);
    }
    while (timer_wheel_next_us(wheel) != INT64_MAX) {
        ck_assert_int_gt(timer_wheel_next_us(wheel), now_us);
        now_us = timer_wheel_next_us(wheel);
        timer_wheel_advance(wheel, now_us);
    }
    for (int i = 0; i < 50; i++) {
        fired += probes[i].fired;
        ck_assert_int_le(probes[i].fired_us,
                         START_US + (int64_t)i * i * 40000 + TICK_US);
    }
    ck_assert_int_eq(fired, 50);
}
END_TEST

START_TEST(after_a_long_stop_all_that_is_due_fires_at_once)
{
    struct probe probes[100] = { { .fired = 0 } };

    for (int i = 0; i < 100; i++) {
        timer_node_init(&probes[i].node, probe_on_fire);
        timer_wheel_set(wheel, &probes[i].node,
                        START_US + (int64_t)i * 1000000);
    }
    timer_wheel_advance(wheel, START_US + INT64_C(200000000));
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(probes[i].fired, 1);
    }
}
END_TEST

START_TEST(the_count_is_of_the_timers_that_are_set)
{
    struct probe probes[3] = { { .fired = 0 } };

    ck_assert_uint_eq(timer_wheel_count(wheel), 0);
    for (int i = 0; i < 3; i++) {
        timer_node_init(&probes[i].node, probe_on_fire);
        timer_wheel_set(wheel, &probes[i].node, START_US + i * 1000000);
    }
    timer_wheel_set(wheel, &probes[2].node, START_US + 5000000);
    ck_assert_uint_eq(timer_wheel_count(wheel), 3);
    timer_wheel_cancel(wheel, &probes[2].node);
    timer_wheel_cancel(wheel, &probes[2].node);
    ck_assert_uint_eq(timer_wheel_count(wheel), 2);
    timer_wheel_advance(wheel, START_US + 500000);
    ck_assert_uint_eq(timer_wheel_count(wheel), 1);
    timer_wheel_advance(wheel, START_US + 1500000);
    ck_assert_uint_eq(timer_wheel_count(wheel), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("timer_wheel");
    TCase *tcase = tcase_create("timer_wheel");

    tcase_add_checked_fixture(tcase, wheel_setup, wheel_teardown);
    tcase_add_loop_test(
        tcase, a_timer_never_fires_early_and_at_most_a_tick_late, 0, 12);
    tcase_add_test(tcase, a_timer_many_turns_ahead_fires_once);
    tcase_add_test(tcase, a_cancelled_timer_does_not_fire);
    tcase_add_test(tcase, a_timer_may_cancel_another_that_is_due_too);
    tcase_add_test(
        tcase,
        a_timer_that_sets_itself_for_now_fires_again_at_the_next_advance);
    tcase_add_test(tcase,
                   next_is_never_later_than_a_tick_after_the_first_due_time);
    tcase_add_test(tcase, after_a_long_stop_all_that_is_due_fires_at_once);
    tcase_add_test(tcase, the_count_is_of_the_timers_that_are_set);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
