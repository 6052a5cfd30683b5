/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "test/testutil.h"

static const struct {
    const struct dead_letter_strategy *strategy;
    enum destination_kind kind;
    const char *source;
    const char *name; /* NULL = dropped */
} rows[] = {
    { &dead_letter_shared, DESTINATION_QUEUE, "JOBS", "ActiveMQ.DLQ" },
    { &dead_letter_shared, DESTINATION_TOPIC, "NEWS", "ActiveMQ.DLQ" },
    { &dead_letter_shared, DESTINATION_QUEUE, "ActiveMQ.DLQ", "ActiveMQ.DLQ" },
    { &dead_letter_individual, DESTINATION_QUEUE, "JOBS",
      "ActiveMQ.DLQ.Queue.JOBS" },
    { &dead_letter_individual, DESTINATION_TEMP_QUEUE, "reply",
      "ActiveMQ.DLQ.Queue.reply" },
    { &dead_letter_individual, DESTINATION_TOPIC, "NEWS",
      "ActiveMQ.DLQ.Topic.NEWS" },
    { &dead_letter_individual, DESTINATION_TEMP_TOPIC, "reply",
      "ActiveMQ.DLQ.Topic.reply" },
    { &dead_letter_individual, DESTINATION_QUEUE, "ActiveMQ.DLQ.Queue.JOBS",
      "ActiveMQ.DLQ.Queue.JOBS" },
    { &dead_letter_discarding, DESTINATION_QUEUE, "JOBS", NULL },
    { &dead_letter_discarding, DESTINATION_TOPIC, "NEWS", NULL },
};

START_TEST(each_strategy_names_its_queue)
{
    struct policy *policy = policy_new();
    struct buf name = BUF_INIT;
    bool kept = rows[_i].strategy->dead_letter_name(
        &policy->dead_letter_parameters, rows[_i].kind,
        span_of_text(rows[_i].source), &name);

    ck_assert(kept == (rows[_i].name != NULL));
    ck_assert(span_equal(buf_span(&name),
                         kept ? span_of_text(rows[_i].name) : SPAN_NONE));
    buf_fini(&name);
    policy_unref(&policy);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("dead_letter");
    TCase *tcase = tcase_create("dead_letter");

    tcase_add_loop_test(tcase, each_strategy_names_its_queue, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
