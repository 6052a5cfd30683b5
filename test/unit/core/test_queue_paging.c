/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues on a store that keeps: what is written, paging out and in, recovery.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include "server/core/queue.h"

#include <stdio.h>
#include <stdlib.h>

static struct fixture f;
static struct fake_client a, b;

/* A message of these tests takes 24 bytes of queue.waiting_bytes and more. */
static void
setup(void)
{
    struct core_options options = core_options_default;

    options.queue_resident_bytes = 250;
    fixture_init_options(&f, &fake_store_engine, &options);
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

static struct queue *
queue_named(const char *name)
{
    struct destination *dest =
        destination_find(f.core, DESTINATION_QUEUE, span_of_text(name));

    ck_assert_ptr_nonnull(dest);
    return queue_of(dest);
}

/* How many messages of the queue live in the store alone. */
static uint64_t
paged_count(const char *name)
{
    return queue_named(name)->main.paged_count;
}

/* Whether the client got first … last, each once and in order. */
static void
assert_in_order(const struct fake_client *client, int first, int last)
{
    ck_assert_uint_eq(client->got_count, (size_t)(last - first + 1));
    for (int i = first; i <= last; i++) {
        char body[24];

        (void)snprintf(body, sizeof(body), "%d", i);
        ck_assert_str_eq(client->got[i - first].body, body);
    }
}

START_TEST(persistent_message_is_written_and_its_ack_removes_it)
{
    size_t count;

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_persistent(&f, "q", 0, 1);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 2);
    client_ack_all(&a);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
    (void)fake_store_ops(f.store, &count);
    ck_assert_uint_eq(count, 4);
}
END_TEST

START_TEST(non_persistent_message_is_not_written)
{
    send_queue(&f, "q", 0, 1);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(delivery_mode_of_the_policy_wins_over_the_header)
{
    fixture_policy(&f, DESTINATION_QUEUE, "always")->delivery_mode =
        POLICY_DELIVERY_PERSISTENT;
    fixture_policy(&f, DESTINATION_QUEUE, "never")->delivery_mode =
        POLICY_DELIVERY_NON_PERSISTENT;
    send_queue(&f, "always", 0, 0);
    ck_assert_uint_eq(fake_store_count(f.store), 1);
    send_persistent(&f, "never", 0, 0);
    ck_assert_uint_eq(fake_store_count(f.store), 1);
}
END_TEST

START_TEST(what_passes_the_window_leaves_memory)
{
    struct core_stats before;
    struct core_stats after;

    send_persistent(&f, "q", 0, 99);
    fixture_turn(&f);
    core_stats_get(f.core, &before);
    send_persistent(&f, "q", 100, 999);
    fixture_turn(&f);
    core_stats_get(f.core, &after);
    ck_assert_uint_eq(before.memory_bytes, after.memory_bytes);
    ck_assert_uint_gt(paged_count("q"), 900);
    ck_assert_uint_eq(queue_waiting_count(queue_named("q")), 1000);
}
END_TEST

START_TEST(paged_messages_come_back_in_order)
{
    send_persistent(&f, "q", 0, 4999);
    fixture_turn(&f);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 8000);
    for (int i = 0; i < 10; i++) {
        fixture_turn(&f);
    }
    assert_in_order(&a, 0, 4999);
    ck_assert_uint_eq(paged_count("q"), 0);
    client_ack_all(&a);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(order_holds_over_resident_paged_and_live_of_both_kinds)
{
    int sent = 0;

    for (; sent < 60; sent++) {
        if (sent % 3 == 0) {
            send_queue(&f, "q", sent, sent);
        } else {
            send_persistent(&f, "q", sent, sent);
        }
    }
    ck_assert_uint_gt(paged_count("q"), 0);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 8000);
    fake_store_hold_fetches(f.store, true);
    fixture_turn(&f);
    ck_assert_uint_lt(a.got_count, 60);
    send_queue(&f, "q", 60, 69); /* while the read is under way */
    fake_store_hold_fetches(f.store, false);
    fixture_turn(&f);
    send_queue(&f, "q", 70, 79);
    for (int i = 0; i < 4; i++) {
        fixture_turn(&f);
    }
    send_persistent(&f, "q", 80, 89); /* live again */
    fixture_turn(&f);
    assert_in_order(&a, 0, 89);
    client_ack_all(&a);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(returned_message_stands_before_what_was_paged)
{
    struct subscription *sub;

    send_persistent(&f, "q", 0, 49);
    sub = subscribe_queue(&a, "q", ACK_CLIENT_INDIVIDUAL, 30);
    fixture_turn(&f);
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, 30);
    core_unsubscribe(sub);
    client_close(&a);
    (void)subscribe_queue(&b, "q", ACK_CLIENT, 8000);
    fixture_turn(&f);
    fixture_turn(&f);
    assert_in_order(&b, 0, 49);
    client_open(&f, &a);
}
END_TEST

START_TEST(nobody_subscribed_nothing_is_read_back)
{
    struct store_stats stats;

    send_persistent(&f, "q", 0, 99);
    fixture_turn(&f);
    fixture_turn(&f);
    store_stats_get(f.store, &stats);
    ck_assert_uint_eq(stats.fetches, 0);
}
END_TEST

START_TEST(unreadable_page_is_asked_for_again_and_not_lost)
{
    send_persistent(&f, "q", 0, 99);
    fake_store_fail_fetches(f.store, true);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 8000);
    fixture_turn(&f);
    ck_assert_uint_lt(a.got_count, 100);
    fake_store_fail_fetches(f.store, false);
    fixture_sleep_ms(&f, 2000);
    core_sweep(f.core);
    fixture_turn(&f);
    fixture_turn(&f);
    assert_in_order(&a, 0, 99);
}
END_TEST

START_TEST(restart_brings_persistent_messages_back_in_order)
{
    send_persistent(&f, "q", 0, 4);
    send_queue(&f, "q", 5, 5);
    send_persistent(&f, "q", 6, 29);
    send_queue(&f, "q", 30, 30); /* spilled: behind what is paged */
    client_close(&a);
    client_close(&b);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
    send_persistent(&f, "q", 31, 31);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 8000);
    fixture_turn(&f);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a),
                     "0 1 2 3 4 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 "
                     "22 23 24 25 26 27 28 29 31");
    client_ack_all(&a);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(restart_keeps_sequence_numbers_growing)
{
    uint64_t next;

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 8000);
    send_persistent(&f, "q", 0, 4);
    fixture_turn(&f);
    client_ack_all(&a);
    next = queue_named("q")->next_seq;
    client_close(&a);
    client_close(&b);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
    ck_assert_uint_eq(queue_named("q")->next_seq, next);
    send_persistent(&f, "q", 5, 5);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "5");
}
END_TEST

START_TEST(full_memory_spills_messages_that_are_not_persistent)
{
    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
    f.options.memory_bytes = 1024 * 1024;
    fixture_init_options(&f, &fake_store_engine, &f.options);
    client_open(&f, &a);
    client_open(&f, &b);
    send_queue(&f, "q", 0, 7999);
    fixture_turn(&f);
    ck_assert_uint_gt(paged_count("q"), 0);
    ck_assert(!core_is_full(f.core));
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 8000);
    for (int i = 0; i < 10; i++) {
        fixture_turn(&f);
    }
    assert_in_order(&a, 0, 7999);
    client_ack_all(&a);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

static size_t
memory_used(void)
{
    struct core_stats stats;

    core_stats_get(f.core, &stats);
    return stats.memory_bytes;
}

/* None of them comes near the window of a queue. */
START_TEST(many_small_backlogs_take_no_more_memory_than_there_is)
{
    enum { QUEUES = 400, EACH = 50, PREFETCH = 20 };
    size_t got = 0;
    char name[24];

    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
    f.options.memory_bytes = 1024 * 1024;
    f.options.queue_resident_bytes = core_options_default.queue_resident_bytes;
    fixture_init_options(&f, &fake_store_engine, &f.options);
    client_open(&f, &a);
    client_open(&f, &b);
    for (int each = 0; each < EACH; each++) {
        for (int i = 0; i < QUEUES; i++) {
            (void)snprintf(name, sizeof(name), "w.%d", i);
            send_persistent(&f, name, each, each);
        }
        fixture_turn(&f);
        ck_assert_uint_le(memory_used(), f.options.memory_bytes / 2);
    }
    (void)subscribe_queue(&a, "w.>", ACK_CLIENT, PREFETCH);
    while (got < (size_t)QUEUES * EACH) {
        fixture_turn(&f);
        ck_assert_uint_le(memory_used(), f.options.memory_bytes * 7 / 8);
        ck_assert_uint_gt(a.got_count, 0);
        ck_assert_uint_le(a.got_count, PREFETCH);
        got += a.got_count;
        client_ack_all(&a);
        a.got_count = 0;
    }
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(failed_store_refuses_what_it_would_have_to_keep)
{
    struct message_facts facts = { .persistent = true };

    fake_store_set_failure(f.store, "disk full");
    ck_assert_int_eq(
        send_message(&f, DESTINATION_QUEUE, "q", "0", &facts, NULL),
        CORE_STORE_FAILED);
    send_queue(&f, "q", 1, 100); /* not persistent: goes on, in memory */
    ck_assert_str_eq(core_store_failure(f.core)->text, "disk full");
    fake_store_set_failure(f.store, NULL);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 8000);
    fixture_turn(&f);
    assert_in_order(&a, 1, 100);
}
END_TEST

START_TEST(failed_store_loses_no_dead_letter)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_persistent(&f, "q", 0, 0);
    fixture_turn(&f);
    fake_store_set_failure(f.store, "disk full");
    client_refuse(&a, "0");
    fixture_turn(&f);
    fake_store_set_failure(f.store, NULL);
    (void)subscribe_queue(&b, "ActiveMQ.DLQ", ACK_CLIENT, 0);
    fixture_turn(&f);
    if (b.got_count == 0) { /* or it stands in its queue again */
        ck_assert_str_eq(client_news(&a), "0 0r");
        client_refuse(&a, "0");
        fixture_turn(&f);
    }
    ck_assert_str_eq(client_news(&b), "0");
}
END_TEST

START_TEST(dead_letter_moves_in_one_batch)
{
    const struct fake_store_op *ops;
    size_t count;

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_persistent(&f, "q", 0, 0);
    fixture_turn(&f);
    client_refuse(&a, "0");
    fixture_turn(&f);
    ops = fake_store_ops(f.store, &count);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(ops[1].queue, "ActiveMQ.DLQ");
    ck_assert(ops[1].is_put);
    ck_assert_str_eq(ops[2].queue, "q");
    ck_assert(!ops[2].is_put);
    ck_assert_uint_eq(ops[1].batch, ops[2].batch);
    ck_assert_uint_gt(ops[1].batch, ops[0].batch);
}
END_TEST

START_TEST(sent_and_acked_in_one_turn_is_one_batch)
{
    const struct fake_store_op *ops;
    size_t count;

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_persistent(&f, "q", 0, 0);
    (void)core_turn(f.core);
    client_ack_all(&a);
    ops = fake_store_ops(f.store, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(ops[0].batch, ops[1].batch);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core/queue_paging");
    TCase *tcase = tcase_create("paging");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, persistent_message_is_written_and_its_ack_removes_it);
    tcase_add_test(tcase, non_persistent_message_is_not_written);
    tcase_add_test(tcase, delivery_mode_of_the_policy_wins_over_the_header);
    tcase_add_test(tcase, what_passes_the_window_leaves_memory);
    tcase_add_test(tcase, paged_messages_come_back_in_order);
    tcase_add_test(tcase,
                   order_holds_over_resident_paged_and_live_of_both_kinds);
    tcase_add_test(tcase, returned_message_stands_before_what_was_paged);
    tcase_add_test(tcase, nobody_subscribed_nothing_is_read_back);
    tcase_add_test(tcase, unreadable_page_is_asked_for_again_and_not_lost);
    tcase_add_test(tcase, restart_brings_persistent_messages_back_in_order);
    tcase_add_test(tcase, restart_keeps_sequence_numbers_growing);
    tcase_add_test(tcase, full_memory_spills_messages_that_are_not_persistent);
    tcase_add_test(tcase,
                   many_small_backlogs_take_no_more_memory_than_there_is);
    tcase_add_test(tcase, failed_store_refuses_what_it_would_have_to_keep);
    tcase_add_test(tcase, failed_store_loses_no_dead_letter);
    tcase_add_test(tcase, dead_letter_moves_in_one_batch);
    tcase_add_test(tcase, sent_and_acked_in_one_turn_is_one_batch);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
