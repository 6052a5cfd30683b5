/* SPDX-License-Identifier: Apache-2.0 */
/* stompctl conform: which statements of STOMP a broker fulfils. */
#include "stompctl/command.h"
#include "stompctl/conform.h"
#include "stompctl/options.h"

#include "base/buf.h"
#include "base/clock.h"
#include "stompctl/link.h"

#include <signal.h>
#include <sysexits.h>

enum { CONFORM_TIMEOUT_US = 3000000 };

enum {
    CONFORM_OPTION_CUT = OPTION_COMMAND,
    CONFORM_OPTION_HOST,
    CONFORM_OPTION_JSON,
    CONFORM_OPTION_MARKDOWN,
    CONFORM_OPTION_ONLY,
    CONFORM_OPTION_TAP,
    CONFORM_OPTION_TIMEOUT,
    CONFORM_OPTION_TRANSPORT,
};

static const struct option conform_long_options[] = {
    { "cut", no_argument, NULL, CONFORM_OPTION_CUT },
    { "host", required_argument, NULL, CONFORM_OPTION_HOST },
    { "json", no_argument, NULL, CONFORM_OPTION_JSON },
    { "markdown", no_argument, NULL, CONFORM_OPTION_MARKDOWN },
    { "only", required_argument, NULL, CONFORM_OPTION_ONLY },
    { "tap", no_argument, NULL, CONFORM_OPTION_TAP },
    { "timeout", required_argument, NULL, CONFORM_OPTION_TIMEOUT },
    { "transport", required_argument, NULL, CONFORM_OPTION_TRANSPORT },
    { NULL, 0, NULL, 0 },
};

static const char conform_help[] =
    "usage: stompctl conform [OPTION]... URI\n"
    "\n"
    "Checks from outside which statements of STOMP 1.0, 1.1 and 1.2, and\n"
    "which needs of real clients, a broker fulfils.  Any broker will do.  One\n"
    "line per statement: its number, how strong the specification is about\n"
    "it, the result, what it says, and what came when it fails.  It uses\n"
    "queues and topics called conform.SOMETHING.\n"
    "\n"
    "URI is stomp://HOST:PORT, ws://HOST:PORT/PATH or unix:PATH, with a\n"
    "login as in stomp://USER:PASSCODE@HOST:PORT where one is needed.\n"
    "\n"
    "      --only PATTERN         only statements of that number: 'V12-0*'\n"
    "      --transport tcp|ws-text|ws-binary\n"
    "                             by default tcp, or ws-text for ws://\n"
    "      --host NAME            the virtual host (host of the URI)\n"
    "      --timeout TIME         what an answer may take (3s)\n"
    "      --cut                  send every octet by itself\n"
    "      --json                 print a JSON array\n"
    "      --markdown             print a table\n"
    "      --tap                  print for a test harness (TAP)\n"
    "\n"
    "Exit code 0: every MUST holds; 1: one does not.\n";

static int
conform_take_transport(struct conform_options *options, const char *value,
                       struct error *err)
{
    static const char *const names[] = { "tcp", "ws-text", "ws-binary" };

    for (size_t i = 0; i < 3; i++) {
        if (strcmp(value, names[i]) == 0) {
            options->target.transport = (enum step_transport)i;
            return 0;
        }
    }
    return error_set(err,
                     "--transport: \"%s\" is none of tcp, ws-text and "
                     "ws-binary",
                     value);
}

static int
conform_take_option(struct conform_options *options, int option,
                    const char *value, struct error *err)
{
    switch (option) {
    case CONFORM_OPTION_CUT:
        options->target.cut = true;
        return 0;
    case CONFORM_OPTION_HOST:
        options->target.host = value;
        return 0;
    case CONFORM_OPTION_JSON:
        options->format = CONFORM_JSON;
        return 0;
    case CONFORM_OPTION_MARKDOWN:
        options->format = CONFORM_MARKDOWN;
        return 0;
    case CONFORM_OPTION_ONLY:
        options->only = value;
        return 0;
    case CONFORM_OPTION_TAP:
        options->format = CONFORM_TAP;
        return 0;
    case CONFORM_OPTION_TIMEOUT:
        return option_duration("timeout", value, &options->target.timeout_us,
                               err);
    default:
        return conform_take_transport(options, value, err);
    }
}

/* The URI and the transport must go together. */
static int
conform_check_uri(struct conform_options *options, const struct uri *uri,
                  bool chosen, struct error *err)
{
    bool websocket = uri->scheme == URI_WS;

    if (!chosen) {
        options->target.transport = websocket ? STEP_WS_TEXT : STEP_TCP;
    }
    if (websocket != (options->target.transport != STEP_TCP)) {
        return error_set(err,
                         "the URI must begin with %s for that "
                         "--transport",
                         websocket ? "stomp://" : "ws://");
    }
    options->target.uri = uri;
    if (options->target.host == NULL) {
        options->target.host = uri->host != NULL ? uri->host : "localhost";
    }
    return 0;
}

/* Nothing is checked when nobody is there. */
static int
conform_reach(const struct conform_options *options)
{
    struct error err = ERROR_INIT;
    struct link *link;

    if (link_open(options->target.uri,
                  clock_monotonic_us() + options->target.timeout_us, &link,
                  &err) != 0) {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
        return EX_UNAVAILABLE;
    }
    link_close(&link);
    return 0;
}

static int
conform_with_uri(struct conform_options *options, const struct uri *uri)
{
    struct buf login = BUF_INIT;
    int code;

    if (uri->user != NULL) {
        buf_appendf(&login, "login:%s\n", uri->user);
    }
    if (uri->passcode != NULL) {
        buf_appendf(&login, "passcode:%s\n", uri->passcode);
    }
    buf_append_char(&login, '\0');
    options->target.login = login.data;
    (void)signal(SIGPIPE, SIG_IGN); /* brokers hang up on us: we see that */
    code = conform_reach(options);
    if (code == 0) {
        code = conform_run(options, stdout);
    }
    buf_fini(&login);
    return code;
}

static int
conform_command_run(int argc, char **argv)
{
    struct conform_options options = {
        .target = { .timeout_us = CONFORM_TIMEOUT_US },
    };
    struct error err = ERROR_INIT;
    bool chosen = false;
    struct uri uri;
    int option;
    int code;

    while ((option = getopt_long(argc, argv, "", conform_long_options, NULL)) !=
           -1) {
        if (option == '?') {
            return command_usage_hint(&command_conform);
        }
        chosen = chosen || option == CONFORM_OPTION_TRANSPORT;
        if (conform_take_option(&options, option, optarg, &err) != 0) {
            return command_usage(&command_conform, &err);
        }
    }
    if (argc - optind != 1) {
        (void)error_set(&err, "give one URI, such as "
                              "stomp://127.0.0.1:61613");
        return command_usage(&command_conform, &err);
    }
    code = uri_parse(argv[optind], &uri, &err);
    if (code == 0) {
        code = conform_check_uri(&options, &uri, chosen, &err);
    }
    code = code == 0 ? conform_with_uri(&options, &uri)
                     : command_usage(&command_conform, &err);
    uri_fini(&uri);
    return code;
}

const struct command command_conform = {
    .name = "conform",
    .summary = "check a broker against the specification",
    .help = conform_help,
    .run = conform_command_run,
};
