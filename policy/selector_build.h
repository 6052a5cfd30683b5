/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the grammar does: it appends steps as it reads, checks kinds, and at
 * the end packs a selector.  The builder is the only thing that owns memory
 * while a selector is parsed: no token and no operand does, so there is
 * nothing to destroy when the parser gives up.
 *
 * Every function that returns bool says by false that the selector is refused,
 * and has set the error then.
 */
#pragma once
#include "policy/selector_program.h"

/* Bytes of the text, from first up to but not including last. */
struct selector_place {
    uint32_t first;
    uint32_t last;
};

/* What is known of an operand before any message is seen. */
enum selector_type {
    SELECTOR_TYPE_ANY, /* a name: whatever it will stand for */
    SELECTOR_TYPE_NULL,
    SELECTOR_TYPE_BOOLEAN,
    SELECTOR_TYPE_NUMBER,
    SELECTOR_TYPE_TEXT,
    SELECTOR_TYPE_LIST,
};

/* An operand whose steps are appended. */
struct selector_expr {
    enum selector_type type;
    struct selector_place place;
    uint16_t equality; /* an EQUAL step that it is never TRUE without, or 0 */
    struct selector_step list; /* of a LIST: the step that searches it */
};

struct selector_args {
    struct selector_expr first;
    struct selector_expr last;
    uint16_t count;
};

/* The value of a token or of a rule. */
union selector_semantic {
    struct span text;            /* of a name, or between quotes */
    struct selector_value value; /* of a number */
    struct selector_expr expr;
    struct selector_args args;
    enum selector_op op;
    uint16_t step;
    uint16_t count;
};

struct selector_builder {
    struct span text; /* the caller's */
    struct error *err;
    char *pool; /* as long as text: names and texts without their quotes */
    uint32_t pool_used;
    uint32_t token;  /* where the one just read begins */
    uint32_t offset; /* where the next begins */
    uint16_t depth;
    uint16_t stack;
    uint16_t node_count; /* bounds each of the next four */
    uint16_t step_count;
    uint16_t constant_count;
    uint16_t like_count;
    uint16_t piece_count;
    uint16_t name_count;
    struct selector_expr result;
    struct selector_step steps[SELECTOR_NODES_MAX];
    struct selector_value constants[SELECTOR_NODES_MAX];
    struct selector_like likes[SELECTOR_NODES_MAX];
    struct selector_like_piece pieces[SELECTOR_NODES_MAX];
    struct selector_name names[SELECTOR_NAMES_MAX];
};

/* NULL, with err set, when memory is out.  text is borrowed until _free. */
struct selector_builder *selector_builder_new(struct span text,
                                              struct error *err);
void selector_builder_free(struct selector_builder **builder);

/* Says what is wrong at byte offset; always false. */
bool selector_builder_refuse(struct selector_builder *builder, uint32_t offset,
                             const char *fmt, ...)
    __attribute__((format(printf, 3, 4), cold));

/* The text at place for an error text, in quotes and cut: returns text. */
enum { SELECTOR_EXCERPT_MAX = 64 };
const char *selector_builder_excerpt(const struct selector_builder *builder,
                                     struct selector_place place,
                                     char text[SELECTOR_EXCERPT_MAX]);

/* Copies what stands between two quotes, each doubled quote once. */
struct span selector_builder_unquote(struct selector_builder *builder,
                                     struct span inner, char quote);

/* Around what stands inside parentheses, or behind a NOT or a sign. */
bool selector_build_enter(struct selector_builder *builder,
                          struct selector_place place);
void selector_build_leave(struct selector_builder *builder);

/* Refuses expr for what it is; expected says what may stand there. */
bool selector_build_refuse_type(struct selector_builder *builder,
                                const struct selector_expr *expr,
                                const char *expected) __attribute__((cold));

/* Counts nodes that are no steps. */
bool selector_build_count(struct selector_builder *builder, uint32_t offset,
                          size_t count);

/* Appends a step that takes pops values off the stack and puts pushes on. */
bool selector_build_step(struct selector_builder *builder, uint32_t offset,
                         struct selector_step step, unsigned pops,
                         unsigned pushes);

/* Operands.  The place is where the operand is written. */
bool selector_build_constant(struct selector_builder *builder,
                             const struct selector_value *value,
                             struct selector_place place,
                             struct selector_expr *expr_out);
bool selector_build_name(struct selector_builder *builder, struct span text,
                         struct selector_place place,
                         struct selector_expr *expr_out);

/* Makes sure that expr can be a condition, and that its value is one. */
bool selector_build_condition(struct selector_builder *builder,
                              struct selector_expr *expr);

/* Between the sides of an AND or OR: the left one may decide.  The right one
 * has been appended when _join is called with the step that _skip told. */
bool selector_build_skip(struct selector_builder *builder, enum selector_op op,
                         struct selector_expr *left, uint16_t *step_out);
bool selector_build_join(struct selector_builder *builder, uint16_t skip,
                         const struct selector_expr *left,
                         struct selector_expr *right,
                         struct selector_expr *expr_out);

/* The next ones turn *expr, or *left, into the result. */
bool selector_build_not(struct selector_builder *builder,
                        struct selector_expr *expr);
bool selector_build_compare(struct selector_builder *builder,
                            enum selector_op op, struct selector_expr *left,
                            const struct selector_expr *right);
bool selector_build_arithmetic(struct selector_builder *builder,
                               enum selector_op op, struct selector_expr *left,
                               const struct selector_expr *right);
bool selector_build_sign(struct selector_builder *builder, enum selector_op op,
                         struct selector_expr *expr);
bool selector_build_is_null(struct selector_builder *builder,
                            struct selector_expr *expr);
bool selector_build_between(struct selector_builder *builder,
                            struct selector_expr *expr,
                            const struct selector_expr *low,
                            const struct selector_expr *high);

/* One element of an IN list; the list is the last count of them. */
bool selector_build_element(struct selector_builder *builder,
                            const struct selector_value *value,
                            struct selector_place place);
bool selector_build_in(struct selector_builder *builder,
                       struct selector_expr *expr, uint16_t count);

/* escape is empty when there is none; place is that of the pattern. */
bool selector_build_like(struct selector_builder *builder,
                         struct selector_expr *expr, struct span pattern,
                         struct span escape, struct selector_place place);

/* One more argument of a function, whose steps are appended. */
bool selector_build_argument(struct selector_builder *builder,
                             struct selector_args *args,
                             const struct selector_expr *expr);
bool selector_build_call(struct selector_builder *builder, struct span name,
                         struct selector_place place,
                         const struct selector_args *args,
                         struct selector_expr *expr_out);

/* The selector of all that was appended.  False when memory is out. */
bool selector_build_finish(struct selector_builder *builder,
                           struct selector **selector_out);
