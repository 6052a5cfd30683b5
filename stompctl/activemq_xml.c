/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML of anybody's making, and the small ways to walk it.
 */
#include "base/buf.h"
#include "policy/units.h"
#include "stompctl/activemq_private.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

xmlNode *
activemq_element(xmlNode *node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }
    return node;
}

bool
activemq_is(const xmlNode *node, const char *name)
{
    return strcmp((const char *)node->name, name) == 0;
}

/* The parser allows no more than 256 levels. */
xmlNode *
activemq_find(xmlNode *node, const char *name)
{
    for (xmlNode *child = activemq_element(node->children); child != NULL;
         child = activemq_element(child->next)) {
        xmlNode *found =
            activemq_is(child, name) ? child : activemq_find(child, name);

        if (found != NULL) {
            return found;
        }
    }
    return NULL;
}

char *
activemq_attribute(xmlNode *node, const char *name)
{
    return (char *)xmlGetProp(node, (const xmlChar *)name);
}

void
activemq_note(struct activemq *self, const xmlNode *node, const char *fmt, ...)
{
    char text[1024];
    struct buf line = BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (self->where != NULL) {
        buf_appendf(&line, "%s: ", self->where);
    }
    /* With its NUL. */
    buf_append(&line, text, strlen(text) + 1);
    self->note(self->ctx, (unsigned)xmlGetLineNo((xmlNode *)(uintptr_t)node),
               line.data);
    buf_fini(&line);
}

/* ActiveMQ's sizes: a number, blanks, `k`, `mb`, `G` ... */
static json_t *
activemq_size(struct span text)
{
    static const char units[] = "bkmg";
    size_t digits = 0;
    uint64_t number;
    struct span unit;
    const char *at;
    char shown[UNITS_TEXT_MAX];

    while (digits < text.len && isdigit((unsigned char)text.data[digits])) {
        digits++;
    }
    unit = span_trim(span_after(text, digits));
    at = unit.len == 0 ? units
                       : strchr(units, tolower((unsigned char)unit.data[0]));
    if (!span_to_u64(span_of(text.data, digits), &number) || at == NULL ||
        number > (uint64_t)1 << 40 || unit.len > 2 ||
        (unit.len == 2 && tolower((unsigned char)unit.data[1]) != 'b')) {
        return json_stringn(text.data, text.len);
    }
    number <<= 10 * (at - units);
    return json_string(units_format_size((int64_t)number, shown));
}

static json_t *
activemq_number(const struct json_key *row, struct span text)
{
    char shown[UNITS_TEXT_MAX];
    int64_t number;

    if (!span_to_i64(text, &number)) {
        return json_stringn(text.data, text.len);
    }
    if (number >= 0 && (row->type == JSON_KEY_DURATION_MS ||
                        row->type == JSON_KEY_DURATION_US)) {
        return json_string(units_format_duration(number, shown));
    }
    return json_integer(number);
}

/* What no number can be made of stays a text: the judge will say so. */
static json_t *
activemq_real(struct span text)
{
    json_t *number = json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL);

    if (json_is_number(number)) {
        return number;
    }
    json_decref(number);
    return json_stringn(text.data, text.len);
}

json_t *
activemq_value(const struct json_key *row, const char *text)
{
    struct span trimmed = span_trim(span_of_text(text));
    bool truth = span_equal_nocase(trimmed, SPAN("true"));

    if (row == NULL) {
        return json_string(text);
    }
    switch (row->type) {
    case JSON_KEY_INTEGER:
    case JSON_KEY_UINT32:
    case JSON_KEY_COUNT:
    case JSON_KEY_DURATION_MS:
    case JSON_KEY_DURATION_US:
        return activemq_number(row, trimmed);
    case JSON_KEY_REAL:
        return activemq_real(trimmed);
    case JSON_KEY_SIZE:
    case JSON_KEY_SHARE:
        return activemq_size(trimmed);
    case JSON_KEY_STRING:
    case JSON_KEY_CHOICE:
    case JSON_KEY_STRATEGY:
        return json_string(text);
    case JSON_KEY_BOOL:
    case JSON_KEY_SWITCH:
    case JSON_KEY_OBJECT:
    case JSON_KEY_CUSTOM:
        break;
    }
    return truth || span_equal_nocase(trimmed, SPAN("false"))
               ? json_boolean(truth)
               : json_string(text);
}
