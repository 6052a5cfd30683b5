/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the admin socket: one HTTP request, one answer, close.
 *
 *   READING ─► WAITING (the request is with net_options.request) ─► WRITING
 *      └──────────┴──────────────┴─► ended
 *
 * Its own few lines and not libwebsockets': the answer may come later, and is
 * as long as it has to be.
 */
#pragma once

struct net;

/* Takes over fd (non-blocking).  Not counted as a connection: an operator gets
 * in when all others have taken every place. */
void http_conn_accept(struct net *net, int fd);

/* Ends all of them; what is WAITING must not be answered any more. */
void http_conn_end_all(struct net *net);
