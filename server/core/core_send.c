/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: which destination, persistent or not, what the receipt waits for.
 */
#include "server/core/core_private.h"
#include "server/core/lifecycle.h"
#include "server/core/schedule.h"
#include "server/core/schedule_message.h"
#include "server/core/topic_log.h"
#include "server/core/virtual.h"

enum core_find
core_destination(struct core *core, struct client *client,
                 enum destination_kind kind, struct span name, bool create,
                 struct destination **dest_out)
{
    bool temporary =
        kind == DESTINATION_TEMP_QUEUE || kind == DESTINATION_TEMP_TOPIC;

    if (temporary && !create) {
        *dest_out = destination_find(core, kind, name);
        return *dest_out != NULL && !(*dest_out)->orphaned ? CORE_FOUND
                                                           : CORE_NOT_FOUND;
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

bool
core_allows_stealing(const struct core *core, enum destination_kind kind,
                     struct span name)
{
    return policy_map_find(core->policies, kind, name)
        ->allow_temp_destination_stealing;
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

bool
core_keeps(struct destination *dest, bool persistent)
{
    if (!destination_makes_persistent(dest, persistent)) {
        return false;
    }
    return destination_kind_is_queue(dest->kind)
               ? dest->kind == DESTINATION_QUEUE
               : topic_is_stored(topic_of(dest));
}

bool
core_needs_store(struct destination *dest, bool persistent)
{
    return core_keeps(dest, persistent) ||
           (destination_kind_is_queue(dest->kind)
                ? queue_is_paged(queue_of(dest))
                : topic_log_is_paged(topic_of(dest)));
}

bool
core_can_put(const struct core *core, struct destination *dest,
             const struct message *msg)
{
    bool expired = dest->kind == DESTINATION_TOPIC &&
                   message_is_expired(msg, core->now_ms);

    return expired || !core_needs_store(dest, msg->persistent) ||
           store_failure(core->store) == NULL;
}

bool
core_put(struct core *core, struct destination *dest, struct message *msg,
         const struct send_options *options)
{
    bool stored;

    if (destination_kind_is_queue(dest->kind)) {
        stored = destination_is_persistent(dest, msg);
        queue_push(queue_of(dest), msg, stored);
    } else if (message_is_expired(msg, core->now_ms)) {
        stored = false;
        topic_expire(topic_of(dest), msg);
    } else {
        /* Only where it is kept for those who come later. */
        stored = topic_publish(topic_of(dest), msg, options->sender);
    }
    return stored && options->wait && !core_use_async_send(core, dest, options);
}

struct dedupe_key
core_dedupe_key(const struct core *core, enum destination_kind kind,
                struct span name, struct span id)
{
    return dedupe_key_of(core->dedupe, kind, name, id);
}

static void
core_count_duplicate(struct core *core, struct destination *dest)
{
    core->stats.duplicates++;
    dest->duplicate_count++;
}

/* A message with an id: only when it is the first. */
static enum core_send __attribute__((noinline))
core_send_once(struct core *core, struct destination *dest, struct message *msg,
               const struct send_options *options, store_ticket *ticket_out)
{
    bool waits = options->wait && !core_use_async_send(core, dest, options);
    struct send_options first = *options;
    enum core_send sent;

    first.dedupe = NULL;
    switch (dedupe_find(core->dedupe, options->dedupe, core->now_ms)) {
    case DEDUPE_NEW:
        sent = core_send(core, dest, msg, &first, ticket_out);
        if (sent == CORE_SENT) {
            dedupe_add(core->dedupe, options->dedupe, core->now_ms,
                       dest->route != NULL
                           ? msg->persistent
                           : destination_is_persistent(dest, msg));
        }
        return sent;
    case DEDUPE_SEEN:
        break;
    case DEDUPE_KEPT:
        if (waits) {
            core_count_duplicate(core, dest);
            *ticket_out = store_ticket_take(core->store, true);
            return CORE_DUPLICATE_STORED;
        }
        break;
    }
    core_count_duplicate(core, dest);
    *ticket_out = 0;
    return CORE_DUPLICATE;
}

/* A message that is to be sent later: kept until then. */
static enum core_send __attribute__((noinline))
core_send_later(struct core *core, struct destination *dest,
                const struct message *msg, const struct send_options *options,
                store_ticket *ticket_out)
{
    struct message *made;

    if (store_failure(core->store) != NULL) {
        return CORE_STORE_FAILED;
    }
    made = options->prepared != NULL
               ? core_prepared_take_scheduled(options->prepared)
               : schedule_message_make(dest, msg);
    if (made == NULL) {
        return CORE_NO_MEMORY;
    }
    if (schedule_add(core->schedule, made) && options->wait &&
        !core_use_async_send(core, dest, options)) {
        *ticket_out = store_ticket_take(core->store, true);
    }
    return CORE_SENT;
}

enum core_send
core_send(struct core *core, struct destination *dest, struct message *msg,
          const struct send_options *options, store_ticket *ticket_out)
{
    if (options->dedupe != NULL) {
        return core_send_once(core, dest, msg, options, ticket_out);
    }
    *ticket_out = 0;
    if (msg->scheduled) {
        return core_send_later(core, dest, msg, options, ticket_out);
    }
    core->stats.received++;
    if (dest->route != NULL) {
        return virtual_send(core, dest, msg, options, ticket_out);
    }
    if (!core_can_put(core, dest, msg)) {
        return CORE_STORE_FAILED;
    }
    if (core_put(core, dest, msg, options)) {
        *ticket_out = store_ticket_take(core->store, true);
    }
    return CORE_SENT;
}

store_ticket
core_ticket(struct core *core)
{
    topic_log_flush(core); /* what was acknowledged is to be in it */
    return store_ticket_take(core->store, true);
}

const struct error *
core_store_failure(const struct core *core)
{
    return store_failure(core->store);
}

uint64_t
core_duplicates(const struct core *core)
{
    return core->stats.duplicates;
}

bool
core_survives(const struct core *core)
{
    return (core->store->engine->capabilities & STORE_CAN_SURVIVE) != 0;
}
