/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/slow_consumer.h"

#include "test/testutil.h"

#include <string.h>

#define S(count) ((count)*INT64_C(1000000))

static const struct slow_consumer_parameters defaults = {
    .max_slow_count = -1,
    .max_slow_us = S(30),
    .check_period_us = S(30),
    .max_since_ack_us = S(30),
    .ignore_idle_consumers = true,
};

static char reason[SLOW_CONSUMER_REASON_MAX];

static enum slow_consumer_verdict
check_at(const struct slow_consumer_strategy *strategy,
         const struct slow_consumer_parameters *parameters,
         struct slow_consumer_record *record, int64_t now_us, bool slow)
{
    struct slow_consumer_facts facts = {
        .slow = slow,
        .last_ack_us = slow ? S(5) : now_us,
        .in_flight_count = 1000,
        .prefetch = 1000,
        .waiting_count = 120,
        .now_us = now_us,
    };

    return strategy->check(parameters, &facts, record, reason, sizeof(reason));
}

START_TEST(a_slow_consumer_is_cut_off_after_the_duration)
{
    struct slow_consumer_record record = { .slow_count = 0 };
    const struct slow_consumer_strategy *strategy = &slow_consumer_abort;

    ck_assert_int_eq(check_at(strategy, &defaults, &record, S(100), true),
                     SLOW_CONSUMER_SLOW);
    ck_assert_int_eq(record.slow_since_us, S(100));
    ck_assert_int_eq(check_at(strategy, &defaults, &record, S(129), true),
                     SLOW_CONSUMER_SLOW);
    ck_assert_int_eq(check_at(strategy, &defaults, &record, S(131), true),
                     SLOW_CONSUMER_ABORT);
    ck_assert_str_eq(reason, "slow for 31 s: 1000 of 1000 messages in flight, "
                             "120 waiting; limit maxSlowDuration 30s");
}
END_TEST

START_TEST(one_that_recovered_starts_anew)
{
    struct slow_consumer_record record = { .slow_count = 0 };
    const struct slow_consumer_strategy *strategy =
        slow_consumer_strategies[_i];

    ck_assert_int_eq(check_at(strategy, &defaults, &record, S(100), true),
                     SLOW_CONSUMER_SLOW);
    ck_assert_int_eq(check_at(strategy, &defaults, &record, S(120), false),
                     SLOW_CONSUMER_FINE);
    ck_assert_uint_eq(record.slow_count, 0);
    ck_assert_int_eq(record.slow_since_us, 0);
    ck_assert_int_eq(check_at(strategy, &defaults, &record, S(140), true),
                     SLOW_CONSUMER_SLOW);
    ck_assert_int_eq(check_at(strategy, &defaults, &record, S(169), true),
                     SLOW_CONSUMER_SLOW);
    ck_assert_int_eq(check_at(strategy, &defaults, &record, S(170), true),
                     SLOW_CONSUMER_ABORT);
}
END_TEST

START_TEST(the_count_of_checks_is_a_limit_of_its_own)
{
    struct slow_consumer_record record = { .slow_count = 0 };
    struct slow_consumer_parameters parameters = defaults;
    const struct slow_consumer_strategy *strategy = &slow_consumer_abort;

    parameters.max_slow_us = -1;
    parameters.max_slow_count = 3;
    for (int i = 1; i < 3; i++) {
        ck_assert_int_eq(check_at(strategy, &parameters, &record, S(i), true),
                         SLOW_CONSUMER_SLOW);
    }
    ck_assert_int_eq(check_at(strategy, &parameters, &record, S(3), true),
                     SLOW_CONSUMER_ABORT);
    ck_assert_str_eq(reason, "slow for 2 s: 1000 of 1000 messages in flight, "
                             "120 waiting; limit maxSlowCount 3");
}
END_TEST

START_TEST(without_limits_a_slow_consumer_is_listed_only)
{
    struct slow_consumer_record record = { .slow_count = 0 };
    struct slow_consumer_parameters parameters = defaults;

    parameters.max_slow_us = -1;
    for (int i = 1; i < 1000; i++) {
        ck_assert_int_eq(check_at(slow_consumer_strategies[_i], &parameters,
                                  &record, S(i) * 1000, true),
                         SLOW_CONSUMER_SLOW);
    }
}
END_TEST

START_TEST(an_acknowledgement_that_is_late_says_how_late)
{
    struct slow_consumer_record record = { .slow_count = 0 };
    struct slow_consumer_facts facts = {
        .last_ack_us = S(10),
        .in_flight_count = 3,
        .prefetch = 10,
        .now_us = S(50),
    };

    ck_assert_int_eq(slow_consumer_abort_ack.check(&defaults, &facts, &record,
                                                   reason, sizeof(reason)),
                     SLOW_CONSUMER_SLOW);
    facts.now_us = S(85);
    ck_assert_int_eq(slow_consumer_abort_ack.check(&defaults, &facts, &record,
                                                   reason, sizeof(reason)),
                     SLOW_CONSUMER_ABORT);
    ck_assert_str_eq(reason,
                     "no acknowledgement for 75 s: 3 of 10 messages in flight, "
                     "0 waiting; limit maxSlowDuration 30s beyond "
                     "maxTimeSinceLastAck 30s");
}
END_TEST

static const struct {
    int64_t max_since_ack_us;
    bool ignore_idle;
    uint32_t in_flight;
    int64_t age_us;
    enum slow_consumer_verdict verdict;
} late[] = {
    { S(30), true, 1, S(30), SLOW_CONSUMER_FINE },
    { S(30), true, 1, S(31), SLOW_CONSUMER_SLOW },
    { S(30), true, 0, S(31), SLOW_CONSUMER_FINE },
    { S(30), false, 0, S(31), SLOW_CONSUMER_SLOW },
    { 0, true, 1, 0, SLOW_CONSUMER_FINE },
    { 0, true, 1, 1, SLOW_CONSUMER_SLOW },
    { -1, false, 1, S(9999), SLOW_CONSUMER_FINE },
};

START_TEST(an_acknowledgement_is_late_after_the_time_and_of_who_has_messages)
{
    struct slow_consumer_record record = { .slow_count = 0 };
    struct slow_consumer_parameters parameters = defaults;
    struct slow_consumer_facts facts = {
        .slow = true, /* not what this strategy goes by */
        .last_ack_us = S(100),
        .in_flight_count = late[_i].in_flight,
        .now_us = S(100) + late[_i].age_us,
    };

    parameters.max_since_ack_us = late[_i].max_since_ack_us;
    parameters.ignore_idle_consumers = late[_i].ignore_idle;
    ck_assert_int_eq(slow_consumer_abort_ack.check(&parameters, &facts, &record,
                                                   reason, sizeof(reason)),
                     late[_i].verdict);
}
END_TEST

START_TEST(the_longest_sentence_fits)
{
    struct slow_consumer_record record = { .slow_since_us = 1 };
    struct slow_consumer_parameters parameters = {
        .max_slow_us = INT64_C(604799999000),
        .max_since_ack_us = INT64_C(604799999000),
    };
    struct slow_consumer_facts facts = {
        .in_flight_count = UINT32_MAX,
        .prefetch = UINT32_MAX,
        .waiting_count = UINT64_MAX,
        .now_us = INT64_MAX,
    };
    size_t len;

    ck_assert_int_eq(slow_consumer_abort_ack.check(&parameters, &facts, &record,
                                                   reason, sizeof(reason)),
                     SLOW_CONSUMER_ABORT);
    len = strlen(reason);
    ck_assert_uint_lt(len, sizeof(reason) - 1);
    ck_assert_str_eq(reason + len - 31, "maxTimeSinceLastAck 604799999ms");
}
END_TEST

int
main(void)
{
    enum { STRATEGIES = 2 };
    Suite *suite = suite_create("slow_consumer");
    TCase *tcase = tcase_create("slow_consumer");

    tcase_add_test(tcase, a_slow_consumer_is_cut_off_after_the_duration);
    tcase_add_loop_test(tcase, one_that_recovered_starts_anew, 0, STRATEGIES);
    tcase_add_test(tcase, the_count_of_checks_is_a_limit_of_its_own);
    tcase_add_loop_test(tcase, without_limits_a_slow_consumer_is_listed_only, 0,
                        STRATEGIES);
    tcase_add_test(tcase, an_acknowledgement_that_is_late_says_how_late);
    tcase_add_loop_test(
        tcase,
        an_acknowledgement_is_late_after_the_time_and_of_who_has_messages, 0,
        (int)(sizeof(late) / sizeof(late[0])));
    tcase_add_test(tcase, the_longest_sentence_fits);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
