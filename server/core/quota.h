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
    size_t limit;
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
