/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LIKE and the functions: what has a pattern or a list of its own.
 */
#include "policy/selector_build.h"

/* Whether escape is one character: the quotes hold valid UTF-8. */
static bool
build_is_one_character(struct span escape)
{
    size_t len = 1;

    if (escape.len == 0) {
        return false;
    }
    while (len < escape.len &&
           ((unsigned char)escape.data[len] & 0xC0) == 0x80) {
        len++;
    }
    return len == escape.len;
}

static bool
build_compile_like(struct selector_builder *builder, struct span pattern,
                   struct span escape, struct selector_place place)
{
    size_t count = (size_t)SELECTOR_NODES_MAX - builder->piece_count;
    /* The pattern lies in the builder's pool, nobody else's. */
    char *bytes = builder->pool + (pattern.data - builder->pool);

    switch (selector_like_compile(
        escape, bytes, pattern.len, &builder->pieces[builder->piece_count],
        &count, &builder->likes[builder->like_count])) {
    case SELECTOR_LIKE_COMPILED:
        builder->piece_count = (uint16_t)(builder->piece_count + count);
        return selector_build_count(builder, place.first, count);
    case SELECTOR_LIKE_TOO_MANY_ANY:
        return selector_builder_refuse(
            builder, place.first,
            "the pattern is too long: more than %d times \"_\"",
            SELECTOR_LIKE_ANY_MAX);
    case SELECTOR_LIKE_TOO_MANY_PIECES:
        break;
    }
    return selector_build_count(builder, place.first, SELECTOR_NODES_MAX + 1);
}

bool
selector_build_like(struct selector_builder *builder,
                    struct selector_expr *expr, struct span pattern,
                    struct span escape, struct selector_place place)
{
    struct selector_step step = { .op = SELECTOR_OP_LIKE,
                                  .arg = builder->like_count };

    if (expr->type != SELECTOR_TYPE_ANY && expr->type != SELECTOR_TYPE_TEXT) {
        return selector_build_refuse_type(builder, expr,
                                          "a name or a text before LIKE");
    }
    if (escape.data != NULL && !build_is_one_character(escape)) {
        return selector_builder_refuse(
            builder, place.first,
            "the text after ESCAPE must be one character");
    }
    *expr = (struct selector_expr){
        .type = SELECTOR_TYPE_BOOLEAN,
        .place = { .first = expr->place.first, .last = place.last },
    };
    if (!selector_build_step(builder, place.first, step, 1, 1) ||
        !build_compile_like(builder, pattern, escape, place)) {
        return false;
    }
    builder->like_count++;
    return true;
}

bool
selector_build_argument(struct selector_builder *builder,
                        struct selector_args *args,
                        const struct selector_expr *expr)
{
    bool is_list = expr->type == SELECTOR_TYPE_LIST;

    if (expr->type == SELECTOR_TYPE_NULL ||
        expr->type == SELECTOR_TYPE_BOOLEAN || (is_list && args->count > 0)) {
        return selector_build_refuse_type(builder, expr,
                                          "a name, a number or a text");
    }
    if (args->count == 0) {
        args->first = *expr;
    }
    args->last = *expr;
    args->count++;
    return true;
}

static bool
build_is_special(char c)
{
    return c != '\0' && strchr("\\[](){}.*+?^$|", c) != NULL;
}

/*
 * ActiveMQ's SPLIT takes a regular expression.  Those that are one text are
 * taken: without special characters, one special character alone (Java takes
 * `,` and no one means `.` for every character), or one behind a backslash.
 */
static bool
build_separator(struct selector_builder *builder, struct span *separator,
                struct selector_place place)
{
    if (separator->len == 2 && separator->data[0] == '\\' &&
        build_is_special(separator->data[1])) {
        *separator = span_after(*separator, 1);
        return true;
    }
    for (size_t i = 0; separator->len > 1 && i < separator->len; i++) {
        if (build_is_special(separator->data[i])) {
            return selector_builder_refuse(
                builder, place.first,
                "SPLIT is by a text, not by a regular expression: write the "
                "separator as it is, without \"%c\"",
                separator->data[i]);
        }
    }
    if (separator->len == 0) {
        return selector_builder_refuse(builder, place.first,
                                       "the separator of SPLIT is empty");
    }
    return true;
}

static bool
build_split(struct selector_builder *builder, const struct selector_args *args,
            struct selector_expr *expr)
{
    const struct selector_step *last = &builder->steps[builder->step_count - 1];

    if (args->count != 2 || args->first.type == SELECTOR_TYPE_LIST ||
        args->last.type != SELECTOR_TYPE_TEXT ||
        last->op != SELECTOR_OP_CONSTANT) {
        return selector_builder_refuse(
            builder, expr->place.first,
            "SPLIT takes a text and its separator in quotes: "
            "SPLIT(name, ',')");
    }
    expr->type = SELECTOR_TYPE_LIST;
    expr->list =
        (struct selector_step){ .op = SELECTOR_OP_IN_SPLIT, .arg = last->arg };
    /* The separator is no operand: only the text stays on the stack. */
    builder->step_count--;
    builder->stack--;
    return build_separator(builder, &builder->constants[last->arg].text,
                           args->last.place);
}

static bool
build_makelist(struct selector_builder *builder,
               const struct selector_args *args, struct selector_expr *expr)
{
    if (args->first.type == SELECTOR_TYPE_LIST) {
        return selector_build_refuse_type(builder, &args->first,
                                          "a name, a number or a text");
    }
    expr->type = SELECTOR_TYPE_LIST;
    expr->list = (struct selector_step){ .op = SELECTOR_OP_IN_LIST,
                                         .count = args->count };
    return true;
}

static bool
build_inlist(struct selector_builder *builder, const struct selector_args *args,
             struct selector_expr *expr)
{
    unsigned pops;

    if (args->count != 2 || args->first.type != SELECTOR_TYPE_LIST) {
        return selector_builder_refuse(
            builder, expr->place.first,
            "INLIST takes a list and a value: INLIST(SPLIT(name, ','), "
            "'value') or INLIST(MAKELIST('a', 'b'), name)");
    }
    pops = args->first.list.op == SELECTOR_OP_IN_SPLIT
               ? 2U
               : args->first.list.count + 1U;
    expr->type = SELECTOR_TYPE_BOOLEAN;
    return selector_build_step(builder, expr->place.first, args->first.list,
                               pops, 1);
}

typedef bool build_call_fn(struct selector_builder *builder,
                           const struct selector_args *args,
                           struct selector_expr *expr);

/* The second column is why a function of ActiveMQ's is not there. */
static const struct {
    const char *name;
    const char *refusal;
    build_call_fn *build;
} build_calls[] = {
    { "INLIST", NULL, build_inlist },
    { "MAKELIST", NULL, build_makelist },
    { "REGEX",
      "REGEX is refused: a regular expression can take exponential time on a "
      "message, which would stop the broker; use LIKE",
      NULL },
    { "REPLACE",
      "REPLACE is refused: it takes a regular expression, which can take "
      "exponential time on a message; use LIKE on the header as it is",
      NULL },
    { "SPLIT", NULL, build_split },
};

bool
selector_build_call(struct selector_builder *builder, struct span name,
                    struct selector_place place,
                    const struct selector_args *args,
                    struct selector_expr *expr_out)
{
    char excerpt[SELECTOR_EXCERPT_MAX];

    *expr_out = (struct selector_expr){ .place = place };
    for (size_t i = 0; i < sizeof(build_calls) / sizeof(build_calls[0]); i++) {
        if (!span_equal_nocase(name, span_of_text(build_calls[i].name))) {
            continue;
        }
        if (build_calls[i].refusal != NULL) {
            return selector_builder_refuse(builder, place.first, "%s",
                                           build_calls[i].refusal);
        }
        return build_calls[i].build(builder, args, expr_out);
    }
    place.last = place.first + (uint32_t)name.len;
    return selector_builder_refuse(
        builder, place.first,
        "there is no function %s, only INLIST, MAKELIST and SPLIT",
        selector_builder_excerpt(builder, place, excerpt));
}
