/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include "test/testutil.h"

#include <stdlib.h>

START_TEST(names_of_secrets_are_known_however_they_are_written)
{
    static const char *const names[] = {
        "passcode",         "Passcode",       "PASSWORD", "X-Auth-Token",
        "pass code",        "pass\rcode",     "Cookie",   "Authorization",
        "client-secret",    "access_token",   "api-key",  "login.passcode",
        "refresh_token_v2", "CONNECTpasscode"
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert_msg(secret_is_name(span_of_text(names[i])), "%s", names[i]);
    }
}
END_TEST

START_TEST(other_names_are_not_secret)
{
    static const char *const names[] = { "",     "login",   "passcod",
                                         "pass", "receipt", "destination",
                                         "id" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ck_assert_msg(!secret_is_name(span_of_text(names[i])), "%s", names[i]);
    }
}
END_TEST

struct escape_case {
    const char *in;
    const char *value; /* what secret_escape makes of it */
    const char *line;  /* … secret_escape_line */
};

static const struct escape_case escape_cases[] = {
    { "", "", "" },
    { "SEND", "SEND", "SEND" },
    { "/queue/a\n", "/queue/a\\x0a", "/queue/a\\x0a" },
    { "passcode:hunter2", "passcode:***", "passcode:***" },
    { "Pass-Code : hunter2", "Pass-Code :***", "Pass-Code***" },
    { "passcode hunter2", "passcode hunter2", "passcode***" },
    { "passcode", "passcode", "passcode" },
    { "guestpasscode:hunter2", "guestpasscode:***", "guestpasscode:***" },
    { "/queue/tokens", "/queue/tokens", "/queue/token***" },
    { "/queue/token.a?x=1", "/queue/token.a?x=1", "/queue/token***" },
    { "GET /ws?access_token=hunter2&x=1", "GET /ws?access_token=***",
      "GET /ws?access_token***" },
    { "access_token%3dhunter2", "access_token%3d***", "access_token***" },
    { "{\"password\": \"hunter2\"}", "{\"password\":***", "{\"password***" },
    { "a token of a password:hunter2", "a token of a password:***",
      "a token***" },
};

START_TEST(what_stands_behind_a_secrets_name_is_masked)
{
    const struct escape_case *c = &escape_cases[_i];
    char text[64];

    ck_assert_str_eq(secret_escape(span_of_text(c->in), text, sizeof(text)),
                     c->value);
    ck_assert_str_eq(
        secret_escape_line(span_of_text(c->in), text, sizeof(text)), c->line);
}
END_TEST

START_TEST(a_text_that_is_cut_stays_within_its_buffer)
{
    char text[32];
    char long_one[200];

    memset(long_one, 'a', sizeof(long_one));
    memcpy(long_one + 100, "passcode:hunter2", 16);
    for (size_t size = 8; size <= sizeof(text); size++) {
        memset(text, '#', sizeof(text));
        (void)secret_escape(span_of(long_one, sizeof(long_one)), text, size);
        ck_assert_uint_lt(strlen(text), size);
        ck_assert_ptr_null(strstr(text, "hunter2"));
        ck_assert(size == sizeof(text) || text[size] == '#');
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("secret");
    TCase *tc = tcase_create("secret");

    tcase_add_test(tc, names_of_secrets_are_known_however_they_are_written);
    tcase_add_test(tc, other_names_are_not_secret);
    tcase_add_loop_test(tc, what_stands_behind_a_secrets_name_is_masked, 0,
                        sizeof(escape_cases) / sizeof(escape_cases[0]));
    tcase_add_test(tc, a_text_that_is_cut_stays_within_its_buffer);
    suite_add_tcase(suite, tc);
    return testutil_run(suite);
}
