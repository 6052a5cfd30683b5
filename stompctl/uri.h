/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connection URIs of the client, in the manner of the JMS world:
 *
 *     stomp://user:pass@host:61613?jms.useAsyncSend=true
 *     ws://host:61614/stomp
 *     unix:/run/stompd.sock
 *
 * tcp:// is taken for stomp://.  User, passcode and option values may be
 * percent-encoded.
 */
#pragma once
#include "base/error.h"

#include <stddef.h>

enum { URI_OPTION_COUNT = 16 };

enum uri_scheme {
    URI_TCP,
    URI_UNIX,
    URI_WS,
};

struct uri_option {
    char *name;
    char *value;
};

struct uri {
    enum uri_scheme scheme;
    char *host;     /* without brackets; NULL for URI_UNIX */
    char *port;     /* decimal text; NULL for URI_UNIX */
    char *path;     /* of the socket, or of the WebSocket ("/stomp") */
    char *user;     /* NULL when the URI has none */
    char *passcode; /* NULL when the URI has none */
    struct uri_option options[URI_OPTION_COUNT]; /* what follows the '?' */
    size_t option_count;
};

/* Fills *uri_out; the caller gives it back by uri_fini, also after a failure.
 * Returns 0, or -1 with an error that names the text and what is accepted;
 * the passcode is never part of it. */
int uri_parse(const char *text, struct uri *uri_out, struct error *err);
void uri_fini(struct uri *uri);
