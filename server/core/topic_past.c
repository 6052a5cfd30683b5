/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A topic's past: what its recovery policy keeps.  Persistent messages among it
 * stand in a journal of the store for as long as the policy keeps them, and
 * are read back after a restart.  Until they have been, in their order, what
 * is published is kept aside, so that nothing overtakes: a subscriber that
 * asked for the past gets it, then what came since, exactly as if it had been
 * there all the time.  Source: activemq.md 4.
 */
#include "server/core/topic_private.h"

#include "base/alloc.h"
#include "protocol/headers.h"
#include "server/core/select.h"
#include "server/core/topic_log.h"
#include "server/log.h"

#include <assert.h>
#include <stdlib.h>

/* One page of reading back. */
enum { TOPIC_PAGE_COUNT = 2000, TOPIC_PAGE_BYTES = 1024 * 1024 };
/* What the pasts that are read back may take of the memory, so that producers
 * go on. */
enum { TOPIC_PAST_PERCENT = 80 };

/* What a recovery policy holds: a message, and its place in the journal. */
struct topic_past_item {
    struct topic_past_item *next; /* topic_restore.later */
    struct topic *topic;
    struct message *msg; /* held */
    uint64_t sender;     /* client.order, for no-local */
    int64_t sent_us;
    uint64_t seq;
    struct store_slot slot;
    unsigned holds;
};

/* While the journal is being read. */
struct topic_restore {
    struct store_fetch *fetch; /* NULL after a failed read: again later */
    uint64_t next_seq;
    uint64_t end_seq;              /* from here on it is of this run */
    struct topic_past_item *later; /* published meanwhile, oldest first */
    struct topic_past_item **later_end;
    uint64_t later_count;
    size_t claim_bytes; /* of memory, for all that is to be read */
    size_t cut_bytes;   /* of that, the oldest, for which there is none */
    uint64_t cut_count;
    size_t unread_bytes; /* of the store, what is not to come is damaged */
    bool read_failed;    /* the log has said so */
};

struct topic_past {
    struct recovery_state *state;
    struct selector *query;      /* queryBased; NULL = everything */
    struct store_queue *journal; /* NULL until something is stored */
    uint64_t next_seq;
    struct topic_restore *restore;
    size_t item_count; /* held, in either place */
};

/* --- items ---------------------------------------------------------------- */

static struct topic_past_item *
topic_past_item_new(struct topic *topic, struct message *msg)
{
    struct topic_past_item *item = xcalloc(1, sizeof(*item));

    item->topic = topic;
    item->msg = message_ref(msg);
    item->sent_us = topic->base.core->now_us;
    item->holds = 1;
    topic->past->item_count++;
    return item;
}

static void
topic_past_on_hold(void *opaque)
{
    struct topic_past_item *item = opaque;

    item->holds++;
}

/* The last hold takes the record along, but at the end of the process. */
static void
topic_past_on_release(void *opaque)
{
    struct topic_past_item *item = opaque;
    struct core *core = item->topic->base.core;

    if (--item->holds > 0) {
        return;
    }
    if (item->slot.batch != 0 && !core->closing) {
        usage_remove(&item->topic->base, item->msg, true);
        store_delete(core->store, item->topic->past->journal, item->seq,
                     item->slot);
    }
    item->topic->past->item_count--;
    message_unref(&item->msg);
    free(item);
}

/* Puts a persistent message into the journal; true when it is there. */
static bool
topic_past_store(struct topic_past_item *item)
{
    struct topic *topic = item->topic;
    struct topic_past *past = topic->past;
    struct core *core = topic->base.core;
    struct store_record record;

    if (item->slot.batch != 0) {
        return true;
    }
    /* Sends are refused while the store has failed; what the broker itself
     * publishes is kept in memory then. */
    if (!topic_is_stored(topic) ||
        !destination_is_persistent(&topic->base, item->msg) ||
        store_failure(core->store) != NULL) {
        return false;
    }
    if (past->journal == NULL) {
        past->journal = store_queue_open(core->store, topic->base.kind,
                                         destination_name_get(&topic->base));
    }
    item->seq = past->next_seq++;
    usage_add(&topic->base, item->msg, true);
    record = message_record(item->msg, item->seq, true);
    item->slot =
        store_put(core->store, past->journal, &record, message_ref(item->msg));
    return true;
}

/* What the header ActiveMQ.Retain asks for. */
static enum recovery_retain
topic_past_retain(const struct topic *topic, const struct message *msg)
{
    if (topic->base.policy->recovery != &recovery_retained ||
        !span_is_true(
            headers_block_find(msg->headers, SPAN("ActiveMQ.Retain")))) {
        return RECOVERY_RETAIN_NO;
    }
    return msg->body.len > 0 ? RECOVERY_RETAIN_KEEP : RECOVERY_RETAIN_CLEAR;
}

/* Gives the item to the policy, and stores it if that keeps it; the caller's
 * hold ends.  True when it has been stored. */
static bool
topic_past_take(struct topic *topic, struct topic_past_item *item)
{
    struct recovery_item record = {
        .message = item,
        .bytes = message_bytes(item->msg),
        .sent_us = item->sent_us,
        .expires_ms = item->msg->expires_ms,
        .retain = topic_past_retain(topic, item->msg),
    };
    bool stored = false;

    topic->base.policy->recovery->record(topic->past->state, &record);
    if (item->holds > 1) {
        stored = topic_past_store(item);
    }
    topic_past_on_release(item);
    return stored;
}

bool
topic_past_record(struct topic *topic, struct message *msg, uint64_t sender)
{
    struct topic_past_item *item = topic_past_item_new(topic, msg);
    struct topic_restore *restore = topic->past->restore;

    item->sender = sender;
    if (restore == NULL) {
        return topic_past_take(topic, item);
    }
    *restore->later_end = item;
    restore->later_end = &item->next;
    restore->later_count++;
    return topic_past_store(item);
}

/* --- life ----------------------------------------------------------------- */

static bool
topic_past_on_query(void *query_state, void *message)
{
    const struct topic_past *past = query_state;
    const struct topic_past_item *item = message;

    return past->query == NULL ||
           select_matches(past->query, &item->topic->base, item->msg, 0);
}

struct topic_past *
topic_past_open(struct topic *topic)
{
    const struct policy *policy = topic->base.policy;
    struct recovery_parameters parameters = policy->recovery_parameters;
    struct topic_past *past;

    if (policy->recovery->open == NULL) {
        return NULL;
    }
    past = xcalloc(1, sizeof(*past));
    past->next_seq = 1;
    if (parameters.query != NULL) {
        /* The loader has looked at it already. */
        (void)selector_parse(span_of_text(parameters.query), &past->query,
                             NULL);
    }
    parameters.hold = topic_past_on_hold;
    parameters.release = topic_past_on_release;
    parameters.accepts = topic_past_on_query;
    parameters.query_state = past;
    past->state = policy->recovery->open(&parameters);
    return past;
}

static void
topic_restore_free(struct topic_past *past, struct core *core)
{
    struct topic_restore *restore = past->restore;

    if (restore->fetch != NULL) {
        store_fetch_cancel(core->store, restore->fetch);
    }
    while (restore->later != NULL) {
        struct topic_past_item *item = restore->later;

        restore->later = item->next;
        topic_past_on_release(item);
    }
    free(restore);
    past->restore = NULL;
}

void
topic_past_close(struct topic *topic)
{
    struct topic_past *past = topic->past;
    struct core *core = topic->base.core;

    if (past->restore != NULL) {
        topic_restore_free(past, core);
    }
    topic->base.policy->recovery->close(&past->state);
    if (past->journal != NULL && !core->closing) {
        store_queue_remove(core->store, &past->journal);
    }
    selector_free(&past->query);
    free(past);
    topic->past = NULL;
}

bool
topic_is_empty(const struct topic *topic)
{
    return !topic_log_is_used(topic) &&
           (topic->past == NULL ||
            (topic->past->item_count == 0 && topic->past->restore == NULL));
}

bool
topic_is_stored(const struct topic *topic)
{
    const struct store *store = topic->base.core->store;

    return (topic->past != NULL || topic_log_is_used(topic)) &&
           topic->base.kind == DESTINATION_TOPIC &&
           (store->engine->capabilities & STORE_CAN_SURVIVE) != 0;
}

/* --- recovering ----------------------------------------------------------- */

static void
topic_on_recovered(void *ctx, const struct recovery_item *recovered)
{
    /* Always by way of pending: the RECEIPT of the SUBSCRIBE comes first, and
     * the limit counts from the first message on only what finds no credit. */
    struct attachment *attachment = ctx;
    const struct topic_past_item *item = recovered->message;
    struct topic_offer offer =
        topic_offer_of(item->topic, item->msg, item->sender);
    unsigned notes = attachment->dest->policy->mark_recovered
                         ? (unsigned)SUBSCRIPTION_NOTE_RECOVERED
                         : 0;

    if (recovered->retain == RECOVERY_RETAIN_KEEP) {
        notes |= SUBSCRIPTION_NOTE_RETAINED;
    }
    if (topic_wants(attachment, &offer)) {
        topic_pending_add(attachment, item->msg, notes);
    }
}

static void
topic_past_visit(struct topic *topic, struct attachment *attachment)
{
    struct core *core = topic->base.core;

    topic->base.policy->recovery->visit_all(topic->past->state, core->now_us,
                                            core->now_ms, topic_on_recovered,
                                            attachment);
    core_mark_credited(core, attachment->sub);
}

void
topic_recover(struct topic *topic, struct attachment *attachment)
{
    struct topic_past *past = topic->past;

    if (past == NULL) {
        return;
    }
    if (past->restore != NULL) {
        attachment->awaits_past = true;
        attachment->past_place = past->restore->later_count;
    } else {
        topic_past_visit(topic, attachment);
    }
}

/* A copy that says so, where the policy wants that. */
static void
topic_on_recovered_durably(void *ctx, const struct recovery_item *recovered)
{
    struct topic_cursor *cursor = ctx;
    const struct topic_past_item *item = recovered->message;
    struct message *msg = message_ref(item->msg);

    if (item->topic->base.policy->mark_recovered) {
        message_unref(&msg);
        msg = message_with_line(item->msg, SPAN("recovered:true\n"));
    }
    if (msg != NULL) {
        topic_cursor_recover(cursor, msg);
        message_unref(&msg);
    }
}

static void
topic_past_visit_durably(struct topic *topic, struct topic_cursor *cursor)
{
    struct core *core = topic->base.core;

    topic->base.policy->recovery->visit_all(topic->past->state, core->now_us,
                                            core->now_ms,
                                            topic_on_recovered_durably, cursor);
}

void
topic_recover_cursor(struct topic *topic, struct topic_cursor *cursor)
{
    struct topic_past *past = topic->past;

    if (past == NULL) {
        return;
    }
    if (past->restore != NULL) {
        cursor->awaits_past = true;
        cursor->past_place = past->restore->later_count;
    } else {
        topic_past_visit_durably(topic, cursor);
    }
}

/* --- reading back --------------------------------------------------------- */

bool
topic_past_is_restoring(const struct topic *topic)
{
    return topic->past->restore != NULL;
}

/* Who came when so many messages had been published since the start. */
static void
topic_restore_admit(struct topic *topic, uint64_t place)
{
    struct dispatch_member *member;

    DL_FOREACH(topic->base.members, member) {
        struct attachment *attachment = attachment_of(member);

        if (attachment->awaits_past && attachment->past_place == place) {
            topic_past_visit(topic, attachment);
        }
    }
    for (struct topic_cursor *cursor = topic_log_cursors(topic); cursor != NULL;
         cursor = cursor->next) {
        if (cursor->awaits_past && cursor->past_place == place) {
            topic_past_visit_durably(topic, cursor);
        }
    }
}

/* A message that was published meanwhile, to those that waited then. */
static void
topic_restore_give(struct topic *topic, const struct topic_past_item *item,
                   uint64_t place)
{
    struct topic_offer offer = topic_offer_of(topic, item->msg, item->sender);
    struct dispatch_member *member;

    DL_FOREACH(topic->base.members, member) {
        struct attachment *attachment = attachment_of(member);

        if (attachment->awaits_past && attachment->past_place <= place &&
            topic_wants(attachment, &offer)) {
            topic_pending_add(attachment, item->msg, 0);
        }
    }
    for (struct topic_cursor *cursor = topic_log_cursors(topic); cursor != NULL;
         cursor = cursor->next) {
        if (cursor->awaits_past && cursor->past_place <= place) {
            topic_cursor_recover(cursor, item->msg);
        }
    }
}

/* All has been read: what was kept aside follows. */
static void
topic_restore_finish(struct topic *topic)
{
    struct topic_restore *restore = topic->past->restore;
    struct dispatch_member *member;
    uint64_t place = 0;

    topic->past->restore = NULL;
    usage_remove_bytes(&topic->base, restore->unread_bytes, true);
    if (restore->cut_count > 0) {
        log_event(LOG_LEVEL_WARNING, "topic", "past cut",
                  "destination=%s messages=%llu reason=\"memory has no room "
                  "for the oldest: raise limits.memory, or let "
                  "subscriptionRecoveryPolicy keep less\"",
                  LOG_TEXT(destination_name_get(&topic->base)),
                  (unsigned long long)restore->cut_count);
    }
    topic_restore_admit(topic, 0);
    while (restore->later != NULL) {
        struct topic_past_item *item = restore->later;

        restore->later = item->next;
        topic_restore_give(topic, item, place);
        (void)topic_past_take(topic, item);
        topic_restore_admit(topic, ++place);
    }
    DL_FOREACH(topic->base.members, member) {
        attachment_of(member)->awaits_past = false;
    }
    for (struct topic_cursor *cursor = topic_log_cursors(topic); cursor != NULL;
         cursor = cursor->next) {
        cursor->awaits_past = false;
    }
    free(restore);
}

/* There is no memory for it: it goes for good, as if the policy kept less. */
static void
topic_restore_cut(struct topic_restore *restore, struct topic_past_item *item)
{
    size_t bytes = message_bytes(item->msg);

    restore->cut_bytes -=
        bytes < restore->cut_bytes ? bytes : restore->cut_bytes;
    restore->cut_count++;
    topic_past_on_release(item);
}

static void
topic_restore_count(struct topic_restore *restore,
                    const struct store_record *record)
{
    size_t bytes = record->headers.len + record->body.len;

    restore->unread_bytes -=
        bytes < restore->unread_bytes ? bytes : restore->unread_bytes;
}

/* As the message was when it was published; its age is known by its
 * timestamp. */
static void
topic_restore_take(struct topic *topic, const struct store_record *record)
{
    struct core *core = topic->base.core;
    struct message *msg = message_of_record(&core->quota, record);
    struct topic_past_item *item = topic_past_item_new(topic, msg);
    int64_t age_ms = core->now_ms - record->timestamp_ms;

    topic_restore_count(topic->past->restore, record);
    message_unref(&msg);
    item->sent_us -= age_ms > 0 ? age_ms * 1000 : 0;
    item->seq = record->seq;
    item->slot = store_slot_fetched(record);
    if (topic->past->restore->cut_bytes > 0) {
        topic_restore_cut(topic->past->restore, item);
    } else {
        (void)topic_past_take(topic, item);
    }
}

/* Once until it works again, as it is tried every second. */
static void
topic_restore_log(struct topic *topic, const struct error *err)
{
    struct topic_restore *restore = topic->past->restore;

    if (restore->read_failed == (err != NULL)) {
        return;
    }
    restore->read_failed = err != NULL;
    if (err != NULL) {
        log_event(LOG_LEVEL_ERROR, "topic", "past cannot be read",
                  "destination=%s reason=\"%s; who asked for the past waits "
                  "for it, all others get what is sent\"",
                  LOG_TEXT(destination_name_get(&topic->base)), err->text);
    } else {
        log_event(LOG_LEVEL_INFO, "topic", "past can be read again",
                  "destination=%s",
                  LOG_TEXT(destination_name_get(&topic->base)));
    }
}

static void topic_restore_fetch(struct topic *topic);

static void
topic_restore_on_fetched(void *ctx, const struct store_page *page)
{
    struct topic *topic = ctx;
    struct topic_restore *restore = topic->past->restore;

    restore->fetch = NULL;
    for (size_t i = 0; i < page->count; i++) {
        if (page->records[i].seq < restore->end_seq) {
            topic_restore_take(topic, &page->records[i]);
        }
    }
    restore->next_seq = page->next_seq;
    topic_restore_log(topic, page->err);
    if (page->err != NULL) {
        return; /* topic_sweep goes on */
    }
    if (page->at_end || restore->next_seq >= restore->end_seq) {
        topic_restore_finish(topic);
    } else {
        topic_restore_fetch(topic);
    }
}

static void
topic_restore_fetch(struct topic *topic)
{
    struct topic_restore *restore = topic->past->restore;
    struct store_credit credit = { restore->next_seq, TOPIC_PAGE_COUNT,
                                   TOPIC_PAGE_BYTES };

    restore->fetch =
        store_fetch_start(topic->base.core->store, topic->past->journal,
                          &credit, topic_restore_on_fetched, topic);
}

void
topic_adopt(struct core *core, struct store_queue *journal,
            const struct store_queue_info *info)
{
    struct policy *policy =
        policy_map_find(core->policies, DESTINATION_TOPIC, info->name);
    struct topic_restore *restore;
    struct topic *topic;

    if (policy->recovery->open == NULL) {
        store_queue_remove(core->store, &journal);
        return;
    }
    topic =
        topic_of(destination_get(core, DESTINATION_TOPIC, info->name, NULL));
    usage_adopt(&topic->base, info);
    topic->past->journal = journal;
    topic->past->next_seq = info->next_seq;
    if (info->count == 0) {
        return;
    }
    restore = xcalloc(1, sizeof(*restore));
    restore->next_seq = info->first_seq;
    restore->end_seq = info->next_seq;
    restore->later_end = &restore->later;
    restore->unread_bytes = (size_t)info->bytes;
    restore->claim_bytes = (size_t)message_bytes_of(info->count, info->bytes);
    topic->past->restore = restore;
}

void
topic_pasts_fit(struct core *core)
{
    double claimed = 0;
    double room = (double)core->quota.limit / 100 * TOPIC_PAST_PERCENT;

    for (const struct topic *topic = core->recovering; topic != NULL;
         topic = topic->recovering_next) {
        if (topic->past->restore != NULL) {
            claimed += (double)topic->past->restore->claim_bytes;
        }
    }
    for (struct topic *topic = core->recovering;
         topic != NULL && claimed > room; topic = topic->recovering_next) {
        struct topic_restore *restore = topic->past->restore;

        if (restore != NULL) { /* each gives up the same part */
            restore->cut_bytes =
                (size_t)((double)restore->claim_bytes * (1 - room / claimed));
        }
    }
}

void
topic_sweep(struct topic *topic)
{
    struct topic_past *past = topic->past;
    const struct recovery_policy *recovery = topic->base.policy->recovery;

    if (past->restore != NULL && past->restore->fetch == NULL) {
        topic_restore_fetch(topic);
    }
    if (recovery->sweep != NULL) {
        recovery->sweep(past->state, topic->base.core->now_us);
    }
}
