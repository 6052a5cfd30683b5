/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/store_stream.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "stompctl/base64.h"
#include "storage/crc32c.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct read_journal {
    UT_hash_handle hh;
    size_t index;
    uint64_t next;
    uint64_t last; /* number of its last record */
    size_t key_len;
    char key[]; /* kind, name */
};

/* One reading; the line is what is taken apart now. */
struct reader {
    const struct store_stream_sink *sink;
    bool edited;
    bool began;
    bool ended;
    uint32_t crc; /* of all lines before */
    struct store_stream_counts counts;
    struct read_journal *journals;
    struct read_journal *recent; /* of the record before */
    const json_t *line;
    size_t members;      /* of line, taken so far */
    struct buf bytes[2]; /* what was base64 */
};

/* ------------------------------------------------------------- members -- */

static const json_t *
read_member(struct reader *reader, const char *name, struct error *err)
{
    const json_t *value = json_object_get(reader->line, name);

    if (value == NULL) {
        (void)error_set(err, "\"%s\" is missing", name);
    } else {
        reader->members++;
    }
    return value;
}

static int
read_number(struct reader *reader, const char *name, int64_t min, int64_t max,
            int64_t *value_out, struct error *err)
{
    const json_t *value = read_member(reader, name, err);

    if (value == NULL) {
        return -1;
    }
    *value_out = json_integer_value(value);
    if (!json_is_integer(value) || *value_out < min || *value_out > max) {
        return error_set(err, "\"%s\" is not a whole number from %lld to %lld",
                         name, (long long)min, (long long)max);
    }
    return 0;
}

static int
read_seq(struct reader *reader, const char *name, uint64_t *seq_out,
         struct error *err)
{
    int64_t value;

    if (read_number(reader, name, 1, INT64_MAX, &value, err) != 0) {
        return -1;
    }
    *seq_out = (uint64_t)value;
    return 0;
}

static int
read_flag(struct reader *reader, const char *name, bool *flag_out,
          struct error *err)
{
    const json_t *value = read_member(reader, name, err);

    if (value == NULL) {
        return -1;
    }
    *flag_out = json_is_true(value);
    return json_is_boolean(value)
               ? 0
               : error_set(err, "\"%s\" is neither true nor false", name);
}

static int
read_text(struct reader *reader, const char *name, struct span *text_out,
          struct error *err)
{
    const json_t *value = read_member(reader, name, err);

    if (value == NULL) {
        return -1;
    }
    *text_out = span_of(json_string_value(value), json_string_length(value));
    return json_is_string(value) ? 0
                                 : error_set(err, "\"%s\" is not a text", name);
}

/* A member as it is, or one with "64" behind its name, decoded into spare. */
static int
read_bytes(struct reader *reader, const char *name, struct buf *spare,
           struct span *bytes_out, struct error *err)
{
    char encoded[32];

    (void)snprintf(encoded, sizeof(encoded), "%s64", name);
    if (json_object_get(reader->line, encoded) == NULL) {
        return read_text(reader, name, bytes_out, err);
    }
    if (read_text(reader, encoded, bytes_out, err) != 0) {
        return -1;
    }
    buf_clear(spare);
    if (!base64_decode(*bytes_out, spare)) {
        return error_set(err, "\"%s\" is not base64", encoded);
    }
    *bytes_out = spare->len > 0 ? buf_span(spare) : SPAN("");
    return 0;
}

static int
read_kind(struct reader *reader, enum destination_kind *kind_out,
          struct error *err)
{
    struct span text;

    if (read_text(reader, "kind", &text, err) != 0) {
        return -1;
    }
    for (int i = 0; i < DESTINATION_KIND_COUNT; i++) {
        *kind_out = (enum destination_kind)i;
        if (span_equal(text, span_of_text(destination_kind_name(*kind_out)))) {
            return 0;
        }
    }
    return error_set(err, "\"kind\" is none of queue, topic, tempQueue and "
                          "tempTopic");
}

/* Every member was one that we know: a misspelt one is not passed over. */
static int
read_done(const struct reader *reader, struct error *err)
{
    return reader->members == json_object_size(reader->line)
               ? 0
               : error_set(err, "it has members that do not belong there");
}

/* ------------------------------------------------------------ journals -- */

static struct read_journal *
read_journal_find(struct reader *reader, enum destination_kind kind,
                  struct span name, bool make)
{
    struct read_journal *journal = reader->recent;
    struct buf key = BUF_INIT;

    if (journal != NULL && journal->key[0] == (char)kind &&
        span_equal(span_of(journal->key + 1, journal->key_len - 1), name)) {
        return journal;
    }
    buf_append_char(&key, (char)kind);
    buf_append_span(&key, name);
    HASH_FIND(hh, reader->journals, key.data, key.len, journal);
    if (journal == NULL && make) {
        journal = xcalloc(1, sizeof(*journal) + key.len);
        memcpy(journal->key, key.data, key.len);
        journal->key_len = key.len;
        HASH_ADD(hh, reader->journals, key, key.len, journal);
        if (journal->hh.tbl == NULL) {
            free(journal);
            journal = NULL;
        }
    }
    buf_fini(&key);
    return journal;
}

static int
read_destination(struct reader *reader, enum destination_kind *kind_out,
                 struct span *name_out, struct error *err)
{
    return read_kind(reader, kind_out, err) == 0
               ? read_bytes(reader, "name", &reader->bytes[0], name_out, err)
               : -1;
}

/* --------------------------------------------------------------- lines -- */

static int
read_store(struct reader *reader, struct error *err)
{
    struct store_format format = { .clean = true };
    struct span id;
    int64_t version;
    char text[3] = "";

    if (reader->began) {
        return error_set(err, "the store begins a second time");
    }
    if (read_number(reader, "version", 1, INT64_MAX, &version, err) != 0) {
        return -1;
    }
    if (version > STORE_STREAM_VERSION) {
        return error_set(err,
                         "its version is %lld, this stompctl reads up to %d: "
                         "use the stompctl of the stompd that it is for",
                         (long long)version, STORE_STREAM_VERSION);
    }
    if (read_text(reader, "id", &id, err) != 0 ||
        read_number(reader, "created", INT64_MIN, INT64_MAX, &format.created_ms,
                    err) != 0 ||
        read_done(reader, err) != 0) {
        return -1;
    }
    if (id.len != 2 * sizeof(format.uuid) ||
        strspn(id.data, "0123456789abcdef") != id.len) {
        return error_set(err, "\"id\" is not 32 hexadecimal digits");
    }
    for (size_t i = 0; i < sizeof(format.uuid); i++) {
        memcpy(text, id.data + 2 * i, 2);
        format.uuid[i] = (uint8_t)strtoul(text, NULL, 16);
    }
    reader->began = true;
    return reader->sink->format(reader->sink->ctx, &format, err);
}

static int
read_journal(struct reader *reader, struct error *err)
{
    struct read_journal *journal;
    enum destination_kind kind;
    struct span name;
    uint64_t next;

    if (read_destination(reader, &kind, &name, err) != 0 ||
        read_seq(reader, "next", &next, err) != 0 ||
        read_done(reader, err) != 0) {
        return -1;
    }
    if (read_journal_find(reader, kind, name, false) != NULL) {
        return error_set(err, "this journal was there before");
    }
    journal = read_journal_find(reader, kind, name, true);
    if (journal == NULL) {
        return error_set(err, "out of memory");
    }
    journal->next = next;
    journal->index = (size_t)reader->counts.journals++;
    return reader->sink->journal(reader->sink->ctx, kind, name, next, err);
}

static int
read_definition(struct reader *reader, struct error *err)
{
    struct span name;
    struct span value;

    if (read_bytes(reader, "name", &reader->bytes[0], &name, err) != 0 ||
        read_bytes(reader, "value", &reader->bytes[1], &value, err) != 0 ||
        read_done(reader, err) != 0) {
        return -1;
    }
    if (name.len > STORE_DEFINITION_NAME_MAX) {
        return error_set(err, "\"name\" is longer than %d bytes",
                         STORE_DEFINITION_NAME_MAX);
    }
    reader->counts.definitions++;
    return reader->sink->definition(reader->sink->ctx, name, value, err);
}

static int
read_record_members(struct reader *reader, struct store_record *record,
                    struct error *err)
{
    int64_t priority;

    if (read_seq(reader, "seq", &record->seq, err) != 0 ||
        read_flag(reader, "persistent", &record->persistent, err) != 0 ||
        read_number(reader, "priority", 0, 9, &priority, err) != 0 ||
        read_number(reader, "timestamp", INT64_MIN, INT64_MAX,
                    &record->timestamp_ms, err) != 0 ||
        read_number(reader, "expires", INT64_MIN, INT64_MAX,
                    &record->expires_ms, err) != 0 ||
        read_bytes(reader, "headers", &reader->bytes[0], &record->headers,
                   err) != 0 ||
        read_bytes(reader, "body", &reader->bytes[1], &record->body, err) !=
            0) {
        return -1;
    }
    record->priority = (uint8_t)priority;
    return read_done(reader, err);
}

static int
read_record(struct reader *reader, struct error *err)
{
    struct store_record record = { .seq = 0 };
    struct read_journal *journal;
    enum destination_kind kind;
    struct span name;

    if (read_destination(reader, &kind, &name, err) != 0) {
        return -1;
    }
    journal = read_journal_find(reader, kind, name, false);
    if (journal == NULL) {
        return error_set(err, "no line before it makes this journal");
    }
    if (read_record_members(reader, &record, err) != 0) {
        return -1;
    }
    if (record.seq <= journal->last || record.seq >= journal->next) {
        return error_set(err,
                         "\"seq\" is %llu: after %llu, and before %llu, the "
                         "next one of its journal, was expected",
                         (unsigned long long)record.seq,
                         (unsigned long long)journal->last,
                         (unsigned long long)journal->next);
    }
    journal->last = record.seq;
    reader->recent = journal;
    reader->counts.records++;
    return reader->sink->record(reader->sink->ctx, journal->index, &record,
                                err);
}

static int
read_end(struct reader *reader, struct error *err)
{
    int64_t journals;
    int64_t definitions;
    int64_t records;
    struct span crc;
    char expected[9];

    if (read_number(reader, "journals", 0, INT64_MAX, &journals, err) != 0 ||
        read_number(reader, "definitions", 0, INT64_MAX, &definitions, err) !=
            0 ||
        read_number(reader, "records", 0, INT64_MAX, &records, err) != 0 ||
        read_text(reader, "crc32c", &crc, err) != 0 ||
        read_done(reader, err) != 0) {
        return -1;
    }
    (void)snprintf(expected, sizeof(expected), "%08x", reader->crc);
    reader->ended = true;
    if (!reader->edited &&
        ((uint64_t)journals != reader->counts.journals ||
         (uint64_t)definitions != reader->counts.definitions ||
         (uint64_t)records != reader->counts.records ||
         !span_equal(crc, span_of_text(expected)))) {
        return error_set(err,
                         "what comes before is not what was exported (%llu "
                         "records of %lld, checksum %s of %.16s): bring the "
                         "whole file, or say --edited if it was changed on "
                         "purpose",
                         (unsigned long long)reader->counts.records,
                         (long long)records, expected, crc.data);
    }
    return 0;
}

static int
read_typed(struct reader *reader, struct error *err)
{
    static const struct {
        const char *type;
        int (*read)(struct reader *reader, struct error *err);
    } types[] = {
        { "record", read_record },
        { "journal", read_journal },
        { "definition", read_definition },
        { "store", read_store },
        { "end", read_end },
    };
    struct span type;

    reader->members = 0;
    if (!json_is_object(reader->line)) {
        return error_set(err, "it is not a JSON object");
    }
    if (read_text(reader, "type", &type, err) != 0) {
        return -1;
    }
    if (!reader->began && !span_equal(type, SPAN("store"))) {
        return error_set(err, "an export begins with a line of type \"store\"");
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (span_equal(type, span_of_text(types[i].type))) {
            return types[i].read(reader, err);
        }
    }
    return error_set(err, "\"type\" is none of store, journal, definition, "
                          "record and end");
}

static int
read_line(struct reader *reader, struct span text, struct error *err)
{
    json_error_t fault;
    json_t *line;
    int status;

    if (reader->ended) {
        return error_set(err, "something follows the end");
    }
    line = json_loadb(text.data, text.len,
                      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &fault);
    if (line == NULL) {
        return error_set(err, "it is not a JSON object: %s", fault.text);
    }
    reader->line = line;
    status = read_typed(reader, err);
    json_decref(line);
    reader->crc = crc32c(reader->crc, text.data, text.len);
    return status;
}

static void
read_fini(struct reader *reader)
{
    struct read_journal *journal;
    struct read_journal *next;

    HASH_ITER(hh, reader->journals, journal, next) {
        HASH_DEL(reader->journals, journal);
        free(journal);
    }
    buf_fini(&reader->bytes[0]);
    buf_fini(&reader->bytes[1]);
}

static int
read_rest(const struct reader *reader, FILE *in, struct error *err)
{
    if (ferror(in)) {
        return error_set(err, "cannot read the export: %s", strerror(errno));
    }
    return reader->ended
               ? 0
               : error_set(err, "the export is cut off: its last line, of type "
                                "\"end\", is missing");
}

int
store_stream_read(FILE *in, bool edited, const struct store_stream_sink *sink,
                  struct store_stream_counts *counts_out, struct error *err)
{
    struct reader reader = { .sink = sink,
                             .edited = edited,
                             .bytes = { BUF_INIT, BUF_INIT } };
    struct error fault = ERROR_INIT;
    unsigned number = 0;
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    int status = 0;

    while (status == 0 && (len = getline(&text, &size, in)) > 0) {
        number++;
        status = read_line(&reader, span_of(text, (size_t)len), &fault);
    }
    if (status != 0) {
        (void)error_set_at(err, "", number, 0, "line %u: %s", number,
                           fault.text);
    } else {
        status = read_rest(&reader, in, err);
    }
    free(text);
    *counts_out = reader.counts;
    read_fini(&reader);
    return status;
}
