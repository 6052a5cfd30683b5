/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which queues are a virtual topic's, and chains of composites.
 */
#include "policy/virtual_destination.h"

#include "base/alloc.h"
#include "policy/virtual_cycle.h"
#include "test/testutil.h"

#include <stdlib.h>

/* Source: activemq.md 9. */
static const struct {
    const char *name; /* of the topics */
    const char *prefix;
    const char *postfix;
    const char *queue;
    const char *topic; /* NULL = the queue is none of theirs */
} sources[] = {
    { "VirtualTopic.>", "Consumer.*.", NULL, "Consumer.A.VirtualTopic.X",
      "VirtualTopic.X" },
    { "VirtualTopic.>", "Consumer.*.", NULL, "Consumer.A.VirtualTopic.>",
      "VirtualTopic.>" },
    { "VirtualTopic.>", "Consumer.*.", NULL, "Consumer.A.VirtualTopic",
      "VirtualTopic" },
    { "VirtualTopic.>", "Consumer.*.", NULL, "Consumer.A.B.VirtualTopic.X",
      NULL },
    { "VirtualTopic.>", "Consumer.*.", NULL, "Consumer.*.VirtualTopic.X",
      NULL },
    { "VirtualTopic.>", "Consumer.*.", NULL, "Consumer.A.Other.X", NULL },
    { "VirtualTopic.>", "Consumer.*.", NULL, "Consumer.A.", NULL },
    { "VirtualTopic.>", "Consumer.*.", NULL, "Consumer", NULL },
    { "VirtualTopic.>", "Consumer.*.", NULL, "VirtualTopic.X", NULL },
    { "X", "VQ_", NULL, "VQ_X", "X" },
    { "X", "VQ_", NULL, "VQ_Y", NULL },
    { "T.*", NULL, ".Consumer.*", "T.A.Consumer.B", "T.A" },
    { "T.*", NULL, ".Consumer.*", "T.A.Consumer.*", NULL },
    { "T.*", NULL, ".Consumer.*", "T.A.consumer.B", NULL },
    { "T.*", "P.", ".S", "P.T.A.S", "T.A" },
    { "T.*", "P.", ".S", "P.S", NULL },
};

START_TEST(consumer_queue_says_which_topics_it_is_for)
{
    struct virtual_destination *virtual = virtual_destination_new();
    struct span topic = SPAN_NONE;
    bool found;

    virtual->type = &virtual_topic;
    virtual->name = xstrdup(sources[_i].name);
    if (sources[_i].prefix != NULL) {
        virtual->prefix = xstrdup(sources[_i].prefix);
    }
    if (sources[_i].postfix != NULL) {
        virtual->postfix = xstrdup(sources[_i].postfix);
    }
    found = virtual_destination_source_of(
        virtual, span_of_text(sources[_i].queue), &topic);
    ck_assert_int_eq(found, sources[_i].topic != NULL);
    if (found) {
        ck_assert(span_equal(topic, span_of_text(sources[_i].topic)));
    }
    virtual_destination_unref(&virtual);
}
END_TEST

/* Q0 to Q1 to Q2 ... to Q<length>. */
static enum virtual_cycle
chain_check(unsigned length, bool backwards)
{
    struct policy_map *map = policy_map_new();
    enum virtual_cycle worst = VIRTUAL_CYCLE_NONE;
    struct virtual_destination **each = xcalloc(length, sizeof(*each));
    struct buf way = BUF_INIT;

    for (unsigned i = 0; i < length; i++) {
        struct buf name = BUF_INIT;
        struct virtual_target target = { .kind = DESTINATION_QUEUE };

        each[i] = virtual_destination_new();
        each[i]->type = &virtual_composite_queue;
        buf_appendf(&name, "Q%u", i);
        each[i]->name = xstrndup(name.data, name.len);
        buf_clear(&name);
        buf_appendf(&name, "Q%u", i + 1);
        target.name = xstrndup(name.data, name.len);
        virtual_destination_add_target(each[i], &target);
        ck_assert_ptr_null(policy_map_add_virtual(map, each[i]));
        buf_fini(&name);
    }
    for (unsigned i = 0; i < length && worst == VIRTUAL_CYCLE_NONE; i++) {
        worst =
            virtual_cycle_find(map, each[backwards ? length - 1 - i : i], &way);
    }
    ck_assert_int_eq(way.len > 0, worst != VIRTUAL_CYCLE_NONE);
    for (unsigned i = 0; i < length; i++) {
        virtual_destination_unref(&each[i]);
    }
    free(each);
    buf_fini(&way);
    policy_map_free(&map);
    return worst;
}

START_TEST(chain_may_be_as_long_as_the_limit_wherever_the_search_begins)
{
    ck_assert_int_eq(chain_check(VIRTUAL_CYCLE_DEPTH_MAX, _i == 1),
                     VIRTUAL_CYCLE_NONE);
    ck_assert_int_eq(chain_check(VIRTUAL_CYCLE_DEPTH_MAX + 1, _i == 1),
                     VIRTUAL_CYCLE_TOO_LONG);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy/virtual_destination");
    TCase *tcase = tcase_create("virtual_destination");

    tcase_add_loop_test(tcase, consumer_queue_says_which_topics_it_is_for, 0,
                        (int)(sizeof(sources) / sizeof(sources[0])));
    tcase_add_loop_test(
        tcase, chain_may_be_as_long_as_the_limit_wherever_the_search_begins, 0,
        2);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
