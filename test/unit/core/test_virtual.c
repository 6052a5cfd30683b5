/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual destinations: which copies there are of a message, what they say, and
 * that they are made all or not at all.  Source: activemq.md 9.
 */
#include "base/alloc.h"
#include "protocol/headers.h"
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

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

static struct virtual_destination *
definition_new(const struct virtual_destination_type *type, const char *name)
{
    struct virtual_destination *definition = virtual_destination_new();

    definition->type = type;
    definition->name = xstrdup(name);
    virtual_destination_complete(definition);
    return definition;
}

static void
definition_target(struct virtual_destination *definition,
                  enum destination_kind kind, const char *name,
                  const char *selector)
{
    struct virtual_target target = { .kind = kind, .name = xstrdup(name) };
    struct error err = ERROR_INIT;

    if (selector != NULL) {
        target.selector = xstrdup(selector);
        ck_assert_int_eq(
            selector_parse(span_of_text(selector), &target.filter, &err), 0);
    }
    virtual_destination_add_target(definition, &target);
}

/* Puts it in force, as a reload does. */
static void
define(struct virtual_destination *definition)
{
    ck_assert_ptr_null(policy_map_add_virtual(f.policies, definition));
    virtual_destination_unref(&definition);
    core_policies_set(f.core, f.policies);
}

static void
define_composite(const char *from, const char *to)
{
    struct virtual_destination *definition =
        definition_new(&virtual_composite_queue, from);

    definition_target(definition, DESTINATION_QUEUE, to, NULL);
    define(definition);
}

static enum core_send
send_headers(enum destination_kind kind, const char *name, const char *headers,
             bool persistent)
{
    struct message_facts facts = { .priority = 4, .persistent = persistent };
    struct send_options options = { .wait = true };
    struct message *msg =
        message_new(core_quota(f.core), &facts, span_of_text(headers),
                    SPAN_NONE, SPAN("m"));
    struct destination *dest;
    enum core_send sent;

    ck_assert_int_eq(
        core_destination(f.core, NULL, kind, span_of_text(name), true, &dest),
        CORE_FOUND);
    sent = core_send(f.core, dest, msg, &options, &f.ticket);
    message_unref(&msg);
    return sent;
}

static uint64_t
queue_length(const char *name)
{
    struct destination *dest;

    ck_assert_int_eq(core_destination(f.core, NULL, DESTINATION_QUEUE,
                                      span_of_text(name), true, &dest),
                     CORE_FOUND);
    return dest->enqueued_count;
}

START_TEST(every_consumer_queue_that_is_there_gets_a_copy)
{
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0);
    subscribe_queue(&b, "Consumer.B.VirtualTopic.X", ACK_AUTO, 0);
    send_topic(&f, "VirtualTopic.X", 0, 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
    ck_assert_str_eq(client_news(&b), "0 1");
}
END_TEST

START_TEST(consumer_queue_that_comes_later_gets_what_is_sent_from_then_on)
{
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0);
    send_topic(&f, "VirtualTopic.X", 0, 0);
    subscribe_queue(&b, "Consumer.B.VirtualTopic.X", ACK_AUTO, 0);
    send_topic(&f, "VirtualTopic.X", 1, 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
    ck_assert_str_eq(client_news(&b), "1");
}
END_TEST

START_TEST(consumers_of_one_queue_compete_and_the_queue_keeps_for_absent_ones)
{
    struct subscription *sub =
        subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 1);

    core_unsubscribe(sub);
    send_topic(&f, "VirtualTopic.X", 0, 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_CLIENT, 1);
    subscribe_queue(&b, "Consumer.A.VirtualTopic.X", ACK_CLIENT, 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "1");
}
END_TEST

START_TEST(topic_itself_gets_the_message_too)
{
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0);
    subscribe_topic(&b, "VirtualTopic.X", ACK_AUTO, 0);
    send_topic(&f, "VirtualTopic.X", 0, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "0");
}
END_TEST

START_TEST(other_topics_are_not_copied)
{
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0);
    subscribe_queue(&a, "Consumer.A.Plain.X", ACK_AUTO, 0);
    send_topic(&f, "VirtualTopic.Y", 0, 0);
    send_topic(&f, "Plain.X", 1, 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
}
END_TEST

START_TEST(wildcard_consumer_is_a_queue_for_every_topic_that_it_matches)
{
    struct subscription_target target = {
        .kind = DESTINATION_QUEUE,
        .name = SPAN("Consumer.A.VirtualTopic.>"),
        .wildcard = true,
    };
    struct subscribe_options options = options_of(ACK_AUTO, 0);

    options.targets = &target;
    options.target_count = 1;
    (void)core_subscribe(f.core, &a.client, &options, NULL);
    send_topic(&f, "VirtualTopic.X", 0, 0);
    send_topic(&f, "VirtualTopic.Y.Z", 1, 1);
    send_topic(&f, "Other", 2, 2);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
}
END_TEST

START_TEST(copy_says_where_it_is_and_where_the_message_was_sent_to)
{
    struct delivery *delivery;

    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_CLIENT, 0);
    subscribe_topic(&b, "VirtualTopic.X", ACK_CLIENT, 0);
    (void)send_headers(DESTINATION_TOPIC, "VirtualTopic.X",
                       "destination:/topic/VirtualTopic.X\n"
                       "k:v\noriginal-destination:mine\n",
                       false);
    fixture_turn(&f);
    delivery = client_delivery(&a, "m");
    ck_assert_msg(
        span_equal(delivery->msg->headers,
                   SPAN("destination:/queue/Consumer.A.VirtualTopic.X\nk:v\n"
                        "original-destination:/topic/VirtualTopic.X\n")),
        "%.*s", (int)delivery->msg->headers.len, delivery->msg->headers.data);
    delivery = client_delivery(&b, "m");
    ck_assert(span_equal(delivery->msg->headers,
                         SPAN("destination:/topic/VirtualTopic.X\n"
                              "k:v\noriginal-destination:mine\n")));
}
END_TEST

START_TEST(copies_keep_priority_group_and_expiry)
{
    struct message_facts facts = { .priority = 7,
                                   .expires_ms = f.now_ms + 10,
                                   .maybe_grouped = true };
    struct send_options options = { .wait = false };
    struct message *msg =
        message_new(core_quota(f.core), &facts, SPAN("JMSXGroupID:g\n"),
                    SPAN_NONE, SPAN("m"));
    struct destination *dest;
    struct delivery *delivery;

    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_CLIENT, 0);
    (void)core_destination(f.core, NULL, DESTINATION_TOPIC,
                           SPAN("VirtualTopic.X"), true, &dest);
    ck_assert_int_eq(core_send(f.core, dest, msg, &options, &f.ticket),
                     CORE_SENT);
    message_unref(&msg);
    fixture_turn(&f);
    delivery = client_delivery(&a, "m");
    ck_assert_uint_eq(delivery->msg->priority, 7);
    ck_assert_int_eq(delivery->msg->expires_ms, f.now_ms + 10);
    ck_assert(span_equal(delivery->msg->group, SPAN("g")));
}
END_TEST

START_TEST(persistent_copies_are_one_batch_that_the_receipt_waits_for)
{
    const struct fake_store_op *ops;
    size_t before;
    size_t count;

    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_CLIENT, 0);
    subscribe_queue(&b, "Consumer.B.VirtualTopic.X", ACK_CLIENT, 0);
    fixture_turn(&f);
    (void)fake_store_ops(f.store, &before);
    fake_store_hold(f.store, true);
    ck_assert_int_eq(
        send_headers(DESTINATION_TOPIC, "VirtualTopic.X", "", true), CORE_SENT);
    ck_assert_uint_ne(f.ticket, 0);
    fixture_turn(&f);
    ops = fake_store_ops(f.store, &count);
    ck_assert_uint_eq(count, before + 2);
    ck_assert_uint_eq(ops[before].batch, f.ticket);
    ck_assert_uint_eq(ops[before + 1].batch, f.ticket);
    fake_store_hold(f.store, false);
    fixture_turn(&f);
    ck_assert_int_eq(
        send_headers(DESTINATION_TOPIC, "VirtualTopic.X", "", false),
        CORE_SENT);
    ck_assert_uint_eq(f.ticket, 0);
}
END_TEST

START_TEST(failed_store_refuses_before_anything_is_routed)
{
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_CLIENT, 0);
    subscribe_topic(&b, "VirtualTopic.X", ACK_CLIENT, 0);
    fixture_turn(&f);
    fake_store_set_failure(f.store, "no disk");
    ck_assert_int_eq(
        send_headers(DESTINATION_TOPIC, "VirtualTopic.X", "", true),
        CORE_STORE_FAILED);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
    ck_assert_str_eq(client_news(&b), "");
    fake_store_set_failure(f.store, NULL);
}
END_TEST

START_TEST(consumer_queue_without_a_message_is_there_after_a_restart)
{
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0);
    fixture_turn(&f);
    client_close(&a);
    client_close(&b);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
    send_topic(&f, "VirtualTopic.X", 0, 0);
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
}
END_TEST

START_TEST(consumer_queue_stays_however_long_nobody_uses_it)
{
    core_unsubscribe(
        subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0));
    for (int i = 0; i < 3; i++) {
        fixture_sleep_ms(&f, INT64_C(3600) * 1000);
        core_sweep(f.core);
    }
    send_topic(&f, "VirtualTopic.X", 0, 0);
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
}
END_TEST

START_TEST(target_that_was_removed_is_made_again)
{
    define_composite("IN", "OUT");
    subscribe_queue(&a, "sink", ACK_AUTO, 0);
    send_queue(&f, "IN", 0, 0);
    core_unsubscribe(subscribe_queue(&a, "OUT", ACK_AUTO, 0));
    subscribe_queue(&b, "OUT", ACK_AUTO, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0");
    client_flush(&b);
    client_close(&b);
    for (int i = 0; i < 3; i++) {
        fixture_sleep_ms(&f, INT64_C(3600) * 1000);
        core_sweep(f.core);
    }
    client_open(&f, &b);
    send_queue(&f, "IN", 1, 1);
    subscribe_queue(&b, "OUT", ACK_AUTO, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "1");
}
END_TEST

START_TEST(transaction_copies_at_commit)
{
    static const struct transaction_limits limits = { 10, 4096 };
    struct transaction *tx = transaction_new(&a.client, &limits);
    struct message *msg = message_make(&f, "m", NULL);
    store_ticket ticket;

    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0);
    ck_assert_int_eq(transaction_send(tx, DESTINATION_TOPIC,
                                      SPAN("VirtualTopic.X"), msg, NULL),
                     TRANSACTION_ADDED);
    message_unref(&msg);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "");
    ck_assert_int_eq(transaction_commit(&tx, false, NULL, NULL, &ticket),
                     TRANSACTION_COMMITTED);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "m");
}
END_TEST

START_TEST(selector_aware_topic_copies_only_what_a_consumer_takes)
{
    struct virtual_destination *definition =
        definition_new(&virtual_topic, "Aware.>");
    struct subscription_target target = { .kind = DESTINATION_QUEUE,
                                          .name = SPAN("Consumer.A.Aware.X") };
    struct subscribe_options options = options_of(ACK_AUTO, 0);
    struct subscription *sub;
    struct error err;

    definition->selector_aware = true;
    define(definition);
    options.targets = &target;
    options.target_count = 1;
    ck_assert_int_eq(selector_parse(SPAN("k = 'v'"), &options.selector, &err),
                     0);
    sub = core_subscribe(f.core, &a.client, &options, NULL);
    (void)send_headers(DESTINATION_TOPIC, "Aware.X", "k:other\n", false);
    ck_assert_uint_eq(queue_length("Consumer.A.Aware.X"), 0);
    (void)send_headers(DESTINATION_TOPIC, "Aware.X", "k:v\n", false);
    ck_assert_uint_eq(queue_length("Consumer.A.Aware.X"), 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "m");
    client_flush(&a);
    core_unsubscribe(sub);
    (void)send_headers(DESTINATION_TOPIC, "Aware.X", "k:v\n", false);
    ck_assert_uint_eq(queue_length("Consumer.A.Aware.X"), 1);
}
END_TEST

START_TEST(composite_forwards_and_keeps_nothing)
{
    struct virtual_destination *definition =
        definition_new(&virtual_composite_queue, "IN");

    definition_target(definition, DESTINATION_QUEUE, "OUT", NULL);
    definition_target(definition, DESTINATION_TOPIC, "OUT", NULL);
    define(definition);
    subscribe_queue(&a, "OUT", ACK_AUTO, 0);
    subscribe_topic(&b, "OUT", ACK_AUTO, 0);
    send_queue(&f, "IN", 0, 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
    ck_assert_str_eq(client_news(&b), "0 1");
    ck_assert_uint_eq(queue_length("IN"), 0);
}
END_TEST

START_TEST(forward_only_false_keeps_the_message_too)
{
    struct virtual_destination *definition =
        definition_new(&virtual_composite_topic, "IN");

    definition->forward_only = false;
    definition_target(definition, DESTINATION_QUEUE, "OUT", NULL);
    define(definition);
    subscribe_queue(&a, "OUT", ACK_AUTO, 0);
    subscribe_topic(&b, "IN", ACK_AUTO, 0);
    send_topic(&f, "IN", 0, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "0");
}
END_TEST

START_TEST(filter_of_a_target_lets_through_what_it_selects)
{
    struct virtual_destination *definition =
        definition_new(&virtual_composite_queue, "IN");

    definition_target(definition, DESTINATION_QUEUE, "ODD", "k = 'odd'");
    definition_target(definition, DESTINATION_QUEUE, "ALL", NULL);
    define(definition);
    (void)send_headers(DESTINATION_QUEUE, "IN", "k:odd\n", false);
    (void)send_headers(DESTINATION_QUEUE, "IN", "k:even\n", false);
    ck_assert_uint_eq(queue_length("ODD"), 1);
    ck_assert_uint_eq(queue_length("ALL"), 2);
}
END_TEST

START_TEST(what_no_target_matches_stays_if_the_composite_says_so)
{
    struct virtual_destination *definition =
        definition_new(&virtual_composite_queue, "IN");

    definition->send_when_not_matched = true;
    definition_target(definition, DESTINATION_QUEUE, "ODD", "k = 'odd'");
    define(definition);
    (void)send_headers(DESTINATION_QUEUE, "IN", "k:odd\n", false);
    (void)send_headers(DESTINATION_QUEUE, "IN", "k:even\n", false);
    ck_assert_uint_eq(queue_length("ODD"), 1);
    ck_assert_uint_eq(queue_length("IN"), 1);
}
END_TEST

START_TEST(mirrored_queue_sends_to_its_topic_first)
{
    define(definition_new(&virtual_mirrored_queue, "Q.>"));
    subscribe_queue(&a, "Q.X", ACK_AUTO, 0);
    subscribe_topic(&b, "VirtualTopic.Mirror.Q.X", ACK_AUTO, 0);
    send_queue(&f, "Q.X", 0, 1);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 1");
    ck_assert_str_eq(client_news(&b), "0 1");
}
END_TEST

START_TEST(copies_are_copied_in_turn_and_name_the_first_destination)
{
    struct delivery *delivery;

    define_composite("ONE", "TWO");
    define_composite("TWO", "THREE");
    subscribe_queue(&a, "THREE", ACK_CLIENT, 0);
    send_queue(&f, "ONE", 0, 0);
    fixture_turn(&f);
    delivery = client_delivery(&a, "0");
    ck_assert(span_equal(headers_block_find(delivery->msg->headers,
                                            SPAN("original-destination")),
                         SPAN("/queue/ONE")));
}
END_TEST

START_TEST(message_never_comes_back_to_where_it_has_been)
{
    struct virtual_destination *definition =
        definition_new(&virtual_composite_queue, "Consumer.A.VirtualTopic.X");

    definition->forward_only = false;
    definition_target(definition, DESTINATION_TOPIC, "VirtualTopic.X", NULL);
    define(definition);
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0);
    subscribe_topic(&b, "VirtualTopic.X", ACK_AUTO, 0);
    send_topic(&f, "VirtualTopic.X", 0, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    ck_assert_str_eq(client_news(&b), "0");
}
END_TEST

START_TEST(reload_puts_other_copies_in_force_for_destinations_that_are_there)
{
    struct policy_map *other = policy_map_new();

    policy_map_clear_virtuals(other);
    subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0);
    send_topic(&f, "VirtualTopic.X", 0, 0);
    core_policies_set(f.core, other);
    send_topic(&f, "VirtualTopic.X", 1, 1);
    core_policies_set(f.core, f.policies);
    send_topic(&f, "VirtualTopic.X", 2, 2);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0 2");
    policy_map_free(&other);
}
END_TEST

START_TEST(full_queue_behind_a_topic_is_whose_room_a_send_needs)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "Consumer.>");
    struct destination *topic;
    struct core_lack lack;

    policy->memory_limit.bytes = 1;
    (void)core_destination(f.core, NULL, DESTINATION_TOPIC,
                           SPAN("VirtualTopic.X"), true, &topic);
    ck_assert_int_eq(core_admit(f.core, topic, NULL, false, &lack),
                     CORE_ADMITTED);
    core_unsubscribe(
        subscribe_queue(&a, "Consumer.A.VirtualTopic.X", ACK_AUTO, 0));
    send_topic(&f, "VirtualTopic.X", 0, 0);
    ck_assert_int_eq(core_admit(f.core, topic, NULL, false, &lack), CORE_WAIT);
    ck_assert_int_eq(lack.room, CORE_ROOM_DEST_MEMORY);
    ck_assert(span_equal(destination_name_get(lack.dest),
                         SPAN("Consumer.A.VirtualTopic.X")));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core/virtual");
    TCase *topics = tcase_create("virtual topics");
    TCase *others = tcase_create("composites and mirrors");

    tcase_add_checked_fixture(topics, setup, teardown);
    tcase_add_test(topics, every_consumer_queue_that_is_there_gets_a_copy);
    tcase_add_test(
        topics, consumer_queue_that_comes_later_gets_what_is_sent_from_then_on);
    tcase_add_test(
        topics,
        consumers_of_one_queue_compete_and_the_queue_keeps_for_absent_ones);
    tcase_add_test(topics, topic_itself_gets_the_message_too);
    tcase_add_test(topics, other_topics_are_not_copied);
    tcase_add_test(
        topics, wildcard_consumer_is_a_queue_for_every_topic_that_it_matches);
    tcase_add_test(topics,
                   copy_says_where_it_is_and_where_the_message_was_sent_to);
    tcase_add_test(topics, copies_keep_priority_group_and_expiry);
    tcase_add_test(topics,
                   persistent_copies_are_one_batch_that_the_receipt_waits_for);
    tcase_add_test(topics, failed_store_refuses_before_anything_is_routed);
    tcase_add_test(topics,
                   consumer_queue_without_a_message_is_there_after_a_restart);
    tcase_add_test(topics, consumer_queue_stays_however_long_nobody_uses_it);
    tcase_add_test(topics, transaction_copies_at_commit);
    tcase_add_test(topics,
                   selector_aware_topic_copies_only_what_a_consumer_takes);
    suite_add_tcase(suite, topics);
    tcase_add_checked_fixture(others, setup, teardown);
    tcase_add_test(others, composite_forwards_and_keeps_nothing);
    tcase_add_test(others, forward_only_false_keeps_the_message_too);
    tcase_add_test(others, filter_of_a_target_lets_through_what_it_selects);
    tcase_add_test(others,
                   what_no_target_matches_stays_if_the_composite_says_so);
    tcase_add_test(others, mirrored_queue_sends_to_its_topic_first);
    tcase_add_test(others,
                   copies_are_copied_in_turn_and_name_the_first_destination);
    tcase_add_test(others, message_never_comes_back_to_where_it_has_been);
    tcase_add_test(
        others,
        reload_puts_other_copies_in_force_for_destinations_that_are_there);
    tcase_add_test(others,
                   full_queue_behind_a_topic_is_whose_room_a_send_needs);
    tcase_add_test(others, target_that_was_removed_is_made_again);
    suite_add_tcase(suite, others);
    return testutil_run(suite);
}
