/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_map.h"

#include "base/alloc.h"
#include "test/testutil.h"

#include <stdlib.h>
#include <string.h>

static void
map_add(struct policy_map *map, enum destination_kind kind, const char *pattern)
{
    struct policy *policy = policy_new();

    free(policy->pattern);
    policy->pattern = xstrdup(pattern);
    ck_assert(policy_map_add(map, kind, span_of_text(pattern), policy));
    policy_unref(&policy);
}

/* Entries separated by blanks.  Source: activemq.md 1.4; where ActiveMQ goes
 * by text order or by chance, `*` before `>` at the first level decides. */
static const struct {
    const char *entries;
    const char *name;
    const char *chosen;
} rows[] = {
    { "> FOO.> FOO.A.>", "FOO.A.B", "FOO.A.>" },
    { "> FOO.>", "FOO", "FOO.>" },
    { "> FOO.> FOO.* FOO.A", "FOO.A", "FOO.A" },
    { "*.A FOO.*", "FOO.A", "FOO.*" },
    { "*.A FOO.>", "FOO.A", "FOO.>" },
    { "FOO.*.* FOO.*.> FOO.A.*", "FOO.A.B", "FOO.A.*" },
    { "FOO.> FOO.*", "FOO.A", "FOO.*" },
    { "> *", "FOO", "*" },
    { "FOO.>.BAR", "FOO.X.BAR", "" },
    { "FOO.>", "BAR", "" },
    { "", "BAR", "" },
    /* A pattern as the name: its very text, else what matches it. */
    { "> FOO.> FOO.*", "FOO.>", "FOO.>" },
    { "> FOO.> FOO.*", "FOO.*", "FOO.*" },
    { "> FOO.>", "FOO.*", "FOO.>" },
    { "> FOO.A", "FOO.*", ">" },
    { "FOO.A", "FOO.>", "" },
};

START_TEST(the_most_specific_entry_applies)
{
    struct policy_map *map = policy_map_new();
    struct span rest = span_of_text(rows[_i].entries);

    while (rest.len > 0) {
        struct span pattern = span_split(&rest, ' ');
        char *text = xstrndup(pattern.data, pattern.len);

        map_add(map, DESTINATION_TOPIC, text);
        free(text);
    }
    ck_assert_str_eq(
        policy_map_find(map, DESTINATION_TOPIC, span_of_text(rows[_i].name))
            ->pattern,
        rows[_i].chosen);
    policy_map_free(&map);
    ck_assert_ptr_null(map);
}
END_TEST

START_TEST(an_entry_of_one_kind_is_invisible_to_the_others)
{
    struct policy_map *map = policy_map_new();

    map_add(map, DESTINATION_QUEUE, ">");
    ck_assert_str_eq(
        policy_map_find(map, DESTINATION_QUEUE, SPAN("A"))->pattern, ">");
    ck_assert_str_eq(
        policy_map_find(map, DESTINATION_TOPIC, SPAN("A"))->pattern, "");
    ck_assert_str_eq(
        policy_map_find(map, DESTINATION_TEMP_QUEUE, SPAN("A"))->pattern, "");
    policy_map_free(&map);
}
END_TEST

START_TEST(the_same_pattern_twice_is_refused)
{
    struct policy_map *map = policy_map_new();
    struct policy *policy = policy_new();

    ck_assert(policy_map_add(map, DESTINATION_TOPIC, SPAN("A.>"), policy));
    ck_assert(!policy_map_add(map, DESTINATION_TOPIC, SPAN("A.>"), policy));
    ck_assert(!policy_map_add(map, DESTINATION_TOPIC, SPAN("A.>.>"), policy));
    ck_assert(policy_map_add(map, DESTINATION_QUEUE, SPAN("A.>"), policy));
    ck_assert_uint_eq(policy->refs, 3);
    policy_map_free(&map);
    ck_assert_uint_eq(policy->refs, 1);
    policy_unref(&policy);
    ck_assert_ptr_null(policy);
}
END_TEST

START_TEST(the_default_entry_applies_where_nothing_matches)
{
    struct policy_map *map = policy_map_new();
    struct policy *policy = policy_new();

    policy->queue_prefetch = 5;
    map_add(map, DESTINATION_QUEUE, "A");
    policy_map_set_default(map, policy);
    policy_map_set_default(map, policy);
    policy_unref(&policy);
    ck_assert_uint_eq(
        policy_map_find(map, DESTINATION_QUEUE, SPAN("B"))->queue_prefetch, 5);
    ck_assert_uint_eq(
        policy_map_find(map, DESTINATION_QUEUE, SPAN("A"))->queue_prefetch,
        1000);
    policy_map_free(&map);
}
END_TEST

START_TEST(without_an_entry_activemqs_defaults_apply)
{
    struct policy_map *map = policy_map_new();
    const struct policy *policy =
        policy_map_find(map, DESTINATION_TEMP_TOPIC, SPAN("A"));

    ck_assert_ptr_eq(policy->topic_dispatch, &dispatch_simple);
    ck_assert_ptr_eq(policy->queue_dispatch, &dispatch_queue_round_robin);
    ck_assert_ptr_eq(policy->recovery, &recovery_none);
    ck_assert_ptr_eq(policy->pending_limit, &pending_limit_none);
    ck_assert_ptr_eq(policy->eviction, &eviction_oldest);
    ck_assert_ptr_eq(policy->dead_letter, &dead_letter_shared);
    ck_assert_str_eq(policy->dead_letter_parameters.queue, "ActiveMQ.DLQ");
    ck_assert_int_eq(policy->dead_letter_parameters.process_non_persistent,
                     POLICY_UNSET);
    ck_assert(policy->dead_letter_parameters.process_expired);
    ck_assert_int_eq(policy->redelivery.maximum, 6);
    ck_assert_uint_eq(policy->queue_prefetch, 1000);
    ck_assert_uint_eq(policy->queue_browser_prefetch, 500);
    ck_assert_uint_eq(policy->topic_prefetch, 32767);
    ck_assert_uint_eq(policy->durable_topic_prefetch, 100);
    ck_assert(!policy->always_retroactive);
    ck_assert(!policy->advisories.consumed);
    ck_assert_int_eq(policy->use_async_send, POLICY_UNSET);
    ck_assert_int_eq(policy->delivery_mode, POLICY_DELIVERY_AS_SENT);
    policy_map_free(&map);
}
END_TEST

START_TEST(a_reference_outlives_the_map)
{
    struct policy_map *map = policy_map_new();
    struct policy *policy;

    map_add(map, DESTINATION_QUEUE, "A");
    policy = policy_ref(policy_map_find(map, DESTINATION_QUEUE, SPAN("A")));
    policy_map_free(&map);
    ck_assert_str_eq(policy->pattern, "A");
    policy_unref(&policy);
    policy_unref(&policy);
    ck_assert_ptr_null(policy);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_map");
    TCase *tcase = tcase_create("policy_map");

    tcase_add_loop_test(tcase, the_most_specific_entry_applies, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, an_entry_of_one_kind_is_invisible_to_the_others);
    tcase_add_test(tcase, the_same_pattern_twice_is_refused);
    tcase_add_test(tcase, the_default_entry_applies_where_nothing_matches);
    tcase_add_test(tcase, without_an_entry_activemqs_defaults_apply);
    tcase_add_test(tcase, a_reference_outlives_the_map);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
