/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void __attribute__((cold, noreturn)) alloc_out_of_memory(size_t size)
{
    (void)fprintf(stderr, "out of memory: cannot get %zu bytes\n", size);
    abort();
}

void *
xmalloc(size_t size)
{
    void *ptr = malloc(size > 0 ? size : 1);

    if (ptr == NULL) {
        alloc_out_of_memory(size);
    }
    return ptr;
}

void *
xcalloc(size_t count, size_t size)
{
    void *ptr = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (ptr == NULL) {
        alloc_out_of_memory(count * size);
    }
    return ptr;
}

void *
xrealloc(void *ptr, size_t size)
{
    void *moved = realloc(ptr, size > 0 ? size : 1);

    if (moved == NULL) {
        alloc_out_of_memory(size);
    }
    return moved;
}

char *
xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

char *
xstrndup(const char *text, size_t len)
{
    char *copy = xmalloc(len + 1);

    if (len > 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    return copy;
}

char *
xasprintf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len < 0 || text == NULL) {
        alloc_out_of_memory(0);
    }
    return text;
}

void *
try_malloc(size_t size)
{
    return malloc(size > 0 ? size : 1);
}

void *
try_realloc(void *ptr, size_t size)
{
    return realloc(ptr, size > 0 ? size : 1);
}
