/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message: immutable once published, reference-counted, one allocation.
 * Headers are kept in wire form (protocol/headers.h), so a delivery writes its
 * own few lines and points at the shared rest.
 *
 * Who holds a reference: each delivery, each recovery policy that keeps it,
 * each store put until it is written, each operation of an open transaction,
 * each output buffer that sends its body by reference.  Loop thread only.
 */
#pragma once
#include "base/span.h"
#include "server/core/quota.h"
#include "storage/store.h"

#include <stdbool.h>
#include <stdint.h>

/* ActiveMQ's and JMS' scale. */
enum { MESSAGE_PRIORITY_DEFAULT = 4, MESSAGE_PRIORITY_MAX = 9 };

struct message {
    uint32_t refs;
    uint8_t priority;     /* 0-9, 4 when not given */
    bool persistent;      /* as sent; a policy may say otherwise */
    bool scheduled;       /* a SEND with the lines of a schedule_plan */
    bool plain;           /* header lines read the same in every version */
    bool utf8;            /* header lines are valid UTF-8 */
    uint8_t length_len;   /* of length_line */
    bool dead_lettered;   /* a topic's: a copy is where dead letters go; the
                             one thing that changes */
    char length_line[40]; /* "content-length:256\n"; empty without a body */
    int64_t timestamp_ms; /* wall clock, when it was accepted */
    int64_t expires_ms;   /* wall clock, 0 = never */
    struct quota *quota;  /* charged with bytes until the last unref */
    struct span group;    /* JMSXGroupID as it stands in headers; data NULL */
    int32_t group_seq;    /* JMSXGroupSeq, 0 when not given */
    struct span headers;  /* "destination:…\n" and what the sender gave */
    struct span body;
    struct span tail; /* headers, LF, body, NUL: the end of its frame */
    char bytes[];
};

struct message_facts {
    bool persistent;
    uint8_t priority;
    int64_t timestamp_ms;
    int64_t expires_ms;
    bool scheduled;      /* the headers have the lines of a schedule_plan */
    bool maybe_grouped;  /* look for a message group in the headers */
    bool maybe_not_utf8; /* nobody has checked the headers (STOMP 1.0) */
};

/* What the quota counts for one message. */
static inline size_t
message_bytes(const struct message *msg)
{
    return sizeof(*msg) + msg->tail.len;
}

/* The same for count of them with so many bytes of headers and bodies. */
static inline uint64_t
message_bytes_of(uint64_t count, uint64_t bytes)
{
    /* A tail has an LF and a NUL beside them. */
    return count * (sizeof(struct message) + 2) + bytes;
}

/*
 * Copies headers, then extra (more wire-form lines, may be empty), and body.
 * NULL when memory is out; sizes come from a peer and have passed its limits.
 * The quota is charged; the caller has asked it before.
 */
struct message *message_new(struct quota *quota,
                            const struct message_facts *facts,
                            struct span headers, struct span extra,
                            struct span body);

/* A copy of msg with one more line of its headers, in wire form with its LF.
 * NULL when memory is out. */
struct message *message_with_line(const struct message *msg, struct span line);

static inline struct message *
message_ref(struct message *msg)
{
    msg->refs++;
    return msg;
}

/* What the store keeps of it, as record number seq; the spans are the
 * message's. */
struct store_record message_record(const struct message *msg, uint64_t seq,
                                   bool persistent);

/* A message from what the store kept.  Never NULL. */
struct message *message_of_record(struct quota *quota,
                                  const struct store_record *record);

/* Drops one reference, frees at the last, and always sets *msg to NULL. */
void message_unref(struct message **msg);

static inline bool
message_is_expired(const struct message *msg, int64_t now_ms)
{
    return msg->expires_ms != 0 && now_ms > msg->expires_ms;
}
