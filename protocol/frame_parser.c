/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame parser: one static function per state, driven by a loop; what is
 * wrong with a frame is said in frame_parser_fault.c.
 *
 * A frame is read line by line where it lies.  When the input ends inside a
 * frame, its lines so far move to `block` and its body so far to `body`, and
 * what follows is appended there, never more than the frame needs; the spans
 * of its headers move along (frame_parser_rebase).  Every byte is searched
 * once for its line end or NUL, however the input is cut.
 * Source: STOMP 1.2, "Augmented BNF"; stomp.md 4.1-4.4.
 */
#include "protocol/frame_parser.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/secret.h"
#include "protocol/frame_parser_private.h"
#include "protocol/header_line.h"
#include "protocol/headers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PARSER_LINE_END = 2 }; /* CR LF */

const struct frame_limits frame_limits_default = {
    .command_bytes = 1024,
    .header_bytes = (size_t)64 * 1024,
    .headers_bytes = (size_t)256 * 1024,
    .header_count = 256,
    .body_bytes = (size_t)16 * 1024 * 1024,
};

const struct frame_limits frame_limits_before_login = {
    .command_bytes = 1024,
    .header_bytes = (size_t)16 * 1024,
    .headers_bytes = (size_t)32 * 1024,
    .header_count = 64,
    .body_bytes = (size_t)64 * 1024,
};

bool
frame_parser_gather(struct frame_parser *parser, struct parser_input *in,
                    size_t count)
{
    struct span lines = span_of(in->at, count);

    if (!frame_store_is_gathering(&parser->store)) {
        parser->line_start = (size_t)(in->at - in->start);
        lines = span_of(in->start, parser->line_start + count);
    }
    if (!frame_store_gather_lines(&parser->store, lines)) {
        return false;
    }
    in->at += count;
    return true;
}

/* No line end within the `fresh` next bytes. */
static enum parser_step
frame_parser_unfinished_line(struct frame_parser *parser,
                             struct parser_input *in, size_t fresh, bool full)
{
    bool has_nul = fresh > 0 && memchr(in->at, '\0', fresh) != NULL;
    struct span line;

    if (!frame_parser_gather(parser, in, fresh)) {
        return frame_parser_fail_memory(parser, in, "the frame's headers");
    }
    line = span_after(buf_span(&parser->store.block), parser->line_start);
    if (has_nul) {
        return frame_parser_fail_line(parser, in, HEADER_LINE_NUL, line);
    }
    if (full) {
        return frame_parser_fail_long_line(parser, in, line);
    }
    return PARSER_STEP_MORE;
}

/*
 * Takes one line of at most limit bytes; *line_out is without its end.  One
 * CR before the LF belongs to the end in every version (D2).
 */
static enum parser_step
frame_parser_take_line(struct frame_parser *parser, struct parser_input *in,
                       size_t limit, struct span *line_out)
{
    bool gathering = frame_store_is_gathering(&parser->store);
    size_t held = gathering ? parser->store.block.len - parser->line_start : 0;
    size_t room = limit + PARSER_LINE_END - held;
    size_t left = parser_input_left(in);
    size_t fresh = left < room ? left : room;
    const char *end = fresh > 0 ? memchr(in->at, '\n', fresh) : NULL;
    struct span line;

    if (end == NULL) {
        return frame_parser_unfinished_line(parser, in, fresh, left >= room);
    }
    line = span_of(in->at, (size_t)(end - in->at));
    if (gathering) {
        if (!frame_parser_gather(parser, in, line.len + 1)) {
            return frame_parser_fail_memory(parser, in, "the frame's headers");
        }
        line = span_of(parser->store.block.data + parser->line_start,
                       held + line.len);
        parser->line_start = parser->store.block.len;
    } else {
        in->at = end + 1;
    }
    if (line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    *line_out = line;
    return line.len <= limit ? PARSER_STEP_ON
                             : frame_parser_fail_long_line(parser, in, line);
}

static enum parser_step
frame_parser_between(struct frame_parser *parser, struct parser_input *in)
{
    while (in->at < in->end && (*in->at == '\n' || *in->at == '\0')) {
        in->at++;
    }
    if (in->at == in->end) {
        return PARSER_STEP_MORE;
    }
    if (parser->next_limits != NULL) {
        parser->limits = *parser->next_limits;
        free(parser->next_limits);
        parser->next_limits = NULL;
    }
    frame_store_begin(&parser->store);
    parser->frame_version = parser->version;
    parser->rules = version_rules(parser->version);
    parser->line_number = 1;
    parser->headers_bytes = 0;
    parser->line_start = 0;
    parser->state = PARSER_COMMAND;
    in->start = in->at;
    return PARSER_STEP_ON;
}

static enum parser_step
frame_parser_command(struct frame_parser *parser, struct parser_input *in)
{
    enum frame_command command;
    struct span line = SPAN_NONE;
    enum parser_step step =
        frame_parser_take_line(parser, in, parser->limits.command_bytes, &line);

    if (step != PARSER_STEP_ON) {
        return step;
    }
    if (line.len == 0) { /* the EOL was CR LF */
        buf_clear(&parser->store.block);
        parser->state = PARSER_BETWEEN;
        return PARSER_STEP_ON;
    }
    command = frame_command_of(line);
    if (command == FRAME_UNKNOWN) {
        enum header_line fault = header_line_check(line, parser->rules);

        if (fault != HEADER_LINE_OK) {
            return frame_parser_fail_line(parser, in, fault, line);
        }
        if (span_starts_with(line, SPAN("\xEF\xBB\xBF"))) {
            return frame_parser_fail(
                parser, in, FRAME_PARSE_INVALID,
                "a byte order mark (EF BB BF) stands before the command; a "
                "frame starts with its command");
        }
    }
    parser->store.frame.command = command;
    parser->store.frame.command_text = line;
    parser->escapes = parser->rules->escapes && command != FRAME_CONNECT &&
                      command != FRAME_STOMP && command != FRAME_CONNECTED;
    parser->line_number++;
    parser->state = PARSER_HEADERS;
    return PARSER_STEP_ON;
}

/* Undoes the escapes of a line that has some. */
static enum parser_step
frame_parser_decode(struct frame_parser *parser, struct parser_input *in,
                    struct span line, struct frame_header *header)
{
    enum header_line fault;
    char *room = frame_store_scratch(&parser->store, line.len);
    size_t used;

    if (room == NULL) {
        return frame_parser_fail_memory(parser, in, "the frame's headers");
    }
    fault = header_line_decode(header, parser->frame_version, room, &used);
    if (fault != HEADER_LINE_OK) {
        return frame_parser_fail_line(parser, in, fault, line);
    }
    parser->store.scratch.len += used;
    return PARSER_STEP_ON;
}

/* Takes a header that is cut from line, checked and decoded. */
static enum parser_step
frame_parser_add_header(struct frame_parser *parser, struct parser_input *in,
                        struct span line, struct frame_header *header)
{
    /* The command is line 1. */
    if (parser->line_number - 1 > parser->limits.header_count) {
        return frame_parser_fail(
            parser, in, FRAME_PARSE_TOO_BIG,
            "the frame has more than the limit of %zu headers",
            parser->limits.header_count);
    }
    if (parser->rules->trims_values) {
        header->value = header_line_trim(header->value);
    }
    if (!frame_store_add_header(&parser->store, header)) {
        return frame_parser_fail_memory(parser, in, "the frame's headers");
    }
    parser->headers_bytes += line.len;
    parser->line_number++;
    return PARSER_STEP_ON;
}

/* Takes a header line of any kind. */
static enum parser_step
frame_parser_header(struct frame_parser *parser, struct parser_input *in,
                    struct span line)
{
    struct frame_header header;
    enum header_line fault = header_line_check(line, parser->rules);

    if (fault == HEADER_LINE_OK) {
        fault = header_line_split(line, &header);
    }
    if (fault != HEADER_LINE_OK) {
        return frame_parser_fail_line(parser, in, fault, line);
    }
    if (parser->escapes && memchr(line.data, '\\', line.len) != NULL) {
        enum parser_step step = frame_parser_decode(parser, in, line, &header);

        if (step != PARSER_STEP_ON) {
            return step;
        }
    }
    return frame_parser_add_header(parser, in, line, &header);
}

/*
 * The header line at `at`, when it is as nearly all are: whole in the input,
 * plain, and fit for the limits.  Else nothing is taken, and
 * frame_parser_header must say what is the matter.
 */
static bool
frame_parser_cut_plain(struct frame_parser *parser, struct parser_input *in,
                       size_t limit, struct span *line_out,
                       struct frame_header *header)
{
    struct span rest = span_of(in->at, parser_input_left(in));
    size_t colon;
    size_t len;
    size_t end;

    if (frame_store_is_gathering(&parser->store)) {
        return false;
    }
    rest.len =
        rest.len < limit + PARSER_LINE_END ? rest.len : limit + PARSER_LINE_END;
    len = header_line_scan(rest, &colon);
    end = len < rest.len && rest.data[len] == '\r' ? len + 1 : len;
    if (end >= rest.len || rest.data[end] != '\n' || colon >= len ||
        colon == 0 || len > limit) {
        return false;
    }
    *line_out = span_of(rest.data, len);
    header->name = span_of(rest.data, colon);
    header->value = span_of(rest.data + colon + 1, len - colon - 1);
    in->at += end + 1;
    return true;
}

/*
 * A CONNECT says only in a header by which version it is written: what the
 * agreed one wants of its headers is done now, all else was taken raw.
 */
static enum parser_step
frame_parser_settle_connect(struct frame_parser *parser,
                            struct parser_input *in)
{
    struct frame *frame = &parser->store.frame;

    parser->frame_version =
        version_negotiate(frame_get(frame, HEADER_ACCEPT_VERSION));
    parser->rules = version_rules(parser->frame_version);
    for (size_t i = 0; i < frame->header_count; i++) {
        struct frame_header *header = &parser->store.headers[i];
        struct span line =
            span_of(header->name.data,
                    (size_t)(header->value.data - header->name.data) +
                        header->value.len);
        enum header_line fault = header_line_check(line, parser->rules);

        parser->line_number = i + 2;
        if (fault != HEADER_LINE_OK) {
            return frame_parser_fail_line(parser, in, fault, line);
        }
        if (parser->rules->trims_values) {
            header->value = header_line_trim(header->value);
        }
    }
    return PARSER_STEP_ON;
}

static bool
frame_command_may_have_body(enum frame_command command)
{
    return command == FRAME_UNKNOWN || command == FRAME_SEND ||
           command >= FRAME_CONNECTED;
}

static enum parser_step __attribute__((cold))
frame_parser_fail_length(struct frame_parser *parser, struct parser_input *in,
                         struct span text, bool is_number)
{
    enum frame_command command = parser->store.frame.command;
    char shown[PARSER_SHOWN_BYTES];

    (void)secret_escape(text, shown, sizeof(shown));
    if (!is_number) {
        return frame_parser_fail(parser, in, FRAME_PARSE_INVALID,
                                 "content-length \"%s\" is not a plain "
                                 "decimal number of bytes",
                                 shown);
    }
    if (parser->body_len > parser->limits.body_bytes) {
        parser->can_skip =
            parser->body_len < SIZE_MAX && frame_command_may_have_body(command);
        return frame_parser_fail(parser, in, FRAME_PARSE_TOO_BIG,
                                 "content-length %s is above the limit of "
                                 "%zu bytes",
                                 shown, parser->limits.body_bytes);
    }
    return frame_parser_fail(parser, in, FRAME_PARSE_INVALID,
                             "%s frames have no body, but the content-length "
                             "of this one is %s",
                             frame_command_name(command).data, shown);
}

/* Reads content-length: digits only, and no more than the limit, before any
 * byte of the body is kept (V12-055, V12-085). */
static enum parser_step
frame_parser_content_length(struct frame_parser *parser,
                            struct parser_input *in, struct span text)
{
    enum frame_command command = parser->store.frame.command;
    bool is_number = text.len > 0;
    uint64_t length = UINT64_MAX; /* stays when the digits are too many */

    for (size_t i = 0; i < text.len; i++) {
        is_number = is_number && text.data[i] >= '0' && text.data[i] <= '9';
    }
    (void)span_to_u64(text, &length);
    parser->body_len = (size_t)length;
    if (!is_number || length > parser->limits.body_bytes ||
        (length > 0 && parser->rules->refuses_bodies &&
         !frame_command_may_have_body(command))) {
        return frame_parser_fail_length(parser, in, text, is_number);
    }
    return PARSER_STEP_ON;
}

static enum parser_step
frame_parser_end_headers(struct frame_parser *parser, struct parser_input *in)
{
    struct frame *frame = &parser->store.frame;
    enum parser_step step = PARSER_STEP_ON;

    if (parser->frame_version == STOMP_NONE &&
        (frame->command == FRAME_CONNECT || frame->command == FRAME_STOMP)) {
        step = frame_parser_settle_connect(parser, in);
    }
    frame->has_content_length = frame_has(frame, HEADER_CONTENT_LENGTH);
    if (step == PARSER_STEP_ON && frame->has_content_length) {
        step = frame_parser_content_length(
            parser, in, frame_get(frame, HEADER_CONTENT_LENGTH));
    }
    if (step == PARSER_STEP_ON) {
        parser->state = frame->has_content_length ? PARSER_BODY_COUNTED
                                                  : PARSER_BODY_UNTIL_NUL;
    }
    return step;
}

static enum parser_step
frame_parser_headers(struct frame_parser *parser, struct parser_input *in)
{
    const struct frame_limits *limits = &parser->limits;
    enum parser_step step;

    do {
        size_t room = limits->headers_bytes - parser->headers_bytes;
        struct frame_header header;
        struct span line = SPAN_NONE;

        room = room < limits->header_bytes ? room : limits->header_bytes;
        if (frame_parser_cut_plain(parser, in, room, &line, &header)) {
            step = frame_parser_add_header(parser, in, line, &header);
            continue;
        }
        step = frame_parser_take_line(parser, in, room, &line);
        if (step != PARSER_STEP_ON) {
            return step;
        }
        if (line.len == 0) {
            return frame_parser_end_headers(parser, in);
        }
        step = frame_parser_header(parser, in, line);
    } while (step == PARSER_STEP_ON);
    return step;
}

/* Moves the frame into buffers of ours, up to `at` and count body bytes. */
static enum parser_step
frame_parser_gather_body(struct frame_parser *parser, struct parser_input *in,
                         size_t count, size_t whole)
{
    if (!frame_store_is_gathering(&parser->store) &&
        !frame_parser_gather(parser, in, 0)) {
        return frame_parser_fail_memory(parser, in, "the frame's headers");
    }
    if (!frame_store_gather_body(&parser->store, span_of(in->at, count),
                                 whole)) {
        return frame_parser_fail_memory(parser, in, "the frame's body");
    }
    in->at += count;
    return PARSER_STEP_ON;
}

/* What follows on content-length octets of a body. */
static enum parser_step
frame_parser_body_end(struct frame_parser *parser, struct parser_input *in)
{
    if (*in->at != '\0') {
        return frame_parser_fail(
            parser, in, FRAME_PARSE_INVALID,
            "the %zu bytes of the body that content-length promises are "
            "followed by 0x%02x, not by NUL",
            parser->body_len, (unsigned)(unsigned char)*in->at);
    }
    in->at++;
    return PARSER_STEP_FRAME;
}

static enum parser_step
frame_parser_body_counted(struct frame_parser *parser, struct parser_input *in)
{
    size_t missing = parser->body_len - parser->store.body.len;
    size_t left = parser_input_left(in);

    if (parser->store.body.len == 0 && left > missing) { /* whole, in place */
        parser->store.frame.body = span_of(in->at, missing);
        in->at += missing;
    } else {
        enum parser_step step = frame_parser_gather_body(
            parser, in, left < missing ? left : missing, parser->body_len);

        if (step != PARSER_STEP_ON) {
            return step;
        }
        if (in->at == in->end) {
            return PARSER_STEP_MORE;
        }
    }
    return frame_parser_body_end(parser, in);
}

static enum parser_step
frame_parser_body_skipped(struct frame_parser *parser, struct parser_input *in)
{
    size_t left = parser_input_left(in);
    size_t count = left < parser->skip_len ? left : parser->skip_len;

    in->at += count;
    in->start = in->at;
    parser->skip_len -= count;
    if (in->at == in->end) {
        return PARSER_STEP_MORE;
    }
    if (frame_parser_body_end(parser, in) == PARSER_STEP_FAIL) {
        return PARSER_STEP_FAIL;
    }
    parser->state = PARSER_BETWEEN;
    return PARSER_STEP_ON;
}

static enum parser_step
frame_parser_body_until_nul(struct frame_parser *parser,
                            struct parser_input *in)
{
    size_t limit = parser->limits.body_bytes;
    size_t room = limit + 1 - parser->store.body.len;
    size_t left = parser_input_left(in);
    size_t fresh = left < room ? left : room;
    const char *end = fresh > 0 ? memchr(in->at, '\0', fresh) : NULL;
    size_t count = end != NULL ? (size_t)(end - in->at) : fresh;
    enum parser_step step = PARSER_STEP_ON;

    if (end == NULL && left >= room) {
        return frame_parser_fail(
            parser, in, FRAME_PARSE_TOO_BIG,
            "the body, which no content-length announces, is above the limit "
            "of %zu bytes",
            limit);
    }
    if (end != NULL && parser->store.body.len == 0) { /* whole, in place */
        parser->store.frame.body = span_of(in->at, count);
        in->at += count;
    } else {
        step = frame_parser_gather_body(parser, in, count, limit);
    }
    if (step != PARSER_STEP_ON || end == NULL) {
        return step == PARSER_STEP_ON ? PARSER_STEP_MORE : step;
    }
    in->at++;
    return PARSER_STEP_FRAME;
}

static enum parser_step
frame_parser_step(struct frame_parser *parser, struct parser_input *in)
{
    switch (parser->state) {
    case PARSER_BETWEEN:
        return frame_parser_between(parser, in);
    case PARSER_COMMAND:
        return frame_parser_command(parser, in);
    case PARSER_HEADERS:
        return frame_parser_headers(parser, in);
    case PARSER_BODY_COUNTED:
        return frame_parser_body_counted(parser, in);
    case PARSER_BODY_UNTIL_NUL:
        return frame_parser_body_until_nul(parser, in);
    case PARSER_BODY_SKIPPED:
        return frame_parser_body_skipped(parser, in);
    case PARSER_DONE:
        frame_store_release(&parser->store);
        parser->state = PARSER_BETWEEN;
        return PARSER_STEP_ON;
    case PARSER_FAILED:
        (void)error_set(in->err, "%s", parser->fault_text);
        return PARSER_STEP_FAIL;
    }
    return PARSER_STEP_FAIL; /* not reached: the enum has no other value */
}

/* A limit that nobody can reach must not overflow when it is added to, and
 * frame.known counts headers in 16 bits. */
static struct frame_limits
frame_limits_clamp(const struct frame_limits *limits)
{
    const size_t most = SIZE_MAX / 4;
    struct frame_limits clamped = *limits;

    clamped.command_bytes =
        limits->command_bytes < most ? limits->command_bytes : most;
    clamped.header_bytes =
        limits->header_bytes < most ? limits->header_bytes : most;
    clamped.headers_bytes =
        limits->headers_bytes < most ? limits->headers_bytes : most;
    clamped.body_bytes = limits->body_bytes < most ? limits->body_bytes : most;
    clamped.header_count =
        limits->header_count < UINT16_MAX ? limits->header_count : UINT16_MAX;
    return clamped;
}

struct frame_parser *
frame_parser_new(const struct frame_limits *limits)
{
    struct frame_parser *parser = xcalloc(1, sizeof(*parser));

    parser->limits = frame_limits_clamp(limits);
    return parser;
}

void
frame_parser_free(struct frame_parser **parser)
{
    struct frame_parser *p = *parser;

    if (p == NULL) {
        return;
    }
    frame_store_fini(&p->store);
    free(p->next_limits);
    free(p->fault_text);
    free(p);
    *parser = NULL;
}

void
frame_parser_set_version(struct frame_parser *parser,
                         enum stomp_version version)
{
    parser->version = version;
}

void
frame_parser_set_limits(struct frame_parser *parser,
                        const struct frame_limits *limits)
{
    if (!frame_parser_is_inside(parser)) {
        parser->limits = frame_limits_clamp(limits);
        return;
    }
    if (parser->next_limits == NULL) {
        parser->next_limits = xmalloc(sizeof(*parser->next_limits));
    }
    *parser->next_limits = frame_limits_clamp(limits);
}

enum frame_parse
frame_parser_feed(struct frame_parser *parser, struct span *in,
                  const struct frame **frame_out, struct error *err)
{
    const char *data = in->len > 0 ? in->data : "";
    struct parser_input input = {
        .start = data,
        .at = data,
        .end = data + in->len,
        .err = err,
    };
    enum parser_step step;

    do {
        step = frame_parser_step(parser, &input);
    } while (step == PARSER_STEP_ON);
    *in = span_of(input.at, parser_input_left(&input));
    switch (step) {
    case PARSER_STEP_FRAME:
        parser->state = PARSER_DONE;
        *frame_out = &parser->store.frame;
        return FRAME_PARSE_FRAME;
    case PARSER_STEP_ON:
    case PARSER_STEP_MORE:
        if (parser->state == PARSER_BETWEEN) {
            frame_store_rest(&parser->store);
        }
        return FRAME_PARSE_MORE;
    case PARSER_STEP_FAIL:
        break;
    }
    return parser->fault;
}

bool
frame_parser_can_skip(const struct frame_parser *parser)
{
    return parser->state == PARSER_FAILED && parser->can_skip;
}

void
frame_parser_skip(struct frame_parser *parser)
{
    assert(frame_parser_can_skip(parser));
    free(parser->fault_text);
    parser->fault_text = NULL;
    parser->can_skip = false;
    parser->skip_len = parser->body_len;
    frame_store_release(&parser->store);
    frame_store_begin(&parser->store); /* it has been answered */
    parser->state = PARSER_BODY_SKIPPED;
}

const struct frame *
frame_parser_rejected(const struct frame_parser *parser)
{
    return &parser->store.frame;
}

bool
frame_parser_is_inside(const struct frame_parser *parser)
{
    return parser->state != PARSER_BETWEEN && parser->state != PARSER_DONE &&
           parser->state != PARSER_FAILED;
}

size_t
frame_parser_held_bytes(const struct frame_parser *parser)
{
    return parser->store.block.capacity + parser->store.body.capacity;
}
