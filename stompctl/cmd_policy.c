/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl policy diff | reload: what another policy file changes, and its
 * taking effect.
 */
#include "stompctl/admin.h"
#include "stompctl/command.h"
#include "stompctl/policy_show.h"

#include "policy/policy_describe.h"
#include "policy/policy_load.h"

#include <string.h>
#include <sysexits.h>

struct policy_command {
    struct admin_options admin;
    bool json;
    bool dry_run;
};

/* Two files and what differs between them. */
struct policy_diff {
    struct policy_map *before;
    struct policy_map *after;
    json_t *destinations;
    size_t looked_at;
};

enum {
    POLICY_DRY_RUN = 300,
    POLICY_JSON,
};

static const struct option policy_long_options[] = {
    { "dry-run", no_argument, NULL, POLICY_DRY_RUN },
    { "json", no_argument, NULL, POLICY_JSON },
    ADMIN_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char policy_help[] =
    "usage: stompctl policy diff [OPTION]... OLD NEW [DESTINATION]...\n"
    "       stompctl policy reload [OPTION]...\n"
    "\n"
    "diff shows what changes for each DESTINATION when the policy file OLD\n"
    "becomes NEW; without one, for each destination of a running broker.\n"
    "reload has a running broker read its policy file again, as SIGHUP does,\n"
    "and shows what changes. A file with faults changes nothing.\n"
    "Each change says whether it reaches destinations that are there (live) "
    "or\n"
    "only those that are made later.\n"
    "\n"
    "      --dry-run              reload: show what would change, and stop\n"
    "      --json                 as JSON\n" ADMIN_OPTIONS_HELP
    "\nExit code of diff 0: nothing changes; 1: something does. Of reload 0:\n"
    "done, or would be. 69: no broker; 78: a file has faults.\n";

static int
policy_load(const char *path, struct policy_map **map_out)
{
    struct faults faults;

    faults_clear(&faults);
    if (policy_load_file(path, map_out, &faults) != 0) {
        faults_print(&faults, stderr);
        return EX_CONFIG;
    }
    return 0;
}

static int
diff_add(struct policy_diff *diff, const char *destination, struct error *err)
{
    struct destination_name name;
    json_t *changes;

    if (policy_show_parse(destination, &name, err) != 0) {
        return -1;
    }
    diff->looked_at++;
    changes = policy_describe_changes(
        policy_map_find(diff->before, name.kind, name.name),
        policy_map_find(diff->after, name.kind, name.name), name.kind);
    if (json_array_size(changes) == 0) {
        json_decref(changes);
        return 0;
    }
    (void)json_array_append_new(diff->destinations,
                                json_pack("{s:s, s:o}", "destination",
                                          destination, "changes", changes));
    return 0;
}

/* All of the broker's destinations of one of the two lists. */
static int
diff_add_live(struct policy_diff *diff, const struct admin_options *admin,
              const char *target, const char *list, struct error *err)
{
    json_t *tree = NULL;
    size_t index;
    json_t *entry;
    int result = admin_get(admin, target, &tree, err);

    json_array_foreach(json_object_get(tree, list), index, entry)
    {
        const char *destination =
            json_string_value(json_object_get(entry, "destination"));

        if (destination != NULL && result == 0) {
            result = diff_add(diff, destination, err);
        }
    }
    json_decref(tree);
    return result;
}

static void
policy_print_destinations(const json_t *destinations)
{
    size_t index;
    json_t *entry;

    json_array_foreach(destinations, index, entry)
    {
        policy_show_changes(
            json_string_value(json_object_get(entry, "destination")),
            json_object_get(entry, "changes"), stdout);
    }
}

static int
diff_print(const struct policy_command *self, const struct policy_diff *diff)
{
    size_t count = json_array_size(diff->destinations);

    if (self->json) {
        policy_show_json(diff->destinations, stdout);
    } else {
        policy_print_destinations(diff->destinations);
        (void)printf("destinations that change: %zu of %zu\n", count,
                     diff->looked_at);
    }
    if (fflush(stdout) != 0) {
        return EX_IOERR;
    }
    return count > 0 ? 1 : 0;
}

static int
diff_loaded(const struct policy_command *self, struct policy_diff *diff,
            char **destinations, int count)
{
    struct error err = ERROR_INIT;

    for (int i = 0; i < count; i++) {
        if (diff_add(diff, destinations[i], &err) != 0) {
            return command_usage(&command_policy, &err);
        }
    }
    if (count == 0 &&
        (diff_add_live(diff, &self->admin, "/v1/queues?limit=1000000", "queues",
                       &err) != 0 ||
         diff_add_live(diff, &self->admin, "/v1/topics?limit=1000000", "topics",
                       &err) != 0)) {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
        return EX_UNAVAILABLE;
    }
    return diff_print(self, diff);
}

static int
policy_diff_run(const struct policy_command *self, int argc, char **argv)
{
    struct policy_diff diff = { .before = NULL };
    struct error err = ERROR_INIT;
    int code;
    int other;

    if (argc < 2) {
        (void)error_set(&err, "diff takes two policy files");
        return command_usage(&command_policy, &err);
    }
    diff.destinations = json_array();
    code = policy_load(argv[0], &diff.before);
    other = policy_load(argv[1], &diff.after);
    code = code != 0 ? code : other;
    if (code == 0) {
        code = diff_loaded(self, &diff, argv + 2, argc - 2);
    }
    policy_map_free(&diff.before);
    policy_map_free(&diff.after);
    json_decref(diff.destinations);
    return code;
}

/* In the words of `stompd --check`. */
static void
reload_print_faults(const json_t *tree)
{
    const json_t *list = json_object_get(tree, "faults");
    long long total = json_integer_value(json_object_get(tree, "total"));
    size_t index;
    json_t *fault;

    json_array_foreach(list, index, fault)
    {
        const char *file = json_string_value(json_object_get(fault, "file"));
        const char *text = json_string_value(json_object_get(fault, "text"));
        long long line = json_integer_value(json_object_get(fault, "line"));

        (void)fprintf(stderr, "%s:", file);
        if (line > 0) {
            (void)fprintf(stderr, "%lld:%lld:", line,
                          (long long)json_integer_value(
                              json_object_get(fault, "column")));
        }
        (void)fprintf(stderr, " %s\n", text);
    }
    if (total > (long long)json_array_size(list)) {
        (void)fprintf(stderr, "and %lld more\n",
                      total - (long long)json_array_size(list));
    }
}

static int
reload_print(const struct policy_command *self, const json_t *tree)
{
    const json_t *list = json_object_get(tree, "destinations");
    long long changed = json_integer_value(json_object_get(tree, "changed"));

    if (self->json) {
        policy_show_json(tree, stdout);
    } else {
        policy_print_destinations(list);
        if (changed > (long long)json_array_size(list)) {
            (void)printf("and %lld more\n",
                         changed - (long long)json_array_size(list));
        }
        (void)printf("%s %s; destinations that %s: %lld\n",
                     self->dry_run ? "not reloaded (--dry-run)" : "reloaded",
                     json_string_value(json_object_get(tree, "file")),
                     self->dry_run ? "would change" : "changed", changed);
    }
    return fflush(stdout) == 0 ? 0 : EX_IOERR;
}

static int
policy_reload_run(const struct policy_command *self)
{
    struct error err = ERROR_INIT;
    unsigned status = 0;
    json_t *tree = NULL;
    int code;

    if (admin_call(&self->admin, "POST",
                   self->dry_run ? "/v1/policy/reload?dry-run=1"
                                 : "/v1/policy/reload",
                   &status, &tree, &err) != 0) {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
        return EX_UNAVAILABLE;
    }
    if (json_object_get(tree, "faults") != NULL) {
        reload_print_faults(tree);
        code = EX_CONFIG;
    } else if (status != 200) {
        code = admin_refused(tree, EX_CONFIG);
    } else {
        code = reload_print(self, tree);
    }
    json_decref(tree);
    return code;
}

static bool
policy_take_option(struct policy_command *self, int option, const char *value)
{
    switch (option) {
    case POLICY_DRY_RUN:
        self->dry_run = true;
        return true;
    case POLICY_JSON:
        self->json = true;
        return true;
    default:
        return admin_options_take(&self->admin, option, value);
    }
}

static int
policy_run(int argc, char **argv)
{
    struct policy_command self = { .json = false };
    struct error err = ERROR_INIT;
    int option;

    while ((option = getopt_long(argc, argv, "d:", policy_long_options,
                                 NULL)) != -1) {
        if (!policy_take_option(&self, option, optarg)) {
            return command_usage_hint(&command_policy);
        }
    }
    if (optind < argc && strcmp(argv[optind], "diff") == 0) {
        return policy_diff_run(&self, argc - optind - 1, argv + optind + 1);
    }
    if (optind + 1 == argc && strcmp(argv[optind], "reload") == 0) {
        return policy_reload_run(&self);
    }
    (void)error_set(&err, "policy diff OLD NEW, or policy reload");
    return command_usage(&command_policy, &err);
}

const struct command command_policy = {
    .name = "policy",
    .summary = "what another policy file changes; reload it",
    .help = policy_help,
    .run = policy_run,
};
