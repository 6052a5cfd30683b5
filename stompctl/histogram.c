/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/histogram.h"

/* Values below 2^SUB_BITS have a bucket each; above, the leading bit picks a
 * row of buckets and the SUB_BITS behind it the bucket in the row. */
static unsigned
histogram_bucket(uint64_t ns)
{
    unsigned shift;

    if (ns < 1U << HISTOGRAM_SUB_BITS) {
        return (unsigned)ns;
    }
    shift = 63U - (unsigned)__builtin_clzll(ns) - HISTOGRAM_SUB_BITS;
    return ((shift + 1) << HISTOGRAM_SUB_BITS) + (unsigned)(ns >> shift) -
           (1U << HISTOGRAM_SUB_BITS);
}

/* The largest value of a bucket. */
static int64_t
histogram_upper(unsigned bucket)
{
    unsigned row = bucket >> HISTOGRAM_SUB_BITS;
    uint64_t sub = bucket & ((1U << HISTOGRAM_SUB_BITS) - 1);

    if (row == 0) {
        return (int64_t)sub;
    }
    sub += 1U << HISTOGRAM_SUB_BITS;
    return (int64_t)(((sub + 1) << (row - 1)) - 1);
}

void
histogram_add(struct histogram *histogram, int64_t ns)
{
    if (ns < 0) {
        ns = 0;
    }
    histogram->count++;
    histogram->buckets[histogram_bucket((uint64_t)ns)]++;
    if (ns > histogram->max_ns) {
        histogram->max_ns = ns;
    }
}

int64_t
histogram_percentile(const struct histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count;
    uint64_t seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && (double)seen >= wanted) {
            int64_t upper = histogram_upper(i);

            return upper < histogram->max_ns ? upper : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}
