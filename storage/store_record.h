/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on the disk: keys and values of an embedded journal.  Pure functions
 * of bytes; a length that was read is never trusted before it was checked
 * against the bytes that are there.
 *
 * Keys (integers big-endian, so that byte order is number order):
 *
 *     00 'S'                  never there; see store_leveldb_tail.c
 *     00 'V'                  the format record
 *     01 journal:4            one journal: its name and cursors
 *     02 name                 one definition
 *     08 journal:4 number:8   how many records a block of a journal has
 *     10 journal:4 seq:8      one record
 *
 * Every value begins with 8 bytes that all versions keep, so that an older
 * program can tell a newer value from a damaged one:
 *
 *     version:1 three:3 crc:4   crc32c over the key and all but crc itself
 *
 * A record's value goes on with timestamp:8 expires:8 headers:4 body:4 (that
 * makes 32), the header lines and the body; its first three bytes after the
 * version are flags, priority and 0.
 *
 * A block is 1024 numbers: those of seq >> 10 == number.  Its value goes on
 * with live:4 spilled:4 bytes:8: its records, those of them that are not
 * persistent, and the headers and bodies of all.  The blocks of a journal are
 * exact for the records below its entry's counted_to: a delete there is in one
 * WriteBatch with its block, and so is an entry that moves counted_to on with
 * the blocks it moves over.  A block without records there has no key.
 *
 * Records from counted_to on are counted at the start, all when it is 0: so it
 * is with entries of version 1, and a tool that changes records sets it to 0;
 * what blocks there are is not looked at then.
 *
 * Who changes a layout raises its version and that of the format record, keeps
 * the old decoder and adds a case to test_store_record.c.
 */
#pragma once
#include "base/buf.h"
#include "base/span.h"
#include "storage/store.h"
#include "storage/store_head.h"

enum {
    STORE_RECORD_VERSION = 1,
    STORE_RECORD_HEADER_SIZE = 32,
    STORE_JOURNAL_VERSION = 2,
    STORE_FORMAT_VERSION = 2, /* 1: without blocks */
    STORE_UUID_SIZE = 16,
};

/* The whole key of one kind; a prefix of it is a range. */
struct store_key {
    char bytes[13];
    uint8_t len;
};

static inline struct span
store_key_span(const struct store_key *key)
{
    return span_of(key->bytes, key->len);
}

struct store_key store_key_format(void);
struct store_key store_key_synced(void);
struct store_key store_key_queue(uint32_t journal);
struct store_key store_key_block(uint32_t journal, uint64_t number);
struct store_key store_key_record(uint32_t journal, uint64_t seq);
/* The first key of all queues, and the first after them. */
struct store_key store_key_queues_begin(void);
struct store_key store_key_queues_end(void);

/* False when key is not one of these. */
bool store_key_queue_parse(struct span key, uint32_t *journal_out);
bool store_key_block_parse(struct span key, uint32_t *journal_out,
                           uint64_t *number_out);
bool store_key_record_parse(struct span key, uint32_t *journal_out,
                            uint64_t *seq_out);

enum store_decode {
    STORE_DECODE_OK,
    STORE_DECODE_CORRUPT, /* checksum or lengths are wrong */
    STORE_DECODE_NEWER,   /* intact, but of a version that is not known here */
};

/* Appends record's value to out.  Headers and body are below 4 GiB. */
void store_record_encode(const struct store_record *record, struct span key,
                         struct buf *out);

/* The spans of *record_out are borrowed from value; seq comes from key. */
enum store_decode store_record_decode(struct span key, struct span value,
                                      struct store_record *record_out);

/* Whether value is, by its first bytes alone, a persistent record of this
 * version.  For counting; says nothing about what it holds. */
bool store_record_looks_kept(struct span value);

/* The records of one block. */
void store_block_encode(struct store_head_count count, struct span key,
                        struct buf *out);
enum store_decode store_block_decode(struct span key, struct span value,
                                     struct store_head_count *count_out);

/* What a journal's own entry says. */
struct store_journal {
    enum destination_kind kind;
    bool removed;        /* being purged; what is left of it does not count */
    uint64_t head;       /* no record is there below it */
    uint64_t reserved;   /* no seq at or above it was ever used */
    uint64_t counted_to; /* below it the blocks say what is there */
    struct span name;    /* decode: borrowed from value */
};
void store_journal_encode(const struct store_journal *journal, struct span key,
                          struct buf *out);
enum store_decode store_journal_decode(struct span key, struct span value,
                                       struct store_journal *journal_out);

/* A definition: a value under a name.  The key of a name, appended to out; of a
 * prefix the first key that may have it. */
void store_definition_key(struct span name, struct buf *out);
/* False when key is not that of a definition; name borrowed from key. */
bool store_definition_key_parse(struct span key, struct span *name_out);
void store_definition_encode(struct span value, struct span key,
                             struct buf *out);
/* *value_out is borrowed from stored. */
enum store_decode store_definition_decode(struct span key, struct span stored,
                                          struct span *value_out);

/* The format record: whose directory this is, and how it was left. */
struct store_format {
    uint8_t uuid[STORE_UUID_SIZE]; /* of this broker's data, for good */
    int64_t created_ms;
    uint64_t epoch; /* opened so many times */
    bool clean;     /* closed in good order */
};
void store_format_encode(const struct store_format *format, struct span key,
                         struct buf *out);
enum store_decode store_format_decode(struct span key, struct span value,
                                      struct store_format *format_out);

/* Whether value, of whatever kind and version, is the one that was written
 * under key: its checksum alone. */
bool store_value_is_intact(struct span key, struct span value);
