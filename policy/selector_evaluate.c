/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selector_program.h"
#include "policy/selector_value.h"

#include <assert.h>

/* top is the highest value of the stack. */
struct evaluation {
    const struct selector *selector;
    selector_lookup_fn *lookup;
    void *ctx;
    struct selector_value *top;
};

static struct selector_value
evaluate_value(enum selector_result result)
{
    return result == SELECTOR_UNKNOWN
               ? selector_value_null()
               : selector_value_boolean(result == SELECTOR_TRUE);
}

static enum selector_result
evaluate_and(enum selector_result a, enum selector_result b)
{
    if (a == SELECTOR_FALSE || b == SELECTOR_FALSE) {
        return SELECTOR_FALSE;
    }
    return a == SELECTOR_TRUE ? b : SELECTOR_UNKNOWN;
}

static enum selector_result
evaluate_or(enum selector_result a, enum selector_result b)
{
    if (a == SELECTOR_TRUE || b == SELECTOR_TRUE) {
        return SELECTOR_TRUE;
    }
    return a == SELECTOR_FALSE ? b : SELECTOR_UNKNOWN;
}

static enum selector_result
evaluate_not(enum selector_result a)
{
    if (a == SELECTOR_UNKNOWN) {
        return SELECTOR_UNKNOWN;
    }
    return a == SELECTOR_TRUE ? SELECTOR_FALSE : SELECTOR_TRUE;
}

static void
evaluate_name(struct evaluation *run, const struct selector_name *name)
{
    *++run->top = selector_value_null();
    if (!run->lookup(run->ctx, name, run->top)) {
        *run->top = selector_value_null();
    }
}

/* Whether a is on this side of b: less than it, or also the same. */
static enum selector_result
evaluate_order(const struct selector_value *a, const struct selector_value *b,
               enum selector_order side, bool or_same)
{
    enum selector_order order = selector_value_order(a, b);

    if (order == SELECTOR_ORDER_NONE) {
        return SELECTOR_UNKNOWN;
    }
    return order == side || (or_same && order == SELECTOR_ORDER_SAME)
               ? SELECTOR_TRUE
               : SELECTOR_FALSE;
}

static enum selector_result
evaluate_condition(enum selector_op op, const struct selector_value *a,
                   const struct selector_value *b)
{
    switch ((int)op) {
    case SELECTOR_OP_AND:
        return evaluate_and(selector_value_result(a), selector_value_result(b));
    case SELECTOR_OP_OR:
        return evaluate_or(selector_value_result(a), selector_value_result(b));
    case SELECTOR_OP_EQUAL:
        return selector_value_equal(a, b);
    case SELECTOR_OP_NOT_EQUAL:
        return evaluate_not(selector_value_equal(a, b));
    case SELECTOR_OP_LESS:
        return evaluate_order(a, b, SELECTOR_ORDER_LESS, false);
    case SELECTOR_OP_LESS_EQUAL:
        return evaluate_order(a, b, SELECTOR_ORDER_LESS, true);
    case SELECTOR_OP_GREATER:
        return evaluate_order(a, b, SELECTOR_ORDER_GREATER, false);
    default:
        assert(op == SELECTOR_OP_GREATER_EQUAL);
        return evaluate_order(a, b, SELECTOR_ORDER_GREATER, true);
    }
}

static struct selector_value
evaluate_arithmetic(enum selector_op op, const struct selector_value *a,
                    const struct selector_value *b)
{
    switch ((int)op) {
    case SELECTOR_OP_ADD:
        return selector_value_add(a, b);
    case SELECTOR_OP_SUBTRACT:
        return selector_value_subtract(a, b);
    case SELECTOR_OP_MULTIPLY:
        return selector_value_multiply(a, b);
    case SELECTOR_OP_DIVIDE:
        return selector_value_divide(a, b);
    default:
        assert(op == SELECTOR_OP_MODULO);
        return selector_value_modulo(a, b);
    }
}

static enum selector_result
evaluate_between(const struct selector_value *value,
                 const struct selector_value *low,
                 const struct selector_value *high)
{
    return evaluate_and(
        evaluate_order(value, low, SELECTOR_ORDER_GREATER, true),
        evaluate_order(value, high, SELECTOR_ORDER_LESS, true));
}

static enum selector_result
evaluate_in(const struct selector_value *value,
            const struct selector_value *list, size_t count)
{
    enum selector_result result = SELECTOR_FALSE;

    for (size_t i = 0; i < count && result != SELECTOR_TRUE; i++) {
        result = evaluate_or(result, selector_value_equal(value, &list[i]));
    }
    return result;
}

static enum selector_result
evaluate_like(const struct selector_like *like,
              const struct selector_value *value)
{
    if (value->kind != SELECTOR_VALUE_TEXT) {
        return SELECTOR_UNKNOWN;
    }
    return selector_like_matches(like, value->text) ? SELECTOR_TRUE
                                                    : SELECTOR_FALSE;
}

/* Cuts the part before the separator off *rest, whose data is NULL when that
 * was the last. */
static struct span
evaluate_cut(struct span *rest, struct span separator)
{
    const char *found =
        memmem(rest->data, rest->len, separator.data, separator.len);
    struct span part = *rest;

    if (found == NULL) {
        *rest = SPAN_NONE;
        return part;
    }
    part.len = (size_t)(found - part.data);
    *rest = span_after(*rest, part.len + separator.len);
    return part;
}

static enum selector_result
evaluate_in_split(const struct selector_value *text,
                  const struct selector_value *value, struct span separator)
{
    enum selector_result result = SELECTOR_FALSE;
    struct span rest;

    if (text->kind != SELECTOR_VALUE_TEXT) {
        return SELECTOR_UNKNOWN;
    }
    rest = text->text.len > 0 ? text->text : SPAN("");
    while (rest.data != NULL && result != SELECTOR_TRUE) {
        struct selector_value part =
            selector_value_text(evaluate_cut(&rest, separator));

        result = evaluate_or(result, selector_value_equal(&part, value));
    }
    return result;
}

/* The steps that hold a value against several others, or a pattern. */
static void
evaluate_search(struct evaluation *run, const struct selector_step *step)
{
    const struct selector_value *constants = run->selector->constants;
    struct selector_value *top = run->top;
    enum selector_result result;

    switch ((int)step->op) {
    case SELECTOR_OP_IN:
        result = evaluate_in(top, &constants[step->arg], step->count);
        break;
    case SELECTOR_OP_LIKE:
        result = evaluate_like(&run->selector->likes[step->arg], top);
        break;
    case SELECTOR_OP_IN_LIST:
        run->top -= step->count;
        result = evaluate_in(top, run->top, step->count);
        break;
    case SELECTOR_OP_IN_SPLIT:
        run->top--;
        result = evaluate_in_split(run->top, top, constants[step->arg].text);
        break;
    default:
        assert(step->op == SELECTOR_OP_BETWEEN);
        run->top -= 2;
        result = evaluate_between(run->top, top - 1, top);
        break;
    }
    *run->top = evaluate_value(result);
}

static void
evaluate_step(struct evaluation *run, const struct selector_step *step)
{
    struct selector_value *top = run->top;

    switch (step->op) {
    case SELECTOR_OP_CONSTANT:
        *++run->top = run->selector->constants[step->arg];
        return;
    case SELECTOR_OP_NAME:
        evaluate_name(run, &run->selector->names[step->arg]);
        return;
    case SELECTOR_OP_TRUTH:
        *top = evaluate_value(selector_value_truth(top));
        return;
    case SELECTOR_OP_NOT:
        *top = evaluate_value(evaluate_not(selector_value_result(top)));
        return;
    case SELECTOR_OP_IS_NULL:
        *top = selector_value_boolean(top->kind == SELECTOR_VALUE_NULL);
        return;
    case SELECTOR_OP_PLUS:
        *top = selector_value_plus(top);
        return;
    case SELECTOR_OP_MINUS:
        *top = selector_value_minus(top);
        return;
    case SELECTOR_OP_AND:
    case SELECTOR_OP_OR:
    case SELECTOR_OP_EQUAL:
    case SELECTOR_OP_NOT_EQUAL:
    case SELECTOR_OP_LESS:
    case SELECTOR_OP_LESS_EQUAL:
    case SELECTOR_OP_GREATER:
    case SELECTOR_OP_GREATER_EQUAL:
        run->top--;
        *run->top = evaluate_value(evaluate_condition(step->op, top - 1, top));
        return;
    case SELECTOR_OP_ADD:
    case SELECTOR_OP_SUBTRACT:
    case SELECTOR_OP_MULTIPLY:
    case SELECTOR_OP_DIVIDE:
    case SELECTOR_OP_MODULO:
        run->top--;
        *run->top = evaluate_arithmetic(step->op, top - 1, top);
        return;
    case SELECTOR_OP_IN:
    case SELECTOR_OP_LIKE:
    case SELECTOR_OP_BETWEEN:
    case SELECTOR_OP_IN_LIST:
    case SELECTOR_OP_IN_SPLIT:
        evaluate_search(run, step);
        return;
    case SELECTOR_OP_AND_SKIP:
    case SELECTOR_OP_OR_SKIP:
        return; /* the left side did not decide */
    }
}

/* Whether the left side of an AND or OR, on top, decides. */
static bool
evaluate_skips(const struct selector_step *step,
               const struct selector_value *top)
{
    return (step->op == SELECTOR_OP_AND_SKIP &&
            selector_value_result(top) == SELECTOR_FALSE) ||
           (step->op == SELECTOR_OP_OR_SKIP &&
            selector_value_result(top) == SELECTOR_TRUE);
}

enum selector_result
selector_evaluate(const struct selector *selector, selector_lookup_fn *lookup,
                  void *ctx)
{
    /* The first is below the lowest: top is always a place of the array. */
    struct selector_value stack[1 + SELECTOR_STACK_MAX];
    struct evaluation run = {
        .selector = selector, .lookup = lookup, .ctx = ctx, .top = stack
    };
    size_t i = 0;

#ifdef __clang_analyzer__
    /* It cannot know that the builder balances what is pushed and taken. */
    memset(stack, 0, sizeof(stack));
#endif
    while (i < selector->step_count) {
        const struct selector_step *step = &selector->steps[i++];

        if (evaluate_skips(step, run.top)) {
            i = step->arg;
        } else {
            evaluate_step(&run, step);
        }
    }
    assert(run.top == stack + 1);
    return selector_value_result(run.top);
}
