/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a conformance check: connections that send exact bytes, and
 * what is expected of the bytes that come.  A check is a straight line of
 * steps: the first that fails is noted, and every later one does nothing, so
 * that nothing needs an if.  All waiting ends with what is waited for, or at
 * the run's timeout.  One thread.
 */
#pragma once
#include "base/buf.h"
#include "stompctl/conform_frame.h"
#include "stompctl/uri.h"
#include "stompctl/ws_client.h"

#include <stdbool.h>
#include <stdint.h>

enum step_transport {
    STEP_TCP,
    STEP_WS_TEXT,
    STEP_WS_BINARY,
};

/* Where and how a run takes place. */
struct step_target {
    const struct uri *uri;
    enum step_transport transport;
    const char *host;   /* the CONNECT header */
    const char *login;  /* header lines for every CONNECT; "" when none */
    int64_t timeout_us; /* how long an answer may take */
    bool cut;           /* send every octet by itself */
};

enum step_outcome {
    STEP_HOLDS,
    STEP_FAILS,
    STEP_NOT_APPLICABLE,
};

struct peer; /* one connection: opaque */

enum { STEP_PEERS = 64, STEP_NAME_BYTES = 64 };

/* One check under way. */
struct step {
    const struct step_target *target;
    enum step_outcome outcome;
    struct buf remark;           /* why it fails or does not apply */
    char queue[STEP_NAME_BYTES]; /* names of this check's own */
    char topic[STEP_NAME_BYTES];
    struct peer *peers[STEP_PEERS];
    size_t peer_count;
};

void step_begin(struct step *step, const struct step_target *target);
/* Closes what is open and frees the remark. */
void step_end(struct step *step);

/* Closes and frees every connection, for checks that make many. */
void step_drop_peers(struct step *step);

/* Whether a step has ended the check. */
static inline bool
step_is_over(const struct step *step)
{
    return step->outcome != STEP_HOLDS;
}

/* Ends the check; only the first call counts.  The text is a sentence's part
 * without full stop. */
void step_fail(struct step *step, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void step_not_applicable(struct step *step, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Fails unless good. */
void step_require(struct step *step, bool good, const char *what);

/*
 * One connection that says a frame (as peer_say), or many in turn: it must be
 * answered by ERROR and the end, or the connection must go on.
 */
void step_refuses(struct step *step, const char *version, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void step_accepts(struct step *step, const char *version, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- connections -------------------------------------------------------- */

/* A connection (with its WebSocket handshake) that has said nothing.  Never
 * NULL. */
struct peer *peer_open(struct step *step);

/* A bare TCP connection, also when the transport is WebSocket. */
struct peer *peer_open_raw(struct step *step);

/* A WebSocket whose request has these extra header lines instead of the
 * subprotocols. */
struct peer *peer_open_ws(struct step *step, const char *headers);

/* peer_open and a whole login with that accept-version (NULL: no such header,
 * so 1.0).  The CONNECTED frame has been read. */
struct peer *peer_login(struct step *step, const char *version);

/* The same with more header lines. */
struct peer *peer_login_with(struct step *step, const char *version,
                             const char *headers);

/* peer_login, and a subscription "s" to the check's own queue. */
struct peer *peer_login_subscribed(struct step *step, const char *version);

/* CONNECT and the header lines that every login needs, for checks that write
 * the rest themselves: "CONNECT\nhost:…\nlogin:…\n". */
void peer_say_connect(struct peer *peer);

/* Closes now: abruptly, or after what was said has been sent. */
void peer_abort(struct peer *peer);
void peer_hang_up(struct peer *peer);
/* Ends our direction only. */
void peer_shut(struct peer *peer);

/* --- sending ------------------------------------------------------------ */

/* Queues a frame: the text and one NUL octet. */
void peer_say(struct peer *peer, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Queues the text alone. */
void peer_say_part(struct peer *peer, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Queues exact octets. */
void peer_say_bytes(struct peer *peer, struct span bytes);
/* Writes what is queued; on WebSocket that is one message. */
void peer_flush(struct peer *peer);
/* Writes what is queued octet by octet: one write or one message each. */
void peer_flush_cut(struct peer *peer);
/* Writes what is queued with another opcode, or as fragments of size octets.
 * WebSocket only. */
void peer_flush_ws(struct peer *peer, enum ws_opcode opcode, size_t size);

/* ACK or NACK of a MESSAGE, in the words of its version; more header lines
 * or "". */
void peer_settle(struct peer *peer, const char *command,
                 const struct got *message, const char *headers);

/* SUBSCRIBE with a receipt, and the RECEIPT.  headers: more lines, or "". */
void peer_subscribe(struct peer *peer, const char *id, const char *destination,
                    const char *headers);

/* SEND with a receipt, and the RECEIPT. */
void peer_send(struct peer *peer, const char *destination, const char *body);

/* --- expecting ---------------------------------------------------------- */

/*
 * Waits for a frame of that command and takes it out of the mailbox; frames
 * of other commands stay there.  An ERROR that nobody expects fails the
 * check.  Never NULL: an empty frame when the check is over.  Valid until
 * step_end.
 */
const struct got *peer_expect(struct peer *peer, const char *command);

/* The next frame whatever its command; an ERROR is taken too. */
const struct got *peer_next(struct peer *peer);

/* peer_expect of a MESSAGE with that body. */
const struct got *peer_expect_body(struct peer *peer, const char *body);

/* A RECEIPT with that receipt-id (as on the wire). */
const struct got *peer_expect_receipt(struct peer *peer, const char *id);

/* An ERROR, after which nothing comes but the end of the connection. */
const struct got *peer_expect_error(struct peer *peer);

/* The end of the connection. */
void peer_expect_close(struct peer *peer);

/* A WebSocket Pong with that payload. */
void peer_expect_pong(struct peer *peer, struct span payload);

/* The socket is gone altogether, not only the broker's direction of it. */
void peer_expect_gone(struct peer *peer);

/* A round trip of this connection, then no frame of that command has come,
 * nor does one within a moment. */
void peer_expect_none(struct peer *peer, const char *command);

/* No octet at all for so long, but the EOL behind the last frame. */
void peer_expect_silence(struct peer *peer, int ms);

/* A SEND with receipt to a destination of nobody's, and the RECEIPT; frames
 * that come before it stay in the mailbox. */
void peer_fence(struct peer *peer);

/* At least one octet within ms; false without one (nothing failed then). */
bool peer_read(struct peer *peer, int ms);

/* No frame that has come is left in the mailbox. */
void peer_require_nothing(struct peer *peer);

/* The header has that value, octet by octet; value NULL: it is absent. */
void peer_require_header(struct peer *peer, const struct got *got,
                         const char *name, const char *value);
void peer_require_body(struct peer *peer, const struct got *got,
                       struct span body);

/* --- looking ------------------------------------------------------------ */

struct step *peer_step(const struct peer *peer);
/* All octets of STOMP that came. */
struct span peer_input(const struct peer *peer);
bool peer_is_closed(const struct peer *peer);
int64_t peer_last_read_us(const struct peer *peer);
const struct ws_client *peer_ws(const struct peer *peer);
/* The answer to the WebSocket handshake. */
struct span peer_handshake(const struct peer *peer);
/* The n-th WebSocket message from 0; false when there are fewer. */
bool peer_ws_message(const struct peer *peer, size_t n,
                     enum ws_opcode *opcode_out, struct span *payload_out);
/* What CONNECTED promised and wants, in ms. */
void peer_beats(const struct peer *peer, unsigned *sends_out,
                unsigned *wants_out);
