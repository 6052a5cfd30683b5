/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the store keeps, in bytes of headers and bodies: counted as records are
 * put and removed, per destination and over all of them; after a start, from
 * what the store found.  Nothing is ever scanned for it.
 */
#pragma once
#include "server/core/quota.h"

struct destination;
struct message;
struct queue;
struct store_page;
struct store_queue_info;

struct usage {
    struct quota stored;  /* persistent records: storage.limit, storeLimit */
    struct quota spilled; /* the others: storage.tempLimit, tempLimit */
};

/* A record of dest has been put into the store, or taken out of it. */
void usage_add(struct destination *dest, const struct message *msg,
               bool persistent);
void usage_remove(struct destination *dest, const struct message *msg,
                  bool persistent);

/* The same for a record whose message is not at hand: bytes of headers and
 * body. */
void usage_remove_bytes(struct destination *dest, size_t bytes,
                        bool persistent);

/* A spilled record counts as persistent from now on. */
void usage_convert(struct destination *dest, size_t bytes);

/* A journal of dest that was found at start. */
void usage_adopt(struct destination *dest, const struct store_queue_info *info);

/* A page of the queue's journal has passed over what is damaged: to be given
 * back, now or once it is known how much it is. */
void usage_on_damage(struct queue *queue, const struct store_page *page);

/* After such a page: when all that is left of the queue is resident, the count
 * becomes what that is. */
void usage_recount(struct queue *queue);

/* Nothing of dest is in the store any more: what the count still has of it,
 * such as records that were damaged, goes. */
void usage_forget(struct destination *dest);
