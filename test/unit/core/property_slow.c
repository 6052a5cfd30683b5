/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Consumers that the broker ends because they are slow.  Only where the policy
 * says so, none before its time, and never the quick one, that has acknowledged
 * all it has whenever time passes.  What they had comes to others.
 */
#include "test/unit/core/property.h"

#include <string.h>

static const struct model_client *const quick = &clients[CLIENTS - 1];

bool
is_quick(const struct model_client *client)
{
    return client == quick;
}

static const struct policy *
policy_of(const struct model_sub *mine)
{
    return mine->queue >= 0 ? queue_policies[mine->queue]
                            : topic_policies[mine->topic];
}

/* Whether a check after ms may find it slow. */
static bool
may_be_slow(const struct model_sub *mine, int64_t ms)
{
    const struct policy *policy = policy_of(mine);
    const struct slow_consumer_parameters *parameters =
        &policy->slow_consumer_parameters;

    if (policy->slow_consumer == &slow_consumer_abort) {
        return !subscription_has_credit(mine->sub);
    }
    return (mine->sub->in_flight_count > 0 ||
            !parameters->ignore_idle_consumers) &&
           f.now_us + ms * 1000 - mine->acked_us > parameters->max_since_ack_us;
}

/* Whether a check will. */
static bool
is_full(const struct model_sub *mine)
{
    return policy_of(mine)->slow_consumer == &slow_consumer_abort &&
           !subscription_has_credit(mine->sub) &&
           (mine->queue >= 0 ? queue_waiting_count(queue_at(mine->queue))
                             : mine->sub->attachments->pending_count) > 0;
}

static void
before_time_passes(struct model_sub *mine, int64_t ms)
{
    mine->slow = may_be_slow(mine, ms);
    mine->full = is_full(mine);
    pending_before_time_passes(mine, ms);
    mine->check_us = mine->sub->attachments->dest->slow_timer.due_us;
}

static void
after_time_passed(struct model_sub *mine)
{
    int64_t max = policy_of(mine)->slow_consumer_parameters.max_slow_count;

    pending_after_time_passed(mine);
    if (mine->sub->attachments->dest->slow_timer.due_us == mine->check_us) {
        return; /* there was no check */
    }
    mine->full_count = mine->full ? mine->full_count + 1 : 0;
    if (max > 0) {
        ck_assert_int_lt(mine->full_count, max); /* else it was ended */
    }
    if (!mine->slow) {
        mine->slow_count = 0;
    } else if (mine->slow_count++ == 0) {
        mine->slow_since_us = f.now_us;
    }
}

void
let_time_pass(int64_t ms)
{
    struct model_client *client = &clients[CLIENTS - 1];

    while (client->held_count > 0) {
        do_ack(client, 0);
    }
    for (size_t i = 0; i < (size_t)CLIENTS * SUBS; i++) {
        if (clients[i / SUBS].subs[i % SUBS].sub != NULL) {
            before_time_passes(&clients[i / SUBS].subs[i % SUBS], ms);
        }
    }
    fixture_sleep_ms(&f, ms);
    fixture_turn(&f);
    for (size_t i = 0; i < (size_t)CLIENTS * SUBS; i++) {
        if (clients[i / SUBS].subs[i % SUBS].sub != NULL) {
            after_time_passed(&clients[i / SUBS].subs[i % SUBS]);
        }
    }
}

void
draw_slow_policy(struct policy *policy)
{
    struct slow_consumer_parameters *parameters =
        &policy->slow_consumer_parameters;

    policy->slow_consumer =
        draw(2) == 0 ? NULL : slow_consumer_strategies[draw(2)];
    parameters->max_slow_count = draw(2) == 0 ? -1 : 1 + (int64_t)draw(3);
    parameters->max_slow_us = draw(2) == 0 ? -1 : 1 + (int64_t)draw(100000);
    parameters->check_period_us = 1 + (int64_t)draw(60000);
    parameters->abort_connection = draw(3) == 0;
    parameters->max_since_ack_us = draw(60000);
    parameters->ignore_idle_consumers = draw(4) != 0;
}

/* It was not ended sooner than the limits let it. */
static void
check_slow(const struct model_client *client, const struct model_sub *mine)
{
    const struct policy *policy = policy_of(mine);
    const struct slow_consumer_parameters *parameters =
        &policy->slow_consumer_parameters;
    int64_t since_us = mine->slow_count > 0 ? mine->slow_since_us : f.now_us;

    ck_assert_ptr_nonnull(policy->slow_consumer);
    ck_assert(mine->slow);
    ck_assert((parameters->max_slow_us > 0 &&
               f.now_us - since_us >= parameters->max_slow_us) ||
              (parameters->max_slow_count > 0 &&
               mine->slow_count + 1 >= parameters->max_slow_count));
    ck_assert(!is_quick(client) ||
              (policy->slow_consumer == &slow_consumer_abort_ack &&
               !parameters->ignore_idle_consumers));
}

/* As the session: what is un-acked goes back, but what a transaction has. */
static void
subscription_ends(struct model_client *client, struct model_sub *mine)
{
    struct subscription *sub = mine->sub;

    for (size_t i = 0; i < client->held_count;) {
        const struct held *held = &client->held[i];

        if (held->sub == sub && !held->in_tx && !held->automatic) {
            do_return(client, i);
        } else {
            i++;
        }
    }
    topic_sub_closes(mine);
    mine->sub = NULL;
    core_unsubscribe(sub);
}

void
on_ended(void *ctx, struct subscription *sub, const char *why,
         const char *reason, bool connection)
{
    struct model_client *client = ctx;
    struct model_sub *mine = sub->ctx;
    const struct policy *policy = policy_of(mine);

    ck_assert_ptr_eq(mine->sub, sub);
    ck_assert_str_eq(why, "slow consumer");
    ck_assert_uint_gt(strlen(reason), 0);
    ck_assert_int_eq(connection,
                     policy->slow_consumer_parameters.abort_connection);
    check_slow(client, mine);
    aborted++;
    if (connection) {
        stop_client(client);
    } else {
        subscription_ends(client, mine);
    }
}
