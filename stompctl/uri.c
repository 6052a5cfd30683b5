/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/uri.h"

#include "base/alloc.h"
#include "base/span.h"

#include <stdlib.h>

static const struct uri_kind {
    const char *prefix;
    enum uri_scheme scheme;
    const char *port;
    const char *path;
} uri_kinds[] = {
    { "stomp://", URI_TCP, "61613", NULL },
    { "tcp://", URI_TCP, "61613", NULL },
    { "ws://", URI_WS, "61614", "/stomp" },
    { "unix:", URI_UNIX, NULL, NULL },
};
enum { URI_KIND_COUNT = sizeof(uri_kinds) / sizeof(uri_kinds[0]) };

static int
uri_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that a %XX at the front of text stands for; -1 when it is none,
 * or a NUL, which no text of ours can hold. */
static int
uri_escape_value(struct span text)
{
    int high = text.len > 2 ? uri_hex_digit(text.data[1]) : -1;
    int low = text.len > 2 ? uri_hex_digit(text.data[2]) : -1;

    return high < 0 || low < 0 || high + low == 0 ? -1 : high * 16 + low;
}

/* Puts a copy with %XX undone into *text_out. */
static int
uri_decode(struct span text, const char *what, char **text_out,
           struct error *err)
{
    char *decoded = xstrndup(text.data, text.len);
    size_t len = 0;

    *text_out = decoded;
    while (text.len > 0) {
        int c = (unsigned char)text.data[0];
        size_t used = 1;

        if (c == '%') {
            c = uri_escape_value(text);
            used = 3;
        }
        if (c < 0) {
            return error_set(err,
                             "the %s of the URI holds a '%%' that two "
                             "hex digits do not follow: write %%25 for "
                             "a '%%' itself",
                             what);
        }
        decoded[len++] = (char)c;
        text = span_after(text, used);
    }
    decoded[len] = '\0';
    return 0;
}

static int
uri_add_option(struct uri *uri, struct span option, struct error *err)
{
    struct uri_option *added = &uri->options[uri->option_count];
    struct span name = span_split(&option, '=');

    if (name.len == 0) {
        return error_set(err, "an option of the URI has no name: write "
                              "?name=value&name=value");
    }
    if (uri->option_count == URI_OPTION_COUNT) {
        return error_set(err, "the URI has more than %d options",
                         URI_OPTION_COUNT);
    }
    uri->option_count++;
    if (uri_decode(name, "option", &added->name, err) != 0) {
        return -1;
    }
    return uri_decode(option, "option", &added->value, err);
}

static int
uri_parse_options(struct uri *uri, struct span query, struct error *err)
{
    while (query.data != NULL && query.len > 0) {
        if (uri_add_option(uri, span_split(&query, '&'), err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int
uri_parse_user(struct uri *uri, struct span text, struct error *err)
{
    struct span user = span_split(&text, ':');

    if (uri_decode(user, "user", &uri->user, err) != 0) {
        return -1;
    }
    return text.data == NULL
               ? 0
               : uri_decode(text, "passcode", &uri->passcode, err);
}

static int
uri_parse_port(struct uri *uri, struct span text, struct error *err)
{
    char shown[64];
    uint64_t port;

    if (!span_to_u64(text, &port) || port < 1 || port > 65535) {
        return error_set(err,
                         "\"%s\" is not a port: expected a number from "
                         "1 to 65535",
                         span_escape(text, shown, sizeof(shown)));
    }
    free(uri->port);
    uri->port = xstrndup(text.data, text.len);
    return 0;
}

static int
uri_parse_host(struct uri *uri, struct span text, struct error *err)
{
    struct span host;

    if (text.len > 0 && text.data[0] == '[') {
        const char *end = memchr(text.data, ']', text.len);

        if (end == NULL) {
            return error_set(err, "the URI has a '[' without ']': write an "
                                  "IPv6 address as [::1]");
        }
        host = span_of(text.data + 1, (size_t)(end - text.data) - 1);
        text = span_after(text, host.len + 2);
        if (text.len > 0 && text.data[0] != ':') {
            return error_set(err, "only :PORT may follow the ']' of the URI");
        }
        text = text.len > 0 ? span_after(text, 1) : SPAN_NONE;
    } else {
        host = span_split(&text, ':');
    }
    if (host.len == 0) {
        return error_set(err, "the URI names no host: write for example "
                              "stomp://127.0.0.1:61613");
    }
    uri->host = xstrndup(host.data, host.len);
    return text.data == NULL ? 0 : uri_parse_port(uri, text, err);
}

/* What stands between the scheme and the '?'. */
static int
uri_parse_authority(struct uri *uri, struct span text, struct error *err)
{
    const char *slash = memchr(text.data, '/', text.len);
    const char *at;

    if (slash != NULL) {
        size_t len = (size_t)(slash - text.data);

        if (uri->scheme == URI_WS) {
            free(uri->path);
            uri->path = xstrndup(slash, text.len - len);
        } else if (text.len - len > 1) {
            return error_set(err, "a stomp:// URI has no path: give the "
                                  "destination as an argument of its own");
        }
        text.len = len;
    }
    at = memrchr(text.data, '@', text.len);
    if (at != NULL) {
        struct span user = span_of(text.data, (size_t)(at - text.data));

        if (uri_parse_user(uri, user, err) != 0) {
            return -1;
        }
        text = span_after(text, user.len + 1);
    }
    return uri_parse_host(uri, text, err);
}

static const struct uri_kind *
uri_kind_of(struct span text)
{
    for (size_t i = 0; i < URI_KIND_COUNT; i++) {
        if (span_starts_with(text, span_of_text(uri_kinds[i].prefix))) {
            return &uri_kinds[i];
        }
    }
    return NULL;
}

int
uri_parse(const char *text, struct uri *uri_out, struct error *err)
{
    struct span rest = span_of_text(text);
    const struct uri_kind *kind = uri_kind_of(rest);
    struct span place;

    *uri_out = (struct uri){ .scheme = URI_TCP };
    if (kind == NULL) {
        return error_set(err, "the URI must begin with stomp://, ws:// or "
                              "unix:, for example stomp://127.0.0.1:61613");
    }
    rest = span_after(rest, strlen(kind->prefix));
    place = span_split(&rest, '?');
    uri_out->scheme = kind->scheme;
    uri_out->port = kind->port != NULL ? xstrdup(kind->port) : NULL;
    uri_out->path = kind->path != NULL ? xstrdup(kind->path) : NULL;
    if (uri_parse_options(uri_out, rest, err) != 0) {
        return -1;
    }
    if (kind->scheme != URI_UNIX) {
        return uri_parse_authority(uri_out, place, err);
    }
    if (place.len == 0) {
        return error_set(err, "the URI names no socket: write for example "
                              "unix:/run/stompd.sock");
    }
    return uri_decode(place, "path", &uri_out->path, err);
}

void
uri_fini(struct uri *uri)
{
    free(uri->host);
    free(uri->port);
    free(uri->path);
    free(uri->user);
    free(uri->passcode);
    for (size_t i = 0; i < uri->option_count; i++) {
        free(uri->options[i].name);
        free(uri->options[i].value);
    }
    *uri = (struct uri){ .scheme = URI_TCP };
}
