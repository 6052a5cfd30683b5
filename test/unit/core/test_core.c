/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The façade: dead letters, temporary destinations, advisories, flow control,
 * what a RECEIPT waits for.  Source: activemq.md 6, 8; design.md 6 and 8.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include <string.h>

static struct fixture f;
static struct fake_client a, b;

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
    client_open(&f, &a);
    client_open(&f, &b);
}

static void
teardown(void)
{
    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
}

/* --- dead letters --------------------------------------------------------- */

static void
subscribe_dead_letters(void)
{
    (void)subscribe_queue(&b, "ActiveMQ.DLQ", ACK_CLIENT, 0);
}

START_TEST(nacked_message_dies_after_its_last_redelivery)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->redelivery.maximum = 2;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    subscribe_dead_letters();
    send_queue(&f, "q", 0, 0);
    for (int i = 0; i < 3; i++) {
        fixture_turn(&f);
        client_nack(&a, "0");
    }
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 0r 0r");
    ck_assert_str_eq(client_news(&b), "0");
}
END_TEST

START_TEST(unlimited_redeliveries_never_give_up)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->redelivery.maximum = -1;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_queue(&f, "q", 0, 0);
    for (int i = 0; i < 100; i++) {
        fixture_turn(&f);
        client_nack(&a, "0");
    }
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, 101);
}
END_TEST

START_TEST(refused_message_dies_at_once)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    subscribe_dead_letters();
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    client_refuse(&a, "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "0");
    ck_assert(b.got[0].delivery->msg->persistent);
}
END_TEST

START_TEST(dead_letter_queue_loses_nothing_that_is_nacked)
{
    subscribe_dead_letters();
    send_persistent(&f, "ActiveMQ.DLQ", 0, 1);
    fixture_turn(&f);
    for (int i = 0; i < 10; i++) {
        client_nack(&b, "0");
        client_refuse(&b, "1");
        fixture_turn(&f);
    }
    ck_assert_uint_eq(b.got_count, 22);
    ck_assert_uint_eq(fake_store_count(f.store), 2);
}
END_TEST

START_TEST(individual_strategy_names_the_queue)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");

    policy->dead_letter = &dead_letter_individual;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    (void)subscribe_queue(&b, "ActiveMQ.DLQ.Queue.q", ACK_CLIENT, 0);
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    client_refuse(&a, "0");
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0");
}
END_TEST

START_TEST(discarding_strategy_drops)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");
    struct core_stats stats;

    policy->dead_letter = &dead_letter_discarding;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_persistent(&f, "q", 0, 0);
    fixture_turn(&f);
    client_refuse(&a, "0");
    fixture_turn(&f);
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.queues, 1);
    ck_assert_uint_eq(stats.memory_bytes, 0);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(expired_message_dies_by_the_rules_of_the_policy)
{
    struct message_facts facts = { .expires_ms = f.now_ms + 10 };

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    subscribe_dead_letters();
    (void)send_message(&f, DESTINATION_QUEUE, "q", "light", &facts, NULL);
    facts.persistent = true;
    (void)send_message(&f, DESTINATION_QUEUE, "q", "kept", &facts, NULL);
    fixture_sleep_ms(&f, 11);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
    ck_assert_str_eq(client_news(&b), "kept");
    ck_assert_int_eq(b.got[0].delivery->msg->expires_ms, 0);
}
END_TEST

static bool
message_has(const struct message *msg, const char *line)
{
    return memmem(msg->headers.data, msg->headers.len, line, strlen(line)) !=
           NULL;
}

START_TEST(dead_letter_says_where_it_was_and_why)
{
    struct nack_options options = { .dead_letter = true,
                                    .reason = SPAN("bad: x") };
    const struct message *msg;

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    subscribe_dead_letters();
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    core_nack(f.core, client_delivery(&a, "0"), &options);
    fixture_turn(&f);
    msg = b.got[0].delivery->msg;
    ck_assert(message_has(msg, "original-destination:/queue/q\n"));
    ck_assert(message_has(msg, "dlqDeliveryFailureCause:bad\\c x\n"));
}
END_TEST

/* --- temporary destinations ----------------------------------------------- */

START_TEST(temporary_destination_ends_with_its_client)
{
    struct destination *dest;
    uint64_t epoch = core_destinations_epoch(f.core);

    ck_assert_int_eq(core_destination(f.core, &a.client, DESTINATION_TEMP_QUEUE,
                                      SPAN("a.x"), true, &dest),
                     CORE_FOUND);
    (void)subscribe(&a, DESTINATION_TEMP_TOPIC, "a.y",
                    &(struct subscribe_options){ .prefetch = 1 });
    ck_assert_int_eq(core_destination(f.core, &b.client, DESTINATION_TEMP_QUEUE,
                                      SPAN("a.x"), false, &dest),
                     CORE_FOUND);
    client_close(&a);
    ck_assert_uint_ne(core_destinations_epoch(f.core), epoch);
    ck_assert_int_eq(core_destination(f.core, &b.client, DESTINATION_TEMP_QUEUE,
                                      SPAN("a.x"), false, &dest),
                     CORE_NOT_FOUND);
    ck_assert_int_eq(core_destination(f.core, &b.client, DESTINATION_TEMP_TOPIC,
                                      SPAN("a.y"), false, &dest),
                     CORE_NOT_FOUND);
    client_open(&f, &a);
}
END_TEST

START_TEST(temporary_queue_is_not_stored)
{
    struct message_facts facts = { .persistent = true };
    struct send_options send = { .sender = &a.client };

    (void)send_message(&f, DESTINATION_TEMP_QUEUE, "a.x", "0", &facts, &send);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

/* --- as time goes by --------------------------------------------------------
 */

static void
sweep_after_ms(int64_t ms)
{
    fixture_sleep_ms(&f, ms);
    core_sweep(f.core);
    fixture_turn(&f);
}

static size_t
queue_count(void)
{
    struct core_stats stats;

    core_stats_get(f.core, &stats);
    return stats.queues;
}

START_TEST(idle_queue_goes_with_its_journal)
{
    struct message_facts facts = { .persistent = true };

    (void)send_message(&f, DESTINATION_QUEUE, "q", "0", &facts, NULL);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    sweep_after_ms(1000);
    sweep_after_ms(120000);
    ck_assert_uint_eq(queue_count(), 1); /* somebody is there */
    client_ack(&a, "0");
    client_close(&a);
    client_open(&f, &a);
    sweep_after_ms(1000);
    sweep_after_ms(58000);
    ck_assert_uint_eq(queue_count(), 1); /* not for long enough */
    sweep_after_ms(1000);
    ck_assert_uint_eq(queue_count(), 0);
    fixture_restart(&f);
    ck_assert_uint_eq(queue_count(), 0);
}
END_TEST

START_TEST(queue_with_messages_does_not_go)
{
    send_queue(&f, "q", 0, 0);
    sweep_after_ms(1000);
    sweep_after_ms(600000);
    ck_assert_uint_eq(queue_count(), 1);
}
END_TEST

START_TEST(expired_messages_leave_a_queue_that_nobody_reads)
{
    struct message_facts facts = { .persistent = true,
                                   .expires_ms = f.now_ms + 500 };
    struct core_stats stats;

    (void)send_message(&f, DESTINATION_QUEUE, "q", "0", &facts, NULL);
    sweep_after_ms(31000);
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.expired, 1);
    ck_assert_uint_eq(stats.dead_lettered, 1);
}
END_TEST

START_TEST(policy_says_how_many_destinations_there_may_be)
{
    struct destination *dest;

    fixture_policy(&f, DESTINATION_QUEUE, "few.>")->max_destinations = 2;
    ck_assert_int_eq(core_destination(f.core, &a.client, DESTINATION_QUEUE,
                                      SPAN("few.1"), true, &dest),
                     CORE_FOUND);
    ck_assert_int_eq(core_destination(f.core, &a.client, DESTINATION_QUEUE,
                                      SPAN("few.2"), true, &dest),
                     CORE_FOUND);
    ck_assert_int_eq(core_destination(f.core, &a.client, DESTINATION_QUEUE,
                                      SPAN("few.3"), true, &dest),
                     CORE_TOO_MANY);
    ck_assert_int_eq(core_destination(f.core, &a.client, DESTINATION_QUEUE,
                                      SPAN("few.2"), true, &dest),
                     CORE_FOUND);
}
END_TEST

START_TEST(destination_at_its_memory_limit_admits_no_more)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "small");
    struct destination *dest;
    struct core_lack lack;

    policy->memory_limit.bytes = 2000;
    (void)subscribe_queue(&a, "small", ACK_CLIENT, 0);
    (void)core_destination(f.core, &b.client, DESTINATION_QUEUE, SPAN("small"),
                           true, &dest);
    while (core_admit(f.core, dest, &b.client, false, &lack) == CORE_ADMITTED) {
        send_queue(&f, "small", 0, 0);
        fixture_turn(&f); /* what is in flight cannot leave memory */
    }
    ck_assert_int_eq(core_admit(f.core, dest, &b.client, false, &lack),
                     CORE_WAIT);
    ck_assert_int_eq(lack.room, CORE_ROOM_DEST_MEMORY);
    ck_assert_ptr_eq(lack.dest, dest);
    core_client_block(&b.client, &lack);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 0);
    policy->send_fail_if_no_space = POLICY_ON;
    ck_assert_int_eq(core_admit(f.core, dest, &b.client, false, &lack),
                     CORE_REFUSED);
    policy->producer_flow_control = false;
    ck_assert_int_eq(core_admit(f.core, dest, &b.client, false, &lack),
                     CORE_ADMITTED);
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 1);
}
END_TEST

/* --- advisories ----------------------------------------------------------- */

START_TEST(consumption_is_told_to_who_listens)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->advisories.consumed = true;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    (void)subscribe_topic(&b, "ActiveMQ.Advisory.MessageConsumed.>", ACK_AUTO,
                          0);
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    client_ack(&a, "0");
    fixture_turn(&f);
    ck_assert_uint_eq(b.got_count, 1);
}
END_TEST

START_TEST(consumption_that_nobody_listens_to_leaves_no_topic)
{
    struct core_stats stats;

    fixture_policy(&f, DESTINATION_QUEUE, "q")->advisories.consumed = true;
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    (void)subscribe_topic(&b, "other.>", ACK_AUTO, 0);
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    client_ack(&a, "0");
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.topics, 0);
}
END_TEST

/* --- flow control --------------------------------------------------------- */

START_TEST(blocked_client_resumes_when_memory_is_back)
{
    struct core_lack lack = { .room = CORE_ROOM_MEMORY };

    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
    f.options.memory_bytes = 4096;
    fixture_init_options(&f, &store_memory, &f.options);
    client_open(&f, &a);
    client_open(&f, &b);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    for (int i = 0; !core_is_full(f.core); i++) {
        send_queue(&f, "q", i, i);
    }
    core_client_block(&b.client, &lack);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 0);
    client_ack(&a, "0");
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 0); /* not at the first free byte */
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 1);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 1);
}
END_TEST

START_TEST(congested_store_blocks_until_it_has_room)
{
    struct core_lack lack = { .room = CORE_ROOM_WRITES };

    fake_store_set_congested(f.store, true);
    ck_assert(core_is_full(f.core));
    core_client_block(&a.client, &lack);
    core_client_block(&b.client, &lack);
    client_close(&b); /* while blocked */
    fixture_turn(&f);
    ck_assert_uint_eq(a.resumed, 0);
    fake_store_set_congested(f.store, false);
    fixture_turn(&f);
    ck_assert_uint_eq(a.resumed, 1);
    ck_assert_uint_eq(b.resumed, 0);
    client_open(&f, &b);
}
END_TEST

/* --- what a RECEIPT waits for -----------------------------------------------
 */

struct async_case {
    enum policy_switch listener, broker, policy, connection;
    bool waits;
};
static const struct async_case async_cases[] = {
    { POLICY_UNSET, POLICY_UNSET, POLICY_UNSET, POLICY_UNSET, true },
    { POLICY_ON, POLICY_UNSET, POLICY_UNSET, POLICY_UNSET, false },
    { POLICY_OFF, POLICY_UNSET, POLICY_UNSET, POLICY_UNSET, true },
    { POLICY_ON, POLICY_OFF, POLICY_UNSET, POLICY_UNSET, true },
    { POLICY_OFF, POLICY_ON, POLICY_UNSET, POLICY_UNSET, false },
    { POLICY_ON, POLICY_ON, POLICY_OFF, POLICY_UNSET, true },
    { POLICY_OFF, POLICY_OFF, POLICY_ON, POLICY_UNSET, false },
    { POLICY_ON, POLICY_ON, POLICY_ON, POLICY_OFF, true },
    { POLICY_OFF, POLICY_OFF, POLICY_OFF, POLICY_ON, false },
};

START_TEST(narrower_level_of_use_async_send_wins)
{
    const struct async_case *row = &async_cases[_i];
    struct message_facts facts = { .persistent = true };
    struct send_options send = {
        .wait = true,
        .use_async_send = row->connection,
        .listener_async_send = row->listener,
    };

    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
    f.options.use_async_send_set = row->broker != POLICY_UNSET;
    f.options.use_async_send = row->broker == POLICY_ON;
    fixture_init_options(&f, &fake_store_engine, &f.options);
    client_open(&f, &a);
    client_open(&f, &b);
    fixture_policy(&f, DESTINATION_QUEUE, "q")->use_async_send = row->policy;
    (void)send_message(&f, DESTINATION_QUEUE, "q", "0", &facts, &send);
    ck_assert_int_eq(f.ticket != 0, row->waits);
    send.wait = false;
    (void)send_message(&f, DESTINATION_QUEUE, "q", "1", &facts, &send);
    ck_assert_uint_eq(f.ticket, 0);
    send.wait = true;
    facts.persistent = false;
    (void)send_message(&f, DESTINATION_QUEUE, "q", "2", &facts, &send);
    ck_assert_uint_eq(f.ticket, 0);
}
END_TEST

START_TEST(awaiting_client_hears_of_every_batch)
{
    struct message_facts facts = { .persistent = true };
    struct send_options send = { .wait = true };

    fake_store_hold(f.store, true);
    core_client_await(&a.client, true);
    (void)send_message(&f, DESTINATION_QUEUE, "q", "0", &facts, &send);
    ck_assert_uint_ne(f.ticket, 0);
    fixture_turn(&f);
    ck_assert_uint_eq(a.stored, 0);
    ck_assert(fake_store_end(f.store, NULL));
    fixture_turn(&f);
    ck_assert_uint_eq(a.stored, 1);
    ck_assert_uint_eq(a.stored_ticket, f.ticket);
    ck_assert_int_eq(a.stored_result, STORE_ON_DISK);
    ck_assert_uint_eq(b.stored, 0);
    (void)send_message(&f, DESTINATION_QUEUE, "q", "1", &facts, &send);
    fixture_turn(&f);
    ck_assert(fake_store_end(f.store, "disk full"));
    fixture_turn(&f);
    ck_assert_int_eq(a.stored_result, STORE_FAILED);
    core_client_await(&a.client, false);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core/core");
    TCase *dead = tcase_create("dead_letters");
    TCase *rest = tcase_create("core");

    tcase_add_checked_fixture(dead, setup, teardown);
    tcase_add_test(dead, nacked_message_dies_after_its_last_redelivery);
    tcase_add_test(dead, unlimited_redeliveries_never_give_up);
    tcase_add_test(dead, refused_message_dies_at_once);
    tcase_add_test(dead, dead_letter_queue_loses_nothing_that_is_nacked);
    tcase_add_test(dead, individual_strategy_names_the_queue);
    tcase_add_test(dead, discarding_strategy_drops);
    tcase_add_test(dead, expired_message_dies_by_the_rules_of_the_policy);
    tcase_add_test(dead, dead_letter_says_where_it_was_and_why);
    suite_add_tcase(suite, dead);
    tcase_add_checked_fixture(rest, setup, teardown);
    tcase_add_test(rest, temporary_destination_ends_with_its_client);
    tcase_add_test(rest, temporary_queue_is_not_stored);
    tcase_add_test(rest, consumption_is_told_to_who_listens);
    tcase_add_test(rest, idle_queue_goes_with_its_journal);
    tcase_add_test(rest, queue_with_messages_does_not_go);
    tcase_add_test(rest, expired_messages_leave_a_queue_that_nobody_reads);
    tcase_add_test(rest, policy_says_how_many_destinations_there_may_be);
    tcase_add_test(rest, destination_at_its_memory_limit_admits_no_more);
    tcase_add_test(rest, consumption_that_nobody_listens_to_leaves_no_topic);
    tcase_add_test(rest, blocked_client_resumes_when_memory_is_back);
    tcase_add_test(rest, congested_store_blocks_until_it_has_room);
    tcase_add_loop_test(rest, narrower_level_of_use_async_send_wins, 0,
                        sizeof(async_cases) / sizeof(async_cases[0]));
    tcase_add_test(rest, awaiting_client_hears_of_every_batch);
    suite_add_tcase(suite, rest);
    return testutil_run(suite);
}
