/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the policy file again, in a thread of its own: the loop thread must not
 * wait for a disk.  One read at a time.  Whoever asks gets a read that began
 * after that, and those who ask while one goes on share the next.
 */
#pragma once
#include "policy/faults.h"
#include "policy/policy_map.h"

#include <stdbool.h>

struct reload; /* opaque: defined in reload.c */
struct net_exchange;

/* What was asked for. */
struct reload_request {
    struct reload_request *next;
    struct net_exchange *exchange; /* to be answered; NULL for a signal */
    bool dry_run;
};

/* The read has ended: fresh is the callee's, or NULL and there are faults.  The
 * requests, at least one and in the order they came in, are those that it was
 * for.  Runs in reload_poll. */
typedef void reload_done_fn(void *ctx, const struct reload_request *requests,
                            struct policy_map *fresh,
                            const struct faults *faults);

struct reload_options {
    const char *path;        /* borrowed */
    void (*wake)(void *ctx); /* any thread: reload_poll is to be called */
    reload_done_fn *done;
    void *ctx; /* for both */
};

struct reload *reload_new(const struct reload_options *options);

/* Waits for a read that goes on, 2 s at the longest; nobody is called any
 * more. */
void reload_free(struct reload **reload);

/* Loop thread: asks for a read. */
void reload_ask(struct reload *reload, bool dry_run,
                struct net_exchange *exchange);

/* Loop thread: hands over what is done, begins what waits. */
void reload_poll(struct reload *reload);
