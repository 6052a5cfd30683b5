/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/units.h"

#include <inttypes.h>
#include <stdio.h>

struct unit {
    const char *name;
    int64_t factor;
};

enum { UNITS_PER_KIND = 4 };

/* Largest first, for the formatting. */
static const struct unit units_duration[UNITS_PER_KIND] = {
    { "h", 3600000 },
    { "m", 60000 },
    { "s", 1000 },
    { "ms", 1 },
};

static const struct unit units_size[UNITS_PER_KIND] = {
    { "gb", INT64_C(1) << 30 },
    { "mb", INT64_C(1) << 20 },
    { "kb", INT64_C(1) << 10 },
    { "b", 1 },
};

static bool
units_parse(const struct unit *units, struct span text, int64_t *value_out)
{
    struct span digits = text;
    struct span name;
    uint64_t value;

    digits.len = 0;
    while (digits.len < text.len && text.data[digits.len] >= '0' &&
           text.data[digits.len] <= '9') {
        digits.len++;
    }
    name = span_after(text, digits.len);
    for (size_t i = 0; i < UNITS_PER_KIND; i++) {
        if (span_equal(name, span_of_text(units[i].name))) {
            if (!span_to_u64(digits, &value) ||
                value > (uint64_t)(INT64_MAX / units[i].factor)) {
                return false;
            }
            *value_out = (int64_t)value * units[i].factor;
            return true;
        }
    }
    return false;
}

static const char *
units_format(const struct unit *units, int64_t value, char text[UNITS_TEXT_MAX])
{
    size_t i = value == 0 ? UNITS_PER_KIND - 1 : 0;

    while (value % units[i].factor != 0) {
        i++;
    }
    (void)snprintf(text, UNITS_TEXT_MAX, "%" PRId64 "%s",
                   value / units[i].factor, units[i].name);
    return text;
}

bool
units_duration_ms(struct span text, int64_t *ms_out)
{
    return units_parse(units_duration, text, ms_out);
}

bool
units_size_bytes(struct span text, int64_t *bytes_out)
{
    char lower[UNITS_TEXT_MAX];

    if (text.len > sizeof(lower)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        lower[i] = text.data[i];
        if (lower[i] >= 'A' && lower[i] <= 'Z') {
            lower[i] = (char)(lower[i] - 'A' + 'a');
        }
    }
    return units_parse(units_size, span_of(lower, text.len), bytes_out);
}

bool
units_percent(struct span text, unsigned *percent_out)
{
    uint64_t value;

    if (text.len < 2 || text.data[text.len - 1] != '%' ||
        !span_to_u64(span_of(text.data, text.len - 1), &value) || value < 1 ||
        value > 100) {
        return false;
    }
    *percent_out = (unsigned)value;
    return true;
}

uint64_t
units_share_of(const struct units_share *share, uint64_t whole)
{
    uint64_t part =
        whole / 100 * share->percent + whole % 100 * share->percent / 100;

    if (share->percent == 0) {
        return share->bytes;
    }
    return part == 0 && whole > 0 ? 1 : part;
}

const char *
units_format_duration(int64_t ms, char text[UNITS_TEXT_MAX])
{
    return units_format(units_duration, ms, text);
}

const char *
units_format_size(int64_t bytes, char text[UNITS_TEXT_MAX])
{
    return units_format(units_size, bytes, text);
}
