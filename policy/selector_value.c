/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selector_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    VALUE_EXACT_POWER = 22,    /* the largest power of ten without rounding */
    VALUE_EXPONENT_MAX = 9999, /* beyond it every number is 0 or infinite */
};
static const uint64_t value_exact_mantissa = UINT64_C(1) << 53;
static const double value_two_to_63 = 9223372036854775808.0;

/* A number as it is read: mantissa * 10^exponent. */
struct value_scan {
    const char *at;
    const char *end;
    uint64_t mantissa;
    int exponent;
    bool has_digits;
    bool is_real;
};

static bool
value_scan_takes(struct value_scan *scan, char lower)
{
    if (scan->at < scan->end && (*scan->at | ('a' ^ 'A')) == lower) {
        scan->at++;
        return true;
    }
    return false;
}

/* Digits before the point, or (step -1) behind it.  Those that no longer fit
 * into the mantissa count for the size only: they are past what a double
 * holds. */
static void
value_scan_digits(struct value_scan *scan, int step)
{
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        unsigned digit = (unsigned)(*scan->at - '0');

        if (scan->mantissa <= (UINT64_MAX - 9) / 10) {
            scan->mantissa = scan->mantissa * 10 + digit;
            scan->exponent += step;
        } else {
            scan->is_real = true;
            scan->exponent += step + 1;
        }
        scan->has_digits = true;
        scan->at++;
    }
}

/* False when there is an `e` without digits. */
static bool
value_scan_exponent(struct value_scan *scan)
{
    bool negative = false;
    int exponent = 0;
    const char *digits;

    if (!value_scan_takes(scan, 'e')) {
        return true;
    }
    if (scan->at < scan->end && (*scan->at == '-' || *scan->at == '+')) {
        negative = *scan->at++ == '-';
    }
    digits = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') {
        if (exponent < VALUE_EXPONENT_MAX) {
            exponent = exponent * 10 + (*scan->at - '0');
        }
        scan->at++;
    }
    scan->is_real = true;
    scan->exponent += negative ? -exponent : exponent;
    return scan->at > digits;
}

static double
value_scan_real(const struct value_scan *scan)
{
    static const double powers[VALUE_EXACT_POWER + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };
    char text[48];

    /* Both are exact then, so one operation rounds correctly. */
    if (scan->mantissa <= value_exact_mantissa &&
        scan->exponent <= VALUE_EXACT_POWER &&
        scan->exponent >= -VALUE_EXACT_POWER) {
        return scan->exponent >= 0
                   ? (double)scan->mantissa * powers[scan->exponent]
                   : (double)scan->mantissa / powers[-scan->exponent];
    }
    /* Without a point, which a locale may spell as a comma. */
    (void)snprintf(text, sizeof(text), "%" PRIu64 "e%d", scan->mantissa,
                   scan->exponent);
    return strtod(text, NULL);
}

struct selector_value
selector_value_real(double real)
{
    if (!isfinite(real)) {
        return selector_value_null();
    }
    return (struct selector_value){ .kind = SELECTOR_VALUE_REAL, .real = real };
}

struct selector_value
selector_value_number(struct span text)
{
    struct value_scan scan = { .at = text.data, .end = text.data };
    bool negative = text.len > 0 && text.data[0] == '-';
    double real;

    if (text.len == 0) {
        return selector_value_null();
    }
    scan.end += text.len;
    scan.at += negative || text.data[0] == '+';
    value_scan_digits(&scan, 0);
    if (scan.at < scan.end && *scan.at == '.') {
        scan.at++;
        scan.is_real = true;
        value_scan_digits(&scan, -1);
    }
    if (!scan.has_digits || !value_scan_exponent(&scan) ||
        scan.at != scan.end) {
        return selector_value_null();
    }
    if (!scan.is_real && scan.mantissa <= (uint64_t)INT64_MAX + negative) {
        return selector_value_integer(
            (int64_t)(negative ? 0 - scan.mantissa : scan.mantissa));
    }
    real = value_scan_real(&scan);
    return selector_value_real(negative ? -real : real);
}

/* A number as it is, a text as the number that it spells, else NULL. */
static struct selector_value
value_to_number(const struct selector_value *value)
{
    switch (value->kind) {
    case SELECTOR_VALUE_INTEGER:
    case SELECTOR_VALUE_REAL:
        return *value;
    case SELECTOR_VALUE_TEXT:
        return selector_value_number(value->text);
    case SELECTOR_VALUE_NULL:
    case SELECTOR_VALUE_BOOLEAN:
        break;
    }
    return selector_value_null();
}

static double
value_as_real(const struct selector_value *number)
{
    return number->kind == SELECTOR_VALUE_REAL ? number->real
                                               : (double)number->integer;
}

static enum selector_order
value_order_of(bool less, bool greater)
{
    if (less) {
        return SELECTOR_ORDER_LESS;
    }
    return greater ? SELECTOR_ORDER_GREATER : SELECTOR_ORDER_SAME;
}

static enum selector_order
value_order_integers(int64_t a, int64_t b)
{
    return value_order_of(a<b, a> b);
}

/* Exactly: a cast of a large integer to double would round it. */
static enum selector_order
value_order_mixed(int64_t integer, double real)
{
    int64_t whole;

    if (real >= value_two_to_63) {
        return SELECTOR_ORDER_LESS;
    }
    if (real < -value_two_to_63) {
        return SELECTOR_ORDER_GREATER;
    }
    whole = (int64_t)real;
    if (integer != whole) {
        return value_order_integers(integer, whole);
    }
    return value_order_of(real > (double)whole, real < (double)whole);
}

static enum selector_order
value_order_reversed(enum selector_order order)
{
    switch (order) {
    case SELECTOR_ORDER_LESS:
        return SELECTOR_ORDER_GREATER;
    case SELECTOR_ORDER_GREATER:
        return SELECTOR_ORDER_LESS;
    case SELECTOR_ORDER_SAME:
    case SELECTOR_ORDER_NONE:
        break;
    }
    return order;
}

static enum selector_order
value_order_numbers(const struct selector_value *left,
                    const struct selector_value *right)
{
    struct selector_value a = value_to_number(left);
    struct selector_value b = value_to_number(right);

    if (a.kind == SELECTOR_VALUE_NULL || b.kind == SELECTOR_VALUE_NULL) {
        return SELECTOR_ORDER_NONE;
    }
    if (a.kind == SELECTOR_VALUE_INTEGER) {
        return b.kind == SELECTOR_VALUE_INTEGER
                   ? value_order_integers(a.integer, b.integer)
                   : value_order_mixed(a.integer, b.real);
    }
    return b.kind == SELECTOR_VALUE_INTEGER
               ? value_order_reversed(value_order_mixed(b.integer, a.real))
               : value_order_of(a.real<b.real, a.real> b.real);
}

static enum selector_order
value_order_texts(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

    if (order != 0) {
        return value_order_of(order<0, order> 0);
    }
    return value_order_of(a.len<b.len, a.len> b.len);
}

enum selector_order
selector_value_order(const struct selector_value *a,
                     const struct selector_value *b)
{
    if (a->kind == SELECTOR_VALUE_TEXT && b->kind == SELECTOR_VALUE_TEXT) {
        return value_order_texts(a->text, b->text);
    }
    return value_order_numbers(a, b);
}

enum selector_result
selector_value_truth(const struct selector_value *value)
{
    if (value->kind == SELECTOR_VALUE_TEXT) {
        if (span_equal_nocase(value->text, SPAN("true"))) {
            return SELECTOR_TRUE;
        }
        if (span_equal_nocase(value->text, SPAN("false"))) {
            return SELECTOR_FALSE;
        }
    }
    return selector_value_result(value);
}

static enum selector_result
value_result_of(bool condition)
{
    return condition ? SELECTOR_TRUE : SELECTOR_FALSE;
}

enum selector_result
selector_value_equal(const struct selector_value *a,
                     const struct selector_value *b)
{
    enum selector_order order;

    if (a->kind == SELECTOR_VALUE_TEXT && b->kind == SELECTOR_VALUE_TEXT) {
        return value_result_of(span_equal(a->text, b->text));
    }
    if (a->kind == SELECTOR_VALUE_BOOLEAN ||
        b->kind == SELECTOR_VALUE_BOOLEAN) {
        enum selector_result left = selector_value_truth(a);
        enum selector_result right = selector_value_truth(b);

        if (left == SELECTOR_UNKNOWN || right == SELECTOR_UNKNOWN) {
            return SELECTOR_UNKNOWN;
        }
        return value_result_of(left == right);
    }
    order = value_order_numbers(a, b);
    return order == SELECTOR_ORDER_NONE
               ? SELECTOR_UNKNOWN
               : value_result_of(order == SELECTOR_ORDER_SAME);
}

struct selector_value
selector_value_add(const struct selector_value *left,
                   const struct selector_value *right)
{
    struct selector_value a = value_to_number(left);
    struct selector_value b = value_to_number(right);
    int64_t sum;

    if (a.kind == SELECTOR_VALUE_NULL || b.kind == SELECTOR_VALUE_NULL) {
        return selector_value_null();
    }
    if (a.kind == SELECTOR_VALUE_INTEGER && b.kind == SELECTOR_VALUE_INTEGER &&
        !__builtin_add_overflow(a.integer, b.integer, &sum)) {
        return selector_value_integer(sum);
    }
    return selector_value_real(value_as_real(&a) + value_as_real(&b));
}

struct selector_value
selector_value_subtract(const struct selector_value *left,
                        const struct selector_value *right)
{
    struct selector_value a = value_to_number(left);
    struct selector_value b = value_to_number(right);
    int64_t difference;

    if (a.kind == SELECTOR_VALUE_NULL || b.kind == SELECTOR_VALUE_NULL) {
        return selector_value_null();
    }
    if (a.kind == SELECTOR_VALUE_INTEGER && b.kind == SELECTOR_VALUE_INTEGER &&
        !__builtin_sub_overflow(a.integer, b.integer, &difference)) {
        return selector_value_integer(difference);
    }
    return selector_value_real(value_as_real(&a) - value_as_real(&b));
}

struct selector_value
selector_value_multiply(const struct selector_value *left,
                        const struct selector_value *right)
{
    struct selector_value a = value_to_number(left);
    struct selector_value b = value_to_number(right);
    int64_t product;

    if (a.kind == SELECTOR_VALUE_NULL || b.kind == SELECTOR_VALUE_NULL) {
        return selector_value_null();
    }
    if (a.kind == SELECTOR_VALUE_INTEGER && b.kind == SELECTOR_VALUE_INTEGER &&
        !__builtin_mul_overflow(a.integer, b.integer, &product)) {
        return selector_value_integer(product);
    }
    return selector_value_real(value_as_real(&a) * value_as_real(&b));
}

struct selector_value
selector_value_divide(const struct selector_value *left,
                      const struct selector_value *right)
{
    struct selector_value a = value_to_number(left);
    struct selector_value b = value_to_number(right);
    double divisor;

    if (a.kind == SELECTOR_VALUE_NULL || b.kind == SELECTOR_VALUE_NULL) {
        return selector_value_null();
    }
    divisor = value_as_real(&b);
    if (fpclassify(divisor) == FP_ZERO) {
        return selector_value_null();
    }
    return selector_value_real(value_as_real(&a) / divisor);
}

struct selector_value
selector_value_modulo(const struct selector_value *left,
                      const struct selector_value *right)
{
    struct selector_value a = value_to_number(left);
    struct selector_value b = value_to_number(right);

    if (a.kind == SELECTOR_VALUE_NULL || b.kind == SELECTOR_VALUE_NULL) {
        return selector_value_null();
    }
    if (fpclassify(value_as_real(&b)) == FP_ZERO) {
        return selector_value_null();
    }
    if (a.kind == SELECTOR_VALUE_INTEGER && b.kind == SELECTOR_VALUE_INTEGER) {
        /* INT64_MIN % -1 traps. */
        return selector_value_integer(b.integer == -1 ? 0
                                                      : a.integer % b.integer);
    }
    return selector_value_real(fmod(value_as_real(&a), value_as_real(&b)));
}

struct selector_value
selector_value_plus(const struct selector_value *a)
{
    return value_to_number(a);
}

struct selector_value
selector_value_minus(const struct selector_value *a)
{
    struct selector_value zero = selector_value_integer(0);
    struct selector_value number = value_to_number(a);

    return number.kind == SELECTOR_VALUE_REAL
               ? selector_value_real(-number.real)
               : selector_value_subtract(&zero, &number);
}
