/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/fake_transport.h"

#include "base/hash.h"

#include <assert.h>
#include <stdio.h>

static struct fake_transport *
fake_of(struct transport *transport)
{
    return container_of(transport, struct fake_transport, base);
}

static char *
fake_frame_begin(struct transport *transport, size_t head_len, struct span tail,
                 const struct transport_hold *hold)
{
    struct fake_transport *fake = fake_of(transport);
    size_t at = fake->out.len;

    assert(!fake->in_frame && !fake->closed);
    assert(head_len > 0);
    if (hold != NULL) { /* as one that keeps it by reference would */
        hold->take(hold->owner);
    }
    (void)buf_reserve(&fake->out, head_len + tail.len);
    fake->out.len += head_len;
    buf_append_span(&fake->out, tail);
    if (hold != NULL) {
        hold->drop(hold->owner);
    }
    fake->in_frame = true;
    transport->queued_bytes += head_len + tail.len;
    return fake->out.data + at;
}

static void
fake_frame_end(struct transport *transport)
{
    struct fake_transport *fake = fake_of(transport);

    assert(fake->in_frame);
    assert(fake->out.data[fake->out.len - 1] == '\0');
    fake->in_frame = false;
}

static void
fake_beat(struct transport *transport)
{
    struct fake_transport *fake = fake_of(transport);

    assert(!fake->in_frame && !fake->closed);
    buf_append_char(&fake->out, '\n');
    transport->queued_bytes++;
}

static void
fake_close(struct transport *transport, enum transport_close how,
           const char *reason)
{
    struct fake_transport *fake = fake_of(transport);

    assert(!fake->in_frame && !fake->closed);
    fake->closed = true;
    fake->how = how;
    (void)snprintf(fake->reason, sizeof(fake->reason), "%s", reason);
}

static void
fake_read_pause(struct transport *transport, bool paused)
{
    struct fake_transport *fake = fake_of(transport);

    assert(fake->paused != paused);
    fake->paused = paused;
    fake->pauses += paused ? 1 : 0;
}

static void
fake_timer_set(struct transport *transport, int64_t due_us)
{
    fake_of(transport)->due_us = due_us;
}

static const struct transport_ops fake_transport_ops = {
    .frame_begin = fake_frame_begin,
    .frame_end = fake_frame_end,
    .beat = fake_beat,
    .close = fake_close,
    .read_pause = fake_read_pause,
    .timer_set = fake_timer_set,
};

void
fake_transport_init(struct fake_transport *fake, const int64_t *now_us)
{
    *fake = (struct fake_transport){
        .base = { .ops = &fake_transport_ops, .kind = "fake", .peer = "test" },
        .now_us = now_us,
        .due_us = INT64_MAX,
    };
    fake->base.last_read_us = *now_us;
    fake->base.last_write_us = *now_us;
}

void
fake_transport_fini(struct fake_transport *fake)
{
    buf_fini(&fake->out);
    buf_fini(&fake->shown);
}

void
fake_transport_flush(struct fake_transport *fake, size_t bytes)
{
    size_t left = (size_t)(fake->base.queued_bytes - fake->base.flushed_bytes);

    bytes = bytes < left ? bytes : left;
    if (bytes > 0) {
        fake->base.flushed_bytes += bytes;
        fake->base.last_write_us = *fake->now_us;
    }
}

const char *
fake_transport_take(struct fake_transport *fake)
{
    buf_clear(&fake->shown);
    for (; fake->taken < fake->out.len; fake->taken++) {
        char c = fake->out.data[fake->taken];

        if (c == '\0') {
            buf_append(&fake->shown, "^@", 2);
        } else {
            buf_append_char(&fake->shown, c);
        }
    }
    buf_append_char(&fake->shown, '\0');
    return fake->shown.data;
}
