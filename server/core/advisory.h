/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advisory messages: what happens in the broker, told on topics below
 * `ActiveMQ.Advisory.`, with a JSON body.  They cost one comparison while
 * nobody subscribes to such a topic.  Source: activemq.md 8.
 */
#pragma once
#include "server/core/destination.h"
#include "server/core/message.h"

#include <stdbool.h>
#include <stdint.h>

struct client;
struct core;

/* Whether a subscription to this topic name or pattern is meant to receive any:
 * its first level is `ActiveMQ` itself.  Who subscribes to `>` wants the topics
 * of people, not the broker's own. */
bool advisory_is_listener(struct span topic_name);

/* Whether a wildcard subscription takes part in a topic: advisory topics are
 * for those that are meant to receive them. */
bool advisory_pattern_fits(struct span pattern, const struct destination *dest);

/* A connection has logged in, or ends. */
void advisory_connection(struct core *core, const struct client *client,
                         bool connected);
/* A destination is there, or goes. */
void advisory_destination(struct core *core, const struct destination *dest,
                          bool created);
/* Somebody has subscribed to a destination, or leaves it. */
void advisory_consumer(struct core *core, const struct attachment *attachment,
                       bool subscribed);

/* What can happen to a message; each but the first two only if its policy's
 * flag is set. */
enum advisory_event {
    ADVISORY_EXPIRED,
    ADVISORY_DEAD_LETTERED,
    ADVISORY_NO_CONSUMERS,
    ADVISORY_DELIVERED,  /* accepted into its destination */
    ADVISORY_DISPATCHED, /* sent to a consumer */
    ADVISORY_CONSUMED,
    ADVISORY_DISCARDED,
};
/* sub: the consumer in question, NULL when none is. */
void advisory_message(struct core *core, enum advisory_event event,
                      const struct destination *dest, const struct message *msg,
                      const struct subscription *sub);

/* A destination's memory is full; a consumer is slow (reason: a sentence). */
void advisory_full(struct core *core, const struct destination *dest,
                   const struct client *producer);
void advisory_slow_consumer(struct core *core,
                            const struct attachment *attachment);

/* What is the case now, for one that has just subscribed to the topic dest of
 * connections, destinations or consumers. */
void advisory_replay(struct core *core, struct attachment *attachment);
