/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl send: messages from the command line, files or standard input to
 * one destination, asynchronous, synchronous with a window, or as one
 * transaction.
 */
#include "stompctl/command.h"
#include "stompctl/input.h"
#include "stompctl/options.h"

#include "base/alloc.h"

#include <poll.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
    SEND_FLUSH_BYTES = 262144, /* this much is queued before it is written */
    SEND_FILE_COUNT = 256,
    SEND_WINDOW_MAX = 1000000,
};

#define SEND_TRANSACTION_ID SPAN("stompctl-tx")

struct send {
    struct connect_options connect;
    struct client_header headers[CLIENT_HEADER_COUNT];
    size_t header_count;
    const char *body; /* NULL: from the files */
    const char *files[SEND_FILE_COUNT];
    size_t file_count;
    bool by_line;
    bool transaction;
    uint64_t repeat;
    uint64_t window; /* receipts that may be missing at once; 0: none asked */
    int64_t timeout_us;

    struct span destination;
    struct client *client;
    uint64_t sent;
    uint64_t receipted;
};

enum {
    SEND_BODY = OPTION_COMMAND,
    SEND_CONTENT_TYPE,
    SEND_LINES,
    SEND_PERSISTENT,
    SEND_RECEIPT,
    SEND_REPLY_TO,
    SEND_TIMEOUT,
    SEND_TRANSACTION,
    SEND_WINDOW,
};

static const struct option send_long_options[] = {
    { "body", required_argument, NULL, SEND_BODY },
    { "content-type", required_argument, NULL, SEND_CONTENT_TYPE },
    { "count", required_argument, NULL, 'n' },
    { "file", required_argument, NULL, 'f' },
    { "header", required_argument, NULL, 'H' },
    { "lines", no_argument, NULL, SEND_LINES },
    { "persistent", no_argument, NULL, SEND_PERSISTENT },
    { "receipt", no_argument, NULL, SEND_RECEIPT },
    { "reply-to", required_argument, NULL, SEND_REPLY_TO },
    { "timeout", required_argument, NULL, SEND_TIMEOUT },
    { "transaction", no_argument, NULL, SEND_TRANSACTION },
    { "window", required_argument, NULL, SEND_WINDOW },
    CONNECT_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char send_help[] =
    "usage: stompctl send [OPTION]... DESTINATION\n"
    "Sends messages to DESTINATION, such as /queue/orders or /topic/news.\n"
    "\n"
    "What:\n"
    "      --body TEXT            one message with TEXT as its body\n"
    "  -f, --file FILE            FILE's bytes; may be repeated, - is stdin;\n"
    "                             without --body and --file stdin is sent\n"
    "      --lines                each line is a message of its own\n"
    "  -n, --count N              send every message N times\n"
    "  -H, --header NAME:VALUE    a header of every message; may be repeated\n"
    "      --content-type TYPE    the same as -H content-type:TYPE\n"
    "      --reply-to DEST        the same as -H reply-to:DEST\n"
    "      --persistent           the same as -H persistent:true\n"
    "How:\n"
    "      --receipt              synchronous: wait for the broker's RECEIPT\n"
    "                             before the next message\n"
    "      --window N             synchronous with at most N receipts missing\n"
    "      --transaction          all messages or none, in one transaction\n"
    "      --timeout TIME         give up when the broker does not answer\n"
    "                             for so long (30s)\n" CONNECT_OPTIONS_HELP
    "\nExit code 0: all sent and, where asked for, receipted.\n";

static int
send_add_header(struct send *send, const char *name, const char *value,
                struct error *err)
{
    if (send->header_count == CLIENT_HEADER_COUNT) {
        return error_set(err, "more than %d headers", CLIENT_HEADER_COUNT);
    }
    send->headers[send->header_count++] =
        (struct client_header){ span_of_text(name), span_of_text(value) };
    return 0;
}

static int
send_add_file(struct send *send, const char *name, struct error *err)
{
    if (send->file_count == SEND_FILE_COUNT) {
        return error_set(err, "--file: more than %d files", SEND_FILE_COUNT);
    }
    send->files[send->file_count++] = name;
    return 0;
}

static int
send_take_option(struct send *send, int option, const char *value,
                 struct error *err)
{
    switch (option) {
    case SEND_BODY:
        send->body = value;
        return 0;
    case SEND_CONTENT_TYPE:
        return send_add_header(send, "content-type", value, err);
    case SEND_LINES:
        send->by_line = true;
        return 0;
    case SEND_PERSISTENT:
        return send_add_header(send, "persistent", "true", err);
    case SEND_RECEIPT:
        send->window = send->window > 0 ? send->window : 1;
        return 0;
    case SEND_REPLY_TO:
        return send_add_header(send, "reply-to", value, err);
    case SEND_TIMEOUT:
        return option_duration("timeout", value, &send->timeout_us, err);
    case SEND_TRANSACTION:
        send->transaction = true;
        return 0;
    case SEND_WINDOW:
        return option_count("window", value, SEND_WINDOW_MAX, &send->window,
                            err);
    case 'f':
        return send_add_file(send, value, err);
    case 'H':
        return option_header(value, send->headers, &send->header_count, err);
    case 'n':
        return option_count("count", value, UINT64_MAX, &send->repeat, err);
    default:
        return connect_options_take(&send->connect, option, value, err) < 0 ? -1
                                                                            : 0;
    }
}

static int
send_check(struct send *send, int argc, char **argv, struct error *err)
{
    if (argc == 0) {
        return error_set(err, "no destination: name one, such as "
                              "/queue/orders or /topic/news");
    }
    if (argc > 1) {
        return error_set(err,
                         "\"%s\" follows the destination \"%s\": only "
                         "one destination can be sent to (put blanks "
                         "in quotes)",
                         argv[1], argv[0]);
    }
    if (send->body != NULL && send->file_count > 0) {
        return error_set(err, "--body and --file exclude each other");
    }
    if (send->transaction && send->window > 0) {
        return error_set(err, "--transaction and --receipt or --window "
                              "exclude each other: the COMMIT has a receipt "
                              "that stands for all");
    }
    if (send->body == NULL && send->file_count == 0) {
        send->files[send->file_count++] = "-";
    }
    send->destination = span_of_text(argv[0]);
    return 0;
}

/* Takes receipts until at most allowed are missing. */
static enum client_status
send_await_receipts(struct send *send, uint64_t allowed, struct error *err)
{
    enum client_status status = CLIENT_OK;
    const struct frame *frame;

    while (status == CLIENT_OK && send->window > 0 &&
           send->sent - send->receipted > allowed) {
        status = client_receive(send->client, option_deadline(send->timeout_us),
                                &frame, err);
        if (status == CLIENT_OK && frame->command == FRAME_RECEIPT) {
            send->receipted++;
        }
    }
    return status;
}

static void
send_queue(struct send *send, struct span body)
{
    struct client *client = send->client;

    client_begin(client, FRAME_SEND, body.len);
    client_header(client, HEADER_DESTINATION, send->destination);
    if (send->transaction) {
        client_header(client, HEADER_TRANSACTION, SEND_TRANSACTION_ID);
    }
    if (send->window > 0) {
        char id[20];

        client_header(client, HEADER_RECEIPT,
                      span_of(id, u64_to_text(send->sent, id)));
    }
    for (size_t i = 0; i < send->header_count; i++) {
        client_header_named(client, send->headers[i].name,
                            send->headers[i].value);
    }
    client_end(client, body);
    send->sent++;
}

static enum client_status
send_message(struct send *send, struct span body, struct error *err)
{
    enum client_status status = CLIENT_OK;

    for (uint64_t i = 0; i < send->repeat && status == CLIENT_OK; i++) {
        status = send->window > 0
                     ? send_await_receipts(send, send->window - 1, err)
                     : CLIENT_OK;
        if (status != CLIENT_OK) {
            return status;
        }
        send_queue(send, body);
        if (client_queued_bytes(send->client) >= SEND_FLUSH_BYTES) {
            status = client_flush(send->client,
                                  option_deadline(send->timeout_us), err);
        }
    }
    return status;
}

/* Waits until the input can be read without blocking; receipts that come
 * meanwhile are taken, beats are kept. */
static enum client_status
send_await_input(struct send *send, int fd, struct error *err)
{
    struct pollfd polled = { .fd = fd, .events = POLLIN };
    enum client_status status = CLIENT_OK;

    while (status == CLIENT_OK && poll(&polled, 1, 0) == 0) {
        struct error late = ERROR_INIT;
        const struct frame *frame;

        status = client_wait_input(send->client, fd, INT64_MAX, err);
        while (status == CLIENT_OK) {
            status = client_receive(send->client, 0, &frame, &late);
            send->receipted +=
                status == CLIENT_OK && frame->command == FRAME_RECEIPT;
        }
        if (status != CLIENT_TIMEOUT) {
            (void)error_set(err, "%s", late.text);
            return status;
        }
        status = CLIENT_OK;
    }
    return status;
}

/* Sends all of one file.  Returns 0 with *status_out, or -1 when the file
 * cannot be read. */
static int
send_file(struct send *send, const char *name, enum client_status *status_out,
          struct error *err)
{
    struct input input;
    struct span message;
    int result = input_open(&input, name, send->by_line, err);

    if (result != 0) {
        return result;
    }
    while (*status_out == CLIENT_OK && result == 0) {
        if (input_next(&input, &message)) {
            *status_out = send_message(send, message, err);
            continue;
        }
        if (input.ended) {
            break;
        }
        *status_out = send_await_input(send, input.fd, err);
        if (*status_out == CLIENT_OK) {
            result = input_read(&input, err);
        }
    }
    input_close(&input);
    return result;
}

/* Sends everything.  As send_file. */
static int
send_all(struct send *send, enum client_status *status_out, struct error *err)
{
    if (send->transaction) {
        client_begin(send->client, FRAME_BEGIN, 0);
        client_header(send->client, HEADER_TRANSACTION, SEND_TRANSACTION_ID);
        client_end(send->client, SPAN_NONE);
    }
    if (send->body != NULL) {
        struct span rest = span_of_text(send->body);

        while (send->by_line && rest.len > 0 && *status_out == CLIENT_OK) {
            *status_out = send_message(send, span_split(&rest, '\n'), err);
        }
        if (!send->by_line) {
            *status_out = send_message(send, rest, err);
        }
    }
    for (size_t i = 0; i < send->file_count && *status_out == CLIENT_OK; i++) {
        if (send_file(send, send->files[i], status_out, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static enum client_status
send_commit(struct send *send, struct error *err)
{
    const struct span id = SPAN("stompctl-commit");

    client_begin(send->client, FRAME_COMMIT, 0);
    client_header(send->client, HEADER_TRANSACTION, SEND_TRANSACTION_ID);
    client_header(send->client, HEADER_RECEIPT, id);
    client_end(send->client, SPAN_NONE);
    return client_await_receipt(send->client, id,
                                option_deadline(send->timeout_us), err);
}

/* Everything is queued: sees that the broker has it. */
static enum client_status
send_finish(struct send *send, struct error *err)
{
    enum client_status status = send->transaction
                                    ? send_commit(send, err)
                                    : send_await_receipts(send, 0, err);

    return status != CLIENT_OK
               ? status
               : client_disconnect(send->client,
                                   option_deadline(send->timeout_us), err);
}

static int
send_connected(struct send *send)
{
    struct error err = ERROR_INIT;
    struct client_options rest = {
        .deadline_us = option_deadline(send->timeout_us),
    };
    enum client_status status = CLIENT_OK;
    int code = EX_USAGE;

    if (connect_options_open(&send->connect, &rest, &send->client, &status,
                             &err) != 0) {
        return command_usage(&command_send, &err);
    }
    if (status == CLIENT_OK && send_all(send, &status, &err) != 0) {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
        code = EX_NOINPUT;
    } else {
        if (status == CLIENT_OK) {
            status = send_finish(send, &err);
        }
        code = command_finish(send->client, status, &err);
    }
    client_free(&send->client);
    return code;
}

/* Options and arguments; 0, or the exit code of a usage fault. */
static int
send_parse(struct send *send, int argc, char **argv)
{
    struct error err = ERROR_INIT;
    int option;

    while ((option = getopt_long(argc, argv, "f:H:n:v", send_long_options,
                                 NULL)) != -1) {
        if (option == '?') {
            return command_usage_hint(&command_send);
        }
        if (send_take_option(send, option, optarg, &err) != 0) {
            return command_usage(&command_send, &err);
        }
    }
    return send_check(send, argc - optind, argv + optind, &err) != 0
               ? command_usage(&command_send, &err)
               : 0;
}

static int
send_run(int argc, char **argv)
{
    struct send *send = xcalloc(1, sizeof(*send));
    int code;

    send->connect = CONNECT_OPTIONS_INIT;
    send->repeat = 1;
    send->timeout_us = 30000000;
    code = send_parse(send, argc, argv);
    if (code == 0) {
        code = send_connected(send);
    }
    free(send);
    return code;
}

const struct command command_send = {
    .name = "send",
    .summary = "send messages to a queue or topic",
    .help = send_help,
    .run = send_run,
};
