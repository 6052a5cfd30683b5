/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits on what waits for a slow subscriber of a topic, what it is told, and
 * where the discarded go; which client a message is for.
 * Source: activemq.md 3.1, 5, 6 and appendix B.
 */
#include "base/alloc.h"
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include <stdio.h>
#include <stdlib.h>

static struct fixture f;
static struct fake_client a, b, c;

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
    client_open(&f, &a);
    client_open(&f, &b);
    client_open(&f, &c);
}

static void
teardown(void)
{
    client_close(&a);
    client_close(&b);
    client_close(&c);
    fixture_fini(&f);
}

static struct policy *
topic_policy(void)
{
    return fixture_policy(&f, DESTINATION_TOPIC, "t");
}

static struct policy *
limit_policy(int64_t limit)
{
    struct policy *policy = topic_policy();

    policy->pending_limit = &pending_limit_constant;
    policy->pending_limit_parameters.limit = limit;
    return policy;
}

static void
send_text(const char *headers, const char *body, bool persistent)
{
    struct message_facts facts = { .priority = 4,
                                   .persistent = persistent,
                                   .timestamp_ms = f.now_ms };

    (void)send_made(&f, DESTINATION_TOPIC, "t",
                    message_make_with(&f, headers, body, &facts), NULL);
}

static void
drain(struct fake_client *client)
{
    for (int i = 0; i < 20; i++) {
        fixture_turn(&f);
        client_ack_all(client);
    }
    fixture_turn(&f);
}

static size_t
discarded(void)
{
    struct core_stats stats;

    core_stats_get(f.core, &stats);
    return stats.discarded;
}

/* --- who gets it ---------------------------------------------------------- */

static void
use_client_ids(void)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_TOPIC, "t.PTP");

    policy->topic_dispatch = &dispatch_client_id_filter;
    policy->recovery = &recovery_fixed_count;
    policy->recovery_parameters.count = 9;
    a.client.client_id = "one";
    b.client.client_id = "two";
}

static void
send_to_client(const char *headers, const char *body)
{
    (void)send_made(&f, DESTINATION_TOPIC, "t.PTP",
                    message_make_with(&f, headers, body, NULL), NULL);
}

START_TEST(client_id_filter_sends_to_the_client_that_is_named)
{
    use_client_ids();
    (void)subscribe_topic(&a, "t.PTP", ACK_CLIENT, 0);
    (void)subscribe_topic(&b, "t.PTP", ACK_CLIENT, 0);
    (void)subscribe_topic(&c, "t.PTP", ACK_CLIENT, 0); /* has no client-id */
    send_to_client("PTP_CLIENTID:two\n", "0");
    send_to_client("PTP_CLIENTID:nobody\n", "1");
    send_to_client("", "2");
    ck_assert_str_eq(client_news(&a), "2");
    ck_assert_str_eq(client_news(&b), "0 2");
    ck_assert_str_eq(client_news(&c), "2");
}
END_TEST

START_TEST(client_id_filter_holds_for_the_past_too)
{
    struct subscribe_options options = options_of(ACK_CLIENT, 0);

    use_client_ids();
    send_to_client("PTP_CLIENTID:two\n", "0");
    send_to_client("", "1");
    options.retroactive = true;
    (void)subscribe(&a, DESTINATION_TOPIC, "t.PTP", &options);
    (void)subscribe(&b, DESTINATION_TOPIC, "t.PTP", &options);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1");
    ck_assert_str_eq(client_news(&b), "0 1");
}
END_TEST

START_TEST(priority_serves_the_highest_first)
{
    struct subscribe_options options = options_of(ACK_CLIENT, 0);
    uint64_t seen[2];

    topic_policy()->topic_dispatch =
        _i == 0 ? &dispatch_priority : &dispatch_priority_network;
    (void)subscribe(&a, DESTINATION_TOPIC, "t", &options);
    options.priority = 5;
    (void)subscribe(&a, DESTINATION_TOPIC, "t", &options);
    send_text("", "0", false);
    ck_assert_uint_eq(a.got_count, 2);
    seen[0] = (uint64_t)a.got[0].sub->priority;
    seen[1] = (uint64_t)a.got[1].sub->priority;
    ck_assert_uint_eq(seen[0], 5);
    ck_assert_uint_eq(seen[1], 0);
}
END_TEST

/* --- limits -----------------------------------------------------------------
 */

/* Appendix B: limit 4, prefetch 1, keys A B A B C A D B E C A. */
START_TEST(unique_property_keeps_the_newest_of_each_value)
{
    static const char keys[] = "ABABCADBECA";
    static char property[] = "key";
    struct policy *policy = limit_policy(4);

    policy->eviction = &eviction_unique_property;
    policy->eviction_parameters.property = xstrdup(property);
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    for (int i = 0; i < 11; i++) {
        char header[16];
        char body[16];

        (void)snprintf(header, sizeof(header), "key:%c\n", keys[i]);
        (void)snprintf(body, sizeof(body), "%c%d", keys[i], i);
        send_text(header, body, false);
    }
    drain(&a);
    ck_assert_str_eq(client_news(&a), "A0 B7 E8 C9 A10");
}
END_TEST

/* Appendix B: 1-4 pending, 2 and 3 expired, then 5 6 7. */
START_TEST(expired_ones_go_first_and_are_not_discarded)
{
    struct message_facts soon = { .expires_ms = f.now_ms + 10 };
    struct core_stats stats;

    limit_policy(4);
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_topic(&f, "t", 0, 1);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "2", &soon, NULL);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "3", &soon, NULL);
    send_topic(&f, "t", 4, 4);
    fixture_sleep_ms(&f, 11);
    send_topic(&f, "t", 5, 7);
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.expired, 2);
    ck_assert_uint_eq(stats.discarded, 1);
    drain(&a);
    ck_assert_str_eq(client_news(&a), "0 4 5 6 7");
}
END_TEST

START_TEST(limit_0_counts_what_it_drops)
{
    limit_policy(0);
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 2);
    send_topic(&f, "t", 0, 5);
    ck_assert_uint_eq(discarded(), 4);
}
END_TEST

START_TEST(next_message_says_how_many_were_dropped)
{
    limit_policy(2);
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_topic(&f, "t", 0, 9);
    drain(&a);
    ck_assert_str_eq(client_news(&a), "0 8 9");
    ck_assert_uint_eq(a.got[0].dropped, 0);
    ck_assert_uint_eq(a.got[1].dropped, 7);
    ck_assert_uint_eq(a.got[2].dropped, 0);
}
END_TEST

START_TEST(a_queue_s_message_does_not_say_what_a_topic_dropped)
{
    struct subscription_target targets[] = {
        { .kind = DESTINATION_TOPIC, .name = SPAN("t") },
        { .kind = DESTINATION_QUEUE, .name = SPAN("q") },
    };
    struct subscribe_options options = options_of(ACK_CLIENT, 1);

    limit_policy(0);
    options.targets = targets;
    options.target_count = 2;
    (void)subscribe(&a, DESTINATION_TOPIC, "", &options);
    send_topic(&f, "t", 0, 1);
    send_queue(&f, "q", 2, 2);
    drain(&a);
    send_topic(&f, "t", 3, 3);
    ck_assert_str_eq(client_news(&a), "0 2 3");
    ck_assert_uint_eq(a.got[1].dropped, 0);
    ck_assert_uint_eq(a.got[2].dropped, 1);
}
END_TEST

static size_t
message_size(void)
{
    return sizeof("destination:/queue/x\n\n0");
}

START_TEST(hard_limit_of_bytes_holds_at_once)
{
    topic_policy()->pending_bytes.hard = 3 * message_size();
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_topic(&f, "t", 0, 9);
    ck_assert_uint_eq(discarded(), 6);
    drain(&a);
    ck_assert_str_eq(client_news(&a), "0 7 8 9");
}
END_TEST

START_TEST(a_message_above_the_hard_limit_does_not_wait)
{
    topic_policy()->pending_bytes.hard = message_size() - 1;
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_topic(&f, "t", 0, 1);
    ck_assert_uint_eq(discarded(), 1);
}
END_TEST

static void
use_soft_limit(void)
{
    struct policy *policy = topic_policy();

    policy->pending_bytes.hard = 8 * message_size();
    policy->pending_bytes.soft = 3 * message_size();
    policy->pending_bytes.soft_us = 1000000;
}

START_TEST(soft_limit_may_be_passed_for_its_time)
{
    use_soft_limit();
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_topic(&f, "t", 0, 6);
    fixture_sleep_ms(&f, 900);
    fixture_turn(&f);
    ck_assert_uint_eq(discarded(), 0);
    fixture_sleep_ms(&f, 200);
    fixture_turn(&f);
    ck_assert_uint_eq(discarded(), 3);
    send_topic(&f, "t", 7, 7);
    ck_assert_uint_eq(discarded(), 3); /* another second */
    drain(&a);
    ck_assert_str_eq(client_news(&a), "0 4 5 6 7");
}
END_TEST

START_TEST(soft_limit_begins_anew_once_it_is_kept)
{
    use_soft_limit();
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_topic(&f, "t", 0, 4);
    fixture_sleep_ms(&f, 900);
    client_ack_all(&a);
    fixture_turn(&f); /* three wait */
    send_topic(&f, "t", 5, 5);
    fixture_sleep_ms(&f, 900);
    fixture_turn(&f);
    ck_assert_uint_eq(discarded(), 0);
    fixture_sleep_ms(&f, 200);
    fixture_turn(&f);
    ck_assert_uint_eq(discarded(), 1);
}
END_TEST

START_TEST(a_subscriber_may_leave_above_its_soft_limit)
{
    struct subscription *sub;

    use_soft_limit();
    sub = subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_topic(&f, "t", 0, 6);
    core_unsubscribe(sub);
    fixture_sleep_ms(&f, 2000);
    fixture_turn(&f);
    ck_assert_uint_eq(discarded(), 0);
}
END_TEST

/* --- dead letters
 * ------------------------------------------------------------- */

static const char *
dead_letters(const char *queue)
{
    (void)subscribe_queue(&c, queue, ACK_CLIENT, 0);
    fixture_turn(&f);
    return client_news(&c);
}

START_TEST(discarded_persistent_messages_become_dead_letters)
{
    limit_policy(1);
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_text("", "0", true);
    send_text("", "1", false);
    send_text("", "2", true);
    send_text("", "3", false);
    ck_assert_str_eq(dead_letters("ActiveMQ.DLQ"), "2");
}
END_TEST

START_TEST(process_non_persistent_keeps_every_discarded_message)
{
    limit_policy(1)->dead_letter_parameters.process_non_persistent = POLICY_ON;
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_topic(&f, "t", 0, 3);
    ck_assert_str_eq(dead_letters("ActiveMQ.DLQ"), "1 2");
}
END_TEST

START_TEST(one_letter_for_all_subscriptions_that_lose_a_message)
{
    limit_policy(0)->dead_letter_parameters.enable_audit = _i == 0;
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    (void)subscribe_topic(&b, "t", ACK_CLIENT, 1);
    send_text("", "0", true);
    send_text("", "1", true);
    ck_assert_uint_eq(discarded(), 2);
    ck_assert_str_eq(dead_letters("ActiveMQ.DLQ"), _i == 0 ? "1" : "1 1");
}
END_TEST

START_TEST(individual_letters_of_a_topic_have_their_own_queue)
{
    struct policy *policy = limit_policy(0);

    policy->dead_letter = &dead_letter_individual;
    policy->dead_letter_parameters.topic_suffix = xstrdup(".end");
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_text("", "0", true);
    send_text("", "1", true);
    ck_assert_str_eq(dead_letters("ActiveMQ.DLQ.Topic.t.end"), "1");
}
END_TEST

START_TEST(letters_of_a_topic_may_go_to_a_topic)
{
    struct policy *policy = limit_policy(0);

    policy->dead_letter = &dead_letter_individual;
    policy->dead_letter_parameters.use_queue_for_topic_messages = false;
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    (void)subscribe_topic(&c, "ActiveMQ.DLQ.Topic.>", ACK_CLIENT, 0);
    send_text("", "0", true);
    send_text("", "1", true);
    ck_assert_str_eq(client_news(&c), "1");
}
END_TEST

/* Two topics that are each other's dead letter topic, both with slow
 * subscribers. */
START_TEST(letters_displace_no_letters)
{
    struct policy *policy =
        fixture_policy(&f, DESTINATION_TOPIC, "ActiveMQ.DLQ.Topic.t");

    for (int i = 0; i < 2; i++) {
        policy->pending_limit = &pending_limit_constant;
        policy->pending_limit_parameters.limit = 0;
        policy->dead_letter = &dead_letter_individual;
        policy->dead_letter_parameters.use_queue_for_topic_messages = false;
        free(policy->dead_letter_parameters.topic_prefix);
        policy->dead_letter_parameters.topic_prefix =
            xstrdup(i == 0 ? "again." : "ActiveMQ.DLQ.Topic.");
        policy = i == 0 ? topic_policy() : NULL;
    }
    (void)subscribe_topic(&a, ">", ACK_CLIENT, 1);
    send_text("", "0", true);
    send_text("", "1", true);
    ck_assert_uint_eq(discarded(), 2); /* on t, and its letter */
}
END_TEST

START_TEST(a_dead_letter_expires_when_the_policy_says_so)
{
    limit_policy(0)->dead_letter_parameters.expiration_us = 5000000;
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_text("", "0", true);
    send_text("", "1", true);
    fixture_sleep_ms(&f, 4000);
    send_text("", "2", true);
    fixture_sleep_ms(&f, 2000);
    ck_assert_str_eq(dead_letters("ActiveMQ.DLQ"), "2");
}
END_TEST

START_TEST(expired_persistent_messages_of_a_topic_become_dead_letters)
{
    struct message_facts late = { .expires_ms = f.now_ms - 1,
                                  .persistent = true };
    struct message_facts soon = { .expires_ms = f.now_ms + 5,
                                  .persistent = true };

    topic_policy()->dead_letter_parameters.process_expired = _i == 0;
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_topic(&f, "t", 0, 0);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "1", &late, NULL);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "2", &soon, NULL);
    fixture_sleep_ms(&f, 10);
    drain(&a);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(dead_letters("ActiveMQ.DLQ"), _i == 0 ? "1 2" : "");
}
END_TEST

static void
add_dead_letters(Suite *suite)
{
    TCase *letters = tcase_create("dead_letters");

    tcase_add_checked_fixture(letters, setup, teardown);
    tcase_add_test(letters, discarded_persistent_messages_become_dead_letters);
    tcase_add_test(letters,
                   process_non_persistent_keeps_every_discarded_message);
    tcase_add_loop_test(
        letters, one_letter_for_all_subscriptions_that_lose_a_message, 0, 2);
    tcase_add_test(letters, individual_letters_of_a_topic_have_their_own_queue);
    tcase_add_test(letters, letters_of_a_topic_may_go_to_a_topic);
    tcase_add_test(letters, letters_displace_no_letters);
    tcase_add_test(letters, a_dead_letter_expires_when_the_policy_says_so);
    tcase_add_loop_test(
        letters, expired_persistent_messages_of_a_topic_become_dead_letters, 0,
        2);
    suite_add_tcase(suite, letters);
}

int
main(void)
{
    Suite *suite = suite_create("core/topic_pending");
    TCase *dispatch = tcase_create("dispatch");
    TCase *limits = tcase_create("limits");

    tcase_add_checked_fixture(dispatch, setup, teardown);
    tcase_add_test(dispatch,
                   client_id_filter_sends_to_the_client_that_is_named);
    tcase_add_test(dispatch, client_id_filter_holds_for_the_past_too);
    tcase_add_loop_test(dispatch, priority_serves_the_highest_first, 0, 2);
    suite_add_tcase(suite, dispatch);
    tcase_add_checked_fixture(limits, setup, teardown);
    tcase_add_test(limits, unique_property_keeps_the_newest_of_each_value);
    tcase_add_test(limits, expired_ones_go_first_and_are_not_discarded);
    tcase_add_test(limits, limit_0_counts_what_it_drops);
    tcase_add_test(limits, next_message_says_how_many_were_dropped);
    tcase_add_test(limits, a_queue_s_message_does_not_say_what_a_topic_dropped);
    tcase_add_test(limits, hard_limit_of_bytes_holds_at_once);
    tcase_add_test(limits, a_message_above_the_hard_limit_does_not_wait);
    tcase_add_test(limits, soft_limit_may_be_passed_for_its_time);
    tcase_add_test(limits, soft_limit_begins_anew_once_it_is_kept);
    tcase_add_test(limits, a_subscriber_may_leave_above_its_soft_limit);
    suite_add_tcase(suite, limits);
    add_dead_letters(suite);
    return testutil_run(suite);
}
