/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Producers that wait for room, and go on at once when they are told, as a
 * session does with the frames that it holds.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

enum { PRODUCERS = 3, HELD = 4, RESUMED_MAX = 100 };

static struct fixture f;
static struct producer {
    struct client client;
    unsigned held; /* messages to send yet */
    unsigned resumed;
    unsigned congests_at; /* held: the store has enough then; 0 = never */
    bool persistent;
} producers[PRODUCERS];
static struct fake_client taker;

/* Sends what is held, until there is no room. */
static void
producer_sends(struct producer *producer)
{
    struct destination *dest;
    struct core_lack lack;

    (void)core_destination(f.core, &producer->client, DESTINATION_QUEUE,
                           SPAN("q"), true, &dest);
    while (producer->held > 0) {
        if (core_admit(f.core, dest, &producer->client, producer->persistent,
                       &lack) != CORE_ADMITTED) {
            core_client_block(&producer->client, &lack);
            return;
        }
        (producer->persistent ? send_persistent : send_queue)(&f, "q", 0, 0);
        if (producer->held-- == producer->congests_at) {
            fake_store_set_congested(f.store, true);
        }
    }
}

static void
on_resume(void *ctx)
{
    struct producer *producer = ctx;

    ck_assert_uint_lt(producer->resumed++, RESUMED_MAX);
    producer_sends(producer);
}

static const struct client_ops ops = { .resume = on_resume };

static void
setup(void)
{
    struct core_options options = core_options_default;

    options.queue_resident_bytes = 250;
    options.temp_bytes = 200;
    fixture_init_options(&f, &fake_store_engine, &options);
    client_open(&f, &taker);
    for (size_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){ .held = HELD, .persistent = true };
        core_client_open(f.core, &producers[i].client, &ops, &producers[i]);
    }
}

static void
teardown(void)
{
    for (size_t i = 0; i < PRODUCERS; i++) {
        core_client_close(&producers[i].client);
    }
    client_close(&taker);
    fixture_fini(&f);
}

/* Until what is not persistent has all the room that there is for it. */
static void
spill(const char *name)
{
    struct core_usage usage;

    fixture_policy(&f, DESTINATION_QUEUE, name)->memory_limit.bytes = 3000;
    do {
        send_queue(&f, name, 0, 0);
        fixture_turn(&f);
        core_usage_get(f.core, &usage);
    } while (usage.temp.used < usage.temp.limit);
}

/* The first to go on fills the store's queue of writes: the others are not
 * asked again and again in the same turn. */
START_TEST(who_goes_on_may_congest_the_store_for_the_others)
{
    fake_store_set_congested(f.store, true);
    for (size_t i = 0; i < PRODUCERS; i++) {
        producer_sends(&producers[i]);
        ck_assert_uint_eq(producers[i].held, HELD);
    }
    producers[0].congests_at = 2;
    fake_store_set_congested(f.store, false);
    fixture_turn(&f);
    ck_assert_uint_eq(producers[0].held, 1);
    ck_assert_uint_eq(producers[1].held, HELD);
    ck_assert_uint_eq(producers[2].held, HELD);
    fake_store_set_congested(f.store, false);
    fixture_turn(&f);
    for (size_t i = 0; i < PRODUCERS; i++) {
        ck_assert_uint_eq(producers[i].held, 0);
    }
}
END_TEST

/* Where older ones are in the store alone, what is not persistent has to follow
 * them there; once they are gone, it has not. */
START_TEST(who_need_not_spill_any_more_goes_on_though_others_have_spilled)
{
    spill("other");
    send_persistent(&f, "q", 0, 9);
    fixture_turn(&f);
    producers[0].persistent = false;
    producer_sends(&producers[0]);
    ck_assert_int_eq(producers[0].client.lack.room, CORE_ROOM_TEMP);
    fixture_turn(&f);
    ck_assert_uint_eq(producers[0].held, HELD);
    (void)subscribe_queue(&taker, "q", ACK_AUTO, 100);
    fixture_turn(&f);
    ck_assert_uint_eq(producers[0].held, 0);
    ck_assert_str_eq(client_news(&taker), "0 1 2 3 4 5 6 7 8 9 0 0 0 0");
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("admission");
    TCase *t = tcase_create("admission");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, who_goes_on_may_congest_the_store_for_the_others);
    tcase_add_test(
        t, who_need_not_spill_any_more_goes_on_though_others_have_spilled);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return testutil_run(suite());
}
