/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/lane_scan.h"

#include "base/alloc.h"
#include "server/core/core_private.h"
#include "server/core/select.h"

#include <assert.h>
#include <stdlib.h>

/* Matches that are read ahead for one consumer. */
enum { SCAN_FOUND_MAX = 1000 };

static bool
scan_matches(const struct lane_scan *scan, const struct message *msg,
             uint32_t attempts)
{
    return select_for(scan->attachment->sub, &scan->lane->queue->base, msg,
                      attempts);
}

struct lane_scan *
lane_scan_of(struct attachment *attachment, struct lane *lane)
{
    struct lane_scan *scan;

    for (scan = attachment->scans; scan != NULL; scan = scan->other) {
        if (scan->lane == lane) {
            return scan;
        }
    }
    scan = xcalloc(1, sizeof(*scan));
    scan->lane = lane;
    scan->attachment = attachment;
    scan->at = lane->waiting;
    scan->ahead_start = lane->paged_from;
    scan->ahead_from = lane->paged_from;
    scan->other = attachment->scans;
    attachment->scans = scan;
    DL_APPEND(lane->scans, scan);
    return scan;
}

void
lane_scans_free(struct attachment *attachment)
{
    while (attachment->scans != NULL) {
        struct lane_scan *scan = attachment->scans;

        attachment->scans = scan->other;
        for (size_t i = 0; i < scan->found_count; i++) {
            scan->found[i]->found_count--;
        }
        if (scan->lane->fetch_scan == scan) {
            scan->lane->fetch_scan = NULL; /* the page serves nobody */
        }
        DL_DELETE(scan->lane->scans, scan);
        free(scan->found);
        free(scan);
    }
}

/* Whether the message was looked at while it was paged. */
static bool
scan_has_seen(const struct lane_scan *scan, uint64_t seq)
{
    return seq >= scan->ahead_start && seq < scan->ahead_from;
}

/* --- what is known to match --------------------------------------------- */

/* Where a number is among them, or would be: the first that is not above it. */
static size_t
scan_found_at(const struct lane_scan *scan, uint64_t seq)
{
    size_t low = 0;
    size_t high = scan->found_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (scan->found[middle]->seq > seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
scan_found_has(const struct lane_scan *scan, const struct delivery *delivery)
{
    size_t at;

    if (delivery->found_count == 0) {
        return false;
    }
    at = scan_found_at(scan, delivery->seq);
    return at < scan->found_count && scan->found[at] == delivery;
}

static void
scan_found_add(struct lane_scan *scan, struct delivery *delivery)
{
    size_t at = scan_found_at(scan, delivery->seq);

    if (scan->found_count == scan->found_capacity) {
        scan->found_capacity =
            scan->found_capacity > 0 ? scan->found_capacity * 2 : 8;
        scan->found = xrealloc(scan->found, scan->found_capacity *
                                                sizeof(struct delivery *));
    }
    memmove(&scan->found[at + 1], &scan->found[at],
            (scan->found_count - at) * sizeof(struct delivery *));
    scan->found[at] = delivery;
    scan->found_count++;
    delivery->found_count++;
}

static void
scan_found_remove(struct lane_scan *scan, const struct delivery *delivery)
{
    size_t at = scan_found_at(scan, delivery->seq);

    if (at < scan->found_count && scan->found[at] == delivery) {
        scan->found[at]->found_count--;
        scan->found_count--;
        memmove(&scan->found[at], &scan->found[at + 1],
                (scan->found_count - at) * sizeof(struct delivery *));
    }
}

/* The oldest, NULL when none is known. */
static struct delivery *
scan_found_first(const struct lane_scan *scan)
{
    return scan->found_count > 0 ? scan->found[scan->found_count - 1] : NULL;
}

/* Whether older messages, which are in the store alone, have to be looked at
 * before this one may go out: it was read out of its turn for another. */
static bool
scan_must_wait(const struct lane_scan *scan, uint64_t seq)
{
    const struct lane *lane = scan->lane;

    return lane->paged_count > 0 && seq >= lane->paged_from &&
           seq >= scan->ahead_from;
}

/* --- what the lane tells ------------------------------------------------ */

void
lane_scans_on_append(struct lane *lane, struct delivery *delivery)
{
    struct lane_scan *scan;

    DL_FOREACH(lane->scans, scan) {
        if ((scan->at == NULL || scan->at->seq > delivery->seq) &&
            !scan_has_seen(scan, delivery->seq)) {
            scan->at = delivery;
        }
    }
}

void
lane_scans_on_take(struct lane *lane, const struct delivery *delivery)
{
    struct lane_scan *scan;

    DL_FOREACH(lane->scans, scan) {
        if (scan->at == delivery) {
            scan->at = delivery->next;
        }
        if (delivery->found_count > 0) {
            scan_found_remove(scan, delivery);
        }
    }
}

void
lane_scans_on_return(struct lane *lane, struct delivery *delivery)
{
    struct lane_scan *scan;

    DL_FOREACH(lane->scans, scan) {
        bool behind = scan->at == NULL || scan->at->seq > delivery->seq ||
                      scan_has_seen(scan, delivery->seq);

        if (behind && scan_matches(scan, delivery->msg, delivery->attempts)) {
            scan_found_add(scan, delivery);
        }
    }
}

/* --- looking ------------------------------------------------------------- */

/* Moves to the next resident one that may go out, within the budget. */
static void
scan_resident(struct lane_scan *scan, size_t *budget)
{
    while (scan->at != NULL && *budget > 0) {
        struct delivery *delivery = scan->at;

        if (!scan_has_seen(scan, delivery->seq) &&
            !scan_found_has(scan, delivery)) {
            if (scan_matches(scan, delivery->msg, delivery->attempts)) {
                if (!scan_must_wait(scan, delivery->seq)) {
                    return;
                }
                scan_found_add(scan, delivery);
            }
            (*budget)--;
        }
        scan->at = delivery->next;
    }
}

/* Whether there may be something to find in the paged part. */
static bool
scan_wants_page(struct lane_scan *scan)
{
    const struct lane *lane = scan->lane;

    if (lane->paged_count == 0) {
        return false;
    }
    if (scan->ahead_from < lane->paged_from) {
        scan->ahead_start = lane->paged_from;
        scan->ahead_from = lane->paged_from;
    }
    return scan->ahead_from < lane->queue->next_seq;
}

struct delivery *
lane_scan_next(struct lane_scan *scan, size_t *budget)
{
    struct delivery *found;

    scan_resident(scan, budget);
    found = scan_found_first(scan);
    if (scan->at != NULL && (found == NULL || scan->at->seq < found->seq)) {
        return *budget > 0 ? scan->at : NULL; /* else not looked at yet */
    }
    if (found != NULL && !scan_must_wait(scan, found->seq)) {
        return found;
    }
    if (scan->at == NULL && scan_wants_page(scan)) {
        lane_read_ahead(scan->lane, scan);
    }
    return NULL;
}

/* One consumer has had a message read out of its turn: those that have not come
 * so far get to know of it now, as they will not read it again. */
static void
scan_tell_others(const struct lane_scan *scan, struct delivery *delivery)
{
    struct lane_scan *other;

    DL_FOREACH(scan->lane->scans, other) {
        bool behind = other->at == NULL || other->at->seq > delivery->seq;

        if (other != scan && behind && !scan_has_seen(other, delivery->seq) &&
            scan_matches(other, delivery->msg, delivery->attempts)) {
            scan_found_add(other, delivery);
        }
    }
}

/* Whether enough is known that may go out before the number seq. */
static bool
scan_is_filled(const struct lane_scan *scan, uint64_t seq)
{
    return scan->found_count >= SCAN_FOUND_MAX &&
           scan->found[scan->found_count - SCAN_FOUND_MAX]->seq < seq;
}

void
lane_scan_take_page(struct lane_scan *scan, const struct store_page *page,
                    uint64_t end)
{
    struct lane *lane = scan->lane;

    for (size_t i = 0; i < page->count; i++) {
        const struct store_record *record = &page->records[i];
        struct delivery *delivery;
        struct message *msg;

        if (scan_is_filled(scan, record->seq)) {
            scan->ahead_from = record->seq;
            return;
        }
        scan->ahead_from = record->seq + 1;
        if (lane_is_ahead(lane, record->seq)) {
            continue; /* resident, and known to this scan if it matches */
        }
        msg = lane_message_of(lane, record);
        if (!scan_matches(scan, msg, 0)) {
            message_unref(&msg);
            continue;
        }
        delivery = lane_take_ahead(lane, record, msg);
        scan_found_add(scan, delivery);
        scan_tell_others(scan, delivery);
    }
    if (page->err == NULL) {
        scan->ahead_from = page->at_end ? end : page->next_seq;
    }
}
