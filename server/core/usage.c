/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/usage.h"

#include "server/core/core_private.h"

/* As the store counts a record (store_queue_info.bytes). */
static size_t
usage_bytes(const struct message *msg)
{
    return msg->headers.len + msg->body.len;
}

/* Takes from both what the destination still has of it: records that damage
 * has made disappear were counted, or were not. */
static void
usage_take(struct quota *dest, struct quota *core, size_t bytes)
{
    size_t known = bytes < dest->used ? bytes : dest->used;

    quota_release(dest, known);
    quota_release(core, known);
}

void
usage_add(struct destination *dest, const struct message *msg, bool persistent)
{
    struct usage *all = &dest->core->usage;
    size_t bytes = usage_bytes(msg);

    quota_charge(persistent ? &dest->usage.stored : &dest->usage.spilled,
                 bytes);
    quota_charge(persistent ? &all->stored : &all->spilled, bytes);
}

void
usage_remove_bytes(struct destination *dest, size_t bytes, bool persistent)
{
    struct usage *all = &dest->core->usage;

    if (persistent) {
        usage_take(&dest->usage.stored, &all->stored, bytes);
    } else {
        usage_take(&dest->usage.spilled, &all->spilled, bytes);
    }
}

void
usage_remove(struct destination *dest, const struct message *msg,
             bool persistent)
{
    usage_remove_bytes(dest, usage_bytes(msg), persistent);
}

void
usage_convert(struct destination *dest, size_t bytes)
{
    usage_remove_bytes(dest, bytes, false);
    quota_charge(&dest->usage.stored, bytes);
    quota_charge(&dest->core->usage.stored, bytes);
}

void
usage_adopt(struct destination *dest, const struct store_queue_info *info)
{
    quota_charge(&dest->usage.stored, (size_t)info->bytes);
    quota_charge(&dest->core->usage.stored, (size_t)info->bytes);
}

void
usage_forget(struct destination *dest)
{
    struct usage *all = &dest->core->usage;

    usage_take(&dest->usage.stored, &all->stored, dest->usage.stored.used);
    usage_take(&dest->usage.spilled, &all->spilled, dest->usage.spilled.used);
}
