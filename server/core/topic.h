/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A topic: each message to every subscription.  A subscription without credit
 * keeps it pending, within its limits; retroactive ones get their past from the
 * recovery policy.  topic.c sends, topic_pending.c knows what waits,
 * topic_past.c what was.  Source: activemq.md 3.1, 4, 5.
 */
#pragma once
#include "server/core/destination.h"
#include "storage/store.h"

struct topic_past; /* opaque: defined in topic_past.c */

struct topic {
    struct destination base;
    struct topic_past *past;       /* NULL when the policy keeps nothing */
    struct topic_log *log;         /* NULL: no durable subscription */
    struct topic *recovering_next; /* core.recovering: those with a past */
};

static inline struct topic *
topic_of(struct destination *dest)
{
    return container_of(dest, struct topic, base);
}

struct destination *topic_new(void);
/* Makes its past once the policy is known. */
void topic_open(struct topic *topic);
void topic_free(struct topic *topic);

/* A topic's journal that was found at start: the topic is made and has its
 * past again, in a while (topic_sweep).  Nothing is done but the journal's end
 * when the policy keeps nothing any more. */
void topic_adopt(struct core *core, struct store_queue *journal,
                 const struct store_queue_info *info);

/* All have been adopted: when memory is too small for their pasts, each goes
 * without its oldest part. */
void topic_pasts_fit(struct core *core);

/* Whether it keeps nothing now. */
bool topic_is_empty(const struct topic *topic);

/* Whether its persistent messages, or some, go to the store. */
bool topic_is_stored(const struct topic *topic);

/* Offers the message to every attached subscription; sender (may be NULL) is
 * left out where no-local was asked.  True when the message has been put into
 * the store. */
bool topic_publish(struct topic *topic, struct message *msg,
                   const struct client *sender);

/* A message that came, or waited, too late. */
void topic_expire(struct topic *topic, struct message *msg);

/* Gives a subscriber that has just attached what the policy recovers. */
void topic_recover(struct topic *topic, struct attachment *attachment);

/* The same for a durable subscription that has just begun. */
void topic_recover_cursor(struct topic *topic, struct topic_cursor *cursor);

/* Drops what is too old of its past; goes on reading it from the store. */
void topic_sweep(struct topic *topic);

/* Gives one message to one subscription alone. */
void topic_give(struct attachment *attachment, struct message *msg);

/* Sends what is pending while there is credit. */
void topic_drain_pending(struct subscription *sub);

/* Drops what is pending at one attachment. */
void topic_drop_pending(struct attachment *attachment);
