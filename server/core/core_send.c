/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: which destination, persistent or not, what the receipt waits for.
 */
#include "server/core/core_private.h"
#include "server/core/lifecycle.h"

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
    *dest_out = destination_find(core, kind, name);
    if (*dest_out == NULL) {
        if (!lifecycle_allows_one_more(
                core, policy_map_find(core->policies, kind, name))) {
            return CORE_TOO_MANY;
        }
        *dest_out =
            destination_get(core, kind, name, temporary ? client : NULL);
    }
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

/* Waits for the disk only where the topic keeps the message for those who come
 * later. */
static enum core_send
core_send_topic(struct topic *topic, struct message *msg,
                const struct send_options *options, store_ticket *ticket_out)
{
    struct core *core = topic->base.core;

    if (message_is_expired(msg, core->now_ms)) {
        topic_expire(topic, msg);
        return CORE_SENT;
    }
    if (topic_is_stored(topic) &&
        destination_is_persistent(&topic->base, msg) &&
        store_failure(core->store) != NULL) {
        return CORE_STORE_FAILED;
    }
    if (topic_publish(topic, msg, options->sender) && options->wait &&
        !core_use_async_send(core, &topic->base, options)) {
        *ticket_out = store_ticket_take(core->store, true);
    }
    return CORE_SENT;
}

bool
core_is_full(const struct core *core)
{
    return quota_is_over(&core->quota) || store_is_congested(core->store);
}

enum core_admission
core_admit(struct core *core, const struct destination *dest,
           const struct client *producer)
{
    const struct policy *policy = dest->policy;

    if (core_is_full(core)) {
        return CORE_BROKER_FULL;
    }
    if (dest->quota.limit == 0 || dest->quota.used < dest->quota.limit ||
        !policy->producer_flow_control) {
        return CORE_ADMITTED;
    }
    if (core->advisory_listeners > 0) {
        advisory_full(core, dest, producer);
    }
    return policy->send_fail_if_no_space == POLICY_ON ? CORE_NO_SPACE
                                                      : CORE_DEST_FULL;
}

enum core_send
core_send(struct core *core, struct destination *dest, struct message *msg,
          const struct send_options *options, store_ticket *ticket_out)
{
    bool persistent = destination_is_persistent(dest, msg);
    struct queue *queue;

    *ticket_out = 0;
    core->stats.received++;
    if (!destination_kind_is_queue(dest->kind)) {
        return core_send_topic(topic_of(dest), msg, options, ticket_out);
    }
    queue = queue_of(dest);
    if ((persistent || queue_is_paged(queue)) &&
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
