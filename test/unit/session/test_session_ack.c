/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACK, NACK and transactions.
 * Source: stomp.md I13, I30, I31, V11-007, V12-190..218, D7, D8, D12, D13, D17,
 * D18.
 */
#include "test/testutil.h"
#include "test/unit/session/session_fixture.h"

#include <stdio.h>
#include <string.h>

static struct fixture f;
static struct peer *const a = &f.peers[0];
static struct peer *const b = &f.peers[1];

static void
setup(void)
{
    fixture_init(&f, &fake_store_engine);
}

static void
teardown(void)
{
    fixture_fini(&f);
}

/* Connects a, subscribes "s" on /queue/q, sends "1" … count persistently. */
static void
deliver(const char *version, const char *ack, int count)
{
    char text[160];

    peer_connect(&f, a, version);
    (void)snprintf(text, sizeof(text),
                   "SUBSCRIBE\nid:s\ndestination:/queue/q\nack:%s\n\n^@", ack);
    peer_send(a, text);
    for (int i = 1; i <= count; i++) {
        (void)snprintf(text, sizeof(text),
                       "SEND\ndestination:/queue/q\npersistent:true\n\n%d^@",
                       i);
        peer_send(a, text);
    }
    (void)peer_take(a);
    ck_assert_uint_eq(fake_store_count(f.store), (size_t)count);
}

/* The bodies of the MESSAGE frames in text, "r" behind a redelivered one. */
static const char *
bodies(const char *text)
{
    static char out[256];
    size_t len = 0;

    out[0] = '\0';
    while ((text = strstr(text, "MESSAGE\n")) != NULL) {
        const char *body = strstr(text, "\n\n") + 2;
        const char *end = strstr(body, "^@");
        bool again =
            memmem(text, (size_t)(body - text), "redelivered:true", 16) != NULL;

        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%.*s%s",
                                len > 0 ? " " : "", (int)(end - body), body,
                                again ? "r" : "");
        text = end;
    }
    return out;
}

/* What a new consumer of the queue gets once a is gone. */
static const char *
left_over(void)
{
    if (a->session != NULL) {
        peer_close(a);
    }
    peer_connect(&f, b, "1.2");
    return bodies(peer_ask(b, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"));
}

struct form_case {
    const char *version;
    const char *frame;
};
/* Every form that a client is known to use for message 1 of T-1. */
static const struct form_case form_cases[] = {
    { "1.2", "ACK\nid:T-1-1\n\n^@" },
    { "1.2", "ACK\nack:T-1-1\n\n^@" },
    { "1.2", "ACK\nmessage-id:T-1-1\nsubscription:s\n\n^@" },
    { "1.2", "ACK\nid:undefined\nmessage-id:T-1-1\nsubscription:x\n\n^@" },
    { "1.2", "ACK\nid:T-1-1\nmessage-id:T-1-1\nack:T-1-1\nfoo:1\n\n^@" },
    { "1.1", "ACK\nmessage-id:T-1-1\nsubscription:s\n\n^@" },
    { "1.1", "ACK\nid:T-1-1\nsubscription:s\n\n^@" },
    { "1.1", "ACK\nid:x\nmessage-id:T-1-1\nsubscription:s\n\n^@" },
    { "1.0", "ACK\nmessage-id:T-1-1\n\n^@" },
    { "1.0", "ACK\nmessage-id:T-1-1\nsubscription:other\n\n^@" },
    { "1.2", "ACK\nid:T-1-1\ncontent-length:0\n\n^@" },
};

START_TEST(ack_is_understood_in_every_form)
{
    deliver(form_cases[_i].version, "client-individual", 2);
    peer_send(a, form_cases[_i].frame);
    ck_assert_uint_eq(fake_store_count(f.store), 1);
    ck_assert_str_eq(peer_take(a), "");
    ck_assert_str_eq(left_over(), "2r");
}
END_TEST

START_TEST(ack_in_1_1_must_name_the_subscription_of_the_message)
{
    deliver("1.1", "client", 1);
    peer_send(a, _i == 0 ? "ACK\nmessage-id:T-1-1\n\n^@"
                         : "ACK\nmessage-id:T-1-1\nsubscription:x\n\n^@");
    peer_assert_error(a, _i == 0 ? "no subscription" : "wrong subscription",
                      TRANSPORT_CLOSE_PROTOCOL);
    ck_assert_uint_eq(fake_store_count(f.store), 1);
}
END_TEST

START_TEST(ack_in_client_mode_is_cumulative)
{
    static const char *const versions[] = { "1.0", "1.1", "1.2" };

    deliver(versions[_i], "client", 5);
    peer_send(a, "ACK\nid:T-1-3\nmessage-id:T-1-3\nsubscription:s\n\n^@");
    ck_assert_str_eq(left_over(), "4r 5r");
}
END_TEST

START_TEST(cumulative_ack_stays_in_its_subscription)
{
    peer_connect(&f, a, "1.2");
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\nack:client\n\n^@"
                 "SUBSCRIBE\nid:p\ndestination:/queue/p\nack:client\n\n^@"
                 "SEND\ndestination:/queue/q\n\n1^@");
    peer_send(a, "SEND\ndestination:/queue/p\n\n2^@");
    ck_assert_has(peer_take(a), "message-id:T-1-2");
    peer_send(a, "ACK\nid:T-1-2\n\n^@");
    ck_assert_str_eq(left_over(), "1r");
}
END_TEST

START_TEST(nack_in_client_mode_is_cumulative_too)
{
    deliver("1.2", "client", 3);
    peer_send(a, "NACK\nid:T-1-2\n\n^@");
    ck_assert_str_eq(bodies(peer_take(a)), "1r 2r");
}
END_TEST

START_TEST(nack_redelivers_with_a_count_and_a_new_id)
{
    deliver("1.2", "client-individual", 1);
    ck_assert_str_eq(peer_ask(a, "NACK\nid:T-1-1\n\n^@"),
                     "MESSAGE\ncontent-length:1\nsubscription:s\n"
                     "message-id:T-1-2\nack:T-1-2\nredelivered:true\n"
                     "delivery-count:2\ndestination:/queue/q\npersistent:true\n"
                     "\n1^@");
    peer_send(a, "ACK\nid:T-1-1\n\n^@"); /* the old id: settled before */
    ck_assert_uint_eq(fake_store_count(f.store), 1);
    peer_send(a, "ACK\nid:T-1-2\n\n^@");
    ck_assert_uint_eq(fake_store_count(f.store), 0);
}
END_TEST

START_TEST(requeue_false_sends_to_the_dead_letter_queue_with_the_reason)
{
    deliver("1.2", "client", 1);
    peer_send(a, "NACK\nid:T-1-1\nrequeue:false\nreason:no\\csense\n\n^@");
    ck_assert_str_eq(peer_take(a), "");
    peer_connect(&f, b, "1.2");
    ck_assert_str_eq(
        peer_ask(b, "SUBSCRIBE\nid:d\ndestination:/queue/ActiveMQ.DLQ\n\n^@"),
        "MESSAGE\ncontent-length:1\nsubscription:d\nmessage-id:T-2-1\n"
        "destination:/queue/ActiveMQ.DLQ\npersistent:true\n"
        "original-destination:/queue/q\ndlqDeliveryFailureCause:no\\csense\n"
        "\n1^@");
}
END_TEST

START_TEST(dead_letter_of_an_expired_message_does_not_expire_again)
{
    peer_connect(&f, a, "1.2");
    peer_send(a, "SUBSCRIBE\nid:d\ndestination:/queue/ActiveMQ.DLQ\n\n^@"
                 "SEND\ndestination:/queue/q\npersistent:true\n"
                 "expires:1700000000100\nk:v\n\n1^@");
    fixture_sleep_ms(&f, 101);
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@");
    ck_assert_str_eq(
        peer_take(a),
        "MESSAGE\ncontent-length:1\nsubscription:d\nmessage-id:T-1-1\n"
        "destination:/queue/ActiveMQ.DLQ\npersistent:true\nk:v\n"
        "original-destination:/queue/q\n"
        "dlqDeliveryFailureCause:Message Expired\n"
        "originalExpiration:1700000000100\n\n1^@");
}
END_TEST

START_TEST(dead_letter_that_dies_again_tells_of_its_last_death)
{
    struct policy *policy =
        fixture_policy(&f, DESTINATION_QUEUE, "ActiveMQ.DLQ");

    policy->dead_letter = &dead_letter_individual;
    deliver("1.2", "client", 1);
    peer_send(a, "NACK\nid:T-1-1\nrequeue:false\nreason:first\n\n^@"
                 "SUBSCRIBE\nid:d\ndestination:/queue/ActiveMQ.DLQ\n"
                 "ack:client\n\n^@");
    peer_send(a, "NACK\nid:T-1-2\nrequeue:false\nreason:second\n\n^@");
    (void)peer_take(a);
    ck_assert_str_eq(
        peer_ask(a, "SUBSCRIBE\nid:e\n"
                    "destination:/queue/ActiveMQ.DLQ.Queue.ActiveMQ.DLQ\n\n^@"),
        "MESSAGE\ncontent-length:1\nsubscription:e\nmessage-id:T-1-3\n"
        "destination:/queue/ActiveMQ.DLQ.Queue.ActiveMQ.DLQ\npersistent:true\n"
        "original-destination:/queue/ActiveMQ.DLQ\n"
        "dlqDeliveryFailureCause:second\n\n1^@");
}
END_TEST

START_TEST(second_ack_does_nothing_and_is_receipted)
{
    deliver("1.2", "client", 1);
    ck_assert_str_eq(peer_ask(a, "ACK\nid:T-1-1\nreceipt:1\n\n^@"
                                 "ACK\nid:T-1-1\nreceipt:2\n\n^@"
                                 "NACK\nid:T-1-1\nreceipt:3\n\n^@"),
                     "RECEIPT\nreceipt-id:1\n\n^@RECEIPT\nreceipt-id:2\n\n^@"
                     "RECEIPT\nreceipt-id:3\n\n^@");
}
END_TEST

START_TEST(ack_of_an_auto_message_does_nothing)
{
    peer_connect(&f, a, "1.2");
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/topic/t\n\n^@"
                 "SEND\ndestination:/topic/t\n\nx^@");
    (void)peer_take(a);
    ck_assert_str_eq(peer_ask(a, "ACK\nid:T-1-1\nreceipt:1\n\n^@"),
                     "RECEIPT\nreceipt-id:1\n\n^@");
}
END_TEST

START_TEST(stranger_cannot_ack)
{
    deliver("1.2", "client", 1);
    peer_connect(&f, b, "1.2");
    peer_send(b, "ACK\nid:T-1-1\n\n^@");
    peer_assert_error(b, "unknown message", TRANSPORT_CLOSE_PROTOCOL);
    ck_assert_uint_eq(fake_store_count(f.store), 1);
}
END_TEST

START_TEST(ack_after_unsubscribe_counts)
{
    deliver("1.2", "client", 3);
    peer_send(a, "UNSUBSCRIBE\nid:s\n\n^@ACK\nid:T-1-2\n\n^@");
    ck_assert_uint_eq(fake_store_count(f.store), 1);
    ck_assert_str_eq(left_over(), "3r");
}
END_TEST

START_TEST(topic_message_can_be_acked_and_frees_credit)
{
    peer_connect(&f, a, "1.2");
    peer_send(a, "SUBSCRIBE\nid:s\ndestination:/topic/t\nack:client\n"
                 "activemq.prefetchSize:1\n\n^@"
                 "SEND\ndestination:/topic/t\n\n1^@"
                 "SEND\ndestination:/topic/t\n\n2^@");
    ck_assert_str_eq(bodies(peer_take(a)), "1");
    ck_assert_str_eq(bodies(peer_ask(a, "ACK\nid:T-1-1\n\n^@")), "2");
}
END_TEST

/* --- transactions
 * --------------------------------------------------------------- */

START_TEST(acks_and_nacks_of_a_transaction_hold_at_its_commit)
{
    deliver("1.2", "client-individual", 3);
    ck_assert_str_eq(peer_ask(a,
                              "BEGIN\ntransaction:t\nreceipt:b\n\n^@"
                              "ACK\nid:T-1-1\ntransaction:t\nreceipt:1\n\n^@"
                              "NACK\nid:T-1-2\ntransaction:t\nreceipt:2\n\n^@"),
                     "RECEIPT\nreceipt-id:b\n\n^@RECEIPT\nreceipt-id:1\n\n^@"
                     "RECEIPT\nreceipt-id:2\n\n^@");
    ck_assert_uint_eq(fake_store_count(f.store), 3);
    peer_send(a, "COMMIT\ntransaction:t\n\n^@");
    ck_assert_uint_eq(fake_store_count(f.store), 2);
    ck_assert_str_eq(bodies(peer_take(a)), "2r");
}
END_TEST

START_TEST(abort_leaves_the_messages_ackable)
{
    deliver("1.2", "client", 2);
    ck_assert_str_eq(peer_ask(a, "BEGIN\ntransaction:t\n\n^@"
                                 "ACK\nid:T-1-2\ntransaction:t\n\n^@"
                                 "ABORT\ntransaction:t\nreceipt:1\n\n^@"),
                     "RECEIPT\nreceipt-id:1\n\n^@"); /* not redelivered */
    peer_send(a, "ACK\nid:T-1-1\n\n^@");
    ck_assert_str_eq(left_over(), "2r");
}
END_TEST

START_TEST(ack_outside_leaves_what_a_transaction_has)
{
    deliver("1.2", "client", 3);
    peer_send(a, "BEGIN\ntransaction:t\n\n^@"
                 "ACK\nid:T-1-1\ntransaction:t\n\n^@"
                 "ACK\nid:T-1-3\n\n^@");
    ck_assert_uint_eq(fake_store_count(f.store), 1);
    peer_send(a, "ABORT\ntransaction:t\n\n^@");
    ck_assert_str_eq(left_over(), "1r");
}
END_TEST

START_TEST(transacted_send_is_receipted_at_once_and_seen_at_commit)
{
    peer_connect(&f, a, "1.2");
    fake_store_hold(f.store, true);
    ck_assert_str_eq(
        peer_ask(a, "SUBSCRIBE\nid:s\ndestination:/queue/q\n\n^@"
                    "BEGIN\ntransaction:t\n\n^@"
                    "SEND\ndestination:/queue/q\ntransaction:t\nreceipt:1\n"
                    "persistent:true\n\nx^@"),
        "RECEIPT\nreceipt-id:1\n\n^@"); /* I30 */
    ck_assert_str_eq(
        peer_ask(a, "COMMIT\ntransaction:t\nreceipt:2\n\n^@"),
        "MESSAGE\ncontent-length:1\nsubscription:s\nmessage-id:T-1-1\n"
        "destination:/queue/q\npersistent:true\n\nx^@");
    ck_assert(fake_store_end(f.store, NULL));
    fixture_turn(&f);
    ck_assert_str_eq(peer_take(a), "RECEIPT\nreceipt-id:2\n\n^@");
}
END_TEST

START_TEST(broken_connection_aborts_its_transactions)
{
    deliver("1.2", "client", 1);
    peer_send(a, "BEGIN\ntransaction:t\n\n^@"
                 "ACK\nid:T-1-1\ntransaction:t\n\n^@"
                 "SEND\ndestination:/queue/q\ntransaction:t\n\nx^@");
    ck_assert_str_eq(left_over(), "1r");
}
END_TEST

START_TEST(transaction_limits_are_errors)
{
    f.config.transactions_max = 2;
    f.config.transaction_ops_max = 3;
    peer_connect(&f, a, "1.2");
    peer_connect(&f, b, "1.2");
    peer_send(a, "BEGIN\ntransaction:1\n\n^@BEGIN\ntransaction:2\n\n^@");
    ck_assert(!a->transport.closed);
    peer_send(a, "BEGIN\ntransaction:3\n\n^@");
    peer_assert_error(a, "too many transactions", TRANSPORT_CLOSE_QUOTA);
    peer_send(b, "BEGIN\ntransaction:1\n\n^@"
                 "SEND\ndestination:/queue/q,/queue/p\ntransaction:1\n\n^@");
    ck_assert(!b->transport.closed);
    peer_send(b, "SEND\ndestination:/queue/q,/queue/p\ntransaction:1\n\n^@");
    peer_assert_error(b, "transaction too big", TRANSPORT_CLOSE_QUOTA);
}
END_TEST

START_TEST(transaction_names_are_used_once_at_a_time)
{
    peer_connect(&f, a, "1.2");
    ck_assert_str_eq(peer_ask(a, "BEGIN\ntransaction:1\n\n^@"
                                 "COMMIT\ntransaction:1\nreceipt:1\n\n^@"
                                 "BEGIN\ntransaction:1\n\n^@"),
                     "RECEIPT\nreceipt-id:1\n\n^@");
    peer_send(a, "BEGIN\ntransaction:1\n\n^@");
    peer_assert_error(a, "transaction in use", TRANSPORT_CLOSE_PROTOCOL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("session/ack");
    TCase *acks = tcase_create("ack");
    TCase *transactions = tcase_create("transactions");

    tcase_add_checked_fixture(acks, setup, teardown);
    tcase_add_loop_test(acks, ack_is_understood_in_every_form, 0,
                        sizeof(form_cases) / sizeof(form_cases[0]));
    tcase_add_loop_test(
        acks, ack_in_1_1_must_name_the_subscription_of_the_message, 0, 2);
    tcase_add_loop_test(acks, ack_in_client_mode_is_cumulative, 0, 3);
    tcase_add_test(acks, cumulative_ack_stays_in_its_subscription);
    tcase_add_test(acks, nack_in_client_mode_is_cumulative_too);
    tcase_add_test(acks, nack_redelivers_with_a_count_and_a_new_id);
    tcase_add_test(
        acks, requeue_false_sends_to_the_dead_letter_queue_with_the_reason);
    tcase_add_test(acks,
                   dead_letter_of_an_expired_message_does_not_expire_again);
    tcase_add_test(acks, dead_letter_that_dies_again_tells_of_its_last_death);
    tcase_add_test(acks, second_ack_does_nothing_and_is_receipted);
    tcase_add_test(acks, ack_of_an_auto_message_does_nothing);
    tcase_add_test(acks, stranger_cannot_ack);
    tcase_add_test(acks, ack_after_unsubscribe_counts);
    tcase_add_test(acks, topic_message_can_be_acked_and_frees_credit);
    suite_add_tcase(suite, acks);
    tcase_add_checked_fixture(transactions, setup, teardown);
    tcase_add_test(transactions,
                   acks_and_nacks_of_a_transaction_hold_at_its_commit);
    tcase_add_test(transactions, abort_leaves_the_messages_ackable);
    tcase_add_test(transactions, ack_outside_leaves_what_a_transaction_has);
    tcase_add_test(transactions,
                   transacted_send_is_receipted_at_once_and_seen_at_commit);
    tcase_add_test(transactions, broken_connection_aborts_its_transactions);
    tcase_add_test(transactions, transaction_limits_are_errors);
    tcase_add_test(transactions, transaction_names_are_used_once_at_a_time);
    suite_add_tcase(suite, transactions);
    return testutil_run(suite);
}
