/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/options.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "protocol/heartbeat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTION_DEFAULT_URI "stomp://127.0.0.1:61613"

struct option_unit {
    const char *name;
    uint64_t factor;
};

int
option_count(const char *option, const char *text, uint64_t max,
             uint64_t *count_out, struct error *err)
{
    uint64_t count;

    if (!span_to_u64(span_of_text(text), &count) || count > max) {
        return error_set(err,
                         "--%s: \"%s\" is not a whole number from 0 to "
                         "%llu",
                         option, text, (unsigned long long)max);
    }
    *count_out = count;
    return 0;
}

/* A number and one of the units; false when text is not that, or more than
 * max. */
static bool
option_with_unit(const char *text, const struct option_unit *units,
                 uint64_t max, uint64_t *value_out)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t value;

    if (!span_to_u64(span_of(text, digits), &value)) {
        return false;
    }
    for (; units->name != NULL; units++) {
        if (strcmp(text + digits, units->name) == 0) {
            *value_out = value * units->factor;
            return value <= max / units->factor;
        }
    }
    return false;
}

int
option_duration(const char *option, const char *text, int64_t *us_out,
                struct error *err)
{
    static const struct option_unit units[] = {
        { "us", 1 },       { "ms", 1000 },       { "s", 1000000 },
        { "m", 60000000 }, { "h", 3600000000U }, { NULL, 0 }
    };
    uint64_t us;

    if (!option_with_unit(text, units, INT64_MAX / 2, &us)) {
        return error_set(err,
                         "--%s: \"%s\" is not a time: write a number and "
                         "its unit, as in 250ms, 10s, 5m or 1h",
                         option, text);
    }
    *us_out = (int64_t)us;
    return 0;
}

int
option_size(const char *option, const char *text, uint64_t max,
            uint64_t *bytes_out, struct error *err)
{
    static const struct option_unit units[] = {
        { "", 1 },         { "b", 1 },           { "kb", 1024 },
        { "mb", 1048576 }, { "gb", 1073741824 }, { NULL, 0 }
    };

    if (!option_with_unit(text, units, max, bytes_out)) {
        return error_set(err,
                         "--%s: \"%s\" is not a size up to %llu bytes: "
                         "write for example 256, 64kb or 1mb",
                         option, text, (unsigned long long)max);
    }
    return 0;
}

int
option_header(const char *text, struct client_header *headers, size_t *count,
              struct error *err)
{
    struct span value = span_of_text(text);
    struct span name = span_split(&value, ':');

    if (value.data == NULL || name.len == 0) {
        return error_set(err, "-H: \"%s\" is not a header: write NAME:VALUE",
                         text);
    }
    if (span_equal(name, SPAN("content-length"))) {
        return error_set(err, "-H: content-length is written by stompctl "
                              "itself, from the body");
    }
    if (*count == CLIENT_HEADER_COUNT) {
        return error_set(err, "-H: more than %d headers", CLIENT_HEADER_COUNT);
    }
    headers[(*count)++] = (struct client_header){ name, value };
    return 0;
}

char *
option_queue(const char *text)
{
    return text[0] == '/' || strstr(text, "://") != NULL
               ? xstrdup(text)
               : xasprintf("/queue/%s", text);
}

int64_t
option_deadline(int64_t us)
{
    int64_t now_us = clock_monotonic_us();

    return us < 0 || us > INT64_MAX - now_us ? INT64_MAX : now_us + us;
}

static int
connect_options_take_version(struct connect_options *options, const char *value,
                             struct error *err)
{
    if (version_negotiate(span_of_text(value)) == STOMP_NONE) {
        return error_set(err,
                         "--version-of-protocol: \"%s\" is none of 1.0, "
                         "1.1 and 1.2",
                         value);
    }
    options->version = value;
    return 0;
}

int
connect_options_take(struct connect_options *options, int option,
                     const char *value, struct error *err)
{
    switch (option) {
    case OPTION_CONNECT:
        options->uri = value;
        return 1;
    case OPTION_HOST:
        options->host = value;
        return 1;
    case OPTION_PASSCODE_FILE:
        options->passcode_file = value;
        return 1;
    case OPTION_USER:
        options->user = value;
        return 1;
    case OPTION_HEART_BEAT:
        if (!heartbeat_parse(span_of_text(value), &options->sends_ms,
                             &options->wants_ms)) {
            return error_set(err,
                             "--heart-beat: \"%s\" is not two numbers of "
                             "milliseconds: write for example "
                             "10000,10000, or 0,0 for none",
                             value);
        }
        return 1;
    case OPTION_VERSION_OF_PROTOCOL:
        return connect_options_take_version(options, value, err) == 0 ? 1 : -1;
    case 'v':
        options->verbose = true;
        return 1;
    default:
        return 0;
    }
}

/* Returns the first line of the file; the caller frees it.  NULL with an
 * error. */
static char *
connect_options_passcode(const char *path, struct error *err)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    if (file == NULL) {
        (void)error_set(err, "cannot open the passcode file \"%s\": %s", path,
                        strerror(errno));
        return NULL;
    }
    len = getline(&line, &size, file);
    (void)fclose(file);
    if (len <= 0) {
        (void)error_set(err,
                        "the passcode file \"%s\" is empty: put the "
                        "passcode on its first line",
                        path);
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

int
connect_options_open(const struct connect_options *options,
                     const struct client_options *rest,
                     struct client **client_out, enum client_status *status_out,
                     struct error *err)
{
    const char *text =
        options->uri != NULL ? options->uri : getenv("STOMPCTL_URI");
    struct client_options filled = *rest;
    char *passcode = NULL;
    struct uri uri;
    int result;

    *client_out = NULL;
    result = uri_parse(text != NULL ? text : OPTION_DEFAULT_URI, &uri, err);
    if (result == 0 && options->passcode_file != NULL) {
        passcode = connect_options_passcode(options->passcode_file, err);
        result = passcode != NULL ? 0 : -1;
    }
    if (result == 0) {
        filled.uri = &uri;
        filled.host = options->host;
        filled.user = options->user;
        filled.passcode = passcode;
        filled.versions = options->version;
        filled.sends_ms = options->sends_ms;
        filled.wants_ms = options->wants_ms;
        filled.trace = options->verbose ? stderr : NULL;
        *status_out = client_open(&filled, client_out, err);
    }
    free(passcode);
    uri_fini(&uri);
    return result;
}
