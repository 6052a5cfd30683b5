/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/core.h"

#include "base/alloc.h"
#include "policy/pattern.h"
#include "server/core/attempts.h"
#include "server/core/core_private.h"
#include "server/core/durable.h"
#include "server/core/lane.h"
#include "server/core/lifecycle.h"
#include "server/core/queue_browse.h"
#include "server/core/schedule.h"
#include "server/core/topic_log.h"
#include "server/core/virtual.h"

#include <assert.h>
#include <stdlib.h>

/* Messages that one round hands out of one queue before the next queue and the
 * sockets have their turn. */
enum { CORE_DISPATCH_BUDGET = 4096, CORE_UNBLOCK_MAX = 256 };

const struct core_options core_options_default = {
    .memory_bytes = (size_t)1024 * 1024 * 1024,
    .queue_resident_bytes = (size_t)16 * 1024 * 1024,
    .prefetch_bytes = (size_t)1024 * 1024,
    .dedupe = { .window_ms = 120000, .count = 100000 },
    .broker_name = "stompd",
    .durable_timeout_us = -1,
};

static void
core_on_queue_found(void *ctx, struct store_queue *journal,
                    const struct store_queue_info *info)
{
    struct core *core = ctx;
    struct destination *dest;
    struct span name = info->name;
    uint8_t priority = 0;
    bool prioritized = lane_parse_journal_name(&name, &priority);

    if (schedule_is_journal_name(info->kind, info->name)) {
        schedule_adopt(core->schedule, journal, info);
        return;
    }
    if (info->kind == DESTINATION_TOPIC &&
        topic_log_parse_journal_name(&name)) {
        topic_log_adopt(core, name, journal, info);
        return;
    }
    if (info->kind == DESTINATION_TOPIC) {
        topic_adopt(core, journal, info);
        return;
    }
    if (info->kind == DESTINATION_TEMP_QUEUE) {
        store_queue_remove(core->store, &journal); /* its owner is gone */
        return;
    }
    dest = destination_get(core, info->kind, name, NULL);
    queue_adopt(queue_of(dest), prioritized, priority, journal, info);
}

/* Where there is no ceiling of the store, the disk is one. */
static struct policy_ceilings
core_find_ceilings(const struct core_options *options)
{
    return (struct policy_ceilings){
        .memory = options->memory_bytes,
        .store = options->store_bytes > 0 ? options->store_bytes
                                          : options->disk_bytes,
        .temp =
            options->temp_bytes > 0 ? options->temp_bytes : options->disk_bytes,
    };
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
    core->usage.stored.limit = options->store_bytes;
    core->usage.spilled.limit = options->temp_bytes;
    core->ceilings = core_find_ceilings(options);
    core->timers = timer_wheel_new(options->now_us);
    core->now_us = options->now_us;
    for (int kind = 0; kind < DESTINATION_KIND_COUNT; kind++) {
        core->wildcards[kind] = trie_new();
    }
    core->virtuals = virtual_table_new(policies);
    core->dedupe = dedupe_new(&options->dedupe, store);
    core->schedule = schedule_new(core);
    core->durable_patterns = trie_new();
    store_recover(store, core_on_queue_found, core);
    attempts_restore(core);
    durables_restore(core);
    topic_pasts_fit(core);
    schedule_start(core->schedule);
    for (struct topic *topic = core->recovering; topic != NULL;
         topic = topic->recovering_next) {
        topic_sweep(topic); /* begins to read what the store has of it */
    }
    return core;
}

void
core_close(struct core *core)
{
    struct destination *dest;
    struct destination *next;

    topic_log_flush(core);
    core->closing = true;
    dedupe_flush(core->dedupe);
    schedule_close(core->schedule);
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
    virtual_table_free(&gone->virtuals);
    dedupe_free(&gone->dedupe);
    schedule_free(&gone->schedule);
    durables_free(gone);
    delivery_pool_fini(&gone->pool);
    timer_wheel_free(&gone->timers);
    assert(gone->quota.used == 0);
    assert(gone->usage.stored.used == 0 && gone->usage.spilled.used == 0);
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

int64_t
core_now_us(const struct core *core)
{
    return core->now_us;
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

bool
core_has_backlog(struct destination *dest)
{
    return destination_kind_is_queue(dest->kind) &&
           dest->attachment_count > 0 &&
           queue_waiting_count(queue_of(dest)) > 0;
}

/* --- turn --------------------------------------------------------------- */

/* Members that had found no credit look again: some of them, as there may be
 * very many behind one subscription, and the rest when those had their turn. */
static void
core_unblock(struct core *core, struct subscription *sub)
{
    unsigned left = CORE_UNBLOCK_MAX;

    core_unmark_credited(core, sub);
    topic_drain_pending(sub);
    for (struct attachment *at = sub->attachments;
         at != NULL && sub->parked_count > 0; at = at->next) {
        if (at->parked != NULL) {
            queue_unpark(at);
        }
    }
    while (sub->blocked != NULL && left > 0 && subscription_has_credit(sub)) {
        queue_member_ready(attachment_of(sub->blocked));
        left--;
    }
    if (sub->blocked != NULL && left == 0) {
        core_mark_credited(core, sub);
    }
    if (sub->browser != NULL) {
        queue_browser_resume(sub->browser);
    }
}

/* Each subscription that has got credit, once. */
static void
core_unblock_all(struct core *core)
{
    size_t left = core->credited_count;

    for (; core->credited != NULL && left > 0; left--) {
        core_unblock(core, core->credited);
    }
}

bool
core_turn(struct core *core)
{
    struct queue *later = NULL;

    timer_wheel_advance(core->timers, core->now_us);
    core_unblock_all(core);
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
    if (core->reading_count == 0) {
        lane_pass_turn(core);
    }
    core_resume_blocked(core);
    return core->dirty_queues != NULL || core->credited != NULL;
}

void
core_turn_end(struct core *core)
{
    dedupe_flush(core->dedupe);
    topic_log_flush(core);
}

int64_t
core_due_us(const struct core *core)
{
    return timer_wheel_next_us(core->timers);
}

void
core_store_recovered(struct core *core)
{
    lifecycle_store_recovered(core);
}

void
core_sweep(struct core *core)
{
    for (struct topic *topic = core->recovering; topic != NULL;
         topic = topic->recovering_next) {
        topic_sweep(topic);
    }
    lifecycle_sweep(core);
    dedupe_sweep(core->dedupe, core->now_ms);
    durables_sweep(core);
    while (core->unreadable != NULL) {
        struct lane *lane = core->unreadable;

        core->unreadable = lane->unreadable_next;
        lane->unreadable = false;
        queue_mark_dirty(lane->queue); /* try again */
    }
}

/* --- clients ------------------------------------------------------------ */

void
core_client_open(struct core *core, struct client *client,
                 const struct client_ops *ops, void *ctx)
{
    *client = (struct client){
        .ops = ops, .ctx = ctx, .core = core, .order = ++core->client_count
    };
}

void
core_client_connected(struct client *client)
{
    struct core *core = client->core;

    client->connected = true;
    DL_APPEND2(core->clients, client, core_prev, core_next);
    if (core->advisory_listeners > 0) {
        advisory_connection(core, client, true);
    }
}

static void
core_client_disconnected(struct client *client)
{
    struct core *core = client->core;

    if (!client->connected) {
        return;
    }
    client->connected = false;
    DL_DELETE2(core->clients, client, core_prev, core_next);
    if (core->advisory_listeners > 0) {
        advisory_connection(core, client, false);
    }
}

/* Returns what a subscription has in flight, last first, so that each finds
 * its place at the head of the queue. */
static void
core_return_in_flight(struct core *core, struct subscription *sub)
{
    while (sub->in_flight != NULL) {
        struct delivery *delivery = sub->in_flight->prev;
        bool last = sub->in_flight_count == 1;

        core_return(core, delivery);
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
    client->stopped = true;
    core_client_disconnected(client);
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
    core_client_stop(client);
    assert(client->subscriptions == NULL);
    while (client->owned != NULL) {
        destination_orphan(client->owned);
    }
    core_client_await(client, false);
    core_client_unblock(client);
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
        if (subscription_is_waiting(sub)) {
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

    DL_FOREACH_SAFE2(core->awaiting, client, next, await_next)
    {
        client->ops->stored(client->ctx, ticket, result, err);
    }
}

void
core_release_message(void *message)
{
    struct message *msg = message;

    message_unref(&msg);
}

void
core_stats_get(const struct core *core, struct core_stats *stats_out)
{
    *stats_out = core->stats;
    stats_out->memory_bytes = core->quota.used;
    stats_out->scheduled = schedule_count(core->schedule);
    stats_out->timers = timer_wheel_count(core->timers);
}

const struct policy_ceilings *
core_ceilings(const struct core *core)
{
    return &core->ceilings;
}

void
core_usage_get(const struct core *core, struct core_usage *usage_out)
{
    *usage_out = (struct core_usage){
        .memory = core->quota,
        .store = core->usage.stored,
        .temp = core->usage.spilled,
    };
}
