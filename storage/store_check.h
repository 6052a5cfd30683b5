/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stopped store holds and what of it cannot be read: the one way over
 * all entries that verifying, exporting and repairing share.  What is good is
 * handed to a sink, what is not becomes a finding that says what is affected.
 */
#pragma once
#include "base/destination_kind.h"
#include "base/error.h"
#include "base/span.h"
#include "storage/store_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_stopped;

/* Findings that are kept with their text; more are counted. */
enum { STORE_CHECK_FINDINGS = 1000 };

/* One journal. */
struct store_checked {
    uint32_t number; /* in the keys */
    enum destination_kind kind;
    bool removed;  /* being purged: what is left of it does not count */
    bool found;    /* its entry is lost; kind and name are from its records */
    uint64_t head; /* of its entry */
    uint64_t next; /* next to be given out */
    uint64_t counted_to; /* of its entry */
    uint64_t counted;    /* records below counted_to, by its blocks */
    uint64_t below;      /* and as they were found */
    uint64_t records;
    uint64_t bytes;       /* headers and bodies */
    uint64_t spilled;     /* of records, those that are not persistent */
    uint64_t first, last; /* of records; 0 when there is none */
    uint64_t damaged;     /* records seen that cannot be read */
    size_t tag;           /* the sink's */
    size_t name_len;
    char name[];
};

static inline struct span
store_checked_name(const struct store_checked *journal)
{
    return span_of(journal->name, journal->name_len);
}

struct store_finding {
    const char *what;   /* "part", "record", "journal", "definition", ... */
    char *destination;  /* as "/queue/ORDERS", escaped; NULL: none, or many */
    uint64_t from, to;  /* numbers; 0 and 0: does not apply */
    uint64_t lost;      /* records, when it is known; else 0 */
    uint64_t lost_most; /* not more than so many; 0: not known */
    char *text;         /* one sentence */
};

/*
 * Gets what is good, in the order of keys: the format, journals, definitions,
 * records by journal and number.  Any of them may be NULL.  Spans are borrowed
 * until the callback returns; journals until the check is freed.  Each returns
 * 0, or -1 (err set) to stop the check.
 */
struct store_check_sink {
    int (*format)(void *ctx, const struct store_format *format,
                  struct error *err);
    int (*journal)(void *ctx, struct store_checked *journal, struct error *err);
    int (*definition)(void *ctx, struct span name, struct span value,
                      struct error *err);
    int (*record)(void *ctx, const struct store_checked *journal,
                  const struct store_record *record, struct error *err);
    /* What cannot be read; key may be damaged too. */
    int (*bad)(void *ctx, struct span key, struct span value,
               struct error *err);
    /* Now and then; records: so many so far. */
    int (*progress)(void *ctx, uint64_t records, struct error *err);
    void *ctx;
};

struct store_check {
    bool has_format;
    unsigned version; /* of the format record */
    struct store_format format;
    struct store_checked **journals; /* by number */
    size_t journal_count;
    size_t journal_capacity;
    uint64_t definitions;
    uint64_t records;
    uint64_t bytes;
    uint64_t spilled; /* of records, those that are not persistent */
    uint64_t ignored; /* records that do not count any more, and are no loss */
    struct store_finding *findings;
    size_t finding_count; /* at most STORE_CHECK_FINDINGS are kept */
    size_t finding_capacity;
    size_t finding_total;
    /* The check's own. */
    const struct store_check_sink *sink;
    const char *directory;
    uint64_t entries;
};

/* Checks all of it.  Returns 0, whatever was found, or -1 when it could not be
 * done or the sink stopped it: written by a newer version, interrupted.  check
 * is to be finished with store_check_fini in any case. */
int store_check_run(struct store_check *check, struct store_stopped *stopped,
                    const struct store_check_sink *sink, struct error *err);
void store_check_fini(struct store_check *check);
