/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a queue share: queue.c dispatches, queue_members.c knows
 * who may receive, queue_groups.c whose group a message belongs to,
 * queue_delayed.c what is tried again later, queue_purge.c removes.
 */
#pragma once
#include "server/core/queue.h"

/* The policy's choice among the members with credit, NULL when none has; those
 * without are put aside until credit comes back. */
struct attachment *queue_pick(struct queue *queue);

/* Hands a delivery, which is on no list, to a consumer with credit. */
void queue_hand_out(struct queue *queue, struct delivery *delivery,
                    struct attachment *attachment);

enum queue_group_choice {
    QUEUE_GROUP_CHOSEN, /* *chosen_out is to get it */
    QUEUE_GROUP_PARKED, /* kept for its owner, who has no credit */
    QUEUE_GROUP_NOBODY, /* no member has credit */
};

/* Who gets a message that belongs to a group.  found_by: the selecting
 * consumer, or the one whose turn it is, that it was found for; NULL for
 * anybody.  An owner whose selector refuses the message loses the group. */
enum queue_group_choice queue_choose_for_group(struct queue *queue,
                                               struct delivery *delivery,
                                               struct attachment *found_by,
                                               struct attachment **chosen_out);

/* A message waits again: when later ones of its group are parked, it is parked
 * too, so that it goes out before them. */
void queue_group_on_return(struct queue *queue, struct delivery *delivery);

/* The message has gone out: a negative JMSXGroupSeq closes its group. */
void queue_group_after(struct queue *queue, const struct message *msg);

/* The owner is gone, or groups are dealt anew: what is parked waits for
 * anybody. */
void queue_groups_release(struct queue *queue, struct attachment *attachment);

/* The same for every consumer but one, which may be NULL. */
void queue_groups_release_others(struct queue *queue,
                                 const struct attachment *but);

/* A parked, or a delayed, delivery is taken off its list. */
void queue_parked_take(struct delivery *delivery);
void queue_delayed_take(struct queue *queue, struct delivery *delivery);

/* The delivery, on no list, has expired. */
void queue_expire(struct queue *queue, struct delivery *delivery);

void queue_groups_free(struct queue *queue);
void queue_delayed_free(struct queue *queue);
