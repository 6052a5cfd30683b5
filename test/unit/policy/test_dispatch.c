/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/dispatch.h"

#include "base/hash.h"
#include "test/testutil.h"

#include <string.h>

enum { MEMBERS = 4 };

struct consumer {
    struct dispatch_member member;
    char name;
    unsigned credit;
};

struct bench {
    struct consumer consumers[MEMBERS];
    struct dispatch_member *list;
    char picked[64];
    size_t count;
};

static void
bench_add(struct bench *bench, const struct dispatch_policy *policy,
          size_t index, int priority, unsigned credit)
{
    struct consumer *consumer = &bench->consumers[index];

    consumer->name = (char)('A' + index);
    consumer->member.order = index;
    consumer->member.priority = priority;
    consumer->credit = credit;
    policy->insert(&bench->list, &consumer->member);
}

/* What the core does with each message of a queue. */
static void
bench_send(struct bench *bench, const struct dispatch_policy *policy,
           unsigned messages)
{
    for (unsigned i = 0; i < messages; i++) {
        struct dispatch_member *member = policy->pick(&bench->list);
        struct consumer *consumer;

        if (member == NULL) {
            bench->picked[bench->count++] = '-';
            continue;
        }
        consumer = container_of(member, struct consumer, member);
        bench->picked[bench->count++] = consumer->name;
        consumer->credit--;
        if (consumer->credit == 0) {
            DL_DELETE(bench->list, member);
        }
    }
}

static const char *
bench_order(struct bench *bench)
{
    size_t count = 0;

    for (struct dispatch_member *member = bench->list; member != NULL;
         member = member->next) {
        bench->picked[count++] =
            container_of(member, struct consumer, member)->name;
    }
    bench->picked[count] = '\0';
    return bench->picked;
}

START_TEST(queue_round_robin_takes_each_in_turn)
{
    struct bench bench = { .list = NULL };

    bench_add(&bench, &dispatch_queue_round_robin, 0, 0, 100);
    bench_add(&bench, &dispatch_queue_round_robin, 1, 0, 100);
    bench_send(&bench, &dispatch_queue_round_robin, 8);
    ck_assert_str_eq(bench.picked, "ABABABAB");
}
END_TEST

/* Source: activemq.md appendix B. */
START_TEST(queue_round_robin_fills_the_highest_priority_first)
{
    struct bench bench = { .list = NULL };

    bench_add(&bench, &dispatch_queue_round_robin, 0, 0, 2);
    bench_add(&bench, &dispatch_queue_round_robin, 1, 10, 2);
    bench_add(&bench, &dispatch_queue_round_robin, 2, 10, 2);
    bench_send(&bench, &dispatch_queue_round_robin, 8);
    ck_assert_str_eq(bench.picked, "BCBCAA--");
}
END_TEST

START_TEST(queue_round_robin_finds_the_end_of_a_band_between_others)
{
    struct bench bench = { .list = NULL };

    bench_add(&bench, &dispatch_queue_round_robin, 0, 5, 2);
    bench_add(&bench, &dispatch_queue_round_robin, 1, 5, 2);
    bench_add(&bench, &dispatch_queue_round_robin, 2, 1, 2);
    bench_add(&bench, &dispatch_queue_round_robin, 3, 0, 1);
    ck_assert_str_eq(bench_order(&bench), "ABCD");
    bench_send(&bench, &dispatch_queue_round_robin, 8);
    ck_assert_str_eq(bench.picked, "ABABCCD-");
}
END_TEST

START_TEST(queue_round_robin_puts_who_has_credit_again_last_of_its_equals)
{
    struct bench bench = { .list = NULL };

    bench_add(&bench, &dispatch_queue_round_robin, 0, 5, 1);
    bench_add(&bench, &dispatch_queue_round_robin, 1, 5, 9);
    bench_add(&bench, &dispatch_queue_round_robin, 2, 0, 9);
    bench_send(&bench, &dispatch_queue_round_robin, 1);
    dispatch_queue_round_robin.insert(&bench.list, &bench.consumers[0].member);
    ck_assert_str_eq(bench_order(&bench), "BAC");
}
END_TEST

START_TEST(queue_strict_order_fills_the_oldest_first)
{
    struct bench bench = { .list = NULL };

    bench_add(&bench, &dispatch_queue_strict_order, 0, 0, 3);
    bench_add(&bench, &dispatch_queue_strict_order, 1, 0, 3);
    bench_send(&bench, &dispatch_queue_strict_order, 8);
    ck_assert_str_eq(bench.picked, "AAABBB--");
}
END_TEST

START_TEST(queue_strict_order_puts_priority_before_age)
{
    struct bench bench = { .list = NULL };

    bench_add(&bench, &dispatch_queue_strict_order, 3, 0, 1);
    bench_add(&bench, &dispatch_queue_strict_order, 2, 7, 1);
    bench_add(&bench, &dispatch_queue_strict_order, 0, 0, 1);
    bench_add(&bench, &dispatch_queue_strict_order, 1, 7, 1);
    ck_assert_str_eq(bench_order(&bench), "BCAD");
}
END_TEST

START_TEST(an_empty_list_gives_nobody)
{
    struct dispatch_member *list = NULL;

    ck_assert_ptr_null(dispatch_queue_round_robin.pick(&list));
    ck_assert_ptr_null(dispatch_queue_strict_order.pick(&list));
    for (size_t i = 0; dispatch_policies[i] != NULL; i++) {
        ck_assert_ptr_null(dispatch_policies[i]->pick(&list));
    }
    dispatch_round_robin.offered(&list);
    ck_assert_ptr_null(list);
}
END_TEST

START_TEST(topic_round_robin_rotates_who_is_first)
{
    struct bench bench = { .list = NULL };

    bench_add(&bench, &dispatch_round_robin, 0, 0, 1);
    dispatch_round_robin.offered(&bench.list);
    ck_assert_str_eq(bench_order(&bench), "A");
    bench_add(&bench, &dispatch_round_robin, 1, 0, 1);
    bench_add(&bench, &dispatch_round_robin, 2, 0, 1);
    ck_assert_str_eq(bench_order(&bench), "ABC");
    dispatch_round_robin.offered(&bench.list);
    ck_assert_str_eq(bench_order(&bench), "BCA");
    dispatch_round_robin.offered(&bench.list);
    ck_assert_str_eq(bench_order(&bench), "CAB");
}
END_TEST

START_TEST(topic_order_is_by_subscription_and_never_changes)
{
    static const struct dispatch_policy *const policies[] = {
        &dispatch_simple,
        &dispatch_strict_order,
        &dispatch_client_id_filter,
    };
    const struct dispatch_policy *policy = policies[_i];
    struct bench bench = { .list = NULL };

    bench_add(&bench, policy, 2, 9, 1);
    bench_add(&bench, policy, 0, 0, 1);
    bench_add(&bench, policy, 3, 5, 1);
    bench_add(&bench, policy, 1, 0, 1);
    ck_assert_str_eq(bench_order(&bench), "ABCD");
    ck_assert(policy->offered == NULL);
}
END_TEST

START_TEST(topic_priority_serves_the_highest_first_then_the_oldest)
{
    static const struct dispatch_policy *const policies[] = {
        &dispatch_priority,
        &dispatch_priority_network,
    };
    const struct dispatch_policy *policy = policies[_i];
    struct bench bench = { .list = NULL };

    bench_add(&bench, policy, 0, 0, 1);
    bench_add(&bench, policy, 3, 5, 1);
    bench_add(&bench, policy, 1, 9, 1);
    bench_add(&bench, policy, 2, 5, 1);
    ck_assert_str_eq(bench_order(&bench), "BCDA");
    ck_assert(policy->offered == NULL && policy->accepts == NULL);
}
END_TEST

static const struct {
    const char *destination;
    const char *property; /* NULL = the message has none */
    const char *client_id;
    bool accepted;
} offers[] = {
    { "NEWS", NULL, "c1", true },     { "NEWS.PTP", NULL, "c1", true },
    { "NEWS.PTP", "c1", "c1", true }, { "NEWS.PTP", "c1", "c2", false },
    { "NEWS.PTP", "c1", "", false },  { "NEWS.PTP", "", "c1", false },
    { "NEWS", "c1", "c1", false },    { "NEWS.ptp", "c1", "c1", false },
    { "PTP", "c1", "c1", false },     { ".PTP", "c1", "c1", true },
};

START_TEST(client_id_filter_gives_a_message_to_its_client)
{
    char property[] = "PTP_CLIENTID";
    char suffix[] = ".PTP";
    struct dispatch_parameters parameters = {
        .ptp_client_id = property,
        .ptp_suffix = suffix,
    };
    struct dispatch_offer offer = {
        .destination = span_of_text(offers[_i].destination),
        .ptp_client_id = offers[_i].property != NULL
                             ? span_of_text(offers[_i].property)
                             : SPAN_NONE,
    };

    ck_assert(dispatch_client_id_filter.accepts(
                  &parameters, &offer, span_of_text(offers[_i].client_id)) ==
              offers[_i].accepted);
}
END_TEST

START_TEST(every_policy_has_what_the_core_must_find)
{
    size_t count = 0;

    for (; dispatch_policies[count] != NULL; count++) {
        const struct dispatch_policy *policy = dispatch_policies[count];

        ck_assert(policy->insert != NULL);
        ck_assert(policy->pick != NULL);
        ck_assert_ptr_nonnull(policy->doc);
        ck_assert(strncmp(policy->name, policy->long_name,
                          strlen(policy->name)) == 0);
    }
    ck_assert_uint_eq(count, 6);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("dispatch");
    TCase *tcase = tcase_create("dispatch");

    tcase_add_test(tcase, queue_round_robin_takes_each_in_turn);
    tcase_add_test(tcase, queue_round_robin_fills_the_highest_priority_first);
    tcase_add_test(tcase,
                   queue_round_robin_finds_the_end_of_a_band_between_others);
    tcase_add_test(
        tcase, queue_round_robin_puts_who_has_credit_again_last_of_its_equals);
    tcase_add_test(tcase, queue_strict_order_fills_the_oldest_first);
    tcase_add_test(tcase, queue_strict_order_puts_priority_before_age);
    tcase_add_test(tcase, an_empty_list_gives_nobody);
    tcase_add_test(tcase, topic_round_robin_rotates_who_is_first);
    tcase_add_loop_test(tcase, topic_order_is_by_subscription_and_never_changes,
                        0, 3);
    tcase_add_loop_test(
        tcase, topic_priority_serves_the_highest_first_then_the_oldest, 0, 2);
    tcase_add_loop_test(tcase, client_id_filter_gives_a_message_to_its_client,
                        0, (int)(sizeof(offers) / sizeof(offers[0])));
    tcase_add_test(tcase, every_policy_has_what_the_core_must_find);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
