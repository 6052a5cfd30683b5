/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers to plain requests, written whole through libwebsockets; the
 * connection is closed after each.  0, or -1 when it cannot be written.
 */
#pragma once

struct lws;

/* status as "404 Not Found", headers each with its CR LF. */
int http_answer_text(struct lws *wsi, const char *status, const char *headers,
                     const char *text);

/* The page of page.html, for people with a browser. */
int http_answer_page(struct lws *wsi);
