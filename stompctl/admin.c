/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/admin.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "stompctl/policy_show.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    ADMIN_TIMEOUT_S = 60,
    ADMIN_READ_BYTES = 65536,
    ADMIN_ANSWER_MAX = 1 << 30,
};

bool
admin_options_take(struct admin_options *options, int option, const char *value)
{
    if (option == OPTION_ADMIN) {
        options->socket = value;
        return true;
    }
    if (option == 'd') {
        options->directory = value;
        return true;
    }
    return false;
}

/* The socket's path, to be freed; NULL when there is nowhere to look.  The
 * directories are those that stompd takes by default. */
static char *
admin_path(const struct admin_options *options)
{
    const char *given = getenv("STOMPCTL_ADMIN");
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (options->socket != NULL) {
        return xstrdup(options->socket);
    }
    if (options->directory != NULL) {
        return xasprintf("%s/admin.sock", options->directory);
    }
    if (given != NULL && given[0] != '\0') {
        return xstrdup(given);
    }
    if (xdg != NULL && xdg[0] == '/') {
        return xasprintf("%s/stompd/admin.sock", xdg);
    }
    if (home != NULL && home[0] == '/') {
        return xasprintf("%s/.local/state/stompd/admin.sock", home);
    }
    return NULL;
}

static int
admin_connect_path(const char *path, unsigned patience_s, struct error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval patience = { .tv_sec = patience_s > 0 ? patience_s
                                                         : ADMIN_TIMEOUT_S };
    int fd;

    if (strlen(path) >= sizeof(address.sun_path)) {
        return error_set(err,
                         "the path of the admin socket is longer than %zu "
                         "bytes: %s",
                         sizeof(address.sun_path) - 1, path);
    }
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error_set(err, "cannot make a socket: %s", strerror(errno));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)(void *)&address, sizeof(address)) !=
        0) {
        (void)error_set(err,
                        "no broker answers at %s: %s; where is its data "
                        "directory (-d)?",
                        path, strerror(errno));
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int
admin_connect(const struct admin_options *options, struct error *err)
{
    char *path = admin_path(options);
    int fd;

    if (path == NULL) {
        return error_set(err, "$HOME is not set: where is the broker's data "
                              "directory (-d)?");
    }
    fd = admin_connect_path(path, options->patience_s, err);
    free(path);
    return fd;
}

static int
admin_send(int fd, const char *method, const char *target, struct error *err)
{
    char *request = xasprintf("%s %s HTTP/1.1\r\nHost: stompd\r\n"
                              "Content-Type: application/json\r\n"
                              "Content-Length: 2\r\n\r\n{}",
                              method, target);
    size_t len = strlen(request);
    size_t sent = 0;
    int result = 0;

    while (sent < len && result == 0) {
        ssize_t count = send(fd, request + sent, len - sent, MSG_NOSIGNAL);

        if (count >= 0) {
            sent += (size_t)count;
        } else if (errno != EINTR) {
            result = error_set(err, "the broker hung up: %s", strerror(errno));
        }
    }
    free(request);
    return result;
}

/* All until the broker closes. */
static int
admin_receive(int fd, struct buf *answer, struct error *err)
{
    for (;;) {
        ssize_t count = recv(fd, buf_reserve(answer, ADMIN_READ_BYTES),
                             ADMIN_READ_BYTES, 0);

        if (count == 0) {
            return 0;
        }
        if (count > 0) {
            answer->len += (size_t)count;
        } else if (errno != EINTR) {
            return error_set(err, "the broker does not answer: %s",
                             strerror(errno));
        }
        if (answer->len > ADMIN_ANSWER_MAX) {
            return error_set(err, "the broker's answer is too long");
        }
    }
}

static int
admin_parse(struct span answer, unsigned *status_out, json_t **tree_out,
            struct error *err)
{
    static const char version[] = "HTTP/1.1 ";
    const char *body =
        answer.len > 0 ? memmem(answer.data, answer.len, "\r\n\r\n", 4) : NULL;
    uint64_t status = 0;
    json_error_t problem;
    size_t body_at;

    if (body == NULL || !span_starts_with(answer, span_of_text(version)) ||
        answer.len < sizeof(version) + 2 ||
        !span_to_u64(span_of(answer.data + sizeof(version) - 1, 3), &status)) {
        return error_set(err, "what answers there is not a broker");
    }
    body_at = (size_t)(body - answer.data) + 4;
    *tree_out =
        json_loadb(answer.data + body_at, answer.len - body_at, 0, &problem);
    if (*tree_out == NULL) {
        return error_set(err, "the broker's answer was cut short");
    }
    *status_out = (unsigned)status;
    return 0;
}

int
admin_call(const struct admin_options *options, const char *method,
           const char *target, unsigned *status_out, json_t **tree_out,
           struct error *err)
{
    struct buf answer = BUF_INIT;
    int fd = admin_connect(options, err);
    int result;

    if (fd < 0) {
        return -1;
    }
    result = admin_send(fd, method, target, err);
    if (result == 0) {
        result = admin_receive(fd, &answer, err);
    }
    if (result == 0) {
        result = admin_parse(buf_span(&answer), status_out, tree_out, err);
    }
    (void)close(fd);
    buf_fini(&answer);
    return result;
}

static const char *
admin_why(const json_t *tree)
{
    const char *why = json_string_value(json_object_get(tree, "error"));

    return why != NULL ? why : "no";
}

int
admin_get(const struct admin_options *options, const char *target,
          json_t **tree_out, struct error *err)
{
    unsigned status = 0;

    *tree_out = NULL;
    if (admin_call(options, "GET", target, &status, tree_out, err) != 0) {
        return -1;
    }
    if (status == 200) {
        return 0;
    }
    (void)error_set(err, "the broker says: %s", admin_why(*tree_out));
    json_decref(*tree_out);
    *tree_out = NULL;
    return -1;
}

int
admin_refused(const json_t *tree, int code)
{
    (void)fprintf(stderr, "stompctl: the broker says: %s\n", admin_why(tree));
    return code;
}

int
admin_show(json_t *tree, bool json, admin_print_fn *print, const void *ctx,
           const struct error *err)
{
    if (tree == NULL) {
        (void)fprintf(stderr, "stompctl: %s\n", err->text);
        return EX_UNAVAILABLE;
    }
    if (json) {
        policy_show_json(tree, stdout);
    } else {
        print(ctx, tree);
    }
    json_decref(tree);
    return fflush(stdout) == 0 ? 0 : EX_IOERR;
}

char *
admin_encode(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    struct buf out = BUF_INIT;

    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL) {
            buf_append_char(&out, *text);
        } else {
            buf_appendf(&out, "%%%02X", (unsigned char)*text);
        }
    }
    buf_append_char(&out, '\0');
    return out.data;
}
