/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls behind a listener: sockets bound to an address or a path,
 * and their names.
 */
#pragma once
#include "base/error.h"
#include "server/net/net.h"

#include <stddef.h>
#include <sys/socket.h>

/* A non-blocking listening socket; -1 with a sentence. */
int listener_socket_open(const struct net_endpoint *endpoint,
                         struct error *err);

/* The URI of what was bound. */
void listener_socket_uri(int fd, const struct net_endpoint *endpoint,
                         char *uri_out, size_t size);

/* "127.0.0.1:40312", "[::1]:40312", "unix:uid=1000" for an accepted one. */
void listener_socket_peer(int fd, const struct sockaddr_storage *address,
                          char *peer_out, size_t size);

/* No Nagle, and dead peers are noticed. */
void listener_socket_tune(int fd);
