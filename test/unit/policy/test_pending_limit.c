/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/pending_limit.h"

#include "test/testutil.h"

static const struct {
    const struct pending_limit_strategy *strategy;
    struct pending_limit_parameters parameters;
    uint32_t prefetch;
    int64_t value;
} rows[] = {
    { &pending_limit_none, { .limit = 7, .multiplier = 7 }, 100, -1 },
    { &pending_limit_constant, { .limit = 10 }, 32767, 10 },
    { &pending_limit_constant, { .limit = 0 }, 32767, 0 },
    { &pending_limit_constant, { .limit = -1 }, 32767, -1 },
    { &pending_limit_prefetch_rate, { .multiplier = 2.0 }, 2, 4 },
    { &pending_limit_prefetch_rate, { .multiplier = 0.5 }, 7, 3 },
    { &pending_limit_prefetch_rate, { .multiplier = 0.5 }, 0, 0 },
    { &pending_limit_prefetch_rate, { .multiplier = 0.0 }, 100, 0 },
    { &pending_limit_prefetch_rate,
      { .multiplier = 1e300 },
      UINT32_MAX,
      INT64_MAX },
};

START_TEST(each_strategy_gives_its_limit)
{
    ck_assert_int_eq(
        rows[_i].strategy->value(&rows[_i].parameters, rows[_i].prefetch),
        rows[_i].value);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("pending_limit");
    TCase *tcase = tcase_create("pending_limit");

    tcase_add_loop_test(tcase, each_strategy_gives_its_limit, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
