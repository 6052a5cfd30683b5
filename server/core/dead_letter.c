/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies to the dead letter queue.  Source: activemq.md 6.
 */
#include "server/core/core_private.h"

#include "base/buf.h"
#include "protocol/headers.h"

/* Whether a message that may not be kept by the strategy's switches is let go.
 * A message that consumers refused is kept unless the policy says otherwise;
 * one that merely expired, unless it was persistent, is not: activemq.md
 * section 13, edge 16, and docs/decisions. */
static bool
dead_letter_is_wanted(const struct dead_letter_parameters *parameters,
                      const struct message *msg, bool expired)
{
    if (expired && !parameters->process_expired) {
        return false;
    }
    if (msg->persistent) {
        return true;
    }
    return expired ? parameters->process_non_persistent == POLICY_ON
                   : parameters->process_non_persistent != POLICY_OFF;
}

/* Appends "name:/queue/a". */
static void
dead_letter_destination(struct buf *out, struct span name,
                        enum destination_kind kind, struct span dest_name)
{
    static const char *const prefixes[] = { "/queue/", "/topic/",
                                            "/temp-queue/", "/temp-topic/" };
    struct buf text = BUF_INIT;

    buf_append_span(&text, span_of_text(prefixes[kind]));
    buf_append_span(&text, dest_name);
    header_append(out, name, buf_span(&text), STOMP_1_2);
    buf_fini(&text);
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
};

static void
dead_letter_headers(const struct queue *queue, const struct message *msg,
                    const struct dead_letter_target *target, struct span cause,
                    struct buf *out)
{
    struct span rest = msg->headers;

    dead_letter_destination(out, SPAN("destination"), target->kind,
                            buf_span(&target->name));
    while (rest.len > 0) {
        struct span line = span_split(&rest, '\n');
        struct span value = line;

        if (!dead_letter_is_rewritten(span_split(&value, ':'))) {
            buf_append_span(out, line);
            buf_append_char(out, '\n');
        }
    }
    dead_letter_destination(out, SPAN("original-destination"),
                            queue->base.kind,
                            destination_name_get(&queue->base));
    if (cause.len > 0) {
        header_append(out, SPAN("dlqDeliveryFailureCause"), cause, STOMP_1_2);
    }
    if (msg->expires_ms != 0) {
        header_append_u64(out, SPAN("originalExpiration"),
                          (uint64_t)msg->expires_ms);
    }
}

static bool
dead_letter_move(struct core *core, const struct queue *queue,
                 const struct message *msg,
                 const struct dead_letter_target *target, struct span cause)
{
    struct buf headers = BUF_INIT;
    struct message_facts facts = {
        .persistent = true, /* a dead letter is to be there in the morning */
        .priority = msg->priority,
        .timestamp_ms = msg->timestamp_ms,
    };
    struct destination *dest;
    struct message *moved;

    dead_letter_headers(queue, msg, target, cause, &headers);
    moved = message_new(&core->quota, &facts, buf_span(&headers), SPAN_NONE,
                        msg->body);
    buf_fini(&headers);
    if (moved == NULL) {
        return false; /* no memory: it stays where it is */
    }
    dest = destination_get(core, target->kind, buf_span(&target->name), NULL);
    if (target->kind == DESTINATION_QUEUE) {
        queue_push(queue_of(dest), moved, true);
    } else {
        topic_publish(topic_of(dest), moved, NULL);
    }
    core->stats.dead_lettered++;
    core_advise(core, ADVISORY_DEAD_LETTERED, &queue->base, msg, NULL);
    message_unref(&moved);
    return true;
}

/* Where the policy wants the dead letters of the queue; false when it drops
 * them. */
static bool
dead_letter_find(const struct queue *queue,
                 struct dead_letter_target *target_out)
{
    const struct policy *policy = queue->base.policy;
    struct dead_letter_source source = {
        .kind = queue->base.kind,
        .name = destination_name_get(&queue->base),
    };

    return policy->dead_letter->dead_letter_name(
        &policy->dead_letter_parameters, &source, &target_out->name,
        &target_out->kind);
}

static bool
dead_letter_is_itself(const struct queue *queue,
                      const struct dead_letter_target *target)
{
    return target->kind == queue->base.kind &&
           span_equal(buf_span(&target->name),
                      destination_name_get(&queue->base));
}

bool
core_is_dead_letter_queue(const struct queue *queue)
{
    struct dead_letter_target target = { .name = BUF_INIT };
    bool same = dead_letter_find(queue, &target) &&
                dead_letter_is_itself(queue, &target);

    buf_fini(&target.name);
    return same;
}

bool
core_dead_letter(struct core *core, const struct queue *queue,
                 const struct delivery *delivery, struct span cause,
                 bool expired)
{
    struct dead_letter_target target = { .name = BUF_INIT };
    bool done = true;

    if (dead_letter_is_wanted(&queue->base.policy->dead_letter_parameters,
                              delivery->msg, expired) &&
        dead_letter_find(queue, &target) &&
        !dead_letter_is_itself(queue, &target)) {
        done = dead_letter_move(core, queue, delivery->msg, &target, cause);
    }
    buf_fini(&target.name);
    return done;
}
