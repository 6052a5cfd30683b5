/* SPDX-License-Identifier: Apache-2.0 */
#include "server/broker.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "server/admin/api.h"
#include "server/log.h"
#include "server/reload.h"
#include "server/usage_log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { SWEEP_INTERVAL_US = 1000000 };

struct broker {
    struct broker_options options;
    struct policy_map *policies;
    struct store *store;
    struct core *core;
    struct net *net;
    struct reload *reload; /* NULL without a policy file */
    struct api api;
    struct usage_log usage_log;
    struct buf uris;
    int64_t sweep_due_us;
    bool draining;
    char boot_id[9];
};

/* --- what the parts call ------------------------------------------------ */

static void
broker_on_committed(void *ctx, store_ticket ticket, enum store_result result,
                    const struct error *err)
{
    struct broker *broker = ctx;

    core_on_committed(broker->core, ticket, result, err);
}

static void
broker_on_wake(void *ctx)
{
    struct broker *broker = ctx;

    if (broker->net != NULL) {
        net_wake(broker->net);
    }
}

static void
broker_on_health(void *ctx, const struct error *err)
{
    struct broker *broker = ctx;

    if (err != NULL) {
        log_event(LOG_LEVEL_ERROR, "store", "failed", "reason=\"%s\"",
                  err->text);
    } else {
        log_event(LOG_LEVEL_WARNING, "store", "works again", NULL);
        core_store_recovered(broker->core);
    }
}

static void
broker_on_progress(void *ctx, const char *text)
{
    (void)ctx;
    log_event(LOG_LEVEL_INFO, "store", "opening", "progress=\"%s\"", text);
}

static void
broker_on_damage(void *ctx, const struct store_damage *damage)
{
    (void)ctx;
    log_event(LOG_LEVEL_WARNING, "store", "damaged",
              "destination=/%s/%s from=%llu to=%llu messages=%zu "
              "reason=\"could not be read, set aside in the data directory's "
              "quarantine file; all others are served\"",
              destination_kind_name(damage->kind), LOG_TEXT(damage->name),
              (unsigned long long)damage->first_seq,
              (unsigned long long)damage->last_seq, damage->count);
}

static void
broker_on_note(void *ctx, const struct error *note)
{
    (void)ctx;
    log_event(LOG_LEVEL_WARNING, "store", "mended", "reason=\"%s\"",
              note->text);
}

static void
broker_on_woken(void *ctx, int64_t now_us)
{
    struct broker *broker = ctx;

    core_time_advance(broker->core, now_us);
    store_poll(broker->store);
    if (broker->reload != NULL) {
        reload_poll(broker->reload);
    }
}

static void
broker_on_request(void *ctx, struct net_exchange *exchange,
                  const struct http_request *request)
{
    struct broker *broker = ctx;

    api_on_request(&broker->api, exchange, request);
}

static const char *
broker_on_ask_health(void *ctx)
{
    const struct broker *broker = ctx;
    const struct error *failure = core_store_failure(broker->core);

    return failure != NULL ? failure->text : NULL;
}

static bool
broker_on_turn(void *ctx, int64_t now_us, int64_t *due_us)
{
    struct broker *broker = ctx;
    bool more;

    core_time_set(broker->core, now_us, clock_wall_ms());
    if (now_us >= broker->sweep_due_us) {
        broker->sweep_due_us = now_us + SWEEP_INTERVAL_US;
        core_sweep(broker->core);
    }
    more = core_turn(broker->core);
    usage_log_look(&broker->usage_log, broker->core);
    *due_us = core_due_us(broker->core);
    if (*due_us > broker->sweep_due_us) {
        *due_us = broker->sweep_due_us;
    }
    return more;
}

static int64_t
broker_on_turn_end(void *ctx, int64_t now_us)
{
    struct broker *broker = ctx;

    core_turn_end(broker->core);
    return store_flush(broker->store, now_us);
}

/* --- signals ------------------------------------------------------------ */

static void
broker_on_drained(void *ctx)
{
    struct broker *broker = ctx;

    net_stop(broker->net);
}

static void
broker_on_stop_signal(void *ctx, int signo)
{
    struct broker *broker = ctx;

    log_event(LOG_LEVEL_INFO, "broker", "stopping", "signal=%s",
              signo == SIGINT ? "SIGINT" : "SIGTERM");
    if (broker->draining) {
        net_stop(broker->net); /* asked twice: at once */
        return;
    }
    broker->draining = true;
    net_drain(broker->net, broker_on_drained, broker);
}

/* --- reload --------------------------------------------------------------- */

/* Whether anybody wants more than to know what would change. */
static bool
broker_reload_applies(const struct reload_request *requests)
{
    const struct reload_request *request;

    LL_FOREACH(requests, request)
    {
        if (!request->dry_run) {
            return true;
        }
    }
    return false;
}

static void
broker_refuse_reload(struct broker *broker,
                     const struct reload_request *requests,
                     const struct faults *faults)
{
    const struct reload_request *request;
    bool told = broker_reload_applies(requests);

    for (size_t i = 0; i < faults->count && told; i++) {
        const struct error *err = &faults->errors[i];

        log_event(LOG_LEVEL_ERROR, "policy", "reload refused",
                  "place=%s:%u:%u fault=\"%s\"", err->source, err->line,
                  err->column, err->text);
    }
    LL_FOREACH(requests, request)
    {
        if (request->exchange != NULL) {
            api_answer_faults(&broker->api, request->exchange, faults);
        }
    }
}

static void
broker_apply_policies(struct broker *broker, struct policy_map *fresh,
                      size_t changed)
{
    core_policies_set(broker->core, fresh);
    policy_map_free(&broker->policies);
    broker->policies = fresh;
    broker->api.policies = fresh;
    log_event(LOG_LEVEL_INFO, "policy", "reloaded",
              "file=%s changed_destinations=%zu", broker->options.policy_path,
              changed);
}

static void
broker_on_reloaded(void *ctx, const struct reload_request *requests,
                   struct policy_map *fresh, const struct faults *faults)
{
    struct broker *broker = ctx;
    const struct reload_request *request;
    struct api_changes *changes;

    if (fresh == NULL) {
        broker_refuse_reload(broker, requests, faults);
        return;
    }
    changes = api_changes_take(broker->core, fresh);
    if (broker_reload_applies(requests)) {
        broker_apply_policies(broker, fresh, api_changes_count(changes));
    } else {
        policy_map_free(&fresh);
    }
    LL_FOREACH(requests, request)
    {
        if (request->exchange != NULL) {
            api_answer_changes(&broker->api, request->exchange,
                               !request->dry_run, changes);
        }
    }
    api_changes_free(&changes);
}

static void
broker_on_ask_reload(void *ctx, bool dry_run, struct net_exchange *exchange)
{
    struct broker *broker = ctx;

    reload_ask(broker->reload, dry_run, exchange);
}

static void
broker_on_hup(void *ctx, int signo)
{
    struct broker *broker = ctx;

    (void)signo;
    if (broker->reload == NULL) {
        log_event(LOG_LEVEL_INFO, "broker", "nothing to reload",
                  "reason=\"no policy file was given (-p)\"");
        return;
    }
    reload_ask(broker->reload, false, NULL);
}

static void
broker_on_usr1(void *ctx, int signo)
{
    const struct broker *broker = ctx;
    const struct net_counters *net = net_counters(broker->net);
    struct core_stats core;
    struct store_stats store;

    (void)signo;
    core_stats_get(broker->core, &core);
    store_stats_get(broker->store, &store);
    log_event(
        LOG_LEVEL_INFO, "broker", "statistics",
        "connections=%zu accepted=%llu queues=%zu topics=%zu "
        "subscriptions=%zu received=%llu delivered=%llu "
        "acknowledged=%llu dead_lettered=%llu discarded=%llu "
        "expired=%llu duplicates=%llu memory=%zu stored=%llu cancelled=%llu "
        "batches=%llu syncs=%llu",
        net->connections, (unsigned long long)net->accepted, core.queues,
        core.topics, core.subscriptions, (unsigned long long)core.received,
        (unsigned long long)core.delivered,
        (unsigned long long)core.acknowledged,
        (unsigned long long)core.dead_lettered,
        (unsigned long long)core.discarded, (unsigned long long)core.expired,
        (unsigned long long)core.duplicates, core.memory_bytes,
        (unsigned long long)store.puts, (unsigned long long)store.cancelled,
        (unsigned long long)store.batches, (unsigned long long)store.syncs);
}

/* --- life ---------------------------------------------------------------- */

/* Makes session names unique over restarts and processes. */
static void
broker_make_boot_id(struct broker *broker)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    uint64_t seed = (uint64_t)clock_wall_ms();

    (void)!getrandom(&seed, sizeof(seed), 0);
    for (size_t i = 0; i + 1 < sizeof(broker->boot_id); i++) {
        broker->boot_id[i] = digits[seed % 36];
        seed /= 36;
    }
    broker->options.session.boot_id = broker->boot_id;
}

static int
broker_open_store(struct broker *broker, struct error *err)
{
    struct store_options *options = &broker->options.store;

    options->committed = broker_on_committed;
    options->release = core_release_message;
    options->wake = broker_on_wake;
    options->health = broker_on_health;
    options->progress = broker_on_progress;
    options->damage = broker_on_damage;
    options->note = broker_on_note;
    options->ctx = broker;
    return store_open(broker->options.engine, options, &broker->store, err);
}

static int
broker_listen(struct broker *broker, struct error *err)
{
    struct net_options *options = &broker->options.net;

    options->core = broker->core;
    options->session = &broker->options.session;
    options->turn = broker_on_turn;
    options->turn_end = broker_on_turn_end;
    options->woken = broker_on_woken;
    options->request = broker_on_request;
    options->health = broker_on_ask_health;
    options->ctx = broker;
    broker->net = net_new(options, err);
    if (broker->net == NULL) {
        return -1;
    }
    for (size_t i = 0; i < broker->options.endpoint_count; i++) {
        char uri[512];

        if (net_listen(broker->net, &broker->options.endpoints[i], uri,
                       sizeof(uri), err) != 0) {
            return -1;
        }
        if (i > 0) {
            buf_append_char(&broker->uris, ' ');
        }
        buf_append_span(&broker->uris, span_of_text(uri));
    }
    buf_append_char(&broker->uris, '\0');
    return 0;
}

/* The admin socket, for the owner of the data directory alone.  Without it the
 * broker works all the same. */
static void
broker_listen_admin(struct broker *broker)
{
    const char *directory = broker->options.store.directory;
    char *path = xasprintf("%s/admin.sock", directory);
    struct net_endpoint endpoint = { .kind = NET_ENDPOINT_ADMIN, .path = path };
    struct error err = ERROR_INIT;
    char uri[512];

    (void)mkdir(directory, 0700); /* a store in memory has made none */
    if (net_listen(broker->net, &endpoint, uri, sizeof(uri), &err) != 0) {
        log_event(LOG_LEVEL_WARNING, "broker", "no admin socket",
                  "reason=\"%s\"", err.text);
    }
    free(path);
}

static void
broker_open_admin(struct broker *broker)
{
    struct reload_options options = {
        .path = broker->options.policy_path,
        .wake = broker_on_wake,
        .done = broker_on_reloaded,
        .ctx = broker,
    };

    if (options.path != NULL) {
        broker->reload = reload_new(&options);
    }
    broker->api = (struct api){
        .core = broker->core,
        .net = broker->net,
        .store = broker->store,
        .policies = broker->policies,
        .policy_path = options.path,
        .store_directory = broker->options.store.directory,
        .uris = broker->uris.data,
        .started_us = clock_monotonic_us(),
        .reload = broker_on_ask_reload,
        .ctx = broker,
    };
    if (broker->options.store.directory != NULL) {
        broker_listen_admin(broker);
    }
}

enum broker_start
broker_start(const struct broker_options *options, struct policy_map *policies,
             struct broker **broker_out, struct error *err)
{
    struct broker *broker = xcalloc(1, sizeof(*broker));

    broker->options = *options;
    broker->policies = policies;
    broker_make_boot_id(broker);
    if (broker_open_store(broker, err) != 0) {
        broker_free(&broker);
        return BROKER_NO_STORE;
    }
    broker->options.core.now_us = clock_monotonic_us();
    broker->core = core_new(&broker->options.core, policies, broker->store);
    core_time_set(broker->core, clock_monotonic_us(), clock_wall_ms());
    if (broker_listen(broker, err) != 0) {
        broker_free(&broker);
        return BROKER_NO_LISTENER;
    }
    broker_open_admin(broker);
    /* Before anybody is told that we are ready: who was, may signal. */
    net_on_signal(broker->net, SIGTERM, broker_on_stop_signal, broker);
    net_on_signal(broker->net, SIGINT, broker_on_stop_signal, broker);
    net_on_signal(broker->net, SIGHUP, broker_on_hup, broker);
    net_on_signal(broker->net, SIGUSR1, broker_on_usr1, broker);
    *broker_out = broker;
    return BROKER_STARTED;
}

const char *
broker_uris(const struct broker *broker)
{
    return broker->uris.data;
}

void
broker_run(struct broker *broker)
{
    net_run(broker->net);
}

void
broker_free(struct broker **broker)
{
    struct broker *gone = *broker;

    *broker = NULL;
    if (gone == NULL) {
        return;
    }
    reload_free(&gone->reload); /* nobody is answered any more */
    if (gone->net != NULL) {
        net_close(gone->net);
    }
    if (gone->core != NULL) {
        core_close(gone->core);
    }
    /* Ends the storage thread, the last one that may wake the net; what the
     * net still frees then belongs to the core. */
    store_close(&gone->store);
    net_free(&gone->net);
    core_free(&gone->core);
    policy_map_free(&gone->policies);
    buf_fini(&gone->uris);
    free(gone);
}
