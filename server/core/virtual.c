/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/virtual.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "protocol/headers.h"
#include "server/core/schedule_message.h"
#include "server/core/select.h"
#include "server/core/virtual_private.h"

#include <stdlib.h>

/* Destinations that a message may pass from copy to copy: beyond what a file
 * can ask for in plain sight (virtual_cycle.h). */
enum { VIRTUAL_PATH_MAX = 64 };

/* --- the way of a message ----------------------------------------------- */

/* Destinations that a message has passed, one by way of the other. */
struct virtual_path {
    size_t depth;
    struct destination *passed[VIRTUAL_PATH_MAX];
};

/* False when it has been here, or has come too far. */
static bool
virtual_path_enter(struct virtual_path *path, struct destination *dest)
{
    for (size_t i = 0; i < path->depth; i++) {
        if (path->passed[i] == dest) {
            return false;
        }
    }
    if (path->depth == VIRTUAL_PATH_MAX) {
        return false;
    }
    path->passed[path->depth++] = dest;
    return true;
}

static void
virtual_path_leave(struct virtual_path *path)
{
    path->depth--;
}

/* What a copy finds no room in, at the first such destination behind dest. */
static bool
virtual_follow_lack(struct virtual_path *path, struct destination *dest,
                    bool persistent, struct core_lack *lack_out)
{
    struct virtual_route *route = dest->route;
    bool found = false;

    if (route == NULL) {
        lack_out->dest = dest;
        lack_out->room = core_find_lack(dest->core, dest, persistent);
        return lack_out->room != CORE_ROOM_ENOUGH;
    }
    if (!virtual_path_enter(path, dest)) {
        return false;
    }
    virtual_route_refresh(dest);
    for (size_t i = 0; i < route->copy_count && !found; i++) {
        const struct virtual_copy *copy = &route->copies[i];

        for (size_t j = 0; j < copy->target_count && !found; j++) {
            found = virtual_follow_lack(path, copy->targets[j], persistent,
                                        lack_out);
        }
    }
    virtual_path_leave(path);
    return found;
}

bool
virtual_find_lack(struct destination *dest, bool persistent,
                  struct core_lack *lack_out)
{
    struct virtual_path path = { .depth = 0 };

    return virtual_follow_lack(&path, dest, persistent, lack_out);
}

/* --- a SEND ------------------------------------------------------------- */

/* What is to be done for one SEND; nothing is until all of it is known. */
struct virtual_plan {
    struct core *core;
    struct destination *sent_to;
    struct message *msg;
    struct core_prepared *steps;
    bool no_memory;
    struct virtual_path path;
};

/* Lines that a copy has of its own. */
static bool
virtual_is_rewritten(struct span line_name)
{
    return span_equal(line_name, SPAN("destination")) ||
           span_equal(line_name, SPAN("original-destination"));
}

/* What the headers of all copies have in common; made for the first. */
static void
virtual_plan_lines(struct virtual_plan *plan, struct buf *out)
{
    struct span rest = plan->msg->headers;

    while (rest.len > 0) {
        struct span line = span_split(&rest, '\n');
        struct span value = line;

        if (!virtual_is_rewritten(span_split(&value, ':'))) {
            buf_append_span(out, line);
            buf_append_char(out, '\n');
        }
    }
    destination_append_header(out, SPAN("original-destination"),
                              plan->sent_to->kind,
                              destination_name_get(plan->sent_to));
}

/* NULL when memory is out. */
static struct message *
virtual_plan_copy(struct virtual_plan *plan, const struct destination *dest)
{
    struct virtual_table *table = plan->core->virtuals;
    const struct message *msg = plan->msg;
    struct message_facts facts = {
        .persistent = msg->persistent,
        .priority = msg->priority,
        .timestamp_ms = msg->timestamp_ms,
        .expires_ms = msg->expires_ms,
        .maybe_grouped = msg->group.data != NULL,
        .maybe_not_utf8 = true, /* what was sent to, too */
    };

    if (table->lines.len == 0) {
        virtual_plan_lines(plan, &table->lines);
    }
    buf_clear(&table->line);
    destination_append_header(&table->line, SPAN("destination"), dest->kind,
                              destination_name_get(dest));
    return message_new(&plan->core->quota, &facts, buf_span(&table->line),
                       buf_span(&table->lines), msg->body);
}

static void
virtual_plan_add(struct virtual_plan *plan, struct destination *dest)
{
    struct core_prepared *list = plan->steps;
    struct message *msg = dest == plan->sent_to ? message_ref(plan->msg)
                                                : virtual_plan_copy(plan, dest);

    if (msg == NULL) {
        plan->no_memory = true;
        return;
    }
    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? list->capacity * 2 : 16;
        list->steps =
            xrealloc(list->steps, list->capacity * sizeof(*list->steps));
    }
    list->steps[list->count++] =
        (struct virtual_step){ .dest = dest, .msg = msg };
}

/* Whether somebody who listens to the queue takes the message. */
static bool
virtual_is_selected(const struct destination *queue, const struct message *msg)
{
    const struct attachment *attachment;

    DL_FOREACH2(queue->attachments, attachment, dest_next)
    {
        const struct selector *selector = attachment->sub->selector;

        if (selector == NULL || select_matches(selector, queue, msg, 0)) {
            return true;
        }
    }
    return false;
}

/* Whether the copy to target number index is to be made. */
static bool
virtual_copy_is_wanted(const struct virtual_copy *copy, size_t index,
                       const struct destination *source,
                       const struct message *msg)
{
    const struct virtual_destination *definition = copy->definition;

    if (definition->selector_aware) {
        return virtual_is_selected(copy->targets[index], msg);
    }
    return definition->target_count == 0 ||
           definition->targets[index].filter == NULL ||
           select_matches(definition->targets[index].filter, source, msg, 0);
}

static void virtual_plan_route(struct virtual_plan *plan,
                               struct destination *dest);

/* Plans what one definition asks for; true when the source is to have the
 * message as well. */
static bool
virtual_plan_follow(struct virtual_plan *plan, const struct virtual_copy *copy,
                    const struct destination *source)
{
    const struct virtual_destination *definition = copy->definition;
    bool matched = false;

    for (size_t i = 0; i < copy->target_count; i++) {
        if (virtual_copy_is_wanted(copy, i, source, plan->msg)) {
            matched = true;
            virtual_plan_route(plan, copy->targets[i]);
        }
    }
    if (definition->target_count == 0) {
        return true; /* a virtual topic, a mirrored queue */
    }
    return definition->send_when_not_matched ? !matched
                                             : !definition->forward_only;
}

/* Plans what becomes of a message at dest. */
static void
virtual_plan_route(struct virtual_plan *plan, struct destination *dest)
{
    struct virtual_route *route = dest->route;
    bool kept = true;

    if (route == NULL) {
        virtual_plan_add(plan, dest);
        return;
    }
    if (!virtual_path_enter(&plan->path, dest)) {
        return;
    }
    virtual_route_refresh(dest);
    for (size_t i = 0; i < route->copy_count; i++) {
        kept = virtual_plan_follow(plan, &route->copies[i], dest) && kept;
    }
    virtual_path_leave(&plan->path);
    if (kept) {
        virtual_plan_add(plan, dest);
    }
}

static bool
virtual_steps_can_be_put(const struct core *core,
                         const struct core_prepared *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!core_can_put(core, list->steps[i].dest, list->steps[i].msg)) {
            return false;
        }
    }
    return true;
}

static void
virtual_steps_drop(struct core_prepared *list)
{
    while (list->count > 0) {
        message_unref(&list->steps[--list->count].msg);
    }
}

/* Finds out all that is to be done, into an empty list that stays so unless
 * the result is CORE_SENT. */
static enum core_send
virtual_plan_steps(struct core *core, struct destination *dest,
                   struct message *msg, struct core_prepared *list)
{
    struct virtual_plan plan = {
        .core = core, .sent_to = dest, .msg = msg, .steps = list
    };
    enum core_send result = CORE_SENT;

    buf_clear(&core->virtuals->lines);
    virtual_plan_route(&plan, dest);
    if (plan.no_memory) {
        result = CORE_NO_MEMORY;
    } else if (!virtual_steps_can_be_put(core, list)) {
        result = CORE_STORE_FAILED;
    }
    if (result != CORE_SENT) {
        virtual_steps_drop(list);
    }
    return result;
}

/* True when a RECEIPT has to wait for the disk. */
static bool
virtual_do_steps(struct core *core, struct core_prepared *list,
                 const struct send_options *options)
{
    bool wait = false;

    for (size_t i = 0; i < list->count; i++) {
        wait =
            core_put(core, list->steps[i].dest, list->steps[i].msg, options) ||
            wait;
    }
    virtual_steps_drop(list);
    return wait;
}

enum core_send
virtual_send(struct core *core, struct destination *dest, struct message *msg,
             const struct send_options *options, store_ticket *ticket_out)
{
    struct core_prepared *list = options->prepared;
    enum core_send result = CORE_SENT;

    if (list == NULL) {
        list = &core->virtuals->steps;
        result = virtual_plan_steps(core, dest, msg, list);
    }
    if (virtual_do_steps(core, list, options)) {
        *ticket_out = store_ticket_take(core->store, true);
    }
    return result;
}

static enum core_send
core_prepare_scheduled(struct core *core, struct destination *dest,
                       const struct message *msg,
                       struct core_prepared **prepared_out)
{
    struct message *made;

    if (store_failure(core->store) != NULL) {
        return CORE_STORE_FAILED;
    }
    made = schedule_message_make(dest, msg);
    if (made == NULL) {
        return CORE_NO_MEMORY;
    }
    *prepared_out = xcalloc(1, sizeof(**prepared_out));
    (*prepared_out)->scheduled = made;
    return CORE_SENT;
}

struct message *
core_prepared_take_scheduled(struct core_prepared *prepared)
{
    struct message *made = prepared->scheduled;

    prepared->scheduled = NULL;
    return made;
}

enum core_send
core_prepare(struct core *core, struct destination *dest, struct message *msg,
             struct core_prepared **prepared_out)
{
    enum core_send result;

    *prepared_out = NULL;
    if (msg->scheduled) {
        return core_prepare_scheduled(core, dest, msg, prepared_out);
    }
    if (dest->route == NULL) {
        return core_can_put(core, dest, msg) ? CORE_SENT : CORE_STORE_FAILED;
    }
    *prepared_out = xcalloc(1, sizeof(**prepared_out));
    result = virtual_plan_steps(core, dest, msg, *prepared_out);
    if (result != CORE_SENT) {
        core_prepared_free(prepared_out);
    }
    return result;
}

void
core_prepared_free(struct core_prepared **prepared)
{
    struct core_prepared *gone = *prepared;

    *prepared = NULL;
    if (gone != NULL) {
        virtual_steps_drop(gone);
        message_unref(&gone->scheduled);
        free(gone->steps);
        free(gone);
    }
}
