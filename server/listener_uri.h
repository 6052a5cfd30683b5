/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the broker listens, as a URI with options:
 *
 *     stomp://HOST[:PORT][?useAsyncSend=true|false&anonymous=true|false]
 *     ws://HOST[:PORT][/PATH][?...]
 *     unix:/PATH[?...]   unix:///PATH[?...]
 *
 * HOST is a name, an IPv4 address or an IPv6 address in brackets; port 0 is
 * any free one.  Source: design.md section 1.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"
#include "server/net/net.h"

#include <stdbool.h>
#include <stdint.h>

struct listener_uri {
    enum net_endpoint_kind kind;
    char *host; /* without brackets; NULL for unix */
    uint16_t port;
    char *path; /* of the socket; of the WebSocket URI; NULL for stomp */
    bool use_async_send;
    bool use_async_send_set;
    bool anonymous; /* may stand on an address that others can reach */
};

/* 0 and *uri_out set (listener_uri_fini when done), or -1 with a sentence that
 * names what was found and what would be accepted. */
int listener_uri_parse(struct span text, struct listener_uri *uri_out,
                       struct error *err);

/* Frees the texts and makes *uri empty. */
void listener_uri_fini(struct listener_uri *uri);

/* The same for net_listen; the texts stay the URI's. */
struct net_endpoint listener_uri_endpoint(const struct listener_uri *uri);

/* Whether only this machine can reach it: loopback, or a unix socket. */
bool listener_uri_is_local(const struct listener_uri *uri);
