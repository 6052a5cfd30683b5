/* SPDX-License-Identifier: Apache-2.0 */
#include "server/session/session.h"

#include "base/alloc.h"
#include "server/log.h"
#include "server/session/session_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

const struct session_config session_config_default = {
    .limits_before_login = { .command_bytes = 1024,
                             .header_bytes = 16 * 1024,
                             .headers_bytes = 32 * 1024,
                             .header_count = 64,
                             .body_bytes = 64 * 1024 },
    .limits = { .command_bytes = 1024,
                .header_bytes = 64 * 1024,
                .headers_bytes = 256 * 1024,
                .header_count = 256,
                .body_bytes = 16 * 1024 * 1024 },
    .login_timeout_us = 10 * 1000000,
    .heartbeat_send_ms = 10000,
    .heartbeat_receive_ms = 10000,
    .transactions_max = 16,
    .transaction_ops_max = 1024,
    .transaction_bytes_max = 16 * 1024 * 1024,
    .transaction_age_us = 60 * 1000000,
    .subscriptions_max = 10000,
    .out_high_bytes = 2 * 1024 * 1024,
    .out_low_bytes = 512 * 1024,
    .boot_id = "local",
    .server_header = "stompd",
};

/* A scratch buffer larger than this is not kept between feeds. */
enum { SESSION_SCRATCH_KEEP = 512 };

/* Which command may come in which state; the session checks once, handlers
 * assume.  Source: STOMP 1.2, "Client Frames". */
struct command_rule {
    session_command_fn *handle;
    bool before_connect;
    bool after_connect;
    bool has_body;
    enum stomp_version since;
};

static const struct command_rule command_rules[FRAME_COMMAND_COUNT] = {
    [FRAME_CONNECT] = { session_connect, true, false, false, STOMP_1_0 },
    [FRAME_STOMP] = { session_connect, true, false, false, STOMP_1_0 },
    [FRAME_SEND] = { session_send, false, true, true, STOMP_1_0 },
    [FRAME_SUBSCRIBE] = { session_subscribe, false, true, false, STOMP_1_0 },
    [FRAME_UNSUBSCRIBE] = { session_unsubscribe, false, true, false,
                            STOMP_1_0 },
    [FRAME_ACK] = { session_ack, false, true, false, STOMP_1_0 },
    [FRAME_NACK] = { session_nack, false, true, false, STOMP_1_0 },
    [FRAME_BEGIN] = { session_begin, false, true, false, STOMP_1_0 },
    [FRAME_COMMIT] = { session_commit, false, true, false, STOMP_1_0 },
    [FRAME_ABORT] = { session_abort, false, true, false, STOMP_1_0 },
    [FRAME_DISCONNECT] = { session_disconnect, false, true, false, STOMP_1_0 },
};

/* The client hears why before it is cut: an ERROR when the connection goes, a
 * last MESSAGE of the subscription when only that does (W3). */
static void __attribute__((cold))
session_on_ended(void *ctx, struct subscription *sub, const char *why,
                 const char *reason, bool connection)
{
    struct session *session = ctx;

    if (connection) {
        session_error(session, NULL, TRANSPORT_CLOSE_POLICY, why, "%s", reason);
    } else {
        session_end_subscription(session, sub->ctx, why, reason);
    }
}

const struct client_ops session_client_ops = {
    .ended = session_on_ended,
    .browsed = session_browsed,
    .deliver = session_deliver,
    .stored = session_on_stored,
    .resume = session_resume,
};

static void
session_make_name(struct session *session)
{
    int len =
        snprintf(session->name, sizeof(session->name), "%s-%llu",
                 session->config->boot_id,
                 (unsigned long long)core_connection_number(session->core));

    assert(len > 0 && (size_t)len < sizeof(session->name));
    session->name_len = (size_t)len;
}

struct session *
session_new(const struct session_config *config, struct core *core,
            struct transport *transport, int64_t now_us)
{
    struct session *session = xcalloc(1, sizeof(*session));

    session->config = config;
    session->opened_us = now_us;
    session->core = core;
    session->transport = transport;
    session->parser = frame_parser_new(&config->limits_before_login);
    session->login_due_us = now_us + config->login_timeout_us;
    session_make_name(session);
    core_client_open(core, &session->client, &session_client_ops, session);
    session->client.name = session->name;
    session->client.peer = transport->peer;
    transport->ops->timer_set(transport, session->login_due_us);
    return session;
}

void
session_free(struct session **session)
{
    struct session *gone = *session;

    *session = NULL;
    if (gone == NULL) {
        return;
    }
    assert(gone->closed);
    frame_parser_free(&gone->parser);
    ack_ledger_fini(&gone->ledger);
    sent_queue_fini(&gone->sent);
    for (int i = 0; i < SESSION_DESTINATIONS; i++) {
        free(gone->destinations[i].text);
    }
    buf_fini(&gone->scratch);
    buf_fini(&gone->name_buf);
    session_hold_drop(gone);
    free(gone->login);
    free(gone->client_id);
    free(gone->reason);
    free(gone->last_error);
    free(gone->offer.agent);
    free(gone);
}

bool
session_is_answering(const struct session *session)
{
    return session->replies != NULL;
}

const char *
session_name(const struct session *session)
{
    return session->name;
}

static void __attribute__((cold))
session_refuse_command(struct session *session, const struct frame *frame)
{
    if (frame->command == FRAME_UNKNOWN || frame->command >= FRAME_CONNECTED) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "unknown command",
                      "%s is not a command that a client may send; expected "
                      "SEND, SUBSCRIBE, UNSUBSCRIBE, ACK, NACK, BEGIN, COMMIT, "
                      "ABORT or DISCONNECT, in capitals",
                      SESSION_LINE(frame->command_text));
    } else if (session->state == SESSION_NEW) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL, "not connected",
                      "%s came before CONNECT; the first frame of a "
                      "connection must be CONNECT or STOMP",
                      SESSION_TEXT(frame->command_text));
    } else {
        session->soft_errors = false; /* whose session would it be? */
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "already connected",
                      "a second %s came on this connection; one connection "
                      "has one session",
                      SESSION_TEXT(frame->command_text));
    }
}

void
session_on_frame(struct session *session, const struct frame *frame)
{
    const struct command_rule *rule = &command_rules[frame->command];
    bool allowed = session->state == SESSION_NEW ? rule->before_connect
                                                 : rule->after_connect;

    if (session_hold(session, frame)) {
        return;
    }
    session->frames_in++;
    session->counts.messages_in += frame->command == FRAME_SEND;
    if (rule->handle == NULL || !allowed) {
        session_refuse_command(session, frame);
        return;
    }
    if (!rule->has_body && frame->body.len > 0 &&
        session->version != STOMP_1_0) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "unexpected body",
                      "a %s frame must not have a body, this one has %zu "
                      "bytes; only SEND has one",
                      SESSION_TEXT(frame->command_text), frame->body.len);
        return;
    }
    if (session->soft_errors && session_soft_subscription(session, frame)) {
        return;
    }
    rule->handle(session, frame);
}

void
session_refuse_too_big(struct session *session, const struct frame *frame,
                       const char *fault)
{
    session_error(session, frame, TRANSPORT_CLOSE_TOO_BIG, "frame too big",
                  "%s", fault);
}

static void __attribute__((cold))
session_on_bad_frame(struct session *session, enum frame_parse outcome,
                     const struct error *err)
{
    const struct frame *frame = frame_parser_rejected(session->parser);

    /* Only of a body that is too long it is known where it ends. */
    if (session->soft_errors && frame_parser_can_skip(session->parser)) {
        if (!session_hold_too_big(session, frame, err->text)) {
            session_refuse_too_big(session, frame, err->text);
        }
        if (session->state == SESSION_CONNECTED) {
            frame_parser_skip(session->parser);
        }
        return;
    }
    session_hold_force(session); /* what came before it, counts */
    session->soft_errors = false;
    if (outcome == FRAME_PARSE_TOO_BIG) {
        session_refuse_too_big(session, frame, err->text);
    } else {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "malformed frame", "%s", err->text);
    }
}

void
session_feed(struct session *session, struct span bytes, int64_t now_us)
{
    struct error err = ERROR_INIT;
    const struct frame *frame;

    session->now_us = now_us;
    core_time_advance(session->core, now_us);
    while (session->state != SESSION_CLOSING) {
        enum frame_parse outcome =
            frame_parser_feed(session->parser, &bytes, &frame, &err);

        if (outcome == FRAME_PARSE_MORE) {
            break;
        }
        if (outcome == FRAME_PARSE_FRAME) {
            session_on_frame(session, frame);
        } else {
            session_on_bad_frame(session, outcome, &err);
            err = ERROR_INIT; /* it may have been one of several */
        }
    }
    if (session->scratch.capacity > SESSION_SCRATCH_KEEP) {
        buf_fini(&session->scratch);
    }
}

void
session_on_flushed(struct session *session, int64_t now_us)
{
    const struct transport *transport = session->transport;

    session->now_us = now_us;
    session_settle(session, transport->flushed_bytes);
    if (session->client.congested &&
        transport->queued_bytes - transport->flushed_bytes <=
            session->config->out_low_bytes) {
        core_client_congested(&session->client, false);
    }
}

/* The earliest of the session's clocks. */
static int64_t
session_timer_due(const struct session *session)
{
    const struct transport *transport = session->transport;
    int64_t transaction_due = INT64_MAX;
    int64_t send_due;
    int64_t receive_due;

    if (session->state == SESSION_NEW) {
        return session->login_due_us;
    }
    send_due =
        heartbeat_send_due(&session->heartbeat, transport->last_write_us);
    if (session->holding && session->hold_due_us < send_due) {
        send_due = session->hold_due_us;
    }
    if (session->pauses != 0) {
        return send_due;
    }
    if (session->transactions != NULL) {
        transaction_due = session->transactions->begun_us +
                          session->config->transaction_age_us;
    }
    receive_due =
        heartbeat_receive_due(&session->heartbeat, transport->last_read_us);
    receive_due = receive_due < transaction_due ? receive_due : transaction_due;
    return send_due < receive_due ? send_due : receive_due;
}

void
session_timer_arm(struct session *session)
{
    if (session->closed) {
        return;
    }
    session->transport->ops->timer_set(session->transport,
                                       session_timer_due(session));
}

static void __attribute__((cold))
session_on_silence(struct session *session, int64_t now_us)
{
    session_error(
        session, NULL, TRANSPORT_CLOSE_POLICY, "no heart-beat",
        "nothing came from this client for %lld ms, it had promised "
        "something at least every %lld ms",
        (long long)((now_us - session->transport->last_read_us) / 1000),
        (long long)(session->heartbeat.receive_us / 1000));
}

/* A transaction that is left open too long is aborted with its session: it
 * holds memory and deliveries of others. */
static bool
session_has_stale_transaction(const struct session *session)
{
    return session->transactions != NULL && session->pauses == 0 &&
           session->now_us - session->transactions->begun_us >=
               session->config->transaction_age_us;
}

void
session_on_timer(struct session *session, int64_t now_us)
{
    struct transport *transport = session->transport;

    session->now_us = now_us;
    if (session->state == SESSION_CLOSING) {
        return;
    }
    if (session->state == SESSION_NEW) {
        if (now_us >= session->login_due_us) {
            session_error(
                session, NULL, TRANSPORT_CLOSE_POLICY, "login timeout",
                "no CONNECT frame came within %lld seconds",
                (long long)(session->config->login_timeout_us / 1000000));
            return;
        }
    } else if (session->pauses == 0 && /* else we do not listen */
               now_us >= heartbeat_receive_due(&session->heartbeat,
                                               transport->last_read_us)) {
        session_on_silence(session, now_us);
        return;
    }
    if (session->holding && now_us >= session->hold_due_us) {
        session_hold_expired(session);
        return;
    }
    while (session->soft_errors && session_has_stale_transaction(session)) {
        session_soft_drop_stale(session);
    }
    if (session_has_stale_transaction(session)) {
        session_error(
            session, NULL, TRANSPORT_CLOSE_POLICY, "transaction too old",
            "a transaction was left open for more than %lld seconds",
            (long long)(session->config->transaction_age_us / 1000000));
        return;
    }
    if (now_us >=
        heartbeat_send_due(&session->heartbeat, transport->last_write_us)) {
        transport->ops->beat(transport);
        transport->last_write_us = now_us; /* asked for; the flush follows */
    }
    session_timer_arm(session);
}

void
session_on_closed(struct session *session, const char *reason, int64_t now_us)
{
    const struct transport *transport = session->transport;

    assert(!session->closed);
    session->now_us = now_us;
    session->closed = true;
    session_hold_finish(session);
    session->state = SESSION_CLOSING;
    session_settle(session, transport->flushed_bytes);
    session->counts.returned += session->client.unacked_count;
    session_unsend(session);
    session_transactions_drop(session);
    session_replies_drop(session);
    ack_ledger_fini(&session->ledger);
    core_client_close(&session->client);
    session_subscriptions_drop(session);
    session_log_closed(session, reason);
}

void
session_refuse(struct session *session, enum transport_close how,
               const char *message, const char *details)
{
    if (session->state != SESSION_CLOSING) {
        session_error(session, NULL, how, message, "%s",
                      details != NULL ? details : message);
    }
}

struct span
session_header_any(const struct frame *frame, const enum header_id *ids,
                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (frame_has(frame, ids[i])) {
            return frame_get(frame, ids[i]);
        }
    }
    return SPAN_NONE;
}
