/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompd: options, files and exit codes; the work is in broker.c.
 */
#include "base/alloc.h"
#include "base/hash.h"
#include "policy/policy_load.h"
#include "server/broker.h"
#include "server/ceilings.h"
#include "server/config.h"
#include "server/log.h"
#include "server/state_directory.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

enum {
    OPTION_CHECK = 256,
    OPTION_HTTP_DIRECTORY,
    OPTION_NO_PERSISTENCE,
    OPTION_PRINT_DEFAULTS,
    OPTION_VERSION,
};

/* Read by jemalloc, where it is linked, before main.  A turn makes and frees
 * hundreds of messages; of most sizes jemalloc would keep twenty with the
 * thread and take a lock for the rest. */
extern const char *malloc_conf;
const char *malloc_conf = "tcache_nslots_small_min:200,"
                          "tcache_nslots_small_max:2048,"
                          "lg_tcache_nslots_mul:4";

static const char main_short_options[] = "c:d:hl:p:qv";
static const struct option main_long_options[] = {
    { "check", no_argument, NULL, OPTION_CHECK },
    { "config", required_argument, NULL, 'c' },
    { "directory", required_argument, NULL, 'd' },
    { "help", no_argument, NULL, 'h' },
    { "http-directory", required_argument, NULL, OPTION_HTTP_DIRECTORY },
    { "listen", required_argument, NULL, 'l' },
    { "no-persistence", no_argument, NULL, OPTION_NO_PERSISTENCE },
    { "policy", required_argument, NULL, 'p' },
    { "print-defaults", no_argument, NULL, OPTION_PRINT_DEFAULTS },
    { "quiet", no_argument, NULL, 'q' },
    { "verbose", no_argument, NULL, 'v' },
    { "version", no_argument, NULL, OPTION_VERSION },
    { NULL, 0, NULL, 0 },
};

static const char main_usage[] =
    "usage: stompd [OPTION]...\n"
    "The STOMP message broker. Without options it listens on 127.0.0.1:61613\n"
    "(STOMP, WebSocket and HTTP) and 127.0.0.1:61614 (WebSocket), and keeps\n"
    "persistent messages in ~/.local/state/stompd.\n"
    "\n"
    "  -c, --config FILE      configuration (JSON); see --print-defaults\n"
    "  -p, --policy FILE      policies of destinations; stompd-policy(5)\n"
    "  -d, --directory DIR    keep messages here\n"
    "  -l, --listen URI       stomp://HOST:PORT, ws://HOST:PORT/stomp or\n"
    "                         unix:/PATH; may be repeated; port 0 is any\n"
    "      --http-directory DIR  files for HTTP instead of the built-in page\n"
    "      --no-persistence   keep everything in memory\n"
    "      --check            look for faults in the files, and exit\n"
    "  -q, --quiet            log warnings and errors only\n"
    "  -v, --verbose          log more\n"
    "      --print-defaults   print a configuration with every default\n"
    "      --version, --help  print that and exit\n"
    "\n"
    "Signals: TERM stops, HUP reads the policy file again, USR1 logs\n"
    "statistics. Exit codes: 0 stopped, 64 wrong option, 69 cannot listen,\n"
    "73 data directory unusable, 78 fault in a file.\n";

struct main_options {
    const char *config_path;
    const char *policy_path;
    const char *directory;
    const char *http_directory;
    const char **listeners; /* -l, in order */
    size_t listener_count;
    bool no_persistence;
    bool check;
    int verbosity; /* -1 quiet, 1 verbose */
};

static int __attribute__((cold)) main_usage_error(void)
{
    (void)fputs("Try 'stompd --help' for the options.\n", stderr);
    return EX_USAGE;
}

/* EX_OK to go on; -1 when it has been answered (exit 0). */
static int
main_take_option(struct main_options *options, int c)
{
    switch (c) {
    case 'c':
        options->config_path = optarg;
        break;
    case 'd':
        options->directory = optarg;
        break;
    case 'l':
        options->listeners[options->listener_count++] = optarg;
        break;
    case 'p':
        options->policy_path = optarg;
        break;
    case 'q':
        options->verbosity = -1;
        break;
    case 'v':
        options->verbosity = 1;
        break;
    case OPTION_CHECK:
        options->check = true;
        break;
    case OPTION_HTTP_DIRECTORY:
        options->http_directory = optarg;
        break;
    case OPTION_NO_PERSISTENCE:
        options->no_persistence = true;
        break;
    case OPTION_PRINT_DEFAULTS:
        config_print_defaults(stdout);
        return -1;
    case OPTION_VERSION:
        (void)puts("stompd " PACKAGE_VERSION);
        return -1;
    case 'h':
        (void)fputs(main_usage, stdout);
        return -1;
    default:
        return main_usage_error();
    }
    return EX_OK;
}

static int
main_take_options(struct main_options *options, int argc, char **argv)
{
    int c;

    while ((c = getopt_long(argc, argv, main_short_options, main_long_options,
                            NULL)) != -1) {
        int done = main_take_option(options, c);

        if (done != EX_OK) {
            return done;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "stompd: unexpected argument \"%s\"\n",
                      argv[optind]);
        return main_usage_error();
    }
    return EX_OK;
}

/* This version has no users: what others can reach is open to everyone, and
 * that must have been written out. */
static int
main_check_listeners(const struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct listener_uri *uri = &config->listeners[i];

        if (!listener_uri_is_local(uri) && !uri->anonymous) {
            (void)fprintf(stderr,
                          "stompd: refusing to listen on %s without login: "
                          "anybody who reaches it could read and write every "
                          "message; listen on 127.0.0.1, or say "
                          "anonymous=true in the listener's URI\n",
                          uri->host);
            return EX_CONFIG;
        }
    }
    return EX_OK;
}

/* The configuration file, and what the command line says over it. */
static int
main_make_config(const struct main_options *options, struct config *config)
{
    struct faults faults;

    if (options->config_path != NULL &&
        config_load_file(config, options->config_path, &faults) != 0) {
        faults_print(&faults, stderr);
        return EX_CONFIG;
    }
    if (options->listener_count > 0) {
        config_clear_listeners(config);
    }
    for (size_t i = 0; i < options->listener_count; i++) {
        struct error err = ERROR_INIT;

        if (config_add_listener(config, span_of_text(options->listeners[i]),
                                &err) != 0) {
            (void)fprintf(stderr, "stompd: -l %s: %s\n", options->listeners[i],
                          err.text);
            return EX_USAGE;
        }
    }
    return main_check_listeners(config);
}

static int
main_load_policies(const char *path, struct policy_map **policies_out)
{
    struct faults faults;

    if (path == NULL) {
        *policies_out = policy_map_new();
        return EX_OK;
    }
    faults_clear(&faults);
    if (policy_load_file(path, policies_out, &faults) != 0) {
        faults_print(&faults, stderr);
        return EX_CONFIG;
    }
    return EX_OK;
}

static void
main_set_log_level(const struct main_options *options,
                   const struct config *config)
{
    log_set_level(options->verbosity < 0   ? LOG_LEVEL_WARNING
                  : options->verbosity > 0 ? LOG_LEVEL_DEBUG
                                           : config->log_level);
}

static struct session_config
main_session_config(const struct config *config)
{
    struct session_config session = session_config_default;

    session.limits.header_bytes = config->limits.header_line_bytes;
    session.limits.header_count = config->limits.header_count;
    session.limits.body_bytes = config->limits.body_bytes;
    session.login_timeout_us = config->limits.login_timeout_us;
    session.transactions_max = config->limits.transactions;
    session.transaction_ops_max = config->limits.transaction_frames;
    session.transaction_bytes_max = config->limits.transaction_bytes;
    session.heartbeat_send_ms = (uint32_t)config->heartbeat_send_ms;
    session.heartbeat_receive_ms = (uint32_t)config->heartbeat_receive_ms;
    session.durable_take_over =
        (enum durable_take_over)config->durable.take_over;
    session.durable_replace =
        config->durable.on_change == CONFIG_DURABLE_REPLACE;
    session.server_header = "stompd/" PACKAGE_VERSION;
    return session;
}

static struct broker_options
main_broker_options(const struct main_options *options,
                    const struct config *config, const char *directory,
                    const struct net_endpoint *endpoints)
{
    struct ceilings ceilings = ceilings_find(config, directory);
    bool memory = options->no_persistence ||
                  config->storage.engine == CONFIG_ENGINE_MEMORY;
    struct broker_options broker = {
        .engine = memory ? &store_memory : &store_leveldb,
        .store = store_options_default,
        .core = core_options_default,
        .session = main_session_config(config),
        .endpoints = endpoints,
        .endpoint_count = config->listener_count,
        .policy_path = options->policy_path != NULL ? options->policy_path
                                                    : config->policy,
    };

    broker.store.directory = directory;
    broker.store.sync_interval_us = config->storage.sync_interval_us;
    broker.store.flush_delay_us = config->storage.flush_delay_us;
    broker.store.free_bytes_min = ceilings.free_min;
    broker.core.memory_bytes = ceilings.memory;
    broker.core.store_bytes = ceilings.store;
    broker.core.temp_bytes = ceilings.temp;
    broker.core.disk_bytes = (size_t)ceilings.disk;
    broker.core.dedupe = (struct dedupe_options){
        .window_ms = config->dedupe_window_ms,
        .count = config->dedupe_count,
    };
    broker.core.durable_timeout_us = config->durable.offline_timeout_us > 0
                                         ? config->durable.offline_timeout_us
                                         : -1;
    broker.net.connections_max = config->limits.connections;
    broker.net.out_hard_bytes = config->limits.out_buffer_hard_bytes;
    broker.net.http_directory = options->http_directory;
    return broker;
}

static int
main_serve(const struct broker_options *options, struct policy_map *policies)
{
    struct broker *broker = NULL;
    struct error err = ERROR_INIT;

    switch (broker_start(options, policies, &broker, &err)) {
    case BROKER_STARTED:
        break;
    case BROKER_NO_STORE:
        (void)fprintf(stderr, "stompd: %s\n", err.text);
        return EX_CANTCREAT;
    case BROKER_NO_LISTENER:
        (void)fprintf(stderr, "stompd: %s\n", err.text);
        return EX_UNAVAILABLE;
    }
    (void)printf("ready %s\n", broker_uris(broker));
    (void)fflush(stdout);
#ifdef HAVE_SYSTEMD
    (void)sd_notify(0, "READY=1");
#endif
    broker_run(broker);
    broker_free(&broker);
    return EX_OK;
}

/* Everything is known: check, or serve. */
static int
main_go(const struct main_options *options, const struct config *config,
        struct policy_map *policies)
{
    struct net_endpoint *endpoints =
        xcalloc(config->listener_count, sizeof(*endpoints));
    struct error err = ERROR_INIT;
    struct broker_options broker;
    char *directory;
    int code;

    for (size_t i = 0; i < config->listener_count; i++) {
        endpoints[i] = listener_uri_endpoint(&config->listeners[i]);
    }
    directory = state_directory_find(options->directory != NULL
                                         ? options->directory
                                         : config->storage.directory,
                                     &err);
    if (directory == NULL) {
        (void)fprintf(stderr, "stompd: %s\n", err.text);
        policy_map_free(&policies);
        code = EX_CANTCREAT;
    } else {
        broker = main_broker_options(options, config, directory, endpoints);
        code = main_serve(&broker, policies);
    }
    free(directory);
    free(endpoints);
    return code;
}

static int
main_with_config(const struct main_options *options, struct config *config)
{
    struct policy_map *policies = NULL;
    int code = main_make_config(options, config);
    int policy_code;

    /* Both files are looked at, so that one run shows every fault. */
    policy_code = main_load_policies(
        options->policy_path != NULL ? options->policy_path : config->policy,
        &policies);
    code = code != EX_OK ? code : policy_code;
    if (code != EX_OK || options->check) {
        policy_map_free(&policies);
        return code;
    }
    main_set_log_level(options, config);
    return main_go(options, config, policies);
}

int
main(int argc, char **argv)
{
    struct main_options options = { .config_path = NULL };
    struct config *config;
    int code;

    hash_seed_random();
    options.listeners = xcalloc((size_t)argc, sizeof(*options.listeners));
    code = main_take_options(&options, argc, argv);
    if (code == EX_OK) {
        config = config_new();
        code = main_with_config(&options, config);
        config_free(&config);
    }
    free(options.listeners);
    return code < 0 ? EX_OK : code;
}
