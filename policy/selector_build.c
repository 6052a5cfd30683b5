/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selector_build.h"

#include "policy/selector_field.h"
#include "policy/selector_value.h"

#include <assert.h>

/* How an operand is called in an error text. */
static const char *
build_type_text(enum selector_type type)
{
    switch (type) {
    case SELECTOR_TYPE_ANY:
        return "a name";
    case SELECTOR_TYPE_NULL:
        return "no value";
    case SELECTOR_TYPE_BOOLEAN:
        return "a condition";
    case SELECTOR_TYPE_NUMBER:
        return "a number";
    case SELECTOR_TYPE_TEXT:
        return "a text";
    case SELECTOR_TYPE_LIST:
        return "a list";
    }
    return "";
}

bool
selector_build_refuse_type(struct selector_builder *builder,
                           const struct selector_expr *expr,
                           const char *expected)
{
    char excerpt[SELECTOR_EXCERPT_MAX];

    return selector_builder_refuse(
        builder, expr->place.first, "%s is %s, expected %s",
        selector_builder_excerpt(builder, expr->place, excerpt),
        build_type_text(expr->type), expected);
}

bool
selector_build_count(struct selector_builder *builder, uint32_t offset,
                     size_t count)
{
    if (count > (size_t)SELECTOR_NODES_MAX - builder->node_count) {
        return selector_builder_refuse(
            builder, offset,
            "the selector is too long: more than %d operators and operands",
            SELECTOR_NODES_MAX);
    }
    builder->node_count = (uint16_t)(builder->node_count + count);
    return true;
}

bool
selector_build_step(struct selector_builder *builder, uint32_t offset,
                    struct selector_step step, unsigned pops, unsigned pushes)
{
    assert(builder->stack >= pops);
    if (!selector_build_count(builder, offset, 1)) {
        return false;
    }
    builder->stack = (uint16_t)(builder->stack - pops + pushes);
    if (builder->stack > SELECTOR_STACK_MAX) {
        return selector_builder_refuse(
            builder, offset,
            "the selector is too deep: more than %d values wait for their "
            "operator",
            SELECTOR_STACK_MAX);
    }
    builder->steps[builder->step_count++] = step;
    return true;
}

static bool
build_op(struct selector_builder *builder, const struct selector_expr *at,
         enum selector_op op, unsigned pops)
{
    return selector_build_step(builder, at->place.first,
                               (struct selector_step){ .op = op }, pops, 1);
}

/* The steps of an operand end with its operator: only a plain name or
 * constant ends with one. */
static const struct selector_step *
build_last(const struct selector_builder *builder, unsigned back)
{
    return &builder->steps[builder->step_count - 1 - back];
}

static struct selector_place
build_place(struct selector_place from, struct selector_place to)
{
    return (struct selector_place){ .first = from.first, .last = to.last };
}

static void
build_result(struct selector_expr *expr, enum selector_type type,
             struct selector_place last)
{
    *expr = (struct selector_expr){
        .type = type,
        .place = build_place(expr->place, last),
    };
}

bool
selector_build_enter(struct selector_builder *builder,
                     struct selector_place place)
{
    if (builder->depth == SELECTOR_DEPTH_MAX) {
        return selector_builder_refuse(
            builder, place.first,
            "the selector is too deep: more than %d parentheses, NOTs and "
            "signs inside one another",
            SELECTOR_DEPTH_MAX);
    }
    builder->depth++;
    return true;
}

void
selector_build_leave(struct selector_builder *builder)
{
    assert(builder->depth > 0);
    builder->depth--;
}

static enum selector_type
build_type_of(enum selector_value_kind kind)
{
    switch (kind) {
    case SELECTOR_VALUE_BOOLEAN:
        return SELECTOR_TYPE_BOOLEAN;
    case SELECTOR_VALUE_INTEGER:
    case SELECTOR_VALUE_REAL:
        return SELECTOR_TYPE_NUMBER;
    case SELECTOR_VALUE_TEXT:
        return SELECTOR_TYPE_TEXT;
    case SELECTOR_VALUE_NULL:
        break;
    }
    return SELECTOR_TYPE_NULL;
}

bool
selector_build_constant(struct selector_builder *builder,
                        const struct selector_value *value,
                        struct selector_place place,
                        struct selector_expr *expr_out)
{
    struct selector_step step = { .op = SELECTOR_OP_CONSTANT,
                                  .arg = builder->constant_count };

    *expr_out = (struct selector_expr){ .type = build_type_of(value->kind),
                                        .place = place };
    if (!selector_build_step(builder, place.first, step, 0, 1)) {
        return false;
    }
    builder->constants[builder->constant_count++] = *value;
    return true;
}

/* Sets *index_out to that of the name, which is added when it is new. */
static bool
build_intern(struct selector_builder *builder, struct span text,
             struct selector_place place, uint16_t *index_out)
{
    uint16_t index = 0;

    while (index < builder->name_count &&
           !span_equal(builder->names[index].text, text)) {
        index++;
    }
    *index_out = index;
    if (index < builder->name_count) {
        return true;
    }
    if (index == SELECTOR_NAMES_MAX) {
        return selector_builder_refuse(
            builder, place.first,
            "the selector is too long: more than %d different names",
            SELECTOR_NAMES_MAX);
    }
    builder->names[builder->name_count++] = (struct selector_name){
        .text = text, .index = index, .field = selector_field_of(text)
    };
    return true;
}

bool
selector_build_name(struct selector_builder *builder, struct span text,
                    struct selector_place place, struct selector_expr *expr_out)
{
    struct selector_step step = { .op = SELECTOR_OP_NAME };

    *expr_out =
        (struct selector_expr){ .type = SELECTOR_TYPE_ANY, .place = place };
    return build_intern(builder, text, place, &step.arg) &&
           selector_build_step(builder, place.first, step, 0, 1);
}

bool
selector_build_condition(struct selector_builder *builder,
                         struct selector_expr *expr)
{
    if (expr->type == SELECTOR_TYPE_BOOLEAN) {
        return true;
    }
    if (expr->type != SELECTOR_TYPE_ANY) {
        return selector_build_refuse_type(builder, expr,
                                          "a condition, such as a comparison");
    }
    expr->type = SELECTOR_TYPE_BOOLEAN;
    return build_op(builder, expr, SELECTOR_OP_TRUTH, 1);
}

bool
selector_build_skip(struct selector_builder *builder, enum selector_op op,
                    struct selector_expr *left, uint16_t *step_out)
{
    if (!selector_build_condition(builder, left)) {
        return false;
    }
    *step_out = builder->step_count;
    return build_op(builder, left, op, 1);
}

bool
selector_build_join(struct selector_builder *builder, uint16_t skip,
                    const struct selector_expr *left,
                    struct selector_expr *right, struct selector_expr *expr_out)
{
    bool is_and = builder->steps[skip].op == SELECTOR_OP_AND_SKIP;
    uint16_t equality = 0;

    if (!selector_build_condition(builder, right) ||
        !build_op(builder, right, is_and ? SELECTOR_OP_AND : SELECTOR_OP_OR,
                  2)) {
        return false;
    }
    builder->steps[skip].arg = builder->step_count;
    if (is_and) {
        equality = left->equality != 0 ? left->equality : right->equality;
    }
    *expr_out = (struct selector_expr){
        .type = SELECTOR_TYPE_BOOLEAN,
        .place = build_place(left->place, right->place),
        .equality = equality,
    };
    return true;
}

bool
selector_build_not(struct selector_builder *builder, struct selector_expr *expr)
{
    if (!selector_build_condition(builder, expr)) {
        return false;
    }
    build_result(expr, SELECTOR_TYPE_BOOLEAN, expr->place);
    return build_op(builder, expr, SELECTOR_OP_NOT, 1);
}

static bool
build_check_compared(struct selector_builder *builder,
                     const struct selector_expr *expr, bool is_order)
{
    if (expr->type == SELECTOR_TYPE_NULL) {
        return selector_builder_refuse(
            builder, expr->place.first,
            "a comparison with NULL is never TRUE, write IS NULL or IS NOT "
            "NULL");
    }
    if (expr->type == SELECTOR_TYPE_LIST ||
        (is_order && expr->type == SELECTOR_TYPE_BOOLEAN)) {
        return selector_build_refuse_type(
            builder, expr,
            is_order ? "a name, a number or a text" : "a single value");
    }
    return true;
}

/* Whether the two operands just appended are a header and a text. */
static bool
build_is_equality(const struct selector_builder *builder,
                  const struct selector_expr *left,
                  const struct selector_expr *right)
{
    const struct selector_step *name = build_last(builder, 0);
    const struct selector_step *constant = build_last(builder, 1);

    if (right->type == SELECTOR_TYPE_TEXT) {
        name = build_last(builder, 1);
        constant = build_last(builder, 0);
    } else if (left->type != SELECTOR_TYPE_TEXT) {
        return false;
    }
    return name->op == SELECTOR_OP_NAME &&
           constant->op == SELECTOR_OP_CONSTANT &&
           selector_field_is_text(builder->names[name->arg].field);
}

bool
selector_build_compare(struct selector_builder *builder, enum selector_op op,
                       struct selector_expr *left,
                       const struct selector_expr *right)
{
    bool is_order = op != SELECTOR_OP_EQUAL && op != SELECTOR_OP_NOT_EQUAL;
    bool is_equality;

    if (!build_check_compared(builder, left, is_order) ||
        !build_check_compared(builder, right, is_order)) {
        return false;
    }
    is_equality =
        op == SELECTOR_OP_EQUAL && build_is_equality(builder, left, right);
    build_result(left, SELECTOR_TYPE_BOOLEAN, right->place);
    if (is_equality) {
        left->equality = builder->step_count;
    }
    return build_op(builder, left, op, 2);
}

static bool
build_check_number(struct selector_builder *builder,
                   const struct selector_expr *expr)
{
    switch (expr->type) {
    case SELECTOR_TYPE_ANY:
    case SELECTOR_TYPE_NUMBER:
    case SELECTOR_TYPE_TEXT:
        return true;
    case SELECTOR_TYPE_NULL:
    case SELECTOR_TYPE_BOOLEAN:
    case SELECTOR_TYPE_LIST:
        break;
    }
    return selector_build_refuse_type(builder, expr, "a number");
}

bool
selector_build_arithmetic(struct selector_builder *builder, enum selector_op op,
                          struct selector_expr *left,
                          const struct selector_expr *right)
{
    if (!build_check_number(builder, left) ||
        !build_check_number(builder, right)) {
        return false;
    }
    build_result(left, SELECTOR_TYPE_NUMBER, right->place);
    return build_op(builder, left, op, 2);
}

bool
selector_build_sign(struct selector_builder *builder, enum selector_op op,
                    struct selector_expr *expr)
{
    const struct selector_step *last = build_last(builder, 0);

    if (!build_check_number(builder, expr)) {
        return false;
    }
    if (expr->type == SELECTOR_TYPE_NUMBER &&
        last->op == SELECTOR_OP_CONSTANT) {
        struct selector_value *value = &builder->constants[last->arg];

        *value = op == SELECTOR_OP_MINUS ? selector_value_minus(value) : *value;
        return true;
    }
    build_result(expr, SELECTOR_TYPE_NUMBER, expr->place);
    return build_op(builder, expr, op, 1);
}

bool
selector_build_is_null(struct selector_builder *builder,
                       struct selector_expr *expr)
{
    if (expr->type == SELECTOR_TYPE_LIST) {
        return selector_build_refuse_type(builder, expr, "a single value");
    }
    build_result(expr, SELECTOR_TYPE_BOOLEAN, expr->place);
    return build_op(builder, expr, SELECTOR_OP_IS_NULL, 1);
}

bool
selector_build_between(struct selector_builder *builder,
                       struct selector_expr *expr,
                       const struct selector_expr *low,
                       const struct selector_expr *high)
{
    if (!build_check_compared(builder, expr, true) ||
        !build_check_compared(builder, low, true) ||
        !build_check_compared(builder, high, true)) {
        return false;
    }
    build_result(expr, SELECTOR_TYPE_BOOLEAN, high->place);
    return build_op(builder, expr, SELECTOR_OP_BETWEEN, 3);
}

bool
selector_build_element(struct selector_builder *builder,
                       const struct selector_value *value,
                       struct selector_place place)
{
    if (!selector_build_count(builder, place.first, 1)) {
        return false;
    }
    builder->constants[builder->constant_count++] = *value;
    return true;
}

bool
selector_build_in(struct selector_builder *builder, struct selector_expr *expr,
                  uint16_t count)
{
    struct selector_step step = {
        .op = SELECTOR_OP_IN,
        .count = count,
        .arg = (uint16_t)(builder->constant_count - count),
    };

    if (!build_check_compared(builder, expr, false)) {
        return false;
    }
    build_result(expr, SELECTOR_TYPE_BOOLEAN, expr->place);
    return selector_build_step(builder, expr->place.first, step, 1, 1);
}
