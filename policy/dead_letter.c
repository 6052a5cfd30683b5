/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letter strategies.
 */
#include "policy/dead_letter.h"

static bool
dead_letter_name_shared(const struct dead_letter_parameters *params,
                        const struct dead_letter_source *source,
                        struct buf *name_out, enum destination_kind *kind_out)
{
    (void)source;
    buf_append_span(name_out, span_of_text(params->queue));
    *kind_out = DESTINATION_QUEUE;
    return true;
}

/* What takes the letters of queues, or of topics. */
static enum destination_kind
dead_letter_target(const struct dead_letter_parameters *params, bool of_queues)
{
    bool is_queue = of_queues ? params->use_queue_for_queue_messages
                              : params->use_queue_for_topic_messages;

    return is_queue ? DESTINATION_QUEUE : DESTINATION_TOPIC;
}

/* Whether the source is what the strategy makes of a queue, or of a topic. */
static bool
dead_letter_is_target(const struct dead_letter_parameters *params,
                      const struct dead_letter_source *source, bool of_queues)
{
    struct span prefix =
        span_of_text(of_queues ? params->queue_prefix : params->topic_prefix);

    return source->kind == dead_letter_target(params, of_queues) &&
           prefix.len > 0 && span_starts_with(source->name, prefix);
}

/* The source takes dead letters already when it has a prefix of theirs: a
 * letter that dies twice does not make a longer name each time. */
static bool
dead_letter_name_individual(const struct dead_letter_parameters *params,
                            const struct dead_letter_source *source,
                            struct buf *name_out,
                            enum destination_kind *kind_out)
{
    bool is_queue = destination_kind_is_queue(source->kind);
    const char *suffix = is_queue ? params->queue_suffix : params->topic_suffix;

    if (dead_letter_is_target(params, source, true) ||
        dead_letter_is_target(params, source, false)) {
        buf_append_span(name_out, source->name);
        *kind_out = source->kind;
        return true;
    }
    buf_append_span(name_out, span_of_text(is_queue ? params->queue_prefix
                                                    : params->topic_prefix));
    buf_append_span(name_out, source->name);
    if (params->per_durable_subscriber && source->subscriber.data != NULL) {
        buf_append_char(name_out, '.');
        buf_append_span(name_out, source->subscriber);
    }
    if (suffix != NULL) {
        buf_append_span(name_out, span_of_text(suffix));
    }
    *kind_out = dead_letter_target(params, is_queue);
    return true;
}

static bool
dead_letter_name_discarding(const struct dead_letter_parameters *params,
                            const struct dead_letter_source *source,
                            struct buf *name_out,
                            /* NOLINTNEXTLINE: the shape of all strategies */
                            enum destination_kind *kind_out)
{
    (void)params;
    (void)source;
    (void)name_out;
    (void)kind_out;
    return false;
}

const struct dead_letter_strategy dead_letter_shared = {
    .name = "shared",
    .long_name = "sharedDeadLetterStrategy",
    .doc = "one queue for all: deadLetterQueue",
    .dead_letter_name = dead_letter_name_shared,
};

const struct dead_letter_strategy dead_letter_individual = {
    .name = "individual",
    .long_name = "individualDeadLetterStrategy",
    .doc = "a queue, or a topic, for each destination: prefix, name and "
           "suffix",
    .dead_letter_name = dead_letter_name_individual,
};

const struct dead_letter_strategy dead_letter_discarding = {
    .name = "discarding",
    .long_name = "discardingDeadLetterStrategy",
    .doc = "dropped",
    .dead_letter_name = dead_letter_name_discarding,
};

const struct dead_letter_strategy *const dead_letter_strategies[] = {
    &dead_letter_shared,
    &dead_letter_individual,
    &dead_letter_discarding,
    NULL,
};
