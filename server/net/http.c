/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/http.h"

#include "server/net/conn_tcp.h"
#include "server/net/net_private.h"

int
http_start(struct net *net, struct error *err)
{
    (void)net;
    (void)err;
    return 0;
}

void
http_stop(struct net *net)
{
    (void)net;
}

void
http_adopt(struct net *net, int fd, bool use_async_send,
           bool use_async_send_set)
{
    static const char answer[] = "HTTP/1.1 501 Not Implemented\r\n"
                                 "Connection: close\r\n"
                                 "Content-Length: 0\r\n\r\n";

    (void)use_async_send;
    (void)use_async_send_set;
    conn_tcp_turn_away(net, fd, "http", span_of(answer, sizeof(answer) - 1));
}
