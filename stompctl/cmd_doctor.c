/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl doctor: one connection in plain words: what was negotiated, what it
 * subscribed to, and what looks wrong, with what to do about it.
 */
#include "stompctl/admin.h"
#include "stompctl/command.h"
#include "stompctl/options.h"
#include "stompctl/policy_show.h"
#include "stompctl/table.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
    DOCTOR_PATIENCE_S = 30,
    DOCTOR_PATIENCE_MAX_S = 1000000000,
    DOCTOR_FINDINGS = 1, /* exit code */
};

struct doctor {
    struct admin_options admin;
    const char *connection;
    uint64_t patience_s;
    bool json;
};

enum {
    DOCTOR_JSON = 300,
    DOCTOR_PATIENCE,
};

static const struct option doctor_long_options[] = {
    { "json", no_argument, NULL, DOCTOR_JSON },
    { "patience", required_argument, NULL, DOCTOR_PATIENCE },
    ADMIN_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

static const char doctor_help[] =
    "usage: stompctl doctor [OPTION]... CONNECTION\n"
    "Says what a connection of a running broker has agreed on, what it has\n"
    "subscribed to, what looks wrong about it and what to do. CONNECTION is\n"
    "its number (stompctl connections) or its client-id.\n"
    "\n"
    "      --patience SECONDS     what may go on that long without a word\n"
    "                             (30)\n"
    "      --json                 as JSON\n" ADMIN_OPTIONS_HELP
    "\nExit code 0: nothing looks wrong; 1: something does; 66: there is no\n"
    "such connection, or there are several; 69: no broker.\n";

static long long
doctor_number(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

/* A text of the answer; other when it is null. */
static const char *
doctor_text(const json_t *object, const char *key, const char *other)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : other;
}

/* A row of two cells. */
static void __attribute__((format(printf, 3, 4)))
doctor_row(struct table *table, const char *name, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    table_add(table, name);
    table_add(table, text);
}

static void
doctor_add_beat(struct table *table, const char *name, long long agreed_ms)
{
    if (agreed_ms > 0) {
        doctor_row(table, name, "every %lld ms", agreed_ms);
    } else {
        doctor_row(table, name, "none");
    }
}

static void
doctor_add_negotiated(struct table *table, const json_t *connection,
                      const json_t *negotiated)
{
    doctor_row(table, "version", "%s",
               doctor_text(connection, "version", "none yet"));
    doctor_row(table, "accept-version", "%s",
               doctor_text(negotiated, "acceptVersion", "not sent"));
    doctor_add_beat(table, "heart-beats from the client",
                    doctor_number(connection, "heartBeatInMs"));
    doctor_add_beat(table, "heart-beats to the client",
                    doctor_number(connection, "heartBeatOutMs"));
    doctor_row(table, "heart-beat offered", "%s",
               doctor_text(negotiated, "heartBeat", "not sent"));
    doctor_row(table, "error-mode", "%s",
               doctor_text(negotiated, "errorMode", "-"));
    if (json_object_get(negotiated, "subprotocolOffered") != NULL) {
        doctor_row(table, "WebSocket subprotocol", "%s",
                   doctor_text(negotiated, "subprotocol",
                               json_is_true(json_object_get(
                                   negotiated, "subprotocolOffered"))
                                   ? "none: those offered are not STOMP's"
                                   : "none: none was offered"));
    }
    if (json_object_get(negotiated, "userAgent") != NULL) {
        doctor_row(table, "client library", "%s",
                   doctor_text(negotiated, "userAgent", "-"));
    }
}

static void
doctor_print_head(const json_t *tree)
{
    const json_t *connection = json_object_get(tree, "connection");
    const json_t *counts = json_object_get(tree, "counts");
    struct table table = TABLE_INIT(2, 0);

    doctor_row(&table, "connection", "%lld (%s)",
               doctor_number(connection, "number"),
               doctor_text(connection, "name", "-"));
    doctor_row(&table, "peer", "%s over %s, for %lld s",
               doctor_text(connection, "peer", "-"),
               doctor_text(connection, "transport", "-"),
               doctor_number(connection, "openMs") / 1000);
    doctor_row(&table, "user, client-id", "%s, %s",
               doctor_text(connection, "user", "-"),
               doctor_text(connection, "clientId", "-"));
    doctor_row(&table, "state", "%s", doctor_text(connection, "state", "-"));
    doctor_add_negotiated(&table, connection,
                          json_object_get(tree, "negotiated"));
    doctor_row(&table, "messages in, out", "%lld, %lld",
               doctor_number(connection, "messagesIn"),
               doctor_number(connection, "messagesOut"));
    doctor_row(
        &table, "acks, nacks, receipts, errors", "%lld, %lld, %lld, %lld",
        doctor_number(counts, "acks"), doctor_number(counts, "nacks"),
        doctor_number(counts, "receipts"), doctor_number(counts, "errors"));
    doctor_row(&table, "bytes in, out, unsent", "%lld, %lld, %lld",
               doctor_number(connection, "receivedBytes"),
               doctor_number(connection, "sentBytes"),
               doctor_number(connection, "waitingBytes"));
    doctor_row(&table, "idle in, out", "%lld ms, %lld ms",
               doctor_number(connection, "silentMs"),
               doctor_number(connection, "unwrittenMs"));
    table_print(&table, stdout);
    table_fini(&table);
}

static const struct table_column doctor_columns[] = {
    { "SUBSCRIPTION", { "id" }, false },
    { "DESTINATION", { "destination" }, false },
    { "ACK", { "ack" }, false },
    { "PREFETCH", { "prefetch" }, true },
    { "IN FLIGHT", { "inFlight" }, true },
    { "PENDING", { "pending" }, true },
    { "WAITING", { "waiting" }, true },
    { "DISCARDED", { "discarded" }, true },
    { "OLDEST MS", { "oldestUnackedMs" }, true },
    { "SELECTOR", { "selector" }, false },
    { NULL, { NULL }, false },
};

static void
doctor_print_subscriptions(const json_t *list)
{
    if (json_array_size(list) == 0) {
        (void)printf("\nNo subscriptions.\n");
        return;
    }
    (void)putchar('\n');
    table_print_objects(doctor_columns, list, stdout);
}

static void
doctor_print_findings(const json_t *findings)
{
    size_t index;
    json_t *finding;

    if (json_array_size(findings) == 0) {
        (void)printf("\nNothing looks wrong.\n");
        return;
    }
    json_array_foreach(findings, index, finding)
    {
        (void)printf("\n%zu. %s [%s]\n   %s\n", index + 1,
                     doctor_text(finding, "text", ""),
                     doctor_text(finding, "code", ""),
                     doctor_text(finding, "advice", ""));
    }
}

static int
doctor_print(const struct doctor *doctor, const json_t *tree)
{
    const json_t *findings = json_object_get(tree, "findings");

    if (doctor->json) {
        policy_show_json(tree, stdout);
    } else {
        doctor_print_head(tree);
        doctor_print_subscriptions(json_object_get(tree, "subscriptions"));
        doctor_print_findings(findings);
    }
    if (fflush(stdout) != 0) {
        return EX_IOERR;
    }
    return json_array_size(findings) > 0 ? DOCTOR_FINDINGS : 0;
}

static int
doctor_show(const struct doctor *doctor)
{
    struct error err = ERROR_INIT;
    char *connection = admin_encode(doctor->connection);
    char *target =
        xasprintf("/v1/connections/doctor?connection=%s&patience=%llu",
                  connection, (unsigned long long)doctor->patience_s);
    unsigned status = 0;
    json_t *tree = NULL;
    int result =
        admin_call(&doctor->admin, "GET", target, &status, &tree, &err);

    free(connection);
    free(target);
    if (result != 0) {
        (void)fprintf(stderr, "stompctl: %s\n", err.text);
        return EX_UNAVAILABLE;
    }
    if (status == 200) {
        result = doctor_print(doctor, tree);
    } else {
        (void)fprintf(stderr, "stompctl: %s\n",
                      doctor_text(tree, "error", "the broker says no"));
        result = EX_NOINPUT;
    }
    json_decref(tree);
    return result;
}

static int
doctor_run(int argc, char **argv)
{
    struct doctor doctor = { .patience_s = DOCTOR_PATIENCE_S };
    struct error err = ERROR_INIT;
    int option;

    while ((option = getopt_long(argc, argv, "d:", doctor_long_options,
                                 NULL)) != -1) {
        if (option == DOCTOR_JSON) {
            doctor.json = true;
        } else if (option == DOCTOR_PATIENCE) {
            if (option_count("patience", optarg, DOCTOR_PATIENCE_MAX_S,
                             &doctor.patience_s, &err) != 0) {
                return command_usage(&command_doctor, &err);
            }
        } else if (!admin_options_take(&doctor.admin, option, optarg)) {
            return command_usage_hint(&command_doctor);
        }
    }
    if (optind + 1 != argc) {
        (void)error_set(&err, "one CONNECTION is needed: its number or its "
                              "client-id, as stompctl connections shows them");
        return command_usage(&command_doctor, &err);
    }
    doctor.connection = argv[optind];
    return doctor_show(&doctor);
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "what looks wrong about a connection",
    .help = doctor_help,
    .run = doctor_run,
};
