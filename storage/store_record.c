/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_record.h"

#include "storage/crc32c.h"

#include <assert.h>

enum {
    KEY_FORMAT = 0x00,
    KEY_QUEUE = 0x01,
    KEY_DEFINITION = 0x02,
    KEY_BLOCK = 0x08,
    KEY_RECORD = 0x10,
    KEY_QUEUE_SIZE = 5,
    KEY_NUMBERED_SIZE = 13, /* of a block or a record */

    PREFIX_SIZE = 8, /* version, three bytes, crc */
    CRC_OFFSET = 4,
    BLOCK_SIZE = PREFIX_SIZE + 16,
    JOURNAL_SIZE_1 = PREFIX_SIZE + 16, /* of version 1 */
    JOURNAL_SIZE = JOURNAL_SIZE_1 + 8,
    FORMAT_SIZE = PREFIX_SIZE + STORE_UUID_SIZE + 16,

    RECORD_PERSISTENT = 1 << 0,
    JOURNAL_REMOVED = 1 << 0,
    FORMAT_CLEAN = 1 << 0,
};

static void
put_u32(char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        to[i] = (char)(uint8_t)(value >> (24 - 8 * i));
    }
}

static void
put_u64(char *to, uint64_t value)
{
    put_u32(to, (uint32_t)(value >> 32));
    put_u32(to + 4, (uint32_t)value);
}

static uint32_t
get_u32(const char *from)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        value = value << 8 | (uint8_t)from[i];
    }
    return value;
}

static uint64_t
get_u64(const char *from)
{
    return (uint64_t)get_u32(from) << 32 | get_u32(from + 4);
}

/* --------------------------------------------------------------- keys -- */

struct store_key
store_key_format(void)
{
    return (struct store_key){ .bytes = { KEY_FORMAT, 'V' }, .len = 2 };
}

struct store_key
store_key_synced(void)
{
    return (struct store_key){ .bytes = { KEY_FORMAT, 'S' }, .len = 2 };
}

struct store_key
store_key_queue(uint32_t journal)
{
    struct store_key key = { .bytes = { KEY_QUEUE }, .len = KEY_QUEUE_SIZE };

    put_u32(key.bytes + 1, journal);
    return key;
}

static struct store_key
store_key_numbered(char kind, uint32_t journal, uint64_t number)
{
    struct store_key key = { .bytes = { kind }, .len = KEY_NUMBERED_SIZE };

    put_u32(key.bytes + 1, journal);
    put_u64(key.bytes + KEY_QUEUE_SIZE, number);
    return key;
}

struct store_key
store_key_block(uint32_t journal, uint64_t number)
{
    return store_key_numbered(KEY_BLOCK, journal, number);
}

struct store_key
store_key_record(uint32_t journal, uint64_t seq)
{
    return store_key_numbered(KEY_RECORD, journal, seq);
}

struct store_key
store_key_queues_begin(void)
{
    return (struct store_key){ .bytes = { KEY_QUEUE }, .len = 1 };
}

struct store_key
store_key_queues_end(void)
{
    return (struct store_key){ .bytes = { KEY_QUEUE + 1 }, .len = 1 };
}

bool
store_key_queue_parse(struct span key, uint32_t *journal_out)
{
    if (key.len != KEY_QUEUE_SIZE || key.data[0] != KEY_QUEUE) {
        return false;
    }
    *journal_out = get_u32(key.data + 1);
    return true;
}

static bool
store_key_numbered_parse(char kind, struct span key, uint32_t *journal_out,
                         uint64_t *number_out)
{
    if (key.len != KEY_NUMBERED_SIZE || key.data[0] != kind) {
        return false;
    }
    *journal_out = get_u32(key.data + 1);
    *number_out = get_u64(key.data + KEY_QUEUE_SIZE);
    return true;
}

bool
store_key_block_parse(struct span key, uint32_t *journal_out,
                      uint64_t *number_out)
{
    return store_key_numbered_parse(KEY_BLOCK, key, journal_out, number_out);
}

bool
store_key_record_parse(struct span key, uint32_t *journal_out,
                       uint64_t *seq_out)
{
    return store_key_numbered_parse(KEY_RECORD, key, journal_out, seq_out);
}

/* ------------------------------------------------------------- values -- */

static uint32_t
value_crc(struct span key, struct span value)
{
    uint32_t crc = crc32c(0, key.data, key.len);

    crc = crc32c(crc, value.data, CRC_OFFSET);
    return crc32c(crc, value.data + PREFIX_SIZE, value.len - PREFIX_SIZE);
}

/* The value is in out from start on, but for its checksum. */
static void
value_seal(struct span key, struct buf *out, size_t start)
{
    struct span value = span_of(out->data + start, out->len - start);

    put_u32(out->data + start + CRC_OFFSET, value_crc(key, value));
}

bool
store_value_is_intact(struct span key, struct span value)
{
    return value.len >= PREFIX_SIZE &&
           get_u32(value.data + CRC_OFFSET) == value_crc(key, value);
}

static enum store_decode
value_check(struct span key, struct span value, uint8_t version)
{
    if (!store_value_is_intact(key, value)) {
        return STORE_DECODE_CORRUPT;
    }
    if ((uint8_t)value.data[0] > version) {
        return STORE_DECODE_NEWER;
    }
    return value.data[0] == 0 ? STORE_DECODE_CORRUPT : STORE_DECODE_OK;
}

void
store_record_encode(const struct store_record *record, struct span key,
                    struct buf *out)
{
    size_t start = out->len;
    char *to;

    assert(record->headers.len <= UINT32_MAX && record->body.len <= UINT32_MAX);
    to = buf_reserve(out, STORE_RECORD_HEADER_SIZE + record->headers.len +
                              record->body.len);
    to[0] = STORE_RECORD_VERSION;
    to[1] = record->persistent ? RECORD_PERSISTENT : 0;
    to[2] = (char)record->priority;
    to[3] = 0;
    put_u64(to + 8, (uint64_t)record->timestamp_ms);
    put_u64(to + 16, (uint64_t)record->expires_ms);
    put_u32(to + 24, (uint32_t)record->headers.len);
    put_u32(to + 28, (uint32_t)record->body.len);
    out->len += STORE_RECORD_HEADER_SIZE;
    buf_append_span(out, record->headers);
    buf_append_span(out, record->body);
    value_seal(key, out, start);
}

enum store_decode
store_record_decode(struct span key, struct span value,
                    struct store_record *record_out)
{
    enum store_decode decode = value_check(key, value, STORE_RECORD_VERSION);
    uint32_t journal;
    uint64_t seq;
    uint64_t headers_len;
    uint64_t body_len;

    if (decode != STORE_DECODE_OK) {
        return decode;
    }
    if (value.len < STORE_RECORD_HEADER_SIZE ||
        !store_key_record_parse(key, &journal, &seq)) {
        return STORE_DECODE_CORRUPT;
    }
    headers_len = get_u32(value.data + 24);
    body_len = get_u32(value.data + 28);
    if (value.len - STORE_RECORD_HEADER_SIZE != headers_len + body_len) {
        return STORE_DECODE_CORRUPT;
    }
    *record_out = (struct store_record){
        .seq = seq,
        .persistent = ((uint8_t)value.data[1] & RECORD_PERSISTENT) != 0,
        .priority = (uint8_t)value.data[2],
        .timestamp_ms = (int64_t)get_u64(value.data + 8),
        .expires_ms = (int64_t)get_u64(value.data + 16),
        .headers = span_of(value.data + STORE_RECORD_HEADER_SIZE, headers_len),
        .body = span_of(value.data + STORE_RECORD_HEADER_SIZE + headers_len,
                        body_len),
    };
    return STORE_DECODE_OK;
}

bool
store_record_looks_kept(struct span value)
{
    return value.len >= STORE_RECORD_HEADER_SIZE &&
           value.data[0] == STORE_RECORD_VERSION &&
           ((uint8_t)value.data[1] & RECORD_PERSISTENT) != 0;
}

void
store_block_encode(struct store_head_count count, struct span key,
                   struct buf *out)
{
    size_t start = out->len;
    char *to = buf_reserve(out, BLOCK_SIZE);

    to[0] = STORE_RECORD_VERSION;
    to[1] = 0;
    to[2] = 0;
    to[3] = 0;
    put_u32(to + PREFIX_SIZE, count.live);
    put_u32(to + PREFIX_SIZE + 4, count.spilled);
    put_u64(to + PREFIX_SIZE + 8, count.bytes);
    out->len += BLOCK_SIZE;
    value_seal(key, out, start);
}

enum store_decode
store_block_decode(struct span key, struct span value,
                   struct store_head_count *count_out)
{
    enum store_decode decode = value_check(key, value, STORE_RECORD_VERSION);
    uint32_t live;
    uint32_t spilled;

    if (decode != STORE_DECODE_OK) {
        return decode;
    }
    if (value.len != BLOCK_SIZE) {
        return STORE_DECODE_CORRUPT;
    }
    live = get_u32(value.data + PREFIX_SIZE);
    spilled = get_u32(value.data + PREFIX_SIZE + 4);
    if (live > STORE_HEAD_BLOCK_SIZE || spilled > live) {
        return STORE_DECODE_CORRUPT;
    }
    *count_out = (struct store_head_count){
        .live = (uint16_t)live,
        .spilled = (uint16_t)spilled,
        .bytes = get_u64(value.data + PREFIX_SIZE + 8),
    };
    return STORE_DECODE_OK;
}

void
store_journal_encode(const struct store_journal *journal, struct span key,
                     struct buf *out)
{
    size_t start = out->len;
    char *to = buf_reserve(out, JOURNAL_SIZE + journal->name.len);

    to[0] = STORE_JOURNAL_VERSION;
    to[1] = journal->removed ? JOURNAL_REMOVED : 0;
    to[2] = (char)journal->kind;
    to[3] = 0;
    put_u64(to + 8, journal->head);
    put_u64(to + 16, journal->reserved);
    put_u64(to + 24, journal->counted_to);
    out->len += JOURNAL_SIZE;
    buf_append_span(out, journal->name);
    value_seal(key, out, start);
}

enum store_decode
store_journal_decode(struct span key, struct span value,
                     struct store_journal *journal_out)
{
    enum store_decode decode = value_check(key, value, STORE_JOURNAL_VERSION);
    bool first = decode == STORE_DECODE_OK && value.data[0] == 1;
    size_t size = first ? JOURNAL_SIZE_1 : JOURNAL_SIZE;

    if (decode != STORE_DECODE_OK) {
        return decode;
    }
    if (value.len < size || (uint8_t)value.data[2] >= DESTINATION_KIND_COUNT) {
        return STORE_DECODE_CORRUPT;
    }
    *journal_out = (struct store_journal){
        .kind = (enum destination_kind)(uint8_t)value.data[2],
        .removed = ((uint8_t)value.data[1] & JOURNAL_REMOVED) != 0,
        .head = get_u64(value.data + 8),
        .reserved = get_u64(value.data + 16),
        .counted_to = first ? 0 : get_u64(value.data + 24),
        .name = span_after(value, size),
    };
    return STORE_DECODE_OK;
}

void
store_definition_key(struct span name, struct buf *out)
{
    buf_append_char(out, KEY_DEFINITION);
    buf_append_span(out, name);
}

bool
store_definition_key_parse(struct span key, struct span *name_out)
{
    if (key.len == 0 || key.data[0] != KEY_DEFINITION) {
        return false;
    }
    *name_out = span_after(key, 1);
    return true;
}

void
store_definition_encode(struct span value, struct span key, struct buf *out)
{
    size_t start = out->len;
    char *to = buf_reserve(out, PREFIX_SIZE + value.len);

    to[0] = STORE_RECORD_VERSION;
    to[1] = 0;
    to[2] = 0;
    to[3] = 0;
    out->len += PREFIX_SIZE;
    buf_append_span(out, value);
    value_seal(key, out, start);
}

enum store_decode
store_definition_decode(struct span key, struct span stored,
                        struct span *value_out)
{
    enum store_decode decode = value_check(key, stored, STORE_RECORD_VERSION);

    if (decode == STORE_DECODE_OK) {
        *value_out = span_after(stored, PREFIX_SIZE);
    }
    return decode;
}

void
store_format_encode(const struct store_format *format, struct span key,
                    struct buf *out)
{
    size_t start = out->len;
    char *to = buf_reserve(out, FORMAT_SIZE);

    to[0] = STORE_FORMAT_VERSION;
    to[1] = format->clean ? FORMAT_CLEAN : 0;
    to[2] = 0;
    to[3] = 0;
    memcpy(to + PREFIX_SIZE, format->uuid, STORE_UUID_SIZE);
    put_u64(to + PREFIX_SIZE + STORE_UUID_SIZE, (uint64_t)format->created_ms);
    put_u64(to + PREFIX_SIZE + STORE_UUID_SIZE + 8, format->epoch);
    out->len += FORMAT_SIZE;
    value_seal(key, out, start);
}

enum store_decode
store_format_decode(struct span key, struct span value,
                    struct store_format *format_out)
{
    enum store_decode decode = value_check(key, value, STORE_FORMAT_VERSION);
    const char *from;

    if (decode != STORE_DECODE_OK) {
        return decode;
    }
    if (value.len != FORMAT_SIZE) {
        return STORE_DECODE_CORRUPT;
    }
    from = value.data + PREFIX_SIZE + STORE_UUID_SIZE;
    memcpy(format_out->uuid, value.data + PREFIX_SIZE, STORE_UUID_SIZE);
    format_out->created_ms = (int64_t)get_u64(from);
    format_out->epoch = get_u64(from + 8);
    format_out->clean = ((uint8_t)value.data[1] & FORMAT_CLEAN) != 0;
    return STORE_DECODE_OK;
}
