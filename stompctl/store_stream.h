/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store as text: one JSON object on each line, so that it can be looked
 * through and changed with the tools for lines.
 *
 *   {"type":"store","version":1,"id":"...","created":MS}
 *   {"type":"journal","kind":"queue","name":"ORDERS","next":1201}
 *   {"type":"definition","name":"...","value":"..."}
 *   {"type":"record","kind":"queue","name":"ORDERS","seq":17,
 *    "persistent":true,"priority":4,"timestamp":MS,"expires":MS,
 *    "headers":"a:b\n","body":"..."}
 *   {"type":"end","journals":1,"definitions":1,"records":1,"crc32c":"..."}
 *
 * In this order, and a journal before its records, whose numbers rise.  Bytes
 * that are not UTF-8 are written in base64, under the member's name with "64"
 * behind it.  The checksum is of all bytes before the last line.
 */
#pragma once
#include "base/destination_kind.h"
#include "storage/store.h"
#include "storage/store_record.h"

#include <stdint.h>
#include <stdio.h>

enum { STORE_STREAM_VERSION = 1 };

struct store_stream_counts {
    uint64_t journals;
    uint64_t definitions;
    uint64_t records;
};

/* ------------------------------------------------------------- writing -- */

struct store_stream_writer {
    FILE *out;
    struct buf line;
    uint32_t crc;
    struct store_stream_counts counts;
};

/* Each writes a line: 0, or -1 with an error (errno of the stream). */
void store_stream_begin(struct store_stream_writer *writer, FILE *out);
int store_stream_put_format(struct store_stream_writer *writer,
                            const struct store_format *format,
                            struct error *err);
int store_stream_put_journal(struct store_stream_writer *writer,
                             enum destination_kind kind, struct span name,
                             uint64_t next, struct error *err);
int store_stream_put_definition(struct store_stream_writer *writer,
                                struct span name, struct span value,
                                struct error *err);
int store_stream_put_record(struct store_stream_writer *writer,
                            enum destination_kind kind, struct span name,
                            const struct store_record *record,
                            struct error *err);
/* The last line; all has left this process then. */
int store_stream_put_end(struct store_stream_writer *writer, struct error *err);
void store_stream_fini(struct store_stream_writer *writer);

/* ------------------------------------------------------------- reading -- */

/* Gets what the lines say, spans borrowed until it returns; each returns 0, or
 * -1 (err set) to stop.  Journals are numbered from 0 as they come. */
struct store_stream_sink {
    int (*format)(void *ctx, const struct store_format *format,
                  struct error *err);
    int (*journal)(void *ctx, enum destination_kind kind, struct span name,
                   uint64_t next, struct error *err);
    int (*definition)(void *ctx, struct span name, struct span value,
                      struct error *err);
    int (*record)(void *ctx, size_t journal, const struct store_record *record,
                  struct error *err);
    void *ctx;
};

/*
 * Reads all lines to the end.  edited: counts and checksum of the last line are
 * not held against the rest (the line has to be there).  Returns 0 and how much
 * there was, or -1 with an error that names the line (err->line too).  Whatever
 * the bytes are, what the sink gets keeps the rules of the contract: kinds and
 * priorities that are such, each journal once, rising numbers below its next
 * one.
 */
int store_stream_read(FILE *in, bool edited,
                      const struct store_stream_sink *sink,
                      struct store_stream_counts *counts_out,
                      struct error *err);
