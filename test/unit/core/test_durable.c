/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable topic subscriptions in the core: what is kept, how often, how long.
 * Source: activemq.md 11.4.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include <stdio.h>
#include <string.h>

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

/* A durable subscription `name` of the client-id "c". */
static struct subscription *
subscribe_durable(struct fake_client *client, const char *topic,
                  const char *name, uint32_t prefetch)
{
    struct subscription_target target = { .kind = DESTINATION_TOPIC,
                                          .name = span_of_text(topic),
                                          .wildcard =
                                              strchr(topic, '>') != NULL };
    struct durable_claim claim = {
        .client_id = SPAN("c"),
        .name = span_of_text(name),
        .targets = &target,
        .target_count = 1,
    };
    struct subscribe_options options =
        options_of(ACK_CLIENT_INDIVIDUAL, prefetch);
    struct error err = ERROR_INIT;

    options.targets = &target;
    options.target_count = 1;
    ck_assert_int_eq(core_durable_claim(f.core, &client->client, &claim,
                                        &options.durable, &err),
                     DURABLE_CLAIMED);
    return core_subscribe(f.core, &client->client, &options, NULL);
}

static void
leave(struct fake_client *client)
{
    client_close(client);
    client_open(&f, client);
}

static enum core_send
publish(const char *body, bool persistent)
{
    struct message_facts facts = { .persistent = persistent, .priority = 4 };
    struct send_options options = { .sender = &c.client, .wait = true };

    return send_message(&f, DESTINATION_TOPIC, "t", body, &facts, &options);
}

static void
publish_many(int first, int last)
{
    for (int i = first; i <= last; i++) {
        char body[16];

        (void)snprintf(body, sizeof(body), "%d", i);
        ck_assert_int_eq(publish(body, true), CORE_SENT);
    }
}

struct counted {
    const char *name;
    uint64_t waiting;
    size_t count;
};

static void
on_durable(void *ctx, const struct core_durable_view *view)
{
    struct counted *counted = ctx;

    counted->count++;
    if (span_equal(view->name, span_of_text(counted->name))) {
        counted->waiting = view->waiting;
    }
}

static struct counted
count_durables(const char *name)
{
    struct counted counted = { .name = name, .waiting = UINT64_MAX };

    core_each_durable(f.core, on_durable, &counted);
    return counted;
}

START_TEST(a_body_is_stored_once_however_many_are_to_get_it)
{
    (void)subscribe_durable(&a, "t", "one", 10);
    (void)subscribe_durable(&a, "t", "two", 10);
    (void)subscribe_durable(&b, "t", "three", 10);
    leave(&a);
    leave(&b);
    publish_many(1, 5);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 5);
    ck_assert_uint_eq(count_durables("one").waiting, 5);
    (void)subscribe_durable(&a, "t", "one", 10);
    (void)subscribe_durable(&b, "t", "two", 10);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 2 3 4 5");
    ck_assert_str_eq(client_news(&b), "1 2 3 4 5");
    client_ack_all(&a);
    client_ack_all(&b);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 5); /* three wants it yet */
    (void)subscribe_durable(&b, "t", "three", 10);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "1 2 3 4 5");
    client_ack_all(&b);
    fixture_turn(&f);
    fixture_sleep_ms(&f, 1000);
    core_sweep(f.core);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(put_and_early_acknowledgement_are_of_one_batch)
{
    const struct fake_store_op *ops;
    size_t count;

    (void)subscribe_durable(&a, "t", "s", 10);
    fixture_turn(&f);
    publish_many(1, 3);
    while (core_turn(f.core)) {
    }
    ck_assert_str_eq(client_news(&a), "1 2 3");
    client_ack_all(&a);
    fixture_turn(&f);
    ops = fake_store_ops(f.store, &count);
    ck_assert_uint_eq(count, 6);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(ops[i].is_put, i < 3);
        ck_assert_uint_eq(ops[i].batch, ops[0].batch); /* cancels there */
    }
}
END_TEST

START_TEST(acknowledged_out_of_order_only_the_others_come_after_a_restart)
{
    (void)subscribe_durable(&a, "t", "s", 10);
    publish_many(1, 5);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 2 3 4 5");
    client_ack(&a, "2");
    client_ack(&a, "4");
    fixture_turn(&f);
    client_close(&a);
    client_close(&b);
    client_close(&c);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
    client_open(&f, &c);
    ck_assert_uint_eq(count_durables("s").count, 1);
    (void)subscribe_durable(&a, "t", "s", 10);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1r 3r 5r");
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(non_persistent_ones_wait_too_but_not_for_the_next_start)
{
    (void)subscribe_durable(&a, "t", "s", 10);
    leave(&a);
    ck_assert_int_eq(publish("1", false), CORE_SENT);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
    ck_assert_int_eq(publish("2", true), CORE_SENT);
    ck_assert_int_eq(publish("3", false), CORE_SENT); /* behind 2: order */
    fixture_turn(&f);
    (void)subscribe_durable(&a, "t", "s", 10);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 2 3");
}
END_TEST

START_TEST(past_of_a_topic_comes_whole_persistent_or_not)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_TOPIC, "t");
    struct subscription_target target = { .kind = DESTINATION_TOPIC,
                                          .name = SPAN("t") };
    struct durable_claim claim = {
        .client_id = SPAN("c"),
        .name = SPAN("s"),
        .targets = &target,
        .target_count = 1,
        .retroactive = true,
    };
    struct durable *durable;

    policy->recovery = &recovery_fixed_count;
    policy->recovery_parameters.count = 3;
    ck_assert_int_eq(publish("1", true), CORE_SENT);
    ck_assert_int_eq(publish("2", false), CORE_SENT);
    ck_assert_int_eq(publish("3", true), CORE_SENT);
    ck_assert_int_eq(
        core_durable_claim(f.core, &a.client, &claim, &durable, NULL),
        DURABLE_CLAIMED);
    (void)subscribe_durable(&a, "t", "s", 10);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 2 3");
}
END_TEST

/* What is not persistent and finds no room in memory is in the topic's journal:
 * the ceiling is the topic's, however many subscriptions it is for. */
START_TEST(temp_limit_of_the_topic_holds_what_would_be_spilled)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_TOPIC, "t");
    struct destination *topic;
    struct core_lack lack = { .room = CORE_ROOM_ENOUGH };
    int count = 0;

    policy->memory_limit.bytes = 3000;
    policy->temp_limit.bytes = 200;
    (void)subscribe_durable(&a, "t", "one", 1);
    (void)subscribe_durable(&b, "t", "two", 1);
    ck_assert_int_eq(core_destination(f.core, &c.client, DESTINATION_TOPIC,
                                      SPAN("t"), true, &topic),
                     CORE_FOUND);
    while (core_admit(f.core, topic, &c.client, false, &lack) ==
           CORE_ADMITTED) {
        ck_assert_int_lt(count++, 1000);
        ck_assert_int_eq(publish("x", false), CORE_SENT);
        fixture_turn(&f);
    }
    ck_assert_int_eq(lack.room, CORE_ROOM_DEST_TEMP);
    ck_assert_uint_ge(topic->usage.spilled.used, 200);
    ck_assert_uint_lt(topic->usage.spilled.used, 300);
    ck_assert_int_eq(core_admit(f.core, topic, &c.client, true, &lack),
                     CORE_ADMITTED);
    for (int i = 0; i < count; i++) {
        client_ack_all(&a);
        client_ack_all(&b);
        fixture_turn(&f);
    }
    ck_assert_uint_eq(topic->usage.spilled.used, 0);
    ck_assert_int_eq(core_admit(f.core, topic, &c.client, false, &lack),
                     CORE_ADMITTED);
}
END_TEST

START_TEST(backlog_of_one_that_nobody_uses_takes_no_memory)
{
    struct core_stats before;
    struct core_stats after;

    (void)subscribe_durable(&a, "t", "s", 10);
    leave(&a);
    fixture_turn(&f);
    core_stats_get(f.core, &before);
    publish_many(1, 1000);
    fixture_turn(&f);
    core_stats_get(f.core, &after);
    ck_assert_uint_eq(after.memory_bytes, before.memory_bytes);
    ck_assert_uint_eq(count_durables("s").waiting, 1000);
}
END_TEST

START_TEST(damaged_one_gives_its_room_back_however_many_read_it)
{
    struct core_usage usage;

    (void)subscribe_durable(&a, "t", "one", 10);
    (void)subscribe_durable(&b, "t", "two", 10);
    leave(&a);
    leave(&b);
    publish_many(1, 5);
    fixture_turn(&f);
    client_close(&a);
    client_close(&b);
    client_close(&c);
    fake_store_damage(f.store, "3", true);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
    client_open(&f, &c);
    (void)subscribe_durable(&a, "t", "one", 10);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 2 4 5");
    fixture_check_usage(&f);
    (void)subscribe_durable(&b, "t", "two", 10);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "1 2 4 5");
    fixture_check_usage(&f);
    client_ack_all(&a);
    client_ack_all(&b);
    fixture_turn(&f);
    core_usage_get(f.core, &usage);
    ck_assert_uint_eq(usage.store.used, 0);
}
END_TEST

START_TEST(removed_one_lets_the_journal_go)
{
    (void)subscribe_durable(&a, "t", "s", 2);
    publish_many(1, 5);
    fixture_turn(&f);
    ck_assert_int_eq(core_durable_remove(f.core, SPAN("c"), SPAN("s")),
                     DURABLE_IS_IN_USE);
    leave(&a);
    ck_assert_int_eq(core_durable_remove(f.core, SPAN("c"), SPAN("x")),
                     DURABLE_UNKNOWN);
    ck_assert_int_eq(core_durable_remove(f.core, SPAN("c"), SPAN("s")),
                     DURABLE_REMOVED);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
    ck_assert_uint_eq(count_durables("s").count, 0);
    client_close(&a);
    client_close(&b);
    client_close(&c);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
    client_open(&f, &c);
    ck_assert_uint_eq(count_durables("s").count, 0);
}
END_TEST

START_TEST(one_that_matches_nothing_does_not_hold_the_journal)
{
    struct subscription_target target = { .kind = DESTINATION_TOPIC,
                                          .name = SPAN("t") };
    struct durable_claim claim = {
        .client_id = SPAN("c"),
        .name = SPAN("none"),
        .targets = &target,
        .target_count = 1,
        .selector = SPAN("never = 1"),
    };
    struct durable *durable;

    ck_assert_int_eq(
        core_durable_claim(f.core, &a.client, &claim, &durable, NULL),
        DURABLE_CLAIMED);
    (void)subscribe_durable(&a, "t", "all", 10);
    publish_many(1, 8);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 2 3 4 5 6 7 8");
    client_ack_all(&a);
    fixture_turn(&f);
    core_sweep(f.core);
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(persistent_send_is_refused_while_the_store_has_failed)
{
    (void)subscribe_durable(&a, "t", "s", 10);
    leave(&a);
    publish_many(1, 1);
    fixture_turn(&f);
    fake_store_set_failure(f.store, "disk on fire");
    ck_assert_int_eq(publish("2", true), CORE_STORE_FAILED);
    ck_assert_int_eq(publish("3", false), CORE_STORE_FAILED); /* behind 1 */
    fake_store_set_failure(f.store, NULL);
    ck_assert_int_eq(publish("4", true), CORE_SENT);
    (void)subscribe_durable(&a, "t", "s", 10);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "1 4");
}
END_TEST

START_TEST(receipt_of_a_send_waits_for_the_disk)
{
    ck_assert_int_eq(publish("1", true), CORE_SENT);
    ck_assert_uint_eq(f.ticket, 0); /* nobody keeps it */
    (void)subscribe_durable(&a, "t", "s", 10);
    ck_assert_int_eq(publish("2", true), CORE_SENT);
    ck_assert_uint_ne(f.ticket, 0);
    fixture_turn(&f);
    client_ack_all(&a);
    ck_assert_uint_ne(core_ticket(f.core), 0); /* so does that of an ACK */
}
END_TEST

START_TEST(unused_for_too_long_it_is_removed)
{
    (void)subscribe_durable(&a, "t", "s", 10);
    leave(&a);
    f.options.durable_timeout_us = 60 * 1000000;
    client_close(&a);
    client_close(&b);
    client_close(&c);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
    client_open(&f, &c);
    fixture_sleep_ms(&f, 59000);
    core_sweep(f.core);
    ck_assert_uint_eq(count_durables("s").count, 1);
    fixture_sleep_ms(&f, 2000);
    core_sweep(f.core);
    ck_assert_uint_eq(count_durables("s").count, 0);
}
END_TEST

static Suite *
durable_suite(void)
{
    Suite *suite = suite_create("durable");
    TCase *tcase = tcase_create("durable");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_body_is_stored_once_however_many_are_to_get_it);
    tcase_add_test(tcase, put_and_early_acknowledgement_are_of_one_batch);
    tcase_add_test(
        tcase, acknowledged_out_of_order_only_the_others_come_after_a_restart);
    tcase_add_test(tcase,
                   non_persistent_ones_wait_too_but_not_for_the_next_start);
    tcase_add_test(tcase, past_of_a_topic_comes_whole_persistent_or_not);
    tcase_add_test(tcase, temp_limit_of_the_topic_holds_what_would_be_spilled);
    tcase_add_test(tcase, backlog_of_one_that_nobody_uses_takes_no_memory);
    tcase_add_test(tcase, damaged_one_gives_its_room_back_however_many_read_it);
    tcase_add_test(tcase, removed_one_lets_the_journal_go);
    tcase_add_test(tcase, one_that_matches_nothing_does_not_hold_the_journal);
    tcase_add_test(tcase,
                   persistent_send_is_refused_while_the_store_has_failed);
    tcase_add_test(tcase, receipt_of_a_send_waits_for_the_disk);
    tcase_add_test(tcase, unused_for_too_long_it_is_removed);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(durable_suite());
}
