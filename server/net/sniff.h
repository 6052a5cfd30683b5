/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which protocol a client speaks, from the first bytes it sends: one port
 * serves STOMP, WebSocket and HTTP.  A pure function of bytes.
 */
#pragma once
#include "base/span.h"

enum sniff {
    SNIFF_MORE,  /* could still be either */
    SNIFF_STOMP, /* and everything that is nothing else: STOMP answers it */
    SNIFF_HTTP,
    SNIFF_TLS, /* a TLS ClientHello record */
};

/* bytes are what came after leading EOLs, which are heart-beats. */
enum sniff sniff_bytes(struct span bytes);

/* How many EOL bytes (LF, CR) bytes begins with. */
size_t sniff_eols(struct span bytes);
