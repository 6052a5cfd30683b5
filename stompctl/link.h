/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte stream to the broker over TCP, a unix socket or WebSocket.  The
 * socket is non-blocking; who uses it polls.  One thread.
 */
#pragma once
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "stompctl/uri.h"

#include <stdbool.h>
#include <stdint.h>

struct link; /* opaque: defined in link.c */

/*
 * Connects to what uri names (every address of the host in turn) and, for
 * WebSocket, does the opening handshake; gives up at deadline_us of the
 * monotonic clock.  Returns 0, or -1 with an error that names the address.
 */
int link_open(const struct uri *uri, int64_t deadline_us,
              struct link **link_out, struct error *err);

/* Closes the socket, frees *link and sets it to NULL; NULL is fine. */
void link_close(struct link **link);

int link_fd(const struct link *link);
bool link_is_websocket(const struct link *link);

/* Queues bytes for the broker; on WebSocket as one message, text when they
 * are UTF-8, else binary. */
void link_queue(struct link *link, struct span bytes);

/* What is queued and not yet written. */
size_t link_queued_bytes(const struct link *link);

/* Writes what the socket takes now.  Returns 0, or -1 when the connection is
 * lost. */
int link_flush(struct link *link, struct error *err);

/*
 * Reads once and appends what came to in.  Returns how many bytes were
 * appended (0 when there was nothing to read), or -1 with an error when the
 * connection has ended.
 */
ptrdiff_t link_read(struct link *link, struct buf *in, struct error *err);
