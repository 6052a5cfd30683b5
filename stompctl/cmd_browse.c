/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl browse: prints what a queue holds and takes nothing from it.
 */
#include "stompctl/command.h"
#include "stompctl/options.h"
#include "stompctl/output.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <sysexits.h>

/* How long the broker may take for login, the next message and farewell. */
enum { BROWSE_ANSWER_US = 60000000 };
enum { BROWSE_PREFETCH_MAX = 500 };

#define BROWSE_ID SPAN("stompctl-browse")

struct browse {
    struct connect_options connect;
    char *destination;
    const char *selector;
    const char *output_path;
    uint64_t max; /* 0: all */
    struct output output;
    struct client *client;
};

enum {
    BROWSE_HEADERS = OPTION_COMMAND,
    BROWSE_NULL,
    BROWSE_RAW,
    BROWSE_SELECTOR,
};

static const struct option browse_long_options[] = {
    { "headers", no_argument, NULL, BROWSE_HEADERS },
    { "max", required_argument, NULL, 'n' },
    { "null", no_argument, NULL, BROWSE_NULL },
    { "output", required_argument, NULL, 'o' },
    { "raw", no_argument, NULL, BROWSE_RAW },
    { "selector", required_argument, NULL, BROWSE_SELECTOR },
    CONNECT_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char browse_help[] =
    "usage: stompctl browse [OPTION]... QUEUE\n"
    "Prints the messages that QUEUE (orders, or /queue/orders) holds, those\n"
    "that consumers have not acknowledged yet among them, one body a line, "
    "and\n"
    "takes none of them.\n"
    "\n"
    "Which:\n"
    "  -n, --max N                the first N; else all\n"
    "      --selector EXPRESSION  only the messages that it selects\n"
    "How to print them:\n"
    "      --headers              headers and an empty line before each body\n"
    "      --null                 a NUL after each body, not a newline\n"
    "      --raw                  nothing after each body\n"
    "  -o, --output PATH          to a file; when PATH is a directory, to\n"
    "                             files 000001, 000002 ... in "
    "it\n" CONNECT_OPTIONS_HELP
    "\nExit code 0: shown, or nothing is there; 69: no broker; 75: the broker\n"
    "does not answer; 76: it refuses.\n";

static int
browse_take_option(struct browse *browse, int option, const char *value,
                   struct error *err)
{
    switch (option) {
    case BROWSE_HEADERS:
        browse->output.headers = true;
        return 0;
    case BROWSE_NULL:
        browse->output.end = OUTPUT_NUL;
        return 0;
    case BROWSE_RAW:
        browse->output.end = OUTPUT_RAW;
        return 0;
    case BROWSE_SELECTOR:
        browse->selector = value;
        return 0;
    case 'n':
        return option_count("max", value, UINT64_MAX, &browse->max, err);
    case 'o':
        browse->output_path = value;
        return 0;
    default:
        return connect_options_take(&browse->connect, option, value, err) < 0
                   ? -1
                   : 0;
    }
}

static void
browse_subscribe(struct browse *browse)
{
    struct client *client = browse->client;
    char text[20];

    client_begin(client, FRAME_SUBSCRIBE, 0);
    client_header(client, HEADER_DESTINATION,
                  span_of_text(browse->destination));
    client_header(client, HEADER_ID, BROWSE_ID);
    client_header(client, HEADER_BROWSER, SPAN("true"));
    if (browse->max > 0 && browse->max < BROWSE_PREFETCH_MAX) {
        client_header(client, HEADER_PREFETCH,
                      span_of(text, u64_to_text(browse->max, text)));
    }
    if (browse->selector != NULL) {
        client_header(client, HEADER_SELECTOR, span_of_text(browse->selector));
    }
    client_end(client, SPAN_NONE);
}

/* Until the end, or --max.  Returns 0 with *status_out, or -1 when a message
 * could not be written. */
static int
browse_messages(struct browse *browse, enum client_status *status_out,
                struct error *err)
{
    const struct frame *frame;

    browse_subscribe(browse);
    while (browse->max == 0 || browse->output.count < browse->max) {
        *status_out = client_receive(
            browse->client, option_deadline(BROWSE_ANSWER_US), &frame, err);
        if (*status_out != CLIENT_OK ||
            span_equal(frame_get(frame, HEADER_BROWSER), SPAN("end"))) {
            return 0;
        }
        if (frame->command == FRAME_MESSAGE &&
            output_write(&browse->output, frame, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Logged in: shows all, leaves, and returns the exit code. */
static int
browse_use(struct browse *browse)
{
    struct error err = ERROR_INIT;
    enum client_status status = CLIENT_OK;

    if (browse_messages(browse, &status, &err) != 0 ||
        output_close(&browse->output, &err) != 0) {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
        return EX_IOERR;
    }
    if (status == CLIENT_OK) {
        status = client_disconnect(browse->client,
                                   option_deadline(BROWSE_ANSWER_US), &err);
    }
    return command_finish(browse->client, status, &err);
}

static int
browse_connected(struct browse *browse)
{
    struct client_options rest = {
        .deadline_us = option_deadline(BROWSE_ANSWER_US),
    };
    struct error err = ERROR_INIT;
    enum client_status status;
    int code;

    if (connect_options_open(&browse->connect, &rest, &browse->client, &status,
                             &err) != 0) {
        return command_usage(&command_browse, &err);
    }
    code = status == CLIENT_OK ? browse_use(browse)
                               : command_finish(browse->client, status, &err);
    client_free(&browse->client);
    return code;
}

/* Options and arguments; 0, or the exit code of a usage fault. */
static int
browse_parse(struct browse *browse, int argc, char **argv)
{
    struct error err = ERROR_INIT;
    int option;

    while ((option = getopt_long(argc, argv, "n:o:v", browse_long_options,
                                 NULL)) != -1) {
        if (option == '?') {
            return command_usage_hint(&command_browse);
        }
        if (browse_take_option(browse, option, optarg, &err) != 0) {
            return command_usage(&command_browse, &err);
        }
    }
    if (optind + 1 != argc) {
        (void)error_set(&err, optind == argc ? "no queue: name one, such as "
                                               "orders or /queue/orders"
                                             : "only one queue");
        return command_usage(&command_browse, &err);
    }
    browse->destination = option_queue(argv[optind]);
    if (output_open(&browse->output, browse->output_path, &err) != 0) {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
        return EX_CANTCREAT;
    }
    return 0;
}

static int
browse_run(int argc, char **argv)
{
    struct browse browse = { .connect = CONNECT_OPTIONS_INIT };
    struct error err = ERROR_INIT;
    int code = browse_parse(&browse, argc, argv);

    if (code == 0) {
        code = browse_connected(&browse);
    }
    (void)output_close(&browse.output, &err);
    free(browse.destination);
    return code;
}

const struct command command_browse = {
    .name = "browse",
    .summary = "print what a queue holds, and take nothing",
    .help = browse_help,
    .run = browse_run,
};
