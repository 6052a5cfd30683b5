/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/message.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "protocol/headers.h"

#include <assert.h>
#include <stdlib.h>

static void
message_make_length_line(struct message *msg)
{
    static const char name[] = "content-length:";
    size_t len = sizeof(name) - 1;

    if (msg->body.len == 0) {
        msg->length_len = 0;
        return;
    }
    memcpy(msg->length_line, name, len);
    len += u64_to_text(msg->body.len, msg->length_line + len);
    msg->length_line[len++] = '\n';
    msg->length_len = (uint8_t)len;
}

/* The group, under any of its names, and the place in it. */
static void __attribute__((noinline)) message_find_group(struct message *msg)
{
    static const enum header_id names[] = { HEADER_JMSX_GROUP_ID,
                                            HEADER_MESSAGE_GROUP,
                                            HEADER_MESSAGE_GROUP_OLD };
    int64_t seq;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        msg->group = headers_block_find(msg->headers, header_name(names[i]));
        if (msg->group.len > 0) {
            break;
        }
    }
    if (msg->group.len == 0) {
        msg->group = SPAN_NONE;
    } else if (span_to_i64(
                   headers_block_find(msg->headers, SPAN("JMSXGroupSeq")),
                   &seq) &&
               seq >= INT32_MIN && seq <= INT32_MAX) {
        msg->group_seq = (int32_t)seq;
    }
}

struct message *
message_new(struct quota *quota, const struct message_facts *facts,
            struct span headers, struct span extra, struct span body)
{
    size_t headers_len = headers.len + extra.len;
    size_t tail_len = headers_len + 1 + body.len + 1;
    struct message *msg = try_malloc(sizeof(*msg) + tail_len);
    char *at;

    if (msg == NULL) {
        return NULL;
    }
    msg->refs = 1;
    msg->priority = facts->priority;
    msg->persistent = facts->persistent;
    msg->scheduled = facts->scheduled;
    msg->dead_lettered = false;
    msg->timestamp_ms = facts->timestamp_ms;
    msg->expires_ms = facts->expires_ms;
    msg->quota = quota;
    msg->headers = span_of(msg->bytes, headers_len);
    msg->body = span_of(msg->bytes + headers_len + 1, body.len);
    msg->tail = span_of(msg->bytes, tail_len);
    at = mempcpy(msg->bytes, headers.data, headers.len);
    if (extra.len > 0) {
        at = mempcpy(at, extra.data, extra.len);
    }
    *at++ = '\n';
    if (body.len > 0) {
        at = mempcpy(at, body.data, body.len);
    }
    *at = '\0';
    msg->plain = headers_block_is_plain(msg->headers);
    msg->utf8 = !facts->maybe_not_utf8 || span_is_utf8(msg->headers);
    msg->group = SPAN_NONE;
    msg->group_seq = 0;
    if (facts->maybe_grouped) {
        message_find_group(msg);
    }
    message_make_length_line(msg);
    quota_charge(quota, message_bytes(msg));
    return msg;
}

struct store_record
message_record(const struct message *msg, uint64_t seq, bool persistent)
{
    return (struct store_record){
        .seq = seq,
        .persistent = persistent,
        .priority = msg->priority,
        .timestamp_ms = msg->timestamp_ms,
        .expires_ms = msg->expires_ms,
        .headers = msg->headers,
        .body = msg->body,
    };
}

struct message *
message_of_record(struct quota *quota, const struct store_record *record)
{
    struct message_facts facts = {
        .persistent = record->persistent,
        .priority = record->priority,
        .timestamp_ms = record->timestamp_ms,
        .expires_ms = record->expires_ms,
        .maybe_grouped = memmem(record->headers.data, record->headers.len,
                                "roup", 4) != NULL,
        .maybe_not_utf8 = true,
    };
    struct message *msg =
        message_new(quota, &facts, record->headers, SPAN_NONE, record->body);

    assert(msg != NULL);
    return msg;
}

struct message *
message_with_line(const struct message *msg, struct span line)
{
    struct message_facts facts = {
        .persistent = msg->persistent,
        .priority = msg->priority,
        .timestamp_ms = msg->timestamp_ms,
        .expires_ms = msg->expires_ms,
        .maybe_grouped = msg->group.data != NULL,
        .maybe_not_utf8 = !msg->utf8,
    };

    return message_new(msg->quota, &facts, msg->headers, line, msg->body);
}

void
message_unref(struct message **msg)
{
    struct message *gone = *msg;

    *msg = NULL;
    if (gone == NULL) {
        return;
    }
    assert(gone->refs > 0);
    if (--gone->refs == 0) {
        quota_release(gone->quota, message_bytes(gone));
        free(gone);
    }
}
