/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a check, and what it expects; the bytes are in conform_peer.c and
 * conform_say.c. */
#include "stompctl/conform_step.h"

#include "base/clock.h"
#include "stompctl/conform_peer.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long something that must not come is waited for, after a round trip
 * that it would have overtaken. */
enum { STEP_MOMENT_MS = 40 };
/* How much of what came is shown. */
enum { STEP_SHOWN_BYTES = 160 };

static const struct got got_nothing = { .counted = false };

void
step_begin(struct step *step, const struct step_target *target)
{
    static unsigned number;
    long long run = (long long)clock_wall_ms();

    *step = (struct step){ .target = target };
    number++;
    (void)snprintf(step->queue, sizeof(step->queue),
                   "/queue/conform.%llx.%d.%u", run, (int)getpid(), number);
    (void)snprintf(step->topic, sizeof(step->topic),
                   "/topic/conform.%llx.%d.%u", run, (int)getpid(), number);
}

void
step_drop_peers(struct step *step)
{
    for (size_t i = 0; i < step->peer_count; i++) {
        peer_free(step->peers[i]);
    }
    step->peer_count = 0;
}

void
step_end(struct step *step)
{
    step_drop_peers(step);
    buf_fini(&step->remark);
}

static void
step_over(struct step *step, enum step_outcome outcome, const char *fmt,
          va_list ap)
{
    char text[512];

    if (step_is_over(step)) {
        return;
    }
    step->outcome = outcome;
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    buf_append_span(&step->remark, span_of_text(text));
}

void
step_fail(struct step *step, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    step_over(step, STEP_FAILS, fmt, ap);
    va_end(ap);
}

void
step_not_applicable(struct step *step, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    step_over(step, STEP_NOT_APPLICABLE, fmt, ap);
    va_end(ap);
}

void
step_require(struct step *step, bool good, const char *what)
{
    if (!good) {
        step_fail(step, "%s", what);
    }
}

/* Notes what came instead: the frames that nobody took, and the rest. */
static void
peer_fail(struct peer *peer, const char *expected)
{
    struct step *step = peer->step;
    const struct got *got = peer->first;
    struct span rest = span_after(buf_span(&peer->in), peer->parsed);

    if (step_is_over(step)) {
        return;
    }
    while (got != NULL && got->taken) {
        got = got->next;
    }
    while (rest.len > 0 && rest.data[0] == '\n') {
        rest = span_after(rest, 1); /* beats say nothing */
    }
    step_fail(step, "expected %s, but ", expected);
    if (got != NULL) {
        buf_append_span(&step->remark, SPAN("got "));
        got_show(&step->remark, got->raw, STEP_SHOWN_BYTES);
    } else if (rest.len > 0) {
        buf_append_span(&step->remark, SPAN("got the octets "));
        got_show(&step->remark, rest, STEP_SHOWN_BYTES);
    } else if (peer->closed) {
        buf_append_span(&step->remark, span_of_text(peer->lost.text));
    } else {
        buf_append_span(&step->remark, SPAN("nothing came"));
    }
}

static struct got *
peer_untaken(const struct peer *peer, const char *command)
{
    struct got *got = peer->first;

    while (got != NULL &&
           (got->taken || (command != NULL &&
                           !span_equal(got->command, span_of_text(command))))) {
        got = got->next;
    }
    return got;
}

/* Waits for a frame of that command (NULL: any). */
static const struct got *
peer_await(struct peer *peer, const char *command)
{
    int64_t deadline_us = clock_monotonic_us() + peer->step->target->timeout_us;
    struct got *got = NULL;

    peer_flush(peer);
    while (!step_is_over(peer->step)) {
        got = peer_untaken(peer, command);
        if (got == NULL && command != NULL &&
            peer_untaken(peer, "ERROR") != NULL) {
            break;
        }
        if (got != NULL) {
            got->taken = true;
            return got;
        }
        if (!peer_fill(peer, deadline_us)) {
            break;
        }
    }
    peer_fail(peer, command != NULL ? command : "a frame");
    return &got_nothing;
}

const struct got *
peer_expect(struct peer *peer, const char *command)
{
    return peer_await(peer, command);
}

const struct got *
peer_next(struct peer *peer)
{
    return peer_await(peer, NULL);
}

void
peer_require_nothing(struct peer *peer)
{
    if (peer_untaken(peer, NULL) != NULL) {
        peer_fail(peer, "no frame");
    }
}

void
peer_require_header(struct peer *peer, const struct got *got, const char *name,
                    const char *value)
{
    struct span found = got_header(got, name);
    struct buf text = BUF_INIT;

    if (step_is_over(peer->step)) {
        return;
    }
    if (value == NULL
            ? found.data == NULL
            : found.data != NULL && span_equal(found, span_of_text(value))) {
        return;
    }
    if (value == NULL) {
        buf_appendf(&text, "expected no header %s, got ", name);
    } else {
        buf_appendf(&text, "expected %s:", name);
        got_show(&text, span_of_text(value), STEP_SHOWN_BYTES);
        buf_appendf(&text, ", got ");
    }
    got_show(&text, got->raw, STEP_SHOWN_BYTES * 2);
    buf_append_char(&text, '\0');
    step_fail(peer->step, "%s", text.data);
    buf_fini(&text);
}

void
peer_require_body(struct peer *peer, const struct got *got, struct span body)
{
    struct buf text = BUF_INIT;

    if (step_is_over(peer->step) || span_equal(got->body, body)) {
        return;
    }
    buf_appendf(&text, "expected the body \"");
    got_show(&text, body, STEP_SHOWN_BYTES / 2);
    buf_appendf(&text, "\", got ");
    got_show(&text, got->raw, STEP_SHOWN_BYTES);
    buf_append_char(&text, '\0');
    step_fail(peer->step, "%s", text.data);
    buf_fini(&text);
}

const struct got *
peer_expect_body(struct peer *peer, const char *body)
{
    const struct got *got = peer_expect(peer, "MESSAGE");

    peer_require_body(peer, got, span_of_text(body));
    return got;
}

const struct got *
peer_expect_receipt(struct peer *peer, const char *id)
{
    const struct got *got = peer_expect(peer, "RECEIPT");

    peer_require_header(peer, got, "receipt-id", id);
    return got;
}

void
peer_expect_close(struct peer *peer)
{
    int64_t deadline_us = clock_monotonic_us() + peer->step->target->timeout_us;

    peer_flush(peer);
    while (!step_is_over(peer->step) && !peer->closed) {
        if (!peer_fill(peer, deadline_us) && !peer->closed) {
            peer_fail(peer, "the end of the connection");
        }
    }
}

const struct got *
peer_expect_error(struct peer *peer)
{
    const struct got *got = peer_expect(peer, "ERROR");

    peer_expect_close(peer);
    if (!step_is_over(peer->step) && got->next != NULL) {
        peer_fail(peer, "nothing after ERROR");
    }
    return got;
}

void
peer_fence(struct peer *peer)
{
    static unsigned number;
    char id[32];
    struct got *got = NULL;
    int64_t deadline_us = clock_monotonic_us() + peer->step->target->timeout_us;

    (void)snprintf(id, sizeof(id), "fence-%u", ++number);
    peer_say(peer, "SEND\ndestination:/topic/conform.fence\nreceipt:%s\n\n",
             id);
    peer_flush(peer);
    while (!step_is_over(peer->step)) {
        for (got = peer->first; got != NULL; got = got->next) {
            if (span_equal(got_header(got, "receipt-id"), span_of_text(id))) {
                got->taken = true;
                return;
            }
        }
        if (peer_untaken(peer, "ERROR") != NULL ||
            !peer_fill(peer, deadline_us)) {
            peer_fail(peer, "RECEIPT of a SEND");
        }
    }
}

void
peer_expect_none(struct peer *peer, const char *command)
{
    const struct got *got;
    int64_t until_us;

    peer_fence(peer);
    until_us = clock_monotonic_us() + STEP_MOMENT_MS * 1000;
    while (!step_is_over(peer->step) && peer_fill(peer, until_us)) {
    }
    got = peer_untaken(peer, command);
    if (got != NULL && !step_is_over(peer->step)) {
        char expected[64];

        (void)snprintf(expected, sizeof(expected), "no %s", command);
        peer_fail(peer, expected);
    }
}

void
peer_expect_silence(struct peer *peer, int ms)
{
    int64_t until_us = clock_monotonic_us() + (int64_t)ms * 1000;
    /* The EOL that ends the last frame may come by itself. */
    size_t last = peer->first != NULL ? peer->parsed + 1 : 0;
    size_t before = last > peer->in.len ? last : peer->in.len;

    peer_flush(peer);
    while (!step_is_over(peer->step) && peer_fill(peer, until_us)) {
        if (peer->in.len > before) {
            struct buf text = BUF_INIT;

            got_show(&text, span_after(buf_span(&peer->in), before),
                     STEP_SHOWN_BYTES);
            buf_append_char(&text, '\0');
            step_fail(peer->step, "expected silence for %d ms, but got %s", ms,
                      text.data);
            buf_fini(&text);
        }
    }
    step_require(peer->step, !peer->closed,
                 "expected silence, but the connection was closed");
}

bool
peer_read(struct peer *peer, int ms)
{
    int64_t until_us = clock_monotonic_us() + (int64_t)ms * 1000;
    size_t before = peer->in.len;

    peer_flush(peer);
    while (!step_is_over(peer->step) && peer->in.len == before &&
           peer_fill(peer, until_us)) {
    }
    return peer->in.len > before;
}

void
peer_expect_pong(struct peer *peer, struct span payload)
{
    int64_t deadline_us = clock_monotonic_us() + peer->step->target->timeout_us;

    while (!step_is_over(peer->step) && peer->ws.pongs == 0) {
        if (!peer_fill(peer, deadline_us)) {
            peer_fail(peer, "a Pong");
        }
    }
    if (!step_is_over(peer->step)) {
        step_require(peer->step,
                     span_equal(span_of(peer->ws.control, peer->ws.control_len),
                                payload),
                     "the Pong has another payload than the Ping");
    }
}

void
peer_expect_gone(struct peer *peer)
{
    int64_t deadline_us = clock_monotonic_us() + peer->step->target->timeout_us;

    while (!step_is_over(peer->step)) {
        struct pollfd pollfd = { .fd = link_fd(peer->link) };

        /* Sent into a socket that nobody has, it is answered by a reset. */
        if (send(pollfd.fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
            errno != EAGAIN) {
            return;
        }
        (void)poll(&pollfd, 1, STEP_MOMENT_MS);
        if (clock_monotonic_us() > deadline_us) {
            step_fail(peer->step, "the broker still holds its socket");
        }
    }
}

struct peer *
peer_login_subscribed(struct step *step, const char *version)
{
    struct peer *peer = peer_login(step, version);

    peer_subscribe(peer, "s", step->queue, "");
    return peer;
}

/* Says a frame on a connection of its own; the caller frees *text_out. */
static struct peer *
step_say(struct step *step, const char *version, struct buf *text_out,
         const char *fmt, va_list ap)
{
    struct peer *peer = peer_login(step, version);
    char text[2048];
    int len = vsnprintf(text, sizeof(text), fmt, ap);

    if (len < 0 || (size_t)len >= sizeof(text)) {
        step_fail(step, "a check says too much at once");
        return peer;
    }
    buf_append(text_out, text, (size_t)len);
    buf_append_char(text_out, '\0');
    peer_say_bytes(peer, buf_span(text_out));
    return peer;
}

/* Tells after what it failed. */
static void
step_tell(struct step *step, bool was_over, struct buf *text)
{
    if (!was_over && step->outcome == STEP_FAILS && text->len > 0) {
        buf_append_span(&step->remark, SPAN("; sent was "));
        got_show(&step->remark, buf_span(text), STEP_SHOWN_BYTES);
    }
    buf_fini(text);
}

void
step_refuses(struct step *step, const char *version, const char *fmt, ...)
{
    bool was_over = step_is_over(step);
    struct buf text = BUF_INIT;
    struct peer *peer;
    va_list ap;

    va_start(ap, fmt);
    peer = step_say(step, version, &text, fmt, ap);
    va_end(ap);
    (void)peer_expect_error(peer);
    peer_hang_up(peer);
    step_tell(step, was_over, &text);
}

void
step_accepts(struct step *step, const char *version, const char *fmt, ...)
{
    bool was_over = step_is_over(step);
    struct buf text = BUF_INIT;
    struct peer *peer;
    va_list ap;

    va_start(ap, fmt);
    peer = step_say(step, version, &text, fmt, ap);
    va_end(ap);
    peer_fence(peer);
    peer_hang_up(peer);
    step_tell(step, was_over, &text);
}
