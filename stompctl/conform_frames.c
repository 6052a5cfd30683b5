/* SPDX-License-Identifier: Apache-2.0 */
/* The frame grammar.  Source: STOMP 1.2, "STOMP Frames". */
#include "stompctl/conform.h"

static void
v12_001(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\nh:v\n\nbody", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "body"), "h", "v");
}

static void
v12_002(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SEND\r\ndestination:%s\r\nh:v\r\n\r\nbody", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "body"), "h", "v");
}

static void
v12_003(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\r\nh:v\n\r\nbody", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "body"), "h", "v");
    peer_say(peer, "SEND\r\ndestination:%s\nh:v\r\n\nbody", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "body"), "h", "v");
}

static void
v12_004(struct step *step)
{
    step_refuses(step, "1.2", "SE\rND\ndestination:%s\n\nx", step->queue);
    step_refuses(step, "1.2", "SEND\ndestination:%s\nh:a\rb\n\nx", step->queue);
    step_refuses(step, "1.2", "SEND\ndestination:%s\nh\ri:a\n\nx", step->queue);
}

static void
v12_005(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");

    peer_say(peer, "DISCONNECT\n\n");
    peer_expect_close(peer);
    peer_require_nothing(peer);
}

static void
v12_006(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\n\n\n\r\nh:v\n\n", step->queue);
    (void)peer_expect_body(peer, "\n\r\nh:v\n\n");
}

static void
v12_007(struct step *step)
{
    static const char *const eols[] = { "", "\n", "\r\n", "\n\n\r\n\n\r\n" };
    struct peer *peer = peer_login_subscribed(step, "1.2");

    for (size_t i = 0; i < sizeof(eols) / sizeof(eols[0]); i++) {
        peer_say(peer, "SEND\ndestination:%s\n\na", step->queue);
        peer_say_part(peer, "%s", eols[i]);
        peer_say(peer, "SEND\ndestination:%s\n\nb", step->queue);
        (void)peer_expect_body(peer, "a");
        (void)peer_expect_body(peer, "b");
    }
}

static void
v12_008(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 1000; i++) {
            peer_say_part(peer, "%s", i % 3 == round ? "\r\n" : "\n");
        }
        peer_flush(peer);
        peer_say(peer, "SEND\ndestination:%s\n\nx", step->queue);
        (void)peer_expect_body(peer, "x");
    }
}

static void
v12_009(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\nreceipt:1\n\na", step->queue);
    peer_say(peer, "SEND\ndestination:%s\nreceipt:2\n\nb", step->queue);
    peer_say(peer, "SEND\ndestination:%s\nreceipt:3\n\nc", step->queue);
    (void)peer_expect_receipt(peer, "1");
    (void)peer_expect_receipt(peer, "2");
    (void)peer_expect_receipt(peer, "3");
    (void)peer_expect_body(peer, "a");
    (void)peer_expect_body(peer, "b");
    (void)peer_expect_body(peer, "c");
}

static void
v12_010(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;

    peer_say_part(peer,
                  "\r\nSEND\r\ndestination:%s\r\nname\\c1:gr\xC3\xBC\\n"
                  "\xE2\x82\xAC\r\ncontent-length:5\r\n\r\n",
                  step->queue);
    peer_say_bytes(peer, SPAN("a\0\n\xC3\xBC\0\r\n\n"));
    peer_flush_cut(peer);
    got = peer_expect(peer, "MESSAGE");
    peer_require_body(peer, got, SPAN("a\0\n\xC3\xBC"));
    peer_require_header(peer, got, "name\\c1", "gr\xC3\xBC\\n\xE2\x82\xAC");
    peer_fence(peer);
}

static void
v12_011(struct step *step)
{
    step_refuses(step, "1.2", "send\ndestination:%s\n\nx", step->queue);
    step_refuses(step, "1.2", "Subscribe\nid:1\ndestination:%s\n\n",
                 step->queue);
}

static void
v12_012(struct step *step)
{
    struct peer *peer;
    const struct got *got;

    step_refuses(step, "1.2", "SEND\nDestination:%s\n\nx", step->queue);
    peer = peer_login_subscribed(step, "1.2");
    peer_say(peer, "SEND\ndestination:%s\nContent-Length:99\nh:1\nH:2\n\nx",
             step->queue);
    got = peer_expect_body(peer, "x");
    peer_require_header(peer, got, "h", "1");
    peer_require_header(peer, got, "H", "2");
}

static void
v12_013(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    char name[STEP_NAME_BYTES + 16];
    const struct got *got;

    (void)snprintf(name, sizeof(name),
                   "%s.gr\xC3\xBC\xC3\x9F"
                   "e",
                   step->queue);
    peer_subscribe(peer, "s", name, "");
    peer_say(peer, "SEND\ndestination:%s\nn\xC3\xA4me:\xE6\x97\xA5\n\nx", name);
    got = peer_expect_body(peer, "x");
    peer_require_header(peer, got, "destination", name);
    peer_require_header(peer, got, "n\xC3\xA4me", "\xE6\x97\xA5");
}

static void
v12_014(struct step *step)
{
    step_refuses(step, "1.2", "SEND\ndestination:%s\nh:a\xFF\n\nx",
                 step->queue);
    step_refuses(step, "1.2", "SEND\ndestination:%s\nh\xC3:a\n\nx",
                 step->queue);
    step_refuses(step, "1.2", "SEND\ndestination:%s\nh:\xED\xA0\x80\n\nx",
                 step->queue);
}

static void
v12_015(struct step *step)
{
    step_refuses(step, "1.2", "SEND\ndestination:%s\n:value\n\nx", step->queue);
}

static void
v12_016(struct step *step)
{
    step_refuses(step, "1.2", "SEND\ndestination:%s\nno colon\n\nx",
                 step->queue);
}

static void
v12_017(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\nfoo:\n\nx", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "x"), "foo", "");
}

static void
v12_018(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");

    peer_say(peer, "SEND\ndestination:%s\nfoo:a:b:\n\nx", step->queue);
    peer_require_header(peer, peer_expect_body(peer, "x"), "foo", "a\\cb\\c");
}

static void
v12_019(struct step *step)
{
    struct peer *peer = peer_login_subscribed(step, "1.2");
    const struct got *got;

    peer_say(peer, "SEND\ndestination:%s\n a : b \nt:\tx\t\n\nx", step->queue);
    got = peer_expect_body(peer, "x");
    peer_require_header(peer, got, " a ", " b ");
    peer_require_header(peer, got, "t", "\tx\t");
}

static void
v12_020(struct step *step)
{
    step_refuses(step, "1.2", "SEND\ndestination:%s", step->queue);
    step_refuses(step, "1.2", "SEND\ndestination:%s\nh:v\n", step->queue);
    step_refuses(step, "1.2", "SEND");
}

static void
v12_021(struct step *step)
{
    step_refuses(step, "1.2", "SHOUT\ndestination:%s\n\nx", step->queue);
}

static void
v12_022(struct step *step)
{
    step_refuses(step, "1.2",
                 "MESSAGE\ndestination:%s\nmessage-id:1\n"
                 "subscription:1\n\nx",
                 step->queue);
    step_refuses(step, "1.2", "RECEIPT\nreceipt-id:1\n\n");
    step_refuses(step, "1.2", "CONNECTED\nversion:1.2\n\n");
    step_refuses(step, "1.2", "ERROR\nmessage:x\n\n");
}

static const struct conform_statement frames_statements[] = {
    { CONFORM_ROW("V12-001", MUST, v12_001,
                  "a frame with LF line ends is accepted") },
    { CONFORM_ROW("V12-002", MUST, v12_002,
                  "a frame with CR LF line ends is accepted") },
    { CONFORM_ROW("V12-003", MUST, v12_003,
                  "LF and CR LF may be mixed in one frame") },
    { CONFORM_ROW("V12-004", DERIVED, v12_004,
                  "a CR that no LF follows in the command or a header is an "
                  "error") },
    { CONFORM_ROW("V12-005", MUST, v12_005, "a frame needs no header") },
    { CONFORM_ROW("V12-006", MUST, v12_006,
                  "the first empty line ends the headers, the rest up to NUL "
                  "is the body") },
    { CONFORM_ROW("V12-007", MUST, v12_007,
                  "any number of EOLs after the NUL is ignored") },
    { CONFORM_ROW("V12-008", DERIVED, v12_008,
                  "thousands of EOLs between frames do not disturb") },
    { CONFORM_ROW("V12-009", MUST, v12_009,
                  "several frames in one write are processed in order") },
    { CONFORM_ROW("V12-010", MUST, v12_010,
                  "a frame that is cut at every octet means the same") },
    { CONFORM_ROW("V12-011", MUST, v12_011, "commands are case sensitive") },
    { CONFORM_ROW("V12-012", MUST, v12_012,
                  "header names are case sensitive") },
    { CONFORM_ROW("V12-013", MUST, v12_013, "commands and headers are UTF-8") },
    { CONFORM_ROW("V12-014", DERIVED, v12_014,
                  "headers that are no UTF-8 are an error"),
      .decision = "D6" },
    { CONFORM_ROW("V12-015", DERIVED, v12_015,
                  "a header without a name is an error") },
    { CONFORM_ROW("V12-016", DERIVED, v12_016,
                  "a header without a colon is an error") },
    { CONFORM_ROW("V12-017", DERIVED, v12_017,
                  "an empty value is carried as it is") },
    { CONFORM_ROW("V12-018", DERIVED, v12_018,
                  "a header is split at its first colon"),
      .decision = "D19" },
    { CONFORM_ROW("V12-019", MUST, v12_019,
                  "headers are neither trimmed nor padded") },
    { CONFORM_ROW("V12-020", MUST, v12_020,
                  "a NUL among the headers is an error") },
    { CONFORM_ROW("V12-021", MAY, v12_021,
                  "an unknown command is answered by ERROR") },
    { CONFORM_ROW("V12-022", DERIVED, v12_022,
                  "a server's command from a client is unknown") },
};

const struct conform_chapter conform_frames =
    CONFORM_CHAPTER("Frames", frames_statements);
