/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store has, as the core counts it, and the ceilings of it: who has
 * to wait, who has not, and when they go on.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

static struct fixture f;
static struct fake_client a, b;

/* A message of these tests has one digit of body and the header line
 * "destination:/queue/q". */
static void
reopen(size_t store_bytes, size_t temp_bytes)
{
    struct core_options options = core_options_default;

    options.queue_resident_bytes = 250;
    options.store_bytes = store_bytes;
    options.temp_bytes = temp_bytes;
    fixture_init_options(&f, &fake_store_engine, &options);
    client_open(&f, &a);
    client_open(&f, &b);
}

static void
setup(void)
{
    reopen(1000, 1000);
}

static void
teardown(void)
{
    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
}

static void
restart(void)
{
    client_close(&a);
    client_close(&b);
    fixture_restart(&f);
    client_open(&f, &a);
    client_open(&f, &b);
}

static struct core_usage
usage(void)
{
    struct core_usage got;

    core_usage_get(f.core, &got);
    return got;
}

static struct destination *
queue_for(const char *name)
{
    struct destination *dest;

    ck_assert_int_eq(core_destination(f.core, &a.client, DESTINATION_QUEUE,
                                      span_of_text(name), true, &dest),
                     CORE_FOUND);
    return dest;
}

/* What a SEND to the queue would lack. */
static enum core_room
lacks(const char *name, bool persistent)
{
    struct core_lack lack;

    (void)core_admit(f.core, queue_for(name), &a.client, persistent, &lack);
    return lack.room;
}

/* Sends to the queue for as long as it is let. */
static int
fill(const char *name, bool persistent)
{
    int count = 0;

    while (lacks(name, persistent) == CORE_ROOM_ENOUGH) {
        ck_assert_int_lt(count, 1000);
        (persistent ? send_persistent : send_queue)(&f, name, 0, 0);
        fixture_turn(&f);
        count++;
    }
    return count;
}

START_TEST(usage_follows_every_put_ack_and_restart)
{
    size_t one;

    send_persistent(&f, "q", 0, 0);
    one = usage().store.used;
    ck_assert_uint_eq(one, fake_store_bytes(f.store, true));
    ck_assert_uint_gt(one, 0);
    send_persistent(&f, "q", 1, 9);
    ck_assert_uint_eq(usage().store.used, 10 * one);
    restart();
    ck_assert_uint_eq(usage().store.used, 10 * one);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    client_ack(&a, "3");
    ck_assert_uint_eq(usage().store.used, 9 * one);
    client_ack_all(&a);
    ck_assert_uint_eq(usage().store.used, 0);
}
END_TEST

START_TEST(dead_letter_counts_where_it_stands_now)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_persistent(&f, "q", 0, 0);
    fixture_turn(&f);
    client_refuse(&a, "0");
    fixture_turn(&f);
    fixture_check_usage(&f);
    ck_assert_uint_eq(queue_for("q")->usage.stored.used, 0);
    ck_assert_uint_eq(queue_for("ActiveMQ.DLQ")->usage.stored.used,
                      usage().store.used);
}
END_TEST

START_TEST(full_store_holds_persistent_messages_alone_until_there_is_room)
{
    struct core_lack lack;

    (void)fill("q", true);
    ck_assert_uint_ge(usage().store.used, 1000);
    ck_assert_int_eq(lacks("q", true), CORE_ROOM_STORE);
    ck_assert_int_eq(lacks("other", true), CORE_ROOM_STORE);
    ck_assert_int_eq(lacks("other", false), CORE_ROOM_ENOUGH);
    ck_assert_int_eq(
        core_admit(f.core, queue_for("other"), &b.client, true, &lack),
        CORE_WAIT);
    core_client_block(&b.client, &lack);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 0);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 2);
    fixture_turn(&f);
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 1);
    ck_assert_int_eq(lacks("q", true), CORE_ROOM_ENOUGH);
}
END_TEST

START_TEST(store_that_was_left_full_is_full_after_a_restart)
{
    (void)fill("q", true);
    restart();
    ck_assert_int_eq(lacks("q", true), CORE_ROOM_STORE);
}
END_TEST

START_TEST(high_water_mark_of_a_destination_leaves_room_for_others)
{
    fixture_policy(&f, DESTINATION_QUEUE, "half")->store_usage_high_water = 50;
    (void)fill("half", true);
    ck_assert_uint_ge(usage().store.used, 500);
    ck_assert_uint_lt(usage().store.used, 600);
    ck_assert_int_eq(lacks("half", true), CORE_ROOM_STORE);
    ck_assert_int_eq(lacks("q", true), CORE_ROOM_ENOUGH);
}
END_TEST

START_TEST(store_limit_of_a_destination_is_its_own)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "small");
    struct core_lack lack;
    struct error text = ERROR_INIT;

    policy->store_limit.bytes = 100;
    policy->producer_flow_control = false; /* has no say in what is stored */
    policy->send_fail_if_no_space = POLICY_ON;
    (void)fill("small", true);
    ck_assert_int_eq(
        core_admit(f.core, queue_for("small"), &a.client, true, &lack),
        CORE_REFUSED);
    ck_assert_int_eq(lack.room, CORE_ROOM_DEST_STORE);
    core_lack_explain(f.core, &lack, &text);
    ck_assert_ptr_nonnull(strstr(text.text, "storeLimit of 100 bytes"));
    ck_assert_int_eq(lacks("q", true), CORE_ROOM_ENOUGH);
}
END_TEST

START_TEST(limits_of_a_destination_may_be_parts_of_the_brokers)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "small");
    struct core_lack lack;
    struct error text = ERROR_INIT;
    struct destination *small;

    policy->memory_limit.percent = 50;
    policy->store_limit.percent = 30;
    policy->temp_limit.percent = 20;
    small = queue_for("small");
    ck_assert_uint_eq(small->quota.limit,
                      core_options_default.memory_bytes / 2);
    ck_assert_uint_eq(small->usage.stored.limit, 300);
    ck_assert_uint_eq(small->usage.spilled.limit, 200);
    (void)fill("small", true);
    ck_assert_int_eq(lacks("small", true), CORE_ROOM_DEST_STORE);
    ck_assert_int_eq(lacks("q", true), CORE_ROOM_ENOUGH);
    (void)core_admit(f.core, small, &a.client, true, &lack);
    core_lack_explain(f.core, &lack, &text);
    ck_assert_str_eq(text.text,
                     "the destination has reached its storeLimit of 300 "
                     "bytes, 30% of the broker's: consume from it, or raise "
                     "that");
}
END_TEST

START_TEST(parts_of_no_ceiling_are_parts_of_the_disk)
{
    struct core_options options = core_options_default;
    struct policy *policy;
    struct destination *small;

    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
    options.disk_bytes = 5000;
    fixture_init_options(&f, &fake_store_engine, &options);
    client_open(&f, &a);
    client_open(&f, &b);
    policy = fixture_policy(&f, DESTINATION_QUEUE, "small");
    policy->store_limit.percent = 10;
    policy->temp_limit.percent = 20;
    small = queue_for("small");
    ck_assert_uint_eq(small->usage.stored.limit, 500);
    ck_assert_uint_eq(small->usage.spilled.limit, 1000);
    (void)fill("small", true);
    ck_assert_uint_ge(small->usage.stored.used, 500);
    ck_assert_uint_lt(small->usage.stored.used, 600);
}
END_TEST

START_TEST(other_limits_hold_from_the_reload_on)
{
    struct policy_map *tight = policy_map_new();
    struct policy *policy = policy_new();
    struct core_lack lack;

    (void)fill("q", true);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    client_ack(&a, "0");
    policy->store_limit.percent = 5;
    ck_assert(policy_map_add(tight, DESTINATION_QUEUE, SPAN("q"), policy));
    policy_unref(&policy);
    core_policies_set(f.core, tight);
    ck_assert_uint_eq(queue_for("q")->usage.stored.limit, 50);
    ck_assert_int_eq(core_admit(f.core, queue_for("q"), &b.client, true, &lack),
                     CORE_WAIT);
    ck_assert_int_eq(lack.room, CORE_ROOM_DEST_STORE);
    core_client_block(&b.client, &lack);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 0);
    core_policies_set(f.core, f.policies);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 1);
    policy_map_free(&tight);
}
END_TEST

START_TEST(temp_limit_of_a_destination_holds_what_it_would_spill)
{
    struct policy *policy = fixture_policy(&f, DESTINATION_QUEUE, "q");
    struct core_lack lack;
    struct error text = ERROR_INIT;

    policy->memory_limit.bytes = 3000;
    policy->temp_limit.bytes = 200;
    (void)fill("q", false);
    ck_assert_uint_ge(queue_for("q")->usage.spilled.used, 200);
    ck_assert_uint_lt(queue_for("q")->usage.spilled.used, 300);
    ck_assert_int_eq(lacks("q", false), CORE_ROOM_DEST_TEMP);
    ck_assert_int_eq(lacks("q", true), CORE_ROOM_ENOUGH);
    ck_assert_int_eq(lacks("other", false), CORE_ROOM_ENOUGH);
    ck_assert_int_eq(
        core_admit(f.core, queue_for("q"), &b.client, false, &lack), CORE_WAIT);
    core_lack_explain(f.core, &lack, &text);
    ck_assert_ptr_nonnull(strstr(text.text, "tempLimit of 200 bytes: "));
    core_client_block(&b.client, &lack);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 0);
    (void)subscribe_queue(&a, "q", ACK_AUTO, 0);
    fixture_turn(&f);
    client_flush(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(queue_for("q")->usage.spilled.used, 0);
    ck_assert_uint_eq(b.resumed, 1);
}
END_TEST

START_TEST(temp_ceiling_holds_what_would_be_spilled)
{
    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
    reopen(0, 200);
    fixture_policy(&f, DESTINATION_QUEUE, "q")->memory_limit.bytes = 3000;
    (void)fill("q", false);
    ck_assert_uint_ge(usage().temp.used, 200);
    ck_assert_uint_eq(usage().store.used, 0);
    ck_assert_int_eq(lacks("q", false), CORE_ROOM_TEMP);
    ck_assert_int_eq(lacks("other", false), CORE_ROOM_ENOUGH);
    ck_assert_int_eq(lacks("q", true), CORE_ROOM_ENOUGH);
    (void)subscribe_queue(&a, "q", ACK_AUTO, 0);
    fixture_turn(&f);
    client_flush(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(usage().temp.used, 0);
}
END_TEST

START_TEST(without_room_to_spill_messages_stay_in_memory)
{
    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
    reopen(0, 1);
    fixture_policy(&f, DESTINATION_QUEUE, "q")->memory_limit.bytes = 3000;
    fixture_policy(&f, DESTINATION_QUEUE, "r")->memory_limit.bytes = 3000;
    (void)fill("q", false); /* one is spilled, and that is one too many */
    ck_assert_int_eq(lacks("q", false), CORE_ROOM_TEMP);
    (void)fill("r", false);
    ck_assert_int_eq(lacks("r", false), CORE_ROOM_DEST_MEMORY);
    ck_assert_uint_eq(queue_for("r")->usage.spilled.used, 0);
}
END_TEST

/* Bytes of the queue, and in all, with the damaged one gone. */
static void
assert_given_back(size_t expected)
{
    ck_assert_uint_eq(queue_for("q")->usage.stored.used, expected);
    ck_assert_uint_eq(usage().store.used, expected);
    fixture_check_usage(&f);
}

START_TEST(damaged_record_gives_its_room_back)
{
    bool set_aside = _i == 0;
    size_t one;

    send_persistent(&f, "q", 0, 19);
    one = usage().store.used / 20;
    restart();
    fake_store_damage(f.store, "7", set_aside);
    ck_assert_uint_eq(usage().store.used, fake_store_bytes(f.store, true));
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    assert_given_back(usage().store.used); /* all of it has been read */
    ck_assert_uint_ge(usage().store.used, 19 * one);
    client_ack(&a, "3");
    assert_given_back(usage().store.used);
    restart();
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    fixture_check_usage(&f);
    client_ack_all(&a);
    assert_given_back(0);
}
END_TEST

START_TEST(damaged_record_of_one_priority_gives_its_room_back)
{
    bool set_aside = _i == 0;

    fixture_policy(&f, DESTINATION_QUEUE, "q")->prioritized_messages = true;
    for (int i = 0; i < 20; i++) {
        struct message_facts facts = { .persistent = true,
                                       .priority = (uint8_t)(i % 2 * 9) };
        char body[] = { (char)('a' + i), '\0' };

        ck_assert_int_eq(send_message(&f, DESTINATION_QUEUE, "q", body, &facts,
                                      &(struct send_options){ .wait = true }),
                         CORE_SENT);
    }
    restart();
    fake_store_damage(f.store, "g", set_aside);
    fake_store_damage(f.store, "h", set_aside);
    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    fixture_turn(&f);
    fixture_turn(&f);
    ck_assert_uint_eq(a.got_count, 18);
    assert_given_back(usage().store.used);
}
END_TEST

START_TEST(what_browsing_finds_damaged_gives_its_room_back)
{
    struct subscribe_options options = options_of(ACK_AUTO, 0);

    send_persistent(&f, "q", 0, 19);
    restart();
    fake_store_damage(f.store, "12", true);
    options.browse = true;
    (void)subscribe(&a, DESTINATION_QUEUE, "q", &options);
    fixture_turn(&f);
    assert_given_back(usage().store.used);
    ck_assert_uint_gt(usage().store.used, 0);
}
END_TEST

START_TEST(failed_store_holds_until_it_works_again)
{
    struct core_lack lack;
    struct error text = ERROR_INIT;

    fake_store_set_failure(f.store, "no such luck");
    ck_assert_int_eq(lacks("q", false), CORE_ROOM_ENOUGH);
    ck_assert_int_eq(core_admit(f.core, queue_for("q"), &b.client, true, &lack),
                     CORE_WAIT);
    ck_assert_int_eq(lack.room, CORE_ROOM_DISK);
    core_lack_explain(f.core, &lack, &text);
    ck_assert_ptr_nonnull(strstr(text.text, "no such luck"));
    core_client_block(&b.client, &lack);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 0);
    fake_store_set_failure(f.store, NULL);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 1);
}
END_TEST

START_TEST(own_store_limit_is_over_when_the_queue_is_drained)
{
    struct core_lack lack;

    fixture_policy(&f, DESTINATION_QUEUE, "small")->store_limit.bytes = 1;
    send_persistent(&f, "small", 0, 0);
    ck_assert_int_eq(
        core_admit(f.core, queue_for("small"), &b.client, true, &lack),
        CORE_WAIT);
    core_client_block(&b.client, &lack);
    (void)subscribe_queue(&a, "small", ACK_AUTO, 0);
    fixture_turn(&f);
    client_flush(&a);
    ck_assert_uint_eq(b.resumed, 0);
    fixture_turn(&f);
    ck_assert_uint_eq(b.resumed, 1);
}
END_TEST

START_TEST(what_damage_has_taken_does_not_count_for_ever)
{
    struct store_queue_info info = { .bytes = 100 };

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_persistent(&f, "q", 0, 1);
    usage_adopt(queue_for("q"), &info); /* records that nobody can read */
    fixture_turn(&f);
    client_ack(&a, "0");
    ck_assert_uint_gt(usage().store.used, 100);
    client_ack(&a, "1");
    ck_assert_uint_eq(usage().store.used, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core/usage");
    TCase *tcase = tcase_create("usage");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, usage_follows_every_put_ack_and_restart);
    tcase_add_test(tcase, dead_letter_counts_where_it_stands_now);
    tcase_add_test(
        tcase, full_store_holds_persistent_messages_alone_until_there_is_room);
    tcase_add_test(tcase, store_that_was_left_full_is_full_after_a_restart);
    tcase_add_test(tcase,
                   high_water_mark_of_a_destination_leaves_room_for_others);
    tcase_add_test(tcase, store_limit_of_a_destination_is_its_own);
    tcase_add_test(tcase, limits_of_a_destination_may_be_parts_of_the_brokers);
    tcase_add_test(tcase, parts_of_no_ceiling_are_parts_of_the_disk);
    tcase_add_test(tcase, other_limits_hold_from_the_reload_on);
    tcase_add_test(tcase,
                   temp_limit_of_a_destination_holds_what_it_would_spill);
    tcase_add_test(tcase, temp_ceiling_holds_what_would_be_spilled);
    tcase_add_test(tcase, without_room_to_spill_messages_stay_in_memory);
    tcase_add_loop_test(tcase, damaged_record_gives_its_room_back, 0, 2);
    tcase_add_loop_test(
        tcase, damaged_record_of_one_priority_gives_its_room_back, 0, 2);
    tcase_add_test(tcase, what_browsing_finds_damaged_gives_its_room_back);
    tcase_add_test(tcase, failed_store_holds_until_it_works_again);
    tcase_add_test(tcase, own_store_limit_is_over_when_the_queue_is_drained);
    tcase_add_test(tcase, what_damage_has_taken_does_not_count_for_ever);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
