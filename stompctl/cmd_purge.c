/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl purge: removes what a queue of a running broker holds.
 */
#include "stompctl/admin.h"
#include "stompctl/command.h"
#include "stompctl/options.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

/* Ten million messages take about half a minute. */
enum { PURGE_PATIENCE_S = 3600 };

struct purge {
    struct admin_options admin;
    const char *selector;
};

enum { PURGE_SELECTOR = OPTION_COMMAND };

static const struct option purge_long_options[] = {
    { "selector", required_argument, NULL, PURGE_SELECTOR },
    ADMIN_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char purge_help[] =
    "usage: stompctl purge [OPTION]... QUEUE\n"
    "Removes the messages that QUEUE (orders, or /queue/orders) holds now, "
    "and\n"
    "says how many they were.  What consumers have not acknowledged yet stays\n"
    "theirs, and what comes meanwhile stays too.  There is no way back.\n"
    "\n"
    "      --selector EXPRESSION  only the messages that it selects\n"
    "\n" ADMIN_OPTIONS_HELP
    "\nExit code 0: done; 65: the broker refuses; 69: no broker.\n";

static int
purge_print(const json_t *tree, unsigned status)
{
    long long purged = json_integer_value(json_object_get(tree, "purged"));
    long long kept = json_integer_value(json_object_get(tree, "inFlight"));

    if (status != 200) {
        return admin_refused(tree, EX_DATAERR);
    }
    (void)printf("purged %lld message%s from %s", purged,
                 purged == 1 ? "" : "s",
                 json_string_value(json_object_get(tree, "destination")));
    if (kept > 0) {
        (void)printf("; %lld in flight stay%s", kept, kept == 1 ? "s" : "");
    }
    (void)printf("\n");
    return fflush(stdout) == 0 ? 0 : EX_IOERR;
}

static int
purge_queue(const struct purge *purge, const char *argument)
{
    struct error err = ERROR_INIT;
    char *name = option_queue(argument);
    char *queue = admin_encode(name);
    char *selector =
        admin_encode(purge->selector != NULL ? purge->selector : "");
    char *target =
        xasprintf("/v1/queues/purge?queue=%s%s%s", queue,
                  purge->selector != NULL ? "&selector=" : "", selector);
    json_t *tree = NULL;
    unsigned status = 0;
    int code = EX_UNAVAILABLE;

    if (admin_call(&purge->admin, "POST", target, &status, &tree, &err) == 0) {
        code = purge_print(tree, status);
    } else {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
    }
    json_decref(tree);
    free(target);
    free(selector);
    free(queue);
    free(name);
    return code;
}

static int
purge_run(int argc, char **argv)
{
    struct purge purge = { .admin = { .patience_s = PURGE_PATIENCE_S } };
    struct error err = ERROR_INIT;
    int option;

    while ((option = getopt_long(argc, argv, "d:", purge_long_options, NULL)) !=
           -1) {
        if (option == PURGE_SELECTOR) {
            purge.selector = optarg;
        } else if (!admin_options_take(&purge.admin, option, optarg)) {
            return command_usage_hint(&command_purge);
        }
    }
    if (optind + 1 != argc) {
        (void)error_set(&err, optind == argc ? "no queue: name one, such as "
                                               "orders or /queue/orders"
                                             : "only one queue");
        return command_usage(&command_purge, &err);
    }
    return purge_queue(&purge, argv[optind]);
}

const struct command command_purge = {
    .name = "purge",
    .summary = "remove what a queue holds",
    .help = purge_help,
    .run = purge_run,
};
