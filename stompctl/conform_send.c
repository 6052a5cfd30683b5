/* SPDX-License-Identifier: Apache-2.0 */
/* SEND.  Source: STOMP 1.2, "SEND". */
#include "stompctl/conform.h"

#include <stdio.h>

static void
v12_150(struct step *step)
{
    step_refuses(step, "1.2", "SEND\n\nx");
    step_refuses(step, "1.2", "SEND\ndestination:\n\nx");
}

static void
v12_151(struct step *step)
{
    struct peer *reader = peer_login(step, "1.2");
    struct peer *other = peer_login(step, "1.2");
    struct peer *sender = peer_login(step, "1.2");
    char longer[STEP_NAME_BYTES + 8];

    (void)snprintf(longer, sizeof(longer), "%s.other", step->topic);
    peer_subscribe(reader, "s", step->topic, "");
    peer_subscribe(other, "s", longer, "");
    peer_send(sender, step->topic, "x");
    (void)peer_expect_body(reader, "x");
    peer_send(sender, longer, "marker");
    (void)peer_expect_body(other, "marker");
    peer_expect_none(reader, "MESSAGE");
}

static void
v12_152(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;

    peer_say_part(peer, "SEND\ndestination:%s\n", step->queue);
    for (unsigned i = 0; i < 50; i++) {
        peer_say_part(peer, "name-%u:value %u\n", i, i);
    }
    peer_say(peer, "\xC3\xA9.@/_:\xC3\xA9\n\nx");
    got = peer_expect_body(peer, "x");
    for (unsigned i = 0; i < 50; i++) {
        char name[32];
        char value[32];

        (void)snprintf(name, sizeof(name), "name-%u", i);
        (void)snprintf(value, sizeof(value), "value %u", i);
        peer_require_header(peer, got, name, value);
    }
    peer_require_header(peer, got, "\xC3\xA9.@/_", "\xC3\xA9");
}

static void
v12_153(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;

    peer_say(peer, "BEGIN\ntransaction:t\n\n");
    peer_say(peer, "SEND\ndestination:%s\ntransaction:t\nreceipt:r\n\nx",
             step->queue);
    peer_say(peer, "COMMIT\ntransaction:t\n\n");
    got = peer_expect_body(peer, "x");
    peer_require_header(peer, got, "receipt", NULL);
    peer_require_header(peer, got, "transaction", NULL);
}

static void
v12_154(struct step *step)
{
    step_refuses(step, "1.2",
                 "SEND\ndestination:/no/such/kind\n"
                 "receipt:r\ntransaction:none\n\nx");
    step_refuses(step, "1.2", "SEND\ndestination:/queue/\n\nx");
}

static void
v12_155(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, "1.2");
    struct peer *sender = peer_login(step, "1.2");

    peer_say(sender, "BEGIN\ntransaction:t\n\n");
    peer_say(sender, "SEND\ndestination:%s\ntransaction:t\n\nheld",
             step->queue);
    peer_send(sender, step->queue, "plain");
    (void)peer_expect_body(reader, "plain");
    peer_expect_none(reader, "MESSAGE");
    peer_say(sender, "COMMIT\ntransaction:t\n\n");
    peer_flush(sender);
    (void)peer_expect_body(reader, "held");
    step_refuses(step, "1.2", "SEND\ndestination:%s\ntransaction:no\n\nx",
                 step->queue);
}

static void
v12_156(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\n\n", step->queue);
    (void)peer_expect_body(peer, "");
    peer_say(peer, "SEND\ndestination:%s\ncontent-length:0\n\n", step->queue);
    (void)peer_expect_body(peer, "");
}

static const struct conform_statement send_statements[] = {
    { CONFORM_ROW("V12-150", MUST, v12_150, "SEND needs a destination") },
    { CONFORM_ROW("V12-151", MUST, v12_151,
                  "a message goes to the subscribers of that very "
                  "destination") },
    { CONFORM_ROW("V12-152", MUST, v12_152,
                  "every user header reaches the receiver") },
    { CONFORM_ROW("V12-153", DERIVED, v12_153,
                  "receipt and transaction do not reach the receiver") },
    { CONFORM_ROW("V12-154", MUST, v12_154,
                  "a SEND that fails is answered by ERROR, then the end") },
    { CONFORM_ROW("V12-155", MUST, v12_155,
                  "a SEND in a transaction is seen only after COMMIT") },
    { CONFORM_ROW("V12-156", DERIVED, v12_156, "a body may be empty") },
};

const struct conform_chapter conform_send =
    CONFORM_CHAPTER("SEND", send_statements);
