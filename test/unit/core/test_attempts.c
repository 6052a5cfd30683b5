/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redelivery counts over a restart: what is written, when, and what is not.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

#include "server/core/queue.h"

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

static void
restart(void)
{
    fixture_turn(&f);
    client_close(&a);
    fixture_restart(&f);
    client_open(&f, &a);
}

static void
consume(void)
{
    (void)subscribe_queue(&a, "q", ACK_CLIENT_INDIVIDUAL, 0);
    fixture_turn(&f);
}

static void
on_definition(void *ctx, struct span name, struct span value)
{
    (void)name;
    (void)value;
    ++*(unsigned *)ctx;
}

/* Counts that the store has. */
static unsigned
kept(void)
{
    unsigned count = 0;

    store_definitions(f.store, SPAN("attempts/"), on_definition, &count);
    return count;
}

static uint32_t
attempts_of(const char *body)
{
    return client_delivery(&a, body)->attempts;
}

START_TEST(first_try_writes_nothing)
{
    send_persistent(&f, "q", 0, 3);
    consume();
    ck_assert_uint_eq(kept(), 0);
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(kept(), 0);
}
END_TEST

START_TEST(returned_message_has_its_count_after_a_restart)
{
    send_persistent(&f, "q", 0, 2);
    consume();
    client_nack(&a, "1");
    fixture_turn(&f);
    client_nack(&a, "1");
    fixture_turn(&f);
    ck_assert_uint_eq(attempts_of("1"), 3);
    ck_assert_uint_eq(kept(), 1);
    restart(); /* gives back what was in flight */
    ck_assert_uint_eq(kept(), 3);
    consume();
    ck_assert_uint_eq(attempts_of("0"), 2);
    ck_assert_uint_eq(attempts_of("1"), 4);
    ck_assert_uint_eq(attempts_of("2"), 2);
    client_ack_all(&a);
    fixture_turn(&f);
    ck_assert_uint_eq(kept(), 0);
}
END_TEST

START_TEST(refused_with_a_delay_counts_too)
{
    send_persistent(&f, "q", 0, 0);
    consume();
    client_nack_later(&a, "0", 60000);
    restart();
    consume();
    ck_assert_uint_eq(attempts_of("0"), 2);
}
END_TEST

START_TEST(maximum_redeliveries_counts_over_restarts)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->redelivery.maximum = 2;
    send_persistent(&f, "q", 0, 0);
    consume();
    client_nack(&a, "0");
    restart(); /* it has been handed out once more, and has come back */
    consume();
    ck_assert_uint_eq(attempts_of("0"), 3);
    client_nack(&a, "0");
    fixture_turn(&f);
    (void)subscribe_queue(&a, "ActiveMQ.DLQ", ACK_AUTO, 0);
    fixture_turn(&f);
    ck_assert_str_eq(a.got[a.got_count - 1].body, "0");
    ck_assert_uint_eq(kept(), 0);
}
END_TEST

START_TEST(handed_out_is_written_when_the_policy_wants_it)
{
    fixture_policy(&f, DESTINATION_QUEUE, "q")->persist_jms_redelivered = true;
    send_persistent(&f, "q", 0, 0);
    consume();
    ck_assert_uint_eq(kept(), 1);
    core_unsend(f.core, client_delivery(&a, "0"));
    a.got[0].delivery = NULL;
    ck_assert_uint_eq(kept(), 0); /* it was not sent after all */
}
END_TEST

START_TEST(message_that_is_not_persistent_is_not_counted)
{
    send_queue(&f, "q", 0, 0);
    consume();
    client_nack(&a, "0");
    fixture_turn(&f);
    ck_assert_uint_eq(kept(), 0);
}
END_TEST

static void
on_purged(void *ctx, const struct core_purge_result *result)
{
    *(uint64_t *)ctx = result->purged;
}

START_TEST(purge_of_what_is_paged_takes_the_counts_along)
{
    struct selector *all = NULL;
    uint64_t purged = 0;

    send_persistent(&f, "q", 0, 4);
    consume();
    restart();
    ck_assert_uint_eq(kept(), 5);
    ck_assert(core_purge(f.core, DESTINATION_QUEUE, SPAN("q"), &all, on_purged,
                         &purged));
    fixture_turn(&f);
    ck_assert_uint_eq(purged, 5);
    ck_assert_uint_eq(kept(), 0);
}
END_TEST

START_TEST(count_without_a_record_is_ended_at_the_start)
{
    send_persistent(&f, "q", 0, 0);
    consume();
    client_nack(&a, "0");
    fixture_turn(&f);
    client_ack_all(&a);
    fixture_turn(&f);
    store_define(f.store, SPAN("attempts/q\0010000000000000001"), SPAN("3"));
    store_define(f.store, SPAN("attempts/gone\0010000000000000001"), SPAN("3"));
    store_define(f.store, SPAN("attempts/q"), SPAN("3"));
    ck_assert_uint_eq(kept(), 3);
    restart();
    ck_assert_uint_eq(kept(), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core/attempts");
    TCase *tcase = tcase_create("attempts");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, first_try_writes_nothing);
    tcase_add_test(tcase, returned_message_has_its_count_after_a_restart);
    tcase_add_test(tcase, refused_with_a_delay_counts_too);
    tcase_add_test(tcase, maximum_redeliveries_counts_over_restarts);
    tcase_add_test(tcase, handed_out_is_written_when_the_policy_wants_it);
    tcase_add_test(tcase, message_that_is_not_persistent_is_not_counted);
    tcase_add_test(tcase, purge_of_what_is_paged_takes_the_counts_along);
    tcase_add_test(tcase, count_without_a_record_is_ended_at_the_start);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
