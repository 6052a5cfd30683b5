/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A topic: each message to every subscription.  A subscription without credit
 * keeps it pending, within its limit; retroactive ones get their past from the
 * recovery policy.  Source: activemq.md 3.1, 4, 5.
 */
#pragma once
#include "server/core/destination.h"

struct topic {
    struct destination base;
    struct recovery_state *recovery; /* NULL when the policy keeps nothing */
    struct topic *recovery_next;     /* core.recovering: to be swept */
};

static inline struct topic *
topic_of(struct destination *dest)
{
    return container_of(dest, struct topic, base);
}

struct destination *topic_new(void);
/* Makes the recovery state once the policy is known. */
void topic_open(struct topic *topic);
void topic_free(struct topic *topic);

/* Offers the message to every attached subscription; sender (may be NULL) is
 * left out where no-local was asked. */
void topic_publish(struct topic *topic, struct message *msg,
                   const struct client *sender);

/* Gives a subscriber that has just attached what the policy recovers. */
void topic_recover(struct topic *topic, struct attachment *attachment);

/* Gives one message to one subscription alone. */
void topic_give(struct attachment *attachment, struct message *msg);

/* Sends what is pending while there is credit. */
void topic_drain_pending(struct subscription *sub);

/* Drops what is pending at one attachment. */
void topic_drop_pending(struct attachment *attachment);
