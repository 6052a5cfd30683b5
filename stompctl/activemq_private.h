/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the import share: its state, names of XML, the judge.
 */
#pragma once
#include "policy/json_key.h"
#include "stompctl/activemq.h"

#include <libxml/tree.h>
#include <stdbool.h>

struct activemq {
    activemq_note_fn *note;
    void *ctx;
    const char *where; /* what a note is about: "topic FOO.>" */
    json_t *policies;
    json_t *virtuals; /* NULL: there were no interceptors */
    json_t *defaults; /* NULL: no default entry */
    json_t *seen;     /* the patterns so far */
};

/* The first element among node and its next ones; NULL when there is none. */
xmlNode *activemq_element(xmlNode *node);

/* Whether the element has that name, of whatever namespace. */
bool activemq_is(const xmlNode *node, const char *name);

/* The first element below node that has that name, however deep; NULL. */
xmlNode *activemq_find(xmlNode *node, const char *name);

/* The value of an attribute, to be freed with xmlFree; NULL without it. */
char *activemq_attribute(xmlNode *node, const char *name);

void activemq_note(struct activemq *self, const xmlNode *node, const char *fmt,
                   ...) __attribute__((format(printf, 3, 4)));

/* The row of a key; of that strategy's parameters, unless NULL.  NULL when
 * there is none. */
const struct json_key *activemq_row(const struct json_keys *keys,
                                    const char *name, const char *strategy);

/* Whether the name is one of queue, topic, tempQueue, tempTopic. */
bool activemq_is_kind(const char *name);

/* Sets what the entry is for, from the element; NULL when it does not say. */
const char *activemq_set_kind(json_t *entry, xmlNode *element);

/* What the entry is for, borrowed from it; `>` for what has no pattern.  Its
 * kind is NULL when it does not say. */
struct span activemq_pattern(const json_t *entry, const char **kind_out);

/* What an attribute says as the value of a key: numbers, durations and sizes
 * by the row, a text where row is NULL. */
json_t *activemq_value(const struct json_key *row, const char *text);

/*
 * Sets object[key] = value (taken) if the loader takes it in a file of the form
 * frame makes around object; otherwise a note says why not, and what a strategy
 * has too much of is left out.
 */
typedef json_t *activemq_frame_fn(const json_t *object);
void activemq_set(struct activemq *self, const xmlNode *node, json_t *object,
                  const char *key, json_t *value, activemq_frame_fn *frame);

/* The file that holds nothing but this virtual destination, or this entry. */
json_t *activemq_frame_virtual(const json_t *object);
json_t *activemq_frame_entry(const json_t *object);
json_t *activemq_frame_default(const json_t *object);

/* <destinationInterceptors> */
void activemq_interceptors(struct activemq *self, xmlNode *element);

/* useMirroredQueues and useVirtualTopics of the broker. */
void activemq_interceptor_flags(struct activemq *self, xmlNode *broker);

/* <redeliveryPlugin>, after the policies. */
void activemq_redelivery(struct activemq *self, xmlNode *element);
