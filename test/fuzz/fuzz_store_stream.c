/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the reader of exports.  What must hold: whatever the bytes are, what
 * is handed on keeps the rules of the storage contract; and what was taken can
 * be written and read again, checksum and all, to the same text.
 */
#include "stompctl/store_stream.h"

#include "test/fuzz/fuzz_target.h"

#include <assert.h>
#include <stdlib.h>

enum { FUZZ_JOURNALS = 64 };

struct fuzz_stream {
    struct store_stream_writer writer;
    struct {
        enum destination_kind kind;
        struct buf name;
        uint64_t next;
        uint64_t last;
    } journals[FUZZ_JOURNALS];
    size_t count;
};

static int
fuzz_on_format(void *ctx, const struct store_format *format, struct error *err)
{
    struct fuzz_stream *stream = ctx;

    return store_stream_put_format(&stream->writer, format, err);
}

static int
fuzz_on_journal(void *ctx, enum destination_kind kind, struct span name,
                uint64_t next, struct error *err)
{
    struct fuzz_stream *stream = ctx;

    assert((unsigned)kind < (unsigned)DESTINATION_KIND_COUNT && next >= 1);
    for (size_t i = 0; i < stream->count; i++) {
        assert(stream->journals[i].kind != kind ||
               !span_equal(buf_span(&stream->journals[i].name), name));
    }
    if (stream->count == FUZZ_JOURNALS) {
        return error_set(err, "enough");
    }
    stream->journals[stream->count].kind = kind;
    stream->journals[stream->count].next = next;
    buf_append_span(&stream->journals[stream->count].name, name);
    stream->count++;
    return store_stream_put_journal(&stream->writer, kind, name, next, err);
}

static int
fuzz_on_definition(void *ctx, struct span name, struct span value,
                   struct error *err)
{
    struct fuzz_stream *stream = ctx;

    assert(name.len <= STORE_DEFINITION_NAME_MAX && value.data != NULL);
    return store_stream_put_definition(&stream->writer, name, value, err);
}

static int
fuzz_on_record(void *ctx, size_t journal, const struct store_record *record,
               struct error *err)
{
    struct fuzz_stream *stream = ctx;

    assert(journal < stream->count && record->priority <= 9);
    assert(record->seq > stream->journals[journal].last);
    assert(record->seq < stream->journals[journal].next);
    assert(record->headers.data != NULL && record->body.data != NULL);
    stream->journals[journal].last = record->seq;
    return store_stream_put_record(
        &stream->writer, stream->journals[journal].kind,
        buf_span(&stream->journals[journal].name), record, err);
}

/* Reads text; what is taken comes out as *text_out (to free).  Returns whether
 * all of it was. */
static bool
fuzz_read(struct span text, bool edited, char **text_out, size_t *size_out)
{
    struct fuzz_stream stream = { .count = 0 };
    struct store_stream_sink sink = { fuzz_on_format, fuzz_on_journal,
                                      fuzz_on_definition, fuzz_on_record,
                                      &stream };
    struct error err = ERROR_INIT;
    struct store_stream_counts counts;
    FILE *in = fmemopen((void *)(uintptr_t)text.data, text.len, "r");
    FILE *out = open_memstream(text_out, size_out);
    bool ok;

    assert(in != NULL && out != NULL);
    store_stream_begin(&stream.writer, out);
    ok = store_stream_read(in, edited, &sink, &counts, &err) == 0;
    assert(ok == (err.text[0] == '\0'));
    if (ok) {
        assert(counts.journals == stream.count);
        assert(store_stream_put_end(&stream.writer, &err) == 0);
    }
    store_stream_fini(&stream.writer);
    (void)fclose(out);
    (void)fclose(in);
    for (size_t i = 0; i < stream.count; i++) {
        buf_fini(&stream.journals[i].name);
    }
    return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *first = NULL;
    char *second = NULL;
    size_t first_size = 0;
    size_t second_size = 0;

    if (size > 0 && fuzz_read(span_of((const char *)data, size), true, &first,
                              &first_size)) {
        assert(fuzz_read(span_of(first, first_size), false, &second,
                         &second_size));
        assert(span_equal(span_of(first, first_size),
                          span_of(second, second_size)));
    }
    free(first);
    free(second);
    return 0;
}
