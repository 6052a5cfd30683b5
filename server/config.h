/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The broker's own configuration, `stompd.json`: a table of keys, checked like
 * the policy file.  Everything has a default.  Read at start, before there are
 * threads.  Sources: design.md section 1; stomp.md appendix B.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"
#include "policy/faults.h"
#include "policy/units.h"
#include "server/listener_uri.h"
#include "server/log.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum config_engine { CONFIG_ENGINE_LEVELDB, CONFIG_ENGINE_MEMORY };

struct config_storage {
    enum config_engine engine;
    char *directory;          /* NULL: where the system keeps state */
    int64_t sync_interval_us; /* writes nobody waits for are synced so often */
    int64_t flush_delay_us;   /* and may be held so long for an ACK */
    struct units_share limit; /* persistent messages; of the disk */
    struct units_share temp_limit;     /* spilled ones; of the disk */
    struct units_share free_space_min; /* of the disk */
};

enum config_durable_change { CONFIG_DURABLE_REFUSE, CONFIG_DURABLE_REPLACE };

struct config_durable {
    unsigned take_over; /* enum durable_take_over */
    enum config_durable_change on_change;
    int64_t offline_timeout_us; /* 0 = never */
};

struct config_limits {
    size_t connections; /* 0 = none of ours */
    size_t header_line_bytes;
    size_t header_count;
    size_t body_bytes;
    int64_t login_timeout_us;
    uint32_t transactions;       /* open at a time, per connection */
    uint32_t transaction_frames; /* in one */
    size_t transaction_bytes;
    struct units_share memory;    /* all messages in memory; of the memory */
    size_t out_buffer_hard_bytes; /* per connection */
};

struct config {
    struct listener_uri *listeners;
    size_t listener_count;
    struct config_storage storage;
    char *policy; /* path; NULL = none */
    struct config_limits limits;
    struct config_durable durable;
    int64_t heartbeat_send_ms;    /* what we can do, 0 = none */
    int64_t heartbeat_receive_ms; /* what we want, 0 = none */
    int64_t dedupe_window_ms;
    size_t dedupe_count;
    enum log_level log_level;
};

/* The defaults, never NULL. */
struct config *config_new(void);

/* Frees *config and sets it to NULL; NULL is fine. */
void config_free(struct config **config);

/* Stores what the file says; what it does not say stays.  0, or -1 and at
 * least one fault (faults is cleared first): then config may have been
 * changed in part.  Blocks. */
int config_load_file(struct config *config, const char *path,
                     struct faults *faults);

/* The same from memory; source is what the faults call it. */
int config_load_text(struct config *config, struct span text,
                     const char *source, struct faults *faults);

/* One more listener; -1 with a sentence when the URI is wrong. */
int config_add_listener(struct config *config, struct span uri,
                        struct error *err);

/* None, as before the first `-l`. */
void config_clear_listeners(struct config *config);

/* The whole file with every default that there is. */
void config_print_defaults(FILE *out);
