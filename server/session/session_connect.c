/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CONNECT, STOMP and DISCONNECT.
 * Source: STOMP 1.2, "Connecting", "Heart-beating", "DISCONNECT"; stomp.md
 * V12-100..140, I3, I5, I8, I11, I16, I25, I27.
 */
#include "server/session/session_private.h"

#include "base/alloc.h"
#include "protocol/frame_encoder.h"
#include "server/log.h"

#include <stdio.h>

/* No shorter beats than this: a client that asks for 1 ms would cost a timer
 * and a write for every one of them. */
enum { CONNECT_BEAT_MIN_MS = 100 };

static void
connect_write_connected(struct session *session, const struct frame *frame)
{
    const struct version_rules *rules = version_rules(session->version);
    const struct session_config *config = session->config;
    struct frame_encoder encoder;
    struct buf *out = &session->scratch;
    struct span request = frame_find(frame, SPAN("request-id"));
    char beats[32];

    buf_clear(out);
    frame_encoder_begin(&encoder, out, FRAME_CONNECTED, session->version, 0);
    frame_encoder_header(&encoder, SPAN("version"), span_of_text(rules->text));
    frame_encoder_header(&encoder, SPAN("session"),
                         span_of(session->name, session->name_len));
    frame_encoder_header(&encoder, SPAN("server"),
                         span_of_text(config->server_header));
    if (rules->heart_beats) {
        (void)snprintf(beats, sizeof(beats), "%u,%u", session->beat_send_ms,
                       session->beat_receive_ms);
        frame_encoder_header(&encoder, SPAN("heart-beat"), span_of_text(beats));
    }
    if (session->soft_errors) {
        frame_encoder_header(&encoder, SPAN("error-mode"), SPAN("soft"));
    }
    if (frame_has(frame, HEADER_RECEIPT)) {
        frame_encoder_header(&encoder, SPAN("receipt-id"),
                             frame_get(frame, HEADER_RECEIPT));
    }
    if (request.data != NULL) { /* NMS finds its answer by it (I26) */
        frame_encoder_header(&encoder, SPAN("response-id"), request);
    }
    frame_encoder_end(&encoder, SPAN_NONE);
    session_write(session, buf_span(out));
}

/* False after an ERROR. */
static bool
connect_negotiate_version(struct session *session, const struct frame *frame)
{
    struct span offered = frame_get(frame, HEADER_ACCEPT_VERSION);

    session->version = version_negotiate(offered);
    if (session->version == STOMP_NONE) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "no common version",
                      "accept-version was \"%s\"; supported versions are "
                      "1.0, 1.1 and 1.2",
                      SESSION_TEXT(offered));
        return false;
    }
    return true;
}

/* Of two directions each: our own figure, or the client's when it is shorter,
 * so that who asks for quick beats gets them. */
static uint32_t
connect_offer_beat(uint32_t ours_ms, uint32_t theirs_ms)
{
    if (ours_ms == 0 || theirs_ms == 0 || theirs_ms >= ours_ms) {
        return ours_ms;
    }
    return theirs_ms > CONNECT_BEAT_MIN_MS ? theirs_ms : CONNECT_BEAT_MIN_MS;
}

static bool
connect_negotiate_beats(struct session *session, const struct frame *frame)
{
    const struct session_config *config = session->config;
    struct span offered = frame_get(frame, HEADER_HEART_BEAT);
    uint32_t sends;
    uint32_t wants;

    if (!version_rules(session->version)->heart_beats) {
        return true;
    }
    if (!heartbeat_parse(offered, &sends, &wants)) {
        session_error(session, frame, TRANSPORT_CLOSE_PROTOCOL,
                      "bad heart-beat",
                      "heart-beat was \"%s\"; expected two numbers of "
                      "milliseconds with one comma, such as 10000,10000",
                      SESSION_TEXT(offered));
        return false;
    }
    session->beat_send_ms =
        connect_offer_beat(config->heartbeat_send_ms, wants);
    session->beat_receive_ms =
        connect_offer_beat(config->heartbeat_receive_ms, sends);
    session->heartbeat = heartbeat_negotiate(
        sends, wants, session->beat_send_ms, session->beat_receive_ms);
    return true;
}

static void
connect_take_async_send(struct session *session, const struct frame *frame)
{
    static const enum header_id names[] = { HEADER_USE_ASYNC_SEND,
                                            HEADER_JMS_USE_ASYNC_SEND };
    struct span value = session_header_any(frame, names, 2);

    if (value.data != NULL) {
        session->use_async_send = span_is_true(value) ? POLICY_ON : POLICY_OFF;
    }
}

/* durable.takeOver deny: whoever uses a durable subscription of that client-id
 * keeps the client-id too. */
static bool
connect_check_client_id(struct session *session, const struct frame *frame)
{
    struct span client_id = frame_get(frame, HEADER_CLIENT_ID);
    const struct client *user;

    if (session->config->durable_take_over != DURABLE_DENY ||
        client_id.len == 0) {
        return true;
    }
    user = core_durable_user(session->core, client_id);
    if (user == NULL) {
        return true;
    }
    session_error(session, frame, TRANSPORT_CLOSE_POLICY, "client-id in use",
                  "client-id \"%s\" has a durable subscription in use by "
                  "connection %s from %s: disconnect that first, use another "
                  "client-id, or set durable.takeOver to new-wins",
                  SESSION_TEXT(client_id), user->name, user->peer);
    return false;
}

void
session_connect(struct session *session, const struct frame *frame)
{
    struct transport *transport = session->transport;
    struct span login = frame_get(frame, HEADER_LOGIN);
    struct span client_id = frame_get(frame, HEADER_CLIENT_ID);

    if (!connect_negotiate_version(session, frame) ||
        !connect_negotiate_beats(session, frame) ||
        !connect_check_client_id(session, frame)) {
        return;
    }
    connect_take_async_send(session, frame);
    session_note_offer(session, frame);
    if (login.data != NULL) {
        session->login = xstrndup(login.data, login.len);
    }
    if (client_id.data != NULL) {
        session->client_id = xstrndup(client_id.data, client_id.len);
        session->client.client_id = session->client_id;
    }
    session->state = SESSION_CONNECTED;
    frame_parser_set_version(session->parser, session->version);
    frame_parser_set_limits(session->parser, &session->config->limits);
    transport->last_read_us = session->now_us;
    transport->last_write_us = session->now_us;
    session->soft_errors =
        span_equal(frame_get(frame, HEADER_ERROR_MODE), SPAN("soft"));
    connect_write_connected(session, frame);
    session_timer_arm(session);
    core_client_connected(&session->client);
    log_event(LOG_LEVEL_INFO, "session", "connected",
              "id=%s peer=%s transport=%s user=%s client-id=%s "
              "version=%s heart-beat=%s",
              session->name, transport->peer, transport->kind,
              session->login != NULL ? LOG_WORD(login) : "-",
              client_id.data != NULL ? LOG_WORD(client_id) : "-",
              version_rules(session->version)->text,
              LOG_WORD(frame_get(frame, HEADER_HEART_BEAT)));
}

void
session_disconnect(struct session *session, const struct frame *frame)
{
    session_set_reason(session, "DISCONNECT");
    session_receipt(session, frame, 0);
    session_close(session, TRANSPORT_CLOSE_NORMAL);
}
