/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MESSAGE frames: the hot path out.  A delivery writes its own few lines into
 * the transport's buffer; the rest of the frame is the message's shared tail.
 *
 *     MESSAGE                        \
 *     content-length:256             |  message, made once
 *     subscription:sub-0             |  subscription, made once
 *     message-id:k3f9x2ab-17-42      |  this delivery
 *     ack:k3f9x2ab-17-42             /  `client` modes only
 *     destination:/queue/a …            the shared tail
 */
#include "server/session/session_private.h"

#include "protocol/frame_encoder.h"

#include <assert.h>

static void
message_hold_take(void *owner)
{
    (void)message_ref(owner);
}

static void
message_hold_drop(void *owner)
{
    struct message *msg = owner;

    message_unref(&msg);
}

/* What only a topic's subscribers are told. */
static char *__attribute__((cold, noinline))
deliver_notes(const struct subscription *sub, char *at)
{
    static const char recovered[] = "recovered:true\n";
    static const char retained[] = "ActiveMQ.Retained:true\n";
    static const char dropped[] = "dropped:";

    if ((sub->notes & SUBSCRIPTION_NOTE_RECOVERED) != 0) {
        at = mempcpy(at, recovered, sizeof(recovered) - 1);
    }
    if ((sub->notes & SUBSCRIPTION_NOTE_RETAINED) != 0) {
        at = mempcpy(at, retained, sizeof(retained) - 1);
    }
    if ((sub->notes & SUBSCRIPTION_NOTE_DROPPED) != 0) {
        at = mempcpy(at, dropped, sizeof(dropped) - 1);
        at += u64_to_text(sub->dropped_count, at);
        *at++ = '\n';
    }
    return at;
}

/* The lines that only some deliveries have. */
static size_t
deliver_extra_lines(const struct session *session,
                    const struct subscription *sub,
                    const struct delivery *delivery, struct span number,
                    char *out)
{
    const struct session_subscription *mine = sub->ctx;
    char *at = out;

    if ((sub->ack != ACK_AUTO || mine->browser_ack) &&
        session->version != STOMP_1_0) {
        at = mempcpy(at, "ack:", 4);
        at = mempcpy(at, session->name, session->name_len);
        *at++ = '-';
        at = mempcpy(at, number.data, number.len);
        *at++ = '\n';
    }
    if (delivery != NULL && delivery->attempts > 1) {
        static const char redelivered[] = "redelivered:true\ndelivery-count:";

        at = mempcpy(at, redelivered, sizeof(redelivered) - 1);
        at += u64_to_text(delivery->attempts, at);
        *at++ = '\n';
    }
    if (sub->notes != 0) {
        at = deliver_notes(sub, at);
    }
    return (size_t)(at - out);
}

static void
deliver_frame(struct session *session, struct span head, struct span extra,
              struct message *msg, const struct session_subscription *mine,
              struct span number)
{
    struct transport *transport = session->transport;
    struct transport_hold hold = { msg, message_hold_take, message_hold_drop };
    size_t head_len = head.len + msg->length_len + mine->line_len + number.len +
                      1 + extra.len;
    char *at =
        transport->ops->frame_begin(transport, head_len, msg->tail, &hold);

    at = mempcpy(at, head.data, head.len);
    at = mempcpy(at, msg->length_line, msg->length_len);
    at = mempcpy(at, mine->line, mine->line_len);
    at = mempcpy(at, number.data, number.len);
    *at++ = '\n';
    (void)mempcpy(at, extra.data, extra.len);
    transport->ops->frame_end(transport);
}

/* A receiver of another version that would read the headers differently. */
static void __attribute__((cold, noinline))
deliver_transcoded(struct session *session, struct span extra,
                   const struct message *msg,
                   const struct session_subscription *mine, struct span number)
{
    struct buf *out = &session->scratch;
    size_t headers_at;

    buf_clear(out);
    buf_append_span(out, SPAN("MESSAGE\n"));
    buf_append(out, msg->length_line, msg->length_len);
    buf_append(out, mine->line, mine->line_len);
    buf_append_span(out, number);
    buf_append_char(out, '\n');
    buf_append_span(out, extra);
    headers_at = out->len;
    headers_transcode(out, msg->headers, session->version);
    if (!msg->utf8 && session->version != STOMP_1_0) {
        utf8_replace_invalid(out->data + headers_at, out->len - headers_at,
                             '?');
    }
    buf_append_char(out, '\n');
    buf_append_span(out, msg->body);
    buf_append_char(out, '\0');
    session_write(session, buf_span(out));
    if (out->capacity > 64 * 1024) {
        buf_fini(out);
    }
}

static void
deliver_account(struct session *session, struct subscription *sub,
                struct message *msg, struct delivery *delivery)
{
    const struct transport *transport = session->transport;

    if (sub->ack == ACK_AUTO) {
        struct sent sent = {
            .end = transport->queued_bytes,
            .bytes = msg->tail.len,
            .sub = sub,
            .delivery = delivery,
        };

        sent_queue_push(&session->sent, &sent);
    } else {
        delivery->id = session->message_count;
        ack_ledger_add(&session->ledger, delivery->id, delivery);
    }
    if (!session->client.congested &&
        transport->queued_bytes - transport->flushed_bytes >
            session->config->out_high_bytes) {
        core_client_congested(&session->client, true);
    }
}

/* Whether the receiver may get the header lines as they are kept. */
static bool
deliver_as_it_is(const struct session *session, const struct message *msg)
{
    if (session->version == STOMP_1_0) {
        return msg->plain;
    }
    return msg->utf8 && (msg->plain || session->version == STOMP_1_2);
}

void
session_deliver(void *ctx, struct subscription *sub, struct message *msg,
                struct delivery *delivery)
{
    struct session *session = ctx;
    const struct session_subscription *mine = sub->ctx;
    char digits[21] = { SESSION_BROWSER_MARK };
    size_t mark = mine->browser ? 1 : 0;
    char lines[256];
    struct span number;
    struct span extra;

    number = span_of(
        digits, mark + u64_to_text(++session->message_count, digits + mark));
    extra = span_of(lines,
                    deliver_extra_lines(session, sub, delivery, number, lines));
    if (deliver_as_it_is(session, msg)) {
        deliver_frame(session, SPAN("MESSAGE\n"), extra, msg, mine, number);
    } else {
        deliver_transcoded(session, extra, msg, mine, number);
    }
    deliver_account(session, sub, msg, delivery);
}

void
session_browsed(void *ctx, struct subscription *sub)
{
    struct session *session = ctx;
    const struct session_subscription *mine = sub->ctx;
    struct frame_encoder encoder;
    struct buf *out = &session->scratch;

    buf_clear(out);
    frame_encoder_begin(&encoder, out, FRAME_MESSAGE, session->version, 0);
    frame_encoder_header(&encoder, SPAN("subscription"),
                         span_of(mine->id, mine->id_len));
    frame_encoder_header(&encoder, SPAN("message-id"), SPAN("0"));
    frame_encoder_header(&encoder, SPAN("destination"),
                         span_of(mine->destination, mine->destination_len));
    frame_encoder_header(&encoder, SPAN("browser"), SPAN("end"));
    frame_encoder_end(&encoder, SPAN_NONE);
    session_write(session, buf_span(out));
}

void
session_settle(struct session *session, uint64_t flushed_bytes)
{
    const struct sent *sent;

    while ((sent = sent_queue_head(&session->sent)) != NULL &&
           sent->end <= flushed_bytes) {
        struct sent done = *sent;

        sent_queue_pop(&session->sent);
        if (done.delivery != NULL) {
            core_ack(session->core, done.delivery);
        } else {
            core_sent(done.sub, 1, done.bytes);
        }
    }
}

void
session_unsend(struct session *session)
{
    while (session->sent.count > 0) {
        struct sent sent = sent_queue_pop_last(&session->sent);

        if (sent.delivery != NULL) {
            session->counts.returned++;
            core_unsend(session->core, sent.delivery);
        } else {
            core_sent(sent.sub, 1, sent.bytes);
        }
    }
}
