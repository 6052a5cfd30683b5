/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of policy_keys.h as tables.
 */
#include "policy/policy_schema.h"

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
