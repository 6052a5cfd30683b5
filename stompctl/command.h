/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of stompctl: one row and one file (cmd_NAME.c) each.
 */
#pragma once
#include "base/error.h"
#include "stompctl/client.h"

/* argv[0] is the command's name; returns the exit code of the program. */
typedef int command_run_fn(int argc, char **argv);

struct command {
    const char *name;
    const char *summary; /* one line for `stompctl --help` */
    const char *help;    /* all that `stompctl help NAME` prints */
    command_run_fn *run;
};

extern const struct command command_bench;
extern const struct command command_browse;
extern const struct command command_check;
extern const struct command command_conform;
extern const struct command command_connections;
extern const struct command command_doctor;
extern const struct command command_durable;
extern const struct command command_explain;
extern const struct command command_help;
extern const struct command command_import;
extern const struct command command_policy;
extern const struct command command_purge;
extern const struct command command_send;
extern const struct command command_status;
extern const struct command command_store;
extern const struct command command_subscribe;

/* Ends with NULL; in the order in which help shows them. */
extern const struct command *const commands[];

/* NULL when there is none of that name. */
const struct command *command_find(const char *name);

/* Says what is wrong with the arguments and where help is; returns EX_USAGE.
 */
int command_usage(const struct command *command, const struct error *err);

/* getopt_long met an option that it does not know, or one without its value;
 * it has said so itself.  Returns EX_USAGE. */
int command_usage_hint(const struct command *command);

/*
 * The exit code for how a client call went: 0, EX_UNAVAILABLE, EX_PROTOCOL,
 * EX_TEMPFAIL.  Anything but CLIENT_OK and CLIENT_STOPPED is reported on
 * standard error, with the body of the ERROR frame when there was one; client
 * may be NULL.
 */
int command_finish(const struct client *client, enum client_status status,
                   const struct error *err);
