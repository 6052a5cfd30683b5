/* SPDX-License-Identifier: Apache-2.0 */
/* The core from outside, and a reload of its policies. */
#include "server/core/core.h"

#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include <stdio.h>
#include <string.h>

static struct fixture f;
static struct fake_client consumer;
static struct policy_map *fresh_map;

static void
setup(void)
{
    fixture_init(&f, &store_memory);
    client_open(&f, &consumer);
    fresh_map = policy_map_new();
}

static void
teardown(void)
{
    client_close(&consumer);
    fixture_fini(&f);
    policy_map_free(&fresh_map);
}

/* An entry of the map that a reload brings. */
static struct policy *
fresh_policy(enum destination_kind kind, const char *pattern)
{
    struct policy *policy = policy_new();
    struct policy *held = policy;

    ck_assert(policy_map_add(fresh_map, kind, span_of_text(pattern), policy));
    policy_unref(&policy);
    return held;
}

struct seen {
    struct core_destination_view view;
    size_t count;
    char names[256];
};

static void
on_destination(void *ctx, const struct core_destination_view *view)
{
    struct seen *seen = ctx;
    size_t used = strlen(seen->names);

    seen->view = *view;
    seen->count++;
    (void)snprintf(seen->names + used, sizeof(seen->names) - used, "%s:%.*s ",
                   destination_kind_name(view->kind), (int)view->name.len,
                   view->name.data);
}

static struct seen
look(void)
{
    struct seen seen = { .count = 0 };

    core_each_destination(f.core, on_destination, &seen);
    return seen;
}

START_TEST(destinations_are_shown_in_the_order_they_were_made)
{
    send_queue(&f, "b", 1, 1);
    send_topic(&f, "a", 1, 1);
    ck_assert_str_eq(look().names, "queue:b topic:a ");
}
END_TEST

START_TEST(a_queue_counts_what_waits_and_what_is_out)
{
    struct seen seen;

    send_queue(&f, "q", 1, 5);
    (void)subscribe_queue(&consumer, "q", ACK_CLIENT_INDIVIDUAL, 2);
    fixture_turn(&f);
    client_ack(&consumer, "1");
    seen = look();
    ck_assert_uint_eq(seen.count, 1);
    ck_assert_uint_eq(seen.view.consumers, 1);
    ck_assert_uint_eq(seen.view.waiting, 3);
    ck_assert_uint_eq(seen.view.in_flight, 1);
    ck_assert_uint_eq(seen.view.enqueued, 5);
    ck_assert_uint_eq(seen.view.dequeued, 1);
}
END_TEST

START_TEST(a_topic_counts_what_its_slow_consumers_let_wait)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_TOPIC, "t");

    policy->pending_limit = &pending_limit_constant;
    policy->pending_limit_parameters.limit = 2;
    (void)subscribe_topic(&consumer, "t", ACK_CLIENT_INDIVIDUAL, 1);
    send_topic(&f, "t", 1, 5);
    fixture_turn(&f);
    ck_assert_uint_eq(look().view.waiting, 2);
    ck_assert_uint_eq(look().view.discarded, 2);
}
END_TEST

START_TEST(a_reload_changes_what_is_there)
{
    send_queue(&f, "q", 1, 1);
    fresh_policy(DESTINATION_QUEUE, "q")->delivery_mode =
        POLICY_DELIVERY_PERSISTENT;
    core_policies_set(f.core, fresh_map);
    ck_assert_int_eq(look().view.policy->delivery_mode,
                     POLICY_DELIVERY_PERSISTENT);
    policy_map_free(&f.policies); /* the core does not use it any more */
    f.policies = policy_map_new();
    send_queue(&f, "q", 2, 2);
    send_queue(&f, "q2", 1, 1);
    fixture_turn(&f);
}
END_TEST

START_TEST(a_reload_sets_the_limit_of_subscriptions_that_are_there)
{
    struct policy *policy = fresh_policy(DESTINATION_TOPIC, "t");

    policy->pending_limit = &pending_limit_constant;
    policy->pending_limit_parameters.limit = 2;
    (void)subscribe_topic(&consumer, "t", ACK_CLIENT_INDIVIDUAL, 1);
    send_topic(&f, "t", 1, 5);
    ck_assert_uint_eq(look().view.waiting, 4);
    core_policies_set(f.core, fresh_map);
    send_topic(&f, "t", 6, 6);
    ck_assert_uint_eq(look().view.waiting, 2);
}
END_TEST

START_TEST(a_reload_leaves_a_topic_the_past_that_it_keeps)
{
    struct subscribe_options options = options_of(ACK_AUTO, 0);
    struct policy *policy = fixture_policy(&f, DESTINATION_TOPIC, "t");

    options.retroactive = true;
    policy->recovery = &recovery_last_image;
    send_topic(&f, "t", 1, 3);
    (void)fresh_policy(DESTINATION_TOPIC, "t");
    core_policies_set(f.core, fresh_map);
    ck_assert_ptr_eq(look().view.policy->recovery, &recovery_last_image);
    send_topic(&f, "t", 4, 4);
    (void)subscribe(&consumer, DESTINATION_TOPIC, "t", &options);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&consumer), "4");
    client_flush(&consumer);
}
END_TEST

START_TEST(destinations_that_are_made_later_get_all_of_it)
{
    fresh_policy(DESTINATION_TOPIC, "t")->recovery = &recovery_last_image;
    core_policies_set(f.core, fresh_map);
    send_topic(&f, "t", 1, 1);
    ck_assert_ptr_eq(look().view.policy->recovery, &recovery_last_image);
}
END_TEST

START_TEST(temporary_destinations_are_reloaded_too)
{
    struct destination *dest;

    ck_assert_int_eq(core_destination(f.core, &consumer.client,
                                      DESTINATION_TEMP_QUEUE, SPAN("x"), true,
                                      &dest),
                     CORE_FOUND);
    fresh_policy(DESTINATION_TEMP_QUEUE, ">")->queue_prefetch = 3;
    core_policies_set(f.core, fresh_map);
    ck_assert_uint_eq(look().view.policy->queue_prefetch, 3);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core_view");
    TCase *tcase = tcase_create("core_view");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, destinations_are_shown_in_the_order_they_were_made);
    tcase_add_test(tcase, a_queue_counts_what_waits_and_what_is_out);
    tcase_add_test(tcase, a_topic_counts_what_its_slow_consumers_let_wait);
    tcase_add_test(tcase, a_reload_changes_what_is_there);
    tcase_add_test(tcase,
                   a_reload_sets_the_limit_of_subscriptions_that_are_there);
    tcase_add_test(tcase, a_reload_leaves_a_topic_the_past_that_it_keeps);
    tcase_add_test(tcase, destinations_that_are_made_later_get_all_of_it);
    tcase_add_test(tcase, temporary_destinations_are_reloaded_too);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
