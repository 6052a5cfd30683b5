/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/schedule_message.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "protocol/headers.h"
#include "server/core/core_private.h"
#include "server/core/schedule_plan.h"

#include <stdlib.h>
#include <string.h>

/* A message with the lines of a plan before those of headers that are none. */
static struct message *
schedule_message_planned(struct core *core, const struct message_facts *facts,
                         const struct schedule_plan *plan, struct span headers,
                         struct span body)
{
    struct buf lines = BUF_INIT;
    struct message *msg;

    schedule_plan_append(plan, &lines);
    schedule_plan_strip(headers, plan->ttl_ms > 0, &lines);
    msg = message_new(&core->quota, facts, buf_span(&lines), SPAN_NONE, body);
    buf_fini(&lines);
    return msg;
}

/* The time to live that the message was sent with: it begins when it is due.
 * 0 when it has none, or expires at a time of its own. */
static int64_t
schedule_message_ttl(const struct message *msg)
{
    int64_t ttl = msg->expires_ms - msg->timestamp_ms;
    struct span text = headers_block_find(msg->headers, SPAN("ttl"));
    int64_t asked;

    if (text.data == NULL) {
        text = headers_block_find(msg->headers, SPAN("expiration"));
    }
    return msg->expires_ms > 0 && text.data != NULL &&
                   span_to_i64(span_trim(text), &asked) && asked == ttl
               ? ttl
               : 0;
}

static bool
schedule_message_is_kept(struct destination *dest, const struct message *msg)
{
    if (dest->kind == DESTINATION_TEMP_QUEUE ||
        dest->kind == DESTINATION_TEMP_TOPIC) {
        return false;
    }
    return dest->route != NULL ? msg->persistent
                               : destination_is_persistent(dest, msg);
}

struct message *
schedule_message_make(struct destination *dest, const struct message *msg)
{
    struct message_facts facts = {
        .persistent = schedule_message_is_kept(dest, msg),
        .priority = msg->priority,
        .expires_ms = msg->expires_ms,
        .maybe_not_utf8 = !msg->utf8,
    };
    struct schedule_plan plan;
    struct buf name = BUF_INIT;
    struct buf target = BUF_INIT;
    struct message *made;

    (void)schedule_plan_parse(msg->headers, &plan, NULL); /* the session has */
    buf_append_span(&name, span_of_text(destination_kind_name(dest->kind)));
    buf_append_char(&name, '/');
    buf_append_span(&name, destination_name_get(dest));
    header_append(&target, SPAN(""), buf_span(&name), STOMP_1_2);
    plan.target = span_of(target.data + 1, target.len - 2); /* ":…\n" */
    plan.ttl_ms = schedule_message_ttl(msg);
    if (plan.ttl_ms > 0) {
        facts.expires_ms = 0;
    }
    made = schedule_message_planned(dest->core, &facts, &plan, msg->headers,
                                    msg->body);
    buf_fini(&name);
    buf_fini(&target);
    return made;
}

static struct message_facts
schedule_message_facts(const struct store_record *record)
{
    return (struct message_facts){
        .persistent = record->persistent,
        .priority = record->priority,
        .expires_ms = record->expires_ms,
        .maybe_not_utf8 = true,
    };
}

struct message *
schedule_message_copy(struct core *core, const struct store_record *record,
                      const struct schedule_plan *plan)
{
    struct message_facts facts = schedule_message_facts(record);

    return schedule_message_planned(core, &facts, plan, record->headers,
                                    record->body);
}

/* Where it goes: NULL when that was a temporary destination, which has ended.
 */
static struct destination *
schedule_message_target(struct core *core, const struct schedule_plan *plan)
{
    char *text = xstrndup(plan->target.data, plan->target.len);
    size_t bad;
    ptrdiff_t len = header_unescape(plan->target, STOMP_1_2, text, &bad);
    struct span name = span_of(text, len > 0 ? (size_t)len : 0);
    struct span kind_name = span_split(&name, '/');
    struct destination *dest = NULL;
    int kind = 0;

    while (kind < DESTINATION_KIND_COUNT &&
           !span_equal(kind_name, span_of_text(destination_kind_name(
                                      (enum destination_kind)kind)))) {
        kind++;
    }
    if (kind == DESTINATION_QUEUE || kind == DESTINATION_TOPIC) {
        dest = destination_get(core, (enum destination_kind)kind, name, NULL);
    } else if (kind < DESTINATION_KIND_COUNT) {
        dest = destination_find(core, (enum destination_kind)kind, name);
    }
    free(text);
    return dest != NULL && !dest->orphaned ? dest : NULL;
}

bool
schedule_message_send(struct core *core, const struct store_record *record,
                      const struct schedule_plan *plan)
{
    struct destination *dest = schedule_message_target(core, plan);
    struct send_options options = { .wait = false };
    struct message_facts facts = schedule_message_facts(record);
    struct buf headers = BUF_INIT;
    struct message *msg;
    enum core_send sent = CORE_NO_MEMORY;
    store_ticket ticket;

    if (dest == NULL) {
        return true;
    }
    schedule_plan_strip(record->headers, plan->ttl_ms > 0, &headers);
    facts.timestamp_ms = core->now_ms;
    facts.maybe_grouped = memmem(headers.data, headers.len, "roup", 4) != NULL;
    if (plan->ttl_ms > 0) {
        facts.expires_ms = core->now_ms + plan->ttl_ms;
        header_append_u64(&headers, SPAN("expires"),
                          (uint64_t)facts.expires_ms);
    }
    msg = message_new(&core->quota, &facts, buf_span(&headers), SPAN_NONE,
                      record->body);
    if (msg != NULL) {
        sent = core_send(core, dest, msg, &options, &ticket);
    }
    message_unref(&msg);
    buf_fini(&headers);
    return sent == CORE_SENT;
}
