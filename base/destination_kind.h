/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The four kinds of destination, as ActiveMQ has them.  Part of a name's
 * identity: queue FOO and topic FOO have nothing to do with each other.
 */
#pragma once

enum destination_kind {
    DESTINATION_QUEUE,
    DESTINATION_TOPIC,
    DESTINATION_TEMP_QUEUE,
    DESTINATION_TEMP_TOPIC,
};
enum { DESTINATION_KIND_COUNT = 4 };

static inline int
destination_kind_is_queue(enum destination_kind kind)
{
    return kind == DESTINATION_QUEUE || kind == DESTINATION_TEMP_QUEUE;
}

/* As the policy file and the admin API spell it. */
static inline const char *
destination_kind_name(enum destination_kind kind)
{
    static const char *const names[] = { "queue", "topic", "tempQueue",
                                         "tempTopic" };

    return names[kind];
}
