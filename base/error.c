/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

static void __attribute__((format(printf, 5, 0)))
error_vset(struct error *err, const char *source, unsigned line,
           unsigned column, const char *fmt, va_list ap)
{
    if (err == NULL || err->text[0] != '\0') {
        return;
    }
    (void)snprintf(err->source, sizeof(err->source), "%s", source);
    err->line = line;
    err->column = column;
    (void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

int
error_set(struct error *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vset(err, "", 0, 0, fmt, ap);
    va_end(ap);
    return -1;
}

int
error_set_at(struct error *err, const char *source, unsigned line,
             unsigned column, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vset(err, source, line, column, fmt, ap);
    va_end(ap);
    return -1;
}
