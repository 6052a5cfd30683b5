/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four connections to one core: bytes, the clock, the disk and how fast each
 * peer reads come from the input.
 *
 * The first byte chooses limits and the store.  Then bytes go to the current
 * connection, until 0xFF and a letter (session_op) say what else happens.
 *
 * Holds: what goes out are whole frames, nothing follows an ERROR; each
 * `receipt` has one answer and they come in request order; a message of
 * /queue/q that is out at one consumer does not go to another unless it was
 * given back; whatever the state, the doctor finds words for it; at the end
 * nothing is charged.
 */
#include "test/fuzz/fuzz_target.h"

#include "base/alloc.h"
#include "policy/policy_map.h"
#include "protocol/frame_parser.h"
#include "protocol/header_line.h"
#include "server/core/core.h"
#include "server/log.h"
#include "server/session/session.h"
#include "server/session/session_doctor.h"
#include "test/unit/fake_store.h"
#include "test/unit/fake_transport.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEERS = 4, MARKS_MAX = 256, OP_MARK = 0xFF };

/* Names the messages that the target itself sends. */
static const char mark_name[] = "fuzz-mark";

struct peer {
    struct fake_transport transport;
    struct session *session;
    struct frame_parser *in;  /* reads what the session reads */
    struct frame_parser *out; /* reads what it writes */
    enum stomp_version version;
    bool in_connected;
    bool browses;  /* has asked for it at least */
    bool soft;     /* said error-mode:soft: a body that is too long is no end */
    bool in_ended; /* nothing behind this frame is answered */
    bool out_connected;
    bool seen_error;
    size_t parsed;       /* of transport.out */
    struct buf receipts; /* asked for: each with a NUL behind it */
    size_t answered;     /* of receipts */
    unsigned generation;
};

struct mark {
    unsigned peer;
    unsigned generation;
    bool out;
};

struct fuzz {
    int64_t now_us;
    int64_t now_ms;
    struct session_config config;
    struct core_options options;
    struct policy_map *policies;
    struct store *store;
    bool is_fake;
    bool held, congested, failed, unreadable;
    struct core *core;
    struct peer peers[PEERS];
    struct peer *at;
    struct buf chunk; /* for at, not yet fed */
    struct mark marks[MARKS_MAX];
    unsigned mark_count;
};

/* --- the broker ------------------------------------------------------------
 */

static void
fuzz_on_committed(void *ctx, store_ticket ticket, enum store_result result,
                  const struct error *err)
{
    struct fuzz *fuzz = ctx;

    core_on_committed(fuzz->core, ticket, result, err);
}

static void
fuzz_on_wake(void *ctx)
{
    (void)ctx; /* every turn polls */
}

static void
fuzz_on_health(void *ctx, const struct error *err)
{
    (void)ctx;
    (void)err;
}

static struct policy *
fuzz_policy(struct fuzz *fuzz, enum destination_kind kind, const char *pattern)
{
    struct policy *policy = policy_new();
    struct policy *borrowed = policy;
    bool added =
        policy_map_add(fuzz->policies, kind, span_of_text(pattern), policy);

    assert(added);
    policy_unref(&policy);
    return borrowed;
}

static void
fuzz_policies(struct fuzz *fuzz)
{
    struct policy *policy;

    policy = fuzz_policy(fuzz, DESTINATION_TOPIC, "image.>");
    policy->recovery = &recovery_last_image;
    policy->topic_dispatch = &dispatch_round_robin;
    policy = fuzz_policy(fuzz, DESTINATION_TOPIC, "timed.>");
    policy->recovery = &recovery_timed;
    policy->recovery_parameters.duration_us = 2000000;
    policy->always_retroactive = true;
    policy->topic_prefetch = 1;
    policy->pending_limit = &pending_limit_constant;
    policy->pending_limit_parameters.limit = 2;
    policy->eviction = &eviction_oldest_lowest_priority;
    policy = fuzz_policy(fuzz, DESTINATION_QUEUE, "strict.>");
    policy->queue_dispatch = &dispatch_queue_strict_order;
    policy->queue_prefetch = 1;
    policy->prioritized_messages = true;
    policy = fuzz_policy(fuzz, DESTINATION_QUEUE, "dies.>");
    policy->redelivery.maximum = 0;
    policy->dead_letter = &dead_letter_individual;
    policy->advisories.consumed = true;
    policy->use_async_send = POLICY_ON;
    policy = fuzz_policy(fuzz, DESTINATION_TEMP_QUEUE, ">");
    policy->advisories.consumed = true;
}

static void
fuzz_open(struct fuzz *fuzz, uint8_t flags)
{
    struct store_options options = store_options_default;
    int opened;

    *fuzz = (struct fuzz){
        .now_us = 1000000,
        .now_ms = 1700000000000,
        .config = session_config_default,
        .options = core_options_default,
        .is_fake = (flags & 1) != 0,
    };
    fuzz->config.boot_id = "T";
    fuzz->config.transaction_ops_max = 8;
    fuzz->config.transactions_max = 3;
    fuzz->config.subscriptions_max = 8;
    if ((flags & 2) != 0) {
        fuzz->options.memory_bytes = 16 * 1024;
    }
    if ((flags & 4) != 0) {
        fuzz->options.queue_resident_bytes = 600;
        fuzz->options.prefetch_bytes = 100;
    }
    if ((flags & 8) != 0) {
        fuzz->config.out_high_bytes = 500;
        fuzz->config.out_low_bytes = 100;
    }
    fuzz->policies = policy_map_new();
    fuzz_policies(fuzz);
    options.committed = fuzz_on_committed;
    options.release = core_release_message;
    options.wake = fuzz_on_wake;
    options.health = fuzz_on_health;
    options.ctx = fuzz;
    opened = store_open(fuzz->is_fake ? &fake_store_engine : &store_memory,
                        &options, &fuzz->store, NULL);
    assert(opened == 0);
    fuzz->core = core_new(&fuzz->options, fuzz->policies, fuzz->store);
    core_time_set(fuzz->core, fuzz->now_us, fuzz->now_ms);
}

/* --- what goes out ----------------------------------------------------------
 */

/* As 1.0 sends it back: a CR is a blank there (D4), and those at the ends are
 * trimmed by whoever reads it. */
static struct span
peer_receipt_1_0(char *id, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        id[i] = id[i] == '\r' ? ' ' : id[i];
    }
    return header_line_trim(span_of(id, len));
}

/* As 1.1 sends it back: raw (V11-003), and who reads it takes a CR at the end
 * of the line for a part of that. */
static struct span
peer_receipt_1_1(char *id, size_t len)
{
    return span_of(id, len > 0 && id[len - 1] == '\r' ? len - 1 : len);
}

/* The next receipt that is to be answered; in 1.0 an empty one counts as
 * none.  Which version it is, CONNECTED says, so not before the answer. */
static struct span
peer_next_receipt(struct peer *peer)
{
    char *id;
    size_t len;

    do {
        assert(peer->receipts.len > peer->answered);
        id = peer->receipts.data + peer->answered;
        len = strlen(id);
        peer->answered += len + 1;
    } while (len == 0 && peer->version == STOMP_1_0);
    switch (peer->version) {
    case STOMP_1_0:
        return peer_receipt_1_0(id, len);
    case STOMP_1_1:
        return peer_receipt_1_1(id, len);
    default:
        return span_of(id, len);
    }
}

static void
peer_check_answer(struct peer *peer, struct span id)
{
    assert(span_equal(peer_next_receipt(peer), id));
}

static void
fuzz_check_mark(struct fuzz *fuzz, const struct peer *peer,
                const struct frame *frame)
{
    struct span text = frame_find(frame, span_of_text(mark_name));
    unsigned who = (unsigned)(peer - fuzz->peers);
    struct mark *mark;
    uint64_t n;

    if (text.data == NULL || frame_has(frame, HEADER_ORIGINAL_DESTINATION) ||
        !span_to_u64(text, &n) || peer->browses) {
        return; /* a browser sees what others get, too */
    }
    mark = &fuzz->marks[n];
    /* Twice only when it was given back, or the first one has gone. */
    assert(!mark->out || frame_has(frame, HEADER_REDELIVERED) ||
           fuzz->peers[mark->peer].generation != mark->generation);
    *mark = (struct mark){ .peer = who,
                           .generation = peer->generation,
                           .out = true };
}

static void
peer_check_frame(struct fuzz *fuzz, struct peer *peer,
                 const struct frame *frame)
{
    struct span id = frame_get(frame, HEADER_RECEIPT_ID);

    assert(!peer->seen_error);
    switch (frame->command) {
    case FRAME_CONNECTED:
        peer->out_connected = true;
        frame_parser_set_version(
            peer->out, version_negotiate(frame_get(frame, HEADER_VERSION)));
        break;
    case FRAME_RECEIPT:
        assert(id.data != NULL && frame->body.len == 0);
        peer_check_answer(peer, id);
        break;
    case FRAME_MESSAGE:
        assert(frame_has(frame, HEADER_MESSAGE_ID));
        assert(frame_has(frame, HEADER_DESTINATION));
        fuzz_check_mark(fuzz, peer, frame);
        break;
    case FRAME_ERROR:
        assert(frame_has(frame, HEADER_MESSAGE));
        if (id.data != NULL && peer->out_connected) {
            peer_check_answer(peer, id);
        }
        peer->seen_error = true;
        break;
    default:
        abort(); /* a client frame went out */
    }
}

static void
peer_check_output(struct fuzz *fuzz, struct peer *peer)
{
    struct error err = ERROR_INIT;
    const struct frame *frame;
    struct span rest;

    if (peer->transport.out.len == peer->parsed) {
        return;
    }
    rest = span_after(buf_span(&peer->transport.out), peer->parsed);
    peer->parsed = peer->transport.out.len;
    for (;;) {
        enum frame_parse outcome =
            frame_parser_feed(peer->out, &rest, &frame, &err);

        if (outcome == FRAME_PARSE_MORE) {
            break;
        }
        assert(outcome == FRAME_PARSE_FRAME);
        peer_check_frame(fuzz, peer, frame);
    }
    assert(!frame_parser_is_inside(peer->out));
    assert(!peer->seen_error || peer->transport.closed);
}

/* --- turns -------------------------------------------------------------------
 */

static void
fuzz_turn(struct fuzz *fuzz)
{
    core_time_set(fuzz->core, fuzz->now_us, fuzz->now_ms);
    for (int i = 0; i < 100 && core_turn(fuzz->core); i++) {
    }
    core_turn_end(fuzz->core);
    (void)store_flush(fuzz->store, fuzz->now_us);
    store_poll(fuzz->store);
    for (int i = 0; i < PEERS; i++) {
        peer_check_output(fuzz, &fuzz->peers[i]);
    }
}

static void
peer_flush(struct fuzz *fuzz, struct peer *peer, size_t bytes)
{
    fake_transport_flush(&peer->transport, bytes);
    session_on_flushed(peer->session, fuzz->now_us);
}

static void
peer_open(struct fuzz *fuzz, struct peer *peer)
{
    unsigned generation = peer->generation + 1;

    *peer = (struct peer){ .generation = generation };
    fake_transport_init(&peer->transport, &fuzz->now_us);
    peer->session = session_new(&fuzz->config, fuzz->core,
                                &peer->transport.base, fuzz->now_us);
    peer->in = frame_parser_new(&fuzz->config.limits_before_login);
    peer->out = frame_parser_new(&fuzz->config.limits);
}

static void
peer_close(struct fuzz *fuzz, struct peer *peer)
{
    peer_check_output(fuzz, peer);
    session_on_closed(peer->session, "fuzz", fuzz->now_us);
    peer_check_output(fuzz, peer);
    session_free(&peer->session);
    fake_transport_fini(&peer->transport);
    frame_parser_free(&peer->in);
    frame_parser_free(&peer->out);
    buf_fini(&peer->receipts);
}

/* --- what comes in
 * ------------------------------------------------------------ */

static void
peer_note_receipt(struct peer *peer, const struct frame *frame)
{
    struct span id = frame_get(frame, HEADER_RECEIPT);

    if (id.data != NULL) {
        buf_append_span(&peer->receipts, id);
        buf_append_char(&peer->receipts, '\0');
    }
}

/* Reads along with the session: what has a `receipt`. */
static void
peer_note_input(const struct fuzz *fuzz, struct peer *peer, struct span bytes)
{
    struct error err = ERROR_INIT;
    const struct frame *frame;

    while (!peer->in_ended) {
        enum frame_parse outcome =
            frame_parser_feed(peer->in, &bytes, &frame, &err);

        if (outcome == FRAME_PARSE_MORE) {
            return;
        }
        if (outcome != FRAME_PARSE_FRAME) {
            peer_note_receipt(peer, frame_parser_rejected(peer->in));
            if (peer->soft && frame_parser_can_skip(peer->in)) {
                frame_parser_skip(peer->in);
                err = ERROR_INIT;
            } else {
                peer->in_ended = true;
            }
        } else if (peer->in_connected) {
            peer_note_receipt(peer, frame);
            peer->browses |= frame->command == FRAME_SUBSCRIBE &&
                             frame_has(frame, HEADER_BROWSER);
        } else {
            peer->version =
                version_negotiate(frame_get(frame, HEADER_ACCEPT_VERSION));
            frame_parser_set_version(peer->in, peer->version);
            frame_parser_set_limits(peer->in, &fuzz->config.limits);
            peer->in_connected = frame->command == FRAME_CONNECT ||
                                 frame->command == FRAME_STOMP;
            peer->in_ended = !peer->in_connected;
            peer->soft =
                span_equal(frame_find(frame, SPAN("error-mode")), SPAN("soft"));
        }
    }
}

static void
fuzz_feed(struct fuzz *fuzz)
{
    struct peer *peer = fuzz->at;

    if (fuzz->chunk.len > 0 && !peer->transport.paused &&
        !peer->transport.closed) {
        peer->transport.base.last_read_us = fuzz->now_us;
        peer_note_input(fuzz, peer, buf_span(&fuzz->chunk));
        session_feed(peer->session, buf_span(&fuzz->chunk), fuzz->now_us);
    }
    buf_clear(&fuzz->chunk);
}

/* A message that is looked for in what goes out. */
static void
fuzz_send_mark(struct fuzz *fuzz)
{
    struct message_facts facts = { .priority = 4,
                                   .persistent = fuzz->mark_count % 2 == 0 };
    struct send_options options = { .wait = false };
    struct destination *dest;
    struct message *msg;
    store_ticket ticket;
    char headers[64];

    if (fuzz->mark_count == MARKS_MAX) {
        return;
    }
    (void)snprintf(headers, sizeof(headers), "destination:/queue/q\n%s:%u\n",
                   mark_name, fuzz->mark_count++);
    msg = message_new(core_quota(fuzz->core), &facts, span_of_text(headers),
                      SPAN_NONE, SPAN("body"));
    (void)core_destination(fuzz->core, NULL, DESTINATION_QUEUE, SPAN("q"), true,
                           &dest);
    (void)core_send(fuzz->core, dest, msg, &options, &ticket);
    message_unref(&msg);
}

static void
fuzz_on_finding(void *ctx, const struct session_finding *finding)
{
    (void)ctx;
    assert(finding->code[0] != '\0' && finding->text[0] != '\0' &&
           finding->advice[0] != '\0');
}

static void
fuzz_sleep(struct fuzz *fuzz, int64_t us)
{
    fuzz->now_us += us;
    fuzz->now_ms += us / 1000;
    core_time_set(fuzz->core, fuzz->now_us, fuzz->now_ms);
    for (int i = 0; i < PEERS; i++) {
        struct peer *peer = &fuzz->peers[i];

        if (peer->transport.due_us <= fuzz->now_us && !peer->transport.closed) {
            peer->transport.due_us = INT64_MAX;
            session_on_timer(peer->session, fuzz->now_us);
        }
        session_diagnose(peer->session, fuzz->now_us, us, fuzz_on_finding,
                         NULL);
    }
    core_sweep(fuzz->core);
}

/* What the disk does. */
static void
fuzz_store_op(struct fuzz *fuzz, uint8_t op)
{
    switch (op) {
    case 'H':
        fuzz->held = !fuzz->held;
        fake_store_hold(fuzz->store, fuzz->held);
        break;
    case 'C':
        fuzz->congested = !fuzz->congested;
        fake_store_set_congested(fuzz->store, fuzz->congested);
        break;
    case 'E':
        fuzz->failed = !fuzz->failed;
        fake_store_set_failure(fuzz->store, fuzz->failed ? "full" : NULL);
        break;
    case 'P':
        fuzz->unreadable = !fuzz->unreadable;
        fake_store_fail_fetches(fuzz->store, fuzz->unreadable);
        break;
    case 'e':
        (void)fake_store_end(fuzz->store, NULL);
        break;
    case 'x':
        (void)fake_store_end(fuzz->store, "full");
        break;
    default:
        break;
    }
}

static void
fuzz_op(struct fuzz *fuzz, uint8_t op, uint8_t operand)
{
    switch (op) {
    case '0':
    case '1':
    case '2':
    case '3':
        fuzz->at = &fuzz->peers[op - '0'];
        break;
    case 'k': /* the connection breaks */
        peer_close(fuzz, fuzz->at);
        peer_open(fuzz, fuzz->at);
        break;
    case 'f':
        peer_flush(fuzz, fuzz->at, (size_t)operand * 8);
        break;
    case 's':
        fuzz_sleep(fuzz, (int64_t)operand * operand * 10000);
        break;
    case 'm':
        fuzz_send_mark(fuzz);
        break;
    default: /* 't': only the turn */
        if (fuzz->is_fake) {
            fuzz_store_op(fuzz, op);
        }
        break;
    }
    fuzz_turn(fuzz);
}

static void
fuzz_run(struct fuzz *fuzz, const uint8_t *data, size_t size)
{
    for (int i = 0; i < PEERS; i++) {
        peer_open(fuzz, &fuzz->peers[i]);
    }
    fuzz->at = &fuzz->peers[0];
    for (size_t i = 0; i < size; i++) {
        if (data[i] != OP_MARK || i + 1 == size) {
            buf_append_char(&fuzz->chunk, (char)data[i]);
            continue;
        }
        fuzz_feed(fuzz);
        i++;
        fuzz_op(fuzz, data[i], i + 1 < size ? data[i + 1] : 0);
    }
    fuzz_feed(fuzz);
    fuzz_turn(fuzz);
}

static void
fuzz_close(struct fuzz *fuzz)
{
    for (int i = 0; i < PEERS; i++) {
        peer_close(fuzz, &fuzz->peers[i]);
    }
    core_close(fuzz->core);
    store_close(&fuzz->store);
    core_free(&fuzz->core); /* asserts that nothing is charged */
    policy_map_free(&fuzz->policies);
    buf_fini(&fuzz->chunk);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz fuzz;

    if (size < 2 || memmem(data, size, mark_name, sizeof(mark_name) - 1)) {
        return 0;
    }
    log_set_level(LOG_LEVEL_ERROR);
    fuzz_open(&fuzz, data[0]);
    fuzz_run(&fuzz, data + 1, size - 1);
    fuzz_close(&fuzz);
    return 0;
}
