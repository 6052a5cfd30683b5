/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/core.h"

#include "base/alloc.h"
#include "policy/pattern.h"
#include "server/core/core_private.h"

#include <assert.h>
#include <stdlib.h>

/* Messages that one round hands out of one queue before the next queue and the
 * sockets have their turn. */
enum { CORE_DISPATCH_BUDGET = 4096 };
/* Blocked producers go on below this share of the limit. */
enum { CORE_RESUME_PERCENT = 90 };

const struct core_options core_options_default = {
    .memory_bytes = (size_t)1024 * 1024 * 1024,
    .queue_resident_bytes = (size_t)16 * 1024 * 1024,
    .prefetch_bytes = (size_t)1024 * 1024,
};

static void
core_on_queue_found(void *ctx, struct store_queue *journal,
                    const struct store_queue_info *info)
{
    struct core *core = ctx;
    struct destination *dest;

    if (info->kind == DESTINATION_TEMP_QUEUE) {
        store_queue_remove(core->store, &journal); /* its owner is gone */
        return;
    }
    dest = destination_get(core, info->kind, info->name, NULL);
    queue_adopt(queue_of(dest), journal, info);
}

struct core *
core_new(const struct core_options *options, struct policy_map *policies,
         struct store *store)
{
    struct core *core = xcalloc(1, sizeof(*core));

    core->options = *options;
    core->policies = policies;
    core->store = store;
    core->quota.limit = options->memory_bytes;
    for (int kind = 0; kind < DESTINATION_KIND_COUNT; kind++) {
        core->wildcards[kind] = trie_new();
    }
    store_recover(store, core_on_queue_found, core);
    return core;
}

void
core_close(struct core *core)
{
    struct destination *dest;
    struct destination *next;

    HASH_ITER(hh, core->destinations, dest, next) {
        struct destination *each = dest;

        destination_remove(&each);
    }
}

void
core_free(struct core **core)
{
    struct core *gone = *core;

    *core = NULL;
    if (gone == NULL) {
        return;
    }
    for (int kind = 0; kind < DESTINATION_KIND_COUNT; kind++) {
        trie_free(&gone->wildcards[kind]);
    }
    delivery_pool_fini(&gone->pool);
    assert(gone->quota.used == 0);
    free(gone);
}

void
core_time_set(struct core *core, int64_t now_us, int64_t now_ms)
{
    core->now_us = now_us;
    core->now_ms = now_ms;
}

void
core_time_advance(struct core *core, int64_t now_us)
{
    if (now_us > core->now_us) {
        core->now_ms += now_us / 1000 - core->now_us / 1000;
        core->now_us = now_us;
    }
}

void
core_policies_set(struct core *core, struct policy_map *policies)
{
    core->policies = policies;
}

int64_t
core_now_ms(const struct core *core)
{
    return core->now_ms;
}

uint64_t
core_connection_number(struct core *core)
{
    return ++core->connection_count;
}

struct quota *
core_quota(struct core *core)
{
    return &core->quota;
}

uint64_t
core_destinations_epoch(const struct core *core)
{
    return core->destinations_epoch;
}

/* --- credit ------------------------------------------------------------ */

void
core_mark_credited(struct core *core, struct subscription *sub)
{
    if (!sub->credited && !sub->closed) {
        sub->credited = true;
        DL_APPEND2(core->credited, sub, credit_prev, credit_next);
    }
}

void
core_in_flight_add(struct subscription *sub, struct delivery *delivery)
{
    delivery->state = DELIVERY_IN_FLIGHT;
    DL_APPEND(sub->in_flight, delivery);
    sub->in_flight_count++;
    sub->in_flight_bytes += delivery_bytes(delivery);
    if (sub->ack != ACK_AUTO) {
        sub->client->unacked_count++;
    }
}

static void
subscription_free_if_done(struct subscription *sub)
{
    if (!sub->closed || sub->in_flight_count > 0) {
        return;
    }
    DL_DELETE(sub->client->subscriptions, sub);
    sub->client->core->stats.subscriptions--;
    free(sub);
}

/* Something came back: someone may have been waiting for it. */
static void
subscription_credit_back(struct core *core, struct subscription *sub)
{
    if (sub->closed) {
        subscription_free_if_done(sub);
    } else if (sub->blocked != NULL || sub->pending != NULL) {
        core_mark_credited(core, sub);
    }
}

void
core_in_flight_remove(struct core *core, struct delivery *delivery)
{
    struct subscription *sub = delivery->sub;

    assert(delivery->state == DELIVERY_IN_FLIGHT);
    DL_DELETE(sub->in_flight, delivery);
    sub->in_flight_count--;
    sub->in_flight_bytes -= delivery_bytes(delivery);
    if (sub->ack != ACK_AUTO) {
        sub->client->unacked_count--;
    }
    delivery->sub = NULL;
    subscription_credit_back(core, sub);
}

void
core_sent(struct subscription *sub, uint32_t count, size_t bytes)
{
    struct core *core = sub->client->core;

    sub->in_flight_count -= count;
    sub->in_flight_bytes -= bytes;
    subscription_credit_back(core, sub);
}

/* Members that had found no credit look again. */
static void
core_unblock(struct core *core, struct subscription *sub)
{
    sub->credited = false;
    DL_DELETE2(core->credited, sub, credit_prev, credit_next);
    topic_drain_pending(sub);
    while (sub->blocked != NULL && subscription_has_credit(sub)) {
        struct attachment *attachment = attachment_of(sub->blocked);

        DL_DELETE(sub->blocked, &attachment->member);
        destination_member_insert(attachment);
        queue_mark_dirty(queue_of(attachment->dest));
    }
}

/* --- turn --------------------------------------------------------------- */

static void
core_resume_blocked(struct core *core)
{
    size_t low = core->quota.limit / 100 * CORE_RESUME_PERCENT;

    while (core->blocked != NULL && core->quota.used <= low &&
           !store_is_congested(core->store)) {
        struct client *client = core->blocked;

        client->blocked = false;
        DL_DELETE2(core->blocked, client, block_prev, block_next);
        client->ops->resume(client->ctx);
    }
}

bool
core_turn(struct core *core)
{
    struct queue *later = NULL;

    while (core->credited != NULL) {
        core_unblock(core, core->credited);
    }
    while (core->dirty_queues != NULL) {
        struct queue *queue = core->dirty_queues;

        DL_DELETE2(core->dirty_queues, queue, dirty_prev, dirty_next);
        queue->dirty = false;
        if (queue_dispatch(queue, CORE_DISPATCH_BUDGET)) {
            queue->dirty = true;
            DL_APPEND2(later, queue, dirty_prev, dirty_next);
        }
    }
    core->dirty_queues = later;
    core_resume_blocked(core);
    return core->dirty_queues != NULL || core->credited != NULL;
}

void
core_sweep(struct core *core)
{
    for (struct topic *topic = core->recovering; topic != NULL;
         topic = topic->recovery_next) {
        const struct recovery_policy *recovery = topic->base.policy->recovery;

        if (recovery->sweep != NULL) {
            recovery->sweep(topic->recovery, core->now_us);
        }
    }
}

/* --- clients ------------------------------------------------------------ */

void
core_client_open(struct core *core, struct client *client,
                 const struct client_ops *ops, void *ctx)
{
    *client = (struct client){ .ops = ops, .ctx = ctx, .core = core };
}

/* Returns what a subscription has in flight, last first, so that each finds
 * its place at the head of the queue. */
static void
core_return_in_flight(struct core *core, struct subscription *sub)
{
    while (sub->in_flight != NULL) {
        struct delivery *delivery = sub->in_flight->prev;
        bool last = sub->in_flight_count == 1;

        core_in_flight_remove(core, delivery);
        if (delivery->queue != NULL) {
            queue_return(delivery->queue, delivery);
        } else {
            delivery_free(&core->pool, &delivery);
        }
        if (last) {
            return; /* sub may be gone */
        }
    }
}

void
core_client_stop(struct client *client)
{
    struct subscription *sub;
    struct subscription *next;

    /* First nobody takes anything any more, then everything goes back. */
    for (sub = client->subscriptions; sub != NULL; sub = next) {
        next = sub->next;
        if (!sub->closed) {
            core_unsubscribe(sub);
        }
    }
    for (sub = client->subscriptions; sub != NULL; sub = next) {
        next = sub->next;
        if (sub->ack != ACK_AUTO) {
            core_return_in_flight(client->core, sub);
        }
    }
}

void
core_client_close(struct client *client)
{
    struct core *core = client->core;

    core_client_stop(client);
    assert(client->subscriptions == NULL);
    while (client->owned != NULL) {
        struct destination *dest = client->owned;

        destination_remove(&dest);
    }
    core_client_await(client, false);
    if (client->blocked) {
        client->blocked = false;
        DL_DELETE2(core->blocked, client, block_prev, block_next);
    }
}

void
core_client_congested(struct client *client, bool congested)
{
    client->congested = congested;
    if (congested) {
        return;
    }
    for (struct subscription *sub = client->subscriptions; sub != NULL;
         sub = sub->next) {
        if (sub->blocked != NULL || sub->pending != NULL) {
            core_mark_credited(client->core, sub);
        }
    }
}

void
core_client_await(struct client *client, bool awaiting)
{
    struct core *core = client->core;

    if (client->awaiting == awaiting) {
        return;
    }
    client->awaiting = awaiting;
    if (awaiting) {
        DL_APPEND2(core->awaiting, client, await_prev, await_next);
    } else {
        DL_DELETE2(core->awaiting, client, await_prev, await_next);
    }
}

void
core_on_committed(struct core *core, store_ticket ticket,
                  enum store_result result, const struct error *err)
{
    struct client *client;
    struct client *next;

    DL_FOREACH_SAFE2(core->awaiting, client, next, await_next) {
        client->ops->stored(client->ctx, ticket, result, err);
    }
}

void
core_release_message(void *message)
{
    struct message *msg = message;

    message_unref(&msg);
}

bool
core_is_full(const struct core *core)
{
    return quota_is_over(&core->quota) || store_is_congested(core->store);
}

void
core_client_block(struct client *client)
{
    struct core *core = client->core;

    if (!client->blocked) {
        client->blocked = true;
        DL_APPEND2(core->blocked, client, block_prev, block_next);
    }
}

/* --- sending ------------------------------------------------------------ */

enum core_find
core_destination(struct core *core, struct client *client,
                 enum destination_kind kind, struct span name, bool create,
                 struct destination **dest_out)
{
    bool temporary =
        kind == DESTINATION_TEMP_QUEUE || kind == DESTINATION_TEMP_TOPIC;

    if (temporary && !create) {
        *dest_out = destination_find(core, kind, name);
        return *dest_out != NULL ? CORE_FOUND : CORE_NOT_FOUND;
    }
    *dest_out = destination_get(core, kind, name, temporary ? client : NULL);
    return CORE_FOUND;
}

/* Whether a RECEIPT need not wait for the disk.  The narrower level wins:
 * listener, broker, policy, connection (design.md section 8). */
static bool
core_use_async_send(const struct core *core, const struct destination *dest,
                    const struct send_options *options)
{
    if (options->use_async_send != POLICY_UNSET) {
        return options->use_async_send == POLICY_ON;
    }
    if (dest->policy->use_async_send != POLICY_UNSET) {
        return dest->policy->use_async_send == POLICY_ON;
    }
    if (core->options.use_async_send_set) {
        return core->options.use_async_send;
    }
    return options->listener_async_send == POLICY_ON;
}

static bool
core_is_persistent(const struct destination *dest, const struct message *msg)
{
    switch (dest->policy->delivery_mode) {
    case POLICY_DELIVERY_PERSISTENT:
        return true;
    case POLICY_DELIVERY_NON_PERSISTENT:
        return false;
    case POLICY_DELIVERY_AS_SENT:
        break;
    }
    return msg->persistent;
}

enum core_send
core_send(struct core *core, struct destination *dest, struct message *msg,
          const struct send_options *options, store_ticket *ticket_out)
{
    bool persistent = core_is_persistent(dest, msg);
    struct queue *queue;

    *ticket_out = 0;
    core->stats.received++;
    if (!destination_kind_is_queue(dest->kind)) {
        if (message_is_expired(msg, core->now_ms)) {
            core->stats.expired++;
        } else {
            topic_publish(topic_of(dest), msg, options->sender);
        }
        return CORE_SENT;
    }
    queue = queue_of(dest);
    if ((persistent || queue->paged_count > 0) &&
        store_failure(core->store) != NULL) {
        return CORE_STORE_FAILED;
    }
    queue_push(queue, msg, persistent);
    if (options->wait && persistent &&
        !core_use_async_send(core, dest, options)) {
        *ticket_out = store_ticket_take(core->store, true);
    }
    return CORE_SENT;
}

store_ticket
core_ticket(struct core *core)
{
    return store_ticket_take(core->store, true);
}

const struct error *
core_store_failure(const struct core *core)
{
    return store_failure(core->store);
}

/* --- subscribing -------------------------------------------------------- */

/* The policy's prefetch for the kind of destination; for a wildcard from the
 * entry of its own pattern (design.md section 7). */
static uint32_t
core_policy_prefetch(const struct core *core,
                     const struct subscription_target *target)
{
    const struct policy *policy =
        policy_map_find(core->policies, target->kind, target->name);

    return destination_kind_is_queue(target->kind) ? policy->queue_prefetch
                                                   : policy->topic_prefetch;
}

static void
core_subscribe_wildcard(struct core *core, struct subscription *sub,
                        const struct subscription_target *target)
{
    struct subscription_pattern *pattern = xcalloc(1, sizeof(*pattern));
    struct destination *dest;
    struct destination *next;

    pattern->sub = sub;
    pattern->kind = target->kind;
    pattern->text = xstrndup(target->name.data, target->name.len);
    pattern->next = sub->patterns;
    sub->patterns = pattern;
    (void)trie_add(core->wildcards[target->kind], target->name, pattern);
    HASH_ITER(hh, core->destinations, dest, next) {
        if (dest->kind == target->kind &&
            pattern_matches(target->name, destination_name_get(dest))) {
            destination_attach(dest, sub);
        }
    }
}

struct subscription *
core_subscribe(struct core *core, struct client *client,
               const struct subscribe_options *options, void *ctx)
{
    struct subscription *sub = xcalloc(1, sizeof(*sub));

    sub->client = client;
    sub->ctx = ctx;
    sub->ack = options->ack;
    sub->priority = options->priority;
    sub->order = core->next_order++;
    sub->retroactive = options->retroactive;
    sub->no_local = options->no_local;
    sub->pending_limit_wanted = options->pending_limit;
    sub->prefetch = options->prefetch_set
                        ? options->prefetch
                        : core_policy_prefetch(core, &options->targets[0]);
    sub->prefetch_bytes = options->prefetch_bytes > 0
                              ? options->prefetch_bytes
                              : core->options.prefetch_bytes;
    DL_APPEND(client->subscriptions, sub);
    core->stats.subscriptions++;
    for (size_t i = 0; i < options->target_count; i++) {
        const struct subscription_target *target = &options->targets[i];
        bool temporary = target->kind == DESTINATION_TEMP_QUEUE ||
                         target->kind == DESTINATION_TEMP_TOPIC;

        if (target->wildcard) {
            core_subscribe_wildcard(core, sub, target);
        } else {
            destination_attach(destination_get(core, target->kind,
                                               target->name,
                                               temporary ? client : NULL),
                               sub);
        }
    }
    return sub;
}

void
core_unsubscribe(struct subscription *sub)
{
    struct core *core = sub->client->core;

    assert(!sub->closed);
    while (sub->patterns != NULL) {
        struct subscription_pattern *pattern = sub->patterns;

        sub->patterns = pattern->next;
        (void)trie_remove(core->wildcards[pattern->kind],
                          span_of_text(pattern->text), pattern);
        free(pattern->text);
        free(pattern);
    }
    destination_detach_all(sub);
    if (sub->credited) {
        sub->credited = false;
        DL_DELETE2(core->credited, sub, credit_prev, credit_next);
    }
    sub->closed = true;
    subscription_free_if_done(sub);
}

/* --- acknowledging ------------------------------------------------------ */

void
core_ack(struct core *core, struct delivery *delivery)
{
    struct queue *queue = delivery->queue;

    assert(delivery->tx == NULL);
    core->stats.acknowledged++;
    core_in_flight_remove(core, delivery);
    if (queue == NULL) {
        delivery_free(&core->pool, &delivery);
        return;
    }
    queue->in_flight_count--;
    if (queue->base.policy->advisory_for_consumed) {
        core_advise_consumed(core, queue, delivery);
    }
    queue_remove_delivery(queue, delivery);
}

/* Whether a NACK of this delivery is its last. */
static bool
core_is_last_attempt(const struct queue *queue,
                     const struct delivery *delivery)
{
    int64_t maximum = queue->base.policy->maximum_redeliveries;

    return maximum >= 0 && (int64_t)delivery->attempts > maximum;
}

void
core_nack(struct core *core, struct delivery *delivery,
          const struct nack_options *options)
{
    struct queue *queue = delivery->queue;
    struct span cause = options->reason;

    assert(delivery->tx == NULL);
    core_in_flight_remove(core, delivery);
    if (queue == NULL) {
        delivery_free(&core->pool, &delivery); /* a topic has no second try */
        return;
    }
    if (!options->dead_letter && (!core_is_last_attempt(queue, delivery) ||
                                  core_is_dead_letter_queue(queue))) {
        queue_return(queue, delivery);
        return;
    }
    if (cause.len == 0) {
        cause = options->dead_letter
                    ? SPAN("refused by its consumer (NACK, requeue:false)")
                    : SPAN("refused by its consumers (NACK) more often than "
                           "maximumRedeliveries");
    }
    queue->in_flight_count--;
    core_dead_letter(core, queue, delivery, cause, false);
}

void
core_unsend(struct core *core, struct delivery *delivery)
{
    struct queue *queue = delivery->queue;

    core_in_flight_remove(core, delivery);
    delivery->attempts--;
    queue_return(queue, delivery);
}

void
core_stats_get(const struct core *core, struct core_stats *stats_out)
{
    *stats_out = core->stats;
    stats_out->memory_bytes = core->quota.used;
}
