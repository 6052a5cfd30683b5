/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Optimal string alignment distance, three rows at a time.
 */
#include "policy/edit_distance.h"

#include <string.h>

enum { EDIT_MAX = 64 };

static char
edit_lower(char c)
{
    if (c >= 'A' && c <= 'Z') {
        c = (char)(c - 'A' + 'a');
    }
    return c;
}

static size_t
edit_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Row i of the table (i letters of a) from the two rows before it. */
static void
edit_row(const char *a, size_t i, const char *b, size_t b_len,
         size_t rows[3][EDIT_MAX + 1])
{
    size_t *row = rows[i % 3];
    const size_t *before = rows[(i + 2) % 3];
    const size_t *two_before = rows[(i + 1) % 3];
    char letter = edit_lower(a[i - 1]);

    row[0] = i;
    for (size_t j = 1; j <= b_len; j++) {
        char other = edit_lower(b[j - 1]);

        row[j] = edit_min(edit_min(before[j], row[j - 1]) + 1,
                          before[j - 1] + (letter == other ? 0 : 1));
        if (i > 1 && j > 1 && letter == edit_lower(b[j - 2]) &&
            edit_lower(a[i - 2]) == other) {
            row[j] = edit_min(row[j], two_before[j - 2] + 1);
        }
    }
}

size_t
edit_distance(const char *a, const char *b)
{
    size_t rows[3][EDIT_MAX + 1];
    size_t a_len = edit_min(strlen(a), EDIT_MAX);
    size_t b_len = edit_min(strlen(b), EDIT_MAX);

    memset(rows, 0, sizeof(rows));
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        edit_row(a, i, b, b_len, rows);
    }
    return rows[a_len % 3][b_len];
}

bool
edit_distance_is_near(const char *a, const char *b, size_t distance)
{
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);
    size_t longer = a_len > b_len ? a_len : b_len;

    /* Not "did you mean" for what shares no letter with it. */
    return distance < longer && (distance <= 2 || distance <= longer / 3);
}
