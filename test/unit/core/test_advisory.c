/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advisory messages: which, when, gated by which flag of the policy, and what
 * they cost where nobody listens.  Source: activemq.md 8.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include <string.h>

#define PREFIX "ActiveMQ.Advisory."

static struct fixture f;
static struct fake_client a, w;

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
    client_open(&f, &a);
    client_open(&f, &w);
}

static void
teardown(void)
{
    client_close(&a);
    client_close(&w);
    fixture_fini(&f);
}

static void
listen_to(const char *topic)
{
    (void)subscribe_topic(&w, topic, ACK_AUTO, 0);
}

static size_t
topics(void)
{
    struct core_stats stats;

    core_stats_get(f.core, &stats);
    return stats.topics;
}

START_TEST(queue_consumers_are_told_with_their_number)
{
    struct subscription *sub;

    listen_to(PREFIX "Consumer.Queue.q");
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    sub = subscribe_queue(&a, "q", ACK_CLIENT, 0);
    ck_assert_uint_eq(w.got_count, 2);
    ck_assert(strstr(w.last_headers, "consumerCount:2\n") != NULL);
    ck_assert(strstr(w.last_body, "{\"ConsumerInfo\":{") == w.last_body);
    core_unsubscribe(sub);
    ck_assert(strstr(w.last_headers, "consumerCount:1\n") != NULL);
    ck_assert(strstr(w.last_body, "{\"RemoveInfo\":{") == w.last_body);
}
END_TEST

START_TEST(destinations_are_told_by_kind_but_not_advisory_topics)
{
    listen_to(PREFIX "Queue");
    listen_to(PREFIX "Topic");
    send_queue(&f, "q", 0, 0);
    ck_assert_uint_eq(w.got_count, 1);
    ck_assert(strstr(w.last_body, "queue://q") != NULL);
    send_topic(&f, "t", 0, 0);
    ck_assert_uint_eq(w.got_count, 2);
    ck_assert(strstr(w.last_body, "topic://t") != NULL);
    listen_to(PREFIX "Connection");
    ck_assert_uint_eq(w.got_count, 2);
}
END_TEST

START_TEST(connections_are_told_and_replayed)
{
    listen_to(PREFIX "Connection");
    core_client_connected(&a.client);
    ck_assert_uint_eq(w.got_count, 1);
    ck_assert(strstr(w.last_body, "127.0.0.1:9") != NULL);
    listen_to(PREFIX "Connection"); /* late: for this one alone */
    fixture_turn(&f);
    ck_assert_uint_eq(w.got_count, 2);
    client_close(&a);
    ck_assert_uint_eq(w.got_count, 4);
    ck_assert(strstr(w.last_body, "RemoveInfo") != NULL);
    client_open(&f, &a);
}
END_TEST

START_TEST(late_subscriber_is_told_what_is_there)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_queue(&f, "other", 0, 0);
    listen_to(PREFIX "Queue");
    listen_to(PREFIX "Consumer.Queue.q");
    listen_to(PREFIX "Consumer.Queue.none");
    fixture_turn(&f);
    ck_assert_uint_eq(w.got_count, 3);
}
END_TEST

/* A temporary queue counts as a queue in these topics, at once and later. */
START_TEST(late_subscriber_is_told_of_consumers_of_a_temporary_queue)
{
    struct subscribe_options options = options_of(ACK_AUTO, 0);
    struct destination *dest;

    ck_assert_int_eq(core_destination(f.core, &a.client, DESTINATION_TEMP_QUEUE,
                                      SPAN("a.t"), true, &dest),
                     CORE_FOUND);
    (void)subscribe(&a, DESTINATION_TEMP_QUEUE, "a.t", &options);
    listen_to(PREFIX "Consumer.Queue.a.t");
    fixture_turn(&f);
    ck_assert_uint_eq(w.got_count, 1);
    ck_assert(strstr(w.last_body, "temp-queue://a.t") != NULL);
}
END_TEST

/* STOMP 1.0 has names that are no UTF-8; JSON has not. */
START_TEST(body_is_json_whatever_a_name_has)
{
    listen_to(PREFIX "Queue");
    send_queue(&f, "a\xFF\"\x01", 0, 0);
    ck_assert(strstr(w.last_body, "queue://a?\\\"\\u0001") != NULL);
}
END_TEST

START_TEST(pattern_of_advisories_is_not_replayed)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    listen_to(PREFIX ">");
    fixture_turn(&f);
    ck_assert_uint_eq(w.got_count, 0);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    ck_assert_uint_eq(w.got_count, 1);
}
END_TEST

/* What a message of queue q goes through, and which flag tells of it. */
struct gate {
    const char *topic;
    size_t flag; /* in struct policy_advisories */
};

static const struct gate gates[] = {
    { "MessageDelivered.Queue.q",
      offsetof(struct policy_advisories, delivery) },
    { "MessageDispatched.Queue.q",
      offsetof(struct policy_advisories, dispatched) },
    { "MessageConsumed.Queue.q", offsetof(struct policy_advisories, consumed) },
    { "NoConsumer.Queue.q", offsetof(struct policy_advisories, no_consumers) },
};

static void
send_take_and_ack(void)
{
    send_queue(&f, "q", 0, 0);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    client_ack_all(&a);
}

static void
listen_to_gate(int gate)
{
    char topic[128] = PREFIX;

    strncat(topic, gates[gate].topic, sizeof(topic) - strlen(topic) - 1);
    listen_to(topic);
}

START_TEST(step_of_a_message_is_told_when_its_flag_is_set)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    *(bool *)((char *)&policy->advisories + gates[_i].flag) = true;
    listen_to_gate(_i);
    send_take_and_ack();
    ck_assert_uint_eq(w.got_count, 1);
    ck_assert(strstr(w.last_headers, "orignalDestination:queue\\c//q\n") !=
              NULL);
    ck_assert(strstr(w.last_body, "\"text\"") == NULL);
}
END_TEST

START_TEST(step_of_a_message_is_not_told_without_its_flag)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    memset(&policy->advisories, 1, sizeof(policy->advisories));
    *(bool *)((char *)&policy->advisories + gates[_i].flag) = false;
    listen_to_gate(_i);
    send_take_and_ack();
    ck_assert_uint_eq(w.got_count, 0);
}
END_TEST

START_TEST(body_is_told_when_the_policy_includes_it)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->advisories.delivery = true;
    policy->advisories.include_body = true;
    listen_to(PREFIX "MessageDelivered.Queue.q");
    send_queue(&f, "q", 7, 7);
    ck_assert(strstr(w.last_body, "\"text\":\"7\"") != NULL);
}
END_TEST

START_TEST(dead_letters_and_expiry_are_always_told)
{
    struct message_facts facts = { .priority = 4,
                                   .persistent = true,
                                   .timestamp_ms = f.now_ms,
                                   .expires_ms = f.now_ms + 10 };

    listen_to(PREFIX "Expired.Queue.q");
    listen_to(PREFIX "MessageDLQd.Queue.q");
    send_headed(&f, DESTINATION_QUEUE, "q", "x", "", &facts);
    fixture_sleep_ms(&f, 100);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    ck_assert_uint_eq(w.got_count, 2);
}
END_TEST

START_TEST(no_topic_is_made_when_nobody_listens)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    memset(&policy->advisories, 1, sizeof(policy->advisories));
    send_take_and_ack();
    ck_assert_uint_eq(topics(), 0);
    listen_to(PREFIX "Queue"); /* another one */
    send_queue(&f, "q", 1, 1);
    ck_assert_uint_eq(topics(), 1);
}
END_TEST

START_TEST(who_subscribes_to_everything_hears_none)
{
    listen_to(">");
    listen_to(PREFIX "Queue");
    send_queue(&f, "q", 0, 0);
    ck_assert_uint_eq(w.got_count, 1);
    send_topic(&f, "ActiveMQ.mine", 0, 0);
    ck_assert_uint_eq(w.got_count, 2);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("advisory");
    TCase *t = tcase_create("advisory");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, queue_consumers_are_told_with_their_number);
    tcase_add_test(t, destinations_are_told_by_kind_but_not_advisory_topics);
    tcase_add_test(t, connections_are_told_and_replayed);
    tcase_add_test(t, late_subscriber_is_told_what_is_there);
    tcase_add_test(t,
                   late_subscriber_is_told_of_consumers_of_a_temporary_queue);
    tcase_add_test(t, body_is_json_whatever_a_name_has);
    tcase_add_test(t, pattern_of_advisories_is_not_replayed);
    tcase_add_loop_test(t, step_of_a_message_is_told_when_its_flag_is_set, 0,
                        4);
    tcase_add_loop_test(t, step_of_a_message_is_not_told_without_its_flag, 0,
                        4);
    tcase_add_test(t, body_is_told_when_the_policy_includes_it);
    tcase_add_test(t, dead_letters_and_expiry_are_always_told);
    tcase_add_test(t, no_topic_is_made_when_nobody_listens);
    tcase_add_test(t, who_subscribes_to_everything_hears_none);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return testutil_run(suite());
}
