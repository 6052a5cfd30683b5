/* SPDX-License-Identifier: Apache-2.0 */
/* stompctl: the client and operator's tool.  Finds the command and runs it. */
#include "stompctl/command.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

int
main(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        (void)fputs("usage: stompctl COMMAND [OPTION]... (stompctl --help "
                    "lists the commands)\n",
                    stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        (void)puts("stompctl " PACKAGE_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return command_help.run(1, argv + 1);
    }
    command = command_find(argv[1]);
    if (command == NULL) {
        (void)fprintf(stderr,
                      "stompctl: there is no command \"%s\" (stompctl --help "
                      "lists the commands)\n",
                      argv[1]);
        return EX_USAGE;
    }
    if (argc > 2 && strcmp(argv[2], "--help") == 0) {
        (void)fputs(command->help, stdout);
        return 0;
    }
    return command->run(argc - 1, argv + 1);
}
