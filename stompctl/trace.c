/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/trace.h"

#include "base/secret.h"

enum { TRACE_LINE_BYTES = 1024 };

static void
trace_line(FILE *out, const char *mark, struct span line)
{
    char text[TRACE_LINE_BYTES];

    (void)fprintf(out, "%s %s\n", mark,
                  secret_escape(line, text, sizeof(text)));
}

static void
trace_body(FILE *out, const char *mark, struct span body)
{
    if (body.len > 0) {
        (void)fprintf(out, "%s\n", mark);
        trace_line(out, mark, body);
    }
    (void)fflush(out);
}

void
trace_sent(FILE *out, struct span bytes)
{
    const char *mark = ">>>";
    struct span rest = bytes;

    while (rest.data != NULL) {
        struct span line = span_split(&rest, '\n');

        if (line.len == 0) {
            break;
        }
        trace_line(out, mark, line);
    }
    if (rest.data != NULL && rest.len > 0) {
        rest.len--; /* the frame's NUL */
    }
    trace_body(out, mark, rest);
}

void
trace_received(FILE *out, const struct frame *frame)
{
    const char *mark = "<<<";
    char name[TRACE_LINE_BYTES];
    char value[TRACE_LINE_BYTES];

    trace_line(out, mark, frame->command_text);
    for (size_t i = 0; i < frame->header_count; i++) {
        const struct frame_header *header = &frame->headers[i];

        (void)fprintf(out, "%s %s:%s\n", mark,
                      span_escape(header->name, name, sizeof(name)),
                      secret_is_name(header->name)
                          ? "***"
                          : secret_escape(header->value, value, sizeof(value)));
    }
    trace_body(out, mark, frame->body);
}
