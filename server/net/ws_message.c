/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/ws_message.h"

#include "server/net/conn.h"
#include "server/net/ws_frame.h"

char *
ws_message_begin(struct ws_message *message, struct conn *conn, size_t head_len,
                 struct span tail, const struct transport_hold *hold)
{
    size_t first = head_len + tail.len;
    size_t header_len;

    *message = (struct ws_message){
        .head_len = head_len,
        .tail = tail,
        .has_hold = hold != NULL,
        .bytes_before = conn->outq.bytes,
    };
    if (hold != NULL) {
        message->hold = *hold;
    }
    if (head_len > WS_FRAGMENT_MAX) {
        message->head = conn_scratch(conn, head_len);
        return message->head;
    }
    first = first < WS_FRAGMENT_MAX ? first : WS_FRAGMENT_MAX;
    header_len = ws_frame_header_len(first);
    message->header = outq_reserve(&conn->outq, header_len + head_len);
    message->head = message->header + header_len;
    return message->head;
}

/* Appends count bytes of head, then tail. */
static void
ws_message_append(const struct ws_message *message, struct outq *outq,
                  struct span *head, struct span *tail, size_t count)
{
    size_t from_head = head->len < count ? head->len : count;
    size_t from_tail = count - from_head;

    outq_append(outq, span_of(head->data, from_head));
    *head = span_after(*head, from_head);
    outq_append_tail(outq, span_of(tail->data, from_tail),
                     message->has_hold ? &message->hold : NULL);
    *tail = span_after(*tail, from_tail);
}

/* The head is in its place behind message->header, or in the scratch buffer. */
static void
ws_message_append_frames(const struct ws_message *message, struct outq *outq,
                         enum ws_opcode opcode)
{
    struct span head = span_of(message->head, message->head_len);
    struct span tail = message->tail;

    if (message->header != NULL) {
        size_t left = WS_FRAGMENT_MAX - head.len;
        size_t count = tail.len < left ? tail.len : left;

        ws_frame_header(message->header, opcode, count == tail.len,
                        head.len + count);
        head = span_of(NULL, 0);
        ws_message_append(message, outq, &head, &tail, count);
        opcode = WS_CONTINUATION;
    }
    while (head.len + tail.len > 0) {
        size_t left = head.len + tail.len;
        size_t count = left < WS_FRAGMENT_MAX ? left : WS_FRAGMENT_MAX;
        size_t header_len = ws_frame_header_len(count);

        ws_frame_header(outq_reserve(outq, header_len), opcode, count == left,
                        count);
        ws_message_append(message, outq, &head, &tail, count);
        opcode = WS_CONTINUATION;
    }
}

size_t
ws_message_end(const struct ws_message *message, struct conn *conn, bool binary)
{
    bool text = !binary &&
                span_is_utf8(span_of(message->head, message->head_len)) &&
                span_is_utf8(message->tail);

    ws_message_append_frames(message, &conn->outq, text ? WS_TEXT : WS_BINARY);
    return conn->outq.bytes - message->bytes_before;
}
