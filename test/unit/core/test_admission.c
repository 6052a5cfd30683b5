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
} producers[PRODUCERS];

/* Sends what is held, until there is no room. */
static void
producer_sends(struct producer *producer)
{
    struct destination *dest;
    struct core_lack lack;

    (void)core_destination(f.core, &producer->client, DESTINATION_QUEUE,
                           SPAN("q"), true, &dest);
    while (producer->held > 0) {
        if (core_admit(f.core, dest, &producer->client, true, &lack) !=
            CORE_ADMITTED) {
            core_client_block(&producer->client, &lack);
            return;
        }
        send_persistent(&f, "q", 0, 0);
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
    fixture_init(&f, &fake_store_engine);
    for (size_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){ .held = HELD };
        core_client_open(f.core, &producers[i].client, &ops, &producers[i]);
    }
}

static void
teardown(void)
{
    for (size_t i = 0; i < PRODUCERS; i++) {
        core_client_close(&producers[i].client);
    }
    fixture_fini(&f);
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

static Suite *
suite(void)
{
    Suite *s = suite_create("admission");
    TCase *t = tcase_create("admission");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, who_goes_on_may_congest_the_store_for_the_others);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return testutil_run(suite());
}
