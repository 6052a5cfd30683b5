/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl durable list | remove: the durable subscriptions of a running
 * broker.
 */
#include "stompctl/admin.h"
#include "stompctl/command.h"
#include "stompctl/options.h"
#include "stompctl/table.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { DURABLE_LIMIT = 100, DURABLE_LIMIT_MAX = 10000000 };
enum { DURABLE_JSON = OPTION_COMMAND };

struct durable_command {
    struct admin_options admin;
    uint64_t limit;
    bool json;
};

static const struct option durable_long_options[] = {
    { "json", no_argument, NULL, DURABLE_JSON },
    { "limit", required_argument, NULL, 'n' },
    ADMIN_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char durable_help[] =
    "usage: stompctl durable list [OPTION]...\n"
    "       stompctl durable remove [OPTION]... CLIENT-ID NAME\n"
    "\n"
    "list shows the durable topic subscriptions of a running broker: who uses\n"
    "each now (CONNECTION), and how many messages wait for it.\n"
    "remove ends one for good, with all that waits for it; nobody may be "
    "using\n"
    "it. One without a client-id has \"\" for CLIENT-ID. There is no way "
    "back.\n"
    "\n"
    "  -n, --limit N              list: at most N rows (100)\n"
    "      --json                 list: as JSON\n" ADMIN_OPTIONS_HELP
    "\nExit code 0: done; 65: the broker refuses; 69: no broker.\n";

static const struct table_column durable_columns[] = {
    { "CLIENT-ID", { "clientId" }, false },
    { "NAME", { "name" }, false },
    { "DESTINATION", { "destination" }, false },
    { "SELECTOR", { "selector" }, false },
    { "CONNECTION", { "connection" }, false },
    { "WAITING", { "waiting" }, true },
    { "IN FLIGHT", { "inFlight" }, true },
    { NULL, { NULL }, false },
};

static void
durable_print(const void *ctx, json_t *tree)
{
    (void)ctx;
    table_print_list(durable_columns, tree, "durables", stdout);
}

static int
durable_list(const struct durable_command *command)
{
    struct error err = ERROR_INIT;
    json_t *tree = NULL;
    char *target = xasprintf("/v1/durables?limit=%llu",
                             (unsigned long long)command->limit);

    (void)admin_get(&command->admin, target, &tree, &err);
    free(target);
    return admin_show(tree, command->json, durable_print, NULL, &err);
}

static int
durable_remove(const struct durable_command *command, const char *client_id,
               const char *name)
{
    struct error err = ERROR_INIT;
    char *id = admin_encode(client_id);
    char *encoded = admin_encode(name);
    char *target =
        xasprintf("/v1/durables/remove?client-id=%s&name=%s", id, encoded);
    json_t *tree = NULL;
    unsigned status = 0;
    int code = 0;

    if (admin_call(&command->admin, "POST", target, &status, &tree, &err) !=
        0) {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
        code = EX_UNAVAILABLE;
    } else if (status != 200) {
        code = admin_refused(tree, EX_DATAERR);
    } else {
        (void)printf("removed durable subscription %s\n", name);
        code = fflush(stdout) == 0 ? 0 : EX_IOERR;
    }
    json_decref(tree);
    free(target);
    free(encoded);
    free(id);
    return code;
}

static int
durable_run_verb(const struct durable_command *command, int argc, char **argv)
{
    struct error err = ERROR_INIT;

    if (argc == 1 && strcmp(argv[0], "list") == 0) {
        return durable_list(command);
    }
    if (argc == 3 && strcmp(argv[0], "remove") == 0) {
        return durable_remove(command, argv[1], argv[2]);
    }
    (void)error_set(&err, "expected list, or remove CLIENT-ID NAME");
    return command_usage(&command_durable, &err);
}

static int
durable_run(int argc, char **argv)
{
    struct durable_command command = { .limit = DURABLE_LIMIT };
    struct error err = ERROR_INIT;
    int option;

    while ((option = getopt_long(argc, argv, "d:n:", durable_long_options,
                                 NULL)) != -1) {
        if (option == DURABLE_JSON) {
            command.json = true;
        } else if (option == 'n') {
            if (option_count("limit", optarg, DURABLE_LIMIT_MAX, &command.limit,
                             &err) != 0) {
                return command_usage(&command_durable, &err);
            }
        } else if (!admin_options_take(&command.admin, option, optarg)) {
            return command_usage_hint(&command_durable);
        }
    }
    return durable_run_verb(&command, argc - optind, argv + optind);
}

const struct command command_durable = {
    .name = "durable",
    .summary = "list and remove durable topic subscriptions",
    .help = durable_help,
    .run = durable_run,
};
