/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "protocol/frame_encoder.h"
#include "protocol/frame_parser.h"
#include "protocol/heartbeat.h"
#include "stompctl/trace.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

/* A broker may be set to carry more than our own limit: the tool should not
 * be what refuses it. */
enum { CLIENT_BODY_BYTES = 1 << 30 };

struct client {
    struct link *link;
    struct frame_parser *parser;
    enum stomp_version version;
    struct heartbeat heartbeat;
    int64_t last_written_us;
    int64_t last_read_us;
    struct buf frame; /* the frame that is being built */
    struct frame_encoder encoder;
    struct buf in; /* read and not yet parsed, from used on */
    size_t used;
    struct buf error_body;
    struct error lost; /* why the connection ended, when it has */
    FILE *trace;
    const volatile sig_atomic_t *stop;
    const sigset_t *stop_mask;
};

void
client_begin(struct client *client, enum frame_command command, size_t body_len)
{
    buf_clear(&client->frame);
    frame_encoder_begin(&client->encoder, &client->frame, command,
                        client->version, body_len);
}

void
client_header(struct client *client, enum header_id id, struct span value)
{
    frame_encoder_header(&client->encoder, header_name(id), value);
}

void
client_header_named(struct client *client, struct span name, struct span value)
{
    frame_encoder_header(&client->encoder, name, value);
}

void
client_end(struct client *client, struct span body)
{
    frame_encoder_end(&client->encoder, body);
    if (client->trace != NULL) {
        trace_sent(client->trace, buf_span(&client->frame));
    }
    link_queue(client->link, buf_span(&client->frame));
}

size_t
client_queued_bytes(const struct client *client)
{
    return link_queued_bytes(client->link);
}

enum stomp_version
client_version(const struct client *client)
{
    return client->version;
}

struct link *
client_link(struct client *client)
{
    return client->link;
}

struct span
client_error_body(const struct client *client)
{
    return buf_span(&client->error_body);
}

/* Parses the next frame of what was read; *frame_out is NULL when there is
 * none yet. */
static enum client_status
client_parse(struct client *client, const struct frame **frame_out,
             struct error *err)
{
    struct span in = span_after(buf_span(&client->in), client->used);
    enum frame_parse parsed;

    *frame_out = NULL;
    parsed = frame_parser_feed(client->parser, &in, frame_out, err);
    client->used = client->in.len - in.len;
    switch (parsed) {
    case FRAME_PARSE_MORE:
        *frame_out = NULL;
        buf_clear(&client->in);
        client->used = 0;
        return CLIENT_OK;
    case FRAME_PARSE_FRAME:
        break;
    case FRAME_PARSE_INVALID:
    case FRAME_PARSE_TOO_BIG:
        return CLIENT_PROTOCOL;
    }
    if (client->trace != NULL) {
        trace_received(client->trace, *frame_out);
    }
    if ((*frame_out)->command == FRAME_ERROR) {
        char shown[400];

        buf_clear(&client->error_body);
        buf_append_span(&client->error_body, (*frame_out)->body);
        (void)error_set(err, "the broker answered ERROR: %s",
                        span_escape(frame_get(*frame_out, HEADER_MESSAGE),
                                    shown, sizeof(shown)));
        return CLIENT_PROTOCOL;
    }
    return CLIENT_OK;
}

/* The connection is gone.  An ERROR frame that came before says more than
 * "broken pipe", so it is looked for first. */
static enum client_status
client_on_lost(struct client *client, struct error *err)
{
    const struct frame *frame;

    do {
        if (client_parse(client, &frame, err) != CLIENT_OK) {
            return CLIENT_PROTOCOL;
        }
    } while (frame != NULL);
    (void)error_set(err, "%s", client->lost.text);
    return CLIENT_UNAVAILABLE;
}

/* Writes and reads what the socket takes and has now. */
static void
client_transfer(struct client *client, bool readable)
{
    size_t queued = link_queued_bytes(client->link);
    bool broken = link_flush(client->link, &client->lost) != 0;

    if (link_queued_bytes(client->link) < queued) {
        client->last_written_us = clock_monotonic_us();
    }
    while (readable || broken) {
        ptrdiff_t got = link_read(client->link, &client->in, &client->lost);

        if (got > 0) {
            client->last_read_us = clock_monotonic_us();
        }
        readable = false;
        broken = broken && got > 0;
    }
}

static void
client_beat(struct client *client, int64_t now_us)
{
    if (now_us >=
            heartbeat_send_due(&client->heartbeat, client->last_written_us) &&
        link_queued_bytes(client->link) == 0) {
        link_queue(client->link, SPAN("\n"));
        client_transfer(client, false);
    }
    if (now_us >=
        heartbeat_receive_due(&client->heartbeat, client->last_read_us)) {
        (void)error_set(&client->lost,
                        "the broker was silent for %lld ms although it "
                        "agreed to a heart-beat every %lld ms",
                        (long long)(now_us - client->last_read_us) / 1000,
                        (long long)client->heartbeat.receive_us / 1000);
    }
}

static struct timespec
client_wait_time(const struct client *client, int64_t deadline_us,
                 int64_t now_us)
{
    int64_t due_us =
        heartbeat_receive_due(&client->heartbeat, client->last_read_us);
    int64_t send_us =
        heartbeat_send_due(&client->heartbeat, client->last_written_us);
    int64_t left_us;

    /* With output queued the beat is the output's: nothing to wake for. */
    if (send_us < due_us && link_queued_bytes(client->link) == 0) {
        due_us = send_us;
    }
    if (deadline_us < due_us) {
        due_us = deadline_us;
    }
    left_us = due_us > now_us ? due_us - now_us : 0;
    return (struct timespec){ .tv_sec = left_us / 1000000,
                              .tv_nsec = left_us % 1000000 * 1000 };
}

/*
 * One turn: writes, waits for the socket or for fd (-1: none), reads.
 * CLIENT_TIMEOUT when nothing happened until the deadline.
 */
static enum client_status
client_step(struct client *client, int fd, int64_t deadline_us,
            struct error *err)
{
    struct pollfd polled[2] = { { .fd = link_fd(client->link),
                                  .events = POLLIN },
                                { .fd = fd, .events = POLLIN } };
    int64_t now_us = clock_monotonic_us();
    struct timespec wait;
    int ready;

    client_transfer(client, false);
    client_beat(client, now_us);
    if (client->lost.text[0] != '\0') {
        return client_on_lost(client, err);
    }
    if (link_queued_bytes(client->link) > 0) {
        polled[0].events |= POLLOUT;
    }
    if (client->stop != NULL && *client->stop) {
        return CLIENT_STOPPED;
    }
    wait = client_wait_time(client, deadline_us, now_us);
    ready = ppoll(polled, 2, &wait,
                  client->stop != NULL ? client->stop_mask : NULL);
    if (client->stop != NULL && *client->stop) {
        return CLIENT_STOPPED;
    }
    if (ready > 0) {
        client_transfer(client, (polled[0].revents & ~POLLOUT) != 0);
    } else if (clock_monotonic_us() >= deadline_us) {
        (void)error_set(err, "nothing came from the broker in time");
        return CLIENT_TIMEOUT;
    }
    return CLIENT_OK;
}

enum client_status
client_flush(struct client *client, int64_t deadline_us, struct error *err)
{
    enum client_status status = CLIENT_OK;

    client_transfer(client, false);
    while (status == CLIENT_OK && (link_queued_bytes(client->link) > 0 ||
                                   client->lost.text[0] != '\0')) {
        status = client_step(client, -1, deadline_us, err);
    }
    return status;
}

enum client_status
client_receive(struct client *client, int64_t deadline_us,
               const struct frame **frame_out, struct error *err)
{
    enum client_status status = client_parse(client, frame_out, err);

    while (status == CLIENT_OK && *frame_out == NULL) {
        status = client_step(client, -1, deadline_us, err);
        if (status == CLIENT_OK) {
            status = client_parse(client, frame_out, err);
        }
    }
    return status;
}

enum client_status
client_wait_input(struct client *client, int fd, int64_t deadline_us,
                  struct error *err)
{
    return client_step(client, fd, deadline_us, err);
}

enum client_status
client_await_receipt(struct client *client, struct span id, int64_t deadline_us,
                     struct error *err)
{
    const struct frame *frame;
    enum client_status status;

    do {
        status = client_receive(client, deadline_us, &frame, err);
    } while (status == CLIENT_OK &&
             !(frame->command == FRAME_RECEIPT &&
               span_equal(frame_get(frame, HEADER_RECEIPT_ID), id)));
    return status;
}

enum client_status
client_disconnect(struct client *client, int64_t deadline_us, struct error *err)
{
    const struct span id = SPAN("stompctl-bye");

    client->stop = NULL; /* asked to stop or not: this is how one stops */
    client_begin(client, FRAME_DISCONNECT, 0);
    client_header(client, HEADER_RECEIPT, id);
    client_end(client, SPAN_NONE);
    return client_await_receipt(client, id, deadline_us, err);
}

static void
client_queue_connect(struct client *client,
                     const struct client_options *options)
{
    const struct uri *uri = options->uri;
    const char *versions =
        options->versions != NULL ? options->versions : "1.0,1.1,1.2";
    const char *user = options->user != NULL ? options->user : uri->user;
    const char *passcode =
        options->passcode != NULL ? options->passcode : uri->passcode;
    const char *host = options->host != NULL ? options->host : uri->host;
    char beats[32];

    client_begin(client, FRAME_CONNECT, 0);
    client_header(client, HEADER_ACCEPT_VERSION, span_of_text(versions));
    client_header(client, HEADER_HOST,
                  span_of_text(host != NULL ? host : "localhost"));
    (void)snprintf(beats, sizeof(beats), "%u,%u", options->sends_ms,
                   options->wants_ms);
    client_header(client, HEADER_HEART_BEAT, span_of_text(beats));
    if (user != NULL) {
        client_header(client, HEADER_LOGIN, span_of_text(user));
    }
    if (passcode != NULL) {
        client_header(client, HEADER_PASSCODE, span_of_text(passcode));
    }
    for (size_t i = 0; i < uri->option_count; i++) {
        client_header_named(client, span_of_text(uri->options[i].name),
                            span_of_text(uri->options[i].value));
    }
    client_end(client, SPAN_NONE);
}

/* Takes what CONNECTED says. */
static enum client_status
client_on_connected(struct client *client, const struct client_options *options,
                    const struct frame *frame, struct error *err)
{
    struct span version = frame_get(frame, HEADER_VERSION);
    uint32_t sends_ms = 0;
    uint32_t wants_ms = 0;
    char shown[64];

    client->version = version_negotiate(version);
    if (client->version == STOMP_NONE) {
        (void)error_set(err,
                        "the broker chose version \"%s\" of STOMP, which "
                        "stompctl does not know",
                        span_escape(version, shown, sizeof(shown)));
        return CLIENT_PROTOCOL;
    }
    /* A broken heart-beat header promises nothing. */
    (void)heartbeat_parse(frame_get(frame, HEADER_HEART_BEAT), &sends_ms,
                          &wants_ms);
    client->heartbeat = heartbeat_negotiate(
        sends_ms, wants_ms, options->sends_ms, options->wants_ms);
    frame_parser_set_version(client->parser, client->version);
    return CLIENT_OK;
}

static enum client_status
client_login(struct client *client, const struct client_options *options,
             struct error *err)
{
    const struct frame *frame;
    enum client_status status;
    char shown[64];

    client_queue_connect(client, options);
    status = client_receive(client, options->deadline_us, &frame, err);
    if (status != CLIENT_OK) {
        return status;
    }
    if (frame->command != FRAME_CONNECTED) {
        (void)error_set(err,
                        "the broker answered %s where CONNECTED was "
                        "expected",
                        span_escape(frame->command_text, shown, sizeof(shown)));
        return CLIENT_PROTOCOL;
    }
    return client_on_connected(client, options, frame, err);
}

enum client_status
client_open(const struct client_options *options, struct client **client_out,
            struct error *err)
{
    struct frame_limits limits = frame_limits_default;
    struct client *client;
    struct link *link;

    *client_out = NULL;
    if (link_open(options->uri, options->deadline_us, &link, err) != 0) {
        return CLIENT_UNAVAILABLE;
    }
    limits.body_bytes = CLIENT_BODY_BYTES;
    client = xcalloc(1, sizeof(*client));
    client->link = link;
    client->parser = frame_parser_new(&limits);
    client->trace = options->trace;
    client->stop = options->stop;
    client->stop_mask = options->stop_mask;
    client->last_read_us = client->last_written_us = clock_monotonic_us();
    *client_out = client;
    return client_login(client, options, err);
}

void
client_free(struct client **client)
{
    struct client *gone = *client;

    if (gone == NULL) {
        return;
    }
    link_close(&gone->link);
    frame_parser_free(&gone->parser);
    buf_fini(&gone->frame);
    buf_fini(&gone->in);
    buf_fini(&gone->error_body);
    free(gone);
    *client = NULL;
}
