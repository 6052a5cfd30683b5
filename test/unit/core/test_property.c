/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random policies and random clients against a simple model.  After each step,
 * and at each delivery: no message is with two competing consumers, none comes
 * after it was acknowledged, each goes to one that may have it, the oldest
 * first; credit and pending limits hold; the counters add up; and in the end
 * every message that was accepted and not acknowledged is there, once.
 *
 * Each seed is one test: PROPERTY_SEED and PROPERTY_RUNS say which ones
 * (script/property draws new ones).
 */
#include "test/testutil.h"
#include "test/unit/core/property.h"

#include <stdlib.h>
#include <string.h>

/* --- the world ------------------------------------------------------------ */

static void
heal_store(void)
{
    failing = fetch_failing = fetch_held = false;
    fake_store_set_failure(f.store, NULL);
    fake_store_fail_fetches(f.store, false);
    fake_store_hold_fetches(f.store, false);
    fake_store_hold(f.store, false);
    fake_store_set_congested(f.store, false);
    core_store_recovered(f.core);
    core_sweep(f.core);
}

static void
do_store(void)
{
    switch (draw(7)) {
    case 0:
        failing = true;
        fake_store_set_failure(f.store, "no space");
        break;
    case 1:
        fetch_failing = true;
        fake_store_fail_fetches(f.store, true);
        break;
    case 2:
        fetch_held = true;
        fake_store_hold_fetches(f.store, true);
        break;
    case 3:
        fake_store_hold(f.store, true);
        break;
    case 4:
        (void)fake_store_end(f.store, draw(2) == 0 ? "failed" : NULL);
        break;
    case 5:
        fake_store_set_congested(f.store, draw(2) == 0);
        break;
    default:
        heal_store();
        break;
    }
}

static void
close_clients(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        close_client(&clients[i]);
    }
    viewer_close();
    durables_close();
    producers_close();
}

static void
open_clients(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        open_client(&clients[i]);
    }
    viewer_open();
    durables_open();
    producers_open();
}

static void
do_restart(void)
{
    close_clients();
    heal_store();
    fixture_turn(&f);
    notice_expired();
    fixture_restart(&f);
    durables_restarted();
    producers_restarted();
    expiry_restarted();
    delivered = acknowledged = 0;
    dead = aborted = 0;
    for (int i = 0; i < message_count; i++) {
        struct model_message *msg = &messages[i];

        if (msg->state == WAITING || msg->state == DELAYED) {
            msg->state = msg->persistent ? WAITING : DONE;
        }
    }
    open_clients();
}

static void
draw_queue_policy(struct policy *policy)
{
    static const struct message_group_map *const maps[] = {
        &message_group_cached, &message_group_simple, &message_group_bucket
    };

    policy->queue_dispatch = draw(2) == 0 ? &dispatch_queue_round_robin
                                          : &dispatch_queue_strict_order;
    policy->prioritized_messages = draw(3) == 0;
    policy->use_consumer_priority = draw(4) != 0;
    policy->all_consumers_exclusive = draw(8) == 0;
    policy->message_groups = maps[draw(3)];
    policy->message_group_parameters.bucket_count = 1 + draw(3);
    policy->message_group_parameters.cache_size = 1 + draw(4);
    policy->rebalance_message_groups = draw(3) == 0;
    policy->consumers_before_dispatch = draw(6) == 0 ? 2 : 0;
    policy->time_before_dispatch_us = draw(6) == 0 ? 100000 : 0;
    policy->redelivery.maximum = draw(3) == 0 ? -1 : (int64_t)draw(4);
    policy->redelivery.initial_delay_us = draw(3) == 0 ? 30000 : 0;
    policy->queue_prefetch = 1 + draw(40);
    policy->memory_limit.bytes = draw(3) == 0 ? 500 + draw(4000) : 0;
    policy->store_limit.bytes = draw(3) == 0 ? 500 + draw(4000) : 0;
    policy->dead_letter_parameters.process_non_persistent = POLICY_ON;
    policy->dead_letter_parameters.process_expired = draw(3) != 0;
    policy->expire_messages_period_us = draw(2) == 0 ? 1 + draw(100000) : 0;
    policy->max_expire_page_size = 1 + draw(50);
    draw_slow_policy(policy);
}

static void
draw_topic_policy(struct policy *policy)
{
    static const struct dispatch_policy *const dispatch[] = {
        &dispatch_simple, &dispatch_round_robin, &dispatch_strict_order,
        &dispatch_priority
    };

    policy->topic_dispatch = dispatch[draw(4)];
    policy->topic_prefetch = 1 + draw(20);
    draw_pending_policy(policy);
    if (!topics_have_letters) {
        policy->dead_letter = &dead_letter_discarding;
    }
    draw_slow_policy(policy);
    if (policy->pending_bytes.soft > 0) {
        policy->slow_consumer = NULL; /* which timer is first matters */
    }
}

static void
begin(uint64_t seed)
{
    struct core_options options = core_options_default;

    chance = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    message_count = topic_count = 0;
    accepted = delivered = acknowledged = dead = aborted = 0;
    failing = fetch_failing = fetch_held = false;
    memset(clients, 0, sizeof(clients));
    options.queue_resident_bytes = draw(3) == 0 ? 16000000 : 500 + draw(8000);
    options.memory_bytes = draw(3) == 0 ? 100000 : 10000000;
    producers_draw_options(&options);
    durables_begin();
    expiry_begin();
    fixture_init_options(&f, &fake_store_engine, &options);
    for (int i = 0; i < QUEUES; i++) {
        uses[i] = (enum use)draw(3);
        queue_policies[i] =
            fixture_policy(&f, DESTINATION_QUEUE, queue_name(i));
        draw_queue_policy(queue_policies[i]);
    }
    fixture_policy(&f, DESTINATION_TOPIC, "d.0")->memory_limit.bytes =
        draw(2) == 0 ? 500 + draw(2000) : 0;
    topics_have_letters = draw(3) == 0;
    for (int i = 0; i < TOPICS; i++) {
        topic_policies[i] =
            fixture_policy(&f, DESTINATION_TOPIC, topic_name(i));
        draw_topic_policy(topic_policies[i]);
    }
    producers_begin();
    open_clients();
}

/* Some of what a client holds, oldest first or anywhere. */
static void
do_settle_some(struct model_client *client)
{
    unsigned count = draw(10);

    for (unsigned i = 0; i < count && client->held_count > 0; i++) {
        size_t at = draw(3) == 0 ? draw((unsigned)client->held_count) : 0;

        if (draw(5) == 0) {
            do_nack(client, at);
        } else {
            do_ack(client, at);
        }
    }
}

static void
do_client(struct model_client *client)
{
    struct model_sub *mine = &client->subs[draw(SUBS)];

    if (client->stopped) {
        close_client(client);
        open_client(client);
        return;
    }
    switch (draw(16)) {
    case 0:
    case 1:
    case 2:
        do_subscribe(client);
        break;
    case 3:
        if (mine->sub != NULL) {
            do_unsubscribe(client, mine);
        }
        break;
    case 4:
        close_client(client);
        open_client(client);
        break;
    case 5:
        if (!is_quick(client)) {
            core_client_congested(&client->client, draw(2) == 0);
        }
        break;
    case 6:
    case 7:
        if (!is_quick(client)) {
            do_transaction(client);
        }
        break;
    default:
        do_settle_some(client);
        break;
    }
}

static void
do_send(void)
{
    unsigned count = draw(4) == 0 ? draw(80) : draw(8);
    int queue = (int)draw(QUEUES);

    for (unsigned i = 0; i < count; i++) {
        send_to_queue(queue);
    }
    for (unsigned i = draw(6); i > 0; i--) {
        send_to_topic((int)draw(TOPICS));
    }
}

static void
step(void)
{
    unsigned what = draw(146);

    producers_turn();
    if (what < 25) {
        do_send();
    } else if (what < 75) {
        do_client(&clients[draw(CLIENTS)]);
    } else if (what < 90) {
        fixture_turn(&f);
        check_all();
    } else if (what < 94) {
        let_time_pass(1 + draw(100));
    } else if (what < 97) {
        do_store();
    } else if (what < 99) {
        check_at_rest();
    } else if (what < 104) {
        do_look();
    } else if (what < 105) {
        heal_store();
        do_purge();
    } else if (what < 125) {
        do_durable();
    } else if (what < 145) {
        do_producer();
    } else if (draw(4) == 0) {
        do_restart();
    }
}

/* Everything that was accepted and not acknowledged is there, once. */
static void
drain(void)
{
    struct model_client *client = &clients[0];

    close_clients();
    heal_store();
    open_clients();
    for (int i = 0; i < QUEUES; i++) {
        queue_policies[i]->slow_consumer = NULL; /* nobody is ended now */
    }
    for (int i = 0; i < QUEUES; i++) {
        struct subscribe_options options = options_of(ACK_CLIENT, 50);
        struct subscription_target target = { .kind = DESTINATION_QUEUE,
                                              .name =
                                                  span_of_text(queue_name(i)) };
        struct model_sub *mine = &client->subs[i];

        options.targets = &target;
        options.target_count = 1;
        *mine = (struct model_sub){ .queue = i, .key = -1 };
        mine->sub = core_subscribe(f.core, &client->client, &options, mine);
    }
    fixture_sleep_ms(&f, 5000); /* delays, holds */
    do {
        while (client->held_count > 0) {
            do_ack(client, 0);
        }
        settle();
    } while (client->held_count > 0);
    durables_drain();
    check_all();
    for (int i = 0; i < message_count; i++) {
        ck_assert_msg(messages[i].state >= DONE &&
                          messages[i].state <= EXPIRED_OR_PURGED,
                      "%d is lost, in state %d", i, (int)messages[i].state);
    }
    letters_drain();
    producers_drain();
}

static uint64_t
first_seed(void)
{
    const char *text = getenv("PROPERTY_SEED");

    return text != NULL ? strtoull(text, NULL, 10) : 1;
}

START_TEST(nothing_is_lost_doubled_or_out_of_order)
{
    begin(first_seed() + (uint64_t)_i);
    for (int i = 0; i < STEPS; i++) {
        step();
    }
    drain();
    close_clients();
    fixture_fini(&f);
}
END_TEST

static Suite *
suite(void)
{
    Suite *s = suite_create("property");
    TCase *t = tcase_create("property");
    const char *runs = getenv("PROPERTY_RUNS");

    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, nothing_is_lost_doubled_or_out_of_order, 0,
                        runs != NULL ? (int)strtol(runs, NULL, 10)
                                     : RUNS_DEFAULT);
    suite_add_tcase(s, t);
    return s;
}

int
main(void)
{
    return testutil_run(suite());
}
