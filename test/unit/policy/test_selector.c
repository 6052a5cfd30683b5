/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selector.h"

#include "base/buf.h"
#include "test/testutil.h"

struct header {
    const char *name;
    const char *value;
};

/* The message of activemq.md, appendix A. */
static const struct header message[] = {
    { "a", "1" },
    { "b", "2" },
    { "s", "abc" },
    { "age", "5" },
    { "flag", "true" },
    { "price", "10.5" },
    { "neg", "-3" },
    { "big", "9999999999" },
    { "pad", "007" },
    { "empty", "" },
    { "my-hdr", "x" },
    { "under_s", "a_b%c" },
    { "JMSType", "T1" },
    { "JMSCorrelationID", "C1" },
    { "JMSDeliveryMode", "PERSISTENT" },
    { "JMSMessageID", "ID:host-1" },
    /* Of our own rows. */
    { "off", "False" },
    { "dotted.name", "x" },
    { "x-trace-1", "t" },
    { "any \"name\"", "q" },
    { "utf", "\xc3\xa4\xe2\x82\xac" },
    { "list", "x,abc,,12" },
    { "blank", " 5" },
    { "max", "9223372036854775807" },
    { "min", "-9223372036854775808" },
    { "lines", "one\ntwo" },
};

static bool
message_lookup(void *ctx, const struct selector_name *name,
               struct selector_value *value_out)
{
    unsigned *calls = ctx;

    if (calls != NULL) {
        ++*calls;
    }
    switch ((int)name->field) {
    case SELECTOR_FIELD_JMS_PRIORITY:
        *value_out = (struct selector_value){ .kind = SELECTOR_VALUE_INTEGER,
                                              .integer = 7 };
        return true;
    case SELECTOR_FIELD_JMSX_DELIVERY_COUNT:
        *value_out = (struct selector_value){ .kind = SELECTOR_VALUE_INTEGER,
                                              .integer = 1 };
        return true;
    case SELECTOR_FIELD_JMS_EXPIRATION:
        *value_out = (struct selector_value){ .kind = SELECTOR_VALUE_INTEGER };
        return true;
    case SELECTOR_FIELD_JMS_REDELIVERED:
        *value_out = (struct selector_value){ .kind = SELECTOR_VALUE_BOOLEAN };
        return true;
    default:
        break;
    }
    for (size_t i = 0; i < sizeof(message) / sizeof(message[0]); i++) {
        if (span_equal(name->text, span_of_text(message[i].name))) {
            *value_out = (struct selector_value){
                .kind = SELECTOR_VALUE_TEXT,
                .text = span_of_text(message[i].value),
            };
            return true;
        }
    }
    return false;
}

/* 'T' TRUE, 'F' FALSE, 'U' UNKNOWN, 'I' refused. */
static char
outcome_of(const char *text)
{
    static const char letters[] = {
        [SELECTOR_FALSE] = 'F', [SELECTOR_TRUE] = 'T', [SELECTOR_UNKNOWN] = 'U'
    };
    struct selector *selector = NULL;
    struct error err = ERROR_INIT;
    enum selector_result result;

    if (selector_parse(span_of_text(text), &selector, &err) != 0) {
        ck_assert_ptr_null(selector);
        ck_assert_str_ne(err.text, "");
        ck_assert_uint_ge(err.column, 1);
        return 'I';
    }
    ck_assert_str_eq(err.text, "");
    ck_assert(span_equal(selector_text(selector), span_of_text(text)));
    result = selector_evaluate(selector, message_lookup, NULL);
    selector_free(&selector);
    ck_assert_ptr_null(selector);
    return letters[result];
}

struct row {
    const char *text;
    char outcome;
};

/* Where ActiveMQ's result is another one, the comment tells it: M it matches,
 * - it does not, I refused, X the producer gets an ERROR. */
static const struct row activemq_rows[] = {
    { "a = 1", 'T' },
    { "a = '1'", 'T' },
    { "a=1.0", 'T' },
    { "a <> 1", 'F' },
    { "a <> 2", 'T' },
    { "missing <> 'x'", 'U' },
    { "'x' <> missing", 'U' }, /* M */
    { "NOT (missing = 'x')", 'U' },
    { "missing IS NULL", 'T' },
    { "a IS NOT NULL", 'T' },
    { "NOT a = 2", 'T' }, /* -: its NOT is tighter than = */
    { "NOT (a = 2)", 'T' },
    { "age > 4", 'T' },
    { "age > 4.5", 'T' },
    { "age BETWEEN 1 AND 5", 'T' },
    { "missing NOT BETWEEN 1 AND 5", 'U' },
    { "price > 10", 'T' }, /* -: it reads 10.5 as an integer */
    { "price > 10.4", 'T' },
    { "price = 10.5", 'T' },
    { "age + 1 = 6", 'T' },  /* -: it appends, 51 */
    { "age + 1 > 6", 'F' },  /* M: 51 again */
    { "1 + age = 6", 'T' },  /* X */
    { "age * 2 = 10", 'T' }, /* X */
    { "age - 1 = 4", 'T' },  /* X */
    { "pad = 7", 'T' },
    { "big > 5", 'T' }, /* -: 32 bits overflow */
    { "big > 5000000000", 'T' },
    { "flag", 'T' }, /* -: no header is a boolean there */
    { "flag = TRUE", 'T' },
    { "TRUE = flag", 'T' }, /* X */
    { "flag = 'true'", 'T' },
    { "s LIKE 'a%'", 'T' },
    { "s LIKE 'A%'", 'F' },
    { "s LIKE '_bc'", 'T' },
    { "s NOT LIKE 'z%'", 'T' },
    { "missing NOT LIKE 'a%'", 'U' },
    { "under_s LIKE 'a\\_b\\%c' ESCAPE '\\'", 'T' },
    { "under_s LIKE 'a!_b!%c' ESCAPE '!'", 'T' },
    { "s IN ('abc','d')", 'T' },
    { "s NOT IN ('abc')", 'F' },
    { "missing NOT IN ('abc')", 'U' },
    { "a IN ('1')", 'T' },
    { "a IN (1)", 'T' },  /* I */
    { "s > 'aaa'", 'T' }, /* I */
    { "a < b", 'T' },
    { "missing = 1 OR s = 'abc'", 'T' },
    { "missing = 1 AND s = 'abc'", 'U' },
    { "a = 1 and b = 2 or a = 9", 'T' },
    { "JMSPriority > 6 AND JMSType = 'T1'", 'T' },
    { "JMSCorrelationID = 'C1'", 'T' },
    { "JMSDeliveryMode = 'PERSISTENT'", 'T' },
    { "JMSDeliveryMode = 2", 'U' },
    { "JMSXDeliveryCount = 1", 'T' },
    { "JMSRedelivered = FALSE", 'T' },
    { "JMSMessageID LIKE 'ID:%'", 'T' },
    { "JMSExpiration = 0", 'T' },
    { "my-hdr = 'x'", 'T' },      /* -: a subtraction */
    { "dotted.name = 'x'", 'T' }, /* I */
    { "empty = ''", 'T' },
    { "1 = 1", 'T' },
    { "TRUE", 'T' },
    { "FALSE", 'F' },
    { "a", 'U' },
    { "'x'", 'I' },
    { "a == 1", 'I' },
    { "a != 1", 'F' },    /* I */
    { "a = \"1\"", 'U' }, /* I: here the name of a header */
    { "0x10 = 16", 'T' },
    { "010 = 8", 'F' }, /* M: octal */
    { "010 = 10", 'T' },
    { "5 / 2 = 2.5", 'T' },
    { "7 % 3 = 1", 'T' },
    { "-neg = 3", 'T' }, /* - */
    { "neg = -3", 'T' },
    { "1e2 = 100", 'T' },
    { "REGEX('^a', s)", 'I' }, /* M */
    { "INLIST(SPLIT('a,abc',','), s)", 'T' },
    { "(a = 1", 'I' },
    { "a = 1 /* c */ AND b = 2", 'T' },
    { "aNd = 1", 'I' },
    { "S = 'abc'", 'U' },
    { "missing = missing2", 'U' }, /* M */
    { "a = NULL", 'I' },
    { "a = 1 -- c", 'T' }, /* -: it misses the end of the line */
    { "XPATH 'a'", 'I' },  /* - */
};

START_TEST(the_vectors_of_activemq_have_their_result_or_a_better_one)
{
    const struct row *row = &activemq_rows[_i];

    ck_assert_msg(outcome_of(row->text) == row->outcome, "%s: %c", row->text,
                  outcome_of(row->text));
}
END_TEST

static const struct row rows[] = {
    /* Kleene's tables; x is UNKNOWN. */
    { "TRUE AND TRUE", 'T' },
    { "TRUE AND FALSE", 'F' },
    { "x AND FALSE", 'F' },
    { "FALSE AND x", 'F' },
    { "x AND TRUE", 'U' },
    { "TRUE AND x", 'U' },
    { "x AND x", 'U' },
    { "FALSE OR FALSE", 'F' },
    { "FALSE OR TRUE", 'T' },
    { "x OR TRUE", 'T' },
    { "TRUE OR x", 'T' },
    { "x OR FALSE", 'U' },
    { "FALSE OR x", 'U' },
    { "x OR x", 'U' },
    { "NOT x", 'U' },
    { "NOT TRUE", 'F' },
    { "NOT NOT TRUE", 'T' },
    { "NOT FALSE AND FALSE", 'F' },
    { "NOT (FALSE AND FALSE)", 'T' },
    { "TRUE OR TRUE AND FALSE", 'T' },
    { "(TRUE OR TRUE) AND FALSE", 'F' },
    { "FALSE AND FALSE OR TRUE", 'T' },
    { "FALSE OR FALSE OR a = 1 AND b = 2 AND TRUE", 'T' },
    /* Names. */
    { "x-trace-1 = 't'", 'T' },
    { "a-1 = 0", 'T' },
    { "b -a = 1", 'T' },
    { "b - a = 1", 'T' },
    { "b-a = 1", 'U' },
    { "b- a = 1", 'T' },
    { "2-a = 1", 'T' },
    { "(b)-a = 1", 'T' },
    { "\"b\"-a = 1", 'T' },
    { "\"any \"\"name\"\"\" = 'q'", 'T' },
    { "\"not\" IS NULL", 'T' },
    { "\"dotted.name\" = 'x'", 'T' },
    { "a.b:c_$d IS NULL", 'T' },
    { "a. = 1", 'I' },
    { "a IS NULL--c\n OR TRUE", 'T' },
    { "1a = 1", 'I' },
    { "0x = 1", 'I' },
    { "1.2.3 = 1", 'I' },
    /* Numbers. */
    { "010 = 10", 'T' },
    { "10L = 10l", 'T' },
    { "0XfF = 255", 'T' },
    { "0x7fffffffffffffffL = max", 'T' },
    { "0x8000000000000000 = 1", 'I' },
    { ".5 + 5. = 5.5", 'T' },
    { "1.5E+1 = 15", 'T' },
    { "1e999 = 1", 'I' },
    { "9223372036854775807 = max", 'T' },
    { "-9223372036854775808 = min", 'T' },
    { "max > 9223372036854775806", 'T' },
    { "max < 9223372036854775808", 'T' },
    { "9007199254740993 > 9007199254740992.0", 'T' },
    { "9007199254740992.0 < 9007199254740993", 'T' },
    { "max + 1 > max", 'T' },
    { "min - 1 <= min", 'T' },
    { "min * 2 < min", 'T' },
    { "-min > max", 'T' },
    { "min % -1 = 0", 'T' },
    { "-7 % 3 = -1", 'T' },
    { "7.5 % 2 = 1.5", 'T' },
    { "a / 0 = 1", 'U' },
    { "a % 0 = 1", 'U' },
    { "1e300 * 1e300 > 0", 'U' },
    { "5 / 2 * 2 = 5", 'T' },
    { "2 + 3 * 4 = 14", 'T' },
    { "(2 + 3) * 4 = 20", 'T' },
    { "10 - 3 - 2 = 5", 'T' },
    { "- - 3 = +3", 'T' },
    { "s + 1 = 2", 'U' },
    { "empty = 0", 'U' },
    { "blank = 5", 'U' },
    { "'5' + '6' = 11", 'T' },
    { "+age = 5", 'T' },
    { "flag + 1 = 2", 'U' },
    { "JMSRedelivered + 1 = 1", 'U' },
    { "s + 1 IS NULL", 'T' },
    /* Comparisons. */
    { "s = 5", 'U' },
    { "s <> 5", 'U' },
    { "5 < age", 'F' },
    { "5 <= age", 'T' },
    { "5 >= age", 'T' },
    { "5 > age", 'F' },
    { "s >= 'abc'", 'T' },
    { "s < 'abcd'", 'T' },
    { "age > '40'", 'T' },
    { "s BETWEEN 'abb' AND 'abd'", 'T' },
    { "s NOT BETWEEN 'abb' AND 'abd'", 'F' },
    { "age BETWEEN missing AND 3", 'F' },
    { "age NOT BETWEEN missing AND 3", 'T' },
    { "age BETWEEN 4 AND missing", 'U' },
    { "age BETWEEN 2 + 2 AND 2 * 3 AND TRUE", 'T' },
    { "off = FALSE", 'T' },
    { "off", 'F' },
    { "NOT off", 'T' },
    { "s = TRUE", 'U' },
    { "s <> TRUE", 'U' },
    { "TRUE = 1", 'U' },
    { "TRUE <> FALSE", 'T' },
    { "JMSRedelivered", 'F' },
    { "JMSRedelivered = off", 'T' },
    { "JMSRedelivered < flag", 'U' },
    { "(a = 1) = (b = 2)", 'T' },
    { "(a = 1) = FALSE", 'F' },
    { "(missing = 1) IS NULL", 'T' },
    { "NULL IS NULL", 'T' },
    { "utf > 'z'", 'T' },
    { "a = 1 = TRUE", 'I' },
    { "flag > TRUE", 'I' },
    { "NULL = a", 'I' },
    { "NULL + 1 = 1", 'I' },
    { "a + 1", 'I' },
    { "a AND 1", 'I' },
    { "NOT 1", 'I' },
    { "a BETWEEN NULL AND 1", 'I' },
    { "NULL", 'I' },
    /* IN. */
    { "a IN (3, 2.0, -1, +1)", 'T' },
    { "a NOT IN (3, 4)", 'T' },
    { "neg IN (-3)", 'T' },
    { "s IN (1, 'abc')", 'T' },
    { "s IN (1, 'x')", 'U' },
    { "flag IN (TRUE)", 'T' },
    { "JMSPriority IN ('7')", 'T' },
    { "a + 1 IN (2)", 'T' },
    { "a IN ()", 'I' },
    { "a IN (b)", 'I' },
    { "a IN (NULL)", 'I' },
    { "a IN 1", 'I' },
    /* LIKE; test_selector_like has the patterns. */
    { "utf LIKE '__'", 'T' },
    { "lines LIKE 'one_two'", 'T' },
    { "JMSPriority LIKE '7'", 'U' },
    { "'it''s' LIKE '%''_'", 'T' },
    { "s LIKE 'abc' ESCAPE '!!'", 'I' },
    { "s LIKE 'abc' ESCAPE ''", 'I' },
    { "s LIKE 'a\xc3\xa4%' ESCAPE '\xc3\xa4'", 'F' },
    { "s LIKE b", 'I' },
    { "1 LIKE '1'", 'I' },
    /* Functions. */
    { "INLIST(SPLIT(list, ','), 'abc')", 'T' },
    { "INLIST(SPLIT(list, ','), '')", 'T' },
    { "INLIST(SPLIT(list, ','), 'ab')", 'F' },
    { "INLIST(SPLIT(list, ','), 12)", 'T' },
    { "INLIST(SPLIT(list, ','), 13)", 'U' },
    { "INLIST(SPLIT(missing, ','), 'a')", 'U' },
    { "INLIST(SPLIT(list, ','), missing)", 'U' },
    { "INLIST(SPLIT(empty, ','), '')", 'T' },
    { "INLIST(SPLIT('a|b', '|'), 'b')", 'T' },
    { "INLIST(SPLIT('a|b', '\\|'), 'b')", 'T' },
    { "INLIST(SPLIT('a; b', '; '), 'b')", 'T' },
    { "NOT INLIST(MAKELIST('a', s, 'b'), 'abc')", 'F' },
    { "INLIST(MAKELIST('a', 1 + 1, 'b'), b) AND TRUE", 'T' },
    { "inlist(makelist(1), a)", 'T' },
    { "INLIST(SPLIT('a,b', ',+'), 'b')", 'I' },
    { "INLIST(SPLIT('a,b', ''), 'b')", 'I' },
    { "INLIST(SPLIT('a,b', s), 'b')", 'I' },
    { "INLIST(SPLIT('a,b'), 'b')", 'I' },
    { "INLIST(s, 'b')", 'I' },
    { "INLIST(MAKELIST(MAKELIST(1)), 1)", 'I' },
    { "INLIST(1, MAKELIST(1))", 'I' },
    { "INLIST(MAKELIST(1))", 'I' },
    { "MAKELIST(1) = 1", 'I' },
    { "MAKELIST(1)", 'I' },
    { "MAKELIST(1) IS NULL", 'I' },
    { "MAKELIST(1) IN (1)", 'I' },
    { "MAKELIST(1) LIKE 'a'", 'I' },
    { "-MAKELIST(1) = 1", 'I' },
    { "MAKELIST()", 'I' },
    { "REPLACE(s, 'a', 'b') = 'bbc'", 'I' },
    { "XQUERY 'a'", 'I' },
    { "UPPER(s) = 'ABC'", 'I' },
    /* The text. */
    { "", 'I' },
    { " -- nothing", 'I' },
    { "/* a */ a /* ** */ = /***/ 1", 'T' },
    { "a = 1 /* c", 'I' },
    { "a = 1 -- c\n AND b = 3", 'F' },
    { "\ta\r\n=\f1 ", 'T' },
    { "a = 'x", 'I' },
    { "a = 'x''", 'I' },
    { "\"a = 1", 'I' },
    { "\"\" = 1", 'I' },
    { "a = 1;", 'I' },
    { "a = 1 && b = 2", 'I' },
    { "\xc3\xa4 = 1", 'I' },
    { "a = '\xff'", 'I' },
    { "()", 'I' },
    { "a = 1) OR (b = 2", 'I' },
    { "a NOT 1", 'I' },
    { "a IS 1", 'I' },
};

START_TEST(each_construct_has_its_result)
{
    ck_assert_msg(outcome_of(rows[_i].text) == rows[_i].outcome, "%s: %c",
                  rows[_i].text, outcome_of(rows[_i].text));
}
END_TEST

static const struct {
    const char *text;
    unsigned column;
    const char *reason;
} faults[] = {
    { "a = 1 AND", 10, "found the end, expected a value" },
    { "a = 1 b", 7,
      "found \"b\", expected an arithmetic operator, the end, AND or OR" },
    { "aNd = 1", 1, "found \"aNd\", expected a value" },
    { "(a = 1", 7,
      "found the end, expected an arithmetic operator, AND, OR or )" },
    { "a ESCAPE '!'", 3, "found \"ESCAPE\", expected an operator or the end" },
    { "a BETWEEN 1 2", 13,
      "found \"2\", expected an arithmetic operator or "
      "AND" },
    { "a IS 5", 6, "found \"5\", expected NOT or NULL" },
    { "a LIKE b", 8, "found \"b\", expected a text in single quotes" },
    { "a IN (b)", 7,
      "found \"b\", expected a number, FALSE, TRUE or a text in "
      "single quotes" },
    { "'\xc3\xa4\xe2\x82\xac' = 1 x", 10,
      "found \"x\", expected an arithmetic operator, the end, AND or OR" },
    { "a = 'abc", 5, "the text is not closed by a single quote" },
    { "a /* b", 3, "the comment is not closed by \"*/\"" },
    { "a == 1", 3, "\"==\" is no operator, write \"=\"" },
    { "a = 1 OR 5", 10,
      "\"5\" is a number, expected a condition, such as a comparison" },
    { "a = NULL", 5,
      "a comparison with NULL is never TRUE, write IS NULL or IS NOT NULL" },
    { "a = 1 AND b + (c > 1) = 2", 15,
      "\"(c > 1)\" is a condition, expected a number" },
    { "a = 1 AND REGEX('a', s)", 11,
      "REGEX is refused: a regular expression can take exponential time on a "
      "message, which would stop the broker; use LIKE" },
    { "MAX(a) = 1", 1,
      "there is no function \"MAX\", only INLIST, MAKELIST and SPLIT" },
    { "b = 1 AND a = #", 15,
      "found \"#\", which means nothing here: a name with such a character "
      "needs double quotes, a text single ones" },
    { "a = \x01", 5,
      "found \"?\", which means nothing here: a name with such a character "
      "needs double quotes, a text single ones" },
    { "NOT 'averyveryveryveryveryveryveryveryveryveryverylongtextindeed'", 5,
      "\"'averyveryveryveryveryveryveryveryveryveryverylongtex...\" is a "
      "text, expected a condition, such as a comparison" },
};

START_TEST(a_fault_is_told_with_its_column_and_what_was_expected)
{
    struct selector *selector = NULL;
    struct error err = ERROR_INIT;

    ck_assert_int_eq(
        selector_parse(span_of_text(faults[_i].text), &selector, &err), -1);
    ck_assert_str_eq(err.text, faults[_i].reason);
    ck_assert_uint_eq(err.column, faults[_i].column);
    ck_assert_ptr_null(selector);
}
END_TEST

START_TEST(a_fault_needs_no_error_to_be_refused)
{
    struct selector *selector = NULL;

    ck_assert_int_eq(selector_parse(SPAN("a ="), &selector, NULL), -1);
    ck_assert_int_eq(selector_parse(SPAN("a = 'x"), &selector, NULL), -1);
    ck_assert_int_eq(selector_parse(SPAN_NONE, &selector, NULL), -1);
}
END_TEST

START_TEST(a_nul_in_the_text_is_refused)
{
    struct selector *selector = NULL;
    struct error err = ERROR_INIT;

    ck_assert_int_eq(selector_parse(SPAN("a = 1\0"), &selector, &err), -1);
    ck_assert_uint_eq(err.column, 6);
}
END_TEST

/* before, then part times over, then after. */
static int
parse_repeated(const char *before, const char *part, size_t times,
               const char *after, struct error *err)
{
    struct buf text = BUF_INIT;
    struct selector *selector = NULL;
    int result;

    buf_append_span(&text, span_of_text(before));
    for (size_t i = 0; i < times; i++) {
        buf_append_span(&text, span_of_text(part));
    }
    buf_append_span(&text, span_of_text(after));
    result = selector_parse(buf_span(&text), &selector, err);
    if (result == 0) {
        (void)selector_evaluate(selector, message_lookup, NULL);
    }
    selector_free(&selector);
    buf_fini(&text);
    return result;
}

static const struct {
    const char *before;
    const char *part;
    const char *after;
    size_t most; /* times that are accepted */
    const char *reason;
} limits[] = {
    { "", "NOT ", "a", SELECTOR_DEPTH_MAX, "too deep" },
    { "", "- ", "a = 1", SELECTOR_DEPTH_MAX, "too deep" },
    { "a = 1", " OR a = 1", "", (SELECTOR_NODES_MAX - 3) / 5, "too long" },
    { "INLIST(MAKELIST(1", ", 1", "), 1)", 254, "too deep" },
    { "a LIKE '", "_", "'", SELECTOR_LIKE_ANY_MAX, "too long" },
    { "a LIKE '", "x%", "'", SELECTOR_NODES_MAX - 2, "too long" },
    { "a IN (1", ", 1", ")", SELECTOR_NODES_MAX - 3, "too long" },
    { "a = '", "x", "'", SELECTOR_TEXT_MAX - 6, "too long" },
};

START_TEST(a_selector_at_a_limit_is_taken_and_one_beyond_is_refused)
{
    struct error err = ERROR_INIT;

    ck_assert_int_eq(parse_repeated(limits[_i].before, limits[_i].part,
                                    limits[_i].most, limits[_i].after, &err),
                     0);
    ck_assert_int_eq(parse_repeated(limits[_i].before, limits[_i].part,
                                    limits[_i].most + 1, limits[_i].after,
                                    &err),
                     -1);
    ck_assert_msg(strstr(err.text, limits[_i].reason) != NULL, "%s", err.text);
}
END_TEST

START_TEST(nesting_of_every_kind_ends_at_a_limit_of_ours)
{
    static const char *const parts[] = {
        "(",
        "a OR a AND NOT a BETWEEN a AND a + a * -(",
        "INLIST(MAKELIST(1 + 2 * (",
        "NOT NOT a = - - (",
    };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct error err = ERROR_INIT;

        ck_assert_int_eq(parse_repeated("", parts[i], 1000, "a", &err), -1);
        ck_assert_msg(strstr(err.text, "too deep: more than 256") != NULL, "%s",
                      err.text);
    }
}
END_TEST

START_TEST(more_names_than_the_limit_are_refused)
{
    struct buf text = BUF_INIT;
    struct selector *selector = NULL;
    struct error err = ERROR_INIT;
    size_t count = 0;

    buf_append_span(&text, SPAN("n0"));
    for (unsigned i = 1; i < SELECTOR_NAMES_MAX; i++) {
        buf_appendf(&text, " OR n%u OR n%u", i, i / 2);
    }
    ck_assert_int_eq(selector_parse(buf_span(&text), &selector, &err), 0);
    (void)selector_names(selector, &count);
    ck_assert_uint_eq(count, SELECTOR_NAMES_MAX);
    selector_free(&selector);
    buf_append_span(&text, SPAN(" OR other"));
    ck_assert_int_eq(selector_parse(buf_span(&text), &selector, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "256 different names"));
    buf_fini(&text);
}
END_TEST

START_TEST(names_are_told_once_with_their_index_and_field)
{
    struct selector *selector = NULL;
    const struct selector_name *names;
    size_t count = 0;

    ck_assert_int_eq(
        selector_parse(SPAN("b = 1 AND \"a b\" = b AND JMSPriority > b AND "
                            "jmspriority = 1 AND JMSXUserID = 'x'"),
                       &selector, NULL),
        0);
    names = selector_names(selector, &count);
    ck_assert_uint_eq(count, 5);
    for (unsigned i = 0; i < count; i++) {
        ck_assert_uint_eq(names[i].index, i);
    }
    ck_assert(span_equal(names[0].text, SPAN("b")));
    ck_assert(span_equal(names[1].text, SPAN("a b")));
    ck_assert_int_eq(names[1].field, SELECTOR_FIELD_NONE);
    ck_assert_int_eq(names[2].field, SELECTOR_FIELD_JMS_PRIORITY);
    ck_assert_int_eq(names[3].field, SELECTOR_FIELD_NONE);
    ck_assert_int_eq(names[4].field, SELECTOR_FIELD_JMSX_USER_ID);
    selector_free(&selector);
}
END_TEST

static const struct {
    const char *text;
    const char *name; /* NULL: none */
    const char *value;
} equalities[] = {
    { "color = 'red'", "color", "red" },
    { "'red' = color", "color", "red" },
    { "((color = 'it''s'))", "color", "it's" },
    { "size > 5 AND color = 'red' AND x = 'y'", "color", "red" },
    { "size > 5 AND (color = 'red' AND (a OR b))", "color", "red" },
    { "JMSType = 'T1'", "JMSType", "T1" },
    { "\"a b\" = ''", "a b", "" },
    { "JMSPriority = '4'", NULL, NULL },
    { "color = 'red' OR x", NULL, NULL },
    { "x OR y AND color = 'red'", NULL, NULL },
    { "NOT color = 'red'", NULL, NULL },
    { "NOT NOT color = 'red'", NULL, NULL },
    { "color <> 'red'", NULL, NULL },
    { "color = 5", NULL, NULL },
    { "color = x", NULL, NULL },
    { "'red' = 'red'", NULL, NULL },
    { "1 + color = 'red'", NULL, NULL },
    { "(color = 'red') = TRUE", NULL, NULL },
    { "(color = 'red') IS NULL", NULL, NULL },
    { "color IN ('red')", NULL, NULL },
    { "color", NULL, NULL },
};

START_TEST(an_equality_is_told_when_no_message_is_selected_without_it)
{
    struct selector *selector = NULL;
    const struct selector_name *name = NULL;
    struct span value = SPAN_NONE;
    bool told;

    ck_assert_int_eq(
        selector_parse(span_of_text(equalities[_i].text), &selector, NULL), 0);
    told = selector_equality(selector, &name, &value);
    ck_assert_msg(told == (equalities[_i].name != NULL), "%s",
                  equalities[_i].text);
    if (told) {
        ck_assert(span_equal(name->text, span_of_text(equalities[_i].name)));
        ck_assert(span_equal(value, span_of_text(equalities[_i].value)));
    }
    selector_free(&selector);
}
END_TEST

START_TEST(what_cannot_change_the_result_is_not_looked_up)
{
    static const struct {
        const char *text;
        unsigned calls;
    } cases[] = {
        { "a = 2 AND b = 2", 1 },
        { "a = 1 OR b = 2", 1 },
        { "a = 1 AND b = 2", 2 },
        { "missing = 1 AND b = 3", 2 },
        { "(a = 2 AND b = 2) OR (s = 'abc' OR age = 5)", 2 },
        { "a = 2 AND b = 2 AND s = 'x'", 1 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct selector *selector = NULL;
        unsigned calls = 0;

        ck_assert_int_eq(
            selector_parse(span_of_text(cases[i].text), &selector, NULL), 0);
        (void)selector_evaluate(selector, message_lookup, &calls);
        ck_assert_msg(calls == cases[i].calls, "%s: %u", cases[i].text, calls);
        selector_free(&selector);
    }
}
END_TEST

static void
add_rows(Suite *suite, TCase *tcase)
{
    tcase_add_loop_test(
        tcase, the_vectors_of_activemq_have_their_result_or_a_better_one, 0,
        (int)(sizeof(activemq_rows) / sizeof(activemq_rows[0])));
    tcase_add_loop_test(tcase, each_construct_has_its_result, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_loop_test(tcase,
                        a_fault_is_told_with_its_column_and_what_was_expected,
                        0, (int)(sizeof(faults) / sizeof(faults[0])));
    suite_add_tcase(suite, tcase);
}

int
main(void)
{
    Suite *suite = suite_create("selector");
    TCase *tcase = tcase_create("limits and names");

    add_rows(suite, tcase_create("rows"));
    tcase_add_test(tcase, a_fault_needs_no_error_to_be_refused);
    tcase_add_test(tcase, a_nul_in_the_text_is_refused);
    tcase_add_loop_test(
        tcase, a_selector_at_a_limit_is_taken_and_one_beyond_is_refused, 0,
        (int)(sizeof(limits) / sizeof(limits[0])));
    tcase_add_test(tcase, nesting_of_every_kind_ends_at_a_limit_of_ours);
    tcase_add_test(tcase, more_names_than_the_limit_are_refused);
    tcase_add_test(tcase, names_are_told_once_with_their_index_and_field);
    tcase_add_loop_test(
        tcase, an_equality_is_told_when_no_message_is_selected_without_it, 0,
        (int)(sizeof(equalities) / sizeof(equalities[0])));
    tcase_add_test(tcase, what_cannot_change_the_result_is_not_looked_up);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
