/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { SECRET_MASK_BYTES = 4 }; /* "***" and the NUL */

static const char *const secret_words[] = {
    "passcode", "password",      "passwd", "passphrase", "secret", "token",
    "apikey",   "authorization", "cookie", "credential", "jwt",
};

static bool
secret_is_letter(char c)
{
    return isalnum((unsigned char)c) != 0;
}

/* The offset behind word when it stands at `at`, its letters in any case and
 * with anything between them; else 0. */
static size_t
secret_match(struct span text, size_t at, const char *word)
{
    for (; *word != '\0'; word++, at++) {
        while (at < text.len && !secret_is_letter(text.data[at])) {
            at++;
        }
        if (at == text.len || tolower((unsigned char)text.data[at]) != *word) {
            return 0;
        }
    }
    return at;
}

/* The offset behind the first of the words that begins at `from` or later; 0
 * when there is none.  *from_out: where to look for the next one. */
static size_t
secret_find(struct span text, size_t from, size_t *from_out)
{
    for (size_t at = from; at < text.len; at++) {
        if (!secret_is_letter(text.data[at])) {
            continue;
        }
        for (size_t i = 0; i < sizeof(secret_words) / sizeof(char *); i++) {
            size_t end = secret_match(text, at, secret_words[i]);

            if (end > 0) {
                *from_out = at + 1;
                return end;
            }
        }
    }
    return 0;
}

bool
secret_is_name(struct span name)
{
    size_t next;

    return secret_find(name, 0, &next) > 0;
}

/* The offset behind the ':' or '=' (or %3A, %3D) that the name ending at `at`
 * goes up to; 0 when it is no name. */
static size_t
secret_assigned(struct span text, size_t at)
{
    for (; at < text.len; at++) {
        char c = text.data[at];

        if (c == ':' || c == '=') {
            return at + 1;
        }
        if (c == '%' && text.len - at >= 3 && text.data[at + 1] == '3' &&
            strchr("aAdD", text.data[at + 2]) != NULL) {
            return at + 3;
        }
        if (!secret_is_letter(c) && strchr("._- \t\"'\\", c) == NULL) {
            return 0;
        }
    }
    return 0;
}

/* Escapes what stands before `shown`, and a mask for the rest. */
static const char *
secret_mask(struct span value, size_t shown, char *text, size_t size)
{
    size_t used;

    if (shown >= value.len || size < 2 * SECRET_MASK_BYTES) {
        return span_escape(value, text, size);
    }
    (void)span_escape(span_of(value.data, shown), text,
                      size - SECRET_MASK_BYTES + 1);
    used = strlen(text);
    (void)snprintf(text + used, size - used, "***");
    return text;
}

const char *
secret_escape(struct span value, char *text, size_t size)
{
    size_t shown = value.len;
    size_t next = 0;
    size_t end;

    while ((end = secret_find(value, next, &next)) > 0) {
        size_t assigned = secret_assigned(value, end);

        if (assigned > 0) {
            shown = assigned;
            break;
        }
    }
    return secret_mask(value, shown, text, size);
}

const char *
secret_escape_line(struct span line, char *text, size_t size)
{
    size_t next;
    size_t end = secret_find(line, 0, &next);

    if (end == 0) {
        return span_escape(line, text, size);
    }
    if (end < line.len && line.data[end] == ':') {
        end++;
    }
    return secret_mask(line, end, text, size);
}
