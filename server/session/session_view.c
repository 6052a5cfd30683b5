/* SPDX-License-Identifier: Apache-2.0 */
#include "server/session/session_view.h"

#include "base/alloc.h"
#include "server/session/session_private.h"

#include <stdio.h>
#include <string.h>

enum { VIEW_AGENT_BYTES = 100 }; /* of what a client calls itself */

/* --- what CONNECT offered ------------------------------------------------- */

static const enum stomp_version view_versions[] = { STOMP_1_0, STOMP_1_1,
                                                    STOMP_1_2 };
enum { VIEW_VERSIONS = 3 };

static uint8_t
offer_versions(struct span list)
{
    uint8_t found = 0;

    while (list.data != NULL) {
        struct span item = span_trim(span_split(&list, ','));

        for (int i = 0; i < VIEW_VERSIONS; i++) {
            const char *text = version_rules(view_versions[i])->text;

            if (span_equal(item, span_of_text(text))) {
                found |= (uint8_t)(1U << view_versions[i]);
            }
        }
    }
    return found;
}

/* The library's name, from the clients that say it. */
static char *
offer_agent(const struct frame *frame)
{
    struct span agent = frame_find(frame, SPAN("user-agent"));

    if (agent.data == NULL || agent.len == 0) {
        return NULL;
    }
    return xstrndup(agent.data, agent.len < VIEW_AGENT_BYTES
                                    ? agent.len
                                    : (size_t)VIEW_AGENT_BYTES);
}

void
session_note_offer(struct session *session, const struct frame *frame)
{
    struct session_offer *offer = &session->offer;

    offer->has_versions = frame_has(frame, HEADER_ACCEPT_VERSION);
    offer->versions = offer_versions(frame_get(frame, HEADER_ACCEPT_VERSION));
    offer->has_beats = frame_has(frame, HEADER_HEART_BEAT);
    (void)heartbeat_parse(frame_get(frame, HEADER_HEART_BEAT), &offer->sends_ms,
                          &offer->wants_ms);
    offer->agent = offer_agent(frame);
}

/* --- the session ---------------------------------------------------------- */

static bool
subscription_is_full(const struct subscription *sub)
{
    return sub->in_flight_count > 0 &&
           (sub->in_flight_count >= sub->prefetch ||
            sub->in_flight_bytes >= sub->prefetch_bytes);
}

static bool
view_is_slow(const struct session *session)
{
    const struct session_subscription *mine;
    const struct session_subscription *next;
    struct core_subscription_view core;

    HASH_ITER(hh, session->subscriptions, mine, next) {
        if (!subscription_is_full(mine->sub)) {
            continue;
        }
        core_subscription_view_get(mine->sub, &core);
        if (core.pending + core.waiting > 0) {
            return true;
        }
    }
    return false;
}

static unsigned
view_state(const struct session *session)
{
    switch (session->state) {
    case SESSION_NEW:
        return SESSION_IS_NEW;
    case SESSION_CLOSING:
        return SESSION_IS_CLOSING;
    case SESSION_CONNECTED:
        break;
    }
    return (session->holding ? (unsigned)SESSION_IS_HELD : 0) |
           (session->client.congested ? (unsigned)SESSION_IS_CONGESTED : 0) |
           (view_is_slow(session) ? (unsigned)SESSION_IS_SLOW : 0);
}

static void
view_set_versions(const struct session_offer *offer, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; i < VIEW_VERSIONS; i++) {
        if ((offer->versions & (1U << view_versions[i])) != 0) {
            used += (size_t)snprintf(text + used, size - used, "%s%s",
                                     used > 0 ? "," : "",
                                     version_rules(view_versions[i])->text);
        }
    }
}

static uint64_t
view_number(const struct session *session)
{
    const char *dash = strrchr(session->name, '-');
    uint64_t number = 0;

    if (dash != NULL) {
        (void)span_to_u64(span_of_text(dash + 1), &number);
    }
    return number;
}

static uint64_t
view_in_flight(const struct session *session)
{
    const struct subscription *sub;
    uint64_t count = 0;

    DL_FOREACH(session->client.subscriptions, sub) {
        count += sub->in_flight_count;
    }
    return count;
}

void
session_view_get(const struct session *session, int64_t now_us,
                 struct session_view *view_out)
{
    const struct transport *transport = session->transport;
    const struct session_offer *offer = &session->offer;

    *view_out = (struct session_view){
        .name = session->name,
        .number = view_number(session),
        .transport = transport,
        .login = session->login,
        .client_id = session->client_id,
        .agent = offer->agent,
        .state = view_state(session),
        .version = session->version != STOMP_NONE
                       ? version_rules(session->version)->text
                       : "",
        .has_accept_version = offer->has_versions,
        .has_heart_beat = offer->has_beats,
        .soft_errors = session->soft_errors,
        .client_sends_ms = offer->sends_ms,
        .client_wants_ms = offer->wants_ms,
        .receive_us = session->heartbeat.receive_us,
        .send_us = session->heartbeat.send_us,
        .open_us = now_us - session->opened_us,
        .read_idle_us = now_us - transport->last_read_us,
        .write_idle_us = now_us - transport->last_write_us,
        .subscriptions = HASH_COUNT(session->subscriptions),
        .in_flight = view_in_flight(session),
        .frames_in = session->frames_in,
        .messages_in = session->counts.messages_in,
        .messages_out = session->message_count,
        .acks = session->counts.acks,
        .nacks = session->counts.nacks,
        .receipts = session->counts.receipts,
        .errors = session->counts.errors,
        .unsent_bytes = transport->queued_bytes - transport->flushed_bytes,
    };
    view_set_versions(offer, view_out->versions, sizeof(view_out->versions));
}

/* --- its subscriptions ---------------------------------------------------- */

static const char *
view_ack(enum ack_mode ack)
{
    switch (ack) {
    case ACK_AUTO:
        return "auto";
    case ACK_CLIENT:
        return "client";
    case ACK_CLIENT_INDIVIDUAL:
        return "client-individual";
    }
    return "";
}

void
session_each_subscription(const struct session *session, int64_t now_us,
                          session_subscription_fn *fn, void *ctx)
{
    const struct session_subscription *mine;
    const struct session_subscription *next;

    if (session->state == SESSION_CLOSING) {
        return; /* the core has ended them */
    }
    HASH_ITER(hh, session->subscriptions, mine, next) {
        const struct subscription *sub = mine->sub;
        struct session_subscription_view view = {
            .id = span_of(mine->id, mine->id_len),
            .destination = span_of(mine->destination, mine->destination_len),
            .ack = view_ack(sub->ack),
            .age_us = now_us - sub->since_us,
            .ack_age_us = now_us - sub->last_ack_us,
            .oldest_age_us = -1,
            .full = subscription_is_full(sub),
        };

        core_subscription_view_get(sub, &view.core);
        if (view.core.oldest_us > 0) {
            view.oldest_age_us = now_us - view.core.oldest_us;
        }
        fn(ctx, &view);
    }
}
