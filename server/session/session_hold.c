/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow control: what a session does while its SENDs have to wait for room.
 *
 * The SEND that found none, and every frame behind it, are held as they were
 * read and handled in their order once there is room.  Only ACKs and NACKs
 * pass, as they may be what makes the room, and heart-beats, as reading goes
 * on; only when a lot is held does it stop (activemq.md section 13, edge 19).
 */
#include "server/session/session_private.h"

#include "base/alloc.h"
#include "server/log.h"

#include <assert.h>
#include <stdlib.h>

/* Reading stops when more than this is held, or waits to be answered. */
enum {
    SESSION_HELD_MAX = 256 * 1024,
    SESSION_REPLIES_MAX = 1024 * 1024,
};

void
session_pause(struct session *session, enum session_pause reason, bool on)
{
    unsigned before = session->pauses;
    struct session_transaction *tx;

    session->pauses =
        on ? before | (unsigned)reason : before & ~(unsigned)reason;
    if ((before != 0) == (session->pauses != 0) ||
        session->state == SESSION_CLOSING) {
        return;
    }
    if (session->pauses != 0) {
        session->paused_us = session->now_us;
    } else {
        /* Nobody was heard meanwhile: what a client has to do in time counts
         * on from here. */
        session->transport->last_read_us = session->now_us;
        DL_FOREACH(session->transactions, tx) {
            tx->begun_us += session->now_us - session->paused_us;
        }
    }
    session->transport->ops->read_pause(session->transport,
                                        session->pauses != 0);
    session_timer_arm(session);
}

/* An ACK that nobody has to answer, outside of transactions. */
static bool
hold_lets_pass(const struct frame *frame)
{
    return (frame->command == FRAME_ACK || frame->command == FRAME_NACK) &&
           !frame_has(frame, HEADER_TRANSACTION) &&
           !frame_has(frame, HEADER_RECEIPT);
}

static void
hold_free(struct held_frame *held)
{
    free(held->frame);
    free(held->fault);
    free(held);
}

/* The first; the caller's from now on. */
static struct held_frame *
hold_take(struct session *session)
{
    struct held_frame *held = session->held;

    DL_DELETE(session->held, held);
    session->held_bytes -= held->size;
    return held;
}

void
session_hold_drop(struct session *session)
{
    session->holding = false;
    while (session->held != NULL) {
        hold_free(hold_take(session));
    }
}

/* fault: NULL for a good frame. */
static void
hold_append(struct session *session, const struct frame *frame,
            const char *fault)
{
    struct held_frame *held = xcalloc(1, sizeof(*held));

    held->frame = frame_copy(frame, &held->size);
    if (held->frame == NULL) {
        free(held);
        session_error(session, frame, TRANSPORT_CLOSE_QUOTA, "out of memory",
                      "no memory for a %s frame that has to wait",
                      SESSION_TEXT(frame->command_text));
        return;
    }
    held->fault = fault != NULL ? xstrdup(fault) : NULL;
    held->size += sizeof(*held);
    session->held_bytes += held->size;
    DL_APPEND(session->held, held);
    if (session->held_bytes > SESSION_HELD_MAX) {
        session_pause(session, SESSION_PAUSE_HELD, true);
    }
}

bool
session_hold(struct session *session, const struct frame *frame)
{
    if (!session->holding || hold_lets_pass(frame)) {
        return false;
    }
    hold_append(session, frame, NULL);
    return true;
}

bool
session_hold_too_big(struct session *session, const struct frame *frame,
                     const char *fault)
{
    if (!session->holding) {
        return false;
    }
    hold_append(session, frame, fault);
    return true;
}

/* Once in a while for each destination: somebody should know. */
static void
hold_warn(struct session *session, struct destination *dest)
{
    int64_t interval_us = dest->policy->blocked_producer_warning_us;
    struct error why = ERROR_INIT;

    if (interval_us == 0 ||
        (dest->blocked_warned_us != 0 &&
         session->now_us - dest->blocked_warned_us < interval_us)) {
        return;
    }
    dest->blocked_warned_us = session->now_us;
    core_lack_explain(session->core, &session->client.lack, &why);
    log_event(LOG_LEVEL_WARNING, "session", "producer waits",
              "id=%s peer=%s destination=%s reason=\"%s\"", session->name,
              session->transport->peer, LOG_WORD(destination_name_get(dest)),
              why.text);
}

void
session_hold_begin(struct session *session, const struct frame *frame,
                   const struct core_lack *lack)
{
    /* A queue of writes that is long for a moment is no lack of space. */
    bool momentary = lack->room == CORE_ROOM_WRITES;
    int64_t wait_us = momentary ? 0 : lack->dest->policy->send_fail_after_us;

    assert(!session->holding);
    session->frames_in--; /* it comes again */
    session->counts.messages_in--;
    session->holding = true;
    session->held_since_us = session->now_us;
    session->hold_due_us = wait_us > 0 ? session->now_us + wait_us : INT64_MAX;
    (void)session_hold(session, frame);
    core_client_block(&session->client, lack);
    if (!momentary) {
        hold_warn(session, lack->dest);
    }
    session_timer_arm(session);
}

static void __attribute__((cold))
hold_refuse(struct session *session, const struct frame *frame)
{
    struct error why = ERROR_INIT;

    core_lack_explain(session->core, &session->client.lack, &why);
    session_error(session, frame, TRANSPORT_CLOSE_QUOTA, "no space",
                  "the message was not sent; it has waited for as long as the "
                  "policy of its destination lets it "
                  "(sendFailIfNoSpaceAfterTimeout): %s",
                  why.text);
}

static void
hold_handle(struct session *session, const struct held_frame *held,
            bool expired)
{
    if (expired) {
        hold_refuse(session, held->frame);
    } else if (held->fault == NULL) {
        session_on_frame(session, held->frame);
    } else if (!session_hold_too_big(session, held->frame, held->fault)) {
        session_refuse_too_big(session, held->frame, held->fault);
    }
}

/* Handles what was held, in its order; what has to wait again is held again.
 * expired: the first has waited in vain. */
static void
hold_replay(struct session *session, bool expired)
{
    struct held_frame *last = /* of those there now */
        session->held != NULL ? session->held->prev : NULL;
    bool more = last != NULL;

    session->holding = false;
    while (more && session->state == SESSION_CONNECTED) {
        struct held_frame *held = hold_take(session);

        more = held != last;
        hold_handle(session, held, expired);
        expired = false;
        hold_free(held);
    }
}

/* … and reads on. */
static void
hold_go_on(struct session *session, bool expired)
{
    hold_replay(session, expired);
    if (session->held_bytes <= SESSION_HELD_MAX) {
        session_pause(session, SESSION_PAUSE_HELD, false);
    }
    if (session->state == SESSION_CONNECTED) {
        session_timer_arm(session);
    }
}

void
session_resume(void *ctx)
{
    struct session *session = ctx;

    if (session->holding && session->state != SESSION_CLOSING) {
        session->now_us = core_now_us(session->core);
        hold_go_on(session, false);
    }
}

void
session_hold_expired(struct session *session)
{
    hold_go_on(session, true);
}

void
session_hold_force(struct session *session)
{
    if (session->holding) {
        /* It is little. */
        session->forced = true;
        hold_replay(session, false);
    }
}

void
session_hold_finish(struct session *session)
{
    if (!session->holding) {
        return;
    }
    /* The peer is gone, but what it sent counts (STOMP 1.2, DISCONNECT). */
    session->state = SESSION_CONNECTED;
    session_hold_force(session);
    session->state = SESSION_CLOSING;
}

void
session_check_replies(struct session *session)
{
    session_pause(session, SESSION_PAUSE_REPLIES,
                  session->reply_bytes > SESSION_REPLIES_MAX);
}
