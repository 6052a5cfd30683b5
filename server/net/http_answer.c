/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/http_answer.h"

#include "base/buf.h"
#include "server/net/page.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>

static int
http_answer(struct lws *wsi, const char *status, const char *headers,
            struct span body, bool head_only)
{
    struct buf answer = BUF_INIT;
    int written;

    memset(buf_reserve(&answer, LWS_PRE), 0, LWS_PRE);
    answer.len = LWS_PRE;
    buf_appendf(&answer,
                "HTTP/1.1 %s\r\nConnection: close\r\n"
                "Content-Length: %zu\r\nX-Content-Type-Options: nosniff\r\n"
                "%s\r\n",
                status, body.len, headers);
    if (!head_only) {
        buf_append_span(&answer, body);
    }
    written = lws_write(wsi, (unsigned char *)answer.data + LWS_PRE,
                        answer.len - LWS_PRE, LWS_WRITE_HTTP);
    buf_fini(&answer);
    return written < 0 ? -1 : 0;
}

int
http_answer_text(struct lws *wsi, const char *status, const char *headers,
                 const char *text)
{
    char all[256];

    (void)snprintf(all, sizeof(all),
                   "Content-Type: text/plain; charset=utf-8\r\n%s", headers);
    return http_answer(wsi, status, all, span_of_text(text),
                       lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0);
}

/* It may talk to this host only, and nobody may frame it. */
int
http_answer_page(struct lws *wsi)
{
    return http_answer(
        wsi, "200 OK",
        "Content-Type: text/html; charset=utf-8\r\n"
        "Cache-Control: no-cache\r\n"
        "X-Frame-Options: DENY\r\n"
        "Content-Security-Policy: default-src 'none'; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        "connect-src ws: wss:; base-uri 'none'; form-action 'none'\r\n",
        span_of(page_html, page_html_len),
        lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0);
}
