/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queue browsers: copies of all that a queue holds for a subscription that
 * takes nothing.  A browser is no consumer of the queue: it is not counted, not
 * dispatched to, and never slow.  Source: activemq.md 11.4, "Browser".
 */
#pragma once
#include "server/core/queue.h"

#include <stdbool.h>

struct queue_browser;

/* Begins for sub (its credit, its selector).  max: the most copies; 0: no
 * limit.  follow: goes on with what comes after, without end or limit; else
 * client_ops.browsed tells that all has been shown. */
struct queue_browser *queue_browser_new(struct queue *queue,
                                        struct subscription *sub, uint32_t max,
                                        bool follow);

/* The subscription has credit again. */
void queue_browser_resume(struct queue_browser *browser);

/* Ends and frees *browser and sets it to NULL; NULL is fine. */
void queue_browser_free(struct queue_browser **browser);
