/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letter strategies.
 */
#include "policy/dead_letter.h"

static bool
dead_letter_name_shared(const struct dead_letter_parameters *params,
                        enum destination_kind kind, struct span source,
                        struct buf *name_out)
{
    (void)kind;
    (void)source;
    buf_append_span(name_out, span_of_text(params->queue));
    return true;
}

/* A queue that has the prefix already is its own: a letter that dies twice
 * does not make a queue of a longer name each time. */
static bool
dead_letter_name_individual(const struct dead_letter_parameters *params,
                            enum destination_kind kind, struct span source,
                            struct buf *name_out)
{
    bool is_queue = destination_kind_is_queue(kind);
    struct span prefix =
        span_of_text(is_queue ? params->queue_prefix : params->topic_prefix);
    bool is_dead_already =
        is_queue && prefix.len > 0 && span_starts_with(source, prefix);

    if (!is_dead_already) {
        buf_append_span(name_out, prefix);
    }
    buf_append_span(name_out, source);
    return true;
}

static bool
dead_letter_name_discarding(const struct dead_letter_parameters *params,
                            enum destination_kind kind, struct span source,
                            struct buf *name_out)
{
    (void)params;
    (void)kind;
    (void)source;
    (void)name_out;
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
    .doc = "a queue for each destination: a prefix and the name",
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
