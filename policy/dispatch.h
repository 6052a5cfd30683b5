/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dispatch policies: which subscription of a queue takes the next message, and
 * in which order the subscriptions of a topic get one.
 *
 * The core keeps, per destination, a list of the members that may take a
 * message now; a member whose credit is used up is taken out and inserted
 * again when it has credit.  A policy keeps that list in its order: it gets
 * nodes and numbers and returns a choice; it does not log, count, send, free,
 * block or call back.  Sources: activemq.md 3.1, 3.2; AMQ "Dispatch Policies".
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct dispatch_member {                 /* embedded by the core */
    struct dispatch_member *prev, *next; /* utlist DL_ list */
    int priority;   /* consumer priority: higher is served first */
    uint64_t order; /* place in subscription order: lower is older */
};

/* Puts member at its place in *list.  Must be given. */
typedef void dispatch_insert_fn(struct dispatch_member **list,
                                struct dispatch_member *member);

/* Queue: picks the member for the next message, NULL only when *list is empty;
 * may reorder.  The core calls it once per message and, when the pick turns out
 * to be without credit, removes that member and calls again. */
typedef struct dispatch_member *dispatch_pick_fn(struct dispatch_member **list);

/* Topic: called when one message has been offered to every member from first
 * to last; may reorder.  NULL when the order never changes. */
typedef void dispatch_offered_fn(struct dispatch_member **list);

/* What a policy may be told in the file. */
struct dispatch_parameters {
    char *ptp_client_id; /* clientIdFilter: ptpClientId, PTP_CLIENTID */
    char *ptp_suffix;    /* clientIdFilter: ptpSuffix, .PTP */
};

/* What is known of one message of a topic; filled only for a policy that has
 * `accepts`. */
struct dispatch_offer {
    struct span destination;   /* the topic's name */
    struct span ptp_client_id; /* the value of the header that
                                * parameters->ptp_client_id names; data NULL
                                * when the message has none */
};

/* Topic: whether the subscription of a client of that id is to get the
 * message.  NULL = every subscription. */
typedef bool dispatch_accepts_fn(const struct dispatch_parameters *parameters,
                                 const struct dispatch_offer *offer,
                                 struct span client_id);

struct dispatch_policy {
    const char *name;      /* as the policy file spells it */
    const char *long_name; /* ActiveMQ's element name */
    const char *doc;       /* one line for the manual */
    dispatch_insert_fn *insert;
    dispatch_pick_fn *pick;
    dispatch_offered_fn *offered;
    dispatch_accepts_fn *accepts;
};

/* Topics: every subscription gets every message, but for the last; what differs
 * is the order. */
extern const struct dispatch_policy dispatch_simple;       /* by subscription */
extern const struct dispatch_policy dispatch_round_robin;  /* head rotates */
extern const struct dispatch_policy dispatch_strict_order; /* never changes */
extern const struct dispatch_policy dispatch_priority;     /* by priority */
/* As priority: what it does beyond that in ActiveMQ concerns networks of
 * brokers. */
extern const struct dispatch_policy dispatch_priority_network;
/* By subscription; a message with the property ptpClientId goes only to the
 * client of that id, and only on a topic that ends with ptpSuffix. */
extern const struct dispatch_policy dispatch_client_id_filter;

/* Queues.  Round robin: each in turn within the highest priority that has
 * credit.  Strict order (`strictOrderDispatch`): the highest priority, then the
 * oldest, is filled first. */
extern const struct dispatch_policy dispatch_queue_round_robin;
extern const struct dispatch_policy dispatch_queue_strict_order;

/* NULL-terminated lists of the policies that `dispatchPolicy` and
 * `queueDispatchPolicy` may name. */
extern const struct dispatch_policy *const dispatch_policies[];
extern const struct dispatch_policy *const dispatch_queue_policies[];
