/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a topic keeps of its past, who gets it, and what a restart leaves.
 * Source: activemq.md 4.
 */
#include "base/alloc.h"
#include "policy/selector.h"
#include "server/log.h"
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static struct policy *
keeps(const struct recovery_policy *recovery, size_t count)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_TOPIC, "t");

    policy->recovery = recovery;
    policy->recovery_parameters.count = count;
    policy->recovery_parameters.wrapped = &recovery_none;
    return policy;
}

static struct subscription *
subscribe_retroactive(struct fake_client *client)
{
    struct subscribe_options options = options_of(ACK_CLIENT, 0);

    options.retroactive = true;
    return subscribe(client, DESTINATION_TOPIC, "t", &options);
}

static const char *
past(struct fake_client *client)
{
    (void)subscribe_retroactive(client);
    fixture_turn(&f);
    return client_news(client);
}

static enum core_send
send_text(const char *headers, const char *body, bool persistent)
{
    struct message_facts facts = { .priority = 4,
                                   .persistent = persistent,
                                   .timestamp_ms = f.now_ms };
    struct send_options options = { .wait = true, .sender = &b.client };

    return send_made(&f, DESTINATION_TOPIC, "t",
                     message_make_with(&f, headers, body, &facts), &options);
}

static void
send_lasting(int first, int last)
{
    for (int i = first; i <= last; i++) {
        char body[] = { (char)('0' + i), '\0' };

        ck_assert_int_eq(send_text("", body, true), CORE_SENT);
    }
}

/* The clients' connections end with the process. */
static void
restart(void)
{
    client_close(&a);
    client_close(&b);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
}

START_TEST(each_policy_recovers_what_it_is_for)
{
    struct policy *policy;
    size_t bytes;

    switch (_i) {
    case 0:
        (void)keeps(&recovery_last_image, 0);
        send_lasting(0, 5);
        ck_assert_str_eq(past(&a), "5");
        return;
    case 1:
        (void)keeps(&recovery_fixed_count, 3);
        send_lasting(0, 5);
        ck_assert_str_eq(past(&a), "3 4 5");
        return;
    case 2:
        policy = keeps(&recovery_fixed_sized, 0);
        bytes = sizeof(struct message) + sizeof("destination:/queue/x\n\n0");
        policy->recovery_parameters.bytes = 2 * bytes + 1;
        send_lasting(0, 5);
        ck_assert_str_eq(past(&a), "4 5");
        return;
    default:
        policy = keeps(&recovery_query_based, 2);
        policy->recovery_parameters.query = xstrdup("color = 'red'");
        (void)send_text("color:red\n", "0", false);
        (void)send_text("color:red\n", "1", false);
        (void)send_text("color:blue\n", "2", false);
        (void)send_text("color:red\n", "3", false);
        (void)send_text("", "4", false);
        ck_assert_str_eq(past(&a), "1 3");
    }
}
END_TEST

START_TEST(a_query_does_not_stand_between_sender_and_subscribers)
{
    keeps(&recovery_query_based, 2)->recovery_parameters.query =
        xstrdup("color = 'red'");
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 0);
    (void)send_text("color:blue\n", "0", false);
    ck_assert_str_eq(client_news(&a), "0");
}
END_TEST

START_TEST(retained_message_comes_first_until_an_empty_one_clears_it)
{
    struct policy *policy = keeps(&recovery_retained, 2);

    policy->recovery_parameters.wrapped = &recovery_fixed_count;
    (void)send_text("ActiveMQ.Retain:true\n", "0", false);
    send_lasting(1, 3);
    ck_assert_str_eq(past(&a), "0! 2 3");
    (void)send_text("ActiveMQ.Retain:true\n", "4", false);
    client_news(&a);
    ck_assert_str_eq(past(&b), "4! 3");
    (void)send_text("ActiveMQ.Retain:true\n", "", false);
    client_close(&b);
    client_open(&f, &b);
    ck_assert_str_eq(past(&b), "4 ");
}
END_TEST

START_TEST(recovered_messages_are_marked_on_request)
{
    keeps(&recovery_last_image, 0)->mark_recovered = true;
    send_lasting(0, 1);
    ck_assert_str_eq(past(&a), "1*");
    send_lasting(2, 2);
    ck_assert_str_eq(client_news(&a), "2");
}
END_TEST

START_TEST(expired_messages_are_left_out)
{
    struct message_facts facts = { .expires_ms = f.now_ms + 10 };

    (void)keeps(&recovery_fixed_count, 3);
    (void)send_message(&f, DESTINATION_TOPIC, "t", "0", &facts, NULL);
    send_lasting(1, 1);
    fixture_sleep_ms(&f, 11);
    ck_assert_str_eq(past(&a), "1");
}
END_TEST

START_TEST(no_local_holds_for_the_past_too)
{
    struct subscribe_options options = options_of(ACK_CLIENT, 0);

    (void)keeps(&recovery_fixed_count, 3);
    send_lasting(0, 0); /* of b */
    send_topic(&f, "t", 1, 1);
    options.retroactive = true;
    options.no_local = true;
    (void)subscribe(&a, DESTINATION_TOPIC, "t", &options);
    (void)subscribe(&b, DESTINATION_TOPIC, "t", &options);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
    ck_assert_str_eq(client_news(&b), "1");
}
END_TEST

START_TEST(another_connection_at_the_same_place_is_not_local)
{
    struct subscribe_options options = options_of(ACK_CLIENT, 0);

    (void)keeps(&recovery_last_image, 0);
    send_lasting(0, 0); /* of b */
    client_close(&b);
    client_open(&f, &b);
    options.retroactive = true;
    options.no_local = true;
    (void)subscribe(&b, DESTINATION_TOPIC, "t", &options);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0");
}
END_TEST

START_TEST(selectors_hold_for_the_past_too)
{
    struct subscribe_options options = options_of(ACK_CLIENT, 0);

    (void)keeps(&recovery_fixed_count, 3);
    (void)send_text("color:red\n", "0", false);
    (void)send_text("color:blue\n", "1", false);
    options.retroactive = true;
    ck_assert_int_eq(
        selector_parse(SPAN("color = 'blue'"), &options.selector, NULL), 0);
    (void)subscribe(&a, DESTINATION_TOPIC, "t", &options);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1");
}
END_TEST

/* --- the store ------------------------------------------------------------ */

START_TEST(persistent_past_survives_a_restart)
{
    (void)keeps(&recovery_fixed_count, 3);
    send_lasting(0, 3);
    (void)send_text("", "n", false);
    restart();
    fixture_turn(&f);
    ck_assert_str_eq(past(&a), "2 3");
}
END_TEST

START_TEST(the_store_holds_what_the_policy_keeps_and_no_more)
{
    (void)keeps(&recovery_fixed_count, 3);
    send_lasting(0, 9);
    (void)send_text("", "n", false);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 2);
    for (int i = 0; i < 3; i++) {
        (void)send_text("", "n", false);
    }
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(a_topic_that_keeps_nothing_stores_nothing)
{
    size_t count;

    send_lasting(0, 3);
    (void)fake_store_ops(f.store, &count);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(f.ticket, 0);
}
END_TEST

START_TEST(messages_that_the_policy_passes_over_are_not_stored)
{
    size_t count;

    (void)keeps(&recovery_retained, 0);
    send_lasting(0, 3);
    (void)fake_store_ops(f.store, &count);
    ck_assert_uint_eq(count, 0);
    (void)send_text("ActiveMQ.Retain:true\n", "r", true);
    (void)fake_store_ops(f.store, &count);
    ck_assert_uint_eq(count, 1);
    restart();
    fixture_turn(&f);
    ck_assert_str_eq(past(&a), "r!");
}
END_TEST

START_TEST(a_receipt_waits_for_the_disk_where_the_past_is_kept)
{
    (void)keeps(&recovery_last_image, 0);
    (void)send_text("", "0", false);
    ck_assert_uint_eq(f.ticket, 0);
    (void)send_text("", "1", true);
    ck_assert_uint_ne(f.ticket, 0);
}
END_TEST

START_TEST(a_persistent_message_is_refused_while_the_store_fails)
{
    (void)keeps(&recovery_last_image, 0);
    send_lasting(0, 0);
    fixture_turn(&f);
    fake_store_set_failure(f.store, "disk gone");
    ck_assert_int_eq(send_text("", "1", true), CORE_STORE_FAILED);
    ck_assert_int_eq(send_text("", "2", false), CORE_SENT);
    fake_store_set_failure(f.store, NULL);
    ck_assert_str_eq(past(&a), "2");
}
END_TEST

START_TEST(nothing_overtakes_a_past_that_is_still_read)
{
    (void)keeps(&recovery_fixed_count, 3);
    send_lasting(0, 2);
    fixture_turn(&f);
    fake_store_hold_fetches(f.store, true);
    restart();
    fixture_turn(&f);
    ck_assert_str_eq(past(&a), "");
    send_lasting(3, 4);
    ck_assert_str_eq(past(&b), "");
    send_lasting(5, 6);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
    fake_store_hold_fetches(f.store, false);
    fixture_turn(&f);
    /* As if the past had been there all the time. */
    ck_assert_str_eq(client_news(&a), "0 1 2 3 4 5 6");
    ck_assert_str_eq(client_news(&b), "2 3 4 5 6");
    send_lasting(7, 7);
    ck_assert_str_eq(client_news(&a), "7");
    restart();
    fixture_turn(&f);
    ck_assert_str_eq(past(&a), "5 6 7");
}
END_TEST

START_TEST(who_does_not_ask_for_the_past_does_not_wait_for_it)
{
    (void)keeps(&recovery_fixed_count, 3);
    send_lasting(0, 2);
    fixture_turn(&f);
    fake_store_hold_fetches(f.store, true);
    restart();
    (void)subscribe_topic(&a, "t", ACK_CLIENT, 0);
    send_lasting(3, 3);
    ck_assert_str_eq(client_news(&a), "3");
    fake_store_hold_fetches(f.store, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
}
END_TEST

START_TEST(a_subscriber_may_leave_while_the_past_is_read)
{
    struct subscription *sub;

    (void)keeps(&recovery_fixed_count, 3);
    send_lasting(0, 2);
    fixture_turn(&f);
    fake_store_hold_fetches(f.store, true);
    restart();
    sub = subscribe_retroactive(&a);
    send_lasting(3, 3);
    core_unsubscribe(sub);
    fake_store_hold_fetches(f.store, false);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
    ck_assert_str_eq(past(&b), "1 2 3");
}
END_TEST

START_TEST(a_second_restart_in_the_middle_of_reading_loses_nothing)
{
    (void)keeps(&recovery_fixed_count, 4);
    send_lasting(0, 2);
    fixture_turn(&f);
    fake_store_hold_fetches(f.store, true);
    restart();
    send_lasting(3, 3);
    restart();
    fake_store_hold_fetches(f.store, false);
    fixture_turn(&f);
    ck_assert_str_eq(past(&a), "0 1 2 3");
}
END_TEST

START_TEST(a_failed_read_is_tried_again)
{
    (void)keeps(&recovery_fixed_count, 4);
    send_lasting(0, 2);
    fixture_turn(&f);
    fake_store_fail_fetches(f.store, true);
    restart();
    fixture_turn(&f);
    ck_assert_str_eq(past(&a), "");
    fake_store_fail_fetches(f.store, false);
    core_sweep(f.core);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1 2");
}
END_TEST

/* What the log says of a turn, a sweep and a turn. */
static void
log_of_a_sweep(char *text, size_t size)
{
    int ends[2];
    ssize_t len;

    ck_assert_int_eq(pipe(ends), 0);
    log_set_output(ends[1]);
    fixture_turn(&f);
    core_sweep(f.core);
    fixture_turn(&f);
    log_set_output(STDERR_FILENO);
    (void)close(ends[1]);
    len = read(ends[0], text, size - 1);
    (void)close(ends[0]);
    ck_assert_int_ge((int)len, 0);
    text[len] = '\0';
}

START_TEST(a_read_that_fails_is_told_once_and_so_is_its_end)
{
    static const char said[] =
        "error topic: past cannot be read destination=t reason=\"";
    char text[1024];

    (void)keeps(&recovery_fixed_count, 4);
    send_lasting(0, 2);
    fixture_turn(&f);
    fake_store_fail_fetches(f.store, true);
    restart();
    log_of_a_sweep(text, sizeof(text));
    ck_assert_int_eq(strncmp(text, said, strlen(said)), 0);
    ck_assert_ptr_nonnull(
        strstr(text, "; who asked for the past waits for it, all others get "
                     "what is sent\"\n"));
    ck_assert_ptr_null(strstr(text + 1, said));
    log_of_a_sweep(text, sizeof(text));
    ck_assert_str_eq(text, "");
    fake_store_fail_fetches(f.store, false);
    log_of_a_sweep(text, sizeof(text));
    ck_assert_str_eq(text, "info topic: past can be read again "
                           "destination=t\n");
}
END_TEST

START_TEST(a_damaged_one_gives_its_room_back)
{
    struct core_usage usage;

    (void)keeps(&recovery_fixed_count, 4);
    send_lasting(0, 2);
    fixture_turn(&f);
    fake_store_damage(f.store, "1", _i == 0);
    restart();
    ck_assert_str_eq(past(&a), "0 2");
    core_usage_get(f.core, &usage);
    ck_assert_uint_eq(usage.store.used, fake_store_bytes(f.store, true));
    ck_assert_uint_gt(usage.store.used, 0);
}
END_TEST

START_TEST(more_than_a_page_is_read_back_in_order)
{
    char last[24];

    (void)keeps(&recovery_fixed_count, 5000);
    for (int i = 0; i < 6000; i++) {
        char body[24];

        (void)snprintf(body, sizeof(body), "%d", i);
        (void)send_text("", body, true);
        fixture_turn(&f);
    }
    restart();
    fixture_turn(&f);
    fixture_turn(&f);
    (void)subscribe_retroactive(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, 5000);
    for (size_t i = 0; i < a.got_count; i++) {
        (void)snprintf(last, sizeof(last), "%zu", i + 1000);
        ck_assert_str_eq(a.got[i].body, last);
    }
}
END_TEST

START_TEST(a_past_that_memory_has_no_room_for_loses_its_oldest_part)
{
    struct core_usage usage;
    int first;

    (void)keeps(&recovery_fixed_count, 1000);
    send_lasting(0, 59);
    fixture_turn(&f);
    core_usage_get(f.core, &usage);
    f.options.memory_bytes = usage.memory.used / 2;
    restart();
    fixture_turn(&f);
    core_usage_get(f.core, &usage);
    ck_assert_uint_le(usage.memory.used, usage.memory.limit / 10 * 9);
    ck_assert_uint_ge(usage.memory.used, usage.memory.limit / 10 * 7);
    ck_assert(!core_is_full(f.core));
    fixture_check_usage(&f);
    (void)past(&a);
    first = a.got[0].body[0] - '0'; /* as send_lasting numbers them */
    ck_assert_int_gt(first, 30);
    ck_assert_int_lt(first, 42);
    ck_assert_int_eq(a.got[a.got_count - 1].body[0] - '0', 59);
    ck_assert_uint_eq(a.got_count, (size_t)(60 - first));
}
END_TEST

START_TEST(time_goes_on_for_a_timed_past_while_the_broker_is_down)
{
    struct policy *policy = keeps(&recovery_timed, 0);

    policy->recovery_parameters.duration_us = 1000000;
    send_lasting(0, 0);
    fixture_sleep_ms(&f, 600);
    send_lasting(1, 1);
    fixture_turn(&f);
    fixture_sleep_ms(&f, 600);
    restart();
    fixture_turn(&f);
    core_sweep(f.core);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 1);
    ck_assert_str_eq(past(&a), "1");
}
END_TEST

START_TEST(a_stored_past_ends_when_the_policy_keeps_less)
{
    struct policy *policy = keeps(&recovery_fixed_count, 9);

    send_lasting(0, 4);
    fixture_turn(&f);
    core_close(f.core); /* client_open of new ones: below */
    core_free(&f.core);
    policy->recovery = _i == 0 ? &recovery_last_image : &recovery_none;
    f.core = core_new(&f.options, f.policies, f.store);
    core_time_set(f.core, f.now_us, f.now_ms);
    client_open(&f, &a);
    client_open(&f, &b);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), _i == 0 ? 1 : 0);
    ck_assert_str_eq(past(&a), _i == 0 ? "4" : "");
}
END_TEST

/* Sweeps as the broker does, once a second, for a while. */
static void
sweep_seconds(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        fixture_sleep_ms(&f, 1000);
        core_sweep(f.core);
        fixture_turn(&f);
    }
}

START_TEST(an_idle_topic_goes_once_its_past_is_over)
{
    struct policy *policy = keeps(&recovery_timed, 0);
    struct core_stats stats;

    policy->recovery_parameters.duration_us = 60000000;
    policy->gc_inactive_destinations = true;
    policy->inactive_timeout_us = 5000000;
    send_lasting(0, 0);
    fixture_turn(&f);
    sweep_seconds(30);
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.topics, 1);
    ck_assert_uint_eq(fake_store_count(f.store), 1);
    sweep_seconds(60);
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.topics, 0);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
    send_lasting(1, 1); /* a journal of the same name begins anew */
    restart();
    fixture_turn(&f);
    ck_assert_str_eq(past(&a), "1");
}
END_TEST

START_TEST(delivery_mode_of_the_policy_decides_what_is_stored)
{
    keeps(&recovery_fixed_count, 9)->delivery_mode =
        _i == 0 ? POLICY_DELIVERY_PERSISTENT : POLICY_DELIVERY_NON_PERSISTENT;
    (void)send_text("", "0", _i != 0);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), _i == 0 ? 1 : 0);
}
END_TEST

START_TEST(a_memory_store_keeps_the_past_in_memory_alone)
{
    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
    fixture_init(&f, &store_memory);
    client_open(&f, &a);
    client_open(&f, &b);
    (void)keeps(&recovery_last_image, 0);
    send_lasting(0, 1);
    ck_assert_uint_eq(f.ticket, 0);
    ck_assert_str_eq(past(&a), "1");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core/topic_past");
    TCase *recovery = tcase_create("recovery");
    TCase *stored = tcase_create("stored");

    tcase_add_checked_fixture(recovery, setup, teardown);
    tcase_add_loop_test(recovery, each_policy_recovers_what_it_is_for, 0, 4);
    tcase_add_test(recovery,
                   a_query_does_not_stand_between_sender_and_subscribers);
    tcase_add_test(recovery,
                   retained_message_comes_first_until_an_empty_one_clears_it);
    tcase_add_test(recovery, recovered_messages_are_marked_on_request);
    tcase_add_test(recovery, expired_messages_are_left_out);
    tcase_add_test(recovery, no_local_holds_for_the_past_too);
    tcase_add_test(recovery, another_connection_at_the_same_place_is_not_local);
    tcase_add_test(recovery, selectors_hold_for_the_past_too);
    suite_add_tcase(suite, recovery);
    tcase_add_checked_fixture(stored, setup, teardown);
    tcase_add_test(stored, persistent_past_survives_a_restart);
    tcase_add_test(stored, the_store_holds_what_the_policy_keeps_and_no_more);
    tcase_add_test(stored, a_topic_that_keeps_nothing_stores_nothing);
    tcase_add_test(stored, messages_that_the_policy_passes_over_are_not_stored);
    tcase_add_test(stored, a_receipt_waits_for_the_disk_where_the_past_is_kept);
    tcase_add_test(stored,
                   a_persistent_message_is_refused_while_the_store_fails);
    tcase_add_test(stored, nothing_overtakes_a_past_that_is_still_read);
    tcase_add_test(stored, who_does_not_ask_for_the_past_does_not_wait_for_it);
    tcase_add_test(stored, a_subscriber_may_leave_while_the_past_is_read);
    tcase_add_test(stored,
                   a_second_restart_in_the_middle_of_reading_loses_nothing);
    tcase_add_test(stored, a_failed_read_is_tried_again);
    tcase_add_loop_test(stored, a_damaged_one_gives_its_room_back, 0, 2);
    tcase_add_test(stored, a_read_that_fails_is_told_once_and_so_is_its_end);
    tcase_add_test(stored, more_than_a_page_is_read_back_in_order);
    tcase_add_test(stored,
                   a_past_that_memory_has_no_room_for_loses_its_oldest_part);
    tcase_add_test(stored,
                   time_goes_on_for_a_timed_past_while_the_broker_is_down);
    tcase_add_loop_test(stored, a_stored_past_ends_when_the_policy_keeps_less,
                        0, 2);
    tcase_add_loop_test(
        stored, delivery_mode_of_the_policy_decides_what_is_stored, 0, 2);
    tcase_add_test(stored, an_idle_topic_goes_once_its_past_is_over);
    tcase_add_test(stored, a_memory_store_keeps_the_past_in_memory_alone);
    suite_add_tcase(suite, stored);
    return testutil_run(suite);
}
