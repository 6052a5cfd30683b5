/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/ws_handshake.h"

static const char *const ws_paths[] = { "/", "/stomp", "/ws", "/ws/websocket" };

/* The best first. */
static const char *const ws_subprotocols[] = { "v12.stomp", "v11.stomp",
                                               "v10.stomp", "stomp" };

enum { WS_SUBPROTOCOLS = sizeof(ws_subprotocols) / sizeof(char *) };

bool
ws_handshake_path(struct span path)
{
    for (size_t i = 0; i < sizeof(ws_paths) / sizeof(ws_paths[0]); i++) {
        if (span_equal(path, span_of_text(ws_paths[i]))) {
            return true;
        }
    }
    return false;
}

/* ---- Origin ---- */

/* "host", "host:port" or "[v6]:port" without the port. */
static struct span
without_port(struct span host)
{
    const char *end;

    if (host.len == 0) {
        return host;
    }
    end = memchr(host.data, host.data[0] == '[' ? ']' : ':', host.len);
    if (end == NULL) {
        return host;
    }
    host.len = (size_t)(end - host.data) + (host.data[0] == '[' ? 1 : 0);
    return host;
}

/* "http://host:port" without scheme and port; empty for "null" and what has
 * another shape. */
static struct span
origin_host(struct span origin)
{
    static const char *const schemes[] = { "http://", "https://" };

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        struct span scheme = span_of_text(schemes[i]);

        if (span_starts_with(origin, scheme)) {
            return without_port(span_after(origin, scheme.len));
        }
    }
    return SPAN_NONE;
}

/* Four decimal numbers, the first 127: a name like 127.evil.example is not
 * an address. */
static bool
is_loopback_v4(struct span host)
{
    struct span rest = host;
    unsigned parts = 0;
    uint64_t value;

    while (rest.data != NULL) {
        if (!span_to_u64(span_split(&rest, '.'), &value) || value > 255 ||
            (parts == 0 && value != 127)) {
            return false;
        }
        parts++;
    }
    return parts == 4;
}

static bool
is_loopback(struct span host)
{
    return span_equal_nocase(host, SPAN("localhost")) ||
           span_equal(host, SPAN("[::1]")) || is_loopback_v4(host);
}

bool
ws_handshake_origin(struct span origin, struct span host,
                    const char *const *allowed)
{
    struct span name;

    if (origin.len == 0) {
        return true;
    }
    if (allowed != NULL) {
        for (; *allowed != NULL; allowed++) {
            if (span_equal(SPAN("*"), span_of_text(*allowed)) ||
                span_equal_nocase(origin, span_of_text(*allowed))) {
                return true;
            }
        }
        return false;
    }
    name = origin_host(origin);
    return name.len > 0 &&
           (span_equal_nocase(name, without_port(host)) || is_loopback(name));
}

/* ---- subprotocol ---- */

struct ws_subprotocol
ws_handshake_subprotocol(struct span offer)
{
    struct ws_subprotocol best = { .name = SPAN_NONE, .known = false };
    size_t best_rank = WS_SUBPROTOCOLS;
    struct span rest = offer;

    while (rest.data != NULL) {
        struct span name = span_trim(span_split(&rest, ','));

        if (best.name.len == 0) {
            best.name = name;
        }
        for (size_t rank = 0; rank < best_rank; rank++) {
            if (span_equal(name, span_of_text(ws_subprotocols[rank]))) {
                best = (struct ws_subprotocol){
                    .name = name,
                    .known = true,
                    .text = ws_subprotocols[rank],
                };
                best_rank = rank;
            }
        }
    }
    return best;
}
