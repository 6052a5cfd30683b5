/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STOMP versions: negotiation, and what each version changes, as a table.
 * Source: STOMP 1.2, "Connecting" and "Protocol Negotiation".
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>

enum stomp_version {
    STOMP_NONE, /* before CONNECT: headers are taken raw, CR LF accepted */
    STOMP_1_0,
    STOMP_1_1,
    STOMP_1_2,
};

struct version_rules {
    const char *text;        /* "1.2"; "" for STOMP_NONE */
    bool escapes;            /* \n \c \\ are undone and made */
    bool escapes_cr;         /* \r too */
    bool bare_cr_is_error;   /* a CR that no LF follows */
    bool trims_values;       /* one blank after the colon, blanks at the end */
    bool checks_utf8;        /* invalid UTF-8 in a header is an error (D6) */
    bool refuses_bodies;     /* on client frames other than SEND (D5) */
    bool drops_empty_values; /* never sent to such a receiver (I24) */
    bool heart_beats;        /* may be agreed */
    bool ack_by_id;          /* ACK and NACK name the `ack` header by `id` */
    bool needs_subscription_id;
};

const struct version_rules *version_rules(enum stomp_version version);

/*
 * Highest version common to the client's accept-version list and ours: items
 * in any order, blanks around them ignored, unknown ones skipped (I14).  An
 * absent header (data == NULL) means 1.0.  STOMP_NONE when nothing is common.
 */
enum stomp_version version_negotiate(struct span accept_version);
