/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of policy_schema.h as tables, and what is printed of them.
 */
#include "policy/policy_schema.h"

#include "policy/json_describe.h"

#include <stddef.h>

/* What ActiveMQ has in these places and stompd does not yet. */
static const char *const policy_keys_later[] = {
    "advancedMessageStatisticsEnabled", "advancedNetworkStatisticsEnabled",
    "advisoryForDelivery", "advisoryForDiscardingMessages",
    "advisoryForDispatched", "advisoryForFastProducers",
    "advisoryForSlowConsumers", "advisoryWhenFull",
    "allConsumersExclusiveByDefault", "allowTempDestinationStealing",
    "blockedProducerWarningInterval", "consumersBeforeDispatchStarts",
    "cursorMemoryHighWaterMark", "doOptimzeMessageStorage", "enableAudit",
    "expireMessagesPeriod", "gcInactiveDestinations", "gcWithNetworkConsumers",
    "inactiveTimeoutBeforeGC", "inactiveTimoutBeforeGC",
    "includeBodyForAdvisory", "lazyDispatch", "maxAuditDepth",
    "maxBrowsePageSize", "maxDestinations", "maxExpirePageSize", "maxPageSize",
    "maxProducersToAudit", "maxQueueAuditDepth", "memoryLimit",
    "messageGroupMapFactory", "messageGroupMapFactoryType",
    "messageInterceptorStrategy", "minimumMessageSize",
    "networkBridgeFilterFactory", "optimizeMessageStoreInFlightLimit",
    "optimizedDispatch", "pendingDurableSubscriberPolicy",
    "pendingQueuePolicy", "pendingSubscriberPolicy", "persistJMSRedelivered",
    "prioritizedMessages", "producerFlowControl", "reduceMemoryFootprint",
    "sendAdvisoryIfNoConsumers", "sendDuplicateFromStoreToDLQ",
    "sendFailIfNoSpace", "sendFailIfNoSpaceAfterTimeout",
    "slowConsumerStrategy", "storeUsageHighWaterMark",
    "timeBeforeDispatchStarts", "useCache", "useConsumerPriority",
    "usePrefetchExtension", "useTopicSubscriptionInflightStats", NULL,
};

static const char *const policy_dispatch_later[] = {
    "priority", "priorityNetwork", "clientIdFilter", NULL,
};

static const char *const policy_recovery_later[] = {
    "fixedSized", "queryBased", "retainedMessage", NULL,
};

static const char *const policy_eviction_later[] = {
    "uniquePropertyMessage", "uniqueProperty", NULL,
};

static const char *const policy_recovery_parameters_later[] = {
    "useSharedBuffer", NULL,
};

static const char *const policy_dead_letter_parameters_later[] = {
    "destinationPerDurableSubscriber", "enableAudit", "expiration",
    "maxAuditDepth", "maxProducersToAudit", "queueSuffix", "topicSuffix",
    "useQueueForQueueMessages", "useQueueForTopicMessages", NULL,
};

static const char *const policy_eviction_parameters_later[] = {
    "evictExpiredMessagesHighWatermark", "expiryCheckEnabled", NULL,
};

static const char *const policy_redelivery_later[] = {
    "backOffMultiplier", "collisionAvoidanceFactor", "initialRedeliveryDelay",
    "maximumRedeliveryDelay", "redeliveryDelay", "useCollisionAvoidance",
    "useExponentialBackOff", NULL,
};

/* In the order of enum policy_delivery_mode. */
static const char *const policy_delivery_modes[] = {
    "asSent", "persistent", "nonPersistent", NULL,
};

/* In the order of enum destination_kind. */
static const char *const policy_scope_names[] = {
    "queue", "topic", "tempQueue", "tempTopic",
};

#define PARAMETER(strategy_, name_, type_, field_, min_, max_, default_,  \
                  help_)                                                  \
    {                                                                     \
        .strategy = (strategy_), .name = (name_),                         \
        .type = JSON_KEY_##type_,                                         \
        .offset = offsetof(struct policy, field_), .min = (min_),         \
        .max = (max_), .default_text = (default_), .help = (help_),       \
    },

static const struct json_key policy_recovery_rows[] = {
    POLICY_RECOVERY_PARAMETERS(PARAMETER)
};
static const struct json_key policy_pending_limit_rows[] = {
    POLICY_PENDING_LIMIT_PARAMETERS(PARAMETER)
};
static const struct json_key policy_dead_letter_rows[] = {
    POLICY_DEAD_LETTER_PARAMETERS(PARAMETER)
};
static const struct json_key policy_redelivery_rows[] = {
    POLICY_REDELIVERY_KEYS(PARAMETER)
};

static const struct json_keys policy_recovery_parameters = {
    JSON_KEYS(policy_recovery_rows),
    .later = policy_recovery_parameters_later,
};
static const struct json_keys policy_pending_limit_parameters = {
    JSON_KEYS(policy_pending_limit_rows),
};
static const struct json_keys policy_eviction_parameters = {
    .later = policy_eviction_parameters_later,
};
static const struct json_keys policy_dead_letter_parameters = {
    JSON_KEYS(policy_dead_letter_rows),
    .later = policy_dead_letter_parameters_later,
};
static const struct json_keys policy_redelivery_keys = {
    JSON_KEYS(policy_redelivery_rows),
    .later = policy_redelivery_later,
};

/* The lists are of different types with the same first members. */
#define FAMILY_AT(family, list)                                  \
    static bool family##_at(size_t index, struct json_strategy *out) \
    {                                                            \
        if ((list)[index] == NULL) {                             \
            return false;                                        \
        }                                                        \
        *out = (struct json_strategy){                           \
            .name = (list)[index]->name,                         \
            .long_name = (list)[index]->long_name,               \
            .doc = (list)[index]->doc,                           \
            .strategy = (list)[index],                           \
        };                                                       \
        return true;                                             \
    }

FAMILY_AT(policy_dispatch, dispatch_policies)
FAMILY_AT(policy_recovery, recovery_policies)
FAMILY_AT(policy_pending_limit, pending_limit_strategies)
FAMILY_AT(policy_eviction, eviction_strategies)
FAMILY_AT(policy_dead_letter, dead_letter_strategies)

static const struct json_family policy_family_dispatch = {
    .title = "dispatch policy",
    .suffix = "DispatchPolicy",
    .at = policy_dispatch_at,
    .later = policy_dispatch_later,
};

static const struct json_family policy_family_recovery = {
    .title = "subscription recovery policy",
    .suffix = "SubscriptionRecoveryPolicy",
    .at = policy_recovery_at,
    .parameters = &policy_recovery_parameters,
    .later = policy_recovery_later,
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
    .parameters = &policy_eviction_parameters,
    .later = policy_eviction_later,
};

static const struct json_family policy_family_dead_letter = {
    .title = "dead letter strategy",
    .suffix = "DeadLetterStrategy",
    .at = policy_dead_letter_at,
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

#define KEY(name_, type_, field_, scopes_, min_, max_, default_, more_, help_) \
    {                                                                          \
        .name = (name_), .type = JSON_KEY_##type_,                             \
        .offset = offsetof(struct policy, field_), .scopes = (scopes_),        \
        .min = (min_), .max = (max_), .default_text = (default_),              \
        .help = (help_), more_,                                                \
    },

static const struct json_key policy_rows[] = { POLICY_KEYS(KEY) };

const struct json_keys policy_schema_keys = {
    JSON_KEYS(policy_rows),
    .later = policy_keys_later,
    .scope_names = policy_scope_names,
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
    (void)fputs(manual_tail, out);
}

/* The schema of the entries of one kind, or of the default entry (0). */
static json_t *
policy_schema_entry(unsigned scope)
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
    return schema;
}

void
policy_schema_print_json(FILE *out)
{
    json_t *entries = json_array();
    json_t *schema;

    for (unsigned i = 0; i < DESTINATION_KIND_COUNT; i++) {
        (void)json_array_append_new(entries, policy_schema_entry(1U << i));
    }
    schema = json_pack(
        "{s:s, s:s, s:s, s:{s:{s:s}, s:{s:s, s:{s:o}}, s:o}, s:b}", "$schema",
        "https://json-schema.org/draft/2020-12/schema", "title",
        "stompd policy file", "type", "object", "properties", "$schema",
        "type", "string", "policies", "type", "array", "items", "oneOf",
        entries, "default", policy_schema_entry(0), "additionalProperties", 0);
    json_describe_write(schema, out);
    json_decref(schema);
}

void
policy_schema_print_defaults(FILE *out)
{
    json_t *file = json_pack("{s:o, s:[]}", "default",
                             json_describe_defaults(&policy_schema_keys),
                             "policies");

    json_describe_write(file, out);
    json_decref(file);
}
