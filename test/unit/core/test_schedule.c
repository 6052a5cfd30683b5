/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduled messages with a clock that the test moves: when they come, what
 * they look like then, what the store has, and what becomes of trouble.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include "server/core/queue.h"

#include <stdio.h>
#include <stdlib.h>

static struct fixture f;
static struct fake_client a;

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
    client_open(&f, &a);
}

static void
teardown(void)
{
    client_close(&a);
    fixture_fini(&f);
}

static uint64_t
scheduled(void)
{
    struct core_stats stats;

    core_stats_get(f.core, &stats);
    return stats.scheduled;
}

static enum core_send
send_ttl(enum destination_kind kind, const char *name, const char *headers,
         const char *body, int64_t ttl_ms)
{
    struct message_facts facts = {
        .persistent = true,
        .scheduled = true,
        .priority = 7,
        .timestamp_ms = core_now_ms(f.core),
        .expires_ms = ttl_ms > 0 ? core_now_ms(f.core) + ttl_ms : 0,
    };

    return send_made(&f, kind, name,
                     message_make_with(&f, headers, body, &facts), NULL);
}

static void
send_later(const char *headers, const char *body)
{
    ck_assert_int_eq(send_ttl(DESTINATION_QUEUE, "q", headers, body, 0),
                     CORE_SENT);
}

static void
consume(void)
{
    (void)subscribe_queue(&a, "q", ACK_AUTO, 0);
    fixture_turn(&f);
}

/* Moves the clock and lets everything settle. */
static const char *
after_ms(int64_t ms)
{
    fixture_sleep_ms(&f, ms);
    for (int i = 0; i < 3; i++) {
        fixture_turn(&f); /* each reads once or twice */
    }
    client_flush(&a);
    return client_news(&a);
}

static void
restart(void)
{
    client_close(&a);
    fixture_restart(&f);
    client_open(&f, &a);
    fixture_turn(&f);
}

/* A tick of the timer wheel, and what reading takes. */
enum { LATE_MS = 10 };

/* The same with nothing resident: every message is read when it is due. */
static void
setup_paged(void)
{
    struct core_options options = core_options_default;

    options.queue_resident_bytes = 0;
    fixture_init_options(&f, &fake_store_engine, &options);
    client_open(&f, &a);
}

START_TEST(delayed_message_comes_when_it_is_due_and_not_before)
{
    consume();
    send_later("AMQ_SCHEDULED_DELAY:1000\n", "x");
    ck_assert_uint_eq(scheduled(), 1);
    ck_assert_uint_eq(fake_store_count(f.store), 1);
    ck_assert_str_eq(after_ms(999), "");
    ck_assert_str_eq(after_ms(LATE_MS), "x");
    ck_assert_uint_eq(scheduled(), 0);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
    ck_assert_str_eq(after_ms(100000), "");
}
END_TEST

START_TEST(order_is_that_of_the_times)
{
    static const int delays[] = { 500, 100, 900, 300, 100, 700, 0 };
    char headers[64];
    char body[24];

    consume();
    for (int i = 0; i < 7; i++) {
        (void)snprintf(headers, sizeof(headers), "x-delay:%d\n", delays[i]);
        (void)snprintf(body, sizeof(body), "%d", i);
        send_later(headers, body);
    }
    ck_assert_uint_eq(scheduled(), 7);
    ck_assert_str_eq(after_ms(LATE_MS), "6");
    ck_assert_str_eq(after_ms(100), "1 4");
    ck_assert_str_eq(after_ms(2000), "3 0 5 2");
}
END_TEST

START_TEST(many_that_are_due_at_once_come_in_their_order)
{
    enum { MANY = 3000 };
    char body[24];

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(body, sizeof(body), "%d", i);
        send_later("delay:100\n", body);
    }
    ck_assert_uint_eq(scheduled(), MANY);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, MANY);
    for (int i = 0; i < 100 && scheduled() > 0; i++) {
        (void)after_ms(110);
    }
    ck_assert_uint_eq(a.got_count, MANY);
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(body_number(a.got[i].body), i);
    }
    client_ack_all(&a);
}
END_TEST

START_TEST(its_own_lines_are_gone_and_the_others_are_as_sent)
{
    consume();
    send_later("k:v\nAMQ_SCHEDULED_DELAY:10\n"
               "AMQ_SCHEDULED_PERIOD:10\nAMQ_SCHEDULED_REPEAT:0\nlast:1\n",
               "x");
    ck_assert_str_eq(after_ms(10 + LATE_MS), "x");
    ck_assert_str_eq(a.last_headers, "destination:/queue/x\nk:v\nlast:1\n");
}
END_TEST

START_TEST(repeats_are_as_many_as_asked_for)
{
    consume();
    send_later("AMQ_SCHEDULED_DELAY:50\nAMQ_SCHEDULED_PERIOD:1000\n"
               "AMQ_SCHEDULED_REPEAT:2\n",
               "x");
    ck_assert_str_eq(after_ms(50 + LATE_MS), "x");
    ck_assert_str_eq(after_ms(900), "");
    ck_assert_str_eq(after_ms(100), "x");
    ck_assert_str_eq(after_ms(1000), "x");
    ck_assert_uint_eq(scheduled(), 0);
    ck_assert_str_eq(after_ms(10000), "");
}
END_TEST

START_TEST(without_a_delay_the_period_goes_before_the_first)
{
    consume();
    send_later("AMQ_SCHEDULED_PERIOD:1000\nAMQ_SCHEDULED_REPEAT:1\n", "x");
    ck_assert_str_eq(after_ms(999), "");
    ck_assert_str_eq(after_ms(LATE_MS), "x");
    ck_assert_str_eq(after_ms(1000), "x");
    ck_assert_uint_eq(scheduled(), 0);
}
END_TEST

START_TEST(cron_entry_comes_at_each_of_its_times)
{
    int64_t to_minute = 60000 - core_now_ms(f.core) % 60000;

    consume();
    send_later("AMQ_SCHEDULED_CRON:* * * * *\n", "x");
    ck_assert_str_eq(after_ms(to_minute - 1), "");
    ck_assert_str_eq(after_ms(LATE_MS), "x");
    ck_assert_str_eq(after_ms(60000), "x");
    /* Times that were missed come once. */
    ck_assert_str_eq(after_ms(600000), "x");
    ck_assert_uint_eq(scheduled(), 1);
}
END_TEST

START_TEST(each_time_of_a_cron_entry_begins_a_series)
{
    int64_t to_minute = 60000 - core_now_ms(f.core) % 60000;

    consume();
    send_later("AMQ_SCHEDULED_CRON:* * * * *\nAMQ_SCHEDULED_DELAY:1000\n"
               "AMQ_SCHEDULED_PERIOD:2000\nAMQ_SCHEDULED_REPEAT:1\n",
               "x");
    ck_assert_str_eq(after_ms(to_minute + LATE_MS), "");
    ck_assert_uint_eq(scheduled(), 2); /* the series, and the next time */
    ck_assert_str_eq(after_ms(1000 + LATE_MS), "x");
    ck_assert_str_eq(after_ms(2000 + LATE_MS), "x");
    ck_assert_uint_eq(scheduled(), 1);
    ck_assert_str_eq(after_ms(50000), "");
}
END_TEST

START_TEST(restart_loses_and_doubles_nothing)
{
    send_later("delay:1000\n", "0");
    send_later("delay:500000\n", "1");
    send_later("AMQ_SCHEDULED_PERIOD:2000\nAMQ_SCHEDULED_REPEAT:1\n", "2");
    restart();
    ck_assert_uint_eq(scheduled(), 3);
    consume();
    ck_assert_str_eq(after_ms(1000 + LATE_MS), "0");
    ck_assert_str_eq(after_ms(1000), "2");
    restart();
    ck_assert_uint_eq(scheduled(), 2);
    consume();
    ck_assert_str_eq(after_ms(2000), "2");
    restart();
    consume();
    ck_assert_uint_eq(scheduled(), 1);
    ck_assert_str_eq(after_ms(500000), "1");
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

static void
assert_usage(void)
{
    struct core_usage usage;

    core_usage_get(f.core, &usage);
    ck_assert_uint_eq(usage.store.used, fake_store_bytes(f.store, true));
}

START_TEST(damaged_one_gives_its_room_back)
{
    send_later("delay:1000\n", "0");
    send_later("delay:500000\n", "1");
    fake_store_damage(f.store, "0", _i == 0);
    restart();
    assert_usage();
    consume();
    ck_assert_uint_eq(scheduled(), 1);
    ck_assert_str_eq(after_ms(2000), "");
    assert_usage();
    ck_assert_str_eq(after_ms(500000), "1");
    assert_usage();
}
END_TEST

START_TEST(one_that_is_damaged_when_it_is_due_gives_its_room_back)
{
    send_later("delay:1000\n", "0");
    send_later("delay:500000\n", "1");
    consume();
    fake_store_damage(f.store, "0", true);
    ck_assert_str_eq(after_ms(2000), "");
    ck_assert_uint_eq(scheduled(), 1);
    assert_usage();
}
END_TEST

START_TEST(what_comes_while_the_start_reads_is_not_read_twice)
{
    send_later("delay:1000\n", "0");
    client_close(&a);
    fixture_restart(&f);
    client_open(&f, &a);
    send_later("delay:1000\n", "1");
    consume();
    ck_assert_uint_eq(scheduled(), 2);
    ck_assert_str_eq(after_ms(2000), "0 1");
    ck_assert_uint_eq(scheduled(), 0);
}
END_TEST

START_TEST(moving_to_the_queue_is_one_batch)
{
    size_t before;
    size_t count;
    const struct fake_store_op *ops;

    send_later("delay:100\n", "x");
    fixture_turn(&f);
    (void)fake_store_ops(f.store, &before);
    (void)after_ms(100 + LATE_MS);
    ops = fake_store_ops(f.store, &count);
    ck_assert_uint_eq(fake_store_count(f.store), 1);
    ck_assert_uint_ge(count - before, 2);
    ck_assert(ops[before].is_put);
    ck_assert_str_eq(ops[before].queue, "q");
    ck_assert(!ops[before + 1].is_put);
    ck_assert_uint_eq(ops[before].batch, ops[before + 1].batch);
}
END_TEST

START_TEST(time_to_live_begins_when_it_is_sent)
{
    consume();
    ck_assert_int_eq(send_ttl(DESTINATION_QUEUE, "q",
                              "ttl:500\nexpires:1\ndelay:1000\n", "x", 500),
                     CORE_SENT);
    ck_assert_str_eq(after_ms(1000 + LATE_MS), "x");
    ck_assert_ptr_null(strstr(a.last_headers, "expires:1\n"));
    ck_assert_ptr_nonnull(strstr(a.last_headers, "\nexpires:"));
    /* A time of its own stays: it is over when the message is due. */
    ck_assert_int_eq(
        send_ttl(DESTINATION_QUEUE, "q", "expires:1\ndelay:1000\n", "y", 500),
        CORE_SENT);
    ck_assert_str_eq(after_ms(2000), "");
    ck_assert_uint_eq(scheduled(), 0);
}
END_TEST

START_TEST(topic_gets_it_when_it_is_due)
{
    ck_assert_int_eq(send_ttl(DESTINATION_TOPIC, "t", "delay:1000\n", "x", 0),
                     CORE_SENT);
    fixture_turn(&f);
    (void)subscribe_topic(&a, "t", ACK_AUTO, 0);
    ck_assert_str_eq(after_ms(1000 + LATE_MS), "x");
}
END_TEST

START_TEST(name_with_every_odd_character_is_found_again)
{
    static const char name[] = "a:b\\c d/\xc3\xa9";

    ck_assert_int_eq(send_ttl(DESTINATION_QUEUE, name, "delay:1000\n", "x", 0),
                     CORE_SENT);
    (void)subscribe_queue(&a, name, ACK_AUTO, 0);
    ck_assert_str_eq(after_ms(1000 + LATE_MS), "x");
}
END_TEST

START_TEST(failed_store_refuses_and_nothing_is_lost_of_what_was_taken)
{
    consume();
    send_later("delay:100\n", "0");
    fixture_turn(&f);
    fake_store_set_failure(f.store, "the disk is full");
    ck_assert_int_eq(send_ttl(DESTINATION_QUEUE, "q", "delay:100\n", "1", 0),
                     CORE_STORE_FAILED);
    ck_assert_str_eq(after_ms(1000), "");
    ck_assert_uint_eq(scheduled(), 1);
    fake_store_set_failure(f.store, NULL);
    ck_assert_str_eq(after_ms(1000), "0");
}
END_TEST

START_TEST(page_that_cannot_be_read_is_asked_for_again)
{
    consume();
    send_later("delay:100\n", "0");
    fixture_turn(&f);
    client_close(&a);
    fake_store_fail_fetches(f.store, true);
    fixture_restart(&f);
    client_open(&f, &a);
    consume();
    ck_assert_str_eq(after_ms(1000), "");
    ck_assert_uint_eq(scheduled(), 1);
    fake_store_fail_fetches(f.store, false);
    ck_assert_str_eq(after_ms(2000), "0");
    ck_assert_uint_eq(scheduled(), 0);
}
END_TEST

START_TEST(full_memory_lets_it_wait)
{
    struct core_options options = core_options_default;
    struct message_facts facts = { .persistent = false };

    client_close(&a);
    fixture_fini(&f);
    options.memory_bytes = 4096;
    fixture_init_options(&f, &store_memory, &options);
    client_open(&f, &a);
    send_later("delay:100\n", "x");
    while (!core_is_full(f.core)) {
        ck_assert_int_eq(send_message(&f, DESTINATION_QUEUE, "full",
                                      "0123456789", &facts, NULL),
                         CORE_SENT);
    }
    consume();
    ck_assert_str_eq(after_ms(200), "");
    ck_assert_uint_eq(scheduled(), 1);
    (void)subscribe_queue(&a, "full", ACK_AUTO, 0);
    fixture_turn(&f);
    client_flush(&a);
    (void)client_news(&a);
    (void)after_ms(0);
    (void)after_ms(200);
    ck_assert_uint_eq(scheduled(), 0);
}
END_TEST

START_TEST(wall_clock_that_is_set_is_followed)
{
    consume();
    send_later("delay:3600000\n", "x");
    fixture_turn(&f);
    f.now_ms += 3600000; /* set an hour ahead; the other clock goes on */
    ck_assert_str_eq(after_ms(60000 + LATE_MS), "x");
}
END_TEST

static TCase *
add_tests(Suite *suite, const char *name, SFun before)
{
    TCase *tcase = tcase_create(name);

    tcase_add_checked_fixture(tcase, before, teardown);
    tcase_add_test(tcase, delayed_message_comes_when_it_is_due_and_not_before);
    tcase_add_test(tcase, order_is_that_of_the_times);
    tcase_add_test(tcase, many_that_are_due_at_once_come_in_their_order);
    tcase_add_test(tcase, its_own_lines_are_gone_and_the_others_are_as_sent);
    tcase_add_test(tcase, repeats_are_as_many_as_asked_for);
    tcase_add_test(tcase, without_a_delay_the_period_goes_before_the_first);
    tcase_add_test(tcase, cron_entry_comes_at_each_of_its_times);
    tcase_add_test(tcase, each_time_of_a_cron_entry_begins_a_series);
    tcase_add_test(tcase, restart_loses_and_doubles_nothing);
    tcase_add_loop_test(tcase, damaged_one_gives_its_room_back, 0, 2);
    tcase_add_test(tcase, what_comes_while_the_start_reads_is_not_read_twice);
    tcase_add_test(tcase, moving_to_the_queue_is_one_batch);
    tcase_add_test(tcase, time_to_live_begins_when_it_is_sent);
    tcase_add_test(tcase, topic_gets_it_when_it_is_due);
    tcase_add_test(tcase, name_with_every_odd_character_is_found_again);
    tcase_add_test(tcase,
                   failed_store_refuses_and_nothing_is_lost_of_what_was_taken);
    tcase_add_test(tcase, page_that_cannot_be_read_is_asked_for_again);
    tcase_add_test(tcase, full_memory_lets_it_wait);
    tcase_add_test(tcase, wall_clock_that_is_set_is_followed);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int
main(void)
{
    Suite *suite = suite_create("core/schedule");
    TCase *paged;

    (void)add_tests(suite, "resident", setup);
    paged = add_tests(suite, "paged", setup_paged);
    tcase_add_test(paged,
                   one_that_is_damaged_when_it_is_due_gives_its_room_back);
    return testutil_run(suite);
}
