/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between store_check.c, which goes over the entries, and store_check_find.c,
 * which says in words what it met.
 */
#pragma once
#include "storage/store_check.h"
#include "storage/store_scan.h"
#include "storage/store_stopped.h"

/* NULL when there is none of that number. */
struct store_checked *store_check_journal(const struct store_check *check,
                                          uint32_t number);

/* The destination that a record's own headers name; false when they do not, or
 * not plainly.  *name_out is borrowed from headers. */
bool store_check_destination(struct span headers,
                             enum destination_kind *kind_out,
                             struct span *name_out);

/* Each adds findings, and counts in journals what they touch. */
void store_check_find_open(struct store_check *check,
                           const struct store_stopped *stopped);
void store_check_find_part(struct store_check *check,
                           const struct store_scan_damage *damage);
void store_check_find_record(struct store_check *check, uint32_t number,
                             uint64_t seq);
void store_check_find_block(struct store_check *check, uint32_t number);
void store_check_find_journal(struct store_check *check, uint32_t number);
void store_check_find_orphans(struct store_check *check,
                              const struct store_checked *journal);
void store_check_find_next(struct store_check *check,
                           const struct store_checked *journal, uint64_t seq);
void store_check_find_definition(struct store_check *check, struct span name);
void store_check_find_unknown(struct store_check *check, struct span key);
/* At the end: what should be there and is not. */
void store_check_find_rest(struct store_check *check);
