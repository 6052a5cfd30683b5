/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a topic share.
 */
#pragma once
#include "server/core/core_private.h"

/* One message that is offered to subscriptions. */
struct topic_offer {
    struct topic *topic;
    struct message *msg;
    uint64_t sender; /* client.order; 0 = no client */
    bool filtered;   /* the dispatch policy has a say: */
    struct dispatch_offer dispatch;
};

/* sender: client.order. */
struct topic_offer topic_offer_of(struct topic *topic, struct message *msg,
                                  uint64_t sender);

/* Whether the subscription may have the message: selector, no-local and the
 * dispatch policy's own condition. */
bool topic_wants(const struct attachment *attachment,
                 const struct topic_offer *offer);

/* Sends a message for which there is credit; notes: of enum
 * subscription_note. */
void topic_send_now(struct subscription *sub, struct message *msg,
                    const struct destination *dest, unsigned notes);

/* --- topic_pending.c ------------------------------------------------------ */

/* Lets a message wait.  The limits are looked at by topic_wait only, and when
 * what waits has been drained. */
void topic_pending_add(struct attachment *attachment, struct message *msg,
                       unsigned notes);
void topic_wait(struct attachment *attachment, struct message *msg);

/* --- topic_past.c --------------------------------------------------------- */

struct topic_past *topic_past_open(struct topic *topic);
void topic_past_close(struct topic *topic);

/* The message is being published.  True when it has been put into the store. */
bool topic_past_record(struct topic *topic, struct message *msg,
                       uint64_t sender);

/* Whether some of the past is still to be read: who waits for it
 * (attachment.awaits_past) must not get later messages directly. */
bool topic_past_is_restoring(const struct topic *topic);
