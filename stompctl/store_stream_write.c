/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/store_stream.h"

#include "stompctl/base64.h"
#include "storage/crc32c.h"

#include <errno.h>
#include <string.h>

/* -------------------------------------------------------------- values -- */

static void
write_escaped(struct buf *line, char c)
{
    switch (c) {
    case '"':
    case '\\':
        buf_append_char(line, '\\');
        buf_append_char(line, c);
        break;
    case '\n':
        buf_append(line, "\\n", 2);
        break;
    case '\r':
        buf_append(line, "\\r", 2);
        break;
    case '\t':
        buf_append(line, "\\t", 2);
        break;
    default:
        buf_appendf(line, "\\u%04x", (unsigned)(uint8_t)c);
        break;
    }
}

/* ,"name":"value", or ,"name64":"..." when the bytes are no text. */
static void
write_bytes(struct buf *line, const char *name, struct span value)
{
    bool text = span_is_utf8(value);
    size_t from = 0;

    buf_appendf(line, ",\"%s%s\":\"", name, text ? "" : "64");
    if (!text) {
        base64_encode(value, line);
        buf_append_char(line, '"');
        return;
    }
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = (uint8_t)value.data[i];

        /* 0x7f is allowed in JSON, but not nice to terminals. */
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f) {
            buf_append(line, value.data + from, i - from);
            write_escaped(line, (char)c);
            from = i + 1;
        }
    }
    buf_append(line, value.data + from, value.len - from);
    buf_append_char(line, '"');
}

static void
write_destination(struct buf *line, enum destination_kind kind,
                  struct span name)
{
    buf_appendf(line, ",\"kind\":\"%s\"", destination_kind_name(kind));
    write_bytes(line, "name", name);
}

/* --------------------------------------------------------------- lines -- */

static struct buf *
write_start(struct store_stream_writer *writer, const char *type)
{
    buf_clear(&writer->line);
    buf_appendf(&writer->line, "{\"type\":\"%s\"", type);
    return &writer->line;
}

static int
write_failed(struct error *err)
{
    return error_set(err, "cannot write the export: %s", strerror(errno));
}

static int
write_line(struct store_stream_writer *writer, struct error *err)
{
    struct buf *line = &writer->line;

    buf_append(line, "}\n", 2);
    writer->crc = crc32c(writer->crc, line->data, line->len);
    return fwrite(line->data, 1, line->len, writer->out) == line->len
               ? 0
               : write_failed(err);
}

void
store_stream_begin(struct store_stream_writer *writer, FILE *out)
{
    *writer = (struct store_stream_writer){ .out = out, .line = BUF_INIT };
}

int
store_stream_put_format(struct store_stream_writer *writer,
                        const struct store_format *format, struct error *err)
{
    struct buf *line = write_start(writer, "store");

    buf_appendf(line, ",\"version\":%d,\"id\":\"", STORE_STREAM_VERSION);
    for (size_t i = 0; i < sizeof(format->uuid); i++) {
        buf_appendf(line, "%02x", format->uuid[i]);
    }
    buf_appendf(line, "\",\"created\":%lld", (long long)format->created_ms);
    return write_line(writer, err);
}

int
store_stream_put_journal(struct store_stream_writer *writer,
                         enum destination_kind kind, struct span name,
                         uint64_t next, struct error *err)
{
    struct buf *line = write_start(writer, "journal");

    write_destination(line, kind, name);
    buf_appendf(line, ",\"next\":%llu", (unsigned long long)next);
    writer->counts.journals++;
    return write_line(writer, err);
}

int
store_stream_put_definition(struct store_stream_writer *writer,
                            struct span name, struct span value,
                            struct error *err)
{
    struct buf *line = write_start(writer, "definition");

    write_bytes(line, "name", name);
    write_bytes(line, "value", value);
    writer->counts.definitions++;
    return write_line(writer, err);
}

int
store_stream_put_record(struct store_stream_writer *writer,
                        enum destination_kind kind, struct span name,
                        const struct store_record *record, struct error *err)
{
    struct buf *line = write_start(writer, "record");

    write_destination(line, kind, name);
    buf_appendf(line,
                ",\"seq\":%llu,\"persistent\":%s,\"priority\":%u,"
                "\"timestamp\":%lld,\"expires\":%lld",
                (unsigned long long)record->seq,
                record->persistent ? "true" : "false", record->priority,
                (long long)record->timestamp_ms, (long long)record->expires_ms);
    write_bytes(line, "headers", record->headers);
    write_bytes(line, "body", record->body);
    writer->counts.records++;
    return write_line(writer, err);
}

int
store_stream_put_end(struct store_stream_writer *writer, struct error *err)
{
    struct buf *line = write_start(writer, "end");
    uint32_t crc = writer->crc;

    buf_appendf(line,
                ",\"journals\":%llu,\"definitions\":%llu,\"records\":%llu,"
                "\"crc32c\":\"%08x\"",
                (unsigned long long)writer->counts.journals,
                (unsigned long long)writer->counts.definitions,
                (unsigned long long)writer->counts.records, crc);
    if (write_line(writer, err) != 0) {
        return -1;
    }
    return fflush(writer->out) == 0 ? 0 : write_failed(err);
}

void
store_stream_fini(struct store_stream_writer *writer)
{
    buf_fini(&writer->line);
}
