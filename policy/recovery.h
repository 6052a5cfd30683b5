/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscription recovery policies: what a retroactive subscriber gets of a
 * topic's past.  One state per topic.  A policy holds messages as opaque
 * pointers with the numbers it decides by; it never looks inside.
 * Source: activemq.md 4.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a message says about being retained; for retainedMessage only. */
enum recovery_retain {
    RECOVERY_RETAIN_NO,    /* an ordinary message */
    RECOVERY_RETAIN_KEEP,  /* to be kept until the next such one */
    RECOVERY_RETAIN_CLEAR, /* nothing is to be kept any more */
};

struct recovery_item {
    void *message;      /* held between hold() and release() */
    size_t bytes;       /* headers and body */
    int64_t sent_us;    /* monotonic time when it was dispatched */
    int64_t expires_ms; /* wall clock, 0 = never */
    enum recovery_retain retain;
};

/* How the policy takes and drops its hold on item->message. */
typedef void recovery_hold_fn(void *message);

/* Whether the query selects the message. */
typedef bool recovery_accepts_fn(void *query_state, void *message);

struct recovery_policy;

/* The hooks are the core's, the rest is from the file. */
struct recovery_parameters {
    recovery_hold_fn *hold;
    recovery_hold_fn *release;
    recovery_accepts_fn *accepts; /* queryBased; NULL = every message */
    void *query_state;   /* what accepts gets; outlives the recovery state */
    int64_t duration_us; /* timed: recoverDuration, default 60 s */
    size_t count;        /* fixedCount, queryBased: maximumSize, 100 */
    size_t bytes;        /* fixedSized: maximumSize, default 64 KiB */
    bool shared_buffer;  /* fixedSized: useSharedBuffer, true; ActiveMQ's, of no
                          * effect: every topic has its own state */
    char *query;         /* queryBased: a selector; NULL for the others */
    /* retainedMessage: what it keeps beside the retained message; not
     * retainedMessage itself. */
    const struct recovery_policy *wrapped;
};

struct recovery_state; /* opaque: each policy has its own struct behind it */

/* Messages are visited oldest first; the visitor must not record. */
typedef void recovery_visit_fn(void *ctx, const struct recovery_item *item);

typedef struct recovery_state *
recovery_open_fn(const struct recovery_parameters *parameters);
/* Releases what is held, frees, sets *state to NULL. */
typedef void recovery_close_fn(struct recovery_state **state);
/* A message was dispatched on the topic, whether or not anyone subscribes. */
typedef void recovery_record_fn(struct recovery_state *state,
                                const struct recovery_item *item);
/* Visits what a subscriber that comes now is to get: not what has expired by
 * now_ms (wall clock), not what the policy no longer keeps at now_us.  The
 * retained message comes first, and the item says that it is one. */
typedef void recovery_visit_all_fn(struct recovery_state *state, int64_t now_us,
                                   int64_t now_ms, recovery_visit_fn *visit,
                                   void *ctx);
/* Drops what is too old by now_us; called about once a second. NULL = nothing
 * ever gets too old. */
typedef void recovery_sweep_fn(struct recovery_state *state, int64_t now_us);

struct recovery_policy {
    const char *name;
    const char *long_name;
    const char *doc;
    recovery_open_fn *open; /* NULL for `none`: no state, never called */
    recovery_close_fn *close;
    recovery_record_fn *record;
    recovery_visit_all_fn *visit_all;
    recovery_sweep_fn *sweep;
};

extern const struct recovery_policy recovery_none;
extern const struct recovery_policy recovery_last_image;
extern const struct recovery_policy recovery_fixed_count;
extern const struct recovery_policy recovery_fixed_sized;
extern const struct recovery_policy recovery_timed;
extern const struct recovery_policy recovery_query_based;
extern const struct recovery_policy recovery_retained; /* recovery_retained.c */

extern const struct recovery_policy *const recovery_policies[];
