/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether there is room for a SEND, and those that wait for it.  Every ceiling
 * is looked at before anything is taken, so each can be passed by one message;
 * what is in open transactions was looked at when it was sent.
 * Source: activemq.md 7.
 */
#include "server/core/core_private.h"
#include "server/core/virtual.h"

#include <stdio.h>

/* Who waits for memory goes on below this share of it, so that resuming is
 * worth the while. */
enum { ADMISSION_RESUME_PERCENT = 90 };

bool
core_is_full(const struct core *core)
{
    return quota_is_over(&core->quota) || store_is_congested(core->store);
}

static enum core_room
admission_find_temp_lack(const struct core *core,
                         const struct destination *dest)
{
    if (quota_reaches(&core->usage.spilled, 100)) {
        return CORE_ROOM_TEMP;
    }
    return quota_reaches(&dest->usage.spilled, 100) ? CORE_ROOM_DEST_TEMP
                                                    : CORE_ROOM_ENOUGH;
}

/* What a message that the store would have to keep finds no room in. */
static enum core_room
admission_find_store_lack(const struct core *core,
                          const struct destination *dest, bool persistent)
{
    const struct policy *policy = dest->policy;

    if (store_failure(core->store) != NULL) {
        return CORE_ROOM_DISK;
    }
    if (!persistent) {
        return admission_find_temp_lack(core, dest);
    }
    if (quota_reaches(&core->usage.stored, policy->store_usage_high_water)) {
        return CORE_ROOM_STORE;
    }
    return quota_reaches(&dest->usage.stored, 100) ? CORE_ROOM_DEST_STORE
                                                   : CORE_ROOM_ENOUGH;
}

enum core_room
core_find_lack(const struct core *core, struct destination *dest,
               bool persistent)
{
    if (store_is_congested(core->store)) {
        return CORE_ROOM_WRITES;
    }
    if (quota_is_over(&core->quota)) {
        return CORE_ROOM_MEMORY;
    }
    if (quota_reaches(&dest->quota, 100) &&
        dest->policy->producer_flow_control) {
        return CORE_ROOM_DEST_MEMORY;
    }
    if (!core_needs_store(dest, persistent)) {
        return CORE_ROOM_ENOUGH;
    }
    return admission_find_store_lack(core, dest, core_keeps(dest, persistent));
}

enum core_admission
core_admit(struct core *core, struct destination *dest,
           const struct client *producer, bool persistent,
           struct core_lack *lack_out)
{
    bool lacks =
        dest->route != NULL && virtual_find_lack(dest, persistent, lack_out);

    lack_out->persistent = persistent;
    if (!lacks) {
        lack_out->dest = dest;
        lack_out->room = core_find_lack(core, dest, persistent);
    }
    switch (lack_out->room) {
    case CORE_ROOM_ENOUGH:
        return CORE_ADMITTED;
    case CORE_ROOM_WRITES:
        return CORE_WAIT;
    case CORE_ROOM_MEMORY:
    case CORE_ROOM_DEST_MEMORY:
    case CORE_ROOM_STORE:
    case CORE_ROOM_DEST_STORE:
    case CORE_ROOM_TEMP:
    case CORE_ROOM_DEST_TEMP:
    case CORE_ROOM_DISK:
        break;
    }
    if (core->advisory_listeners > 0) {
        advisory_full(core, lack_out->dest, producer);
    }
    return lack_out->dest->policy->send_fail_if_no_space == POLICY_ON
               ? CORE_REFUSED
               : CORE_WAIT;
}

/* A ceiling of the destination's own. */
static void
admission_explain_own(const struct core_lack *lack, struct error *text_out)
{
    const struct destination *dest = lack->dest;
    const char *name = "memoryLimit";
    const struct quota *quota = &dest->quota;
    const struct units_share *share = &dest->policy->memory_limit;
    char part[32] = "";

    if (lack->room == CORE_ROOM_DEST_STORE) {
        name = "storeLimit";
        quota = &dest->usage.stored;
        share = &dest->policy->store_limit;
    } else if (lack->room == CORE_ROOM_DEST_TEMP) {
        name = "tempLimit";
        quota = &dest->usage.spilled;
        share = &dest->policy->temp_limit;
    }
    if (share->percent > 0) {
        (void)snprintf(part, sizeof(part), ", %u%% of the broker's",
                       share->percent);
    }
    (void)error_set(text_out,
                    "the destination has reached its %s of %zu bytes%s: "
                    "consume from it, or raise that",
                    name, quota->limit, part);
}

void
core_lack_explain(const struct core *core, const struct core_lack *lack,
                  struct error *text_out)
{
    const struct quota *store = &core->usage.stored;

    switch (lack->room) {
    case CORE_ROOM_ENOUGH:
    case CORE_ROOM_WRITES:
        (void)error_set(text_out, "the disk is behind with what was sent");
        return;
    case CORE_ROOM_MEMORY:
        (void)error_set(text_out,
                        "the messages in memory have reached limits.memory of "
                        "%zu bytes: consume some, or raise it",
                        core->quota.limit);
        return;
    case CORE_ROOM_DEST_MEMORY:
    case CORE_ROOM_DEST_STORE:
    case CORE_ROOM_DEST_TEMP:
        if (lack->dest != NULL) {
            admission_explain_own(lack, text_out);
        } else {
            (void)error_set(text_out, "the destination was full, and is gone");
        }
        return;
    case CORE_ROOM_STORE:
        (void)error_set(text_out,
                        "the store has %zu bytes, %u percent of storage.limit: "
                        "consume some, raise it, or "
                        "storeUsageHighWaterMark of the destination",
                        store->used, quota_percent(store));
        return;
    case CORE_ROOM_TEMP:
        (void)error_set(text_out,
                        "non-persistent messages on disk have reached "
                        "storage.tempLimit of %zu bytes: consume some, or "
                        "raise it",
                        core->usage.spilled.limit);
        return;
    case CORE_ROOM_DISK:
        (void)error_set(text_out, "persistent messages cannot be taken now: %s",
                        store_failure(core->store) != NULL
                            ? store_failure(core->store)->text
                            : "the store has failed");
        return;
    }
}

/* --- those that wait ------------------------------------------------------ */

void
core_client_block(struct client *client, const struct core_lack *lack)
{
    struct core *core = client->core;

    client->lack = *lack;
    if (!client->blocked) {
        client->blocked = true;
        DL_APPEND2(core->blocked, client, block_prev, block_next);
    }
}

void
core_client_unblock(struct client *client)
{
    if (client->blocked) {
        client->blocked = false;
        DL_DELETE2(client->core->blocked, client, block_prev, block_next);
    }
}

static bool
admission_has_memory(const struct quota *quota)
{
    return !quota_reaches(quota, ADMISSION_RESUME_PERCENT);
}

/* Whether what it lacked is there again, or not needed any more; the caller has
 * looked at what the whole broker has. */
static bool
admission_is_over(const struct core *core, const struct core_lack *lack)
{
    if (lack->dest == NULL) {
        return true; /* gone, or another policy: to be looked at anew */
    }
    if (lack->room == CORE_ROOM_DEST_MEMORY) {
        return admission_has_memory(&lack->dest->quota);
    }
    return core_find_lack(core, lack->dest, lack->persistent) != lack->room;
}

void
core_resume_blocked(struct core *core)
{
    struct client *client;
    struct client *next;

    if (core->blocked == NULL || !admission_has_memory(&core->quota) ||
        store_is_congested(core->store)) {
        return;
    }
    DL_FOREACH_SAFE2(core->blocked, client, next, block_next)
    {
        if (core_is_full(core)) {
            break; /* the one before has filled it again */
        }
        if (admission_is_over(core, &client->lack)) {
            core_client_unblock(client);
            client->ops->resume(client->ctx);
        }
    }
}

void
core_forget_blocked(struct core *core, const struct destination *dest)
{
    struct client *client;

    DL_FOREACH2(core->blocked, client, block_next)
    {
        if (client->lack.dest == dest) {
            client->lack.dest = NULL; /* resumed by the next turn */
        }
    }
}
