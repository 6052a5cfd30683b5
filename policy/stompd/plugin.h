/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strategies for stompd from outside: dispatch, subscription recovery, message
 * eviction and dead letters.  A plug-in is a shared object that exports one
 * symbol, `stompd_plugin`; a policy file names the object in "plugins" and its
 * strategies as "plugin:strategy".  docs/plugins.md tells it with an example.
 *
 * A plug-in runs inside the broker, on its one thread: what it does wrong, the
 * broker does wrong.  No function may block, keep a pointer that it was given
 * beyond what is said here, or call back but where said.
 *
 * This header needs the C standard headers alone.  STOMPD_PLUGIN_ABI goes up
 * with every change that an older plug-in would not survive; the broker refuses
 * plug-ins of another number.
 */
#ifndef STOMPD_PLUGIN_H
#define STOMPD_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STOMPD_PLUGIN_MAGIC UINT32_C(0x53544d50)
#define STOMPD_PLUGIN_ABI UINT32_C(1)

/* Borrowed bytes without a terminator; data NULL = there is none. */
struct stompd_text {
    const char *data;
    size_t len;
};

enum stompd_kind {
    STOMPD_QUEUE,
    STOMPD_TOPIC,
    STOMPD_TEMP_QUEUE,
    STOMPD_TEMP_TOPIC,
};

/* Parameters of the policy file that a plug-in has no use for. */
struct stompd_opaque;

/* --- dispatch: in which order subscriptions get a topic's message -------- */

/* A list is a NULL-terminated chain of `next`; `prev` of the first is the last.
 * (utlist's DL_ lists.) */
struct stompd_member {
    struct stompd_member *prev, *next;
    int priority;   /* consumer priority: higher is served first */
    uint64_t order; /* place in subscription order: lower is older */
};

struct stompd_offer {
    struct stompd_text destination; /* the topic's name */
    struct stompd_text reserved;
};

struct stompd_dispatch {
    const char *name;      /* without the plug-in's */
    const char *long_name; /* the same again */
    const char *doc;       /* one line */
    /* Puts member at its place in *list.  Must be given. */
    void (*insert)(struct stompd_member **list, struct stompd_member *member);
    /* For queues (`queueDispatchPolicy`), NULL when it serves topics alone:
     * picks the consumer of the next message, NULL only when *list is empty;
     * may reorder.  The list has those with a message to get; who turns out to
     * have no credit is taken off it, and pick is called again. */
    struct stompd_member *(*pick)(struct stompd_member **list);
    /* Topics: one message has been offered to every member from first to last;
     * may reorder.  May be NULL. */
    void (*offered)(struct stompd_member **list);
    /* Whether the subscription of a client of that id is to get a message.
     * NULL = every subscription. */
    bool (*accepts)(const struct stompd_opaque *parameters,
                    const struct stompd_offer *offer,
                    struct stompd_text client_id);
};

/* --- recovery: what a retroactive subscriber gets of a topic's past ------- */

struct stompd_item {
    void *message;      /* the broker's; held between hold and release */
    size_t bytes;       /* headers and body */
    int64_t sent_us;    /* monotonic time when it was dispatched */
    int64_t expires_ms; /* wall clock, 0 = never */
    int reserved;
};

/* Valid until open returns; the functions for as long as the state. */
struct stompd_recovery_hooks {
    void (*hold)(void *message);
    void (*release)(void *message);
};

struct stompd_state; /* the plug-in's own; one for each topic */

struct stompd_recovery {
    const char *name;
    const char *long_name;
    const char *doc;
    struct stompd_state *(*open)(const struct stompd_recovery_hooks *hooks);
    /* Releases what is held, frees, sets *state to NULL. */
    void (*close)(struct stompd_state **state);
    /* A message was dispatched; to keep it, hold its message and copy item. */
    void (*record)(struct stompd_state *state, const struct stompd_item *item);
    /* Calls visit for what a subscriber that comes now is to get, oldest first:
     * nothing that has expired by now_ms. */
    void (*visit_all)(struct stompd_state *state, int64_t now_us,
                      int64_t now_ms,
                      void (*visit)(void *ctx, const struct stompd_item *item),
                      void *ctx);
    /* Once a second: drops what is too old.  May be NULL. */
    void (*sweep)(struct stompd_state *state, int64_t now_us);
};

/* --- eviction: which message goes when too many wait ---------------------- */

struct stompd_node {
    struct stompd_node *prev, *next; /* a list as above, oldest first */
    uint8_t priority;                /* 0-9 */
    int64_t timestamp_ms;
};

/* The value of a message's header as it stands on the wire, data NULL when it
 * has none; borrowed until pick returns. */
typedef struct stompd_text stompd_property_fn(const struct stompd_node *node,
                                              struct stompd_text name);

struct stompd_eviction {
    const char *name;
    const char *long_name;
    const char *doc;
    /* Picks one of the list, which is not empty; does not unlink it. */
    struct stompd_node *(*pick)(struct stompd_node *list,
                                const struct stompd_opaque *parameters,
                                stompd_property_fn *property);
};

/* --- dead letters: where what nobody takes goes --------------------------- */

struct stompd_source {
    enum stompd_kind kind;
    struct stompd_text name;       /* where the message died */
    struct stompd_text subscriber; /* data NULL, or `client-id:name` */
};

struct stompd_name; /* to be written with host->append */

struct stompd_dead_letter {
    const char *name;
    const char *long_name;
    const char *doc;
    /* Writes the name of the destination and says its kind, a queue or a topic;
     * false when the message is to be dropped. */
    bool (*dead_letter_name)(const struct stompd_opaque *parameters,
                             const struct stompd_source *source,
                             struct stompd_name *name_out,
                             enum stompd_kind *kind_out);
};

/* --- the plug-in ---------------------------------------------------------- */

/* What the broker does for a plug-in; there as long as the process. */
struct stompd_host {
    uint32_t abi;
    void (*append)(struct stompd_name *name, const char *data, size_t len);
};

/* Each list ends with NULL; a list that is NULL is an empty one.  Everything
 * that can be reached from here stays as it is as long as the process. */
struct stompd_plugin {
    uint32_t magic;   /* STOMPD_PLUGIN_MAGIC */
    uint32_t abi;     /* STOMPD_PLUGIN_ABI */
    const char *name; /* [A-Za-z0-9_-]+, first part of its strategies' names */
    /* Called once, before anything else.  NULL = nothing to do; false = the
     * plug-in refuses. */
    bool (*start)(const struct stompd_host *host);
    const struct stompd_dispatch *const *dispatch;
    const struct stompd_recovery *const *recovery;
    const struct stompd_eviction *const *eviction;
    const struct stompd_dead_letter *const *dead_letter;
};

#if defined(__GNUC__)
#define STOMPD_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define STOMPD_PLUGIN_EXPORT
#endif

/* What the shared object defines. */
extern const struct stompd_plugin stompd_plugin STOMPD_PLUGIN_EXPORT;

#ifdef __cplusplus
}
#endif

#endif
