/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is there: the broker as a whole, its connections, its destinations.
 */
#include "server/admin/api_private.h"

#include "base/secret.h"
#include "policy/pattern.h"
#include "protocol/destination_name.h"

#include <unistd.h>

json_t *
api_text(struct span text)
{
    char shown[512];
    json_t *json = NULL;

    if (!secret_is_name(text)) {
        json = json_stringn(text.data, text.len);
    }
    return json != NULL
               ? json
               : json_string(secret_escape(text, shown, sizeof(shown)));
}

json_t *
api_destination(enum destination_kind kind, struct span name)
{
    struct buf text = BUF_INIT;
    json_t *json;

    buf_append_span(&text, destination_name_prefix(kind));
    buf_append_span(&text, name);
    json = api_text(buf_span(&text));
    buf_fini(&text);
    return json;
}

static json_t *
api_number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

void
api_set(json_t *object, const char *key, uint64_t value)
{
    (void)json_object_set_new(object, key, api_number(value));
}

void
api_set_span(json_t *object, const char *key, struct span text)
{
    (void)json_object_set_new(object, key,
                              text.len > 0 ? api_text(text) : json_null());
}

void
api_set_text(json_t *object, const char *key, const char *text)
{
    api_set_span(object, key, text != NULL ? span_of_text(text) : SPAN_NONE);
}

static json_t *
api_status_connections(const struct net_counters *net)
{
    json_t *object = json_object();

    api_set(object, "now", net->connections);
    api_set(object, "webSocket", net->connections_ws);
    api_set(object, "accepted", net->accepted);
    api_set(object, "refusedByLimit", net->refused_limit);
    api_set(object, "refusedByOrigin", net->refused_origin);
    api_set(object, "cutAsSlow", net->cut_slow);
    api_set(object, "receivedBytes", net->received_bytes);
    api_set(object, "sentBytes", net->sent_bytes);
    return object;
}

static json_t *
api_status_messages(const struct core_stats *core)
{
    json_t *object = json_object();

    api_set(object, "received", core->received);
    api_set(object, "delivered", core->delivered);
    api_set(object, "acknowledged", core->acknowledged);
    api_set(object, "deadLettered", core->dead_lettered);
    api_set(object, "discarded", core->discarded);
    api_set(object, "expired", core->expired);
    api_set(object, "duplicates", core->duplicates);
    api_set(object, "scheduled", core->scheduled);
    api_set(object, "memoryBytes", core->memory_bytes);
    return object;
}

static json_t *
api_quota(const struct quota *quota)
{
    json_t *object = json_object();

    api_set(object, "usedBytes", quota->used);
    api_set(object, "limitBytes", quota->limit);
    api_set(object, "percent", quota_percent(quota));
    return object;
}

static json_t *
api_status_usage(const struct core *core)
{
    json_t *object = json_object();
    struct core_usage usage;

    core_usage_get(core, &usage);
    (void)json_object_set_new(object, "memory", api_quota(&usage.memory));
    (void)json_object_set_new(object, "store", api_quota(&usage.store));
    (void)json_object_set_new(object, "temp", api_quota(&usage.temp));
    return object;
}

static json_t *
api_status_store(const struct api *api)
{
    const struct error *failure = core_store_failure(api->core);
    struct store_stats stats;
    json_t *object = json_object();

    store_stats_get(api->store, &stats);
    (void)json_object_set_new(object, "engine",
                              json_string(api->store->engine->name));
    if (api->store_directory != NULL) {
        (void)json_object_set_new(object, "directory",
                                  api_text(span_of_text(api->store_directory)));
    }
    (void)json_object_set_new(object, "working", json_boolean(failure == NULL));
    if (failure != NULL) {
        (void)json_object_set_new(object, "failure",
                                  api_text(span_of_text(failure->text)));
    }
    api_set(object, "stored", stats.puts);
    api_set(object, "removed", stats.deletes);
    api_set(object, "cancelled", stats.cancelled);
    api_set(object, "batches", stats.batches);
    api_set(object, "syncs", stats.syncs);
    api_set(object, "writtenBytes", stats.bytes_written);
    api_set(object, "pendingBytes", stats.pending_bytes);
    api_set(object, "damaged", stats.damaged);
    return object;
}

json_t *
api_view_status(const struct api *api)
{
    struct core_stats core;
    json_t *object = json_object();

    core_stats_get(api->core, &core);
    (void)json_object_set_new(object, "version", json_string(PACKAGE_VERSION));
    api_set(object, "pid", (uint64_t)getpid());
    api_set(object, "uptimeSeconds",
            (uint64_t)(net_now_us(api->net) - api->started_us) / 1000000);
    (void)json_object_set_new(object, "listeners",
                              api_text(span_of_text(api->uris)));
    if (api->policy_path != NULL) {
        (void)json_object_set_new(object, "policyFile",
                                  api_text(span_of_text(api->policy_path)));
    }
    api_set(object, "queues", core.queues);
    api_set(object, "topics", core.topics);
    api_set(object, "subscriptions", core.subscriptions);
    api_set(object, "timers", core.timers + net_timer_count(api->net));
    (void)json_object_set_new(object, "connections",
                              api_status_connections(net_counters(api->net)));
    (void)json_object_set_new(object, "messages", api_status_messages(&core));
    (void)json_object_set_new(object, "usage", api_status_usage(api->core));
    (void)json_object_set_new(object, "store", api_status_store(api));
    return object;
}

struct api_list {
    const struct api *api;
    const struct api_filter *filter;
    json_t *entries;
    size_t limit;
    size_t total;
};

static void
api_on_destination(void *ctx, const struct core_destination_view *view)
{
    struct api_list *list = ctx;
    const struct api_filter *filter = list->filter;
    bool queue = destination_kind_is_queue(view->kind);
    json_t *object;

    if (queue != filter->queues ||
        (filter->match.len > 0 &&
         !pattern_matches(filter->match, view->name)) ||
        list->total++ >= list->limit) {
        return;
    }
    object = json_object();
    (void)json_object_set_new(object, "destination",
                              api_destination(view->kind, view->name));
    api_set(object, "consumers", view->consumers);
    api_set(object, "waiting", view->waiting);
    if (queue) {
        api_set(object, "inFlight", view->in_flight);
    } else {
        api_set(object, "discarded", view->discarded);
    }
    api_set(object, "enqueued", view->enqueued);
    api_set(object, "dequeued", view->dequeued);
    api_set(object, "duplicates", view->duplicates);
    api_set(object, "memoryBytes", view->memory->used);
    api_set(object, "storedBytes", view->stored->used);
    api_set(object, "tempBytes", view->spilled->used);
    if (view->memory->limit > 0) {
        api_set(object, "memoryPercent", quota_percent(view->memory));
    }
    if (view->stored->limit > 0) {
        api_set(object, "storePercent", quota_percent(view->stored));
    }
    if (view->spilled->limit > 0) {
        api_set(object, "tempPercent", quota_percent(view->spilled));
    }
    (void)json_object_set_new(object, "policy",
                              json_string(view->policy->pattern));
    (void)json_array_append_new(list->entries, object);
}

json_t *
api_view_destinations(const struct api *api, const struct api_filter *filter)
{
    struct api_list list = { .api = api, .limit = filter->limit };

    list.filter = filter;
    list.entries = json_array();
    core_each_destination(api->core, api_on_destination, &list);
    return json_pack("{s:I, s:o}", "total", (json_int_t)list.total,
                     filter->queues ? "queues" : "topics", list.entries);
}
