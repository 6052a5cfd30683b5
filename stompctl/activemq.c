/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/activemq.h"

#include "policy/policy_load.h"
#include "policy/policy_schema.h"
#include "stompctl/activemq_private.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- strategies ----------------------------------------------------------- */

const struct json_key *
activemq_row(const struct json_keys *keys, const char *name,
             const char *strategy)
{
    for (size_t i = 0; keys != NULL && i < keys->count; i++) {
        const struct json_key *row = &keys->rows[i];

        if (strcmp(row->name, name) == 0 &&
            (strategy == NULL || row->strategy == NULL ||
             strcmp(row->strategy, strategy) == 0)) {
            return row;
        }
    }
    return NULL;
}

/* The short name of an element such as roundRobinDispatchPolicy; its own name
 * when it is not known. */
static const char *
strategy_name(const struct json_family *family, const char *element)
{
    static struct json_strategy strategy;

    for (size_t i = 0; family->at(i, &strategy); i++) {
        if (strcmp(strategy.long_name, element) == 0 ||
            strcmp(strategy.name, element) == 0) {
            return strategy.name;
        }
    }
    return element;
}

static json_t *strategy_of(const struct json_key *key, xmlNode *element);

/* What stands inside of a parameter's element: another strategy, a destination
 * by its name, or text. */
static json_t *
parameter_of(const struct json_key *row, xmlNode *element)
{
    xmlNode *inner = activemq_element(element->children);
    char *text;
    json_t *value;

    if (inner != NULL && row != NULL && row->type == JSON_KEY_STRATEGY) {
        return strategy_of(row, inner);
    }
    text = inner != NULL ? activemq_attribute(inner, "physicalName")
                         : (char *)xmlNodeGetContent(element);
    value = activemq_value(row, text != NULL ? text : "");
    xmlFree(text);
    return value;
}

/* An element with its attributes and children as a strategy with parameters. */
static json_t *
strategy_of(const struct json_key *key, xmlNode *element)
{
    const struct json_keys *rows = key->family->parameters;
    const char *name = strategy_name(key->family, (const char *)element->name);
    json_t *parameters = json_object();
    json_t *strategy;

    for (const xmlAttr *at = element->properties; at != NULL; at = at->next) {
        const char *parameter = (const char *)at->name;
        char *text = activemq_attribute(element, parameter);
        /* NOLINTNEXTLINE(readability-suspicious-call-argument): of name */
        const struct json_key *row = activemq_row(rows, parameter, name);

        (void)json_object_set_new(
            parameters, parameter,
            activemq_value(row, text != NULL ? text : ""));
        xmlFree(text);
    }
    for (xmlNode *child = activemq_element(element->children); child != NULL;
         child = activemq_element(child->next)) {
        const char *parameter = (const char *)child->name;
        /* NOLINTNEXTLINE(readability-suspicious-call-argument): of name */
        const struct json_key *row = activemq_row(rows, parameter, name);

        (void)json_object_set_new(parameters, parameter,
                                  parameter_of(row, child));
    }
    strategy = json_object_size(parameters) > 0
                   ? json_pack("{s:O}", name, parameters)
                   : json_string(name);
    json_decref(parameters);
    return strategy;
}

/* --- entries -------------------------------------------------------------- */

static const char *const entry_kinds[] = { "queue", "topic", "tempQueue",
                                           "tempTopic" };
enum { ENTRY_KINDS = sizeof(entry_kinds) / sizeof(entry_kinds[0]) };

bool
activemq_is_kind(const char *name)
{
    for (size_t i = 0; i < ENTRY_KINDS; i++) {
        if (strcmp(entry_kinds[i], name) == 0) {
            return true;
        }
    }
    return false;
}

const char *
activemq_set_kind(json_t *entry, xmlNode *element)
{
    for (size_t i = 0; i < ENTRY_KINDS; i++) {
        char *text = activemq_attribute(element, entry_kinds[i]);

        if (text == NULL) {
            continue;
        }
        (void)json_object_set_new(entry, entry_kinds[i],
                                  i < 2 ? json_string(text) : json_true());
        xmlFree(text);
        return entry_kinds[i];
    }
    return NULL;
}

struct span
activemq_pattern(const json_t *entry, const char **kind_out)
{
    *kind_out = NULL;
    for (size_t i = 0; i < ENTRY_KINDS; i++) {
        const json_t *value = json_object_get(entry, entry_kinds[i]);

        if (value != NULL) {
            *kind_out = entry_kinds[i];
            return json_is_string(value)
                       ? span_of_text(json_string_value(value))
                       : SPAN(">");
        }
    }
    return SPAN(">");
}

static void
entry_add_attributes(struct activemq *self, xmlNode *element, json_t *entry,
                     activemq_frame_fn *frame)
{
    for (const xmlAttr *at = element->properties; at != NULL; at = at->next) {
        const char *key = (const char *)at->name;
        char *text;

        if (activemq_is_kind(key)) {
            continue;
        }
        text = activemq_attribute(element, key);
        activemq_set(
            self, element, entry, key,
            activemq_value(activemq_row(&policy_schema_keys, key, NULL),
                           text != NULL ? text : ""),
            frame);
        xmlFree(text);
    }
}

static void
entry_add_children(struct activemq *self, xmlNode *element, json_t *entry,
                   activemq_frame_fn *frame)
{
    for (xmlNode *child = activemq_element(element->children); child != NULL;
         child = activemq_element(child->next)) {
        const char *key = (const char *)child->name;
        const struct json_key *row =
            activemq_row(&policy_schema_keys, key, NULL);
        xmlNode *inner = activemq_element(child->children);

        if (row != NULL && row->type == JSON_KEY_STRATEGY && inner != NULL) {
            activemq_set(self, child, entry, key, strategy_of(row, inner),
                         frame);
        } else {
            activemq_set(self, child, entry, key, parameter_of(row, child),
                         frame);
        }
    }
}

/* Whether the pattern is new; two entries of one pattern are a fault here. */
static bool
entry_is_first(struct activemq *self, const char *kind, const char *pattern)
{
    char key[1024];

    (void)snprintf(key, sizeof(key), "%s %s", kind, pattern);
    if (json_object_get(self->seen, key) != NULL) {
        return false;
    }
    (void)json_object_set_new(self->seen, key, json_true());
    return true;
}

static void
entry_add(struct activemq *self, xmlNode *element)
{
    json_t *entry = json_object();
    const char *kind = activemq_set_kind(entry, element);
    const char *pattern =
        kind != NULL ? json_string_value(json_object_get(entry, kind)) : NULL;
    char where[1024];

    pattern = pattern != NULL ? pattern : ">";
    if (kind == NULL) {
        activemq_note(self, element,
                      "<policyEntry> for no kind of destination "
                      "(queue, topic, tempQueue, tempTopic)");
    } else if (!entry_is_first(self, kind, pattern)) {
        activemq_note(self, element,
                      "%s %s has an entry already; ActiveMQ "
                      "would take only one of them, this one "
                      "is left out",
                      kind, pattern);
    } else {
        (void)snprintf(where, sizeof(where), "%s %s", kind, pattern);
        self->where = where;
        entry_add_attributes(self, element, entry, activemq_frame_entry);
        entry_add_children(self, element, entry, activemq_frame_entry);
        self->where = NULL;
        (void)json_array_append(self->policies, entry);
    }
    json_decref(entry);
}

static void
entry_add_default(struct activemq *self, xmlNode *element)
{
    if (self->defaults != NULL) {
        activemq_note(self, element, "a second default entry is left out");
        return;
    }
    self->defaults = json_object();
    self->where = "default entry";
    entry_add_attributes(self, element, self->defaults, activemq_frame_default);
    entry_add_children(self, element, self->defaults, activemq_frame_default);
    self->where = NULL;
}

static void
policy_add(struct activemq *self, xmlNode *element)
{
    for (xmlNode *child = activemq_element(element->children); child != NULL;
         child = activemq_element(child->next)) {
        if (activemq_is(child, "policyEntry")) {
            bool is_default = activemq_is(child->parent, "defaultEntry");

            (is_default ? entry_add_default : entry_add)(self, child);
        } else if (activemq_is(child, "policyMap") ||
                   activemq_is(child, "policyEntries") ||
                   activemq_is(child, "entries") ||
                   activemq_is(child, "defaultEntry")) {
            policy_add(self, child);
        } else {
            activemq_note(self, child, "<%s>: Java code that stompd cannot run",
                          (const char *)child->name);
        }
    }
}

/* --- the document --------------------------------------------------------- */

/* False when there is nothing in it that a policy file says. */
static bool
broker_add(struct activemq *self, xmlNode *root)
{
    xmlNode *policy = activemq_find(root, "destinationPolicy");
    xmlNode *interceptors = activemq_find(root, "destinationInterceptors");
    xmlNode *broker =
        activemq_is(root, "broker") ? root : activemq_find(root, "broker");
    xmlNode *plugin = activemq_find(root, "redeliveryPlugin");

    if (policy != NULL) {
        policy_add(self, policy);
    }
    if (interceptors != NULL) {
        activemq_interceptors(self, interceptors);
    }
    if (plugin != NULL) {
        activemq_redelivery(self, plugin);
    }
    if (broker != NULL) {
        activemq_interceptor_flags(self, broker);
    }
    return policy != NULL || plugin != NULL || self->virtuals != NULL;
}

/* A document type brings entities; a configuration needs neither. */
static void
document_on_type(void *ctx, const xmlChar *name, const xmlChar *external,
                 const xmlChar *system)
{
    xmlParserCtxt *parser = ctx;

    (void)name;
    (void)external;
    (void)system;
    *(bool *)parser->_private = true;
    xmlStopParser(parser);
}

static xmlDoc *
document_parse(struct span text, struct error *err)
{
    xmlParserCtxt *parser = xmlNewParserCtxt();
    bool has_type = false;
    xmlDoc *document = NULL;

    if (text.len > 0 && text.len <= INT_MAX && parser != NULL) {
        parser->_private = &has_type;
        parser->sax->internalSubset = document_on_type;
        document =
            xmlCtxtReadMemory(parser, text.data, (int)text.len, NULL, NULL,
                              XML_PARSE_NONET | XML_PARSE_NOERROR |
                                  XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
    }
    if (has_type) {
        (void)error_set(err, "it has a document type (<!DOCTYPE>), which is "
                             "not read");
        xmlFreeDoc(document);
        document = NULL;
    } else if (document == NULL) {
        const xmlError *why = parser != NULL ? &parser->lastError : NULL;
        struct span sentence = why != NULL && why->message != NULL
                                   ? span_of_text(why->message)
                                   : SPAN("the file is empty");
        char shown[256];

        sentence = span_split(&sentence, '\n');
        (void)error_set_at(err, "", why != NULL ? (unsigned)why->line : 0, 0,
                           "not XML: %s",
                           span_escape(sentence, shown, sizeof(shown)));
    }
    xmlFreeParserCtxt(parser);
    return document;
}

static json_t *
activemq_finish(struct activemq *self, struct error *err)
{
    json_t *file = json_pack("{s:O}", "policies", self->policies);
    struct policy_map *map = NULL;
    struct faults faults;
    char *text;

    if (self->virtuals != NULL) {
        (void)json_object_set(file, "virtualDestinations", self->virtuals);
    }
    if (self->defaults != NULL) {
        (void)json_object_set(file, "default", self->defaults);
    }
    text = json_dumps(file, 0);
    faults_clear(&faults);
    if (policy_load_text(span_of_text(text), "", &map, &faults) != 0) {
        (void)error_set(err, "what comes out has a fault: %s",
                        faults.errors[0].text);
        json_decref(file);
        file = NULL;
    }
    policy_map_free(&map);
    free(text);
    return file;
}

json_t *
activemq_import(struct span text, activemq_note_fn *note, void *ctx,
                struct error *err)
{
    struct activemq self = { .note = note, .ctx = ctx };
    xmlDoc *document = document_parse(text, err);
    xmlNode *root = document != NULL ? xmlDocGetRootElement(document) : NULL;
    json_t *file = NULL;

    if (root == NULL) {
        xmlFreeDoc(document);
        return NULL;
    }
    self.policies = json_array();
    self.seen = json_object();
    if (!broker_add(&self, root)) {
        (void)error_set(err, "there is no <destinationPolicy>, no "
                             "<destinationInterceptors> and no "
                             "<redeliveryPlugin> in it");
    } else {
        file = activemq_finish(&self, err);
    }
    json_decref(self.policies);
    json_decref(self.virtuals);
    json_decref(self.defaults);
    json_decref(self.seen);
    xmlFreeDoc(document);
    return file;
}
