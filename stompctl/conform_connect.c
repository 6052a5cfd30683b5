/* SPDX-License-Identifier: Apache-2.0 */
/* Login and the choice of the version.  Source: STOMP 1.2, "Connecting",
 * "Protocol Negotiation". */
#include "stompctl/conform.h"

#include <stdio.h>

static void
v12_100(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_say(peer, "STOMP\naccept-version:1.2\nhost:%s\n%s\n",
             step->target->host, step->target->login);
    peer_require_header(peer, peer_expect(peer, "CONNECTED"), "version", "1.2");
    peer_fence(peer);
}

static void
v12_101(struct step *step)
{
    (void)peer_login(step, "1.0");
    (void)peer_login(step, "1.1");
    (void)peer_login(step, "1.2");
}

/* Logs in and returns CONNECTED itself. */
static const struct got *
connect_connected(struct step *step, const char *version)
{
    struct peer *peer = peer_open(step);

    peer_say_connect(peer);
    peer_say(peer, "accept-version:%s\n\n", version);
    return peer_expect(peer, "CONNECTED");
}

static void
v12_102(struct step *step)
{
    const struct got *first = connect_connected(step, "1.2");
    const struct got *second = connect_connected(step, "1.2");
    struct span session = got_header(first, "session");
    struct span server = got_header(first, "server");
    struct span name = span_split(&server, '/');

    if (step_is_over(step)) {
        return;
    }
    step_require(step,
                 session.data == NULL ||
                     !span_equal(session, got_header(second, "session")),
                 "two connections have the same session");
    step_require(
        step,
        name.data == NULL ||
            (name.len > 0 &&
             (memchr(name.data, ' ', name.len) == NULL || server.data == NULL)),
        "server is not name/version with comments after a blank");
}

static void
v12_103(struct step *step)
{
    struct peer *peer = peer_open(step);
    const struct got *got;

    peer_say(peer,
             "CONNECT\naccept-version:1.2\nhost:%s\n"
             "login:conform-nobody\npasscode:conform-wrong\n\n",
             step->target->host);
    got = peer_next(peer);
    if (span_equal(got->command, SPAN("CONNECTED"))) {
        step_not_applicable(step, "the broker lets anybody in");
        return;
    }
    step_require(step, span_equal(got->command, SPAN("ERROR")),
                 "a refused login is not answered by ERROR");
    step_require(step, got_header(got, "message").len > 0,
                 "the ERROR has no message");
    peer_expect_close(peer);
}

static void
v12_104(struct step *step)
{
    struct peer *peer = peer_open(step);
    const struct got *got;

    peer_say(peer, "CONNECT\naccept-version:1.2\nhost:no.such.host\n%s\n",
             step->target->login);
    got = peer_next(peer);
    if (span_equal(got->command, SPAN("ERROR"))) {
        peer_expect_close(peer);
        return;
    }
    step_require(step, span_equal(got->command, SPAN("CONNECTED")),
                 "an unknown host is neither accepted nor refused");
}

static void
v12_105(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_say(peer, "CONNECT\naccept-version:1.2\n%s\n", step->target->login);
    (void)peer_expect(peer, "CONNECTED");
    peer_fence(peer);
}

static void
v12_106(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, "1.2");
    struct peer *peer = peer_open(step);

    peer_say(peer, "SEND\ndestination:%s\n\nstolen in", step->queue);
    (void)peer_expect_error(peer);
    peer_send(reader, step->queue, "marker");
    (void)peer_expect_body(reader, "marker");
}

static void
v12_107(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\n\n");
    (void)peer_expect_error(peer);
}

static void
v12_108(struct step *step)
{
    struct peer *peer = peer_open(step);

    peer_say_connect(peer);
    peer_say(peer, "accept-version:1.2\n\n");
    peer_say(peer, "SUBSCRIBE\nid:s\ndestination:%s\n\n", step->queue);
    peer_say(peer, "SEND\ndestination:%s\nh:a\\cb\nreceipt:r\n\nx",
             step->queue);
    (void)peer_expect(peer, "CONNECTED");
    (void)peer_expect_receipt(peer, "r");
    peer_require_header(peer, peer_expect_body(peer, "x"), "h", "a\\cb");
}

static void
v12_109(struct step *step)
{
    struct peer *peer = peer_open(step);
    int ms = (int)(step->target->timeout_us / 1000);

    if (!peer_read(peer, ms) && !peer_is_closed(peer)) {
        step_not_applicable(step,
                            "not closed within %d ms; see with a longer "
                            "--timeout",
                            ms);
    }
    peer_expect_close(peer);
}

static void
v12_120(struct step *step)
{
    static const char *const offers[][2] = {
        { "1.0,1.1,1.2", "1.2" }, { "1.2,1.1,1.0", "1.2" },
        { "1.0,1.1,2.0", "1.1" }, { "1.2,9.9", "1.2" },
        { "1.0", "1.0" },         { "1.1,1.0", "1.1" },
    };

    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        struct peer *peer = peer_open(step);

        peer_say_connect(peer);
        peer_say(peer, "accept-version:%s\n\n", offers[i][0]);
        peer_require_header(peer, peer_expect(peer, "CONNECTED"), "version",
                            offers[i][1]);
    }
}

static void
v12_121(struct step *step)
{
    struct peer *peer = peer_open(step);
    struct span version;

    peer_say_connect(peer);
    peer_say(peer, "\n");
    version = got_header(peer_expect(peer, "CONNECTED"), "version");
    step_require(step, version.data == NULL || span_equal(version, SPAN("1.0")),
                 "a login without accept-version is not one of 1.0");
    peer_say(peer, "SUBSCRIBE\ndestination:%s\nreceipt:a\\tb\n\n", step->queue);
    (void)peer_expect_receipt(peer, "a\\tb");
}

static void
v12_122(struct step *step)
{
    struct peer *peer = peer_open(step);
    const struct got *got;
    struct span type;

    peer_say_connect(peer);
    peer_say(peer, "accept-version:2.1\n\n");
    got = peer_expect_error(peer);
    step_require(step, got_contains(got_header(got, "version"), "1.2"),
                 "the ERROR has no header version that lists 1.2");
    type = got_header(got, "content-type");
    step_require(
        step, got->body.len > 0 && span_starts_with(type, SPAN("text/plain")),
        "the ERROR has no text/plain body that says so");
}

static void
v12_123(struct step *step)
{
    step_refuses(step, "1.1", "SEND\ndestination:%s\nh:a\\rb\n\nx",
                 step->queue);
    step_accepts(step, "1.2", "SEND\ndestination:%s\nh:a\\rb\n\nx",
                 step->queue);
    step_accepts(step, "1.0", "SEND\ndestination:%s\nh:a\\tb\n\nx",
                 step->queue);
}

static const struct conform_statement connect_statements[] = {
    { CONFORM_ROW("V12-100", MUST, v12_100, "STOMP is the same as CONNECT") },
    { CONFORM_ROW("V12-101", MUST, v12_101, "CONNECTED has version") },
    { CONFORM_ROW("V12-102", MAY, v12_102,
                  "session is unique, server is name/version and comments") },
    { CONFORM_ROW("V12-103", SHOULD, v12_103,
                  "a refused login is answered by ERROR, then the end") },
    { CONFORM_ROW("V12-104", MAY, v12_104,
                  "an unknown host is accepted or refused") },
    { CONFORM_ROW("V12-105", DERIVED, v12_105,
                  "a login without host is accepted") },
    { CONFORM_ROW("V12-106", DERIVED, v12_106,
                  "a frame before CONNECT is an error and has no effect") },
    { CONFORM_ROW("V12-107", DERIVED, v12_107,
                  "a second CONNECT is an error") },
    { CONFORM_ROW(
        "V12-108", DERIVED, v12_108,
        "frames that follow CONNECT at once are processed in order") },
    { CONFORM_ROW("V12-109", DERIVED, v12_109,
                  "a client that does not log in is put out") },
    { CONFORM_ROW("V12-120", MUST, v12_120,
                  "the highest common version is chosen") },
    { CONFORM_ROW("V12-121", MUST, v12_121,
                  "without accept-version it is 1.0") },
    { CONFORM_ROW("V12-122", MUST, v12_122,
                  "no common version: ERROR that lists the broker's, then "
                  "the end") },
    { CONFORM_ROW("V12-123", DERIVED, v12_123,
                  "the agreed version's rules hold for what follows") },
};

const struct conform_chapter conform_connect =
    CONFORM_CHAPTER("Login and version", connect_statements);
