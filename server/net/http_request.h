/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP/1.1 request out of the bytes that came so far.  No I/O; for the
 * admin socket, whose clients are tools of this machine: one request per
 * connection, bodies by Content-Length only.  Source: RFC 9112.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>

enum {
    HTTP_REQUEST_HEAD_MAX = 8192,
    HTTP_REQUEST_BODY_MAX = 65536,
};

/* Borrowed from the bytes that were parsed. */
struct http_request {
    struct span method;
    struct span path;  /* as sent, still percent-encoded */
    struct span query; /* behind the `?`, empty without one */
    struct span body;
};

enum http_request_parse {
    HTTP_REQUEST_MORE,    /* it goes on */
    HTTP_REQUEST_READY,   /* *request_out is set */
    HTTP_REQUEST_INVALID, /* not a request: answer 400 */
    HTTP_REQUEST_TOO_BIG, /* head or body over the maximum: answer 413 */
};

enum http_request_parse http_request_parse(struct span in,
                                           struct http_request *request_out);

/*
 * The value of a parameter of a query (`a=1&b=x%2Fy`), percent-decoded into
 * text (size bytes with its NUL).  False when it is not there, does not fit, is
 * badly encoded or has a NUL in it.
 */
bool http_query_get(struct span query, const char *name, char *text,
                    size_t size);
