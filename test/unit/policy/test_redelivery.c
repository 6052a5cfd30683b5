/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/redelivery.h"

#include "test/testutil.h"

static const int64_t second = 1000000;

#define S(count) ((count)*INT64_C(1000000))

static const struct {
    struct redelivery_parameters parameters;
    uint32_t attempts;
    double chance;
    int64_t delay_us;
} rows[] = {
    /* Not handed out yet: nothing to wait for. */
    { { .initial_delay_us = S(3) }, 0, 0, 0 },
    /* The first retry, then the others. */
    { { .initial_delay_us = S(3), .delay_us = S(5), .maximum_delay_us = -1 },
      1,
      0,
      S(3) },
    { { .initial_delay_us = S(3), .delay_us = S(5), .maximum_delay_us = -1 },
      2,
      0,
      S(5) },
    { { .initial_delay_us = S(3), .delay_us = S(5), .maximum_delay_us = -1 },
      1000,
      0,
      S(5) },
    { { .delay_us = S(5), .maximum_delay_us = -1 }, 1, 0, 0 },
    /* Back-off from the initial delay. */
    { { .initial_delay_us = S(1),
        .exponential = true,
        .multiplier = 5,
        .maximum_delay_us = -1 },
      1,
      0,
      S(1) },
    { { .initial_delay_us = S(1),
        .exponential = true,
        .multiplier = 5,
        .maximum_delay_us = -1 },
      2,
      0,
      S(5) },
    { { .initial_delay_us = S(1),
        .exponential = true,
        .multiplier = 5,
        .maximum_delay_us = -1 },
      4,
      0,
      S(125) },
    /* From redeliveryDelay, from one second. */
    { { .delay_us = S(2),
        .exponential = true,
        .multiplier = 3,
        .maximum_delay_us = -1 },
      2,
      0,
      S(2) },
    { { .delay_us = S(2),
        .exponential = true,
        .multiplier = 3,
        .maximum_delay_us = -1 },
      3,
      0,
      S(6) },
    { { .exponential = true, .multiplier = 3, .maximum_delay_us = -1 },
      1,
      0,
      0 },
    { { .exponential = true, .multiplier = 3, .maximum_delay_us = -1 },
      2,
      0,
      S(1) },
    { { .exponential = true, .multiplier = 3, .maximum_delay_us = -1 },
      4,
      0,
      S(9) },
    /* A factor of one is no back-off, and ends at once. */
    { { .initial_delay_us = S(1),
        .exponential = true,
        .multiplier = 1,
        .maximum_delay_us = -1 },
      UINT32_MAX,
      0,
      S(1) },
    /* The ceiling. */
    { { .initial_delay_us = S(1),
        .exponential = true,
        .multiplier = 5,
        .maximum_delay_us = S(60) },
      4,
      0,
      S(60) },
    { { .initial_delay_us = S(90), .maximum_delay_us = S(60) }, 1, 0, S(60) },
    { { .initial_delay_us = S(90), .maximum_delay_us = 0 }, 1, 0, 0 },
    /* Spread by chance: 0 is the shortest, near 1 the longest. */
    { { .initial_delay_us = S(10),
        .maximum_delay_us = -1,
        .collision_avoidance = true,
        .collision_factor = 0.5 },
      1,
      0,
      S(5) },
    { { .initial_delay_us = S(10),
        .maximum_delay_us = -1,
        .collision_avoidance = true,
        .collision_factor = 0.5 },
      1,
      0.5,
      S(10) },
    { { .initial_delay_us = S(10),
        .maximum_delay_us = -1,
        .collision_avoidance = true,
        .collision_factor = 0.5 },
      1,
      0.75,
      S(10) + S(10) / 4 },
    /* Turned back at the ceiling. */
    { { .initial_delay_us = S(10),
        .maximum_delay_us = S(10),
        .collision_avoidance = true,
        .collision_factor = 0.5 },
      1,
      0.75,
      S(10) - S(10) / 4 },
    { { .initial_delay_us = S(10),
        .maximum_delay_us = -1,
        .collision_avoidance = true,
        .collision_factor = 1 },
      1,
      0,
      0 },
};

START_TEST(the_delay_is_what_the_file_says)
{
    ck_assert_int_eq(redelivery_delay(&rows[_i].parameters, rows[_i].attempts,
                                      rows[_i].chance),
                     rows[_i].delay_us);
}
END_TEST

START_TEST(by_default_every_retry_comes_at_once)
{
    for (uint32_t attempts = 0; attempts < 10; attempts++) {
        ck_assert_int_eq(redelivery_delay(&redelivery_default, attempts, 0.9),
                         0);
    }
    ck_assert_int_eq(redelivery_default.maximum, 6);
}
END_TEST

START_TEST(no_number_of_attempts_makes_a_delay_that_overflows)
{
    struct redelivery_parameters parameters = redelivery_default;
    int64_t before = 0;

    parameters.exponential = true;
    parameters.multiplier = 1e6;
    parameters.collision_avoidance = true;
    parameters.collision_factor = 1.0;
    for (uint32_t attempts = 0; attempts < 100; attempts++) {
        int64_t delay = redelivery_delay(&parameters, attempts, 0.5);

        ck_assert_int_ge(delay, before);
        ck_assert_int_le(delay, INT64_MAX / 2 + 1);
        before = delay;
    }
    ck_assert_int_ge(redelivery_delay(&parameters, UINT32_MAX, 0.999), 0);
    ck_assert_int_le(redelivery_delay(&parameters, UINT32_MAX, 0.999),
                     INT64_MAX / 2 + 1);
    ck_assert_int_gt(before, 3600 * second);
}
END_TEST

START_TEST(chance_never_passes_the_ceiling)
{
    struct redelivery_parameters parameters = {
        .initial_delay_us = S(10),
        .maximum_delay_us = S(11),
        .collision_avoidance = true,
        .collision_factor = 1.0,
    };

    for (int i = 0; i < 1000; i++) {
        int64_t delay = redelivery_delay(&parameters, 1, i / 1000.0);

        ck_assert_int_ge(delay, 0);
        ck_assert_int_le(delay, 11 * second);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("redelivery");
    TCase *tcase = tcase_create("redelivery");

    tcase_add_loop_test(tcase, the_delay_is_what_the_file_says, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, by_default_every_retry_comes_at_once);
    tcase_add_test(tcase, no_number_of_attempts_makes_a_delay_that_overflows);
    tcase_add_test(tcase, chance_never_passes_the_ceiling);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
