/* SPDX-License-Identifier: Apache-2.0 */
#include "server/session/session_doctor.h"

#include "server/session/session_doctor_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DOCTOR_TEXT_BYTES = 1024 };

static long long
doctor_seconds(int64_t us)
{
    return (long long)(us / 1000000);
}

void
doctor_find(const struct doctor *doctor, const char *code, const char *advice,
            const char *fmt, ...)
{
    char text[DOCTOR_TEXT_BYTES];
    struct session_finding finding = { code, text, advice };
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    doctor->fn(doctor->ctx, &finding);
}

const char *
doctor_name(const struct destination *dest, char *text)
{
    struct buf name = BUF_INIT;

    buf_append_span(&name, destination_name_prefix(dest->kind));
    buf_append_span(&name, destination_name_get(dest));
    (void)secret_escape(buf_span(&name), text, DOCTOR_NAME_BYTES);
    buf_fini(&name);
    return text;
}

/* --- what was negotiated -------------------------------------------------- */

static void
doctor_check_connect(const struct doctor *doctor)
{
    if ((doctor->view.state & SESSION_IS_NEW) != 0 &&
        doctor->view.open_us >= doctor->patience_us) {
        doctor_find(doctor, "no-connect",
                    "Send CONNECT as the first frame, and end it with an empty "
                    "line and a NUL.",
                    "No CONNECT frame has come for %lld s, %llu bytes have.",
                    doctor_seconds(doctor->view.open_us),
                    (unsigned long long)doctor->view.transport->received_bytes);
    }
}

static void
doctor_check_subprotocol(const struct doctor *doctor)
{
    const struct transport *transport = doctor->view.transport;

    if (strcmp(transport->kind, "ws") != 0 || transport->subprotocol != NULL) {
        return;
    }
    doctor_find(
        doctor, "no-subprotocol",
        "Offer v12.stomp, v11.stomp and v10.stomp when the WebSocket is "
        "opened; some gateways and client libraries fall back to STOMP 1.0 "
        "without.",
        "The WebSocket client offered %s.",
        transport->subprotocol_offered
            ? "only subprotocols (Sec-WebSocket-Protocol) that are not STOMP's"
            : "no subprotocol (Sec-WebSocket-Protocol)");
}

static void
doctor_check_version(const struct doctor *doctor)
{
    const struct session_view *view = &doctor->view;

    if (strcmp(view->version, "1.0") != 0) {
        return;
    }
    doctor_find(doctor, "version-1.0",
                "Send accept-version:1.2 (or 1.0,1.1,1.2) with CONNECT.",
                "STOMP 1.0 was agreed, as the client %s: no heart-beats, no "
                "NACK, and no escapes in headers.",
                view->has_accept_version
                    ? "offered nothing newer in accept-version"
                    : "sent no accept-version");
}

/* Only a client that said so can be missed. */
static void
doctor_check_silence(const struct doctor *doctor)
{
    const struct session_view *view = &doctor->view;

    if ((view->state & SESSION_IS_NEW) != 0 || view->receive_us > 0 ||
        view->read_idle_us < doctor->patience_us) {
        return;
    }
    doctor_find(doctor, "no-heart-beat",
                "Let the client send heart-beats (heart-beat:10000,10000 with "
                "CONNECT, in STOMP 1.1 or 1.2), so that a broken connection is "
                "noticed.",
                "Nothing has come from the client for %lld s, and it promised "
                "no heart-beats (%s%u,%u): if it is gone, nobody can tell.",
                doctor_seconds(view->read_idle_us),
                view->has_heart_beat ? "heart-beat:" : "no such header, so ",
                view->client_sends_ms, view->client_wants_ms);
}

static void
doctor_check_late(const struct doctor *doctor)
{
    const struct session_view *view = &doctor->view;
    const struct session *session = doctor->session;

    if (view->receive_us == 0 || session->pauses != 0 ||
        view->read_idle_us <= view->receive_us) {
        return;
    }
    doctor_find(
        doctor, "late-heart-beat",
        "Look for a client that is too busy to send, a proxy that "
        "keeps small packets back, or a browser tab in the background.",
        "Nothing has come from the client for %lld ms, it promised "
        "something every %lld ms; it will be cut at %lld ms.",
        (long long)(view->read_idle_us / 1000),
        (long long)(view->receive_us / 1000),
        (long long)((heartbeat_receive_due(&session->heartbeat, 0)) / 1000));
}

/* --- its output and its sends --------------------------------------------- */

static const char *
doctor_held_code(enum core_room room)
{
    switch (room) {
    case CORE_ROOM_DEST_MEMORY:
        return "held-by-memory-limit";
    case CORE_ROOM_DEST_STORE:
        return "held-by-store-limit";
    case CORE_ROOM_DEST_TEMP:
        return "held-by-temp-limit";
    case CORE_ROOM_STORE:
    case CORE_ROOM_TEMP:
    case CORE_ROOM_WRITES:
    case CORE_ROOM_DISK:
        return "held-by-store";
    case CORE_ROOM_ENOUGH:
    case CORE_ROOM_MEMORY:
        break;
    }
    return "held-by-broker";
}

static void
doctor_check_held(const struct doctor *doctor)
{
    const struct session *session = doctor->session;
    const struct core_lack *lack = &session->client.lack;
    struct error why = ERROR_INIT;
    char name[DOCTOR_NAME_BYTES] = "a destination that is gone";

    if (!session->holding) {
        return;
    }
    core_lack_explain(session->core, lack, &why);
    if (lack->dest != NULL) {
        (void)doctor_name(lack->dest, name);
    }
    doctor_find(doctor, doctor_held_code(lack->room),
                "Make room as it says; set sendFailIfNoSpace in the policy if "
                "the client should hear of it at once.",
                "Its SEND to %s has waited for %lld s: %s.", name,
                doctor_seconds(doctor->now_us - session->held_since_us),
                why.text);
}

static void
doctor_check_congested(const struct doctor *doctor)
{
    const struct session_view *view = &doctor->view;
    bool stalled =
        view->unsent_bytes > 0 && view->write_idle_us >= doctor->patience_us;

    if (!doctor->session->client.congested && !stalled) {
        return;
    }
    doctor_find(doctor, "reads-too-slowly",
                "Look for a client that works while it should read, or a slow "
                "line; a smaller prefetch leaves messages for others.",
                "The client reads too slowly: %llu bytes wait to be sent, and "
                "it has taken nothing for %lld s.",
                (unsigned long long)view->unsent_bytes,
                doctor_seconds(view->write_idle_us));
}

static void
doctor_check_unheard(const struct doctor *doctor,
                     const struct destination *dest)
{
    bool queue = destination_kind_is_queue(dest->kind);
    char name[DOCTOR_NAME_BYTES];

    if (dest->attachment_count > 0 || dest->route != NULL) {
        return; /* heard, or its copies are */
    }
    doctor_find(doctor, queue ? "queue-without-consumer" : "topic-unheard",
                queue ? "Start a consumer, or look for one that subscribed to "
                        "another name or to a topic."
                      : "Subscribe before sending; use a queue, or a "
                        "subscriptionRecoveryPolicy, for messages that are to "
                        "wait.",
                queue ? "It sends to %s, from which nobody consumes: its "
                        "messages pile up."
                      : "It sends to %s, to which nobody has subscribed: its "
                        "messages reach nobody.",
                doctor_name(dest, name));
}

static void
doctor_check_sends(const struct doctor *doctor)
{
    const struct session *session = doctor->session;
    uint64_t epoch = core_destinations_epoch(session->core);

    for (int i = 0; i < SESSION_DESTINATIONS; i++) {
        const struct session_destination *sent = &session->destinations[i];

        if (sent->dest != NULL && sent->epoch == epoch) {
            doctor_check_unheard(doctor, sent->dest);
        }
    }
}

/* --- what it does --------------------------------------------------------- */

static void
doctor_check_errors(const struct doctor *doctor)
{
    const struct session *session = doctor->session;

    if (session->counts.errors > 0) {
        doctor_find(
            doctor, "errors",
            "The log of the broker has a line for each (session: "
            "refused); the client got an ERROR.",
            "%u of its frames were refused; what was wrong with the last: %s.",
            session->counts.errors, session->last_error);
    }
}

static void
doctor_check_acks(const struct doctor *doctor)
{
    unsigned long long idle = doctor->session->counts.acks_idle;
    unsigned long long all = doctor->view.acks + doctor->view.nacks;

    if (idle > 0) {
        doctor_find(doctor, "idle-acks",
                    "Acknowledge each MESSAGE once, and only what came to a "
                    "subscription with ack:client or client-individual.",
                    "%llu of its %llu ACK and NACK frames named messages that "
                    "were acknowledged before, or came in auto mode: they had "
                    "no effect.",
                    idle, all);
    }
}

static void
doctor_check_transaction(const struct doctor *doctor)
{
    const struct session_transaction *tx = doctor->session->transactions;

    if (tx != NULL && doctor->now_us - tx->begun_us >= doctor->patience_us) {
        doctor_find(doctor, "open-transaction",
                    "COMMIT or ABORT it: what is in it has not been sent or "
                    "acknowledged yet, and it ends the connection when it gets "
                    "too old.",
                    "Transaction \"%s\" has been open for %lld s.",
                    SESSION_TEXT(span_of(tx->id, tx->id_len)),
                    doctor_seconds(doctor->now_us - tx->begun_us));
    }
}

static doctor_check_fn *const doctor_checks[] = {
    doctor_check_connect,   doctor_check_subprotocol, doctor_check_version,
    doctor_check_silence,   doctor_check_late,        doctor_check_held,
    doctor_check_congested, doctor_check_sends,       doctor_check_errors,
    doctor_check_acks,      doctor_check_transaction,
};

static void
doctor_on_subscription(void *ctx, const struct session_subscription_view *view)
{
    doctor_check_subscription(ctx, view);
}

void
session_diagnose(const struct session *session, int64_t now_us,
                 int64_t patience_us, session_finding_fn *fn, void *ctx)
{
    struct doctor doctor = {
        .session = session,
        .now_us = now_us,
        .patience_us = patience_us,
        .fn = fn,
        .ctx = ctx,
    };

    session_view_get(session, now_us, &doctor.view);
    for (size_t i = 0; i < sizeof(doctor_checks) / sizeof(doctor_checks[0]);
         i++) {
        doctor_checks[i](&doctor);
    }
    session_each_subscription(session, now_us, doctor_on_subscription, &doctor);
}
