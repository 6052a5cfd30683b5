/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions.  Source: STOMP 1.2, "BEGIN", "COMMIT", "ABORT". */
#include "stompctl/conform.h"

#include <stdio.h>

static void
v12_210(struct step *step)
{
    step_refuses(step, "1.2", "BEGIN\n\n");
    step_refuses(step, "1.2", "COMMIT\n\n");
    step_refuses(step, "1.2", "ABORT\n\n");
}

static void
v12_211(struct step *step)
{
    struct peer *one = peer_login(step, "1.2");
    struct peer *two = peer_login(step, "1.2");

    peer_say(one, "BEGIN\ntransaction:t\nreceipt:1\n\n");
    (void)peer_expect_receipt(one, "1");
    peer_say(two, "BEGIN\ntransaction:t\nreceipt:2\n\n");
    (void)peer_expect_receipt(two, "2");
    peer_say(one, "COMMIT\ntransaction:t\n\n");
    peer_say(one, "BEGIN\ntransaction:t\n\n");
    peer_say(one, "ABORT\ntransaction:t\n\n");
    peer_say(one, "BEGIN\ntransaction:t\nreceipt:3\n\n");
    (void)peer_expect_receipt(one, "3");
    peer_say(one, "BEGIN\ntransaction:t\n\n");
    (void)peer_expect_error(one);
}

static void
v12_212(struct step *step)
{
    step_refuses(step, "1.2", "COMMIT\ntransaction:none\n\n");
    step_refuses(step, "1.2", "ABORT\ntransaction:none\n\n");
}

static void
v12_214(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "BEGIN\ntransaction:t\n\n");
    peer_say(peer, "SEND\ndestination:%s\ntransaction:t\n\nlost", step->queue);
    peer_say(peer, "ABORT\ntransaction:t\nreceipt:r\n\n");
    (void)peer_expect_receipt(peer, "r");
    peer_send(peer, step->queue, "marker");
    (void)peer_expect_body(peer, "marker");
    peer_expect_none(peer, "MESSAGE");
}

static void
v12_215(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, "1.2");

    for (unsigned i = 0; i < 2; i++) {
        struct peer *peer = peer_login(step, "1.2");

        peer_say(peer, "BEGIN\ntransaction:t\n\n");
        peer_say(peer, "SEND\ndestination:%s\ntransaction:t\n\nlost",
                 step->queue);
        peer_fence(peer);
        if (i == 0) {
            peer_say(peer, "DISCONNECT\nreceipt:r\n\n");
            (void)peer_expect_receipt(peer, "r");
        }
        peer_hang_up(peer);
        peer_send(reader, step->queue, "marker");
        (void)peer_expect_body(reader, "marker");
        peer_expect_none(reader, "MESSAGE");
    }
}

static void
v12_216(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "BEGIN\ntransaction:1\n\n");
    peer_say(peer, "BEGIN\ntransaction:2\n\n");
    peer_say(peer, "SEND\ndestination:%s\ntransaction:1\n\na", step->queue);
    peer_say(peer, "SEND\ndestination:%s\ntransaction:2\n\nb", step->queue);
    peer_say(peer, "SEND\ndestination:%s\n\nplain", step->queue);
    (void)peer_expect_body(peer, "plain");
    peer_say(peer, "COMMIT\ntransaction:2\n\n");
    (void)peer_expect_body(peer, "b");
    peer_say(peer, "ABORT\ntransaction:1\n\n");
    peer_expect_none(peer, "MESSAGE");
}

static void
v12_217(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "BEGIN\ntransaction:t\n\n");
    for (unsigned i = 0; i < 20; i++) {
        peer_say(peer, "SEND\ndestination:%s\ntransaction:t\n\n%u", step->queue,
                 i);
    }
    peer_say(peer, "COMMIT\ntransaction:t\n\n");
    for (unsigned i = 0; i < 20; i++) {
        char body[16];

        (void)snprintf(body, sizeof(body), "%u", i);
        (void)peer_expect_body(peer, body);
    }
}

static void
v12_218(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say(peer, "BEGIN\ntransaction:t\n\n");
    peer_say(peer, "SEND\ndestination:%s\ntransaction:t\nreceipt:s\n\nx",
             step->queue);
    (void)peer_expect_receipt(peer, "s");
    peer_say(peer, "COMMIT\ntransaction:t\nreceipt:c\n\n");
    (void)peer_expect_receipt(peer, "c");
}

static const struct conform_statement transaction_statements[] = {
    { CONFORM_ROW("V12-210", MUST, v12_210,
                  "BEGIN, COMMIT and ABORT need transaction") },
    { CONFORM_ROW("V12-211", MUST, v12_211,
                  "an open transaction's id is not free, on its own "
                  "connection") },
    { CONFORM_ROW("V12-212", MUST, v12_212,
                  "COMMIT and ABORT of an unknown transaction are errors") },
    { CONFORM_ROW("V12-213", MUST, NULL,
                  "a COMMIT is whole or not there, also when the broker is "
                  "killed"),
      .elsewhere = "test/torture/torture" },
    { CONFORM_ROW("V12-214", MUST, v12_214, "ABORT drops what was sent") },
    { CONFORM_ROW("V12-215", MUST, v12_215,
                  "DISCONNECT and a lost connection abort open transactions") },
    { CONFORM_ROW("V12-216", DERIVED, v12_216,
                  "several transactions may be open at once") },
    { CONFORM_ROW("V12-217", DERIVED, v12_217,
                  "a transaction keeps its order") },
    { CONFORM_ROW("V12-218", DERIVED, v12_218,
                  "a SEND in a transaction gets its RECEIPT before COMMIT"),
      .decision = "D13" },
};

const struct conform_chapter conform_transaction =
    CONFORM_CHAPTER("Transactions", transaction_statements);
