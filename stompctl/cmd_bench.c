/* SPDX-License-Identifier: Apache-2.0 */
/* stompctl bench: how fast a broker is, and whether it loses anything. */
#include "stompctl/bench.h"
#include "stompctl/command.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <sysexits.h>

enum {
    BENCH_PRODUCERS_MAX = 65535, /* the digits of the stamp */
    BENCH_CONSUMERS_MAX = 1000000,
    BENCH_WINDOW_MAX = 1000000,
    BENCH_SIZE_MAX = 1 << 28,
    BENCH_FAILED = 1,
};
/* The check keeps a bit for each message. */
#define BENCH_COUNT_MAX 10000000000U
#define BENCH_RATE_MAX 100000000U

enum {
    BENCH_ACK = OPTION_COMMAND,
    BENCH_CONSUMERS,
    BENCH_DESTINATION,
    BENCH_JSON,
    BENCH_PERSISTENT,
    BENCH_PREFETCH,
    BENCH_PRODUCERS,
    BENCH_RATE,
    BENCH_RECEIPTS,
    BENCH_SIZE,
    BENCH_TIMEOUT,
};

static const struct option bench_long_options[] = {
    { "ack", required_argument, NULL, BENCH_ACK },
    { "consumers", required_argument, NULL, BENCH_CONSUMERS },
    { "count", required_argument, NULL, 'n' },
    { "destination", required_argument, NULL, BENCH_DESTINATION },
    { "json", no_argument, NULL, BENCH_JSON },
    { "persistent", no_argument, NULL, BENCH_PERSISTENT },
    { "prefetch", required_argument, NULL, BENCH_PREFETCH },
    { "producers", required_argument, NULL, BENCH_PRODUCERS },
    { "rate", required_argument, NULL, BENCH_RATE },
    { "receipts", required_argument, NULL, BENCH_RECEIPTS },
    { "size", required_argument, NULL, BENCH_SIZE },
    { "timeout", required_argument, NULL, BENCH_TIMEOUT },
    CONNECT_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char bench_help[] =
    "usage: stompctl bench [OPTION]...\n"
    "Sends made-up messages through a broker as fast as it takes them, checks\n"
    "that none is lost, doubled or out of order, and tells rates and times.\n"
    "\n"
    "      --destination DEST     /queue/stompctl.bench; what is there is\n"
    "                             consumed. Of a /topic/ every consumer must\n"
    "                             get every message\n"
    "      --producers N          connections that send (1); with 0, N\n"
    "                             messages that are there are drained\n"
    "      --consumers N          connections that receive (1); with 0 the\n"
    "                             messages stay\n"
    "  -n, --count N              messages of all producers together "
    "(1000000)\n"
    "      --size SIZE            bytes of a body, at least 40 (256)\n"
    "      --receipts WINDOW      synchronous sends with at most WINDOW\n"
    "                             receipts missing per producer\n"
    "      --persistent           persistent messages\n"
    "      --ack MODE             auto (the default), client or\n"
    "                             client-individual\n"
    "      --prefetch N           prefetch of the subscriptions\n"
    "      --rate N               N messages a second in all, on a fixed\n"
    "                             schedule, whatever the broker does\n"
    "      --timeout TIME         give up when nothing moves for TIME (10s)\n"
    "      --json                 the result as one JSON object; times in\n"
    "                             microseconds\n" CONNECT_OPTIONS_HELP
    "\nExit code 0: all came through once and in order; 1: not so.\n";

static int
bench_take_ack(struct bench_options *options, const char *value,
               struct error *err)
{
    static const char *const names[] = { "auto", "client",
                                         "client-individual" };

    for (int i = 0; i < 3; i++) {
        if (strcmp(value, names[i]) == 0) {
            options->ack = (enum bench_ack)i;
            return 0;
        }
    }
    return error_set(err,
                     "--ack: \"%s\" is none of auto, client and "
                     "client-individual",
                     value);
}

static int
bench_take_option(struct bench_options *options, int option, const char *value,
                  struct error *err)
{
    switch (option) {
    case BENCH_ACK:
        return bench_take_ack(options, value, err);
    case BENCH_CONSUMERS:
        return option_count("consumers", value, BENCH_CONSUMERS_MAX,
                            &options->consumers, err);
    case BENCH_DESTINATION:
        options->destination = value;
        return 0;
    case BENCH_JSON:
        options->json = true;
        return 0;
    case BENCH_PERSISTENT:
        options->persistent = true;
        return 0;
    case BENCH_PREFETCH:
        return option_count("prefetch", value, UINT16_MAX, &options->prefetch,
                            err);
    case BENCH_PRODUCERS:
        return option_count("producers", value, BENCH_PRODUCERS_MAX,
                            &options->producers, err);
    case BENCH_RATE:
        return option_count("rate", value, BENCH_RATE_MAX, &options->rate, err);
    case BENCH_RECEIPTS:
        return option_count("receipts", value, BENCH_WINDOW_MAX,
                            &options->window, err);
    case BENCH_SIZE:
        return option_size("size", value, BENCH_SIZE_MAX, &options->size, err);
    case BENCH_TIMEOUT:
        return option_duration("timeout", value, &options->idle_us, err);
    case 'n':
        return option_count("count", value, BENCH_COUNT_MAX, &options->count,
                            err);
    default:
        return connect_options_take(&options->connect, option, value, err) < 0
                   ? -1
                   : 0;
    }
}

static int
bench_check_options(const struct bench_options *options, char **rest,
                    struct error *err)
{
    if (*rest != NULL) {
        return error_set(err,
                         "\"%s\" is not an option: name the destination "
                         "with --destination",
                         *rest);
    }
    if (options->size < BENCH_STAMP_BYTES) {
        return error_set(err,
                         "--size: %llu is too small: the stamp that the "
                         "check reads takes %d bytes",
                         (unsigned long long)options->size, BENCH_STAMP_BYTES);
    }
    if (options->producers == 0 && options->consumers == 0) {
        return error_set(err, "neither producers nor consumers");
    }
    return 0;
}

static int
bench_measure(const struct bench_options *options)
{
    struct bench *bench = xcalloc(1, sizeof(*bench));
    struct error err = ERROR_INIT;
    enum client_status status = CLIENT_OK;
    int code;

    bench->options = options;
    if (bench_run(bench, &status, &err) != 0) {
        code = command_usage(&command_bench, &err);
    } else {
        code = command_finish(NULL, status, &err);
        if (bench->start_ns != 0) {
            bench_report(bench, stdout);
        }
        if (code == 0 && !bench_is_good(bench)) {
            code = BENCH_FAILED;
        }
    }
    bench_fini(bench);
    free(bench);
    return code;
}

static int
bench_command_run(int argc, char **argv)
{
    struct bench_options options = {
        .connect = { .sends_ms = 0, .wants_ms = 0 },
        .destination = "/queue/stompctl.bench",
        .producers = 1,
        .consumers = 1,
        .size = 256,
        .count = 1000000,
        .idle_us = 10000000,
    };
    struct error err = ERROR_INIT;
    int option;

    while ((option = getopt_long(argc, argv, "n:v", bench_long_options,
                                 NULL)) != -1) {
        if (option == '?') {
            return command_usage_hint(&command_bench);
        }
        if (bench_take_option(&options, option, optarg, &err) != 0) {
            return command_usage(&command_bench, &err);
        }
    }
    if (bench_check_options(&options, argv + optind, &err) != 0) {
        return command_usage(&command_bench, &err);
    }
    return bench_measure(&options);
}

const struct command command_bench = {
    .name = "bench",
    .summary = "measure a broker and check that it loses nothing",
    .help = bench_help,
    .run = bench_command_run,
};
