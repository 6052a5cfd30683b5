/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a selector is inside: instructions in postfix order for a machine with
 * a stack of values.  A condition is a BOOLEAN, or NULL for UNKNOWN.  Only the
 * selector_*.c files include this.
 */
#pragma once
#include "policy/selector.h"
#include "policy/selector_like.h"

/* Values that wait on the stack at once: a few for each level of nesting. */
enum { SELECTOR_STACK_MAX = 256 };

enum selector_op {
    SELECTOR_OP_CONSTANT, /* push constants[arg] */
    SELECTOR_OP_NAME,     /* push what names[arg] stands for */
    SELECTOR_OP_TRUTH,    /* a value used as a condition */
    SELECTOR_OP_NOT,
    SELECTOR_OP_AND_SKIP, /* FALSE on top: it stays, go on at step arg */
    SELECTOR_OP_OR_SKIP,  /* the same for TRUE */
    SELECTOR_OP_AND,
    SELECTOR_OP_OR,
    SELECTOR_OP_EQUAL,
    SELECTOR_OP_NOT_EQUAL,
    SELECTOR_OP_LESS,
    SELECTOR_OP_LESS_EQUAL,
    SELECTOR_OP_GREATER,
    SELECTOR_OP_GREATER_EQUAL,
    SELECTOR_OP_BETWEEN, /* value, low, high */
    SELECTOR_OP_IN,      /* count constants from arg */
    SELECTOR_OP_LIKE,    /* likes[arg] */
    SELECTOR_OP_IS_NULL,
    SELECTOR_OP_ADD,
    SELECTOR_OP_SUBTRACT,
    SELECTOR_OP_MULTIPLY,
    SELECTOR_OP_DIVIDE,
    SELECTOR_OP_MODULO,
    SELECTOR_OP_PLUS,
    SELECTOR_OP_MINUS,
    SELECTOR_OP_IN_SPLIT, /* text, value; constants[arg] separates */
    SELECTOR_OP_IN_LIST,  /* count values, value */
};

struct selector_step {
    enum selector_op op;
    uint16_t count;
    uint16_t arg;
};

/* One allocation: the arrays and the bytes they point at follow the struct. */
struct selector {
    struct span text;
    const struct selector_step *steps;
    const struct selector_value *constants;
    const struct selector_name *names;
    const struct selector_like *likes;
    uint16_t step_count;
    uint16_t name_count;
    uint16_t equality; /* its EQUAL step, 0 when there is none */
};
