/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/virtual_destination.h"

#include "base/alloc.h"
#include "policy/pattern.h"

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
        selector_free(&gone->targets[i].filter);
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

/* Whether text[at] is a level `*` of its own. */
static bool
virtual_is_any(struct span text, size_t at)
{
    return text.data[at] == '*' && (at == 0 || text.data[at - 1] == '.') &&
           (at + 1 == text.len || text.data[at + 1] == '.');
}

/* How much of name from its beginning prefix stands for; -1 when it is not how
 * the name begins. */
static ptrdiff_t
virtual_match_prefix(struct span prefix, struct span name)
{
    size_t used = 0;

    for (size_t i = 0; i < prefix.len; i++) {
        if (used == name.len) {
            return -1;
        }
        if (virtual_is_any(prefix, i)) {
            while (used < name.len && name.data[used] != '.') {
                used++;
            }
        } else if (prefix.data[i] == name.data[used]) {
            used++;
        } else {
            return -1;
        }
    }
    return (ptrdiff_t)used;
}

/* The same from the end. */
static ptrdiff_t
virtual_match_postfix(struct span postfix, struct span name)
{
    size_t used = 0;

    for (size_t i = postfix.len; i > 0; i--) {
        if (used == name.len) {
            return -1;
        }
        if (virtual_is_any(postfix, i - 1)) {
            while (used < name.len && name.data[name.len - used - 1] != '.') {
                used++;
            }
        } else if (postfix.data[i - 1] == name.data[name.len - used - 1]) {
            used++;
        } else {
            return -1;
        }
    }
    return (ptrdiff_t)used;
}

static struct span
virtual_text(const char *text)
{
    return text != NULL ? span_of_text(text) : SPAN("");
}

bool
virtual_destination_source_of(const struct virtual_destination *virtual,
                              struct span name, struct span *topic_out)
{
    ptrdiff_t head = virtual_match_prefix(virtual_text(virtual->prefix), name);
    struct span rest;
    ptrdiff_t tail;

    if (head < 0 || pattern_has_wildcard(span_of(name.data, (size_t)head))) {
        return false;
    }
    rest = span_after(name, (size_t)head);
    tail = virtual_match_postfix(virtual_text(virtual->postfix), rest);
    if (tail < 0 || (size_t)tail == rest.len) {
        return false;
    }
    rest.len -= (size_t)tail;
    if (pattern_has_wildcard(span_of(rest.data + rest.len, (size_t)tail))) {
        return false;
    }
    *topic_out = rest;
    return pattern_matches(span_of_text(virtual->name), rest);
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
