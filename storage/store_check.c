/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_check.h"

#include "storage/store_check_private.h"
#include "storage/store_leveldb.h"
#include "storage/store_scan.h"
#include "storage/store_stopped.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many entries between two calls of progress. */
enum { CHECK_PROGRESS = 4096 };

static int __attribute__((cold))
check_refuse_newer(const struct store_check *check, const char *what,
                   struct error *err)
{
    return error_set(err,
                     "data directory %s was written by a newer stompd (%s): "
                     "use the stompctl of that version",
                     check->directory, what);
}

static int
check_bad(struct store_check *check, struct span key, struct span value,
          struct error *err)
{
    const struct store_check_sink *sink = check->sink;

    return sink->bad != NULL ? sink->bad(sink->ctx, key, value, err) : 0;
}

/* ------------------------------------------------------------ journals -- */

/* Where number is in journals, or belongs. */
static size_t
check_journal_index(const struct store_check *check, uint32_t number)
{
    size_t low = 0;
    size_t high = check->journal_count;

    /* Records come journal after journal: mostly it is the last one. */
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (check->journals[middle]->number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct store_checked *
store_check_journal(const struct store_check *check, uint32_t number)
{
    size_t index = check_journal_index(check, number);

    return index < check->journal_count &&
                   check->journals[index]->number == number
               ? check->journals[index]
               : NULL;
}

static struct store_checked *
check_journal_add(struct store_check *check, uint32_t number,
                  enum destination_kind kind, struct span name)
{
    struct store_checked *journal = xcalloc(1, sizeof(*journal) + name.len);
    size_t index = check_journal_index(check, number);

    if (check->journal_count == check->journal_capacity) {
        check->journal_capacity =
            check->journal_capacity > 0 ? check->journal_capacity * 2 : 16;
        check->journals =
            xrealloc(check->journals,
                     check->journal_capacity * sizeof(struct store_checked *));
    }
    memmove(&check->journals[index + 1], &check->journals[index],
            (check->journal_count - index) * sizeof(struct store_checked *));
    check->journals[index] = journal;
    check->journal_count++;
    journal->number = number;
    journal->kind = kind;
    journal->name_len = name.len;
    if (name.len > 0) {
        memcpy(journal->name, name.data, name.len);
    }
    return journal;
}

static int
check_journal_tell(struct store_check *check, struct store_checked *journal,
                   struct error *err)
{
    const struct store_check_sink *sink = check->sink;

    return sink->journal != NULL && !journal->removed
               ? sink->journal(sink->ctx, journal, err)
               : 0;
}

static int
check_on_journal(struct store_check *check, uint32_t number, struct span key,
                 struct span value, struct error *err)
{
    struct store_checked *checked;
    struct store_journal journal;

    switch (store_journal_decode(key, value, &journal)) {
    case STORE_DECODE_OK:
        checked = check_journal_add(check, number, journal.kind, journal.name);
        checked->removed = journal.removed;
        checked->head = journal.head;
        checked->counted_to = journal.counted_to;
        checked->next = journal.reserved > 1 ? journal.reserved : 1;
        return check_journal_tell(check, checked, err);
    case STORE_DECODE_NEWER:
        return check_refuse_newer(check, "entry of a journal", err);
    case STORE_DECODE_CORRUPT:
        break;
    }
    store_check_find_journal(check, number);
    return check_bad(check, key, value, err);
}

/* A record of a journal whose entry is lost: says by its headers whose. */
static struct store_checked *
check_journal_found(struct store_check *check, uint32_t number,
                    const struct store_record *record)
{
    enum destination_kind kind = DESTINATION_QUEUE;
    struct store_checked *journal;
    struct span name;
    char made[40];

    if (!store_check_destination(record->headers, &kind, &name)) {
        name = SPAN_NONE;
    }
    for (size_t i = 0; name.data != NULL && i < check->journal_count; i++) {
        if (check->journals[i]->kind == kind &&
            span_equal(store_checked_name(check->journals[i]), name)) {
            name = SPAN_NONE; /* their numbers would meet */
        }
    }
    if (name.data == NULL) {
        (void)snprintf(made, sizeof(made), "RECOVERED.journal-%u", number);
        kind = DESTINATION_QUEUE;
        name = span_of_text(made);
    }
    journal = check_journal_add(check, number, kind, name);
    journal->found = true;
    journal->next = 1;
    store_check_find_orphans(check, journal);
    return journal;
}

/* Blocks come before the records that they count. */
static int
check_on_block(struct store_check *check, uint32_t number, uint64_t block,
               struct span key, struct span value, struct error *err)
{
    struct store_checked *journal = store_check_journal(check, number);
    struct store_head_count count;

    switch (store_block_decode(key, value, &count)) {
    case STORE_DECODE_OK:
        if (journal != NULL &&
            block << STORE_HEAD_BLOCK_SHIFT < journal->counted_to) {
            journal->counted += count.live;
        }
        return 0;
    case STORE_DECODE_NEWER:
        return check_refuse_newer(check, "counts of a journal", err);
    case STORE_DECODE_CORRUPT:
        break;
    }
    store_check_find_block(check, number);
    return check_bad(check, key, value, err);
}

/* ------------------------------------------------------------- records -- */

static void
check_count(struct store_check *check, struct store_checked *journal,
            const struct store_record *record)
{
    if (journal->records++ == 0) {
        journal->first = record->seq;
    }
    journal->last = record->seq;
    journal->below += record->seq < journal->counted_to ? 1 : 0;
    journal->bytes += record->headers.len + record->body.len;
    journal->spilled += record->persistent ? 0 : 1;
    check->records++;
    check->spilled += record->persistent ? 0 : 1;
    check->bytes += record->headers.len + record->body.len;
    if (journal->found) {
        /* What its entry would say at most. */
        journal->next = record->seq + 1 + LDB_RESERVE;
    } else if (journal->next <= record->seq) {
        store_check_find_next(check, journal, record->seq);
        journal->next = record->seq + 1;
    }
}

static int
check_good_record(struct store_check *check, uint32_t number,
                  const struct store_record *record, struct error *err)
{
    const struct store_check_sink *sink = check->sink;
    struct store_checked *journal = store_check_journal(check, number);

    if (journal == NULL) {
        journal = check_journal_found(check, number, record);
        if (check_journal_tell(check, journal, err) != 0) {
            return -1;
        }
    }
    /* Below the head, and what a repair brought back twice, is consumed. */
    if (journal->removed || record->seq < journal->head ||
        (journal->records > 0 && record->seq <= journal->last)) {
        check->ignored++;
        return 0;
    }
    check_count(check, journal, record);
    return sink->record != NULL ? sink->record(sink->ctx, journal, record, err)
                                : 0;
}

static int
check_on_record(struct store_check *check, uint32_t number, uint64_t seq,
                struct span key, struct span value, struct error *err)
{
    struct store_record record;

    switch (store_record_decode(key, value, &record)) {
    case STORE_DECODE_OK:
        return check_good_record(check, number, &record, err);
    case STORE_DECODE_NEWER:
        return check_refuse_newer(check, "record", err);
    case STORE_DECODE_CORRUPT:
        break;
    }
    store_check_find_record(check, number, seq);
    return check_bad(check, key, value, err);
}

/* ---------------------------------------------------------------- rest -- */

static int
check_on_format(struct store_check *check, struct span key, struct span value,
                struct error *err)
{
    const struct store_check_sink *sink = check->sink;

    switch (store_format_decode(key, value, &check->format)) {
    case STORE_DECODE_OK:
        check->has_format = true;
        check->version = (uint8_t)value.data[0];
        return sink->format != NULL
                   ? sink->format(sink->ctx, &check->format, err)
                   : 0;
    case STORE_DECODE_NEWER:
        return check_refuse_newer(check, "format record", err);
    case STORE_DECODE_CORRUPT:
        break;
    }
    return check_bad(check, key, value, err); /* missing, as the end finds */
}

static int
check_on_definition(struct store_check *check, struct span name,
                    struct span key, struct span stored, struct error *err)
{
    const struct store_check_sink *sink = check->sink;
    struct span value;

    switch (store_definition_decode(key, stored, &value)) {
    case STORE_DECODE_OK:
        check->definitions++;
        return sink->definition != NULL
                   ? sink->definition(sink->ctx, name, value, err)
                   : 0;
    case STORE_DECODE_NEWER:
        return check_refuse_newer(check, "definition", err);
    case STORE_DECODE_CORRUPT:
        break;
    }
    store_check_find_definition(check, name);
    return check_bad(check, key, stored, err);
}

static int
check_progress(struct store_check *check, struct error *err)
{
    const struct store_check_sink *sink = check->sink;

    return ++check->entries % CHECK_PROGRESS == 0 && sink->progress != NULL
               ? sink->progress(sink->ctx, check->records, err)
               : 0;
}

static int
check_on_entry(void *ctx, struct span key, struct span value, struct error *err)
{
    struct store_check *check = ctx;
    struct store_key format = store_key_format();
    struct span name;
    uint32_t number;
    uint64_t seq;

    if (check_progress(check, err) != 0) {
        return -1;
    }
    if (store_key_record_parse(key, &number, &seq)) {
        return check_on_record(check, number, seq, key, value, err);
    }
    if (store_key_block_parse(key, &number, &seq)) {
        return check_on_block(check, number, seq, key, value, err);
    }
    if (store_key_queue_parse(key, &number)) {
        return check_on_journal(check, number, key, value, err);
    }
    if (store_definition_key_parse(key, &name)) {
        return check_on_definition(check, name, key, value, err);
    }
    if (span_equal(key, store_key_span(&format))) {
        return check_on_format(check, key, value, err);
    }
    store_check_find_unknown(check, key);
    return check_bad(check, key, value, err);
}

static int
check_on_bad(void *ctx, struct span key, struct span value, struct error *err)
{
    return check_bad(ctx, key, value, err);
}

static int
check_on_damage(void *ctx, const struct store_scan_damage *damage,
                struct error *err)
{
    (void)err;
    store_check_find_part(ctx, damage);
    return 0;
}

int
store_check_run(struct store_check *check, struct store_stopped *stopped,
                const struct store_check_sink *sink, struct error *err)
{
    struct store_scan_visitor visitor = {
        .entry = check_on_entry,
        .bad = check_on_bad,
        .damage = check_on_damage,
        .ctx = check,
    };

    *check =
        (struct store_check){ .sink = sink, .directory = stopped->directory };
    store_check_find_open(check, stopped);
    if (store_scan(&stopped->disk, &visitor, err) != 0) {
        return -1;
    }
    store_check_find_rest(check);
    return 0;
}

void
store_check_fini(struct store_check *check)
{
    for (size_t i = 0; i < check->journal_count; i++) {
        free(check->journals[i]);
    }
    free(check->journals);
    for (size_t i = 0; i < check->finding_count; i++) {
        free(check->findings[i].destination);
        free(check->findings[i].text);
    }
    free(check->findings);
    *check = (struct store_check){ .sink = NULL };
}
