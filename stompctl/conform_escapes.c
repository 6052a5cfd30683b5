/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes in headers.  Source: STOMP 1.2, "Value Encoding". */
#include "stompctl/conform.h"

/* Sends a header line at 1.2 to a reader of that version. */
static void
escapes_carry(struct step *step, const char *line, const char *reads,
              const char *name, const char *value)
{
    struct peer *reader = peer_login_subscribed(step, reads);
    struct peer *sender = peer_login(step, "1.2");

    peer_say(sender, "SEND\ndestination:%s\n%s\n\nx", step->queue, line);
    peer_flush(sender);
    peer_require_header(reader, peer_expect_body(reader, "x"), name, value);
    peer_hang_up(reader);
    peer_hang_up(sender);
}

static void
v12_030(struct step *step)
{
    escapes_carry(step, "h:a\\nb\\rc\\cd\\\\e", "1.2", "h",
                  "a\\nb\\rc\\cd\\\\e");
    escapes_carry(step, "h:a\\cb\\\\e", "1.0", "h", "a:b\\e");
    escapes_carry(step, "h:a\\nb\\rc", "1.1", "h", "a\\nb\rc");
}

static void
v12_031(struct step *step)
{
    escapes_carry(step, "a\\nb\\cc\\\\d:v", "1.2", "a\\nb\\cc\\\\d", "v");
    escapes_carry(step, "a\\\\d:v", "1.0", "a\\d", "v");
}

static void
v12_032(struct step *step)
{
    escapes_carry(step, "h:a\\\\nb", "1.0", "h", "a\\nb");
    escapes_carry(step, "h:\\\\\\\\c", "1.0", "h", "\\\\c");
    escapes_carry(step, "h:\\\\\\c", "1.0", "h", "\\:");
}

static void
v12_033(struct step *step)
{
    static const char *const bad[] = { "\\t", "\\0", "\\\"", "\\N",
                                       "\\C", "\\R", "\\ " };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        step_refuses(step, "1.2", "SEND\ndestination:%s\nh:a%sb\n\nx",
                     step->queue, bad[i]);
    }
    step_refuses(step, "1.2", "SEND\ndestination:%s\nh\\t:a\n\nx", step->queue);
}

static void
v12_034(struct step *step)
{
    step_refuses(step, "1.2", "SEND\ndestination:%s\nh:a\\\n\nx", step->queue);
    step_refuses(step, "1.2", "SEND\ndestination:%s\nh\\:a\n\nx", step->queue);
}

static void
v12_035(struct step *step)
{
    struct peer *reader = peer_login_subscribed(step, "1.2");
    struct peer *old = peer_login(step, "1.0");
    struct peer *sender = peer_login(step, "1.1");
    const struct got *got;

    peer_say(old, "SEND\ndestination:%s\nh:a:b\\n\n\nx", step->queue);
    peer_flush(old);
    got = peer_expect_body(reader, "x");
    peer_require_header(reader, got, "h", "a\\cb\\\\n");
    peer_say(sender, "SEND\ndestination:%s\nn\\cm:a\rb\\nc\n\ny", step->queue);
    peer_flush(sender);
    got = peer_expect_body(reader, "y");
    peer_require_header(reader, got, "n\\cm", "a\\rb\\nc");
}

static void
v12_036(struct step *step)
{
    struct peer *peer = peer_login_with(step, "1.2",
                                        "note:a\\tb\\\n"
                                        "other:a:b\n");

    peer_fence(peer);
}

static void
v12_038(struct step *step)
{
    struct peer *one = peer_login(step, "1.1");
    struct peer *zero = peer_login(step, "1.0");
    struct peer *sender = peer_login(step, "1.2");
    const struct got *got;
    struct span value;

    peer_subscribe(one, "s", step->topic, "");
    peer_subscribe(zero, "s", step->topic, "");
    peer_say(sender, "SEND\ndestination:%s\nh:a\\rb\\nc\\cd\nz:\\\\\n\nx",
             step->topic);
    peer_flush(sender);
    got = peer_expect_body(one, "x");
    value = got_header(got, "h");
    step_require(step,
                 step_is_over(step) || value.data == NULL ||
                     span_equal(value, SPAN("a\rb\\nc\\cd")) ||
                     span_equal(value, SPAN("a b\\nc\\cd")),
                 "the header reached the 1.1 client with another content");
    peer_require_header(one, got, "z", "\\\\");
    got = peer_expect_body(zero, "x");
    value = got_header(got, "h");
    step_require(step,
                 step_is_over(step) || value.data == NULL ||
                     span_equal(value, SPAN("a b c:d")) ||
                     span_equal(value, SPAN("a\rb c:d")),
                 "the header reached the 1.0 client with another content");
    peer_require_header(zero, got, "z", "\\");
    step_require(step, got_header(got, "c").data == NULL,
                 "an LF in a value made a line of its own for 1.0");
}

static void
v12_039(struct step *step)
{
    struct peer *peer = peer_login(step, "1.2");
    struct peer *old = peer_login(step, "1.0");
    const struct got *got;

    peer_say(peer,
             "SUBSCRIBE\nid:a\\cb\ndestination:%s\\c1\n"
             "receipt:r\\c1\\\\\n\n",
             step->queue);
    (void)peer_expect_receipt(peer, "r\\c1\\\\");
    peer_say(old, "SEND\ndestination:%s:1\n\nx", step->queue);
    peer_flush(old);
    got = peer_expect_body(peer, "x");
    peer_require_header(peer, got, "subscription", "a\\cb");
    step_require(step,
                 step_is_over(step) || got_contains(got->headers, "\\c1\n"),
                 "the destination came back without its escape");
    peer_say(peer, "BEGIN\ntransaction:t\\c1\n\n");
    peer_say(peer, "SEND\ndestination:%s\\c1\ntransaction:t\\c1\n\ny",
             step->queue);
    peer_say(peer, "COMMIT\ntransaction:t\\c1\n\n");
    (void)peer_expect_body(peer, "y");
}

static const struct conform_statement escapes_statements[] = {
    { CONFORM_ROW("V12-030", MUST, v12_030,
                  "\\n, \\r, \\c and \\\\ in values stand for LF, CR, colon "
                  "and backslash") },
    { CONFORM_ROW("V12-031", MUST, v12_031, "the same in names") },
    { CONFORM_ROW("V12-032", MUST, v12_032,
                  "escapes are undone once, from left to right") },
    { CONFORM_ROW("V12-033", MUST, v12_033,
                  "an undefined escape is a fatal error") },
    { CONFORM_ROW("V12-034", DERIVED, v12_034,
                  "a lone backslash at the end of a name or value is a fatal "
                  "error") },
    { CONFORM_ROW("V12-035", MUST, v12_035,
                  "CR, LF, colon and backslash are escaped on output") },
    { CONFORM_ROW("V12-036", MUST, v12_036, "CONNECT is not unescaped"),
      .decision = "D3" },
    { CONFORM_ROW("V12-037", MUST, NULL, "CONNECTED is not escaped"),
      .elsewhere =
          "test_frame_encoder:"
          "v12_037_connected_is_written_raw_and_cannot_inject_a_line" },
    { CONFORM_ROW("V12-038", DERIVED, v12_038,
                  "a header has the same content at 1.2, 1.1 and 1.0, as far "
                  "as they can carry it"),
      .decision = "D4" },
    { CONFORM_ROW("V12-039", MUST, v12_039,
                  "destination, id, receipt and transaction are decoded for "
                  "use and encoded on the way back") },
};

const struct conform_chapter conform_escapes =
    CONFORM_CHAPTER("Escapes", escapes_statements);
