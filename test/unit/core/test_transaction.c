/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions: nothing before COMMIT, all of it in one batch, ABORT leaves
 * everything as it was.  Source: STOMP 1.2, "BEGIN"; stomp.md D18.
 */
#include "test/testutil.h"
#include "test/unit/core/core_fixture.h"

static struct fixture f;
static struct fake_client a, b;
static const struct transaction_limits limits = { 10, 4096 };

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
    client_open(&f, &a);
    client_open(&f, &b);
}

static void
teardown(void)
{
    client_close(&a);
    client_close(&b);
    fixture_fini(&f);
}

static enum transaction_add
tx_send(struct transaction *tx, const char *name, const char *body)
{
    struct message_facts facts = { .persistent = true };
    struct message *msg = message_make(&f, body, &facts);
    enum transaction_add added =
        transaction_send(tx, DESTINATION_QUEUE, span_of_text(name), msg, NULL);

    message_unref(&msg);
    return added;
}

static void
on_settled(void *ctx, struct delivery *delivery)
{
    struct fake_client *client = ctx;

    for (size_t i = 0; i < client->got_count; i++) {
        if (client->got[i].delivery == delivery) {
            client->got[i].delivery = NULL;
        }
    }
}

START_TEST(nothing_is_seen_before_commit)
{
    struct transaction *tx = transaction_new(&a.client, &limits);
    store_ticket ticket;

    (void)subscribe_queue(&b, "q", ACK_CLIENT, 0);
    ck_assert_int_eq(tx_send(tx, "q", "0"), TRANSACTION_ADDED);
    ck_assert_int_eq(tx_send(tx, "q", "1"), TRANSACTION_ADDED);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "");
    ck_assert_int_eq(transaction_commit(&tx, false, on_settled, &a, &ticket),
                     TRANSACTION_COMMITTED);
    ck_assert_ptr_null(tx);
    ck_assert_uint_eq(ticket, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&b), "0 1");
}
END_TEST

START_TEST(commit_is_one_batch_of_the_store)
{
    struct transaction *tx = transaction_new(&a.client, &limits);
    struct nack_options refuse = { .dead_letter = true };
    const struct fake_store_op *ops;
    store_ticket ticket;
    size_t count;

    (void)subscribe_queue(&a, "in", ACK_CLIENT_INDIVIDUAL, 0);
    send_persistent(&f, "in", 0, 1);
    fixture_turn(&f);
    (void)tx_send(tx, "out", "2");
    ck_assert_int_eq(transaction_settle(tx, client_delivery(&a, "0"), NULL),
                     TRANSACTION_ADDED);
    ck_assert_int_eq(transaction_settle(tx, client_delivery(&a, "1"), &refuse),
                     TRANSACTION_ADDED);
    (void)tx_send(tx, "out", "3");
    fixture_turn(&f);
    fake_store_hold(f.store, true);
    ck_assert_int_eq(transaction_commit(&tx, true, on_settled, &a, &ticket),
                     TRANSACTION_COMMITTED);
    fixture_turn(&f);
    ops = fake_store_ops(f.store, &count);
    /* 2 before; then put out, del in, put DLQ and del in, put out */
    ck_assert_uint_eq(count, 7);
    for (size_t i = 2; i < count; i++) {
        ck_assert_uint_eq(ops[i].batch, ticket);
    }
    ck_assert(fake_store_end(f.store, NULL));
    fixture_turn(&f);
    ck_assert_uint_eq(fake_store_count(f.store), 3);
}
END_TEST

START_TEST(abort_gives_everything_back)
{
    struct transaction *tx = transaction_new(&a.client, &limits);
    struct core_stats before;
    struct core_stats after;

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_persistent(&f, "q", 0, 0);
    fixture_turn(&f);
    core_stats_get(f.core, &before);
    (void)tx_send(tx, "q", "1");
    (void)transaction_settle(tx, client_delivery(&a, "0"), NULL);
    transaction_free(&tx);
    core_stats_get(f.core, &after);
    ck_assert_uint_eq(before.memory_bytes, after.memory_bytes);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0"); /* once: still un-acked … */
    client_ack(&a, "0");                    /* … and ackable */
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(delivery_can_be_in_one_transaction_only)
{
    struct transaction *one = transaction_new(&a.client, &limits);
    struct transaction *two = transaction_new(&a.client, &limits);
    struct delivery *delivery;

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    delivery = client_delivery(&a, "0");
    ck_assert_int_eq(transaction_settle(one, delivery, NULL),
                     TRANSACTION_ADDED);
    ck_assert_int_eq(transaction_settle(one, delivery, NULL),
                     TRANSACTION_TAKEN);
    ck_assert_int_eq(transaction_settle(two, delivery, NULL),
                     TRANSACTION_TAKEN);
    transaction_free(&one);
    ck_assert_int_eq(transaction_settle(two, delivery, NULL),
                     TRANSACTION_ADDED);
    transaction_free(&two);
}
END_TEST

START_TEST(limits_of_frames_and_bytes_hold)
{
    struct transaction *tx = transaction_new(&a.client, &limits);
    static char big[5000];
    struct core_stats stats;
    int added = 0;

    memset(big, 'x', sizeof(big) - 1);
    ck_assert_int_eq(tx_send(tx, "q", big), TRANSACTION_FULL);
    while (tx_send(tx, "q", "0") == TRANSACTION_ADDED) {
        added++;
    }
    ck_assert_int_eq(added, 10);
    transaction_free(&tx);
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.memory_bytes, 0);
}
END_TEST

START_TEST(failed_store_aborts_the_commit)
{
    struct transaction *tx = transaction_new(&a.client, &limits);
    store_ticket ticket;

    (void)subscribe_queue(&a, "q", ACK_CLIENT, 0);
    send_queue(&f, "q", 0, 0);
    fixture_turn(&f);
    (void)transaction_settle(tx, client_delivery(&a, "0"), NULL);
    (void)tx_send(tx, "q", "1");
    fake_store_set_failure(f.store, "disk full");
    ck_assert_int_eq(transaction_commit(&tx, true, on_settled, &a, &ticket),
                     TRANSACTION_STORE_FAILED);
    ck_assert_ptr_null(tx);
    ck_assert_uint_eq(ticket, 0);
    fixture_turn(&f);
    ck_assert_str_eq(client_news(&a), "0");
    client_ack(&a, "0"); /* not settled by the commit */
}
END_TEST

START_TEST(gone_temporary_destination_takes_its_message_along)
{
    struct transaction *tx = transaction_new(&a.client, &limits);
    struct message *msg = message_make(&f, "0", NULL);
    struct destination *dest;
    struct core_stats stats;
    store_ticket ticket;

    ck_assert_int_eq(core_destination(f.core, &b.client, DESTINATION_TEMP_QUEUE,
                                      SPAN("b.reply"), true, &dest),
                     CORE_FOUND);
    (void)transaction_send(tx, DESTINATION_TEMP_QUEUE, SPAN("b.reply"), msg,
                           NULL);
    message_unref(&msg);
    client_close(&b);
    ck_assert_int_eq(transaction_commit(&tx, false, on_settled, &a, &ticket),
                     TRANSACTION_COMMITTED);
    core_stats_get(f.core, &stats);
    ck_assert_uint_eq(stats.queues, 0);
    ck_assert_uint_eq(stats.memory_bytes, 0);
    client_open(&f, &b);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("core/transaction");
    TCase *tcase = tcase_create("transaction");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, nothing_is_seen_before_commit);
    tcase_add_test(tcase, commit_is_one_batch_of_the_store);
    tcase_add_test(tcase, abort_gives_everything_back);
    tcase_add_test(tcase, delivery_can_be_in_one_transaction_only);
    tcase_add_test(tcase, limits_of_frames_and_bytes_hold);
    tcase_add_test(tcase, failed_store_aborts_the_commit);
    tcase_add_test(tcase, gone_temporary_destination_takes_its_message_along);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
