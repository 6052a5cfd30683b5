/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <destinationInterceptors>: virtual topics, composites, mirrored queues.
 */
#include "stompctl/activemq_private.h"

#include <libxml/xmlmemory.h>
#include <stdio.h>
#include <string.h>

/* These are texts; other attributes are true or false. */
static json_t *
virtual_value(const char *name, const char *text)
{
    static const struct json_key yes_or_no = { .type = JSON_KEY_BOOL };
    static const char *const texts[] = { "name",     "prefix", "postfix",
                                         "selector", "queue",  "topic" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(name, texts[i]) == 0) {
            return json_string(text);
        }
    }
    return activemq_value(&yes_or_no, text);
}

/* <queue physicalName="A"/>, <filteredDestination selector="x" topic="B"/> */
static json_t *
virtual_target(struct activemq *self, xmlNode *element)
{
    static const char *const members[] = { "queue", "topic", "selector" };
    bool plain = activemq_is(element, "queue") || activemq_is(element, "topic");
    json_t *target = json_object();

    if (plain) {
        char *name = activemq_attribute(element, "physicalName");

        (void)json_object_set_new(target, (const char *)element->name,
                                  json_string(name != NULL ? name : ""));
        xmlFree(name);
        return target;
    }
    if (!activemq_is(element, "filteredDestination")) {
        activemq_note(self, element, "<%s> is not a target that is known",
                      (const char *)element->name);
        return target;
    }
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        char *text = activemq_attribute(element, members[i]);

        if (text != NULL) {
            (void)json_object_set_new(target, members[i], json_string(text));
            xmlFree(text);
        }
    }
    return target;
}

static json_t *
virtual_targets(struct activemq *self, xmlNode *element)
{
    json_t *targets = json_array();
    xmlNode *list = activemq_find(element, "forwardTo");

    for (xmlNode *child = list != NULL ? activemq_element(list->children)
                                       : NULL;
         child != NULL; child = activemq_element(child->next)) {
        json_t *target = virtual_target(self, child);

        if (json_object_size(target) > 0) {
            (void)json_array_append(targets, target);
        }
        json_decref(target);
    }
    return targets;
}

/* ActiveMQ's mirrored queues are all queues, and it can be told to send the
 * message itself instead of a copy. */
static void
virtual_one_mirrored(struct activemq *self, xmlNode *element,
                     json_t *parameters)
{
    if (json_object_get(parameters, "name") == NULL) {
        (void)json_object_set_new(parameters, "name", json_string(">"));
    }
    if (json_is_false(json_object_get(parameters, "copyMessage"))) {
        activemq_note(self, element,
                      "copyMessage: what is mirrored is always a copy, which "
                      "says where it is");
    }
    (void)json_object_del(parameters, "copyMessage");
}

/* A name or a list of targets must be there for the judge to say anything of
 * the rest: all at once, then what is too much goes. */
static void
virtual_one(struct activemq *self, xmlNode *element)
{
    json_t *parameters = json_object();
    json_t *object = json_object();
    const char *type = (const char *)element->name;
    char where[512];
    char *name = activemq_attribute(element, "name");

    (void)snprintf(where, sizeof(where), "%s %s", type,
                   name != NULL ? name : "");
    self->where = where;
    xmlFree(name);
    for (const xmlAttr *at = element->properties; at != NULL; at = at->next) {
        const char *key = (const char *)at->name;
        char *text = activemq_attribute(element, key);

        (void)json_object_set_new(parameters, key,
                                  virtual_value(key, text != NULL ? text : ""));
        xmlFree(text);
    }
    if (activemq_find(element, "forwardTo") != NULL) {
        (void)json_object_set_new(parameters, "forwardTo",
                                  virtual_targets(self, element));
    }
    if (activemq_is(element, "mirroredQueue")) {
        virtual_one_mirrored(self, element, parameters);
    }
    activemq_set(self, element, object, type, parameters,
                 activemq_frame_virtual);
    if (json_object_size(object) > 0) {
        (void)json_array_append(self->virtuals, object);
    }
    json_decref(object);
    self->where = NULL;
}

static void
virtual_all(struct activemq *self, xmlNode *element)
{
    xmlNode *list = activemq_find(element, "virtualDestinations");

    if (list == NULL) {
        activemq_note(self, element, "no <virtualDestinations> in it");
        return;
    }
    for (xmlNode *child = activemq_element(list->children); child != NULL;
         child = activemq_element(child->next)) {
        virtual_one(self, child);
    }
}

void
activemq_interceptors(struct activemq *self, xmlNode *element)
{
    if (self->virtuals == NULL) {
        self->virtuals = json_array();
    }
    for (xmlNode *child = activemq_element(element->children); child != NULL;
         child = activemq_element(child->next)) {
        if (activemq_is(child, "virtualDestinationInterceptor")) {
            virtual_all(self, child);
        } else if (activemq_is(child, "mirroredQueue")) {
            virtual_one(self, child);
        } else {
            activemq_note(self, child, "<%s>: Java code that stompd cannot run",
                          (const char *)child->name);
        }
    }
}

/* What stands in <destinationInterceptors> is instead of these. */
void
activemq_interceptor_flags(struct activemq *self, xmlNode *broker)
{
    char *mirrored = activemq_attribute(broker, "useMirroredQueues");
    char *topics = activemq_attribute(broker, "useVirtualTopics");
    bool mirror = mirrored != NULL && span_is_true(span_of_text(mirrored));
    bool no_topics = topics != NULL && !span_is_true(span_of_text(topics));

    xmlFree(mirrored);
    xmlFree(topics);
    if (self->virtuals != NULL && mirror) {
        activemq_note(self, broker,
                      "useMirroredQueues: ActiveMQ looks at "
                      "<destinationInterceptors> instead");
    }
    if (self->virtuals != NULL || (!mirror && !no_topics)) {
        return;
    }
    self->virtuals = json_array();
    if (!no_topics) {
        (void)json_array_append_new(self->virtuals,
                                    json_pack("{s:{}}", "virtualTopic"));
    }
    if (mirror) {
        (void)json_array_append_new(
            self->virtuals,
            json_pack("{s:{s:s}}", "mirroredQueue", "name", ">"));
    }
}
