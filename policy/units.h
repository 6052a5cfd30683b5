/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations and sizes as people write them in configuration files: `250ms`
 * `10s` `5m` `1h`, `64kb` `1mb` `1gb` (1024-based).  A whole number and its
 * unit, nothing between them; sizes in any case, as ActiveMQ takes them.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { UNITS_TEXT_MAX = 32 };

/* False, and *ms_out left alone, when text is not a duration (no unit, a
 * negative number, more than int64_t holds). */
bool units_duration_ms(struct span text, int64_t *ms_out);

/* The same for a size; `b` for plain bytes too. */
bool units_size_bytes(struct span text, int64_t *bytes_out);

/* A size, or a part of something that is known later. */
struct units_share {
    uint64_t bytes;
    unsigned percent; /* 0: bytes counts */
};

/* `70%`, from 1 to 100; the same. */
bool units_percent(struct span text, unsigned *percent_out);

/* What it comes to of whole; a part of something is at least 1, as 0 is often
 * no limit at all. */
uint64_t units_share_of(const struct units_share *share, uint64_t whole);

/* The value in its largest unit without a rest, `0ms` and `0b` included.
 * Returns text. */
const char *units_format_duration(int64_t ms, char text[UNITS_TEXT_MAX]);
const char *units_format_size(int64_t bytes, char text[UNITS_TEXT_MAX]);
