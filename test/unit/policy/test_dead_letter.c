/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "base/alloc.h"
#include "test/testutil.h"

#include <stdlib.h>

/* One letter of the tables below: what the file says beside the strategy. */
enum {
    SUFFIXES = 1,     /* `.q` and `.t` */
    QUEUE_TOPICS = 2, /* topics take the letters of queues */
    TOPIC_TOPICS = 4, /* topics take the letters of topics */
    PER_DURABLE = 8,
};

static const struct {
    const struct dead_letter_strategy *strategy;
    unsigned options;
    enum destination_kind kind;
    const char *source;
    const char *subscriber;
    const char *name; /* NULL = dropped */
    enum destination_kind target;
} rows[] = {
    { &dead_letter_shared, 0, DESTINATION_QUEUE, "JOBS", NULL, "ActiveMQ.DLQ",
      DESTINATION_QUEUE },
    { &dead_letter_shared, TOPIC_TOPICS, DESTINATION_TOPIC, "NEWS", "c:s",
      "ActiveMQ.DLQ", DESTINATION_QUEUE },
    { &dead_letter_shared, 0, DESTINATION_QUEUE, "ActiveMQ.DLQ", NULL,
      "ActiveMQ.DLQ", DESTINATION_QUEUE },
    { &dead_letter_individual, 0, DESTINATION_QUEUE, "JOBS", NULL,
      "ActiveMQ.DLQ.Queue.JOBS", DESTINATION_QUEUE },
    { &dead_letter_individual, 0, DESTINATION_TEMP_QUEUE, "reply", NULL,
      "ActiveMQ.DLQ.Queue.reply", DESTINATION_QUEUE },
    { &dead_letter_individual, 0, DESTINATION_TOPIC, "NEWS", "c:s",
      "ActiveMQ.DLQ.Topic.NEWS", DESTINATION_QUEUE },
    { &dead_letter_individual, 0, DESTINATION_TEMP_TOPIC, "reply", NULL,
      "ActiveMQ.DLQ.Topic.reply", DESTINATION_QUEUE },
    { &dead_letter_individual, SUFFIXES, DESTINATION_QUEUE, "JOBS", NULL,
      "ActiveMQ.DLQ.Queue.JOBS.q", DESTINATION_QUEUE },
    { &dead_letter_individual, SUFFIXES | PER_DURABLE, DESTINATION_TOPIC,
      "NEWS", "c:s", "ActiveMQ.DLQ.Topic.NEWS.c:s.t", DESTINATION_QUEUE },
    { &dead_letter_individual, PER_DURABLE, DESTINATION_TOPIC, "NEWS", NULL,
      "ActiveMQ.DLQ.Topic.NEWS", DESTINATION_QUEUE },
    { &dead_letter_individual, QUEUE_TOPICS, DESTINATION_QUEUE, "JOBS", NULL,
      "ActiveMQ.DLQ.Queue.JOBS", DESTINATION_TOPIC },
    { &dead_letter_individual, QUEUE_TOPICS, DESTINATION_TOPIC, "NEWS", NULL,
      "ActiveMQ.DLQ.Topic.NEWS", DESTINATION_QUEUE },
    { &dead_letter_individual, TOPIC_TOPICS, DESTINATION_TOPIC, "NEWS", NULL,
      "ActiveMQ.DLQ.Topic.NEWS", DESTINATION_TOPIC },
    /* A letter that dies again stays where it is. */
    { &dead_letter_individual, SUFFIXES, DESTINATION_QUEUE,
      "ActiveMQ.DLQ.Queue.JOBS.q", NULL, "ActiveMQ.DLQ.Queue.JOBS.q",
      DESTINATION_QUEUE },
    { &dead_letter_individual, 0, DESTINATION_QUEUE, "ActiveMQ.DLQ.Topic.NEWS",
      NULL, "ActiveMQ.DLQ.Topic.NEWS", DESTINATION_QUEUE },
    { &dead_letter_individual, QUEUE_TOPICS, DESTINATION_TOPIC,
      "ActiveMQ.DLQ.Queue.JOBS", "c:s", "ActiveMQ.DLQ.Queue.JOBS",
      DESTINATION_TOPIC },
    /* Only named so. */
    { &dead_letter_individual, 0, DESTINATION_TOPIC, "ActiveMQ.DLQ.Queue.JOBS",
      NULL, "ActiveMQ.DLQ.Topic.ActiveMQ.DLQ.Queue.JOBS", DESTINATION_QUEUE },
    { &dead_letter_discarding, 0, DESTINATION_QUEUE, "JOBS", NULL, NULL,
      DESTINATION_QUEUE },
    { &dead_letter_discarding, 0, DESTINATION_TOPIC, "NEWS", NULL, NULL,
      DESTINATION_QUEUE },
};

static void
set_options(struct dead_letter_parameters *parameters, unsigned options)
{
    if ((options & SUFFIXES) != 0) {
        parameters->queue_suffix = xstrdup(".q");
        parameters->topic_suffix = xstrdup(".t");
    }
    parameters->use_queue_for_queue_messages = (options & QUEUE_TOPICS) == 0;
    parameters->use_queue_for_topic_messages = (options & TOPIC_TOPICS) == 0;
    parameters->per_durable_subscriber = (options & PER_DURABLE) != 0;
}

START_TEST(each_strategy_names_its_destination)
{
    struct policy *policy = policy_new();
    struct buf name = BUF_INIT;
    enum destination_kind kind = DESTINATION_QUEUE;
    struct dead_letter_source source = {
        .kind = rows[_i].kind,
        .name = span_of_text(rows[_i].source),
        .subscriber = rows[_i].subscriber != NULL
                          ? span_of_text(rows[_i].subscriber)
                          : SPAN_NONE,
    };
    bool kept;

    set_options(&policy->dead_letter_parameters, rows[_i].options);
    kept = rows[_i].strategy->dead_letter_name(&policy->dead_letter_parameters,
                                               &source, &name, &kind);
    ck_assert(kept == (rows[_i].name != NULL));
    ck_assert_msg(span_equal(buf_span(&name),
                             kept ? span_of_text(rows[_i].name) : SPAN_NONE),
                  "%.*s", (int)name.len, name.data);
    ck_assert_int_eq(kind, rows[_i].target);
    buf_fini(&name);
    policy_unref(&policy);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("dead_letter");
    TCase *tcase = tcase_create("dead_letter");

    tcase_add_loop_test(tcase, each_strategy_names_its_destination, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
