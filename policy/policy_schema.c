/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of policy_keys.h as tables, and what is printed of them.
 */
#include "policy/policy_schema.h"

#include "policy/json_describe.h"
#include "policy/plugin.h"
#include "policy/policy_keys.h"
#include "policy/selector.h"
#include "policy/virtual_destination.h"

#include <stddef.h>

/* What ActiveMQ has in these places and stompd has no use for.  Not ignored:
 * who wrote it expects something. */
static const struct json_refusal policy_refusals[] = {
    { "advancedMessageStatisticsEnabled", "the statistics are always kept" },
    { "advancedNetworkStatisticsEnabled",
      "stompd makes no network of brokers" },
    { "doOptimzeMessageStorage",
      "the store does no work for messages that nobody waits for anyway" },
    { "enableAudit",
      "producers of STOMP do not number their messages, so there are no"
      " duplicates to look for" },
    { "gcWithNetworkConsumers", "stompd makes no network of brokers" },
    { "inactiveTimoutBeforeGC", "it is spelt inactiveTimeoutBeforeGC" },
    { "maxAuditDepth",
      "producers of STOMP do not number their messages, so there are no"
      " duplicates to look for" },
    { "maxPageSize",
      "the store is read ahead as consumers have room, see lazyDispatch" },
    { "maxProducersToAudit",
      "producers of STOMP do not number their messages, so there are no"
      " duplicates to look for" },
    { "maxQueueAuditDepth",
      "producers of STOMP do not number their messages, so there are no"
      " duplicates to look for" },
    { "messageGroupMapFactory",
      "messageGroupMapFactoryType takes the object too" },
    { "messageInterceptorStrategy",
      "a message goes out as it came in; deliveryMode says whether it "
      "is persistent" },
    { "minimumMessageSize", "a message counts with what it really takes" },
    { "networkBridgeFilterFactory", "stompd makes no network of brokers" },
    { "optimizeMessageStoreInFlightLimit",
      "the store does no work for messages that nobody waits for anyway" },
    { "optimizedDispatch",
      "a message is dispatched in the turn that it comes in, always" },
    { "pendingDurableSubscriberPolicy",
      "what waits is in memory up to memoryLimit and in the store "
      "beyond it, for every destination" },
    { "pendingQueuePolicy",
      "what waits is in memory up to memoryLimit and in the store "
      "beyond it, for every destination" },
    { "pendingSubscriberPolicy",
      "what waits is in memory up to memoryLimit and in the store "
      "beyond it, for every destination" },
    { "reduceMemoryFootprint",
      "a message is kept once, as it came from the wire" },
    { "sendDuplicateFromStoreToDLQ",
      "producers of STOMP do not number their messages, so there are no"
      " duplicates to look for" },
    { "useCache", "what waits is in memory up to memoryLimit and in the store "
                  "beyond it, for every destination" },
    { "usePrefetchExtension",
      "messages of an open transaction count as unacknowledged until "
      "its COMMIT" },
    { "useTopicSubscriptionInflightStats", "the statistics are always kept" },
    { .name = NULL },
};

static const struct json_refusal policy_eviction_refusals[] = {
    { "evictExpiredMessagesHighWatermark",
      "messages that have expired always go before others" },
    { "expiryCheckEnabled",
      "messages that have expired always go before others" },
    { .name = NULL },
};

static const struct json_refusal policy_slow_consumer_refusals[] = {
    { "ignoreNetworkConsumers", "stompd makes no network of brokers" },
    { .name = NULL },
};

static const struct json_refusal policy_virtual_refusals[] = {
    { "concurrentSend", "copies are made in the turn of the message" },
    { "copyMessage", "a message goes out as it came in, copy or not" },
    { "dropOnResourceLimit",
      "what a full queue does with its copy, the policy of that queue says" },
    { "local", "stompd makes no network of brokers" },
    { "setOriginalDestination", "a copy always says where it was sent to" },
    { "transactedSend", "copies are made in the turn of the message" },
    { .name = NULL },
};

/* In the order of enum policy_delivery_mode. */
static const char *const policy_delivery_modes[] = {
    "asSent",
    "persistent",
    "nonPersistent",
    NULL,
};

/* In the order of enum destination_kind. */
static const char *const policy_scope_names[] = {
    "queue",
    "topic",
    "tempQueue",
    "tempTopic",
};

#define ROW(target_, required_, strategy_, name_, type_, field_, min_, max_,   \
            default_, more_, help_)                                            \
    {                                                                          \
        .required = (required_),                                               \
        .strategy = (strategy_),                                               \
        .name = (name_),                                                       \
        .type = JSON_KEY_##type_,                                              \
        .offset = offsetof(target_, field_),                                   \
        .min = (min_),                                                         \
        .max = (max_),                                                         \
        .default_text = (default_),                                            \
        .help = (help_),                                                       \
        more_,                                                                 \
    },
#define PARAMETER(...) ROW(struct policy, false, __VA_ARGS__)
#define MUST(...) ROW(struct policy, true, __VA_ARGS__)
#define VIRTUAL(...) ROW(struct virtual_destination, false, __VA_ARGS__)
#define VIRTUAL_MUST(...) ROW(struct virtual_destination, true, __VA_ARGS__)

static const struct json_family policy_family_recovery_wrapped;

static int
policy_check_selector(struct span text, struct error *err)
{
    struct selector *selector = NULL;
    struct error fault = ERROR_INIT;

    if (selector_parse(text, &selector, &fault) != 0) {
        return error_set(err, "not a selector: at character %u, %s",
                         fault.column, fault.text);
    }
    selector_free(&selector);
    return 0;
}

static const struct json_key policy_dispatch_rows[] = {
    POLICY_DISPATCH_PARAMETERS(PARAMETER)
};
static const struct json_key policy_message_group_rows[] = {
    POLICY_MESSAGE_GROUP_PARAMETERS(PARAMETER)
};
static const struct json_key policy_recovery_rows[] = {
    POLICY_RECOVERY_PARAMETERS(PARAMETER, MUST)
};
static const struct json_key policy_pending_limit_rows[] = {
    POLICY_PENDING_LIMIT_PARAMETERS(PARAMETER)
};
static const struct json_key policy_pending_bytes_rows[] = {
    POLICY_PENDING_BYTES_KEYS(PARAMETER)
};
static const struct json_key policy_eviction_rows[] = {
    POLICY_EVICTION_PARAMETERS(MUST)
};
static const struct json_key policy_slow_consumer_rows[] = {
    POLICY_SLOW_CONSUMER_PARAMETERS(PARAMETER)
};
static const struct json_key policy_dead_letter_rows[] = {
    POLICY_DEAD_LETTER_PARAMETERS(PARAMETER)
};
static const struct json_key policy_redelivery_rows[] = {
    POLICY_REDELIVERY_KEYS(PARAMETER)
};

static const struct json_keys policy_dispatch_parameters = {
    JSON_KEYS(policy_dispatch_rows),
};
static const struct json_keys policy_message_group_parameters = {
    JSON_KEYS(policy_message_group_rows),
};
static const struct json_keys policy_recovery_parameters = {
    JSON_KEYS(policy_recovery_rows),
};
static const struct json_keys policy_pending_limit_parameters = {
    JSON_KEYS(policy_pending_limit_rows),
};
static const struct json_keys policy_pending_bytes_keys = {
    JSON_KEYS(policy_pending_bytes_rows),
};
static const struct json_keys policy_eviction_parameters = {
    JSON_KEYS(policy_eviction_rows),
    .refusals = policy_eviction_refusals,
};
static const struct json_keys policy_slow_consumer_parameters = {
    JSON_KEYS(policy_slow_consumer_rows),
    .refusals = policy_slow_consumer_refusals,
};
static const struct json_keys policy_dead_letter_parameters = {
    JSON_KEYS(policy_dead_letter_rows),
};
static const struct json_keys policy_redelivery_keys = {
    JSON_KEYS(policy_redelivery_rows),
};

/* The lists are of different types with the same first members. */
#define FAMILY_AT(family, list)                                                \
    static bool family##_at(size_t index, struct json_strategy *out)           \
    {                                                                          \
        if ((list)[index] == NULL) {                                           \
            return false;                                                      \
        }                                                                      \
        *out = (struct json_strategy){                                         \
            .name = (list)[index]->name,                                       \
            .long_name = (list)[index]->long_name,                             \
            .doc = (list)[index]->doc,                                         \
            .strategy = (list)[index],                                         \
        };                                                                     \
        return true;                                                           \
    }

FAMILY_AT(policy_dispatch, dispatch_policies)
FAMILY_AT(policy_queue_dispatch, dispatch_queue_policies)
FAMILY_AT(policy_message_group, message_group_maps)
FAMILY_AT(policy_recovery, recovery_policies)
FAMILY_AT(policy_pending_limit, pending_limit_strategies)
FAMILY_AT(policy_eviction, eviction_strategies)
FAMILY_AT(policy_slow_consumer, slow_consumer_strategies)
FAMILY_AT(policy_dead_letter, dead_letter_strategies)

/* All but retainedMessage, which does not wrap itself: it is the last. */
static bool
policy_recovery_wrapped_at(size_t index, struct json_strategy *out)
{
    return policy_recovery_at(index, out) &&
           out->strategy != &recovery_retained;
}

static const struct json_family policy_family_dispatch = {
    .title = "dispatch policy",
    .suffix = "DispatchPolicy",
    .at = policy_dispatch_at,
    .plugin_family = PLUGIN_DISPATCH,
    .parameters = &policy_dispatch_parameters,
};

static const struct json_family policy_family_queue_dispatch = {
    .title = "dispatch policy of queues",
    .suffix = "DispatchPolicy",
    .at = policy_queue_dispatch_at,
    .plugin_family = PLUGIN_QUEUE_DISPATCH,
};

static const struct json_family policy_family_message_group = {
    .title = "message group map",
    .suffix = "Factory",
    .at = policy_message_group_at,
    .parameters = &policy_message_group_parameters,
    .takes_query = true,
};

static const struct json_family policy_family_recovery = {
    .title = "subscription recovery policy",
    .suffix = "SubscriptionRecoveryPolicy",
    .at = policy_recovery_at,
    .plugin_family = PLUGIN_RECOVERY,
    .parameters = &policy_recovery_parameters,
};

static const struct json_family policy_family_recovery_wrapped = {
    .title = "subscription recovery policy",
    .suffix = "SubscriptionRecoveryPolicy",
    .at = policy_recovery_wrapped_at,
    .plugin_family = PLUGIN_RECOVERY,
    .parameters = &policy_recovery_parameters,
};

static const struct json_family policy_family_pending_limit = {
    .title = "pending message limit strategy",
    .suffix = "PendingMessageLimitStrategy",
    .at = policy_pending_limit_at,
    .parameters = &policy_pending_limit_parameters,
};

static const struct json_family policy_family_eviction = {
    .title = "message eviction strategy",
    .suffix = "EvictionStrategy",
    .at = policy_eviction_at,
    .plugin_family = PLUGIN_EVICTION,
    .parameters = &policy_eviction_parameters,
};

static const struct json_family policy_family_slow_consumer = {
    .title = "slow consumer strategy",
    .suffix = "Strategy",
    .at = policy_slow_consumer_at,
    .parameters = &policy_slow_consumer_parameters,
};

static const struct json_family policy_family_dead_letter = {
    .title = "dead letter strategy",
    .suffix = "DeadLetterStrategy",
    .at = policy_dead_letter_at,
    .plugin_family = PLUGIN_DEAD_LETTER,
    .parameters = &policy_dead_letter_parameters,
};

static const struct json_custom policy_pattern = {
    .check = policy_load_check_pattern,
    .expects = "a pattern",
    .schema = "{ \"type\": \"string\", \"minLength\": 1 }",
    .any_scope = true,
};

static const struct json_custom policy_true = {
    .check = policy_load_check_true,
    .expects = "true",
    .schema = "{ \"const\": true }",
    .any_scope = true,
};

static json_t *
policy_read_strict_order(const void *target)
{
    const struct policy *policy = target;

    return json_boolean(policy->queue_dispatch == &dispatch_queue_strict_order);
}

static const struct json_custom policy_strict_order = {
    .read = policy_read_strict_order,
    .check = policy_load_check_strict_order,
    .expects = "true or false",
    .schema = "{ \"type\": \"boolean\" }",
};

#define KEY(name_, type_, field_, scopes_, min_, max_, default_, more_, help_) \
    {                                                                          \
        .name = (name_),                                                       \
        .type = JSON_KEY_##type_,                                              \
        .offset = offsetof(struct policy, field_),                             \
        .scopes = (scopes_),                                                   \
        .min = (min_),                                                         \
        .max = (max_),                                                         \
        .default_text = (default_),                                            \
        .help = (help_),                                                       \
        more_,                                                                 \
    },

static const struct json_key policy_rows[] = { POLICY_KEYS(KEY) };

_Static_assert(sizeof(policy_rows) / sizeof(policy_rows[0]) <= POLICY_ROWS_MAX,
               "policy.given has a bit for each row");

const struct json_keys policy_schema_keys = {
    JSON_KEYS(policy_rows),
    .refusals = policy_refusals,
    .scope_names = policy_scope_names,
};

static const struct json_custom policy_virtual_name = {
    .check = policy_load_check_virtual_name,
    .expects = "a pattern",
    .schema = "{ \"type\": \"string\", \"minLength\": 1 }",
};

static const struct json_custom policy_virtual_targets = {
    .check = policy_load_check_virtual_targets,
    .expects = "an array of destinations",
    .schema =
        "{ \"type\": \"array\", \"minItems\": 1, \"items\": { \"anyOf\": ["
        "{ \"type\": \"string\", \"pattern\": \"^/(queue|topic)/.\" },"
        "{ \"type\": \"object\", \"additionalProperties\": false,"
        "\"properties\": { \"queue\": { \"type\": \"string\" },"
        "\"topic\": { \"type\": \"string\" },"
        "\"selector\": { \"type\": \"string\" } },"
        "\"oneOf\": [ { \"required\": [\"queue\"] },"
        "{ \"required\": [\"topic\"] } ] } ] } }",
};

static const struct json_key policy_virtual_parameter_rows[] = {
    POLICY_VIRTUAL_PARAMETERS(VIRTUAL, VIRTUAL_MUST)
};

static const struct json_keys policy_virtual_parameters = {
    JSON_KEYS(policy_virtual_parameter_rows),
    .refusals = policy_virtual_refusals,
};

static bool
policy_virtual_at(size_t index, struct json_strategy *out)
{
    const struct virtual_destination_type *type =
        virtual_destination_types[index];

    if (type == NULL) {
        return false;
    }
    *out = (struct json_strategy){
        .name = type->name,
        .long_name = type->name,
        .doc = type->doc,
        .strategy = type,
    };
    return true;
}

static const struct json_family policy_family_virtual = {
    .title = "virtual destination",
    .suffix = "",
    .at = policy_virtual_at,
    .parameters = &policy_virtual_parameters,
};

static const struct json_key policy_virtual_rows[] = {
    { .name = "virtualDestinations",
      .type = JSON_KEY_STRATEGY,
      .offset = offsetof(struct virtual_destination, type),
      .family = &policy_family_virtual,
      .help = "Each element of the array is one." },
};

const struct json_keys policy_schema_virtual_keys = {
    JSON_KEYS(policy_virtual_rows),
};

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
            (void)json_object_del(properties, policy_scope_names[i]);
        } else if (scope == 1U << i) {
            (void)json_object_set_new(schema, "required",
                                      json_pack("[s]", policy_scope_names[i]));
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
