/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_schema_print.h"

#include "policy/json_describe.h"
#include "policy/policy_schema.h"

static const char manual_head[] =
    ".\\\" Made from policy/policy_schema.h by stompd-policy-doc: do not "
    "edit.\n"
    ".\\\" SPDX-License-Identifier: Apache-2.0\n"
    ".TH STOMPD\\-POLICY 5 \"\" \"stompd\" \"File Formats Manual\"\n"
    ".SH NAME\n"
    "stompd\\-policy \\- what stompd(8) does with the messages of a "
    "destination\n"
    ".SH DESCRIPTION\n"
    "The policy file is JSON. It says for patterns of destination names how\n"
    "messages are dispatched, recovered, limited and dead\\-lettered, in the\n"
    "words of ActiveMQ's destination policies. It is an object with the "
    "members:\n"
    ".TP\n"
    ".B policies\n"
    "An array of entries: objects with the keys below.\n"
    ".TP\n"
    ".B plugins\n"
    "An array of absolute paths of shared objects; a strategy of one is given\n"
    "as \"plugin:strategy\". They run inside the broker: docs/plugins.md.\n"
    ".TP\n"
    ".B virtualDestinations\n"
    "An array of objects of one name to its parameters: see below. Without it\n"
    "there is one, ActiveMQ's virtual topic; an empty array takes it away.\n"
    ".TP\n"
    ".B default\n"
    "An entry without a pattern, for every destination that no other entry is\n"
    "for.\n"
    ".TP\n"
    ".B $schema\n"
    "The address of a JSON Schema, for editors.\n"
    ".PP\n"
    "One entry applies to a destination, never a mix of several: the one with\n"
    "the most specific pattern, where at the first level that differs a "
    "literal\n"
    "comes before\n"
    ".B *\n"
    "and that before\n"
    ".BR > .\n"
    "The same pattern twice is an error.\n"
    ".PP\n"
    "A strategy is given by its name, or by an object of one name to its\n"
    "parameters. ActiveMQ's long names are accepted too. A duration is a "
    "number\n"
    "of milliseconds or a text with a unit (ms, s, m, h), a size a number of\n"
    "bytes or a text with a unit (kb, mb, gb, 1024\\-based).\n"
    ".SH KEYS\n"
    "In brackets: the kinds of entry that a key is for. An entry has exactly "
    "one\n"
    "of the first four.\n";

static const char manual_virtuals[] =
    ".SH VIRTUAL DESTINATIONS\n"
    "A message that is sent to one destination is copied to others. All that\n"
    "match a name apply.\n";

static const char manual_refusals[] =
    ".SH REFUSED\n"
    "Keys of ActiveMQ's that are an error here, and why: nothing that a file\n"
    "says is ignored.\n";

static const char manual_tail[] =
    ".SH EXAMPLE\n"
    ".nf\n"
    "{\n"
    "  \"policies\": [\n"
    "    { \"topic\": \"FOO.>\", \"dispatchPolicy\": \"roundRobin\",\n"
    "      \"subscriptionRecoveryPolicy\": \"lastImage\" },\n"
    "    { \"topic\": \"PRICES.>\",\n"
    "      \"pendingMessageLimitStrategy\": { \"constant\": { \"limit\": 10 } "
    "},\n"
    "      \"subscriptionRecoveryPolicy\":\n"
    "        { \"timed\": { \"recoverDuration\": \"10s\" } } },\n"
    "    { \"queue\": \"JOBS.>\", \"strictOrderDispatch\": true,\n"
    "      \"queuePrefetch\": 1 }\n"
    "  ]\n"
    "}\n"
    ".fi\n"
    ".SH SEE ALSO\n"
    ".BR stompd (8)\n";

void
policy_schema_print_manual(FILE *out)
{
    (void)fputs(manual_head, out);
    json_describe_manual(&policy_schema_keys, out);
    (void)fputs(manual_virtuals, out);
    json_describe_manual(&policy_schema_virtual_keys, out);
    (void)fputs(manual_refusals, out);
    json_describe_refusals(&policy_schema_keys, out);
    json_describe_refusals(&policy_schema_virtual_keys, out);
    (void)fputs(manual_tail, out);
}

/* Puts a reference in the place of each property and the property among the
 * definitions: each key is described once, not once for each kind. */
static void
policy_schema_define(json_t *properties, json_t *definitions)
{
    const char *name;
    json_t *property;
    void *next;

    json_object_foreach_safe(properties, next, name, property)
    {
        (void)json_object_set(definitions, name, property);
        (void)json_object_set_new(
            properties, name, json_pack("{s:s+}", "$ref", "#/$defs/", name));
    }
}

/* The schema of the entries of one kind, or of the default entry (0). */
static json_t *
policy_schema_entry(unsigned scope, json_t *definitions)
{
    json_t *schema = json_describe_schema(&policy_schema_keys, scope);
    json_t *properties = json_object_get(schema, "properties");

    for (unsigned i = 0; i < DESTINATION_KIND_COUNT; i++) {
        if (scope == 0) {
            (void)json_object_del(properties,
                                  policy_schema_keys.scope_names[i]);
        } else if (scope == 1U << i) {
            (void)json_object_set_new(
                schema, "required",
                json_pack("[s]", policy_schema_keys.scope_names[i]));
        }
    }
    policy_schema_define(properties, definitions);
    return schema;
}

void
policy_schema_print_json(FILE *out)
{
    json_t *definitions = json_object();
    json_t *entries = json_array();
    json_t *virtuals;
    json_t *schema;

    for (unsigned i = 0; i < DESTINATION_KIND_COUNT; i++) {
        (void)json_array_append_new(entries,
                                    policy_schema_entry(1U << i, definitions));
    }
    virtuals = json_describe_schema(&policy_schema_virtual_keys, 0);
    schema = json_pack(
        "{s:s, s:s, s:s, s:{s:{s:s}, s:{s:s, s:{s:o}}, s:{s:s, s:O}, s:{s:s, "
        "s:{s:s, s:s}},"
        " s:o}, s:b, s:o}",
        "$schema", "https://json-schema.org/draft/2020-12/schema", "title",
        "stompd policy file", "type", "object", "properties", "$schema", "type",
        "string", "policies", "type", "array", "items", "oneOf", entries,
        "virtualDestinations", "type", "array", "items",
        json_object_get(json_object_get(virtuals, "properties"),
                        "virtualDestinations"),
        "plugins", "type", "array", "items", "type", "string", "pattern", "^/",
        "default", policy_schema_entry(0, definitions), "additionalProperties",
        0, "$defs", definitions);
    json_describe_write(schema, out);
    json_decref(virtuals);
    json_decref(schema);
}

void
policy_schema_print_defaults(FILE *out)
{
    json_t *file =
        json_pack("{s:o, s:[]}", "default",
                  json_describe_defaults(&policy_schema_keys), "policies");

    json_describe_write(file, out);
    json_decref(file);
}
