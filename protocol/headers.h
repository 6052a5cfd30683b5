/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STOMP header names, and header lines as they stand on the wire.
 *
 * The *wire form* of a header is "name:value\n" escaped as STOMP 1.2 wants;
 * messages keep their headers so, and only a receiver of another version that
 * would read them differently gets them transcoded.
 * Source: STOMP 1.2, "Value Encoding"; stomp.md I1, I6, I24, D4.
 */
#pragma once
#include "base/buf.h"
#include "base/span.h"
#include "protocol/version.h"

/* The names that the parser recognises; everything else is HEADER_OTHER and
 * carried.  Aliases are recognised where they are used, in the session. */
#define HEADER_NAMES(X)                                                        \
    X(ACCEPT_VERSION, "accept-version")                                        \
    X(ACK, "ack")                                                              \
    X(BROWSER, "browser")                                                      \
    X(BROWSER_END, "browser-end")                                              \
    X(CLIENT_ID, "client-id")                                                  \
    X(CONTENT_LENGTH, "content-length")                                        \
    X(CONTENT_TYPE, "content-type")                                            \
    X(CORRELATION_ID, "correlation-id")                                        \
    X(DEDUPE_ID, "dedupe-id")                                                  \
    X(AMQ_DUPL_ID, "_AMQ_DUPL_ID")                                             \
    X(NATS_MSG_ID, "Nats-Msg-Id")                                              \
    X(DELAY, "delay")                                                          \
    X(AMQ_SCHEDULED_CRON, "AMQ_SCHEDULED_CRON")                                \
    X(AMQ_SCHEDULED_DELAY, "AMQ_SCHEDULED_DELAY")                              \
    X(AMQ_SCHEDULED_PERIOD, "AMQ_SCHEDULED_PERIOD")                            \
    X(AMQ_SCHEDULED_REPEAT, "AMQ_SCHEDULED_REPEAT")                            \
    X(AMQ_SCHEDULED_TIME, "AMQ_SCHEDULED_TIME")                                \
    X(X_DELAY, "x-delay")                                                      \
    X(DELIVERY_COUNT, "delivery-count")                                        \
    X(DELIVERY_MODE, "delivery-mode")                                          \
    X(DESTINATION, "destination")                                              \
    X(ERROR_MODE, "error-mode")                                                \
    X(EXPIRATION, "expiration")                                                \
    X(EXPIRES, "expires")                                                      \
    X(HEART_BEAT, "heart-beat")                                                \
    X(HOST, "host")                                                            \
    X(ID, "id")                                                                \
    X(LOGIN, "login")                                                          \
    X(MESSAGE, "message")                                                      \
    X(MESSAGE_ID, "message-id")                                                \
    X(ORIGINAL_DESTINATION, "original-destination")                            \
    X(ORIGINAL_MESSAGE_ID, "original-message-id")                              \
    X(PASSCODE, "passcode")                                                    \
    X(PERSISTENT, "persistent")                                                \
    X(PREFETCH, "prefetch")                                                    \
    X(PREFETCH_BYTES, "prefetch-bytes")                                        \
    X(PREFETCH_COUNT, "prefetch-count")                                        \
    X(ACTIVEMQ_PREFETCH_SIZE, "activemq.prefetchSize")                         \
    X(CONSUMER_PREFETCH_SIZE, "consumer.prefetchSize")                         \
    X(CONSUMER_WINDOW_SIZE, "consumer-window-size")                            \
    X(ACTIVEMQ_PRIORITY, "activemq.priority")                                  \
    X(CONSUMER_PRIORITY, "consumer-priority")                                  \
    X(X_PRIORITY, "x-priority")                                                \
    X(ACTIVEMQ_EXCLUSIVE, "activemq.exclusive")                                \
    X(EXCLUSIVE, "exclusive")                                                  \
    X(ACTIVEMQ_RETROACTIVE, "activemq.retroactive")                            \
    X(RETROACTIVE, "retroactive")                                              \
    X(ACTIVEMQ_NO_LOCAL, "activemq.noLocal")                                   \
    X(NO_LOCAL, "no-local")                                                    \
    X(ACTIVEMQ_PENDING_LIMIT, "activemq.maximumPendingMessageLimit")           \
    X(MAX_PENDING, "max-pending")                                              \
    X(PRIORITY, "priority")                                                    \
    X(REASON, "reason")                                                        \
    X(RECEIPT, "receipt")                                                      \
    X(RECEIPT_ID, "receipt-id")                                                \
    X(REDELIVERED, "redelivered")                                              \
    X(REPLY_TO, "reply-to")                                                    \
    X(REQUEUE, "requeue")                                                      \
    X(SELECTOR, "selector")                                                    \
    X(SERVER, "server")                                                        \
    X(SESSION, "session")                                                      \
    X(SUBSCRIPTION, "subscription")                                            \
    X(TIMESTAMP, "timestamp")                                                  \
    X(TRANSACTION, "transaction")                                              \
    X(TTL, "ttl")                                                              \
    X(TYPE, "type")                                                            \
    X(USE_ASYNC_SEND, "useAsyncSend")                                          \
    X(JMS_USE_ASYNC_SEND, "jms.useAsyncSend")                                  \
    X(JMSX_GROUP_ID, "JMSXGroupID")                                            \
    X(MESSAGE_GROUP, "message-group")                                          \
    X(MESSAGE_GROUP_OLD, "message_group")                                      \
    X(VERSION, "version")

enum header_id {
    HEADER_OTHER,
#define X(id, name) HEADER_##id,
    HEADER_NAMES(X)
#undef X
        HEADER_ID_COUNT
};

/* HEADER_OTHER when the name is none of ours.  Case counts (V12-012). */
enum header_id header_id_of(struct span name);

/* The name of a known id, as a static span. */
struct span header_name(enum header_id id);

/* Whether a value stands on the wire as it is, in every version. */
bool header_is_plain(struct span text);

/*
 * Appends "name:value\n" for a receiver of the given version: names and values
 * escaped in 1.2 and 1.1 (there CR stays raw, V11-003); in 1.0 CR and LF
 * become blanks (D4) and a header with an empty value is left out (I24).
 * STOMP_NONE writes them raw, as CONNECT and CONNECTED need; CR and LF become
 * blanks there too, so that no value can inject a line.
 */
void header_append(struct buf *out, struct span name, struct span value,
                   enum stomp_version version);

/* The same with a name that the parser knows (not HEADER_OTHER): none of them
 * needs an escape. */
void header_append_known(struct buf *out, enum header_id id, struct span value,
                         enum stomp_version version);

/* A decimal value; never needs an escape. */
void header_append_u64(struct buf *out, struct span name, uint64_t value);

/*
 * Undoes the escapes of one name or value for the given version, into out
 * (room for text.len bytes; may be text.data itself).  Returns the length, or
 * -1 when an escape is undefined or stands unfinished at the end
 * (V12-030..034, V11-002); `*bad_out` is then its offset.
 */
ptrdiff_t header_unescape(struct span text, enum stomp_version version,
                          char *out, size_t *bad_out);

/* Whether a block of wire-form lines reads the same in all versions: no
 * escape in it and no empty value. */
bool headers_block_is_plain(struct span block);

/* Appends a block of wire-form lines as a receiver of version needs it. */
void headers_transcode(struct buf *out, struct span block,
                       enum stomp_version version);

/* Value of the first line of that name in a wire-form block, still escaped;
 * data == NULL when there is none.  For cold paths. */
struct span headers_block_find(struct span block, struct span name);
