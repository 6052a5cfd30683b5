/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl subscribe: prints the messages of a destination.  Acknowledges a
 * message when it has been written, so that an interrupted run loses nothing.
 */
#include "stompctl/command.h"
#include "stompctl/options.h"
#include "stompctl/output.h"

#include "base/alloc.h"

#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>

/* How long the broker may take for login, subscription and farewell. */
enum { SUBSCRIBE_ANSWER_US = 30000000 };
enum { SUBSCRIBE_PREFETCH_MAX = 65535 };

#define SUBSCRIBE_ID SPAN("stompctl-1")

enum subscribe_ack {
    SUBSCRIBE_AUTO,
    SUBSCRIBE_CLIENT,
    SUBSCRIBE_CLIENT_INDIVIDUAL,
};
static const char *const subscribe_ack_names[] = { "auto", "client",
                                                   "client-individual" };
enum { SUBSCRIBE_ACK_COUNT = 3 };

struct subscribe {
    struct connect_options connect;
    struct client_header headers[CLIENT_HEADER_COUNT];
    size_t header_count;
    struct span destination;
    enum subscribe_ack ack;
    bool nack;
    const char *selector;
    const char *output_path;
    uint64_t count;     /* stop after so many; 0: go on */
    uint64_t prefetch;  /* 0: not said */
    int64_t timeout_us; /* longest wait for a message; -1: for ever */

    struct output output;
    struct client *client;
};

enum {
    SUBSCRIBE_ACK = OPTION_COMMAND,
    SUBSCRIBE_HEADERS,
    SUBSCRIBE_NACK,
    SUBSCRIBE_NULL,
    SUBSCRIBE_PREFETCH,
    SUBSCRIBE_RAW,
    SUBSCRIBE_SELECTOR,
    SUBSCRIBE_TIMEOUT,
};

static const struct option subscribe_long_options[] = {
    { "ack", required_argument, NULL, SUBSCRIBE_ACK },
    { "count", required_argument, NULL, 'n' },
    { "header", required_argument, NULL, 'H' },
    { "headers", no_argument, NULL, SUBSCRIBE_HEADERS },
    { "nack", no_argument, NULL, SUBSCRIBE_NACK },
    { "null", no_argument, NULL, SUBSCRIBE_NULL },
    { "output", required_argument, NULL, 'o' },
    { "prefetch", required_argument, NULL, SUBSCRIBE_PREFETCH },
    { "raw", no_argument, NULL, SUBSCRIBE_RAW },
    { "selector", required_argument, NULL, SUBSCRIBE_SELECTOR },
    { "timeout", required_argument, NULL, SUBSCRIBE_TIMEOUT },
    CONNECT_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char subscribe_help[] =
    "usage: stompctl subscribe [OPTION]... DESTINATION\n"
    "Prints the messages that come to DESTINATION, one body a line, until\n"
    "interrupted.\n"
    "\n"
    "When to end:\n"
    "  -n, --count N              after N messages\n"
    "      --timeout TIME         when no message came for TIME, such as 10s\n"
    "How to take them:\n"
    "      --ack MODE             client-individual (each message when it\n"
    "                             has been written; the default), client or\n"
    "                             auto (all that was sent here is consumed,\n"
    "                             even beyond --count)\n"
    "      --nack                 refuse every message instead\n"
    "      --prefetch N           messages on their way at once (for a queue\n"
    "                             with --count: as many as that)\n"
    "      --selector EXPRESSION  only the messages that it selects\n"
    "  -H, --header NAME:VALUE    a header of the SUBSCRIBE; may be repeated\n"
    "How to print them:\n"
    "      --headers              headers and an empty line before each body\n"
    "      --null                 a NUL after each body, not a newline\n"
    "      --raw                  nothing after each body\n"
    "  -o, --output PATH          to a file; when PATH is a directory, to\n"
    "                             files 000001, 000002 ... in "
    "it\n" CONNECT_OPTIONS_HELP
    "\nExit code 0: --count was reached, or without --count also when time\n"
    "ran out or on SIGINT or SIGTERM.  75: time ran out before --count.\n";

static volatile sig_atomic_t subscribe_stop;

static void
subscribe_on_signal(int signal_number)
{
    (void)signal_number;
    subscribe_stop = 1;
}

/* From here on the signals come in only while the client waits; old_out is
 * the mask to wait with. */
static void
subscribe_catch_signals(sigset_t *old_out)
{
    struct sigaction action = { .sa_handler = subscribe_on_signal };
    sigset_t mask;

    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGINT);
    (void)sigaddset(&mask, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &mask, old_out);
    (void)sigdelset(old_out, SIGINT);
    (void)sigdelset(old_out, SIGTERM);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static int
subscribe_take_ack(struct subscribe *subscribe, const char *value,
                   struct error *err)
{
    for (int i = 0; i < SUBSCRIBE_ACK_COUNT; i++) {
        if (strcmp(value, subscribe_ack_names[i]) == 0) {
            subscribe->ack = (enum subscribe_ack)i;
            return 0;
        }
    }
    return error_set(err,
                     "--ack: \"%s\" is none of auto, client and "
                     "client-individual",
                     value);
}

static int
subscribe_take_option(struct subscribe *subscribe, int option,
                      const char *value, struct error *err)
{
    switch (option) {
    case SUBSCRIBE_ACK:
        return subscribe_take_ack(subscribe, value, err);
    case SUBSCRIBE_HEADERS:
        subscribe->output.headers = true;
        return 0;
    case SUBSCRIBE_NACK:
        subscribe->nack = true;
        return 0;
    case SUBSCRIBE_NULL:
        subscribe->output.end = OUTPUT_NUL;
        return 0;
    case SUBSCRIBE_PREFETCH:
        return option_count("prefetch", value, SUBSCRIBE_PREFETCH_MAX,
                            &subscribe->prefetch, err);
    case SUBSCRIBE_RAW:
        subscribe->output.end = OUTPUT_RAW;
        return 0;
    case SUBSCRIBE_SELECTOR:
        subscribe->selector = value;
        return 0;
    case SUBSCRIBE_TIMEOUT:
        return option_duration("timeout", value, &subscribe->timeout_us, err);
    case 'H':
        return option_header(value, subscribe->headers,
                             &subscribe->header_count, err);
    case 'n':
        return option_count("count", value, UINT64_MAX, &subscribe->count, err);
    case 'o':
        subscribe->output_path = value;
        return 0;
    default:
        return connect_options_take(&subscribe->connect, option, value, err) < 0
                   ? -1
                   : 0;
    }
}

static int
subscribe_check(struct subscribe *subscribe, int argc, char **argv,
                struct error *err)
{
    if (argc == 0) {
        return error_set(err, "no destination: name one, such as "
                              "/queue/orders or /topic/news");
    }
    if (argc > 1) {
        return error_set(err,
                         "\"%s\" follows the destination \"%s\": give "
                         "several destinations as one argument, with "
                         "commas between them",
                         argv[1], argv[0]);
    }
    if (subscribe->nack && subscribe->ack == SUBSCRIBE_AUTO) {
        return error_set(err, "--nack needs --ack client-individual or "
                              "client: nothing can be refused that counts as "
                              "consumed");
    }
    subscribe->destination = span_of_text(argv[0]);
    /* What is sent here beyond --count goes back to the queue when we leave,
     * but meanwhile no other consumer gets it. */
    if (subscribe->prefetch == 0 && subscribe->count > 0 &&
        span_starts_with(subscribe->destination, SPAN("/queue/"))) {
        subscribe->prefetch = subscribe->count < SUBSCRIBE_PREFETCH_MAX
                                  ? subscribe->count
                                  : SUBSCRIBE_PREFETCH_MAX;
    }
    return 0;
}

static void
subscribe_queue(struct subscribe *subscribe)
{
    struct client *client = subscribe->client;
    enum subscribe_ack ack = subscribe->ack;
    char text[20];

    /* STOMP 1.0 knows only auto and client. */
    if (client_version(client) == STOMP_1_0 && ack != SUBSCRIBE_AUTO) {
        ack = SUBSCRIBE_CLIENT;
    }
    client_begin(client, FRAME_SUBSCRIBE, 0);
    client_header(client, HEADER_DESTINATION, subscribe->destination);
    client_header(client, HEADER_ID, SUBSCRIBE_ID);
    client_header(client, HEADER_ACK, span_of_text(subscribe_ack_names[ack]));
    /* Nobody waits for it, but -v then shows when the subscription holds. */
    client_header(client, HEADER_RECEIPT, SPAN("subscribed"));
    if (subscribe->prefetch > 0) {
        client_header(client, HEADER_ACTIVEMQ_PREFETCH_SIZE,
                      span_of(text, u64_to_text(subscribe->prefetch, text)));
    }
    if (subscribe->selector != NULL) {
        client_header(client, HEADER_SELECTOR,
                      span_of_text(subscribe->selector));
    }
    for (size_t i = 0; i < subscribe->header_count; i++) {
        client_header_named(client, subscribe->headers[i].name,
                            subscribe->headers[i].value);
    }
    client_end(client, SPAN_NONE);
}

/* Queues the answer to a message: what it is called by depends on the
 * version. */
static void
subscribe_answer(struct subscribe *subscribe, const struct frame *message)
{
    struct client *client = subscribe->client;

    if (subscribe->ack == SUBSCRIBE_AUTO) {
        return;
    }
    client_begin(client, subscribe->nack ? FRAME_NACK : FRAME_ACK, 0);
    if (version_rules(client_version(client))->ack_by_id) {
        client_header(client, HEADER_ID, frame_get(message, HEADER_ACK));
    } else {
        client_header(client, HEADER_MESSAGE_ID,
                      frame_get(message, HEADER_MESSAGE_ID));
        client_header(client, HEADER_SUBSCRIPTION, SUBSCRIBE_ID);
    }
    client_end(client, SPAN_NONE);
}

/* Takes one message.  Returns 0 with *status_out, or -1 when it could not be
 * written. */
static int
subscribe_message(struct subscribe *subscribe, enum client_status *status_out,
                  struct error *err)
{
    int64_t deadline_us = option_deadline(subscribe->timeout_us);
    const struct frame *frame;

    do {
        *status_out =
            client_receive(subscribe->client, deadline_us, &frame, err);
        if (*status_out != CLIENT_OK) {
            return 0;
        }
    } while (frame->command != FRAME_MESSAGE);
    if (output_write(&subscribe->output, frame, err) != 0) {
        return -1;
    }
    subscribe_answer(subscribe, frame);
    return 0;
}

static int
subscribe_messages(struct subscribe *subscribe, enum client_status *status_out,
                   struct error *err)
{
    subscribe_queue(subscribe);
    while (
        *status_out == CLIENT_OK &&
        (subscribe->count == 0 || subscribe->output.count < subscribe->count)) {
        if (subscribe_message(subscribe, status_out, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The end in good order: the answers that are queued reach the broker. */
static enum client_status
subscribe_leave(struct subscribe *subscribe, enum client_status status,
                struct error *err)
{
    struct error late = ERROR_INIT;
    enum client_status left;

    if (status != CLIENT_OK && status != CLIENT_STOPPED &&
        status != CLIENT_TIMEOUT) {
        return status;
    }
    left = client_disconnect(subscribe->client,
                             option_deadline(SUBSCRIBE_ANSWER_US), &late);
    if (status == CLIENT_TIMEOUT && subscribe->count > 0) {
        err->text[0] = '\0';
        (void)error_set(err, "only %llu of %llu messages came in time",
                        (unsigned long long)subscribe->output.count,
                        (unsigned long long)subscribe->count);
        return status;
    }
    *err = late;
    return left;
}

/* Logged in: takes messages, leaves, and returns the exit code. */
static int
subscribe_use(struct subscribe *subscribe)
{
    struct error err = ERROR_INIT;
    enum client_status status = CLIENT_OK;

    if (subscribe_messages(subscribe, &status, &err) != 0 ||
        output_close(&subscribe->output, &err) != 0) {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
        return EX_IOERR;
    }
    status = subscribe_leave(subscribe, status, &err);
    return command_finish(subscribe->client, status, &err);
}

static int
subscribe_connected(struct subscribe *subscribe)
{
    struct error err = ERROR_INIT;
    enum client_status status = CLIENT_OK;
    sigset_t wait_mask;
    struct client_options rest = {
        .deadline_us = option_deadline(SUBSCRIBE_ANSWER_US),
        .stop = &subscribe_stop,
        .stop_mask = &wait_mask,
    };
    int code;

    subscribe_catch_signals(&wait_mask);
    if (connect_options_open(&subscribe->connect, &rest, &subscribe->client,
                             &status, &err) != 0) {
        return command_usage(&command_subscribe, &err);
    }
    code = status == CLIENT_OK
               ? subscribe_use(subscribe)
               : command_finish(subscribe->client, status, &err);
    client_free(&subscribe->client);
    return code;
}

/* Options and arguments; 0, or the exit code of a usage fault. */
static int
subscribe_parse(struct subscribe *subscribe, int argc, char **argv)
{
    struct error err = ERROR_INIT;
    int option;

    while ((option = getopt_long(argc, argv, "H:n:o:v", subscribe_long_options,
                                 NULL)) != -1) {
        if (option == '?') {
            return command_usage_hint(&command_subscribe);
        }
        if (subscribe_take_option(subscribe, option, optarg, &err) != 0) {
            return command_usage(&command_subscribe, &err);
        }
    }
    if (subscribe_check(subscribe, argc - optind, argv + optind, &err) != 0) {
        return command_usage(&command_subscribe, &err);
    }
    if (output_open(&subscribe->output, subscribe->output_path, &err) != 0) {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
        return EX_CANTCREAT;
    }
    return 0;
}

static int
subscribe_run(int argc, char **argv)
{
    struct subscribe *subscribe = xcalloc(1, sizeof(*subscribe));
    struct error err = ERROR_INIT;
    int code;

    subscribe->connect = CONNECT_OPTIONS_INIT;
    subscribe->ack = SUBSCRIBE_CLIENT_INDIVIDUAL;
    subscribe->timeout_us = -1;
    code = subscribe_parse(subscribe, argc, argv);
    if (code == 0) {
        code = subscribe_connected(subscribe);
    }
    (void)output_close(&subscribe->output, &err);
    free(subscribe);
    return code;
}

const struct command command_subscribe = {
    .name = "subscribe",
    .summary = "print the messages of a queue or topic",
    .help = subscribe_help,
    .run = subscribe_run,
};
