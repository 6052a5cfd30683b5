/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies to the dead letter queue.  Source: activemq.md 6.
 */
#include "server/core/core_private.h"

#include "base/buf.h"
#include "protocol/headers.h"
#include "server/core/durable.h"
#include "server/core/topic_log.h"

/* Whether the strategy's switches let the message be kept.  One that consumers
 * refused is kept unless the policy says otherwise; one that merely expired or
 * that a slow subscription lost, unless it was persistent, is not: activemq.md
 * section 13, edge 16, and docs/decisions. */
static bool
dead_letter_is_wanted(const struct destination *dest, const struct message *msg,
                      enum dead_letter_reason reason)
{
    const struct dead_letter_parameters *parameters =
        &dest->policy->dead_letter_parameters;

    if (reason == DEAD_LETTER_EXPIRED && !parameters->process_expired) {
        return false;
    }
    if (destination_is_persistent(dest, msg)) {
        return true;
    }
    return reason == DEAD_LETTER_REFUSED
               ? parameters->process_non_persistent != POLICY_OFF
               : parameters->process_non_persistent == POLICY_ON;
}

/* Of a topic's message there is one letter, however many subscriptions lost
 * it.  The message itself remembers, so nothing is to be looked up and no
 * number of producers or messages limits it. */
static bool
dead_letter_is_repeated(const struct destination *dest, struct message *msg)
{
    bool repeated = msg->dead_lettered;

    if (destination_kind_is_queue(dest->kind) ||
        !dest->policy->dead_letter_parameters.enable_audit) {
        return false;
    }
    msg->dead_lettered = true;
    return repeated;
}

/* Lines that are written anew: where it stands now, where it was and why.  It
 * no longer expires: as it was is said by originalExpiration. */
static bool
dead_letter_is_rewritten(struct span line_name)
{
    return span_equal(line_name, SPAN("destination")) ||
           span_equal(line_name, SPAN("original-destination")) ||
           span_equal(line_name, SPAN("dlqDeliveryFailureCause")) ||
           span_equal(line_name, SPAN("expires"));
}

/* Where a dead letter goes. */
struct dead_letter_target {
    enum destination_kind kind;
    struct buf name;
    int64_t expires_ms;
};

static void
dead_letter_headers(const struct destination *dest, const struct message *msg,
                    const struct dead_letter_target *target, struct span cause,
                    struct buf *out)
{
    struct span rest = msg->headers;

    destination_append_header(out, SPAN("destination"), target->kind,
                              buf_span(&target->name));
    while (rest.len > 0) {
        struct span line = span_split(&rest, '\n');
        struct span value = line;

        if (!dead_letter_is_rewritten(span_split(&value, ':'))) {
            buf_append_span(out, line);
            buf_append_char(out, '\n');
        }
    }
    destination_append_header(out, SPAN("original-destination"), dest->kind,
                              destination_name_get(dest));
    if (cause.len > 0) {
        header_append(out, SPAN("dlqDeliveryFailureCause"), cause, STOMP_1_2);
    }
    if (msg->expires_ms != 0) {
        header_append_u64(out, SPAN("originalExpiration"),
                          (uint64_t)msg->expires_ms);
    }
    if (target->expires_ms != 0) {
        header_append_u64(out, SPAN("expires"), (uint64_t)target->expires_ms);
    }
}

static void
dead_letter_deliver(struct core *core, const struct dead_letter_target *target,
                    struct message *letter)
{
    struct destination *dest =
        destination_get(core, target->kind, buf_span(&target->name), NULL);

    if (target->kind == DESTINATION_QUEUE) {
        queue_push(queue_of(dest), letter, true);
        return;
    }
    core->dead_lettering = true;
    (void)topic_publish(topic_of(dest), letter, NULL);
    core->dead_lettering = false;
}

static bool
dead_letter_send(struct core *core, const struct destination *from,
                 const struct message *msg,
                 const struct dead_letter_target *target, struct span cause)
{
    struct buf headers = BUF_INIT;
    struct message_facts facts = {
        .persistent = true, /* a dead letter is to be there in the morning */
        .priority = msg->priority,
        .timestamp_ms = msg->timestamp_ms,
        .expires_ms = target->expires_ms,
        .maybe_not_utf8 = true, /* where it was, too */
    };
    struct message *letter;

    dead_letter_headers(from, msg, target, cause, &headers);
    letter = message_new(&core->quota, &facts, buf_span(&headers), SPAN_NONE,
                         msg->body);
    buf_fini(&headers);
    if (letter == NULL) {
        return false; /* no memory: it stays where it is */
    }
    dead_letter_deliver(core, target, letter);
    core->stats.dead_lettered++;
    core_advise(core, ADVISORY_DEAD_LETTERED, from, msg, NULL);
    message_unref(&letter);
    return true;
}

/* `client-id:name`, for the dead letters of a durable subscription; nothing for
 * others, and for one that has been removed. */
static void
dead_letter_subscriber(const struct destination *dest, struct buf *out)
{
    const struct durable *durable =
        dest->cursor != NULL ? dest->cursor->durable : NULL;

    if (durable != NULL) {
        buf_append_span(out, durable_client_id(durable));
        buf_append_char(out, ':');
        buf_append_span(out, durable_name(durable));
    }
}

/* Where the policy wants the dead letters of dest; false when it drops them. */
static bool
dead_letter_find(const struct destination *dest,
                 struct dead_letter_target *target_out)
{
    const struct policy *policy = dest->policy;
    const struct dead_letter_parameters *parameters =
        &policy->dead_letter_parameters;
    struct dead_letter_source source = {
        .kind = dest->kind,
        .name = destination_name_get(dest),
    };
    struct buf subscriber = BUF_INIT;
    bool kept;

    dead_letter_subscriber(dest, &subscriber);
    source.subscriber = buf_span(&subscriber);
    *target_out = (struct dead_letter_target){ .name = BUF_INIT };
    if (parameters->expiration_us > 0) {
        target_out->expires_ms =
            dest->core->now_ms + parameters->expiration_us / 1000;
    }
    kept = policy->dead_letter->dead_letter_name(
        parameters, &source, &target_out->name, &target_out->kind);
    buf_fini(&subscriber);
    return kept;
}

static bool
dead_letter_is_itself(const struct destination *dest,
                      const struct dead_letter_target *target)
{
    return target->kind == dest->kind &&
           span_equal(buf_span(&target->name), destination_name_get(dest));
}

bool
core_is_dead_letter_queue(const struct queue *queue)
{
    struct dead_letter_target target;
    bool same = dead_letter_find(&queue->base, &target) &&
                dead_letter_is_itself(&queue->base, &target);

    buf_fini(&target.name);
    return same;
}

bool
core_dead_letter(struct core *core, const struct destination *dest,
                 struct message *msg, struct span cause,
                 enum dead_letter_reason reason)
{
    struct dead_letter_target target;
    bool done = true;

    if (core->dead_lettering || !dead_letter_is_wanted(dest, msg, reason)) {
        return true;
    }
    if (dead_letter_find(dest, &target) &&
        !dead_letter_is_itself(dest, &target)) {
        /* A letter is stored; while the store has failed there is none. */
        done = store_failure(core->store) == NULL &&
               (dead_letter_is_repeated(dest, msg) ||
                dead_letter_send(core, dest, msg, &target, cause));
    }
    buf_fini(&target.name);
    return done;
}
