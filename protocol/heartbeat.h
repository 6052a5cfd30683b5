/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heart-beat arithmetic: what was agreed, and when the next act is due.  No
 * clock here: time is given, in microseconds of a monotonic clock.
 * Source: STOMP 1.2, "Heart-beating"; field.md P1-P6.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct heartbeat {
    int64_t send_us;    /* we promised some byte at least this often; 0 = no */
    int64_t receive_us; /* the peer promised the same; 0 = no */
};

/* Reads "cx,cy" (milliseconds).  False for anything but two plain decimals
 * with one comma (V12-130).  Absent (data == NULL) is 0,0. */
bool heartbeat_parse(struct span value, uint32_t *sends_ms_out,
                     uint32_t *wants_ms_out);

/*
 * client_* as in the CONNECT frame, server_* as in our CONNECTED: what the
 * server can send and what it wants.  0 on either side switches the direction
 * off, else the larger number holds (V12-132, V12-133).
 */
struct heartbeat heartbeat_negotiate(uint32_t client_sends_ms,
                                     uint32_t client_wants_ms,
                                     uint32_t server_sends_ms,
                                     uint32_t server_wants_ms);

/* When to write an EOL if nothing else was written since last_written_us:
 * half the promise (P1, P2).  INT64_MAX when none was agreed. */
int64_t heartbeat_send_due(const struct heartbeat *heartbeat,
                           int64_t last_written_us);

/* When a silent peer counts as dead: twice the promise and one second more
 * (P3).  INT64_MAX when none was agreed. */
int64_t heartbeat_receive_due(const struct heartbeat *heartbeat,
                              int64_t last_read_us);
