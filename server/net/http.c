/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net/http.h"

#include "base/alloc.h"
#include "server/log.h"
#include "server/net/conn_ws.h"
#include "server/net/http_answer.h"
#include "server/net/listener_socket.h"
#include "server/net/net_private.h"
#include "server/net/ws_frame.h"
#include "server/net/ws_handshake.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    HTTP_READ_BYTES = 65536, /* one WebSocket callback per read */
    HTTP_HEADER_BYTES = 8192,
    HTTP_TIMEOUT_S = 10,    /* for the request */
    HTTP_KEEPALIVE_S = 15,  /* between requests */
    HTTP_OFFER_BYTES = 127, /* of Sec-WebSocket-Protocol: what lws takes */
    HTTP_NAME_BYTES = 64,
    HTTP_PATHS = 16,
};

/* Bits of the opaque pointer of a wsi that we adopted. */
enum {
    HTTP_ADOPTED = 1,
    HTTP_ASYNC_SEND = 2,
    HTTP_ASYNC_SEND_SET = 4,
    HTTP_COUNTED = 8, /* in counters.http */
};

struct http {
    struct net *net;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[3];
    struct lws_http_mount mount;
    /* libwebsockets takes the first name of the client's list that it knows;
     * this is the one name it knows, set just before it looks. */
    char subprotocol[HTTP_NAME_BYTES];
    bool echo;          /* whether that name goes into the answer */
    const char *agreed; /* the same, static; NULL: none of ours */
    char *paths[HTTP_PATHS];
    size_t path_count;
    unsigned char buffer[LWS_PRE + WS_WRITE_MAX];
};

/* Per connection, in libwebsockets' memory. */
struct http_user {
    struct conn_ws *ws; /* NULL before the upgrade and after the end */
};

/* ---- requests ---- */

/* The request's path, whatever the method; borrowed from the request. */
static struct span
http_path(struct lws *wsi)
{
    char *path = NULL;
    int len = 0;

    if (lws_http_get_uri_and_method(wsi, &path, &len) < 0 || len < 0) {
        return SPAN_NONE;
    }
    return span_of(path, (size_t)len);
}

static bool
http_is_stomp_path(const struct http *http, struct span path)
{
    for (size_t i = 0; i < http->path_count; i++) {
        if (span_equal(path, span_of_text(http->paths[i]))) {
            return true;
        }
    }
    return ws_handshake_path(path);
}

/* For load balancers and supervisors; what is wrong is for the log, since
 * anybody may ask. */
static int
http_on_health(const struct http *http, struct lws *wsi)
{
    const struct net *net = http->net;
    bool well =
        !net->draining && (net->options.health == NULL ||
                           net->options.health(net->options.ctx) == NULL);

    return http_answer_text(wsi, well ? "200 OK" : "503 Service Unavailable",
                            "Cache-Control: no-store\r\n",
                            well ? "ok\n" : "not well\n");
}

/* Answers a plain request for what no file serves; -1 when it cannot.  The
 * path is libwebsockets', not the callback's `in`, which lacks the slash when
 * a directory is served. */
static int
http_on_request(const struct http *http, struct lws *wsi)
{
    struct span path = http_path(wsi);
    bool get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0 ||
               lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;

    if (!get) {
        return http_answer_text(wsi, "405 Method Not Allowed",
                                "Allow: GET, HEAD\r\n",
                                "Only GET and HEAD are served here.\n");
    }
    if (span_equal(path, SPAN("/")) || span_equal(path, SPAN("/index.html"))) {
        return http_answer_page(wsi);
    }
    if (span_equal(path, SPAN("/healthz"))) {
        return http_on_health(http, wsi);
    }
    if (http_is_stomp_path(http, path)) {
        return http_answer_text(
            wsi, "426 Upgrade Required", "Upgrade: websocket\r\n",
            "This is a STOMP endpoint: connect with a WebSocket client, "
            "subprotocol v12.stomp.\n");
    }
    return http_answer_text(wsi, "404 Not Found", "",
                            "There is nothing here.\n");
}

/* ---- the WebSocket handshake ---- */

/* A header's value, empty when absent or longer than size. */
static struct span
http_header(struct lws *wsi, enum lws_token_indexes token, char *text,
            size_t size)
{
    int len = lws_hdr_copy(wsi, text, (int)size, token);

    return len > 0 ? span_of(text, (size_t)len) : SPAN_NONE;
}

/* Path and Origin; 0 to go on, 1 when answered. */
static int
http_check_upgrade(struct http *http, struct lws *wsi)
{
    char text[2][256];
    struct span origin = http_header(wsi, WSI_TOKEN_ORIGIN, text[0], 256);
    struct span host = http_header(wsi, WSI_TOKEN_HOST, text[1], 256);

    if (!http_is_stomp_path(http, http_path(wsi))) {
        (void)http_answer_text(wsi, "404 Not Found", "",
                               "There is no STOMP endpoint here, try "
                               "/stomp.\n");
        return 1;
    }
    /* One that does not fit is not absent. */
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) >= 256 ||
        !ws_handshake_origin(origin, host, http->net->options.origins)) {
        http->net->counters.refused_origin++;
        log_event(LOG_LEVEL_WARNING, "net",
                  "WebSocket refused, its origin is not allowed",
                  "origin=\"%s\" host=\"%s\"", LOG_TEXT(origin),
                  LOG_TEXT(host));
        (void)http_answer_text(wsi, "403 Forbidden", "",
                               "Pages of that origin may not connect.\n");
        return 1;
    }
    return 0;
}

/* Sets the one name that libwebsockets will find in the client's list. */
static int
http_choose_subprotocol(struct http *http, struct lws *wsi)
{
    char text[HTTP_OFFER_BYTES + 1];
    struct span offer =
        http_header(wsi, WSI_TOKEN_PROTOCOL, text, sizeof(text));
    struct ws_subprotocol chosen = ws_handshake_subprotocol(offer);

    if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) >= HTTP_OFFER_BYTES ||
        chosen.name.len >= sizeof(http->subprotocol)) {
        (void)http_answer_text(wsi, "400 Bad Request", "",
                               "The list of subprotocols is too long.\n");
        return 1;
    }
    (void)snprintf(http->subprotocol, sizeof(http->subprotocol), "%.*s",
                   (int)chosen.name.len,
                   chosen.name.len > 0 ? chosen.name.data : "");
    http->echo = chosen.known;
    http->agreed = chosen.text;
    return 0;
}

/* The callback's `in` must not be touched: for unknown upgrades it dangles. */
static int
http_on_upgrade(struct http *http, struct lws *wsi)
{
    char text[64];
    struct span upgrade;

    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) <= 0) {
        return -1;
    }
    upgrade = http_header(wsi, WSI_TOKEN_UPGRADE, text, sizeof(text));
    if (!span_equal_nocase(upgrade, SPAN("websocket"))) {
        /* HTTP/2 and others: as if the header were not there, which RFC 9110,
         * section 7.8, allows. */
        (void)http_on_request(http, wsi);
        return 1;
    }
    if (http_check_upgrade(http, wsi) != 0) {
        return 1;
    }
    return http_choose_subprotocol(http, wsi);
}

/* libwebsockets has written its answer up to here: takes the name out again
 * that the client offered and we do not know. */
static void
http_on_add_headers(const struct http *http, struct lws *wsi,
                    struct lws_process_html_args *args)
{
    static const char line[] = "Sec-WebSocket-Protocol: ";
    size_t len = sizeof(line) - 1 + strlen(http->subprotocol) + 2;

    if (http->echo || http->subprotocol[0] == '\0' ||
        lws_hdr_total_length(wsi, WSI_TOKEN_KEY) <= 0) {
        return;
    }
    if (memcmp(args->p - len, line, sizeof(line) - 1) == 0) {
        args->p -= len;
    }
}

static void
http_on_established(struct http *http, struct lws *wsi, struct http_user *user)
{
    struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof(address);
    int fd = lws_get_socket_fd(wsi);
    uintptr_t flags = (uintptr_t)lws_get_opaque_user_data(wsi);
    char peer[64];

    (void)getpeername(fd, (struct sockaddr *)(void *)&address, &len);
    listener_socket_peer(fd, &address, peer, sizeof(peer));
    if ((flags & HTTP_COUNTED) != 0) {
        http->net->counters.http--;
        flags &= ~(uintptr_t)HTTP_COUNTED;
        lws_set_opaque_user_data(wsi, (void *)flags);
    }
    user->ws =
        conn_ws_open(http->net, wsi, peer, (flags & HTTP_ASYNC_SEND) != 0,
                     (flags & HTTP_ASYNC_SEND_SET) != 0);
    /* Set in this very call of libwebsockets, when it read the offer. */
    conn_ws_set_subprotocol(user->ws, http->agreed,
                            http->subprotocol[0] != '\0');
}

/* ---- libwebsockets' one callback ---- */

static int
http_on_ws_event(struct lws *wsi, enum lws_callback_reasons reason,
                 struct http_user *user, void *in, size_t len)
{
    switch ((int)reason) {
    case LWS_CALLBACK_RECEIVE:
        conn_ws_on_receive(user->ws, span_of(in, len),
                           lws_frame_is_binary(wsi) != 0);
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
        conn_ws_on_pong(user->ws);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return conn_ws_on_writable(user->ws);
    case LWS_CALLBACK_CLOSED: {
        struct conn_ws *ws = user->ws;

        user->ws = NULL;
        conn_ws_on_closed(ws);
        return 0;
    }
    default:
        return 0;
    }
}

static int
http_on_http_event(struct http *http, struct lws *wsi,
                   enum lws_callback_reasons reason, void *in)
{
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP:
        /* The connection ends when all is written, as the answer says. */
        (void)http_on_request(http, wsi);
        return -1;
    case LWS_CALLBACK_HTTP_FILE_COMPLETION:
        return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return http_on_upgrade(http, wsi);
    case LWS_CALLBACK_ADD_HEADERS:
        http_on_add_headers(http, wsi, in);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (((uintptr_t)lws_get_opaque_user_data(wsi) & HTTP_COUNTED) != 0) {
            http->net->counters.http--;
        }
        return 0;
    default:
        return 0;
    }
}

static int
http_on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user,
              void *in, size_t len)
{
    struct http_user *self = user;
    struct http *http;

    /* Asked at each change of events; one thread, so any number will do. */
    if (reason == LWS_CALLBACK_GET_THREAD_ID || wsi == NULL ||
        lws_get_context(wsi) == NULL) {
        return 0;
    }
    http = lws_context_user(lws_get_context(wsi));
    if (reason == LWS_CALLBACK_ESTABLISHED) {
        http_on_established(http, wsi, self);
        return 0;
    }
    if (self != NULL && self->ws != NULL) {
        return http_on_ws_event(wsi, reason, self, in, len);
    }
    return http_on_http_event(http, wsi, reason, in);
}

void
http_forget(struct lws *wsi)
{
    struct http_user *user = lws_wsi_user(wsi);

    user->ws = NULL;
}

/* ---- life ---- */

static void
http_on_log(int level, const char *line)
{
    struct span text = span_of_text(line);

    while (text.len > 0 && text.data[text.len - 1] == '\n') {
        text.len--;
    }
    /* What it calls an error is a client that broke HTTP, mostly. */
    log_event(level == LLL_ERR ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "net",
              "libwebsockets", "text=\"%s\"", LOG_TEXT(text));
}

static void
http_set_protocols(struct http *http)
{
    for (size_t i = 0; i < 2; i++) {
        http->protocols[i] = (struct lws_protocols){
            .name = i == 0 ? "http" : http->subprotocol,
            .callback = http_on_event,
            .per_session_data_size = sizeof(struct http_user),
            .rx_buffer_size = HTTP_READ_BYTES,
            .tx_packet_size = (size_t)WS_WRITE_MAX * 2, /* never cut by it */
        };
    }
    (void)snprintf(http->subprotocol, sizeof(http->subprotocol), "v12.stomp");
}

static void
http_set_mount(struct http *http)
{
    http->mount = (struct lws_http_mount){
        .mountpoint = "/",
        .mountpoint_len = 1,
        .origin = http->net->options.http_directory,
        .def = "index.html",
        .origin_protocol = LWSMPRO_FILE,
        .protocol = "http",
    };
}

int
http_start(struct net *net, struct error *err)
{
    /* No PINGs and no hang-ups of its own: heart-beats are STOMP's. */
    static const lws_retry_bo_t no_idle_policy = { .retry_ms_table = NULL };
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_VALIDATE_UTF8,
        .gid = -1,
        .uid = -1,
        .pt_serv_buf_size = HTTP_READ_BYTES,
        .max_http_header_data = HTTP_HEADER_BYTES,
        .timeout_secs = HTTP_TIMEOUT_S,
        .keepalive_timeout = HTTP_KEEPALIVE_S,
        .alpn = "http/1.1",
        .retry_and_idle_policy = &no_idle_policy,
        .vhost_name = "stompd",
    };
    struct http *http = xcalloc(1, sizeof(*http));
    void *loops[1] = { loop_ev(net->loop) };

    net->http = http;
    http->net = net;
    http_set_protocols(http);
    lws_set_log_level(LLL_ERR | LLL_WARN, http_on_log);
    info.foreign_loops = loops;
    info.user = http;
    info.protocols = http->protocols;
    if (net->options.http_directory != NULL) {
        http_set_mount(http);
        info.mounts = &http->mount;
    }
    http->context = lws_create_context(&info);
    if (http->context == NULL) {
        return error_set(err, "libwebsockets does not start; is the package "
                              "libwebsockets-evlib-ev installed?");
    }
    http->vhost = lws_create_vhost(http->context, &info);
    if (http->vhost == NULL) {
        return error_set(err, "libwebsockets makes no virtual host");
    }
    return 0;
}

void
http_stop(struct net *net)
{
    struct http *http = net->http;

    if (http == NULL) {
        return;
    }
    if (http->context != NULL) {
        lws_context_destroy(http->context);
    }
    for (size_t i = 0; i < http->path_count; i++) {
        free(http->paths[i]);
    }
    free(http);
    net->http = NULL;
}

void
http_adopt(struct net *net, int fd, bool use_async_send,
           bool use_async_send_set)
{
    uintptr_t flags = HTTP_ADOPTED | HTTP_COUNTED |
                      (use_async_send ? HTTP_ASYNC_SEND : 0) |
                      (use_async_send_set ? HTTP_ASYNC_SEND_SET : 0);
    struct lws *wsi = lws_adopt_socket_vhost(net->http->vhost, fd);

    if (wsi == NULL) {
        log_event(LOG_LEVEL_WARNING, "net", "HTTP connection not taken", NULL);
        return;
    }
    lws_set_opaque_user_data(wsi, (void *)flags);
    net->counters.http++;
    /* It arms its timeouts only when it runs itself. */
    lws_cancel_service(net->http->context);
}

void
http_add_path(struct net *net, const char *path)
{
    struct http *http = net->http;

    if (http->path_count < HTTP_PATHS) {
        http->paths[http->path_count++] = xstrdup(path);
    }
}

unsigned char *
http_write_buffer(struct net *net)
{
    return net->http->buffer + LWS_PRE;
}
