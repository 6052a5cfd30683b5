/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual destinations: a message that is sent to one destination is copied to
 * others.  Here is what the file says; the copying is the core's.  Immutable
 * once it is in a map; shared by reference.  Source: activemq.md 9.
 */
#pragma once
#include "base/buf.h"
#include "base/destination_kind.h"
#include "base/span.h"
#include "policy/selector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct virtual_destination_type {
    const char *name; /* as the file spells it, and ActiveMQ */
    const char *doc;
    enum destination_kind source; /* what its name is the name of */
    const char *name_default;     /* NULL = must be given */
    const char *prefix_default;   /* NULL = none */
};

/* A copy goes to each queue that is there and matches prefix + the topic's name
 * + postfix; the topic gets the message too. */
extern const struct virtual_destination_type virtual_topic;
/* A copy goes to each of the targets. */
extern const struct virtual_destination_type virtual_composite_queue;
extern const struct virtual_destination_type virtual_composite_topic;
/* A copy goes to the topic prefix + the queue's name + postfix, then the queue
 * gets the message. */
extern const struct virtual_destination_type virtual_mirrored_queue;

enum { VIRTUAL_DESTINATION_TYPE_COUNT = 4 };
/* NULL-terminated. */
extern const struct virtual_destination_type
    *const virtual_destination_types[VIRTUAL_DESTINATION_TYPE_COUNT + 1];

struct virtual_target {
    enum destination_kind kind; /* queue or topic */
    char *name;                 /* a literal name */
    char *selector;             /* NULL = every message */
    struct selector *filter;    /* made of it; owned */
};

struct virtual_destination {
    uint32_t refs;
    const struct virtual_destination_type *type;
    char *name;    /* a pattern: which destinations have the copies made */
    unsigned line; /* of the element in its file; 0 = ActiveMQ's own */
    char *prefix;  /* virtualTopic, mirroredQueue; NULL = none */
    char *postfix; /* the same */
    bool selector_aware; /* virtualTopic: copy only what a consumer selects */
    struct virtual_target *targets; /* composites */
    size_t target_count;
    bool forward_only;          /* composites: the source gets none */
    bool send_when_not_matched; /* composites: but when no target matched */
    uint8_t mark;               /* of virtual_cycle.h, while a file is read */
};

/* One of no type yet, with ActiveMQ's defaults, one reference, never NULL. */
struct virtual_destination *virtual_destination_new(void);
struct virtual_destination *
virtual_destination_ref(struct virtual_destination *virtual);
/* Drops one reference, frees at the last, sets the pointer to NULL. */
void virtual_destination_unref(struct virtual_destination **virtual);

/* Sets what has not been given to the defaults of the type. */
void virtual_destination_complete(struct virtual_destination *virtual);

/* Adds a target; takes name, selector and filter. */
void virtual_destination_add_target(struct virtual_destination *virtual,
                                    const struct virtual_target *target);

/* Appends prefix + name + postfix: for a virtual topic the pattern of its
 * queues, for a mirrored queue the name of its topic. */
void virtual_destination_append_name(const struct virtual_destination *virtual,
                                     struct span name, struct buf *out);

/*
 * The other way round: whether a queue of that name is one that a virtual topic
 * copies to, and then *topic_out, borrowed from name, is which topics' messages
 * it gets: a name, or the pattern that a queue named
 * `Consumer.A.VirtualTopic.>` stands for.  The levels that prefix and postfix
 * have are no wildcards there.
 */
bool virtual_destination_source_of(const struct virtual_destination *virtual,
                                   struct span name, struct span *topic_out);
