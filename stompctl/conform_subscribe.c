/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and UNSUBSCRIBE.  Source: STOMP 1.2, the sections of that name. */
#include "stompctl/conform.h"

#include <stdio.h>

static void
v12_170(struct step *step)
{
    step_refuses(step, "1.2", "SUBSCRIBE\nid:1\n\n");
    step_refuses(step, "1.2", "SUBSCRIBE\ndestination:%s\n\n", step->queue);
}

static void
v12_171(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_subscribe(peer, "1", step->topic, "");
    peer_say(peer, "UNSUBSCRIBE\nid:1\n\n");
    peer_subscribe(peer, "1", step->queue, "");
    peer_say(peer, "SUBSCRIBE\nid:1\ndestination:%s\n\n", step->topic);
    (void)peer_expect_error(peer);
}

static void
v12_172(struct step *step)
{
    struct peer *one = peer_login(step, "1.2");
    struct peer *two = peer_login(step, "1.2");

    peer_subscribe(one, "same", step->topic, "");
    peer_subscribe(two, "same", step->topic, "");
    peer_send(one, step->topic, "x");
    (void)peer_expect_body(one, "x");
    (void)peer_expect_body(two, "x");
}

static void
v12_173(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_subscribe(peer, "1", step->topic, "ack:auto\n");
    peer_subscribe(peer, "2", step->topic, "ack:client\n");
    peer_subscribe(peer, "3", step->topic, "ack:client-individual\n");
    step_refuses(step, "1.2",
                 "SUBSCRIBE\nid:1\ndestination:%s\n"
                 "ack:sometimes\n\n",
                 step->queue);
}

static void
v12_174(struct step *step)
{
    step_refuses(step, "1.2",
                 "SUBSCRIBE\nid:1\ndestination:/queue/\n"
                 "receipt:r\n\n");
    step_refuses(step, "1.2",
                 "SUBSCRIBE\nid:1\ndestination:%s\n"
                 "selector:a = = 'b\n\n",
                 step->queue);
}

static void
v12_175(struct step *step)
{
    step_accepts(step, "1.2",
                 "SUBSCRIBE\nid:1\ndestination:%s\n"
                 "no-such-header:x\nother:\n\n",
                 step->queue);
}

static void
v12_176(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    const struct got *first;
    const struct got *second;

    peer_subscribe(peer, "a", step->topic, "");
    peer_subscribe(peer, "b", step->topic, "");
    peer_send(peer, step->topic, "x");
    first = peer_expect_body(peer, "x");
    second = peer_expect_body(peer, "x");
    step_require(step,
                 step_is_over(step) ||
                     !span_equal(got_header(first, "subscription"),
                                 got_header(second, "subscription")),
                 "both messages name the same subscription");
}

static void
v12_177(struct step *step)
{
    step_refuses(step, "1.2", "UNSUBSCRIBE\n\n");
    step_refuses(step, "1.2", "UNSUBSCRIBE\nid:never\n\n");
}

static void
v12_178(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    struct peer *sender = peer_login(step, "1.2");

    peer_subscribe(peer, "s", step->topic, "");
    peer_say(peer, "UNSUBSCRIBE\nid:s\nreceipt:gone\n\n");
    (void)peer_expect_receipt(peer, "gone");
    peer_send(sender, step->topic, "x");
    peer_expect_none(peer, "MESSAGE");
}

static const struct conform_statement subscribe_statements[] = {
    { CONFORM_ROW("V12-170", MUST, v12_170,
                  "SUBSCRIBE needs destination and id") },
    { CONFORM_ROW("V12-171", MUST, v12_171,
                  "an id is used once on a connection, and free after "
                  "UNSUBSCRIBE") },
    { CONFORM_ROW("V12-172", MUST, v12_172,
                  "two connections may use the same id") },
    { CONFORM_ROW("V12-173", MUST, v12_173,
                  "ack is auto, client or client-individual, nothing else") },
    { CONFORM_ROW(
        "V12-174", MUST, v12_174,
        "a refused subscription is answered by ERROR, then the end") },
    { CONFORM_ROW("V12-175", MAY, v12_175, "unknown headers are ignored") },
    { CONFORM_ROW("V12-176", MUST, v12_176,
                  "two subscriptions to a topic get a message each, with "
                  "their own id") },
    { CONFORM_ROW("V12-177", MUST, v12_177,
                  "UNSUBSCRIBE needs the id of a subscription") },
    { CONFORM_ROW("V12-178", DERIVED, v12_178,
                  "after the RECEIPT of UNSUBSCRIBE no message comes") },
};

const struct conform_chapter conform_subscribe =
    CONFORM_CHAPTER("SUBSCRIBE and UNSUBSCRIBE", subscribe_statements);
