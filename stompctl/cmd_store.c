/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl store: what a broker that does not run has on disk: look at it,
 * take it out as text, bring it back, repair it.
 */
#include "stompctl/command.h"
#include "stompctl/options.h"
#include "stompctl/store_report.h"
#include "stompctl/store_transfer.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "storage/store_mend.h"
#include "storage/store_place.h"
#include "storage/store_stopped.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STORE_QUEUES_MAX = 64 };
/* Between two lines of progress. */
enum { STORE_PROGRESS_US = 2000000 };
/* More than a check that failed (1): nothing could be said. */
enum { STORE_CANNOT = 2 };

static const char store_help[] =
    "usage: stompctl store verify [--json] DIRECTORY\n"
    "       stompctl store export [--queue NAME]... DIRECTORY >FILE\n"
    "       stompctl store import [--edited] DIRECTORY <FILE\n"
    "       stompctl store repair DIRECTORY\n"
    "Works on the data directory of a stompd that does not run.\n"
    "\n"
    "verify reads all of it and says what is there and what cannot be read;\n"
    "nothing in DIRECTORY is made or changed.\n"
    "export prints all of it as JSON, one line for each queue, definition and\n"
    "message. A damaged store is not exported: repair it first.\n"
    "import makes a store out of that, in a DIRECTORY that has none. There is\n"
    "all of it or nothing.\n"
    "repair writes what can be read into a new journal, says what is lost,\n"
    "and keeps the old one beside it.\n"
    "\n"
    "      --json           verify: as JSON\n"
    "      --queue NAME     export: this queue only; may be repeated\n"
    "      --edited         import: FILE was changed on purpose, so its "
    "counts\n"
    "                       and its checksum do not hold\n"
    "\n"
    "verify, export and repair let LevelDB work on links in $TMPDIR, or\n"
    "/var/tmp; it needs some space there.\n"
    "\n"
    "Exit code 0: done, no damage; 1: damage was found (repair: and "
    "repaired);\n"
    "2: it could not be done; 64: usage.\n";

enum { STORE_JSON = OPTION_COMMAND, STORE_QUEUE, STORE_EDITED };

static const struct option store_long_options[] = {
    { "edited", no_argument, NULL, STORE_EDITED },
    { "json", no_argument, NULL, STORE_JSON },
    { "queue", required_argument, NULL, STORE_QUEUE },
    { NULL, 0, NULL, 0 },
};

struct store_command {
    const char *directory;
    bool json;
    bool edited;
    const char *queues[STORE_QUEUES_MAX];
    size_t queue_count;
};

/* ------------------------------------------------------------- progress -- */

static volatile sig_atomic_t store_stop;

static void
store_on_signal(int number)
{
    (void)number;
    store_stop = 1;
}

/* A stop leaves no scratch directory behind; a second one ends at once.  An
 * import has none, and may wait for its input for ever. */
static void
store_catch_signals(void)
{
    struct sigaction action = { .sa_handler = store_on_signal,
                                .sa_flags = (int)SA_RESETHAND };

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

static int
store_on_progress(void *ctx, uint64_t records, struct error *err)
{
    static int64_t due_us;
    int64_t now_us = clock_monotonic_us();

    (void)ctx;
    if (store_stop) {
        return error_set(err, "stopped");
    }
    if (due_us == 0) {
        due_us = now_us + STORE_PROGRESS_US;
    } else if (now_us >= due_us) {
        due_us = now_us + STORE_PROGRESS_US;
        (void)fprintf(stderr, "%llu records\n", (unsigned long long)records);
    }
    return 0;
}

static int
store_complain(const struct error *err)
{
    (void)fprintf(stderr, "stompctl: %s\n", err->text);
    return STORE_CANNOT;
}

/* ---------------------------------------------------------- sub-commands -- */

static int
store_verify(const struct store_command *command)
{
    struct store_check_sink sink = { .progress = store_on_progress };
    struct error err = ERROR_INIT;
    struct store_stopped *stopped;
    struct store_check check;
    int status;

    if (store_stopped_open(command->directory, STORE_STOPPED_SHARED, NULL,
                           &stopped, &err) != 0) {
        return store_complain(&err);
    }
    status = store_check_run(&check, stopped, &sink, &err);
    if (status != 0) {
        status = store_complain(&err);
    } else {
        if (command->json) {
            store_report_json(&check, stdout);
        } else {
            store_report_text(&check, stdout);
        }
        status = check.finding_total > 0 ? 1 : 0;
    }
    store_check_fini(&check);
    store_stopped_close(&stopped);
    return fflush(stdout) == 0 ? status : STORE_CANNOT;
}

static int
store_export(const struct store_command *command)
{
    struct store_export options = { .queues = command->queues,
                                    .queue_count = command->queue_count,
                                    .progress = store_on_progress };
    struct error err = ERROR_INIT;
    struct store_stopped *stopped;
    int status;

    if (store_stopped_open(command->directory, STORE_STOPPED_SHARED, NULL,
                           &stopped, &err) != 0) {
        return store_complain(&err);
    }
    status = store_export_run(&options, stopped, stdout, &err);
    store_stopped_close(&stopped);
    if (status != 0) {
        return store_complain(&err);
    }
    (void)fprintf(stderr, "%llu records of %llu journals, %llu definitions\n",
                  (unsigned long long)options.counts.records,
                  (unsigned long long)options.counts.journals,
                  (unsigned long long)options.counts.definitions);
    return 0;
}

static int
store_import(const struct store_command *command)
{
    struct store_import options = { .edited = command->edited,
                                    .progress = store_on_progress };
    struct error err = ERROR_INIT;

    if (store_import_run(&options, command->directory, stdin, &err) != 0) {
        return store_complain(&err);
    }
    (void)fprintf(stderr, "%llu records of %llu journals, %llu definitions\n",
                  (unsigned long long)options.counts.records,
                  (unsigned long long)options.counts.journals,
                  (unsigned long long)options.counts.definitions);
    return 0;
}

/* Whether there is anything to repair: 0 no, 1 yes, -1 with an error. */
static int
store_look(struct store_stopped *stopped, struct error *err)
{
    struct store_check_sink sink = { .progress = store_on_progress };
    struct store_check check;
    int status = store_check_run(&check, stopped, &sink, err);

    if (status == 0) {
        status = check.finding_total > 0 ? 1 : 0;
    }
    store_check_fini(&check);
    return status;
}

static int
store_repair_damaged(struct store_stopped *stopped)
{
    struct store_check_sink progress = { .progress = store_on_progress };
    struct error err = ERROR_INIT;
    struct store_check check;
    char *aside = NULL;
    int status = store_mend(stopped, &progress, &check, &aside, &err);

    if (status != 0) {
        status = store_complain(&err);
    } else {
        store_report_findings(&check, stdout);
        (void)printf("%llu records and %llu definitions are in the new "
                     "journal\nthe damaged one is kept: %s\n",
                     (unsigned long long)(check.records - check.spilled),
                     (unsigned long long)check.definitions, aside);
        status = 1;
    }
    free(aside);
    store_check_fini(&check);
    return status;
}

static int
store_repair(const struct store_command *command)
{
    struct error err = ERROR_INIT;
    struct store_stopped *stopped;
    int status;

    if (store_stopped_open(command->directory, STORE_STOPPED_EXCLUSIVE, NULL,
                           &stopped, &err) != 0) {
        return store_complain(&err);
    }
    status = store_look(stopped, &err);
    if (status == 0) {
        status =
            store_place_clear(command->directory, STORE_PLACE_REPAIRING, &err);
        (void)puts("no damage: nothing was changed");
    } else if (status > 0) {
        status = store_repair_damaged(stopped);
    }
    store_stopped_close(&stopped);
    return status < 0 ? store_complain(&err) : status;
}

/* --------------------------------------------------------------- command -- */

static const struct {
    const char *name;
    int (*run)(const struct store_command *command);
} store_commands[] = {
    { "verify", store_verify },
    { "export", store_export },
    { "import", store_import },
    { "repair", store_repair },
};

enum { STORE_COMMANDS = sizeof(store_commands) / sizeof(store_commands[0]) };

/* 1 taken, 0 unknown, -1 with an error. */
static int
store_take_option(struct store_command *command, int option, struct error *err)
{
    switch (option) {
    case STORE_JSON:
        command->json = true;
        return 1;
    case STORE_EDITED:
        command->edited = true;
        return 1;
    case STORE_QUEUE:
        if (command->queue_count == STORE_QUEUES_MAX) {
            return error_set(err, "--queue: more than %d", STORE_QUEUES_MAX);
        }
        if (strncmp(optarg, "/queue/", strlen("/queue/")) == 0) {
            optarg += strlen("/queue/");
        }
        command->queues[command->queue_count++] = optarg;
        return 1;
    default:
        return 0;
    }
}

static int
store_run(int argc, char **argv)
{
    struct store_command command = { .directory = NULL };
    struct error err = ERROR_INIT;
    int option;

    while ((option = getopt_long(argc, argv, "", store_long_options, NULL)) !=
           -1) {
        int taken = store_take_option(&command, option, &err);

        if (taken <= 0) {
            return taken == 0 ? command_usage_hint(&command_store)
                              : command_usage(&command_store, &err);
        }
    }
    if (argc - optind != 2) {
        (void)error_set(&err, "it takes one of verify, export, import and "
                              "repair, and a data directory");
        return command_usage(&command_store, &err);
    }
    command.directory = argv[optind + 1];
    if (strcmp(argv[optind], "import") != 0) {
        store_catch_signals();
    }
    for (size_t i = 0; i < STORE_COMMANDS; i++) {
        if (strcmp(store_commands[i].name, argv[optind]) == 0) {
            return store_commands[i].run(&command);
        }
    }
    (void)error_set(&err, "\"%s\" is none of verify, export, import and repair",
                    argv[optind]);
    return command_usage(&command_store, &err);
}

const struct command command_store = {
    .name = "store",
    .summary = "verify, export, import, repair a stopped store",
    .help = store_help,
    .run = store_run,
};
