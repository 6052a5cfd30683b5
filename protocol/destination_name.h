/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Destination texts of STOMP frames: `/queue/N`, `/topic/N`, `/temp-queue/N`,
 * `/temp-topic/N`, `/remote-temp-queue/N`, `/remote-temp-topic/N`, the same as
 * `queue://N` …, comma composites, and wildcards `*` and `>`.
 * Source: activemq.md 1.1, 11.3; design.md section 5.
 */
#pragma once
#include "base/destination_kind.h"
#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

enum { DESTINATION_NAME_BYTES = 4096 };    /* one name */
enum { DESTINATION_COMPOSITE_COUNT = 64 }; /* names in one composite */

struct destination_name {
    enum destination_kind kind;
    bool remote;      /* a temporary destination by its real name */
    bool wildcard;    /* some whole level is `*`, or the last one is `>` */
    struct span name; /* borrowed from the text, without the prefix */
};

struct destination_name_options {
    bool refuse_plain; /* a name without prefix is an error, not a queue */
};

/*
 * Cuts text into its names: items trimmed of blanks, empty items dropped,
 * repeats of the same (kind, name) dropped, order kept.  An item without a
 * prefix has the kind of the first item that had one before it (as ActiveMQ's
 * composites), else it is a queue named as written, `/foo/bar` included, or
 * refused by option.  `?` and what follows it is cut off, as ActiveMQ's
 * destination options that the broker does not read.
 * Writes at most DESTINATION_COMPOSITE_COUNT items to names_out and their
 * number to *count_out (at least 1).  Returns 0, or -1 with an error that names
 * the text and what would be accepted: empty, too long, too many, control
 * bytes (below 0x20 or 0x7F), a wildcard that is not a whole level is fine (it
 * is a literal, as in ActiveMQ).
 */
int destination_name_parse(struct span text,
                           const struct destination_name_options *options,
                           struct destination_name *names_out,
                           size_t *count_out, struct error *err);

/* Whether some level is exactly `*` or the last level is exactly `>`. */
bool destination_name_has_wildcard(struct span name);

/* "/queue/", "/topic/", "/temp-queue/", "/temp-topic/". */
struct span destination_name_prefix(enum destination_kind kind);
