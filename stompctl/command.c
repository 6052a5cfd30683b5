/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/command.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

const struct command *const commands[] = {
    &command_send,
    &command_subscribe,
    &command_browse,
    &command_bench,
    &command_check,
    &command_conform,
    &command_connections,
    &command_doctor,
    &command_durable,
    &command_explain,
    &command_policy,
    &command_status,
    &command_purge,
    &command_store,
    &command_import,
    &command_help,
    NULL,
};

const struct command *
command_find(const char *name)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

int
command_usage_hint(const struct command *command)
{
    (void)fprintf(stderr, "Try \"stompctl help %s\".\n", command->name);
    return EX_USAGE;
}

int
command_usage(const struct command *command, const struct error *err)
{
    (void)fprintf(stderr, "stompctl %s: %s\n", command->name, err->text);
    return command_usage_hint(command);
}

static void
command_complain(const struct client *client, const struct error *err)
{
    (void)fprintf(stderr, "stompctl: %s\n", err->text);
    if (client != NULL) {
        struct span body = client_error_body(client);

        if (body.len > 0) {
            bool ended = body.data[body.len - 1] == '\n';

            (void)fwrite(body.data, 1, body.len, stderr);
            (void)fputs(ended ? "" : "\n", stderr);
        }
    }
}

int
command_finish(const struct client *client, enum client_status status,
               const struct error *err)
{
    switch (status) {
    case CLIENT_OK:
    case CLIENT_STOPPED:
        return 0;
    case CLIENT_UNAVAILABLE:
        command_complain(client, err);
        return EX_UNAVAILABLE;
    case CLIENT_PROTOCOL:
        command_complain(client, err);
        return EX_PROTOCOL;
    case CLIENT_TIMEOUT:
        command_complain(client, err);
        return EX_TEMPFAIL;
    }
    return EX_SOFTWARE;
}
