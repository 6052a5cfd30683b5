/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where malloc is named.  Sizes that are fixed and ours abort
 * when memory is out; sizes that came from a peer go through try_malloc,
 * after the quota check, and the caller answers the peer.
 */
#pragma once
#include <stddef.h>

/* Never return NULL: abort with a message.  Free with free(). */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));
void *xrealloc(void *ptr, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
/* Copies len bytes and ends them with a NUL. */
char *xstrndup(const char *text, size_t len)
    __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), returns_nonnull));

/* NULL when memory is out. */
void *try_malloc(size_t size) __attribute__((malloc));
void *try_realloc(void *ptr, size_t size);
