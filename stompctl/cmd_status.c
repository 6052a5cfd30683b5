/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl status: what a running broker has: connections, queues, topics,
 * subscriptions, its store.
 */
#include "stompctl/admin.h"
#include "stompctl/command.h"
#include "stompctl/options.h"
#include "stompctl/table.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { STATUS_LIMIT = 100, STATUS_LIMIT_MAX = 10000000 };

struct status {
    struct admin_options admin;
    const char *match; /* a pattern of names; NULL = all */
    uint64_t limit;
    bool json;
};

enum {
    STATUS_JSON = 300,
    STATUS_MATCH,
};

static const struct option status_long_options[] = {
    { "json", no_argument, NULL, STATUS_JSON },
    { "limit", required_argument, NULL, 'n' },
    { "match", required_argument, NULL, STATUS_MATCH },
    ADMIN_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char status_help[] =
    "usage: stompctl status [OPTION]... [PART]\n"
    "Shows what a running broker has. PART is one of connections, queues and\n"
    "topics; all of it without one.\n"
    "\n"
    "      --match PATTERN        queues and topics whose name matches, with\n"
    "                             * for one level and > for any rest\n"
    "  -n, --limit N              at most N rows of each (100)\n"
    "      --json                 as JSON\n" ADMIN_OPTIONS_HELP
    "\nExit code 0: shown; 69: no broker.\n";

static const struct table_column status_connections[] = {
    { "CONNECTION", { "name" }, false },
    { "PEER", { "peer" }, false },
    { "TRANSPORT", { "transport" }, false },
    { "RECEIVED", { "receivedBytes" }, true },
    { "SENT", { "sentBytes" }, true },
    { "WAITING", { "waitingBytes" }, true },
    { "SILENT MS", { "silentMs" }, true },
    { NULL, { NULL }, false },
};

static const struct table_column status_queues[] = {
    { "QUEUE", { "destination" }, false },
    { "WAITING", { "waiting" }, true },
    { "IN FLIGHT", { "inFlight" }, true },
    { "CONSUMERS", { "consumers" }, true },
    { "ENQUEUED", { "enqueued" }, true },
    { "DEQUEUED", { "dequeued" }, true },
    { "MEMORY", { "memoryBytes" }, true },
    { "STORED", { "storedBytes" }, true },
    { "TEMP", { "tempBytes" }, true },
    { "POLICY", { "policy" }, false },
    { NULL, { NULL }, false },
};

static const struct table_column status_topics[] = {
    { "TOPIC", { "destination" }, false },
    { "WAITING", { "waiting" }, true },
    { "DISCARDED", { "discarded" }, true },
    { "CONSUMERS", { "consumers" }, true },
    { "ENQUEUED", { "enqueued" }, true },
    { "DEQUEUED", { "dequeued" }, true },
    { "MEMORY", { "memoryBytes" }, true },
    { "STORED", { "storedBytes" }, true },
    { "TEMP", { "tempBytes" }, true },
    { "POLICY", { "policy" }, false },
    { NULL, { NULL }, false },
};

/* One list of the API. */
struct status_part {
    const char *name;
    const struct table_column *columns;
};

static const struct status_part status_parts[] = {
    { "connections", status_connections },
    { "queues", status_queues },
    { "topics", status_topics },
};

enum { STATUS_PARTS = sizeof(status_parts) / sizeof(status_parts[0]) };

static const struct status_part *
status_part_of(const char *name)
{
    for (size_t i = 0; i < STATUS_PARTS; i++) {
        if (strcmp(status_parts[i].name, name) == 0) {
            return &status_parts[i];
        }
    }
    return NULL;
}

static int
status_get_part(const struct status *status, const struct status_part *part,
                json_t **tree_out, struct error *err)
{
    char *match = admin_encode(status->match != NULL ? status->match : "");
    char *target = xasprintf("/v1/%s?limit=%llu%s%s", part->name,
                             (unsigned long long)status->limit,
                             status->match != NULL ? "&match=" : "", match);
    int result = admin_get(&status->admin, target, tree_out, err);

    free(match);
    free(target);
    return result;
}

static void
status_print_part(const void *ctx, json_t *tree)
{
    const struct status_part *part = ctx;

    table_print_list(part->columns, tree, part->name, stdout);
}

/* The members of an object as rows, those of objects in it too. */
static void
status_add_members(struct table *table, const char *prefix, json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        char *name =
            xasprintf("%s%s%s", prefix, prefix[0] != '\0' ? " " : "", key);

        if (json_is_object(value)) {
            status_add_members(table, name, value);
        } else {
            table_add(table, name);
            table_add_json(table, value);
        }
        free(name);
    }
}

static void
status_print_overview(json_t *tree)
{
    struct table table = TABLE_INIT(2, 0);

    status_add_members(&table, "", tree);
    table_print(&table, stdout);
    table_fini(&table);
}

/* Everything in one object. */
static int
status_get_all(const struct status *status, json_t **tree_out,
               struct error *err)
{
    if (admin_get(&status->admin, "/v1/status", tree_out, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < STATUS_PARTS; i++) {
        const struct status_part *part = &status_parts[i];
        json_t *list = NULL;
        char *key;

        if (status_get_part(status, part, &list, err) != 0) {
            json_decref(*tree_out);
            *tree_out = NULL;
            return -1;
        }
        key = xasprintf("%sList", part->name);
        (void)json_object_set_new(*tree_out, key, list);
        free(key);
    }
    return 0;
}

static void
status_print_all(const void *ctx, json_t *tree)
{
    json_t *lists[STATUS_PARTS];

    (void)ctx;
    for (size_t i = 0; i < STATUS_PARTS; i++) {
        char *key = xasprintf("%sList", status_parts[i].name);

        lists[i] = json_incref(json_object_get(tree, key));
        (void)json_object_del(tree, key);
        free(key);
    }
    status_print_overview(tree);
    for (size_t i = 0; i < STATUS_PARTS; i++) {
        (void)putchar('\n');
        status_print_part(&status_parts[i], lists[i]);
        json_decref(lists[i]);
    }
}

static int
status_show(const struct status *status, const struct status_part *part)
{
    struct error err = ERROR_INIT;
    json_t *tree = NULL;

    if (part == NULL) {
        (void)status_get_all(status, &tree, &err);
        return admin_show(tree, status->json, status_print_all, NULL, &err);
    }
    (void)status_get_part(status, part, &tree, &err);
    return admin_show(tree, status->json, status_print_part, part, &err);
}

/* 1 when taken, 0 when not known, -1 with an error. */
static int
status_take_option(struct status *status, int option, const char *value,
                   struct error *err)
{
    switch (option) {
    case 'n':
        return option_count("limit", value, STATUS_LIMIT_MAX, &status->limit,
                            err) == 0
                   ? 1
                   : -1;
    case STATUS_JSON:
        status->json = true;
        return 1;
    case STATUS_MATCH:
        status->match = value;
        return 1;
    default:
        return admin_options_take(&status->admin, option, value) ? 1 : 0;
    }
}

static int
status_run(int argc, char **argv)
{
    struct status status = { .limit = STATUS_LIMIT };
    const struct status_part *part = NULL;
    struct error err = ERROR_INIT;
    int option;

    while ((option = getopt_long(argc, argv, "d:n:", status_long_options,
                                 NULL)) != -1) {
        int taken = status_take_option(&status, option, optarg, &err);

        if (taken <= 0) {
            return taken == 0 ? command_usage_hint(&command_status)
                              : command_usage(&command_status, &err);
        }
    }
    if (optind < argc) {
        part = status_part_of(argv[optind]);
    }
    if (optind + 1 < argc || (optind < argc && part == NULL)) {
        (void)error_set(&err,
                        "\"%s\" is not one of connections, queues and "
                        "topics",
                        argv[argc - 1]);
        return command_usage(&command_status, &err);
    }
    return status_show(&status, part);
}

const struct command command_status = {
    .name = "status",
    .summary = "what a running broker has",
    .help = status_help,
    .run = status_run,
};
