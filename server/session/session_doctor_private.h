/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of session_doctor.c: each looks at one thing and may find it
 * wrong.
 */
#pragma once
#include "server/session/session_doctor.h"
#include "server/session/session_private.h"
#include "server/session/session_view.h"

struct doctor {
    const struct session *session;
    struct session_view view;
    int64_t now_us;
    int64_t patience_us;
    session_finding_fn *fn;
    void *ctx;
};

/* Tells one finding. */
void doctor_find(const struct doctor *doctor, const char *code,
                 const char *advice, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* "/queue/a", as frames spell it, without secrets; text has
 * DOCTOR_NAME_BYTES. */
enum { DOCTOR_NAME_BYTES = 200 };
const char *doctor_name(const struct destination *dest, char *text);

typedef void doctor_check_fn(const struct doctor *doctor);
typedef void
doctor_subscription_fn(const struct doctor *doctor,
                       const struct session_subscription_view *view);

/* Of one subscription (session_doctor_checks.c). */
doctor_subscription_fn doctor_check_subscription;
