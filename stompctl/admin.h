/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a running broker through its admin socket: one HTTP request, JSON back.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>

/* Where the broker is. */
struct admin_options {
    const char *socket;    /* --admin PATH */
    const char *directory; /* -d DIR: the broker's data directory */
    unsigned patience_s;   /* for the answer; 0: 60 */
};

enum { OPTION_ADMIN = 600 };

/* Rows for a command's table of long options; they go with a "d:" in its short
 * ones. */
#define ADMIN_LONG_OPTIONS                                                     \
    { "admin", required_argument, NULL, OPTION_ADMIN },                        \
    {                                                                          \
        "directory", required_argument, NULL, 'd'                              \
    }

/* Their lines in a command's help. */
#define ADMIN_OPTIONS_HELP                                                     \
    "The broker:\n"                                                            \
    "  -d, --directory DIR        its data directory, by default\n"            \
    "                             ~/.local/state/stompd\n"                     \
    "      --admin PATH           its admin socket, by default\n"              \
    "                             $STOMPCTL_ADMIN, else admin.sock in the\n"   \
    "                             data directory\n"

/* Takes one option that getopt_long found; false when it is not one of the rows
 * above. */
bool admin_options_take(struct admin_options *options, int option,
                        const char *value);

/*
 * Sends a request and waits for the answer, patience_s at the longest.  target
 * is the path with its query, encoded.  Returns 0, with the status of HTTP and
 * the JSON, to be released with json_decref; or -1 with an error when nobody
 * answers or the answer is none.
 */
int admin_call(const struct admin_options *options, const char *method,
               const char *target, unsigned *status_out, json_t **tree_out,
               struct error *err);

/* As admin_call with GET, for what has to be 200: another status is an error
 * with the broker's sentence.  An error leaves *tree_out NULL. */
int admin_get(const struct admin_options *options, const char *target,
              json_t **tree_out, struct error *err);

/* Reports on standard error why the broker refuses, as its answer says; returns
 * code. */
int admin_refused(const json_t *tree, int code);

/* Prints an answer for people; it may take it apart. */
typedef void admin_print_fn(const void *ctx, json_t *tree);

/*
 * The end of a command that shows an answer: as JSON, or as print does it; tree
 * is NULL when there is none, and err says why.  Releases tree; returns the
 * exit code.
 */
int admin_show(json_t *tree, bool json, admin_print_fn *print, const void *ctx,
               const struct error *err);

/* text percent-encoded for a query; to be freed. */
char *admin_encode(const char *text);
