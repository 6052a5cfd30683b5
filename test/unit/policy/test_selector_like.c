/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/selector_like.h"

#include "base/buf.h"
#include "policy/selector.h"
#include "test/testutil.h"

#include <stdlib.h>

enum { PIECES_MAX = 64 };

static bool
matches(const char *pattern, const char *escape, struct span text)
{
    struct selector_like_piece pieces[PIECES_MAX];
    struct selector_like like;
    struct buf bytes = BUF_INIT;
    size_t count = PIECES_MAX;
    bool result;

    buf_append_span(&bytes, span_of_text(pattern));
    buf_append_char(&bytes, '\0');
    ck_assert_int_eq(selector_like_compile(span_of_text(escape), bytes.data,
                                           bytes.len - 1, pieces, &count,
                                           &like),
                     SELECTOR_LIKE_COMPILED);
    result = selector_like_matches(&like, text);
    buf_fini(&bytes);
    return result;
}

static const struct {
    const char *pattern;
    const char *escape;
    const char *text;
    bool matches;
} rows[] = {
    { "", "", "", true },
    { "", "", "a", false },
    { "%", "", "", true },
    { "%", "", "abc", true },
    { "%%", "", "", true },
    { "_", "", "", false },
    { "_", "", "a", true },
    { "_", "", "ab", false },
    { "_", "", "\n", true },
    { "_", "", "\xe2\x82\xac", true },
    { "__", "", "\xe2\x82\xac", false },
    { "%_", "", "", false },
    { "%_", "", "a", true },
    { "_%", "", "\xc3\xa4x", true },
    { "_%_", "", "a", false },
    { "%_%_%", "", "ab", true },
    { "a%", "", "a", true },
    { "a%", "", "ba", false },
    { "%a", "", "ba", true },
    { "%a", "", "ab", false },
    { "%a%", "", "bab", true },
    { "%a%", "", "bb", false },
    { "a%a", "", "a", false },
    { "a%a", "", "aa", true },
    { "a%b%c", "", "a-b-c", true },
    { "a%b%c", "", "a-c-b", false },
    { "%ab%ab", "", "ab", false },
    { "%ab%ab", "", "abab", true },
    { "%ab%ab", "", "abxabx", false },
    { "%a_c%", "", "abbabc", true },
    { "%a_c%", "", "aacc", true },
    { "%a_c%", "", "acac", false },
    { "%a__", "", "xa\xc3\xa4\xe2\x82\xac", true },
    { "_b%_d", "", "abcd", true },
    { "_b%_d", "", "abd", false },
    { "A%", "", "abc", false },
    { "abc", "", "abc", true },
    { "abc", "", "abcd", false },
    { "a!%b", "!", "a%b", true },
    { "a!%b", "!", "axb", false },
    { "!%%", "!", "%x", true },
    { "!%%", "!", "x%", false },
    { "a!!b", "!", "a!b", true },
    { "a!b", "!", "a!b", true },
    { "a!", "!", "a!", true },
    { "%%a", "%", "%a", true },
    { "%%a", "%", "xa", false },
    { "%a", "%", "%a", true },
    { "%a", "%", "xa", false },
    { "a__", "_", "a_", true },
    { "a_%", "_", "a%", true },
    { "\xc3\xa4_", "\xc3\xa4", "_", true },
    { "\xc3\xa4_", "\xc3\xa4", "x", false },
    { "\xc3\xa4\xc3\xa4", "\xc3\xa4", "\xc3\xa4", true },
};

START_TEST(each_pattern_matches_what_it_says)
{
    ck_assert_msg(matches(rows[_i].pattern, rows[_i].escape,
                          span_of_text(rows[_i].text)) == rows[_i].matches,
                  "%s ESCAPE '%s' of %s", rows[_i].pattern, rows[_i].escape,
                  rows[_i].text);
}
END_TEST

START_TEST(a_text_without_data_is_an_empty_one)
{
    ck_assert(matches("%", "", SPAN_NONE));
    ck_assert(matches("", "", SPAN_NONE));
    ck_assert(!matches("%a%", "", SPAN_NONE));
    ck_assert(!matches("%_", "", SPAN_NONE));
}
END_TEST

/* The definition, exponential as it is. */
static bool
defined(const char *pattern, const char *text)
{
    if (*pattern == '\0') {
        return *text == '\0';
    }
    if (*pattern == '%') {
        return defined(pattern + 1, text) ||
               (*text != '\0' && defined(pattern, text + 1));
    }
    return *text != '\0' && (*pattern == '_' || *pattern == *text) &&
           defined(pattern + 1, text + 1);
}

static void
draw(unsigned *seed, const char *alphabet, size_t longest, char *out)
{
    size_t len = (size_t)rand_r(seed) % (longest + 1);

    for (size_t i = 0; i < len; i++) {
        out[i] = alphabet[(size_t)rand_r(seed) % strlen(alphabet)];
    }
    out[len] = '\0';
}

START_TEST(random_patterns_match_as_defined)
{
    unsigned seed = 20240611;

    for (int i = 0; i < 200000; i++) {
        char pattern[16];
        char text[16];

        draw(&seed, "ab%_", 8, pattern);
        draw(&seed, "ab", 10, text);
        ck_assert_msg(matches(pattern, "", span_of_text(text)) ==
                          defined(pattern, text),
                      "%s of %s", pattern, text);
    }
}
END_TEST

/* What makes a matcher that goes back run for hours. */
START_TEST(a_hostile_pattern_takes_no_time)
{
    struct buf pattern = BUF_INIT;
    struct buf text = BUF_INIT;

    for (int i = 0; i < 30; i++) {
        buf_append_span(&pattern, SPAN("%a_a"));
    }
    buf_append_span(&pattern, SPAN("%b"));
    buf_append_char(&pattern, '\0');
    memset(buf_reserve(&text, 65536), 'a', 65536);
    text.len = 65536;
    ck_assert(!matches(pattern.data, "", buf_span(&text)));
    buf_fini(&pattern);
    buf_fini(&text);
}
END_TEST

START_TEST(limits_are_told_apart)
{
    struct selector_like_piece pieces[2];
    struct selector_like like;
    char any[SELECTOR_LIKE_ANY_MAX + 1];
    char many[] = "a%b%c";
    size_t count = 2;

    memset(any, '_', sizeof(any));
    ck_assert_int_eq(selector_like_compile(SPAN(""), any, sizeof(any), pieces,
                                           &count, &like),
                     SELECTOR_LIKE_TOO_MANY_ANY);
    count = 2;
    ck_assert_int_eq(
        selector_like_compile(SPAN(""), many, 5, pieces, &count, &like),
        SELECTOR_LIKE_TOO_MANY_PIECES);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("selector_like");
    TCase *tcase = tcase_create("selector_like");

    tcase_add_loop_test(tcase, each_pattern_matches_what_it_says, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, a_text_without_data_is_an_empty_one);
    tcase_add_test(tcase, random_patterns_match_as_defined);
    tcase_add_test(tcase, a_hostile_pattern_takes_no_time);
    tcase_add_test(tcase, limits_are_told_apart);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
