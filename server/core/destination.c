/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/destination.h"

#include "base/alloc.h"
#include "server/core/core_private.h"

#include <assert.h>
#include <stdlib.h>

static char *
destination_key(enum destination_kind kind, struct span name)
{
    char *key = xmalloc(name.len + 1);

    key[0] = (char)kind;
    memcpy(key + 1, name.data, name.len);
    return key;
}

struct destination *
destination_find(struct core *core, enum destination_kind kind,
                 struct span name)
{
    char small[256];
    char *key = small;
    struct destination *dest;

    if (name.len + 1 <= sizeof(small)) {
        small[0] = (char)kind;
        memcpy(small + 1, name.data, name.len);
    } else {
        key = destination_key(kind, name);
    }
    HASH_FIND(hh, core->destinations, key, name.len + 1, dest);
    if (key != small) {
        free(key);
    }
    return dest;
}

static bool
destination_on_pattern(void *ctx, void *value)
{
    struct subscription_pattern *pattern = value;

    destination_attach(ctx, pattern->sub);
    return true;
}

struct destination *
destination_get(struct core *core, enum destination_kind kind,
                struct span name, struct client *owner)
{
    struct destination *dest = destination_find(core, kind, name);

    if (dest != NULL) {
        return dest;
    }
    dest = destination_kind_is_queue(kind) ? queue_new() : topic_new();
    dest->core = core;
    dest->kind = kind;
    dest->key = destination_key(kind, name);
    dest->key_len = name.len + 1;
    dest->policy = policy_ref(policy_map_find(core->policies, kind, name));
    HASH_ADD_KEYPTR(hh, core->destinations, dest->key, dest->key_len, dest);
    if (owner != NULL) {
        dest->owner = owner;
        dest->owned_next = owner->owned;
        owner->owned = dest;
    }
    if (destination_kind_is_queue(kind)) {
        core->stats.queues++;
    } else {
        core->stats.topics++;
        topic_open(topic_of(dest));
    }
    trie_match(core->wildcards[kind], name, destination_on_pattern, dest);
    return dest;
}

static void
attachment_unlink(struct attachment *attachment)
{
    struct subscription *sub = attachment->sub;

    topic_drop_pending(attachment);
    if (attachment->blocked) {
        DL_DELETE(sub->blocked, &attachment->member);
    } else {
        DL_DELETE(attachment->dest->members, &attachment->member);
    }
    attachment->dest->attachment_count--;
}

/* Takes one attachment of sub out of its list and frees it. */
static void
attachment_free(struct attachment **link)
{
    struct attachment *attachment = *link;

    *link = attachment->next;
    attachment_unlink(attachment);
    free(attachment);
}

static void
destination_disown(struct destination *dest)
{
    struct destination **link = &dest->owner->owned;

    while (*link != dest) {
        link = &(*link)->owned_next;
    }
    *link = dest->owned_next;
}

void
destination_remove(struct destination **dest)
{
    struct destination *gone = *dest;
    struct core *core = gone->core;
    struct policy *policy = gone->policy;

    *dest = NULL;
    assert(gone->attachment_count == 0);
    if (gone->owner != NULL) {
        destination_disown(gone);
    }
    HASH_DEL(core->destinations, gone);
    core->destinations_epoch++;
    free(gone->key);
    if (destination_kind_is_queue(gone->kind)) {
        core->stats.queues--;
        queue_free(queue_of(gone));
    } else {
        core->stats.topics--;
        topic_free(topic_of(gone));
    }
    policy_unref(&policy);
}

void
destination_member_insert(struct attachment *attachment)
{
    struct destination *dest = attachment->dest;
    const struct dispatch_policy *dispatch =
        destination_kind_is_queue(dest->kind) ? dest->policy->queue_dispatch
                                              : dest->policy->topic_dispatch;

    attachment->blocked = false;
    dispatch->insert(&dest->members, &attachment->member);
}

/* How many may wait for this subscription here: the policy's word, which the
 * client's own may only lower. */
static int64_t
attachment_pending_limit(const struct attachment *attachment)
{
    const struct policy *policy = attachment->dest->policy;
    int64_t limit = policy->pending_limit->value(
        &policy->pending_limit_parameters, attachment->sub->prefetch);
    int64_t wanted = attachment->sub->pending_limit_wanted;

    if (wanted >= 0 && (limit < 0 || wanted < limit)) {
        return wanted;
    }
    return limit;
}

void
destination_policy_set(struct destination *dest, struct policy *policy)
{
    struct policy *old = dest->policy;
    struct dispatch_member *member;

    dest->policy = policy_ref(policy);
    policy_unref(&old);
    if (destination_kind_is_queue(dest->kind)) {
        return;
    }
    /* All of a topic's are on this list. */
    DL_FOREACH (dest->members, member) {
        struct attachment *attachment = attachment_of(member);

        attachment->pending_limit = attachment_pending_limit(attachment);
    }
}

void
destination_attach(struct destination *dest, struct subscription *sub)
{
    struct attachment *attachment;

    for (attachment = sub->attachments; attachment != NULL;
         attachment = attachment->next) {
        if (attachment->dest == dest) {
            return;
        }
    }
    attachment = xcalloc(1, sizeof(*attachment));
    attachment->sub = sub;
    attachment->dest = dest;
    attachment->member.priority = sub->priority;
    attachment->member.order = sub->order;
    attachment->pending_limit = attachment_pending_limit(attachment);
    attachment->next = sub->attachments;
    sub->attachments = attachment;
    dest->attachment_count++;
    destination_member_insert(attachment);
    if (destination_kind_is_queue(dest->kind)) {
        queue_mark_dirty(queue_of(dest));
    } else if (sub->retroactive || dest->policy->always_retroactive) {
        topic_recover(topic_of(dest), attachment);
    }
}

void
destination_detach_all(struct subscription *sub)
{
    while (sub->attachments != NULL) {
        attachment_free(&sub->attachments);
    }
}
