/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dispatch policies.  Nothing here allocates, and what a message costs does
 * not grow with the number of members: only members of several priorities
 * under round robin are walked.
 */
#include "policy/dispatch.h"

#include "base/hash.h"

#include <stdbool.h>

/* Puts member behind the last that is to be served before it.  The walk goes
 * from the end: a new subscription belongs there. */
static void
dispatch_insert_behind(struct dispatch_member **list,
                       struct dispatch_member *member,
                       bool (*precedes)(const struct dispatch_member *a,
                                        const struct dispatch_member *b))
{
    struct dispatch_member *at = *list != NULL ? (*list)->prev : NULL;

    while (at != NULL && !precedes(at, member)) {
        at = at != *list ? at->prev : NULL;
    }
    /* Without an element DL_APPEND_ELEM prepends. */
    DL_APPEND_ELEM(*list, at, member);
}

static bool
dispatch_precedes_by_order(const struct dispatch_member *a,
                           const struct dispatch_member *b)
{
    return a->order <= b->order;
}

static bool
dispatch_precedes_by_priority(const struct dispatch_member *a,
                              const struct dispatch_member *b)
{
    return a->priority >= b->priority;
}

static bool
dispatch_precedes_by_both(const struct dispatch_member *a,
                          const struct dispatch_member *b)
{
    return a->priority > b->priority ||
           (a->priority == b->priority && a->order <= b->order);
}

static void
dispatch_insert_by_order(struct dispatch_member **list,
                         struct dispatch_member *member)
{
    dispatch_insert_behind(list, member, dispatch_precedes_by_order);
}

/* Last in turn among its equals. */
static void
dispatch_insert_by_priority(struct dispatch_member **list,
                            struct dispatch_member *member)
{
    dispatch_insert_behind(list, member, dispatch_precedes_by_priority);
}

static void
dispatch_insert_by_both(struct dispatch_member **list,
                        struct dispatch_member *member)
{
    dispatch_insert_behind(list, member, dispatch_precedes_by_both);
}

static void
dispatch_insert_last(struct dispatch_member **list,
                     struct dispatch_member *member)
{
    DL_APPEND(*list, member);
}

/* The last member with the priority of head.  Looks from both ends, so it is
 * found at once when all are equal and when one stands above the rest. */
static struct dispatch_member *
dispatch_band_last(struct dispatch_member *head)
{
    struct dispatch_member *from_head = head;
    struct dispatch_member *from_tail = head->prev;

    while (from_tail->priority != head->priority) {
        if (from_head->next->priority != head->priority) {
            return from_head;
        }
        from_head = from_head->next;
        from_tail = from_tail->prev;
    }
    return from_tail;
}

static struct dispatch_member *
dispatch_pick_in_turn(struct dispatch_member **list)
{
    struct dispatch_member *head = *list;
    struct dispatch_member *last;

    if (head == NULL) {
        return NULL;
    }
    last = dispatch_band_last(head);
    if (last != head) {
        DL_DELETE(*list, head);
        DL_APPEND_ELEM(*list, last, head);
    }
    return head;
}

static struct dispatch_member *
dispatch_pick_first(struct dispatch_member **list)
{
    return *list;
}

static void
dispatch_rotate(struct dispatch_member **list)
{
    struct dispatch_member *head = *list;

    if (head != NULL && head->next != NULL) {
        DL_DELETE(*list, head);
        DL_APPEND(*list, head);
    }
}

static bool
dispatch_accepts_client(const struct dispatch_parameters *parameters,
                        const struct dispatch_offer *offer,
                        struct span client_id)
{
    struct span suffix = span_of_text(parameters->ptp_suffix);
    struct span name = offer->destination;

    if (offer->ptp_client_id.data == NULL) {
        return true;
    }
    return span_equal(client_id, offer->ptp_client_id) &&
           name.len >= suffix.len &&
           span_equal(span_after(name, name.len - suffix.len), suffix);
}

const struct dispatch_policy dispatch_simple = {
    .name = "simple",
    .long_name = "simpleDispatchPolicy",
    .doc = "every subscription gets the message, in subscription order",
    .insert = dispatch_insert_by_order,
    .pick = dispatch_pick_first,
};

const struct dispatch_policy dispatch_round_robin = {
    .name = "roundRobin",
    .long_name = "roundRobinDispatchPolicy",
    .doc = "every subscription gets the message; who is served first rotates",
    .insert = dispatch_insert_last,
    .pick = dispatch_pick_first,
    .offered = dispatch_rotate,
};

const struct dispatch_policy dispatch_strict_order = {
    .name = "strictOrder",
    .long_name = "strictOrderDispatchPolicy",
    .doc = "every subscription gets the message; all see one total order",
    .insert = dispatch_insert_by_order,
    .pick = dispatch_pick_first,
};

const struct dispatch_policy dispatch_priority = {
    .name = "priority",
    .long_name = "priorityDispatchPolicy",
    .doc = "every subscription gets the message, those of the highest priority "
           "first",
    .insert = dispatch_insert_by_both,
    .pick = dispatch_pick_first,
};

const struct dispatch_policy dispatch_priority_network = {
    .name = "priorityNetwork",
    .long_name = "priorityNetworkDispatchPolicy",
    .doc = "as priority: there is no network of brokers",
    .insert = dispatch_insert_by_both,
    .pick = dispatch_pick_first,
};

const struct dispatch_policy dispatch_client_id_filter = {
    .name = "clientIdFilter",
    .long_name = "clientIdFilterDispatchPolicy",
    .doc = "as simple, but a message with the header ptpClientId goes only to "
           "the client of that id, and only on topics whose name ends with "
           "ptpSuffix",
    .insert = dispatch_insert_by_order,
    .pick = dispatch_pick_first,
    .accepts = dispatch_accepts_client,
};

const struct dispatch_policy dispatch_queue_round_robin = {
    .name = "roundRobin",
    .long_name = "roundRobinDispatchPolicy",
    .doc = "each consumer in turn within the highest priority with credit",
    .insert = dispatch_insert_by_priority,
    .pick = dispatch_pick_in_turn,
};

const struct dispatch_policy dispatch_queue_strict_order = {
    .name = "strictOrder",
    .long_name = "strictOrderDispatchPolicy",
    .doc = "the highest priority, then the oldest consumer, is filled first",
    .insert = dispatch_insert_by_both,
    .pick = dispatch_pick_first,
};

const struct dispatch_policy *const dispatch_policies[] = {
    &dispatch_simple,
    &dispatch_round_robin,
    &dispatch_strict_order,
    &dispatch_priority,
    &dispatch_priority_network,
    &dispatch_client_id_filter,
    NULL,
};

const struct dispatch_policy *const dispatch_queue_policies[] = {
    &dispatch_queue_round_robin,
    &dispatch_queue_strict_order,
    NULL,
};
