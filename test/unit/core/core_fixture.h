/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core with a store, a clock that the test moves, and clients that note what
 * they are given.  Every fixture_fini checks that no byte stays charged.
 */
#pragma once
#include "policy/policy_map.h"
#include "server/core/core.h"
#include "test/unit/fake_store.h"

#include <check.h>

enum { FAKE_CLIENT_GOT_MAX = 8192, FIXTURE_TEXT = 64 * 1024 };

struct fake_got {
    struct subscription *sub;
    struct delivery *delivery; /* NULL when settled, or a topic's in `auto` */
    size_t bytes;
    bool pending; /* `auto`: not yet settled */
    uint32_t attempts;
    unsigned notes;   /* of enum subscription_note */
    uint64_t dropped; /* as the MESSAGE says */
    char body[24];
};

struct fake_client {
    struct client client;
    bool open;
    struct fake_got got[FAKE_CLIENT_GOT_MAX];
    size_t got_count;
    size_t shown;
    unsigned resumed;
    unsigned browsed; /* browsers that have come to the end */
    unsigned stored;
    store_ticket stored_ticket;
    enum store_result stored_result;
    /* The message that came last. */
    char last_headers[1024];
    char last_body[1024];
    /* Subscriptions that the broker ended. */
    unsigned ended;
    bool ended_connection;
    char ended_reason[256];
};

struct fixture {
    int64_t now_us;
    int64_t now_ms;
    struct core_options options;
    struct policy_map *policies;
    struct store *store;
    struct core *core;
    store_ticket ticket; /* of the last fixture_send_* */
};

/* Opens with core_options_default. */
void fixture_init(struct fixture *fixture, const struct store_engine *engine);
void fixture_init_options(struct fixture *fixture,
                          const struct store_engine *engine,
                          const struct core_options *options);

/* Every client must be closed. */
void fixture_fini(struct fixture *fixture);

/* What the core counts is what the store has; fini and restart look too. */
void fixture_check_usage(const struct fixture *fixture);

/* Frees the core and makes another on the same (fake) store. */
void fixture_restart(struct fixture *fixture);

/* A policy for a pattern, to be changed by the test before the destination is
 * made; borrowed from the map. */
struct policy *fixture_policy(struct fixture *fixture,
                              enum destination_kind kind, const char *pattern);

/* As the broker: turns until nothing is left, flush, poll, and once more. */
void fixture_turn(struct fixture *fixture);
void fixture_sleep_ms(struct fixture *fixture, int64_t ms);

void client_open(struct fixture *fixture, struct fake_client *client);
/* What `auto` has not settled goes back as unsent, then the close. */
void client_close(struct fake_client *client);

/* Options of a subscription with defaults: ack, prefetch 0 = the policy's. */
struct subscribe_options options_of(enum ack_mode ack, uint32_t prefetch);
struct subscription *subscribe(struct fake_client *client,
                               enum destination_kind kind, const char *name,
                               const struct subscribe_options *options);
struct subscription *subscribe_queue(struct fake_client *client,
                                     const char *name, enum ack_mode ack,
                                     uint32_t prefetch);
struct subscription *subscribe_topic(struct fake_client *client,
                                     const char *name, enum ack_mode ack,
                                     uint32_t prefetch);

/* A message with that body; facts may be NULL. */
struct message *message_make(struct fixture *fixture, const char *body,
                             const struct message_facts *facts);
/* The same with further header lines, "a:1\n". */
struct message *message_make_with(struct fixture *fixture, const char *headers,
                                  const char *body,
                                  const struct message_facts *facts);

/* Sends bodies "first" … "last" without persistence; no turn. */
void send_queue(struct fixture *fixture, const char *name, int first, int last);
void send_topic(struct fixture *fixture, const char *name, int first, int last);
void send_persistent(struct fixture *fixture, const char *name, int first,
                     int last);
/* Sends msg, whose reference is taken over; no turn. */
enum core_send send_made(struct fixture *fixture, enum destination_kind kind,
                         const char *name, struct message *msg,
                         const struct send_options *options);
enum core_send send_message(struct fixture *fixture, enum destination_kind kind,
                            const char *name, const char *body,
                            const struct message_facts *facts,
                            const struct send_options *options);

/* A message to a queue with header lines of its own ("a:1\nb:2\n") and a
 * priority; group headers are looked at. */
void send_headed(struct fixture *fixture, enum destination_kind kind,
                 const char *name, const char *body, const char *headers,
                 const struct message_facts *facts);

/* The selector of a text that is one. */
struct selector *selector_of(const char *text);

/* Bodies that came since the last call, in order: "0 1 2r", r: redelivered,
 * *: recovered, !: retained. */
const char *client_news(struct fake_client *client);

/* Settles the delivery with that body that came last. */
void client_ack(struct fake_client *client, const char *body);
void client_nack(struct fake_client *client, const char *body);
void client_refuse(struct fake_client *client, const char *body);
/* NACK with a delay; -1: the policy's. */
void client_nack_later(struct fake_client *client, const char *body,
                       int64_t delay_ms);
struct delivery *client_delivery(struct fake_client *client, const char *body);
/* Acknowledges all that is un-acked. */
void client_ack_all(struct fake_client *client);
/* `auto`: everything has left. */
void client_flush(struct fake_client *client);

/* The number that a test has put into a body; -1 when it is none. */
int body_number(const char *body);
