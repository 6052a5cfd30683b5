/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder's memory: made, read from, and packed into a selector.
 */
#include "base/alloc.h"
#include "policy/selector_build.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct selector_builder *
selector_builder_new(struct span text, struct error *err)
{
    struct selector_builder *builder = try_malloc(sizeof(*builder));
    char *pool = try_malloc(text.len + 1);

    if (builder == NULL || pool == NULL) {
        free(builder);
        free(pool);
        (void)error_set(err, "out of memory for the selector");
        return NULL;
    }
    /* The arrays are left alone: a short selector touches two pages. */
    memset(builder, 0, offsetof(struct selector_builder, steps));
    builder->text = text;
    builder->err = err;
    builder->pool = pool;
    return builder;
}

void
selector_builder_free(struct selector_builder **builder)
{
    if (*builder != NULL) {
        free((*builder)->pool);
        free(*builder);
        *builder = NULL;
    }
}

/* The position of a byte, in characters from 1; the text is UTF-8. */
static unsigned
builder_column(struct span text, uint32_t offset)
{
    unsigned column = 1;

    for (uint32_t i = 0; i < offset && i < text.len; i++) {
        column += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    }
    return column;
}

bool
selector_builder_refuse(struct selector_builder *builder, uint32_t offset,
                        const char *fmt, ...)
{
    char text[sizeof(builder->err->text)];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)error_set_at(builder->err, "", 0,
                       builder_column(builder->text, offset), "%s", text);
    return false;
}

const char *
selector_builder_excerpt(const struct selector_builder *builder,
                         struct selector_place place,
                         char text[SELECTOR_EXCERPT_MAX])
{
    size_t used = 0;
    size_t at = place.first;

    text[used++] = '"';
    /* Whole characters; room for one more, "...", the quote and the NUL. */
    while (at < place.last && used + 10 < SELECTOR_EXCERPT_MAX) {
        unsigned char c = (unsigned char)builder->text.data[at];

        do {
            text[used++] = c < 0x20 || c == 0x7F ? '?' : builder->text.data[at];
            at++;
        } while (at < place.last &&
                 ((unsigned char)builder->text.data[at] & 0xC0) == 0x80);
    }
    (void)snprintf(text + used, SELECTOR_EXCERPT_MAX - used, "%s\"",
                   at < place.last ? "..." : "");
    return text;
}

struct span
selector_builder_unquote(struct selector_builder *builder, struct span inner,
                         char quote)
{
    char *start = builder->pool + builder->pool_used;
    char *end = start;

    assert(inner.len <= builder->text.len - builder->pool_used);
    for (size_t i = 0; i < inner.len; i++) {
        *end++ = inner.data[i];
        i += inner.data[i] == quote;
    }
    builder->pool_used += (uint32_t)(end - start);
    return span_of(start, (size_t)(end - start));
}

/* Copies a part behind those before it; all but the bytes at the end have
 * sizes that keep the next one aligned. */
static void *
builder_pack(char **at, const void *from, size_t size)
{
    void *part = *at;

    if (size > 0) {
        memcpy(part, from, size);
    }
    *at += size;
    return part;
}

/* A span of the pool becomes the same span of its copy. */
static void
builder_move(const struct selector_builder *builder, const char *pool,
             struct span *span)
{
    span->data = pool + (span->data - builder->pool);
}

struct builder_parts {
    struct selector_value *constants;
    struct selector_name *names;
    struct selector_like *likes;
    struct selector_like_piece *pieces;
};

static void
builder_move_parts(const struct selector_builder *builder, const char *pool,
                   const struct builder_parts *parts)
{
    for (size_t i = 0; i < builder->constant_count; i++) {
        if (parts->constants[i].kind == SELECTOR_VALUE_TEXT) {
            builder_move(builder, pool, &parts->constants[i].text);
        }
    }
    for (size_t i = 0; i < builder->name_count; i++) {
        builder_move(builder, pool, &parts->names[i].text);
    }
    for (size_t i = 0; i < builder->like_count; i++) {
        parts->likes[i].pieces =
            parts->pieces + (parts->likes[i].pieces - builder->pieces);
    }
    for (size_t i = 0; i < builder->piece_count; i++) {
        builder_move(builder, pool, &parts->pieces[i].literal);
    }
}

static void
builder_pack_all(const struct selector_builder *builder,
                 struct selector *selector)
{
    char *at = (char *)(selector + 1);
    struct builder_parts parts;
    const char *pool;

    parts.constants =
        builder_pack(&at, builder->constants,
                     builder->constant_count * sizeof(*parts.constants));
    parts.names = builder_pack(&at, builder->names,
                               builder->name_count * sizeof(*parts.names));
    parts.likes = builder_pack(&at, builder->likes,
                               builder->like_count * sizeof(*parts.likes));
    parts.pieces = builder_pack(&at, builder->pieces,
                                builder->piece_count * sizeof(*parts.pieces));
    *selector = (struct selector){
        .steps = builder_pack(&at, builder->steps,
                              builder->step_count * sizeof(builder->steps[0])),
        .constants = parts.constants,
        .names = parts.names,
        .likes = parts.likes,
        .step_count = builder->step_count,
        .name_count = builder->name_count,
        .equality = builder->result.equality,
    };
    pool = builder_pack(&at, builder->pool, builder->pool_used);
    selector->text.data =
        builder_pack(&at, builder->text.data, builder->text.len);
    selector->text.len = builder->text.len;
    builder_move_parts(builder, pool, &parts);
}

bool
selector_build_finish(struct selector_builder *builder,
                      struct selector **selector_out)
{
    struct selector *selector;

    _Static_assert(sizeof(struct selector) % sizeof(void *) == 0 &&
                       sizeof(struct selector_step) % sizeof(void *) == 0,
                   "what is packed behind would not be aligned");
    selector =
        try_malloc(sizeof(*selector) +
                   builder->constant_count * sizeof(builder->constants[0]) +
                   builder->name_count * sizeof(builder->names[0]) +
                   builder->like_count * sizeof(builder->likes[0]) +
                   builder->piece_count * sizeof(builder->pieces[0]) +
                   builder->step_count * sizeof(builder->steps[0]) +
                   builder->pool_used + builder->text.len);
    if (selector == NULL) {
        return selector_builder_refuse(builder, 0,
                                       "out of memory for the selector");
    }
    builder_pack_all(builder, selector);
    *selector_out = selector;
    return true;
}
