/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/store_transfer.h"

#include "base/alloc.h"
#include "storage/store_build.h"
#include "storage/store_place.h"

#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------- export -- */

/* A prioritized queue has a journal for each priority: its name, this mark and
 * the digit (server/core/lane.c). */
enum { TRANSFER_LANE_MARK = 0x01 };

struct transfer_export {
    struct store_export *options;
    struct store_stream_writer writer;
};

static bool
export_is_lane_of(struct span name, struct span queue)
{
    return name.len == queue.len + 2 && span_starts_with(name, queue) &&
           name.data[queue.len] == TRANSFER_LANE_MARK;
}

static bool
export_wants(const struct store_export *options,
             const struct store_checked *journal)
{
    struct span name = store_checked_name(journal);

    if (options->queue_count == 0) {
        return true;
    }
    if (!destination_kind_is_queue(journal->kind)) {
        return false;
    }
    for (size_t i = 0; i < options->queue_count; i++) {
        struct span queue = span_of_text(options->queues[i]);

        if (span_equal(name, queue) || export_is_lane_of(name, queue)) {
            return true;
        }
    }
    return false;
}

static int
export_on_format(void *ctx, const struct store_format *format,
                 struct error *err)
{
    struct transfer_export *export = ctx;

    return store_stream_put_format(&export->writer, format, err);
}

static int
export_on_journal(void *ctx, struct store_checked *journal, struct error *err)
{
    struct transfer_export *export = ctx;

    return export_wants(export->options, journal)
               ? store_stream_put_journal(&export->writer, journal->kind,
                                          store_checked_name(journal),
                                          journal->next, err)
               : 0;
}

static int
export_on_definition(void *ctx, struct span name, struct span value,
                     struct error *err)
{
    struct transfer_export *export = ctx;

    return export->options->queue_count == 0
               ? store_stream_put_definition(&export->writer, name, value, err)
               : 0;
}

static int
export_on_record(void *ctx, const struct store_checked *journal,
                 const struct store_record *record, struct error *err)
{
    struct transfer_export *export = ctx;

    return export_wants(export->options, journal)
               ? store_stream_put_record(&export->writer, journal->kind,
                                         store_checked_name(journal), record,
                                         err)
               : 0;
}

static int
export_on_progress(void *ctx, uint64_t records, struct error *err)
{
    const struct transfer_export *export = ctx;

    return export->options->progress != NULL
               ? export->options->progress(NULL, records, err)
               : 0;
}

int
store_export_run(struct store_export *options, struct store_stopped *stopped,
                 FILE *out, struct error *err)
{
    struct transfer_export export = { .options = options };
    struct store_check_sink sink = {
        .format = export_on_format,
        .journal = export_on_journal,
        .definition = export_on_definition,
        .record = export_on_record,
        .progress = export_on_progress,
        .ctx = &export,
    };
    struct store_check check;
    int status;

    store_stream_begin(&export.writer, out);
    status = store_check_run(&check, stopped, &sink, err);
    if (status == 0 && check.finding_total > 0) {
        status = error_set(err,
                           "the store is damaged, so this export is not whole "
                           "(%s): run \"stompctl store repair %s\" first",
                           check.findings[0].text, check.directory);
    }
    if (status == 0) {
        status = store_stream_put_end(&export.writer, err);
    }
    options->counts = export.writer.counts;
    store_check_fini(&check);
    store_stream_fini(&export.writer);
    return status;
}

/* -------------------------------------------------------------- import -- */

struct transfer_import {
    struct store_import *options;
    struct store_build *build;
    struct store_format *format;
    uint64_t lines;
};

enum { IMPORT_PROGRESS = 4096 };

static int
import_on_format(void *ctx, const struct store_format *format,
                 struct error *err)
{
    struct transfer_import *import = ctx;

    (void)err;
    *import->format = *format;
    return 0;
}

static int
import_on_journal(void *ctx, enum destination_kind kind, struct span name,
                  uint64_t next, struct error *err)
{
    struct transfer_import *import = ctx;
    size_t journal; /* both count from 0 in the same order */

    return store_build_journal(import->build, kind, name, next, &journal, err);
}

static int
import_on_definition(void *ctx, struct span name, struct span value,
                     struct error *err)
{
    struct transfer_import *import = ctx;

    return store_build_definition(import->build, name, value, err);
}

static int
import_on_record(void *ctx, size_t journal, const struct store_record *record,
                 struct error *err)
{
    struct transfer_import *import = ctx;

    if (++import->lines % IMPORT_PROGRESS == 0 &&
        import->options->progress != NULL &&
        import->options->progress(NULL, import->lines, err) != 0) {
        return -1;
    }
    return store_build_record(import->build, journal, record, err);
}

int
store_import_into(struct store_import *options, struct store_build *build,
                  FILE *in, struct store_format *format_out, struct error *err)
{
    struct transfer_import import = { .options = options,
                                      .build = build,
                                      .format = format_out };
    struct store_stream_sink sink = {
        .format = import_on_format,
        .journal = import_on_journal,
        .definition = import_on_definition,
        .record = import_on_record,
        .ctx = &import,
    };

    return store_stream_read(in, options->edited, &sink, &options->counts, err);
}

static int
import_build(struct store_import *options, const char *place, FILE *in,
             struct error *err)
{
    struct store_format format;
    struct store_build *build;

    if (store_build_open(&store_leveldb, place, &build, err) != 0) {
        return -1;
    }
    if (store_import_into(options, build, in, &format, err) != 0) {
        store_build_abandon(&build);
        return -1;
    }
    if (store_build_finish(&build, err) != 0) {
        return -1;
    }
    return store_place_format(place, &format, err);
}

int
store_import_run(struct store_import *options, const char *directory, FILE *in,
                 struct error *err)
{
    char *place = store_place_empty(directory, err) == 0
                      ? store_place_make(directory, STORE_PLACE_IMPORTING, err)
                      : NULL;
    int status;

    if (place == NULL) {
        return -1;
    }
    status = import_build(options, place, in, err);
    if (status == 0) {
        status = store_place_move(place, directory, NULL, err);
    }
    free(place);
    return status;
}
