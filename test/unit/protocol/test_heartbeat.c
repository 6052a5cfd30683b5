/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/heartbeat.h"

#include "test/testutil.h"

static const char *const heartbeat_faults[] = {
    "a,b",
    "1",
    "1,2,3",
    "-1,0",
    "0,-1",
    "",
    ",",
    "1,",
    ",1",
    " 1,2",
    "1, 2",
    "1,2 ",
    "+1,2",
    "0x1,2",
    "1.5,2",
    "4294967296,0",
    "0,4294967296",
    "99999999999999999999999,0",
};
enum {
    HEARTBEAT_FAULT_COUNT =
        sizeof(heartbeat_faults) / sizeof(heartbeat_faults[0])
};

START_TEST(v12_130_anything_but_two_decimals_is_refused)
{
    uint32_t sends_ms = 7;
    uint32_t wants_ms = 8;

    ck_assert_msg(!heartbeat_parse(span_of_text(heartbeat_faults[_i]),
                                   &sends_ms, &wants_ms),
                  "\"%s\" was taken", heartbeat_faults[_i]);
    ck_assert_uint_eq(sends_ms, 7);
    ck_assert_uint_eq(wants_ms, 8);
}
END_TEST

START_TEST(v12_130_two_decimals_are_read)
{
    uint32_t sends_ms;
    uint32_t wants_ms;

    ck_assert(heartbeat_parse(SPAN("0,4294967295"), &sends_ms, &wants_ms));
    ck_assert_uint_eq(sends_ms, 0);
    ck_assert_uint_eq(wants_ms, UINT32_MAX);
    ck_assert(heartbeat_parse(SPAN("10000,020"), &sends_ms, &wants_ms));
    ck_assert_uint_eq(sends_ms, 10000);
    ck_assert_uint_eq(wants_ms, 20);
}
END_TEST

START_TEST(v12_131_an_absent_header_means_0_0)
{
    uint32_t sends_ms = 1;
    uint32_t wants_ms = 1;

    ck_assert(heartbeat_parse(SPAN_NONE, &sends_ms, &wants_ms));
    ck_assert_uint_eq(sends_ms, 0);
    ck_assert_uint_eq(wants_ms, 0);
}
END_TEST

START_TEST(v12_132_the_larger_number_holds_from_client_to_server)
{
    ck_assert_int_eq(heartbeat_negotiate(10, 0, 0, 30).receive_us, 30000);
    ck_assert_int_eq(heartbeat_negotiate(40, 0, 0, 30).receive_us, 40000);
    ck_assert_int_eq(heartbeat_negotiate(0, 0, 0, 30).receive_us, 0);
    ck_assert_int_eq(heartbeat_negotiate(40, 0, 0, 0).receive_us, 0);
}
END_TEST

START_TEST(v12_133_the_larger_number_holds_from_server_to_client)
{
    ck_assert_int_eq(heartbeat_negotiate(0, 10, 30, 0).send_us, 30000);
    ck_assert_int_eq(heartbeat_negotiate(0, 40, 30, 0).send_us, 40000);
    ck_assert_int_eq(heartbeat_negotiate(0, 40, 0, 0).send_us, 0);
    ck_assert_int_eq(heartbeat_negotiate(0, 0, 30, 0).send_us, 0);
    ck_assert_int_eq(heartbeat_negotiate(0, UINT32_MAX, UINT32_MAX, 0).send_us,
                     INT64_C(4294967295000));
}
END_TEST

START_TEST(a_beat_is_due_at_half_the_promise)
{
    struct heartbeat beat = { .send_us = 10000000 };

    ck_assert_int_eq(heartbeat_send_due(&beat, 500), 5000500);
    ck_assert_int_eq(heartbeat_receive_due(&beat, 500), INT64_MAX);
}
END_TEST

START_TEST(v12_138_a_peer_is_dead_after_twice_the_promise_and_a_second)
{
    struct heartbeat beat = { .receive_us = 10000000 };

    ck_assert_int_eq(heartbeat_receive_due(&beat, 500), 21000500);
    ck_assert_int_eq(heartbeat_send_due(&beat, 500), INT64_MAX);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("heartbeat");
    TCase *tcase = tcase_create("heartbeat");

    tcase_add_loop_test(tcase, v12_130_anything_but_two_decimals_is_refused, 0,
                        HEARTBEAT_FAULT_COUNT);
    tcase_add_test(tcase, v12_130_two_decimals_are_read);
    tcase_add_test(tcase, v12_131_an_absent_header_means_0_0);
    tcase_add_test(tcase,
                   v12_132_the_larger_number_holds_from_client_to_server);
    tcase_add_test(tcase,
                   v12_133_the_larger_number_holds_from_server_to_client);
    tcase_add_test(tcase, a_beat_is_due_at_half_the_promise);
    tcase_add_test(tcase,
                   v12_138_a_peer_is_dead_after_twice_the_promise_and_a_second);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
