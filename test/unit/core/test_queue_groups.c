/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message groups: who owns one, what is kept for a busy owner, and the order
 * inside a group whatever happens.  Source: activemq.md 3.4, appendix B.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include "server/core/queue.h"

#include <stdio.h>
#include <stdlib.h>

static struct fixture f;
static struct fake_client a, b, c;

static void
setup(void)
{
    struct core_options options = core_options_default;

    options.queue_resident_bytes = 64 * 1024;
    fixture_init_options(&f, &fake_store_engine, &options);
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

static struct subscription *
consume(struct fake_client *client, uint32_t prefetch)
{
    return subscribe_queue(client, "q", ACK_CLIENT_INDIVIDUAL, prefetch);
}

static void
send_grouped(const char *body, const char *group, int seq)
{
    char headers[64];

    (void)snprintf(headers, sizeof(headers),
                   "JMSXGroupID:%s\nJMSXGroupSeq:%d\n", group, seq);
    send_headed(&f, DESTINATION_QUEUE, "q", body, headers, NULL);
}

/* One message a group for each letter; the body is the letter and a number. */
static void
send_letters(const char *letters)
{
    static int number;
    char body[24];
    char group[2] = "";

    number = 0;
    for (; *letters != '\0'; letters++) {
        group[0] = *letters;
        (void)snprintf(body, sizeof(body), "%c%d", *letters, number++);
        send_grouped(body, group, 0);
    }
    fixture_turn(&f);
}

static struct queue *
queue_q(void)
{
    return queue_of(destination_find(f.core, DESTINATION_QUEUE, SPAN("q")));
}

START_TEST(group_sticks_to_its_consumer)
{
    (void)consume(&a, 0);
    (void)consume(&b, 0);
    send_letters("XYZXYZXYZXYZ");
    ck_assert_str_eq(client_news(&a), "X0 Z2 X3 Z5 X6 Z8 X9 Z11");
    ck_assert_str_eq(client_news(&b), "Y1 Y4 Y7 Y10");
}
END_TEST

START_TEST(every_name_of_the_group_header_counts)
{
    static const char *const headers[] = { "JMSXGroupID:g\n",
                                           "message_group:g\n",
                                           "message-group:g\n" };

    (void)consume(&a, 0);
    (void)consume(&b, 0);
    for (size_t i = 0; i < 3; i++) {
        send_headed(&f, DESTINATION_QUEUE, "q", "m", headers[i], NULL);
    }
    fixture_turn(&f);
    ck_assert(a.got_count == 3 || b.got_count == 3 ||
              a.got_count + b.got_count == 3);
    ck_assert_uint_eq(a.got_count, 3);
}
END_TEST

START_TEST(messages_of_a_busy_owner_wait_and_others_go_ahead)
{
    (void)consume(&a, 1);
    (void)consume(&b, 1);
    send_letters("XXXY");
    ck_assert_str_eq(client_news(&a), "X0");
    ck_assert_str_eq(client_news(&b), "Y3");
    ck_assert_uint_eq(queue_waiting_count(queue_q()), 2);
    client_ack(&a, "X0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "X1");
    client_ack(&a, "X1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "X2");
    ck_assert_uint_eq(queue_waiting_count(queue_q()), 0);
}
END_TEST

START_TEST(refused_message_stands_before_what_is_kept_of_its_group)
{
    (void)consume(&a, 1);
    send_letters("XXX");
    client_nack(&a, "X0");
    fixture_turn(&f);
    client_ack(&a, a.got[1].body);
    fixture_turn(&f);
    client_ack(&a, a.got[2].body);
    fixture_turn(&f);
    client_ack(&a, a.got[3].body);
    ck_assert_str_eq(client_news(&a), "X0 X0r X1 X2");
}
END_TEST

START_TEST(order_of_a_group_holds_when_its_owner_leaves)
{
    (void)consume(&a, 2);
    send_letters("XXXXX");
    (void)consume(&b, 0);
    send_letters("XX");
    ck_assert_str_eq(client_news(&b), "");
    client_close(&a);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "X0r X1r X2 X3 X4 X0 X1");
    client_open(&f, &a);
}
END_TEST

START_TEST(negative_sequence_closes_the_group_behind_itself)
{
    (void)consume(&a, 0);
    (void)consume(&b, 0);
    send_letters("XYZ"); /* a: X Z; b: Y */
    (void)client_news(&a);
    (void)client_news(&b);
    send_grouped("last", "X", -1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "last");
    send_letters("Q"); /* a and b have one each */
    send_letters("X");
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count + b.got_count, 6);
    ck_assert_uint_eq(b.got_count, 2);
}
END_TEST

START_TEST(first_sequence_deals_the_group_anew)
{
    (void)consume(&a, 0);
    (void)consume(&b, 0);
    for (int i = 0; i < 4; i++) {
        char body[24];

        (void)snprintf(body, sizeof(body), "%d", i);
        send_grouped(body, "X", 1);
    }
    fixture_turn(&f);
    /* activemq.md appendix B: alternates between the consumers. */
    ck_assert_str_eq(client_news(&a), "0 2");
    ck_assert_str_eq(client_news(&b), "1 3");
}
END_TEST

START_TEST(new_group_goes_to_the_one_with_the_fewest)
{
    struct subscription *sub;

    (void)consume(&a, 0);
    sub = consume(&b, 0);
    send_letters("XYZW"); /* two each */
    core_unsubscribe(sub);
    (void)consume(&c, 0);
    (void)client_news(&a);
    send_letters("PQ");
    ck_assert_str_eq(client_news(&a), "");
    ck_assert_str_eq(client_news(&c), "P0 Q1");
}
END_TEST

START_TEST(closing_message_that_was_kept_closes_the_group_when_it_leaves)
{
    (void)consume(&a, 1);
    (void)consume(&b, 5);
    send_grouped("0", "X", 0);
    send_grouped("1", "X", -1);
    send_grouped("2", "X", 0); /* another group of that name */
    send_grouped("3", "X", 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "");
    client_ack(&a, "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1");
    /* a is full: the new group is dealt to b, both of it. */
    ck_assert_str_eq(client_news(&b), "2 3");
}
END_TEST

START_TEST(exclusive_newcomer_gets_what_was_kept_for_the_owner)
{
    struct subscribe_options options = options_of(ACK_CLIENT_INDIVIDUAL, 0);

    options.exclusive = true;
    (void)consume(&a, 1);
    send_letters("XXX");
    (void)subscribe(&b, DESTINATION_QUEUE, "q", &options);
    fixture_turn(&f);
    send_letters("X");
    client_ack(&a, "X0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "X0");
    ck_assert_str_eq(client_news(&b), "X1 X2 X0");
}
END_TEST

START_TEST(rebalancing_deals_what_was_kept_anew_and_in_order)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->rebalance_message_groups = true;
    (void)consume(&a, 1);
    send_letters("XXX");
    (void)consume(&b, 0);
    fixture_turn(&f);
    send_letters("X");
    ck_assert_str_eq(client_news(&a), "X0");
    ck_assert_str_eq(client_news(&b), "X1 X2 X0");
}
END_TEST

START_TEST(without_rebalancing_a_newcomer_gets_new_groups_only)
{
    (void)consume(&a, 0);
    send_letters("XYZ");
    (void)consume(&b, 0);
    send_letters("XYZW");
    ck_assert_str_eq(client_news(&a), "X0 Y1 Z2 X0 Y1 Z2");
    ck_assert_str_eq(client_news(&b), "W3");
}
END_TEST

START_TEST(cached_map_forgets_the_group_that_was_not_used_for_longest)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->message_groups = &message_group_cached;
    policy->message_group_parameters.cache_size = 2;
    (void)consume(&a, 0);
    (void)consume(&b, 0);
    send_letters("XYZXZ"); /* Z takes the place of X, X that of Y */
    ck_assert_str_eq(client_news(&a), "X0 Z2 Z4");
    ck_assert_str_eq(client_news(&b), "Y1 X3");
}
END_TEST

START_TEST(what_is_kept_of_a_forgotten_group_goes_before_what_follows)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->message_group_parameters.cache_size = 1;
    (void)consume(&a, 1);
    send_grouped("A1", "A", 0);
    send_grouped("A2", "A", 0);
    fixture_turn(&f); /* A2 is kept for a */
    (void)consume(&b, 1);
    send_grouped("B1", "B", 0); /* A is forgotten */
    send_grouped("A3", "A", 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "A1");
    ck_assert_str_eq(client_news(&b), "B1");
    client_ack(&b, "B1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "A2");
    client_ack(&b, "A2");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "A3");
}
END_TEST

START_TEST(what_expires_while_it_is_kept_is_not_handed_out)
{
    struct message_facts facts = { .priority = 4,
                                   .expires_ms = f.now_ms + 1000 };
    struct core_stats stats;

    (void)consume(&a, 1);
    send_grouped("1", "A", 0);
    send_headed(&f, DESTINATION_QUEUE, "q", "2", "JMSXGroupID:A\n", &facts);
    send_grouped("3", "A", 0);
    fixture_turn(&f);
    fixture_sleep_ms(&f, 2000);
    ck_assert_str_eq(client_news(&a), "1");
    client_ack(&a, "1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "3");
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.expired, 1);
}
END_TEST

START_TEST(what_expires_while_it_is_kept_waits_for_a_store_that_works)
{
    struct message_facts facts = { .priority = 4,
                                   .persistent = true,
                                   .expires_ms = f.now_ms + 1000 };

    (void)consume(&a, 1);
    send_grouped("1", "A", 0);
    send_headed(&f, DESTINATION_QUEUE, "q", "2", "JMSXGroupID:A\n", &facts);
    send_grouped("3", "A", 0);
    fixture_turn(&f);
    fixture_sleep_ms(&f, 2000);
    fake_store_set_failure(f.store, "no space");
    ck_assert_str_eq(client_news(&a), "1");
    client_ack(&a, "1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "3");
    fake_store_set_failure(f.store, NULL);
    core_store_recovered(f.core);
    client_ack(&a, "3");
    (void)subscribe_queue(&b, "ActiveMQ.DLQ", ACK_CLIENT, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "2");
}
END_TEST

/* The message of no group keeps A1 from being found, while B1 is kept for the
 * owner of both groups. */
START_TEST(one_that_comes_back_does_not_pass_an_older_one_that_waits)
{
    struct subscription *first = consume(&b, 4);

    send_grouped("B1", "B", -1);
    send_queue(&f, "q", 1, 1);
    send_grouped("A1", "A", 0);
    send_grouped("A2", "A", -1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "B1 1 A1 A2");
    core_unsubscribe(first);
    (void)consume(&a, 2);
    send_grouped("B2", "B", 0);
    send_grouped("A3", "A", 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "B2 A3");
    client_nack(&b, "A1");
    client_nack(&b, "1");
    client_nack(&b, "B1");
    fixture_turn(&f);
    client_nack(&b, "A2");
    client_ack(&a, "B2");
    client_ack(&a, "A3");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "B1r 1r");
    client_ack(&a, "B1");
    client_ack(&a, "1");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "A1r A2r");
}
END_TEST

START_TEST(first_sequence_does_not_pass_what_is_kept)
{
    (void)consume(&a, 1);
    (void)consume(&b, 1);
    send_grouped("x0", "X", 0);
    send_grouped("x1", "X", 0);
    send_grouped("x2", "X", 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "");
    client_ack(&a, "x0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "x0 x1");
    ck_assert_str_eq(client_news(&b), "");
    client_ack(&a, "x1");
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count + b.got_count, 3);
}
END_TEST

START_TEST(bucket_map_gives_all_groups_of_a_bucket_to_one)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->message_groups = &message_group_bucket;
    policy->message_group_parameters.bucket_count = 1;
    (void)consume(&a, 0);
    (void)consume(&b, 0);
    send_letters("XYZ");
    ck_assert_str_eq(client_news(&a), "X0 Y1 Z2");
}
END_TEST

/* --- with selectors --------------------------------------------------------
 */

static struct subscription *
select_kind(struct fake_client *client, const char *selector, uint32_t prefetch)
{
    struct subscribe_options options =
        options_of(ACK_CLIENT_INDIVIDUAL, prefetch);

    options.selector = selector_of(selector);
    return subscribe(client, DESTINATION_QUEUE, "q", &options);
}

static void
send_kind(const char *body, const char *group, const char *kind)
{
    char headers[64];

    (void)snprintf(headers, sizeof(headers), "JMSXGroupID:%s\nk:%s\n", group,
                   kind);
    send_headed(&f, DESTINATION_QUEUE, "q", body, headers, NULL);
    fixture_turn(&f);
}

START_TEST(new_group_goes_to_one_whose_selector_takes_it)
{
    (void)select_kind(&a, "k = 'a'", 0);
    (void)select_kind(&b, "k = 'b'", 0);
    send_kind("0", "X", "a");
    send_kind("1", "Y", "a");
    send_kind("2", "Z", "a");
    send_kind("3", "W", "b");
    ck_assert_str_eq(client_news(&a), "0 1 2");
    ck_assert_str_eq(client_news(&b), "3");
}
END_TEST

START_TEST(owner_is_not_given_what_its_selector_refuses)
{
    (void)select_kind(&a, "k = 'a'", 0);
    (void)consume(&b, 0);
    send_kind("0", "X", "b"); /* b's group now */
    send_kind("1", "X", "a");
    ck_assert_str_eq(client_news(&b), "0 1");
    send_kind("2", "Y", "a"); /* a has fewer groups */
    ck_assert_str_eq(client_news(&a), "2");
    send_kind("3", "Y", "b"); /* not for a: dealt anew */
    send_kind("4", "Y", "a");
    ck_assert_str_eq(client_news(&a), "");
    ck_assert_str_eq(client_news(&b), "3 4");
}
END_TEST

START_TEST(message_that_no_selector_takes_waits_with_its_group)
{
    struct subscription *sub = select_kind(&a, "k = 'a'", 0);

    send_kind("0", "X", "a");
    send_kind("1", "X", "b");
    ck_assert_str_eq(client_news(&a), "0");
    core_unsubscribe(sub);
    (void)consume(&b, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "1");
}
END_TEST

/* --- many --------------------------------------------------------------------
 */

START_TEST(many_messages_of_a_busy_owner_take_no_time_each)
{
    /* Quadratic work here would take minutes. */
    enum { MANY = 300000 };

    (void)consume(&a, 1);
    for (int i = 0; i < MANY; i++) {
        send_grouped("x", "X", 0);
    }
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, 1);
    ck_assert_uint_eq(queue_waiting_count(queue_q()), MANY - 1);
    client_close(&a);
    ck_assert_uint_eq(queue_waiting_count(queue_q()), MANY);
    client_open(&f, &a);
}
END_TEST

START_TEST(paged_messages_of_a_group_keep_their_order)
{
    struct message_facts facts = { .priority = 4, .persistent = true };
    char body[24];
    int expected = 0;

    for (int i = 0; i < 6000; i++) {
        (void)snprintf(body, sizeof(body), "%d", i);
        send_headed(&f, DESTINATION_QUEUE, "q", body, "JMSXGroupID:g\n",
                    &facts);
    }
    fixture_turn(&f);
    ck_assert(queue_is_paged(queue_q()));
    (void)consume(&a, 10);
    (void)consume(&b, 10);
    for (int i = 0; i < 4000 && expected < 6000; i++) {
        fixture_turn(&f);
        for (; (size_t)expected < a.got_count; expected++) {
            ck_assert_int_eq(body_number(a.got[expected].body), expected);
        }
        client_ack_all(&a);
    }
    ck_assert_int_eq(expected, 6000);
    ck_assert_uint_eq(b.got_count, 0);
}
END_TEST

START_TEST(paging_stops_for_an_owner_that_takes_nothing)
{
    struct message_facts facts = { .priority = 4, .persistent = true };

    (void)consume(&a, 1);
    for (int i = 0; i < 60000; i++) {
        send_headed(&f, DESTINATION_QUEUE, "q", "x", "JMSXGroupID:g\n", &facts);
    }
    for (int i = 0; i < 100; i++) {
        fixture_turn(&f);
    }
    ck_assert_uint_ge(queue_q()->main.parked_count, 20000);
    ck_assert_uint_le(queue_q()->main.parked_count, 22000);
    ck_assert(queue_is_paged(queue_q()));
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("queue_groups");
    TCase *t = tcase_create("groups");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, group_sticks_to_its_consumer);
    tcase_add_test(t, every_name_of_the_group_header_counts);
    tcase_add_test(t, messages_of_a_busy_owner_wait_and_others_go_ahead);
    tcase_add_test(t, refused_message_stands_before_what_is_kept_of_its_group);
    tcase_add_test(t, order_of_a_group_holds_when_its_owner_leaves);
    tcase_add_test(t, negative_sequence_closes_the_group_behind_itself);
    tcase_add_test(t, first_sequence_deals_the_group_anew);
    tcase_add_test(t, new_group_goes_to_the_one_with_the_fewest);
    tcase_add_test(
        t, closing_message_that_was_kept_closes_the_group_when_it_leaves);
    tcase_add_test(t, exclusive_newcomer_gets_what_was_kept_for_the_owner);
    tcase_add_test(t, rebalancing_deals_what_was_kept_anew_and_in_order);
    tcase_add_test(t, without_rebalancing_a_newcomer_gets_new_groups_only);
    tcase_add_test(t,
                   cached_map_forgets_the_group_that_was_not_used_for_longest);
    tcase_add_test(t,
                   what_is_kept_of_a_forgotten_group_goes_before_what_follows);
    tcase_add_test(t, what_expires_while_it_is_kept_is_not_handed_out);
    tcase_add_test(t,
                   one_that_comes_back_does_not_pass_an_older_one_that_waits);
    tcase_add_test(t,
                   what_expires_while_it_is_kept_waits_for_a_store_that_works);
    tcase_add_test(t, first_sequence_does_not_pass_what_is_kept);
    tcase_add_test(t, bucket_map_gives_all_groups_of_a_bucket_to_one);
    suite_add_tcase(s, t);
    t = tcase_create("groups and selectors");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, new_group_goes_to_one_whose_selector_takes_it);
    tcase_add_test(t, owner_is_not_given_what_its_selector_refuses);
    tcase_add_test(t, message_that_no_selector_takes_waits_with_its_group);
    suite_add_tcase(s, t);
    t = tcase_create("many");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 20);
    tcase_add_test(t, many_messages_of_a_busy_owner_take_no_time_each);
    tcase_add_test(t, paged_messages_of_a_group_keep_their_order);
    tcase_add_test(t, paging_stops_for_an_owner_that_takes_nothing);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return testutil_run(suite());
}
