/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the lexer (flex) and the grammar (bison) meet.
 */
#pragma once
#include "policy/selector_build.h"

/* Reads builder's text to its end.  False when it is refused; the error is
 * set then.  In selector_lexer.l, which owns the scanner. */
bool selector_parser_run(struct selector_builder *builder);

/* The next token: its number, its value, its place.  scanner is the lexer's
 * own (yyscan_t). */
int selector_yylex(union selector_semantic *value, struct selector_place *place,
                   void *scanner);
