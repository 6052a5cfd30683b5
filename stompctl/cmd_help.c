/* SPDX-License-Identifier: Apache-2.0 */
/* stompctl help [COMMAND] */
#include "stompctl/command.h"

#include <stdio.h>
#include <sysexits.h>

static int
help_overview(void)
{
    (void)puts("usage: stompctl COMMAND [OPTION]...\n\nCommands:");
    for (size_t i = 0; commands[i] != NULL; i++) {
        (void)printf("  %-17s%s\n", commands[i]->name, commands[i]->summary);
    }
    (void)puts("\nstompctl help COMMAND tells all about one; "
               "stompctl --version prints the version.\n"
               "Exit codes: 0 done, 1 a check failed, 64 usage, 69 no "
               "connection to the broker,\n"
               "66, 73 or 74 a file could not be read, made or written, "
               "75 time ran out,\n"
               "76 the broker sent ERROR.");
    return 0;
}

static int
help_run(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        return help_overview();
    }
    command = command_find(argv[1]);
    if (command == NULL) {
        struct error err = ERROR_INIT;

        (void)error_set(&err, "there is no command \"%s\"", argv[1]);
        return command_usage(&command_help, &err);
    }
    (void)fputs(command->help, stdout);
    return 0;
}

const struct command command_help = {
    .name = "help",
    .summary = "what the commands do and take",
    .help = "usage: stompctl help [COMMAND]\n",
    .run = help_run,
};
