/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is the case, for those who subscribe to advisories late.
 */
#include "server/core/advisory_private.h"
#include "server/core/core_private.h"

/* The same message as when it happened, for one late subscriber. */
static bool
advisory_begin_replay(struct advisory *advisory, struct core *core,
                      struct attachment *attachment)
{
    struct span name = span_after(destination_name_get(attachment->dest),
                                  sizeof(ADVISORY_PREFIX) - 1);
    bool begun;
    char what[512];

    if (name.len >= sizeof(what)) {
        return false;
    }
    memcpy(what, name.data, name.len);
    what[name.len] = '\0';
    begun = advisory_begin(advisory, core, what, "", SPAN_NONE);
    advisory->only = attachment;
    return begun;
}

static void
advisory_replay_consumers(struct core *core, struct attachment *attachment,
                          struct span kind_and_name)
{
    struct span kind = span_split(&kind_and_name, '.');
    bool queue = span_equal(kind, SPAN("Queue"));
    enum destination_kind of_kind =
        queue ? DESTINATION_QUEUE : DESTINATION_TOPIC;
    enum destination_kind temporary =
        queue ? DESTINATION_TEMP_QUEUE : DESTINATION_TEMP_TOPIC;
    struct destination *dest = NULL;
    struct attachment *at;

    if (kind_and_name.data != NULL) {
        dest = destination_find(core, of_kind, kind_and_name);
    }
    if (kind_and_name.data != NULL && dest == NULL) {
        dest = destination_find(core, temporary, kind_and_name);
    }
    if (dest == NULL) {
        return;
    }
    DL_FOREACH2(dest->attachments, at, dest_next)
    {
        struct advisory advisory;

        if (advisory_begin_replay(&advisory, core, attachment)) {
            advisory_write_consumer(&advisory, at, true);
            advisory_end(&advisory);
        }
    }
}

static void
advisory_replay_connections(struct core *core, struct attachment *attachment)
{
    struct client *client;

    DL_FOREACH2(core->clients, client, core_next)
    {
        struct advisory advisory;

        if (advisory_begin_replay(&advisory, core, attachment)) {
            advisory_write_connection(&advisory, client, true);
            advisory_end(&advisory);
        }
    }
}

static void
advisory_replay_destinations(struct core *core, struct attachment *attachment,
                             enum destination_kind kind)
{
    struct destination *dest;
    struct destination *next;

    HASH_ITER(hh, core->destinations, dest, next) {
        struct advisory advisory;

        if (dest->kind == kind && dest->cursor == NULL &&
            !advisory_is_about_advisories(dest) &&
            advisory_begin_replay(&advisory, core, attachment)) {
            advisory_write_destination(&advisory, dest, true);
            advisory_end(&advisory);
        }
    }
}

void
advisory_replay(struct core *core, struct attachment *attachment)
{
    struct span name = destination_name_get(attachment->dest);

    if (!advisory_is_about_advisories(attachment->dest)) {
        return;
    }
    name = span_after(name, sizeof(ADVISORY_PREFIX) - 1);
    if (span_equal(name, SPAN("Connection"))) {
        advisory_replay_connections(core, attachment);
    } else if (span_starts_with(name, SPAN("Consumer."))) {
        advisory_replay_consumers(core, attachment,
                                  span_after(name, sizeof("Consumer.") - 1));
    }
    for (int kind = 0; kind < DESTINATION_KIND_COUNT; kind++) {
        if (span_equal(name, span_of_text(advisory_kinds[kind]))) {
            advisory_replay_destinations(core, attachment,
                                         (enum destination_kind)kind);
        }
    }
}
