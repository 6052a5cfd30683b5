/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl check: looks for faults in a policy file, as `stompd --check` does
 * and in the same words; and in stompd.json, which it has stompd itself do.
 */
#include "stompctl/command.h"

#include "policy/policy_load.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { CHECK_CONFIG = 300 };

static const struct option check_long_options[] = {
    { "config", no_argument, NULL, CHECK_CONFIG },
    { NULL, 0, NULL, 0 },
};

static const char check_help[] =
    "usage: stompctl check FILE...\n"
    "       stompctl check --config FILE\n"
    "Looks for faults in policy files. Each is printed with its place, what\n"
    "was found and what would be accepted; nothing is printed without one.\n"
    "\n"
    "      --config               FILE is a stompd.json; the policy file that\n"
    "                             it names is checked too\n"
    "\n"
    "Exit code 0: no fault; 78: there are some.\n";

static int
check_policy(const char *path)
{
    struct policy_map *map = NULL;
    struct faults faults;

    faults_clear(&faults);
    if (policy_load_file(path, &map, &faults) != 0) {
        faults_print(&faults, stderr);
        return EX_CONFIG;
    }
    policy_map_free(&map);
    return 0;
}

/* Becomes stompd: only that knows the keys of its configuration. */
static int
check_config(const char *path)
{
    static const char fixed[] = SBINDIR "/stompd";

    (void)execlp("stompd", "stompd", "--check", "-c", path, (char *)NULL);
    (void)execl(fixed, "stompd", "--check", "-c", path, (char *)NULL);
    (void)fprintf(stderr, "stompctl: cannot run stompd: %s\n", strerror(errno));
    return EX_UNAVAILABLE;
}

static int
check_run(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    bool config = false;
    int code = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", check_long_options, NULL)) !=
           -1) {
        if (option != CHECK_CONFIG) {
            return command_usage_hint(&command_check);
        }
        config = true;
    }
    if (optind == argc || (config && optind + 1 != argc)) {
        (void)error_set(&err, config ? "--config takes one file"
                                     : "no file to check");
        return command_usage(&command_check, &err);
    }
    if (config) {
        return check_config(argv[optind]);
    }
    for (int i = optind; i < argc; i++) {
        int found = check_policy(argv[i]);

        code = found != 0 ? found : code;
    }
    return code;
}

const struct command command_check = {
    .name = "check",
    .summary = "look for faults in a policy file or stompd.json",
    .help = check_help,
    .run = check_run,
};
