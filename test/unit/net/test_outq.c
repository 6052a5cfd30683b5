/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/outq.h"

#include "base/alloc.h"
#include "test/testutil.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TAIL_BYTES = 300000 };

static struct outq_pool *pool;
static struct outq outq;
static int fds[2];
static int holds;
static char tail[TAIL_BYTES];

static void
hold_take(void *owner)
{
    ck_assert_ptr_eq(owner, tail);
    holds++;
}

static void
hold_drop(void *owner)
{
    ck_assert_ptr_eq(owner, tail);
    holds--;
}

static const struct transport_hold hold = { .owner = tail,
                                            .take = hold_take,
                                            .drop = hold_drop };

static void
outq_setup(void)
{
    pool = outq_pool_new();
    outq_init(&outq, pool);
    holds = 0;
    for (size_t i = 0; i < sizeof(tail); i++) {
        tail[i] = (char)('a' + i % 26);
    }
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static void
outq_teardown(void)
{
    outq_clear(&outq);
    ck_assert_int_eq(holds, 0);
    outq_pool_free(&pool);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* Writes and reads until the queue is empty; returns the bytes. */
static char *
outq_drain(size_t size)
{
    char *data = xmalloc(size + 1);
    size_t used = 0;

    while (used < size) {
        int error;
        ssize_t count;

        (void)outq_write(&outq, fds[0], &error);
        ck_assert(error == 0 || error == EAGAIN);
        count = recv(fds[1], data + used, size - used, MSG_DONTWAIT);
        ck_assert_int_gt((int)count, 0);
        used += (size_t)count;
    }
    ck_assert_uint_eq(outq.bytes, 0);
    return data;
}

START_TEST(small_appends_come_out_in_one_write)
{
    char data[64];
    int error;

    outq_append(&outq, SPAN("one "));
    memcpy(outq_reserve(&outq, 4), "two ", 4);
    outq_append_tail(&outq, SPAN("three"), &hold);
    ck_assert_int_eq(holds, 0);
    ck_assert_uint_eq(outq_write(&outq, fds[0], &error), 13);
    ck_assert_int_eq((int)recv(fds[1], data, sizeof(data), 0), 13);
    ck_assert_int_eq(memcmp(data, "one two three", 13), 0);
}
END_TEST

START_TEST(a_large_tail_is_held_until_it_is_written)
{
    int error;

    outq_append(&outq, SPAN("head"));
    outq_append_tail(&outq, span_of(tail, OUTQ_HOLD_MIN), &hold);
    outq_append(&outq, SPAN("\n"));
    ck_assert_int_eq(holds, 1);
    ck_assert_uint_eq(outq_write(&outq, fds[0], &error), 4 + OUTQ_HOLD_MIN + 1);
    ck_assert_int_eq(error, 0);
    ck_assert_int_eq(holds, 0);
}
END_TEST

START_TEST(a_large_tail_without_hold_is_copied)
{
    char *data;

    outq_append_tail(&outq, span_of(tail, 50000), NULL);
    memset(tail, 'x', 50000);
    data = outq_drain(50000);
    for (size_t i = 0; i < 50000; i++) {
        ck_assert_int_eq(data[i], (char)('a' + i % 26));
    }
    free(data);
}
END_TEST

START_TEST(an_empty_queue_holds_no_memory)
{
    outq_append(&outq, SPAN("x"));
    ck_assert_ptr_nonnull(outq.open);
    outq_consume(&outq, 1);
    ck_assert_ptr_null(outq.open);
    ck_assert_ptr_null(outq.first);
    ck_assert_ptr_null(outq.last);
}
END_TEST

START_TEST(bytes_keep_their_order_whatever_their_size)
{
    static char want[4 << 20];
    size_t size = 0;
    char *data;

    for (size_t i = 0; i < 120; i++) {
        size_t len = (i * 7919) % 40000;

        if (i % 3 == 0) {
            memcpy(outq_reserve(&outq, len + 1), tail, len + 1);
            memcpy(want + size, tail, len + 1);
            size += len + 1;
        }
        outq_append_tail(&outq, span_of(tail, len), i % 2 == 0 ? &hold : NULL);
        memcpy(want + size, tail, len);
        size += len;
    }
    ck_assert_uint_eq(outq.bytes, size);
    data = outq_drain(size);
    ck_assert_int_eq(memcmp(data, want, size), 0);
    free(data);
}
END_TEST

START_TEST(a_full_socket_says_eagain_and_keeps_the_rest)
{
    size_t done;
    int error;

    for (int i = 0; i < 100; i++) {
        outq_append_tail(&outq, span_of(tail, sizeof(tail)), &hold);
    }
    done = outq_write(&outq, fds[0], &error);
    ck_assert_int_eq(error, EAGAIN);
    ck_assert_uint_gt(done, 0);
    ck_assert_uint_eq(outq.bytes, 100 * sizeof(tail) - done);
    outq_clear(&outq);
    ck_assert_int_eq(holds, 0);
}
END_TEST

START_TEST(a_closed_peer_says_epipe_without_a_signal)
{
    int error;

    (void)close(fds[1]);
    outq_append(&outq, SPAN("x"));
    ck_assert_uint_eq(outq_write(&outq, fds[0], &error), 0);
    ck_assert_int_eq(error, EPIPE);
}
END_TEST

START_TEST(copy_takes_from_several_pieces)
{
    char data[8200];

    outq_append(&outq, SPAN("head"));
    outq_append_tail(&outq, span_of(tail, 8192), &hold);
    outq_append(&outq, SPAN("\n"));
    ck_assert_uint_eq(outq_copy(&outq, data, sizeof(data)), 4 + 8192 + 1);
    ck_assert_int_eq(memcmp(data, "head", 4), 0);
    ck_assert_int_eq(memcmp(data + 4, tail, 8192), 0);
    ck_assert_int_eq(data[4 + 8192], '\n');
    ck_assert_uint_eq(outq_copy(&outq, data, 6), 6);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("outq");
    TCase *tcase = tcase_create("outq");

    tcase_add_checked_fixture(tcase, outq_setup, outq_teardown);
    tcase_add_test(tcase, small_appends_come_out_in_one_write);
    tcase_add_test(tcase, a_large_tail_is_held_until_it_is_written);
    tcase_add_test(tcase, a_large_tail_without_hold_is_copied);
    tcase_add_test(tcase, an_empty_queue_holds_no_memory);
    tcase_add_test(tcase, bytes_keep_their_order_whatever_their_size);
    tcase_add_test(tcase, a_full_socket_says_eagain_and_keeps_the_rest);
    tcase_add_test(tcase, a_closed_peer_says_epipe_without_a_signal);
    tcase_add_test(tcase, copy_takes_from_several_pieces);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
