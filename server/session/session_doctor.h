/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What looks wrong about a connection, and what to do about it: found from what
 * the session, its subscriptions and their destinations count anyway.  Loop
 * thread only.  Source: field.md W11; the findings are in stompctl(1).
 */
#pragma once
#include <stdint.h>

struct session;

struct session_finding {
    const char *code;   /* "no-acks": for programs, stays */
    const char *text;   /* what was found: one sentence */
    const char *advice; /* what to do about it */
};
typedef void session_finding_fn(void *ctx,
                                const struct session_finding *finding);

/* Calls fn for each finding; its texts live during the call.  patience_us: what
 * may rest that long without a word. */
void session_diagnose(const struct session *session, int64_t now_us,
                      int64_t patience_us, session_finding_fn *fn, void *ctx);
