/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual destinations at work: what is sent to one destination is copied to
 * others.  Which definitions concern a destination is found out when it is
 * made; for most it is none, and a SEND costs them one comparison.  The copies
 * of one SEND belong to one turn, hence to one batch of the store: all are kept
 * or none is.  Source: activemq.md 9.
 *
 * A copy says where it is and, in `original-destination`, where the message was
 * sent to, however many copies lie between; its body is the sender's.  A copy
 * may be copied in turn, but never back to where the message has been.
 */
#pragma once
#include "server/core/core.h"

struct virtual_table; /* opaque: what the core knows of all of them */

struct virtual_table *virtual_table_new(const struct policy_map *policies);
void virtual_table_free(struct virtual_table **table);

/* The core has another policy map: everything is found out anew. */
void virtual_reload(struct core *core);

/* A destination has been made, or is about to go. */
void virtual_on_made(struct destination *dest);
void virtual_on_removed(struct destination *dest);

/* Whether a queue of that name would get copies of a virtual topic.  For the
 * pattern of a subscription: `Consumer.A.VirtualTopic.>` is to be a queue that
 * gets what is sent to every such topic, as in ActiveMQ. */
bool virtual_is_consumer_queue(const struct core *core, struct span name);

/* core_admit, for the copies of a destination with a route: whether one of them
 * finds no room, and where. */
bool virtual_find_lack(struct destination *dest, bool persistent,
                       struct core_lack *lack_out);

/* A subscription has come to dest: if it is a queue that gets copies of a
 * virtual topic, it is to be there after a restart too, with nothing in it. */
void virtual_on_subscribed(struct destination *dest);

/* core_send, for a destination with a route. */
enum core_send virtual_send(struct core *core, struct destination *dest,
                            struct message *msg,
                            const struct send_options *options,
                            store_ticket *ticket_out);
