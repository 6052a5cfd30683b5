/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl explain: which policy applies to a destination, of a file or of a
 * running broker.
 */
#include "stompctl/admin.h"
#include "stompctl/command.h"
#include "stompctl/policy_show.h"

#include "base/alloc.h"
#include "policy/policy_describe.h"
#include "policy/policy_load.h"

#include <stdlib.h>
#include <sysexits.h>

struct explain {
    struct admin_options admin;
    const char *policy; /* NULL: the broker's */
    bool json;
    bool given;
};

enum {
    EXPLAIN_JSON = 300,
    EXPLAIN_GIVEN,
};

static const struct option explain_long_options[] = {
    { "given", no_argument, NULL, EXPLAIN_GIVEN },
    { "json", no_argument, NULL, EXPLAIN_JSON },
    { "policy", required_argument, NULL, 'p' },
    ADMIN_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char explain_help[] =
    "usage: stompctl explain [OPTION]... DESTINATION\n"
    "Shows which entry of the policy file applies to DESTINATION, such as\n"
    "/queue/orders, every value, where it comes from (the entry, the\n"
    "\"default\" entry, or stompd itself), and whether a reload changes it "
    "for\n"
    "destinations that are there. Of a running broker it says too what a\n"
    "percentage comes to.\n"
    "\n"
    "  -p, --policy FILE          of this file; else of a running broker\n"
    "      --given                only what the entry says itself\n"
    "      --json                 as JSON\n" ADMIN_OPTIONS_HELP
    "\nExit code 0: shown; 69: no broker; 78: the file has faults.\n";

static void
explain_print(const void *ctx, json_t *tree)
{
    const struct explain *explain = ctx;

    policy_show_explanation(tree, explain->given, stdout);
}

static int
explain_file(const struct explain *explain, const struct destination_name *name)
{
    struct policy_map *map = NULL;
    struct error err = ERROR_INIT;
    struct faults faults;
    json_t *tree;

    faults_clear(&faults);
    if (policy_load_file(explain->policy, &map, &faults) != 0) {
        faults_print(&faults, stderr);
        return EX_CONFIG;
    }
    tree = policy_describe(policy_map_find(map, name->kind, name->name),
                           explain->policy, name->kind, name->name, NULL);
    policy_map_free(&map);
    return admin_show(tree, explain->json, explain_print, explain, &err);
}

static int
explain_broker(const struct explain *explain, const char *destination)
{
    struct error err = ERROR_INIT;
    char *encoded = admin_encode(destination);
    char *target = xasprintf("/v1/policy/explain?destination=%s", encoded);
    json_t *tree = NULL;

    (void)admin_get(&explain->admin, target, &tree, &err);
    free(encoded);
    free(target);
    return admin_show(tree, explain->json, explain_print, explain, &err);
}

static bool
explain_take_option(struct explain *explain, int option, const char *value)
{
    switch (option) {
    case 'p':
        explain->policy = value;
        return true;
    case EXPLAIN_JSON:
        explain->json = true;
        return true;
    case EXPLAIN_GIVEN:
        explain->given = true;
        return true;
    default:
        return admin_options_take(&explain->admin, option, value);
    }
}

static int
explain_run(int argc, char **argv)
{
    struct explain explain = { .policy = NULL };
    struct error err = ERROR_INIT;
    struct destination_name name;
    int option;

    while ((option = getopt_long(argc, argv, "d:p:", explain_long_options,
                                 NULL)) != -1) {
        if (!explain_take_option(&explain, option, optarg)) {
            return command_usage_hint(&command_explain);
        }
    }
    if (optind + 1 != argc) {
        (void)error_set(&err, optind == argc ? "no destination"
                                             : "only one destination");
        return command_usage(&command_explain, &err);
    }
    if (policy_show_parse(argv[optind], &name, &err) != 0) {
        return command_usage(&command_explain, &err);
    }
    return explain.policy != NULL ? explain_file(&explain, &name)
                                  : explain_broker(&explain, argv[optind]);
}

const struct command command_explain = {
    .name = "explain",
    .summary = "which policy applies to a destination, and why",
    .help = explain_help,
    .run = explain_run,
};
