/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A STOMP client for programs that do one thing after the other: calls block,
 * with a deadline, and keep the agreed heart-beats while they do.  One
 * connection, one thread.
 *
 *     client_begin(client, FRAME_SUBSCRIBE, 0);
 *     client_header(client, HEADER_DESTINATION, name);
 *     client_end(client, SPAN_NONE);
 *     status = client_receive(client, deadline_us, &frame, &err);
 */
#pragma once
#include "base/error.h"
#include "protocol/frame.h"
#include "protocol/version.h"
#include "stompctl/link.h"
#include "stompctl/uri.h"

#include <signal.h>
#include <stdio.h>

struct client; /* opaque: defined in client.c */

enum client_status {
    CLIENT_OK,
    CLIENT_UNAVAILABLE, /* no connection, or it was lost */
    CLIENT_PROTOCOL,    /* the broker sent ERROR, or something not STOMP */
    CLIENT_TIMEOUT,     /* the deadline passed */
    CLIENT_STOPPED,     /* *options.stop became true */
};

enum { CLIENT_HEADER_COUNT = 64 };

struct client_header {
    struct span name;
    struct span value;
};

struct client_options {
    const struct uri *uri; /* its options go into the CONNECT frame */
    const char *host;      /* virtual host; NULL: the host of the URI */
    const char *user;      /* NULL: the user of the URI, or none */
    const char *passcode;  /* the same */
    const char *versions;  /* accept-version; NULL: "1.0,1.1,1.2" */
    uint32_t sends_ms;     /* heart-beats that we can send, 0: none */
    uint32_t wants_ms;     /* heart-beats that we want, 0: none */
    FILE *trace;           /* frames are shown here; NULL: nowhere */
    int64_t deadline_us;   /* for connection and login together */
    /* Set by a signal handler; looked at whenever a call waits, with the
     * signals of stop_mask let in only then.  NULL: never. */
    const volatile sig_atomic_t *stop;
    const sigset_t *stop_mask;
};

/*
 * Connects and logs in.  options and what it points to are borrowed during
 * the call, stop and trace until client_free.  On failure *client_out is set
 * too, when there was a connection, so that the caller can show the ERROR
 * frame; else it is NULL.
 */
enum client_status client_open(const struct client_options *options,
                               struct client **client_out, struct error *err);

/* Closes the connection at once, frees *client and sets it to NULL; NULL is
 * fine. */
void client_free(struct client **client);

enum stomp_version client_version(const struct client *client);
struct link *client_link(struct client *client);

/* Queues one frame: begin, any headers, end.  As frame_encoder. */
void client_begin(struct client *client, enum frame_command command,
                  size_t body_len);
void client_header(struct client *client, enum header_id id, struct span value);
void client_header_named(struct client *client, struct span name,
                         struct span value);
void client_end(struct client *client, struct span body);

size_t client_queued_bytes(const struct client *client);

/* Writes all that is queued.  What arrives meanwhile is kept, so that two
 * full buffers cannot block each other. */
enum client_status client_flush(struct client *client, int64_t deadline_us,
                                struct error *err);

/*
 * Flushes, then waits for the next frame, which stays valid until the next
 * call on client.  An ERROR frame is CLIENT_PROTOCOL with its message in err
 * and its body kept (client_error_body).
 */
enum client_status client_receive(struct client *client, int64_t deadline_us,
                                  const struct frame **frame_out,
                                  struct error *err);

/* Waits until fd can be read, or the broker sends something (whichever comes
 * first), or the deadline passes. */
enum client_status client_wait_input(struct client *client, int fd,
                                     int64_t deadline_us, struct error *err);

/* Waits for the RECEIPT with that id; frames that come before it are
 * dropped. */
enum client_status client_await_receipt(struct client *client, struct span id,
                                        int64_t deadline_us, struct error *err);

/* Sends DISCONNECT with a receipt and waits for it; frames that come before
 * it are dropped.  So everything sent before has been taken by the broker. */
enum client_status client_disconnect(struct client *client, int64_t deadline_us,
                                     struct error *err);

/* The body of the ERROR frame that ended the connection; empty when none. */
struct span client_error_body(const struct client *client);
