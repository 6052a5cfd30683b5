/* SPDX-License-Identifier: Apache-2.0 */
#include "server/broker.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "policy/policy_load.h"
#include "server/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

enum { SWEEP_INTERVAL_US = 1000000 };

struct broker {
    struct broker_options options;
    struct policy_map *policies;
    struct store *store;
    struct core *core;
    struct net *net;
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
    (void)ctx;
    if (err != NULL) {
        log_event(LOG_LEVEL_ERROR, "store", "failed", "reason=\"%s\"",
                  err->text);
    } else {
        log_event(LOG_LEVEL_WARNING, "store", "works again", NULL);
    }
}

static void
broker_on_woken(void *ctx, int64_t now_us)
{
    struct broker *broker = ctx;

    core_time_advance(broker->core, now_us);
    store_poll(broker->store);
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

static void
broker_on_hup(void *ctx, int signo)
{
    struct broker *broker = ctx;
    struct faults faults = { .count = 0 };
    struct policy_map *fresh;

    (void)signo;
    if (broker->options.policy_path == NULL) {
        log_event(LOG_LEVEL_INFO, "broker", "nothing to reload",
                  "reason=\"no policy file was given (-p)\"");
        return;
    }
    if (policy_load_file(broker->options.policy_path, &fresh, &faults) != 0) {
        for (size_t i = 0; i < faults.count; i++) {
            const struct error *err = &faults.errors[i];

            log_event(LOG_LEVEL_ERROR, "policy", "reload refused",
                      "place=%s:%u:%u fault=\"%s\"", err->source, err->line,
                      err->column, err->text);
        }
        return;
    }
    core_policies_set(broker->core, fresh);
    policy_map_free(&broker->policies);
    broker->policies = fresh;
    log_event(LOG_LEVEL_INFO, "policy", "reloaded",
              "file=%s effect=\"destinations made from now on\"",
              broker->options.policy_path);
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
    log_event(LOG_LEVEL_INFO, "broker", "statistics",
              "connections=%zu accepted=%llu queues=%zu topics=%zu "
              "subscriptions=%zu received=%llu delivered=%llu "
              "acknowledged=%llu dead_lettered=%llu discarded=%llu "
              "expired=%llu memory=%zu stored=%llu cancelled=%llu "
              "batches=%llu syncs=%llu",
              net->connections, (unsigned long long)net->accepted, core.queues,
              core.topics, core.subscriptions,
              (unsigned long long)core.received,
              (unsigned long long)core.delivered,
              (unsigned long long)core.acknowledged,
              (unsigned long long)core.dead_lettered,
              (unsigned long long)core.discarded,
              (unsigned long long)core.expired, core.memory_bytes,
              (unsigned long long)store.puts,
              (unsigned long long)store.cancelled,
              (unsigned long long)store.batches,
              (unsigned long long)store.syncs);
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
