/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/destination_name.h"

#include "base/buf.h"
#include "test/testutil.h"

static const char *const destination_kinds[] = { "queue", "topic", "temp-queue",
                                                 "temp-topic" };

struct destination_case {
    const char *text;
    const char *names; /* "kind name", "!" remote, "*" wildcard, "|" next */
};

static const struct destination_case destination_cases[] = {
    { "/queue/FOO", "queue FOO" },
    { "/topic/FOO.BAR", "topic FOO.BAR" },
    { "/temp-queue/reply", "temp-queue reply" },
    { "/temp-topic/reply", "temp-topic reply" },
    { "/remote-temp-queue/ID:h-1:2", "!temp-queue ID:h-1:2" },
    { "/remote-temp-topic/ID:h-1:2", "!temp-topic ID:h-1:2" },
    { "queue://FOO", "queue FOO" },
    { "topic://FOO", "topic FOO" },
    { "temp-queue://FOO", "temp-queue FOO" },
    { "temp-topic://FOO", "temp-topic FOO" },
    { "remote-temp-queue://FOO", "!temp-queue FOO" },
    { "remote-temp-topic://FOO", "!temp-topic FOO" },
    /* a name without a prefix is a queue named as written */
    { "FOO", "queue FOO" },
    { "/foo/bar", "queue /foo/bar" },
    { "/QUEUE/U", "queue /QUEUE/U" },
    { "/queue", "queue /queue" },
    /* names: case, blanks, levels, slashes, UTF-8 */
    { "/queue/a b", "queue a b" },
    { "  /queue/foo\t", "queue foo" },
    { "/queue/  foo", "queue foo" },
    { "/queue/a..b.", "queue a..b." },
    { "/queue//a/b", "queue /a/b" },
    { "/queue/\xC3\xA9", "queue \xC3\xA9" },
    /* wildcards are whole levels, '>' the last one */
    { "/topic/>", "*topic >" },
    { "/topic/FOO.>", "*topic FOO.>" },
    { "/queue/*.A", "*queue *.A" },
    { "/queue/A.*.B", "*queue A.*.B" },
    { "/queue/A*.B", "queue A*.B" },
    { "/queue/A.>.B", "queue A.>.B" },
    { "/queue/A>", "queue A>" },
    { "/queue/A.**", "queue A.**" },
    /* options are cut off */
    { "/queue/OPT?consumer.prefetchSize=1", "queue OPT" },
    { "A,B?x=1,y=2", "queue A|queue B" },
    { "/topic/T?", "topic T" },
    /* composites */
    { "/queue/A,/topic/B", "queue A|topic B" },
    { "/topic/A,B,/queue/C,D", "topic A|topic B|queue C|topic D" },
    { "A,/topic/B,C", "queue A|topic B|topic C" },
    { " A , ,, B ,", "queue A|queue B" },
    { "A,B,A,/queue/B,/topic/A", "queue A|queue B|topic A" },
    { "/remote-temp-queue/X,/temp-queue/X", "!temp-queue X|temp-queue X" },
    { "/queue/A,FOO.>", "queue A|*queue FOO.>" },
};
enum {
    DESTINATION_CASE_COUNT =
        sizeof(destination_cases) / sizeof(destination_cases[0])
};

START_TEST(a_destination_text_is_cut_into_its_names)
{
    const struct destination_case *row = &destination_cases[_i];
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct error err = ERROR_INIT;
    struct buf got = BUF_INIT;
    size_t count = 0;

    ck_assert_msg(destination_name_parse(span_of_text(row->text), NULL, names,
                                         &count, &err) == 0,
                  "%s: %s", row->text, err.text);
    for (size_t i = 0; i < count; i++) {
        buf_appendf(&got, "%s%s%s%s %.*s", i > 0 ? "|" : "",
                    names[i].remote ? "!" : "", names[i].wildcard ? "*" : "",
                    destination_kinds[names[i].kind], (int)names[i].name.len,
                    names[i].name.data);
    }
    ck_assert_msg(span_equal(buf_span(&got), span_of_text(row->names)),
                  "%s: got %.*s", row->text, (int)got.len, got.data);
    buf_fini(&got);
}
END_TEST

#define ACCEPTED                                                               \
    "/queue/NAME, /topic/NAME, /temp-queue/NAME or /temp-topic/NAME"

struct destination_fault {
    struct span text;
    const char *error;
};
#define S(literal)                                                             \
    {                                                                          \
        .data = (literal), .len = sizeof(literal) - 1                          \
    }

static const struct destination_fault destination_faults[] = {
    { S(""), "destination \"\" lacks a name; expected " ACCEPTED },
    { S(" , ,"), "destination \" , ,\" lacks a name; expected " ACCEPTED },
    { S("/queue/"),
      "destination \"/queue/\" lacks a name; expected " ACCEPTED },
    { S("/topic/ "),
      "destination \"/topic/\" lacks a name; expected " ACCEPTED },
    { S("/queue/a,/topic/"),
      "destination \"/topic/\" lacks a name; expected " ACCEPTED },
    { S("?x=1"), "destination \"?x=1\" lacks a name; expected " ACCEPTED },
    { S("/queue/a\nb"), "destination \"/queue/a\\x0ab\" holds a control "
                        "character; a name may have any other" },
    { S("/queue/a\0b"), "destination \"/queue/a\\x00b\" holds a control "
                        "character; a name may have any other" },
    { S("\x7F"), "destination \"\\x7f\" holds a control character; a name may "
                 "have any other" },
};
enum {
    DESTINATION_FAULT_COUNT =
        sizeof(destination_faults) / sizeof(destination_faults[0])
};

START_TEST(a_bad_destination_is_refused_with_its_text)
{
    const struct destination_fault *row = &destination_faults[_i];
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct error err = ERROR_INIT;
    size_t count = 0;

    ck_assert_int_eq(
        destination_name_parse(row->text, NULL, names, &count, &err), -1);
    ck_assert_str_eq(err.text, row->error);
}
END_TEST

START_TEST(a_name_without_prefix_is_refused_by_option)
{
    struct destination_name_options options = { .refuse_plain = true };
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct error err = ERROR_INIT;
    size_t count = 0;

    ck_assert_int_eq(
        destination_name_parse(SPAN("/foo/bar"), &options, names, &count, &err),
        -1);
    ck_assert_str_eq(err.text, "destination \"/foo/bar\" has no known prefix; "
                               "expected " ACCEPTED);
    ck_assert_int_eq(destination_name_parse(SPAN("/topic/a,b"), &options, names,
                                            &count, NULL),
                     0);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(names[1].kind, DESTINATION_TOPIC);
}
END_TEST

START_TEST(a_name_is_at_most_4096_bytes_long)
{
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct error err = ERROR_INIT;
    struct buf text = BUF_INIT;
    size_t count = 0;

    buf_append_span(&text, SPAN("/queue/"));
    for (int i = 0; i < DESTINATION_NAME_BYTES; i++) {
        buf_append_char(&text, 'x');
    }
    ck_assert_int_eq(
        destination_name_parse(buf_span(&text), NULL, names, &count, NULL), 0);
    buf_append_char(&text, 'x');
    ck_assert_int_eq(
        destination_name_parse(buf_span(&text), NULL, names, &count, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "a name of 4097 bytes"));
    ck_assert_ptr_nonnull(strstr(err.text, "limit of 4096 bytes"));
    buf_fini(&text);
}
END_TEST

START_TEST(a_composite_has_at_most_64_names)
{
    struct destination_name names[DESTINATION_COMPOSITE_COUNT];
    struct error err = ERROR_INIT;
    struct buf text = BUF_INIT;
    size_t count = 0;

    for (int i = 0; i < DESTINATION_COMPOSITE_COUNT; i++) {
        buf_appendf(&text, "q%d,", i);
    }
    buf_append_span(&text, SPAN("q0"));
    ck_assert_int_eq(
        destination_name_parse(buf_span(&text), NULL, names, &count, NULL), 0);
    ck_assert_uint_eq(count, DESTINATION_COMPOSITE_COUNT);
    buf_append_span(&text, SPAN(",more"));
    ck_assert_int_eq(
        destination_name_parse(buf_span(&text), NULL, names, &count, &err), -1);
    ck_assert_str_eq(err.text,
                     "a composite destination has more than 64 names");
    buf_fini(&text);
}
END_TEST

START_TEST(each_kind_has_its_prefix)
{
    ck_assert(span_equal(destination_name_prefix(DESTINATION_QUEUE),
                         SPAN("/queue/")));
    ck_assert(span_equal(destination_name_prefix(DESTINATION_TOPIC),
                         SPAN("/topic/")));
    ck_assert(span_equal(destination_name_prefix(DESTINATION_TEMP_QUEUE),
                         SPAN("/temp-queue/")));
    ck_assert(span_equal(destination_name_prefix(DESTINATION_TEMP_TOPIC),
                         SPAN("/temp-topic/")));
}
END_TEST

START_TEST(no_text_has_no_wildcard)
{
    ck_assert(!destination_name_has_wildcard(SPAN_NONE));
    ck_assert(!destination_name_has_wildcard(SPAN("")));
    ck_assert(!destination_name_has_wildcard(SPAN(".")));
    ck_assert(destination_name_has_wildcard(SPAN(".*")));
    ck_assert(destination_name_has_wildcard(SPAN("*.")));
    ck_assert(!destination_name_has_wildcard(SPAN(">.")));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("destination_name");
    TCase *tcase = tcase_create("destination_name");

    tcase_add_loop_test(tcase, a_destination_text_is_cut_into_its_names, 0,
                        DESTINATION_CASE_COUNT);
    tcase_add_loop_test(tcase, a_bad_destination_is_refused_with_its_text, 0,
                        DESTINATION_FAULT_COUNT);
    tcase_add_test(tcase, a_name_without_prefix_is_refused_by_option);
    tcase_add_test(tcase, a_name_is_at_most_4096_bytes_long);
    tcase_add_test(tcase, a_composite_has_at_most_64_names);
    tcase_add_test(tcase, each_kind_has_its_prefix);
    tcase_add_test(tcase, no_text_has_no_wildcard);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
