/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar of selectors, loosest first: OR, AND, NOT, one comparison,
 * + and -, * / and %, signs.  NOT is looser than a comparison, as in SQL and
 * unlike ActiveMQ.  An action appends the steps of its rule (selector_build.h)
 * and leaves what is known of the operand; no value owns memory, so there is
 * no %destructor.
 */
%code requires {
#include "policy/selector_build.h"
}

%define api.pure full
%define api.prefix {selector_yy}
%define api.token.prefix {SELECTOR_TOKEN_}
%define api.value.type {union selector_semantic}
%define api.location.type {struct selector_place}
%define parse.error custom
%define parse.lac full
%locations
%lex-param {void *scanner}
%parse-param {struct selector_builder *builder} {void *scanner}

%code {
#include "base/alloc.h"
#include "policy/selector_parser.h"
#include "policy/selector_value.h"

#include <stdio.h>
#include <stdlib.h>

/* Enough for SELECTOR_DEPTH_MAX levels of the deepest kind: an OR of an AND
 * of a NOT of a BETWEEN whose upper end is a sum of a product of a sign of
 * what is in parentheses. */
#define YYMAXDEPTH 10000
#define YYMALLOC xmalloc
#define YYFREE free

#define YYLLOC_DEFAULT(current, rhs, count)                              \
    do {                                                                 \
        (current).first =                                                \
            (count) > 0 ? YYRHSLOC(rhs, 1).first : YYRHSLOC(rhs, 0).last; \
        (current).last = YYRHSLOC(rhs, count).last;                      \
    } while (0)

/* Gives up when the builder has refused. */
#define BUILD(call)      \
    do {                 \
        if (!(call)) {   \
            YYABORT;     \
        }                \
    } while (0)

static void selector_yyerror(const struct selector_place *place,
                             struct selector_builder *builder, void *scanner,
                             const char *message);
static bool grammar_refuse_xml(struct selector_builder *builder,
                               struct selector_place place);
}

%token END 0 "the end"
%token AND BETWEEN ESCAPE FALSE IN IS LIKE NOT NULL OR TRUE XPATH XQUERY
%token EQUAL "=" NOT_EQUAL "<>"
%token LESS "<" LESS_EQUAL "<=" GREATER ">" GREATER_EQUAL ">="
%token PLUS "+" MINUS "-" TIMES "*" DIVIDE "/" MODULO "%"
%token LEFT "(" RIGHT ")" COMMA ","
%token <text> NAME "a name" TEXT "a text in single quotes"
%token <value> NUMBER "a number"

%type <expr> condition conjunction negation predicate test inverse
%type <expr> sum product factor primary
%type <args> arguments
%type <value> number element
%type <count> elements
%type <text> escape
%type <op> comparison addition multiplication sign

%%

selector:
    condition {
        builder->result = $1;
        BUILD(selector_build_condition(builder, &builder->result));
    }
  ;

condition:
    conjunction
  | condition OR <step>{
        BUILD(selector_build_skip(builder, SELECTOR_OP_OR_SKIP, &$1, &$$));
    } conjunction {
        BUILD(selector_build_join(builder, $3, &$1, &$4, &$$));
    }
  ;

conjunction:
    negation
  | conjunction AND <step>{
        BUILD(selector_build_skip(builder, SELECTOR_OP_AND_SKIP, &$1, &$$));
    } negation {
        BUILD(selector_build_join(builder, $3, &$1, &$4, &$$));
    }
  ;

negation:
    predicate
  | NOT {
        BUILD(selector_build_enter(builder, @1));
    } negation {
        selector_build_leave(builder);
        $$ = $3;
        BUILD(selector_build_not(builder, &$$));
        $$.place = @$;
    }
  ;

predicate:
    sum
  | sum comparison sum {
        $$ = $1;
        BUILD(selector_build_compare(builder, $2, &$$, &$3));
    }
  | test {
        $$.place = @$;
    }
  | inverse {
        BUILD(selector_build_not(builder, &$$));
        $$.place = @$;
    }
  | XPATH TEXT {
        $$.type = SELECTOR_TYPE_BOOLEAN;
        BUILD(grammar_refuse_xml(builder, @1));
    }
  | XQUERY TEXT {
        $$.type = SELECTOR_TYPE_BOOLEAN;
        BUILD(grammar_refuse_xml(builder, @1));
    }
  ;

comparison:
    "="  { $$ = SELECTOR_OP_EQUAL; }
  | "<>" { $$ = SELECTOR_OP_NOT_EQUAL; }
  | "<"  { $$ = SELECTOR_OP_LESS; }
  | "<=" { $$ = SELECTOR_OP_LESS_EQUAL; }
  | ">"  { $$ = SELECTOR_OP_GREATER; }
  | ">=" { $$ = SELECTOR_OP_GREATER_EQUAL; }
  ;

test:
    sum IS NULL {
        BUILD(selector_build_is_null(builder, &$$));
    }
  | sum LIKE TEXT escape {
        BUILD(selector_build_like(builder, &$$, $3, $4, @3));
    }
  | sum BETWEEN sum AND sum {
        BUILD(selector_build_between(builder, &$$, &$3, &$5));
    }
  | sum IN "(" elements ")" {
        BUILD(selector_build_in(builder, &$$, $4));
    }
  ;

/* Each before its NOT is applied. */
inverse:
    sum IS NOT NULL {
        BUILD(selector_build_is_null(builder, &$$));
    }
  | sum NOT LIKE TEXT escape {
        BUILD(selector_build_like(builder, &$$, $4, $5, @4));
    }
  | sum NOT BETWEEN sum AND sum {
        BUILD(selector_build_between(builder, &$$, &$4, &$6));
    }
  | sum NOT IN "(" elements ")" {
        BUILD(selector_build_in(builder, &$$, $5));
    }
  ;

escape:
    %empty      { $$ = SPAN_NONE; }
  | ESCAPE TEXT { $$ = $2; }
  ;

elements:
    element {
        BUILD(selector_build_element(builder, &$1, @1));
        $$ = 1;
    }
  | elements "," element {
        BUILD(selector_build_element(builder, &$3, @3));
        $$ = (uint16_t)($1 + 1);
    }
  ;

element:
    TEXT  { $$ = selector_value_text($1); }
  | TRUE  { $$ = selector_value_boolean(true); }
  | FALSE { $$ = selector_value_boolean(false); }
  | number
  ;

number:
    NUMBER
  | "-" NUMBER { $$ = selector_value_minus(&$2); }
  | "+" NUMBER { $$ = $2; }
  ;

sum:
    product
  | sum addition product {
        BUILD(selector_build_arithmetic(builder, $2, &$$, &$3));
    }
  ;

addition:
    "+" { $$ = SELECTOR_OP_ADD; }
  | "-" { $$ = SELECTOR_OP_SUBTRACT; }
  ;

product:
    factor
  | product multiplication factor {
        BUILD(selector_build_arithmetic(builder, $2, &$$, &$3));
    }
  ;

multiplication:
    "*" { $$ = SELECTOR_OP_MULTIPLY; }
  | "/" { $$ = SELECTOR_OP_DIVIDE; }
  | "%" { $$ = SELECTOR_OP_MODULO; }
  ;

factor:
    primary
  | sign {
        BUILD(selector_build_enter(builder, @1));
    } factor {
        selector_build_leave(builder);
        $$ = $3;
        BUILD(selector_build_sign(builder, $1, &$$));
        $$.place = @$;
    }
  ;

sign:
    "-" { $$ = SELECTOR_OP_MINUS; }
  | "+" { $$ = SELECTOR_OP_PLUS; }
  ;

primary:
    NAME {
        BUILD(selector_build_name(builder, $1, @1, &$$));
    }
  | TEXT {
        struct selector_value value = selector_value_text($1);

        BUILD(selector_build_constant(builder, &value, @1, &$$));
    }
  | NUMBER {
        struct selector_value value = $1;

        BUILD(selector_build_constant(builder, &value, @1, &$$));
    }
  | TRUE {
        struct selector_value value = selector_value_boolean(true);

        BUILD(selector_build_constant(builder, &value, @1, &$$));
    }
  | FALSE {
        struct selector_value value = selector_value_boolean(false);

        BUILD(selector_build_constant(builder, &value, @1, &$$));
    }
  | NULL {
        struct selector_value value = selector_value_null();

        BUILD(selector_build_constant(builder, &value, @1, &$$));
    }
  | NAME "(" {
        BUILD(selector_build_enter(builder, @2));
    } arguments ")" {
        selector_build_leave(builder);
        BUILD(selector_build_call(builder, $1, @$, &$4, &$$));
    }
  | "(" {
        BUILD(selector_build_enter(builder, @1));
    } condition ")" {
        selector_build_leave(builder);
        $$ = $3;
        $$.place = @$;
    }
  ;

arguments:
    sum {
        $$ = (struct selector_args){ .count = 0 };
        BUILD(selector_build_argument(builder, &$$, &$1));
    }
  | arguments "," sum {
        BUILD(selector_build_argument(builder, &$$, &$3));
    }
  ;

%%

static bool
grammar_refuse_xml(struct selector_builder *builder,
                   struct selector_place place)
{
    return selector_builder_refuse(
        builder, place.first,
        "XPATH and XQUERY are refused: a selector sees the headers only, "
        "parsing each body would stop the broker; let the sender set a "
        "header");
}

/* Called for what is not the text's fault, and never for its syntax. */
static void
selector_yyerror(const struct selector_place *place,
                 struct selector_builder *builder, void *scanner,
                 const char *message)
{
    (void)scanner;
    (void)selector_builder_refuse(builder, place->first,
                                  "the selector is too deep: %s", message);
}


/* The tokens that an error text tells as one, when standard is among them. */
struct grammar_kind {
    yysymbol_kind_t standard;
    const char *text;
    yysymbol_kind_t members[21];
};

/* YYSYMBOL_YYEOF, which is in no kind, ends the members. */
static const struct grammar_kind grammar_kinds[] = {
    { YYSYMBOL_NAME,
      "a value",
      { YYSYMBOL_NAME, YYSYMBOL_TEXT, YYSYMBOL_NUMBER, YYSYMBOL_TRUE,
        YYSYMBOL_FALSE, YYSYMBOL_NULL, YYSYMBOL_NOT, YYSYMBOL_XPATH,
        YYSYMBOL_XQUERY, YYSYMBOL_PLUS, YYSYMBOL_MINUS, YYSYMBOL_LEFT } },
    { YYSYMBOL_EQUAL,
      "an operator",
      { YYSYMBOL_EQUAL, YYSYMBOL_NOT_EQUAL, YYSYMBOL_LESS,
        YYSYMBOL_LESS_EQUAL, YYSYMBOL_GREATER, YYSYMBOL_GREATER_EQUAL,
        YYSYMBOL_PLUS, YYSYMBOL_MINUS, YYSYMBOL_TIMES, YYSYMBOL_DIVIDE,
        YYSYMBOL_MODULO, YYSYMBOL_LIKE, YYSYMBOL_BETWEEN, YYSYMBOL_IN,
        YYSYMBOL_IS, YYSYMBOL_NOT, YYSYMBOL_AND, YYSYMBOL_OR,
        YYSYMBOL_LEFT } },
    { YYSYMBOL_TIMES,
      "an arithmetic operator",
      { YYSYMBOL_PLUS, YYSYMBOL_MINUS, YYSYMBOL_TIMES, YYSYMBOL_DIVIDE,
        YYSYMBOL_MODULO, YYSYMBOL_LEFT } },
    { YYSYMBOL_NUMBER,
      "a number",
      { YYSYMBOL_NUMBER, YYSYMBOL_PLUS, YYSYMBOL_MINUS } },
};

/* What is expected, in words: "a", "a or b", "a, b or c". */
struct grammar_phrase {
    char text[256];
    size_t used;
    const char *pending; /* the last one, not written yet */
};

static void
grammar_say(struct grammar_phrase *phrase, const char *separator)
{
    int len;

    if (phrase->pending != NULL) {
        len = snprintf(phrase->text + phrase->used,
                       sizeof(phrase->text) - phrase->used, "%s%s",
                       phrase->used > 0 ? separator : "", phrase->pending);
        phrase->used += (size_t)len;
        phrase->used = phrase->used < sizeof(phrase->text)
                           ? phrase->used
                           : sizeof(phrase->text) - 1;
    }
}

static void
grammar_expect(struct grammar_phrase *phrase, const char *text)
{
    grammar_say(phrase, ", ");
    phrase->pending = text;
}

static void
grammar_expect_all(struct grammar_phrase *phrase, bool expected[YYNTOKENS])
{
    for (size_t i = 0; i < sizeof(grammar_kinds) / sizeof(grammar_kinds[0]);
         i++) {
        const struct grammar_kind *kind = &grammar_kinds[i];

        if (expected[kind->standard]) {
            grammar_expect(phrase, kind->text);
            for (size_t k = 0; kind->members[k] != YYSYMBOL_YYEOF; k++) {
                expected[kind->members[k]] = false;
            }
        }
    }
    for (int i = 0; i < YYNTOKENS; i++) {
        if (expected[i]) {
            grammar_expect(phrase, yysymbol_name((yysymbol_kind_t)i));
        }
    }
    grammar_say(phrase, " or ");
}

static int
yyreport_syntax_error(const yypcontext_t *context,
                      struct selector_builder *builder, void *scanner)
{
    struct selector_place place = *yypcontext_location(context);
    struct grammar_phrase phrase = { .used = 0 };
    yysymbol_kind_t tokens[YYNTOKENS];
    bool expected[YYNTOKENS] = { false };
    char excerpt[SELECTOR_EXCERPT_MAX];
    int count = yypcontext_expected_tokens(context, tokens, YYNTOKENS);

    (void)scanner;
    for (int i = 0; i < count; i++) {
        expected[tokens[i]] = true;
    }
    grammar_expect_all(&phrase, expected);
    if (yypcontext_token(context) == YYSYMBOL_YYEOF) {
        (void)selector_builder_refuse(builder, place.first,
                                      "found the end, expected %s",
                                      phrase.text);
    } else {
        (void)selector_builder_refuse(
            builder, place.first, "found %s, expected %s",
            selector_builder_excerpt(builder, place, excerpt), phrase.text);
    }
    return 0;
}
