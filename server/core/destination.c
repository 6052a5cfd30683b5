/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/destination.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "protocol/headers.h"
#include "server/core/core_private.h"
#include "server/core/durable.h"
#include "server/core/queue_walk.h"
#include "server/core/slow_consumers.h"
#include "server/core/virtual.h"

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

void
destination_append_header(struct buf *out, struct span header,
                          enum destination_kind kind, struct span name)
{
    static const char *const prefixes[] = { "/queue/", "/topic/",
                                            "/temp-queue/", "/temp-topic/" };
    struct buf text = BUF_INIT;

    buf_append_span(&text, span_of_text(prefixes[kind]));
    buf_append_span(&text, name);
    header_append(out, header, buf_span(&text), STOMP_1_2);
    buf_fini(&text);
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

    if (advisory_pattern_fits(span_of_text(pattern->text), ctx)) {
        destination_attach(ctx, pattern->sub);
    }
    return true;
}

/* What the policy's limits come to here. */
static void
destination_set_limits(struct destination *dest)
{
    const struct policy_ceilings *all = &dest->core->ceilings;
    const struct policy *policy = dest->policy;

    dest->quota.limit =
        (size_t)units_share_of(&policy->memory_limit, all->memory);
    dest->usage.stored.limit =
        (size_t)units_share_of(&policy->store_limit, all->store);
    dest->usage.spilled.limit =
        (size_t)units_share_of(&policy->temp_limit, all->temp);
}

/* Fills in what all have and lists it; key, taken over, begins with kind and
 * name. */
static void
destination_list(struct core *core, struct destination *dest, char *key,
                 size_t key_len, size_t name_len)
{
    dest->core = core;
    dest->kind = (enum destination_kind)key[0];
    dest->key = key;
    dest->key_len = key_len;
    dest->name_len = name_len;
    dest->idle_since_us = core->now_us;
    dest->policy = policy_ref(policy_map_find(core->policies, dest->kind,
                                              destination_name_get(dest)));
    destination_set_limits(dest);
    HASH_ADD_KEYPTR(hh, core->destinations, dest->key, dest->key_len, dest);
}

/* Kind, topic, NUL, client-id, NUL, name. */
static char *
destination_durable_key(struct span topic, struct span key, size_t *len_out)
{
    struct buf text = BUF_INIT;

    buf_append_char(&text, DESTINATION_TOPIC);
    buf_append_span(&text, topic);
    buf_append_char(&text, '\0');
    buf_append_span(&text, key);
    *len_out = text.len;
    return text.data;
}

struct destination *
destination_find_durable(struct core *core, struct span topic, struct span key)
{
    size_t len;
    char *text = destination_durable_key(topic, key, &len);
    struct destination *dest;

    HASH_FIND(hh, core->destinations, text, len, dest);
    free(text);
    return dest;
}

struct destination *
destination_make_durable(struct topic_cursor *cursor, struct core *core,
                         struct span topic, struct span key)
{
    struct destination *dest = queue_new();
    size_t len;
    char *text = destination_durable_key(topic, key, &len);

    dest->cursor = cursor;
    destination_list(core, dest, text, len, topic.len);
    return dest;
}

struct destination *
destination_get(struct core *core, enum destination_kind kind, struct span name,
                struct client *owner)
{
    struct destination *dest = destination_find(core, kind, name);

    if (dest != NULL) {
        return dest;
    }
    dest = destination_kind_is_queue(kind) ? queue_new() : topic_new();
    destination_list(core, dest, destination_key(kind, name), name.len + 1,
                     name.len);
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
    virtual_on_made(dest);
    trie_match(core->wildcards[kind], name, destination_on_pattern, dest);
    if (kind == DESTINATION_TOPIC) {
        durable_on_topic_made(topic_of(dest));
    }
    if (core->advisory_listeners > 0) {
        advisory_destination(core, dest, true);
    }
    return dest;
}

static void
attachment_unlink(struct attachment *attachment)
{
    struct destination *dest = attachment->dest;

    dest->attachment_count--;
    if (dest->attachment_count == 0) {
        slow_consumers_stop(dest);
    }
    DL_DELETE2(dest->attachments, attachment, dest_prev, dest_next);
    if (destination_is_queue(dest)) {
        queue_on_detach(queue_of(dest), attachment);
    } else {
        topic_drop_pending(attachment);
        DL_DELETE(dest->members, &attachment->member);
    }
}

/* Takes one attachment of sub out of its list and frees it. */
static void
attachment_free(struct attachment **link)
{
    struct attachment *attachment = *link;

    *link = attachment->next;
    attachment_unlink(attachment);
    if (attachment->sub->client->core->advisory_listeners > 0) {
        advisory_consumer(attachment->sub->client->core, attachment, false);
    }
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
destination_orphan(struct destination *dest)
{
    struct destination *gone = dest;

    while (dest->attachments != NULL) {
        struct attachment *attachment = dest->attachments;
        struct attachment **link = &attachment->sub->attachments;

        while (*link != attachment) {
            link = &(*link)->next;
        }
        attachment_free(link);
    }
    if (!destination_is_queue(dest) || queue_of(dest)->in_flight_count == 0) {
        destination_remove(&gone);
        return;
    }
    queue_walks_stop(queue_of(dest));
    destination_disown(dest);
    dest->owner = NULL;
    dest->orphaned = true;
    queue_drop_waiting(queue_of(dest));
}

void
destination_orphan_durable(struct destination *dest)
{
    struct core *core = dest->core;
    struct buf key = BUF_INIT;

    HASH_DEL(core->destinations, dest);
    buf_append(&key, dest->key, dest->key_len);
    buf_append_char(&key, '\0');
    buf_append_u64(&key, core->next_order++); /* like no other */
    free(dest->key);
    dest->key = key.data;
    dest->key_len = key.len;
    HASH_ADD_KEYPTR(hh, core->destinations, dest->key, dest->key_len, dest);
    dest->orphaned = true;
}

/* What others have to know of it; a durable subscription's queue is nobody
 * else's business. */
static void
destination_on_removed(struct destination *dest)
{
    if (dest->core->advisory_listeners > 0) {
        advisory_destination(dest->core, dest, false);
    }
    virtual_on_removed(dest);
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
    core_forget_blocked(core, gone);
    if (gone->cursor == NULL) {
        destination_on_removed(gone);
    }
    core->destinations_epoch++;
    usage_forget(gone);
    free(gone->key);
    if (gone->cursor != NULL) {
        queue_free(queue_of(gone));
    } else if (destination_is_queue(gone)) {
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
    const struct dispatch_policy *dispatch = destination_is_queue(dest)
                                                 ? dest->policy->queue_dispatch
                                                 : dest->policy->topic_dispatch;

    attachment->place = ATTACHMENT_READY;
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

    dest->policy = policy_ref(policy);
    policy_unref(&old);
    destination_set_limits(dest);
    for (struct attachment *attachment = dest->attachments; attachment != NULL;
         attachment = attachment->dest_next) {
        attachment->pending_limit = attachment_pending_limit(attachment);
    }
    if (dest->attachments != NULL) {
        slow_consumers_start(dest); /* the old one may not have asked for it */
    }
}

void
destination_attach(struct destination *dest, struct subscription *sub)
{
    struct attachment *attachment;

    for (attachment = sub->composite ? sub->attachments : NULL;
         attachment != NULL; attachment = attachment->next) {
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
    slow_consumers_start(dest);
    DL_APPEND2(dest->attachments, attachment, dest_prev, dest_next);
    if (dest->core->advisory_listeners > 0) {
        advisory_consumer(dest->core, attachment, true);
    }
    if (destination_is_queue(dest)) {
        queue_on_attach(queue_of(dest), attachment);
        return;
    }
    destination_member_insert(attachment);
    if (sub->retroactive || dest->policy->always_retroactive) {
        topic_recover(topic_of(dest), attachment);
    }
    if (sub->hears_advisories && !sub->wildcard) {
        advisory_replay(dest->core, attachment);
    }
}

void
destination_detach_all(struct subscription *sub)
{
    while (sub->attachments != NULL) {
        attachment_free(&sub->attachments);
    }
}
