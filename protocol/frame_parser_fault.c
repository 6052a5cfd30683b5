/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a frame, in words, and the end of the parser's work.
 */
#include "protocol/frame_parser_private.h"

#include "base/alloc.h"
#include "base/secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Keeps what is known of the frame for frame_parser_rejected. */
static void
frame_parser_keep_rejected(struct frame_parser *parser, struct parser_input *in)
{
    bool kept = frame_store_is_gathering(&parser->store) ||
                in->at == in->start || frame_parser_gather(parser, in, 0);

    if (!kept) {
        frame_store_begin(&parser->store);
    }
    parser->store.frame.body = SPAN_NONE;
    buf_fini(&parser->store.body);
}

enum parser_step
frame_parser_fail(struct frame_parser *parser, struct parser_input *in,
                  enum frame_parse fault, const char *fmt, ...)
{
    struct error err = ERROR_INIT;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(err.text, sizeof(err.text), fmt, ap);
    va_end(ap);
    (void)error_set(in->err, "%s", err.text);
    parser->fault_text = xstrdup(err.text);
    parser->fault = fault;
    parser->state = PARSER_FAILED;
    frame_parser_keep_rejected(parser, in);
    return PARSER_STEP_FAIL;
}

/*
 * The line at fault as text of at most PARSER_SHOWN_BYTES.  Behind a secret
 * header nothing of the frame is shown: the value may have held a line end, and
 * go on in lines that look like others (P43).
 */
static const char *__attribute__((cold))
frame_parser_show(const struct frame_parser *parser, struct span line,
                  char *shown)
{
    const struct frame *frame = &parser->store.frame;

    for (size_t i = 0; i < frame->header_count; i++) {
        if (secret_is_name(frame->headers[i].name)) {
            return "***";
        }
    }
    return secret_escape_line(line, shown, PARSER_SHOWN_BYTES);
}

enum parser_step
frame_parser_fail_line(struct frame_parser *parser, struct parser_input *in,
                       enum header_line fault, struct span line)
{
    struct error err = ERROR_INIT;
    char shown[PARSER_SHOWN_BYTES];
    const char *nul = line.len > 0 ? memchr(line.data, '\0', line.len) : NULL;

    if (fault == HEADER_LINE_NUL && nul != NULL) {
        line.len = (size_t)(nul - line.data); /* the same, however it came */
    }
    header_line_explain(fault, frame_parser_show(parser, line, shown),
                        parser->line_number, &err);
    return frame_parser_fail(parser, in, FRAME_PARSE_INVALID, "%s", err.text);
}

enum parser_step
frame_parser_fail_memory(struct frame_parser *parser, struct parser_input *in,
                         const char *what)
{
    return frame_parser_fail(parser, in, FRAME_PARSE_TOO_BIG,
                             "the broker is out of memory for %s", what);
}

enum parser_step
frame_parser_fail_long_line(struct frame_parser *parser,
                            struct parser_input *in, struct span line)
{
    const struct frame_limits *limits = &parser->limits;
    char room[PARSER_SHOWN_BYTES];
    const char *shown;

    if (memchr(line.data, '\0', line.len) != NULL) {
        return frame_parser_fail_line(parser, in, HEADER_LINE_NUL, line);
    }
    /* The same text whatever was read behind the limit. */
    line.len = line.len < PARSER_SHOWN_BYTES ? line.len : PARSER_SHOWN_BYTES;
    shown = frame_parser_show(parser, line, room);
    if (parser->state == PARSER_COMMAND) {
        return frame_parser_fail(
            parser, in, FRAME_PARSE_TOO_BIG,
            "the command line (\"%s\") is above the limit of %zu bytes", shown,
            limits->command_bytes);
    }
    if (limits->headers_bytes - parser->headers_bytes < limits->header_bytes) {
        return frame_parser_fail(
            parser, in, FRAME_PARSE_TOO_BIG,
            "the header lines of the frame, up to line %zu (\"%s\"), are "
            "above the limit of %zu bytes",
            parser->line_number, shown, limits->headers_bytes);
    }
    return frame_parser_fail(
        parser, in, FRAME_PARSE_TOO_BIG,
        "line %zu of the frame (\"%s\") is above the limit of %zu bytes",
        parser->line_number, shown, limits->header_bytes);
}
