/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of a connection, shared by conform_step.c, conform_peer.c and
 * conform_say.c alone. */
#pragma once
#include "stompctl/conform_step.h"
#include "stompctl/link.h"

struct peer {
    struct step *step;
    struct link *link; /* NULL once closed by us */
    bool websocket;
    struct ws_client ws;
    struct buf raw;      /* WebSocket: read and not yet decoded */
    struct buf control;  /* WebSocket: answers to Ping and Close */
    struct buf answer;   /* WebSocket: to the handshake */
    struct buf messages; /* WebSocket: struct peer_message each */
    struct buf in;       /* all of STOMP that came */
    size_t parsed;       /* of in: cut into frames */
    struct got *first;   /* every frame that came */
    struct got **last;
    struct buf out;    /* said and not yet flushed */
    bool closed;       /* by the broker */
    struct error lost; /* how */
    int64_t last_read_us;
    char version[4];
    unsigned sends_ms;
    unsigned wants_ms;
};

struct peer_message {
    enum ws_opcode opcode;
    size_t end; /* in the stream */
};

/* Whether one of the events (poll) comes until then; a signal may look like
 * it. */
bool peer_wait(struct peer *peer, short events, int64_t deadline_us);

/* One read of a connection that is ready. */
void peer_read_once(struct peer *peer);

/* Waits for input and takes what one read brings.  False when nothing came
 * until then, or the connection has ended. */
bool peer_fill(struct peer *peer, int64_t deadline_us);

void peer_free(struct peer *peer);
