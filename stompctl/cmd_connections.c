/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl connections: every connection of a running broker, a row each.
 */
#include "stompctl/admin.h"
#include "stompctl/command.h"
#include "stompctl/options.h"
#include "stompctl/table.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { CONNECTIONS_LIMIT = 100, CONNECTIONS_LIMIT_MAX = 10000000 };
enum { CONNECTIONS_JSON = 300 };

static const struct option connections_long_options[] = {
    { "json", no_argument, NULL, CONNECTIONS_JSON },
    { "limit", required_argument, NULL, 'n' },
    ADMIN_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char connections_help[] =
    "usage: stompctl connections [OPTION]...\n"
    "Shows the connections of a running broker: who they are, what was "
    "agreed,\n"
    "what they do and what they wait for. STATE is ok, or\n"
    "  new         no CONNECT has come yet\n"
    "  held        a SEND waits for room in its destination or the broker\n"
    "  congested   its output is full, the client does not read\n"
    "  slow        a subscription's prefetch is used up and more waits for it\n"
    "  closing     it is being closed\n"
    "HEART-BEAT and IDLE are milliseconds from the client / to the client.\n"
    "\n"
    "  -n, --limit N              at most N rows (100)\n"
    "      --json                 as JSON\n" ADMIN_OPTIONS_HELP
    "\nExit code 0: shown; 69: no broker.\n";

static const struct table_column connections_columns[] = {
    { "NUMBER", { "number" }, true },
    { "PEER", { "peer" }, false },
    { "VIA", { "transport" }, false },
    { "VERSION", { "version" }, false },
    { "HEART-BEAT", { "heartBeatInMs", "heartBeatOutMs" }, true },
    { "USER", { "user" }, false },
    { "CLIENT-ID", { "clientId" }, false },
    { "SUBSCRIPTIONS", { "subscriptions" }, true },
    { "IN FLIGHT", { "inFlight" }, true },
    { "MESSAGES IN/OUT", { "messagesIn", "messagesOut" }, true },
    { "BYTES IN/OUT", { "receivedBytes", "sentBytes" }, true },
    { "UNSENT", { "waitingBytes" }, true },
    { "IDLE", { "silentMs", "unwrittenMs" }, true },
    { "STATE", { "state" }, false },
    { NULL, { NULL }, false },
};

static void
connections_print(const void *ctx, json_t *tree)
{
    (void)ctx;
    table_print_list(connections_columns, tree, "connections", stdout);
}

static int
connections_show(const struct admin_options *admin, uint64_t limit, bool json)
{
    struct error err = ERROR_INIT;
    json_t *tree = NULL;
    char *target =
        xasprintf("/v1/connections?limit=%llu", (unsigned long long)limit);

    (void)admin_get(admin, target, &tree, &err);
    free(target);
    return admin_show(tree, json, connections_print, NULL, &err);
}

static int
connections_run(int argc, char **argv)
{
    struct admin_options admin = { .socket = NULL };
    uint64_t limit = CONNECTIONS_LIMIT;
    struct error err = ERROR_INIT;
    bool json = false;
    int option;

    while ((option = getopt_long(argc, argv, "d:n:", connections_long_options,
                                 NULL)) != -1) {
        if (option == CONNECTIONS_JSON) {
            json = true;
        } else if (option == 'n') {
            if (option_count("limit", optarg, CONNECTIONS_LIMIT_MAX, &limit,
                             &err) != 0) {
                return command_usage(&command_connections, &err);
            }
        } else if (!admin_options_take(&admin, option, optarg)) {
            return command_usage_hint(&command_connections);
        }
    }
    if (optind < argc) {
        (void)error_set(&err,
                        "\"%s\" is one argument too many; stompctl doctor "
                        "looks at one connection",
                        argv[optind]);
        return command_usage(&command_connections, &err);
    }
    return connections_show(&admin, limit, json);
}

const struct command command_connections = {
    .name = "connections",
    .summary = "who is connected to a running broker",
    .help = connections_help,
    .run = connections_run,
};
