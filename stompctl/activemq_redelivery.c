/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <redeliveryPlugin>: its policies belong to patterns of their own.  In ours
 * one entry says all about a destination, so the two maps become one: an entry
 * of the policy gets the closest redelivery policy that is for all of it, and a
 * redelivery policy without an entry of its pattern makes one, which says else
 * what the closest wider entry says.  Source: activemq.md 6.3.
 */
#include "base/buf.h"
#include "policy/pattern.h"
#include "policy/policy_schema.h"
#include "stompctl/activemq_private.h"

#include <libxml/xmlmemory.h>
#include <stdio.h>
#include <string.h>

static const char redelivery_key[] = "redeliveryPolicy";

/* What the plug-in says, as entries of a policy file. */
struct redelivery {
    json_t *entries;
    json_t *fallback; /* NULL: no default entry */
};

/* --- reading -------------------------------------------------------------- */

/* ActiveMQ's waits of a second are not ours, so they are said. */
static json_t *
redelivery_value(xmlNode *element)
{
    const struct json_keys *rows =
        activemq_row(&policy_schema_keys, redelivery_key, NULL)->keys;
    json_t *value = json_pack("{s:s, s:s}", "initialRedeliveryDelay", "1s",
                              "redeliveryDelay", "1s");

    for (const xmlAttr *at = element->properties; at != NULL; at = at->next) {
        const char *key = (const char *)at->name;
        char *text;
        int64_t percent;

        if (activemq_is_kind(key)) {
            continue;
        }
        text = activemq_attribute(element, key);
        if (strcmp(key, "collisionAvoidancePercent") == 0 && text != NULL &&
            span_to_i64(span_of_text(text), &percent)) {
            (void)json_object_set_new(value, "collisionAvoidanceFactor",
                                      json_real((double)percent / 100));
        } else {
            (void)json_object_set_new(
                value, key,
                activemq_value(activemq_row(rows, key, NULL),
                               text != NULL ? text : ""));
        }
        xmlFree(text);
    }
    return value;
}

static void
redelivery_add(struct activemq *self, struct redelivery *plugin,
               xmlNode *element)
{
    json_t *entry = json_object();
    const char *kind = activemq_set_kind(entry, element);
    struct span pattern;
    char where[1024];

    if (kind == NULL && plugin->fallback != NULL) {
        activemq_note(self, element,
                      "a second default <redeliveryPolicy> is left out");
        json_decref(entry);
        return;
    }
    pattern = activemq_pattern(entry, &kind);
    (void)snprintf(where, sizeof(where), "%s %.*s",
                   kind != NULL ? kind : "default", (int)pattern.len,
                   kind != NULL ? pattern.data : "");
    self->where = where;
    activemq_set(self, element, entry, redelivery_key,
                 redelivery_value(element),
                 kind != NULL ? activemq_frame_entry : activemq_frame_default);
    self->where = NULL;
    if (kind == NULL) {
        plugin->fallback = entry;
    } else {
        (void)json_array_append_new(plugin->entries, entry);
    }
}

static void
redelivery_read(struct activemq *self, struct redelivery *plugin,
                xmlNode *element)
{
    for (xmlNode *child = activemq_element(element->children); child != NULL;
         child = activemq_element(child->next)) {
        if (activemq_is(child, "redeliveryPolicy")) {
            redelivery_add(self, plugin, child);
        } else if (activemq_is(child, "redeliveryPolicyMap") ||
                   activemq_is(child, "redeliveryPolicyEntries") ||
                   activemq_is(child, "defaultEntry")) {
            redelivery_read(self, plugin, child);
        } else {
            activemq_note(self, child, "<%s>: Java code that stompd cannot run",
                          (const char *)child->name);
        }
    }
}

/* Whether the plug-in deletes what it gives up; stompd never does. */
static void
redelivery_check(struct activemq *self, xmlNode *plugin)
{
    static const char *const names[] = { "fallbackToDeadLetter",
                                         "sendToDlqIfMaxRetriesExceeded" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *text = activemq_attribute(plugin, names[i]);

        if (text != NULL && !span_is_true(span_of_text(text))) {
            activemq_note(self, plugin,
                          "%s: what is given up is a dead letter; "
                          "deadLetterStrategy says what becomes of those",
                          names[i]);
        }
        xmlFree(text);
    }
}

/* --- two maps, one file --------------------------------------------------- */

/* Takes `.>` from the end; false when there was none. */
static bool
redelivery_cut_rest(struct span *pattern)
{
    size_t len = pattern->len;

    if (len == 0 || pattern->data[len - 1] != '>' ||
        (len > 1 && pattern->data[len - 2] != '.')) {
        return false;
    }
    pattern->len = len > 1 ? len - 2 : 0;
    return true;
}

/* Whether all that narrow matches is matched by wide. */
static bool
redelivery_covers(struct span wide, struct span narrow)
{
    struct span start = wide;

    if (!redelivery_cut_rest(&narrow)) {
        return pattern_matches(wide, narrow);
    }
    if (!redelivery_cut_rest(&start)) {
        return false;
    }
    return start.len == 0 || (narrow.len > 0 && pattern_matches(wide, narrow));
}

/* Whether some name is matched by both. */
static bool
redelivery_overlaps(struct span a, struct span b)
{
    while (a.len > 0 && b.len > 0) {
        struct span left = span_split(&a, '.');
        struct span right = span_split(&b, '.');

        if (span_equal(left, SPAN(">")) || span_equal(right, SPAN(">"))) {
            return true;
        }
        if (!span_equal(left, right) && !span_equal(left, SPAN("*")) &&
            !span_equal(right, SPAN("*"))) {
            return false;
        }
    }
    return (a.len == 0 && b.len == 0) || span_equal(a, SPAN(">")) ||
           span_equal(b, SPAN(">"));
}

/* The entry of the most specific pattern that is for all of entry; NULL. */
static json_t *
redelivery_closest(const json_t *entries, const json_t *entry)
{
    const char *kind;
    const char *other_kind;
    struct span pattern = activemq_pattern(entry, &kind);
    struct span best = SPAN_NONE;
    json_t *closest = NULL;
    json_t *other;
    size_t i;

    json_array_foreach(entries, i, other)
    {
        struct span wide = activemq_pattern(other, &other_kind);

        if (strcmp(kind, other_kind) == 0 && redelivery_covers(wide, pattern) &&
            (closest == NULL || pattern_compare(wide, best) < 0)) {
            closest = other;
            best = wide;
        }
    }
    return closest;
}

/* One of them will be the entry of what both match, and says one thing. */
static void
redelivery_note_overlaps(struct activemq *self, const xmlNode *node,
                         const json_t *entry, const json_t *others)
{
    const char *kind;
    const char *other_kind;
    struct span first = activemq_pattern(entry, &kind);
    json_t *other;
    size_t i;

    json_array_foreach(others, i, other)
    {
        struct span second = activemq_pattern(other, &other_kind);

        if (strcmp(kind, other_kind) == 0 &&
            redelivery_overlaps(first, second) &&
            !redelivery_covers(first, second) &&
            !redelivery_covers(second, first)) {
            activemq_note(self, node,
                          "<redeliveryPolicy> of %s %.*s: the entry of %.*s "
                          "is for some of the same destinations, and one "
                          "entry says all: add an entry for those",
                          kind, (int)first.len, first.data, (int)second.len,
                          second.data);
        }
    }
}

/* Several patterns in one entry become an entry each. */
static json_t *
redelivery_split(const json_t *entries)
{
    json_t *single = json_array();
    json_t *entry;
    size_t i;

    json_array_foreach(entries, i, entry)
    {
        const char *kind;
        struct span rest = activemq_pattern(entry, &kind);
        bool has_name = json_is_string(json_object_get(entry, kind));

        do {
            struct span one = span_trim(span_split(&rest, ','));
            json_t *copy = json_copy(entry);

            if (has_name) {
                (void)json_object_set_new(copy, kind,
                                          json_stringn(one.data, one.len));
            }
            (void)json_array_append_new(single, copy);
        } while (rest.len > 0);
    }
    return single;
}

/* Whether a key of the schema is one of entries of that kind. */
static bool
redelivery_is_for(const char *key, const char *kind)
{
    const struct json_key *row = activemq_row(&policy_schema_keys, key, NULL);
    unsigned scopes = row != NULL ? row->scopes : 0;

    for (unsigned i = 0; scopes >> i != 0; i++) {
        if (strcmp(policy_schema_keys.scope_names[i], kind) == 0) {
            return (scopes >> i & 1) != 0;
        }
    }
    return row != NULL && scopes == 0;
}

/* Sets what entry lacks and wide says, as far as it is for that kind. */
static void
redelivery_fill(json_t *entry, json_t *wide)
{
    const char *kind;
    const char *key;
    json_t *value;

    (void)activemq_pattern(entry, &kind);
    json_object_foreach(wide, key, value)
    {
        if (!activemq_is_kind(key) && json_object_get(entry, key) == NULL &&
            redelivery_is_for(key, kind)) {
            (void)json_object_set(entry, key, value);
        }
    }
}

/* The entries that there are get the redelivery policy that is for them. */
static void
redelivery_give(const json_t *policies, const struct redelivery *plugin)
{
    json_t *entry;
    size_t i;

    json_array_foreach(policies, i, entry)
    {
        json_t *closest = redelivery_closest(plugin->entries, entry);

        closest = closest != NULL ? closest : plugin->fallback;
        if (json_object_get(entry, redelivery_key) == NULL) {
            /* The loader took it where it was read: it is for every kind. */
            (void)json_object_set(entry, redelivery_key,
                                  json_object_get(closest, redelivery_key));
        }
    }
}

/* Those without an entry of their pattern become one. */
static void
redelivery_make(struct activemq *self, const xmlNode *node,
                const struct redelivery *plugin)
{
    json_t *policies = json_copy(self->policies);
    json_t *entry;
    size_t i;

    json_array_foreach(plugin->entries, i, entry)
    {
        json_t *wide = redelivery_closest(policies, entry);
        const char *kind;
        const char *other_kind;
        struct span pattern = activemq_pattern(entry, &kind);

        redelivery_note_overlaps(self, node, entry, policies);
        if (wide == NULL ||
            !span_equal(pattern, activemq_pattern(wide, &other_kind))) {
            json_t *made = json_copy(entry);

            redelivery_fill(made, wide != NULL ? wide : self->defaults);
            (void)json_array_append_new(self->policies, made);
        }
    }
    json_decref(policies);
}

static json_t *
redelivery_take_split(json_t *entries)
{
    json_t *single = redelivery_split(entries);

    json_decref(entries);
    return single;
}

void
activemq_redelivery(struct activemq *self, xmlNode *element)
{
    struct redelivery plugin = { .entries = json_array() };

    redelivery_check(self, element);
    redelivery_read(self, &plugin, element);
    plugin.entries = redelivery_take_split(plugin.entries);
    self->policies = redelivery_take_split(self->policies);
    redelivery_give(self->policies, &plugin);
    redelivery_make(self, element, &plugin);
    if (plugin.fallback != NULL) {
        self->defaults =
            self->defaults != NULL ? self->defaults : json_object();
        (void)json_object_update_missing(self->defaults, plugin.fallback);
    }
    json_decref(plugin.entries);
    json_decref(plugin.fallback);
}
