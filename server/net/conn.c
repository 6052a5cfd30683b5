/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/conn.h"

#include "base/alloc.h"
#include "server/log.h"
#include "server/session/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONN_HARD_BYTES = 64 << 20 };

void
conn_init(struct conn *conn, struct net *net)
{
    conn->net = net;
    conn->transport.last_read_us = loop_now_us(net->loop);
    conn->transport.last_write_us = loop_now_us(net->loop);
    outq_init(&conn->outq, net->pool);
    DL_APPEND(net->conns, conn);
    net->counters.connections++;
}

void
conn_fini(struct conn *conn)
{
    struct net *net = conn->net;

    timer_wheel_cancel(loop_timers(net->loop), &conn->timer);
    loop_task_cancel(net->loop, &conn->flush);
    outq_clear(&conn->outq);
    DL_DELETE(net->conns, conn);
    net->counters.connections--;
    if (conn->turned_away) {
        net->lingering--;
    }
    net_on_gone(net);
}

void
conn_open_session(struct conn *conn, int64_t now_us)
{
    conn->transport.last_read_us = now_us;
    conn->transport.last_write_us = now_us;
    conn->session =
        session_new(conn->net->options.session, conn->net->options.core,
                    &conn->transport, now_us);
}

void
conn_close_session(struct conn *conn, const char *reason, int64_t now_us)
{
    if (conn->session != NULL) {
        session_on_closed(conn->session, reason, now_us);
        session_free(&conn->session);
        conn->session = NULL;
    }
}

char *
conn_scratch(struct conn *conn, size_t len)
{
    struct net *net = conn->net;

    if (len > net->scratch_size) {
        net->scratch = xrealloc(net->scratch, len);
        net->scratch_size = len;
    }
    return net->scratch;
}

void
conn_feed(struct conn *conn, struct span bytes, int64_t now_us)
{
    conn->transport.received_bytes += bytes.len;
    conn->transport.last_read_us = now_us;
    conn->net->counters.received_bytes += bytes.len;
    session_feed(conn->session, bytes, now_us);
}

void
conn_written(struct conn *conn, size_t count, int64_t now_us)
{
    if (count == 0) {
        return;
    }
    conn->transport.flushed_bytes += count;
    conn->transport.last_write_us = now_us;
    conn->net->counters.sent_bytes += count;
    if (conn->session != NULL) {
        session_on_flushed(conn->session, now_us);
    }
}

static size_t
conn_hard_bytes(const struct conn *conn)
{
    size_t limit = conn->net->options.out_hard_bytes;

    return limit > 0 ? limit : (size_t)CONN_HARD_BYTES;
}

static void __attribute__((cold)) conn_log_over_limit(const struct conn *conn)
{
    conn->net->counters.cut_slow++;
    log_event(LOG_LEVEL_WARNING, "net", "connection cut, it does not read",
              "session=%s peer=%s waiting=%ju limit=%zu",
              conn->session != NULL ? session_name(conn->session) : "-",
              conn->transport.peer,
              (uintmax_t)(conn->transport.queued_bytes -
                          conn->transport.flushed_bytes),
              conn_hard_bytes(conn));
}

bool
conn_is_over_limit(struct conn *conn, size_t last_frame)
{
    if (conn->transport.queued_bytes - conn->transport.flushed_bytes <=
        conn_hard_bytes(conn) + last_frame) {
        return false;
    }
    conn_log_over_limit(conn);
    conn_set_reason(conn, "it does not read");
    return true;
}

void
conn_set_reason(struct conn *conn, const char *fmt, ...)
{
    va_list ap;

    if (conn->reason[0] != '\0') {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(conn->reason, sizeof(conn->reason), fmt, ap);
    va_end(ap);
}
