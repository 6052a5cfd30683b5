/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of stompd.json, one row each.  The defaults of a struct config are
 * those of the rows: config_new reads them as it would read a file.
 */
#include "server/config.h"

#include "base/alloc.h"
#include "policy/json_check.h"
#include "policy/json_describe.h"

#include <assert.h>
#include <stdlib.h>

enum { CONFIG_FILE_MAX = 1024 * 1024 };

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define KIB INT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)

/* X(name, type, field of struct config, min, max, default as JSON, help) */
#define CONFIG_LIMITS_KEYS(X)                                                  \
    X("connections", COUNT, limits.connections, 0, 10000000, "0",              \
      "Clients at a time; 0 is as many as the system has descriptors for.")    \
    X("headerLine", SIZE, limits.header_line_bytes, 256, 16 * MIB, "\"64kb\"", \
      "The longest header line of a frame.")                                   \
    X("headerCount", COUNT, limits.header_count, 8, 100000, "256",             \
      "The most headers of a frame.")                                          \
    X("body", SIZE, limits.body_bytes, 1, GIB, "\"16mb\"",                     \
      "The longest body of a frame.")                                          \
    X("loginTimeout", DURATION_US, limits.login_timeout_us, 100, DAY_MS,       \
      "\"10s\"", "How long a client may take to send CONNECT.")                \
    X("transactions", UINT32, limits.transactions, 1, 1000000, "16",           \
      "Transactions that a connection may have open.")                         \
    X("transactionFrames", UINT32, limits.transaction_frames, 1, 10000000,     \
      "1024", "The most frames in a transaction.")                             \
    X("transactionBytes", SIZE, limits.transaction_bytes, 1, 16 * GIB,         \
      "\"16mb\"", "The most bytes in a transaction.")                          \
    X("memory", SHARE, limits.memory, MIB, 1024 * GIB, "\"1gb\"",              \
      "All messages in memory, as a size or a part of the memory that there "  \
      "is; producers wait when it is full.")                                   \
    X("outBufferHard", SIZE, limits.out_buffer_hard_bytes, 64 * KIB, 4 * GIB,  \
      "\"32mb\"",                                                              \
      "A client that lets more than this pile up for it is cut off.")

#define CONFIG_STORAGE_KEYS(X)                                                 \
    X("syncInterval", DURATION_US, storage.sync_interval_us, 1, DAY_MS,        \
      "\"1s\"", "Messages that nobody waits for are on disk after this long.") \
    X("flushDelay", DURATION_US, storage.flush_delay_us, 0, 60000, "\"2ms\"",  \
      "How long they are held back: acknowledged until then they are never "   \
      "written.")                                                              \
    X("limit", SHARE, storage.limit, 0, 1024 * 1024 * GIB, "\"100gb\"",        \
      "Headers and bodies of the persistent messages in the store, as a size " \
      "or a part of the disk, at most all of it; producers wait when it is "   \
      "full. 0 is no ceiling.")                                                \
    X("tempLimit", SHARE, storage.temp_limit, 0, 1024 * 1024 * GIB,            \
      "\"50gb\"",                                                              \
      "The same for those that are not persistent and are there only because " \
      "memory is short.")                                                      \
    X("minimumFreeSpace", SHARE, storage.free_space_min, 0, 1024 * GIB,        \
      "\"256mb\"",                                                             \
      "Persistent messages are not taken while the disk has less room left; "  \
      "0 is to find out when it is full.")

#define CONFIG_DEDUPE_KEYS(X)                                                  \
    X("window", DURATION_MS, dedupe_window_ms, 0, 7 * DAY_MS, "\"2m\"",        \
      "How long the dedupe-id of a message is known.")                         \
    X("count", COUNT, dedupe_count, 0, 10000000, "100000",                     \
      "How many are known at most, at 100 bytes of memory each; 0 switches "   \
      "it off.")

#define CONFIG_HEARTBEAT_KEYS(X)                                               \
    X("send", DURATION_MS, heartbeat_send_ms, 0, DAY_MS, "\"10s\"",            \
      "How often the broker offers to send one; 0 is never.")                  \
    X("receive", DURATION_MS, heartbeat_receive_ms, 0, DAY_MS, "\"10s\"",      \
      "How often it wants one of the client; 0 is never.")

#define KEY(name_, type_, field_, min_, max_, default_, help_)                 \
    {                                                                          \
        .name = (name_),                                                       \
        .type = JSON_KEY_##type_,                                              \
        .offset = offsetof(struct config, field_),                             \
        .min = (min_),                                                         \
        .max = (max_),                                                         \
        .default_text = (default_),                                            \
        .help = (help_),                                                       \
    },

/* In the order of their enums. */
static const char *const config_take_overs[] = { "new-wins", "old-wins", "deny",
                                                 NULL };
static const char *const config_changes[] = { "refuse", "replace", NULL };

/* In the order of enum config_engine and of enum log_level. */
static const char *const config_engines[] = { "leveldb", "memory", NULL };
static const char *const config_log_levels[] = { "error", "warning", "info",
                                                 "debug", NULL };

static json_key_check_fn config_check_listeners;
static json_key_check_fn config_check_uri;

static const struct json_custom config_listeners_custom = {
    .check = config_check_listeners,
    .expects = "an array of URIs, or of objects with uri, useAsyncSend and "
               "anonymous",
};
static const struct json_custom config_uri_custom = {
    .check = config_check_uri,
    .expects = "the URI of a listener",
};

static const struct json_key config_limits_rows[] = { CONFIG_LIMITS_KEYS(KEY) };
static const struct json_keys config_limits_keys = {
    JSON_KEYS(config_limits_rows),
};

static const struct json_key config_storage_rows[] = {
    { .name = "engine",
      .type = JSON_KEY_CHOICE,
      .offset = offsetof(struct config, storage.engine),
      .choices = config_engines,
      .default_text = "\"leveldb\"",
      .help = "Where messages are kept; memory forgets them at a restart." },
    { .name = "directory",
      .type = JSON_KEY_STRING,
      .offset = offsetof(struct config, storage.directory),
      .help = "The data directory. When it is not given: $STATE_DIRECTORY, "
              "else $XDG_STATE_HOME/stompd, else ~/.local/state/stompd." },
    CONFIG_STORAGE_KEYS(KEY)
};
static const struct json_keys config_storage_keys = {
    JSON_KEYS(config_storage_rows),
};

static const struct json_key config_dedupe_rows[] = { CONFIG_DEDUPE_KEYS(KEY) };
static const struct json_keys config_dedupe_keys = {
    JSON_KEYS(config_dedupe_rows),
};

static const struct json_key config_durable_rows[] = {
    { .name = "takeOver",
      .type = JSON_KEY_CHOICE,
      .offset = offsetof(struct config, durable.take_over),
      .choices = config_take_overs,
      .default_text = "\"new-wins\"",
      .help = "Who has one that is in use: new-wins ends the older connection, "
              "old-wins refuses the new SUBSCRIBE, deny refuses a CONNECT with "
              "the same client-id too." },
    { .name = "onChange",
      .type = JSON_KEY_CHOICE,
      .offset = offsetof(struct config, durable.on_change),
      .choices = config_changes,
      .default_text = "\"refuse\"",
      .help = "A SUBSCRIBE with another selector, destination or no-local is "
              "refused, or replaces it: what waited is dropped then." },
    { .name = "offlineTimeout",
      .type = JSON_KEY_DURATION_US,
      .offset = offsetof(struct config, durable.offline_timeout_us),
      .min = 0,
      .max = 3650 * DAY_MS,
      .default_text = "0",
      .help =
          "One that nobody has used for so long is removed, with what waits "
          "for it; 0 is never." },
};
static const struct json_keys config_durable_keys = {
    JSON_KEYS(config_durable_rows),
};

static const struct json_key config_heartbeat_rows[] = { CONFIG_HEARTBEAT_KEYS(
    KEY) };
static const struct json_keys config_heartbeat_keys = {
    JSON_KEYS(config_heartbeat_rows),
};

static const struct json_key config_log_rows[] = {
    { .name = "level",
      .type = JSON_KEY_CHOICE,
      .offset = offsetof(struct config, log_level),
      .choices = config_log_levels,
      .default_text = "\"info\"",
      .help = "What is logged: this and all that is worse." },
};
static const struct json_keys config_log_keys = {
    JSON_KEYS(config_log_rows),
};

static const struct json_key config_rows[] = {
    { .name = "listeners",
      .type = JSON_KEY_CUSTOM,
      .custom = &config_listeners_custom,
      .default_text = "[\"stomp://127.0.0.1:61613\","
                      " \"ws://127.0.0.1:61614/stomp\"]",
      .help = "Where the broker listens." },
    { .name = "storage",
      .type = JSON_KEY_OBJECT,
      .keys = &config_storage_keys,
      .help = "How messages are kept." },
    { .name = "policy",
      .type = JSON_KEY_STRING,
      .offset = offsetof(struct config, policy),
      .help = "The path of the policy file, see stompd-policy(5)." },
    { .name = "limits",
      .type = JSON_KEY_OBJECT,
      .keys = &config_limits_keys,
      .help = "What a client may ask for." },
    { .name = "dedupe",
      .type = JSON_KEY_OBJECT,
      .keys = &config_dedupe_keys,
      .help = "Messages that are sent again with the same dedupe-id." },
    { .name = "durable",
      .type = JSON_KEY_OBJECT,
      .keys = &config_durable_keys,
      .help = "Durable topic subscriptions." },
    { .name = "heartbeat",
      .type = JSON_KEY_OBJECT,
      .keys = &config_heartbeat_keys,
      .help = "Signs of life on idle connections." },
    { .name = "log",
      .type = JSON_KEY_OBJECT,
      .keys = &config_log_keys,
      .help = "What is written to standard error." },
};

static const struct json_keys config_keys = { JSON_KEYS(config_rows) };

/* A listener that is being read. */
struct config_listener {
    struct listener_uri uri;
    unsigned use_async_send; /* JSON_KEY_SWITCH */
    bool anonymous;
};

static const struct json_key config_listener_rows[] = {
    { .name = "uri",
      .type = JSON_KEY_CUSTOM,
      .custom = &config_uri_custom,
      .help = "Where to listen." },
    { .name = "useAsyncSend",
      .type = JSON_KEY_SWITCH,
      .offset = offsetof(struct config_listener, use_async_send),
      .help = "Whether a RECEIPT for a persistent message means accepted in "
              "memory." },
    { .name = "anonymous",
      .type = JSON_KEY_BOOL,
      .offset = offsetof(struct config_listener, anonymous),
      .default_text = "false",
      .help = "Whether anybody who reaches it may come in: needed on an "
              "address that is not loopback." },
};
static const struct json_keys config_listener_keys = {
    JSON_KEYS(config_listener_rows),
};

static void
config_append_listener(struct config *config, const struct listener_uri *uri)
{
    config->listeners =
        xrealloc(config->listeners,
                 (config->listener_count + 1) * sizeof(*config->listeners));
    config->listeners[config->listener_count++] = *uri;
}

static void
config_check_uri(struct json_check *check, json_t *value, void *target)
{
    struct config_listener *listener = target;
    struct error err = ERROR_INIT;

    if (!json_is_string(value)) {
        json_check_expected(check, value, "the URI of a listener");
    } else if (listener_uri_parse(
                   span_of(json_string_value(value), json_string_length(value)),
                   &listener->uri, &err) != 0) {
        json_check_fault(check, "%s", err.text);
    }
}

static void
config_check_listener(struct json_check *check, json_t *value,
                      struct config *config)
{
    struct config_listener listener = { .use_async_send = 0 };
    size_t faults = check->faults->total;

    if (json_is_object(value)) {
        if (json_object_get(value, "uri") == NULL) {
            json_check_fault(check, "\"uri\" is missing");
        }
        json_check_object(check, value, &config_listener_keys, &listener);
    } else {
        config_check_uri(check, value, &listener);
    }
    if (check->faults->total > faults) {
        listener_uri_fini(&listener.uri);
        return;
    }
    if (listener.use_async_send != 0) {
        listener.uri.use_async_send = listener.use_async_send == 2;
        listener.uri.use_async_send_set = true;
    }
    listener.uri.anonymous = listener.uri.anonymous || listener.anonymous;
    config_append_listener(config, &listener.uri);
}

static void
config_check_listeners(struct json_check *check, json_t *value, void *target)
{
    struct config *config = target;
    size_t index;
    json_t *item;

    if (!json_is_array(value) || json_array_size(value) == 0) {
        json_check_expected(check, value, "an array of one listener or more");
        return;
    }
    config_clear_listeners(config);
    json_array_foreach(value, index, item)
    {
        struct json_check_mark mark = json_check_enter_index(check, index);

        config_check_listener(check, item, config);
        json_check_leave(check, mark);
    }
}

struct config *
config_new(void)
{
    struct config *config = xcalloc(1, sizeof(*config));
    struct faults *faults = xcalloc(1, sizeof(*faults));
    json_t *defaults = json_describe_defaults(&config_keys);
    struct json_check check;

    json_check_init(&check, SPAN_NONE, "defaults", faults);
    json_check_object(&check, defaults, &config_keys, config);
    assert(faults->total == 0);
    json_check_fini(&check);
    json_decref(defaults);
    free(faults);
    return config;
}

void
config_free(struct config **config)
{
    struct config *gone = *config;

    if (gone == NULL) {
        return;
    }
    config_clear_listeners(gone);
    free(gone->storage.directory);
    free(gone->policy);
    free(gone);
    *config = NULL;
}

int
config_load_text(struct config *config, struct span text, const char *source,
                 struct faults *faults)
{
    struct json_check check;
    json_t *root;

    faults_clear(faults);
    json_check_init(&check, text, source, faults);
    root = json_check_parse(&check);
    if (root != NULL) {
        json_check_object(&check, root, &config_keys, config);
        json_decref(root);
    }
    json_check_fini(&check);
    return faults->total == 0 ? 0 : -1;
}

int
config_load_file(struct config *config, const char *path, struct faults *faults)
{
    struct buf text = BUF_INIT;
    int status;

    faults_clear(faults);
    if (!json_check_read_file(path, CONFIG_FILE_MAX, &text, faults)) {
        return -1;
    }
    status = config_load_text(config, buf_span(&text), path, faults);
    buf_fini(&text);
    return status;
}

int
config_add_listener(struct config *config, struct span uri, struct error *err)
{
    struct listener_uri listener;

    if (listener_uri_parse(uri, &listener, err) != 0) {
        return -1;
    }
    config_append_listener(config, &listener);
    return 0;
}

void
config_clear_listeners(struct config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        listener_uri_fini(&config->listeners[i]);
    }
    free(config->listeners);
    config->listeners = NULL;
    config->listener_count = 0;
}

void
config_print_defaults(FILE *out)
{
    json_t *defaults = json_describe_defaults(&config_keys);

    json_describe_write(defaults, out);
    json_decref(defaults);
}
