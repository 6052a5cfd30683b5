/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/usage.h"

#include "server/core/core_private.h"
#include "server/core/topic_log.h"

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

/* What a page took out of the journal, nobody will meet there again.  Where
 * LevelDB has given up a whole block, nothing can be taken out, and how much
 * is lost shows only when all that is not has been read. */
void
usage_on_damage(struct queue *queue, const struct store_page *page)
{
    struct topic_cursor *cursor = queue->base.cursor;

    if (cursor == NULL) {
        usage_remove_bytes(&queue->base, page->removed_bytes, true);
        queue->damaged = true;
    } else if (cursor->log != NULL) {
        usage_remove_bytes(topic_cursor_topic(cursor), page->removed_bytes,
                           true);
    }
}

/* What the lane has in the store, of what is resident. */
static void
usage_count_lane(const struct lane *lane, struct usage *found)
{
    const struct delivery *delivery;

    for (delivery = lane->held; delivery != NULL;
         delivery = delivery->held_next) {
        if (delivery->slot.batch != 0) {
            quota_charge(delivery->slot.spilled ? &found->spilled
                                                : &found->stored,
                         usage_bytes(delivery->msg));
        }
    }
}

static void
usage_lower(struct quota *dest, struct quota *core, size_t found)
{
    if (dest->used > found) {
        usage_take(dest, core, dest->used - found);
    }
}

void
usage_recount(struct queue *queue)
{
    struct destination *dest = &queue->base;
    struct usage *all = &dest->core->usage;
    struct usage found = { .stored = { .used = 0 } };
    const struct lane *lane;

    if (!queue->damaged || queue_is_paged(queue)) {
        return;
    }
    queue->damaged = false;
    for (lane = queue->lanes; lane != NULL; lane = lane->lower) {
        usage_count_lane(lane, &found);
    }
    usage_lower(&dest->usage.stored, &all->stored, found.stored.used);
    usage_lower(&dest->usage.spilled, &all->spilled, found.spilled.used);
}

void
usage_forget(struct destination *dest)
{
    struct usage *all = &dest->core->usage;

    usage_take(&dest->usage.stored, &all->stored, dest->usage.stored.used);
    usage_take(&dest->usage.spilled, &all->spilled, dest->usage.spilled.used);
}
