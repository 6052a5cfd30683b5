/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { INPUT_READ_BYTES = 65536 };

int
input_open(struct input *input, const char *name, bool by_line,
           struct error *err)
{
    *input = (struct input){ .name = name, .by_line = by_line };
    if (strcmp(name, "-") == 0) {
        input->name = "standard input";
        input->fd = STDIN_FILENO;
        return 0;
    }
    input->fd = open(name, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0) {
        return error_set(err, "cannot open \"%s\": %s", name, strerror(errno));
    }
    return 0;
}

void
input_close(struct input *input)
{
    if (input->fd > STDIN_FILENO) {
        (void)close(input->fd);
    }
    input->fd = -1;
    buf_fini(&input->buf);
}

static bool
input_next_line(struct input *input, struct span *line_out)
{
    struct span rest = span_after(buf_span(&input->buf), input->used);
    const char *end = rest.len > 0 ? memchr(rest.data, '\n', rest.len) : NULL;

    if (end == NULL && !(input->ended && rest.len > 0)) {
        buf_consume(&input->buf, input->used);
        input->used = 0;
        return false;
    }
    if (end != NULL) {
        rest.len = (size_t)(end - rest.data);
        input->used++;
    }
    input->used += rest.len;
    *line_out = rest;
    return true;
}

bool
input_next(struct input *input, struct span *message_out)
{
    if (input->by_line) {
        return input_next_line(input, message_out);
    }
    if (!input->ended || input->used == SIZE_MAX) {
        return false;
    }
    *message_out = buf_span(&input->buf);
    input->used = SIZE_MAX; /* handed out whole: there is no second */
    return true;
}

int
input_read(struct input *input, struct error *err)
{
    ssize_t got;

    do {
        got = read(input->fd, buf_reserve(&input->buf, INPUT_READ_BYTES),
                   INPUT_READ_BYTES);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return error_set(err, "cannot read %s: %s", input->name,
                         strerror(errno));
    }
    input->buf.len += (size_t)got;
    input->ended = got == 0;
    return 0;
}
