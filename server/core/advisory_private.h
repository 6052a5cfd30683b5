/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an advisory is made: advisory.c does when something happens,
 * advisory_replay.c for those who come later.
 */
#pragma once
#include "base/buf.h"
#include "server/core/advisory.h"

#define ADVISORY_PREFIX "ActiveMQ.Advisory."

/* As topics spell the kind, by enum destination_kind. */
extern const char *const advisory_kinds[DESTINATION_KIND_COUNT];

/* An advisory while it is made. */
struct advisory {
    struct core *core;
    struct destination *topic;
    struct attachment *only; /* a replay: for this one alone */
    struct buf headers;
    struct buf body;
};

bool advisory_is_about_advisories(const struct destination *dest);

/* Begins one on the topic prefix + what + kind + "." + name (the last two may
 * be empty).  False when nobody would get it. */
bool advisory_begin(struct advisory *advisory, struct core *core,
                    const char *what, const char *kind, struct span name);

/* Publishes it, or gives it to the one it is replayed to. */
void advisory_end(struct advisory *advisory);

void advisory_write_connection(struct advisory *advisory,
                               const struct client *client, bool connected);
void advisory_write_destination(struct advisory *advisory,
                                const struct destination *dest, bool created);
void advisory_write_consumer(struct advisory *advisory,
                             const struct attachment *attachment,
                             bool subscribed);
