/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages to several destinations when memory is out: the n-th allocation for
 * one fails, for n = 1, 2, 3 … until none does.  Everybody gets the message, or
 * nobody and an ERROR says so.  try_malloc is wrapped by the linker.
 */
#include "base/alloc.h"
#include "test/testutil.h"
#include "test/unit/session/session_fixture.h"

void *__real_try_malloc(size_t size);
void *__wrap_try_malloc(size_t size);

enum { MEMORY_PLENTY = 1000000 };
static unsigned memory_left = MEMORY_PLENTY; /* allocations; 0 = fail */

void *
__wrap_try_malloc(size_t size)
{
    if (memory_left == 0) {
        return NULL;
    }
    memory_left--;
    return __real_try_malloc(size);
}

static struct fixture f;
static struct peer *a = &f.peers[0];

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
    peer_connect(&f, a, "1.2");
    /* Queues that get copies of the topic stay when their consumers go. */
    peer_send(a, "SUBSCRIBE\nid:1\n"
                 "destination:/queue/Consumer.A.VirtualTopic.X\n\n^@"
                 "SUBSCRIBE\nid:2\n"
                 "destination:/queue/Consumer.B.VirtualTopic.X\n\n^@"
                 "UNSUBSCRIBE\nid:1\n\n^@UNSUBSCRIBE\nid:2\n\n^@");
    peer_close(a);
}

static void
teardown(void)
{
    memory_left = MEMORY_PLENTY;
    fixture_fini(&f);
}

static void
count_waiting(void *ctx, const struct core_destination_view *view)
{
    uint64_t *waiting = ctx;

    *waiting += view->waiting;
}

static uint64_t
waiting(void)
{
    uint64_t count = 0;

    core_each_destination(f.core, count_waiting, &count);
    return count;
}

/* Sends with one allocation more in each round, until it works; messages: so
 * many are there then, and none before. */
static void
check_all_or_none(const char *before, const char *frame, uint64_t messages)
{
    const char *answer;
    unsigned failures = 0;

    for (unsigned n = 0;; n++) {
        peer_connect(&f, a, "1.2");
        ck_assert_str_eq(peer_ask(a, before), "");
        memory_left = n;
        peer_send(a, frame);
        fixture_turn(&f);
        memory_left = MEMORY_PLENTY;
        answer = peer_take(a);
        if (strncmp(answer, "RECEIPT\n", strlen("RECEIPT\n")) == 0) {
            break;
        }
        failures++;
        ck_assert_has(answer, "message:out of memory");
        ck_assert_has(answer, "receipt-id:1");
        ck_assert_uint_eq(waiting(), 0);
        peer_close(a);
        ck_assert_uint_eq(waiting(), 0);
    }
    ck_assert_uint_ge(failures, 2);
    ck_assert_uint_eq(waiting(), messages);
    peer_close(a);
}

START_TEST(composite_send_reaches_all_or_none)
{
    check_all_or_none("",
                      "SEND\ndestination:/queue/q,/topic/VirtualTopic.X,"
                      "/queue/r\nreceipt:1\n\nx^@",
                      4);
}
END_TEST

START_TEST(commit_takes_effect_as_a_whole_or_not)
{
    check_all_or_none("BEGIN\ntransaction:t\n\n^@"
                      "SEND\ndestination:/queue/q\ntransaction:t\n\nx^@"
                      "SEND\ndestination:/topic/VirtualTopic.X\n"
                      "transaction:t\n\nx^@"
                      "SEND\ndestination:/queue/r\ntransaction:t\n\nx^@",
                      "COMMIT\ntransaction:t\nreceipt:1\n\n^@", 4);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("session/memory");
    TCase *tcase = tcase_create("memory");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, composite_send_reaches_all_or_none);
    tcase_add_test(tcase, commit_takes_effect_as_a_whole_or_not);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
