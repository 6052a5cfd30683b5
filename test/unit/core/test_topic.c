/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics: fan-out, slow subscribers, recovery.
 * Source: activemq.md 3.1, 4, 5 and appendix B.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

static struct fixture f;
static struct fake_client a, b, c;

/* Who got a message first: every deliver appends its client's letter. */
static char order[64];
static size_t order_len;

static void
setup(void)
{
    fixture_init(&f, &store_memory);
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
topic_policy(const char *pattern)
{
    return fixture_policy(&f, DESTINATION_TOPIC, pattern);
}

static struct policy *
limit_policy(const char *pattern, int64_t limit)
{
    struct policy *policy = topic_policy(pattern);

    policy->pending_limit = &pending_limit_constant;
    policy->pending_limit_parameters.limit = limit;
    return policy;
}

static struct subscription *
subscribe_retroactive(struct fake_client *client, const char *name,
                      uint32_t prefetch)
{
    struct subscribe_options options = options_of(ACK_CLIENT, prefetch);

    options.retroactive = true;
    return subscribe(client, DESTINATION_TOPIC, name, &options);
}

START_TEST(every_subscriber_gets_every_message)
{
    (void)subscribe_topic(&a, "t", ACK_AUTO, 0);
    (void)subscribe_topic(&b, "t", ACK_CLIENT, 0);
    send_topic(&f, "t", 0, 3);
    ck_assert_str_eq(client_news(&a), "0 1 2 3");
    ck_assert_str_eq(client_news(&b), "0 1 2 3");
    ck_assert_str_eq(client_news(&c), "");
}
END_TEST

static void
on_deliver_note(void *ctx, struct subscription *sub, struct message *msg,
                struct delivery *delivery)
{
    struct fake_client *client = ctx;

    (void)delivery;
    order[order_len++] = client == &a ? 'a' : client == &b ? 'b' : 'c';
    client->got[client->got_count++] = (struct fake_got){
        .sub = sub, .bytes = msg->tail.len, .pending = true
    };
}

static const struct client_ops note_ops = { .deliver = on_deliver_note };

static const char *
fan_out_order(const struct dispatch_policy *dispatch)
{
    topic_policy("t")->topic_dispatch = dispatch;
    a.client.ops = &note_ops;
    b.client.ops = &note_ops;
    c.client.ops = &note_ops;
    (void)subscribe_topic(&a, "t", ACK_AUTO, 0);
    (void)subscribe_topic(&b, "t", ACK_AUTO, 0);
    (void)subscribe_topic(&c, "t", ACK_AUTO, 0);
    send_topic(&f, "t", 0, 3);
    return order;
}

START_TEST(simple_and_strict_order_serve_in_subscription_order)
{
    ck_assert_str_eq(
        fan_out_order(_i == 0 ? &dispatch_simple : &dispatch_strict_order),
        "abcabcabcabc");
}
END_TEST

START_TEST(round_robin_rotates_who_is_served_first)
{
    ck_assert_str_eq(fan_out_order(&dispatch_round_robin), "abcbcacababc");
}
END_TEST

START_TEST(no_local_leaves_out_the_sender_alone)
{
    struct subscribe_options options = options_of(ACK_CLIENT, 0);
    struct send_options send = { .sender = &a.client };

    options.no_local = true;
    (void)subscribe(&a, DESTINATION_TOPIC, "t", &options);
    (void)subscribe(&b, DESTINATION_TOPIC, "t", &options);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "0", NULL, &send);
    ck_assert_str_eq(client_news(&a), "");
    ck_assert_str_eq(client_news(&b), "0");
}
END_TEST

/* Appendix B: limit 5, prefetch 2, 12 sends, then acks. */
START_TEST(limit_keeps_the_newest_of_what_waits)
{
    struct core_stats stats;

    limit_policy("t", 5);
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 2);
    send_topic(&f, "t", 0, 11);
    ck_assert_str_eq(client_news(&a), "0 1");
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.discarded, 5);
    for (int i = 0; i < 4; i++) {
        client_ack_all(&a);
        fixture_turn(&f);
    }
    ck_assert_str_eq(client_news(&a), "7 8 9 10 11");
}
END_TEST

struct limit_case {
    bool has_policy;
    int64_t wanted;
    const char *kept;
};
/* Limit 5, prefetch 1, sends 0-9.  Without a policy the client's own limit
 * counts, where ActiveMQ forgets it. */
static const struct limit_case limit_cases[] = {
    { true, -1, "5 6 7 8 9" },          { true, 2, "8 9" },
    { true, 9, "5 6 7 8 9" },           { false, 2, "8 9" },
    { false, -1, "1 2 3 4 5 6 7 8 9" },
};

START_TEST(client_may_lower_the_limit_only)
{
    const struct limit_case *row = &limit_cases[_i];
    struct subscribe_options options = options_of(ACK_CLIENT, 1);

    if (row->has_policy) {
        limit_policy("t", 5);
    }
    options.pending_limit = row->wanted;
    (void)subscribe(&a, DESTINATION_TOPIC, "t", &options);
    send_topic(&f, "t", 0, 9);
    ck_assert_str_eq(client_news(&a), "0");
    for (int i = 0; i < 10; i++) {
        client_ack_all(&a);
        fixture_turn(&f);
    }
    ck_assert_str_eq(client_news(&a), row->kept);
}
END_TEST

START_TEST(limit_0_drops_what_finds_no_credit)
{
    limit_policy("t", 0);
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 2);
    send_topic(&f, "t", 0, 5);
    ck_assert_str_eq(client_news(&a), "0 1");
    client_ack(&a, "0");
    fixture_turn(&f);
    send_topic(&f, "t", 6, 6);
    ck_assert_str_eq(client_news(&a), "6");
}
END_TEST

START_TEST(prefetch_rate_counts_from_the_prefetch)
{
    struct policy *policy = topic_policy("t");

    policy->pending_limit = &pending_limit_prefetch_rate;
    policy->pending_limit_parameters.multiplier = 2.0;
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 2);
    send_topic(&f, "t", 0, 11);
    for (int i = 0; i < 3; i++) {
        fixture_turn(&f);
        client_ack_all(&a);
    }
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 8 9 10 11");
}
END_TEST

/* Appendix B: limit 4, prefetch 1, priorities 4,9,1,5,1,7,2,8,0. */
START_TEST(lowest_priority_is_evicted_first)
{
    static const uint8_t priorities[] = { 4, 9, 1, 5, 1, 7, 2, 8, 0 };

    limit_policy("t", 4)->eviction = &eviction_oldest_lowest_priority;
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    for (size_t i = 0; i < sizeof(priorities); i++) {
        struct message_facts facts = { .priority = priorities[i] };
        char body[] = { (char)('0' + priorities[i]), '\0' };

        (void)send_message(&f, DESTINATION_TOPIC, "t", body, &facts, NULL);
    }
    for (int i = 0; i < 6; i++) {
        client_ack_all(&a);
        fixture_turn(&f);
    }
    ck_assert_str_eq(client_news(&a), "4 9 5 7 8");
}
END_TEST

START_TEST(expired_messages_make_room_before_any_is_evicted)
{
    struct message_facts soon = { .expires_ms = f.now_ms + 10 };

    limit_policy("t", 4);
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    send_topic(&f, "t", 0, 1);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "2", &soon, NULL);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "3", &soon, NULL);
    send_topic(&f, "t", 4, 4);
    fixture_sleep_ms(&f, 11);
    send_topic(&f, "t", 5, 6);
    for (int i = 0; i < 6; i++) {
        client_ack_all(&a);
        fixture_turn(&f);
    }
    ck_assert_str_eq(client_news(&a), "0 1 4 5 6");
}
END_TEST

START_TEST(expired_message_is_not_sent)
{
    struct message_facts facts = { .expires_ms = f.now_ms + 10 };
    struct core_stats stats;

    (void)subscribe_topic(&a, "t", ACK_CLIENT, 1);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "0", &facts, NULL);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "1", &facts, NULL);
    fixture_sleep_ms(&f, 11);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "2", &facts, NULL);
    client_ack(&a, "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.expired, 2);
}
END_TEST

START_TEST(limit_of_each_topic_holds_under_a_wildcard)
{
    limit_policy("t.1", 1);
    (void)subscribe_topic(&a, "t.>", ACK_CLIENT, 1);
    send_topic(&f, "t.1", 0, 4);
    send_topic(&f, "t.2", 5, 7);
    for (int i = 0; i < 8; i++) {
        client_ack_all(&a);
        fixture_turn(&f);
    }
    ck_assert_str_eq(client_news(&a), "0 4 5 6 7");
}
END_TEST

START_TEST(last_image_comes_before_live_messages)
{
    topic_policy("t.>")->recovery = &recovery_last_image;
    send_topic(&f, "t.1", 0, 3);
    (void)subscribe_retroactive(&a, "t.1", 0);
    (void)subscribe_topic(&b, "t.1", ACK_CLIENT, 0);
    ck_assert_str_eq(client_news(&a), ""); /* the RECEIPT goes first */
    send_topic(&f, "t.1", 4, 4);           /* same turn */
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "3 4");
    ck_assert_str_eq(client_news(&b), "4");
}
END_TEST

START_TEST(always_retroactive_needs_no_header)
{
    struct policy *policy = topic_policy("t");

    policy->recovery = &recovery_last_image;
    policy->always_retroactive = true;
    send_topic(&f, "t", 0, 0);
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
}
END_TEST

START_TEST(timed_recovery_gives_what_is_young_enough)
{
    struct policy *policy = topic_policy("t");

    policy->recovery = &recovery_timed;
    policy->recovery_parameters.duration_us = 1000000;
    send_topic(&f, "t", 0, 0);
    fixture_sleep_ms(&f, 600);
    send_topic(&f, "t", 1, 1);
    fixture_sleep_ms(&f, 600);
    core_sweep(f.core);
    send_topic(&f, "t", 2, 2);
    (void)subscribe_retroactive(&a, "t", 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 2");
}
END_TEST

START_TEST(sweep_frees_what_nobody_can_get_any_more)
{
    struct policy *policy = topic_policy("t");
    struct core_stats stats;

    policy->recovery = &recovery_timed;
    policy->recovery_parameters.duration_us = 1000000;
    send_topic(&f, "t", 0, 9);
    core_stats_get(f.core, &stats);
    ck_assert_uint_gt(stats.memory_bytes, 0);
    fixture_sleep_ms(&f, 1100);
    core_sweep(f.core);
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.memory_bytes, 0);
}
END_TEST

/* activemq.md 4.3: there a SUBSCRIBE with receipt loses all but the limit. */
START_TEST(limit_bites_only_what_credit_cannot_take)
{
    struct policy *policy = limit_policy("t", 5);

    policy->recovery = &recovery_fixed_count;
    policy->recovery_parameters.count = 12;
    send_topic(&f, "t", 0, 11);
    (void)subscribe_retroactive(&a, "t", 0);
    (void)subscribe_retroactive(&b, "t", 3);
    send_topic(&f, "t", 12, 12);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 2 3 4 5 6 7 8 9 10 11 12");
    ck_assert_str_eq(client_news(&b), "0 1 2");
    for (int i = 0; i < 4; i++) {
        client_ack_all(&b);
        fixture_turn(&f);
    }
    ck_assert_str_eq(client_news(&b), "8 9 10 11 12");
}
END_TEST

START_TEST(recovered_message_keeps_its_priority_for_eviction)
{
    struct policy *policy = limit_policy("t", 1);
    struct message_facts high = { .priority = 9 };
    struct message_facts low = { .priority = 1 };

    policy->eviction = &eviction_oldest_lowest_priority;
    policy->recovery = &recovery_fixed_count;
    policy->recovery_parameters.count = 2;
    (void)send_message(&f, DESTINATION_TOPIC, "t", "low", &low, NULL);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "high", &high, NULL);
    (void)subscribe_retroactive(&a, "t", 1);
    fixture_turn(&f);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "new", &low, NULL);
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "low high");
}
END_TEST

START_TEST(wildcard_recovers_from_each_topic_once)
{
    struct subscription_target targets[] = {
        { DESTINATION_TOPIC, SPAN("t.>"), true },
        { DESTINATION_TOPIC, SPAN("t.*"), true },
    };
    struct subscribe_options options = options_of(ACK_CLIENT, 0);

    topic_policy(">")->recovery = &recovery_last_image;
    send_topic(&f, "t.1", 0, 1);
    options.retroactive = true;
    options.targets = targets;
    options.target_count = 2;
    (void)subscribe(&a, DESTINATION_TOPIC, "", &options);
    send_topic(&f, "t.2", 2, 2); /* made later */
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 2");
}
END_TEST

START_TEST(nack_on_a_topic_only_frees_the_credit)
{
    (void)subscribe_topic(&a, "t", ACK_CLIENT_INDIVIDUAL, 1);
    send_topic(&f, "t", 0, 1);
    client_nack(&a, "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
}
END_TEST

START_TEST(unsubscribe_drops_what_waits)
{
    struct subscription *sub = subscribe_topic(&a, "t", ACK_CLIENT, 1);
    struct core_stats stats;

    send_topic(&f, "t", 0, 9);
    core_unsubscribe(sub);
    client_ack(&a, "0");
    fixture_turn(&f);
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.memory_bytes, 0);
    ck_assert_str_eq(client_news(&a), "0");
}
END_TEST

START_TEST(auto_mode_credit_comes_back_with_the_flush)
{
    (void)subscribe_topic(&a, "t", ACK_AUTO, 2);
    send_topic(&f, "t", 0, 4);
    ck_assert_str_eq(client_news(&a), "0 1");
    client_flush(&a);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "2 3");
    client_flush(&a);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "4");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core/topic");
    TCase *fan_out = tcase_create("fan_out");
    TCase *slow = tcase_create("slow");
    TCase *recovery = tcase_create("recovery");

    tcase_add_checked_fixture(fan_out, setup, teardown);
    tcase_add_test(fan_out, every_subscriber_gets_every_message);
    tcase_add_loop_test(
        fan_out, simple_and_strict_order_serve_in_subscription_order, 0, 2);
    tcase_add_test(fan_out, round_robin_rotates_who_is_served_first);
    tcase_add_test(fan_out, no_local_leaves_out_the_sender_alone);
    tcase_add_test(fan_out, nack_on_a_topic_only_frees_the_credit);
    tcase_add_test(fan_out, unsubscribe_drops_what_waits);
    tcase_add_test(fan_out, auto_mode_credit_comes_back_with_the_flush);
    suite_add_tcase(suite, fan_out);
    tcase_add_checked_fixture(slow, setup, teardown);
    tcase_add_test(slow, limit_keeps_the_newest_of_what_waits);
    tcase_add_loop_test(slow, client_may_lower_the_limit_only, 0,
                        sizeof(limit_cases) / sizeof(limit_cases[0]));
    tcase_add_test(slow, limit_0_drops_what_finds_no_credit);
    tcase_add_test(slow, prefetch_rate_counts_from_the_prefetch);
    tcase_add_test(slow, lowest_priority_is_evicted_first);
    tcase_add_test(slow, expired_messages_make_room_before_any_is_evicted);
    tcase_add_test(slow, expired_message_is_not_sent);
    tcase_add_test(slow, limit_of_each_topic_holds_under_a_wildcard);
    suite_add_tcase(suite, slow);
    tcase_add_checked_fixture(recovery, setup, teardown);
    tcase_add_test(recovery, last_image_comes_before_live_messages);
    tcase_add_test(recovery, always_retroactive_needs_no_header);
    tcase_add_test(recovery, timed_recovery_gives_what_is_young_enough);
    tcase_add_test(recovery, sweep_frees_what_nobody_can_get_any_more);
    tcase_add_test(recovery, limit_bites_only_what_credit_cannot_take);
    tcase_add_test(recovery, recovered_message_keeps_its_priority_for_eviction);
    tcase_add_test(recovery, wildcard_recovers_from_each_topic_once);
    suite_add_tcase(suite, recovery);
    return testutil_run(suite);
}
