/* SPDX-License-Identifier: Apache-2.0 */
/* ACK and NACK.  Source: STOMP 1.2, the sections of that name. */
#include "stompctl/conform.h"

#include <stdio.h>

/* A connection that has got "a", "b" and "c" of the check's queue. */
static struct peer *
ack_three(struct step *step, const char *mode, const struct got *got[3])
{
    static const char *const bodies[] = { "a", "b", "c" };
    struct peer *sender = peer_login(step, "1.2");
    struct peer *peer;

    for (size_t i = 0; i < 3; i++) {
        peer_send(sender, step->queue, bodies[i]);
    }
    peer_hang_up(sender);
    peer = peer_login(step, "1.2");
    peer_subscribe(peer, "s", step->queue, mode);
    for (size_t i = 0; i < 3; i++) {
        got[i] = peer_expect_body(peer, bodies[i]);
    }
    return peer;
}

/* Ends a connection in good order, so that what it holds returns. */
static void
ack_leave(struct peer *peer)
{
    peer_say(peer, "DISCONNECT\nreceipt:bye\n\n");
    (void)peer_expect_receipt(peer, "bye");
    peer_expect_close(peer);
    peer_hang_up(peer);
}

/* What is left in the check's queue is exactly these bodies, a letter each. */
static void
ack_left(struct step *step, const char *bodies)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_subscribe(peer, "left", step->queue, "");
    for (; *bodies != '\0'; bodies++) {
        char body[2] = { *bodies, '\0' };

        (void)peer_expect_body(peer, body);
    }
    peer_send(peer, step->queue, "end");
    (void)peer_expect_body(peer, "end");
    peer_hang_up(peer);
}

static void
v12_190(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = ack_three(step, "", got);

    ack_leave(peer);
    ack_left(step, "");
}

static void
v12_191(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = ack_three(step, "ack:client\n", got);
    const struct got *other;

    peer_subscribe(peer, "other", step->topic, "ack:client\n");
    peer_send(peer, step->topic, "t");
    other = peer_expect_body(peer, "t");
    peer_settle(peer, "ACK", other, "receipt:t\n");
    (void)peer_expect_receipt(peer, "t");
    peer_settle(peer, "ACK", got[1], "receipt:r\n");
    (void)peer_expect_receipt(peer, "r");
    ack_leave(peer);
    ack_left(step, "c");
}

static void
v12_192(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = ack_three(step, "ack:client-individual\n", got);

    peer_settle(peer, "ACK", got[1], "receipt:r\n");
    (void)peer_expect_receipt(peer, "r");
    ack_leave(peer);
    ack_left(step, "ac");
}

static void
v12_193(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = ack_three(step, "ack:client-individual\n", got);

    step_require(step, step_is_over(step) || got_header(got[0], "ack").len > 0,
                 "a MESSAGE in client mode has no ack header");
    ack_leave(peer);
    step_refuses(step, "1.2", "ACK\n\n");
    step_refuses(step, "1.2", "NACK\n\n");
    step_refuses(step, "1.2", "ACK\nid:never-sent\n\n");
}

static void
v12_194(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = ack_three(step, "ack:client-individual\n", got);

    peer_abort(peer);
    ack_left(step, "abc");
}

static void
v12_195(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = ack_three(step, "ack:client-individual\n", got);

    /* requeue:false: they leave the queue, so that what stays is told. */
    peer_settle(peer, "NACK", got[1], "requeue:false\nreceipt:r\n");
    (void)peer_expect_receipt(peer, "r");
    ack_leave(peer);
    ack_left(step, "ac");
    peer = ack_three(step, "ack:client\n", got);
    peer_settle(peer, "NACK", got[1], "requeue:false\nreceipt:r\n");
    (void)peer_expect_receipt(peer, "r");
    ack_leave(peer);
    ack_left(step, "c");
}

static void
v12_196(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = ack_three(step, "ack:client-individual\n", got);

    peer_say(peer, "BEGIN\ntransaction:t\n\n");
    peer_settle(peer, "ACK", got[0], "transaction:t\n");
    peer_say(peer, "ABORT\ntransaction:t\nreceipt:aborted\n\n");
    (void)peer_expect_receipt(peer, "aborted");
    peer_settle(peer, "ACK", got[0], "receipt:again\n");
    (void)peer_expect_receipt(peer, "again");
    peer_say(peer, "BEGIN\ntransaction:t\n\n");
    peer_settle(peer, "ACK", got[1], "transaction:t\n");
    peer_say(peer, "COMMIT\ntransaction:t\nreceipt:committed\n\n");
    (void)peer_expect_receipt(peer, "committed");
    peer_say(peer, "BEGIN\ntransaction:t\n\n");
    peer_settle(peer, "ACK", got[2], "transaction:t\n");
    ack_leave(peer);
    ack_left(step, "c");
}

static void
v12_197(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = ack_three(step, "ack:client-individual\n", got);

    peer_settle(peer, "ACK", got[0], "receipt:1\n");
    (void)peer_expect_receipt(peer, "1");
    peer_settle(peer, "ACK", got[0], "receipt:2\n");
    (void)peer_expect_receipt(peer, "2");
    peer_say(peer, "UNSUBSCRIBE\nid:s\nreceipt:3\n\n");
    (void)peer_expect_receipt(peer, "3");
    peer_settle(peer, "ACK", got[1], "receipt:4\n");
    (void)peer_expect_receipt(peer, "4");
    ack_leave(peer);
    ack_left(step, "c");
}

static void
v12_198(struct step *step)
{
    const struct got *got[3];
    struct peer *peer = ack_three(step, "ack:client-individual\n", got);

    peer_settle(peer, "NACK", got[0], "");
    (void)peer_expect_body(peer, "a");
    ack_leave(peer);
    ack_left(step, "abc");
}

static const struct conform_statement ack_statements[] = {
    { CONFORM_ROW("V12-190", MUST, v12_190,
                  "in auto mode a message needs no ACK") },
    { CONFORM_ROW("V12-191", MUST, v12_191,
                  "in client mode ACK covers all before it in its own "
                  "subscription") },
    { CONFORM_ROW("V12-192", MUST, v12_192,
                  "in client-individual mode ACK covers its message alone") },
    { CONFORM_ROW("V12-193", MUST, v12_193,
                  "ACK and NACK need the id of a message") },
    { CONFORM_ROW("V12-194", MAY, v12_194,
                  "what was not acknowledged goes to another client when the "
                  "connection is lost") },
    { CONFORM_ROW("V12-195", MUST, v12_195,
                  "NACK covers all before it in client mode, one in "
                  "client-individual"),
      .decision = "D17" },
    { CONFORM_ROW("V12-196", SHOULD, v12_196,
                  "ACK in a transaction takes effect at COMMIT; after ABORT "
                  "the message can still be acknowledged"),
      .decision = "D18" },
    { CONFORM_ROW("V12-197", DERIVED, v12_197,
                  "a second ACK does nothing; ACK after UNSUBSCRIBE counts"),
      .decision = "D7, D8, D15" },
    { CONFORM_ROW("V12-198", DERIVED, v12_198,
                  "NACK brings the message again") },
};

const struct conform_chapter conform_ack =
    CONFORM_CHAPTER("ACK and NACK", ack_statements);
