/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands' options have in common: the values that they take, and
 * the options that say where the broker is and who logs in.
 */
#pragma once
#include "base/error.h"
#include "protocol/version.h"
#include "stompctl/client.h"
#include "stompctl/uri.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

/* Values.  Each returns 0, or -1 with an error that names the option, what was
 * found and what is expected. */
int option_count(const char *option, const char *text, uint64_t max,
                 uint64_t *count_out, struct error *err);
/* "250ms", "10s", "5m", "1h". */
int option_duration(const char *option, const char *text, int64_t *us_out,
                    struct error *err);
/* "256", "64kb", "1mb". */
int option_size(const char *option, const char *text, uint64_t max,
                uint64_t *bytes_out, struct error *err);
/* Adds "name:value" (borrowed) to headers, which has room for
 * CLIENT_HEADER_COUNT. */
int option_header(const char *text, struct client_header *headers,
                  size_t *count, struct error *err);

/* A queue as people name it: `orders` is /queue/orders, what has a prefix
 * stays. To be freed. */
char *option_queue(const char *text);

/* The moment that is us after now; us < 0 means never. */
int64_t option_deadline(int64_t us);

struct connect_options {
    const char *uri;
    const char *host;
    const char *user;
    const char *passcode_file;
    const char *version;
    uint32_t sends_ms;
    uint32_t wants_ms;
    bool verbose;
};
#define CONNECT_OPTIONS_INIT                                                   \
    ((struct connect_options){ .sends_ms = 10000, .wants_ms = 10000 })

/* The first free number for a long option of a command's own. */
enum { OPTION_COMMAND = 300 };
enum {
    OPTION_CONNECT = 256,
    OPTION_HEART_BEAT,
    OPTION_HOST,
    OPTION_PASSCODE_FILE,
    OPTION_USER,
    OPTION_VERSION_OF_PROTOCOL,
};

/* Rows for a command's table of long options; they go with a "v" in its short
 * ones. */
#define CONNECT_LONG_OPTIONS                                                   \
    { "connect", required_argument, NULL, OPTION_CONNECT },                    \
        { "heart-beat", required_argument, NULL, OPTION_HEART_BEAT },          \
        { "host", required_argument, NULL, OPTION_HOST },                      \
        { "passcode-file", required_argument, NULL, OPTION_PASSCODE_FILE },    \
        { "user", required_argument, NULL, OPTION_USER },                      \
        { "version-of-protocol", required_argument, NULL,                      \
          OPTION_VERSION_OF_PROTOCOL },                                        \
    {                                                                          \
        "verbose", no_argument, NULL, 'v'                                      \
    }

/* Their lines in a command's help. */
#define CONNECT_OPTIONS_HELP                                                   \
    "Connection:\n"                                                            \
    "      --connect URI          stomp://HOST:PORT, ws://HOST:PORT/PATH\n"    \
    "                             or unix:PATH; else $STOMPCTL_URI, else\n"    \
    "                             stomp://127.0.0.1:61613\n"                   \
    "      --user NAME            log in as NAME\n"                            \
    "      --passcode-file FILE   with the passcode on FILE's first line\n"    \
    "      --host NAME            virtual host to ask for\n"                   \
    "      --heart-beat MS,MS     beats offered and wanted (10000,10000)\n"    \
    "      --version-of-protocol 1.0|1.1|1.2\n"                                \
    "  -v, --verbose              show the frames on standard error\n"

/* Takes one option that getopt_long found.  1 when it was one of the rows
 * above, 0 when it was not, -1 with an error. */
int connect_options_take(struct connect_options *options, int option,
                         const char *value, struct error *err);

/*
 * Connects and logs in as options say; rest holds the deadline and the stop
 * flag, its other members are filled here.  Returns 0 and how it went in
 * *status_out (then *client_out as from client_open), or -1 when the URI or
 * the passcode file is no good.
 */
int connect_options_open(const struct connect_options *options,
                         const struct client_options *rest,
                         struct client **client_out,
                         enum client_status *status_out, struct error *err);
