/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of one selecting consumer through a lane.  Each message is looked at
 * once for each selecting consumer, whether it is resident or in the store
 * alone; a million messages that match others cost it one pass, in pieces, and
 * cost others nothing.
 *
 *     resident:  … seen … | at, not yet seen …      found: known to match
 *     paged:     … seen … | ahead_from …
 *
 * What matches in the paged part is read out of its turn: it becomes resident,
 * and a bit (lane.ahead) keeps it from being read twice.  Every other scan that
 * has not come so far looks at it then, and keeps it until it has looked at all
 * that is older: each consumer gets its messages in order.
 */
#pragma once
#include "server/core/lane.h"
#include "server/core/subscription.h"

#include <stdbool.h>
#include <stddef.h>

struct lane_scan {
    struct lane_scan *prev, *next; /* lane.scans */
    struct lane_scan *other;       /* the attachment's in other lanes */
    struct lane *lane;
    struct attachment *attachment;
    struct delivery *at; /* next resident one to look at */
    /* Looked at while they were paged, whether resident by now or not: the
     * numbers from ahead_start up to, not including, ahead_from. */
    uint64_t ahead_start;
    uint64_t ahead_from;
    /* Known to match and waiting: what came back behind the scan, and what was
     * read out of its turn for this scan or another; the oldest at the end,
     * where those come and go that a consumer gives back. */
    struct delivery **found;
    size_t found_count;
    size_t found_capacity;
};

/* The scan of a selecting attachment in a lane, made at first use. */
struct lane_scan *lane_scan_of(struct attachment *attachment,
                               struct lane *lane);
/* Ends all scans of an attachment. */
void lane_scans_free(struct attachment *attachment);

/*
 * The first waiting message that the attachment's selector picks, NULL when
 * none is known now.  Looks at no more than *budget messages and takes them
 * off it; when it comes to the end of what is resident, it asks for the next
 * page, and the queue is marked dirty when that has been looked at.
 */
struct delivery *lane_scan_next(struct lane_scan *scan, size_t *budget);

/* What the lane tells its scans. */
void lane_scans_on_append(struct lane *lane, struct delivery *delivery);
void lane_scans_on_take(struct lane *lane, const struct delivery *delivery);
void lane_scans_on_return(struct lane *lane, struct delivery *delivery);

/* A page that was read for a scan: what matches becomes resident.  end: the
 * queue's next number when the read began. */
void lane_scan_take_page(struct lane_scan *scan, const struct store_page *page,
                         uint64_t end);
