/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of a selector: how they compare and compute.  The headers of STOMP
 * are all text, so a text meets a number as the number that it spells, and a
 * boolean as the boolean that it spells; else there is no answer.
 */
#pragma once
#include "policy/selector.h"

enum selector_order {
    SELECTOR_ORDER_LESS,
    SELECTOR_ORDER_SAME,
    SELECTOR_ORDER_GREATER,
    SELECTOR_ORDER_NONE, /* a null, or kinds without a common order */
};

static inline struct selector_value
selector_value_null(void)
{
    return (struct selector_value){ .kind = SELECTOR_VALUE_NULL };
}

static inline struct selector_value
selector_value_boolean(bool boolean)
{
    return (struct selector_value){ .kind = SELECTOR_VALUE_BOOLEAN,
                                    .boolean = boolean };
}

static inline struct selector_value
selector_value_integer(int64_t integer)
{
    return (struct selector_value){ .kind = SELECTOR_VALUE_INTEGER,
                                    .integer = integer };
}

static inline struct selector_value
selector_value_text(struct span text)
{
    return (struct selector_value){ .kind = SELECTOR_VALUE_TEXT, .text = text };
}

/* The same value as a result: only booleans have one. */
static inline enum selector_result
selector_value_result(const struct selector_value *value)
{
    if (value->kind != SELECTOR_VALUE_BOOLEAN) {
        return SELECTOR_UNKNOWN;
    }
    return value->boolean ? SELECTOR_TRUE : SELECTOR_FALSE;
}

/* NULL when real is not finite: no condition should hang on an overflow. */
struct selector_value selector_value_real(double real);

/*
 * The number that text spells: a sign, decimal digits, a point, an exponent.
 * NULL when it spells none: blanks, hexadecimal and `NaN` are not taken.  An
 * INTEGER only where it fits; never depends on the locale.
 */
struct selector_value selector_value_number(struct span text);

/* A boolean, or a text that spells one: `true` or `false` in any case. */
enum selector_result selector_value_truth(const struct selector_value *value);

enum selector_result selector_value_equal(const struct selector_value *a,
                                          const struct selector_value *b);

/* Numbers by value, exactly; two texts by bytes, which is by code point. */
enum selector_order selector_value_order(const struct selector_value *a,
                                         const struct selector_value *b);

/* NULL when an operand is no number, or the result none.  Integers that
 * overflow go on as reals; a quotient is always real. */
struct selector_value selector_value_add(const struct selector_value *left,
                                         const struct selector_value *right);
struct selector_value
selector_value_subtract(const struct selector_value *left,
                        const struct selector_value *right);
struct selector_value
selector_value_multiply(const struct selector_value *left,
                        const struct selector_value *right);
struct selector_value selector_value_divide(const struct selector_value *left,
                                            const struct selector_value *right);
struct selector_value selector_value_modulo(const struct selector_value *left,
                                            const struct selector_value *right);
struct selector_value selector_value_plus(const struct selector_value *a);
struct selector_value selector_value_minus(const struct selector_value *a);
