/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/net/fake_session.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "server/session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session {
    struct transport *transport;
    struct buf buf;
    bool closing;
    bool closed;
    bool later;
    size_t wanted; /* at once */
};

struct fake_session_counts fake_session_counts;
char fake_session_reason[128];

const struct session_config session_config_default = {
    .login_timeout_us = 10000000,
};

enum { FAKE_BIG_BYTES = 16 << 20 };
static char fake_big[FAKE_BIG_BYTES];

static void
fake_take(void *owner)
{
    (void)owner;
    atomic_fetch_add(&fake_session_counts.holds, 1);
}

static void
fake_drop(void *owner)
{
    (void)owner;
    atomic_fetch_sub(&fake_session_counts.holds, 1);
}

static const struct transport_hold fake_hold = {
    .owner = fake_big,
    .take = fake_take,
    .drop = fake_drop,
};

static void
fake_send(struct session *session, struct span head, struct span tail,
          const struct transport_hold *hold)
{
    const struct transport_ops *ops = session->transport->ops;
    char *place = ops->frame_begin(session->transport, head.len, tail, hold);

    memcpy(place, head.data, head.len);
    ops->frame_end(session->transport);
}

struct session *
session_new(const struct session_config *config, struct core *core,
            struct transport *transport, int64_t now_us)
{
    struct session *session = xcalloc(1, sizeof(*session));

    (void)config;
    (void)core;
    (void)now_us;
    session->transport = transport;
    session->wanted = SIZE_MAX;
    atomic_fetch_add(&fake_session_counts.made, 1);
    return session;
}

void
session_free(struct session **session)
{
    if (!(*session)->closed) {
        atomic_fetch_add(&fake_session_counts.after_closed, 1);
    }
    atomic_fetch_add(&fake_session_counts.freed, 1);
    buf_fini(&(*session)->buf);
    free(*session);
    *session = NULL;
}

static void
fake_close(struct session *session, enum transport_close how,
           const char *reason)
{
    session->closing = true;
    session->transport->ops->close(session->transport, how, reason);
}

static void
fake_big_frame(struct session *session, size_t size)
{
    memset(fake_big, 'b', sizeof(fake_big));
    if (size >= FAKE_BIG_BYTES) {
        size = FAKE_BIG_BYTES - 1;
    }
    fake_big[size] = '\0';
    fake_send(session, SPAN("BIG\n\n"), span_of(fake_big, size + 1),
              &fake_hold);
}

static void
fake_many(struct session *session, long count)
{
    char text[64];

    for (long i = 0; i < count; i++) {
        int len = snprintf(text, sizeof(text), "MANY\n%ld\n", i);

        fake_send(session, span_of(text, (size_t)len + 1), SPAN_NONE, NULL);
    }
}

static void
fake_frame(struct session *session, struct span frame, int64_t now_us)
{
    const struct transport_ops *ops = session->transport->ops;
    long number = 0;
    char text[32];

    (void)snprintf(text, sizeof(text), "%.*s",
                   (int)(frame.len < 31 ? frame.len : 31), frame.data);
    atomic_fetch_add(&fake_session_counts.frames, 1);
    if (strchr(text, ' ') != NULL) {
        number = strtol(strchr(text, ' '), NULL, 10);
    }
    if (strncmp(text, "BIG", 3) == 0) {
        fake_big_frame(session, (size_t)number);
    } else if (strncmp(text, "MANY", 4) == 0) {
        fake_many(session, number);
    } else if (strncmp(text, "BEAT", 4) == 0) {
        ops->beat(session->transport);
    } else if (strncmp(text, "BYE", 3) == 0) {
        fake_send(session, SPAN("RECEIPT\n\n\0"), SPAN_NONE, NULL);
        fake_close(session, TRANSPORT_CLOSE_NORMAL, "bye");
    } else if (strncmp(text, "FAIL", 4) == 0) {
        fake_send(session, SPAN("ERROR\n\n\0"), SPAN_NONE, NULL);
        fake_close(session, TRANSPORT_CLOSE_PROTOCOL, "you broke it");
    } else if (strncmp(text, "HUGE", 4) == 0) {
        fake_send(session, SPAN("ERROR\n\n\0"), SPAN_NONE, NULL);
        fake_close(session, TRANSPORT_CLOSE_TOO_BIG, "too big");
    } else if (strncmp(text, "PAUSE", 5) == 0) {
        ops->read_pause(session->transport, true);
        ops->timer_set(session->transport, now_us + number * 1000);
    } else if (strncmp(text, "LATER", 5) == 0) {
        session->later = true;
        ops->timer_set(session->transport, now_us + number * 1000);
    } else if (strncmp(text, "LITTLE", 6) == 0) {
        session->wanted = (size_t)number;
    } else if (strncmp(text, "LATIN", 5) == 0) {
        fake_send(session, SPAN("LATIN\n\n\xe9\0"), SPAN_NONE, NULL);
    } else {
        fake_send(session, frame, SPAN_NONE, NULL);
    }
}

size_t
session_read_size(const struct session *session)
{
    return session->wanted;
}

void
session_feed(struct session *session, struct span bytes, int64_t now_us)
{
    struct span rest;

    if (session->closed) {
        atomic_fetch_add(&fake_session_counts.after_closed, 1);
    }
    if (bytes.len > session->wanted) {
        atomic_fetch_add(&fake_session_counts.too_much, 1);
    }
    buf_append_span(&session->buf, bytes);
    rest = buf_span(&session->buf);
    while (rest.len > 0 && !session->closing) {
        const char *end;

        if (rest.data[0] == '\n' || rest.data[0] == '\r') {
            rest = span_after(rest, 1);
            atomic_fetch_add(&fake_session_counts.eols, 1);
            continue;
        }
        end = memchr(rest.data, '\0', rest.len);
        if (end == NULL) {
            break;
        }
        fake_frame(session, span_of(rest.data, (size_t)(end + 1 - rest.data)),
                   now_us);
        rest = span_after(rest, (size_t)(end + 1 - rest.data));
    }
    buf_consume(&session->buf, session->buf.len - rest.len);
}

void
session_on_flushed(struct session *session, int64_t now_us)
{
    const struct transport *transport = session->transport;

    (void)now_us;
    if (session->closed) {
        atomic_fetch_add(&fake_session_counts.after_closed, 1);
    }
    if (transport->flushed_bytes == transport->queued_bytes) {
        atomic_fetch_add(&fake_session_counts.flushed_all, 1);
    }
}

void
session_on_timer(struct session *session, int64_t now_us)
{
    (void)now_us;
    if (session->closed) {
        atomic_fetch_add(&fake_session_counts.after_closed, 1);
    }
    atomic_fetch_add(&fake_session_counts.timers, 1);
    session->transport->ops->read_pause(session->transport, false);
    if (session->later) {
        session->later = false;
        fake_send(session, SPAN("RECEIPT\n\n\0"), SPAN_NONE, NULL);
    }
}

bool
session_is_answering(const struct session *session)
{
    return session->later;
}

void
session_on_closed(struct session *session, const char *reason, int64_t now_us)
{
    (void)now_us;
    if (session->closed) {
        atomic_fetch_add(&fake_session_counts.after_closed, 1);
    }
    session->closed = true;
    (void)snprintf(fake_session_reason, sizeof(fake_session_reason), "%s",
                   reason);
    atomic_fetch_add(&fake_session_counts.closed, 1);
}

void
session_refuse(struct session *session, enum transport_close how,
               const char *message, const char *details)
{
    (void)details;
    atomic_fetch_add(&fake_session_counts.refused, 1);
    fake_send(session, SPAN("ERROR\nmessage:"), SPAN_NONE, NULL);
    fake_send(session, span_of(message, strlen(message) + 1), SPAN_NONE, NULL);
    fake_close(session, how, message);
}

const char *
session_name(const struct session *session)
{
    (void)session;
    return "fake-1";
}
