/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heart-beat arithmetic.
 * Source: STOMP 1.2, "Heart-beating"; field.md P1-P6.
 */
#include "protocol/heartbeat.h"

enum {
    HEARTBEAT_US_PER_MS = 1000,
    HEARTBEAT_GRACE_US = 1000000, /* P3: late by a hair is not dead */
};

static bool
heartbeat_parse_ms(struct span text, uint32_t *ms_out)
{
    uint64_t value;

    if (!span_to_u64(text, &value) || value > UINT32_MAX) {
        return false;
    }
    *ms_out = (uint32_t)value;
    return true;
}

bool
heartbeat_parse(struct span value, uint32_t *sends_ms_out,
                uint32_t *wants_ms_out)
{
    struct span rest = value;
    uint32_t sends_ms = 0;
    uint32_t wants_ms = 0;

    /* Without a comma, rest is left empty and is no number. */
    if (value.data != NULL &&
        (!heartbeat_parse_ms(span_split(&rest, ','), &sends_ms) ||
         !heartbeat_parse_ms(rest, &wants_ms))) {
        return false;
    }
    *sends_ms_out = sends_ms;
    *wants_ms_out = wants_ms;
    return true;
}

/* One direction: what one side can do against what the other wants. */
static int64_t
heartbeat_agree(uint32_t sends_ms, uint32_t wants_ms)
{
    uint32_t larger = sends_ms > wants_ms ? sends_ms : wants_ms;

    if (sends_ms == 0 || wants_ms == 0) {
        return 0;
    }
    return (int64_t)larger * HEARTBEAT_US_PER_MS;
}

struct heartbeat
heartbeat_negotiate(uint32_t client_sends_ms, uint32_t client_wants_ms,
                    uint32_t server_sends_ms, uint32_t server_wants_ms)
{
    return (struct heartbeat){
        .send_us = heartbeat_agree(server_sends_ms, client_wants_ms),
        .receive_us = heartbeat_agree(client_sends_ms, server_wants_ms),
    };
}

int64_t
heartbeat_send_due(const struct heartbeat *heartbeat, int64_t last_written_us)
{
    return heartbeat->send_us > 0 ? last_written_us + heartbeat->send_us / 2
                                  : INT64_MAX;
}

int64_t
heartbeat_receive_due(const struct heartbeat *heartbeat, int64_t last_read_us)
{
    return heartbeat->receive_us > 0
               ? last_read_us + 2 * heartbeat->receive_us + HEARTBEAT_GRACE_US
               : INT64_MAX;
}
