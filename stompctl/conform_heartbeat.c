/* SPDX-License-Identifier: Apache-2.0 */
/* Heart-beats.  The only checks that take time, since they are about time;
 * a broker that beats too seldom for them is not waited for.  Source: STOMP
 * 1.2, "Heart-beating". */
#include "stompctl/conform.h"

#include "base/clock.h"

#include <poll.h>
#include <stdio.h>

/* Beats that are asked for and promised, and the slowest that are awaited. */
enum { HEARTBEAT_ASKED_MS = 200, HEARTBEAT_SLOWEST_MS = 1500 };

static unsigned
heartbeat_larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* What the broker must send at least every; 0 after the check's end. */
static unsigned
heartbeat_from_broker(struct step *step, struct peer *peer)
{
    unsigned sends;
    unsigned wants;

    peer_beats(peer, &sends, &wants);
    if (sends == 0) {
        step_not_applicable(step, "the broker sends no beats");
    } else if (heartbeat_larger(sends, HEARTBEAT_ASKED_MS) >
               HEARTBEAT_SLOWEST_MS) {
        step_not_applicable(step, "the broker sends a beat only every %u ms",
                            sends);
    }
    return heartbeat_larger(sends, HEARTBEAT_ASKED_MS);
}

static unsigned
heartbeat_to_broker(struct step *step, struct peer *peer)
{
    unsigned sends;
    unsigned wants;

    peer_beats(peer, &sends, &wants);
    if (wants == 0) {
        step_not_applicable(step, "the broker wants no beats");
    } else if (heartbeat_larger(wants, HEARTBEAT_ASKED_MS) >
               HEARTBEAT_SLOWEST_MS) {
        step_not_applicable(step, "the broker wants a beat only every %u ms",
                            wants);
    }
    return heartbeat_larger(wants, HEARTBEAT_ASKED_MS);
}

static void
v12_130(struct step *step)
{
    static const char *const bad[] = { "a,b",   "1",
                                       "1,2,3", "-1,0",
                                       "1,",    " 1,2",
                                       "1.5,2", "99999999999999999999,1" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct peer *peer = peer_open(step);

        peer_say_connect(peer);
        peer_say(peer, "accept-version:1.2\nheart-beat:%s\n\n", bad[i]);
        (void)peer_expect_error(peer);
        peer_hang_up(peer);
    }
}

static void
v12_131(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_expect_silence(peer, 3 * HEARTBEAT_ASKED_MS);
    peer_fence(peer);
}

static void
v12_132(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.2", "heart-beat:0,0\n");
    unsigned sends;
    unsigned wants;
    unsigned n;

    peer_beats(peer, &sends, &wants);
    n = wants > 0 ? heartbeat_to_broker(step, peer) : HEARTBEAT_ASKED_MS;
    /* Longer than any grace for a client that had promised. */
    peer_expect_silence(peer, (int)(2 * n + 1500));
    peer_fence(peer);
}

static void
v12_133(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.2", "heart-beat:0,0\n");
    unsigned sends;
    unsigned wants;
    unsigned n;

    peer_beats(peer, &sends, &wants);
    n = sends > 0 ? heartbeat_from_broker(step, peer) : HEARTBEAT_ASKED_MS;
    peer_expect_silence(peer, (int)(3 * n));
    peer_fence(peer);
}

/* Fails when no octet comes for more than n ms, for so many times n. */
static void
heartbeat_watch(struct step *step, struct peer *peer, unsigned n,
                unsigned rounds)
{
    int64_t last_us = peer_last_read_us(peer);
    int64_t end_us = last_us + (int64_t)n * rounds * 1000;

    while (!step_is_over(step) && last_us < end_us) {
        int64_t gap_us;

        if (!peer_read(peer, (int)(2 * n))) {
            step_fail(step,
                      "no octet came for %u ms, promised was one every "
                      "%u ms",
                      2 * n, n);
            return;
        }
        gap_us = peer_last_read_us(peer) - last_us;
        last_us = peer_last_read_us(peer);
        /* The machine that measures may be late itself. */
        if (gap_us > (int64_t)n * 1000 + 50000) {
            step_fail(step,
                      "a gap of %lld ms, promised was an octet every "
                      "%u ms",
                      (long long)gap_us / 1000, n);
        }
    }
}

static void
v12_134(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.2", "heart-beat:0,200\n");
    unsigned n = heartbeat_from_broker(step, peer);

    heartbeat_watch(step, peer, n, 8);
    peer_fence(peer);
}

static void
v12_135(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.2", "heart-beat:0,200\n");
    unsigned n = heartbeat_from_broker(step, peer);
    struct span in = peer_input(peer);
    size_t before = in.len;

    heartbeat_watch(step, peer, n, 4);
    in = peer_input(peer);
    if (step_is_over(step)) {
        return;
    }
    /* The EOL behind CONNECTED may come with the first beat. */
    for (size_t i = before; i < in.len; i++) {
        step_require(step, in.data[i] == '\n',
                     "an idle broker sent something but LF");
    }
    step_require(step, in.len - before <= 10,
                 "more than one EOL was sent as a beat");
}

/* Waits, without input; the statement is about this time. */
static void
heartbeat_pause(struct step *step, unsigned ms)
{
    if (!step_is_over(step)) {
        (void)poll(NULL, 0, (int)ms);
    }
}

static void
v12_136(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.2", "heart-beat:200,0\n");
    unsigned n = heartbeat_to_broker(step, peer);

    peer_say_part(peer, "SEND\ndestination:%s\nreceipt:r\n", step->queue);
    /* Half a frame, octet by octet, for longer than any grace. */
    for (unsigned ms = 0; ms < 3 * n + 1500; ms += n / 2) {
        peer_say_part(peer, "%s", ms == 0 ? "h:" : "v");
        peer_flush(peer);
        heartbeat_pause(step, n / 2);
    }
    peer_say(peer, "\n\nx");
    (void)peer_expect_receipt(peer, "r");
}

static void
v12_137(struct step *step)
{
    struct peer *reader = peer_login_with(step, "1.2", "heart-beat:200,0\n");
    unsigned n = heartbeat_to_broker(step, reader);
    struct peer *other = peer_login(step, "1.2");
    int64_t begun_us = clock_monotonic_us();
    int64_t most_us = (int64_t)(5 * n + 5000) * 1000;

    peer_subscribe(reader, "s", step->queue, "ack:client-individual\n");
    peer_send(other, step->queue, "x");
    (void)peer_expect_body(reader, "x");
    while (!step_is_over(step) && !peer_is_closed(reader) &&
           clock_monotonic_us() - begun_us < most_us) {
        (void)peer_read(reader, (int)n);
    }
    step_require(step, peer_is_closed(reader),
                 "a silent client that had promised beats is still there");
    peer_subscribe(other, "o", step->queue, "");
    (void)peer_expect_body(other, "x");
}

static void
v12_138(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.2", "heart-beat:200,0\n");
    unsigned n = heartbeat_to_broker(step, peer);

    for (unsigned i = 0; i < 5; i++) {
        heartbeat_pause(step, n + n / 2);
        peer_say_part(peer, "\n");
        peer_flush(peer);
    }
    peer_fence(peer);
}

static void
v12_139(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_expect_silence(peer, 100);
    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\nheart-beat:0,200\n\n");
    step_require(step, peer_expect(peer, "CONNECTED")->gap == 0,
                 "EOLs came before CONNECTED");
}

static const struct conform_statement heartbeat_statements[] = {
    { CONFORM_ROW("V12-130", MUST, v12_130,
                  "a heart-beat header that is not two numbers is an error") },
    { CONFORM_ROW("V12-131", MUST, v12_131,
                  "without heart-beat none are sent or wanted") },
    { CONFORM_ROW("V12-132", MUST, v12_132,
                  "a client that promised no beats may be silent") },
    { CONFORM_ROW("V12-133", MUST, v12_133,
                  "a client that wants no beats gets none") },
    { CONFORM_ROW("V12-134", MUST, v12_134,
                  "an octet comes at least as often as was agreed") },
    { CONFORM_ROW("V12-135", MUST, v12_135,
                  "an idle broker beats with single EOLs") },
    { CONFORM_ROW("V12-136", DERIVED, v12_136,
                  "half a frame is a sign of life") },
    { CONFORM_ROW("V12-137", MAY, v12_137,
                  "a client that breaks its promise is given up, and its "
                  "messages return") },
    { CONFORM_ROW("V12-138", SHOULD, v12_138,
                  "a client that is late by half is kept") },
    { CONFORM_ROW("V12-139", DERIVED, v12_139,
                  "no beat comes before CONNECTED") },
    { CONFORM_ROW("V12-140", DERIVED, NULL,
                  "no verdict while the broker itself does not read"),
      .elsewhere = "test_session_connect:no_verdict_while_we_do_not_read" },
};

const struct conform_chapter conform_heartbeat =
    CONFORM_CHAPTER("Heart-beats", heartbeat_statements);
