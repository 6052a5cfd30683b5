/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/sniff.h"

#include "test/testutil.h"

static const struct {
    const char *bytes;
    enum sniff result;
} sniff_rows[] = {
    { "C", SNIFF_STOMP },       { "CONNECT\n", SNIFF_STOMP },
    { "STOMP\n", SNIFF_STOMP }, { "DISCONNECT", SNIFF_STOMP },
    { "D", SNIFF_MORE },        { "DE", SNIFF_MORE },
    { "DI", SNIFF_STOMP },      { "G", SNIFF_MORE },
    { "GET", SNIFF_MORE },      { "GET ", SNIFF_HTTP },
    { "GET / H", SNIFF_HTTP },  { "GETS", SNIFF_STOMP },
    { "HEAD ", SNIFF_HTTP },    { "POST ", SNIFF_HTTP },
    { "PUT ", SNIFF_HTTP },     { "DELETE ", SNIFF_HTTP },
    { "OPTIONS ", SNIFF_HTTP }, { "OPTION", SNIFF_MORE },
    { "get ", SNIFF_STOMP },    { "\x16\x03\x01", SNIFF_TLS },
    { "", SNIFF_MORE },         { "\x01", SNIFF_STOMP },
};

START_TEST(the_first_bytes_decide)
{
    struct span bytes = span_of_text(sniff_rows[_i].bytes);

    ck_assert_msg(sniff_bytes(bytes) == sniff_rows[_i].result, "%s",
                  sniff_rows[_i].bytes);
}
END_TEST

START_TEST(eols_are_counted_up_to_the_first_other_byte)
{
    ck_assert_uint_eq(sniff_eols(SPAN("\n\r\n\nC\n")), 4);
    ck_assert_uint_eq(sniff_eols(SPAN("C\n")), 0);
    ck_assert_uint_eq(sniff_eols(SPAN("\n")), 1);
    ck_assert_uint_eq(sniff_eols(SPAN_NONE), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("sniff");
    TCase *tcase = tcase_create("sniff");

    tcase_add_loop_test(tcase, the_first_bytes_decide, 0,
                        (int)(sizeof(sniff_rows) / sizeof(sniff_rows[0])));
    tcase_add_test(tcase, eols_are_counted_up_to_the_first_other_byte);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
