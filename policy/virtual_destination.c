/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/virtual_destination.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdlib.h>

struct virtual_destination *
virtual_destination_new(void)
{
    struct virtual_destination *virtual = xcalloc(1, sizeof(*virtual));

    virtual->refs = 1;
    virtual->forward_only = true;
    return virtual;
}

struct virtual_destination *
virtual_destination_ref(struct virtual_destination *virtual)
{
    assert(virtual->refs > 0);
    virtual->refs++;
    return virtual;
}

void
virtual_destination_unref(struct virtual_destination **virtual)
{
    struct virtual_destination *gone = *virtual;

    *virtual = NULL;
    if (gone == NULL) {
        return;
    }
    assert(gone->refs > 0);
    gone->refs--;
    if (gone->refs > 0) {
        return;
    }
    for (size_t i = 0; i < gone->target_count; i++) {
        free(gone->targets[i].name);
        free(gone->targets[i].selector);
    }
    free(gone->targets);
    free(gone->name);
    free(gone->prefix);
    free(gone->postfix);
    free(gone);
}

void
virtual_destination_complete(struct virtual_destination *virtual)
{
    const struct virtual_destination_type *type = virtual->type;

    if (virtual->name == NULL && type->name_default != NULL) {
        virtual->name = xstrdup(type->name_default);
    }
    if (virtual->prefix == NULL && type->prefix_default != NULL) {
        virtual->prefix = xstrdup(type->prefix_default);
    }
}

void
virtual_destination_add_target(struct virtual_destination *virtual,
                               const struct virtual_target *target)
{
    virtual->targets = xrealloc(virtual->targets,
                                (virtual->target_count + 1) *
                                    sizeof(*virtual->targets));
    virtual->targets[virtual->target_count++] = *target;
}

void
virtual_destination_append_name(const struct virtual_destination *virtual,
                                struct span name, struct buf *out)
{
    if (virtual->prefix != NULL) {
        buf_append_span(out, span_of_text(virtual->prefix));
    }
    buf_append_span(out, name);
    if (virtual->postfix != NULL) {
        buf_append_span(out, span_of_text(virtual->postfix));
    }
}

const struct virtual_destination_type virtual_topic = {
    .name = "virtualTopic",
    .doc = "what is sent to a topic is copied to every queue that is named "
           "prefix, the name of the topic, postfix",
    .source = DESTINATION_TOPIC,
    .name_default = "VirtualTopic.>",
    .prefix_default = "Consumer.*.",
};

const struct virtual_destination_type virtual_composite_queue = {
    .name = "compositeQueue",
    .doc = "what is sent to a queue is copied to others",
    .source = DESTINATION_QUEUE,
};

const struct virtual_destination_type virtual_composite_topic = {
    .name = "compositeTopic",
    .doc = "what is sent to a topic is copied to others",
    .source = DESTINATION_TOPIC,
};

const struct virtual_destination_type virtual_mirrored_queue = {
    .name = "mirroredQueue",
    .doc = "what is sent to a queue is copied to a topic that is named prefix, "
           "the name of the queue, postfix",
    .source = DESTINATION_QUEUE,
    .prefix_default = "VirtualTopic.Mirror.",
};

const struct virtual_destination_type
    *const virtual_destination_types[VIRTUAL_DESTINATION_TYPE_COUNT + 1] = {
        &virtual_topic,
        &virtual_composite_queue,
        &virtual_composite_topic,
        &virtual_mirrored_queue,
        NULL,
    };
