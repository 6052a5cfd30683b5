/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/version.h"

#include "test/testutil.h"

struct negotiation {
    const char *offer;
    enum stomp_version chosen;
};

static const struct negotiation negotiations[] = {
    { "1.0,1.1,1.2", STOMP_1_2 }, { "1.2,1.1,1.0", STOMP_1_2 },
    { "1.0,1.1,2.0", STOMP_1_1 }, { "1.2,9.9", STOMP_1_2 },
    { "1.0", STOMP_1_0 },         { " 1.1 ,\t1.0 ", STOMP_1_1 },
    { "1.1,,1.0,", STOMP_1_1 },   { "2.1", STOMP_NONE },
    { "", STOMP_NONE },           { ",", STOMP_NONE },
    { "1.20", STOMP_NONE },       { "1", STOMP_NONE },
    { "1.2x,1.0", STOMP_1_0 },    { "1.1 1.2", STOMP_NONE },
};
enum { NEGOTIATION_COUNT = sizeof(negotiations) / sizeof(negotiations[0]) };

START_TEST(v12_120_the_highest_common_version_is_chosen)
{
    const struct negotiation *row = &negotiations[_i];

    ck_assert_msg(version_negotiate(span_of_text(row->offer)) == row->chosen,
                  "offer \"%s\"", row->offer);
}
END_TEST

START_TEST(v12_121_without_accept_version_it_is_1_0)
{
    ck_assert_int_eq(version_negotiate(SPAN_NONE), STOMP_1_0);
}
END_TEST

START_TEST(each_version_has_its_text)
{
    ck_assert_str_eq(version_rules(STOMP_NONE)->text, "");
    ck_assert_str_eq(version_rules(STOMP_1_0)->text, "1.0");
    ck_assert_str_eq(version_rules(STOMP_1_1)->text, "1.1");
    ck_assert_str_eq(version_rules(STOMP_1_2)->text, "1.2");
}
END_TEST

START_TEST(only_1_2_knows_the_escape_of_cr_and_acks_by_id)
{
    for (enum stomp_version v = STOMP_NONE; v <= STOMP_1_2; v++) {
        ck_assert_int_eq(version_rules(v)->escapes_cr, v == STOMP_1_2);
        ck_assert_int_eq(version_rules(v)->bare_cr_is_error, v == STOMP_1_2);
        ck_assert_int_eq(version_rules(v)->ack_by_id, v == STOMP_1_2);
    }
}
END_TEST

START_TEST(escapes_heart_beats_and_checks_start_with_1_1)
{
    for (enum stomp_version v = STOMP_NONE; v <= STOMP_1_2; v++) {
        bool modern = v >= STOMP_1_1;

        ck_assert_int_eq(version_rules(v)->escapes, modern);
        ck_assert_int_eq(version_rules(v)->heart_beats, modern);
        ck_assert_int_eq(version_rules(v)->checks_utf8, modern);
        ck_assert_int_eq(version_rules(v)->refuses_bodies, modern);
        ck_assert_int_eq(version_rules(v)->needs_subscription_id, modern);
    }
}
END_TEST

START_TEST(only_1_0_trims_and_drops_empty_values)
{
    for (enum stomp_version v = STOMP_NONE; v <= STOMP_1_2; v++) {
        ck_assert_int_eq(version_rules(v)->trims_values, v == STOMP_1_0);
        ck_assert_int_eq(version_rules(v)->drops_empty_values, v == STOMP_1_0);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("version");
    TCase *tcase = tcase_create("version");

    tcase_add_loop_test(tcase, v12_120_the_highest_common_version_is_chosen, 0,
                        NEGOTIATION_COUNT);
    tcase_add_test(tcase, v12_121_without_accept_version_it_is_1_0);
    tcase_add_test(tcase, each_version_has_its_text);
    tcase_add_test(tcase, only_1_2_knows_the_escape_of_cr_and_acks_by_id);
    tcase_add_test(tcase, escapes_heart_beats_and_checks_start_with_1_1);
    tcase_add_test(tcase, only_1_0_trims_and_drops_empty_values);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
