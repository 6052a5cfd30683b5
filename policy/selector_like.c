/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selector_like.h"

#include "policy/selector.h"

#include <assert.h>
#include <string.h>

/* A character is a byte and the continuation bytes of UTF-8 behind it; in a
 * text that is not UTF-8 that still ends. */
static bool
like_continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t
like_length(struct span text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++) {
        count += !like_continues(text.data[i]);
    }
    return count;
}

/* Moves *at over count characters; false when there are not so many. */
static bool
like_skip(struct span text, size_t count, size_t *at)
{
    size_t pos = *at;

    for (; count > 0; count--) {
        if (pos >= text.len) {
            return false;
        }
        do {
            pos++;
        } while (pos < text.len && like_continues(text.data[pos]));
    }
    *at = pos;
    return true;
}

/* Where the last count characters of text begin; false when it has less. */
static bool
like_tail(struct span text, size_t count, size_t *at_out)
{
    size_t pos = text.len;

    for (; count > 0; count--) {
        if (pos == 0) {
            return false;
        }
        do {
            pos--;
        } while (pos > 0 && like_continues(text.data[pos]));
    }
    *at_out = pos;
    return true;
}

/* What compiling has come to. */
struct like_compiler {
    struct selector_like_piece *pieces;
    size_t count;
    size_t most;
    size_t any_count;
    char *end;   /* of the literals written */
    size_t skip; /* `_` since the last literal */
    bool starts; /* nothing of this run is written */
};

/* Begins a piece, if the bytes that come belong to a new one. */
static bool
like_begin_piece(struct like_compiler *compiler)
{
    struct selector_like_piece *piece;

    if (!compiler->starts && compiler->skip == 0) {
        return true;
    }
    if (compiler->count == compiler->most) {
        return false;
    }
    piece = &compiler->pieces[compiler->count++];
    *piece = (struct selector_like_piece){
        .literal = span_of(compiler->end, 0),
        .skip = (uint16_t)compiler->skip,
        .starts = compiler->starts,
    };
    compiler->starts = false;
    compiler->skip = 0;
    return true;
}

static bool
like_literal(struct like_compiler *compiler, char c)
{
    if (!like_begin_piece(compiler)) {
        return false;
    }
    *compiler->end++ = c;
    compiler->pieces[compiler->count - 1].literal.len++;
    return true;
}

/* What a `%` or the end of the pattern closes. */
static bool
like_end_run(struct like_compiler *compiler)
{
    return compiler->skip == 0 || like_begin_piece(compiler);
}

static void
like_measure_runs(struct selector_like_piece *pieces, size_t count)
{
    struct selector_like_piece *first = pieces;

    for (size_t i = 0; i < count; i++) {
        if (pieces[i].starts) {
            first = &pieces[i];
        }
        first->run_length +=
            (uint32_t)(pieces[i].skip + like_length(pieces[i].literal));
    }
}

static bool
like_is_escape(struct span escape, struct span pattern)
{
    return escape.len > 0 && span_starts_with(pattern, escape);
}

/* Whether the escape at pattern takes the special meaning of what follows. */
static bool
like_escapes(struct span escape, struct span pattern)
{
    struct span next = span_after(pattern, escape.len);

    return next.len > 0 && (next.data[0] == '%' || next.data[0] == '_' ||
                            span_starts_with(next, escape));
}

/* Takes one character, or one byte of it, off *pattern. */
static bool
like_compile_one(struct like_compiler *compiler, struct span escape,
                 struct span *pattern)
{
    bool is_escape = like_is_escape(escape, *pattern);
    bool escaped = is_escape && like_escapes(escape, *pattern);
    char c;

    if (escaped) {
        *pattern = span_after(*pattern, escape.len);
    }
    c = pattern->data[0];
    *pattern = span_after(*pattern, 1);
    if (is_escape || (c != '%' && c != '_')) {
        if (!like_literal(compiler, c)) {
            return false;
        }
        /* The rest of an escape that stands for itself is no escape again. */
        while (escaped && pattern->len > 0 &&
               like_continues(pattern->data[0])) {
            *compiler->end++ = pattern->data[0];
            compiler->pieces[compiler->count - 1].literal.len++;
            *pattern = span_after(*pattern, 1);
        }
        return true;
    }
    if (c == '_') {
        compiler->skip++;
        compiler->any_count++;
        return true;
    }
    if (!like_end_run(compiler)) {
        return false;
    }
    compiler->starts = true;
    return true;
}

enum selector_like_compile
selector_like_compile(struct span escape, char *pattern, size_t len,
                      struct selector_like_piece *pieces, size_t *count,
                      struct selector_like *like_out)
{
    struct like_compiler compiler = {
        .pieces = pieces, .most = *count, .end = pattern, .starts = true
    };
    struct span rest = span_of(pattern, len);
    bool open_start =
        len > 0 && pattern[0] == '%' && !like_is_escape(escape, rest);

    /* The literals are never longer than what was read: overwriting is safe. */
    while (rest.len > 0) {
        if (!like_compile_one(&compiler, escape, &rest)) {
            return SELECTOR_LIKE_TOO_MANY_PIECES;
        }
        if (compiler.any_count > SELECTOR_LIKE_ANY_MAX) {
            return SELECTOR_LIKE_TOO_MANY_ANY;
        }
    }
    if (!like_end_run(&compiler)) {
        return SELECTOR_LIKE_TOO_MANY_PIECES;
    }
    like_measure_runs(pieces, compiler.count);
    *count = compiler.count;
    *like_out = (struct selector_like){
        .pieces = pieces,
        .count = (uint16_t)compiler.count,
        .open_start = open_start,
        .open_end = compiler.starts && len > 0,
    };
    return SELECTOR_LIKE_COMPILED;
}

/* One run: its pieces up to the next that starts. */
struct like_run {
    const struct selector_like_piece *first;
    const struct selector_like_piece *end;
};

static struct like_run
like_run_at(const struct selector_like *like,
            const struct selector_like_piece *first)
{
    struct like_run run = { .first = first, .end = first + 1 };

    while (run.end < like->pieces + like->count && !run.end->starts) {
        run.end++;
    }
    return run;
}

static bool
like_match_literal(struct span text, struct span literal, size_t *at)
{
    if (!span_starts_with(span_after(text, *at), literal)) {
        return false;
    }
    *at += literal.len;
    return true;
}

/* Whether the pieces match from *at on, which becomes where they end. */
static bool
like_match_pieces(const struct selector_like_piece *piece,
                  const struct selector_like_piece *end, struct span text,
                  size_t *at)
{
    size_t pos = *at;

    for (; piece < end; piece++) {
        if (!like_skip(text, piece->skip, &pos) ||
            !like_match_literal(text, piece->literal, &pos)) {
            return false;
        }
    }
    *at = pos;
    return true;
}

/* Finds a run that is one literal, in linear time. */
static bool
like_find_literal(struct span literal, struct span text, size_t *at)
{
    const char *found =
        memmem(text.data + *at, text.len - *at, literal.data, literal.len);

    if (found == NULL) {
        return false;
    }
    *at = (size_t)(found - text.data) + literal.len;
    return true;
}

/* Finds the first place from *at on where the run matches.  What it skips at
 * its start any place has, so its first literal is what is searched for: by
 * its first byte, since memmem would study the literal anew for each place. */
static bool
like_find(struct like_run run, struct span text, size_t *at)
{
    struct span literal = run.first->literal;

    if (!like_skip(text, run.first->skip, at)) {
        return false;
    }
    if (run.first + 1 == run.end) {
        return like_find_literal(literal, text, at);
    }
    for (size_t pos = *at; pos < text.len; pos++) {
        const char *found =
            memchr(text.data + pos, literal.data[0], text.len - pos);

        if (found == NULL) {
            return false;
        }
        pos = (size_t)(found - text.data);
        *at = pos;
        if (like_match_literal(text, literal, at) &&
            like_match_pieces(run.first + 1, run.end, text, at)) {
            return true;
        }
    }
    return false;
}

/* Whether the run matches what is left of text behind at, to its end. */
static bool
like_match_end(struct like_run run, struct span text, size_t at)
{
    size_t pos;

    return like_tail(text, run.first->run_length, &pos) && pos >= at &&
           like_match_pieces(run.first, run.end, text, &pos) && pos == text.len;
}

bool
selector_like_matches(const struct selector_like *like, struct span text)
{
    const struct selector_like_piece *piece = like->pieces;
    const struct selector_like_piece *end = like->pieces + like->count;
    size_t at = 0;

    if (like->count == 0 || text.len == 0) {
        return text.len == 0 ? like->count == 0 : like->open_start;
    }
    while (piece < end) {
        struct like_run run = like_run_at(like, piece);
        bool tied = piece == like->pieces && !like->open_start;

        if (run.end == end && !like->open_end) {
            return tied ? like_match_pieces(piece, end, text, &at) &&
                              at == text.len
                        : like_match_end(run, text, at);
        }
        if (tied ? !like_match_pieces(piece, run.end, text, &at)
                 : !like_find(run, text, &at)) {
            return false;
        }
        piece = run.end;
    }
    assert(like->open_end);
    return true;
}
