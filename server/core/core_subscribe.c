/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscribing: one subscription on one, several, or all matching destinations.
 */
#include "server/core/core_private.h"
#include "server/core/durable.h"
#include "server/core/queue_browse.h"
#include "server/core/virtual.h"

#include "base/alloc.h"
#include "policy/pattern.h"

#include <assert.h>
#include <stdlib.h>

/* The policy's prefetch for the kind of destination; for a wildcard from the
 * entry of its own pattern (design.md section 7). */
static uint32_t
core_policy_prefetch(const struct core *core,
                     const struct subscription_target *target, bool durable)
{
    const struct policy *policy =
        policy_map_find(core->policies, target->kind, target->name);

    if (durable) {
        return policy->durable_topic_prefetch;
    }
    return destination_kind_is_queue(target->kind) ? policy->queue_prefetch
                                                   : policy->topic_prefetch;
}

static void
core_subscribe_browser(struct core *core, struct subscription *sub,
                       const struct subscribe_options *options)
{
    const struct subscription_target *target = &options->targets[0];
    struct destination *dest =
        destination_find(core, target->kind, target->name);

    assert(dest != NULL && destination_kind_is_queue(dest->kind));
    sub->ack = ACK_AUTO; /* its credit comes back with what has left */
    if (!options->prefetch_set) {
        sub->prefetch = dest->policy->queue_browser_prefetch;
    }
    sub->browser = queue_browser_new(queue_of(dest), sub,
                                     dest->policy->max_browse_page_size,
                                     options->browse_follow);
}

static void
core_subscribe_wildcard(struct core *core, struct subscription *sub,
                        const struct subscription_target *target)
{
    struct subscription_pattern *pattern = xcalloc(1, sizeof(*pattern));
    struct destination *dest;
    struct destination *next;

    sub->wildcard = true;
    pattern->sub = sub;
    pattern->kind = target->kind;
    pattern->text = xstrndup(target->name.data, target->name.len);
    pattern->next = sub->patterns;
    sub->patterns = pattern;
    if (target->kind == DESTINATION_QUEUE &&
        virtual_is_consumer_queue(core, target->name)) {
        virtual_on_subscribed(
            destination_get(core, target->kind, target->name, NULL));
    }
    (void)trie_add(core->wildcards[target->kind], target->name, pattern);
    HASH_ITER(hh, core->destinations, dest, next) {
        if (dest->kind == target->kind && dest->cursor == NULL &&
            pattern_matches(target->name, destination_name_get(dest)) &&
            advisory_pattern_fits(target->name, dest)) {
            destination_attach(dest, sub);
        }
    }
}

static void
core_subscribe_target(struct core *core, struct subscription *sub,
                      const struct subscription_target *target)
{
    bool temporary = target->kind == DESTINATION_TEMP_QUEUE ||
                     target->kind == DESTINATION_TEMP_TOPIC;
    struct destination *dest;

    if (target->wildcard) {
        core_subscribe_wildcard(core, sub, target);
        return;
    }
    dest = destination_get(core, target->kind, target->name,
                           temporary ? sub->client : NULL);
    destination_attach(dest, sub);
    virtual_on_subscribed(dest);
}

static bool
core_hears_advisories(const struct subscribe_options *options)
{
    for (size_t i = 0; i < options->target_count; i++) {
        if (options->targets[i].kind == DESTINATION_TOPIC &&
            advisory_is_listener(options->targets[i].name)) {
            return true;
        }
    }
    return false;
}

/* As asked for, on no destination yet. */
static struct subscription *
core_subscription_new(struct core *core, struct client *client,
                      const struct subscribe_options *options, void *ctx)
{
    struct subscription *sub = xcalloc(1, sizeof(*sub));

    sub->client = client;
    sub->ctx = ctx;
    sub->ack = options->ack;
    sub->priority = options->priority;
    sub->order = core->next_order++;
    sub->since_us = core->now_us;
    sub->last_ack_us = core->now_us;
    sub->composite = options->target_count > 1;
    sub->retroactive = options->retroactive;
    sub->no_local = options->no_local;
    sub->exclusive = options->exclusive;
    sub->selector = options->selector;
    sub->pending_limit_wanted = options->pending_limit;
    sub->prefetch = options->prefetch_set
                        ? options->prefetch
                        : core_policy_prefetch(core, &options->targets[0],
                                               options->durable != NULL);
    sub->prefetch_bytes = options->prefetch_bytes > 0
                              ? options->prefetch_bytes
                              : core->options.prefetch_bytes;
    sub->hears_advisories = core_hears_advisories(options);
    return sub;
}

struct subscription *
core_subscribe(struct core *core, struct client *client,
               const struct subscribe_options *options, void *ctx)
{
    struct subscription *sub =
        core_subscription_new(core, client, options, ctx);

    core->advisory_listeners += sub->hears_advisories ? 1 : 0;
    DL_APPEND(client->subscriptions, sub);
    core->stats.subscriptions++;
    if (options->browse) {
        core_subscribe_browser(core, sub, options);
        return sub;
    }
    if (options->durable != NULL) {
        durable_activate(options->durable, sub);
        return sub;
    }
    for (size_t i = 0; i < options->target_count; i++) {
        core_subscribe_target(core, sub, &options->targets[i]);
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
    sub->closed = true;
    if (sub->durable != NULL) {
        durable_deactivate(sub->durable);
    }
    core->advisory_listeners -= sub->hears_advisories ? 1 : 0;
    destination_detach_all(sub);
    queue_browser_free(&sub->browser);
    core_unmark_credited(core, sub);
    subscription_free_if_done(sub);
}
