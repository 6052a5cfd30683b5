/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A limit on bytes that somebody holds.  The one who takes memory charges
 * first; the destructor of what was taken gives back.
 */
#pragma once
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

struct quota {
    size_t used;
    size_t limit; /* 0 = none, but for the broker's memory */
};

static inline void
quota_charge(struct quota *quota, size_t bytes)
{
    quota->used += bytes;
}

static inline void
quota_release(struct quota *quota, size_t bytes)
{
    assert(quota->used >= bytes);
    quota->used -= bytes;
}

static inline bool
quota_is_over(const struct quota *quota)
{
    return quota->used > quota->limit;
}

/* Whether percent of the limit is used up; never without one.  Limits are at
 * most a pebibyte, so the products fit. */
static inline bool
quota_reaches(const struct quota *quota, unsigned percent)
{
    return quota->limit != 0 && quota->used * 100 >= quota->limit * percent;
}

/* Whole percents; 0 without a limit. */
static inline unsigned
quota_percent(const struct quota *quota)
{
    return quota->limit != 0 ? (unsigned)(quota->used * 100 / quota->limit) : 0;
}
