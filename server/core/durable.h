/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durable topic subscriptions: known by a client-id and a name, they keep what
 * is published while nobody uses them, over restarts too.  This is the list of
 * them; topic_log.h has their messages.  Loop thread only.
 * Source: activemq.md 11.4; field.md P74-P76, P81.
 */
#pragma once
#include "base/error.h"
#include "base/hash.h"
#include "base/span.h"
#include "server/core/core.h"

#include <stdbool.h>
#include <stdint.h>

struct topic;
struct topic_cursor;

struct durable_target {
    struct durable_target *next;
    struct durable *durable;
    bool wildcard;
    size_t name_len;
    char name[];
};

struct durable {
    UT_hash_handle hh;
    struct core *core;
    struct subscription *active; /* NULL while nobody uses it */
    struct durable_target *targets;
    struct topic_cursor *cursors; /* DL list: one a topic that it covers */
    struct selector *selector;    /* NULL = everything */
    char *selector_text;          /* NULL = none */
    size_t selector_len;
    bool no_local;
    int64_t created_ms; /* wall clock */
    int64_t left_ms;    /* wall clock, when it was last used; 0 = now */
    size_t client_id_len;
    size_t key_len;
    char key[]; /* client-id NUL name */
};

static inline struct span
durable_key(const struct durable *durable)
{
    return span_of(durable->key, durable->key_len);
}

static inline struct span
durable_client_id(const struct durable *durable)
{
    return span_of(durable->key, durable->client_id_len);
}

static inline struct span
durable_name(const struct durable *durable)
{
    return span_after(durable_key(durable), durable->client_id_len + 1);
}

/* NULL when there is none of that key (client-id NUL name). */
struct durable *durable_find(const struct core *core, struct span key);

/* Reads what the store has of them; after store_recover. */
void durables_restore(struct core *core);

/* Frees the list at the end of the process. */
void durables_free(struct core *core);

/* A topic was made: those that cover it begin there. */
void durable_on_topic_made(struct topic *topic);

/* A consumer comes, or goes. */
void durable_activate(struct durable *durable, struct subscription *sub);
void durable_deactivate(struct durable *durable);

/* Removes those that nobody has used for timeout_us; -1 = never. */
void durables_sweep(struct core *core);
