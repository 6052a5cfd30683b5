/* SPDX-License-Identifier: Apache-2.0 */
#include "server/listener_uri.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum {
    LISTENER_STOMP_PORT = 61613, /* as ActiveMQ */
    LISTENER_WS_PORT = 61614,
    LISTENER_HOST_MAX = 253, /* of a DNS name */
    LISTENER_TEXT_MAX = 100, /* of what an error text quotes */
};
#define LISTENER_WS_PATH "/stomp"

/* What a scheme is, or why it is not one. */
static const struct listener_scheme {
    const char *name;
    enum net_endpoint_kind kind;
    bool is_later; /* known, not in this version */
} listener_schemes[] = {
    { .name = "stomp", .kind = NET_ENDPOINT_STOMP },
    { .name = "ws", .kind = NET_ENDPOINT_WS },
    { .name = "unix", .kind = NET_ENDPOINT_UNIX },
    { .name = "stomp+ssl", .is_later = true },
    { .name = "wss", .is_later = true },
};

#define LISTENER_QUOTE(span)                                                   \
    span_escape((span), (char[LISTENER_TEXT_MAX]){ "" }, LISTENER_TEXT_MAX)

/* Cuts the scheme and its colon off *rest. */
static const struct listener_scheme *
listener_scheme_take(struct span *rest, struct error *err)
{
    struct span text = *rest;
    struct span name = span_split(rest, ':');

    if (rest->data == NULL) {
        (void)error_set(err,
                        "\"%s\" is not a listener; write "
                        "stomp://HOST:PORT, ws://HOST:PORT/PATH or "
                        "unix:/PATH",
                        LISTENER_QUOTE(text));
        return NULL;
    }
    for (size_t i = 0;
         i < sizeof(listener_schemes) / sizeof(listener_schemes[0]); i++) {
        const struct listener_scheme *scheme = &listener_schemes[i];

        if (span_equal(name, span_of_text(scheme->name))) {
            if (!scheme->is_later) {
                return scheme;
            }
            (void)error_set(err,
                            "\"%s\" needs TLS, which this version does "
                            "not have; put a TLS proxy before a stomp or "
                            "ws listener",
                            scheme->name);
            return NULL;
        }
    }
    (void)error_set(err,
                    "\"%s\" is not the scheme of a listener; stomp, ws "
                    "and unix are",
                    LISTENER_QUOTE(name));
    return NULL;
}

static int
listener_parse_bool(struct span name, struct span value, bool *flag_out,
                    struct error *err)
{
    if (!span_equal(value, SPAN("true")) && !span_equal(value, SPAN("false"))) {
        return error_set(err, "%s=%s: true or false is expected",
                         LISTENER_QUOTE(name), LISTENER_QUOTE(value));
    }
    *flag_out = span_equal(value, SPAN("true"));
    return 0;
}

/* `useAsyncSend=true&...`: what stands behind the question mark. */
static int
listener_parse_options(struct span options, struct listener_uri *uri,
                       struct error *err)
{
    while (options.data != NULL) {
        struct span value = span_split(&options, '&');
        struct span name = span_split(&value, '=');

        bool *flag;

        if (span_equal(name, SPAN("useAsyncSend"))) {
            flag = &uri->use_async_send;
            uri->use_async_send_set = true;
        } else if (span_equal(name, SPAN("anonymous"))) {
            flag = &uri->anonymous;
        } else {
            return error_set(err,
                             "\"%s\" is not an option of a listener; "
                             "useAsyncSend=true or false is, and "
                             "anonymous=true or false",
                             LISTENER_QUOTE(name));
        }
        if (listener_parse_bool(name, value, flag, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool
listener_is_host_char(char c, bool is_ipv6)
{
    if ((c >= '0' && c <= '9') || c == '.') {
        return true;
    }
    if (is_ipv6) {
        return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':';
    }
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
}

static int
listener_set_host(struct span host, bool is_ipv6, struct listener_uri *uri,
                  struct error *err)
{
    if (host.len == 0) {
        return error_set(err, "no host; 127.0.0.1 is this machine only, "
                              "0.0.0.0 every IPv4 and [::] every address");
    }
    for (size_t i = 0; i < host.len; i++) {
        if (!listener_is_host_char(host.data[i], is_ipv6) ||
            i >= LISTENER_HOST_MAX) {
            return error_set(err,
                             "\"%s\" is not a host; a name, an IPv4 "
                             "address or an IPv6 address in brackets is",
                             LISTENER_QUOTE(host));
        }
    }
    uri->host = xstrndup(host.data, host.len);
    return 0;
}

static int
listener_set_port(struct span text, struct listener_uri *uri, struct error *err)
{
    uint64_t port;

    if (!span_to_u64(text, &port) || port > UINT16_MAX) {
        return error_set(err,
                         "\"%s\" is not a port; a number from 0 (any "
                         "free one) to 65535 is",
                         LISTENER_QUOTE(text));
    }
    uri->port = (uint16_t)port;
    return 0;
}

/* `host:port`, `host`, `[::1]:port`. */
static int
listener_parse_authority(struct span text, struct listener_uri *uri,
                         struct error *err)
{
    struct span port = text;
    struct span host;
    bool is_ipv6 = text.len > 0 && text.data[0] == '[';

    if (is_ipv6) {
        port = span_after(text, 1);
        host = span_split(&port, ']');
        if (port.data == NULL || (port.len > 0 && port.data[0] != ':')) {
            return error_set(err, "\"%s\" is not a host; [ADDRESS]:PORT is",
                             LISTENER_QUOTE(text));
        }
        port = port.len > 0 ? span_after(port, 1) : SPAN_NONE;
    } else {
        host = span_split(&port, ':');
    }
    if (listener_set_host(host, is_ipv6, uri, err) != 0) {
        return -1;
    }
    uri->port =
        uri->kind == NET_ENDPOINT_WS ? LISTENER_WS_PORT : LISTENER_STOMP_PORT;
    return port.data == NULL ? 0 : listener_set_port(port, uri, err);
}

static bool
listener_is_path(struct span path)
{
    for (size_t i = 0; i < path.len; i++) {
        if ((unsigned char)path.data[i] <= 0x20 || path.data[i] == 0x7F ||
            path.data[i] == '#') {
            return false;
        }
    }
    return path.len > 0 && path.data[0] == '/';
}

/* `//host:port/path` for stomp and ws. */
static int
listener_parse_network(struct span text, struct listener_uri *uri,
                       struct error *err)
{
    struct span authority;
    struct span path = SPAN_NONE;
    const char *slash;

    if (!span_starts_with(text, SPAN("//"))) {
        return error_set(err,
                         "\"%s\": // and a host are expected behind the "
                         "scheme",
                         LISTENER_QUOTE(text));
    }
    authority = span_after(text, 2);
    slash =
        authority.len > 0 ? memchr(authority.data, '/', authority.len) : NULL;
    if (slash != NULL) {
        path = span_after(authority, (size_t)(slash - authority.data));
        authority.len -= path.len;
    }
    if (listener_parse_authority(authority, uri, err) != 0) {
        return -1;
    }
    if (uri->kind == NET_ENDPOINT_STOMP) {
        return path.len <= 1
                   ? 0
                   : error_set(err, "\"%s\": a stomp listener has no path",
                               LISTENER_QUOTE(path));
    }
    path = path.len > 0 ? path : SPAN(LISTENER_WS_PATH);
    if (!listener_is_path(path)) {
        return error_set(err, "\"%s\" is not the path of a WebSocket",
                         LISTENER_QUOTE(path));
    }
    uri->path = xstrndup(path.data, path.len);
    return 0;
}

/* `/path` or `///path`. */
static int
listener_parse_unix(struct span path, struct listener_uri *uri,
                    struct error *err)
{
    size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

    if (span_starts_with(path, SPAN("///"))) {
        path = span_after(path, 2);
    }
    if (span_starts_with(path, SPAN("//")) || path.len < 2 ||
        path.data[0] != '/' || memchr(path.data, '\0', path.len) != NULL) {
        return error_set(err,
                         "\"%s\" is not the path of a socket; unix:/PATH "
                         "or unix:///PATH is expected",
                         LISTENER_QUOTE(path));
    }
    if (path.len > max) {
        return error_set(err,
                         "the path of a socket has at most %zu bytes, "
                         "this has %zu",
                         max, path.len);
    }
    uri->path = xstrndup(path.data, path.len);
    return 0;
}

int
listener_uri_parse(struct span text, struct listener_uri *uri_out,
                   struct error *err)
{
    struct listener_uri uri = { .port = 0 };
    struct span options = text;
    struct span rest = span_split(&options, '?');
    const struct listener_scheme *scheme = listener_scheme_take(&rest, err);
    int status;

    if (scheme == NULL) {
        return -1;
    }
    uri.kind = scheme->kind;
    status = uri.kind == NET_ENDPOINT_UNIX
                 ? listener_parse_unix(rest, &uri, err)
                 : listener_parse_network(rest, &uri, err);
    if (status != 0 || listener_parse_options(options, &uri, err) != 0) {
        listener_uri_fini(&uri);
        return -1;
    }
    *uri_out = uri;
    return 0;
}

void
listener_uri_fini(struct listener_uri *uri)
{
    free(uri->host);
    free(uri->path);
    *uri = (struct listener_uri){ .port = 0 };
}

struct net_endpoint
listener_uri_endpoint(const struct listener_uri *uri)
{
    return (struct net_endpoint){
        .kind = uri->kind,
        .host = uri->host,
        .port = uri->port,
        .path = uri->path,
        .use_async_send = uri->use_async_send,
        .use_async_send_set = uri->use_async_send_set,
    };
}

bool
listener_uri_is_local(const struct listener_uri *uri)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;

    if (uri->kind == NET_ENDPOINT_UNIX) {
        return true;
    }
    if (inet_pton(AF_INET, uri->host, &ipv4) == 1) {
        return ntohl(ipv4.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, uri->host, &ipv6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&ipv6);
    }
    return strcmp(uri->host, "localhost") == 0;
}
