/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport over a byte buffer: what a session writes is kept, and the test
 * says how much of it the kernel has taken.  Adds nothing to frames; a beat is
 * one LF.  Notes pauses, the timer and the close.
 */
#pragma once
#include "base/buf.h"
#include "server/session/transport.h"

struct fake_transport {
    struct transport base;
    const int64_t *now_us; /* the test's clock */
    struct buf out;        /* everything written */
    size_t taken;          /* of out, by fake_transport_take */
    struct buf shown;
    bool in_frame;
    bool paused;
    unsigned pauses;
    bool closed; /* by the session */
    enum transport_close how;
    char reason[160];
    int64_t due_us; /* INT64_MAX: off */
};

void fake_transport_init(struct fake_transport *fake, const int64_t *now_us);
void fake_transport_fini(struct fake_transport *fake);

/* The kernel takes at most bytes more; the caller then tells the session. */
void fake_transport_flush(struct fake_transport *fake, size_t bytes);

/* What was written since the last call, each NUL as "^@".  Good until the next
 * call. */
const char *fake_transport_take(struct fake_transport *fake);
