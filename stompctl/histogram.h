/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts of durations in buckets that widen with the value: 64 to each power
 * of two, so that a percentile is off by at most 1.6 %, in a fixed size.
 */
#pragma once
#include <stdint.h>

enum { HISTOGRAM_SUB_BITS = 6 };
enum {
    HISTOGRAM_BUCKETS = (64 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS
};

struct histogram {
    uint64_t count;
    int64_t max_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Negative durations count as 0. */
void histogram_add(struct histogram *histogram, int64_t ns);

/* The duration that share (0 to 1) of all are not above; 0 when empty. */
int64_t histogram_percentile(const struct histogram *histogram, double share);
